"""The compiled engine: the SimPy model's twin, a hundred times faster.

It makes the same draws, keeps the same rule for ties, and hands over equal rows; what
it cannot run it refuses by name. ``kernel`` holds the loop itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine import kernel, layout
from funnelsim.engine.arrivals import Arrivals, arrivals
from funnelsim.engine.draws import SwiftStream
from funnelsim.engine.jit import kept
from funnelsim.engine.layout import Job, State
from funnelsim.engine.packing import pack, pack_deals
from funnelsim.engine.plan import ACQUIRED, Plan
from funnelsim.engine.rows import Columns, Rows
from funnelsim.engine.seating import Seats, seats_over_time
from funnelsim.engine.shocks import factors
from funnelsim.engine.tally import Limits, Tally
from funnelsim.errors import RunError
from funnelsim.streams import Stream

__all__ = ["run", "sums"]

Ints = NDArray[np.int64]
Progress = Callable[[float], None]

_FIRST = 256  # rows of every table to begin with

_VISITS = ("lead", "visit", "stage", "entered_at", "ready_at", "left_at", "exit", "next_stage")
_EFFORTS = ("lead", "visit", "effort", "team", "queued_at", "started_at", "ended_at")
_MARKS = ("lead", "visit", "at", "mark", "value", "cost")


def run(plan: Plan, stream: Stream, progress: Progress | None = None) -> Rows:
    """Simulate a plan, compiled; parameters and result as of ``reference.run``."""
    _, leads, seats, state = _run(plan, stream, Limits(), progress, keep=True)
    registers = state.registers
    return Rows(
        leads,
        tuple(seats),
        visits=_columns(state.visits, registers[layout.VISIT_ROWS], _VISITS),
        efforts=_columns(state.efforts, registers[layout.EFFORT_ROWS], _EFFORTS),
        marks=_columns(state.marks, registers[layout.MARK_ROWS], _MARKS),
    )


def sums(
    plan: Plan, stream: Stream, limits: Limits | None = None, progress: Progress | None = None
) -> Tally:
    """What a run comes to, without keeping rows; equal to ``tally_of`` of them."""
    *_, state = _run(plan, stream, limits or Limits(), progress, keep=False)
    return _tally(plan, state)


def _columns(table: Ints, n: int, names: Sequence[str]) -> Columns:
    return {name: table[:n, i] for i, name in enumerate(names)}


def _run(
    plan: Plan, stream: Stream, limits: Limits, progress: Progress | None, *, keep: bool
) -> tuple[Job, Arrivals, list[Seats], State]:
    """Run to the end; hands back what went in and what came out."""
    stream = SwiftStream(stream.seed, stream.replication)
    leads = arrivals(plan, stream)
    teams = [team for epoch in plan.epochs for team in epoch.teams]
    lucky = any(team.shrinkage or team.attrition for team in teams)
    seats, changes = plan.once("seats", partial(_seats, plan, stream), lucky=lucky)
    luck = [factors(shock, stream) for shock in plan.shocks]
    job = Job(
        packed=plan.once("packed", partial(pack, plan)),
        known=plan.once("known", partial(pack_deals, plan)),
        span=np.array([plan.start, plan.observed_from, plan.observed_until]),
        luck=np.array([stream.seed, stream.replication], np.uint64),
        key=leads.key,
        arrived=leads.arrived_at,
        source=leads.source,
        kind=leads.kind,
        value=leads.value,
        cost=leads.cost,
        acquired=np.array([plan.marks.index(ACQUIRED), plan.kinds_of_marks.index(ACQUIRED[0])]),
        changes=changes,
        factors=np.concatenate([np.zeros(0), *luck]),
        limits=np.array([limits.wait, limits.age]),
    )
    _tell_of_compiling()
    state = _begin(plan, job, keep=keep, told=progress is not None)
    status = _simulate(job, state)
    while status in {layout.MORE_ROOM, layout.TICK}:
        if status == layout.MORE_ROOM:
            state = _with_room(state, job.packed.size)
        elif progress is not None:
            progress(int(state.registers[layout.BUCKET]) / len(state.buckets))
        status = _simulate(job, state)
    if status == layout.ENDLESS:
        name = plan.epochs[0].stages[state.registers[layout.WRONG]].id
        msg = f"a lead goes round in {name} for ever: give it a delay or a way out"
        raise RunError(msg)
    if keep:
        state = _room_for_rows(state, len(state.slots) << int(job.packed.size[layout.SHIFT]))
    kernel.close(job, state)
    if progress is not None:
        progress(1.0)
    return job, leads, seats, state


def _tell_of_compiling() -> None:
    """Say why the first run takes so long, to who sits before a terminal."""
    compiled = getattr(kernel.simulate, "signatures", True)  # nothing to compile if switched off
    if not compiled and not kept() and sys.stderr.isatty():
        sys.stderr.write("Compiling the fast engine, once: about half a minute …\n")


def _simulate(job: Job, state: State) -> int:
    """Let the kernel run on; Ctrl-C meanwhile comes out of compiled code as a ``SystemError``."""
    try:
        status: int = kernel.simulate(job, state)
    except SystemError as failed:
        cause: BaseException | None = failed
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            cause = cause.__cause__ or cause.__context__
        raise
    return status


def _begin(plan: Plan, job: Job, *, keep: bool, told: bool) -> State:
    """An empty funnel."""
    packed, (start, since, until) = job.packed, job.span.tolist()
    stages, teams, kinds, breadth, weeks, shift, most_marks = packed.size.tolist()
    n = len(job.arrived)
    width = 10
    while (until - start) >> width > max(2 * n, 1024):
        width += 1
    buckets = ((until - start) >> width) + 1
    registers = np.zeros(layout.REGISTERS, np.int64)
    registers[layout.BUCKET], registers[layout.EDGE] = -1, start
    registers[layout.NEXT_LEAD] = len(plan.deals)
    registers[layout.WIDTH], registers[layout.KEEP] = width, keep
    # now and then the kernel comes back, to tell how far it is and let Ctrl-C in
    registers[layout.TICKS] = 2 ** max(buckets // 64, 1).bit_length() - 1 if told else 2**20 - 1
    registers[layout.FREE_SLOTS] = registers[layout.FREE_REQUESTS] = _FIRST
    registers[layout.FREE_TIMERS] = _FIRST
    wide = max(stages, teams, kinds, len(plan.epochs[0].sources))
    rows = max(4 * _FIRST if keep else 1, 1 + most_marks)
    slots = np.zeros((_FIRST, layout.SLOT), np.int64)
    slots[:, layout.LEAD] = -1
    return State(
        slots=slots,
        nths=np.zeros((_FIRST, stages), np.int64),
        seen=np.zeros((_FIRST, kinds), np.int64),
        free_slots=np.arange(_FIRST),
        tasks=np.zeros((_FIRST << shift, layout.TASK), np.int64),
        tokens=np.zeros(_FIRST << shift, np.int64),
        requests=np.zeros((_FIRST, layout.REQUEST), np.int64),
        free_requests=np.arange(_FIRST),
        timers=np.zeros((_FIRST, layout.TIMER), np.int64),
        free_timers=np.arange(_FIRST),
        near=np.zeros((_FIRST, 2), np.int64),
        buckets=np.full(buckets, -1, np.int32),
        agenda=np.zeros((_FIRST + 2 * breadth + 4, layout.AGENDA), np.int64),
        queues=np.full(teams, -1),
        seats=np.zeros(teams, np.int64),
        busy=np.zeros(teams, np.int64),
        told=np.full(teams, since),
        due=np.zeros(teams, np.bool_),
        visits=np.zeros((rows, len(_VISITS)), np.int64),
        efforts=np.zeros((rows, len(_EFFORTS)), np.int64),
        marks=np.zeros((rows, len(_MARKS)), np.int64),
        tally=np.zeros((layout.SUMS, wide), np.int64),
        course=np.zeros((2, weeks, kinds), np.int64),
        registers=registers,
    )


def _with_room(state: State, size: Ints) -> State:
    """The same state with longer tables where rows ran out."""
    registers, longer, breadth = state.registers, layout.longer, size[layout.BREADTH]
    more: dict[str, Any] = {}
    pools = (
        (layout.FREE_SLOTS, 1, ("free_slots", "slots", "nths", "seen", "tasks", "tokens")),
        (layout.FREE_REQUESTS, breadth, ("free_requests", "requests", "agenda")),
        (layout.FREE_TIMERS, 1, ("free_timers", "timers", "near")),
    )
    for register, wanted, names in pools:
        if registers[register] < wanted:
            free, *_ = tables = [longer(getattr(state, name)) for name in names]
            more |= dict(zip(names, tables, strict=True))
            left, new = int(registers[register]), len(free) // 2
            free[left : left + new] = np.arange(new, 2 * new)
            registers[register] = left + new
    if "slots" in more:
        more["slots"][len(state.slots) :, layout.LEAD] = -1
    if registers[layout.N_AGENDA] > len(state.agenda) - breadth - 2:
        more["agenda"] = longer(state.agenda)
    return _room_for_rows(state._replace(**more), 1 + int(size[layout.MOST_MARKS]))


def _room_for_rows(state: State, wanted: int) -> State:
    """Tables of rows with room for that many more."""
    more: dict[str, Any] = {}
    used = {"visits": layout.VISIT_ROWS, "efforts": layout.EFFORT_ROWS, "marks": layout.MARK_ROWS}
    for name, register in used.items():
        table = getattr(state, name)
        while len(table) < state.registers[register] + wanted:
            table = layout.longer(table)
        more[name] = table
    return state._replace(**more)


def _seats(plan: Plan, stream: Stream) -> tuple[list[Seats], Ints]:
    """Seats over time of every team, and all their changes by instant."""
    seats = [seats_over_time(plan, i, stream) for i in range(len(plan.epochs[0].teams))]
    changes = sorted((at, team, n) for team, steps in enumerate(seats) for at, n in steps)
    return seats, np.array(changes, np.int64).reshape(-1, 3)


def _tally(plan: Plan, state: State) -> Tally:
    first, kinds = plan.epochs[0], len(plan.kinds_of_marks)
    stages, teams, sums = len(first.stages), len(first.teams), state.tally
    return Tally(
        arrived=sums[layout.ARRIVED, : len(first.sources)],
        entered=sums[layout.ENTRIES, :stages],
        left=sums[layout.LEFT :, :stages].T,
        dwell=sums[layout.DWELL, :stages],
        present=sums[layout.PRESENT, :stages],
        started=sums[layout.STARTED, :teams],
        waited=sums[layout.WAIT_TIME, :teams],
        in_time=sums[layout.IN_TIME, :teams],
        given_up=sums[layout.GIVEN_UP, :teams],
        queue=sums[layout.QUEUE, :teams],
        busy=sums[layout.BUSY, :teams],
        staffed=sums[layout.STAFFED, :teams],
        marked=sums[layout.MARKS, :kinds],
        value=sums[layout.VALUE, :kinds],
        cost=sums[layout.COST, :kinds],
        first=sums[layout.FIRST, :kinds],
        age=sums[layout.AGE, :kinds],
        young=sums[layout.YOUNG, :kinds],
        course=state.course[0],
        earned=state.course[1],
        open=sums[layout.OPEN, 0],
        known_first=sums[layout.KNOWN_FIRST, :kinds],
        known_value=sums[layout.KNOWN_VALUE, :kinds],
    )
