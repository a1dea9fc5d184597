"""A scenario's numbers in words: sources, stages and teams as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import time

from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Table
from funnelsim.reporting.quantities import distribution, exact, length, percent
from funnelsim.reporting.texts import Texts
from funnelsim.scenarios.calendar import WEEKDAYS, Calendar
from funnelsim.scenarios.moment import Moment
from funnelsim.scenarios.rate import Rate
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Mix, Source
from funnelsim.scenarios.stage import Effort, Stage
from funnelsim.scenarios.team import Staff, Team

__all__ = ["hours", "moment", "named", "sources", "stage_name", "stages", "teams"]


def sources(scenario: Scenario, t: Texts) -> Table:
    """Where leads come from: how many, when, of what value.

    Parameters
    ----------
    scenario : Scenario
    t : Texts

    Returns
    -------
    Table
        One row a source.
    """
    return table(
        [
            column(t._("Source")),
            column(t._("Enters at")),
            column(t._("Leads; the rate varies by")),
            column(t._("Value of a deal; cost of a lead"), unit=scenario.currency),
        ],
        [
            (
                named(key, source.label, t),
                stage_name(scenario, source.stage, t),
                "; ".join(
                    part for part in (_demand(source, t), ", ".join(_profile(source, t))) if part
                ),
                _worth(source, t),
            )
            for key, source in scenario.sources.items()
        ],
        caption=t._("Parameters of the sources"),
    )


def stages(scenario: Scenario, t: Texts) -> Table:
    """What happens in each stage that is not the end of a way.

    Parameters
    ----------
    scenario : Scenario
    t : Texts

    Returns
    -------
    Table
        One row a stage with delays, work or ways out.
    """
    living = {key: stage for key, stage in scenario.stages.items() if stage.next or stage.efforts}
    return table(
        [
            column(t._("Stage")),
            column(t._("Delays and time limits")),
            column(t._("Work")),
            column(t._("Next")),
        ],
        [
            (
                named(key, stage.label, t),
                "; ".join(_delays(scenario, stage, t)) or "–",
                _works(scenario, stage, t),
                _routes(scenario, stage, t),
            )
            for key, stage in living.items()
        ],
        caption=t._("Parameters of the stages"),
        note=t._("CV: standard deviation ÷ mean. The way ends in the stages that are not listed."),
    )


def teams(scenario: Scenario, t: Texts) -> Table | None:
    """Who works: seats, hours, and what happens at closing time.

    Parameters
    ----------
    scenario : Scenario
    t : Texts

    Returns
    -------
    Table or None
        None where nobody works.
    """
    if not scenario.teams:
        return None
    return table(
        [
            column(t._("Team")),
            column(t._("Seats and hours")),
            column(t._("At closing time; absence")),
        ],
        [
            (
                named(key, team.label, t),
                "; ".join(_shift(scenario, staff, t) for staff in team.staffing()),
                "; ".join(_habits(team, t)),
            )
            for key, team in scenario.teams.items()
        ],
        caption=t._("Parameters of the teams"),
    )


def named(key: str, labels: Mapping[str, str], t: Texts) -> str:
    """The label of a part of the scenario, else its id as words.

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> named("back_office", {}, texts("en"))
    'back office'
    """
    return t.label(labels, key.replace("_", " "))


def stage_name(scenario: Scenario, key: str, t: Texts) -> str:
    """What a stage is called."""
    return named(key, scenario.stages[key].label, t)


def _demand(source: Source, t: Texts) -> str:
    """How many leads a source brings."""
    if source.counts:
        every = length(source.counts.every, t)
        return t._("given counts, every {every}").format(every=every)
    if not isinstance(source.rate, Rate):
        n = len(source.replay)
        return t.n_("{n} given moment", "{n} given moments", n).format(n=t.number(n))
    per = {"h": t._("{n} per hour"), "d": t._("{n} per day"), "w": t._("{n} per week")}
    return per[source.rate.per].format(n=exact(source.rate.amount, t))


def _profile(source: Source, t: Texts) -> Iterable[str]:
    """What makes the rate go up and down."""
    if source.by_hour:
        yield t._("hour")
    if source.by_weekday:
        yield t._("weekday")
    if source.by_month:
        yield t._("month")
    if source.growth:
        per = {"w": t._("{n} a week"), "mo": t._("{n} a month"), "y": t._("{n} a year")}
        growth = per[source.growth.per].format(n=percent(source.growth.share, t))
        yield t._("growth {growth}").format(growth=growth)
    if source.campaigns:
        n = len(source.campaigns)
        yield t.n_("{n} campaign", "{n} campaigns", n).format(n=n)
    if source.overdispersion:
        restless = exact(source.overdispersion, t)
        yield t._("chance from day to day (CV {cv})").format(cv=restless)


def _worth(source: Source, t: Texts) -> str:
    """What deals are worth, by kind of lead, and what a lead costs."""
    kinds = [kind for kind in source.kinds() if kind.value]
    told = [
        (f"{_kind(kind) or t._('others')} ({percent(kind.share, t)}): " if len(kinds) > 1 else "")
        + distribution(kind.value, t)
        for kind in kinds
        if kind.value
    ]
    if source.cost:
        told.append(t._("cost {cost}").format(cost=distribution(source.cost, t)))
    return "; ".join(told) or "–"


def _delays(scenario: Scenario, stage: Stage, t: Texts) -> Iterable[str]:
    """Time nobody works, and how long leads stay at most."""
    if stage.delay_before:
        yield t._("before: {delay}").format(delay=distribution(stage.delay_before, t))
    if stage.until:
        yield t._("until {moment}").format(moment=moment(stage.until, t))
    if stage.delay_after:
        yield t._("after: {delay}").format(delay=distribution(stage.delay_after, t))
    if stage.timeout:
        yield t._("limit {limit} → {stage}").format(
            limit=length(stage.timeout.after, t), stage=stage_name(scenario, stage.timeout.to, t)
        )
    if stage.patience:
        yield t._("patience {patience} → {stage}").format(
            patience=distribution(stage.patience.after, t),
            stage=stage_name(scenario, stage.patience.to, t),
        )


def _kind(kind: Mix) -> str:
    """A kind of lead by what it is told apart by."""
    return ", ".join(part for part in (kind.segment, kind.product) if part)


def moment(moment: Moment, t: Texts) -> str:
    """A moment of the calendar in words."""
    days = dict(zip(WEEKDAYS, t.wording().weekdays(), strict=True))
    names = {
        "opening": t._("opening time"),
        "every day": t._("daily at"),
        "first business day": t._("the month's first business day"),
        "last business day": t._("the month's last business day"),
        **days,
    }
    day = names.get(moment.day) or t._("day {n} of the month").format(n=moment.day[4:])
    return f"{day} {moment.at:%H:%M}" if moment.at != time(0) else day


def _works(scenario: Scenario, stage: Stage, t: Texts) -> str:
    """All work of a stage, and how its pieces hang together."""
    told = "; ".join(_work(scenario, key, item, t) for key, item in stage.efforts.items())
    joins = {
        "all": t._("Side by side till all are done: {work}"),
        "any": t._("Side by side till the first is done: {work}"),
        "first_refusal": t._("Side by side till all agreed or one refused: {work}"),
    }
    if len(stage.efforts) > 1 and stage.join in joins:
        return joins[stage.join].format(work=told)
    return told or "–"


def _work(scenario: Scenario, key: str, effort: Effort, t: Texts) -> str:
    """A piece of work: what, by whom, how long, how urgent."""
    team = named(effort.team, scenario.teams[effort.team].label, t)
    told = f"{named(key, effort.label, t)} ({team}): {distribution(effort.duration, t)}"
    if effort.delay is not None:
        told += ", " + t._("after {delay}").format(delay=distribution(effort.delay, t))
    if effort.share < 1:
        told += ", " + t._("in {share} of visits").format(share=percent(effort.share, t))
    if effort.priority:
        told += ", " + t._("priority {n}").format(n=effort.priority)
    if effort.refuse:
        told += ", " + t._("{share} refused").format(share=percent(effort.refuse, t))
    return told


def _routes(scenario: Scenario, stage: Stage, t: Texts) -> str:
    """The ways out with their probabilities."""
    if stage.next is None:
        return t._("the way ends")
    ways = ", ".join(
        f"{stage_name(scenario, key, t)}\u00a0{percent(share, t)}"
        for key, share in stage.next.to.items()
    )
    if stage.refused_to:
        refused = stage_name(scenario, stage.refused_to, t)
        ways += "; " + t._("refused → {stage}").format(stage=refused)
    n = len(stage.next.cases)
    cases = t.n_("{n} exception", "{n} exceptions", n).format(n=n)
    return f"{ways}; {cases}" if n else ways


def _shift(scenario: Scenario, staff: Staff, t: Texts) -> str:
    """Some seats: how many, when, from and until which day."""
    key = staff.calendar or scenario.calendar
    when = hours(scenario.calendars[key], t) if key else t._("always")
    told = f"{t.number(staff.seats)} × {when}"
    if staff.start:
        told += ", " + t._("from {day}").format(day=t.wording().day(staff.start))
    if staff.end:
        told += ", " + t._("until {day} (not included)").format(day=t.wording().day(staff.end))
    if staff.ramp.amount:
        told += ", " + t._("productive within {time}").format(time=length(staff.ramp, t))
    return told


def hours(calendar: Calendar, t: Texts) -> str:
    """Opening hours by weekday, with holidays."""
    days = dict(zip(WEEKDAYS, t.wording().weekdays(), strict=True))
    written = calendar.model_dump(mode="json")["hours"]
    told = [
        re.sub("|".join(WEEKDAYS), lambda found: days[found[0]], key.replace("-", "–"))
        + " "
        + ", ".join(shift.replace("-", "–") for shift in shifts)
        for key, shifts in written.items()
    ]
    if calendar.zone:
        told.append(calendar.zone)
    if calendar.holidays:
        told.append(t._("closed on holidays ({country})").format(country=calendar.holidays))
    if calendar.closed:
        n = len(calendar.closed)
        told.append(t.n_("{n} more day closed", "{n} more days closed", n).format(n=n))
    return " · ".join(told)


def _habits(team: Team, t: Texts) -> Iterable[str]:
    """What a team does at closing time, and how often people are missing."""
    yield t._("finishes (overtime)") if team.at_close == "finish" else t._("pauses till opening")
    if team.shrinkage:
        yield t._("{share} absent").format(share=percent(team.shrinkage, t))
    if team.attrition:
        yield t._("{share} leave in a year, replaced after {time}").format(
            share=percent(team.attrition, t), time=length(team.replaced_after, t)
        )
