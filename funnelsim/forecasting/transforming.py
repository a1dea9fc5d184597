"""The scale on which a history is modelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["IDENTITY", "Scale", "filled", "guerrero", "scale_of"]

Floats = NDArray[np.float64]

LOGARITHMIC = 0.5
"""Guerrero's λ below which logarithms are taken."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers are turned into those that are modelled, and back.

    Parameters
    ----------
    forth, back : callable
        Inverse of each other; both keep the order.
    """

    forth: Callable[[Floats], Floats]
    back: Callable[[Floats], Floats]


IDENTITY = Scale(lambda x: x, lambda x: x)


def filled(y: Floats, season: int) -> Floats:
    """Put into every gap what lies between its neighbours, the season apart.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Gaps are NaN; one value at least is known.
    season : int
        Periods per season; 1 for none.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> filled(np.array([1.0, np.nan, 3.0]), 1).tolist()
    [1.0, 2.0, 3.0]
    >>> filled(np.array([1.0, 9.0, 1.0, np.nan, 1.0, 9.0]), 2).tolist()
    [1.0, 9.0, 1.0, 9.0, 1.0, 9.0]
    """
    gaps = np.isnan(y)
    if not gaps.any():
        return y
    place = np.arange(len(y))
    wave = np.zeros(len(y))
    slopes = (y[season:] - y[:-season]) / season  # a trend would pass for a season otherwise
    slope = float(np.nanmedian(slopes)) if np.isfinite(slopes).any() else 0.0
    rows = [(y - slope * place)[start::season] for start in range(season)]
    if season > 1 and all(np.isfinite(row).any() for row in rows):
        wave = np.resize([np.nanmedian(row) for row in rows], len(y))
    rest = y - wave
    return np.asarray(np.where(gaps, np.interp(place, place[~gaps], rest[~gaps]) + wave, y))


def scale_of(y: Floats, season: int) -> Scale:
    """Choose logarithms where the spread grows with the level, else only divide by the mean.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The history.
    season : int
        Periods per season; 1 for none.

    Returns
    -------
    Scale

    Examples
    --------
    >>> y = 100 * 1.05 ** np.arange(60) * (1 + 0.3 * np.sin(np.arange(60) / 6 * np.pi))
    >>> round(float(scale_of(y, 12).forth(np.array([np.e]))[0]), 3)
    1.0
    """
    if len(y) and y.min() > 0 and guerrero(y, season) < LOGARITHMIC:
        return Scale(np.log, np.exp)
    unit = float(np.abs(y).mean()) or 1.0
    return Scale(lambda x: x / unit, lambda x: x * unit)


def guerrero(y: Floats, season: int) -> float:
    """The power that makes the spread within seasons least dependent on their level.

    Parameters
    ----------
    y : ndarray, shape (n,)
        All positive.
    season : int
        Periods per season; groups have that length, 2 at least.

    Returns
    -------
    float
        λ from -1 to 2; 1 where there are fewer than two groups.

    References
    ----------
    Guerrero (1993), Journal of Forecasting 12: 37–48.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bool(guerrero(np.exp(rng.normal(0, 0.3, 120) + np.arange(120) / 30), 12) < 0.4)
    True
    """
    from scipy.optimize import minimize_scalar

    length = max(season, 2)
    groups = len(y) // length
    if groups < 2:  # noqa: PLR2004 - no spread of one ratio
        return 1.0
    blocks = y[len(y) - groups * length :].reshape(groups, length)
    mean, spread = blocks.mean(axis=1), blocks.std(axis=1, ddof=1)
    if (spread <= 0).any():
        return 1.0

    def unlike(power: float) -> float:
        ratio = spread / mean ** (1 - power)
        return float(ratio.std(ddof=1) / ratio.mean())

    return float(minimize_scalar(unlike, bounds=(-1, 2), method="bounded").x)
