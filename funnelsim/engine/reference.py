"""The SimPy model: the specification of what a scenario means.

Read ``lead`` and ``way`` first: a lead's way through the funnel. Then ``visit`` (one
visit) and ``work`` (one piece of work: ``queue``, ``serve``). ``Desk`` hands seats to
waiting leads. ``open_deal`` and ``work_held`` go on with what was open when the run began.

Within one instant there are two phases, repeated until nothing moves: first all
changes (arrivals, moves, time-outs, releases, opening hours), which commute;
then grants, team by team, in the order (priority, waiting since, lead key, effort).
So no result hangs on the order in which SimPy happened to schedule things.

A stay that is complete at the very instant of its time-out counts as complete;
work that would only begin then does not begin. A time-out also ends work in hand.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import simpy
from simpy.events import EventPriority

from funnelsim.engine.arrivals import Arrivals, arrivals
from funnelsim.engine.plan import (
    NEVER,
    Epoch,
    Phase,
    Plan,
    PlanDeal,
    PlanEffort,
    PlanPiece,
    PlanStage,
    Rest,
    Timer,
)
from funnelsim.engine.recording import EffortRow, Lead, Recording, VisitRow
from funnelsim.engine.rows import Rows
from funnelsim.engine.seating import seats_over_time
from funnelsim.engine.shocks import factors
from funnelsim.errors import RunError
from funnelsim.streams import Stream
from funnelsim.worktime import FAR

__all__ = ["run"]

Process = Generator[simpy.Event, object, None]
Steps = Generator[simpy.Event, object, "Result"]
Progress = Callable[[float], None]

_SLICES = 100  # how often progress is told
_ENDLESS = 100_000  # visits in one instant that no chance explains


def run(plan: Plan, stream: Stream, progress: Progress | None = None) -> Rows:
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
    Rows
        All that happened before ``plan.observed_until``.
    """
    return Model(plan, stream).run(progress)


class Result(IntEnum):
    """How a step of a visit ended; where several happen at once the smallest counts."""

    REFUSED = 0
    TIMED_OUT = 1
    RENEGED = 2
    STOPPED = 3
    DONE = 4


DONE = Result.DONE


@dataclass(slots=True)
class Stay:
    """A lead in a stage: what its work needs to know."""

    lead: Lead
    row: VisitRow
    epoch: Epoch
    stage: PlanStage
    nth: int
    waited: int = 0
    deal: PlanDeal | None = None
    """What was going on when the run began, if the visit is older."""

    def draw(self, stream: Stream, place: int) -> tuple[float, float, float, float]:
        """The uniforms of this visit at a place of the scenario."""
        return stream.uniforms(self.lead.key, place, self.nth - 1)

    @property
    def phase(self) -> Phase:
        """Where the visit begins: for an open deal, where it was."""
        return self.deal.phase if self.deal else Phase.BEFORE

    def end(self, timer: Timer, phase: Phase, now: int, u: float) -> int:
        """When a delay is over; of one that was running when the run began, the rest."""
        if self.deal and self.deal.phase is phase:
            return timer.end_of(self.deal.rest, now, u)
        return timer.end(now, u)

    def held(self, effort: PlanEffort) -> PlanPiece | None:
        """A piece of work that was done, in hand or waited for when the run began."""
        number = self.stage.efforts.index(effort)
        pieces = self.deal.pieces if self.deal else ()
        return pieces[number] if number < len(pieces) else None


@dataclass(slots=True)
class Task:
    """A piece of work of a visit."""

    stay: Stay
    effort: PlanEffort
    deadline: int
    stop: simpy.Event | None
    row: EffortRow


