"""Leads followed until they close or the log ends, and what they tell although some are open.

Leads that are still open when the log ends are right-censored. Every estimate here
sees them through one idea: each lead that did close stands for ``weight`` leads, where
the weights are the jumps of the Kaplan–Meier curve divided by the closings that made
them. Then

* the Aalen–Johansen share of leads that won is the sum of the winners' weights [1]_,
* a percentile of the cycle time is a weighted percentile,
* the size of the equivalent fully observed sample is (Σw)² ÷ Σw² (Kish [2]_), and
  intervals are the familiar ones at that size (Dorey and Korn [3]_, Woodruff [4]_).

Without open leads all weights are 1 ÷ n and everything is the textbook formula.

References
----------
.. [1] Satten & Datta (2001), The Kaplan–Meier estimator as an inverse-probability-of-
       censoring weighted average, The American Statistician 55: 207–210.
.. [2] Kish (1965), Survey Sampling, eq. 11.7.6.
.. [3] Dorey & Korn (1987), Effective sample sizes for confidence intervals for survival
       probabilities, Statistics in Medicine 6: 679–687.
.. [4] Woodruff (1952), Confidence intervals for medians and other position measures,
       JASA 47: 635–646.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelsim.measures.estimates import (
    NOTHING,
    Estimate,
    effective_size,
    proportion,
    weighted_mean,
    wilson,
)

__all__ = [
    "FollowUp",
    "follow",
    "followed_count",
    "followed_mean",
    "followed_quantiles",
    "followed_share",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

SLACK = 1e-9  # what summing up to a million weights may lose
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Leads followed from a start until they close or the log ends.

    Parameters
    ----------
    duration : ndarray, shape (n,), seconds
        From the start to the closing, or to the end of the log.
    closed : ndarray of bool, shape (n,)
        False where the lead is still open.
    weight : ndarray, shape (n,)
        Share of all leads that this closing stands for; 0 where still open.
    unresolved : float
        Kaplan–Meier share still open after the longest follow-up, 0 to 1.
    """

    duration: Floats
    closed: Flags
    weight: Floats
    unresolved: float

    @property
    def n(self) -> int:
        """How many leads were followed."""
        return len(self.duration)

    @property
    def complete(self) -> bool:
        """Whether every lead has closed."""
        return bool(self.closed.all())


def follow(duration: Floats, closed: Flags) -> FollowUp:
    """Weigh each closing by the leads it stands for.

    Parameters
    ----------
    duration : ndarray, shape (n,), seconds, ≥ 0
        From the start to the closing, or to the end of the log.
    closed : ndarray of bool, shape (n,)
        False where the lead is still open (right-censored).

    Returns
    -------
    FollowUp

    Examples
    --------
    Two closings after 1 s and 3 s, one lead still open after 2 s: the late closing
    stands for the open lead too.

    >>> seen = follow(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    >>> seen.weight.round(3).tolist()
    [0.333, 0.0, 0.667]
    """
    weight = np.zeros(len(duration))
    if closed.all():
        weight[:] = 1.0 / max(len(duration), 1)
        return FollowUp(duration, closed, weight, 0.0)
    if not closed.any():
        return FollowUp(duration, closed, weight, 1.0)
    from statsmodels.duration.survfunc import SurvfuncRight

    curve = SurvfuncRight(duration, closed.astype(np.int64))
    jump = -np.diff(curve.surv_prob, prepend=1.0) / curve.n_events
    weight[closed] = jump[np.searchsorted(curve.surv_times, duration[closed])]
    return FollowUp(duration, closed, weight, float(curve.surv_prob[-1]))


def followed_share(seen: FollowUp, chosen: Flags, level: float) -> Estimate:
    """Estimate the share of leads that close in one way, open leads taken into account.

    Parameters
    ----------
    seen : FollowUp
        Result of :func:`follow`.
    chosen : ndarray of bool, shape (n,)
        Closings of the kind asked for; the others compete with it.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Wilson's interval when every lead closed; else the Aalen–Johansen cumulative
        incidence at the longest follow-up with Wilson's interval at Kish's sample size.

    Examples
    --------
    >>> closed = np.array([True, False, True, True])
    >>> seen = follow(np.array([1.0, 2.0, 3.0, 4.0]), closed)
    >>> estimate = followed_share(seen, np.array([False, False, True, False]), 0.95)
    >>> round(estimate.value, 3), estimate.method
    (0.375, 'Aalen-Johansen')
    """
    if seen.n == 0:
        return NOTHING
    if not seen.closed.any():
        return NOTHING._replace(n=seen.n, method="all open")
    if seen.complete:
        return proportion(int(chosen.sum()), seen.n, level)
    share = min(1.0, float(seen.weight[chosen & seen.closed].sum()))
    lo, hi = wilson(share, effective_size(seen.weight), level)
    return Estimate(share, seen.n, lo, hi, "Aalen-Johansen")


