"""Forecasts of parts and of their sums made to agree: product × channel and all totals.

Every total is forecast on its own as well; the reconciled forecasts are those that add up and
lie nearest to all of them, each weighed by how sure it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.series import ALL

__all__ = ["Method", "Tree", "mapping", "reconciled", "shrunk_covariance", "tree_of"]

Floats = NDArray[np.float64]
Method = Literal["mint", "ols", "structural", "bottom_up"]
METHODS: Final = ("mint", "ols", "structural", "bottom_up")


@dataclass(frozen=True, eq=False)
class Tree:
    """Which series are sums of which.

    Parameters
    ----------
    nodes : pandas.DataFrame
        One row a series: what it stands for in each column, ``(all)`` for a sum over it. Sums
        first, the series at the bottom last.
    summing : ndarray, shape (n_nodes, n_bottom)
        1 where the node contains the bottom series.
    """

    nodes: pd.DataFrame
    summing: Floats

    @property
    def n_bottom(self) -> int:
        """How many series cannot be split further."""
        return int(self.summing.shape[1])

    def total(self, bottom: Floats) -> Floats:
        """Every node's values from those at the bottom; the last axis are the series."""
        return np.asarray(bottom @ self.summing.T)


def tree_of(keys: pd.DataFrame) -> Tree:
    """Build the sums over all columns that tell series apart.

    Parameters
    ----------
    keys : pandas.DataFrame
        One row a series at the bottom.

    Returns
    -------
    Tree
        The sum of all, the sums over all but some columns, the series themselves; of nodes that
        hold the very same series only the first is kept.

    Examples
    --------
    >>> keys = pd.DataFrame({"product": ["a", "a", "b"], "channel": ["web", "shop", "web"]})
    >>> tree_of(keys).nodes.agg(" / ".join, axis=1).tolist()
    ['(all) / (all)', 'a / (all)', '(all) / web', 'a / web', 'a / shop', 'b / web']
    """
    columns = list(keys.columns)
    n = len(keys)
    nodes: list[dict[str, str]] = []
    rows: list[Floats] = []
    for size in range(len(columns)):
        for kept in combinations(columns, size):
            groups = keys.groupby(list(kept), sort=False).indices if kept else {(): np.arange(n)}
            for key, members in groups.items():
                row = np.zeros(n)
                row[members] = 1
                if len(members) > 1 and not any(np.array_equal(row, seen) for seen in rows):
                    told = key if isinstance(key, tuple) else (key,)
                    nodes.append(dict.fromkeys(columns, ALL) | dict(zip(kept, told, strict=True)))
                    rows.append(row)
    bottom = pd.DataFrame(keys.to_numpy(), columns=columns)
    frame = pd.concat([pd.DataFrame(nodes, columns=columns), bottom], ignore_index=True)
    return Tree(frame.astype("str"), np.vstack([*rows, np.eye(n)]))


def mapping(
    summing: ArrayLike, method: Method = "mint", covariance: ArrayLike | None = None
) -> Floats:
    """The matrix that makes base forecasts of all nodes into reconciled ones of the bottom.

    Parameters
    ----------
    summing : array_like, shape (n_nodes, n_bottom)
        The bottom series last.
    method : {"mint", "ols", "structural", "bottom_up"}
        Weights by the covariance of one-step errors, none at all, by how many series a node
        holds, or only the bottom.
    covariance : array_like, shape (n_nodes, n_nodes), optional
        For ``mint``; positive definite.

    Returns
    -------
    ndarray, shape (n_bottom, n_nodes)

    Raises
    ------
    ParameterError
        An unknown method; ``mint`` without a covariance.

    References
    ----------
    Wickramasuriya, Athanasopoulos & Hyndman (2019), Journal of the American Statistical
    Association 114: 804–819, eq. 9: ``G = (S' W⁻¹ S)⁻¹ S' W⁻¹``.

    Examples
    --------
    >>> S = np.array([[1, 1], [1, 0], [0, 1]])
    >>> mapping(S, "bottom_up").tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> (3 * mapping(S, "ols")).round(6).tolist()
    [[1.0, 2.0, -1.0], [1.0, -1.0, 2.0]]
    """
    sums = np.asarray(summing, dtype=float)
    n_nodes, n_bottom = sums.shape
    if method == "bottom_up":
        return np.hstack([np.zeros((n_bottom, n_nodes - n_bottom)), np.eye(n_bottom)])
    if method not in METHODS:
        fix = f"Take {', '.join(METHODS)}."
        raise ParameterError(Problem(f'"{method}" is no way to reconcile', fix=fix))
    if method == "ols":
        weights = np.eye(n_nodes)
    elif method == "structural":
        weights = np.diag(1 / sums.sum(axis=1))
    elif covariance is None:
        raise ParameterError(Problem("mint needs the covariance of the base forecasts' errors"))
    else:
        weights = np.linalg.inv(np.asarray(covariance, dtype=float))
    return np.asarray(np.linalg.solve(sums.T @ weights @ sums, sums.T @ weights))


def reconciled(base: ArrayLike, tree: Tree, weights: ArrayLike) -> Floats:
    """Reconcile forecasts or sample paths of all nodes.

    Parameters
    ----------
    base : array_like, shape (..., n_nodes)
        Means, or joint draws.
    tree : Tree
    weights : array_like, shape (n_bottom, n_nodes)
        From `mapping`.

    Returns
    -------
    ndarray, shape (..., n_nodes)
        They add up. A sample path stays one draw, so that quantiles of the result are right
        for every sum (Panagiotelis et al. 2023, European Journal of Operational Research
        306: 693–706).

    Examples
    --------
    >>> tree = tree_of(pd.DataFrame({"source": ["web", "tv"]}))
    >>> reconciled([12.0, 6.0, 3.0], tree, mapping(tree.summing, "ols")).round(9).tolist()
    [11.0, 7.0, 4.0]
    """
    return tree.total(np.asarray(base, dtype=float) @ np.asarray(weights, dtype=float).T)


def shrunk_covariance(errors: ArrayLike) -> Floats:
    """Covariance of errors, its correlations shrunk towards zero as far as chance suggests.

    Parameters
    ----------
    errors : array_like, shape (n, n_nodes)
        One-step errors of the base forecasts.

    Returns
    -------
    ndarray, shape (n_nodes, n_nodes)
        Positive definite, also with fewer errors than nodes.

    References
    ----------
    Schäfer & Strimmer (2005), Statistical Applications in Genetics and Molecular Biology
    4(1), article 32, table 2 target D; as in Wickramasuriya et al. (2019), section 2.4.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> shrunk_covariance(rng.normal(size=(5000, 2)) * [1, 3]).diagonal().round(1).tolist()
    [1.0, 8.9]
    """
    rows = np.asarray(errors, dtype=float)
    n, nodes = rows.shape
    variance = (rows**2).mean(axis=0)
    floor = max(float(variance.max()) * 1e-6, 1e-12)
    spread = np.sqrt(np.maximum(variance, floor))
    unit = rows / spread
    together = unit.T @ unit / n
    off = ~np.eye(nodes, dtype=bool)
    doubt = ((unit**2).T @ (unit**2) / n - together**2) / max(n - 1, 1)
    signal = float((together[off] ** 2).sum())
    share = min(1.0, float(doubt[off].sum()) / signal) if signal > 0 else 1.0
    kept = np.where(off, (1 - share) * together, 1.0)
    kept = np.where(off, kept * (1 - 1e-6), 1.0)
    return np.asarray(kept * np.outer(spread, spread))
