"""Promises a funnel makes, as plain data, and whether simulation shows them kept.

``{"in_time.call_centre": {"share": 0.8, "within": "4 h"}}``: of the work that a team was
asked for, this share begins so soon after it was queued. Work given up before it began
counts as *not* in time, or else the emptiest desk would keep every promise.

``{"cycle_time": {"share": 0.95, "within": "30 d"}}``: of the deals won, this share is won so
soon after the lead arrived.

``{"utilisation.desk": {"at_most": 0.85}}``, ``{"won": {"at_least": 200}}``: any measure, its
mean over replications.

A promise is *kept* where the lower confidence limit of its mean over replications reaches it
(one-sided, Bonferroni over the promises): a mean that only happens to lie above would be
broken by every other set of luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.engine import Limits, Plan, Tally, make_plan, tally
from funnelsim.engine.simulation import Engine
from funnelsim.errors import ParameterError, Problem
from funnelsim.experiments.outcomes import Outcomes
from funnelsim.experiments.precision import Interval, mean_interval
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import FAR, SECOND, parse_duration

__all__ = ["Promise", "Promises", "read_promises"]

Floats = NDArray[np.float64]

_TEAM: Final = "in_time."
_CYCLE: Final = "cycle_time"
_WORKS: Final = (
    '{"share": 0.8, "within": "4 h"} for in_time.TEAM and cycle_time; {"at_least": …} or '
    '{"at_most": …} for any measure'
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise.

    Parameters
    ----------
    measure : str
    bound : float
        A share, or in the measure's unit.
    sense : int
        1: at least; -1: at most.
    within : int
        Microseconds; 0 where it is not about being in time.
    unit : str
        Of the bound.
    written : str
        The time limit as given.
    """

    measure: str
    bound: float
    sense: int
    within: int
    unit: str
    written: str

    @property
    def team(self) -> str:
        """The team it is about; empty for the whole funnel."""
        if self.within:
            return self.measure.removeprefix(_TEAM) if self.measure.startswith(_TEAM) else ""
        kind, _, item = self.measure.partition(".")
        return item if kind in {"utilisation", "wait", "queue", "given_up"} else ""

    def words(self) -> str:
        """What is promised, in English."""
        if self.within and self.team:
            return f"{self.bound:.0%} of the work of {self.team} begins within {self.written}"
        if self.within:
            return f"{self.bound:.0%} of deals are won within {self.written}"
        side = "at least" if self.sense > 0 else "at most"
        return f"{self.measure} is {side} {self.written}"


def read_promises(promise: Mapping[str, Mapping[str, Any]], scenario: Scenario) -> list[Promise]:
    """Read promises; every problem at once.

    Parameters
    ----------
    promise : mapping of str to mapping
        See the module.
    scenario : Scenario

    Returns
    -------
    list of Promise

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> tiny = Scenario.model_validate(_TINY)
    >>> given = {"cycle_time": {"share": "95 %", "within": "30 d"}}
    >>> read_promises(given, tiny)[0].words()
    '95% of deals are won within 30 d'
    """
    units = {m.id: m.unit for m in Outcomes(make_plan(scenario)).measures}
    timed = {f"{_TEAM}{team}" for team in scenario.teams}
    timed |= {_CYCLE} & units.keys()
    found, problems = [], []
    for name, told in promise.items():
        try:
            found.append(_read(name, told, units, timed))
        except (ValueError, TypeError, AttributeError) as wrong:
            problems.append(Problem(str(wrong), path=f"promise.{name}", fix=f"Write {_WORKS}."))
    if not promise:
        problems.append(Problem("there is no promise to keep", fix=f"Write {_WORKS}."))
    if problems:
        raise ParameterError(problems)
    return found


def _read(name: str, told: Mapping[str, Any], units: Mapping[str, str], timed: set[str]) -> Promise:
    if set(told) == {"share", "within"}:
        if name not in timed:
            near = did_you_mean(name, timed, limit=20)
            msg = f"nothing is in time here but {', '.join(sorted(timed))}. {near}".strip()
            raise ValueError(msg)
        duration = parse_duration(told["within"])
        if duration.clock != "elapsed" or not duration.amount:
            msg = f"within {duration}: use elapsed time (min, h, d, w)"
            raise ValueError(msg)
        within = round(duration.microseconds())
        return Promise(name, _share(told["share"]), 1, within, "share", str(duration))
    if set(told) not in ({"at_least"}, {"at_most"}):
        msg = f"{dict(told)!r} is no promise"
        raise ValueError(msg)
    if name not in units:
        near = did_you_mean(name, units, limit=20)
        msg = f'there is no measure "{name}". {near}'.strip()
        raise ValueError(msg)
    (side, value), unit = next(iter(told.items())), units[name]
    bound = _share(value) if unit == "share" else _number(value, unit)
    return Promise(name, bound, 1 if side == "at_least" else -1, 0, unit, str(value))


