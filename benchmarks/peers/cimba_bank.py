"""The bank in Cimba: C coroutines, with a model that numba compiles.

A fixed crowd of coroutines takes leads from the door one after the other, which is faster than
spawning a model for each lead (5.4 to 6.9 µs a lead against 4.4 to 5.0 when it was tried). The
crowd is larger than the number of open leads ever gets: ``leads_at_the_door`` says so.
"""

from __future__ import annotations

import cimba as cb
from cimba import random
from peers.bank import (
    ADVANCE,
    ADVISER_SEATS,
    ADVISERS,
    CALL,
    CALL_SEATS,
    DELAYS,
    GAP,
    WEEK,
    Outcome,
)

__all__ = ["run"]

MEAN_GAP = GAP  # Cimba compiles constants of this module only as plain names
P_1, P_2, P_3, P_4, P_5 = ADVANCE
(M_1, S_1), (M_2, S_2), (M_3, S_3), (M_4, S_4), (M_5, S_5) = DELAYS
(M_CALL, S_CALL), (M_ADVISE, S_ADVISE) = CALL, ADVISERS


class Bank(cb.Model):
    call: cb.Resource = cb.Resource(capacity=CALL_SEATS)
    advisers: cb.Resource = cb.Resource(capacity=ADVISER_SEATS)
    door: cb.Container
    arrived: cb.Output[int]
    won: cb.Output[int]
    lost: cb.Output[int]
    leads_at_the_door: cb.Output[float]
    call_busy: cb.Output[float]
    advisers_busy: cb.Output[float]

    @cb.process
    def arrivals(self) -> None:
        while True:
            cb.hold(random.exponential(MEAN_GAP))
            self.arrived += 1
            self.door.put(1)

    @cb.process(copies=1800)
    def lead(self) -> None:
        while True:
            self.door.get(1)
            cb.hold(random.lognormal(M_1, S_1))
            self.call.acquire()
            cb.hold(random.lognormal(M_CALL, S_CALL))
            self.call.release()
            if random.uniform() < P_1:
                cb.hold(random.lognormal(M_2, S_2))
                self.advisers.acquire()
                cb.hold(random.lognormal(M_ADVISE, S_ADVISE))
                self.advisers.release()
                if random.uniform() < P_2:
                    cb.hold(random.lognormal(M_3, S_3))
                    self.advisers.acquire()
                    cb.hold(random.lognormal(M_ADVISE, S_ADVISE))
                    self.advisers.release()
                    if random.uniform() < P_3:
                        cb.hold(random.lognormal(M_4, S_4))
                        if random.uniform() < P_4:
                            cb.hold(random.lognormal(M_5, S_5))
                            if random.uniform() < P_5:
                                self.won += 1
                                continue
            self.lost += 1

    @cb.on_end
    def measure(self) -> None:
        self.call_busy = self.call.utilization()
        self.advisers_busy = self.advisers.utilization()
        self.leads_at_the_door = self.door.max_level()


def run(weeks: int, seed: int) -> Outcome:
    """Simulate that many weeks, on one core."""
    model = Bank()
    window = cb.Window(warmup=0, duration=weeks * WEEK)
    found = cb.Experiment(model, replications=1, window=window, seed=seed).run(workers=1)[model]
    arrived, won, lost, door, call, advisers = (
        float(getattr(found, name).values[0, 0])
        for name in ("arrived", "won", "lost", "leads_at_the_door", "call_busy", "advisers_busy")
    )
    if door > 1:
        msg = "leads waited for a coroutine: give lead more copies"
        raise RuntimeError(msg)
    return Outcome(arrived, won, lost, call, advisers)
