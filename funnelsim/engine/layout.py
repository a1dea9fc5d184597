"""What stands in which column of the tables that the compiled engine works on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# --- why the kernel comes back
FINISHED, ENDLESS, MORE_ROOM, TICK = range(4)
# --- columns of slots
LEAD, AT, STAGE, VISIT, NTH, ENTERED, BECAME_READY, DEADLINE, WAITED, PHASE, LATE = range(11)
W_AFTER, W_ADVANCE, W_OTHER, EFFORT, RUNNING, WORST, DONE_ONCE, HALTED, CLOSED, HURRIED = range(
    11, 21
)
ITS_EPOCH, ASKED = 21, 22
SLOT = 23
BEFORE_WORK, AFTER_WORK, IN_WORK = 0, 1, 2  # PHASE, as ``plan.Phase``
# --- columns of tasks
STATE, WHAT, QUEUED, BEGUN, FINISH, LOST, W_WORK, W_REFUSE = range(8)
TASK = 8
IDLE, WAITING, WORKING = 0, 1, 2  # STATE
# --- columns of requests
PRIORITY, SINCE, KEY, PLACE, WHO, TOKEN, CHILD, SIBLING = range(8)
REQUEST = 8
# --- columns of timers
WHEN, WHOM, MARKED, NEXT = range(4)
TIMER = 4
# --- columns of the agenda
STEP, WITH, ITS_TOKEN, AT_TIME = range(4)
AGENDA = 4
# --- registers: what the kernel remembers while it is away
(
    NOW, EPOCH, NEXT_LEAD, NEXT_CHANGE, BUCKET, EDGE, WIDTH, MIDWAY, DUE, N_NEAR, N_AGENDA,
    FREE_SLOTS, FREE_REQUESTS, FREE_TIMERS, VISIT_ROWS, EFFORT_ROWS, MARK_ROWS, KEEP, TICKS, WRONG,
    NEXT_DEAL,
) = range(21)  # fmt: skip
REGISTERS = 21

# --- what is to be done with a slot or task
ENTER, WAIT, READY, WORK, AFTER, ROUTE, LEAVE, RESOLVE, FIRED, ALARM, RESUME, NOTHING = range(12)

# --- how a step ended, as ``reference.Result``
REFUSED, TIMED_OUT, RENEGED, HALT, DONE = range(5)
# --- how a visit ends, as ``plan.EXITS``
MOVED, LATE_EXIT, GAVE_UP, ENDED = range(1, 5)

# --- rows of the tally, as ``tally.Tally``
(
    ARRIVED, ENTRIES, DWELL, PRESENT, STARTED, WAIT_TIME, IN_TIME, GIVEN_UP, QUEUE, BUSY, STAFFED,
    MARKS, VALUE, COST, FIRST, AGE, YOUNG, OPEN, KNOWN_FIRST, KNOWN_VALUE, LEFT,
) = range(21)  # fmt: skip
SUMS = LEFT + 5

# --- columns of packed tables
(
    S_PLACE, S_BEFORE, S_OPENING, S_MOMENTS, S_MOMENTS_N, S_EFFORT, S_EFFORT_N, S_JOIN,
    S_REFUSED_TO, S_PATIENCE, S_PATIENCE_TO, S_AFTER, S_TIMEOUT, S_TIMEOUT_TO, S_MARK, S_MARK_N,
    S_ROUTE, S_ROUTE_N, S_SHOCK, S_SHOCK_N, S_ADVANCE, S_DRAWS, S_WIDTH,
) = range(23)  # fmt: skip
ANY = 2  # S_JOIN
E_PLACE, E_TEAM, E_PRIORITY, E_TIMER, E_NAME, E_DRAWS, E_DELAY, E_WIDTH = range(8)
M_PLACE, M_NUMBER, M_KIND, M_DECIDES, M_DEAL, M_VALUE, M_COST, M_WIDTH = range(8)
R_KINDS, R_VISIT, R_AGE, R_WAIT, R_STAY, R_TO, R_OTHER, R_OTHER_N, R_WIDTH = range(9)
# --- columns of deals that are open at the start, and of their work
D_STAGE, D_VISIT, D_NTH, D_ENTERED, D_READY, D_WAITED, D_DEADLINE, D_PHASE, D_CLOSED = range(9)
D_LASTED, D_END, D_PIECE, D_PIECE_N, D_WIDTH = range(9, 14)
P_EFFORT, P_QUEUED, P_BEGUN, P_LASTED, P_END, P_WIDTH = range(6)
T_CONSTANT, T_TABLE, T_CLOCK, T_MONTH, T_MONTH_N, T_WIDTH = range(6)

# --- places of ``Packed.size``
STAGES, TEAMS, KINDS, BREADTH, WEEKS, SHIFT, MOST_MARKS = range(7)

LATEST = 2**63 - 1
"""No instant comes later."""


class Packed(NamedTuple):
    """A plan as arrays, as ``packing`` writes it."""

    size: Ints
    """How many stages, teams and kinds of marks; most efforts side by side; weeks; bits that tell
    apart who of a slot is meant; most marks that one step leaves."""
    epochs: Ints
    """Instants at which epochs begin."""
    entries: Ints
    """First stage by epoch and source."""
    stages: Ints
    efforts: Ints
    refuse: Floats
    share: Floats
    """By effort: of cases that end with a refusal, of visits that need it."""
    marks: Ints
    routes: Ints
    advance: Floats
    """By route: the chance to advance."""
    kinds: NDArray[np.bool_]
    """By condition on kinds of leads: whom it holds for."""
    others: Ints
    """Stages beside the one to advance to."""
    upto: Floats
    """The share of the others up to each."""
    timers: Ints
    tables: Floats
    """Quantile tables, one after another."""
    clocks: Ints
    """Row: first and number of open intervals."""
    intervals: Ints
    """Row: opens, closes, open time before."""
    months: Ints
    """Row: from an instant on, how much later the same wall time some months later is."""
    moments: Ints
    stage_shocks: Ints
    shocks: Ints
    """Row: first and number of periods."""
    periods: Ints
    pauses: Ints
    """By epoch and team: the clock on which work in hand goes on."""


class Known(NamedTuple):
    """Deals that are open at the start: the first leads."""

    deals: Ints
    chance: Floats
    """By deal: that its delay would have been over."""
    nths: Ints
    """By deal and stage: visits so far."""
    marked: Ints
    """By deal and kind of mark: whether it has one."""
    pieces: Ints
    """Work in hand or waited for."""
    chances: Floats
    """By piece: that its work would have been over, or the lead have lost patience."""


class Job(NamedTuple):
    """What a replication is given and does not change."""

    packed: Packed
    known: Known
    span: Ints
    """Start of the run, start and end of the observed window."""
    luck: NDArray[np.uint64]
    """Seed and replication."""
    key: NDArray[np.uint64]
    arrived: Ints
    source: Ints
    kind: Ints
    value: Ints
    cost: Ints
    """By lead, as in ``Arrivals``."""
    acquired: Ints
    """Number and kind of the mark that books what a lead cost."""
    changes: Ints
    """Row: instant, team, seats from then on; by instant."""
    factors: NDArray[np.float64]
    """Of all shocks, period by period."""
    limits: Ints
    """What counts as in time: wait, age."""


class State(NamedTuple):
    """What changes in the course of a replication; where rows run out, there is a longer one."""

    slots: Ints
    """A lead in the funnel."""
    nths: Ints
    """By slot and stage: visits so far."""
    seen: Ints
    """By slot and kind: whether it was marked so."""
    free_slots: Ints
    tasks: Ints
    """A piece of work in hand, by *whom*: slot << shift, + 1 for the first effort …"""
    tokens: Ints
    """By whom: what a timer or request must carry to be the one that counts."""
    requests: Ints
    """A node of the queues (pairing heaps)."""
    free_requests: Ints
    timers: Ints
    """A node of the buckets."""
    free_timers: Ints
    near: Ints
    """Heap of the timers of the bucket at hand: when, row."""
    buckets: NDArray[np.int32]
    agenda: Ints
    """What is to be done in this instant."""
    queues: Ints
    seats: Ints
    busy: Ints
    told: Ints
    due: NDArray[np.bool_]
    """By team; ``told``: up to when busy and staffed time are added up."""
    visits: Ints
    efforts: Ints
    marks: Ints
    """Rows to hand over."""
    tally: Ints
    course: Ints
    registers: Ints


def longer(table: Any) -> Any:  # noqa: ANN401 - of any type
    """A table twice as long, with the same rows at its beginning."""
    twice = np.zeros((2 * len(table), *table.shape[1:]), table.dtype)
    twice[: len(table)] = table
    return twice
