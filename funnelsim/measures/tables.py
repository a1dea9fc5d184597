"""The one shape of every measure's answer: how it is grouped, refused and laid out.

Columns, in this order: the ``by=`` columns, the item (``stage``, ``team``, ``at``, …),
then ``measure, value, unit, n, lo, hi, level, method``, then the counts a measure's
docstring names. Text in parentheses in a stage column, such as ``(won)`` or ``(open)``,
is not a stage of the funnel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import HistoryError, ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.estimates import Estimate

__all__ = [
    "MEASURED",
    "WORK",
    "By",
    "Per",
    "check_level",
    "check_per",
    "columns_of",
    "exact",
    "groups",
    "need_full_history",
    "record",
    "span",
    "tidy",
]

By = str | Sequence[str]
Per = Literal["stage", "team"]
Positions = NDArray[np.intp]

MEASURED: Mapping[str, str] = {
    "measure": "str",
    "value": "float64",
    "unit": "str",
    "n": "int64",
    "lo": "float64",
    "hi": "float64",
    "level": "float64",
    "method": "str",
}
WORK = ("owner", "effort", "team", "worker")  # what else work can be grouped by
# Names that answers use themselves, so that leads' attributes of that name cannot group.
TAKEN = {"lead_id", "arrived_at", "observed_from", "stage", "next_stage", "state", "at"} | {
    "team",
    "outcome",
    "reason",
    "quantile",
    "weekday",
    "hour",
    "rank",
    *MEASURED,
}
NAN = float("nan")


def columns_of(by: By, log: EventLog, also: Sequence[str] = ()) -> tuple[str, ...]:
    """Check the ``by=`` of a measure.

    Parameters
    ----------
    by : str or sequence of str
        Columns to group by.
    log : EventLog
        Its leads say which columns there are.
    also : sequence of str
        Columns a measure offers beyond those of the leads.

    Returns
    -------
    tuple of str

    Raises
    ------
    ParameterError
        An unknown column, with the known ones and the nearest name.
    """
    wanted = (by,) if isinstance(by, str) else tuple(by)
    known = [name for name in log.leads.columns if name not in TAKEN]
    known += [name for name in also if name not in known]
    problems = []
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            fix = f"{hint}Use one of: {', '.join(known)}"
            problems.append(Problem(f"by={name!r} is no column of this measure", fix=fix))
    if problems:
        raise ParameterError(problems)
    return tuple(dict.fromkeys(wanted))


def check_level(level: float) -> None:
    """Refuse a confidence level that is not between 0 and 1.

    Raises
    ------
    ParameterError
        With the usual values.

    Examples
    --------
    >>> check_level(95)
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: level=95 lies outside 0 to 1. Write 0.95 for 95 %
    """
    if not 0 < level < 1:
        fix = "Write 0.95 for 95 %"
        raise ParameterError(Problem(f"level={level!r} lies outside 0 to 1", fix=fix))


def check_per(per: str) -> None:
    """Refuse an item that work is not counted by.

    Raises
    ------
    ParameterError
        Naming the two items.
    """
    if per not in get_args(Per):
        fix = f"Use {' or '.join(get_args(Per))}"
        raise ParameterError(Problem(f"per={per!r} is no item of work", fix=fix))


def span(text: str, name: str) -> pd.Timedelta:
    """Read an elapsed time such as ``"4 h"`` or ``"1D"``.

    Parameters
    ----------
    text : str
        A number and a unit of elapsed time.
    name : str
        The parameter it was given for, to name it in the error.

    Returns
    -------
    pandas.Timedelta
        Longer than nothing.

    Raises
    ------
    ParameterError
        Not an elapsed time.

    Examples
    --------
    >>> span("4 h", "within"), span("2 d", "within")
    (Timedelta('0 days 04:00:00'), Timedelta('2 days 00:00:00'))
    """
    try:
        value = pd.Timedelta(re.sub(r"(?<![A-Za-z])[dw](?![A-Za-z])", _upper, text))
    except ValueError:
        value = pd.Timedelta(0)
    if not value > pd.Timedelta(0):
        fix = 'Write a number and a unit: "30 min", "4 h", "2 d"'
        raise ParameterError(Problem(f"{name}={text!r} is no elapsed time", fix=fix))
    return value


def _upper(unit: re.Match[str]) -> str:
    """Days and weeks as pandas names them."""
    return unit[0].upper()


def need_full_history(log: EventLog, measure: str) -> None:
    """Refuse a measure that needs every stage change of every lead.

    Raises
    ------
    HistoryError
        Naming the measure, what the log holds, and what to import.
    """
    holds = {
        "latest_entry": "only each lead's latest stage and when it was entered",
        "snapshot": "only each lead's current stage",
    }
    if log.meta.history in holds:
        raise HistoryError(
            Problem(
                f"{measure} needs every stage change; this log has history "
                f"{log.meta.history!r}: {holds[log.meta.history]}",
                fix="Import the stage history of the CRM, or use win_rate, cycle_time, "
                "outcomes, throughput or won_value",
            )
        )


def groups(keys: pd.DataFrame) -> Iterator[tuple[dict[str, object], Positions]]:
    """Walk through the groups of a table's rows, in the order of their keys.

    Parameters
    ----------
    keys : DataFrame
        One row per item; its columns are the ``by=`` columns. A missing key is a group.

    Yields
    ------
    key : dict
        Column → value; empty for a table without columns.
    positions : ndarray of int
        Row numbers of the group, ascending.
    """
    if not len(keys.columns):
        yield {}, np.arange(len(keys))
        return
    code = keys.groupby(list(keys.columns), dropna=False, sort=True).ngroup().to_numpy()
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    first = keys.iloc[order[starts]].to_dict("records")
    for key, positions in zip(first, np.split(order, starts[1:]), strict=False):
        yield {str(name): value for name, value in key.items()}, positions


def exact(value: float, n: int) -> Estimate:
    """Return a number that is counted and not estimated: no interval."""
    return Estimate(float(value), n, NAN, NAN, "exact")


def record(
    key: Mapping[str, object], measure: str, unit: str, estimate: Estimate, level: float
) -> dict[str, object]:
    """Return one row of a measure's table.

    Parameters
    ----------
    key : mapping
        Values of the ``by=`` and item columns.
    measure, unit : str
        Name and unit of the number.
    estimate : Estimate
        The number.
    level : float
        Confidence level; left out where the number has no interval.
    """
    given = not (np.isnan(estimate.lo) and np.isnan(estimate.hi))
    return {
        **key,
        "measure": measure,
        "unit": unit,
        **estimate._asdict(),
        "level": level if given else NAN,
    }


def tidy(
    records: Sequence[Mapping[str, object]] | Mapping[str, object] | pd.DataFrame,
    log: EventLog,
    by: Sequence[str] = (),
    items: Mapping[str, str] | None = None,
    counts: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Lay rows out in the fixed columns, also when there are none.

    Parameters
    ----------
    records : sequence of mappings, mapping of columns, or DataFrame
        As :func:`record` makes them, with the counts added.
    log : EventLog
        Its leads give the types of the ``by=`` columns.
    by : sequence of str
        The grouping columns.
    items, counts : mapping of str to str
        Further columns before and after the measured ones, with their types.

    Returns
    -------
    DataFrame
    """
    types: dict[str, str] = {}
    for name in by:
        types[name] = str(log.leads[name].dtype) if name in log.leads else "str"
    types |= {**(items or {}), **MEASURED, **(counts or {})}
    if isinstance(records, pd.DataFrame):
        table = records.reindex(columns=list(types))
    elif isinstance(records, Mapping):
        table = pd.DataFrame(dict(records), columns=list(types))
    else:
        table = pd.DataFrame.from_records(list(records), columns=list(types))
    return table.astype(types)
