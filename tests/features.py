"""What of the language a scenario uses, and what rare things happen in its log.

Shows that generated scenarios reach all of the language, and that much happens at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pandas as pd

from funnelsim import measures
from funnelsim.events import EventLog
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.stage import Stage

__all__ = ["FEATURES", "HAPPENINGS", "features", "happenings"]

Found = dict[str, object]

FEATURES = frozenset(
    """
    constant uniform triangular exponential gamma weibull lognormal loglogistic empirical mixture
    zero-length business-delay month-delay work-in-business-time
    calendar calendar-zone holidays closed-dates night-shift several-shifts default-calendar
    calendar-of-stage
    finish pause no-seats several-teams staff ramp hires-and-leavers shrinkage attrition
    cost-per-hour
    several-sources weekday-profile hour-profile segments products several-funnels deal-value mix
    lead-cost no-leads
    season growth campaign overdispersion counts several-paths replay replayed-together
    series all any first_refusal several-efforts same-team-twice one-piece-refuses priorities
    work-of-some side-by-side-of-some delay-of-work
    patience moment
    branches loop self-loop impossible-branch one-stage
    cases case-by-source case-by-product case-by-segment case-by-visit case-by-age case-by-wait
    case-by-stay
    timeout timeout-back business-timeout month-timeout
    marks cost own-value deal-value-again reasons several-marks
    warm-up month-horizon daylight-saving
    shock-on-rates shock-on-odds dated-change several-changes change-of-seats change-of-stage
    what-if labels blocks
    """.split()  # noqa: SIM905 - reads better
)

HAPPENINGS = (
    "timed out",
    "reneged",
    "stopped at once",
    "never started",
    "overtime",
    "arrived together",
    "queued together",
    "queued as a seat is freed",
    "reneged as a seat is freed",
    "done at the time-out",
    "started at opening",
    "ended at closing",
)
"""Rare things in a log; most of them are ties."""


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
    changed = [path for change in scenario.changes.values() for path in change.set]
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
        "several-shifts": [c for c in calendars if any(len(s) > 1 for s in c.shifts().values())],
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
        "cost-per-hour": [team for team in teams if team.cost_per_hour],
        "one-stage": len(scenario.stages) == 1,
        "warm-up": scenario.run.warm_up.amount,
        "month-horizon": scenario.run.horizon.clock == "months",
        "daylight-saving": start == datetime.combine(start, datetime.min.time()) and shift,
        "shock-on-rates": [shock for shock in scenario.shocks.values() if shock.sources],
        "shock-on-odds": [shock for shock in scenario.shocks.values() if shock.stages],
        "dated-change": scenario.changes,
        "several-changes": len(scenario.changes) > 1,
        "change-of-seats": [path for path in changed if "seats" in path],
        "change-of-stage": [path for path in changed if path.startswith("stages")],
        "what-if": scenario.what_ifs,
    }


def _source(source: Source) -> Found:
    return {
        "weekday-profile": source.by_weekday,
        "hour-profile": source.by_hour,
        "segments": source.segment,
        "products": source.product,
        "several-funnels": source.funnel,
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
        "one-piece-refuses": {bool(e.refuse) for e in stage.efforts.values()} == {True, False},
        "work-of-some": [e for e in stage.efforts.values() if e.share < 1],
        "delay-of-work": [e for e in stage.efforts.values() if e.delay],
        "side-by-side-of-some": stage.join != "series"
        and len([e for e in stage.efforts.values() if e.share < 1]) > 1,
        "same-team-twice": stage.join != "series" and len(set(teams)) < len(teams),
        "patience": stage.patience,
        "moment": stage.until,
        "branches": len(targets) > 1,
        "loop": [to for to in targets if to < position],
        "self-loop": position in targets,
        "impossible-branch": 0 in targets.values(),
        "cases": cases,
        "case-by-source": [when for when in cases if when.source],
        "case-by-product": [when for when in cases if when.product],
        "case-by-segment": [when for when in cases if when.segment],
        "case-by-visit": [when for when in cases if when.visit],
        "case-by-age": [when for when in cases if when.age],
        "case-by-wait": [when for when in cases if when.wait],
        "case-by-stay": [when for when in cases if when.stay],
        "timeout": limit,
        "timeout-back": limit and order.index(limit.to) <= position,
        "business-timeout": limit and limit.after.clock == "business",
        "month-timeout": limit and limit.after.clock == "months",
        "marks": stage.marks,
        "cost": [mark for mark in stage.marks if mark.cost],
        "own-value": [mark for mark in stage.marks if mark.value not in (None, "deal")],
        "deal-value-again": [mark for mark in stage.marks if mark.value == "deal"],
        "reasons": [mark for mark in stage.marks if mark.reason],
        "several-marks": len(stage.marks) > 1,
        "calendar-of-stage": stage.calendar,
        "labels": stage.label,
        "blocks": stage.block,
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


def happenings(scenario: Scenario, log: EventLog) -> frozenset[str]:
    """The rare things in a log, a subset of ``HAPPENINGS``."""
    visits, work = log.visits, log.efforts
    found: Found = {
        "timed out": (visits["exit"] == "timed_out").any(),
        "reneged": (visits["exit"] == "reneged").any(),
        "stopped at once": (work["ended_at"] == work["started_at"]).any(),
        "never started": work["started_at"].isna().any(),
        "overtime": (measures.utilisation(log)["overtime_h"] > 0).any(),
        "arrived together": log.leads.duplicated("arrived_at").any(),
        "queued together": work.duplicated(["team", "queued_at"]).any(),
        "done at the time-out": _on_the_dot(scenario, visits),
    }
    for team in log.meta.teams:
        mine = work[work["team"] == team.id]
        freed = mine.loc[mine["started_at"].notna(), "ended_at"].dropna()
        gave_up = mine.loc[mine["started_at"].isna(), "ended_at"].dropna()
        opens = pd.to_datetime([hours.start for hours in team.staffed], utc=True)
        closes = pd.to_datetime([hours.end for hours in team.staffed], utc=True)
        waited = mine[mine["started_at"] > mine["queued_at"]]
        for name, ties in {
            "queued as a seat is freed": mine["queued_at"].isin(freed),
            "reneged as a seat is freed": gave_up.isin(freed),
            "started at opening": waited["started_at"].isin(opens),
            "ended at closing": mine["ended_at"].isin(closes),
        }.items():
            found[name] = found.get(name) or np.any(ties)
    return frozenset(name for name, there in found.items() if there)


def _on_the_dot(scenario: Scenario, visits: pd.DataFrame) -> bool:
    """Whether a visit was through at the very moment of its time-out."""
    for key, stage in scenario.stages.items():
        limit = stage.timeout.after if stage.timeout else None
        if limit and limit.clock == "elapsed" and limit.amount:
            mine = visits[(visits["stage"] == key) & visits["exit"].isin(["moved", "ended"])]
            length = pd.Timedelta(round(limit.microseconds()), "us")
            if (mine["left_at"] - mine["entered_at"] == length).any():
                return True
    return False
