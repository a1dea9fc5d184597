"""Scenario → plan: everything that can be decided before the first lead arrives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

from funnelsim.distributions import SampleTable, quantiles
from funnelsim.engine.open_deals import plan_deals
from funnelsim.engine.plan import (
    Condition,
    Epoch,
    Plan,
    PlanEffort,
    PlanKind,
    PlanMark,
    PlanShock,
    PlanSource,
    PlanStaff,
    PlanStage,
    PlanTeam,
    Route,
    Timer,
)
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenarios.moment import Moment
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec
from funnelsim.scenarios.routing import Next, When
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.shock import Shock
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.stage import Mark, Stage
from funnelsim.scenarios.team import Staff, Team
from funnelsim.scenarios.timetable import timetable
from funnelsim.streams import colliding_ids, hash_id
from funnelsim.worktime import (
    DAY,
    FAR,
    Duration,
    WorkTime,
    from_instant,
    to_instant,
    united,
)

__all__ = ["decimals", "make_plan", "moved"]


def make_plan(scenario: Scenario, start: Snapshot | None = None) -> Plan:
    """Settle a scenario.

    Parameters
    ----------
    scenario : Scenario
    start : Snapshot, optional
        Open deals to start from; then the window is ``[start.at, start.at + horizon)``, without
        warm-up.

    Returns
    -------
    Plan

    Raises
    ------
    ScenarioError
        If two ids share a hash (rename one), a business delay has no calendar, or a
        change with a date cannot be made.
    ParameterError
        If the scenario does not know the stages or sources of the open deals.

    Examples
    --------
    >>> plan = make_plan(Scenario.model_validate({
    ...     "funnelsim": 1, "name": "tiny", "run": {"start": "2026-01-05", "horizon": "4 w"},
    ...     "sources": {"web": {"stage": "won", "rate": "5 / d"}},
    ...     "stages": {"won": {"marks": "won"}}}))
    >>> (plan.observed_until - plan.observed_from) // DAY
    28
    """
    zone = scenario.time_zone
    grown_from = scenario.run.instants(zone)[1]
    begin, observed_from, observed_until = moved(scenario, start).run.instants(zone)
    reach = begin if start is None else start.oldest
    kinds: list[tuple[str, PlanKind]] = []
    epochs = [
        _Planner(changed, since, Span(reach, begin, observed_until), kinds).epoch()
        for since, changed in _epochs(scenario, begin, observed_until)
    ]
    shocks = tuple(
        _shock(key, scenario.shocks[key], begin, observed_until, zone)
        for key in sorted(scenario.shocks)
    )
    return Plan(
        scenario,
        begin,
        observed_from,
        observed_until,
        tuple(epochs),
        shocks,
        tuple(kind for _, kind in kinds),
        grown_from,
        start,
        plan_deals(start, epochs[0], scenario) if start is not None else (),
    )


def moved(scenario: Scenario, start: Snapshot | None) -> Scenario:
    """The scenario with its run from a snapshot on, without warm-up."""
    if start is None:
        return scenario
    local = from_instant(start.instant, scenario.time_zone).replace(tzinfo=None)
    run = scenario.run.model_copy(update={"start": local, "warm_up": Duration(0, "d")})
    return scenario.model_copy(update={"run": run})


class Span(NamedTuple):
    """The time of a run: ``reach`` is how far back what is open at its start began."""

    reach: int
    start: int
    end: int


def _epochs(scenario: Scenario, start: int, end: int) -> list[tuple[int, Scenario]]:
    """The scenario as it is from each instant on at which something changes."""
    epochs = [(start, scenario)]
    for day, changed in timetable(scenario):
        since = _midnight(day, scenario.time_zone)
        if since <= epochs[-1][0]:
            epochs[-1] = (epochs[-1][0], changed)
        elif since < end:
            epochs.append((since, changed))
    return epochs


def _midnight(day: date, zone: str) -> int:
    """The instant at which a local day begins."""
    return to_instant(datetime.combine(day, time(), ZoneInfo(zone)))


class _Planner:
    """Holds what the parts of an epoch share while it is made."""

    def __init__(
        self,
        scenario: Scenario,
        since: int,
        span: Span,
        known: list[tuple[str, PlanKind]],
    ) -> None:
        """Leads of earlier epochs are still about: ``known`` has their kinds."""
        self.scenario = scenario
        self.since, (self.reach, self.start, self.end) = since, span
        self.zone = scenario.time_zone
        self.stage_number = {key: i for i, key in enumerate(sorted(scenario.stages))}
        self.team_number = {key: i for i, key in enumerate(sorted(scenario.teams))}
        self.shock_number = {key: i for i, key in enumerate(sorted(scenario.shocks))}
        self.clocks = {
            key: calendar.work_time(self.zone, self.reach, self.end)
            for key, calendar in scenario.calendars.items()
        }
        self.minor = 10 ** decimals(scenario.currency)
        self.places: list[str] = []
        self.known = known
        self.kinds: dict[str, tuple[PlanKind, ...]] = {}

    def epoch(self) -> Epoch:
        scenario = self.scenario
        for key in sorted(scenario.sources):
            self.kinds[key] = self._kinds(scenario.sources[key])
            self.known += [(key, kind) for kind in self.kinds[key]]
        stages = tuple(self._stage(key, scenario.stages[key]) for key in sorted(scenario.stages))
        teams = tuple(self._team(key, scenario.teams[key]) for key in sorted(scenario.teams))
        sources = tuple(
            self._source(key, scenario.sources[key]) for key in sorted(scenario.sources)
        )
        collisions = colliding_ids(self.places)
        if collisions:
            raise ScenarioError(
                Problem(f'"{a}" and "{b}" share a hash', fix="Rename one of them.")
                for a, b in collisions
            )
        return Epoch(self.since, scenario, stages, teams, sources)

    def _place(self, name: str) -> int:
        self.places.append(name)
        return hash_id(name)

    # --- calendars

    def _moments(self, moment: Moment, calendar: str) -> tuple[int, ...]:
        if not moment.needs_calendar:
            return moment.instants(self.reach, self.end, self.zone, ())
        hours = self.scenario.calendars[calendar]
        zone = hours.zone or self.zone
        open_time = hours.work_time(zone, self.reach - 31 * DAY, self.end + 70 * DAY)
        business = {from_instant(opening, zone).date() for opening in open_time.opens}
        return moment.instants(self.reach, self.end, zone, business)

    # --- stages

    def _stage(self, key: str, stage: Stage) -> PlanStage:
        calendar = stage.calendar or self.scenario.calendar
        limit = DurationSpec(value=stage.timeout.after) if stage.timeout else None
        patience = stage.patience
        until = stage.until
        at_opening = until is not None and until.day == "opening"
        if until is not None and until.needs_calendar and calendar is None:
            raise ScenarioError(_no_calendar(f"stages.{key}.until"))
        return PlanStage(
            id=key,
            place=self._place(f"stage/{key}"),
            delay_before=self._timer(stage.delay_before, calendar, f"{key}.delay_before"),
            opening=self.clocks[calendar or ""] if at_opening else None,
            moments=None if until is None or at_opening else self._moments(until, calendar or ""),
            efforts=tuple(self._effort(key, name, stage) for name in stage.efforts),
            join=stage.join,
            refused_to=self.stage_number[stage.refused_to] if stage.refused_to else -1,
            patience=self._timer(patience.after, calendar, f"{key}.patience") if patience else None,
            patience_to=self.stage_number[patience.to] if patience else -1,
            delay_after=self._timer(stage.delay_after, calendar, f"{key}.delay_after"),
            timeout=self._timer(limit, calendar, f"{key}.timeout"),
            timeout_to=self.stage_number[stage.timeout.to] if stage.timeout else -1,
            marks=tuple(self._mark(key, i, mark) for i, mark in enumerate(stage.marks)),
            routes=self._routes(stage.next) if stage.next else (),
            shocks=tuple(
                self.shock_number[name]
                for name, shock in sorted(self.scenario.shocks.items())
                if key in shock.stages
            ),
        )

    def _effort(self, key: str, name: str, stage: Stage) -> PlanEffort:
        effort = stage.efforts[name]
        return PlanEffort(
            id=name,
            place=self._place(f"stage/{key}/effort/{name}"),
            team=self.team_number[effort.team],
            priority=effort.priority,
            duration=self._work(effort.duration, effort.team, f"stages.{key}.efforts.{name}"),
            refuse=effort.refuse,
            share=effort.share,
            delay=self._timer(
                effort.delay,
                self.scenario.teams[effort.team].calendar or self.scenario.calendar,
                f"{key}.efforts.{name}.delay",
            ),
        )

    def _work(self, spec: DurationSpec, team: str, path: str) -> Timer:
        """Working time is hands-on: a calendar only says how long a business day is."""
        name = self.scenario.teams[team].calendar or self.scenario.calendar
        if "months" in spec.clocks():
            problem = Problem("work cannot last calendar months", path=f"{path}.duration")
            raise ScenarioError(problem)
        if name is None and any(length.unit == "bd" for length in spec.durations()):
            problem = Problem(
                f"is in business days but {team} has no calendar",
                path=f"{path}.duration",
                fix="Add 'calendar:' to the team or to the scenario.",
            )
            raise ScenarioError(problem)
        return Timer(_table(spec, self.clocks[name].business_day if name else 0))

    def _timer(self, spec: DurationSpec | None, calendar: str | None, path: str) -> Timer | None:
        if spec is None:
            return None
        clock = spec.clocks()[0]
        if clock == "months":
            months = spec.value.amount if isinstance(spec.value, Duration) else 0
            table = _table(DurationSpec(value=Duration(0, "d")), 0)
            return Timer(table, months=round(months), zone=self.zone)
        if clock == "elapsed":
            return Timer(_table(spec, 0))
        if calendar is None:
            raise ScenarioError(_no_calendar(f"stages.{path}"))
        work = self.clocks[calendar]
        return Timer(_table(spec, work.business_day), work)

    def _routes(self, following: Next) -> tuple[tuple[Condition | None, Route], ...]:
        advance = following.advance or next(iter(following.to))
        cases = ((self._condition(case.when), case.to) for case in following.cases)
        return tuple(
            (condition, self._route(advance, to))
            for condition, to in (*cases, (None, following.to))
        )

    def _condition(self, when: When) -> Condition:
        named = when.source or when.product or when.segment
        kinds = frozenset(
            kind.number
            for key, kind in self.known
            if (not when.source or key in when.source)
            and (not when.product or kind.product in when.product)
            and (not when.segment or kind.segment in when.segment)
        )
        return Condition(
            kinds=kinds if named else None,
            visit=when.visit or 0,
            age=round(when.age.microseconds()) if when.age else 0,
            wait=round(when.wait.microseconds()) if when.wait else 0,
            stay=round(when.stay.microseconds()) if when.stay else 0,
        )

    def _route(self, advance: str, to: Mapping[str, float]) -> Route:
        others = sorted(key for key in to if key != advance and to[key] > 0)
        total = sum(to[key] for key in others)
        return Route(
            advance=self.stage_number[advance],
            probability=to.get(advance, 0.0),
            others=tuple(self.stage_number[key] for key in others),
            cumulative=tuple(accumulate(to[key] / total for key in others)),
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
        if not self.scenario.currency:
            fix = 'Add "currency: UAH" (or another) at the top.'
            raise ScenarioError(Problem("there are amounts of money but no currency", fix=fix))
        return spec.quantiles(lambda amount: float(amount) * self.minor).table()

    # --- teams

    def _team(self, key: str, team: Team) -> PlanTeam:
        staff = tuple(self._staff(key, i, entry) for i, entry in enumerate(team.staffing()))
        return PlanTeam(
            id=key,
            staff=staff,
            shrinkage=team.shrinkage,
            attrition=team.attrition,
            replaced_after=round(team.replaced_after.microseconds()),
            pause=united([s.work for s in staff if s.seats]) if team.at_close == "pause" else None,
        )

    def _staff(self, key: str, index: int, entry: Staff) -> PlanStaff:
        name = entry.calendar or self.scenario.calendar
        zone = (self.scenario.calendars[name].zone if name else None) or self.zone
        always = WorkTime([self.reach], [self.end], DAY)
        return PlanStaff(
            place=self._place(f"team/{key}/staff/{index}"),
            attrition_place=self._place(f"team/{key}/staff/{index}/attrition"),
            seats=entry.seats,
            work=self.clocks[name] if name else always,
            days=self._days(zone),
            start=_midnight(entry.start, zone) if entry.start else self.start,
            end=_midnight(entry.end, zone) if entry.end else FAR,
            ramp=round(entry.ramp.microseconds()),
        )

    def _days(self, zone: str) -> tuple[int, ...]:
        """The instants at which the days of the run begin."""
        first, last = (from_instant(t, zone).date() for t in (self.start, self.end))
        days = (first + timedelta(days=i) for i in range((last - first).days + 1))
        return tuple(_midnight(day, zone) for day in days)

    # --- sources

    def _kinds(self, source: Source) -> tuple[PlanKind, ...]:
        first = len(self.known)
        parts = source.kinds()
        levels = accumulate(part.share for part in parts)
        return tuple(
            PlanKind(first + i, level, part.segment, part.product, self._money(part.value))
            for i, (part, level) in enumerate(zip(parts, levels, strict=True))
        )

    def _source(self, key: str, source: Source) -> PlanSource:
        restless = {"mean": 1.0, "cv": source.overdispersion}
        weights = source.profile() if source.rate else source.weights()
        return PlanSource(
            id=key,
            count=self._place(f"source/{key}/count"),
            lead=self._place(f"source/{key}/lead"),
            attribute=self._place(f"source/{key}/attribute"),
            day=self._place(f"source/{key}/day"),
            stage=self.stage_number[source.stage],
            profile=tuple(map(tuple, weights)),
            kinds=self.kinds[key],
            daily=quantiles("gamma", restless).table() if source.overdispersion else None,
            cost=self._money(source.cost),
            shocks=tuple(
                self.shock_number[name]
                for name, shock in sorted(self.scenario.shocks.items())
                if key in shock.sources
            ),
        )


def _no_calendar(path: str) -> Problem:
    return Problem(
        "is in business time but no calendar is named",
        path=path,
        fix="Add 'calendar:' to the stage or to the scenario.",
    )


def _table(spec: DurationSpec, business_day: int) -> SampleTable:
    def microseconds(duration: object) -> float:
        return duration.microseconds(business_day) if isinstance(duration, Duration) else 0.0

    return spec.quantiles(microseconds).table()


def _shock(key: str, shock: Shock, start: int, end: int, zone: str) -> PlanShock:
    first, last = (from_instant(t, zone).date() for t in (start, end))
    days = (
        first - timedelta(days=100) + timedelta(days=i) for i in range((last - first).days + 101)
    )
    tz = ZoneInfo(zone)
    starts = [
        to_instant(datetime.combine(day, time(), tz)) for day in days if _begins(shock.period, day)
    ]
    before = [t for t in starts if t <= start]
    return PlanShock(
        id=key,
        place=hash_id(f"shock/{key}"),
        starts=tuple(starts[max(len(before) - 1, 0) :]),
        factor=quantiles("lognormal", {"mean": 1.0, "cv": shock.cv}).table(),
    )


def _begins(period: str, day: date) -> bool:
    """Whether a week, month or quarter begins on this day."""
    if period == "week":
        return day.weekday() == 0
    return day.day == 1 and (period == "month" or day.month % 3 == 1)


def decimals(currency: str) -> int:
    """Digits of the minor unit (2 for UAH, 0 for JPY)."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(currency) if currency else 2
