"""Which column of a table is the date, and which the number."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from funnelsim.errors import DataError, Problem

__all__ = ["columns_of"]

MOST: float = 0.9
"""Share of the values that have to be of a kind."""


def columns_of(
    table: pd.DataFrame, by: Sequence[str] = (), *, at: str = "", y: str = ""
) -> tuple[str, str]:
    """Find the columns that nobody named.

    Parameters
    ----------
    table : pandas.DataFrame
    by : sequence of str
        Columns that tell series apart: neither date nor number.
    at, y : str
        Those that were named.

    Returns
    -------
    tuple of str
        Date and number.

    Raises
    ------
    DataError
        None, or several that could be meant.

    Examples
    --------
    >>> columns_of(pd.DataFrame({"week": ["2026-01-05"], "source": ["web"], "n": [3]}), ["source"])
    ('week', 'n')
    """
    rest = [str(name) for name in table.columns if name not in {*by, at, y}]
    numbers = [name for name in rest if _is_number(table[name])]
    dates = [name for name in rest if name not in numbers and _is_date(table[name])]
    problems = []
    if not at:
        at, found = _only(dates, "at", "date")
        problems += found
    if not y:
        y, found = _only(numbers, "y", "number")
        problems += found
    if problems:
        raise DataError(problems)
    return at, y


def _only(names: list[str], option: str, what: str) -> tuple[str, list[Problem]]:
    """The only name, or what is wrong."""
    if len(names) == 1:
        return names[0], []
    if not names:
        return "", [Problem(f"no column holds a {what}", path=option)]
    listed = ", ".join(names[:6])
    message = f"several columns could be the {what}: {listed}"
    return "", [Problem(message, path=option, fix=f"Say which with {option}.")]


def _is_number(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    known = column.dropna()
    return bool(len(known)) and float(pd.to_numeric(known, errors="coerce").notna().mean()) >= MOST


def _is_date(column: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    known = column.dropna().astype("str")
    read = pd.to_datetime(known, errors="coerce", format="mixed")
    return bool(len(known)) and float(read.notna().mean()) >= MOST
