"""The cheapest seats that keep a promise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine import make_plan
from funnelsim.engine.planning import decimals
from funnelsim.engine.simulation import Engine
from funnelsim.errors import ParameterError, Problem, RunError
from funnelsim.experiments.cheapest import Vector, cheapest
from funnelsim.experiments.promises import Promise, Promises, read_promises
from funnelsim.experiments.replication import REPLICATIONS, check_level, check_plan
from funnelsim.experiments.staffed import Block, Seats
from funnelsim.scenarios.capacity import offered_load
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import HOUR

__all__ = ["optimise_seats"]

Floats = NDArray[np.float64]

_EASY: Final = 0.8
"""Load at which the search starts."""
_MORE: Final = 1.4
_FRESH: Final = 4
"""Times as many new replications show what was found."""


def optimise_seats(  # noqa: PLR0913 - keywords with defaults
    scenario: Scenario,
    *,
    promise: Mapping[str, Mapping[str, Any]],
    seed: int,
    n: int = REPLICATIONS,
    level: float = 0.95,
    lose: float | None = 0.02,
    most: int = 500,
    engine: Engine = "auto",
    progress: Callable[[float], None] | None = None,
) -> Seats:
    """Find the cheapest seats per team and shift that keep a promise, by simulation.

    Only teams that a promise is about are staffed anew; a promise about the whole funnel
    (``cycle_time``, ``won``) is about all of them. Seats count by the entries of a team's
    ``staff`` (its shifts), or as one number. They cost the team's ``cost_per_hour``; where
    a team has none, seat-hours are counted instead. Overtime and shrinkage do not change
    the price of a seat.

    A promise counts as kept where the lower confidence limit of its mean over replications
    reaches it; see :mod:`funnelsim.experiments.promises`. What was found is simulated again
    on fresh replications (4 n), because the cheapest of many owes something to luck.

    Nobody should keep a promise by serving fewer: an empty desk answers those in time who
    did not give up, and what a starved team never gets to is never late. So the deals won
    must, for the same confidence, stay within ``lose`` of what they are now.

    The search takes for granted that a seat more never breaks a promise. In a chain of
    teams that need not hold (a faster first team brings the second more work at once);
    where every team has its own promise it hardly matters.

    Parameters
    ----------
    scenario : Scenario
    promise : mapping of str to mapping
        ``{"in_time.desk": {"share": 0.8, "within": "4 h"}}``,
        ``{"cycle_time": {"share": 0.95, "within": "30 d"}}``, or ``{"at_least": …}`` /
        ``{"at_most": …}`` for any measure.
    seed : int
        0 to 2**64 - 1; all seats are tried under the same luck.
    n : int
        Replications for each trial, at least 2.
    level : float
        Confidence with which all promises are kept.
    lose : float or None
        Share of the deals won now that may be lost at most; None: however many.
    most : int
        Seats in a block at most.
    engine : {"auto", "reference", "compiled"}
    progress : callable, optional
        Told about the share done, 0 to 1.

    Returns
    -------
    Seats

    Raises
    ------
    ParameterError
        Promises that cannot be read, numbers out of range, teams whose seats change on a
        date.
    RunError
        No number of seats keeps the promise.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> tiny = Scenario.model_validate({**_TINY, "teams": {"desk": {"seats": 9}}, "stages": {
    ...     "won": {"marks": "won", "efforts": {"call": {"team": "desk", "duration": "9 h"}}}}})
    >>> found = optimise_seats(
    ...     tiny, promise={"in_time.desk": {"share": 0.8, "within": "1 d"}}, seed=7, n=5)
    >>> found.needed, found.kept, found.proven
    ((3,), True, True)
    """
    check_level(level)
    check_plan(n, None, n, level)
    if n < 2:  # noqa: PLR2004 - a confidence limit needs two
        raise ParameterError(Problem(f"n is {n!r}", fix="Give 2 or more replications."))
    if lose is not None and not 0 <= lose < 1:
        raise ParameterError(Problem(f"lose is {lose!r}", fix="Give a share such as 0.02."))
    promises = Promises(read_promises(promise, scenario), level, lose)
    blocks, unit = _blocks(scenario, promises.asked)
    trial = _Trial(scenario, blocks, promises, seed, n, engine, progress)
    start = _enough(trial, most)
    needed, proven = cheapest(start, [block.price for block in blocks], trial)
    fresh = range(n, n + _FRESH * n)
    shown = trial.simulate(trial.scenario_with(needed), fresh)
    before = trial.simulate(scenario, fresh)
    if progress is not None:
        progress(1.0)
    changed = trial.scenario_with(needed)
    return Seats(
        scenario=changed,
        now=scenario,
        blocks=blocks,
        needed=needed,
        unit=unit,
        promises=promises,
        shown=shown,
        before=before,
        proven=proven,
        tried=len(trial.found),
    )


class _Trial:
    """Whether some seats are enough; remembers what it has tried."""

    def __init__(
        self,
        scenario: Scenario,
        blocks: Sequence[Block],
        promises: Promises,
        seed: int,
        n: int,
        engine: Engine,
        progress: Callable[[float], None] | None,
    ) -> None:
        self.scenario, self.blocks, self.promises = scenario, blocks, promises
        self.seed, self.n, self.engine, self.progress = seed, n, engine, progress
        self.found: dict[Vector, Floats] = {}

    def __call__(self, seats: Vector) -> bool:
        """Tell whether all promises are kept."""
        values = self.values(seats)
        return (
            len(values) == self.n
            and all(self.promises.kept(values))
            and not self.promises.loses(values[:, -1], self.now)
        )

    @cached_property
    def now(self) -> Floats:
        """Deals won with the seats there are, by replication."""
        return self.simulate(self.scenario, range(self.n))[:, -1]

    def values(self, seats: Vector) -> Floats:
        """What the replications come to; stops early where no hope is left."""
        if seats not in self.found:
            world = self.scenario_with(seats)
            self.found[seats] = self.simulate(world, range(self.n), hopeful=True)
            if self.progress is not None:
                self.progress(1 - 10 / (10 + len(self.found)))
        return self.found[seats]

    def scenario_with(self, seats: Vector) -> Scenario:
        """The scenario with these seats."""
        paths = {b.path: number for b, number in zip(self.blocks, seats, strict=True)}
        return self.scenario.change("seats", paths)

    def simulate(self, world: Scenario, numbers: range, *, hopeful: bool = False) -> Floats:
        """Replications of a world."""
        plan = make_plan(world)
        rows: list[Floats] = []
        for number in numbers:
            rows.append(self.promises.measure(plan, self.seed, number, self.engine))
            if hopeful and self.promises.hopeless(np.array(rows), len(numbers)):
                break
        return np.array(rows)

    def short(self, seats: Vector) -> set[str]:
        """Teams whose promises these seats do not keep; ``""``: anybody's."""
        values = self.values(seats)
        kept = self.promises.kept(values)
        found = {p.team for p, good in zip(self.promises.asked, kept, strict=True) if not good}
        if self.promises.loses(values[:, -1], self.now[: len(values)]):
            found.add("")
        return found


