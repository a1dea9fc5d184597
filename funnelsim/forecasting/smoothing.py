"""Exponential smoothing and its relatives: damped Holt–Winters, weighted ETS, Theta, STL."""

from __future__ import annotations

from typing import Any

import numpy as np

from funnelsim.forecasting.outlook import Floats, Outlook, accumulated, quiet
from funnelsim.forecasting.seasons import LONGEST, has_seasons, on_top

__all__ = ["damped", "ets", "stl", "theta"]


def damped(y: Floats, season: int, horizon: int) -> Outlook:
    """Holt–Winters with a damped trend and, from two full seasons on, an additive season.

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
    Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, table 8.8.

    Examples
    --------
    >>> outlook = damped(np.sin(np.arange(48) / 6 * np.pi) + 0.1 * np.arange(48), 12, 3)
    >>> outlook.mean.round(1).tolist()
    [4.8, 5.4, 5.9]
    """
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    seasonal = season > 1 and len(y) >= 2 * season
    with quiet():
        model = ExponentialSmoothing(
            y,
            trend="add",
            damped_trend=True,
            seasonal="add" if seasonal else None,
            seasonal_periods=season if seasonal else None,
            initialization_method="estimated",
        )
        fitted = model.fit()
        ahead = np.asarray(fitted.forecast(horizon), dtype=float)
    found = fitted.params
    alpha = float(found["smoothing_level"])
    beta = alpha * float(found["smoothing_trend"])
    phi = float(found["damping_trend"])
    gamma = float(found["smoothing_seasonal"]) if seasonal else 0.0
    freedom = max(len(y) - (5 + season if seasonal else 5), 1)
    responses = _responses(alpha, beta, phi, gamma, season, horizon)
    return Outlook(
        ahead,
        accumulated(float(fitted.sse) / freedom, responses),
        bool(fitted.mle_retvals.success),
    )


def theta(y: Floats, season: int, horizon: int) -> Outlook:
    """Theta: half the linear trend and simple smoothing, on top of an STL season.

    The usual Theta takes out one season for all years; on histories of ten years and more that
    costs a quarter of its accuracy.

    Parameters
    ----------
    y, season, horizon
        As for `damped`.

    Returns
    -------
    Outlook

    References
    ----------
    Assimakopoulos & Nikolopoulos (2000); the spread of simple smoothing with drift, Hyndman &
    Billah (2003), International Journal of Forecasting 19: 287–290.

    Examples
    --------
    >>> theta(np.arange(30.0), 1, 2).mean.round(1).tolist()
    [29.5, 30.0]
    """
    import pandas as pd
    from statsmodels.tsa.forecasting.theta import ThetaModel

    if has_seasons(y, season):
        return on_top(y, season, horizon, theta)
    with quiet():
        fitted = ThetaModel(pd.Series(y), deseasonalize=False).fit()
        ahead = fitted.forecast(horizon, theta=2).to_numpy(dtype=float)
    alpha, drift = float(fitted.params["alpha"]), float(fitted.params["b0"]) / 2
    errors = _drift_errors(y, alpha, drift)
    variance = float(errors @ errors) / max(len(errors) - 2, 1)
    responses = np.concatenate([[1.0], np.full(horizon - 1, alpha)])
    return Outlook(ahead, accumulated(variance, responses))


def ets(y: Floats, season: int, horizon: int) -> Outlook:
    """Exponential smoothing without and with a damped trend, weighted by their AICc.

    Parameters
    ----------
    y, season, horizon
        As for `damped`.

    Returns
    -------
    Outlook

    References
    ----------
    Kolassa (2011), International Journal of Forecasting 27: 238–251.

    Examples
    --------
    >>> ets(np.tile([1.0, 5.0, 3.0, 7.0], 8) + np.arange(32) % 3 / 9, 4, 4).mean.round().tolist()
    [1.0, 5.0, 3.0, 7.0]
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    if season > LONGEST and has_seasons(y, season):
        return on_top(y, season, horizon, ets)
    seasonal = has_seasons(y, season)
    unit = float(np.std(y)) or 1.0
    found: list[tuple[float, Outlook]] = []
    for trend in (None, "add"):
        with quiet():
            fitted = ETSModel(
                y / unit,
                error="add",
                trend=trend,
                damped_trend=bool(trend),
                seasonal="add" if seasonal else None,
                seasonal_periods=season if seasonal else None,
            ).fit(disp=False)
            if np.isfinite(fitted.aicc):
                outlook = _ets_outlook(fitted, season if seasonal else 1, horizon, unit)
                found.append((float(fitted.aicc), outlook))
    if not found:
        raise ValueError("too short for any of the models")
    score = np.array([aicc for aicc, _ in found])
    weight = np.exp(-(score - score.min()) / 2)
    weight /= weight.sum()
    together = [outlook for _, outlook in found]
    return Outlook(
        np.asarray(sum(w * one.mean for w, one in zip(weight, together, strict=True))),
        np.asarray(sum(w * one.covariance for w, one in zip(weight, together, strict=True))),
        all(one.converged for one in together),
    )


def stl(y: Floats, season: int, horizon: int) -> Outlook:
    """The last season of an STL decomposition, on top of damped smoothing of the rest.

    Parameters
    ----------
    y, season, horizon
        As for `damped`.

    Returns
    -------
    Outlook

    References
    ----------
    Cleveland et al. (1990), Journal of Official Statistics 6: 3–73.

    Examples
    --------
    >>> y = np.tile([1.0, 5.0, 3.0, 7.0], 8) + np.random.default_rng(2).normal(0, 0.1, 32)
    >>> stl(y, 4, 4).mean.round().tolist()
    [1.0, 5.0, 3.0, 7.0]
    """
    if has_seasons(y, season):
        return on_top(y, season, horizon, damped)
    return damped(y, 1, horizon)


def _responses(
    alpha: float, beta: float, phi: float, gamma: float, season: int, horizon: int
) -> Floats:
    """What a shock does to the periods after it, in smoothing with additive errors."""
    steps = np.arange(1, horizon)
    later = alpha + beta * np.cumsum(phi**steps) + gamma * (steps % season == 0)
    return np.concatenate([[1.0], later])


def _ets_outlook(fitted: Any, season: int, horizon: int, unit: float) -> Outlook:  # noqa: ANN401
    """The forecast of one ETS model."""
    known = dict(zip(fitted.model.param_names, np.asarray(fitted.params), strict=True))
    phi = float(known.get("damping_trend", 1.0))
    responses = _responses(
        float(known["smoothing_level"]),
        float(known.get("smoothing_trend", 0.0)),
        phi,
        float(known.get("smoothing_seasonal", 0.0)),
        season,
        horizon,
    )
    free = len(known) + 1
    observed = len(fitted.resid)
    variance = float(fitted.sse) / max(observed - free, 1)
    return Outlook(
        np.asarray(fitted.forecast(horizon), dtype=float) * unit,
        accumulated(variance, responses) * unit**2,
        bool(fitted.mle_retvals.get("converged", True)),
    )


def _drift_errors(level: Floats, alpha: float, drift: float) -> Floats:
    """One-step errors of simple smoothing with drift."""
    from scipy.signal import lfilter

    start = level[0]
    shifted = level[1:] - start - drift * np.arange(1, len(level))
    smooth = lfilter([alpha], [1, -(1 - alpha)], shifted)
    before = np.concatenate([[0.0], smooth[:-1]])
    return np.asarray(shifted - before)
