"""How wide a forecast is, beside how wide its models say.

A model takes its noise to be the same from first to last and its law to be known. Its own errors
at past origins tell how far that holds for this history: at each number of periods ahead, and of
late. Where models disagree, the forecast is wider too. Nothing is learned from other series.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from funnelsim.forecasting.outlook import Floats, Outlook

__all__ = ["widening"]

PRIOR = 5
"""So many errors of their own the models' word counts for."""
UNLIKELY = 3.0
"""Errors beyond so many times the usual one count as that: one accident is no law."""
NARROWING = 2
"""Seasons of errors from which a forecast may be narrower than its models say."""
WIDEST = 25.0
"""Variances at most: a spread that far from true is a search that failed."""
ROUNDING = 1e-9
"""A spread below this, on a scale where the history is about 1, is none."""
HALF_LIFE = 1.5
"""Seasons after which an error counts half."""
UNSEASONAL = 12
"""Periods after which it does where there is no season."""
SHARE = 0.4
"""Of the variance between models."""
MOST = 1.0
"""What disagreement adds at most, in variances of a model: one that explodes is outvoted."""
MAD = 0.6745
"""Median absolute value of a normal error."""


def widening(outlooks: Collection[Outlook], season: int) -> Floats:
    """What the models' spread is multiplied by.

    Parameters
    ----------
    outlooks : collection of Outlook
        Of the models of a forecast, on one scale. The first that brings its errors of the past
        tells how true its spread was; without one, and where there is no spread, only
        disagreement counts.
    season : int
        Periods per season; 1 for none.

    Returns
    -------
    ndarray, shape (horizon,)

    References
    ----------
    Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, section 5.10 (errors
    from rolling origins); for the variance between models, Draper (1995), Journal of the Royal
    Statistical Society B 57: 45–97, equation 13.

    Examples
    --------
    >>> sure = Outlook(np.zeros(2), np.eye(2), errors=np.tile([[2.0, 2.0]], (40, 1)))
    >>> widening([sure], 4).round(2).tolist()
    [1.82, 1.94]
    >>> widening([Outlook(np.zeros(1), np.eye(1)), Outlook(np.ones(1), np.eye(1))], 4).round(2)
    array([1.1])
    """
    spread = np.median([one.spread for one in outlooks], axis=0)
    variances = np.ones(len(spread))
    told = next((one for one in outlooks if one.errors is not None), None)
    if told is not None and told.errors is not None and (told.spread > ROUNDING).all():
        variances = _observed(told.errors / told.spread, season)
    if len(outlooks) > 1:
        with np.errstate(over="ignore"):  # of a model that explodes
            between = np.var([one.mean for one in outlooks], axis=0, ddof=1)
        added = np.minimum(SHARE * between, MOST * spread**2)
        variances += np.divide(added, spread**2, out=np.zeros_like(added), where=spread > ROUNDING)
    return np.asarray(np.sqrt(variances))


def _observed(errors: Floats, season: int) -> Floats:
    """Mean squares of errors in spreads, period by period ahead, each leaning on the last."""
    n, horizon = errors.shape
    half_life = HALF_LIFE * season if season > 1 else UNSEASONAL
    variances = np.ones(horizon)
    before = 1.0
    for ahead in range(horizon):
        origins = np.flatnonzero(np.isfinite(errors[:, ahead]))
        if len(origins):
            sizes = np.abs(errors[origins, ahead])
            usual = max(1.0, float(np.median(sizes)) / MAD)
            weights = 0.5 ** ((n - 1 - ahead - origins) / half_life)
            mean = float(weights @ np.minimum(sizes, UNLIKELY * usual) ** 2 / weights.sum())
            mean = min(mean, WIDEST)
            # errors so many periods ahead overlap, so that there are fewer of their own
            count = float(weights.sum() ** 2 / (weights @ weights)) / (1 + ahead)
            before = (count * mean + PRIOR * before) / (count + PRIOR)
        variances[ahead] = before
    known = int(np.isfinite(errors[:, 0]).sum())
    if season == 1 or known < NARROWING * season:
        return np.maximum(variances, 1.0)
    return variances
