"""Durations that are not all known to their end: Kaplan–Meier with late entry and weights.

statsmodels has the curve with late entry and the curve with weights, not with both; recent
visits weigh more where the user asks for it (``half_life``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.measures.estimates import SLACK, Estimate

__all__ = ["Curve", "Durations", "curve", "quantile"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NAN: Final = float("nan")

THIN: Final = 0.02
"""Share of the largest risk set below which early events are passed over (see `curve`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """Durations, each known to its end or cut short, some seen only from a later age on.

    Parameters
    ----------
    time : ndarray, shape (n,), seconds, ≥ 0
        From the beginning to the end, or to the end of observation.
    ended : ndarray of bool, shape (n,)
        False where the end is not known (right-censored).
    entry : ndarray, shape (n,), seconds, ≥ 0
        Age at which observation began; 0 where it was there from the beginning. What
        ends before that age is never seen (left truncation).
    weight : ndarray, shape (n,), ≥ 0
        How much each counts; 1 for all alike.
    """

    time: Floats
    ended: Flags
    entry: Floats
    weight: Floats

    def __len__(self) -> int:
        """How many."""
        return len(self.time)

    def taken(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Durations:
        """Some of them."""
        return Durations(
            self.time[chosen], self.ended[chosen], self.entry[chosen], self.weight[chosen]
        )

    @property
    def events(self) -> int:
        """How many are known to their end."""
        return int(self.ended.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The Kaplan–Meier curve at the times at which something ended.

    Parameters
    ----------
    time : ndarray, shape (k,), seconds, rising
    survival : ndarray, shape (k,)
        Share that lasts longer than ``time``.
    size : ndarray, shape (k,)
        How many fully observed durations would tell as much (Dorey & Korn 1987).
    jump : ndarray, shape (n,)
        Share of all that each of the durations stands for; 0 where it is cut short.
    """

    time: Floats
    survival: Floats
    size: Floats
    jump: Floats

    @property
    def unresolved(self) -> float:
        """Share that had not ended after the longest observation."""
        return float(self.survival[-1]) if len(self.survival) else 1.0


def curve(seen: Durations) -> Curve:
    """Estimate how long durations last, with censoring, late entry and weights.

    Parameters
    ----------
    seen : Durations

    Returns
    -------
    Curve

    Notes
    -----
    With late entry the first risk sets can be so small that a single end takes the curve
    to 0; ends while fewer than 2 % of the largest risk set are there are passed over
    (Lai & Ying 1991, Annals of Statistics 19: 417–442, in spirit).

    References
    ----------
    Kaplan & Meier (1958), JASA 53: 457–481; Tsai, Jewell & Wang (1987), Biometrika 74:
    883–886 (late entry); Dorey & Korn (1987), Statistics in Medicine 6: 679–687.

    Examples
    --------
    >>> seen = Durations(
    ...     np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), np.zeros(3), np.ones(3)
    ... )
    >>> curve(seen).survival.round(3).tolist(), curve(seen).jump.round(3).tolist()
    ([0.667, 0.0], [0.333, 0.0, 0.667])
    """
    counted = seen.ended & (seen.weight > 0)
    times: Floats
    times, place = np.unique(seen.time[counted], return_inverse=True)
    if not len(times):
        return Curve(times, times, times, np.zeros(len(seen)))
    weight = seen.weight[counted]
    risk = _at_risk(seen, times)
    ends = _sums(place, weight, len(times))
    squares = _sums(place, weight**2, len(times))
    if (seen.entry > 0).any():
        thin = (risk < THIN * risk.max()) & (np.arange(len(times)) < risk.argmax())
        ends, squares = np.where(thin, 0.0, ends), np.where(thin, 0.0, squares)
    survival = np.asarray(np.cumprod(np.clip(1 - ends / risk, 0.0, 1.0)), dtype=np.float64)
    survival[survival < SLACK] = 0.0
    before = np.concatenate([[1.0], survival[:-1]])
    each = np.divide(before - survival, ends, out=np.zeros(len(times)), where=ends > 0)
    jump = np.zeros(len(seen))
    jump[counted] = each[place] * weight
    return Curve(times, survival, _sizes(survival, risk, ends, squares), jump)


def _sums(place: NDArray[np.intp], values: Floats, n: int) -> Floats:
    """Sums of values by place."""
    return np.bincount(place, weights=values, minlength=n).astype(np.float64)


def _at_risk(seen: Durations, times: Floats) -> Floats:
    """Weight of those under observation just before each time."""
    order, late = np.argsort(seen.time), seen.entry > 0
    gone = np.concatenate([[0.0], np.cumsum(seen.weight[order])])
    there = gone[-1] - gone[np.searchsorted(seen.time[order], times, side="left")]
    if not late.any():
        return np.asarray(there)
    entries = np.argsort(seen.entry[late])
    come = np.concatenate([[0.0], np.cumsum(seen.weight[late][entries])])
    missing = come[-1] - come[np.searchsorted(seen.entry[late][entries], times, side="left")]
    return np.asarray(np.maximum(there - missing, SLACK))


def _sizes(survival: Floats, risk: Floats, ends: Floats, squares: Floats) -> Floats:
    """Sample size that each point of the curve is worth, from Greenwood's variance."""
    rest = risk - ends
    step = np.divide(squares, risk * rest, out=np.zeros(len(risk)), where=rest > SLACK)
    variance = np.cumsum(step)  # of log survival
    known = (survival > 0) & (rest > SLACK) & (variance > 0)
    size = np.divide(1 - survival, survival * variance, out=np.zeros(len(risk)), where=known)
    if not known.any():
        return np.full(len(risk), max(float(risk.max()), 1.0))
    at = np.maximum.accumulate(np.where(known, np.arange(len(risk)), -1))
    at = np.where(at < 0, int(np.argmax(known)), at)
    return np.asarray(np.maximum(size[at], 1.0))


def quantile(
    seen: Durations, of: Curve, levels: Sequence[float], confidence: float = 0.95
) -> list[Estimate]:
    """Quantiles of durations with intervals that need no family.

    Parameters
    ----------
    seen : Durations
    of : Curve
        Theirs.
    levels : sequence of float
        0 to 1, exclusive.
    confidence : float
        Level of the intervals.

    Returns
    -------
    list of Estimate
        Seconds; NaN where the observation is too short to tell.

    References
    ----------
    Woodruff (1952), JASA 47: 635–646, at the size of Dorey & Korn (1987).

    Examples
    --------
    >>> times = np.arange(1.0, 101.0)
    >>> seen = Durations(times, np.ones(100, dtype=bool), np.zeros(100), np.ones(100))
    >>> median = quantile(seen, curve(seen), [0.5])[0]
    >>> median.value, median.lo, median.hi
    (50.0, 41.0, 60.0)
    """
    from scipy.special import ndtri

    z, share = float(ndtri((1 + confidence) / 2)), 1 - of.survival
    found = []
    for p in levels:
        margin = z * np.sqrt(p * (1 - p) / of.size) if len(share) else share
        value = _first(of.time, share >= p - SLACK)
        lo = _first(of.time, share >= p - margin)
        hi = _first(of.time, share > p + margin)
        if len(margin) and p <= margin[0]:
            lo = 0.0
        found.append(Estimate(value, seen.events, lo, hi, "Kaplan-Meier"))
    return found


def _first(times: Floats, reached: Flags) -> float:
    """The first time at which it is reached; NaN if never."""
    return float(times[int(np.argmax(reached))]) if reached.any() else NAN
