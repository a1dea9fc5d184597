"""Possible futures of series and of their sums, made to agree one by one."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.forecasting.hierarchy import Tree, mapping, reconciled, shrunk_covariance
from funnelsim.forecasting.pathways import correlation

__all__ = ["joined"]

Floats = NDArray[np.float64]

SMOOTHING: Final = 0.3
HARMONICS: Final = 3


def joined(paths: Floats, histories: Floats, tree: Tree, *, season: int, seed: int) -> Floats:
    """Line up the paths of all nodes, as their errors went together, and reconcile each.

    Parameters
    ----------
    paths : ndarray, shape (n_paths, horizon, n_nodes)
        Of each node, forecast alone.
    histories : ndarray, shape (n, n_nodes)
        What they were forecast from.
    tree : Tree
    season : int
        Periods per season.
    seed : int

    Returns
    -------
    ndarray, shape (n_paths, horizon, n_bottom)
        Of the series at the bottom; their sums are the reconciled sums.

    References
    ----------
    Wickramasuriya, Athanasopoulos & Hyndman (2019), Journal of the American Statistical
    Association 114: 804–819; for paths Panagiotelis et al. (2023), European Journal of
    Operational Research 306: 693–706.

    Examples
    --------
    >>> import pandas as pd
    >>> from funnelsim.forecasting.hierarchy import tree_of
    >>> rng = np.random.default_rng(1)
    >>> parts = rng.normal(10, [1, 2], (60, 2))
    >>> tree = tree_of(pd.DataFrame({"source": ["web", "tv"]}))
    >>> paths = rng.normal([21, 10, 10], [2.2, 1, 2], (1000, 1, 3))  # sum, web, tv
    >>> made = joined(paths, parts @ tree.summing.T, tree, season=1, seed=1)
    >>> made.shape, bool(20 < made.sum(axis=2).mean() < 21)
    ((1000, 1, 2), True)
    """
    if paths.shape[2] == 1:
        return paths
    covariance = shrunk_covariance(_one_step_errors(histories, season))
    ranked = _lined_up(paths, correlation(covariance), seed)
    weights = mapping(tree.summing, "mint", covariance)
    return reconciled(ranked, tree, weights)[:, :, -tree.n_bottom :]


def _one_step_errors(histories: Floats, season: int) -> Floats:
    """What simple smoothing would have missed by, trend and season apart; (n - 1, nodes).

    With the season left in, all nodes would seem to err together, and reconciled intervals
    would be far too narrow.
    """
    from scipy.signal import lfilter

    n = len(histories)
    time = np.arange(n)
    waves = range(1, min(HARMONICS, season // 2) + 1) if n >= 2 * season else ()
    columns = [np.ones(n), time / n]
    for wave in waves:
        angle = 2 * np.pi * wave * time / season
        columns += [np.sin(angle), np.cos(angle)]
    known = np.column_stack(columns)
    rest = histories - known @ np.linalg.lstsq(known, histories, rcond=None)[0]
    smooth = lfilter([SMOOTHING], [1, -(1 - SMOOTHING)], rest, axis=0)
    return np.asarray(rest[1:] - smooth[:-1])


def _lined_up(paths: Floats, between: Floats, seed: int) -> Floats:
    """Put the paths of the nodes side by side so that good luck comes together as it did.

    A Gaussian copula over periods and nodes; what each node may have in each period stays as
    it is (Clark et al. 2004, Journal of Hydrometeorology 5: 243–262). Between periods all
    nodes have the same correlations, the mean of their own.
    """
    n_paths, horizon, nodes = paths.shape
    own = [correlation(np.cov(paths[:, :, k].T).reshape(horizon, horizon)) for k in range(nodes)]
    luck = np.random.default_rng(seed).standard_normal((n_paths, horizon, nodes))
    luck = np.einsum("hg,pgm,nm->phn", _root(np.mean(own, axis=0)), luck, _root(between))
    ranks = luck.argsort(axis=0).argsort(axis=0)
    return np.take_along_axis(np.sort(paths, axis=0), ranks, axis=0)


def _root(matrix: Floats) -> Floats:
    """A matrix whose product with its own transpose is the given one."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(values.clip(0)))
