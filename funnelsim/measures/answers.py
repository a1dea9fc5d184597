"""Tables that are no event log: answers to a survey, views and clicks of an advertisement.

They have one row per answer or count, a time with a zone where ``every=`` is asked for,
and any further columns to group by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from funnelsim.errors import DataError, ParameterError, Problem
from funnelsim.events import EventLog, Metadata
from funnelsim.events.schema import SCHEMA
from funnelsim.events.tables import empty
from funnelsim.measures.journeys import Codes, micros
from funnelsim.measures.periods import edges, period_of
from funnelsim.measures.tables import MEASURED, By, groups

__all__ = ["answer_groups", "laid_out", "whole_numbers"]

SHOWN = 3


def answer_groups(
    table: pd.DataFrame, by: By, time: str, every: str | None, zone: str
) -> Iterator[tuple[dict[str, object], Codes]]:
    """Walk through the groups of a table's rows, and within them its periods.

    Parameters
    ----------
    table : DataFrame
    by : str or sequence of str
        Its columns.
    time : str
        The column that says when.
    every : str or None
        ``"1W"``, ``"1MS"`` …
    zone : str
        Time zone of the periods.

    Yields
    ------
    key : dict
        Column → value, with ``at`` where ``every`` is given.
    positions : ndarray of int

    Raises
    ------
    ParameterError
        An unknown column or period.
    DataError
        Times without a zone, or none.

    Examples
    --------
    >>> table = pd.DataFrame({"shop": ["a", "b", "a"]})
    >>> [(key, at.tolist()) for key, at in answer_groups(table, "shop", "at", None, "UTC")]
    [({'shop': 'a'}, [0, 2]), ({'shop': 'b'}, [1])]
    """
    columns = [by] if isinstance(by, str) else list(by)
    strange = [name for name in columns if name not in table]
    if strange:
        fix = f"Use one of: {', '.join(map(str, table.columns))}"
        problems = [Problem(f"by={name!r} is no column of the table", fix=fix) for name in strange]
        raise ParameterError(problems)
    if every is None:
        yield from groups(table[columns])
        return
    when = _times(table, time)
    if not len(when):
        return
    first, last = (datetime.fromtimestamp(moment / 1e6, UTC) for moment in (when.min(), when.max()))
    meta = Metadata(observed_from=first, observed_until=last, time_zone=zone)
    cuts = edges(EventLog.trusted({name: empty(name) for name in SCHEMA}, meta), every)
    period = period_of(cuts, when)
    for key, at in groups(table[columns]):
        for number in range(len(cuts) - 1):
            begin = pd.Timestamp(int(cuts[number]), unit="us", tz="UTC")
            yield {**key, "at": begin}, at[period[at] == number]


def whole_numbers(
    table: pd.DataFrame, name: str, low: int, high: int | None
) -> NDArray[np.float64]:
    """Return a column of whole numbers within limits; empty ones are NaN.

    Parameters
    ----------
    table : DataFrame
    name : str
    low : int
    high : int or None

    Returns
    -------
    ndarray of float, shape (n_rows,)

    Raises
    ------
    DataError
        No such column, or other values, with examples.

    Examples
    --------
    >>> whole_numbers(pd.DataFrame({"score": [11]}), "score", 0, 10)
    Traceback (most recent call last):
    funnelsim.errors.DataError: score: 1 value is no whole number from 0 to 10 (row 0: 11)
    """
    if name not in table:
        fix = f"It has: {', '.join(map(str, table.columns)) or 'none'}"
        raise DataError(Problem(f"the table has no column {name!r}", fix=fix))
    numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    top = np.inf if high is None else high
    with np.errstate(invalid="ignore"):
        sound = (numbers % 1 == 0) & (numbers >= low) & (numbers <= top)
    wrong = np.flatnonzero(~sound & table[name].notna().to_numpy())
    if len(wrong):
        shown = "; ".join(f"row {row}: {table[name].iloc[row]}" for row in wrong[:SHOWN])
        limits = f"from {low} to {high}" if high is not None else f"of at least {low}"
        count = f"{len(wrong)} value{'s are' if len(wrong) > 1 else ' is'} no whole number"
        raise DataError(Problem(f"{count} {limits} ({shown})", path=name))
    return numbers


def laid_out(
    records: Sequence[Mapping[str, object]],
    table: pd.DataFrame,
    by: By,
    every: str | None,
    counts: Mapping[str, str],
) -> pd.DataFrame:
    """Lay rows out in the fixed columns of measures.

    Parameters
    ----------
    records : sequence of mappings
    table : DataFrame
        Gives the types of the ``by=`` columns.
    by : str or sequence of str
    every : str or None
        Adds the item column ``at``.
    counts : mapping of str to str
        Columns after the measured ones, with their types.

    Returns
    -------
    DataFrame
    """
    columns = [by] if isinstance(by, str) else list(by)
    kinds: dict[str, str] = {name: str(table[name].dtype) for name in columns}
    if every is not None:
        kinds["at"] = "datetime64[us, UTC]"
    kinds |= {**MEASURED, **counts}
    return pd.DataFrame.from_records(list(records), columns=list(kinds)).astype(kinds)


def _times(table: pd.DataFrame, name: str) -> NDArray[np.int64]:
    """A column of times in µs since the epoch."""
    if name not in table:
        raise DataError(Problem(f"the table has no column {name!r}", fix="every= needs the times"))
    when = table[name]
    if not isinstance(when.dtype, pd.DatetimeTZDtype):
        text = not types.is_datetime64_any_dtype(when.dtype)
        try:
            when = pd.to_datetime(when, format="ISO8601", utc=text)
        except (ValueError, TypeError):
            raise DataError(Problem("not all values are times", path=name)) from None
        naive = when.dt.tz is None or (
            text and not table[name].astype("str").str.contains(r"[Zz]$|[+-]\d\d:?\d\d$").all()
        )
        if naive:
            fix = "Say in which zone they are, for example with dt.tz_localize"
            raise DataError(Problem("times without a zone", path=name, fix=fix))
    if when.isna().any():
        count = int(when.isna().sum())
        raise DataError(Problem(f"{count} rows have no time", path=name))
    return micros(when.dt.tz_convert("UTC"))
