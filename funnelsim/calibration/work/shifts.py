"""Shifts by weekday from the times at which work starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

__all__ = ["Weekly", "weekly_hours"]

Weekly = Mapping[int, tuple[tuple[int, int], ...]]
"""Weekday (0 = Monday) → shifts as local minutes of the day ``(from, until)``."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SLOT: Final = 30
"""Minutes of a slot."""
SLOTS: Final = 48
CLOSED: Final = 0.02
"""Share of the busiest weekday's work below which a weekday is closed."""
GAIN: Final = 8.0
"""Log likelihood that a break or hours of one's own must gain."""
BREAK: Final = 0.25
"""Activity in a break, as a share of the open hours', at most."""
FLAT: Final = 0.3
"""Activity outside, as a share of that inside, from which there are no hours at all."""
LONGEST_BREAK: Final = 8
APART: Final = 2
"""Slots by which an edge must differ for a weekday to get its own hours."""


def weekly_hours(weekday: Integers, minute: Integers) -> Weekly:
    """Find the likeliest opening hours.

    Parameters
    ----------
    weekday : ndarray of int, shape (n,)
        Of each start of work, 0 = Monday.
    minute : ndarray of int, shape (n,)
        Its local minute of the day.

    Returns
    -------
    Weekly
        Open weekdays only; the whole day where no hours stand out.

    Notes
    -----
    Starts in a slot are Poisson with one mean inside the hours and another one outside; the
    interval that maximises the likelihood is taken, then a break inside it if that gains 8 and
    activity there is at most a quarter.

    References
    ----------
    Kulldorff (1997), Communications in Statistics - Theory and Methods 26: 1481-1496 (the
    likelihood ratio of an interval with another rate).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> weekly_hours(rng.integers(0, 5, 2000), rng.integers(540, 1080, 2000))[4]
    ((540, 1080),)
    """
    counts = np.zeros((7, SLOTS))
    np.add.at(counts, (weekday, minute // SLOT), 1)
    totals = counts.sum(axis=1)
    opened = [int(day) for day in np.flatnonzero(totals > CLOSED * totals.max())]
    return {day: hours for days, hours in _groups(counts, opened) for day in sorted(days)}


def _groups(
    counts: Floats, days: Sequence[int]
) -> list[tuple[Sequence[int], tuple[tuple[int, int], ...]]]:
    """Weekdays with the same hours, and those hours."""
    pooled = _open_slots(counts[list(days)].sum(axis=0))
    apart = [day for day in days if _differs(counts[day], pooled)]
    if not apart or len(days) == 1:
        return [(days, _shifts(pooled))]
    if len(apart) == len(days):
        return [([day], _shifts(_open_slots(counts[day]))) for day in days]
    rest = [day for day in days if day not in apart]
    return [*_groups(counts, rest), *_groups(counts, apart)]


def _differs(counts: Floats, pooled: NDArray[np.bool_]) -> bool:
    """Whether a weekday's own hours fit much better and are another hour."""
    own = _open_slots(counts)
    far = int((own != pooled).sum()) >= APART
    return far and _likelihood(counts, own) - _likelihood(counts, pooled) > GAIN


def _open_slots(counts: Floats) -> NDArray[np.bool_]:
    """The likeliest interval of high activity, less a clear break."""
    best = _best(counts, np.ones(SLOTS, dtype=bool), SLOTS)
    if best is None:
        return np.ones(SLOTS, dtype=bool)
    inside = best if counts[best].mean() >= counts[~best].mean() else ~best
    if counts[~inside].mean() > FLAT * counts[inside].mean():
        return np.ones(SLOTS, dtype=bool)
    pause = _best(counts, inside, LONGEST_BREAK)
    if pause is not None and (inside & ~pause).any():
        rest = inside & ~pause
        quiet = counts[pause].mean() <= BREAK * counts[rest].mean()
        gain = _likelihood(counts, rest) - _likelihood(counts, inside)
        if quiet and gain > GAIN and _interior(pause, inside):
            return rest
    return inside


def _interior(pause: NDArray[np.bool_], inside: NDArray[np.bool_]) -> bool:
    """Whether a break has work before and after it, round the clock."""
    edges = np.flatnonzero(pause)
    return bool(inside[edges[0] - 1] and inside[(edges[-1] + 1) % SLOTS])


def _best(counts: Floats, within: NDArray[np.bool_], longest: int) -> NDArray[np.bool_] | None:
    """The interval, among those within, whose rate differs most from the rest's."""
    before = np.concatenate([[0.0], np.cumsum(np.where(within, counts, 0.0))])
    size = np.concatenate([[0.0], np.cumsum(within.astype(float))])
    a, b = np.triu_indices(SLOTS + 1, 1)
    width = size[b] - size[a]
    kept = (width == b - a) & (width < size[-1]) & (width <= longest)
    a, b, width = a[kept], b[kept], width[kept]
    if not len(a):
        return None
    inner = before[b] - before[a]
    outer, gap = before[-1] - inner, size[-1] - width
    gain = xlogy(inner, inner / width) + xlogy(outer, outer / gap)
    if longest < SLOTS:  # a break is where less happens
        gain = np.where(inner / width < outer / gap, gain, -np.inf)
    place = int(np.argmax(gain))
    if not np.isfinite(gain[place]):
        return None
    found = np.zeros(SLOTS, dtype=bool)
    found[a[place] : b[place]] = True
    return found


def _likelihood(counts: Floats, inside: NDArray[np.bool_]) -> float:
    """Poisson log likelihood of two rates, up to what does not depend on the hours."""
    total = 0.0
    for part in (counts[inside], counts[~inside]):
        if len(part):
            total += float(xlogy(part.sum(), part.mean()))
    return total


def _shifts(inside: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Slots as shifts in minutes."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
    return tuple((int(a) * SLOT, int(b) * SLOT) for a, b in edges.reshape(-1, 2))