def _share(value: object) -> float:
    text = str(value).strip()
    share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < share < 1:
        msg = f"{value} is not a share between 0 and 1"
        raise ValueError(msg)
    return share


def _number(value: object, unit: str) -> float:
    if unit == "s":
        return parse_duration(value).microseconds() / SECOND
    return float(str(value))


class Promises:
    """Promises together with how they are measured on one plan.

    Tallies know one limit of each kind, so promises with different limits take several
    runs, under the same luck.

    Parameters
    ----------
    asked : sequence of Promise
    level : float
        Confidence, simultaneous over the promises.
    lose : float, optional
        Share of the deals won now that may be lost at most: one more promise.
    """

    def __init__(self, asked: Sequence[Promise], level: float, lose: float | None = None) -> None:
        self.asked = tuple(asked)
        self.lose = lose
        count = len(self.asked) + (lose is not None)
        self.level = 1 - 2 * (1 - level) / count  # two-sided, for one-sided limits
        waits = _different(p.within for p in self.asked if p.within and p.team)
        ages = _different(p.within for p in self.asked if p.within and not p.team)
        runs = max(len(waits), len(ages), 1)
        self.limits = [
            Limits(wait=waits[i] if i < len(waits) else FAR, age=ages[i] if i < len(ages) else FAR)
            for i in range(runs)
        ]

    def measure(self, plan: Plan, seed: int, replication: int, engine: Engine) -> Floats:
        """What a replication comes to.

        Parameters
        ----------
        plan : Plan
        seed, replication, engine
            As in :func:`funnelsim.engine.tally`.

        Returns
        -------
        ndarray, shape (promises + 1,)
            The last one: deals won.
        """
        tallies = [
            tally(plan, seed=seed, replication=replication, engine=engine, limits=limits)
            for limits in self.limits
        ]
        outcomes = Outcomes(plan)
        plain = dict(
            zip((m.id for m in outcomes.measures), outcomes.values(tallies[0]), strict=True)
        )
        found = [self._value(promise, plan, tallies, plain) for promise in self.asked]
        return np.array([*found, plain.get("won", np.nan)])

    def _value(
        self, promise: Promise, plan: Plan, tallies: Sequence[Tally], plain: Mapping[str, float]
    ) -> float:
        if not promise.within:
            return float(plain[promise.measure])
        if promise.team:
            run = [limits.wait for limits in self.limits].index(promise.within)
            number = [team.id for team in plan.epochs[0].teams].index(promise.team)
            return _answered(tallies[run], number)
        run = [limits.age for limits in self.limits].index(promise.within)
        won = plan.kinds_of_marks.index("won")
        first = int(tallies[run].first[won])
        return int(tallies[run].young[won]) / first if first else 0.0

    def intervals(self, values: Floats) -> list[Interval]:
        """Means with the limits that decide, by promise.

        Parameters
        ----------
        values : ndarray, shape (replications, promises + 1)

        Returns
        -------
        list of Interval
        """
        return [mean_interval(values[:, i], self.level) for i in range(len(self.asked))]

    def kept(self, values: Floats) -> list[bool]:
        """Whether each promise is shown to be kept."""
        return [
            bool(span.lo >= p.bound) if p.sense > 0 else bool(span.hi <= p.bound)
            for p, span in zip(self.asked, self.intervals(values), strict=True)
        ]

    def deals_kept(self, won: Floats, before: Floats) -> Interval:
        """By how many deals won those that must be kept are exceeded, paired.

        Parameters
        ----------
        won, before : ndarray, shape (replications,)
            Deals won then and now, under the same luck.

        Returns
        -------
        Interval
            Kept where its lower limit is not below 0.
        """
        return mean_interval(won - (1 - (self.lose or 0.0)) * before, self.level)

    def loses(self, won: Floats, before: Floats) -> bool:
        """Whether more deals may be lost than allowed."""
        if self.lose is None or np.isnan(before).all():
            return False
        return not self.deals_kept(won, before).lo >= 0

    def hopeless(self, values: Floats, n: int) -> bool:
        """Whether some share cannot be kept any more, however the rest of n runs go."""
        left = n - len(values)
        return any(
            p.within and (float(values[:, i].sum()) + left) / n < p.bound
            for i, p in enumerate(self.asked)
        )


def _different(numbers: Any) -> list[int]:  # noqa: ANN401 - any iterable of int
    return list(dict.fromkeys(numbers))


def _answered(found: Tally, team: int) -> float:
    """Share of the work asked for that began in time; of nothing asked for, all of it."""
    asked = int(found.started[team] + found.given_up[team])
    if asked:
        return int(found.in_time[team]) / asked
    return 0.0 if found.queue[team] else 1.0
