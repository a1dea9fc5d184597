"""ARIMA models: automatic, the airline model, around waves, and unobserved components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from funnelsim.forecasting.outlook import Floats, Outlook, quiet

__all__ = ["airline", "differences", "harmonic", "sarima", "unobserved"]

MOST_FITS = 14
"""Candidates that automatic SARIMAX may fit."""
SEASONAL = 0.64
"""Strength of the season from which it is differenced (Wang, Smith & Hyndman 2006)."""
HARMONICS = 3
ITERATIONS = 50


def sarima(y: Floats, season: int, horizon: int) -> Outlook:
    """SARIMA whose order is searched step by step for the smallest AICc.

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
    seasonal = season > 1 and len(y) >= 2 * season + 5
    d, big_d = differences(y, season if seasonal else 1)
    tried: dict[tuple[int, ...], float] = {}

    def score(order: tuple[int, ...]) -> float:
        if order not in tried:
            tried[order] = _aicc(y, order, d, big_d, season) if len(tried) < MOST_FITS else np.inf
        return tried[order]

    starts: list[tuple[int, ...]] = [(2, 2, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1)]
    if not seasonal:
        starts = sorted({(*order[:2], 0, 0) for order in starts}, reverse=True)
    best = min(starts, key=score)
    while len(tried) < MOST_FITS:
        around = [step for step in _neighbours(best, seasonal=seasonal) if step not in tried]
        better = min(around, key=score, default=best)
        if score(better) >= score(best):
            break
        best = better
    if not np.isfinite(score(best)):
        raise ValueError("no order can be fitted")
    return _forecast(_arima(y, best, d, big_d, season), horizon)


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
    >>> airline(np.arange(40.0) + np.sin(np.arange(40)), 1, 2).mean.round(0).tolist()
    [41.0, 42.0]
    """
    seasonal = season > 1 and len(y) >= 2 * season + 5
    order = (0, 1, 0, 1) if seasonal else (0, 1, 0, 0)
    return _forecast(_arima(y, order, 1, int(seasonal), season), horizon)


def harmonic(y: Floats, season: int, horizon: int) -> Outlook:
    """ARIMA around waves of the season's length; as many waves as AICc wants.

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
    most = min(HARMONICS, season // 2) if season > 1 and len(y) >= 2 * season else 0
    d = differences(y, 1)[0] if not most else differences(_without_season(y, season), 1)[0]
    best: tuple[float, int, tuple[int, int]] = (np.inf, 0, (0, 0))
    for waves, (p, q) in product(range(most + 1), ((1, 0), (0, 1), (1, 1))):
        if most and not waves:
            continue
        found = _aicc(y, (p, q, 0, 0), d, 0, 1, _waves(len(y), 0, season, waves))
        best = min(best, (found, waves, (p, q)))
    score, waves, (p, q) = best
    if not np.isfinite(score):
        raise ValueError("no order can be fitted")
    fitted = _arima(y, (p, q, 0, 0), d, 0, 1, _waves(len(y), 0, season, waves))
    return _forecast(fitted, horizon, _waves(horizon, len(y), season, waves))


def unobserved(y: Floats, season: int, horizon: int) -> Outlook:
    """A level and slope that wander, and a season that does (the basic structural model).

    Parameters
    ----------
    y, season, horizon
        As for `sarima`.

    Returns
    -------
    Outlook

    References
    ----------
    Harvey (1989), Forecasting, structural time series models and the Kalman filter, section 2.3.

    Examples
    --------
    >>> y = np.tile([1.0, 5.0, 3.0, 7.0], 8) + np.random.default_rng(2).normal(0, 0.1, 32)
    >>> unobserved(y, 4, 4).mean.round().tolist()
    [1.0, 5.0, 3.0, 7.0]
    """
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    seasonal = season > 1 and len(y) >= 2 * season + 5
    with quiet():
        model = UnobservedComponents(
            y,
            "local linear trend",
            freq_seasonal=[{"period": season, "harmonics": min(season // 2, 6)}]
            if seasonal
            else None,
        )
        fitted = model.fit(disp=0, maxiter=ITERATIONS, cov_type="none")
    return _forecast(fitted, horizon)


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
            if np.ptp(level) == 0 or kpss(level, regression="c", nlags="auto")[1] >= 0.05:  # noqa: PLR2004
                return d, big_d
        level = np.diff(level)
    return 2 - big_d, big_d


def _strength(y: Floats, season: int) -> float:
    """Share of the variation, trend apart, that the season explains."""
    from statsmodels.tsa.seasonal import STL

    parts = STL(y, period=season, robust=False).fit()
    both = np.var(parts.seasonal + parts.resid)
    return float(max(0.0, 1 - np.var(parts.resid) / both)) if both > 0 else 0.0


def _without_season(y: Floats, season: int) -> Floats:
    from statsmodels.tsa.seasonal import STL

    return np.asarray(y - STL(y, period=season).fit().seasonal)


def _neighbours(order: tuple[int, ...], *, seasonal: bool) -> Iterator[tuple[int, ...]]:
    """Orders one step away."""
    most = (3, 3, 1, 1)
    for place in range(4 if seasonal else 2):
        for step in (-1, 1):
            moved = order[place] + step
            if 0 <= moved <= most[place]:
                yield (*order[:place], moved, *order[place + 1 :])


def _arima(
    y: Floats,
    order: Sequence[int],
    d: int,
    big_d: int,
    season: int,
    waves: Floats | None = None,
    *,
    quick: bool = False,
) -> Any:  # noqa: ANN401 - statsmodels has no types
    """A fitted SARIMAX; a constant where it is differenced at most once."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    p, q, big_p, big_q = order
    seasonal = (big_p, big_d, big_q, season) if season > 1 and (big_p or big_d or big_q) else None
    with quiet():
        model = SARIMAX(
            y,
            exog=waves,
            order=(p, d, q),
            seasonal_order=seasonal or (0, 0, 0, 0),
            trend="c" if d + big_d <= 1 else None,
            simple_differencing=quick,
            concentrate_scale=True,
        )
        return model.fit(disp=0, maxiter=ITERATIONS, cov_type="none")


def _aicc(
    y: Floats, order: Sequence[int], d: int, big_d: int, season: int, waves: Floats | None = None
) -> float:
    """Akaike's criterion for few observations; infinite where the fit fails."""
    try:
        score = float(_arima(y, order, d, big_d, season, waves, quick=True).aicc)
    except (ValueError, np.linalg.LinAlgError):
        return np.inf
    return score if np.isfinite(score) else np.inf


def _forecast(fitted: Any, horizon: int, waves: Floats | None = None) -> Outlook:  # noqa: ANN401
    """Means, and how the errors of all periods go together, from the state-space form."""
    with quiet():
        mean = np.asarray(fitted.get_forecast(horizon, exog=waves).predicted_mean, dtype=float)
    return Outlook(mean, _covariance(fitted, horizon), _converged(fitted))


def _covariance(fitted: Any, horizon: int) -> Floats:  # noqa: ANN401
    """Of the observations ahead (Durbin & Koopman 2012, section 4.11)."""
    found = fitted.filter_results
    move, design = found.transition[:, :, -1], found.design[0, :, -1]
    shock = found.selection[:, :, -1] @ found.state_cov[:, :, -1] @ found.selection[:, :, -1].T
    state = found.predicted_state_cov[:, :, -1]
    together = np.zeros((horizon, horizon))
    for period in range(horizon):
        reach = state @ design
        for later in range(period, horizon):
            together[period, later] = together[later, period] = design @ reach
            reach = move @ reach
        together[period, period] += found.obs_cov[0, 0, -1]
        state = move @ state @ move.T + shock
    return together


def _converged(fitted: Any) -> bool:  # noqa: ANN401
    return bool((fitted.mle_retvals or {}).get("converged", True))


def _waves(length: int, first: int, season: int, count: int) -> Floats | None:
    """Sines and cosines of the season."""
    if not count:
        return None
    angle = 2 * np.pi * np.outer(np.arange(first, first + length), np.arange(1, count + 1)) / season
    columns = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return np.asarray(columns[:, : season - 1])
