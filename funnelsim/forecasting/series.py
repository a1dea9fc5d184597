"""Regular series: what is counted per day, week, month or quarter.

A set of series is a long table: ``series`` (whose), the columns that tell the series apart,
``at`` (when the period begins, local date) and ``y``. What had to be done is in its remarks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.forecasting.remarks import Remark
from funnelsim.forecasting.treating import treated
from funnelsim.measures.periods import edges, local, period_of

__all__ = [
    "ALL",
    "OFFSETS",
    "SEASONS",
    "WHAT",
    "Every",
    "SeriesSet",
    "every_of",
    "from_log",
    "periods_ahead",
    "periods_in",
]

Every = Literal["day", "week", "month", "quarter"]

SEASONS: Final[Mapping[Every, int]] = {"day": 7, "week": 52, "month": 12, "quarter": 4}
"""Periods per season."""
STEPS: Final[Mapping[Every, str]] = {"day": "1 d", "week": "1 w", "month": "1 mo", "quarter": "1 q"}
OFFSETS: Final[Mapping[Every, str]] = {"day": "D", "week": "W-MON", "month": "MS", "quarter": "QS"}
LETTERS: Final[Mapping[str, Every]] = {"d": "day", "w": "week", "m": "month", "mo": "month",
                                       "q": "quarter", "ms": "month", "qs": "quarter",
                                       "w-mon": "week"}  # fmt: skip
DAYS: Final[Mapping[Every, float]] = {"day": 1, "week": 7, "month": 30.4375, "quarter": 91.3125}
WHAT: Final = ("leads", "wins", "won_value")
UNITS: Final[Mapping[str, str]] = {"leads": "leads", "wins": "deals", "won_value": "minor"}
ALL: Final = "(all)"
"""In a column that tells series apart: all of them together."""


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """One or several series of the same step.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``series``, the columns of `by`, ``at``, ``y``; every series regular.
    every : {"day", "week", "month", "quarter"}
    remarks : tuple of Remark
        What was left out, filled or pulled in, with counts.
    by : tuple of str
        Columns that tell the series apart.
    unit : str
        Of ``y``.
    """

    frame: pd.DataFrame
    every: Every
    remarks: tuple[Remark, ...] = ()
    by: tuple[str, ...] = ()
    unit: str = ""

    @property
    def season(self) -> int:
        """Periods per season."""
        return SEASONS[self.every]

    @property
    def keys(self) -> pd.DataFrame:
        """Which values of the columns `by` each series stands for, indexed by its name."""
        return self.frame.drop_duplicates("series").set_index("series")[list(self.by)]

    def __iter__(self) -> Iterator[tuple[str, pd.Series]]:
        """Name and values, indexed by the period's beginning."""
        for name, rows in self.frame.groupby("series", sort=False):
            yield str(name), rows.set_index("at")["y"]

    def treated(self) -> SeriesSet:
        """The same series with gaps filled and outliers pulled in, and what that came to."""
        parts, wild, gaps = [], [], 0
        for _, y in self:
            tame, found, missing = treated(y, self.season)
            parts.append(tame.to_numpy())
            wild += [(at, y[at]) for at in found]
            gaps += missing
        said = [Remark("gaps", {"n": gaps})] if gaps else []
        if wild:
            at, value = min(wild)
            said.append(Remark("wild", {"n": len(wild), "day": at, "value": value}))
        frame = self.frame.assign(y=np.concatenate(parts))
        return SeriesSet(frame, self.every, (*self.remarks, *said), self.by, self.unit)


def from_log(
    log: EventLog, what: str = "leads", *, every: Every = "week", by: Sequence[str] = ()
) -> SeriesSet:
    """Count leads, wins or their value by period.

    Parameters
    ----------
    log : EventLog
    what : {"leads", "wins", "won_value"}
        By arrival, or by the day of winning; value in minor units.
    every : {"day", "week", "month", "quarter"}
        Calendar periods of the log's zone.
    by : sequence of str
        Columns of the leads, for example ``["source", "product"]``.

    Returns
    -------
    SeriesSet
        Whole periods only: what the window cuts off is left out, and said.

    Raises
    ------
    ParameterError
        An unknown measure, step or column; a window without one whole period.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from_log(BANK, every="day").frame["y"].tolist()
    [2.0, 2.0, 1.0]
    """
    _known(what, WHAT, "what")
    _known(every, tuple(SEASONS), "every")
    for column in by:
        _known(column, tuple(log.leads.columns), "by")
    cuts = edges(log, STEPS[every])
    begins, whole = _whole_periods(log, cuts, every)
    rows = _happenings(log, what)
    rows["period"] = period_of(cuts, rows["at"].to_numpy("datetime64[us]").view(np.int64))
    rows["series"] = names(rows, by)
    keys = rows.drop_duplicates("series").set_index("series")[list(by)].astype("str").fillna("—")
    rows = rows[(rows["period"] >= 0) & whole[rows["period"]]]
    table = rows.pivot_table(
        index="period", columns="series", values="y", aggfunc="sum", fill_value=0, sort=True
    ).reindex(np.flatnonzero(whole), fill_value=0)
    if not len(table.columns):
        table[ALL if by else ""] = 0.0
    table.index = pd.Index(begins[:-1][whole], name="at")
    frame = table.astype(float).reset_index().melt("at", var_name="series", value_name="y")
    for column in by:
        frame[column] = frame["series"].map(keys[column]).fillna(ALL)
    cut = int((~whole).sum())
    remarks = (Remark("cut", {"n": cut}),) if cut else ()
    frame = frame[["series", *by, "at", "y"]]
    return SeriesSet(frame, every, remarks, tuple(by), UNITS[what])


