"""How good a forecast was, once the outcome is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["covered", "crps"]

Floats = NDArray[np.float64]


def crps(samples: ArrayLike, actual: ArrayLike) -> Floats:
    """Continuous ranked probability score of a forecast given as a sample; smaller is better.

    Fair: its expectation does not depend on the size of the sample.

    Parameters
    ----------
    samples : array_like, shape (n, ...)
        Draws from the forecast, n ≥ 2.
    actual : array_like, shape (...)
        What came.

    Returns
    -------
    ndarray, shape (...)
        In the unit of the outcome; for a forecast without spread the absolute error.

    References
    ----------
    Ferro (2014), Fair scores for ensemble forecasts, Quarterly Journal of the Royal
    Meteorological Society 140: 1917–1923, eq. 2; the spread by Zamo & Naveau (2018),
    Mathematical Geosciences 50: 209–234, eq. PWM.

    Examples
    --------
    >>> crps([1.0, 3.0], 2.0).item()
    0.0
    >>> crps([2.0, 2.0], 5.0).item()
    3.0
    """
    draws = np.sort(np.asarray(samples, dtype=float), axis=0)
    n = len(draws)
    if n < 2:  # noqa: PLR2004 - no spread from one draw
        raise ValueError("a sample of 2 or more is needed")
    error = np.abs(draws - np.asarray(actual, dtype=float)).mean(axis=0)
    weight = (2 * np.arange(n) - n + 1).reshape((n,) + (1,) * (draws.ndim - 1))
    spread = (weight * draws).sum(axis=0) / (n * (n - 1))  # half the mean absolute difference
    return np.asarray(error - spread)


def covered(samples: ArrayLike, actual: ArrayLike, level: float) -> NDArray[np.bool_]:
    """Whether the central interval of a forecast holds the outcome.

    Parameters
    ----------
    samples : array_like, shape (n, ...)
        Draws from the forecast.
    actual : array_like, shape (...)
        What came.
    level : float
        Of the interval, 0 to 1.

    Returns
    -------
    ndarray of bool, shape (...)

    Examples
    --------
    >>> covered(range(101), [5, 50], 0.8).tolist()
    Traceback (most recent call last):
    ValueError: samples and outcomes differ in shape
    >>> covered(range(101), 50, 0.8).item()
    True
    """
    draws, came = np.asarray(samples, dtype=float), np.asarray(actual, dtype=float)
    if draws.shape[1:] != came.shape:
        raise ValueError("samples and outcomes differ in shape")
    lo, hi = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray((lo <= came) & (came <= hi))
