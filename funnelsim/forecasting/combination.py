"""The recipe: several models, and for every period and quantile their median.

No model is chosen and no weights are fitted: both overfit. A model that fails, or whose
forecast is not a number, is left out and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelsim.errors import InputError, Problem
from funnelsim.forecasting.components import COMPONENTS, FAST
from funnelsim.forecasting.naive import constant, drifting
from funnelsim.forecasting.outlook import Component, Outlook
from funnelsim.forecasting.pathways import correlation, sample_paths
from funnelsim.forecasting.transforming import IDENTITY, Scale, filled, scale_of
from funnelsim.forecasting.widths import widening

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
FREEDOM = 5
"""Errors have heavier tails than normal ones: Student's t of the same variance. With normal
quantiles 80 % intervals cover more and 95 % intervals less than they say."""
FEWEST = 3
"""With fewer points nothing can be said of the spread."""
SEASONS_BACK, LEAST_BACK = 15, 60
"""Models see so many seasons, and so many periods at least: what was long ago was often smaller,
noisier and of another season, and makes intervals too wide."""
SHORT = 8
"""Fewer points than this get the naive forecast with the spread of its own errors."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the recipe says of the periods ahead, in the unit of the history.

    Parameters
    ----------
    mean : ndarray, shape (horizon,)
        Expected values; they add up over periods and segments, medians do not.
    quantiles : ndarray, shape (horizon, len(LEVELS))
        At `LEVELS`.
    paths : ndarray, shape (n_paths, horizon)
        Possible futures, each as likely as the others. Their quantiles per period are
        ``quantiles``; what is summed over periods has the right interval too.
    used : tuple of str
        The models behind it; ``naive`` or ``constant`` where the history is too short or never
        changes.
    failed : tuple of str
        Models that were left out.
    unconverged : tuple of str
        Models whose search stopped early; used nevertheless.
    """

    mean: Floats
    quantiles: Floats
    paths: Floats
    used: tuple[str, ...]
    failed: tuple[str, ...] = ()
    unconverged: tuple[str, ...] = ()

    @property
    def point(self) -> Floats:
        """The median, shape (horizon,)."""
        return self.quantiles[:, MIDDLE]

    def at(self, level: float) -> Floats:
        """A quantile, shape (horizon,); between those kept it is interpolated."""
        return np.array([np.interp(level, LEVELS, row) for row in self.quantiles])


def predict(
    values: ArrayLike,
    *,
    season: int,
    horizon: int,
    profile: Profile = "full",
    seed: int = 0,
    n_paths: int = 1000,
    models: Mapping[str, Component] | None = None,
) -> Prediction:
    """Forecast a regular series by the recipe.

    ``predict(values, *, season, horizon, profile="full", seed=0, n_paths=1000, models=None) ->
    Prediction`` with ``.mean .quantiles .paths .point .at(level) .used .failed .unconverged``.

    Parameters
    ----------
    values : array_like, shape (n,)
        The history, one value per period, oldest first, n ≥ 3; gaps are NaN.
    season : int
        Periods per season: 12 for months, 4 for quarters, 52 for weeks, 7 for days; 1 for none.
    horizon : int
        Periods ahead.
    profile : {"full", "fast"}
        ``fast`` has smoothing on an STL season in place of the model with a trend, whose search
        takes most of the time.
    seed : int
        Of the paths; means and quantiles do not depend on it.
    n_paths : int
        How many paths; 0 for none.
    models : mapping of str to Component, optional
        Instead of the profile's: some of `funnelsim.forecasting.components.MODELS`, or your own.

    Returns
    -------
    Prediction

    Raises
    ------
    InputError
        Where the history is too short or infinite, or the horizon or season below 1.

    Examples
    --------
    >>> y = 100 + np.arange(48) + 10 * np.sin(np.arange(48) / 6 * np.pi)
    >>> found = predict(y, season=12, horizon=3, profile="fast")
    >>> found.point.round(0).tolist(), found.paths.shape
    ([147.0, 153.0, 157.0], (1000, 3))
    """
    whole = _checked(values, season, horizon)
    lo, hi = _limits(whole)
    history = whole[-max(SEASONS_BACK * season, LEAST_BACK) :]
    components = _by_rule(history, models or (COMPONENTS if profile == "full" else FAST))
    scale = scale_of(history, season)
    found, failed = _outlooks(scale.forth(history), season, horizon, components)
    wider = widening(found.values(), season) if found else np.ones(horizon)
    marginals = {name: _quantiles(outlook, scale, wider) for name, outlook in found.items()}
    sound = {name: rows for name, rows in marginals.items() if np.isfinite(rows).all()}
    failed += [name for name in marginals if name not in sound]
    if not sound:
        outlook = drifting(history, season, horizon)
        found = {"naive": outlook}
        sound = {"naive": _quantiles(outlook, IDENTITY, np.ones(horizon))}
    quantiles = np.sort(np.median(np.array(list(sound.values())), axis=0).clip(lo, hi), axis=1)
    together = np.mean([correlation(found[name].covariance) for name in sound], axis=0)
    paths = sample_paths(quantiles, LEVELS, together, n_paths=n_paths, seed=seed).clip(lo, hi)
    return Prediction(
        mean=_expected(quantiles),
        quantiles=quantiles,
        paths=paths,
        used=tuple(sound),
        failed=tuple(failed),
        unconverged=tuple(name for name in sound if not found[name].converged),
    )


def _checked(values: ArrayLike, season: int, horizon: int) -> Floats:
    """The history as numbers, its gaps filled; every problem at once."""
    history = np.asarray(values, dtype=float).ravel()
    known = int(np.isfinite(history).sum())
    problems = []
    if known < FEWEST:
        problems.append(
            Problem(
                f"a history of {known} known values cannot be forecast",
                fix=f"Give at least {FEWEST} periods, better two years",
            )
        )
    if np.isinf(history).any():
        problems.append(Problem("the history holds infinite values", fix="Leave them empty"))
    for name, number in (("season", season), ("horizon", horizon)):
        if number < 1:
            problems.append(Problem(f"{name} is {number}", fix="Give 1 or more"))
    if problems:
        raise InputError(problems)
    return filled(history, season)


def _by_rule(history: Floats, models: Mapping[str, Component]) -> Mapping[str, Component]:
    """Which models a history of this length can carry."""
    if np.ptp(history) == 0:
        return {"constant": constant}
    return {"naive": drifting} if len(history) < SHORT else models


def _outlooks(
    y: Floats, season: int, horizon: int, components: Mapping[str, Component]
) -> tuple[dict[str, Outlook], list[str]]:
    """What every model says, and which models failed."""
    found: dict[str, Outlook] = {}
    failed = []
    for name, component in components.items():
        try:
            outlook = component(y, season, horizon)
        except (ValueError, np.linalg.LinAlgError, IndexError):
            failed.append(name)
            continue
        if np.isfinite(outlook.mean).all() and np.isfinite(outlook.covariance).all():
            found[name] = outlook
        else:
            failed.append(name)
    return found, failed


def _quantiles(outlook: Outlook, scale: Scale, wider: Floats) -> Floats:
    """At `LEVELS`, in the unit of the history; the spread so many times as wide."""
    from scipy.stats import t

    scores = t.ppf(LEVELS, FREEDOM) * np.sqrt((FREEDOM - 2) / FREEDOM)
    with np.errstate(over="ignore"):
        return scale.back(outlook.mean[:, None] + (wider * outlook.spread)[:, None] * scores)


def _limits(history: Floats) -> tuple[float, float]:
    """Where forecasts are cut off, so that no model can explode."""
    least, most = float(history.min()), float(history.max())
    if least >= 0:
        return 0.0, FARTHEST * most
    room = FARTHEST * max(most - least, abs(least), abs(most))
    return least - room, most + room


def _expected(quantiles: Floats) -> Floats:
    """The mean of what the quantiles describe; outside the outer two as at them."""
    edges = np.concatenate([[0.0], LEVELS, [1.0]])
    rows = np.concatenate([quantiles[:, :1], quantiles, quantiles[:, -1:]], axis=1)
    return np.asarray(np.trapezoid(rows, edges, axis=1))