def _blocks(scenario: Scenario, asked: Sequence[Promise]) -> tuple[tuple[Block, ...], str]:
    """What is staffed anew, and in which unit it is paid."""
    named = {promise.team for promise in asked}
    teams = list(scenario.teams) if "" in named else [t for t in scenario.teams if t in named]
    _refuse_dated(scenario, teams)
    costs = [scenario.teams[key].cost_per_hour for key in teams]
    paid = bool(costs) and all(costs)
    minor = 10 ** decimals(scenario.currency)
    plan = make_plan(scenario)
    window = plan.observed_from, plan.observed_until
    number = {team.id: i for i, team in enumerate(plan.epochs[0].teams)}
    found = []
    for key in teams:
        team = scenario.teams[key]
        planned = plan.epochs[0].teams[number[key]].staff
        for i, (entry, staff) in enumerate(zip(team.staffing(), planned, strict=True)):
            begin, end = max(window[0], staff.start), min(window[1], staff.end)
            hours = staff.work.between(begin, end) / HOUR if begin < end else 0.0
            if not hours:
                continue  # nobody there in the window: nothing to decide
            price = hours * (team.cost_per_hour * minor if paid else 1)
            place = i if team.staff else None
            calendar = entry.calendar or scenario.calendar or ""
            found.append(Block(key, place, calendar, entry.seats, hours, price))
    if not found:
        raise ParameterError(Problem("there are no seats to decide on", fix="Add teams."))
    return tuple(found), "minor" if paid else "seat-hours"


def _refuse_dated(scenario: Scenario, teams: Sequence[str]) -> None:
    """Seats that change on a date cannot be one number."""
    problems = [
        Problem(
            "changes seats on a date",
            path=f"changes.{name}.set.{path}",
            fix="Ask for a run before or after that day, without the change.",
        )
        for name, change in scenario.changes.items()
        for path in change.set
        if path.split(".")[0] == "teams" and path.split(".")[1:2] and path.split(".")[1] in teams
    ]
    if problems:
        raise ParameterError(problems)


def _enough(trial: _Trial, most: int) -> Vector:
    """Seats from which to save: an easy load, then more where a promise is broken."""
    loads = {team.team: team.load for team in offered_load(trial.scenario)}
    seats = tuple(
        min(max(math.ceil(b.seats * min(loads[b.team], 50) / _EASY), 1), most) for b in trial.blocks
    )
    before = None
    while not trial(seats):
        teams = trial.short(seats) or {""}
        more = tuple(
            min(math.ceil(number * _MORE) + 1, most)
            if "" in teams or block.team in teams
            else number
            for number, block in zip(seats, trial.blocks, strict=True)
        )
        reached = trial.values(seats)
        if more == seats or (before is not None and np.array_equal(reached, before)):
            raise RunError(_never(trial, seats))
        before, seats = reached, more
    return seats


def _never(trial: _Trial, seats: Vector) -> str:
    """Why it cannot be done."""
    values = trial.values(seats)
    told = [
        f"{p.words()} (reached: {float(np.nanmean(values[:, i])):.3g})"
        for i, p in enumerate(trial.promises.asked)
        if not trial.promises.kept(values)[i]
    ]
    staffed = ", ".join(
        f"{block.team}: {number}" for block, number in zip(trial.blocks, seats, strict=True)
    )
    return (
        f"no number of seats keeps the promise: {'; '.join(told)}, even with {staffed}. Seats do "
        "not shorten nights, weekends and delays: open longer, cut delays, or promise less"
    )
