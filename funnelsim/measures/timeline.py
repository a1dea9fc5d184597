"""Periods of a log: whole ones and cut-off ones, groups in each of them, two to compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.cautions import CUT_OFF
from funnelsim.measures.journeys import SECOND, Codes, Micros, micros, window
from funnelsim.measures.periods import edges, local, period_of
from funnelsim.measures.tables import groups
from funnelsim.worktime import from_instant

__all__ = ["Between", "Grouping", "Timeline", "cohorted", "grouped", "timeline", "two_periods"]

Between = tuple[str, str]
DAY: Final = 86_400 * SECOND
# Longest length of one step, in days; what is not named is shorter than a day.
LONGEST: Final = {"d": 1, "w": 7, "mo": 31, "ms": 31, "q": 92, "qs": 92, "y": 366, "ys": 366}


@dataclass(frozen=True, slots=True)
class Timeline:
    """The log's window, whole or cut into periods.

    Parameters
    ----------
    cuts : ndarray of int, shape (periods + 1,), µs
        Where the periods begin, and the window's end.
    whole : ndarray of bool, shape (periods,)
        False where the window cuts a period off; one undivided window is whole.
    named : bool
        Whether rows say when their period begins (item column ``at``).
    """

    cuts: Micros
    whole: NDArray[np.bool_]
    named: bool

    @property
    def n(self) -> int:
        """How many periods."""
        return len(self.whole)

    @property
    def items(self) -> dict[str, str]:
        """Types of the item columns."""
        return {"at": "datetime64[us, UTC]"} if self.named else {}

    def of(self, times: Micros) -> NDArray[np.intp]:
        """Period of each time, -1 outside."""
        return period_of(self.cuts, times)

    def item(self, period: int) -> dict[str, object]:
        """Item columns of a period's rows."""
        return {"at": pd.Timestamp(self.cuts[period], unit="us", tz="UTC")} if self.named else {}

    def caution(self, period: int) -> str:
        """``"cut off"`` for a period that is no whole one."""
        return "" if self.whole[period] else CUT_OFF


