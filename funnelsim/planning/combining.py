"""Two forecasts of the same thing made one, by how well each did before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHRINKAGE", "combine", "weights"]

Floats = NDArray[np.float64]

SHRINKAGE: Final = 4.0
"""So many cutoffs are needed until what was seen counts as much as equal weights."""


def weights(errors: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Weigh forecasts by their past errors, shrunk to equal weights where few are known.

    Parameters
    ----------
    errors : mapping of str to sequence of float
        CRPS of every forecast at the same past cutoffs, in the same unit.

    Returns
    -------
    dict of str to float
        They sum to 1.

    References
    ----------
    Bates & Granger (1969), Operational Research Quarterly 20: 451–468 (inverse squared
    errors); shrinkage to equal weights: Stock & Watson (2004), Journal of Forecasting 23:
    405–430.

    Examples
    --------
    >>> weights({"a": [], "b": []})
    {'a': 0.5, 'b': 0.5}
    >>> {name: round(w, 2) for name, w in weights({"a": [1.0] * 4, "b": [2.0] * 4}).items()}
    {'a': 0.65, 'b': 0.35}
    """
    equal = 1 / len(errors)
    count = min(len(past) for past in errors.values())
    sizes = {name: float(np.mean(past)) if count else 1.0 for name, past in errors.items()}
    if not count or not any(sizes.values()):
        return dict.fromkeys(errors, equal)
    least = min(size for size in sizes.values() if size > 0) / 1000
    inverse = {name: 1 / max(size, least) ** 2 for name, size in sizes.items()}
    whole = sum(inverse.values())
    trust = count / (count + SHRINKAGE)
    return {name: trust * inverse[name] / whole + (1 - trust) * equal for name in errors}


def combine(leading: Floats, others: Sequence[tuple[Floats, float]], weight: float) -> Floats:
    """Average forecasts quantile by quantile; what hangs together follows the leading one.

    In every period the combined quantiles are the weighted averages of the forecasts'
    quantiles; the paths run as the leading forecast's do, so that sums over periods are honest.

    Parameters
    ----------
    leading : ndarray, shape (n, periods)
        Sample paths.
    others : sequence of (ndarray, float)
        Paths of the same shape, and their weights.
    weight : float
        Of the leading one.

    Returns
    -------
    ndarray, shape (n, periods)

    References
    ----------
    Lichtendahl, Grushka-Cockayne & Winkler (2013), Management Science 59: 1594–1611 (averaging
    quantiles); Schefzik, Thorarinsdottir & Gneiting (2013), Statistical Science 28: 616–640
    (the ranks of one ensemble carried over to another).

    Examples
    --------
    >>> a, b = np.array([[3.0], [1.0]]), np.array([[10.0], [20.0]])
    >>> combine(a, [(b, 0.5)], 0.5).ravel().tolist()
    [11.5, 5.5]
    """
    ties = np.random.default_rng(len(leading)).random(leading.shape)
    order = np.lexsort((ties, leading), axis=0)
    mixed = weight * np.take_along_axis(leading, order, axis=0)
    for paths, share in others:
        mixed = mixed + share * np.sort(paths, axis=0)
    made = np.empty_like(mixed)
    np.put_along_axis(made, order, mixed, axis=0)
    return made
