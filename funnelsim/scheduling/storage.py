"""Opening the ledger: SQLite in a file, or PostgreSQL by its address."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.errors import DataError, Problem, RunError
from funnelsim.scheduling.schema import FORMAT_VERSION, LATER, about, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

__all__ = ["Storage", "open_storage"]

WAIT = 10.0
_LOCK = 20_261_123  # any number, the same for all of us


class Storage:
    """A database of ours; its errors in plain words, never with a password.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    name : str
        How messages call it.
    wait : float
        Seconds to wait while another program writes.
    """

    def __init__(self, engine: Engine, name: str, wait: float) -> None:
        self.engine, self.name, self.wait = engine, name, wait
        self.identity = ""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only looks; it does not wait for those who write."""
        with self._plain_words(), self.engine.connect() as connection:
            yield connection.execution_options(funnelsim_reads=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that nobody else writes beside; all of it lasts, or nothing."""
        with self._plain_words(), self.engine.begin() as connection:
            yield connection

    def insert(self, table: Table) -> SqliteInsert | PostgresInsert:
        """An insert that can say what to do where the key is there already."""
        if self.engine.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as postgres_insert

            return postgres_insert(table)
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert(table)

    def prepare(self) -> None:
        """Make the tables where there are none; refuse those of a newer funnelsim."""
        from sqlalchemy import select, text

        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if not connection.dialect.has_table(connection, about.name):
                metadata.create_all(connection)
                rows = [
                    {"name": "format_version", "value": str(FORMAT_VERSION)},
                    {"name": "identity", "value": secrets.token_hex(6)},
                ]
                connection.execute(about.insert(), rows)
            else:
                _add_columns(connection)
            told = {row.name: row.value for row in connection.execute(select(about))}
        found = told.get("format_version", "")
        if found != str(FORMAT_VERSION):
            newer = found.isdigit() and int(found) > FORMAT_VERSION
            message = f"is a ledger of format {found or '?'}; this funnelsim reads {FORMAT_VERSION}"
            fix = "Update funnelsim." if newer else "Give another file, or restore a copy."
            raise DataError(Problem(message, self.name, fix=fix))
        self.identity = told["identity"]

    @contextmanager
    def _plain_words(self) -> Iterator[None]:
        """What SQLAlchemy raises, as an error that a person can act on."""
        from sqlalchemy.exc import SQLAlchemyError

        problem = ""
        try:
            yield
        except SQLAlchemyError as error:
            problem = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        if problem:  # raised here, where no error with a password stands behind it
            raise self._error(re.sub(r"://[^@\s]*@", "://***@", problem))

    def _error(self, said: str) -> Exception:
        if any(word in said for word in ("locked", "busy", "lock timeout")):
            return RunError(
                f"{self.name}: another program has kept the ledger locked for {self.wait:g} s. "
                "Nothing was changed; the next call goes on."
            )
        if "not a database" in said or "malformed" in said:
            fix = "Give another file with --ledger, or restore a copy of it."
            return DataError(Problem(f"is not a ledger ({said})", self.name, fix=fix))
        return RunError(f"{self.name}: the ledger cannot be used ({said})")


def open_storage(place: str | Path, *, wait: float = WAIT) -> Storage:
    """Open the ledger's database, or make it.

    Parameters
    ----------
    place : str or Path
        A file, or the address of a PostgreSQL database:
        ``postgresql+psycopg://anna:secret@host/reports``.
    wait : float
        Seconds to wait for another program that writes.

    Returns
    -------
    Storage

    Raises
    ------
    DataError
        The file is no ledger, or one of a newer funnelsim.
    RunError
        It is locked, or cannot be reached.

    Examples
    --------
    >>> open_storage("mysql://host/reports")
    Traceback (most recent call last):
    funnelsim.errors.DataError: mysql: a ledger is SQLite or PostgreSQL. Write a file name, or
    postgresql+psycopg://user@host/database.
    """
    from sqlalchemy import URL, create_engine, event, make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    fix = "Write a file name, or postgresql+psycopg://user@host/database."
    if "://" in str(place):
        try:
            address = make_url(str(place))
        except (SQLAlchemyError, ValueError):
            raise DataError(Problem("the ledger's address cannot be read", fix=fix)) from None
    else:
        address = URL.create("sqlite", database=str(place))
    kind = address.get_backend_name()
    if kind == "postgresql":
        options: dict[str, Any] = {"connect_timeout": int(wait)}
        options["options"] = f"-c lock_timeout={int(wait * 1000)}"
    elif kind == "sqlite":
        _make_folder(Path(address.database or ""))
        options = {"timeout": wait}
    else:
        raise DataError(Problem("a ledger is SQLite or PostgreSQL", kind, fix=fix))
    name = address.database or kind
    problem = ""
    try:
        engine = create_engine(
            address, poolclass=NullPool, hide_parameters=True, connect_args=options
        )
    except (SQLAlchemyError, ImportError) as error:
        problem = str(error).splitlines()[0]
    if problem:
        raise DataError(Problem(problem, name, fix="Install funnelsim[postgresql]."))
    if kind == "sqlite":
        event.listen(engine, "connect", _wake_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    storage = Storage(engine, name, wait)
    storage.prepare()
    return storage


def _add_columns(connection: Connection) -> None:
    """Give a ledger of an earlier version the columns that came later."""
    from sqlalchemy import inspect, text

    for table, name in LATER:
        if not connection.dialect.has_table(connection, table.name):
            continue
        if name not in {column["name"] for column in inspect(connection).get_columns(table.name)}:
            kind = table.c[name].type.compile(connection.dialect)
            connection.execute(text(f"alter table {table.name} add column {name} {kind}"))


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the ledger's folder cannot be made: {error.strerror}"
        raise RunError(f"{file.parent}: {message}") from None


def _wake_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3's
    """Readers do not wait for the one who writes; a crash of the machine loses nothing."""
    connection.isolation_level = None  # transactions begin where we say so
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    """Take the right to write at once: who waits for it later would be refused."""
    reads = connection.get_execution_options().get("funnelsim_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
