"""The SimPy model once more, as one loop over arrays that numba compiles.

How its parts answer to the lines of ``reference.py``:

=============================  =====================================================
here                           there
=============================  =====================================================
``slots`` (a row per lead in    ``Stay``, and the local variables of ``lead`` and ``visit``
the funnel)
``tasks`` (a row per piece of   the local variables of ``work``
work in hand)
``requests``, ``queues``        ``Request``, ``Desk.waiting``
``timers``                      SimPy's time-outs
"the next instant"              ``env.run``
"phase 1"                       ``opening_hours``, ``source``, and events coming due
"phase 2"                       ``Desk.grant``, and in ``work``: from the grant to ``finish``
``ENTER``                       a turn of the loop in ``way``; ``visit`` up to its first wait
``RESUME``, ``deal >= 0``       ``open_deal``, ``work_held``
``WAIT``                        ``wait``
``READY``, ``WORK``             ``efforts``, and in ``work``: up to the request
``RESOLVE``                     the rest of ``work``, and ``side_by_side``
``AFTER``, ``ROUTE``, ``LEAVE``  the rest of ``visit``
``ALARM``                       ``env.timeout``
=============================  =====================================================

The loop makes no arrays: where it runs out of rows it comes back (``MORE_ROOM``), is given
longer tables, and goes on where it was; ``registers`` remember where.

Within one instant changes commute, so the order in which timers come due does not matter:
they lie in *buckets* of time, and only those of the bucket at hand are sorted. A timer that
is no longer wanted stays there; its *token* tells it from the one that is.

Nothing is decided here that ``packing`` could settle; everything is whole numbers but the
sampling of lengths and the choice of branches, which add, multiply and compare.
"""

from __future__ import annotations

import numpy as np

from funnelsim.engine.draws import draw, sample, uniform
from funnelsim.engine.jit import compiled
from funnelsim.engine.layout import (
    AFTER,
    AFTER_WORK,
    AGE,
    ALARM,
    ANY,
    ARRIVED,
    ASKED,
    AT,
    AT_TIME,
    BECAME_READY,
    BEFORE_WORK,
    BEGUN,
    BREADTH,
    BUCKET,
    BUSY,
    CHILD,
    CLOSED,
    COST,
    D_CLOSED,
    D_DEADLINE,
    D_END,
    D_ENTERED,
    D_LASTED,
    D_NTH,
    D_PHASE,
    D_PIECE,
    D_PIECE_N,
    D_READY,
    D_STAGE,
    D_VISIT,
    D_WAITED,
    DEADLINE,
    DONE,
    DONE_ONCE,
    DUE,
    DWELL,
    E_DELAY,
    E_DRAWS,
    E_NAME,
    E_PLACE,
    E_PRIORITY,
    E_TEAM,
    E_TIMER,
    EDGE,
    EFFORT,
    EFFORT_ROWS,
    ENDED,
    ENDLESS,
    ENTER,
    ENTERED,
    ENTRIES,
    EPOCH,
    FINISH,
    FINISHED,
    FIRED,
    FIRST,
    FREE_REQUESTS,
    FREE_SLOTS,
    FREE_TIMERS,
    GAVE_UP,
    GIVEN_UP,
    HALT,
    HALTED,
    HURRIED,
    IDLE,
    IN_TIME,
    IN_WORK,
    ITS_EPOCH,
    ITS_TOKEN,
    KEEP,
    KEY,
    KINDS,
    KNOWN_FIRST,
    KNOWN_VALUE,
    LATE,
    LATE_EXIT,
    LATEST,
    LEAD,
    LEAVE,
    LEFT,
    LOST,
    M_COST,
    M_DEAL,
    M_DECIDES,
    M_KIND,
    M_NUMBER,
    M_PLACE,
    M_VALUE,
    MARK_ROWS,
    MARKED,
    MARKS,
    MIDWAY,
    MORE_ROOM,
    MOST_MARKS,
    MOVED,
    N_AGENDA,
    N_NEAR,
    NEXT,
    NEXT_CHANGE,
    NEXT_DEAL,
    NEXT_LEAD,
    NOTHING,
    NOW,
    NTH,
    OPEN,
    P_BEGUN,
    P_EFFORT,
    P_END,
    P_LASTED,
    P_QUEUED,
    PHASE,
    PLACE,
    PRESENT,
    PRIORITY,
    QUEUE,
    QUEUED,
    R_AGE,
    R_KINDS,
    R_OTHER,
    R_OTHER_N,
    R_STAY,
    R_TO,
    R_VISIT,
    R_WAIT,
    READY,
    REFUSED,
    RENEGED,
    RESOLVE,
    RESUME,
    ROUTE,
    RUNNING,
    S_ADVANCE,
    S_AFTER,
    S_BEFORE,
    S_DRAWS,
    S_EFFORT,
    S_EFFORT_N,
    S_JOIN,
    S_MARK,
    S_MARK_N,
    S_MOMENTS,
    S_MOMENTS_N,
    S_OPENING,
    S_PATIENCE,
    S_PATIENCE_TO,
    S_PLACE,
    S_REFUSED_TO,
    S_ROUTE,
    S_ROUTE_N,
    S_SHOCK,
    S_SHOCK_N,
    S_TIMEOUT,
    S_TIMEOUT_TO,
    SHIFT,
    SIBLING,
    SINCE,
    SLOT,
    STAFFED,
    STAGE,
    STAGES,
    STARTED,
    STATE,
    STEP,
    TEAMS,
    TICK,
    TICKS,
    TIMED_OUT,
    TOKEN,
    VALUE,
    VISIT,
    VISIT_ROWS,
    W_ADVANCE,
    W_AFTER,
    W_OTHER,
    W_REFUSE,
    W_WORK,
    WAIT,
    WAIT_TIME,
    WAITED,
    WAITING,
    WHAT,
    WHEN,
    WHO,
    WHOM,
    WIDTH,
    WITH,
    WORK,
    WORKING,
    WORST,
    WRONG,
    YOUNG,
)
from funnelsim.engine.plan import NEVER
from funnelsim.engine.queues import merged, sift_down, sift_up, without_first
from funnelsim.engine.timing import end, end_of, first_after, left, length, next_open, work_add
from funnelsim.worktime import FAR, WEEK

