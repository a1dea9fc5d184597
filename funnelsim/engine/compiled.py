"""The compiled engine: the SimPy model's twin, a hundred times faster.

It makes the same draws, keeps the same rule for ties, and hands over equal rows; what
it cannot run it refuses by name. ``kernel`` holds the loop itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine import kernel
from funnelsim.engine.arrivals import Arrivals, arrivals
from funnelsim.engine.draws import SwiftStream
from funnelsim.engine.packing import Packed, pack
from funnelsim.engine.plan import ACQUIRED, Plan
from funnelsim.engine.rows import Rows
from funnelsim.engine.seating import Seats, seats_over_time
from funnelsim.engine.shocks import factors
from funnelsim.engine.tally import Limits, Tally, periods
from funnelsim.errors import RunError
from funnelsim.streams import Stream

__all__ = ["run", "sums"]

Ints = NDArray[np.int64]
Progress = Callable[[float], None]

_VISITS = ("lead", "visit", "stage", "entered_at", "ready_at", "left_at", "exit", "next_stage")
_EFFORTS = ("lead", "visit", "effort", "team", "queued_at", "started_at", "ended_at")
_MARKS = ("lead", "visit", "at", "mark", "value", "cost")


def run(plan: Plan, stream: Stream, progress: Progress | None = None) -> Rows:
    """Simulate a plan, compiled; parameters and result as of ``reference.run``."""
    leads, seats, _, rows = _run(plan, stream, Limits(), progress, keep=True)
    names = (_VISITS, _EFFORTS, _MARKS)
    visits, efforts, marks = (
        {name: table[:, i] for i, name in enumerate(columns)}
        for columns, table in zip(names, rows, strict=True)
    )
    return Rows(leads, tuple(seats), visits=visits, efforts=efforts, marks=marks)


def sums(
    plan: Plan, stream: Stream, limits: Limits | None = None, progress: Progress | None = None
) -> Tally:
    """What a run comes to, without keeping rows; equal to ``tally_of`` of them."""
    _, _, tally, _ = _run(plan, stream, limits or Limits(), progress, keep=False)
    return tally


def _run(
    plan: Plan, stream: Stream, limits: Limits, progress: Progress | None, *, keep: bool
) -> tuple[Arrivals, list[Seats], Tally, tuple[Ints, Ints, Ints]]:
    packed = _packed(plan)
    stream = SwiftStream(stream.seed, stream.replication)
    leads = arrivals(plan, stream)
    seats = [seats_over_time(plan, i, stream) for i in range(len(plan.epochs[0].teams))]
    changes = np.array(
        sorted((at, team, n) for team, steps in enumerate(seats) for at, n in steps), np.int64
    ).reshape(-1, 3)
    luck = [factors(shock, stream) for shock in plan.shocks]
    first, kinds = plan.epochs[0], len(plan.kinds_of_marks)
    wide = max(len(first.stages), len(first.teams), len(first.sources), kinds)
    tally = np.zeros((kernel.SUMS, wide), np.int64)
    course = np.zeros((2, periods(plan), kinds), np.int64)
    control = np.zeros(2, np.int64)
    job = partial(
        kernel.simulate,
        packed,
        np.array([plan.start, plan.observed_from, plan.observed_until]),
        np.uint64(stream.seed),
        np.uint64(stream.replication),
        leads.key,
        leads.arrived_at,
        leads.source,
        leads.kind,
        leads.value,
        leads.cost,
        np.array([plan.marks.index(ACQUIRED), plan.kinds_of_marks.index(ACQUIRED[0])]),
        changes,
        np.concatenate([np.zeros(0), *luck]),
        np.array([limits.wait, limits.age]),
        tally,
        course,
        keep,
        control,
    )
    status, stage, *rows = job() if progress is None else _watched(job, control, progress)
    if status == kernel.ENDLESS:
        name = first.stages[stage].id
        msg = f"a lead goes round in {name} for ever: give it a delay or a way out"
        raise RunError(msg)
    visits, efforts, marks = rows
    return leads, seats, _tally(plan, tally, course), (visits, efforts, marks)


def _watched(job: Callable[[], Any], control: Ints, progress: Progress) -> Any:  # noqa: ANN401
    """Run beside a thread that tells the progress and can be interrupted."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(job)
        while True:
            try:
                result = running.result(timeout=0.1)
            except StillRunning:
                progress(control[0] / 1000)
            except BaseException:
                control[1] = 1
                raise
            else:
                progress(1.0)
                return result


def _packed(plan: Plan) -> Packed:
    """The plan as arrays, made once."""
    if "packed" not in plan.kept:
        plan.kept["packed"] = pack(plan)
    packed: Packed = plan.kept["packed"]
    return packed


def _tally(plan: Plan, sums: Ints, course: Ints) -> Tally:
    first, kinds = plan.epochs[0], len(plan.kinds_of_marks)
    stages, teams = len(first.stages), len(first.teams)
    return Tally(
        arrived=sums[kernel.ARRIVED, : len(first.sources)],
        entered=sums[kernel.ENTRIES, :stages],
        left=sums[kernel.LEFT :, :stages].T,
        dwell=sums[kernel.DWELL, :stages],
        present=sums[kernel.PRESENT, :stages],
        started=sums[kernel.STARTED, :teams],
        waited=sums[kernel.WAIT_TIME, :teams],
        in_time=sums[kernel.IN_TIME, :teams],
        given_up=sums[kernel.GIVEN_UP, :teams],
        queue=sums[kernel.QUEUE, :teams],
        busy=sums[kernel.BUSY, :teams],
        staffed=sums[kernel.STAFFED, :teams],
        marked=sums[kernel.MARKS, :kinds],
        value=sums[kernel.VALUE, :kinds],
        cost=sums[kernel.COST, :kinds],
        first=sums[kernel.FIRST, :kinds],
        age=sums[kernel.AGE, :kinds],
        young=sums[kernel.YOUNG, :kinds],
        course=course[0],
        earned=course[1],
        open=sums[kernel.OPEN, 0],
    )
