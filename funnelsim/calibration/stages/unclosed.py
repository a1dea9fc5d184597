"""Unclosed: visits that stand open though they are over, because nobody recorded the loss.

How long true stays last is what closed ones show, redistributed for censoring; what is open
far beyond that will not close any more. The share of such visits and the chance of each open
one to be among them come from a mixture of stays that end and stays that never do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.stages.survival import Durations, curve
from funnelsim.calibration.stages.visits import StageVisits
from funnelsim.measures.estimates import wilson
from funnelsim.worktime import SECOND

__all__ = ["Unclosed", "cleared", "unclosed"]

Floats = NDArray[np.float64]

ENOUGH: Final = 50
"""Ends without which the tail of the stays is not known."""
FEWEST: Final = 10
"""Visits far too old, before they are more than oddities."""
FAR: Final = 2.0
"""So many times as long as 99 in 100 stays: far too old."""
EXCESS: Final = 3.0
"""So many times more of them than the tail of the stays explains."""
LEAST: Final = 0.005
"""Share of all visits below which it does not matter."""
ROUNDS: Final = 30
TAIL: Final = 0.9
LATE: Final = 0.99
STEEP: Final = (0.5, 20.0)
CERTAIN: Final = 1e-3
"""Chance to be over below which a deal is open for certain."""
LEAN: Final = 50.0
"""Visits by which the share among young ones, where little is to be seen, leans to the old."""


@dataclass(frozen=True, slots=True, eq=False)
class Unclosed:
    """Open visits that are over.

    Parameters
    ----------
    chance : ndarray, shape (n,)
        That a visit is over without record; 0 for those that ended.
    share : float
        Of all visits, 0 to 1.
    lo, hi : float
        Its 95 % interval.
    n : int
        Open visits that are far too old, by which the others are known.
    open : int
        All open visits.
    beyond : float
        Seconds that 99 in 100 stays do not exceed.
    over : mapping of str to float
        Chance of each open visit by the id of its lead.
    """

    chance: Floats
    share: float
    lo: float
    hi: float
    n: int
    open: int
    beyond: float
    over: Mapping[str, float] = field(default_factory=dict)


def unclosed(stays: Durations, span: Floats) -> Unclosed | None:
    """Find open visits that are over, though nobody recorded their end.

    Parameters
    ----------
    stays : Durations
        Of all visits of a stage.
    span : ndarray, shape (n,), seconds
        From the beginning of each visit to the end of the log.

    Returns
    -------
    Unclosed or None
        None where nothing speaks for it: too few ends, a window not long enough to tell, or no
        more old visits than the tail of the stays explains.

    Notes
    -----
    A mixture cure model without a family: the stays that end have the Kaplan–Meier curve of
    visits weighed by their chance to be alive, with Hill's tail beyond nine tenths; shares of
    the dead are told apart for visits old enough for all to have ended and for younger ones,
    because negligence changes.

    References
    ----------
    Sy & Taylor (2000), Biometrics 56: 227–236; Maller & Zhou (1992), Biometrika 79: 731–739
    (sufficient follow-up); Hill (1975), Annals of Statistics 3: 1163–1174.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> lasts, age = rng.exponential(5.0, 1000), rng.uniform(0, 200, 1000)
    >>> lasts[rng.random(1000) < 0.1] = np.inf
    >>> ended = lasts < age
    >>> seen = Durations(np.minimum(lasts, age), ended, np.zeros(1000), np.ones(1000))
    >>> round(unclosed(seen, age).share, 2)  # 106 of 1000
    0.11
    >>> clean = ended | (age < 20)
    >>> unclosed(seen.taken(clean), age[clean]) is None
    True
    """
    alive = ~stays.ended
    if stays.events < ENOUGH or alive.sum() < FEWEST:
        return None
    age = np.where(alive, stays.time, 0.0)
    tail = _Tail.of(stays, np.zeros(len(stays)))
    if tail is None or (age > FAR * tail.late).sum() < FEWEST:
        return None
    chance = np.where(age > tail.late, 1.0, 0.0)
    for _ in range(ROUNDS):
        found = _Tail.of(stays, chance)
        if found is None:
            return None
        tail, before = found, chance
        chance = _chances(stays, span, tail)
        if np.abs(chance - before).max() < 1e-4:  # noqa: PLR2004
            break
    old = age > FAR * tail.late
    weight = stays.weight
    explained = float((weight * (1 - chance))[old].sum())
    count = int(old.sum())
    share = float(weight @ chance / weight.sum())
    if count < FEWEST or count < EXCESS * explained + FEWEST / 2 or share < LEAST:
        return None
    known = float(weight.sum()) ** 2 / float((weight**2).sum())
    lo, hi = wilson(share, known, 0.95)
    return Unclosed(chance, share, lo, hi, count, int(alive.sum()), tail.late)


def cleared(
    visits: StageVisits, until: int, lost: Collection[str]
) -> tuple[StageVisits, Unclosed | None]:
    """Count open visits that are over as losses like those on record.

    Parameters
    ----------
    visits : StageVisits
        Of one stage.
    until : int
        End of the log, microseconds since the epoch.
    lost : collection of str
        Stages that mean a loss.

    Returns
    -------
    tuple
        The visits, in which an open one counts as far as it is alive and every recorded loss
        for those without record too; and what was found, None if nothing.
    """
    stays = visits.stays
    losses = stays.ended & np.isin(visits.way.astype(str), sorted(lost))
    recorded = float(stays.weight[losses].sum())
    found = unclosed(stays, (until - visits.entered) / SECOND) if recorded else None
    if found is None:
        return visits, None
    weight = stays.weight * (1 - found.chance)
    weight[losses] *= 1 + float(stays.weight @ found.chance) / recorded
    doubted = found.chance > CERTAIN
    over = dict(zip(visits.lead[doubted].tolist(), found.chance[doubted].tolist(), strict=True))
    return replace(visits, stays=replace(stays, weight=weight)), replace(found, over=over)


@dataclass(frozen=True, slots=True, eq=False)
class _Tail:
    """How long the stays that end last."""

    time: Floats
    survival: Floats
    high: float
    late: float
    slope: float

    @classmethod
    def of(cls, stays: Durations, chance: Floats) -> _Tail | None:
        """From the curve of visits that are alive, made to end."""
        weight = stays.weight * (1 - chance)
        known = curve(Durations(stays.time, stays.ended, stays.entry, weight))
        ends = 1 - known.survival
        if not len(ends) or ends[-1] <= 0:
            return None
        survival = np.clip(1 - ends / ends[-1], 0.0, 1.0)
        high, late = (float(known.time[np.argmax(survival <= 1 - level)]) for level in (TAIL, LATE))
        beyond = known.time > high
        mass = -np.diff(np.concatenate([[1.0], survival]))[beyond]
        if high <= 0 or not mass.sum() > 0:
            return None
        slope = mass.sum() / float(mass @ np.log(known.time[beyond] / high))
        return cls(known.time, survival, high, late, float(np.clip(slope, *STEEP)))

    def lasting(self, age: Floats) -> Floats:
        """Share of the stays that last longer."""
        at = np.searchsorted(self.time, age, side="right")
        inside = np.concatenate([[1.0], self.survival])[at]
        drawn = (1 - TAIL) * (np.maximum(age, self.high) / self.high) ** -self.slope
        return np.asarray(np.where(age > self.high, np.maximum(inside, drawn), inside))


def _chances(stays: Durations, span: Floats, tail: _Tail) -> Floats:
    """Chance of each visit to be over without record, at the likeliest shares."""
    lasting, begun = tail.lasting(stays.time), np.ones(len(stays))
    late = stays.entry > 0
    begun[late] = tail.lasting(stays.entry[late])
    old = span > tail.late
    chance, share = np.zeros(len(stays)), 0.0
    for group, lean in ((old, 0.0), (~old, LEAN)):
        share = _share(stays.taken(group), lasting[group], begun[group], share, lean)
        here = share + (1 - share) * lasting[group]
        with np.errstate(divide="ignore", invalid="ignore"):
            chance[group] = np.where(stays.ended[group] | (here <= 0), 0.0, share / here)
    return chance


def _share(stays: Durations, lasting: Floats, begun: Floats, centre: float, lean: float) -> float:
    """The likeliest share of visits that never end, leaning to a centre by so many visits."""
    from scipy.optimize import minimize_scalar

    if not len(stays):
        return centre
    alive, weight = ~stays.ended, stays.weight
    ends = float(weight[~alive].sum())
    late = begun < 1

    def loss(share: float) -> float:
        rest = 1 - share
        told = ends * np.log(rest) + weight[alive] @ np.log(share + rest * lasting[alive])
        told -= weight[late] @ np.log(share + rest * begun[late])
        return -float(told + lean * (centre * np.log(share) + (1 - centre) * np.log(rest)))

    result = minimize_scalar(loss, bounds=(1e-6, 1 - 1e-6), method="bounded")
    return float(result.x)
