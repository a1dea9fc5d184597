"""ARIMA models: automatic, the airline model, and around waves.

None has a drift where it is differenced: a straight line drawn on for two years is what misses
most (docs/decisions/0010-forecasting.md). Trends are left to smoothing, which damps them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.forecasting.orders import Trial, differences, search, tried
from funnelsim.forecasting.outlook import Floats, Outlook, quiet
from funnelsim.forecasting.seasons import HARMONICS, LONGEST, SPARE, has_seasons, on_top
from funnelsim.forecasting.statespace import ITERATIONS, ahead_of

__all__ = ["airline", "harmonic", "sarima"]


def sarima(y: Floats, season: int, horizon: int) -> Outlook:
    """SARIMA of the order with the smallest AICc, searched step by step.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The history.
    season : int
        Periods per season; 1 for none.
    horizon : int
        Periods ahead.

    Returns
    -------
    Outlook

    References
    ----------
    Hyndman & Khandakar (2008), Journal of Statistical Software 27(3).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bool(sarima(rng.normal(5, 1, 60), 1, 2).spread[0] < 1.5)
    True
    """
    if season > LONGEST and has_seasons(y, season):
        return on_top(y, season, horizon, sarima)
    seasonal = _has_season(y, season)
    d, big_d = differences(y, season if seasonal else 1)
    level = _differenced(y, min(d, 1), big_d, season)
    columns = np.ones((len(level), int(d + big_d == 0)))
    best = search(level, columns, season, seasonal=seasonal)[0]
    return ahead_of(_fitted(y, best, (min(d, 1), big_d), season), horizon)


def airline(y: Floats, season: int, horizon: int) -> Outlook:
    """The airline model: one order for everything; the fast stand-in for `sarima`.

    Parameters
    ----------
    y, season, horizon
        As for `sarima`.

    Returns
    -------
    Outlook

    References
    ----------
    Box & Jenkins (1970), Time series analysis, chapter 9.

    Examples
    --------
    >>> y = np.tile([1.0, 5.0, 3.0, 7.0], 8) + np.random.default_rng(2).normal(0, 0.1, 32)
    >>> airline(y, 4, 4).mean.round(0).tolist()
    [1.0, 5.0, 3.0, 7.0]
    """
    if season > LONGEST and has_seasons(y, season):
        return on_top(y, season, horizon, airline)
    seasonal = _has_season(y, season)
    level = _differenced(y, 1, int(seasonal), season)
    found = tried(level, np.empty((len(level), 0)), (0, 1, 0, int(seasonal)), season)
    return ahead_of(_fitted(y, found, (1, int(seasonal)), season), horizon)


def harmonic(y: Floats, season: int, horizon: int) -> Outlook:
    """Differenced ARMA around waves of the season's length; as many waves as AICc wants.

    Parameters
    ----------
    y, season, horizon
        As for `sarima`.

    Returns
    -------
    Outlook

    References
    ----------
    Young, Pedregal & Tych (1999), Journal of Forecasting 18: 369–394.

    Examples
    --------
    >>> y = np.sin(np.arange(60) / 6 * np.pi) + np.random.default_rng(2).normal(0, 0.01, 60)
    >>> (harmonic(y, 12, 3).mean.round(1) + 0.0).tolist()
    [0.0, 0.5, 0.9]
    """
    most = min(HARMONICS, season // 2) if has_seasons(y, season, 0) else 0
    change = np.diff(y)
    trials = [
        (tried(change, np.diff(_waves(len(y), 0, season, count), axis=0), order, 1), count)
        for count in range(min(1, most), most + 1)
        for order in ((1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0))
    ]
    best, count = min(trials, key=lambda pair: pair[0].aicc)
    fitted = _fitted(y, best, (1, 0), 1, _waves(len(y), 0, season, count))
    return ahead_of(fitted, horizon, _waves(horizon, len(y), season, count))


def _has_season(y: Floats, season: int) -> bool:
    return season <= LONGEST and has_seasons(y, season, SPARE)


def _differenced(y: Floats, d: int, big_d: int, season: int) -> Floats:
    level = y[season:] - y[:-season] if big_d else y
    return np.diff(level, d)


def _fitted(
    y: Floats, trial: Trial, differenced: tuple[int, int], season: int, waves: Floats | None = None
) -> Any:  # noqa: ANN401 - statsmodels has no types
    """The order's exact likelihood, from where least squares found it; as found if that fails."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    if not np.isfinite(trial.aicc):
        raise ValueError("no order can be fitted")
    p, q, big_p, big_q = trial.order
    d, big_d = differenced
    in_seasons = (big_p, big_d, big_q, season) if big_p or big_d or big_q else (0, 0, 0, 0)
    weights = trial.weights.copy()
    constant = d + big_d == 0
    if constant:  # SARIMAX wants the intercept, not the mean
        weights[0] *= (1 - trial.lags[:p].sum()) * (1 - trial.lags[p + q :][:big_p].sum())
    start = np.concatenate([weights, trial.lags])
    with quiet():
        model = SARIMAX(
            y,
            exog=waves if waves is not None and waves.size else None,
            order=(p, d, q),
            seasonal_order=in_seasons,
            trend="c" if constant else None,
            concentrate_scale=True,
        )
        if not len(start):
            return model.filter(start, cov_type="none")
        try:
            return model.fit(start, disp=0, maxiter=ITERATIONS, cov_type="none")
        except (ValueError, np.linalg.LinAlgError):
            return model.filter(start, cov_type="none")


def _waves(length: int, first: int, season: int, count: int) -> Floats:
    """Sines and cosines of the season, shape (length, 2 × count or season - 1)."""
    angle = 2 * np.pi * np.outer(np.arange(first, first + length), np.arange(1, count + 1)) / season
    columns = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    if 2 * count == season:  # the shortest wave has no sine
        columns = np.delete(columns, count - 1, axis=1)
    return np.asarray(columns)
