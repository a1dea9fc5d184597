"""Bugs to plant in the engine, so that a test can show what it would see.

``@fails_on("one seat more")`` runs a test as it is, and once more with that bug, when it
has to fail. So the difference a statistical test calls detectable is a real one.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import numpy as np
import pytest
from simpy.events import NORMAL

from funnelsim.distributions import SampleTable
from funnelsim.engine import arrivals, reference, seating, shocks
from funnelsim.engine.plan import (
    Epoch,
    Plan,
    PlanSource,
    PlanStaff,
    PlanStage,
    PlanTeam,
    Rest,
    Timer,
)
from funnelsim.engine.planning import make_plan
from funnelsim.engine.recording import Recording
from funnelsim.scenarios import calendar
from funnelsim.scenarios.rate import MONTHS
from funnelsim.scenarios.run import Run
from funnelsim.scenarios.source import Source
from funnelsim.streams import Stream
from funnelsim.worktime import HOUR, open_hours
from tests.statistical import spent

__all__ = ["BUGS", "fails_on"]

Check = Callable[[], None]


def fails_on(*bugs: str) -> Callable[[Check], Any]:
    """Run a test without arguments as it is, and show that it fails with each bug.

    All but the first bug are for the full sizes.
    """

    def decorate(check: Check) -> Any:
        def test(bug):
            if bug is None:
                return check()
            before = len(spent)
            with BUGS[bug](), _by_the_reference(), pytest.raises(AssertionError):
                check()
            del spent[before:]  # what held although there is a bug is no alarm saved up
            return None

        functools.update_wrapper(test, check)
        del vars(test)["__wrapped__"]  # else pytest would look for its arguments, and it has none
        rest = [pytest.param(bug, marks=pytest.mark.slow) for bug in bugs[1:]]
        cases = [pytest.param(None, id="sound"), *bugs[:1], *rest]
        return pytest.mark.parametrize("bug", cases)(test)

    return decorate


def _by_the_reference() -> AbstractContextManager[Any]:
    """Bugs are planted in the SimPy model; its twin is compiled without them."""
    return mock.patch("funnelsim.engine.simulation._chosen", return_value="reference")


def _planned(change: Callable[[Plan], Plan]) -> AbstractContextManager[Any]:
    """The engine runs a changed plan."""
    return mock.patch(
        "funnelsim.engine.simulation.make_plan",
        lambda scenario, start: change(make_plan(scenario, start)),
    )


def _epochs(change: Callable[[Epoch], Epoch]) -> AbstractContextManager[Any]:
    return _planned(lambda plan: replace(plan, epochs=tuple(map(change, plan.epochs))))


def _staged(change: Callable[[PlanStage], PlanStage]) -> AbstractContextManager[Any]:
    return _epochs(lambda epoch: replace(epoch, stages=tuple(map(change, epoch.stages))))


def _teamed(change: Callable[[PlanTeam], PlanTeam]) -> AbstractContextManager[Any]:
    return _epochs(lambda epoch: replace(epoch, teams=tuple(map(change, epoch.teams))))


def _times(factor: float, timer: Timer) -> Timer:
    """A timer that runs that much longer."""
    sample = timer.table.sample_array
    return replace(timer, table=SampleTable(lambda u: factor * sample(u)))


def _longer_work(factor: float) -> AbstractContextManager[Any]:
    return _staged(
        lambda stage: replace(
            stage,
            efforts=tuple(
                replace(effort, duration=_times(factor, effort.duration))
                for effort in stage.efforts
            ),
        )
    )


def _constant_work() -> AbstractContextManager[Any]:
    """Every piece of work takes the median."""

    def flat(timer: Timer) -> Timer:
        median = timer.table.sample(0.5)
        return replace(timer, table=SampleTable(lambda u: 0 * u + median))

    return _staged(
        lambda stage: replace(
            stage,
            efforts=tuple(replace(e, duration=flat(e.duration)) for e in stage.efforts),
        )
    )


def _longer_delays(factor: float) -> AbstractContextManager[Any]:
    return _staged(
        lambda stage: replace(
            stage,
            delay_before=stage.delay_before and _times(factor, stage.delay_before),
            delay_after=stage.delay_after and _times(factor, stage.delay_after),
        )
    )


def _later_timeouts() -> AbstractContextManager[Any]:
    def later(timer: Timer) -> Timer:
        sample = timer.table.sample_array
        return replace(timer, table=SampleTable(lambda u: sample(u) + HOUR))

    return _staged(lambda stage: replace(stage, timeout=stage.timeout and later(stage.timeout)))


def _patience(change: Callable[[Timer], Timer]) -> AbstractContextManager[Any]:
    return _staged(lambda stage: replace(stage, patience=stage.patience and change(stage.patience)))


def _median(timer: Timer) -> Timer:
    """A timer that does not vary."""
    middle = timer.table.sample(0.499999)
    return replace(timer, table=SampleTable(lambda u: 0 * u + middle))


def _better_branch(points: float) -> AbstractContextManager[Any]:
    def better(stage: PlanStage) -> PlanStage:
        routes = tuple(
            (when, replace(route, probability=route.probability + points * bool(route.others)))
            for when, route in stage.routes
        )
        return replace(stage, routes=routes)

    return _staged(better)


def _seats(change: Callable[[Plan, int, int], tuple[int, int]]) -> AbstractContextManager[Any]:
    """The seats of teams change otherwise: (plan, instant, seats) → (instant, seats)."""
    seats_over_time = seating.seats_over_time
    return mock.patch.object(
        reference,
        "seats_over_time",
        lambda plan, *rest: [change(plan, at, n) for at, n in seats_over_time(plan, *rest)],
    )


def _one_seat_more() -> AbstractContextManager[Any]:
    return _seats(lambda _, at, n: (at, n + 1 if n else 0))


def _late_closing() -> AbstractContextManager[Any]:
    def late(plan: Plan, at: int, n: int) -> tuple[int, int]:
        closing = n == 0 and at > plan.start
        return (min(at + HOUR, plan.observed_until) if closing else at), n

    return _seats(late)


def _arrivals_without_dst() -> AbstractContextManager[Any]:
    local = arrivals._local
    return mock.patch.object(arrivals, "_local", lambda instants, _: local(instants, "Etc/GMT-2"))


def _calendars_without_dst() -> AbstractContextManager[Any]:
    return mock.patch.object(
        calendar, "open_hours", lambda hours, zone, *rest: open_hours(hours, "Etc/GMT-2", *rest)
    )


def _pairs() -> AbstractContextManager[Any]:
    """Leads come in twos: the same mean, twice the variance."""
    poisson = Stream.poisson
    twos = staticmethod(lambda u, mean: 2 * poisson(u, mean / 2))
    return mock.patch.object(Stream, "poisson", twos)


def _requests(order: Callable[..., tuple[int, int, int]]) -> AbstractContextManager[Any]:
    """Who waits is sorted otherwise."""
    request = reference.Request
    return mock.patch.object(
        reference, "Request", lambda p, q, k, *rest: request(*order(p, q, k), *rest)
    )


def _uniforms(change: Callable[..., Any]) -> AbstractContextManager[Any]:
    uniforms = Stream.uniforms
    return mock.patch.object(Stream, "uniforms", lambda *key: change(uniforms, *key))


def _no_delay_again() -> AbstractContextManager[Any]:
    visit = reference.Model.visit

    def hasty(self, stay):
        if stay.nth > 1:
            stay.stage = replace(stay.stage, delay_before=None, delay_after=None)
        return visit(self, stay)

    return mock.patch.object(reference.Model, "visit", hasty)


@contextmanager
def _seat_kept_on_timeout() -> Iterator[None]:
    """Whoever times out while being worked on keeps the seat for good."""
    work = reference.Model.work

    def forgetful(self, stay, effort, deadline, stop):
        release = reference.Desk.release
        desk = self.desks[effort.team]
        desk.release = lambda: deadline > self.now and release(desk)
        return work(self, stay, effort, deadline, stop)

    with mock.patch.object(reference.Model, "work", forgetful):
        yield


@contextmanager
def _told_first() -> Iterator[None]:
    """Of work side by side, what is heard of first decides."""
    work, side_by_side = reference.Model.work, reference.Model.side_by_side
    heard: dict[int, list[reference.Result]] = {}

    def telling(self, stay, *rest):
        result = yield from work(self, stay, *rest)
        heard.setdefault(id(stay), []).append(result)
        return result

    def hasty(self, stay, *rest):
        result = yield from side_by_side(self, stay, *rest)
        told = heard.pop(id(stay), [])
        either = stay.stage.join == "any"
        return next((r for r in told if either or r is not reference.DONE), result)

    with mock.patch.multiple(reference.Model, work=telling, side_by_side=hasty):
        yield


def _ties_by_file() -> AbstractContextManager[Any]:
    """One lead's pieces of work for one team are told apart by nothing."""
    request = reference.Request
    return mock.patch.object(
        reference, "Request", lambda p, q, k, _, event: request(p, q, k, 0, event)
    )


