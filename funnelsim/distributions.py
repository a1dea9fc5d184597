"""Probability distributions and the one way to sample them.

A distribution is given by numbers people know (``median`` and ``p90``, ``mean``
and ``cv``, ``min likely max`` …). Every family becomes an inverse CDF, and every
inverse CDF becomes the same kind of quantile table, which both engines read.
Logarithms and powers are computed once, when the table is made, because NumPy,
Python and compiled code disagree in their last bit; sampling itself only adds
and multiplies.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

__all__ = ["FAMILIES", "Mixture", "Parameters", "Quantiles", "SampleTable", "quantiles"]

Floats = NDArray[np.float64]
Ppf = Callable[[Floats], Floats]
Parameters = Mapping[str, Any]

FAMILIES = (
    "constant",
    "uniform",
    "triangular",
    "elicited",
    "exponential",
    "gamma",
    "weibull",
    "lognormal",
    "loglogistic",
    "empirical",
)

_OCTAVES = 40  # uniforms below 2**-41 share the last cells
_CELLS = 256


class SampleTable:
    """Quantiles on an octave grid of ``min(u, 1 - u)``, linear in between.

    Each side of the median has 40 octaves of 256 cells, so the relative error is
    the same in the far tail as in the middle (about 6e-6 for smooth families).

    Parameters
    ----------
    ppf : callable
        Inverse CDF, vectorised over uniforms in (0, 1).

    Examples
    --------
    >>> table = SampleTable(lambda u: 10 * u)
    >>> round(table.sample(0.25), 6)
    2.5
    """

    def __init__(self, ppf: Ppf) -> None:
        fractions = 0.5 + np.arange(_CELLS + 1) / (2 * _CELLS)
        tail = fractions * 0.5 ** np.arange(1, _OCTAVES + 1)[:, None]
        lower, upper = ppf(tail), ppf(1 - tail)
        self.values: Floats = np.stack([lower, upper]).astype(np.float64)  # (side, octave, cell)
        if not np.isfinite(self.values).all():
            msg = "the distribution has quantiles that are not finite numbers"
            raise ValueError(msg)

    @cached_property
    def _flat(self) -> list[float]:
        flat: list[float] = self.values.ravel().tolist()
        return flat

    def sample(self, u: float) -> float:
        """The quantile at one uniform in (0, 1), never exactly 1/2 (streams give none)."""
        upper = u > 0.5  # noqa: PLR2004 - the median
        fraction, exponent = math.frexp(1 - u if upper else u)
        octave = min(-exponent, _OCTAVES) - 1
        position = (fraction - 0.5) * (2 * _CELLS)
        cell = int(position)
        at = (upper * _OCTAVES + octave) * (_CELLS + 1) + cell
        low = self._flat[at]
        return low + (position - cell) * (self._flat[at + 1] - low)

    @cached_property
    def _steps(self) -> tuple[list[float], list[float]]:
        """Uniforms and quantiles at all points of the grid, both rising."""
        fractions = 0.5 + np.arange(_CELLS + 1) / (2 * _CELLS)
        tail = fractions * 0.5 ** np.arange(1, _OCTAVES + 1)[:, None]
        level = np.concatenate([tail[::-1].ravel(), 1 - tail[:, ::-1].ravel()])
        values = np.concatenate([self.values[0, ::-1].ravel(), self.values[1, :, ::-1].ravel()])
        return level.tolist(), np.maximum.accumulate(values).tolist()

    def share(self, value: float) -> float:
        """The chance of at most this: 0 below all quantiles, 1 from the last one on.

        Examples
        --------
        >>> round(SampleTable(lambda u: 10 * u).share(2.5), 12)
        0.25
        """
        level, values = self._steps
        i = bisect_right(values, value)
        if i in {0, len(values)}:
            return float(i > 0)
        low, high = values[i - 1], values[i]
        return level[i - 1] + (value - low) / (high - low) * (level[i] - level[i - 1])

    def sample_array(self, u: Floats) -> Floats:
        """``sample`` over an array, same bits."""
        upper = u > 0.5  # noqa: PLR2004 - the median
        fraction, exponent = np.frexp(np.where(upper, 1 - u, u))
        octave = np.minimum(-exponent, _OCTAVES) - 1
        position = (fraction - 0.5) * (2 * _CELLS)
        cell = position.astype(np.int64)
        side = upper.astype(np.int64)
        low = self.values[side, octave, cell]
        sampled: Floats = low + (position - cell) * (self.values[side, octave, cell + 1] - low)
        return sampled


@dataclass(frozen=True)
class Quantiles:
    """An inverse CDF with the mean that checks and reports need.

    Parameters
    ----------
    ppf : callable
        Vectorised over uniforms in (0, 1).
    mean : float
        In the same unit; ``inf`` where it does not exist.
    """

    ppf: Ppf
    mean: float

    def table(self) -> SampleTable:
        """The quantile table both engines read."""
        return SampleTable(self.ppf)


@dataclass(frozen=True)
class Mixture:
    """Shares and what they are shares of."""

    weights: Sequence[float]
    parts: Sequence[Quantiles]

    def quantiles(self) -> Quantiles:
        """The mixture's inverse CDF, by inverting its CDF numerically.

        A part's CDF is read off its own quantiles, so any mix of families works.
        """
        weights = np.asarray(self.weights, float)
        weights = weights / weights.sum()
        grid = _grid()
        pooled = np.concatenate([part.ppf(grid) for part in self.parts])
        mass = np.concatenate([w * np.diff(grid, prepend=0.0) for w in weights])
        order = np.argsort(pooled, kind="stable")
        level = np.cumsum(mass[order]) - mass[order] / 2
        values = pooled[order]
        mean = float(weights @ [part.mean for part in self.parts])
        return Quantiles(lambda u: np.interp(u, level, values), mean)


def _grid() -> Floats:
    """Uniforms dense in both tails."""
    tail = np.geomspace(2.0**-45, 0.5, 20_001)
    return np.concatenate([tail, 1 - tail[-2::-1]])


def quantiles(family: str, given: Parameters) -> Quantiles:
    """Fit a family to what is known of it.

    Parameters
    ----------
    family : str
        One of ``FAMILIES``.
    given : Mapping[str, Any]
        Numbers in one unit: ``value``; ``min max [likely]``; ``values [weights]``;
        or, for the two-parameter families, ``mean`` with ``cv`` or ``sd``, or two
        quantiles (``median``, ``p05`` … ``p99``); one number for ``exponential``.

    Raises
    ------
    ValueError
        If the numbers do not determine the family or contradict each other.

    Examples
    --------
    >>> q = quantiles("lognormal", {"median": 3.0, "p90": 12.0})
    >>> bool(np.allclose(q.ppf(np.array([0.5, 0.9])), [3, 12]))
    True
    """
    if all(given.get(key) == 0 for key in ("mean", "median", "value") if key in given) and (
        given.keys() & {"mean", "median", "value"}
    ):
        return _constant(0.0)
    match family:
        case "constant":
            return _constant(float(given["value"]))
        case "uniform" | "triangular":
            return _bounded(family, given)
        case "elicited":
            return _elicited(float(given["low"]), float(given["likely"]), float(given["high"]))
        case "empirical":
            return _empirical(given["values"], given.get("weights"))
        case "exponential":
            level, value = _known(given, 1)[0]
            scale = value if level is None else value / -math.log1p(-level)
            return _scipy(stats.expon, scale=scale)
        case _:
            return _two_parameters(family, given)


def _constant(value: float) -> Quantiles:
    return Quantiles(lambda u: np.full(np.shape(u), value), value)


def _scipy(distribution: Any, *shape: float, **place: float) -> Quantiles:  # noqa: ANN401
    """A distribution of scipy's; not frozen, as freezing takes longer than anything else here."""
    mean = float(distribution.mean(*shape, **place))
    return Quantiles(lambda u: np.asarray(distribution.ppf(u, *shape, **place), float), mean)


