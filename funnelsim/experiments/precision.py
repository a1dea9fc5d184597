"""How sure a mean over replications is, and how many replications make it sure enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FEWEST", "Interval", "Sequential", "mean_interval", "next_run_interval"]

Floats = NDArray[np.float64]

FEWEST: Final = 5
"""Fewer replications are never taken as precise enough."""
LOOK_AHEAD: Final = 5
NAN: Final = float("nan")


class Interval(NamedTuple):
    """A mean, its limits, and the number of replications that have a value."""

    mean: float
    lo: float
    hi: float
    n: int


def mean_interval(values: ArrayLike, level: float) -> Interval:
    """Confidence interval of the mean: mean ± t(n-1) × s ÷ √n.

    Parameters
    ----------
    values : array, shape (n,)
        One per replication; NaN (no value in that replication) is left out.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Interval
        NaN limits from fewer than two values.

    References
    ----------
    Law (2015), Simulation Modeling and Analysis, 5th ed., eq. 9.1.

    Examples
    --------
    >>> mean_interval([1.0, 2.0, 3.0], 0.95)
    Interval(mean=2.0, lo=-0.484..., hi=4.484..., n=3)
    """
    return _interval(values, level, lambda n: 1 / n)


def next_run_interval(values: ArrayLike, level: float) -> Interval:
    """Prediction interval of one further replication: mean ± t(n-1) × s × √(1 + 1 ÷ n).

    What *one* future may bring, if replications are about normal; it does not shrink to
    nothing with more of them.

    Parameters
    ----------
    values : array, shape (n,)
        One per replication; NaN is left out.
    level : float
        0 to 1.

    Returns
    -------
    Interval

    References
    ----------
    Law (2015), Simulation Modeling and Analysis, 5th ed., section 4.5; Hahn & Meeker
    (1991), Statistical Intervals, section 4.7.

    Examples
    --------
    >>> next_run_interval([1.0, 2.0, 3.0], 0.95)
    Interval(mean=2.0, lo=-2.968..., hi=6.968..., n=3)
    """
    return _interval(values, level, lambda n: 1 + 1 / n)


def _interval(values: ArrayLike, level: float, factor: Callable[[int], float]) -> Interval:
    """Mean ± t × √(variance × factor)."""
    given = np.asarray(values, float)
    given = given[~np.isnan(given)]
    n = len(given)
    if n == 0:
        return Interval(NAN, NAN, NAN, 0)
    mean = float(given.mean())
    if n == 1:
        return Interval(mean, NAN, NAN, 1)
    from scipy.special import stdtrit

    margin = float(stdtrit(n - 1, (1 + level) / 2)) * float(given.std(ddof=1)) * factor(n) ** 0.5
    return Interval(mean, mean - margin, mean + margin, n)


class Sequential:
    """Decides after each replication whether to go on, by Hoad, Robinson and Davies.

    Stop when all means are precise enough (half-width ≤ share × reference) and stay so for
    5 further replications (5 % of them beyond a hundred). All replications made are used,
    those of the look-ahead included.

    Looking again and again stops a little too early on lucky streaks: intervals made so
    cover slightly less than they say (``docs/evidence.md`` has how much).

    Parameters
    ----------
    targets : sequence of float
        Half-width wanted, as a share of the reference's mean; one per series.
    level : float
        Confidence level of the intervals.

    References
    ----------
    Hoad, Robinson & Davies (2010), Automated selection of the number of replications for a
    discrete-event simulation, Journal of the Operational Research Society 61.

    Examples
    --------
    >>> rule = Sequential([0.1], 0.95)
    >>> runs = 0
    >>> while not rule.add([100.0 + runs % 3], [100.0]):
    ...     runs += 1
    >>> rule.n
    10
    """

    def __init__(self, targets: Sequence[float], level: float) -> None:
        self.targets = np.asarray(targets, float)
        self.level = level
        self.n = 0
        self._held: int | None = None
        # Welford's running sums (Knuth, TAOCP vol. 2, 4.2.2) of the series and references
        self._counts, self._means, self._squares, self._references, self._referred = np.zeros(
            (5, len(self.targets))
        )

    @property
    def reached(self) -> bool:
        """Whether the precision is reached and has held."""
        return self._held is not None and self.n - self._held >= _look_ahead(self._held)

    def add(self, values: ArrayLike, references: ArrayLike) -> bool:
        """Take in one replication; tell whether that is enough.

        Parameters
        ----------
        values : array, shape (series,)
            NaN where the replication has no value.
        references : array, shape (series,)
            What the half-width is to be a share of: the value itself, or the baseline's.

        Returns
        -------
        bool
        """
        given, base = np.asarray(values, float), np.asarray(references, float)
        self.n += 1
        known, based = ~np.isnan(given), ~np.isnan(base)
        self._counts += known
        step = np.where(known, given - self._means, 0.0)
        self._means += step / np.maximum(self._counts, 1)
        self._squares += np.where(known, step * (given - self._means), 0.0)
        self._referred += based
        self._references += np.where(based, base - self._references, 0.0) / np.maximum(
            self._referred, 1
        )
        if not self.excess() <= 1:
            self._held = None
        elif self._held is None:
            self._held = self.n
        return self.reached

    def excess(self) -> float:
        """The widest half-width as a multiple of the one wanted; infinite while unknown."""
        if self._counts.min(initial=FEWEST) < FEWEST:
            return float("inf")
        from scipy.special import stdtrit

        errors = np.sqrt(self._squares / (self._counts - 1) / self._counts)
        widths = stdtrit(self._counts - 1, (1 + self.level) / 2) * errors
        wanted = self.targets * np.abs(self._references)
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.where(widths <= wanted, np.minimum(widths / wanted, 1.0), widths / wanted)
        return float(np.nan_to_num(excess, nan=0.0).max(initial=0.0))

    def needed(self) -> float:
        """About how many replications it will take altogether."""
        return self.n * max(self.excess(), 0.0) ** 2 + _look_ahead(self.n)


def _look_ahead(n: int) -> int:
    """How many further replications must confirm it."""
    return LOOK_AHEAD * max(n, 100) // 100