def _cold_start() -> AbstractContextManager[Any]:
    instants = Run.instants
    return mock.patch.object(
        Run, "instants", lambda self, zone: (instants(self, zone)[1], *instants(self, zone)[1:])
    )


def _races_go_on() -> AbstractContextManager[Any]:
    """What is decided stops nothing."""
    work = reference.Model.work
    return mock.patch.object(
        reference.Model, "work", lambda self, stay, effort, deadline, stop: work(
            self, stay, effort, deadline, None
        ),
    )  # fmt: skip


def _more_refusals() -> AbstractContextManager[Any]:
    return _staged(
        lambda stage: replace(
            stage,
            efforts=tuple(replace(e, refuse=1 - (1 - e.refuse) * 0.9) for e in stage.efforts),
        )
    )


def _one_price() -> AbstractContextManager[Any]:
    """A customer pays for every order what the first one cost."""
    mark = Recording.mark
    prices: dict[int, float] = {}
    return mock.patch.object(
        Recording, "mark", lambda self, visit, what, u, *rest: mark(
            self, visit, what, prices.setdefault(visit.lead, u), *rest
        ),
    )  # fmt: skip


def _sourced(change: Callable[[Source], dict[str, Any]]) -> AbstractContextManager[Any]:
    """What sources say about their rates changes."""

    def changed(epoch: Epoch) -> Epoch:
        scenario = epoch.scenario
        sources = {
            key: source.model_copy(update=change(source))
            for key, source in scenario.sources.items()
        }
        return replace(epoch, scenario=scenario.model_copy(update={"sources": sources}))

    return _epochs(changed)


