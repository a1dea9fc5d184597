"""The SimPy model: the specification of what a scenario means.

Read ``lead`` first: it is a lead's way through the funnel. Then ``stay`` (one
visit) and ``work`` (one piece of work). ``Desk`` hands seats to waiting leads.

Within one instant there are two phases, repeated until nothing moves: first all
changes (arrivals, moves, time-outs, releases, opening hours), which commute;
then grants, team by team, in the order (priority, waiting since, lead key). So
no result hangs on the order in which SimPy happened to schedule things.

A stay that is complete at the very instant of its time-out counts as complete;
work that would only begin then does not begin. A time-out also ends work in hand.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import simpy
from simpy.events import EventPriority

from funnelsim.engine.draws import Arrivals, arrivals
from funnelsim.engine.plan import Plan, PlanEffort, PlanStage, PlanTeam
from funnelsim.engine.recording import EffortRow, Recording, VisitRow
from funnelsim.streams import Stream
from funnelsim.worktime import FAR

__all__ = ["run"]

Process = Generator[simpy.Event, object, None]
Steps = Generator[simpy.Event, object, bool]
Progress = Callable[[float], None]

_SLICES = 100  # how often progress is told


def run(plan: Plan, stream: Stream, progress: Progress | None = None) -> Recording:
    """Simulate a plan with SimPy.

    Parameters
    ----------
    plan : Plan
    stream : Stream
        Seed and replication.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    Recording
        All that happened before ``plan.observed_until``.
    """
    return Model(plan, stream).run(progress)


@dataclass(order=True, slots=True)
class Request:
    """A lead waiting for a seat; sorts as it is served."""

    priority: int
    queued_at: int
    key: int
    granted: simpy.Event = field(compare=False)
    given_up: bool = field(compare=False, default=False)


class Grants(simpy.Event):
    """The second phase of an instant: comes after SimPy's URGENT and NORMAL events."""

    def __init__(self, env: simpy.Environment, grant: Callable[[simpy.Event], None]) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self.callbacks.append(grant)
        env.schedule(self, priority=EventPriority(2))


class Desk:
    """Seats of one team and who waits for them."""

    def __init__(self, model: Model, plan: PlanTeam) -> None:
        self.model = model
        self.plan = plan
        self.seats = 0
        self.busy = 0
        self.waiting: list[Request] = []

    def request(self, priority: int, key: int) -> Request:
        """Join the queue; ``granted`` happens when a seat is given."""
        env = self.model.env
        request = Request(priority, self.model.now, key, env.event())
        heapq.heappush(self.waiting, request)
        self.model.grants_are_due()
        return request

    def release(self) -> None:
        """Give a seat back."""
        self.busy -= 1
        self.model.grants_are_due()

    def opening_hours(self) -> Process:
        """Change the seats as planned; fewer seats never take work away."""
        env = self.model.env
        for instant, seats in self.plan.seats:
            if instant > self.model.now:
                yield env.timeout(instant - self.model.now)
            self.seats = seats
            self.model.grants_are_due()

    def grant(self) -> None:
        """Give free seats to those who wait, first come first served by priority."""
        while self.busy < self.seats and self.waiting:
            request = heapq.heappop(self.waiting)
            if not request.given_up:
                self.busy += 1
                request.granted.succeed()


class Model:
    """One replication."""

    def __init__(self, plan: Plan, stream: Stream) -> None:
        self.env = simpy.Environment(plan.start)
        self.plan = plan
        self.stream = stream
        self.arrivals: Arrivals = arrivals(plan, stream)
        self.desks = [Desk(self, team) for team in plan.teams]
        self.recording = Recording(plan, self.arrivals)
        self._grants: Grants | None = None

    @property
    def now(self) -> int:
        """The present instant; SimPy keeps integers as they are."""
        return int(self.env.now)

    def run(self, progress: Progress | None) -> Recording:
        """Let time pass until the end of the observed window."""
        for desk in self.desks:
            self.env.process(desk.opening_hours())
        self.env.process(self.source())
        length = self.plan.observed_until - self.plan.start
        for part in range(1, _SLICES + 1):
            until = self.plan.start + length * part // _SLICES
            if until > self.now:
                self.env.run(until=until)
            if progress is not None:
                progress(part / _SLICES)
        return self.recording

    def grants_are_due(self) -> None:
        """Plan the second phase of this instant, once."""
        if self._grants is None:
            self._grants = Grants(self.env, self._grant_all)

    def _grant_all(self, _: simpy.Event) -> None:
        self._grants = None
        for desk in self.desks:
            desk.grant()

    def source(self) -> Process:
        """Leads arrive."""
        for number, at in enumerate(self.arrivals.at.tolist()):
            if at > self.now:
                yield self.env.timeout(at - self.now)
            self.env.process(self.lead(number))

    def lead(self, number: int) -> Process:
        """A lead's way through the funnel."""
        key = int(self.arrivals.key[number])
        visits: Counter[int] = Counter()
        at = self.plan.sources[self.arrivals.source[number]].stage
        while at is not None:
            stage = self.plan.stages[at]
            ordinal = visits[at]
            visits[at] += 1
            visit = self.recording.enter(number, sum(visits.values()), at, self.now)
            for mark in stage.marks:
                u_value, u_cost, _, _ = self.stream.uniforms(key, mark.place, ordinal)
                self.recording.mark(visit, mark, u_value, u_cost)
            at = yield from self.stay(visit, stage, key, ordinal)

    def stay(
        self, visit: VisitRow, stage: PlanStage, key: int, ordinal: int
    ) -> Generator[simpy.Event, object, int | None]:
        """One visit: delay, work, delay, and where to go next."""
        u_before, u_after, u_advance, u_other = self.stream.uniforms(key, stage.place, ordinal)
        deadline = stage.timeout.end(visit.entered_at, 0.5) if stage.timeout else FAR
        done = True
        if stage.delay_before:
            done = yield from self.wait(stage.delay_before.end(self.now, u_before), deadline)
        if done:
            visit.ready_at = self.now
        for effort in stage.efforts:
            done = done and (yield from self.work(visit, effort, key, ordinal, deadline))
        if done and stage.delay_after:
            done = yield from self.wait(stage.delay_after.end(self.now, u_after), deadline)
        if not done:
            return self.recording.leave(visit, self.now, "timed_out", stage.timeout_to)
        if stage.route is None:
            return self.recording.leave(visit, self.now, "ended", None)
        return self.recording.leave(
            visit, self.now, "moved", stage.route.choose(u_advance, u_other)
        )

    def wait(self, end: int, deadline: int) -> Steps:
        """Let time pass; False if the deadline came first."""
        until = min(end, deadline)
        if until > self.now:
            yield self.env.timeout(until - self.now)
        return end <= deadline

    def work(
        self, visit: VisitRow, effort: PlanEffort, key: int, ordinal: int, deadline: int
    ) -> Steps:
        """Queue for a seat and be worked on; False if the deadline came first."""
        if deadline <= self.now:
            return False
        desk = self.desks[effort.team]
        row: EffortRow = self.recording.queue(visit, effort, self.now)
        request = desk.request(effort.priority, key)
        if deadline < FAR:
            yield request.granted | self.env.timeout(deadline - self.now)
        else:
            yield request.granted
        if not request.granted.triggered:
            request.given_up = True
            row.ended_at = self.now
            return False
        row.started_at = self.now
        duration = effort.duration.length(self.stream.uniforms(key, effort.place, ordinal)[0])
        done = yield from self.wait(desk.plan.finish(row.started_at, duration), deadline)
        row.ended_at = self.now
        desk.release()
        return done
