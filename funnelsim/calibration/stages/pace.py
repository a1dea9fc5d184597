"""Pace: weeks in which more visits of a stage end than their ages let expect, or fewer."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.stages.survival import curve
from funnelsim.calibration.stages.visits import StageVisits
from funnelsim.calibration.unevenness import Unevenness
from funnelsim.events import EventLog
from funnelsim.measures.journeys import SECOND, window

__all__ = ["pace"]

Floats = NDArray[np.float64]

FEWEST: Final = 4
"""Weeks without which nothing is said."""
ENDS: Final = 100
"""Ends that a stage needs for its weeks to be compared."""
LEAST: Final = 3.0
"""Ends to be expected in a week that counts."""


def pace(log: EventLog, visits: StageVisits) -> Unevenness | None:
    """Compare the visits that end in each week with those that should.

    Of visits of an age so many end in a week as the Kaplan-Meier curve of the whole log says;
    what weeks differ by is a pace that all visits of the week share.

    Parameters
    ----------
    log : EventLog
    visits : StageVisits
        Of this log.

    Returns
    -------
    Unevenness or None
        Of the logarithm of the pace, by week; None where there is too little to compare.

    References
    ----------
    Andersen, Borgan, Gill & Keiding (1993), Statistical Models Based on Counting Processes,
    section VI.1 (observed and expected numbers).

    Examples
    --------
    >>> from funnelsim.calibration.stages.visits import stage_visits
    >>> from funnelsim.measures.example import BANK
    >>> pace(BANK, stage_visits(BANK)[0]) is None
    True
    """
    if visits.stays.events < ENDS:
        return None
    edges = _weeks(log)
    expected = _expected(visits, edges)
    ends = visits.entered[visits.stays.ended] / SECOND + visits.stays.time[visits.stays.ended]
    seen = np.histogram(ends, edges)[0]
    kept = expected >= LEAST
    if kept.sum() < FEWEST:
        return None
    shift = seen[kept] / expected[kept] - 1
    return Unevenness(tuple(shift.tolist()), tuple(expected[kept].tolist()))


def _weeks(log: EventLog) -> Floats:
    """Ends of the whole weeks of the window, seconds since the epoch."""
    since, until = (
        pd.Timestamp(round(end), unit="us", tz="UTC").tz_convert(log.meta.time_zone)
        for end in window(log)
    )
    days = pd.date_range(since.ceil("D"), until, freq="7D")
    return days.tz_convert("UTC").as_unit("us").asi8 / SECOND


def _expected(visits: StageVisits, edges: Floats) -> Floats:
    """Ends to be expected in each week: growth of the cumulative hazard over the ages in it."""
    stays, known = visits.stays, curve(visits.stays)
    before = np.concatenate([[1.0], known.survival[:-1]])
    hazard = np.concatenate([[0.0], np.cumsum(1 - known.survival / np.maximum(before, 1e-12))])
    entered = visits.entered / SECOND
    sums = []
    for edge in edges:
        age = np.clip(edge - entered, stays.entry, stays.time)
        sums.append(hazard[np.searchsorted(known.time, age, side="right")].sum())
    return np.diff(sums)
