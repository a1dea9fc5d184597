"""How good a forecast was, once the outcome is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelsim.forecasting.samples import levels

__all__ = [
    "covered",
    "crps",
    "interval_score",
    "mase",
    "naive_error",
    "pinball",
    "rmsse",
    "smape",
]

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
    lo, hi = levels(draws, [(1 - level) / 2, (1 + level) / 2])
    return np.asarray((lo <= came) & (came <= hi))


def naive_error(history: ArrayLike, season: int, *, squared: bool = False) -> float:
    """How far off last season's value was, over the history: the yardstick of scaled scores.

    Parameters
    ----------
    history : array_like, shape (n,)
        What was known at the cutoff; NaN where nothing is known.
    season : int
        Periods per season. Without a whole season of history the last value is the yardstick.
    squared : bool
        Mean square instead of mean absolute error.

    Returns
    -------
    float
        In the unit of the history (squared: its square); NaN for fewer than two values, 0 where
        every season repeats.

    References
    ----------
    Hyndman & Koehler (2006), International Journal of Forecasting 22: 679–688.

    Examples
    --------
    >>> naive_error([1.0, 5.0, 2.0, 7.0], 2)
    1.5
    """
    past = np.asarray(history, dtype=float)
    step = season if len(past) > season else 1
    errors = past[step:] - past[:-step]
    errors = errors[np.isfinite(errors)]
    if not len(errors):
        return float("nan")
    return float((errors**2).mean() if squared else np.abs(errors).mean())


def mase(point: ArrayLike, actual: ArrayLike, scale: float) -> float:
    """Mean absolute scaled error; below 1 is better than last season's value was in the past.

    Parameters
    ----------
    point, actual : array_like, shape (horizon,)
        Forecast, best a median, and what came.
    scale : float
        `naive_error` of the history.

    Returns
    -------
    float
        NaN where the scale is 0.

    References
    ----------
    Hyndman & Koehler (2006), International Journal of Forecasting 22: 679–688.

    Examples
    --------
    >>> mase([3.0, 5.0], [4.0, 7.0], 1.5)
    1.0
    """
    error = np.abs(_pair(point, actual)).mean()
    return float(error / scale) if scale > 0 else float("nan")


def rmsse(mean: ArrayLike, actual: ArrayLike, squared_scale: float) -> float:
    """Root mean squared scaled error.

    Parameters
    ----------
    mean, actual : array_like, shape (horizon,)
        Forecast, best an expected value, and what came.
    squared_scale : float
        `naive_error` of the history, ``squared=True``.

    Returns
    -------
    float
        NaN where the scale is 0.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos (2022), International Journal of Forecasting 38:
    1346–1364, eq. 1.

    Examples
    --------
    >>> rmsse([3.0, 5.0], [4.0, 6.0], 4.0)
    0.5
    """
    error = (_pair(mean, actual) ** 2).mean()
    return float(np.sqrt(error / squared_scale)) if squared_scale > 0 else float("nan")


def smape(point: ArrayLike, actual: ArrayLike) -> float:
    """Symmetric mean absolute percentage error.

    Parameters
    ----------
    point, actual : array_like, shape (horizon,)

    Returns
    -------
    float
        Per cent, 0 to 200; where both are 0 the error is 0.

    References
    ----------
    Makridakis & Hibon (2000), International Journal of Forecasting 16: 451–476.

    Examples
    --------
    >>> smape([1.0, 0.0], [3.0, 0.0])
    50.0
    """
    error = np.abs(_pair(point, actual))
    both = np.abs(np.asarray(point, dtype=float)) + np.abs(np.asarray(actual, dtype=float))
    return float(200 * np.divide(error, both, out=np.zeros_like(error), where=both > 0).mean())


def pinball(quantiles: ArrayLike, actual: ArrayLike, levels: Sequence[float]) -> float:
    """Twice the mean quantile loss; over many evenly spaced levels it is about the CRPS.

    Parameters
    ----------
    quantiles : array_like, shape (horizon, len(levels))
    actual : array_like, shape (horizon,)
    levels : sequence of float
        0 to 1.

    Returns
    -------
    float
        In the unit of the outcome; for the median alone the mean absolute error.

    References
    ----------
    Gneiting & Raftery (2007), Journal of the American Statistical Association 102: 359–378,
    section 6.1.

    Examples
    --------
    >>> pinball([[3.0], [5.0]], [4.0, 7.0], [0.5])
    1.5
    """
    rows, came = np.asarray(quantiles, dtype=float), np.asarray(actual, dtype=float)
    if rows.shape != (*came.shape, len(levels)):
        raise ValueError("quantiles, outcomes and levels differ in shape")
    error = came[:, None] - rows
    level = np.asarray(levels, dtype=float)
    return float(2 * np.maximum(level * error, (level - 1) * error).mean())


def interval_score(lo: ArrayLike, hi: ArrayLike, actual: ArrayLike, level: float) -> float:
    """Width of a central interval, plus a fine for what it missed; MSIS when divided by a scale.

    Parameters
    ----------
    lo, hi, actual : array_like, shape (horizon,)
    level : float
        Of the interval, 0 to 1.

    Returns
    -------
    float
        In the unit of the outcome.

    References
    ----------
    Gneiting & Raftery (2007), Journal of the American Statistical Association 102: 359–378,
    eq. 43; scaled: Makridakis, Spiliotis & Assimakopoulos (2020), International Journal of
    Forecasting 36: 54–74.

    Examples
    --------
    >>> round(interval_score([0.0, 0.0], [2.0, 2.0], [1.0, 3.0], 0.8), 9)
    7.0
    """
    below, above = -_pair(actual, lo), _pair(actual, hi)
    width = _pair(hi, lo)
    fine = 2 / (1 - level) * (np.maximum(below, 0) + np.maximum(above, 0))
    return float((width + fine).mean())


def _pair(one: ArrayLike, other: ArrayLike) -> Floats:
    """The difference of two series of equal length."""
    first, second = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if first.shape != second.shape:
        raise ValueError("forecasts and outcomes differ in shape")
    return np.asarray(first - second)
