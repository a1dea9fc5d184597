"""Which column of a table is the date, and which the number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from funnelsim.errors import DataError, Problem

__all__ = ["columns_of", "currency_of", "dates_of"]

MOST: float = 0.9
"""Share of the values that have to be of a kind."""
CURRENCY: Final = frozenset(("currency", "currency code", "curr", "валюта", "валюта угоди",
                             "валюта сделки", "valuta"))  # fmt: skip
QUARTERS: Final = r"^(?:(?P<y>\d{4})[ -]?Q(?P<q>[1-4])|Q(?P<q2>[1-4])[ -/]?(?P<y2>\d{4}))$"
WEEKS: Final = r"^\d{4}-?W\d{2}$"


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
    return bool(len(known)) and float(dates_of(known).notna().mean()) >= MOST


def dates_of(column: pd.Series) -> pd.Series:
    """Dates as such; a quarter or a week stands for its first day.

    Parameters
    ----------
    column : pandas.Series
        Dates, or texts such as ``2025-01-31``, ``2025-01``, ``2025-W05``, ``Q1 2025``.

    Returns
    -------
    pandas.Series of datetime64
        Local, missing where there is no date.

    Examples
    --------
    >>> dates_of(pd.Series(["2025-Q2", "Q3 2025"])).dt.month.tolist()
    [4, 7]
    >>> dates_of(pd.Series(["2025-W05"])).dt.date.tolist()
    [datetime.date(2025, 1, 27)]
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None) if column.dt.tz is not None else column
    text = column.astype("str").str.strip()
    known = text.dropna()
    if len(known) and known.str.match(WEEKS).all():
        return pd.to_datetime(text.str.replace("-", "") + "-1", format="%GW%V-%u", errors="coerce")
    parts = known.str.extract(QUARTERS)
    if len(known) and parts.notna().any(axis=1).all():
        year, quarter = parts["y"].fillna(parts["y2"]), parts["q"].fillna(parts["q2"])
        first = year + "-" + (quarter.astype(int) * 3 - 2).astype("str")
        return pd.to_datetime(first, format="%Y-%m").reindex(column.index)
    return pd.to_datetime(text, errors="coerce", format="mixed")


def currency_of(table: pd.DataFrame) -> str:
    """The column that says the currency, if one is called so.

    Examples
    --------
    >>> currency_of(pd.DataFrame(columns=["month", "amount", "Currency"]))
    'Currency'
    """
    return next((str(c) for c in table.columns if str(c).strip().lower() in CURRENCY), "")