__all__ = ["close", "simulate"]

ROUNDS = 100_000  # visits in one instant that no chance explains
SIGN = np.uint64(1 << 63)
NO_WORD = np.uint64(0)


@compiled
def _money(tables, table, word):
    """An amount in minor units."""
    return np.int64(np.rint(sample(tables, table, word)))


@compiled
def _inside(begin, end, start):
    """The length of an interval after ``start``."""
    return max(end - max(begin, start), 0)


@compiled
def _book(tally, team, now, told, seats, busy, pauses):
    """Add up busy and staffed time of a team until now."""
    span = now - told[team]
    if span > 0:
        if not pauses or seats[team] > 0:
            tally[BUSY, team] += span * busy[team]
            tally[STAFFED, team] += span * max(seats[team], busy[team])
        told[team] = now


@compiled
def _note(agenda, n, step, who, token, when):
    """Write down what is to be done in this instant."""
    agenda[n, STEP], agenda[n, WITH], agenda[n, ITS_TOKEN], agenda[n, AT_TIME] = (
        step, who, token, when
    )  # fmt: skip
    return n + 1


@compiled
def _following(phase):
    """What comes after the delay of a phase."""
    if phase == BEFORE_WORK:
        return READY
    return WORK if phase == IN_WORK else ROUTE


@compiled
def _visit(rows, n, slots, slot, left, how, to):
    """Write the row of a visit."""
    rows[n, 0], rows[n, 1] = slots[slot, LEAD], slots[slot, VISIT]
    rows[n, 2], rows[n, 3] = slots[slot, STAGE], slots[slot, ENTERED]
    rows[n, 4], rows[n, 5], rows[n, 6], rows[n, 7] = slots[slot, BECAME_READY], left, how, to


@compiled
def _effort(rows, n, slots, slot, name, team, queued, begun, ended):  # noqa: PLR0913, PLR0917
    """Write the row of a piece of work."""
    rows[n, 0], rows[n, 1], rows[n, 2] = slots[slot, LEAD], slots[slot, VISIT], name
    rows[n, 3], rows[n, 4], rows[n, 5], rows[n, 6] = team, queued, begun, ended


@compiled
def _mark(rows, n, lead, visit, at, number, value, cost):
    """Write the row of a mark."""
    rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3] = lead, visit, at, number
    rows[n, 4], rows[n, 5] = value, cost