def _plan_sources(change: Callable[[PlanSource], PlanSource]) -> AbstractContextManager[Any]:
    return _epochs(lambda epoch: replace(epoch, sources=tuple(map(change, epoch.sources))))


def _late_season(source: Source) -> dict[str, Any]:
    next_month = dict(zip(MONTHS, (*MONTHS[1:], MONTHS[0]), strict=True))
    return {"by_month": {next_month[month]: n for month, n in source.by_month.items()}}


def _long_campaigns(source: Source) -> dict[str, Any]:
    later = [c.model_copy(update={"end": c.end + timedelta(days=1)}) for c in source.campaigns]
    return {"campaigns": tuple(later)}


def _own_shocks() -> AbstractContextManager[Any]:
    """Every source meets factors of its own."""
    number = itertools.count(1)
    return mock.patch.object(
        arrivals, "factors_at", lambda shock, stream, *rest: shocks.factors_at(
            shock, replace(stream, replication=next(number)), *rest
        ),
    )  # fmt: skip


def _frequent_first_kind(source: PlanSource) -> PlanSource:
    first, *rest = source.kinds
    return replace(source, kinds=(replace(first, cumulative=first.cumulative + 0.05), *rest))


def _one_attribute() -> AbstractContextManager[Any]:
    """Kind, value and cost of a lead come from one uniform."""
    uniforms = Stream.to_uniforms
    return mock.patch.object(
        Stream, "to_uniforms", staticmethod(
            lambda words: uniforms(np.broadcast_to(words[0], words.shape))
            if words.ndim == 2 else uniforms(words)
        ),
    )  # fmt: skip


def _leave_by_shift() -> AbstractContextManager[Any]:
    """Who is away in the morning may be back after lunch."""

    def by_shift(entry: PlanStaff) -> PlanStaff:
        return replace(entry, days=tuple(sorted({*entry.days, *entry.work.opens})))

    return _teamed(lambda team: replace(team, staff=tuple(map(by_shift, team.staff))))


