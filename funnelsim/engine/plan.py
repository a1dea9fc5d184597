"""A scenario settled into integers and tables: what the engines run.

Stages, teams and sources are numbered in the order of their ids, so their order
in the file has no effect. What changes on a known date makes a new *epoch*: a
visit keeps the parameters of the epoch in which it began.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

from funnelsim.distributions import SampleTable
from funnelsim.engine.snapshot import Snapshot
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import FAR, WorkTime, add_months

__all__ = [
    "ACQUIRED",
    "EXITS",
    "NEVER",
    "Condition",
    "Epoch",
    "Phase",
    "Plan",
    "PlanDeal",
    "PlanEffort",
    "PlanKind",
    "PlanMark",
    "PlanPiece",
    "PlanShock",
    "PlanSource",
    "PlanStaff",
    "PlanStage",
    "PlanTeam",
    "Rest",
    "Route",
    "Timer",
]

NEVER = -(2**63)
"""An instant that has not come; as a time it is NaT."""

EXITS = ("open", "moved", "timed_out", "reneged", "ended")
"""How a visit ends; rows have the numbers."""

ACQUIRED = ("acquired", "")
"""The mark that books what a lead cost."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A length of time that was running when the run began.

    ``lasted`` so far, in microseconds on its own clock; ``chance`` that it would have been
    over, so that only the rest of the luck is left; ``end`` where it can be known beforehand.
    """

    lasted: int = 0
    chance: float = 0.0
    end: int = NEVER

    def luck(self, u: float) -> float:
        """The uniform of the whole length, given that it lasts longer; never exactly 1/2."""
        v = self.chance + (1.0 - self.chance) * u
        if v == 0.5:  # noqa: PLR2004 - the median
            return 0.5 - 2.0**-54
        return min(v, 1.0 - 2.0**-53)


@dataclass(frozen=True, slots=True)
class Timer:
    """A length of time on its own clock: elapsed, business or calendar months."""

    table: SampleTable
    work: WorkTime | None = None
    months: int = 0
    zone: str = "UTC"

    def end(self, start: int, u: float) -> int:
        """The instant at which it is over; never before ``start``."""
        if self.months:
            return add_months(start, self.months, self.zone)
        length = self.length(u)
        return start + length if self.work is None else self.work.add(start, length)

    def end_of(self, rest: Rest, now: int, u: float) -> int:
        """The instant at which it is over if it was running when the run began."""
        if rest.end != NEVER:
            return rest.end
        left = self.left(rest, u)
        return now + left if self.work is None else self.work.add(now, left)

    def lasted(self, start: int, now: int) -> int:
        """Microseconds on its clock from start to now."""
        return now - start if self.work is None else self.work.between(start, now)

    def left(self, rest: Rest, u: float) -> int:
        """Microseconds still to come, on its clock."""
        return max(self.length(rest.luck(u)) - rest.lasted, 0)

    def length(self, u: float) -> int:
        """Microseconds on its clock, rounded half-even."""
        return round(min(self.table.sample(u), FAR))


@dataclass(frozen=True, slots=True)
class Route:
    """Where a lead goes: first "does it advance?", then "which of the others?".

    Two questions and two uniforms, so that a better conversion moves only those
    leads that it wins, and they come from the other branches in proportion.
    """

    advance: int
    probability: float
    others: tuple[int, ...]
    cumulative: tuple[float, ...]

    def choose(self, u_advance: float, u_other: float, odds: float) -> int:
        """The stage's number; ``odds`` multiplies the odds of advancing."""
        p = self.probability
        if odds != 1.0:
            p = p * odds / (1 - p + p * odds)
        if u_advance < p or not self.others:
            return self.advance
        for stage, limit in zip(self.others, self.cumulative, strict=True):
            if u_other < limit:
                return stage
        return self.others[-1]


@dataclass(frozen=True, slots=True)
class Condition:
    """Which leads a case of a routing table is for; ``kinds`` None means all."""

    kinds: frozenset[int] | None
    visit: int
    age: int
    wait: int
    stay: int

    def holds(self, kind: int, visit: int, age: int, wait: int, stay: int) -> bool:
        """Whether a lead of this kind, at its n-th visit, fits; times in microseconds."""
        return (
            (self.kinds is None or kind in self.kinds)
            and visit >= self.visit
            and age >= self.age
            and wait >= self.wait
            and stay >= self.stay
        )


@dataclass(frozen=True, slots=True)
class PlanMark:
    """What entering a stage records; money in minor units."""

    place: int
    kind: str
    reason: str
    deal_value: bool
    value: SampleTable | None
    cost: SampleTable | None


@dataclass(frozen=True, slots=True)
class PlanEffort:
    """A piece of work."""

    id: str
    place: int
    team: int
    priority: int
    duration: Timer
    refuse: float
    share: float = 1.0
    """Of visits that need it."""
    delay: Timer | None = None
    """Until it is asked for, once its turn has come."""


@dataclass(frozen=True, slots=True)
class PlanStage:
    """A stage; no ``routes`` where the way ends."""

    id: str
    place: int
    delay_before: Timer | None
    opening: WorkTime | None
    moments: tuple[int, ...] | None
    efforts: tuple[PlanEffort, ...]
    join: str
    refused_to: int
    patience: Timer | None
    patience_to: int
    delay_after: Timer | None
    timeout: Timer | None
    timeout_to: int
    marks: tuple[PlanMark, ...]
    routes: tuple[tuple[Condition | None, Route], ...]
    """In order; the last one fits everybody."""
    shocks: tuple[int, ...]

    def next_moment(self, instant: int) -> int:
        """The first of its moments that is not before ``instant``."""
        if self.opening is not None:
            return self.opening.next_open(instant)
        if self.moments is None:
            return instant
        i = bisect_right(self.moments, instant - 1)
        return self.moments[i] if i < len(self.moments) else FAR

    def route(self, kind: int, visit: int, age: int, wait: int, stay: int) -> Route:
        """The routing table of a lead; how old it is, has waited and stayed in microseconds."""
        return next(
            route
            for condition, route in self.routes
            if condition is None or condition.holds(kind, visit, age, wait, stay)
        )


