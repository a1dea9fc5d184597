"""A scenario settled into integers and tables, ready to run.

Everything that can be decided before the first lead arrives is decided here:
clocks, quantile tables, routing thresholds, seats over time. Stages, teams and
sources are numbered in the order of their ids, so their order in the file has
no effect. Both engines run a ``Plan`` and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from funnelsim.distributions import SampleTable
from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec
from funnelsim.scenarios.routing import Next
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.stage import Mark, Stage
from funnelsim.streams import colliding_ids, hash_id
from funnelsim.worktime import FAR, Duration, WorkTime, add_months

__all__ = [
    "Plan",
    "PlanEffort",
    "PlanMark",
    "PlanSource",
    "PlanStage",
    "PlanTeam",
    "Route",
    "Timer",
    "make_plan",
]


@dataclass(frozen=True, slots=True)
class Timer:
    """A length of time on its own clock: elapsed, business or calendar months."""

    table: SampleTable
    work: WorkTime | None = None
    months: int = 0
    zone: str = "UTC"

    def end(self, start: int, u: float) -> int:
        """The instant at which it is over; never before ``start``."""
        if self.months:
            return add_months(start, self.months, self.zone)
        length = self.length(u)
        return start + length if self.work is None else self.work.add(start, length)

    def length(self, u: float) -> int:
        """Microseconds on its clock, rounded half-even."""
        return round(min(self.table.sample(u), FAR))


@dataclass(frozen=True, slots=True)
class Route:
    """Where a lead goes: first "does it advance?", then "which of the others?".

    Two questions and two uniforms, so that a better conversion moves only those
    leads that it wins, and they come from the other branches in proportion.
    """

    advance: int
    probability: float
    others: tuple[int, ...]
    cumulative: tuple[float, ...]

    def choose(self, u_advance: float, u_other: float) -> int:
        """The stage's number."""
        if u_advance < self.probability or not self.others:
            return self.advance
        for stage, limit in zip(self.others, self.cumulative, strict=True):
            if u_other < limit:
                return stage
        return self.others[-1]


@dataclass(frozen=True, slots=True)
class PlanMark:
    """What entering a stage records; money in minor units."""

    place: int
    kind: str
    reason: str
    deal_value: bool
    value: SampleTable | None
    cost: SampleTable | None


@dataclass(frozen=True, slots=True)
class PlanEffort:
    """A piece of work."""

    id: str
    place: int
    team: int
    priority: int
    duration: Timer


@dataclass(frozen=True, slots=True)
class PlanStage:
    """A stage; ``route`` is None where the way ends."""

    id: str
    place: int
    delay_before: Timer | None
    efforts: tuple[PlanEffort, ...]
    delay_after: Timer | None
    timeout: Timer | None
    timeout_to: int
    marks: tuple[PlanMark, ...]
    route: Route | None


@dataclass(frozen=True, slots=True)
class PlanTeam:
    """Seats over time; ``work`` is set where closing pauses the work in hand."""

    id: str
    seats: tuple[tuple[int, int], ...]
    """(instant, seats from then on), the first at the start of the simulation."""
    work: WorkTime | None

    def finish(self, start: int, duration: int) -> int:
        """When work begun at ``start`` is over."""
        return start + duration if self.work is None else self.work.add(start, duration)


@dataclass(frozen=True, slots=True)
class PlanSource:
    """A stream of leads, by weekday and hour."""

    id: str
    count: int
    lead: int
    attribute: int
    stage: int
    profile: tuple[tuple[float, ...], ...]
    """Leads per hour: 7 weekdays × 24 local hours."""
    value: SampleTable | None


@dataclass(frozen=True)
class Plan:
    """All an engine needs."""

    scenario: Scenario
    start: int
    observed_from: int
    observed_until: int
    stages: tuple[PlanStage, ...]
    teams: tuple[PlanTeam, ...]
    sources: tuple[PlanSource, ...]


def make_plan(scenario: Scenario) -> Plan:
    """Settle a scenario.

    Raises
    ------
    ScenarioError
        If two ids share a hash (rename one), or a business delay has no calendar.

    Examples
    --------
    >>> plan = make_plan(Scenario.model_validate({
    ...     "funnelsim": 1, "name": "tiny", "run": {"start": "2026-01-05", "horizon": "4 w"},
    ...     "sources": {"web": {"stage": "won", "rate": "5 / d"}},
    ...     "stages": {"won": {"marks": "won"}}}))
    >>> (plan.observed_until - plan.observed_from) // (24 * 3600 * 1_000_000)
    28
    """
    return _Planner(scenario).plan()


