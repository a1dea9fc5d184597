"""Which ARIMA order a history asks for, found by conditional least squares.

The sum of squares of an ARMA filter costs a hundredth of an exact likelihood; the exact one is
kept for the orders that win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from funnelsim.forecasting.outlook import Floats, quiet

__all__ = ["Order", "Trial", "differences", "search", "tried"]

Order = tuple[int, int, int, int]
"""Autoregressive and moving-average lags, then the same of the season: p, q, P, Q."""

MOST = (3, 3, 1, 1)
MOST_TRIALS = 30
SEASONAL = 0.64
"""Strength of the season from which it is differenced (Wang, Smith & Hyndman 2006)."""
STATIONARY = 0.05
"""Level of the KPSS test."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """An order with its parameters.

    Parameters
    ----------
    order : Order
    aicc : float
        Akaike's criterion for few observations; comparable for equal differences only.
    lags : ndarray, shape (p + q + P + Q,)
        In that order, but ar, ma, seasonal ar, seasonal ma as SARIMAX wants them.
    weights : ndarray
        Of the regressors.
    """

    order: Order
    aicc: float
    lags: Floats
    weights: Floats


def tried(w: Floats, regressors: Floats, order: Order, season: int) -> Trial:
    """Fit an ARMA with regressors by conditional least squares.

    Parameters
    ----------
    w : ndarray, shape (n,)
        Differenced history.
    regressors : ndarray, shape (n, k)
        Differenced alike; k may be 0. Their weights are solved for inside, so the search is
        over lags only.
    order : Order
    season : int

    Returns
    -------
    Trial
        With an infinite score where it cannot be fitted.

    References
    ----------
    Box, Jenkins & Reinsel (2008), Time series analysis, section 7.1.2; Golub & Pereyra (2003),
    Inverse problems 19: R1–R26, for the weights.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> e = rng.normal(size=401)
    >>> found = tried(e[1:] - 0.6 * e[:-1], np.empty((400, 0)), (0, 1, 0, 0), 1)
    >>> found.lags.round(1).tolist()
    [-0.6]
    """
    from scipy.optimize import least_squares

    lags = sum(order)
    n, free = len(w), lags + regressors.shape[1] + 1
    if n <= free + 1:
        return Trial(order, np.inf, np.zeros(lags), np.zeros(regressors.shape[1]))
    filtered = _filter(w, regressors, order, season)

    def errors_of(raw: Floats) -> Floats:
        return filtered(raw)[0]

    start = np.zeros(lags)
    with quiet():
        if lags:
            found = least_squares(errors_of, start + 0.1, max_nfev=30)
            start = found.x
        errors, weights = filtered(start)
        square = max(float(errors @ errors) / n, float(np.finfo(float).tiny))
        aicc = n * np.log(square) + 2 * free * n / (n - free - 1)
    if not np.isfinite(aicc):
        aicc = np.inf
    return Trial(order, float(aicc), _lags(start, order), weights)


def search(w: Floats, regressors: Floats, season: int, *, seasonal: bool) -> list[Trial]:
    """Search step by step for the orders of smallest AICc.

    Parameters
    ----------
    w, regressors, season
        As for `tried`.
    seasonal : bool
        Whether lags of a season may be used.

    Returns
    -------
    list of Trial
        All that were tried, best first.

    References
    ----------
    Hyndman & Khandakar (2008), Journal of Statistical Software 27(3).

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> e = rng.normal(size=401)
    >>> search(e[1:] - 0.6 * e[:-1], np.empty((400, 0)), 1, seasonal=False)[0].order
    (0, 1, 0, 0)
    """
    done: dict[Order, Trial] = {}

    def fit(order: Order) -> float:
        if order not in done:
            done[order] = tried(w, regressors, order, season)
        return done[order].aicc

    starts: list[Order] = [(2, 2, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1)]
    if not seasonal:
        starts = [(2, 2, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0)]
    best = min(starts, key=fit)
    while len(done) < MOST_TRIALS:
        better = min(_neighbours(best, seasonal=seasonal), key=fit, default=best)
        if fit(better) >= fit(best):
            break
        best = better
    return sorted(done.values(), key=lambda trial: trial.aicc)


def differences(y: Floats, season: int) -> tuple[int, int]:
    """How often to difference, and whether by season.

    Parameters
    ----------
    y : ndarray, shape (n,)
    season : int
        Periods per season; 1 for none.

    Returns
    -------
    tuple of int
        Ordinary (0 to 2, by the KPSS test at 5 %) and seasonal (0 or 1, by its strength).

    Examples
    --------
    >>> differences(np.cumsum(np.random.default_rng(1).normal(size=100)), 1)
    (1, 0)
    """
    from statsmodels.tsa.stattools import kpss

    big_d = int(season > 1 and _strength(y, season) > SEASONAL)
    level = y[season:] - y[:-season] if big_d else y
    for d in range(2):
        with quiet():
            if np.ptp(level) == 0 or kpss(level, regression="c", nlags="auto")[1] >= STATIONARY:
                return d, big_d
        level = np.diff(level)
    return 2 - big_d, big_d


def _filter(
    w: Floats, regressors: Floats, order: Order, season: int
) -> Callable[[Floats], tuple[Floats, Floats]]:
    """From unbounded parameters to errors, and the regressors' best weights."""
    from scipy.signal import lfilter

    both = np.column_stack([w, regressors])

    def filtered(raw: Floats) -> tuple[Floats, Floats]:
        ar, ma = _polynomials(_lags(raw, order), order, season)
        clean = lfilter(ar, ma, both, axis=0)
        errors, columns = clean[:, 0], clean[:, 1:]
        if not columns.shape[1]:
            return errors, np.empty(0)
        weights: Floats = np.asarray(np.linalg.lstsq(columns, errors, rcond=None)[0], float)
        return errors - columns @ weights, weights

    return filtered


