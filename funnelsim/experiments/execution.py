"""Where replications run: here, on all cores, or on a cluster; the results never tell.

Replications are pure functions of their number and come back in the order of their
numbers, whoever made them and whenever they were done.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine import Limits, Plan, make_plan, tally
from funnelsim.engine.doubted import Doubted
from funnelsim.engine.planning import moved
from funnelsim.engine.simulation import Engine
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import ParameterError, Problem, RunError
from funnelsim.experiments.outcomes import Outcomes
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.sampling import ScenarioSampler, doubts
from funnelsim.scenarios.scenario import Scenario
from funnelsim.workers import cores, own_processes, own_threads
from funnelsim.worktime import WEEK

__all__ = ["Observation", "Settings", "World", "Worlds", "observations"]

World = Scenario | ScenarioSampler

ALONE: Final = 2.0
"""Seconds of work after which it is worth the while to start other processes."""
CHUNK: Final = 0.25
"""Seconds of work handed over at a time."""
AHEAD: Final = 3
"""Chunks under way per worker."""


class Observation(NamedTuple):
    """What one replication of one world came to.

    Parameters
    ----------
    measured : ndarray, shape (measures,)
    weekly : ndarray of int, shape (weeks,)
        Deals won by whole week of the window.
    """

    measured: NDArray[np.float64]
    weekly: NDArray[np.int64]


Waiting = deque[Future[list[tuple[Observation, ...]]]]


@dataclass(frozen=True)
class Settings:
    """How to run.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    engine : {"auto", "reference", "compiled"}
    limits : Limits
        What counts as in time.
    executor : concurrent.futures.Executor, optional
        Where to run instead of here and in own processes.
    workers : int, optional
        How many run side by side; by default as many as there are cores.
    progress : callable, optional
        Told the share done, 0 to 1.
    start : Snapshot, optional
        Open deals to start from.
    """

    seed: int
    engine: Engine = "auto"
    limits: Limits = field(default_factory=Limits)
    executor: Executor | None = None
    workers: int | None = None
    progress: Callable[[float], None] | None = None
    start: Snapshot | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            problem = Problem(f"workers is {self.workers}", fix="Give 1 or more.")
            raise ParameterError(problem)


class Worlds:
    """Scenarios to be simulated side by side under the same luck; can be sent anywhere.

    Parameters
    ----------
    worlds : sequence of Scenario or ScenarioSampler
    settings : Settings
    """

    def __init__(self, worlds: Mapping[str, World], settings: Settings) -> None:
        self._seed, self._engine, self._limits = settings.seed, settings.engine, settings.limits
        self._start = pickle.dumps(settings.start)
        self._worlds = tuple(pickle.dumps(world) for world in worlds.values())
        self.scenarios = tuple(
            world if isinstance(world, Scenario) else world.draw(settings.seed, 0)
            for world in worlds.values()
        )
        for scenario in self.scenarios:
            require_sound(moved(scenario, settings.start))
        first = [
            _prepared(pickle.dumps(scenario), self._start, self._limits)
            for scenario in self.scenarios
        ]
        self.measures = tuple(outcomes.measures for _, outcomes in first)
        self._ids = tuple(tuple(measure.id for measure in each) for each in self.measures)

    def __getstate__(self) -> dict[str, object]:
        """What a worker needs."""
        return {key: item for key, item in vars(self).items() if key.startswith("_")}

    def __call__(self, numbers: range) -> list[tuple[Observation, ...]]:
        """Simulate some replications of every world.

        Parameters
        ----------
        numbers : range
            Of the replications.

        Returns
        -------
        list of tuple of Observation
            By replication and world.
        """
        columns = [
            [self._observe(i, number) for number in numbers] for i in range(len(self._worlds))
        ]
        return list(zip(*columns, strict=True))

    def _observe(self, index: int, number: int) -> Observation:
        world, start = self._worlds[index], self._start
        sampler = _sampler(world)
        if sampler is not None:
            world = pickle.dumps(sampler.draw(self._seed, number))
            known = _doubted(self._worlds[index], start)
            start = pickle.dumps(known.drawn(self._seed, number)) if known else start
        plan, outcomes = _prepared(world, start, self._limits)
        if tuple(measure.id for measure in outcomes.measures) != self._ids[index]:
            raise RunError(f"replication {number} has other stages, teams or marks than the first")
        found = tally(
            plan, seed=self._seed, replication=number, engine=self._engine, limits=self._limits
        )
        weeks = (plan.observed_until - plan.observed_from) // WEEK
        won = [i for i, kind in enumerate(plan.kinds_of_marks) if kind == "won"]
        return Observation(outcomes.values(found), found.course[:weeks, won].sum(axis=1))


def observations(
    worlds: Worlds, limit: int, settings: Settings
) -> Generator[tuple[Observation, ...]]:
    """Replications 0, 1, 2 … of all worlds, in this order; stop asking when it is enough.

    Parameters
    ----------
    worlds : Worlds
    limit : int
        How many at most.
    settings : Settings

    Yields
    ------
    tuple of Observation
        One per world.

    Raises
    ------
    RunError
        If the processes cannot be started, or die.
    """
    compiled = settings.engine != "reference" and find_spec("numba") is not None
    alone = limit if settings.workers == 1 and settings.executor is None else 1
    open_choice = settings.executor is None and settings.workers is None
    patience = ALONE if open_choice and not compiled else 0.0
    done, took, start = 0, 0.0, time.perf_counter()
    while done < limit and (done < alone or time.perf_counter() - start < patience):
        begun = time.perf_counter()
        yield from worlds(range(done, done + 1))
        took = time.perf_counter() - begun
        done += 1
    if done == limit:
        return
    workers = settings.workers or cores()
    if settings.executor is None and workers == 1:
        yield from _here(worlds, range(done, limit))
        return
    most = max(-(-(limit - done) // (AHEAD * workers)), 1)
    size = min(max(int(CHUNK / max(took, 1e-9)), 1), most)
    parts = [range(i, min(i + size, limit)) for i in range(done, limit, size)]
    own = own_threads if compiled else partial(own_processes, preload=[__name__])
    waiting: Waiting = deque()
    if settings.executor is None:
        with own(min(workers, len(parts))) as pool:
            yield from _handed_out(worlds, parts, pool, AHEAD * workers, waiting)
        return
    try:
        yield from _handed_out(worlds, parts, settings.executor, AHEAD * workers, waiting)
    finally:
        for future in waiting:
            future.cancel()


def _here(worlds: Worlds, numbers: range) -> Generator[tuple[Observation, ...]]:
    for number in numbers:
        yield from worlds(range(number, number + 1))


def _handed_out(
    worlds: Worlds, parts: list[range], pool: Executor, ahead: int, waiting: Waiting
) -> Iterator[tuple[Observation, ...]]:
    """Results in order, however the pool goes about it; ``waiting`` holds what is asked for."""
    for part in parts:
        waiting.append(pool.submit(worlds, part))
        if len(waiting) >= ahead:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


@lru_cache(maxsize=64)
def _prepared(pickled: bytes, start: bytes, limits: Limits) -> tuple[Plan, Outcomes]:
    """The plan of a scenario and its measures, made once per process."""
    plan = make_plan(pickle.loads(pickled), pickle.loads(start))  # noqa: S301 - by ourselves
    return plan, Outcomes(plan, limits)


@lru_cache(maxsize=64)
def _sampler(pickled: bytes) -> ScenarioSampler | None:
    """What draws the scenarios, if the world is not one scenario."""
    world = pickle.loads(pickled)  # noqa: S301 - pickled by ourselves
    return None if isinstance(world, Scenario) else world


@lru_cache(maxsize=64)
def _doubted(pickled: bytes, start: bytes) -> Doubted | None:
    """The open deals that may be over, if the sampler knows of any."""
    known, sampler = pickle.loads(start), _sampler(pickled)  # noqa: S301 - pickled by ourselves
    return Doubted(known, sampler) if known is not None and doubts(sampler) else None