@dataclass(frozen=True, slots=True)
class PlanStaff:
    """Some seats: their hours, their days, and their first and last instant."""

    place: int
    attrition_place: int
    seats: int
    work: WorkTime
    days: tuple[int, ...]
    """The instants at which the local days of the run begin."""
    start: int
    end: int
    ramp: int


@dataclass(frozen=True, slots=True)
class PlanTeam:
    """Who could work when; ``pause`` is set where closing pauses the work in hand."""

    id: str
    staff: tuple[PlanStaff, ...]
    shrinkage: float
    attrition: float
    replaced_after: int
    pause: WorkTime | None

    def finish(self, start: int, duration: int) -> int:
        """When work begun at ``start`` is over."""
        return start + duration if self.pause is None else self.pause.add(start, duration)


@dataclass(frozen=True, slots=True)
class PlanKind:
    """A kind of lead: its number in the plan and the share of its source up to it."""

    number: int
    cumulative: float
    segment: str
    product: str
    value: SampleTable | None


@dataclass(frozen=True, slots=True)
class PlanSource:
    """A stream of leads; ``model`` holds growth, campaigns, paths and the like."""

    id: str
    count: int
    lead: int
    attribute: int
    day: int
    stage: int
    profile: tuple[tuple[float, ...], ...]
    """Leads per hour (with paths: weights) by weekday and local hour."""
    kinds: tuple[PlanKind, ...]
    daily: SampleTable | None
    cost: SampleTable | None
    shocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlanShock:
    """A factor per period: the instants at which periods begin."""

    id: str
    place: int
    starts: tuple[int, ...]
    factor: SampleTable


class Phase(IntEnum):
    """How far a visit has come."""

    BEFORE = 0
    AFTER = 1
    WORK = 2


@dataclass(frozen=True, slots=True)
class PlanPiece:
    """Work of an open deal: waited for since ``queued_at``, in hand if ``started_at``, or done.

    What the visit does not need counts as done.

    Without ``queued_at`` its delay is running. ``rest`` is that of the work if it is in hand,
    of the patience if it is waited for, else of the delay.
    """

    effort: int
    done: bool
    queued_at: int = NEVER
    started_at: int = NEVER
    rest: Rest = Rest()


@dataclass(frozen=True, slots=True)
class PlanDeal:
    """A deal that is open when the run begins, in the middle of a visit."""

    id: str
    key: int
    source: int
    kinds: tuple[int, ...]
    """Those it may be of, as far as is known; the kinds' shares decide."""
    value: int
    """Minor units; -1 where it is to be drawn."""
    arrived_at: int
    stage: int
    visit: int
    visits: tuple[tuple[int, int], ...]
    """Stage and visits so far, this one included."""
    entered_at: int
    ready_at: int
    waited: int
    deadline: int
    phase: Phase
    rest: Rest
    """Of the delay that is running, if any."""
    pieces: tuple[PlanPiece, ...]
    """By effort of the stage; empty before and after work."""
    marked: frozenset[str]
    """Kinds of the marks it has."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The funnel as it is from ``start`` until the next epoch."""

    start: int
    scenario: Scenario
    stages: tuple[PlanStage, ...]
    teams: tuple[PlanTeam, ...]
    sources: tuple[PlanSource, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """All an engine needs."""

    scenario: Scenario
    start: int
    observed_from: int
    observed_until: int
    epochs: tuple[Epoch, ...]
    shocks: tuple[PlanShock, ...]
    kinds: tuple[PlanKind, ...]
    """By number: the kinds of leads of all epochs."""
    grown_from: int
    """The instant from which growth is counted."""
    snapshot: Snapshot | None = None
    """What the run starts from, if not from an empty funnel."""
    deals: tuple[PlanDeal, ...] = ()
    """Those of the snapshot; the first leads of every run."""
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, name: str, make: Callable[[], Any], *, lucky: bool = False) -> Any:  # noqa: ANN401 - whatever is made
        """What is the same in all replications is made once; what has luck in it, each time."""
        if lucky:
            return make()
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def epoch(self, instant: int) -> Epoch:
        """The epoch in which an instant lies."""
        if len(self.epochs) == 1:
            return self.epochs[0]
        starts = [epoch.start for epoch in self.epochs]
        return self.epochs[max(bisect_right(starts, instant) - 1, 0)]

    @cached_property
    def efforts(self) -> tuple[str, ...]:
        """Ids of all efforts, sorted; rows have their numbers."""
        stages = [stage for epoch in self.epochs for stage in epoch.stages]
        return tuple(sorted({effort.id for stage in stages for effort in stage.efforts}))

    @cached_property
    def marks(self) -> tuple[tuple[str, str], ...]:
        """Kind and reason of all marks, sorted; rows have their numbers."""
        stages = [stage for epoch in self.epochs for stage in epoch.stages]
        found = {(mark.kind, mark.reason) for stage in stages for mark in stage.marks}
        return tuple(sorted(found | {ACQUIRED}))

    @cached_property
    def kinds_of_marks(self) -> tuple[str, ...]:
        """Kinds of all marks, sorted; tallies have their numbers."""
        return tuple(sorted({kind for kind, _ in self.marks}))
