"""What of the language a scenario uses: shows that generated scenarios reach all of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from funnelsim.scenarios.quantity import AmountSpec, DurationSpec
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.stage import Stage

__all__ = ["FEATURES", "features"]

Found = dict[str, object]

FEATURES = frozenset(
    """
    constant uniform triangular exponential gamma weibull lognormal loglogistic empirical mixture
    zero-length business-delay month-delay work-in-business-time
    calendar calendar-zone holidays closed-dates night-shift default-calendar
    finish pause no-seats several-teams staff ramp hires-and-leavers shrinkage attrition
    several-sources weekday-profile hour-profile segments deal-value mix lead-cost no-leads
    season growth campaign overdispersion counts several-paths replay replayed-together
    series all any first_refusal several-efforts same-team-twice priorities patience moment
    branches loop self-loop impossible-branch one-stage cases case-by-source case-by-visit
    case-by-age case-by-wait
    timeout timeout-back business-timeout month-timeout
    marks cost own-value several-marks
    warm-up month-horizon daylight-saving shock dated-change
    """.split()  # noqa: SIM905 - reads better
)


def features(scenario: Scenario) -> frozenset[str]:
    """The features of a scenario, a subset of ``FEATURES``."""
    found = {name for name, there in _whole(scenario).items() if there}
    for source in scenario.sources.values():
        found |= {name for name, there in _source(source).items() if there}
    for key, stage in scenario.stages.items():
        found |= {
            name for name, there in _stage(stage, key, list(scenario.stages)).items() if there
        }
    for spec in _specs(scenario):
        found |= set(_families(spec))
    return frozenset(found) & FEATURES


def _whole(scenario: Scenario) -> Found:
    teams, calendars = scenario.teams.values(), scenario.calendars.values()
    staff = [entry for team in teams for entry in team.staffing()]
    start = scenario.run.start
    begin, _, end = scenario.run.instants(scenario.time_zone)
    shift = (end - begin) % (24 * 3600 * 10**6)
    return {
        "calendar": calendars,
        "calendar-zone": [c for c in calendars if c.zone],
        "holidays": [c for c in calendars if c.holidays],
        "closed-dates": [c for c in calendars if c.closed],
        "night-shift": [
            a for c in calendars for shifts in c.shifts().values() for a, b in shifts if b < a
        ],
        "default-calendar": scenario.calendar,
        "several-teams": len(teams) > 1,
        "several-sources": len(scenario.sources) > 1,
        **{team.at_close: True for team in teams},
        "no-seats": [entry for entry in staff if not entry.seats],
        "staff": [team for team in teams if team.staff],
        "ramp": [entry for entry in staff if entry.ramp.amount],
        "hires-and-leavers": [entry for entry in staff if entry.start or entry.end],
        "shrinkage": [team for team in teams if team.shrinkage],
        "attrition": [team for team in teams if team.attrition],
        "one-stage": len(scenario.stages) == 1,
        "warm-up": scenario.run.warm_up.amount,
        "month-horizon": scenario.run.horizon.clock == "months",
        "daylight-saving": start == datetime.combine(start, datetime.min.time()) and shift,
        "shock": scenario.shocks,
        "dated-change": scenario.changes,
    }


def _source(source: Source) -> Found:
    return {
        "weekday-profile": source.by_weekday,
        "hour-profile": source.by_hour,
        "segments": source.segment,
        "deal-value": source.value,
        "mix": source.mix,
        "lead-cost": source.cost,
        "no-leads": source.rate and not source.rate.amount,
        "season": source.by_month,
        "growth": source.growth,
        "campaign": source.campaigns,
        "overdispersion": source.overdispersion,
        "counts": source.counts,
        "several-paths": source.counts and len(source.counts.paths) > 1,
        "replay": source.replay,
        "replayed-together": len(set(source.replay)) < len(source.replay),
    }


def _stage(stage: Stage, key: str, order: list[str]) -> Found:
    position = order.index(key)
    targets = {
        order.index(to): share for to, share in (stage.next.to if stage.next else {}).items()
    }
    cases = [case.when for case in stage.next.cases] if stage.next else []
    limit = stage.timeout
    clocks = [delay.clocks()[0] for delay in (stage.delay_before, stage.delay_after) if delay]
    teams = [effort.team for effort in stage.efforts.values()]
    return {
        "business-delay": "business" in clocks,
        "month-delay": "months" in clocks,
        "work-in-business-time": [
            e for e in stage.efforts.values() if e.duration.clocks()[0] == "business"
        ],
        "priorities": [e for e in stage.efforts.values() if e.priority],
        stage.join: len(stage.efforts) > 1,
        "several-efforts": len(stage.efforts) > 1,
        "same-team-twice": stage.join != "series" and len(set(teams)) < len(teams),
        "patience": stage.patience,
        "moment": stage.until,
        "branches": len(targets) > 1,
        "loop": [to for to in targets if to < position],
        "self-loop": position in targets,
        "impossible-branch": 0 in targets.values(),
        "cases": cases,
        "case-by-source": [when for when in cases if when.source],
        "case-by-visit": [when for when in cases if when.visit],
        "case-by-age": [when for when in cases if when.age],
        "case-by-wait": [when for when in cases if when.wait],
        "timeout": limit,
        "timeout-back": limit and order.index(limit.to) <= position,
        "business-timeout": limit and limit.after.clock == "business",
        "month-timeout": limit and limit.after.clock == "months",
        "marks": stage.marks,
        "cost": [mark for mark in stage.marks if mark.cost],
        "own-value": [mark for mark in stage.marks if mark.value not in (None, "deal")],
        "several-marks": len(stage.marks) > 1,
    }


def _specs(scenario: Scenario) -> Iterator[DurationSpec | AmountSpec]:
    """Every distribution of times."""
    for stage in scenario.stages.values():
        for delay in (stage.delay_before, stage.delay_after):
            if delay:
                yield delay
        for effort in stage.efforts.values():
            yield effort.duration


def _families(spec: DurationSpec | AmountSpec) -> Iterator[str]:
    """The families in a distribution, and whether it is zero for sure."""
    if spec.mixture:
        yield "mixture"
        for part in spec.mixture:
            yield from _families(part.of)
        return
    given = set(spec.given())
    guesses = {
        "constant": given == {"value"},
        "triangular": "likely" in given,
        "uniform": "min" in given,
        "empirical": "values" in given,
        "exponential": len(given) == 1,
    }
    yield spec.family or next((name for name, fits in guesses.items() if fits), "lognormal")
    if spec.value is not None and not getattr(spec.value, "amount", spec.value):
        yield "zero-length"
