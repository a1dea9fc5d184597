"""Simulate a scenario: scenario → plan → engine → event log."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal, get_args

from funnelsim.engine import reference
from funnelsim.engine.arrivals import arrivals
from funnelsim.engine.logs import event_log
from funnelsim.engine.plan import Plan
from funnelsim.engine.planning import make_plan, moved
from funnelsim.engine.rows import Rows
from funnelsim.engine.snapshot import Snapshot
from funnelsim.engine.tally import Limits, Tally, tally_of
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream

__all__ = ["Engine", "rows", "simulate", "tally"]

Engine = Literal["auto", "compiled", "reference"]

_ENGINES: tuple[str, ...] = get_args(Engine)
_SMALL = 3000
"""Leads that the reference has done before compiled code is even loaded."""

_SEEDS = 2**64


def simulate(
    scenario: Scenario,
    *,
    seed: int,
    replication: int = 0,
    engine: Engine = "auto",
    start: Snapshot | None = None,
    progress: Callable[[float], None] | None = None,
) -> EventLog:
    """Simulate one replication of a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        0 to 2**64 - 1. The same seed gives the same log.
    replication : int
        Independent repetitions under one seed are numbered 0, 1, 2 ….
    engine : {"auto", "compiled", "reference"}
        ``reference`` is the SimPy model, ``compiled`` its twin in machine code; their logs
        are equal. ``auto`` takes whichever is done sooner.
    start : Snapshot, optional
        Open deals to go on with, from :func:`funnelsim.engine.snapshot.snapshot`. The window is
        then ``[start.at, start.at + horizon)``, without warm-up; the scenario's own start only
        says from when growth counts.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    EventLog
        Times in UTC; the observed window is ``[run.start, run.start + horizon)``.

    Raises
    ------
    ParameterError
        If seed or replication are out of range, the engine unknown, or open deals are in stages
        or from sources that the scenario does not have.
    ScenarioError
        If the scenario's checks find an error.

    Examples
    --------
    >>> log = simulate(Scenario.model_validate({
    ...     "funnelsim": 1, "name": "tiny", "run": {"start": "2026-01-05", "horizon": "4 w"},
    ...     "sources": {"web": {"stage": "won", "rate": "5 / d"}},
    ...     "stages": {"won": {"marks": "won"}}}), seed=7)
    >>> len(log.leads) == len(log.visits) == len(log.marks) > 100
    True
    """
    stream = _stream(seed, replication, engine)
    require_sound(moved(scenario, start))
    plan = make_plan(scenario, start)
    if _chosen(engine, plan, stream) == "reference":
        rows = reference.run(plan, stream, progress)
    else:
        from funnelsim.engine import compiled

        rows = compiled.run(plan, stream, progress)
    return event_log(plan, rows, stream)


def tally(
    plan: Plan,
    *,
    seed: int,
    replication: int = 0,
    engine: Engine = "auto",
    limits: Limits | None = None,
) -> Tally:
    """Simulate one replication and keep only what it comes to.

    Parameters
    ----------
    plan : Plan
        Made once for all replications, by :func:`funnelsim.engine.planning.make_plan`.
    seed, replication, engine
        As in :func:`simulate`.
    limits : Limits, optional
        What counts as in time.

    Returns
    -------
    Tally

    Raises
    ------
    ParameterError
        If seed or replication are out of range, or the engine unknown.

    Examples
    --------
    >>> plan = make_plan(Scenario.model_validate({
    ...     "funnelsim": 1, "name": "tiny", "run": {"start": "2026-01-05", "horizon": "4 w"},
    ...     "sources": {"web": {"stage": "won", "rate": "5 / d"}},
    ...     "stages": {"won": {"marks": "won"}}}))
    >>> bool(tally(plan, seed=7).arrived.sum() == len(simulate(plan.scenario, seed=7).leads))
    True
    """
    stream = _stream(seed, replication, engine)
    if engine == "reference" or (engine == "auto" and not _can_compile()):
        return tally_of(plan, reference.run(plan, stream), limits)
    from funnelsim.engine import compiled

    return compiled.sums(plan, stream, limits)


def rows(plan: Plan, *, seed: int, replication: int = 0, engine: Engine = "auto") -> Rows:
    """Simulate one replication and keep its rows as whole numbers, without an event log.

    Parameters
    ----------
    plan, seed, replication, engine
        As in :func:`tally`.

    Returns
    -------
    Rows

    Raises
    ------
    ParameterError
        If seed or replication are out of range, or the engine unknown.
    """
    stream = _stream(seed, replication, engine)
    if engine == "reference" or (engine == "auto" and not _can_compile()):
        return reference.run(plan, stream)
    from funnelsim.engine import compiled

    return compiled.run(plan, stream)


def _chosen(engine: Engine, plan: Plan, stream: Stream) -> Engine:
    """The engine to run: where it is left open, small jobs do not wait for numba."""
    if engine != "auto":
        return engine
    if not _can_compile():
        return "reference"
    loaded = "funnelsim.engine.kernel" in sys.modules
    small = not loaded and len(arrivals(plan, stream)) < _SMALL
    return "reference" if small else "compiled"


def _can_compile() -> bool:
    return find_spec("numba") is not None


def _stream(seed: int, replication: int, engine: str) -> Stream:
    """The random numbers of a replication, if what was asked for makes sense."""
    problems = [
        Problem(f"{name} is {value!r}", fix="Give a whole number from 0 to 2**64 - 1.")
        for name, value in (("seed", seed), ("replication", replication))
        if not 0 <= value < _SEEDS or value % 1
    ]
    if engine not in _ENGINES:
        problems.append(Problem(f"engine is {engine!r}", fix=f"Use one of: {', '.join(_ENGINES)}."))
    elif engine == "compiled" and not _can_compile():
        problems.append(Problem("numba is not installed", fix="Install it, or use reference."))
    if problems:
        raise ParameterError(problems)
    return Stream(int(seed), int(replication))
