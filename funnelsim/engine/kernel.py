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
``ENTER``                       a turn of the loop in ``lead``; ``visit`` up to its first wait
``WAIT``                        ``wait``
``READY``, ``WORK``             ``efforts``, and in ``work``: up to the request
``RESOLVE``                     the rest of ``work``, and ``side_by_side``
``AFTER``, ``ROUTE``, ``LEAVE``  the rest of ``visit``
``ALARM``                       ``env.timeout``
=============================  =====================================================

Within one instant changes commute, so the order in which timers come due does not matter:
they lie in *buckets* of time, and only those of the bucket at hand are sorted. A timer that
is no longer wanted stays there; its *token* tells it from the one that is.

Nothing is decided here that ``packing`` could settle; everything is whole numbers but the
sampling of lengths and the choice of branches, which add, multiply and compare.
"""

from __future__ import annotations

import numpy as np

from funnelsim.engine.draws import draw, sample, uniform
from funnelsim.engine.jit import compiled, inlined
from funnelsim.engine.plan import NEVER
from funnelsim.worktime import FAR, WEEK

__all__ = ["ENDLESS", "OK", "STOPPED", "simulate"]

OK, ENDLESS, STOPPED = 0, 1, 2
_ROUNDS = 100_000  # visits in one instant that no chance explains

_LATEST = 2**63 - 1
_SIGN = np.uint64(1 << 63)
_U0 = np.uint64(0)

# --- columns of slots
LEAD, AT, STAGE, VISIT, NTH, ENTERED, BECAME_READY, DEADLINE, WAITED, PHASE, LATE = range(11)
W_AFTER, W_ADVANCE, W_OTHER, EFFORT, RUNNING, WORST, DONE_ONCE, HALTED, SEEN, CLOSED, HURRIED = (
    range(11, 22)
)
SLOT = 22
BEFORE_WORK, AFTER_WORK = 0, 1  # PHASE
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

# --- what is to be done with a slot or task
ENTER, WAIT, READY, WORK, AFTER, ROUTE, LEAVE, RESOLVE, FIRED, ALARM, NOTHING = range(11)

# --- how a step ended, as ``reference.Result``
REFUSED, TIMED_OUT, RENEGED, HALT, DONE = range(5)
# --- how a visit ends, as ``plan.EXITS``
MOVED, LATE_EXIT, GAVE_UP, ENDED = range(1, 5)

# --- rows of the tally, as ``tally.Tally``
(
    ARRIVED, ENTRIES, DWELL, PRESENT, STARTED, WAIT_TIME, IN_TIME, GIVEN_UP, QUEUE, BUSY, STAFFED,
    MARKS, VALUE, COST, FIRST, AGE, YOUNG, OPEN, LEFT,
) = range(19)  # fmt: skip
SUMS = LEFT + 5

# --- columns of packed tables (see ``packing``)
(
    S_PLACE, S_BEFORE, S_OPENING, S_MOMENTS, S_MOMENTS_N, S_EFFORT, S_EFFORT_N, S_JOIN,
    S_REFUSED_TO, S_PATIENCE, S_PATIENCE_TO, S_AFTER, S_TIMEOUT, S_TIMEOUT_TO, S_MARK, S_MARK_N,
    S_ROUTE, S_ROUTE_N, S_SHOCK, S_SHOCK_N, S_ADVANCE, S_DRAWS,
) = range(22)  # fmt: skip
ANY = 2  # S_JOIN
E_PLACE, E_TEAM, E_PRIORITY, E_TIMER, E_NAME = range(5)
M_PLACE, M_NUMBER, M_KIND, M_DECIDES, M_DEAL, M_VALUE, M_COST = range(7)
R_KINDS, R_VISIT, R_AGE, R_WAIT, R_TO, R_OTHER, R_OTHER_N = range(7)
T_CONSTANT, T_TABLE, T_CLOCK, T_MONTH, T_MONTH_N = range(5)


@compiled
def _more(table):
    """A table twice as long, with the same rows at its beginning."""
    longer = np.empty((2 * table.shape[0], table.shape[1]), table.dtype)
    longer[: table.shape[0]] = table
    return longer


@compiled
def _last_row(rows, first, n, instant):
    """The last of ``n`` rows from ``first`` that begins at or before an instant; -1 if none."""
    low, high = first, first + n
    while low < high:
        middle = (low + high) >> 1
        if rows[middle, 0] <= instant:
            low = middle + 1
        else:
            high = middle
    return low - 1


@compiled
def _first_after(sorted_numbers, first, n, number):
    """Where in a sorted stretch the first greater number stands."""
    low, high = first, first + n
    while low < high:
        middle = (low + high) >> 1
        if sorted_numbers[middle] <= number:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _work_add(intervals, first, n, start, work):
    """As ``WorkTime.add``."""
    if work == 0:
        return start
    at = _last_row(intervals, first, n, start)
    target = work
    if at >= first:
        target += intervals[at, 2] + min(start, intervals[at, 1]) - intervals[at, 0]
    low, high = max(at, first), first + n
    while low < high:  # the last interval with less open time before it than that
        middle = (low + high) >> 1
        if intervals[middle, 2] <= target - 1:
            low = middle + 1
        else:
            high = middle
    last = low - 1
    if n == 0:
        return FAR
    if last == first + n - 1 and target > (
        intervals[last, 2] + intervals[last, 1] - intervals[last, 0]
    ):
        return FAR
    return intervals[last, 0] + target - intervals[last, 2]


@compiled
def _next_open(intervals, first, n, instant):
    """As ``WorkTime.next_open``."""
    at = _last_row(intervals, first, n, instant)
    if at >= first and instant < intervals[at, 1]:
        return instant
    return intervals[at + 1, 0] if at + 1 < first + n else FAR


@compiled
def _length(timers, tables, timer, word):
    """As ``Timer.length``."""
    if timers[timer, T_CONSTANT] >= 0:
        return timers[timer, T_CONSTANT]
    return np.int64(np.rint(min(sample(tables, timers[timer, T_TABLE], word), np.float64(FAR))))


@compiled
def _end(timers, tables, clocks, intervals, months, timer, start, word):
    """As ``Timer.end``."""
    if timers[timer, T_MONTH_N] > 0:
        first = timers[timer, T_MONTH]
        return start + months[_last_row(months, first, timers[timer, T_MONTH_N], start), 1]
    length = _length(timers, tables, timer, word)
    clock = timers[timer, T_CLOCK]
    if clock < 0:
        return start + length
    return _work_add(intervals, clocks[clock, 0], clocks[clock, 1], start, length)


@compiled
def _money(tables, table, word):
    """An amount in minor units."""
    return np.int64(np.rint(sample(tables, table, word)))


@inlined
def _before(requests, one, other):
    """Whether a request is served before another."""
    if requests[one, PRIORITY] != requests[other, PRIORITY]:
        return requests[one, PRIORITY] < requests[other, PRIORITY]
    if requests[one, SINCE] != requests[other, SINCE]:
        return requests[one, SINCE] < requests[other, SINCE]
    if requests[one, KEY] != requests[other, KEY]:
        return requests[one, KEY] < requests[other, KEY]
    return requests[one, PLACE] < requests[other, PLACE]


@compiled
def _merged(requests, one, other):
    """Two queues (pairing heaps) as one; -1 is an empty queue."""
    if one < 0:
        return other
    if other < 0:
        return one
    if _before(requests, other, one):
        one, other = other, one
    requests[other, SIBLING] = requests[one, CHILD]
    requests[one, CHILD] = other
    return one


@compiled
def _without_first(requests, first):
    """A queue without its first request: pairs from left to right, then all together."""
    pairs = -1
    at = requests[first, CHILD]
    while at >= 0:
        following = requests[at, SIBLING]
        requests[at, SIBLING] = -1
        if following >= 0:
            after = requests[following, SIBLING]
            requests[following, SIBLING] = -1
            at = _merged(requests, at, following)
        else:
            after = -1
        requests[at, SIBLING] = pairs
        pairs = at
        at = after
    queue = -1
    while pairs >= 0:
        following = requests[pairs, SIBLING]
        requests[pairs, SIBLING] = -1
        queue = _merged(requests, queue, pairs)
        pairs = following
    return queue


@compiled
def _sift_up(near, n):
    """Put the last of ``n`` timers near at hand in its place."""
    i = n - 1
    when, row = near[i, 0], near[i, 1]
    while i > 0:
        above = (i - 1) >> 1
        if near[above, 0] <= when:
            break
        near[i, 0], near[i, 1] = near[above, 0], near[above, 1]
        i = above
    near[i, 0], near[i, 1] = when, row


@compiled
def _sift_down(near, n):
    """Take out the first of ``n`` timers near at hand."""
    when, row = near[n - 1, 0], near[n - 1, 1]
    n -= 1
    i = 0
    while True:
        below = 2 * i + 1
        if below >= n:
            break
        if below + 1 < n and near[below + 1, 0] < near[below, 0]:
            below += 1
        if near[below, 0] >= when:
            break
        near[i, 0], near[i, 1] = near[below, 0], near[below, 1]
        i = below
    near[i, 0], near[i, 1] = when, row


@inlined
def _note(agenda, n, step, who, token, when):
    """Write down what is to be done in this instant."""
    agenda[n, STEP], agenda[n, WITH], agenda[n, ITS_TOKEN], agenda[n, AT_TIME] = (
        step, who, token, when
    )  # fmt: skip
    return n + 1


@inlined
def _visit(rows, n, slots, slot, left, how, to):
    """Write the row of a visit."""
    rows[n, 0], rows[n, 1] = slots[slot, LEAD], slots[slot, VISIT]
    rows[n, 2], rows[n, 3] = slots[slot, STAGE], slots[slot, ENTERED]
    rows[n, 4], rows[n, 5], rows[n, 6], rows[n, 7] = slots[slot, BECAME_READY], left, how, to
    return n + 1


@inlined
def _effort(rows, n, slots, slot, name, team, queued, begun, ended):  # noqa: PLR0913, PLR0917
    """Write the row of a piece of work."""
    rows[n, 0], rows[n, 1], rows[n, 2] = slots[slot, LEAD], slots[slot, VISIT], name
    rows[n, 3], rows[n, 4], rows[n, 5], rows[n, 6] = team, queued, begun, ended
    return n + 1


@inlined
def _mark(rows, n, lead, visit, at, number, value, cost):
    """Write the row of a mark."""
    rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3] = lead, visit, at, number
    rows[n, 4], rows[n, 5] = value, cost
    return n + 1


@inlined
def _inside(begin, end, start):
    """The length of an interval after ``start``."""
    return max(end - max(begin, start), 0)


@inlined
def _book(tally, team, now, told, seats, busy, pauses):
    """Add up busy and staffed time of a team until now."""
    span = now - told[team]
    if span > 0:
        if not pauses or seats[team] > 0:
            tally[BUSY, team] += span * busy[team]
            tally[STAFFED, team] += span * max(seats[team], busy[team])
        told[team] = now


@compiled
def simulate(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 - handing arrays on would cost more than the work
    packed,
    span,
    seed,
    replication,
    key,
    arrived,
    source,
    kind_of,
    deal_value,
    lead_cost,
    acquired,
    changes,
    factors,
    limits,
    tally,
    course,
    keep,
    control,
):
    """Run one replication.

    Parameters
    ----------
    packed : Packed
    span : array, shape (3,)
        Start of the run, start and end of the observed window.
    seed, replication : uint64
    key, arrived, source, kind_of, deal_value, lead_cost : arrays, shape (n_leads,)
        As in ``Arrivals``.
    acquired : array, shape (2,)
        Number and kind of the mark that books what a lead cost.
    changes : array, shape (n, 3)
        Instant, team, seats from then on; by instant.
    factors : array, shape (n_periods,)
        Of all shocks, period by period.
    limits : array, shape (2,)
        What counts as in time: wait, age.
    tally : array, shape (SUMS, widest)
        Added to.
    course : array, shape (2, weeks, kinds)
        First marks and value by week; added to.
    keep : bool
        Whether to keep rows.
    control : array, shape (2,)
        Thousandths done (written), and whether to stop (read).

    Returns
    -------
    status, stage : int
        ``OK``, ``ENDLESS`` (in that stage) or ``STOPPED``.
    visits, efforts, marks : arrays
        Rows, if kept.
    """
    n_stages, n_teams, breadth = packed.size[0], packed.size[1], packed.size[3]
    whole = 1 + breadth
    stages, efforts, refuse = packed.stages, packed.efforts, packed.refuse
    marks, routes, advance = packed.marks, packed.routes, packed.advance
    others, upto, kinds = packed.others, packed.upto, packed.kinds
    lengths, tables = packed.timers, packed.tables
    clocks, intervals, months = packed.clocks, packed.intervals, packed.months
    epochs, n_epochs, pauses = packed.epochs, packed.epochs.shape[0], packed.pauses
    start, since, until = span[0], span[1], span[2]
    n_leads, n_changes = arrived.shape[0], changes.shape[0]

    # --- rows to hand over
    visit_rows = np.empty((1024 if keep else 1, 8), np.int64)
    effort_rows = np.empty((1024 if keep else 1, 7), np.int64)
    mark_rows = np.empty((1024 if keep else 1, 6), np.int64)
    n_visit_rows, n_effort_rows, n_mark_rows = 0, 0, 0

    # --- leads in the funnel
    slots = np.zeros((256, SLOT), np.int64)
    slots[:, LEAD] = -1
    tasks = np.zeros((256 * breadth, TASK), np.int64)
    tokens = np.zeros((256 * whole, 1), np.int64)
    nths = np.zeros((256, n_stages), np.int64)
    free_slots, n_free_slots = np.arange(256).reshape(256, 1), 256

    # --- who waits for whom
    requests = np.empty((256, REQUEST), np.int64)
    free_requests, n_free_requests = np.arange(256).reshape(256, 1), 256
    queues = np.full(n_teams, -1)
    seats, busy = np.zeros(n_teams, np.int64), np.zeros(n_teams, np.int64)
    told = np.full(n_teams, since)
    due = np.zeros(n_teams, np.bool_)
    any_due = False

    # --- timers, in buckets of 2**width microseconds; those of the bucket at hand are near
    width = 10
    while ((until - start) >> width) > max(2 * n_leads, 1024):
        width += 1
    n_buckets = ((until - start) >> width) + 1
    buckets = np.full(n_buckets, -1, np.int32)
    timers = np.empty((1024, TIMER), np.int64)
    free_timers, n_free_timers = np.arange(1024).reshape(1024, 1), 1024
    near, n_near = np.empty((64, 2), np.int64), 0
    bucket, edge = -1, start

    agenda, n_agenda = np.empty((64, AGENDA), np.int64), 0
    next_lead, next_change, epoch = 0, 0, 0

    while True:
        # --- the next instant
        now = arrived[next_lead] if next_lead < n_leads else _LATEST
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
                if timers[row, MARKED] == tokens[timers[row, WHOM], 0]:
                    if n_near == near.shape[0]:
                        near = _more(near)
                    near[n_near, 0], near[n_near, 1] = timers[row, WHEN], row
                    n_near += 1
                    _sift_up(near, n_near)
                else:
                    free_timers[n_free_timers, 0] = row
                    n_free_timers += 1
                row = following
            if n_near > 0:
                now = min(now, near[0, 0])
            if bucket & 1023 == 0:
                control[0] = 1000 * bucket // n_buckets
                if control[1] != 0:
                    return STOPPED, -1, visit_rows[:0], effort_rows[:0], mark_rows[:0]
        if now >= until:
            break
        while epoch + 1 < n_epochs and epochs[epoch + 1] <= now:
            epoch += 1

        # --- phase 1: seats, timers that come due, arrivals
        while next_change < n_changes and changes[next_change, 0] == now:
            team = changes[next_change, 1]
            _book(tally, team, now, told, seats, busy, pauses[0, team] >= 0)
            seats[team] = changes[next_change, 2]
            due[team] = any_due = True
            next_change += 1
        while n_near > 0 and near[0, 0] == now:
            row = near[0, 1]
            _sift_down(near, n_near)
            n_near -= 1
            if n_agenda == agenda.shape[0]:
                agenda = _more(agenda)
            n_agenda = _note(agenda, n_agenda, FIRED, timers[row, WHOM], timers[row, MARKED], now)
            free_timers[n_free_timers, 0] = row
            n_free_timers += 1
        while next_lead < n_leads and arrived[next_lead] == now:
            if n_free_slots == 0:
                n_free_slots = slots.shape[0]
                slots, nths, free_slots = _more(slots), _more(nths), _more(free_slots)
                tasks, tokens = _more(tasks), _more(tokens)
                slots[n_free_slots:, LEAD] = -1
                tasks[n_free_slots * breadth :] = 0
                tokens[n_free_slots * whole :] = 0
                for i in range(n_free_slots):
                    free_slots[i, 0] = n_free_slots + i
            n_free_slots -= 1
            slot = free_slots[n_free_slots, 0]
            slots[slot] = 0
            nths[slot] = 0
            slots[slot, LEAD] = next_lead
            slots[slot, STAGE] = packed.entries[epoch, source[next_lead]]
            if now >= since:
                tally[ARRIVED, source[next_lead]] += 1
            if lead_cost[next_lead] >= 0:
                kind = acquired[1]
                slots[slot, SEEN] = 1 << kind
                if now >= since:
                    tally[MARKS, kind] += 1
                    tally[COST, kind] += lead_cost[next_lead]
                    tally[FIRST, kind] += 1
                    tally[YOUNG, kind] += limits[1] >= 0
                    course[0, (now - since) // WEEK, kind] += 1
                if keep:
                    if n_mark_rows == mark_rows.shape[0]:
                        mark_rows = _more(mark_rows)
                    n_mark_rows = _mark(
                        mark_rows, n_mark_rows, next_lead, 1, now, acquired[0], -1,
                        lead_cost[next_lead],
                    )  # fmt: skip
            if n_agenda == agenda.shape[0]:
                agenda = _more(agenda)
            n_agenda = _note(agenda, n_agenda, ENTER, slot, 0, now)
            next_lead += 1

        while n_agenda > 0 or any_due:
            # --- phase 1, until nothing moves
            while n_agenda > 0:
                n_agenda -= 1
                step, slot = agenda[n_agenda, STEP], agenda[n_agenda, WITH]
                token, wake = agenda[n_agenda, ITS_TOKEN], agenda[n_agenda, AT_TIME]
                task, to, result = 0, -1, DONE

                if step == ALARM:
                    step = NOTHING
                    if wake < until:
                        if n_free_timers == 0:
                            n_free_timers = timers.shape[0]
                            timers, free_timers = _more(timers), _more(free_timers)
                            for i in range(n_free_timers):
                                free_timers[i, 0] = n_free_timers + i
                        n_free_timers -= 1
                        row = free_timers[n_free_timers, 0]
                        timers[row, WHEN], timers[row, WHOM] = wake, slot
                        timers[row, MARKED] = token
                        if wake < edge:
                            if n_near == near.shape[0]:
                                near = _more(near)
                            near[n_near, 0], near[n_near, 1] = wake, row
                            n_near += 1
                            _sift_up(near, n_near)
                        else:
                            there = (wake - start) >> width
                            timers[row, NEXT] = buckets[there]
                            buckets[there] = row
                elif step == FIRED:
                    whom = slot
                    slot = whom // whole
                    if token != tokens[whom, 0]:
                        step = NOTHING
                    elif whom % whole > 0:
                        step, task = RESOLVE, slot * breadth + whom % whole - 1
                    else:
                        tokens[whom, 0] += 1
                        if slots[slot, LATE]:
                            step, result = LEAVE, TIMED_OUT
                        else:
                            step = READY if slots[slot, PHASE] == BEFORE_WORK else ROUTE

                while step != NOTHING:
                    lead, at = slots[slot, LEAD], slots[slot, AT]
                    if n_agenda + breadth > agenda.shape[0]:
                        agenda = _more(agenda)

                    if step == ENTER:
                        number = slots[slot, STAGE]
                        at = epoch * n_stages + number
                        slots[slot, AT] = at
                        slots[slot, VISIT] += 1
                        nths[slot, number] += 1
                        slots[slot, NTH] = nths[slot, number]
                        slots[slot, ENTERED] = now
                        slots[slot, BECAME_READY] = NEVER
                        slots[slot, WAITED] = 0
                        slots[slot, EFFORT] = 0
                        nth = np.uint64(slots[slot, NTH] - 1)
                        if now >= since:
                            tally[ENTRIES, number] += 1
                        for mark in range(
                            stages[at, S_MARK], stages[at, S_MARK] + stages[at, S_MARK_N]
                        ):
                            value = deal_value[lead] if marks[mark, M_DEAL] else -1
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
                                if (slots[slot, SEEN] >> kind) & 1 == 0:
                                    age = now - arrived[lead]
                                    tally[FIRST, kind] += 1
                                    tally[AGE, kind] += age
                                    tally[YOUNG, kind] += age <= limits[1]
                                    course[0, week, kind] += 1
                            slots[slot, SEEN] |= 1 << kind
                            if marks[mark, M_DECIDES] and not slots[slot, CLOSED]:
                                slots[slot, CLOSED] = 1
                                tally[OPEN, 0] += _inside(arrived[lead], now, since)
                            if keep:
                                if n_mark_rows == mark_rows.shape[0]:
                                    mark_rows = _more(mark_rows)
                                n_mark_rows = _mark(
                                    mark_rows, n_mark_rows, lead, slots[slot, VISIT], now,
                                    marks[mark, M_NUMBER], value, cost,
                                )  # fmt: skip
                        w0 = _U0
                        if stages[at, S_DRAWS]:
                            place = np.uint64(stages[at, S_PLACE])
                            w0, w1, w2, w3 = draw(seed, key[lead], place, nth, replication)
                            slots[slot, W_AFTER] = np.int64(w1)
                            slots[slot, W_ADVANCE] = np.int64(w2)
                            slots[slot, W_OTHER] = np.int64(w3)
                        slots[slot, DEADLINE] = FAR
                        if stages[at, S_TIMEOUT] >= 0:
                            slots[slot, DEADLINE] = _end(
                                lengths, tables, clocks, intervals, months,
                                stages[at, S_TIMEOUT], now, _U0,
                            )  # fmt: skip
                        wake = now
                        if stages[at, S_BEFORE] >= 0:
                            wake = _end(
                                lengths, tables, clocks, intervals, months,
                                stages[at, S_BEFORE], now, w0,
                            )  # fmt: skip
                        if stages[at, S_OPENING] >= 0:
                            clock = stages[at, S_OPENING]
                            wake = _next_open(intervals, clocks[clock, 0], clocks[clock, 1], wake)
                        elif stages[at, S_MOMENTS] >= 0:
                            first, n = stages[at, S_MOMENTS], stages[at, S_MOMENTS_N]
                            row = _first_after(packed.moments, first, n, wake - 1)
                            wake = packed.moments[row] if row < first + n else FAR
                        slots[slot, PHASE] = BEFORE_WORK
                        step = WAIT

                    elif step == WAIT:
                        # let time pass, but not beyond the deadline
                        late = wake > slots[slot, DEADLINE]
                        wake = min(wake, slots[slot, DEADLINE])
                        if wake > now:
                            slots[slot, LATE] = late
                            token = tokens[slot * whole, 0]
                            n_agenda = _note(agenda, n_agenda, ALARM, slot * whole, token, wake)
                            step = NOTHING
                        elif late:
                            step, result = LEAVE, TIMED_OUT
                        else:
                            step = READY if slots[slot, PHASE] == BEFORE_WORK else ROUTE

                    elif step == READY:
                        slots[slot, BECAME_READY] = now
                        slots[slot, RUNNING] = 1
                        slots[slot, WORST], slots[slot, DONE_ONCE], slots[slot, HALTED] = DONE, 0, 0
                        if stages[at, S_JOIN] > 0:
                            slots[slot, RUNNING] = stages[at, S_EFFORT_N]
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
                            task = slot * breadth + (j if together else 0)
                            whom = slot * whole + 1 + (j if together else 0)
                            place = np.uint64(efforts[effort, E_PLACE])
                            w0 = w1 = w2 = w3 = _U0
                            patience = stages[at, S_PATIENCE]
                            if (
                                lengths[efforts[effort, E_TIMER], T_CONSTANT] < 0
                                or patience >= 0
                                or refuse[effort] > 0
                            ):
                                w0, w1, w2, w3 = draw(seed, key[lead], place, nth, replication)
                            lost = FAR
                            if patience >= 0:
                                lost = _end(
                                    lengths, tables, clocks, intervals, months, patience, now, w2
                                )
                            tasks[task, WHAT], tasks[task, LOST] = effort, lost
                            tasks[task, FINISH] = FAR
                            tasks[task, W_WORK], tasks[task, W_REFUSE] = np.int64(w0), np.int64(w1)
                            if slots[slot, DEADLINE] <= now or lost <= now:
                                tasks[task, STATE] = IDLE  # over before it is asked for
                                tasks[task, QUEUED] = NEVER
                                step = RESOLVE
                            else:
                                tasks[task, STATE], tasks[task, QUEUED] = WAITING, now
                                if n_free_requests == 0:
                                    n_free_requests = requests.shape[0]
                                    requests = _more(requests)
                                    free_requests = _more(free_requests)
                                    for i in range(n_free_requests):
                                        free_requests[i, 0] = n_free_requests + i
                                n_free_requests -= 1
                                row = free_requests[n_free_requests, 0]
                                team = efforts[effort, E_TEAM]
                                requests[row, PRIORITY] = efforts[effort, E_PRIORITY]
                                requests[row, SINCE] = now
                                requests[row, KEY] = np.int64(key[lead] ^ _SIGN)
                                requests[row, PLACE] = np.int64(place ^ _SIGN)
                                requests[row, WHO], requests[row, TOKEN] = whom, tokens[whom, 0]
                                requests[row, CHILD] = requests[row, SIBLING] = -1
                                queues[team] = _merged(requests, queues[team], row)
                                due[team] = any_due = True
                                wake = min(slots[slot, DEADLINE], lost)
                            over = tasks[task, STATE] == IDLE
                            if (over and together) or (not over and wake < until):
                                what = FIRED if over else ALARM
                                n_agenda = _note(
                                    agenda, n_agenda, what, whom, tokens[whom, 0], wake
                                )
                        if together:
                            step = NOTHING

                    elif step == RESOLVE:
                        # work ends, or is given up, or never began
                        effort, team = tasks[task, WHAT], efforts[tasks[task, WHAT], E_TEAM]
                        whom = slot * whole + 1 + task - slot * breadth
                        tokens[whom, 0] += 1
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
                                word = np.uint64(tasks[task, W_REFUSE])
                                refused = refuse[effort] > 0 and uniform(word) < refuse[effort]
                                result = REFUSED if refused else DONE
                        elif tasks[task, STATE] == WAITING:
                            if now >= since:
                                tally[GIVEN_UP, team] += 1
                            tally[QUEUE, team] += _inside(tasks[task, QUEUED], now, since)
                        if keep and tasks[task, STATE] != IDLE:
                            if n_effort_rows == effort_rows.shape[0]:
                                effort_rows = _more(effort_rows)
                            n_effort_rows = _effort(
                                effort_rows, n_effort_rows, slots, slot, efforts[effort, E_NAME],
                                team, tasks[task, QUEUED], begun, now,
                            )  # fmt: skip
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
                                for j in range(stages[at, S_EFFORT_N]):
                                    if tasks[slot * breadth + j, STATE] != IDLE:
                                        whom = slot * whole + 1 + j
                                        n_agenda = _note(
                                            agenda, n_agenda, FIRED, whom, tokens[whom, 0], now
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
                            wake = _end(
                                lengths, tables, clocks, intervals, months,
                                stages[at, S_AFTER], now, np.uint64(slots[slot, W_AFTER]),
                            )  # fmt: skip
                            slots[slot, PHASE] = AFTER_WORK
                            step = WAIT

                    elif step == ROUTE:
                        step, result = LEAVE, DONE
                        if stages[at, S_ROUTE_N] > 0:
                            age = now - arrived[lead]
                            route = stages[at, S_ROUTE]
                            while (
                                (
                                    routes[route, R_KINDS] >= 0
                                    and not kinds[routes[route, R_KINDS], kind_of[lead]]
                                )
                                or slots[slot, NTH] < routes[route, R_VISIT]
                                or age < routes[route, R_AGE]
                                or slots[slot, WAITED] < routes[route, R_WAIT]
                            ):
                                route += 1
                            to, n = routes[route, R_TO], routes[route, R_OTHER_N]
                            if n > 0:
                                p = advance[route]
                                odds = 1.0
                                for i in range(stages[at, S_SHOCK_N]):
                                    shock = packed.stage_shocks[stages[at, S_SHOCK] + i]
                                    first = packed.shocks[shock, 0]
                                    row = _first_after(
                                        packed.periods, first, packed.shocks[shock, 1], now
                                    )
                                    odds *= factors[max(row - 1, first)]
                                if odds != 1.0:
                                    p = p * odds / (1 - p + p * odds)
                                if uniform(np.uint64(slots[slot, W_ADVANCE])) >= p:
                                    u = uniform(np.uint64(slots[slot, W_OTHER]))
                                    row = routes[route, R_OTHER]
                                    last = row + n - 1
                                    while row < last and u >= upto[row]:
                                        row += 1
                                    to = others[row]

                    elif step == LEAVE:
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
                            if n_visit_rows == visit_rows.shape[0]:
                                visit_rows = _more(visit_rows)
                            n_visit_rows = _visit(
                                visit_rows, n_visit_rows, slots, slot, now, how, to
                            )
                        slots[slot, HURRIED] = slots[slot, HURRIED] + 1 if entered == now else 0
                        if slots[slot, HURRIED] > _ROUNDS:
                            return (
                                ENDLESS, number, visit_rows[:0], effort_rows[:0], mark_rows[:0]
                            )  # fmt: skip
                        if to >= 0:
                            slots[slot, STAGE] = to
                            step = ENTER
                        else:
                            if not slots[slot, CLOSED]:
                                tally[OPEN, 0] += _inside(arrived[lead], now, since)
                            slots[slot, LEAD] = -1
                            free_slots[n_free_slots, 0] = slot
                            n_free_slots += 1
                            step = NOTHING

            # --- phase 2: free seats go to those who wait
            any_due = False
            for team in range(n_teams):
                if not due[team]:
                    continue
                due[team] = False
                while busy[team] < seats[team] and queues[team] >= 0:
                    row = queues[team]
                    queues[team] = _without_first(requests, row)
                    free_requests[n_free_requests, 0] = row
                    n_free_requests += 1
                    whom = requests[row, WHO]
                    if requests[row, TOKEN] != tokens[whom, 0]:
                        continue  # given up
                    _book(tally, team, now, told, seats, busy, pauses[0, team] >= 0)
                    busy[team] += 1
                    slot = whom // whole
                    task = slot * breadth + whom % whole - 1
                    effort, queued = tasks[task, WHAT], tasks[task, QUEUED]
                    tasks[task, STATE], tasks[task, BEGUN] = WORKING, now
                    slots[slot, WAITED] += now - queued
                    tally[QUEUE, team] += _inside(queued, now, since)
                    if now >= since:
                        tally[STARTED, team] += 1
                        tally[WAIT_TIME, team] += now - queued
                        tally[IN_TIME, team] += now - queued <= limits[0]
                    word = np.uint64(tasks[task, W_WORK])
                    length = _length(lengths, tables, efforts[effort, E_TIMER], word)
                    finish = now + length
                    clock = pauses[slots[slot, AT] // n_stages, team]
                    if clock >= 0:
                        finish = _work_add(
                            intervals, clocks[clock, 0], clocks[clock, 1], now, length
                        )
                    tasks[task, FINISH] = finish
                    tokens[whom, 0] += 1
                    if n_agenda == agenda.shape[0]:
                        agenda = _more(agenda)
                    wake = min(finish, slots[slot, DEADLINE])
                    what = ALARM if finish > now else FIRED
                    n_agenda = _note(agenda, n_agenda, what, whom, tokens[whom, 0], wake)

    # --- what is still going on
    for team in range(n_teams):
        _book(tally, team, until, told, seats, busy, pauses[0, team] >= 0)
    for slot in range(slots.shape[0]):
        lead = slots[slot, LEAD]
        if lead < 0:
            continue
        if not slots[slot, CLOSED]:
            tally[OPEN, 0] += _inside(arrived[lead], until, since)
        tally[PRESENT, slots[slot, STAGE]] += _inside(slots[slot, ENTERED], until, since)
        if keep:
            if n_visit_rows == visit_rows.shape[0]:
                visit_rows = _more(visit_rows)
            n_visit_rows = _visit(visit_rows, n_visit_rows, slots, slot, NEVER, 0, -1)
        for task in range(slot * breadth, (slot + 1) * breadth):
            if tasks[task, STATE] == IDLE:
                continue
            team = efforts[tasks[task, WHAT], E_TEAM]
            begun = NEVER
            if tasks[task, STATE] == WORKING:
                begun = tasks[task, BEGUN]
            else:
                tally[QUEUE, team] += _inside(tasks[task, QUEUED], until, since)
            if keep:
                if n_effort_rows == effort_rows.shape[0]:
                    effort_rows = _more(effort_rows)
                n_effort_rows = _effort(
                    effort_rows, n_effort_rows, slots, slot, efforts[tasks[task, WHAT], E_NAME],
                    team, tasks[task, QUEUED], begun, NEVER,
                )  # fmt: skip
    control[0] = 1000
    return (
        OK, -1, visit_rows[:n_visit_rows], effort_rows[:n_effort_rows], mark_rows[:n_mark_rows]
    )  # fmt: skip
