"""Two forecasts of the same thing made one, by how well each did before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHRINKAGE", "combine", "doubted", "weights"]

Floats = NDArray[np.float64]

SHRINKAGE: Final = 6.0
"""So many cutoffs are needed until what was seen counts as much as the weights to start from."""


def weights(errors: Mapping[str, Sequence[float]], start: Mapping[str, float]) -> dict[str, float]:
    """Weigh forecasts by their past errors, shrunk to given weights where few are known.

    Parameters
    ----------
    errors : mapping of str to sequence of float
        CRPS of every forecast at the same past cutoffs, in the same unit.
    start : mapping of str to float
        Weights where nothing is known; they sum to 1.

    Returns
    -------
    dict of str to float
        They sum to 1.

    References
    ----------
    Bates & Granger (1969), Operational Research Quarterly 20: 451–468 (inverse squared
    errors); shrinkage of such weights: Stock & Watson (2004), Journal of Forecasting 23:
    405–430.

    Examples
    --------
    >>> weights({"a": [], "b": []}, {"a": 0.9, "b": 0.1})
    {'a': 0.9, 'b': 0.1}
    >>> found = weights({"a": [2.0] * 6, "b": [1.0] * 6}, {"a": 0.9, "b": 0.1})
    >>> {name: round(w, 2) for name, w in found.items()}
    {'a': 0.55, 'b': 0.45}
    """
    count = min(len(past) for past in errors.values())
    sizes = {name: float(np.mean(past)) if count else 1.0 for name, past in errors.items()}
    if not count or not any(sizes.values()):
        return dict(start)
    least = min(size for size in sizes.values() if size > 0) / 1000
    inverse = {name: 1 / max(size, least) ** 2 for name, size in sizes.items()}
    whole = sum(inverse.values())
    trust = count / (count + SHRINKAGE)
    return {name: trust * inverse[name] / whole + (1 - trust) * start[name] for name in errors}


def doubted(weighed: Mapping[str, float], name: str, reach: float) -> dict[str, float]:
    """Take weight from a forecast that reaches too far; the others share it.

    Parameters
    ----------
    weighed : mapping of str to float
    name : str
        Of the forecast.
    reach : float
        What is left of its weight, 0 to 1.

    Returns
    -------
    dict of str to float
        They sum to 1.

    Examples
    --------
    >>> doubted({"a": 0.5, "b": 0.5}, "b", 0.5)
    {'a': 0.75, 'b': 0.25}
    """
    left = weighed[name] * reach
    rest = 1 - weighed[name]
    return {
        key: left if key == name else weight * (1 - left) / rest if rest else 1 - left
        for key, weight in weighed.items()
    }


def combine(one: Floats, other: Floats, weight: float) -> Floats:
    """Average two forecasts quantile by quantile, in every period.

    Paths of the two are paired by the rank of their sums, and what hangs together in time is
    averaged too (as normal scores): so sums over periods are as uncertain as both say, and a
    path of the result goes with the path of the first forecast in its place.

    Parameters
    ----------
    one, other : ndarray, shape (n, periods)
        Sample paths.
    weight : float
        Of the first, 0 to 1.

    Returns
    -------
    ndarray, shape (n, periods)

    References
    ----------
    Lichtendahl, Grushka-Cockayne & Winkler (2013), Management Science 59: 1594–1611 (averaging
    quantiles); Schefzik, Thorarinsdottir & Gneiting (2013), Statistical Science 28: 616–640
    (ranks of ensembles carried over).

    Examples
    --------
    >>> a, b = np.array([[3.0], [1.0]]), np.array([[10.0], [20.0]])
    >>> combine(a, b, 0.5).ravel().tolist()
    [11.5, 5.5]
    """
    paired = np.empty_like(other)
    paired[_order(one.sum(axis=1))] = other[_order(other.sum(axis=1))]
    together = weight * _scores(one) + (1 - weight) * _scores(paired)
    mixed = weight * np.sort(one, axis=0) + (1 - weight) * np.sort(other, axis=0)
    made = np.empty_like(mixed)
    np.put_along_axis(made, _order(together), mixed, axis=0)
    return made


def _order(values: Floats) -> NDArray[np.intp]:
    """Which comes first, second …; ties in any order, but always the same."""
    ties = np.random.default_rng(len(values)).random(values.shape)
    return np.asarray(np.lexsort((ties, values), axis=0))


def _scores(paths: Floats) -> Floats:
    """The normal scores of the ranks, period by period."""
    from scipy.special import ndtri

    n = len(paths)
    ranks = np.argsort(_order(paths), axis=0)
    return np.asarray(ndtri((ranks + 0.5) / n))
