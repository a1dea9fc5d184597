"""The ways leads take, as a Markov chain: visits, odds of winning, time on the way.

An approximation that ignores waiting for teams: good enough to warn before a
run, no substitute for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from funnelsim.scenarios.calendar import WEEKDAYS
from funnelsim.scenarios.demand import leads_per_week
from funnelsim.scenarios.moment import Moment
from funnelsim.scenarios.quantity import DurationSpec
from funnelsim.scenarios.routing import When
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.stage import Effort, Stage
from funnelsim.scenarios.team import Team
from funnelsim.worktime import DAY, HOUR, WEEK, Duration

__all__ = ["Journey", "Paths"]

Floats = NDArray[np.float64]

_MONTH = 365.25 / 12 * DAY
_GRID = (np.arange(300) + 0.5) / 300


@dataclass(frozen=True)
class Stay:
    """One visit of a stage, without waiting: how it ends, and after how long (hours).

    ``moved`` and ``expired`` hold mean and mean square of the time in the stage.
    """

    expires: float
    moved: tuple[float, float]
    expired: tuple[float, float]
    reaches_work: float


@dataclass(frozen=True)
class Journey:
    """From arrival to some stages.

    ``share`` of leads that get there; ``mean`` and ``sd`` of their time, in hours.
    """

    share: float
    mean: float
    sd: float

    def done_within(self, hours: Floats) -> Floats:
        """Share of those who get there that is there in time (lognormal by moments)."""
        from scipy.special import ndtr

        if self.sd <= 0 or self.mean <= 0:
            return np.asarray(hours >= self.mean, float)
        s2 = np.log1p((self.sd / self.mean) ** 2)
        with np.errstate(divide="ignore"):
            z = (np.log(hours) - np.log(self.mean) + s2 / 2) / np.sqrt(s2)
        return np.asarray(ndtr(z), float)

    def quantile(self, level: float) -> float:
        """Hours within which that share is done (lognormal by moments)."""
        from scipy.special import ndtri

        if self.sd <= 0 or self.mean <= 0:
            return self.mean
        s2 = np.log1p((self.sd / self.mean) ** 2)
        return float(self.mean * np.exp(np.sqrt(s2) * ndtri(level) - s2 / 2))


class Paths:
    """The chain of a scenario's stages.

    Parameters
    ----------
    scenario : Scenario
        Business delays need their calendar.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> paths = Paths(Scenario.model_validate(_TINY))
    >>> [round(float(n)) for n in paths.visits]  # per week
    [35]
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.keys = list(scenario.stages)
        self.number = {key: i for i, key in enumerate(self.keys)}
        begin, _, end = scenario.run.instants(scenario.time_zone)
        self.clocks = {
            key: calendar.work_time(scenario.time_zone, begin, end)
            for key, calendar in scenario.calendars.items()
        }
        self.weeks = (end - begin) / WEEK
        self.stays = [self._stay(stage) for stage in scenario.stages.values()]

    @cached_property
    def arrivals(self) -> Floats:
        """Leads a week from outside, shape (n_stages,)."""
        found = np.zeros(len(self.keys))
        for source in self.scenario.sources.values():
            found[self.number[source.stage]] += leads_per_week(source, self.scenario)
        return found

    @cached_property
    def moving(self) -> Floats:
        """Probability to move from stage to stage by *next*, shape (n_stages, n_stages)."""
        found = np.zeros((len(self.keys),) * 2)
        for i, stage in enumerate(self.scenario.stages.values()):
            stays = 1 - self.stays[i].expires
            efforts = stage.efforts.values()
            agreed = math.prod(1 - effort.refuse * effort.share for effort in efforts)
            if stage.refused_to:
                found[i, self.number[stage.refused_to]] += (1 - agreed) * stays
            for target, share in self._shares(stage).items():
                found[i, self.number[target]] += share * agreed * stays
        return found

    @cached_property
    def expiring(self) -> Floats:
        """Probability to move by time-out, shape (n_stages, n_stages)."""
        found = np.zeros((len(self.keys),) * 2)
        for i, stage in enumerate(self.scenario.stages.values()):
            if stage.timeout:
                found[i, self.number[stage.timeout.to]] = self.stays[i].expires
        return found

    @cached_property
    def possible(self) -> NDArray[np.bool_]:
        """Whether a lead can move from stage to stage at all, shape (n_stages, n_stages)."""
        found = (self.moving + self.expiring) > 0
        for i, stage in enumerate(self.scenario.stages.values()):
            if stage.timeout and stage.efforts:  # waiting for a team may take any time
                found[i, self.number[stage.timeout.to]] = True
            if stage.patience and stage.efforts:
                found[i, self.number[stage.patience.to]] = True
        return found

    def reachable(self) -> set[str]:
        """Stages that leads can enter."""
        return self._closure(self.arrivals > 0, self.possible)

    def can_end(self) -> set[str]:
        """Stages from which the way can end."""
        ends = np.array([stage.next is None for stage in self.scenario.stages.values()])
        return self._closure(ends, self.possible.T)

    def _closure(self, start: NDArray[np.bool_], edges: NDArray[np.bool_]) -> set[str]:
        found = start.copy()
        for _ in self.keys:
            found |= edges[found].any(axis=0)
        return {self.keys[i] for i in np.flatnonzero(found)}

    @cached_property
    def visits(self) -> Floats:
        """Visits a week, shape (n_stages,); infinite where leads are caught.

        The absorbing chain's fundamental matrix (Kemeny and Snell 1976, theorem 3.2.4).
        """
        step = self.moving + self.expiring
        ends = step.sum(axis=1) < 1 - 1e-12
        settled = self._closure(ends, (step > 0).T)
        inside = np.array([key in settled for key in self.keys])
        caught = [self.number[key] for key in self.reachable()]
        found = np.zeros(len(self.keys))
        found[caught] = np.inf
        part = step[inside][:, inside]
        found[inside] = np.linalg.solve(np.eye(len(part)) - part.T, self.arrivals[inside])
        return found

    def journey(self, targets: Collection[str]) -> Journey:
        """How many leads get from arrival to one of some stages, and how long it takes."""
        goal = np.array([key in targets for key in self.keys])
        odds = self._odds(goal)
        start = self.arrivals * odds
        share = float(start.sum() / self.arrivals.sum()) if self.arrivals.any() else 0.0
        on_way = ~goal & (odds > 0)
        if not share:
            return Journey(0.0, 0.0, 0.0)
        lift = odds / np.where(odds > 0, odds, 1)[:, None]  # to those who get there in the end
        move, expire = self.moving * lift, self.expiring * lift
        moved = np.array([stay.moved for stay in self.stays])
        expired = np.array([stay.expired for stay in self.stays])
        stay = move.sum(axis=1)[:, None] * moved + expire.sum(axis=1)[:, None] * expired
        rest = np.eye(int(on_way.sum())) - (move + expire)[on_way][:, on_way]
        mean = np.linalg.solve(rest, stay[on_way, 0])
        cross = (move * moved[:, :1] + expire * expired[:, :1])[on_way][:, on_way] @ mean
        square = np.linalg.solve(rest, stay[on_way, 1] + 2 * cross)
        weights = start[on_way] / start.sum()  # leads that begin there take no time
        m, m2 = float(weights @ mean), float(weights @ square)
        return Journey(share, m, max(m2 - m * m, 0.0) ** 0.5)

    def _odds(self, goal: NDArray[np.bool_]) -> Floats:
        """Probability to get to the goal from each stage."""
        step = self.moving + self.expiring
        reaching = self._closure(goal, (step > 0).T)
        way = np.array([key in reaching for key in self.keys]) & ~goal
        odds = goal.astype(float)
        rest = np.eye(int(way.sum())) - step[way][:, way]
        odds[way] = np.linalg.solve(rest, step[way][:, goal].sum(axis=1))
        return odds

    def _shares(self, stage: Stage) -> dict[str, float]:
        """Mean probabilities of the ways out, over the cases of the routing table.

        Approximate: a case for some kinds of leads counts by their share of all leads,
        one from the n-th visit on counts 1/n, those by age or wait one half; one by the
        length of the stay counts for the visits that last so long without waiting.
        """
        if stage.next is None:
            return {}
        hours = np.zeros(1)
        if any(case.when.stay for case in stage.next.cases):
            there = self._hours_there(stage)
            in_time = there <= self._limit(stage)
            hours = there[in_time] if in_time.any() else there
        left, found = np.ones(len(hours)), dict.fromkeys(self.keys, 0.0)
        for case in stage.next.cases:
            weight = left * self._weight(case.when)
            if case.when.stay:
                weight *= hours >= case.when.stay.microseconds() / HOUR
            left = left - weight
            for target, share in case.to.items():
                found[target] += float(weight.mean()) * share
        for target, share in stage.next.to.items():
            found[target] += float(left.mean()) * share
        return {target: share for target, share in found.items() if share}

    def _weight(self, when: When) -> float:
        """About which share of leads a case is for."""
        fits = total = 0.0
        for key, source in self.scenario.sources.items():
            rate = leads_per_week(source, self.scenario)
            total += rate
            if not when.source or key in when.source:
                fits += rate * sum(
                    kind.share
                    for kind in source.kinds()
                    if (not when.product or kind.product in when.product)
                    and (not when.segment or kind.segment in when.segment)
                )
        weight = fits / total if total else 1.0
        weight /= when.visit or 1
        return weight / 2 if when.age or when.wait else weight

    def _stay(self, stage: Stage) -> Stay:
        """Time in a stage if no team is ever busy."""
        before, after, work = self._parts(stage)
        if stage.timeout is None:
            mean = before.mean() + work + after.mean()
            return Stay(0.0, (mean, before.var() + after.var() + mean**2), (0.0, 0.0), 1.0)
        limit, total = self._limit(stage), self._hours_there(stage)
        late = total > limit
        kept = total[~late]
        moved = (float(kept.mean()), float((kept**2).mean())) if kept.size else (0.0, 0.0)
        reaches = float((before <= limit).mean())
        return Stay(float(late.mean()), moved, (limit, limit**2), reaches)

    def _parts(self, stage: Stage) -> tuple[Floats, Floats, float]:
        """Hours of the delays before and after work at their quantiles, mean hours of work."""
        before, after = (self.hours(d, stage) for d in (stage.delay_before, stage.delay_after))
        if stage.until is not None:
            before = np.add.outer(before, _until_hours(stage.until)).ravel()
        works = [self._elapsed_work(effort) for effort in stage.efforts.values()] or [0.0]
        joined: dict[str, Callable[[list[float]], float]] = {"series": sum, "any": min}
        return before, after, joined.get(stage.join, max)(works)

    def _hours_there(self, stage: Stage) -> Floats:
        """Hours in a stage, time-outs left aside: equally likely lengths, shape (n,)."""
        before, after, work = self._parts(stage)
        return np.add.outer(before, after + work).ravel()

    def _limit(self, stage: Stage) -> float:
        """Hours until the time-out."""
        if stage.timeout is None:
            return math.inf
        return float(self.hours(DurationSpec(value=stage.timeout.after), stage)[0])

    def hours(self, spec: DurationSpec | None, stage: Stage | Team) -> Floats:
        """Elapsed hours of a delay at 300 evenly spaced quantiles, on a stage's or team's clock."""
        if spec is None:
            return np.zeros(1)
        name = stage.calendar or self.scenario.calendar
        work = self.clocks.get(name) if name else None
        day = work.business_day if work else 8 * HOUR
        found = spec.quantiles(lambda duration: _microseconds(duration, day))
        hours = np.asarray(found.ppf(_GRID), float) / HOUR
        if hours.mean() > 0 and np.isfinite(found.mean):
            hours = hours * (found.mean / HOUR / hours.mean())  # the grid's tails are short
        return hours * self._stretch(name) if spec.clocks()[0] == "business" else hours

    def _stretch(self, calendar: str | None) -> float:
        """Elapsed hours per open hour of a calendar."""
        if calendar is None:
            return 1.0
        work = self.clocks[calendar]
        opened = sum(c - o for o, c in zip(work.opens, work.closes, strict=True))
        return self.weeks * WEEK / max(opened, 1)

    def _elapsed_work(self, effort: Effort) -> float:
        """Mean hours from its turn to the end of an effort; nights count where work is laid down.

        0 for visits that do not need it.
        """
        team = self.scenario.teams[effort.team]
        calendar = team.calendar or self.scenario.calendar
        hours = self.work_hours(effort.duration, effort.team) * effort.share
        hours *= self._stretch(calendar) if team.at_close == "pause" else 1
        return hours + float(self.hours(effort.delay, team).mean()) * effort.share

    def work_hours(self, spec: DurationSpec, team: str) -> float:
        """Mean hands-on hours of an effort."""
        name = self.scenario.teams[team].calendar or self.scenario.calendar
        day = self.clocks[name].business_day if name else 8 * HOUR
        return spec.quantiles(lambda duration: _microseconds(duration, day)).mean / HOUR


def _until_hours(moment: Moment) -> Floats:
    """About how many hours until such a moment, if one comes at any time."""
    daily = moment.day in {"every day", "opening"}
    period = 24.0 if daily else 168.0 if moment.day in WEEKDAYS else _MONTH / HOUR
    return (np.arange(10) + 0.5) / 10 * period


def _microseconds(duration: object, business_day: int) -> float:
    """A duration on its own clock; a month as its mean length."""
    if not isinstance(duration, Duration):
        return 0.0
    scale = _MONTH if duration.clock == "months" else 1.0
    return duration.microseconds(business_day) * scale