@compiled
def simulate(job, state):  # noqa: C901, PLR0912, PLR0915 - handing state on would cost more than the work
    """Run a replication until it is over, or until more room is needed.

    Parameters
    ----------
    job : Job
    state : State
        Changed.

    Returns
    -------
    int
        ``FINISHED``; ``ENDLESS`` (in the stage of register ``WRONG``); or ``MORE_ROOM`` or
        ``TICK``, and it wants to be called again.
    """
    packed = job.packed
    n_stages, n_teams, n_kinds = packed.size[STAGES], packed.size[TEAMS], packed.size[KINDS]
    breadth, shift = packed.size[BREADTH], packed.size[SHIFT]
    stages, efforts = packed.stages, packed.efforts
    refuse, share = packed.refuse, packed.share
    marks, routes, advance = packed.marks, packed.routes, packed.advance
    others, upto, kinds = packed.others, packed.upto, packed.kinds
    lengths, tables = packed.timers, packed.tables
    clocks, intervals, months = packed.clocks, packed.intervals, packed.months
    epochs, n_epochs, pauses = packed.epochs, packed.epochs.shape[0], packed.pauses
    start, since, until = job.span[0], job.span[1], job.span[2]
    seed, replication = job.luck[0], job.luck[1]
    key, arrived, changes = job.key, job.arrived, job.changes
    n_leads, n_changes = arrived.shape[0], changes.shape[0]
    wait_limit, age_limit = job.limits[0], job.limits[1]
    deals, pieces = job.known.deals, job.known.pieces
    n_deals = deals.shape[0]

    slots, nths, seen = state.slots, state.nths, state.seen
    tasks, tokens = state.tasks, state.tokens
    requests, timers, near, agenda = state.requests, state.timers, state.near, state.agenda
    free_slots, free_requests = state.free_slots, state.free_requests
    free_timers, buckets, queues = state.free_timers, state.buckets, state.queues
    seats, busy, told, due = state.seats, state.busy, state.told, state.due
    tally, course, registers = state.tally, state.course, state.registers
    n_buckets = buckets.shape[0]

    now, epoch = registers[NOW], registers[EPOCH]
    next_lead, next_change = registers[NEXT_LEAD], registers[NEXT_CHANGE]
    next_deal = registers[NEXT_DEAL]
    bucket, edge, width = registers[BUCKET], registers[EDGE], registers[WIDTH]
    midway, any_due = registers[MIDWAY] != 0, registers[DUE] != 0
    n_near, n_agenda = registers[N_NEAR], registers[N_AGENDA]
    n_free_slots, n_free_requests = registers[FREE_SLOTS], registers[FREE_REQUESTS]
    n_free_timers, keep = registers[FREE_TIMERS], registers[KEEP] != 0
    n_visits, n_efforts = registers[VISIT_ROWS], registers[EFFORT_ROWS]
    n_marks = registers[MARK_ROWS]
    most_visits, most_efforts = state.visits.shape[0], state.efforts.shape[0]
    most_marks = state.marks.shape[0] - packed.size[MOST_MARKS]
    most_agenda = agenda.shape[0] - breadth - 2
    status = FINISHED
    tick = False

    while status == FINISHED:
        if not midway:
            # --- the next instant
            now = arrived[next_lead] if next_lead < n_leads else LATEST
            if next_deal < n_deals:
                now = start
            if next_change < n_changes:
                now = min(now, changes[next_change, 0])
            if n_near > 0:
                now = min(now, near[0, 0])
            while now >= edge and bucket < n_buckets - 1:
                bucket += 1
                edge += 1 << width
                row = np.int64(buckets[bucket])
                while row >= 0:
                    following = timers[row, NEXT]
                    if timers[row, MARKED] == tokens[timers[row, WHOM]]:
                        near[n_near, 0], near[n_near, 1] = timers[row, WHEN], row
                        n_near += 1
                        sift_up(near, n_near)
                    else:
                        free_timers[n_free_timers] = row
                        n_free_timers += 1
                    row = following
                if n_near > 0:
                    now = min(now, near[0, 0])
                tick |= bucket & registers[TICKS] == 0
            if now >= until:
                break
            while epoch + 1 < n_epochs and epochs[epoch + 1] <= now:
                epoch += 1
            while next_change < n_changes and changes[next_change, 0] == now:
                team = changes[next_change, 1]
                _book(tally, team, now, told, seats, busy, pauses[0, team] >= 0)
                seats[team] = changes[next_change, 2]
                due[team] = any_due = True
                next_change += 1
            midway = True

        # --- phase 1: timers that come due, arrivals and what they cause, until nothing moves
        while True:
            if (
                n_free_slots == 0
                or n_free_timers == 0
                or n_free_requests < breadth
                or n_agenda > most_agenda
                or n_visits == most_visits
                or n_efforts == most_efforts
                or n_marks >= most_marks
            ):
                status = MORE_ROOM
                break
            task, to, result, deal = 0, -1, DONE, -1
            if n_agenda > 0:
                n_agenda -= 1
                step, whom = agenda[n_agenda, STEP], agenda[n_agenda, WITH]
                token, wake = agenda[n_agenda, ITS_TOKEN], agenda[n_agenda, AT_TIME]
                slot = whom >> shift
            elif n_near > 0 and near[0, 0] == now:
                row = near[0, 1]
                sift_down(near, n_near)
                n_near -= 1
                free_timers[n_free_timers] = row
                n_free_timers += 1
                step, whom, token, wake = FIRED, timers[row, WHOM], timers[row, MARKED], now
                slot = whom >> shift
            elif next_lead < n_leads and arrived[next_lead] == now:
                n_free_slots -= 1
                slot = free_slots[n_free_slots]
                step, whom, token, wake = ENTER, slot << shift, 0, now
                for i in range(SLOT):
                    slots[slot, i] = 0
                for i in range(n_stages):
                    nths[slot, i] = 0
                for i in range(n_kinds):
                    seen[slot, i] = 0
                slots[slot, LEAD] = next_lead
                slots[slot, STAGE] = packed.entries[epoch, job.source[next_lead]]
                if now >= since:
                    tally[ARRIVED, job.source[next_lead]] += 1
                if job.cost[next_lead] >= 0:
                    kind = job.acquired[1]
                    seen[slot, kind] = 1
                    if now >= since:
                        tally[MARKS, kind] += 1
                        tally[COST, kind] += job.cost[next_lead]
                        tally[FIRST, kind] += 1
                        tally[YOUNG, kind] += age_limit >= 0
                        course[0, (now - since) // WEEK, kind] += 1
                    if keep:
                        _mark(
                            state.marks, n_marks, next_lead, 1, now, job.acquired[0], -1,
                            job.cost[next_lead],
                        )  # fmt: skip
                        n_marks += 1
                next_lead += 1
            elif next_deal < n_deals:
                deal = next_deal
                next_deal += 1
                n_free_slots -= 1
                slot = free_slots[n_free_slots]
                step, whom, token, wake = ENTER, slot << shift, 0, now
                for i in range(SLOT):
                    slots[slot, i] = 0
                for i in range(n_stages):
                    nths[slot, i] = job.known.nths[deal, i]
                for i in range(n_kinds):
                    seen[slot, i] = job.known.marked[deal, i]
                slots[slot, LEAD] = deal
                slots[slot, STAGE], slots[slot, VISIT] = deals[deal, D_STAGE], deals[deal, D_VISIT]
                slots[slot, NTH], slots[slot, WAITED] = deals[deal, D_NTH], deals[deal, D_WAITED]
                slots[slot, ENTERED] = deals[deal, D_ENTERED]
                slots[slot, BECAME_READY] = deals[deal, D_READY]
                slots[slot, DEADLINE] = deals[deal, D_DEADLINE]
                slots[slot, CLOSED] = deals[deal, D_CLOSED]
                if arrived[deal] >= since:
                    tally[ARRIVED, job.source[deal]] += 1
            else:
                break

            if step == ALARM:
                step = NOTHING
                if wake < until:
                    n_free_timers -= 1
                    row = free_timers[n_free_timers]
                    timers[row, WHEN], timers[row, WHOM], timers[row, MARKED] = wake, whom, token
                    if wake < edge:
                        near[n_near, 0], near[n_near, 1] = wake, row
                        n_near += 1
                        sift_up(near, n_near)
                    else:
                        there = (wake - start) >> width
                        timers[row, NEXT] = buckets[there]
                        buckets[there] = row
            elif step == FIRED:
                if token != tokens[whom]:
                    step = NOTHING
                elif whom - (slot << shift) > 0:
                    step, task = RESOLVE, whom
                else:
                    tokens[whom] += 1
                    if slots[slot, LATE]:
                        step, result = LEAVE, TIMED_OUT
                    else:
                        step = _following(slots[slot, PHASE])

            while step != NOTHING:
                lead, at = slots[slot, LEAD], slots[slot, AT]

                if step == ENTER:
                    number = slots[slot, STAGE]
                    at = epoch * n_stages + number
                    slots[slot, AT], slots[slot, ITS_EPOCH] = at, epoch
                    slots[slot, ASKED] = 0
                    first = n = stages[at, S_MARK]
                    phase = BEFORE_WORK
                    if deal >= 0:
                        phase = deals[deal, D_PHASE]
                    else:
                        n += stages[at, S_MARK_N]
                        slots[slot, VISIT] += 1
                        nths[slot, number] += 1
                        slots[slot, NTH] = nths[slot, number]
                        slots[slot, ENTERED], slots[slot, BECAME_READY] = now, NEVER
                        slots[slot, WAITED], slots[slot, EFFORT] = 0, 0
                    nth = np.uint64(slots[slot, NTH] - 1)
                    if slots[slot, ENTERED] >= since:
                        tally[ENTRIES, number] += 1
                    for mark in range(first, n):
                        value = job.value[lead] if marks[mark, M_DEAL] else -1
                        cost = -1
                        if marks[mark, M_VALUE] >= 0 or marks[mark, M_COST] >= 0:
                            place = np.uint64(marks[mark, M_PLACE])
                            w0, w1, w2, w3 = draw(seed, key[lead], place, nth, replication)
                            if marks[mark, M_VALUE] >= 0:
                                value = _money(tables, marks[mark, M_VALUE], w0)
                            if marks[mark, M_COST] >= 0:
                                cost = _money(tables, marks[mark, M_COST], w1)
                        kind = marks[mark, M_KIND]
                        if now >= since:
                            week = (now - since) // WEEK
                            tally[MARKS, kind] += 1
                            tally[VALUE, kind] += max(value, 0)
                            tally[COST, kind] += max(cost, 0)
                            course[1, week, kind] += max(value, 0)
                            if lead < n_deals:
                                tally[KNOWN_VALUE, kind] += max(value, 0)
                                tally[KNOWN_FIRST, kind] += not seen[slot, kind]
                            if not seen[slot, kind]:
                                age = now - arrived[lead]
                                tally[FIRST, kind] += 1
                                tally[AGE, kind] += age
                                tally[YOUNG, kind] += age <= age_limit
                                course[0, week, kind] += 1
                        seen[slot, kind] = 1
                        if marks[mark, M_DECIDES] and not slots[slot, CLOSED]:
                            slots[slot, CLOSED] = 1
                            tally[OPEN, 0] += _inside(arrived[lead], now, since)
                        if keep:
                            _mark(
                                state.marks, n_marks, lead, slots[slot, VISIT], now,
                                marks[mark, M_NUMBER], value, cost,
                            )  # fmt: skip
                            n_marks += 1
                    w0 = NO_WORD
                    if stages[at, S_DRAWS]:
                        place = np.uint64(stages[at, S_PLACE])
                        w0, w1, w2, w3 = draw(seed, key[lead], place, nth, replication)
                        slots[slot, W_AFTER] = np.int64(w1)
                        slots[slot, W_ADVANCE] = np.int64(w2)
                        slots[slot, W_OTHER] = np.int64(w3)
                    if deal < 0:
                        slots[slot, DEADLINE] = FAR
                    if deal < 0 and stages[at, S_TIMEOUT] >= 0:
                        slots[slot, DEADLINE] = end(
                            lengths, tables, clocks, intervals, months,
                            stages[at, S_TIMEOUT], now, NO_WORD,
                        )  # fmt: skip
                    wake = now
                    timer = stages[at, S_AFTER] if phase == AFTER_WORK else stages[at, S_BEFORE]
                    if deal >= 0 and phase != IN_WORK and timer >= 0:
                        wake = end_of(
                            lengths, tables, clocks, intervals, timer, now,
                            np.uint64(slots[slot, W_AFTER]) if phase == AFTER_WORK else w0,
                            job.known.chance[deal], deals[deal, D_LASTED], deals[deal, D_END],
                        )  # fmt: skip
                    elif stages[at, S_BEFORE] >= 0:
                        wake = end(
                            lengths, tables, clocks, intervals, months,
                            stages[at, S_BEFORE], now, w0,
                        )  # fmt: skip
                    slots[slot, PHASE] = phase
                    if phase == IN_WORK:
                        step = RESUME
                        continue
                    if phase == AFTER_WORK:
                        step = WAIT if timer >= 0 else ROUTE
                        continue
                    if stages[at, S_OPENING] >= 0:
                        clock = stages[at, S_OPENING]
                        wake = next_open(intervals, clocks[clock, 0], clocks[clock, 1], wake)
                    elif stages[at, S_MOMENTS] >= 0:
                        first, n = stages[at, S_MOMENTS], stages[at, S_MOMENTS_N]
                        row = first_after(packed.moments, first, n, wake - 1)
                        wake = packed.moments[row] if row < first + n else FAR
                    step = WAIT

                elif step == RESUME:
                    # work that was in hand or waited for when the run began
                    slots[slot, RUNNING], slots[slot, WORST] = deals[deal, D_PIECE_N], DONE
                    step = NOTHING
                    first = deals[deal, D_PIECE]
                    for piece in range(first, first + deals[deal, D_PIECE_N]):
                        effort = stages[at, S_EFFORT] + pieces[piece, P_EFFORT]
                        slots[slot, EFFORT] = pieces[piece, P_EFFORT]
                        task = (slot << shift) + 1
                        if stages[at, S_JOIN] > 0:
                            task += pieces[piece, P_EFFORT]
                        place, team = np.uint64(efforts[effort, E_PLACE]), efforts[effort, E_TEAM]
                        nth = np.uint64(slots[slot, NTH] - 1)
                        w0, w1, w2, w3 = draw(seed, key[lead], place, nth, replication)
                        queued, begun = pieces[piece, P_QUEUED], pieces[piece, P_BEGUN]
                        chance, lasted = job.known.chances[piece], pieces[piece, P_LASTED]
                        if queued == NEVER:  # its delay is running
                            wake = end_of(
                                lengths, tables, clocks, intervals, efforts[effort, E_DELAY],
                                now, w1, chance, lasted, pieces[piece, P_END],
                            )  # fmt: skip
                            slots[slot, ASKED] = 1
                            step = WAIT
                            continue
                        tasks[task, WHAT], tasks[task, QUEUED] = effort, queued
                        tasks[task, LOST], tasks[task, FINISH] = FAR, FAR
                        tasks[task, W_WORK], tasks[task, W_REFUSE] = np.int64(w0), np.int64(w1)
                        limit = slots[slot, DEADLINE]
                        if begun != NEVER:
                            tasks[task, STATE], tasks[task, BEGUN] = WORKING, begun
                            busy[team] += 1
                            work = left(
                                lengths, tables, efforts[effort, E_TIMER], w0, chance, lasted
                            )
                            finish = now + work
                            clock = pauses[epoch, team]
                            if clock >= 0:
                                finish = work_add(
                                    intervals, clocks[clock, 0], clocks[clock, 1], now, work
                                )
                            tasks[task, FINISH] = finish
                            limit = min(limit, finish)
                            if begun >= since:
                                tally[STARTED, team] += 1
                                tally[WAIT_TIME, team] += begun - queued
                                tally[IN_TIME, team] += begun - queued <= wait_limit
                        else:
                            tasks[task, STATE] = WAITING
                            if stages[at, S_PATIENCE] >= 0:
                                tasks[task, LOST] = end_of(
                                    lengths, tables, clocks, intervals, stages[at, S_PATIENCE],
                                    now, w2, chance, lasted, pieces[piece, P_END],
                                )  # fmt: skip
                                limit = min(limit, tasks[task, LOST])
                            n_free_requests -= 1
                            row = free_requests[n_free_requests]
                            requests[row, PRIORITY] = efforts[effort, E_PRIORITY]
                            requests[row, SINCE] = queued
                            requests[row, KEY] = np.int64(key[lead] ^ SIGN)
                            requests[row, PLACE] = np.int64(place ^ SIGN)
                            requests[row, WHO], requests[row, TOKEN] = task, tokens[task]
                            requests[row, CHILD] = requests[row, SIBLING] = -1
                            queues[team] = merged(requests, queues[team], row)
                            due[team] = any_due = True
                        what = ALARM if limit > now else FIRED
                        if limit < until:
                            n_agenda = _note(agenda, n_agenda, what, task, tokens[task], limit)

                elif step == WAIT:
                    # let time pass, but not beyond the deadline
                    late = wake > slots[slot, DEADLINE]
                    wake = min(wake, slots[slot, DEADLINE])
                    if wake > now:
                        slots[slot, LATE] = late
                        whom = slot << shift
                        n_agenda = _note(agenda, n_agenda, ALARM, whom, tokens[whom], wake)
                        step = NOTHING
                    elif late:
                        step, result = LEAVE, TIMED_OUT
                    else:
                        step = _following(slots[slot, PHASE])

                elif step == READY:
                    slots[slot, BECAME_READY], slots[slot, RUNNING] = now, 0
                    slots[slot, WORST], slots[slot, DONE_ONCE], slots[slot, HALTED] = DONE, 0, 0
                    step = WORK if stages[at, S_EFFORT_N] > 0 else AFTER

                elif step == WORK:
                    # queue for the next piece of work, or for all of them
                    together = stages[at, S_JOIN] > 0
                    first = 0 if together else slots[slot, EFFORT]
                    n = stages[at, S_EFFORT_N] if together else first + 1
                    nth = np.uint64(slots[slot, NTH] - 1)
                    step = NOTHING
                    for j in range(first, n):
                        effort = stages[at, S_EFFORT] + j
                        task = (slot << shift) + 1 + (j if together else 0)
                        place = np.uint64(efforts[effort, E_PLACE])
                        patience = stages[at, S_PATIENCE]
                        w0 = w1 = w2 = w3 = NO_WORD
                        if efforts[effort, E_DRAWS] or patience >= 0:
                            w0, w1, w2, w3 = draw(seed, key[lead], place, nth, replication)
                        asked = slots[slot, ASKED]
                        if share[effort] < 1 and not asked and uniform(w3) >= share[effort]:
                            # not needed: on to the next
                            tasks[task, STATE] = IDLE
                            if not together:
                                slots[slot, EFFORT] += 1
                                step = WORK if n < stages[at, S_EFFORT_N] else AFTER
                            continue
                        slots[slot, ASKED] = 0
                        if efforts[effort, E_DELAY] >= 0 and not asked:
                            wake = end(
                                lengths, tables, clocks, intervals, months,
                                efforts[effort, E_DELAY], now, w1,
                            )  # fmt: skip
                            slots[slot, ASKED], slots[slot, PHASE] = 1, IN_WORK
                            step = WAIT
                            continue
                        slots[slot, RUNNING] += 1
                        lost = FAR
                        if patience >= 0:
                            lost = end(
                                lengths, tables, clocks, intervals, months, patience, now, w2
                            )
                        tasks[task, WHAT], tasks[task, LOST], tasks[task, FINISH] = (
                            effort,
                            lost,
                            FAR,
                        )
                        tasks[task, W_WORK], tasks[task, W_REFUSE] = np.int64(w0), np.int64(w1)
                        limit = min(slots[slot, DEADLINE], lost)
                        if limit <= now:  # over before it is asked for
                            tasks[task, STATE] = IDLE
                            step = RESOLVE
                            if together:
                                n_agenda = _note(agenda, n_agenda, FIRED, task, tokens[task], now)
                            continue
                        tasks[task, STATE], tasks[task, QUEUED] = WAITING, now
                        n_free_requests -= 1
                        row = free_requests[n_free_requests]
                        team = efforts[effort, E_TEAM]
                        requests[row, PRIORITY] = efforts[effort, E_PRIORITY]
                        requests[row, SINCE] = now
                        requests[row, KEY] = np.int64(key[lead] ^ SIGN)
                        requests[row, PLACE] = np.int64(place ^ SIGN)
                        requests[row, WHO], requests[row, TOKEN] = task, tokens[task]
                        requests[row, CHILD] = requests[row, SIBLING] = -1
                        queues[team] = merged(requests, queues[team], row)
                        due[team] = any_due = True
                        if limit < until:
                            n_agenda = _note(agenda, n_agenda, ALARM, task, tokens[task], limit)
                    if together:
                        step = NOTHING if slots[slot, RUNNING] > 0 else AFTER

                elif step == RESOLVE:
                    # work ends, or is given up, or never began
                    effort, team = tasks[task, WHAT], efforts[tasks[task, WHAT], E_TEAM]
                    tokens[task] += 1
                    if slots[slot, DEADLINE] <= now:
                        result = TIMED_OUT
                    elif tasks[task, STATE] != WORKING and tasks[task, LOST] <= now:
                        result = RENEGED
                    else:
                        result = HALT
                    begun = NEVER
                    if tasks[task, STATE] == WORKING:
                        begun = tasks[task, BEGUN]
                        _book(tally, team, now, told, seats, busy, pauses[0, team] >= 0)
                        busy[team] -= 1
                        due[team] = any_due = True
                        if tasks[task, FINISH] <= now:
                            chance = uniform(np.uint64(tasks[task, W_REFUSE]))
                            result = REFUSED if chance < refuse[effort] else DONE
                    elif tasks[task, STATE] == WAITING:
                        if now >= since:
                            tally[GIVEN_UP, team] += 1
                        tally[QUEUE, team] += _inside(tasks[task, QUEUED], now, since)
                    if keep and tasks[task, STATE] != IDLE:
                        _effort(
                            state.efforts, n_efforts, slots, slot, efforts[effort, E_NAME], team,
                            tasks[task, QUEUED], begun, now,
                        )  # fmt: skip
                        n_efforts += 1
                    tasks[task, STATE] = IDLE
                    step = LEAVE
                    if stages[at, S_JOIN] == 0:
                        if result == DONE:
                            slots[slot, EFFORT] += 1
                            more = slots[slot, EFFORT] < stages[at, S_EFFORT_N]
                            step = WORK if more else AFTER
                    else:
                        # side by side: what is decided stops the rest
                        slots[slot, RUNNING] -= 1
                        slots[slot, WORST] = min(slots[slot, WORST], result)
                        slots[slot, DONE_ONCE] |= result == DONE
                        decided = result != DONE or stages[at, S_JOIN] == ANY
                        if decided and not slots[slot, HALTED]:
                            slots[slot, HALTED] = 1
                            for j in range(1, stages[at, S_EFFORT_N] + 1):
                                whom = (slot << shift) + j
                                if tasks[whom, STATE] != IDLE:
                                    n_agenda = _note(
                                        agenda, n_agenda, FIRED, whom, tokens[whom], now
                                    )
                        if slots[slot, RUNNING] > 0:
                            step = NOTHING
                        else:
                            result = slots[slot, WORST]
                            if stages[at, S_JOIN] == ANY and slots[slot, DONE_ONCE]:
                                result = DONE
                            step = AFTER if result == DONE else LEAVE

                elif step == AFTER:
                    step = ROUTE
                    if stages[at, S_AFTER] >= 0:
                        wake = end(
                            lengths, tables, clocks, intervals, months,
                            stages[at, S_AFTER], now, np.uint64(slots[slot, W_AFTER]),
                        )  # fmt: skip
                        slots[slot, PHASE] = AFTER_WORK
                        step = WAIT

                elif step == ROUTE:
                    step, result = LEAVE, DONE
                    if stages[at, S_ROUTE_N] > 0:
                        age, stay = now - arrived[lead], now - slots[slot, ENTERED]
                        route = stages[at, S_ROUTE]
                        while (
                            (
                                routes[route, R_KINDS] >= 0
                                and not kinds[routes[route, R_KINDS], job.kind[lead]]
                            )
                            or slots[slot, NTH] < routes[route, R_VISIT]
                            or age < routes[route, R_AGE]
                            or slots[slot, WAITED] < routes[route, R_WAIT]
                            or stay < routes[route, R_STAY]
                        ):
                            route += 1
                        to, n = routes[route, R_TO], routes[route, R_OTHER_N]
                        if n > 0:
                            p = advance[route]
                            odds = 1.0
                            for i in range(stages[at, S_SHOCK_N]):
                                shock = packed.stage_shocks[stages[at, S_SHOCK] + i]
                                first = packed.shocks[shock, 0]
                                row = first_after(
                                    packed.periods, first, packed.shocks[shock, 1], now
                                )
                                odds *= job.factors[max(row - 1, first)]
                            if odds != 1.0:
                                p = p * odds / (1 - p + p * odds)
                            if uniform(np.uint64(slots[slot, W_ADVANCE])) >= p:
                                u = uniform(np.uint64(slots[slot, W_OTHER]))
                                row = routes[route, R_OTHER]
                                last = row + n - 1
                                while row < last and u >= upto[row]:
                                    row += 1
                                to = others[row]

                else:  # LEAVE
                    number = slots[slot, STAGE]
                    how = MOVED
                    if result == TIMED_OUT:
                        how, to = LATE_EXIT, stages[at, S_TIMEOUT_TO]
                    elif result == RENEGED:
                        how, to = GAVE_UP, stages[at, S_PATIENCE_TO]
                    elif result == REFUSED:
                        to = stages[at, S_REFUSED_TO]
                    elif stages[at, S_ROUTE_N] == 0:
                        how, to = ENDED, -1
                    entered = slots[slot, ENTERED]
                    if now >= since:
                        advanced = how == MOVED and to == stages[at, S_ADVANCE]
                        tally[LEFT + (0 if advanced else how), number] += 1
                        tally[DWELL, number] += now - entered
                    tally[PRESENT, number] += _inside(entered, now, since)
                    if keep:
                        _visit(state.visits, n_visits, slots, slot, now, how, to)
                        n_visits += 1
                    slots[slot, HURRIED] = slots[slot, HURRIED] + 1 if entered == now else 0
                    if slots[slot, HURRIED] > ROUNDS:
                        status, registers[WRONG] = ENDLESS, number
                    if to >= 0:
                        slots[slot, STAGE] = to
                        n_agenda = _note(agenda, n_agenda, ENTER, slot << shift, 0, now)
                    else:
                        if not slots[slot, CLOSED]:
                            tally[OPEN, 0] += _inside(arrived[lead], now, since)
                        slots[slot, LEAD] = -1
                        free_slots[n_free_slots] = slot
                        n_free_slots += 1
                    step = NOTHING
            if status == ENDLESS:
                break
        if status != FINISHED:
            break

        # --- phase 2: free seats go to those who wait
        midway = any_due
        any_due = False
        for team in range(n_teams if midway else 0):
            if not due[team]:
                continue
            due[team] = False
            while busy[team] < seats[team] and queues[team] >= 0:
                row = queues[team]
                queues[team] = without_first(requests, row)
                free_requests[n_free_requests] = row
                n_free_requests += 1
                task = requests[row, WHO]
                if requests[row, TOKEN] != tokens[task]:
                    continue  # given up
                _book(tally, team, now, told, seats, busy, pauses[0, team] >= 0)
                busy[team] += 1
                slot = task >> shift
                effort, queued = tasks[task, WHAT], tasks[task, QUEUED]
                tasks[task, STATE], tasks[task, BEGUN] = WORKING, now
                slots[slot, WAITED] += now - queued
                tally[QUEUE, team] += _inside(queued, now, since)
                if now >= since:
                    tally[STARTED, team] += 1
                    tally[WAIT_TIME, team] += now - queued
                    tally[IN_TIME, team] += now - queued <= wait_limit
                word = np.uint64(tasks[task, W_WORK])
                work = length(lengths, tables, efforts[effort, E_TIMER], word)
                finish = now + work
                clock = pauses[slots[slot, ITS_EPOCH], team]
                if clock >= 0:
                    finish = work_add(intervals, clocks[clock, 0], clocks[clock, 1], now, work)
                tasks[task, FINISH] = finish
                tokens[task] += 1
                wake = min(finish, slots[slot, DEADLINE])
                what = ALARM if finish > now else FIRED
                n_agenda = _note(agenda, n_agenda, what, task, tokens[task], wake)
        if tick and not midway:
            status = TICK

    registers[NOW], registers[EPOCH] = now, epoch
    registers[NEXT_LEAD], registers[NEXT_CHANGE] = next_lead, next_change
    registers[NEXT_DEAL] = next_deal
    registers[BUCKET], registers[EDGE] = bucket, edge
    registers[MIDWAY], registers[DUE] = midway, any_due
    registers[N_NEAR], registers[N_AGENDA] = n_near, n_agenda
    registers[FREE_SLOTS], registers[FREE_REQUESTS] = n_free_slots, n_free_requests
    registers[FREE_TIMERS] = n_free_timers
    registers[VISIT_ROWS], registers[EFFORT_ROWS] = n_visits, n_efforts
    registers[MARK_ROWS] = n_marks
    return status


@compiled
def close(job, state):
    """Book what is still going on when the window ends; there is room for all of it."""
    packed, slots, tasks = job.packed, state.slots, state.tasks
    since, until, shift = job.span[1], job.span[2], packed.size[SHIFT]
    tally, registers = state.tally, state.registers
    for team in range(packed.size[TEAMS]):
        pauses = packed.pauses[0, team] >= 0
        _book(tally, team, until, state.told, state.seats, state.busy, pauses)
    for slot in range(slots.shape[0]):
        lead = slots[slot, LEAD]
        if lead < 0:
            continue
        if not slots[slot, CLOSED]:
            tally[OPEN, 0] += _inside(job.arrived[lead], until, since)
        tally[PRESENT, slots[slot, STAGE]] += _inside(slots[slot, ENTERED], until, since)
        if registers[KEEP]:
            _visit(state.visits, registers[VISIT_ROWS], slots, slot, NEVER, 0, -1)
            registers[VISIT_ROWS] += 1
        for task in range((slot << shift) + 1, (slot + 1) << shift):
            if tasks[task, STATE] == IDLE:
                continue
            effort = tasks[task, WHAT]
            team = packed.efforts[effort, E_TEAM]
            begun = NEVER
            if tasks[task, STATE] == WORKING:
                begun = tasks[task, BEGUN]
            else:
                tally[QUEUE, team] += _inside(tasks[task, QUEUED], until, since)
            if registers[KEEP]:
                _effort(
                    state.efforts, registers[EFFORT_ROWS], slots, slot,
                    packed.efforts[effort, E_NAME], team, tasks[task, QUEUED], begun, NEVER,
                )  # fmt: skip
                registers[EFFORT_ROWS] += 1
