"""Gaps and outliers of a history: filled and pulled in before a model sees it, and told."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.forecasting.transforming import filled

__all__ = ["tamed", "treated"]

WILD: Final = 8.0
"""A value so many robust standard deviations from its neighbours is an outlier."""
ROBUST: Final = 1.4826
"""Median absolute deviation → standard deviation of a normal."""
NEIGHBOURS: Final = 5
LEAST: Final = 2 * NEIGHBOURS


def treated(y: pd.Series, season: int) -> tuple[pd.Series, list[pd.Timestamp], int]:
    """Fill the gaps of a history and pull its outliers in.

    Parameters
    ----------
    y : pandas.Series
        By period; NaN where nothing is known.
    season : int
        Periods per season.

    Returns
    -------
    tuple
        The history without gaps, the periods of its outliers, how many gaps were filled.

    Examples
    --------
    >>> y = pd.Series([10.0, 11, 12, np.nan, 14, 15], pd.date_range("2025", periods=6, freq="MS"))
    >>> treated(y, 12)[0].tolist()
    [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
    """
    gaps = int(y.isna().sum())
    whole = pd.Series(filled(y.to_numpy(float), season), y.index) if gaps else y
    tame = tamed(whole, season)
    return tame, [*y.index[(tame != whole).to_numpy()]], gaps


def tamed(y: pd.Series, season: int) -> pd.Series:
    """Pull in single values far outside of what their neighbours and other years allow.

    Parameters
    ----------
    y : pandas.Series
        Without gaps.
    season : int
        Periods per season.

    Returns
    -------
    pandas.Series
        Two or more such values in a row may be a new level, and stay; so does what comes
        back in another season, one period earlier or later.

    Examples
    --------
    >>> y = pd.Series([10, 11, 9, 10, 12, 900, 11, 10, 9, 11, 10, 12.0])
    >>> bool(tamed(y, 1).max() < 30)
    True
    """
    if len(y) < LEAST:
        return y
    middle = y.rolling(NEIGHBOURS, center=True, min_periods=3).median()
    off = (y - middle).to_numpy()
    steps = np.abs(np.diff(y.to_numpy())) / np.sqrt(2)
    scale = ROBUST * max(float(np.median(np.abs(off))), float(np.median(steps)))
    if scale == 0:
        return y
    away = np.abs(_unlike_other_seasons(off, season)) > WILD * scale
    alone = away & ~np.roll(away, 1) & ~np.roll(away, -1)
    alone[0] = away[0] and not away[1]
    alone[-1] = away[-1] and not away[-2]
    return y.mask(alone, middle + np.sign(off) * WILD * scale)


def _unlike_other_seasons(off: np.ndarray, season: int) -> np.ndarray:
    """What is left of a deviation after the most similar one of any other season."""
    left = off.copy()
    if season == 1:
        return left
    for years in range(1, len(off) // season + 1):
        for shift in (-1, 0, 1):
            for lag in (years * season + shift, -years * season - shift):
                other = _shifted(off, lag)
                nearer = np.abs(off - other) < np.abs(left)
                left = np.where(nearer, off - other, left)
    return left


def _shifted(values: np.ndarray, lag: int) -> np.ndarray:
    """The value so many periods ago (ahead, if negative); NaN where there is none."""
    moved = np.full(len(values), np.nan)
    if 0 < lag < len(values):
        moved[lag:] = values[:-lag]
    elif 0 > lag > -len(values):
        moved[:lag] = values[-lag:]
    return moved
