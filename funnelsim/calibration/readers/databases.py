"""A query of a database → a table; its password is told to the database and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from funnelsim.calibration.readers.cells import text_of
from funnelsim.calibration.readers.text_tables import distinct_names
from funnelsim.errors import DataError, Problem

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, TextClause

__all__ = ["is_url", "read_query"]

CHUNK = 100_000
SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)
SHOWN = 10
REACH = "Check its address, name and password, and that the server is running."
# also one that is not quite right: what could hold a password is never taken for a file
URL_LIKE = re.compile(r"[A-Za-z][\w+.-]*:(?://|/?[^/\\@]*:[^@]*@)")


def is_url(source: object) -> bool:
    """Whether a source is the URL of a database.

    Examples
    --------
    >>> is_url("postgresql+psycopg://anna:secret@crm/sales"), is_url("deals.csv")
    (True, False)
    """
    return isinstance(source, str) and URL_LIKE.match(source) is not None


def read_query(url: str, query: str | None) -> tuple[pd.DataFrame, str]:
    """Ask a database; nothing that the query changes there lasts.

    Parameters
    ----------
    url : str
        As SQLAlchemy writes it: ``sqlite:///crm.db``, ``postgresql+psycopg://…``.
    query : str, optional
        SQL that returns rows.

    Returns
    -------
    tuple of pandas.DataFrame and str
        The rows as text, and the name of the database without user, password and folder.

    Raises
    ------
    DataError
        What went wrong, without the password.

    Examples
    --------
    >>> read_query("sqlite:///no-such.db", "SELECT 1")
    Traceback (most recent call last):
    funnelsim.errors.DataError: sqlite no-such.db: there is no such file
    """
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        address = make_url(url)
    except (SQLAlchemyError, ValueError):
        fix = "Write sqlite:///file.db or postgresql+psycopg://user:password@host/database."
        message = "the URL of the database cannot be read"
        raise DataError(Problem(message, "database", fix=fix)) from None
    name = _shown(address)
    if address.get_backend_name() == "sqlite" and not _there(address):
        raise DataError(Problem("there is no such file", name))
    problem, fix = "", REACH
    try:
        engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
        with engine.connect() as connection:
            fix = ""
            if not (query and query.strip()):
                raise DataError(_unasked(connection, name))
            frame = _answer(connection.execution_options(stream_results=True), text(query), name)
            connection.rollback()
    except (SQLAlchemyError, ImportError) as error:
        problem = _without_secrets(error, address)
    if problem:  # raised here, where no error with the password stands behind it
        failed = "cannot be reached" if fix else "the query failed"
        raise DataError(Problem(f"{failed}: {problem}", name, fix=fix))
    return frame, name


def _answer(connection: Connection, query: TextClause, name: str) -> pd.DataFrame:
    """Return the rows of a query as text, read in parts."""
    result = connection.execute(query)
    if not result.returns_rows:
        raise DataError(Problem("the query returns no rows", name, fix="Write a SELECT."))
    header = distinct_names(list(map(str, result.keys())))
    parts = [pd.DataFrame(columns=header, dtype="str")]
    for rows in result.partitions(CHUNK):
        columns = zip(*rows, strict=True)
        parts.append(
            pd.DataFrame(
                {
                    key: pd.Series([text_of(value) for value in values], dtype="str")
                    for key, values in zip(header, columns, strict=True)
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _shown(address: URL) -> str:
    """Return the name of a database for people."""
    database = Path(address.database).name if address.database else ""
    return f"{address.get_backend_name()} {database}".strip()


def _there(address: URL) -> bool:
    """Whether an SQLite database is there; connecting would make an empty one."""
    place = address.database or ""
    return place in {"", ":memory:"} or place.startswith("file:") or Path(place).is_file()


def _unasked(connection: Connection, name: str) -> Problem:
    """Return what to say where no query is given."""
    from sqlalchemy import inspect

    tables = sorted(inspect(connection).get_table_names())
    shown = ", ".join(tables[:SHOWN]) + (" …" if len(tables) > SHOWN else "")
    fix = "Give one, for example SELECT * FROM deals."
    return Problem(f"needs a query; its tables are: {shown or 'none'}", name, fix=fix)


def _without_secrets(error: Exception, address: URL) -> str:
    """Return the first line of an error, with every secret of the URL taken out."""
    line = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    for secret in sorted(set(_secrets(address)), key=len, reverse=True):
        line = line.replace(secret, "***")
    return line.rstrip(".")


def _secrets(address: URL) -> Iterator[str]:
    """Yield what must not be shown: the password, also as a parameter, also as it is quoted."""
    from urllib.parse import quote, quote_plus

    found = [str(address.password)] if address.password else []
    for key, value in address.query.items():
        if SECRET.search(key):
            found += [value] if isinstance(value, str) else list(value)
    for secret in filter(None, found):
        yield from (secret, quote(secret), quote_plus(secret))
