"""Forecasts without a model: yardsticks, and all that a very short history allows."""

from __future__ import annotations

import numpy as np

from funnelsim.forecasting.outlook import Floats, Outlook, accumulated

__all__ = ["constant", "drifting", "seasonal_naive"]


def constant(y: Floats, season: int, horizon: int) -> Outlook:  # noqa: ARG001 - as all models
    """What never changed does not change.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The history.
    season : int
        Not used.
    horizon : int
        Periods ahead.

    Returns
    -------
    Outlook
        Without spread: the history says nothing of it.

    Examples
    --------
    >>> constant(np.array([7.0, 7.0]), 1, 2).mean.tolist()
    [7.0, 7.0]
    """
    return Outlook(np.full(horizon, y[-1]), np.zeros((horizon, horizon)))


def drifting(y: Floats, season: int, horizon: int) -> Outlook:  # noqa: ARG001 - as all models
    """The last value, with errors that add up as those of a random walk.

    Parameters
    ----------
    y, season, horizon
        As for `constant`.

    Returns
    -------
    Outlook

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, section 5.2 and 5.5.

    Examples
    --------
    >>> drifting(np.array([1.0, 3.0, 5.0]), 1, 2).spread.round(2).tolist()
    [2.0, 2.83]
    """
    steps = np.diff(y)
    return Outlook(np.full(horizon, y[-1]), accumulated(float((steps**2).mean()), np.ones(horizon)))


def seasonal_naive(y: Floats, season: int, horizon: int) -> Outlook:
    """The value one season ago; without a full season of history, the last value.

    Parameters
    ----------
    y, season, horizon
        As for `constant`.

    Returns
    -------
    Outlook

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, section 5.2 and 5.5.

    Examples
    --------
    >>> seasonal_naive(np.array([1.0, 5.0, 2.0, 6.0]), 2, 3).mean.tolist()
    [2.0, 6.0, 2.0]
    """
    if len(y) <= season:
        return drifting(y, season, horizon)
    errors = y[season:] - y[:-season]
    responses = np.arange(horizon) % season == 0
    ahead = y[len(y) - season :][np.arange(horizon) % season]
    return Outlook(ahead, accumulated(float((errors**2).mean()), responses))
