"""Simulate a scenario: scenario → plan → engine → event log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from funnelsim.engine.logs import event_log
from funnelsim.engine.plan import Plan
from funnelsim.engine.planning import make_plan
from funnelsim.engine.reference import run
from funnelsim.engine.tally import Limits, Tally, tally_of
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream

__all__ = ["Engine", "simulate", "tally"]

Engine = Literal["auto", "reference"]

_SEEDS = 2**64


def simulate(
    scenario: Scenario,
    *,
    seed: int,
    replication: int = 0,
    engine: Engine = "auto",
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
    engine : {"auto", "reference"}
        ``reference`` is the SimPy model.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    EventLog
        Times in UTC; the observed window is ``[run.start, run.start + horizon)``.

    Raises
    ------
    ParameterError
        If seed or replication are out of range, or the engine unknown.

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
    plan = make_plan(scenario)
    return event_log(plan, run(plan, stream, progress), stream, "reference")


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
    return tally_of(plan, run(plan, stream), limits)


def _stream(seed: int, replication: int, engine: str) -> Stream:
    """The random numbers of a replication, if what was asked for makes sense."""
    problems = [
        Problem(f"{name} is {value!r}", fix="Give a whole number from 0 to 2**64 - 1.")
        for name, value in (("seed", seed), ("replication", replication))
        if not 0 <= value < _SEEDS or value % 1
    ]
    if engine not in {"auto", "reference"}:
        problems.append(Problem(f"engine is {engine!r}", fix="Use auto or reference."))
    if problems:
        raise ParameterError(problems)
    return Stream(seed, replication)
