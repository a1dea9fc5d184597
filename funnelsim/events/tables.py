"""Frames as given → tables as promised: typed by `SCHEMA`, in one order.

Equal content gives equal tables, so comparing two logs is comparing frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from funnelsim.documents import did_you_mean
from funnelsim.errors import Problem
from funnelsim.events.schema import REQUIRED, SCHEMA, TIME

__all__ = ["Tables", "cast", "empty", "in_order", "positions", "typed"]

Tables = Mapping[str, pd.DataFrame]

# An offset after a time of day: 10:00Z, 10:00:00.123+02:00, 10:00 +0200.
ZONED = r"\d:\d{2}(?::\d{2}(?:\.\d+)?)?[ \t]*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
SHOWN = 3

# Rows of one lead stand in this order, work by its first time before all else.
ORDER = {
    "visits": ("visit",),
    "efforts": ("queued_at", "started_at", "ended_at", "visit", "effort", "team", "worker"),
    "marks": ("at", "visit", "kind", "reason", "value", "cost", "currency"),
}


def empty(table: str) -> pd.DataFrame:
    """Return a table without rows.

    Parameters
    ----------
    table : str
        ``leads``, ``visits``, ``efforts`` or ``marks``.

    Returns
    -------
    pandas.DataFrame
        Columns and dtypes of `SCHEMA`.

    Examples
    --------
    >>> list(empty("efforts"))[:3]
    ['lead_id', 'visit', 'effort']
    """
    columns = SCHEMA[table].items()
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in columns})


def cast(values: pd.Series, dtype: str) -> pd.Series:
    """Return a column with another dtype.

    Parameters
    ----------
    values : pandas.Series
        Any column.
    dtype : str
        A name as in `SCHEMA`.

    Returns
    -------
    pandas.Series
        The same values.

    Examples
    --------
    >>> cast(pd.Series([1.0, None]), "Int64").tolist()
    [1, <NA>]
    """
    result: pd.Series = values.astype(types.pandas_dtype(dtype))
    return result


def typed(table: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Return a table with the columns and dtypes of `SCHEMA`.

    Parameters
    ----------
    table : str
        ``leads``, ``visits``, ``efforts`` or ``marks``.
    frame : pandas.DataFrame
        As given. Optional columns may be absent and become empty. ``leads`` may have
        further columns, the leads' attributes; they become text, ``Int64``,
        ``float64``, ``boolean`` or UTC times.

    Returns
    -------
    tuple of pandas.DataFrame and list of Problem
        The table (rows as given), and the columns that could not be read.

    Examples
    --------
    >>> frame, problems = typed("marks", pd.DataFrame({"lead_id": [7], "kind": ["won"]}))
    >>> frame["lead_id"].tolist(), [problem.message for problem in problems]
    (['7'], ['the column at is missing'])
    """
    wanted = SCHEMA[table]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        return empty(table), [Problem(f"the column {name} occurs twice", table) for name in twice]
    if not len(frame.columns):
        return empty(table), []
    extra = sorted(str(name) for name in frame.columns if name not in wanted)
    problems: list[Problem] = []
    columns: dict[str, pd.Series] = {}
    for name, dtype in wanted.items():
        if name in frame.columns:
            columns[name] = _column(table, name, frame[name], dtype, problems)
            continue
        if name in REQUIRED[table]:
            fix = did_you_mean(name, extra, limit=0)
            problems.append(Problem(f"the column {name} is missing", table, fix=fix))
        columns[name] = _blank(dtype, frame.index)
    for name in extra:
        if table != "leads":
            fix = did_you_mean(name, wanted)
            problems.append(Problem(f'unknown column "{name}"', table, fix=fix))
            continue
        values = _inferred(frame[name])
        columns[name] = _column(table, name, values, _attribute_dtype(values), problems)
    made = pd.DataFrame(columns, index=frame.index, copy=False)  # long tables fit once
    return made.reset_index(drop=True), problems


