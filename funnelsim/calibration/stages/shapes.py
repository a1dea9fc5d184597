"""What a distribution of durations was found to be, as the language writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.cleaning.spelling import digits, length
from funnelsim.calibration.stages.families import Fitted
from funnelsim.calibration.stages.survival import Durations, curve
from funnelsim.measures.estimates import SLACK

__all__ = ["Constant", "Empirical", "Parametric", "Shape"]

Floats = NDArray[np.float64]

CELLS: Final = 100
"""Values of an observed distribution below its tail."""
TAIL: Final = 0.02
"""Share at the top that has cells of its own, a tenth as wide."""
LATE: Final = 0.75
"""The rate of ending after this share of the ends goes on beyond what was observed."""
WITHIN: Final = 20
"""Quantiles whose mean stands for a cell of the tail."""
WHOLE: Final = 5 * CELLS
"""Ends that fill all cells."""
LONGEST: Final = 3e10
"""Seconds: the language holds no more than a thousand years."""
FEW: Final = 10
"""Ends that such a rate needs at the least."""


class Shape(Protocol):
    """A distribution of durations."""

    @property
    def family(self) -> str:
        """What it is called in the evidence."""
        ...

    def spec(self) -> object:
        """The distribution in the language of scenarios."""
        ...

    def quantile(self, level: float) -> float:
        """Seconds that this share does not exceed."""
        ...

    def drawn(self, rng: np.random.Generator, pace: float = 1.0) -> object:
        """The distribution as the data could as well mean it, in the language.

        Parameters
        ----------
        rng : numpy.random.Generator
        pace : float
            Factor on the rate of ending at every age.
        """
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same.

    Examples
    --------
    >>> Constant(3600.0).spec()
    '60 min'
    """

    seconds: float
    family: str = "constant"

    def spec(self) -> object:
        """As `Shape`."""
        return length(self.seconds)

    def quantile(self, level: float) -> float:  # noqa: ARG002 - all are the same
        """As `Shape`."""
        return self.seconds

    def drawn(self, rng: np.random.Generator, pace: float = 1.0) -> object:  # noqa: ARG002 - nothing to draw
        """As `Shape`."""
        return self.spec()


@dataclass(frozen=True, slots=True, eq=False)
class Parametric:
    """A family, and perhaps a share that takes no time at all.

    Parameters
    ----------
    fitted : Fitted
        The family of those that take time.
    zero : float
        Share that takes none.
    n : float
        Durations that this share rests on.
    """

    fitted: Fitted
    zero: float = 0.0
    n: float = 0.0

    @property
    def family(self) -> str:
        """As `Shape`."""
        return "lognormal mixture" if self.fitted.family == "mixture" else self.fitted.family

    def spec(self) -> object:
        """As `Shape`."""
        return _spec(self.fitted, self.zero)

    def quantile(self, level: float) -> float:
        """As `Shape`."""
        return float(self.quantiles(np.array([level]))[0])

    def quantiles(self, levels: Floats) -> Floats:
        """The same for several levels."""
        found = np.zeros(len(levels))
        late = levels > self.zero
        if late.any():
            found[late] = self.fitted.quantiles((levels[late] - self.zero) / (1 - self.zero))
        return found

    def drawn(self, rng: np.random.Generator, pace: float = 1.0) -> object:
        """As `Shape`."""
        zero = self.zero
        if zero:
            zero = float(rng.beta(zero * self.n + 0.5, (1 - zero) * self.n + 0.5))
        fitted = _sensible(self.fitted.drawn(rng), self.fitted)
        if pace == 1:
            return _spec(fitted, zero)
        return _cells(Parametric(fitted, zero).quantiles, WHOLE, pace)


@dataclass(frozen=True, slots=True, eq=False)
class Empirical:
    """What was observed (Kaplan–Meier), its censored end drawn out at the last rate.

    Parameters
    ----------
    seen : Durations
        All stays, weighted.
    """

    seen: Durations
    family: str = "observed"

    def spec(self) -> object:
        """As `Shape`."""
        return _observed(self.seen)

    def quantile(self, level: float) -> float:
        """As `Shape`."""
        return float(_quantiles(self.seen, np.array([level]))[0])

    def drawn(self, rng: np.random.Generator, pace: float = 1.0) -> object:
        """As `Shape`: the Bayesian bootstrap of the stays (Rubin 1981)."""
        seen = self.seen
        luck = rng.standard_exponential(len(seen))
        return _observed(Durations(seen.time, seen.ended, seen.entry, seen.weight * luck), pace)