def _linear_attrition() -> AbstractContextManager[Any]:
    """A share of 30 % a year taken for 0.3 leavers per year and person."""
    return _teamed(lambda team: replace(team, attrition=-math.expm1(-team.attrition)))


BUGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "work 3 % longer": lambda: _longer_work(1.03),
    "work 5 % longer": lambda: _longer_work(1.05),
    "work 20 % longer": lambda: _longer_work(1.2),
    "work never varies": _constant_work,
    "one seat more": _one_seat_more,
    "last come first served": lambda: _requests(lambda p, q, k: (p, -q, k)),
    "priorities ignored": lambda: _requests(lambda p, q, k: (0, q, k)),
    "ties served by luck of the queue": lambda: _requests(lambda p, q, k: (p, q, -k)),
    "grants do not wait for all changes": lambda: mock.patch.object(
        reference, "EventPriority", return_value=NORMAL
    ),
    "whoever is told first": _told_first,
    "one lead's ties by order in the file": _ties_by_file,
    "a time-out keeps the seat": _seat_kept_on_timeout,
    "time-outs an hour late": _later_timeouts,
    "the team closes an hour late": _late_closing,
    "calendars ignore daylight saving": _calendars_without_dst,
    "arrivals ignore daylight saving": _arrivals_without_dst,
    "leads come in twos": _pairs,
    "closing never pauses work": lambda: _teamed(lambda team: replace(team, pause=None)),
    "delays 5 % longer": lambda: _longer_delays(1.05),
    "delays 20 % longer": lambda: _longer_delays(1.2),
    "patience 50 % longer": lambda: _patience(lambda timer: _times(1.5, timer)),
    "everybody is as patient as the median": lambda: _patience(_median),
    "the warm-up is skipped": _cold_start,
    "all work is waited for in turn": lambda: _staged(lambda stage: replace(stage, join="series")),
    "work that lost the race goes on": _races_go_on,
    "everybody agrees less often": _more_refusals,
    "one draw for all work of a lead": lambda: _uniforms(
        lambda draw, stream, entity, place, ordinal: draw(stream, entity, 0, ordinal)
    ),
    "one price for all orders": _one_price,
    "nothing grows": lambda: _sourced(lambda _: {"growth": None}),
    "seasons a month late": lambda: _sourced(_late_season),
    "campaigns last a day longer": lambda: _sourced(_long_campaigns),
    "all days are calm": lambda: _plan_sources(lambda source: replace(source, daily=None)),
    "sources share their restless days": lambda: _plan_sources(lambda s: replace(s, day=1)),
    "each source has its own shock": _own_shocks,
    "shocks hit no source": lambda: _plan_sources(lambda source: replace(source, shocks=())),
    "shocks spare the stages": lambda: _staged(lambda stage: replace(stage, shocks=())),
    "counts ignore the profile": lambda: _plan_sources(
        lambda source: replace(source, profile=((1.0,) * 24,) * 7)
    ),
    "open deals begin their visit anew": lambda: mock.patch.object(
        Timer, "left", lambda self, _, u: self.length(u)
    ),
    "what has lasted is only taken off": lambda: mock.patch.object(Rest, "luck", lambda _, u: u),
    "the first kind is more frequent": lambda: _plan_sources(_frequent_first_kind),
    "one draw for kind and value": _one_attribute,
    "nobody is ever on leave": lambda: _teamed(lambda team: replace(team, shrinkage=0.0)),
    "leave is taken by the shift": _leave_by_shift,
    "nobody ever leaves": lambda: _teamed(lambda team: replace(team, attrition=0.0)),
    "leavers are counted by the year's share": _linear_attrition,
    "seats of leavers are filled at once": lambda: _teamed(
        lambda team: replace(team, replaced_after=1)
    ),
    "no delay when a lead comes again": _no_delay_again,
    "branches 2 points better": lambda: _better_branch(0.02),
    "branches 5 points better": lambda: _better_branch(0.05),
    "the same luck at every visit": lambda: _uniforms(
        lambda draw, stream, entity, place, ordinal: draw(stream, entity, place, 0)
    ),
    "one draw for everything in a visit": lambda: _uniforms(
        lambda draw, *key: (draw(*key)[0],) * 4
    ),
}
