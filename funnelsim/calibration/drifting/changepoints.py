"""One change in a sequence of scores: whether, when, and between which dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

__all__ = ["ChangePoint", "adjusted", "change_point"]

TRIM: Final = 0.1  # of the information at either end, in which no change is looked for
BLOCK: Final = 2_000_000  # numbers held at a time


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The most likely change.

    Parameters
    ----------
    at : int
        The first block after it.
    lo, hi : int
        The blocks between which it lies.
    statistic : float
        The largest squared score, standardised: twice the gain in log-likelihood.
    p : float
        The share of orders of the blocks, drawn at random, with a statistic as large.
    """

    at: int
    lo: int
    hi: int
    statistic: float
    p: float


def change_point(
    scores: np.ndarray,
    information: np.ndarray,
    rng: np.random.Generator,
    *,
    permutations: int,
    level: float,
) -> ChangePoint | None:
    """Look for one change in the mean of scores.

    Parameters
    ----------
    scores : numpy.ndarray
        Shape ``(n,)``: sums of scores by block (day or week) in time order; they sum to 0.
    information : numpy.ndarray
        Shape ``(n,)``: the variance that each sum has without any change, up to a factor.
    rng : numpy.random.Generator
        Draws the orders.
    permutations : int
        How many.
    level : float
        Of the interval for the date, 0 to 1.

    Returns
    -------
    ChangePoint or None
        None where the blocks are too few.

    References
    ----------
    The weighted CUSUM over the trimmed range is the score form of the likelihood-ratio
    scan: Csörgő and Horváth, *Limit Theorems in Change-Point Analysis* (1997), 1.2. Blocks
    are permuted whole, so that what depends on each other within a block stays together:
    Kirch (2007), "Block permutation principles for the change analysis of dependent data".
    The interval holds the dates whose statistic is less than ``-2 log(1 - sqrt(level))``
    below the largest: Hansen (2000), Econometrica 68, theorem 2.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> values = np.r_[rng.normal(size=60), rng.normal(1.5, size=40)]
    >>> scores = values - values.mean()
    >>> found = change_point(scores, np.ones(100), rng, permutations=199, level=0.95)
    >>> 55 <= found.at <= 65, found.lo <= 60 <= found.hi, found.p
    (True, True, 0.005)
    """
    n, total = len(scores), float(information.sum())
    spread = float((scores**2).sum())
    if n < 10 or total <= 0 or spread <= 0:  # noqa: PLR2004 - nothing to permute
        return None
    observed = _statistic(scores[None, :], information[None, :])[0]
    if not np.isfinite(observed).any():
        return None
    best = int(np.nanargmax(observed))
    largest, count, done = float(observed[best]), 0, 0
    while done < permutations:
        size = min(permutations - done, max(1, BLOCK // n))
        order = np.argsort(rng.random((size, n)), axis=1)
        drawn = _statistic(scores[order], information[order])
        count += int((np.nanmax(drawn, axis=1) >= largest - 1e-12).sum())
        done += size
    near = np.flatnonzero(observed >= largest + 2 * np.log(1 - np.sqrt(level)))
    p = (1 + count) / (1 + permutations)
    return ChangePoint(best + 1, int(near.min()) + 1, int(near.max()) + 1, largest, p)


def adjusted(p: np.ndarray) -> np.ndarray:
    """Adjust p-values of several tests so that one false alarm in all is as rare as in one.

    Parameters
    ----------
    p : numpy.ndarray
        Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Holm's step-down values, at most 1.

    Examples
    --------
    >>> adjusted(np.array([0.01, 0.04, 0.5])).round(3).tolist()
    [0.03, 0.08, 0.5]
    """
    if not len(p):
        return p
    from statsmodels.stats.multitest import multipletests

    result: np.ndarray = multipletests(p, method="holm")[1]
    return result


def _statistic(scores: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Return the squared standardised CUSUM after each block; nan in the trimmed ends."""
    total = information.sum(axis=1, keepdims=True)
    done = np.cumsum(information, axis=1) / total
    variance = (scores**2).sum(axis=1, keepdims=True)
    inside = (done >= TRIM) & (done <= 1 - TRIM)
    weight = np.where(inside, done * (1 - done), np.nan)
    result: np.ndarray = np.cumsum(scores, axis=1) ** 2 / (variance * weight)
    return result