def _spec(fitted: Fitted, zero: float) -> object:
    """A family in the language, with a share that takes no time."""
    if fitted.family != "mixture":
        inner = _single(fitted)
        if zero <= 0:
            return inner
        none = digits(zero)
        rest = round(1 - none, 8)
        return {"mixture": [{"share": none, "of": "0 s"}, {"share": rest, "of": inner}]}
    share = digits((1 - zero) / (1 + np.exp(-fitted.theta[0])))
    none = digits(zero)
    rest = round(1 - none - share, 8)
    parts: list[object] = [{"share": none, "of": "0 s"}] if none else []
    for portion, at in ((share, 1), (rest, 3)):
        one = Fitted("lognormal", fitted.theta[at : at + 2], np.eye(2), 0.0)
        parts.append({"share": portion, "of": _single(one)})
    return {"mixture": parts}


def _single(fitted: Fitted) -> object:
    """A family of one or two parameters by the quantiles that a person knows.

    Half of the stays beyond all bounds: they do not end, and so it is written.
    """
    middle, late = (min(fitted.quantile(level), LONGEST) for level in (0.5, 0.9))
    median = length(middle)
    if middle >= LONGEST:
        return median
    if fitted.family == "exponential":
        return {"family": "exponential", "median": median}
    numbers: dict[str, object] = {"median": median, "p90": length(late)}
    return numbers if fitted.family == "lognormal" else {"family": fitted.family, **numbers}


def _sensible(drawn: Fitted, centre: Fitted) -> Fitted:
    """Keep a draw within four standard errors: the normal has no ends, the language has."""
    error = np.sqrt(np.clip(np.diag(centre.covariance), 0, None))
    wide = np.minimum(4 * error, 1.5)
    theta = np.clip(drawn.theta, centre.theta - wide, centre.theta + wide)
    return Fitted(centre.family, theta, centre.covariance, centre.likelihood)


def _observed(seen: Durations, pace: float = 1.0) -> dict[str, object]:
    """What was observed, in cells."""
    return _cells(lambda levels: _quantiles(seen, levels), seen.events, pace)


def _cells(
    quantiles: Callable[[Floats], Floats], ends: int, pace: float = 1.0
) -> dict[str, object]:
    """The quantiles in the middle of cells that are narrower in the tail.

    A pace multiplies the rate of ending at every age: the survival curve is raised to it.
    """

    def at(levels: Floats) -> Floats:
        if pace != 1:  # below 1, which a slow pace rounds to and at which nothing ever ends
            levels = np.minimum(-np.expm1(np.log1p(-levels) / pace), np.nextafter(1.0, 0.0))
        return quantiles(levels)

    edges = np.linspace(0, 1, int(np.clip(ends // 2, 5, CELLS)) + 1)
    if ends >= WHOLE:
        tail = np.linspace(1 - TAIL, 1, round(10 * TAIL * CELLS) + 1)
        edges = np.concatenate([np.linspace(0, 1 - TAIL, round((1 - TAIL) * CELLS) + 1), tail[1:]])
    values = at((edges[1:] + edges[:-1]) / 2)
    top = edges[:-1] >= 1 - TAIL - SLACK  # rare long stays weigh in the mean: theirs is kept
    inside = (np.arange(WITHIN) + 0.5) / WITHIN
    cells = edges[:-1][top, None] + np.diff(edges)[top, None] * inside
    values[top] = at(cells.ravel()).reshape(cells.shape).mean(axis=1)
    weights = np.round(np.diff(edges), 6)
    written = [length(float(value)) for value in np.minimum(values, LONGEST)]
    if len(set(written)) == 1:
        written = written[:1]
        weights = weights[:1]
    found: dict[str, object] = {"values": written}
    if len(set(weights.tolist())) > 1:
        found["weights"] = [digits(float(weight)) for weight in weights]
    return found


def _quantiles(seen: Durations, levels: Floats) -> Floats:
    """Kaplan–Meier quantiles; beyond the observed, the rate of the last quarter goes on."""
    known = curve(seen)
    share = 1 - known.survival
    at = np.searchsorted(share, levels - SLACK, side="left")
    values = known.time[np.minimum(at, len(known.time) - 1)]
    beyond = at >= len(known.time)
    if beyond.any():
        rate = _late_rate(seen, known.time, share)
        waits = np.log(known.unresolved / (1 - levels[beyond])) / rate
        values[beyond] = known.time[-1] + waits
    return np.asarray(values)


def _late_rate(seen: Durations, times: Floats, share: Floats) -> float:
    """Ends per second among those who stay longest."""
    start = float(times[int(np.argmax(share >= LATE * share[-1]))])
    latest = np.sort(seen.time[seen.ended])[::-1]
    start = min(start, float(latest[min(FEW, len(latest)) - 1]))
    exposure = np.clip(seen.time - np.maximum(seen.entry, start), 0, None)
    late = seen.ended & (seen.time >= start)
    return float(seen.weight[late].sum() / max(float(seen.weight @ exposure), 1e-9))
