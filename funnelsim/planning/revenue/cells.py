"""The time ahead cut into cells: no cell lies in two weeks, months or quarters asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog

__all__ = [
    "FREQUENCIES",
    "Cells",
    "Freq",
    "cells_between",
    "horizon_end",
    "usual_freq",
]

Floats = NDArray[np.float64]
Freq = Literal["week", "month", "quarter"]

FREQUENCIES: Final = {"week": "W-SUN", "month": "M", "quarter": "Q"}
"""Calendar periods, as pandas names them; weeks begin on Monday."""
FEW_WEEKS: Final = 9
MANY_WEEKS: Final = 80


@dataclass(frozen=True, eq=False)
class Cells:
    """Pieces of the horizon, from which weeks, months and quarters are added up.

    Parameters
    ----------
    cuts : pandas.DatetimeIndex
        Where the cells begin, and the end of the last one; UTC.
    zone : str
        Of the calendar.
    freq : {"week", "month", "quarter"}
        The periods asked about.
    """

    cuts: pd.DatetimeIndex
    zone: str
    freq: Freq

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def periods(self, freq: Freq | None = None) -> pd.PeriodIndex:
        """The calendar period of each cell.

        Parameters
        ----------
        freq : {"week", "month", "quarter"}, optional
            Left out: the one asked about.

        Returns
        -------
        pandas.PeriodIndex
        """
        return calendar(self.cuts[:-1], self.zone, freq or self.freq)

    def of(self, moments: pd.Series) -> NDArray[np.int64]:
        """The cell of each moment; what lies at the very end belongs to the last one."""
        found = self.cuts.searchsorted(pd.DatetimeIndex(moments), side="right") - 1
        return np.asarray(np.clip(found, 0, len(self) - 1))

    def whole(self, freq: Freq | None = None) -> NDArray[np.bool_]:
        """Whether the period of each cell ends inside the horizon."""
        periods = self.periods(freq)
        last = calendar(self.cuts[-1:], self.zone, freq or self.freq)[0]
        return np.asarray(periods < last)

    def sums(self, paths: Floats, freq: Freq | None = None) -> tuple[pd.PeriodIndex, Floats]:
        """Add cells up to calendar periods, path by path.

        Parameters
        ----------
        paths : ndarray, shape (n, cells, ...)
        freq : {"week", "month", "quarter"}, optional

        Returns
        -------
        tuple of pandas.PeriodIndex and ndarray, shape (n, periods, ...)
        """
        codes, periods = pd.factorize(self.periods(freq))
        added = np.zeros((len(paths), len(periods), *paths.shape[2:]))
        for cell, code in enumerate(codes):
            added[:, code] += paths[:, cell]
        return pd.PeriodIndex(periods), added


def cells_between(start: pd.Timestamp, end: pd.Timestamp, zone: str, freq: Freq) -> Cells:
    """Cut the time ahead at the beginnings of its periods and quarters.

    Parameters
    ----------
    start, end : pandas.Timestamp
        Instants.
    zone : str
        Of the calendar.
    freq : {"week", "month", "quarter"}

    Returns
    -------
    Cells

    Raises
    ------
    ParameterError
        No such frequency.

    Examples
    --------
    >>> start, end = (pd.Timestamp(day, tz="UTC") for day in ("2026-01-20", "2026-04-10"))
    >>> made = cells_between(start, end, "UTC", "month")
    >>> made.periods().astype(str).tolist(), made.whole().tolist()
    (['2026-01', '2026-02', '2026-03', '2026-04'], [True, True, True, False])
    """
    if freq not in FREQUENCIES:
        fix = did_you_mean(str(freq), list(FREQUENCIES), limit=3)
        raise ParameterError(Problem(f'there is no frequency "{freq}"', path="freq", fix=fix))
    days = [start, end]
    first, last = (moment.tz_convert(zone).tz_localize(None) for moment in (start, end))
    for code in {FREQUENCIES[freq], FREQUENCIES["quarter"]}:
        begins = pd.period_range(first, last, freq=code).start_time
        days += list(begins.tz_localize(zone, nonexistent="shift_forward", ambiguous=True))
    cuts = pd.DatetimeIndex([day.tz_convert("UTC") for day in days]).unique().sort_values()
    return Cells(cuts[(cuts >= start) & (cuts <= end)], zone, freq)


def calendar(moments: pd.Series | pd.DatetimeIndex, zone: str, freq: Freq) -> pd.PeriodIndex:
    """The calendar period of each moment."""
    local = pd.DatetimeIndex(moments).tz_convert(zone).tz_localize(None)
    return local.to_period(FREQUENCIES[freq])


def horizon_end(log: EventLog, horizon: str) -> pd.Timestamp:
    """When a horizon from the end of a log is over.

    Parameters
    ----------
    log : EventLog
    horizon : str
        ``26 w``, ``6 mo``.

    Returns
    -------
    pandas.Timestamp
        An instant.

    Raises
    ------
    ParameterError
        No such duration, or none at all.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> str(horizon_end(BANK, "1 w") - BANK.meta.observed_until)
    '7 days 00:00:00'
    """
    from funnelsim.worktime import parse_duration

    fix = 'Write "26 w", "6 mo" or "90 d".'
    try:
        length = parse_duration(horizon)
    except ValueError as wrong:
        raise ParameterError(Problem(str(wrong), path="horizon", fix=fix)) from None
    if not length.amount > 0 or length.clock not in {"months", "elapsed"}:
        raise ParameterError(Problem(f"{horizon!r} is no horizon", path="horizon", fix=fix))
    start = pd.Timestamp(log.meta.observed_until).tz_convert(log.meta.time_zone)
    wall = start.tz_localize(None)
    if length.clock == "months":
        moved = wall + pd.DateOffset(months=round(length.amount))
    else:
        moved = wall + pd.Timedelta(microseconds=round(length.microseconds()))
    return moved.tz_localize(
        log.meta.time_zone, nonexistent="shift_forward", ambiguous=True
    ).tz_convert("UTC")


def usual_freq(start: pd.Timestamp, end: pd.Timestamp) -> Freq:
    """Weeks for two months, quarters for more than a year and a half, months between.

    Examples
    --------
    >>> start = pd.Timestamp("2026-01-01", tz="UTC")
    >>> usual_freq(start, start + pd.Timedelta(weeks=26))
    'month'
    """
    weeks = (end - start) / pd.Timedelta(weeks=1)
    return "week" if weeks < FEW_WEEKS else "month" if weeks < MANY_WEEKS else "quarter"
