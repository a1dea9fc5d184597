"""Sample paths: many possible futures that agree with given quantiles period by period."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlation", "sample_paths"]

Floats = NDArray[np.float64]


def sample_paths(
    quantiles: Floats, levels: Sequence[float], together: Floats, *, n_paths: int, seed: int
) -> Floats:
    """Draw futures with given quantiles per period and a given correlation between periods.

    A Gaussian copula; within a period the draws are spread evenly over the probabilities, so
    that their quantiles are the given ones without noise.

    Parameters
    ----------
    quantiles : ndarray, shape (horizon, len(levels))
        Sorted in each row.
    levels : sequence of float
        Probabilities between 0 and 1, rising. Beyond the outer two the tail goes on like a
        normal one.
    together : ndarray, shape (horizon, horizon)
        Correlation of the normal scores.
    n_paths : int
        How many.
    seed : int

    Returns
    -------
    ndarray, shape (n_paths, horizon)

    References
    ----------
    Clark et al. (2004), The Schaake shuffle, Journal of Hydrometeorology 5: 243–262.

    Examples
    --------
    >>> rows = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    >>> paths = sample_paths(rows, (0.1, 0.5, 0.9), np.ones((2, 2)), n_paths=999, seed=1)
    >>> np.quantile(paths, [0.1, 0.5], axis=0).round(1).tolist()
    [[1.0, 10.0], [2.0, 20.0]]
    >>> bool(np.allclose(paths[:, 1], 10 * paths[:, 0]))
    True
    """
    from scipy.special import ndtri

    horizon = len(quantiles)
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(together)
    root = vectors * np.sqrt(values.clip(0))
    ranks = (rng.standard_normal((n_paths, horizon)) @ root.T).argsort(axis=0).argsort(axis=0)
    score = ndtri((np.arange(n_paths) + 0.5) / max(n_paths, 1))
    known = ndtri(np.asarray(levels, dtype=float))
    paths = np.empty((n_paths, horizon))
    for period, row in enumerate(quantiles):
        paths[:, period] = _between(score, known, row)[ranks[:, period]]
    return paths


def correlation(covariance: Floats) -> Floats:
    """Correlations from covariances; a period without spread goes with no other.

    Parameters
    ----------
    covariance : ndarray, shape (n, n)

    Returns
    -------
    ndarray, shape (n, n)

    Examples
    --------
    >>> correlation(np.array([[4.0, 2.0], [2.0, 1.0]])).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    spread = np.sqrt(np.diag(covariance).clip(0))
    scale = np.where(spread > 0, spread, 1.0)
    found = np.asarray(covariance / np.outer(scale, scale))
    np.fill_diagonal(found, 1.0)
    return found


def _between(score: Floats, known: Floats, row: Floats) -> Floats:
    """The quantile function over normal scores, its outer pieces drawn on."""
    found = np.interp(score, known, row)
    for edge, inner, outside in ((0, 1, score < known[0]), (-1, -2, score > known[-1])):
        slope = (row[edge] - row[inner]) / (known[edge] - known[inner])
        found[outside] = row[edge] + slope * (score[outside] - known[edge])
    return found
