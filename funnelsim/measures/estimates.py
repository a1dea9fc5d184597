"""Numbers with their uncertainty, from counts and samples.

Shares and means also take a sample size that need not be whole: that of the equally
weighted sample that is worth as much as a weighted one (Kish 1965, Survey Sampling,
eq. 11.7.6).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NOTHING",
    "Estimate",
    "effective_size",
    "mean",
    "proportion",
    "rate",
    "weighted_mean",
    "wilson",
]

Floats = NDArray[np.float64]

SLACK = 1e-9
NAN = float("nan")


class Estimate(NamedTuple):
    """A number, the leads it rests on, its interval and how it was made."""

    value: float
    n: int
    lo: float
    hi: float
    method: str


NOTHING = Estimate(NAN, 0, NAN, NAN, "no data")


def proportion(count: float, n: int, level: float) -> Estimate:
    """Estimate a proportion from counts, with Wilson's interval.

    Parameters
    ----------
    count, n : float, int
        Successes and trials.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate

    References
    ----------
    Wilson (1927), JASA 22: 209–212; Brown, Cai & DasGupta (2001), Statistical
    Science 16: 101–133.

    Examples
    --------
    >>> value, n, lo, hi, method = proportion(15, 148, 0.95)
    >>> round(lo, 4), round(hi, 4)
    (0.0624, 0.1605)
    """
    if n == 0:
        return NOTHING
    lo, hi = wilson(count / n, float(n), level)
    return Estimate(count / n, n, lo, hi, "Wilson")


def mean(values: Floats, level: float) -> Estimate:
    """Estimate a mean from independent values, with Student's t interval.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Any unit.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Without an interval for fewer than two values.

    Examples
    --------
    >>> estimate = mean(np.array([1.0, 2.0, 3.0]), 0.95)
    >>> round(estimate.lo, 3), round(estimate.hi, 3)
    (-0.484, 4.484)
    """
    if len(values) == 0:
        return NOTHING
    return weighted_mean(values, np.full(len(values), 1.0 / len(values)), level)


def rate(count: int, exposure: float, level: float) -> Estimate:
    """Estimate events per unit of exposure, with the exact Poisson interval.

    Parameters
    ----------
    count : int
        Events seen.
    exposure : float
        Time or other exposure, ≥ 0; the rate is per unit of it.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        ``n`` is the count.

    References
    ----------
    Garwood (1936), Biometrika 28: 437–442.

    Examples
    --------
    >>> estimate = rate(3, 1.0, 0.95)
    >>> round(estimate.lo, 3), round(estimate.hi, 3)
    (0.619, 8.767)
    """
    from scipy.special import gammaincinv

    if exposure <= 0:
        return NOTHING
    tail = (1 - level) / 2
    lo = float(gammaincinv(count, tail)) if count else 0.0
    hi = float(gammaincinv(count + 1, 1 - tail))
    return Estimate(count / exposure, count, lo / exposure, hi / exposure, "Poisson")


def wilson(share: float, size: float, level: float) -> tuple[float, float]:
    """Wilson's interval of a share at a sample size that need not be whole."""
    from statsmodels.stats.proportion import proportion_confint

    lo, hi = proportion_confint(share * size, size, alpha=1 - level, method="wilson")
    return max(0.0, min(float(lo), share)), min(1.0, max(float(hi), share))


def effective_size(weight: Floats) -> float:
    """Kish's size of the equally weighted sample that is worth as much."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def weighted_mean(values: Floats, weight: Floats, level: float) -> Estimate:
    """Mean under weights that sum to 1, Student's t interval at Kish's size."""
    from scipy.special import stdtrit

    middle = float(weight @ values)
    size = effective_size(weight)
    if size <= 1 + SLACK:
        return Estimate(middle, len(values), NAN, NAN, "Student t")
    spread = float(weight @ (values - middle) ** 2) / (size - 1)
    margin = float(stdtrit(size - 1, (1 + level) / 2)) * spread**0.5
    return Estimate(middle, len(values), middle - margin, middle + margin, "Student t")