def every_of(text: str) -> Every:
    """Read a step as people write it.

    Parameters
    ----------
    text : str
        ``"W"``, ``"week"``, ``"1 mo"``, ``"MS"``, ``"quarter"`` ….

    Returns
    -------
    {"day", "week", "month", "quarter"}

    Raises
    ------
    ParameterError
        Another step.

    Examples
    --------
    >>> [every_of(text) for text in ("W", "month", "1 q", "days")]
    ['week', 'month', 'quarter', 'day']
    """
    word = text.strip().lower().removeprefix("1 ").strip()
    if word in LETTERS:
        return LETTERS[word]
    found = {name: name for name in SEASONS}.get(word.removesuffix("s"))  # type: ignore[call-overload]
    if found is None:
        fix = "Write D, W, M or Q (days, weeks, months, quarters)."
        raise ParameterError(Problem(f'"{text}" is no step of a series', path="freq", fix=fix))
    every: Every = found
    return every


def periods_in(horizon: str | int, every: Every) -> int:
    """How many periods a horizon holds, the last one whole.

    Parameters
    ----------
    horizon : str or int
        ``"26 w"``, ``"6 mo"``, ``"90 d"``, ``"2 q"``, ``"1 y"``; or how many periods.
    every : {"day", "week", "month", "quarter"}

    Returns
    -------
    int

    Raises
    ------
    ParameterError
        No length of time, or none at all.

    Examples
    --------
    >>> periods_in("26 w", "week"), periods_in("26 w", "month"), periods_in("1 y", "quarter")
    (26, 6, 4)
    """
    number, _, unit = str(horizon).strip().replace("  ", " ").partition(" ")
    if not unit and not number.isdigit():
        digits = "".join(c for c in number if c.isdigit() or c == ".")
        number, unit = digits, number.removeprefix(digits)
    days = {"": DAYS[every], "d": 1.0, "w": 7.0, "mo": DAYS["month"], "m": DAYS["month"],
            "q": DAYS["quarter"], "y": 12 * DAYS["month"]}.get(unit.lower())  # fmt: skip
    try:
        length = float(number) * (days or np.nan) / DAYS[every]
    except ValueError:
        length = np.nan
    if not 0 < length < 10_000:  # noqa: PLR2004 - also no number at all
        fix = 'Write a length of time such as "26 w", "6 mo" or "90 d".'
        raise ParameterError(Problem(f'"{horizon}" is no horizon', path="horizon", fix=fix))
    return max(int(np.ceil(round(length, 1))), 1)


def periods_ahead(last: pd.Timestamp, every: Every, horizon: int) -> pd.DatetimeIndex:
    """When the periods after the last known one begin.

    Examples
    --------
    >>> periods_ahead(pd.Timestamp("2026-01-01"), "month", 2).strftime("%m").tolist()
    ['02', '03']
    """
    return pd.date_range(last, periods=horizon + 1, freq=OFFSETS[every])[1:]


def names(rows: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """The name of each row's series: its keys, or nothing where there is one series."""
    if not by:
        return pd.Series("", index=rows.index, dtype="str")
    parts = rows[list(by)].astype("str").fillna("—")
    joined: pd.Series = parts.agg(" / ".join, axis=1)
    return joined


def _whole_periods(
    log: EventLog, cuts: np.ndarray, every: Every
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """When periods begin (and the last ends), and which of them the window holds whole."""
    begins = local(cuts, log.meta.time_zone).tz_localize(None)
    first = begins[0].normalize() - pd.Timedelta(days=100)
    grid = pd.date_range(first, begins[-1], freq=OFFSETS[every])
    late = begins - begins.normalize()  # some zones change their clocks at midnight
    on_grid = np.asarray(begins.normalize().isin(grid) & (late <= pd.Timedelta(hours=1)))
    whole = on_grid[:-1] & on_grid[1:]
    if not whole.any():
        message = f"the log, {begins[0].date()} to {begins[-1].date()}, holds no whole {every}"
        raise ParameterError(Problem(message, path="freq", fix="Take a shorter period."))
    return begins.normalize(), whole


def _happenings(log: EventLog, what: str) -> pd.DataFrame:
    """What is counted: when, how much, and the lead's columns."""
    if what == "leads":
        return log.leads.assign(at=log.leads["arrived_at"], y=1.0)
    outcomes = log.outcomes()
    won = outcomes[outcomes["outcome"] == "won"]
    y = won["value"].fillna(0).astype(float) if what == "won_value" else 1.0
    closed = won[["lead_id"]].assign(at=won["closed_at"], y=y)
    return closed.merge(log.leads, on="lead_id", how="left")


def _known(name: str, allowed: Sequence[str], what: str) -> None:
    """Refuse a name that is none of the known."""
    if name not in allowed:
        fix = did_you_mean(name, list(allowed), limit=len(allowed))
        raise ParameterError(Problem(f'there is no {what} "{name}"', path=what, fix=fix))
