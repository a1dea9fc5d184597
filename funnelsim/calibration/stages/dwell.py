"""Dwell: how long visits of a stage last, from visits that are not all over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.cleaning.spelling import open_hours
from funnelsim.calibration.parts import Path, Refusal, Settings
from funnelsim.calibration.stages.families import SINGLE, Fitted, fit, fit_mixture
from funnelsim.calibration.stages.shapes import Constant, Empirical, Parametric, Shape
from funnelsim.calibration.stages.survival import Curve, Durations, curve, quantile
from funnelsim.calibration.unevenness import Unevenness
from funnelsim.messages import Message
from funnelsim.scenarios.evidence import Evidence

__all__ = ["FEWEST", "Dwell", "dwell"]

Floats = NDArray[np.float64]

FEWEST: Final = 20
"""Ends that a delay needs: with fewer, not even the median is known to a factor of two."""
OBSERVED: Final = 60
"""Ends from which on the observed distribution may stand in place of a family."""
MOST: Final = 20_000
"""Stays beyond which a family is fitted to a systematic sample: more would only take longer."""
MISFIT: Final = 0.9
"""Largest √n × distance of a family from the observed (Lilliefors' 5 % point is 0.89)."""
SLIGHT: Final = 0.01
"""Change of pace that does not matter."""
NEAR: Final = 0.008
"""Distance that does not matter, however large n is."""
LEVELS: Final = (0.5, 0.9)
NAMES: Final = {0.5: "median", 0.9: "p90"}


@dataclass(frozen=True, slots=True, eq=False)
class Dwell:
    """A delay of a stage, estimated.

    Parameters
    ----------
    name : str
        ``dwell/offer``.
    path : tuple of str
        Where it stands in the scenario.
    shape : Shape
        What the distribution was found to be.
    evidence : tuple of Evidence
        Its median and its 90th percentile.
    calendar : str
        Its seconds are open ones of this calendar; empty: they always run.
    uneven : Unevenness or None
        How much the pace differs from week to week; scenarios drawn have one of such paces.
    """

    name: str
    path: Path
    shape: Shape
    evidence: tuple[Evidence, ...]
    calendar: str = ""
    uneven: Unevenness | None = None

    @property
    def settings(self) -> Settings:
        """The best estimate, in the language of scenarios."""
        return self._at(self.shape.spec())

    def drawn(self, rng: np.random.Generator) -> Settings:
        """A distribution that the data could as well mean, at a pace that weeks may have."""
        if self.uneven is None:
            return self._at(self.shape.drawn(rng))
        spread = self.uneven.drawn(rng)
        pace = float(np.exp(spread * rng.standard_normal() - spread**2 / 2))
        return self._at(self.shape.drawn(rng, pace if abs(pace - 1) >= SLIGHT else 1.0))

    def _at(self, spec: object) -> Settings:
        if not self.calendar:
            return {self.path: spec}
        if "efforts" in self.path:  # on the clock of its team
            return {self.path: open_hours(spec)}
        return {self.path: open_hours(spec), (*self.path[:-1], "calendar"): self.calendar}


def dwell(
    name: str,
    path: Path,
    seen: Durations,
    calendar: str = "",
    uneven: Unevenness | None = None,
) -> tuple[Dwell | None, Refusal | None]:
    """Estimate a delay.

    Parameters
    ----------
    name : str
        Of the part.
    path : tuple of str
        Where the delay stands in the scenario.
    seen : Durations
        All its stays, those that are not over included.
    calendar : str
        Id of the calendar in whose open seconds they are counted; empty: elapsed ones.
    uneven : Unevenness, optional
        How much the pace differs from week to week.

    Returns
    -------
    tuple
        The part (None without a single end), and a refusal where ends are too few.

    Examples
    --------
    >>> time = np.random.default_rng(1).exponential(86400.0, 500)
    >>> seen = Durations(time, np.ones(500, dtype=bool), np.zeros(500), np.ones(500))
    >>> part, refusal = dwell("dwell/offer", ("stages", "offer", "delay_after"), seen)
    >>> part.shape.family, refusal
    ('exponential', None)
    """
    where = ".".join(path)
    ends = seen.events
    fix = Message("A longer history, or several exports taken on different days, would tell.")
    if not ends:
        why = Message("None of {n} visits has ended.", n=len(seen))
        return None, Refusal(where, why, Message("It takes no time in the scenario."), fix)
    known = curve(seen)
    shape, note = _shape(seen, known)
    if calendar and not note:
        note = f"Counted in open hours of {calendar}."
    evidence = _evidence(where, seen, known, shape, note)
    part = Dwell(name, path, shape, evidence, calendar, uneven)
    if ends >= FEWEST:
        return part, None
    why = Message("Visits that have ended: {n}; {least} are needed.", n=ends, least=FEWEST)
    instead = Message("What those few suggest stands there, very uncertain.")
    return part, Refusal(where, why, instead, fix)


def _shape(seen: Durations, known: Curve) -> tuple[Shape, str]:
    """The simplest distribution that the observed ones do not contradict."""
    values = seen.time[seen.ended]
    common = float(np.median(values))
    if np.mean(np.abs(values - common) <= 1e-6 + 1e-3 * common) > 0.98:  # noqa: PLR2004
        return Constant(common), ""
    instant = seen.ended & (seen.time <= 0)
    early = float(seen.weight[seen.entry <= 0].sum())
    zero = float(seen.weight[instant].sum()) / early if early else 0.0
    lasting = seen.taken(seen.time > np.maximum(seen.entry, 0))
    if len(np.unique(lasting.time[lasting.ended])) < 3:  # noqa: PLR2004
        return Empirical(seen), ""
    sample = lasting if len(lasting) <= MOST else lasting.taken(_every(lasting, MOST))
    singles = [found for family in SINGLE if (found := fit(family, sample)) and _writable(found)]
    singles.sort(key=lambda one: one.information(sample.events))
    shapes = [Parametric(one, zero, early) for one in singles[:2]]
    for shape in shapes:
        if _agrees(shape, known):
            return shape, ""
    if seen.events >= OBSERVED:
        both = fit_mixture(sample)
        if both is not None:
            mixed = Parametric(both, zero, early)
            if _agrees(mixed, known):
                return mixed, ""
        return Empirical(_thinned(seen)), ""
    if not shapes:
        return Empirical(seen), ""
    return shapes[0], "No family fits well; the nearest stands there."


def _every(seen: Durations, most: int) -> NDArray[np.intp]:
    """Rows of a systematic sample along the durations."""
    order = np.argsort(seen.time, kind="stable")
    return order[np.linspace(0, len(order) - 1, most).round().astype(np.intp)]


def _thinned(seen: Durations) -> Durations:
    """At most `MOST` stays that stand for all."""
    if len(seen) <= MOST:
        return seen
    few = seen.taken(_every(seen, MOST))
    return Durations(few.time, few.ended, few.entry, few.weight * len(seen) / MOST)


def _writable(fitted: Fitted) -> bool:
    """Whether the language can hold it: quantiles that rise, of lengths under a thousand years."""
    median, high = fitted.quantile(0.5), fitted.quantile(0.9)
    return 1e-3 < median < 1e10 and median * 1.0005 < high < 3e10  # noqa: PLR2004


def _agrees(shape: Parametric, known: Curve) -> bool:
    """Whether a family passes the check of its whole course and of its tail.

    The probability integral transform of the stays must be uniform as far as they were
    observed; that is the distance between the Kaplan–Meier curve and the family.
    """
    observed = 1 - known.survival
    size = float(known.size[-1])
    fitted = shape.zero + (1 - shape.zero) * -np.expm1(shape.fitted.log_survival(known.time))
    before = np.concatenate([[shape.zero if known.time[0] > 0 else 0.0], observed[:-1]])
    distance = float(np.maximum(np.abs(observed - fitted), np.abs(before - fitted)).max())
    if shape.zero and known.time[0] == 0:
        later = known.time > 0
        distance = float(np.abs(observed - fitted)[later].max())
    if distance > max(MISFIT / np.sqrt(size), NEAR):
        return False
    for level in (0.9, 0.99):
        at = shape.quantile(level)
        if at > known.time[-1]:
            continue
        seen = observed[np.searchsorted(known.time, at, side="right") - 1]
        if abs(seen - level) > 3 * np.sqrt(level * (1 - level) / size) + NEAR / 4:
            return False
    return True


def _evidence(
    where: str, seen: Durations, known: Curve, shape: Shape, note: str
) -> tuple[Evidence, ...]:
    """Median, 90th percentile and mean; intervals that need no family where they reach."""
    rows = []
    for level, found in zip(LEVELS, quantile(seen, known, LEVELS), strict=True):
        value = shape.quantile(level)
        lo, hi, method = found.lo, found.hi, f"{shape.family}, interval by Kaplan-Meier"
        if np.isnan(lo) or np.isnan(hi):
            lo, hi, method = _beyond(shape, level, lo, value)
        rows.append(
            Evidence(
                of=where,
                measure=NAMES[level],
                value=value,
                unit="s",
                lo=min(lo, value),
                hi=None if np.isnan(hi) else max(hi, value),
                n=seen.events,
                method=method,
                note=note or _cut_short(known),
            )
        )
    return tuple(rows)


def _beyond(shape: Shape, level: float, lo: float, value: float) -> tuple[float, float, str]:
    """The interval of a quantile that observation does not reach."""
    if not isinstance(shape, Parametric):
        return (value if np.isnan(lo) else lo), float("nan"), f"{shape.family}, drawn out"
    inner = (level - shape.zero) / (1 - shape.zero)
    error = shape.fitted.spread(lambda fitted: float(np.log(fitted.quantile(inner))))
    low, high = (value * float(np.exp(sign * 1.96 * error)) for sign in (-1, 1))
    return low, high, f"{shape.family}, delta method"


def _cut_short(known: Curve) -> str:
    """What to keep in mind where the longest stays are not over."""
    if known.unresolved < 0.01:  # noqa: PLR2004
        return ""
    return f"{known.unresolved:.0%} of visits last longer than the longest that was seen to end."