@dataclass(order=True, slots=True)
class Request:
    """A lead waiting for a seat; sorts as it is served (``place`` is the effort's)."""

    priority: int
    queued_at: int
    key: int
    place: int
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

    def __init__(self, model: Model, changes: Sequence[tuple[int, int]]) -> None:
        self.model = model
        self.changes = changes
        self.seats = 0
        self.busy = 0
        self.waiting: list[Request] = []

    def request(self, task: Task) -> Request:
        """Join the queue; ``granted`` happens when a seat is given."""
        effort, granted = task.effort, self.model.env.event()
        key, since = task.stay.lead.key, task.row.queued_at
        request = Request(effort.priority, since, key, effort.place, granted)
        heapq.heappush(self.waiting, request)
        self.model.grants_are_due()
        return request

    def hold(self) -> None:
        """Keep a seat that was held when the run began, even if there are fewer seats."""
        self.busy += 1

    def release(self) -> None:
        """Give a seat back."""
        self.busy -= 1
        self.model.grants_are_due()

    def opening_hours(self) -> Process:
        """Change the seats as planned; fewer seats never take work away."""
        env = self.model.env
        for instant, seats in self.changes:
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
        seats = [seats_over_time(plan, i, stream) for i in range(len(plan.epochs[0].teams))]
        self.desks = [Desk(self, changes) for changes in seats]
        self.shocks = [factors(shock, stream).tolist() for shock in plan.shocks]
        self.recording = Recording(plan, self.arrivals, seats)
        self._grants: Grants | None = None

    @property
    def now(self) -> int:
        """The present instant; SimPy keeps integers as they are."""
        return int(self.env.now)

    def run(self, progress: Progress | None) -> Rows:
        """Let time pass until the end of the observed window."""
        for desk in self.desks:
            self.env.process(desk.opening_hours())
        for number in range(len(self.plan.deals)):
            self.env.process(self.open_deal(number))
        self.env.process(self.source())
        length = self.plan.observed_until - self.plan.start
        for part in range(1, _SLICES + 1):
            until = self.plan.start + length * part // _SLICES
            if until > self.now:
                self.env.run(until=until)
            if progress is not None:
                progress(part / _SLICES)
        return self.recording.rows()

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
        known = len(self.plan.deals)
        for number, at in enumerate(self.arrivals.arrived_at[known:].tolist(), known):
            if at > self.now:
                yield self.env.timeout(at - self.now)
            self.env.process(self.lead(number))

    def lead(self, number: int) -> Process:
        """A lead's way through the funnel."""
        lead = self.recording.lead(number)
        at = self.plan.epoch(lead.arrived_at).sources[lead.source].stage
        yield from self.way(lead, at, Counter())

    def open_deal(self, number: int) -> Process:
        """A deal that was open when the run began goes on where it was."""
        deal = self.plan.deals[number]
        lead = self.recording.lead(number)
        row = self.recording.resume(lead, deal)
        visits = Counter(dict(deal.visits))
        epoch = self.plan.epoch(self.now)
        stage, nth = epoch.stages[deal.stage], visits[deal.stage]
        at = yield from self.visit(Stay(lead, row, epoch, stage, nth, deal.waited, deal))
        yield from self.way(lead, at, visits, row)

    def way(
        self, lead: Lead, at: int | None, visits: Counter[int], row: VisitRow | None = None
    ) -> Process:
        """From stage to stage until the way ends; ``row`` is that of the visit before."""
        hurried = 1 if row and row.entered_at == self.now else 0
        while at is not None:
            epoch = self.plan.epoch(self.now)
            visits[at] += 1
            row = self.recording.enter(lead, row.visit + 1 if row else 1, at, self.now)
            stay = Stay(lead, row, epoch, epoch.stages[at], visits[at])
            for mark in stay.stage.marks:
                self.recording.mark(row, mark, *stay.draw(self.stream, mark.place)[:2])
            at = yield from self.visit(stay)
            hurried = hurried + 1 if row.entered_at == self.now else 0
            if hurried > _ENDLESS:
                msg = f"a lead goes round in {stay.stage.id} for ever: give it a delay or a way out"
                raise RunError(msg)

    def visit(self, stay: Stay) -> Generator[simpy.Event, object, int | None]:
        """One visit: delay, work, delay, and where to go next."""
        row, stage = stay.row, stay.stage
        u_before, u_after, u_advance, u_other = stay.draw(self.stream, stage.place)
        deadline = stage.timeout.end(row.entered_at, 0.5) if stage.timeout else FAR
        if stay.deal:
            deadline = stay.deal.deadline
        result, before = DONE, stage.delay_before
        if stay.phase is Phase.BEFORE:
            end = stay.end(before, Phase.BEFORE, self.now, u_before) if before else self.now
            result = yield from self.wait(stage.next_moment(end), deadline)
            if result is DONE:
                row.ready_at = self.now
        if result is DONE and stay.phase is not Phase.AFTER:
            result = yield from self.efforts(stay, deadline)
        if result is DONE and stage.delay_after:
            end = stay.end(stage.delay_after, Phase.AFTER, self.now, u_after)
            result = yield from self.wait(end, deadline)
        match result:
            case Result.TIMED_OUT:
                return self.recording.leave(row, self.now, "timed_out", stage.timeout_to)
            case Result.RENEGED:
                return self.recording.leave(row, self.now, "reneged", stage.patience_to)
            case Result.REFUSED:
                return self.recording.leave(row, self.now, "moved", stage.refused_to)
        if not stage.routes:
            return self.recording.leave(row, self.now, "ended", None)
        age = self.now - stay.lead.arrived_at
        stayed = self.now - row.entered_at
        route = stage.route(stay.lead.kind, stay.nth, age, stay.waited, stayed)
        to = route.choose(u_advance, u_other, self.odds(stage))
        return self.recording.leave(row, self.now, "moved", to)

    def odds(self, stage: PlanStage) -> float:
        """The factor by which shocks multiply the odds of advancing now."""
        product = 1.0
        for shock in stage.shocks:
            period = bisect_right(self.plan.shocks[shock].starts, self.now) - 1
            product *= self.shocks[shock][max(period, 0)]
        return product

    def wait(self, end: int, deadline: int) -> Steps:
        """Let time pass, but not beyond the deadline."""
        until = min(end, deadline)
        if until > self.now:
            yield self.env.timeout(until - self.now)
        return DONE if end <= deadline else Result.TIMED_OUT

    def efforts(self, stay: Stay, deadline: int) -> Steps:
        """All work of a visit: one piece after another, or side by side."""
        stage = stay.stage
        needed = [effort for effort in stage.efforts if self.needed(stay, effort)]
        if stage.join != "series" and len(stage.efforts) > 1:
            return (yield from self.side_by_side(stay, deadline, needed))
        for effort in needed:
            result = yield from self.turn(stay, effort, deadline)
            if result is DONE:
                result = yield from self.work(stay, effort, deadline, stop=None)
            if result is not DONE:
                return result
        return DONE

    def needed(self, stay: Stay, effort: PlanEffort) -> bool:
        """Whether this visit needs a piece of work; what an open deal waits for, it needs."""
        held = stay.held(effort)
        if held:
            return not held.done
        return effort.share == 1 or stay.draw(self.stream, effort.place)[3] < effort.share

    def turn(self, stay: Stay, effort: PlanEffort, deadline: int) -> Steps:
        """The delay until a piece of work is asked for."""
        held = stay.held(effort)
        if effort.delay is None or (held and held.queued_at != NEVER):
            return DONE
        delay, u = effort.delay, stay.draw(self.stream, effort.place)[1]
        end = delay.end_of(held.rest, self.now, u) if held else delay.end(self.now, u)
        return (yield from self.wait(end, deadline))

    def side_by_side(self, stay: Stay, deadline: int, needed: Sequence[PlanEffort]) -> Steps:
        """Work by several teams at once; what is decided stops the rest."""
        if not needed:
            return DONE
        stop = self.env.event()
        running = [self.env.process(self.work(stay, effort, deadline, stop)) for effort in needed]
        enough = set(Result) - ({DONE} if stay.stage.join != "any" else set())
        while not all(work.triggered for work in running):
            yield simpy.AnyOf(self.env, [work for work in running if not work.triggered])
            ended = {work.value for work in running if work.triggered}
            if ended & enough and not stop.triggered:
                stop.succeed()
        results: set[Any] = {work.value for work in running}
        if stay.stage.join == "any" and DONE in results:
            return DONE
        return Result(min(results))

    def work(
        self, stay: Stay, effort: PlanEffort, deadline: int, stop: simpy.Event | None
    ) -> Steps:
        """Queue for a seat and be worked on, unless deadline, patience or ``stop`` come first."""
        held = stay.held(effort)
        if held and held.queued_at != NEVER:
            return (yield from self.work_held(stay, effort, deadline, stop, held))
        if deadline <= self.now:
            return Result.TIMED_OUT
        lost = self.patience(stay, effort, None)
        if lost <= self.now:
            return Result.RENEGED
        row = self.recording.queue(stay.row, effort, self.now)
        return (yield from self.queue(Task(stay, effort, deadline, stop, row), lost))

    def work_held(
        self,
        stay: Stay,
        effort: PlanEffort,
        deadline: int,
        stop: simpy.Event | None,
        held: PlanPiece,
    ) -> Steps:
        """Go on with a piece of work of an open deal; work in hand keeps its seat."""
        row = self.recording.queue(stay.row, effort, held.queued_at)
        task = Task(stay, effort, deadline, stop, row)
        if held.started_at == NEVER:
            return (yield from self.queue(task, self.patience(stay, effort, held.rest)))
        row.started_at = held.started_at
        self.desks[effort.team].hold()
        u_duration = stay.draw(self.stream, effort.place)[0]
        return (yield from self.serve(task, effort.duration.left(held.rest, u_duration)))

    def patience(self, stay: Stay, effort: PlanEffort, rest: Rest | None) -> int:
        """When a lead that waits for work gives up."""
        patience = stay.stage.patience
        if patience is None:
            return FAR
        u = stay.draw(self.stream, effort.place)[2]
        return patience.end_of(rest, self.now, u) if rest else patience.end(self.now, u)

    def queue(self, task: Task, lost: int) -> Steps:
        """Wait for a seat."""
        row, deadline = task.row, task.deadline
        request = self.desks[task.effort.team].request(task)
        yield from self.either(request.granted, min(deadline, lost), task.stop)
        if not request.granted.triggered:
            request.given_up = True
            row.ended_at = self.now
            if deadline <= self.now:
                return Result.TIMED_OUT
            return Result.RENEGED if lost <= self.now else Result.STOPPED
        row.started_at = self.now
        task.stay.waited += row.started_at - row.queued_at
        u_duration = task.stay.draw(self.stream, task.effort.place)[0]
        return (yield from self.serve(task, task.effort.duration.length(u_duration)))

    def serve(self, task: Task, duration: int) -> Steps:
        """Work for so long, and give the seat back."""
        stay, effort, deadline = task.stay, task.effort, task.deadline
        finish = stay.epoch.teams[effort.team].finish(self.now, duration)
        if finish > self.now:
            yield from self.either(None, min(finish, deadline), task.stop)
        task.row.ended_at = self.now
        self.desks[effort.team].release()
        if finish <= self.now:
            u_refuse = stay.draw(self.stream, effort.place)[1]
            return Result.REFUSED if u_refuse < effort.refuse else DONE
        return Result.TIMED_OUT if deadline <= self.now else Result.STOPPED

    def either(
        self, event: simpy.Event | None, limit: int, stop: simpy.Event | None
    ) -> Generator[simpy.Event, object, None]:
        """Wait for an event, an instant or ``stop``, whichever comes first."""
        events = [e for e in (event, stop) if e is not None]
        if limit < FAR or not events:  # work laid down for good still holds its seat
            events.append(self.env.timeout(limit - self.now))
        yield events[0] if len(events) == 1 else simpy.AnyOf(self.env, events)
