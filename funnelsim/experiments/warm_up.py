"""Where a run has forgotten how it began: MSER-5, and what it means for the reader."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelsim.experiments.precision import mean_interval

__all__ = ["Regime", "mser5", "regime"]

BATCH: Final = 5
FEWEST_BATCHES: Final = 10
LEVEL: Final = 0.99
WORTH_TELLING: Final = 0.02  # of the later mean: less would not be seen in a report


class Regime(NamedTuple):
    """What the course of a run says about its numbers.

    Parameters
    ----------
    kind : str
        ``steady``; ``filling`` (the first weeks differ); ``unsettled`` (it never settles);
        ``short`` (too few weeks, or too few wins, to tell).
    weeks : int
        Weeks at the beginning that differ from the rest; 0 unless ``filling``.
    sentence : str
        The same in one English sentence.
    """

    kind: Literal["steady", "filling", "unsettled", "short"]
    weeks: int
    sentence: str


def mser5(series: ArrayLike, batch: int = BATCH) -> int | None:
    """Where to cut the start-up off a series, by the marginal standard error rule.

    Means of ``batch`` values each are cut where the rest has the smallest
    Σ (x - mean)² ÷ k², k being the number of batches left.

    Parameters
    ----------
    series : array, shape (n,)
        In time order; of several replications, their mean.
    batch : int
        5 values as in MSER-5; 1 where each is a mean over time already.

    Returns
    -------
    int or None
        Number of values to leave out; None if the smallest error lies in the second half
        or there are fewer than 10 batches: the series is too short to tell.

    References
    ----------
    White, Cobb & Spratt (2000), A comparison of five steady-state truncation heuristics
    for simulation, Winter Simulation Conference; Hoad, Robinson & Davies (2010),
    Automating warm-up length estimation, Journal of the Operational Research Society 61.

    Examples
    --------
    >>> mser5([0] * 10 + [4, 6] * 45)
    10
    """
    values = np.asarray(series, float)
    k = len(values) // batch
    if k < FEWEST_BATCHES:
        return None
    means = values[len(values) - k * batch :].reshape(k, batch).mean(axis=1)
    left = np.arange(k, 0, -1)
    sums, squares = (
        np.cumsum(x[::-1])[::-1] for x in (means - means.mean(), (means - means.mean()) ** 2)
    )
    errors = (squares - sums**2 / left) / left**2
    # The last few batches agree with each other by chance.
    cut = int(np.argmin(np.maximum(errors[: k - BATCH], 0.0)))
    if cut > k // 2:
        return None
    return cut * batch + (len(values) - k * batch if cut else 0)


def regime(weekly: NDArray[np.int64]) -> Regime:
    """Tell a settled funnel from one that is still filling.

    MSER finds the cut in the mean course (weeks are the batches; of 50 weeks and more,
    five weeks together). It counts only if the weeks before it differ from those after it over
    replications (99 %, adjusted for the choice of the cut) by 2 % or more.

    Parameters
    ----------
    weekly : ndarray of int, shape (replications, weeks)
        Deals won, or whatever is counted, by whole week of the observed window.

    Returns
    -------
    Regime

    Examples
    --------
    >>> import numpy as np
    >>> filling = [[0, 2, 5], [0, 1, 6], [1, 2, 4], [0, 1, 5]]
    >>> regime(np.array([[*weeks, *[8, 9, 10] * 6] for weeks in filling])).weeks
    3
    """
    runs, weeks = weekly.shape
    course = weekly.mean(axis=0) if runs else np.zeros(weeks)
    if weeks < FEWEST_BATCHES or not course.any():
        told = f"{weeks} weeks are" if course.any() else "no wins are"
        return Regime(
            "short",
            0,
            f"Whether the funnel has settled cannot be told ({told} too few): read the numbers "
            "as those of exactly this window.",
        )
    cut = mser5(course, BATCH if weeks >= BATCH * FEWEST_BATCHES else 1)
    if cut is None and _differ(weekly, weeks // 2):
        return Regime(
            "unsettled",
            0,
            "The funnel does not settle within the horizon: read the numbers as those of exactly "
            "this window, not of the long run.",
        )
    if cut and _differ(weekly, cut):
        before, after = float(course[:cut].mean()), float(course[cut:].mean())
        return Regime(
            "filling",
            cut,
            f"The first {cut} weeks still differ ({before:.3g} wins a week, later {after:.3g}): "
            f"lengthen run.warm_up by {cut} w for the long run, or read the numbers as those of "
            "a funnel that starts as this one does.",
        )
    return Regime(
        "steady",
        0,
        "The funnel is settled from the first week on: the numbers hold for the long run too.",
    )


def _differ(weekly: NDArray[np.int64], cut: int) -> bool:
    """Whether the weeks before the cut differ from those after it (Bonferroni over cuts)."""
    gaps = weekly[:, :cut].mean(axis=1) - weekly[:, cut:].mean(axis=1)
    gap = mean_interval(gaps, 1 - (1 - LEVEL) / (weekly.shape[1] // 2))
    later = float(weekly[:, cut:].mean())
    small = abs(gap.mean) < WORTH_TELLING * later
    return not small and not gap.lo <= 0 <= gap.hi
