"""The recipe: several models, and for every period and quantile their median.

No model is chosen and no weights are fitted: both overfit. A model that fails, or whose
forecast explodes, is left out and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from funnelsim.forecasting.components import COMPONENTS, FAST, Component
from funnelsim.forecasting.transforming import Scale, scale_of

__all__ = ["LEVELS", "Prediction", "Profile", "predict"]

Floats = NDArray[np.float64]
Profile = Literal["full", "fast"]

LEVELS: tuple[float, ...] = (
    *(0.005, 0.01, 0.025),
    *(round(0.05 * i, 2) for i in range(1, 20)),
    *(0.975, 0.99, 0.995),
)
"""Quantiles that are kept; between them is interpolated."""
MIDDLE = LEVELS.index(0.5)
FARTHEST = 5.0
"""A forecast of what was never negative lies between 0 and so many times its maximum."""
SHORT = 8
"""Fewer points than this get the naive forecast with the spread of its own errors."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the recipe says of the periods ahead.

    Parameters
    ----------
    quantiles : ndarray, shape (horizon, len(LEVELS))
        At `LEVELS`, in the unit of the history.
    used : tuple of str
        The models behind it.
    failed : tuple of str
        Models that were left out.
    """

    quantiles: Floats
    used: tuple[str, ...]
    failed: tuple[str, ...] = ()

    @property
    def point(self) -> Floats:
        """The median, shape (horizon,)."""
        return self.quantiles[:, MIDDLE]

    def at(self, level: float) -> Floats:
        """A quantile, shape (horizon,); between those kept it is interpolated."""
        return np.array([np.interp(level, LEVELS, row) for row in self.quantiles])


def predict(y: Floats, season: int, horizon: int, *, profile: Profile = "full") -> Prediction:
    """Forecast a history by the recipe.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The history, regular and without gaps.
    season : int
        Periods per season: 12 for months, 4 for quarters, 52 for weeks, 7 for days; 1 for none.
    horizon : int
        Periods ahead.
    profile : {"full", "fast"}
        ``fast`` takes the airline model for the two searches.

    Returns
    -------
    Prediction

    Examples
    --------
    >>> y = 100 + np.arange(48) + 10 * np.sin(np.arange(48) / 6 * np.pi)
    >>> predict(y, 12, 3, profile="fast").point.round(0).tolist()
    [148.0, 154.0, 158.0]
    """
    history = np.asarray(y, dtype=float)
    if np.ptp(history) == 0 or len(history) < SHORT:
        return Prediction(_naive(history, horizon), ("naive",))
    scale = scale_of(history, season)
    components = COMPONENTS if profile == "full" else FAST
    found, failed = _outlooks(scale.forth(history), season, horizon, components, scale)
    if not found:
        return Prediction(_naive(history, horizon), ("naive",), tuple(failed))
    together = np.median(np.array(list(found.values())), axis=0)
    if history.min() >= 0:
        together = np.clip(together, 0, FARTHEST * history.max())
    return Prediction(np.sort(together, axis=1), tuple(found), tuple(failed))


def _outlooks(
    y: Floats, season: int, horizon: int, components: Mapping[str, Component], scale: Scale
) -> tuple[dict[str, Floats], list[str]]:
    """Quantiles of every model in the unit of the history, and which models failed."""
    from scipy.special import ndtri

    z = ndtri(np.array(LEVELS))
    found: dict[str, Floats] = {}
    failed = []
    for name, component in components.items():
        try:
            outlook = component(y, season, horizon)
        except (ValueError, np.linalg.LinAlgError, IndexError):
            failed.append(name)
            continue
        with np.errstate(over="ignore"):
            quantiles = scale.back(outlook.mean[:, None] + outlook.spread[:, None] * z)
        if np.isfinite(quantiles).all():
            found[name] = quantiles
        else:
            failed.append(name)
    return found, failed


def _naive(y: Floats, horizon: int) -> Floats:
    """The last value, with errors that grow as those of a random walk."""
    from scipy.special import ndtri

    steps = np.diff(y)
    spread = float(np.sqrt((steps**2).mean())) if len(steps) else 0.0
    growth = spread * np.sqrt(np.arange(1, horizon + 1))
    quantiles = y[-1] + growth[:, None] * ndtri(np.array(LEVELS))
    return np.asarray(quantiles.clip(0) if y.min() >= 0 else quantiles)
