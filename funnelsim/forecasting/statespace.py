"""Structural models, and what any state-space model of statsmodels says of the periods ahead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from funnelsim.forecasting.outlook import Floats, Outlook, quiet
from funnelsim.forecasting.seasons import HARMONICS, SPARE, has_seasons

__all__ = ["ITERATIONS", "ahead_of", "covariance", "level", "missed", "trend"]

ITERATIONS = 50
"""Of a search for parameters, at most."""
SPARSE = 3
"""Points, beyond two seasons where the history has more, before errors of the past count."""


def level(y: Floats, season: int, horizon: int) -> Outlook:
    """A level that wanders and a season of waves that do; no trend. It brings its past errors.

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
    Harvey (1989), Forecasting, structural time series models and the Kalman filter, section 2.3.

    Examples
    --------
    >>> y = np.tile([1.0, 5.0, 3.0, 7.0], 8) + np.random.default_rng(2).normal(0, 0.1, 32)
    >>> level(y, 4, 4).mean.round().tolist()
    [1.0, 5.0, 3.0, 7.0]
    """
    fitted = _structural(y, season, "local level")
    seasonal = has_seasons(y, season, SPARE)
    first = SPARSE + (min(2 * season, len(y) - season) if seasonal else 0)
    return replace(ahead_of(fitted, horizon), errors=missed(fitted, y, horizon, first))


def trend(y: Floats, season: int, horizon: int) -> Outlook:
    """The same with a trend that wanders as well.

    Parameters
    ----------
    y, season, horizon
        As for `level`.

    Returns
    -------
    Outlook

    References
    ----------
    Harvey (1989), Forecasting, structural time series models and the Kalman filter, section 2.3.

    Examples
    --------
    >>> y = np.arange(40.0) + np.random.default_rng(2).normal(0, 0.1, 40)
    >>> trend(y, 1, 3).mean.round().tolist()
    [40.0, 41.0, 42.0]
    """
    return ahead_of(_structural(y, season, "local linear trend"), horizon)


def ahead_of(fitted: Any, horizon: int, regressors: Floats | None = None) -> Outlook:  # noqa: ANN401
    """Means, and how the errors of all periods go together.

    Parameters
    ----------
    fitted : statsmodels MLEResults
        Of a state-space model.
    horizon : int
        Periods ahead.
    regressors : ndarray, shape (horizon, k), optional
        For them.

    Returns
    -------
    Outlook

    Examples
    --------
    >>> from statsmodels.tsa.statespace.sarimax import SARIMAX
    >>> walk = SARIMAX(np.array([1.0, 3.0, 2.0]), order=(0, 1, 0)).filter([4.0])
    >>> ahead = ahead_of(walk, 2)
    >>> ahead.mean.round(6).tolist(), ahead.covariance.round(6).tolist()
    ([2.0, 2.0], [[4.0, 4.0], [4.0, 8.0]])
    """
    given = regressors if regressors is not None and regressors.size else None
    with quiet():
        mean = np.asarray(fitted.get_forecast(horizon, exog=given).predicted_mean, dtype=float)
    found = getattr(fitted, "mle_retvals", None) or {}
    return Outlook(mean, covariance(fitted, horizon), bool(found.get("converged", True)))


def covariance(fitted: Any, horizon: int) -> Floats:  # noqa: ANN401 - statsmodels has no types
    """Of the observations ahead.

    Parameters
    ----------
    fitted : statsmodels MLEResults
        Of a state-space model that does not change with time.
    horizon : int

    Returns
    -------
    ndarray, shape (horizon, horizon)

    References
    ----------
    Durbin & Koopman (2012), Time series analysis by state space methods, section 4.11.

    Examples
    --------
    >>> from statsmodels.tsa.statespace.sarimax import SARIMAX
    >>> covariance(SARIMAX(np.zeros(9), order=(1, 0, 0)).filter([0.5, 4.0]), 2).tolist()
    [[4.0, 2.0], [2.0, 5.0]]
    """
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


def missed(fitted: Any, y: Floats, horizon: int, first: int) -> Floats:  # noqa: ANN401
    """What came less what the model, with the parameters it has now, says from all before.

    Parameters
    ----------
    fitted : statsmodels MLEResults
        Of a state-space model that does not change with time.
    y : ndarray, shape (n,)
        Its history.
    horizon : int
        Periods ahead.
    first : int
        Earlier periods know too little.

    Returns
    -------
    ndarray, shape (n, horizon)
        Row ``t``, column ``h``: of period ``t + h``, from all before ``t``; else NaN.

    Examples
    --------
    >>> from statsmodels.tsa.statespace.sarimax import SARIMAX
    >>> y = np.array([1.0, 3.0, 2.0])
    >>> missed(SARIMAX(y, order=(0, 1, 0)).filter([4.0]), y, 2, 1).tolist()
    [[nan, nan], [2.0, 1.0], [-1.0, nan]]
    """
    found = fitted.filter_results
    move, design = found.transition[:, :, -1], found.design[0, :, -1]
    state = found.predicted_state[:, : len(y)]
    errors = np.full((len(y), horizon), np.nan)
    for ahead in range(min(horizon, len(y) - first)):
        said = design @ state
        errors[first : len(y) - ahead, ahead] = y[first + ahead :] - said[first : len(y) - ahead]
        state = move @ state
    return errors


def _structural(y: Floats, season: int, kind: Literal["local level", "local linear trend"]) -> Any:  # noqa: ANN401
    """Harvey's model with waves for the season, fitted."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    waves = None
    if has_seasons(y, season, SPARE):
        waves = [{"period": season, "harmonics": min(season // 2, HARMONICS)}]
    with quiet():
        model = UnobservedComponents(y, kind, freq_seasonal=waves)
        return model.fit(disp=0, maxiter=ITERATIONS, cov_type="none")
