"""The bank in plain SimPy, as fast as we can write it.

Twice: with ``simpy.Resource``, as everybody would, and *tuned*, with seats counted by hand, so
that a free seat costs no event. In both all lengths are drawn by NumPy before the clock runs,
methods are looked up once, and nothing is recorded but wins, losses and busy time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np
import simpy
from peers.bank import (
    ADVANCE,
    ADVISER_SEATS,
    ADVISERS,
    CALL,
    CALL_SEATS,
    DELAYS,
    GAP,
    LEADS_PER_WEEK,
    WEEK,
    Outcome,
)

__all__ = ["textbook", "tuned"]

Process = Generator[simpy.Event, object, None]
Next = Callable[[], float]


class Luck(NamedTuple):
    """Numbers drawn in advance, enough for all leads."""

    gaps: list[float]
    delays: list[Next]
    work: list[Next]
    chances: list[Next]


def luck(weeks: int, seed: int) -> Luck:
    """Draw everything, and somewhat more than will be asked for."""
    rng = np.random.default_rng(seed)
    n = weeks * LEADS_PER_WEEK * 11 // 10 + 100

    def ready(numbers: np.ndarray) -> Next:
        return iter(numbers.tolist()).__next__

    return Luck(
        rng.exponential(GAP, n).tolist(),
        [ready(rng.lognormal(*delay, n)) for delay in DELAYS],
        [ready(rng.lognormal(*work, n)) for work in (CALL, ADVISERS, ADVISERS)],
        [ready(rng.random(n)) for _ in ADVANCE],
    )


def textbook(weeks: int, seed: int) -> Outcome:  # noqa: PLR0915 - calls would cost time
    """With ``simpy.Resource``."""
    gaps, delays, work, chances = luck(weeks, seed)
    delay_1, delay_2, delay_3, delay_4, delay_5 = delays
    work_1, work_2, work_3 = work
    chance_1, chance_2, chance_3, chance_4, chance_5 = chances
    p_1, p_2, p_3, p_4, p_5 = ADVANCE
    env = simpy.Environment()
    timeout, process = env.timeout, env.process
    call, advisers = simpy.Resource(env, CALL_SEATS), simpy.Resource(env, ADVISER_SEATS)
    arrived = won = lost = 0
    call_busy = advisers_busy = 0.0

    def lead() -> Process:
        nonlocal won, lost, call_busy, advisers_busy
        yield timeout(delay_1())
        request = call.request()
        yield request
        length = work_1()
        yield timeout(length)
        call_busy += length
        call.release(request)
        if chance_1() < p_1:
            yield timeout(delay_2())
            request = advisers.request()
            yield request
            length = work_2()
            yield timeout(length)
            advisers_busy += length
            advisers.release(request)
            if chance_2() < p_2:
                yield timeout(delay_3())
                request = advisers.request()
                yield request
                length = work_3()
                yield timeout(length)
                advisers_busy += length
                advisers.release(request)
                if chance_3() < p_3:
                    yield timeout(delay_4())
                    if chance_4() < p_4:
                        yield timeout(delay_5())
                        if chance_5() < p_5:
                            won += 1
                            return
        lost += 1

    def source() -> Process:
        nonlocal arrived
        for gap in gaps:
            yield timeout(gap)
            arrived += 1
            process(lead())

    process(source())
    hours = weeks * WEEK
    env.run(until=hours)
    return Outcome(
        arrived, won, lost, call_busy / CALL_SEATS / hours, advisers_busy / ADVISER_SEATS / hours
    )


def tuned(weeks: int, seed: int) -> Outcome:  # noqa: C901, PLR0915 - calls would cost time
    """With seats counted by hand."""
    gaps, delays, work, chances = luck(weeks, seed)
    delay_1, delay_2, delay_3, delay_4, delay_5 = delays
    work_1, work_2, work_3 = work
    chance_1, chance_2, chance_3, chance_4, chance_5 = chances
    p_1, p_2, p_3, p_4, p_5 = ADVANCE
    env = simpy.Environment()
    timeout, process, event = env.timeout, env.process, env.event
    call_queue: deque[simpy.Event] = deque()
    queue: deque[simpy.Event] = deque()
    join_call, next_call, join, following = (
        call_queue.append,
        call_queue.popleft,
        queue.append,
        queue.popleft,
    )
    free_call, free = CALL_SEATS, ADVISER_SEATS
    arrived = won = lost = 0
    call_busy = advisers_busy = 0.0

    def lead() -> Process:  # noqa: C901, PLR0912, PLR0915
        nonlocal won, lost, call_busy, advisers_busy, free_call, free
        yield timeout(delay_1())
        if free_call:
            free_call -= 1
        else:
            granted = event()
            join_call(granted)
            yield granted
        length = work_1()
        yield timeout(length)
        call_busy += length
        if call_queue:
            next_call().succeed()
        else:
            free_call += 1
        if chance_1() < p_1:
            yield timeout(delay_2())
            if free:
                free -= 1
            else:
                granted = event()
                join(granted)
                yield granted
            length = work_2()
            yield timeout(length)
            advisers_busy += length
            if queue:
                following().succeed()
            else:
                free += 1
            if chance_2() < p_2:
                yield timeout(delay_3())
                if free:
                    free -= 1
                else:
                    granted = event()
                    join(granted)
                    yield granted
                length = work_3()
                yield timeout(length)
                advisers_busy += length
                if queue:
                    following().succeed()
                else:
                    free += 1
                if chance_3() < p_3:
                    yield timeout(delay_4())
                    if chance_4() < p_4:
                        yield timeout(delay_5())
                        if chance_5() < p_5:
                            won += 1
                            return
        lost += 1

    def source() -> Process:
        nonlocal arrived
        for gap in gaps:
            yield timeout(gap)
            arrived += 1
            process(lead())

    process(source())
    hours = weeks * WEEK
    env.run(until=hours)
    return Outcome(
        arrived, won, lost, call_busy / CALL_SEATS / hours, advisers_busy / ADVISER_SEATS / hours
    )
