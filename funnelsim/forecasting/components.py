"""The models behind a forecast; each sees a history and says a mean and a spread per period.

All work on a scale on which errors are about normal and seasons add (see `transforming`).
statsmodels does the fitting; where it gives no right spread, the formula of the model's
state-space form is used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMPONENTS", "FAST", "Component", "Outlook"]

Floats = NDArray[np.float64]

MOST_FITS = 14
"""Candidates that automatic SARIMAX may fit."""
SEASONAL = 0.64
"""Strength of the season from which it is differenced (Wang, Smith & Hyndman 2006)."""
HARMONICS = 3
ITERATIONS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What one model says of the periods ahead, on its own scale.

    Parameters
    ----------
    mean : ndarray, shape (horizon,)
    spread : ndarray, shape (horizon,)
        Standard deviation.
    """

    mean: Floats
    spread: Floats


Component = Callable[[Floats, int, int], Outlook]
"""``(history, periods per season, horizon) → Outlook``; raises ValueError where it cannot."""


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
    with _quiet():
        model = ExponentialSmoothing(
            y,
            trend="add",
            damped_trend=True,
            seasonal="add" if seasonal else None,
            seasonal_periods=season if seasonal else None,
            initialization_method="estimated",
        )
        fitted = model.fit()
    found = fitted.params
    alpha = float(found["smoothing_level"])
    beta = alpha * float(found["smoothing_trend"])
    phi = float(found["damping_trend"])
    gamma = (1 - alpha) * float(found["smoothing_seasonal"]) if seasonal else 0.0
    freedom = max(len(y) - (5 + season if seasonal else 5), 1)
    steps = np.arange(1, horizon)
    weight = alpha + beta * np.cumsum(phi**steps) + gamma * (steps % season == 0) * seasonal
    growth = np.concatenate([[1.0], 1 + np.cumsum(weight**2)])
    return Outlook(
        np.asarray(fitted.forecast(horizon), dtype=float),
        np.sqrt(float(fitted.sse) / freedom * growth),
    )


def theta(y: Floats, season: int, horizon: int) -> Outlook:
    """Theta: half the linear trend and simple smoothing, of the deseasonalised history.

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
    from statsmodels.tsa.seasonal import seasonal_decompose

    seasonal = season > 1 and len(y) >= 2 * season
    with _quiet():
        model = ThetaModel(
            pd.Series(y),
            period=season if seasonal else None,
            deseasonalize=seasonal,
            use_test=True,
            method="additive",
        )
        fitted = model.fit()
        ahead = fitted.forecast(horizon, theta=2).to_numpy(dtype=float)
        level = y
        if seasonal and model.deseasonalize:
            level = y - seasonal_decompose(y, model="additive", period=season).seasonal
    alpha, drift = float(fitted.params["alpha"]), float(fitted.params["b0"]) / 2
    errors = _smoothing_errors(level, alpha, drift)
    growth = 1 + np.arange(horizon) * alpha**2
    return Outlook(ahead, np.sqrt(errors @ errors / max(len(errors) - 2, 1) * growth))


def sarima(y: Floats, season: int, horizon: int) -> Outlook:
    """SARIMA whose order is searched step by step for the smallest AICc.

    Parameters
    ----------
    y, season, horizon
        As for `damped`.

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
        As for `damped`.

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
        As for `damped`.

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
        with _quiet():
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
    with _quiet():
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
    with _quiet():
        ahead = fitted.get_forecast(horizon, exog=waves)
        return Outlook(np.asarray(ahead.predicted_mean, float), np.asarray(ahead.se_mean, float))


def _waves(length: int, first: int, season: int, count: int) -> Floats | None:
    """Sines and cosines of the season."""
    if not count:
        return None
    angle = 2 * np.pi * np.outer(np.arange(first, first + length), np.arange(1, count + 1)) / season
    columns = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return np.asarray(columns[:, : season - 1])


def _smoothing_errors(level: Floats, alpha: float, drift: float) -> Floats:
    """One-step errors of simple smoothing with drift."""
    from scipy.signal import lfilter

    start = level[0]
    shifted = level[1:] - start - drift * np.arange(1, len(level))
    smooth = lfilter([alpha], [1, -(1 - alpha)], shifted)
    before = np.concatenate([[0.0], smooth[:-1]])
    return np.asarray(shifted - before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Fits that do not converge are judged by their result, not by warnings to a planner."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


COMPONENTS: Mapping[str, Component] = {
    "damped": damped,
    "theta": theta,
    "sarima": sarima,
    "harmonic": harmonic,
}
"""The recipe's four."""

FAST: Mapping[str, Component] = {"damped": damped, "theta": theta, "airline": airline}
"""A third of the time at about the same accuracy."""
