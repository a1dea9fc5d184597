"""Surges: weeks or months in which more leads come than chance explains, or fewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.demand.daily import DailyRate
from funnelsim.calibration.demand.shocks import SMALLEST, ShockPart
from funnelsim.calibration.unevenness import Unevenness

__all__ = ["surge_part"]

Floats = NDArray[np.float64]

FEWEST: Final = {"week": 4, "month": 6}
"""Periods without which nothing is said."""
SHOWN: Final = 0.01
"""Chance below which a surge stands in the scenario."""


def surge_part(
    streams: Sequence[tuple[str, pd.Series, DailyRate]], start: pd.Timestamp
) -> ShockPart | None:
    """Estimate how much the leads of all sources surge together.

    Whole weeks (or months, if these differ more) are compared with what weekday, season and
    growth let expect; what they differ by beyond the restlessness of single days is a factor
    that all leads of the period share.

    Parameters
    ----------
    streams : sequence of (str, Series of int, DailyRate)
        Source, leads by local date, and their rate.
    start : Timestamp
        The day to which growth refers.

    Returns
    -------
    ShockPart or None
        ``shock/demand``; None if the history is too short to compare four weeks.

    Examples
    --------
    >>> from funnelsim.calibration.demand.daily import daily_rate
    >>> days = pd.date_range("2024-01-01", periods=56)
    >>> counts = pd.Series(np.repeat([8, 20, 5, 9, 22, 6, 10, 8], 7), index=days)
    >>> rate = daily_rate(counts, days[-1])
    >>> part = surge_part([("web", counts, rate)], days[-1])
    >>> part.period, round(part.cv, 1)
    ('week', 0.6)
    """
    counts, expected = _sums(streams, start)
    found = {name: _uneven(counts, expected, name) for name in FEWEST}
    known = {name: one for name, one in found.items() if one and len(one) >= FEWEST[name]}
    if not known:
        return None
    period = max(known, key=lambda name: known[name].statistic() / (len(known[name]) - 1))
    uneven = known[period]
    value, lo, hi = uneven.cv()
    if uneven.chance() >= SHOWN:
        value = min(value, SMALLEST / 2)
    sources = tuple(source for source, _, _ in streams)
    return ShockPart("demand", period, "sources", sources, value, lo, hi, int(counts.sum()), uneven)


def _sums(
    streams: Sequence[tuple[str, pd.Series, DailyRate]], start: pd.Timestamp
) -> tuple[pd.Series, pd.Series]:
    """Leads of all sources by day, and how many were to be expected."""
    counts, expected = (
        pd.concat(columns, axis=1, sort=True).sum(axis=1)
        for columns in (
            [counts for _, counts, _ in streams],
            [
                pd.Series(rate.means(pd.DatetimeIndex(counts.index), start), index=counts.index)
                for _, counts, rate in streams
            ],
        )
    )
    return counts, expected


def _uneven(counts: pd.Series, expected: pd.Series, period: str) -> Unevenness | None:
    """By whole period: the shift of the log rate, and its precision given restless days."""
    days = pd.DatetimeIndex(counts.index)
    place = days.to_period("W" if period == "week" else "M")
    whole = (place.start_time >= days[0]) & (place.end_time.normalize() <= days[-1])
    code, names = pd.factorize(place[whole])
    seen, mean = (values.to_numpy(dtype=float)[whole] for values in (counts, expected))
    total, sums = (np.bincount(code, values, minlength=len(names)) for values in (seen, mean))
    if len(names) < 2 or not (sums > 0).all():  # noqa: PLR2004
        return None
    within = mean * (total / sums)[code]
    open_ = within > 0
    squares = float(((seen - within)[open_] ** 2 / within[open_]).sum())
    dispersion = max(1.0, squares / max(1, int(open_.sum()) - len(names)))
    shift = total / sums - 1
    return Unevenness(tuple(shift.tolist()), tuple((sums / dispersion).tolist()))