def timeline(log: EventLog, every: str | None) -> Timeline:
    """Cut a log's window into calendar periods of its own time zone.

    Parameters
    ----------
    log : EventLog
    every : str or None
        ``"1W"``, ``"1MS"``, ``"1QS"`` …; None for the window as one.

    Returns
    -------
    Timeline

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> timeline(BANK, "1 d").whole.tolist(), timeline(BANK, "1 w").whole.tolist()
    ([True, True, True], [False])
    """
    if every is None:
        return Timeline(np.array(window(log), dtype=np.int64), np.array([True]), named=False)
    cuts = edges(log, every)
    whole = np.ones(len(cuts) - 1, dtype=bool)
    whole[0] = _begins(log, every)
    whole[-1] &= _ends(log, every)
    return Timeline(cuts, whole, named=True)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Leads by the ``by=`` columns.

    Parameters
    ----------
    keys : list of dict
        Column → value, one per group.
    of : ndarray of int, shape (n_leads,)
        Group of each lead.
    """

    keys: list[dict[str, object]]
    of: Codes

    def cells(self, lead: Codes, period: Codes, line: Timeline) -> list[list[Codes]]:
        """Rows by group and period; those outside of every period are left out.

        Parameters
        ----------
        lead, period : ndarray of int, shape (n,)
            Row of the lead and period of each thing.
        line : Timeline

        Returns
        -------
        list of list of ndarray
            ``[group][period]`` → positions.
        """
        code = np.where(period >= 0, self.of[lead] * line.n + period, -1)
        order = np.argsort(code, kind="stable")
        marks = np.searchsorted(code[order], np.arange(len(self.keys) * line.n + 1))
        return [
            [order[marks[place] : marks[place + 1]] for place in range(at, at + line.n)]
            for at in range(0, len(self.keys) * line.n, line.n)
        ]

    def rows(self, line: Timeline) -> Iterator[tuple[int, int, dict[str, object]]]:
        """Walk through groups and, within each, periods, with their key and item columns."""
        for group, key in enumerate(self.keys):
            for period in range(line.n):
                yield group, period, {**key, **line.item(period)}


def grouped(leads: pd.DataFrame, columns: Sequence[str]) -> Grouping:
    """Group leads.

    Parameters
    ----------
    leads : DataFrame
        Of journeys.
    columns : sequence of str
        As :func:`funnelsim.measures.tables.columns_of` returns them.

    Returns
    -------
    Grouping

    Examples
    --------
    >>> leads = pd.DataFrame({"source": ["web", "shop", "web"]})
    >>> grouped(leads, ["source"]).of.tolist()
    [1, 0, 1]
    """
    keys, code = [], np.zeros(len(leads), dtype=np.intp)
    for number, (key, at) in enumerate(groups(leads[list(columns)])):
        keys.append(key)
        code[at] = number
    return Grouping(keys, code)


def cohorted(log: EventLog, every: str, name: str = "cohort") -> EventLog:
    """Give leads a column that says in which period they arrived, to use in ``by=``.

    Every measure with ``by=`` so becomes one over time, by *arrival*: ``win_rate(cohorted(
    log, "1 mo"), by="cohort")``. Young cohorts are not done yet: mind the open leads, or
    take :func:`funnelsim.measures.cohorts`.

    Parameters
    ----------
    log : EventLog
        Any history.
    every : str
        ``"1W"``, ``"1MS"``, ``"1QS"`` …, in the log's time zone.
    name : str
        Name of the new column of leads.

    Returns
    -------
    EventLog
        The same log; in the new column the local day on which the period begins, such as
        ``"2024-02-05"`` (empty for leads from before the window).

    Examples
    --------
    >>> from funnelsim.measures import win_rate
    >>> from funnelsim.measures.example import BANK
    >>> win_rate(cohorted(BANK, "1 d"), by="cohort")[["cohort", "n"]].values.tolist()
    [['2024-02-05', 2], ['2024-02-06', 2], ['2024-02-07', 1]]
    """
    cuts = edges(log, every)
    period = period_of(cuts, micros(log.leads["arrived_at"]))
    begin = local(cuts[:-1], log.meta.time_zone)
    style = "%Y-%m-%d" if (np.diff(begin.tz_localize(None).normalize()) > 0).all() else "%F %H:%M"
    label = np.array([*begin.strftime(style), None], dtype=object)[period]
    leads = log.leads.assign(**{name: pd.array(label, dtype="str")})
    return EventLog.trusted({**log.tables(), "leads": leads}, log.meta)


def two_periods(
    log: EventLog, before: Between | None, after: Between | None
) -> tuple[Micros, Micros]:
    """Return two periods to compare.

    Parameters
    ----------
    log : EventLog
    before, after : tuple of two str, or None
        Begin and end, ``("2024-01-01", "2024-04-01")``; without an offset local time of
        the log, the end not included. Both left out: the halves of the log's window.

    Returns
    -------
    tuple of two ndarray, µs
        Begin and end of each.

    Raises
    ------
    ParameterError
        One without the other, no time, an end before its begin, or outside the window.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> first, second = two_periods(BANK, None, None)
    >>> first[1] == second[0]
    np.True_
    """
    since, until = window(log)
    if before is None and after is None:
        middle = since + (until - since) // 2
        return np.array([since, middle]), np.array([middle, until])
    if before is None or after is None:
        fix = 'For example before=("2024-01-01", "2024-04-01"), after=("2024-04-01", "2024-07-01")'
        raise ParameterError(Problem("before and after belong together", fix=fix))
    return _between(log, before, "before"), _between(log, after, "after")


def _between(log: EventLog, period: Between, name: str) -> Micros:
    """Begin and end of one period, µs."""
    since, until = window(log)
    try:
        times = pd.DatetimeIndex([pd.Timestamp(one) for one in period])
        zoned = times if times.tz is not None else times.tz_localize(log.meta.time_zone)
        start, end = zoned.tz_convert("UTC").as_unit("us").asi8.tolist()
    except (ValueError, TypeError):
        fix = 'Write two times, ("2024-01-01", "2024-04-01")'
        raise ParameterError(Problem(f"{name}={period!r} is no period", fix=fix)) from None
    if not (since <= start < end <= until):
        first, last = from_instant(since), from_instant(until)
        fix = f"Choose begin and end between {first} and {last}, the begin first"
        raise ParameterError(Problem(f"{name}={period!r} is not inside the log", fix=fix))
    return np.array([start, end], dtype=np.int64)


def _begins(log: EventLog, every: str) -> bool:
    """Whether a period begins where the window does."""
    since, _ = window(log)
    count, unit = _parts(every)
    start = local(np.array([since]), log.meta.time_zone)[0].tz_localize(None)
    if unit not in LONGEST and start == start.normalize():
        return True  # hours are counted from midnight
    earlier = _windowed(log, since - 1, since + 1)
    return since in edges(earlier, f"{count if unit not in LONGEST else 1}{unit}")[1:]


def _ends(log: EventLog, every: str) -> bool:
    """Whether a period ends where the window does."""
    since, until = window(log)
    count, unit = _parts(every)
    longer = until + (LONGEST.get(unit, 1) * count + 1) * DAY
    return until in edges(_windowed(log, since, longer), every)


def _windowed(log: EventLog, since: int, until: int) -> EventLog:
    """The log with another window, for its calendar only."""
    other = {"observed_from": from_instant(since), "observed_until": from_instant(until)}
    return EventLog.trusted(log.tables(), log.meta.model_copy(update=other))


def _parts(every: str) -> tuple[int, str]:
    """The number and the unit of ``"2 w"``."""
    text = every.strip().lower()
    unit = text.lstrip("0123456789").strip()
    return int(text.removesuffix(unit).strip() or 1), unit