def _bounded(family: str, given: Parameters) -> Quantiles:
    low, high = float(given["min"]), float(given["max"])
    if not low < high:
        msg = "min must be below max"
        raise ValueError(msg)
    if family == "uniform":
        return _scipy(stats.uniform, low, high - low)
    likely = float(given["likely"])
    if not low <= likely <= high:
        msg = "likely must lie between min and max"
        raise ValueError(msg)
    return _scipy(stats.triang, (likely - low) / (high - low), low, high - low)


def _elicited(low: float, likely: float, high: float) -> Quantiles:
    """What a person without data can say: likely, and "one in ten" below and above.

    The triangular distribution with that mode whose 10th and 90th percentiles are
    ``low`` and ``high``; cut at 0. People's stated extremes are rarely extreme enough.
    """
    if not 0 <= low <= likely <= high or low == high:
        msg = "low, likely and high must rise"
        raise ValueError(msg)
    left, right = likely - low, high - likely
    below, above = left, right
    for _ in range(200):  # a contraction: each tail holds one tenth
        width = below + above
        below, above = left + math.sqrt(0.1 * width * below), right + math.sqrt(0.1 * width * above)
    whole = stats.triang(below / (below + above), likely - below, below + above)
    cut = np.asarray(whole.ppf(_grid())).clip(min=0)
    mean = float(np.trapezoid(cut, _grid()))
    return Quantiles(lambda u: np.asarray(whole.ppf(u)).clip(min=0), mean)


def _empirical(values: ArrayLike, weights: ArrayLike | None) -> Quantiles:
    """Piecewise linear quantile function through the sorted values."""
    data = np.asarray(values, float)
    mass = np.ones(len(data)) if weights is None else np.asarray(weights, float)
    if len(mass) != len(data) or not len(data):
        msg = f"{len(data)} values but {len(mass)} weights"
        raise ValueError(msg)
    if (mass < 0).any() or mass.sum() <= 0:
        msg = "weights must not be negative and not all zero"
        raise ValueError(msg)
    order = np.argsort(data, kind="stable")
    data, mass = data[order], mass[order] / mass.sum()
    level = np.cumsum(mass) - mass / 2
    inner = float(np.sum(np.diff(level) * (data[1:] + data[:-1]) / 2))
    mean = inner + data[0] * level[0] + data[-1] * (1 - level[-1])
    return Quantiles(lambda u: np.interp(u, level, data), float(mean))


