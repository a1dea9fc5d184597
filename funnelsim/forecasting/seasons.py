"""Seasons that are taken out, and put back on top of what a model says of the rest."""

from __future__ import annotations

import numpy as np

from funnelsim.forecasting.outlook import Component, Floats, Outlook

__all__ = ["HARMONICS", "LONGEST", "SPARE", "has_seasons", "on_top"]

LONGEST = 24
"""Periods per season up to which models may carry each of them; longer seasons go on top."""
HARMONICS = 6
"""Waves of different length at most, where a season is made of waves."""
SPARE = 5
"""Points beyond two seasons from which a model may carry a season that wanders."""
STEADY = 11
"""Seasons over which STL averages each period of the season."""
FEW = 3
"""Shrinking needs more periods per season than this."""


def has_seasons(y: Floats, season: int, spare: int = 1) -> bool:
    """Whether the history holds two full seasons and more.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The history.
    season : int
        Periods per season; 1 for none.
    spare : int
        So many points more.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_seasons(np.arange(24.0), 12), has_seasons(np.arange(25.0), 12)
    (False, True)
    """
    return season > 1 and len(y) >= 2 * season + spare


def on_top(y: Floats, season: int, horizon: int, model: Component) -> Outlook:
    """Forecast the history without its season by a model, and put the last season back.

    The season is shrunk by what of it is likely to be noise. As it is estimated, one number for
    each of its periods, the model sees errors that are too small, and what is to come adds those
    of the season: both as in a regression on so many columns.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The history; at least two full seasons.
    season : int
        Periods per season, 2 or more.
    horizon : int
        Periods ahead.
    model : Component
        For what is left; it is told that there is no season.

    Returns
    -------
    Outlook

    References
    ----------
    Cleveland et al. (1990), Journal of Official Statistics 6: 3–73 (STL); Miller & Williams
    (2003), International Journal of Forecasting 19: 669–684 (shrinking); Greene (2012),
    Econometric analysis, section 4.6.4 (the variance of a prediction).

    Examples
    --------
    >>> from funnelsim.forecasting.naive import drifting
    >>> y = np.tile([1.0, 5.0, 3.0, 7.0], 8) + np.random.default_rng(2).normal(0, 0.1, 32)
    >>> on_top(y, 4, 4, drifting).mean.round().tolist()
    [1.0, 5.0, 3.0, 7.0]
    """
    from statsmodels.tsa.seasonal import STL

    n = len(y)
    parts = STL(y, period=season, seasonal=STEADY, seasonal_deg=0).fit()
    wave = np.asarray(parts.seasonal)
    noise = float(np.var(parts.resid)) * n / (n - season) * season / min(n, STEADY * season)
    whole = float(np.var(wave))
    if season > FEW and whole > 0:
        wave = wave * max(0.0, 1 - (season - 3) / (season - 1) * noise / whole)
    below = model(y - wave, 1, horizon)
    ahead = wave[n - season :][np.arange(horizon) % season]
    wider = (n + season) / (n - season)
    return Outlook(below.mean + ahead, below.covariance * wider, below.converged)
