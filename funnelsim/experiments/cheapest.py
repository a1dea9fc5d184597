"""The cheapest whole numbers that are enough, where more is never worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["cheapest"]

Vector = tuple[int, ...]
Enough = Callable[[Vector], bool]

_MOST_CANDIDATES: Final = 500_000
_MOST_TRIALS: Final = 400
_DUST: Final = 1e-9


def cheapest(start: Sequence[int], prices: Sequence[float], enough: Enough) -> tuple[Vector, bool]:
    """Find the cheapest vector that is enough.

    Coordinate descent gives a good one; then everything cheaper is either tried or ruled
    out: what lies below a vector that is not enough is not enough either. The dearest of
    the candidates left is tried first, because it rules out most.

    Parameters
    ----------
    start : sequence of int
        Enough.
    prices : sequence of float
        Of one unit each, above 0.
    enough : callable
        Monotone: more of anything is never worse.

    Returns
    -------
    tuple of int
    bool
        Whether everything cheaper has been ruled out (given that more is never worse).

    References
    ----------
    Land & Doig (1960), An automatic method of solving discrete programming problems,
    Econometrica 28, for bounding; the ruling out is dominance on a lattice.

    Examples
    --------
    >>> cheapest((9, 9), (1.0, 1.5), lambda x: 2 * x[0] + 3 * x[1] >= 13 and x[1] >= 1)
    ((5, 1), True)
    """
    known: dict[Vector, bool] = {}

    def tried(x: Vector) -> bool:
        if x not in known:
            known[x] = enough(x)
        return known[x]

    prices = [float(price) for price in prices]
    best = _descent(tuple(start), prices, tried)
    cost = float(np.dot(best, prices))
    ceiling = tuple(
        max(int((cost + _DUST) / price), x) for price, x in zip(prices, best, strict=True)
    )
    floor = tuple(_least(ceiling, i, best[i], tried) for i in range(len(best)))
    candidates = _box(floor, prices, cost)
    if candidates is None:
        return best, False
    costs = candidates @ np.array(prices)
    order = np.lexsort((*candidates.T, costs))
    candidates, costs = candidates[order], costs[order]
    trials = 0
    while len(candidates) and trials < _MOST_TRIALS:
        x = tuple(int(number) for number in candidates[-1])
        trials += x not in known
        if tried(x):
            best = _descent(x, prices, tried)
            cost = float(np.dot(best, prices))
            kept = costs < cost - _DUST * max(cost, 1)
        else:
            kept = ~(candidates <= np.array(x)).all(axis=1)
        candidates, costs = candidates[kept], costs[kept]
    return best, not len(candidates)


def _descent(x: Vector, prices: Sequence[float], enough: Enough) -> Vector:
    """Take away what is dearest first, as long as it is enough."""
    for i in sorted(range(len(x)), key=lambda i: -prices[i]):
        x = (*x[:i], _least(x, i, x[i], enough), *x[i + 1 :])
    return x


def _least(x: Vector, i: int, high: int, enough: Enough) -> int:
    """The fewest of one that are enough beside the others; ``high`` is."""
    low = 0
    while low < high:
        middle = (low + high) // 2
        if enough((*x[:i], middle, *x[i + 1 :])):
            high = middle
        else:
            low = middle + 1
    return high


def _box(floor: Vector, prices: Sequence[float], cost: float) -> NDArray[np.int64] | None:
    """Vectors from the floor up that cost less; None if there are too many."""
    least = float(np.dot(floor, prices))
    room = cost - least
    sides = [np.arange(f, f + int(room / p) + 1) for f, p in zip(floor, prices, strict=True)]
    if np.prod([float(len(side)) for side in sides]) > _MOST_CANDIDATES:
        return None
    grid = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, len(floor))
    cheaper: NDArray[np.int64] = grid[grid @ np.array(prices) < cost - _DUST * max(cost, 1)]
    return cheaper