def positions(ids: pd.Series, leads: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return each id's row in ``leads``.

    Parameters
    ----------
    ids : pandas.Series
        Lead ids.
    leads : pandas.DataFrame
        The table of leads.

    Returns
    -------
    numpy.ndarray
        Shape ``(len(ids),)``; -1 where there is no such lead.

    Examples
    --------
    >>> leads = pd.DataFrame({"lead_id": ["a", "b"]})
    >>> positions(pd.Series(["b", "x"]), leads).tolist()
    [1, -1]
    """
    n = len(leads)  # numbering all ids at once keeps a long table's texts packed
    codes, unique = pd.factorize(pd.concat([leads["lead_id"], ids], ignore_index=True))
    place = np.full(len(unique) + 1, -1, dtype=np.int64)
    place[codes[:n][::-1]] = np.arange(n)[::-1]  # of ids that occur twice the first counts
    place[-1] = -1  # no id
    return place[codes[n:]]


def in_order(tables: Tables) -> dict[str, pd.DataFrame]:
    """Return the tables with their rows in the log's one order.

    Leads stand by arrival and id; visits, efforts and marks by lead, then in time.

    Parameters
    ----------
    tables : mapping
        Typed tables by name.

    Returns
    -------
    dict
        Sorted tables, numbered from 0.

    Examples
    --------
    >>> leads = pd.DataFrame({"lead_id": ["b", "a"], "arrived_at": ["2024-02-29T09:00Z"] * 2})
    >>> tables = {name: empty(name) for name in SCHEMA} | {"leads": typed("leads", leads)[0]}
    >>> in_order(tables)["leads"]["lead_id"].tolist()
    ['a', 'b']
    """
    leads = tables["leads"]
    by_id = leads["lead_id"].array.argsort(kind="stable")
    at = _rank(leads["arrived_at"])[by_id]
    leads = _arranged(leads, by_id[np.argsort(at, kind="stable")])
    result = {"leads": leads}
    for name, columns in ORDER.items():
        frame = tables[name]
        keys = [_rank(frame[column]) for column in columns]
        if name == "efforts":
            keys.insert(0, _rank(frame["queued_at"].fillna(frame["started_at"])))
        order = np.lexsort([*reversed(keys), positions(frame["lead_id"], leads)])
        result[name] = _arranged(frame, order)
    return result


def _arranged(frame: pd.DataFrame, order: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Rows in an order, numbered from 0; a table that stands in it already is not copied."""
    if (np.diff(order) != 1).any():
        frame = frame.take(order)
    return frame.reset_index(drop=True)


def _rank(values: pd.Series) -> npt.NDArray[np.int64]:
    """Return integers in the order of the values, empty ones last."""
    last = np.int64(np.iinfo(np.int64).max)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        ticks = values.astype("int64").to_numpy()
        return np.where(values.isna(), last, ticks)
    if types.is_integer_dtype(values.dtype):
        return values.fillna(last).to_numpy(dtype=np.int64)
    codes = pd.factorize(values, sort=True)[0]
    codes[codes < 0] = len(codes)
    return codes.astype(np.int64)


def _blank(dtype: str, index: pd.Index) -> pd.Series:
    """Return an optional column that was not given."""
    if dtype == "int64":
        return pd.Series(0, index=index, dtype=dtype)
    return pd.Series(pd.NA if dtype == "Int64" else None, index=index, dtype=dtype)


def _inferred(values: pd.Series) -> pd.Series:
    """Return a column of Python objects with the dtype its values have; integers stay exact."""
    return values.convert_dtypes() if types.is_object_dtype(values.dtype) else values


def _attribute_dtype(values: pd.Series) -> str:
    """Return the dtype in which a log keeps an attribute of leads."""
    dtype = values.dtype
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_integer_dtype(dtype):
        return "Int64"
    if types.is_float_dtype(dtype):
        return "float64"
    return TIME if types.is_datetime64_any_dtype(dtype) else "str"


def _column(
    table: str, name: str, values: pd.Series, dtype: str, problems: list[Problem]
) -> pd.Series:
    """Return one column with its dtype; what cannot be read becomes empty and a problem."""
    if values.dtype == dtype:
        return values
    if dtype == TIME:
        return _times(table, name, values, problems)
    if dtype in {"int64", "Int64"}:
        return _integers(table, name, values, dtype, problems)
    if dtype == "str" and types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
        values = cast(values, "Int64")  # ids that a spreadsheet turned into 112.0
    return cast(values, dtype)


def _integers(
    table: str, name: str, values: pd.Series, dtype: str, problems: list[Problem]
) -> pd.Series:
    """Return whole numbers."""
    numbers = pd.to_numeric(_inferred(values), errors="coerce")
    broken = values.notna() & ~(numbers % 1).eq(0).fillna(value=False).astype("bool")
    if dtype == "int64":
        broken |= values.isna()
    if broken.any():
        problems.append(_unreadable(table, name, values[broken], "not a whole number"))
        numbers = numbers.mask(broken)
    whole = cast(numbers, "Int64")
    return cast(whole.fillna(0), dtype) if dtype == "int64" else whole


def _times(table: str, name: str, values: pd.Series, problems: list[Problem]) -> pd.Series:
    """Return UTC times; times without a zone are refused, not guessed."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return cast(values.dt.tz_convert("UTC"), TIME)
    fix = "Say in which zone they are, for example with dt.tz_localize."
    text = values.astype("str")
    given = values.notna()
    naive = given & ~text.str.contains(ZONED, regex=True, na=False)
    times = pd.to_datetime(text.mask(naive), format="ISO8601", utc=True, errors="coerce")
    broken = given & ~naive & times.isna()
    looks_like_time = naive & text.str.match(r"\d{4}-\d{2}-\d{2}", na=False)
    if looks_like_time.any():
        what = "a time without a zone"
        problems.append(_unreadable(table, name, values[looks_like_time], what, fix))
    broken |= naive & ~looks_like_time
    if broken.any():
        problems.append(_unreadable(table, name, values[broken], "not a time"))
    return cast(times, TIME)


def _unreadable(table: str, name: str, values: pd.Series, what: str, fix: str = "") -> Problem:
    """Return the problem of values that cannot be read, with examples."""
    shown = ", ".join(str(value) for value in values.head(SHOWN))
    count = f"{len(values):,} value{'s' if len(values) > 1 else ''}"
    return Problem(f"{what} ({count}: {shown})", table, name, fix)
