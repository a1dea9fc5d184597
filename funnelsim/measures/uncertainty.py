"""Intervals of ratios, of grown sums and of whatever has no formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from funnelsim.measures.estimates import NOTHING, Estimate

__all__ = ["growth", "jackknife", "quotient", "ratio"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NAN = float("nan")


def ratio(above: Floats, below: Floats, level: float) -> Estimate:
    """Estimate a ratio of two sums over the same leads.

    Parameters
    ----------
    above, below : ndarray, shape (n,)
        What each lead adds to either sum.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Σ above ÷ Σ below; Student's t interval of the linearised ratio; NaN where Σ below
        is 0.

    References
    ----------
    Cochran (1977), Sampling Techniques, eq. 6.13.

    Examples
    --------
    >>> estimate = ratio(np.array([1.0, 0.0, 2.0, 1.0]), np.array([2.0, 1.0, 3.0, 2.0]), 0.95)
    >>> round(estimate.value, 3), round(estimate.lo, 3), round(estimate.hi, 3)
    (0.5, 0.175, 0.825)
    """
    n, total = len(above), float(below.sum())
    if n == 0 or total == 0:
        return NOTHING._replace(n=n)
    value = float(above.sum()) / total
    if n == 1:
        return Estimate(value, n, NAN, NAN, "ratio")
    from scipy.special import stdtrit

    rest = above - value * below
    error = float(np.sqrt(n / (n - 1) * (rest**2).sum())) / abs(total)
    margin = float(stdtrit(n - 1, (1 + level) / 2)) * error
    return Estimate(value, n, value - margin, value + margin, "ratio")


def growth(before: Floats, after: Floats, level: float) -> Estimate:
    """Estimate how much a sum of independent amounts has grown.

    Numbers and sizes both vary: a sum of ``n`` amounts is taken as compound Poisson, with
    the variance Σ amount².

    Parameters
    ----------
    before, after : ndarray, shape (n,), (m,)
        Amounts of either period.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Σ after ÷ Σ before − 1; normal interval of the logarithm; ``n`` = both numbers.

    References
    ----------
    Kaas et al. (2008), Modern Actuarial Risk Theory, 3.3 (variance); delta method.

    Examples
    --------
    >>> estimate = growth(np.full(100, 2.0), np.full(110, 2.0), 0.95)
    >>> round(estimate.value, 3), round(estimate.lo, 3), round(estimate.hi, 3)
    (0.1, -0.161, 0.442)
    """
    first, second, n = float(before.sum()), float(after.sum()), len(before) + len(after)
    if first <= 0:
        return NOTHING._replace(n=n)
    value = second / first - 1
    if second <= 0:
        return Estimate(value, n, NAN, NAN, "compound Poisson")
    from scipy.special import ndtri

    error = np.sqrt((before**2).sum() / first**2 + (after**2).sum() / second**2)
    margin = float(np.exp(ndtri((1 + level) / 2) * error))
    return Estimate(
        value, n, (1 + value) / margin - 1, (1 + value) * margin - 1, "compound Poisson"
    )


def quotient(one: Estimate, other: Estimate) -> Estimate:
    """Divide two independent positive estimates.

    Parameters
    ----------
    one, other : Estimate
        With intervals above 0, taken as lognormal.

    Returns
    -------
    Estimate
        At the level of the two, which must be one; without an interval where one of them
        has none or reaches 0; ``n`` the smaller.

    Examples
    --------
    >>> quotient(Estimate(6, 9, 3, 12, ""), Estimate(2, 9, 1, 4, ""))[:4]
    (3.0, 9, 1.1256..., 7.9954...)
    """
    n = min(one.n, other.n)
    if np.isnan(one.value) or np.isnan(other.value) or other.value == 0:
        return NOTHING._replace(n=n)
    value = one.value / other.value
    limits = (one.lo, one.hi, other.lo, other.hi)
    if not all(limit > 0 for limit in limits) or value <= 0:
        return Estimate(value, n, NAN, NAN, "lognormal")
    margin = float(np.exp(np.hypot(np.log(one.hi / one.lo), np.log(other.hi / other.lo)) / 2))
    return Estimate(value, n, value / margin, value * margin, "lognormal")


def jackknife(
    statistic: Callable[[Flags], float], n: int, level: float, groups: int = 20
) -> tuple[float, float]:
    """Interval of any statistic: leave out each twentieth of the sample once.

    Parameters
    ----------
    statistic : callable
        Takes which of the ``n`` are kept; returns a number.
    n : int
        Sample size; with fewer than ``groups``, one is left out at a time.
    level : float
        Confidence level, 0 to 1.
    groups : int
        Every ``groups``-th of the sample forms a group.

    Returns
    -------
    tuple of float
        Lower and upper limit, Student's t with ``groups`` − 1 degrees of freedom.

    References
    ----------
    Shao & Tu (1995), The Jackknife and Bootstrap, section 2.3 (grouped jackknife).

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 3.0])
    >>> lo, hi = jackknife(lambda kept: float(values[kept].mean()), 3, 0.95)
    >>> round(lo, 3), round(hi, 3)
    (-0.484, 4.484)
    """
    groups = min(groups, n)
    if groups <= 1:
        return NAN, NAN
    from scipy.special import stdtrit

    group = np.arange(n) % groups
    whole = statistic(np.ones(n, dtype=bool))
    left = np.array([statistic(group != one) for one in range(groups)])
    spread = (groups - 1) / groups * float(((left - left.mean()) ** 2).sum())
    margin = float(stdtrit(groups - 1, (1 + level) / 2)) * spread**0.5
    return whole - margin, whole + margin