class _Planner:
    """Holds what the parts of a plan share while it is made."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        zone = scenario.time_zone
        self.start, self.observed_from, self.observed_until = scenario.run.instants(zone)
        self.stage_number = {key: i for i, key in enumerate(sorted(scenario.stages))}
        self.team_number = {key: i for i, key in enumerate(sorted(scenario.teams))}
        self.clocks = {
            key: calendar.work_time(zone, self.start, self.observed_until)
            for key, calendar in scenario.calendars.items()
        }
        self.minor = 10 ** _decimals(scenario.currency)
        self.places: list[str] = []

    def plan(self) -> Plan:
        scenario = self.scenario
        stages = tuple(self._stage(key, scenario.stages[key]) for key in sorted(scenario.stages))
        teams = tuple(self._team(key) for key in sorted(scenario.teams))
        sources = tuple(self._source(key) for key in sorted(scenario.sources))
        collisions = colliding_ids(self.places)
        if collisions:
            raise ScenarioError(
                Problem(f'"{a}" and "{b}" share a hash', fix="Rename one of them.")
                for a, b in collisions
            )
        return Plan(
            scenario, self.start, self.observed_from, self.observed_until, stages, teams, sources
        )

    def _place(self, name: str) -> int:
        self.places.append(name)
        return hash_id(name)

    def _stage(self, key: str, stage: Stage) -> PlanStage:
        calendar = stage.calendar or self.scenario.calendar
        timeout = stage.timeout
        limit = DurationSpec(value=timeout.after) if timeout else None
        return PlanStage(
            id=key,
            place=self._place(f"stage/{key}"),
            delay_before=self._timer(stage.delay_before, calendar, f"{key}.delay_before"),
            efforts=tuple(
                PlanEffort(
                    id=name,
                    place=self._place(f"stage/{key}/effort/{name}"),
                    team=self.team_number[effort.team],
                    priority=effort.priority,
                    duration=self._work(effort.duration, effort.team, f"{key}.efforts.{name}"),
                )
                for name, effort in stage.efforts.items()
            ),
            delay_after=self._timer(stage.delay_after, calendar, f"{key}.delay_after"),
            timeout=self._timer(limit, calendar, f"{key}.timeout"),
            timeout_to=self.stage_number[timeout.to] if timeout else -1,
            marks=tuple(self._mark(key, i, mark) for i, mark in enumerate(stage.marks)),
            route=self._route(stage.next) if stage.next else None,
        )

    def _timer(self, spec: DurationSpec | None, calendar: str | None, path: str) -> Timer | None:
        if spec is None:
            return None
        clock = spec.clocks()[0]
        if clock == "months":
            months = spec.value.amount if isinstance(spec.value, Duration) else 0
            table = _table(DurationSpec(value=Duration(0, "d")), 0)
            return Timer(table, months=round(months), zone=self.scenario.time_zone)
        if clock == "elapsed":
            return Timer(_table(spec, 0))
        if calendar is None:
            problem = Problem(
                "is in business time but no calendar is named",
                path=f"stages.{path}",
                fix="Add 'calendar:' to the stage or to the scenario.",
            )
            raise ScenarioError(problem)
        work = self.clocks[calendar]
        return Timer(_table(spec, work.business_day), work)

    def _work(self, spec: DurationSpec, team: str, path: str) -> Timer:
        """Working time is hands-on: a calendar only says how long a business day is."""
        name = self.scenario.teams[team].calendar or self.scenario.calendar
        if "months" in spec.clocks():
            problem = Problem("work cannot last calendar months", path=f"stages.{path}.duration")
            raise ScenarioError(problem)
        if name is None and any(length.unit == "bd" for length in spec.durations()):
            problem = Problem(
                f"is in business days but {team} has no calendar",
                path=f"stages.{path}.duration",
                fix="Add 'calendar:' to the team or to the scenario.",
            )
            raise ScenarioError(problem)
        return Timer(_table(spec, self.clocks[name].business_day if name else 0))

    def _route(self, following: Next) -> Route:
        advance = following.advance or next(iter(following.to))
        others = sorted(key for key in following.to if key != advance and following.to[key] > 0)
        total = sum(following.to[key] for key in others)
        return Route(
            advance=self.stage_number[advance],
            probability=following.to[advance],
            others=tuple(self.stage_number[key] for key in others),
            cumulative=tuple(accumulate(following.to[key] / total for key in others)),
        )

    def _mark(self, stage: str, index: int, mark: Mark) -> PlanMark:
        deal = mark.value == "deal" or (mark.value is None and mark.kind == "won")
        own = None if mark.value == "deal" else mark.value
        return PlanMark(
            place=self._place(f"stage/{stage}/mark/{index}"),
            kind=mark.kind,
            reason=mark.reason,
            deal_value=deal,
            value=self._money(own),
            cost=self._money(mark.cost),
        )

    def _money(self, spec: AmountSpec | None) -> SampleTable | None:
        if spec is None:
            return None
        return spec.quantiles(lambda amount: float(amount) * self.minor).table()

    def _team(self, key: str) -> PlanTeam:
        team = self.scenario.teams[key]
        name = team.calendar or self.scenario.calendar
        if name is None:
            return PlanTeam(key, ((self.start, team.seats),), None)
        work = self.clocks[name]
        changes = {self.start: 0}
        for opening, closing in zip(work.opens, work.closes, strict=True):
            changes[opening] = team.seats
            changes[closing] = 0
        return PlanTeam(key, tuple(changes.items()), work if team.at_close == "pause" else None)

    def _source(self, key: str) -> PlanSource:
        source = self.scenario.sources[key]
        return PlanSource(
            id=key,
            count=self._place(f"source/{key}/count"),
            lead=self._place(f"source/{key}/lead"),
            attribute=self._place(f"source/{key}/attribute"),
            stage=self.stage_number[source.stage],
            profile=tuple(map(tuple, source.profile())),
            value=self._money(source.value),
        )


def _table(spec: DurationSpec, business_day: int) -> SampleTable:
    def microseconds(duration: object) -> float:
        return duration.microseconds(business_day) if isinstance(duration, Duration) else 0.0

    return spec.quantiles(microseconds).table()


def _decimals(currency: str) -> int:
    """Digits of the minor unit (2 for UAH, 0 for JPY)."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(currency) if currency else 2
