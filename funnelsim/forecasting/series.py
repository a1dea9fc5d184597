"""Regular series from event logs and tables: what is counted per week, month or quarter.

A series here is a long table: ``series`` (whose), ``at`` (when the period begins, local date),
``y``. What had to be done to the data is said in notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.periods import edges, local, period_of

__all__ = ["SEASONS", "Every", "SeriesSet", "from_log", "from_table"]

Every = Literal["day", "week", "month", "quarter"]

SEASONS: Final[Mapping[Every, int]] = {"day": 7, "week": 52, "month": 12, "quarter": 4}
"""Periods per season."""
STEPS: Final[Mapping[Every, str]] = {"day": "1 d", "week": "1 w", "month": "1 mo", "quarter": "1 q"}
OFFSETS: Final[Mapping[Every, str]] = {"day": "D", "week": "W-MON", "month": "MS", "quarter": "QS"}
WHAT: Final = ("leads", "won", "won_value")
WILD: Final = 8.0
"""A value so many robust standard deviations from its neighbours is an outlier."""
ROBUST: Final = 1.4826
"""Median absolute deviation → standard deviation of a normal."""
NEIGHBOURS: Final = 5


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """One or several series of the same step.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``series``, ``at``, ``y``; every series regular, without gaps.
    every : {"day", "week", "month", "quarter"}
    notes : tuple of str
        What was left out, filled or damped, with counts.
    """

    frame: pd.DataFrame
    every: Every
    notes: tuple[str, ...] = ()

    @property
    def season(self) -> int:
        """Periods per season."""
        return SEASONS[self.every]

    def __iter__(self) -> Iterator[tuple[str, pd.Series]]:
        """Name and values, indexed by the period's beginning."""
        for name, rows in self.frame.groupby("series", sort=False):
            yield str(name), rows.set_index("at")["y"]


def from_log(
    log: EventLog, what: str = "leads", *, every: Every = "week", by: Sequence[str] = ()
) -> SeriesSet:
    """Count leads, wins or their value by period.

    Parameters
    ----------
    log : EventLog
    what : {"leads", "won", "won_value"}
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
    begins = local(cuts, log.meta.time_zone).tz_localize(None)
    grid = pd.date_range(
        begins[0].normalize() - pd.Timedelta(days=100), begins[-1], freq=OFFSETS[every]
    )
    whole = np.isin(begins[:-1], grid) & np.isin(begins[1:], grid)
    if not whole.any():
        message = f"the log, {begins[0].date()} to {begins[-1].date()}, holds no whole {every}"
        raise ParameterError(Problem(message, path="every", fix="Take a shorter period."))
    rows = _happenings(log, what)
    rows["period"] = period_of(cuts, rows["at"].to_numpy("datetime64[us]").view(np.int64))
    rows["series"] = _names(rows, by)
    rows = rows[(rows["period"] >= 0) & whole[rows["period"]]]
    table = rows.pivot_table(
        index="period", columns="series", values="y", aggfunc="sum", fill_value=0, sort=True
    ).reindex(np.flatnonzero(whole), fill_value=0)
    table.index = pd.Index(begins[:-1][whole], name="at")
    frame = table.astype(float).reset_index().melt("at", var_name="series", value_name="y")
    cut = int((~whole).sum())
    notes = (f"Periods that the data holds in part, left out: {cut}.",) if cut else ()
    return SeriesSet(frame[["series", "at", "y"]], every, notes)


def from_table(
    table: pd.DataFrame,
    *,
    at: str,
    y: str,
    series: Sequence[str] = (),
    every: Every | None = None,
    until: str | None = None,
) -> SeriesSet:
    """Make regular series of a table with one row per period.

    Parameters
    ----------
    table : pandas.DataFrame
    at, y : str
        Columns with the date and the number.
    series : sequence of str
        Columns that tell series apart.
    every : {"day", "week", "month", "quarter"}, optional
        Left out: found from the dates.
    until : str, optional
        When the table was made: a period that was not over then is left out.

    Returns
    -------
    SeriesSet
        Gaps are filled between their neighbours and outliers pulled in; the notes count both.

    Raises
    ------
    DataError
        Columns that are not there, dates or numbers that are none, one date twice, steps that
        differ, fewer than four periods: all at once.

    Examples
    --------
    >>> table = pd.DataFrame({"month": ["2025-01", "2025-02", "2025-04", "2025-05", "2025-06"],
    ...                       "sales": [10, 12, 14, 15, 16]})
    >>> made = from_table(table, at="month", y="sales")
    >>> made.every, made.frame["y"].tolist()
    ('month', [10.0, 12.0, 13.0, 14.0, 15.0, 16.0])
    >>> made.notes
    ('Periods missing, filled between their neighbours: 1.',)
    """
    problems = [
        Problem(f'there is no column "{name}"', fix=did_you_mean(name, [*map(str, table.columns)]))
        for name in (at, y, *series)
        if name not in table.columns
    ]
    if problems:
        raise DataError(problems)
    rows = pd.DataFrame(
        {
            "series": _names(table, series),
            "at": pd.to_datetime(table[at].astype("str"), errors="coerce", format="mixed"),
            "y": pd.to_numeric(table[y], errors="coerce"),
        }
    )
    raise_if(_broken_rows(rows, table, at, y))
    step = every or _step(rows, at)
    _known(step, tuple(SEASONS), "every")
    rows["at"] = rows["at"].dt.to_period(OFFSETS[step].replace("-MON", "-SUN")[0]).dt.start_time
    twice = rows.duplicated(["series", "at"])
    if twice.any():
        when = rows.loc[twice, "at"].iloc[0].date()
        message = f"the same {step} more than once: {int(twice.sum())}, the first {when}"
        fix = "Add the numbers up, or name the columns that tell the series apart."
        raise DataError(Problem(message, path=at, fix=fix))
    return _regular(rows, step, until)


def raise_if(problems: Sequence[Problem]) -> None:
    """Raise all problems at once, if there are any."""
    if problems:
        raise DataError(problems)


def _regular(rows: pd.DataFrame, step: Every, until: str | None) -> SeriesSet:
    """Fill gaps, pull outliers in, leave the unfinished period out."""
    counts = {"gaps": 0, "wild": 0, "open": 0}
    parts = []
    short = []
    for name, group in rows.groupby("series", sort=False):
        y = group.set_index("at")["y"].sort_index().asfreq(OFFSETS[step])
        if until is not None:
            over = pd.DatetimeIndex(y.index).shift(1, freq=OFFSETS[step])
            late = over > pd.Timestamp(until)
            counts["open"] += int(late.sum())
            y = y[~late]
        counts["gaps"] += int(y.isna().sum())
        y = y.interpolate()
        tame, wild = _tamed(y, SEASONS[step])
        counts["wild"] += wild
        if len(tame) < 4:  # noqa: PLR2004 - nothing can be said of three points
            whose = f'"{name!s}" ' if name else ""
            message = f"the series {whose}has {len(tame)} periods"
            short.append(Problem(message, fix="4 are the least; 24 make a season visible."))
        parts.append(tame.rename("y").reset_index().assign(series=name))
    raise_if(short)
    texts = {
        "gaps": "Periods missing, filled between their neighbours",
        "wild": "Outliers, pulled in to what their neighbours allow",
        "open": "Periods not over when the data was taken, left out",
    }
    notes = tuple(f"{texts[kind]}: {n}." for kind, n in counts.items() if n)
    return SeriesSet(pd.concat(parts)[["series", "at", "y"]].reset_index(drop=True), step, notes)


def _tamed(y: pd.Series, season: int) -> tuple[pd.Series, int]:
    """Pull in single values far outside of what their neighbours and last year's allow."""
    if len(y) < 2 * NEIGHBOURS:
        return y, 0
    middle = y.rolling(NEIGHBOURS, center=True, min_periods=3).median()
    off = y - middle
    if len(y) > 2 * season:  # what returns every year is no outlier
        off = off.where(off.abs() <= off.shift(season).abs().mul(WILD), off - off.shift(season))
        off = off.fillna(y - middle)
    scale = ROBUST * float(off.abs().median())
    wild = off.abs() > WILD * scale if scale > 0 else pd.Series(data=False, index=y.index)
    limit = middle + np.sign(off) * WILD * scale
    return y.mask(wild, limit), int(wild.sum())


