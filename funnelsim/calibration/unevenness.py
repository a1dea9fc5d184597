"""How much periods differ beyond chance: luck that all deals of a week or a month share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST", "Unevenness"]

Floats = NDArray[np.float64]

LARGEST: Final = 3.0
"""Largest coefficient of variation of a factor."""
EXPECTED: Final = 0.25
"""Scale of what is taken to be likely before the data: periods of one funnel are much alike."""
GRID: Final = np.linspace(0.0, 1.5, 151)


@dataclass(frozen=True, slots=True)
class Unevenness:
    """Shifts of a logarithm by period, each with its precision.

    Parameters
    ----------
    shift : tuple of float
        By period, of the log odds or of the log rate.
    precision : tuple of float
        1 ÷ variance of each by chance alone.
    """

    shift: tuple[float, ...]
    precision: tuple[float, ...]

    def __len__(self) -> int:
        """How many periods."""
        return len(self.shift)

    def statistic(self, variance: float = 0.0) -> float:
        """Cochran's Q with a variance between periods taken in.

        Parameters
        ----------
        variance : float
            Of the logarithm, between periods.
        """
        shift, precision = np.array(self.shift), np.array(self.precision)
        weight = 1 / (variance + 1 / precision)
        middle = float(weight @ shift) / float(weight.sum())
        return float(weight @ (shift - middle) ** 2)

    def chance(self) -> float:
        """How likely chance alone makes periods differ as much."""
        from scipy.special import chdtrc

        return float(chdtrc(len(self) - 1, self.statistic()))

    def cv(self) -> tuple[float, float, float]:
        """Coefficient of variation of the factor by moments, and its 95 % interval.

        References
        ----------
        DerSimonian & Laird (1986), Controlled Clinical Trials 7: 177-188 (moments);
        Viechtbauer (2007), Statistics in Medicine 26: 37-52 (generalised Q).

        Examples
        --------
        >>> even = Unevenness((0.1, -0.1, 0.0), (25.0, 25.0, 25.0))
        >>> even.cv()[0]
        0.0
        """
        from scipy.special import chdtri

        free = len(self) - 1
        value, lo, hi = (
            min(LARGEST, math.sqrt(math.expm1(min(self._solved(target), 3.0))))
            for target in (free, float(chdtri(free, 0.025)), float(chdtri(free, 0.975)))
        )
        return value, lo, hi

    def drawn(self, rng: np.random.Generator) -> float:
        """A standard deviation of the logarithm that the data could as well mean.

        Drawn from its posterior: normal shifts about a common mean that nobody knows, and a
        half-normal prior. So what few periods cannot tell is not taken for nothing.

        References
        ----------
        Röver et al. (2021), Research Synthesis Methods 12: 448-474.
        """
        mass = np.cumsum(self._posterior())
        return float(np.interp(rng.random() * mass[-1], mass, GRID))

    def variance(self) -> float:
        """Variance of the logarithm between periods: its mean over what the data leaves open."""
        mass = self._posterior()
        return float(mass @ GRID**2 / mass.sum())

    def _posterior(self) -> Floats:
        """Weight of each spread on the grid."""
        shift, precision = np.array(self.shift), np.array(self.precision)
        weight = 1 / (GRID[:, None] ** 2 + 1 / precision)
        middle = (weight @ shift) / weight.sum(axis=1)
        squares = (weight * (shift - middle[:, None]) ** 2).sum(axis=1)
        likelihood = np.log(weight).sum(axis=1) - np.log(weight.sum(axis=1)) - squares
        score = likelihood / 2 - (GRID / EXPECTED) ** 2 / 2
        return np.asarray(np.exp(score - score.max()))

    def drawn_mean(self, rng: np.random.Generator) -> float:
        """By how much the periods seen may have been luckier, on average, than periods are."""
        precision = np.array(self.precision)
        worth = float(precision.sum()) ** 2 / float((precision**2).sum())
        return self.drawn(rng) * float(rng.standard_normal()) / math.sqrt(worth)

    def _solved(self, target: float) -> float:
        """The variance between periods at which the statistic is as large as the target."""
        from scipy.optimize import brentq

        if self.statistic() <= target:
            return 0.0
        high = 1.0
        while self.statistic(high) > target:
            high *= 4
        return float(brentq(lambda variance: self.statistic(variance) - target, 0.0, high))