def _known(given: Parameters, count: int) -> list[tuple[float | None, float]]:
    """The known points as (level, value); the level of a mean is None."""
    points: list[tuple[float | None, float]] = []
    for key, value in given.items():
        if key == "mean":
            points.append((None, float(value)))
        elif key == "median":
            points.append((0.5, float(value)))
        elif key[0] == "p" and key[1:].isdigit():
            points.append((int(key[1:]) / 100, float(value)))
    if len(points) != count or any(value <= 0 for _, value in points):
        msg = f"needs {count} positive number{'s' * (count > 1)}"
        raise ValueError(msg)
    return points


def _two_parameters(family: str, given: Parameters) -> Quantiles:
    if "mean" in given:
        mean = _known({"mean": given["mean"]}, 1)[0][1]
        cv = float(given["cv"]) if "cv" in given else float(given["sd"]) / mean
        if cv == 0:
            return _constant(mean)
        return _from_moments(family, mean, cv)
    (low, q_low), (high, q_high) = sorted(_known(given, 2))
    if low is None or high is None or not q_low < q_high:
        msg = "quantiles must rise with their level"
        raise ValueError(msg)
    return _from_quantiles(family, (low, q_low), (high, q_high))


def _from_moments(family: str, mean: float, cv: float) -> Quantiles:
    """Match mean and coefficient of variation."""
    if family == "lognormal":
        s2 = math.log1p(cv * cv)
        return _scipy(stats.lognorm, math.sqrt(s2), scale=mean * math.exp(-s2 / 2))
    if family == "gamma":
        return _scipy(stats.gamma, 1 / cv**2, scale=mean * cv**2)
    if family == "weibull":
        shape = _solve(_weibull_log_cv2, cv, 0.05)
        return _scipy(stats.weibull_min, shape, scale=mean / special.gamma(1 + 1 / shape))
    shape = _solve(_loglogistic_log_cv2, cv, 2 + 1e-9)  # below 2 the variance is infinite
    b = math.pi / shape
    return _scipy(stats.fisk, shape, scale=mean * math.sin(b) / b)


def _weibull_log_cv2(shape: float) -> float:
    """log(1 + cv²) of a Weibull distribution: second moment over squared mean."""
    return float(special.gammaln(1 + 2 / shape) - 2 * special.gammaln(1 + 1 / shape))


def _loglogistic_log_cv2(shape: float) -> float:
    """log(1 + cv²) of a log-logistic distribution."""
    b = math.pi / shape
    return math.log(math.tan(b) / b)


def _solve(log_cv2: Callable[[float], float], cv: float, lowest: float) -> float:
    """The shape at which a family has this coefficient of variation."""
    try:
        root: float = optimize.brentq(
            lambda log_shape: log_cv2(math.exp(log_shape)) - math.log1p(cv * cv),
            math.log(lowest),
            math.log(1000),
            xtol=1e-13,
        )
    except ValueError:
        msg = f"no distribution of this family has cv {cv:g}"
        raise ValueError(msg) from None
    return math.exp(root)


def _from_quantiles(family: str, low: tuple[float, float], high: tuple[float, float]) -> Quantiles:
    """Match two quantiles; each family is a line in its own scale, gamma is solved."""
    (p1, q1), (p2, q2) = low, high
    rise = math.log(q2 / q1)
    if family == "lognormal":
        z1, z2 = special.ndtri(p1), special.ndtri(p2)
        sigma = rise / (z2 - z1)
        return _scipy(stats.lognorm, sigma, scale=q1 * math.exp(-sigma * z1))
    if family == "weibull":
        w1, w2 = math.log(-math.log1p(-p1)), math.log(-math.log1p(-p2))
        shape = (w2 - w1) / rise
        return _scipy(stats.weibull_min, shape, scale=q1 * math.exp(-w1 / shape))
    if family == "loglogistic":
        l1, l2 = special.logit(p1), special.logit(p2)
        shape = (l2 - l1) / rise
        return _scipy(stats.fisk, shape, scale=q1 * math.exp(-l1 / shape))

    def excess(log_shape: float) -> float:
        k = math.exp(log_shape)
        return math.log(special.gammaincinv(k, p2) / special.gammaincinv(k, p1)) - rise

    try:
        shape = math.exp(optimize.brentq(excess, math.log(0.02), math.log(1e6), xtol=1e-13))
    except ValueError:
        msg = f"no gamma distribution has quantiles in the ratio {q2 / q1:g}"
        raise ValueError(msg) from None
    return _scipy(stats.gamma, shape, scale=float(q1 / special.gammaincinv(shape, p1)))