def _broken_rows(rows: pd.DataFrame, table: pd.DataFrame, at: str, y: str) -> list[Problem]:
    """Find dates and numbers that are none."""
    problems = []
    for name, column, what in (("at", at, "date"), ("y", y, "number")):
        broken = rows[name].isna()
        if broken.any():
            value = table.loc[broken.to_numpy(), column].iloc[0]
            row = int(np.flatnonzero(broken)[0]) + 2
            message = f'no {what}: {int(broken.sum())}, the first "{value}" in row {row}'
            problems.append(Problem(message, path=column))
    return problems


def _step(rows: pd.DataFrame, at: str) -> Every:
    """Find the step from the dates: the usual distance between neighbours."""
    days = rows.sort_values("at").groupby("series")["at"].diff().dt.days.dropna()
    if days.empty:
        message = "one date only"
        raise DataError(Problem(message, path=at, fix="A series needs 4 periods or more."))
    usual = float(days[days > 0].median()) if (days > 0).any() else 0.0
    for step, (least, most) in {
        "day": (1, 1), "week": (7, 7), "month": (28, 31), "quarter": (89, 92),
    }.items():  # fmt: skip
        if least <= usual <= most:
            fits = days.between(least, most)
            if float(fits.mean()) < 0.5:  # noqa: PLR2004 - most of them
                break
            found: dict[str, Every] = {"day": "day", "week": "week", "month": "month"}
            return found.get(step, "quarter")
    message = f"dates that are {usual:g} days apart, from {days.min():g} to {days.max():g}"
    fix = "One step for all, please: days, weeks, months or quarters."
    raise DataError(Problem(message, path=at, fix=fix))


def _happenings(log: EventLog, what: str) -> pd.DataFrame:
    """What is counted: when, how much, and the lead's columns."""
    if what == "leads":
        return log.leads.assign(at=log.leads["arrived_at"], y=1.0)
    outcomes = log.outcomes()
    won = outcomes[outcomes["outcome"] == "won"]
    y = won["value"].fillna(0).astype(float) if what == "won_value" else 1.0
    closed = won[["lead_id"]].assign(at=won["closed_at"], y=y)
    return closed.merge(log.leads, on="lead_id", how="left")


def _names(rows: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """The name of each row's series."""
    if not by:
        return pd.Series("", index=rows.index, dtype="str")
    parts = rows[list(by)].astype("str").fillna("—")
    return parts.agg(" / ".join, axis=1)


def _known(name: str, names: Sequence[str], what: str) -> None:
    """Refuse a name that is none of the known."""
    if name not in names:
        fix = did_you_mean(name, list(names), limit=len(names))
        raise ParameterError(Problem(f'there is no {what} "{name}"', path=what, fix=fix))