def _lags(raw: Floats, order: Order) -> Floats:
    """Unbounded numbers → stationary and invertible lags (Monahan 1984)."""
    found = []
    place = 0
    for kind, count in enumerate((order[0], order[1], order[2], order[3])):
        partial = 0.99 * np.tanh(raw[place : place + count])
        place += count
        block = np.empty(0)
        for number in partial:
            block = np.append(block - number * block[::-1], number)
        found.append(block if kind in (0, 2) else -block)
    return np.concatenate(found)


def _polynomials(lags: Floats, order: Order, season: int) -> tuple[Floats, Floats]:
    """Autoregressive and moving-average polynomials, the season multiplied in."""
    p, q, big_p, big_q = order
    ends = np.cumsum([p, q, big_p, big_q])
    ar, ma, big_ar, big_ma = np.split(lags, ends[:3])
    return (
        np.convolve(np.r_[1.0, -ar], _spaced(-big_ar, season)),
        np.convolve(np.r_[1.0, ma], _spaced(big_ma, season)),
    )


def _spaced(lags: Floats, season: int) -> Floats:
    """A polynomial in whole seasons."""
    found = np.zeros(len(lags) * season + 1)
    found[0] = 1.0
    found[season::season] = lags
    return found


def _strength(y: Floats, season: int) -> float:
    """Share of the variation, trend apart, that the season explains."""
    from statsmodels.tsa.seasonal import STL

    parts = STL(y, period=season, robust=False).fit()
    both = np.var(parts.seasonal + parts.resid)
    return float(max(0.0, 1 - np.var(parts.resid) / both)) if both > 0 else 0.0


def _neighbours(order: Order, *, seasonal: bool) -> Iterator[Order]:
    """Orders one step away."""
    for place in range(4 if seasonal else 2):
        for step in (-1, 1):
            moved = [*order]
            moved[place] += step
            if 0 <= moved[place] <= MOST[place]:
                yield (moved[0], moved[1], moved[2], moved[3])