def followed_quantiles(
    seen: FollowUp, chosen: Flags | None, probabilities: Sequence[float], level: float
) -> list[Estimate]:
    """Estimate percentiles of the time to closing, open leads taken into account.

    Parameters
    ----------
    seen : FollowUp
        Result of :func:`follow`.
    chosen : ndarray of bool, shape (n,), or None
        Only closings of one kind: percentiles among the leads that close so within the
        longest follow-up, F(t) ÷ F(longest). None: closings of any kind (Kaplan–Meier).
    probabilities : sequence of float
        0 to 1, exclusive.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    list of Estimate
        Seconds. A percentile beyond the follow-up, or resting on one closing that stands
        for more leads than lie beyond it, is NaN with the method ``"not reached"``;
        its ``lo`` is still meant. An upper limit not reached is NaN.

    Examples
    --------
    >>> seen = follow(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False]))
    >>> [quantile.value for quantile in followed_quantiles(seen, None, [0.5, 0.9], 0.95)]
    [2.0, nan]
    """
    used = seen.closed if chosen is None else chosen & seen.closed
    n = seen.n if chosen is None else int(used.sum())
    if not used.any():
        method = "all open" if seen.n else "no data"
        return [NOTHING._replace(n=n, method=method) for _ in probabilities]
    order = np.argsort(seen.duration[used], kind="stable")
    times, weight = seen.duration[used][order], seen.weight[used][order]
    if chosen is None:
        size = _running_size(seen, times, weight)
    else:
        size = np.full(len(times), effective_size(weight))
        weight = weight / weight.sum()
    if seen.complete:
        method = "order statistics"
    else:
        method = "Kaplan-Meier" if chosen is None else "Aalen-Johansen"
    return [_quantile(times, weight, size, p, level, n, method) for p in probabilities]


def followed_mean(seen: FollowUp, chosen: Flags | None, level: float) -> Estimate:
    """Estimate the mean time to closing where the follow-up is long enough for one.

    Parameters
    ----------
    seen, chosen, level
        As in :func:`followed_quantiles`.

    Returns
    -------
    Estimate
        Seconds; NaN with the method ``"not estimable"`` when leads were still open after
        the last closing, for then the tail is unknown.

    Examples
    --------
    >>> seen = follow(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    >>> round(followed_mean(seen, None, 0.95).value, 3)
    2.333
    """
    used = seen.closed if chosen is None else chosen & seen.closed
    n = seen.n if chosen is None else int(used.sum())
    if not used.any():
        return NOTHING._replace(n=n, method="all open" if seen.n else "no data")
    if seen.unresolved > SLACK:
        return NOTHING._replace(n=n, method="not estimable")
    times, weight = seen.duration[used], seen.weight[used]
    estimate = weighted_mean(times, weight / weight.sum(), level)
    open_ones = "Kaplan-Meier" if chosen is None else "Aalen-Johansen"
    method = "Student t" if seen.complete else open_ones
    return estimate._replace(n=n, method=method)


def followed_count(seen: FollowUp, lead: Rows, after: Floats, level: float) -> Estimate:
    """Estimate how often something happens to a lead until it closes, open leads included.

    Parameters
    ----------
    seen : FollowUp
        Result of :func:`follow`, from arrival to closing.
    lead : ndarray of int, shape (k,)
        Row of the lead that each happening belongs to.
    after : ndarray, shape (k,), seconds
        From that lead's arrival to the happening.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Mean number per lead, Student's t interval over leads.

    References
    ----------
    Ghosh & Lin (2000), Nonparametric analysis of recurrent events and death, Biometrics
    56: 554–562: μ(t) = ∫ S(u−) dR(u).

    Examples
    --------
    >>> seen = follow(np.array([5.0, 5.0]), np.array([True, True]))
    >>> followed_count(seen, np.array([0, 0, 1]), np.array([0.0, 2.0, 0.0]), 0.95).value
    1.5
    """
    if seen.n == 0:
        return NOTHING
    order = np.argsort(seen.duration, kind="stable")
    at = np.searchsorted(seen.duration[order], after, side="left")
    gone = np.concatenate([[0.0], np.cumsum(seen.weight[order])])[at]
    standing: Floats = seen.n * (1.0 - gone) / (seen.n - at)
    each = np.bincount(lead, weights=standing, minlength=seen.n).astype(np.float64)
    estimate = weighted_mean(each, np.full(seen.n, 1.0 / seen.n), level)
    return estimate._replace(method="Student t" if seen.complete else "Ghosh-Lin")


def _running_size(seen: FollowUp, times: Floats, weight: Floats) -> Floats:
    """Kish's size at each closing: leads still at risk share the rest of the weight."""
    at_risk = seen.n - np.searchsorted(np.sort(seen.duration), times, side="right")
    rest = np.clip(1.0 - np.cumsum(weight), 0.0, None)
    spread = np.divide(rest**2, at_risk, out=np.zeros(len(times)), where=at_risk > 0)
    return 1.0 / (np.cumsum(weight**2) + spread)


def _quantile(
    times: Floats, weight: Floats, size: Floats, p: float, level: float, n: int, method: str
) -> Estimate:
    """Invert the weighted distribution at ``p`` and its score test around ``p``."""
    from scipy.special import ndtri

    share = np.cumsum(weight)
    margin = ndtri((1 + level) / 2) * np.sqrt(p * (1 - p) / size)
    at, low, high = (
        int(np.argmax(reached)) if reached.any() else -1
        for reached in (share >= p - SLACK, share >= p - margin, share > p + margin)
    )
    lo = 0.0 if p <= margin[0] else (float(times[low]) if low >= 0 else NAN)
    if at < 0 or weight[at] > max(1 - p, 1 / n) + SLACK:
        return Estimate(NAN, n, lo, NAN, "not reached")
    value = float(times[at])
    hi = float(times[high]) if high >= 0 else NAN
    return Estimate(value, n, min(lo, value), hi, method)
