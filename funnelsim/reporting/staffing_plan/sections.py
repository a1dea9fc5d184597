"""The staffing plan, section by section: who is needed, who works when, whom to hire."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from funnelsim.reporting.blocks import (
    advice,
    attachment,
    cover,
    figure,
    group,
    kpis,
    risks,
    section,
    summary,
    text,
)
from funnelsim.reporting.document import Figure, Group
from funnelsim.reporting.evidence import evidence
from funnelsim.reporting.experiment import illustrative
from funnelsim.reporting.staffing_plan import tables
from funnelsim.reporting.staffing_plan.findings import advice as counsel
from funnelsim.reporting.staffing_plan.findings import answer, name_of, tiles
from funnelsim.reporting.staffing_plan.findings import risks as dangers
from funnelsim.reporting.staffing_plan.gathering import StaffingPlan, by_gap
from funnelsim.reporting.texts import Texts, texts

__all__ = [
    "changes",
    "front",
    "heads",
    "hires",
    "issued",
    "making",
    "rosters",
]

PAST: Final = 4
"""Weeks before the forecast for which the people of today are drawn."""


def front(plan: StaffingPlan, lang: str = "en") -> Group:
    """Page 1: who is needed, whom to hire, how sure that is, what follows.

    Parameters
    ----------
    plan : StaffingPlan
    lang : str
        Language of the report.

    Returns
    -------
    Group
    """
    t = texts(lang)
    found = plan.found
    begin, end = found.periods[0], found.periods[-1]
    zone = found.scenario.time_zone
    return group(
        cover(
            t.label(found.scenario.title, found.scenario.name),
            lang=t.spoken,
            as_of=begin.date(),
            kicker=t._("Staffing plan"),
            subtitle=t._("How many people does each team need, and whom to hire by when?"),
            period=t.period(begin.tz_localize(zone), end.tz_localize(zone), zone),
            illustrative=found.scenario.illustrative,
        ),
        kpis(tiles(plan, t)),
        summary(answer(plan, t), title=t._("The answer")),
        _fan(plan, t, by_gap(found)[:2]),
        risks([*illustrative(found.scenario, t), *dangers(plan, t)], title=t._("Risks")),
        advice(counsel(plan, t), title=t._("What follows")),
    )


def heads(plan: StaffingPlan, lang: str = "en") -> Group:
    """What every team needs, week by week.

    Parameters
    ----------
    plan, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    told = t._(
        "Forecast leads go through the funnel path by path, and work falls due when delays and "
        "routes bring it. Seats are people at work at once; full-time people are paid, absences "
        "included. The plan is enough in {sure} of the futures."
    ).format(sure=t.share(plan.found.sure))
    rest = by_gap(plan.found)[2:8]
    return group(
        section(t._("Who is needed")),
        text(told),
        tables.teams(plan, t),
        *([_fan(plan, t, rest)] if rest else []),
        tables.promises(plan, t),
        tables.weeks(plan, t),
    )


def rosters(plan: StaffingPlan, lang: str = "en") -> Group:
    """Who works when in the busiest week.

    Parameters
    ----------
    plan, lang
        As for `front`.

    Returns
    -------
    Group
    """
    from funnelsim.figures.roster import roster as drawn

    t = texts(lang)
    blocks: list[Any] = []
    for team, made in plan.rosters.items():
        caption = t._("Roster of {team}, {week}").format(
            team=name_of(plan.found, team, t), week=tables.week_of(plan, team, t)
        )
        cover = made.cover[made.cover["need"] > 0]
        picture = drawn(cover, lang=t.locale, text=t._)
        blocks += [
            text(tables.roster_words(plan, team, t)),
            figure(picture, caption=caption, key=f"roster-{team}"),
            tables.shifts(plan, team, t),
        ]
    for team, why in plan.refused.items():
        told = t._("{team} has no roster: {why}").format(team=name_of(plan.found, team, t), why=why)
        blocks.append(text(told))
    if not blocks:
        return group()
    told = t._(
        "The cheapest roster that fills every planned seat of the busiest week, breaks and "
        "absences included: everybody works the same hours on each of their days. The whole of "
        "it stands in roster.csv beside this report."
    )
    return group(section(t._("Who works when")), text(told), *blocks)


def hires(plan: StaffingPlan, lang: str = "en") -> Group:
    """Whom to hire by when, with chances and cost.

    Parameters
    ----------
    plan, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    told = t._(
        "Four weeks are taken together: a single busy week is for overtime. On every path people "
        "leave by chance, as often as the scenario says. To be proficient in time, whoever is "
        "needed has to be decided on earlier by the hiring lead and the ramp: {lead} and {ramp}."
    )
    first = next(iter(plan.hiring.values())).hiring
    return group(
        section(t._("Whom to hire")),
        text(told.format(lead=tables.span(first.lead, t), ramp=tables.span(first.ramp, t))),
        tables.hires(plan, t),
    )


def changes(plan: StaffingPlan, lang: str = "en") -> Group:
    """What would change the plan.

    Parameters
    ----------
    plan, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    told = t._("One thing at a time, on the same futures; full-time people in the busiest week.")
    return group(section(t._("What would change it")), text(told), tables.changes(plan, t))


def making(plan: StaffingPlan, lang: str = "en") -> Group:
    """How the report was made: input, seed, paths, definitions.

    Parameters
    ----------
    plan, lang
        As for `front`.

    Returns
    -------
    Group
    """
    from funnelsim.engine import simulate

    t = texts(lang)
    found = plan.found
    told = t._(
        "A team that promises to answer within half an hour is staffed by half hours with Erlang's "
        "formulas; a longer promise lets work wait, and what is asked for is replayed with ever "
        "more seats. Then the whole plan runs in the simulation, where teams feed each other, and "
        "is raised until it keeps its promise there, on luck that the search has not seen."
    )
    log = plan.log if plan.log is not None else simulate(found.scenario, seed=found.seed)
    scenario = None if plan.log is not None else found.scenario
    return group(
        section(t._("How this report was made")),
        text(told),
        tables.making(plan, t),
        evidence(
            log,
            source=plan.source,
            mapping=plan.mapping,
            overrides=plan.overrides,
            scenario=scenario,
            graded=None if plan.log is not None else {},
            forecast={f"people, {team}": found.paths(team).mean(axis=1) for team in found.teams},
        ),
    )


def issued(plan: StaffingPlan) -> Group:
    """The forecast and the rosters as data, left beside the PDF.

    Parameters
    ----------
    plan : StaffingPlan

    Returns
    -------
    Group
    """
    return group(
        attachment("forecast.csv", plan.found.issued().to_csv(index=False)),
        attachment("roster.csv", roster_table(plan).to_csv(index=False)),
    )


def roster_table(plan: StaffingPlan) -> pd.DataFrame:
    """All rosters with dates: team, date and the columns of ``Roster.shifts``."""
    parts = []
    for team, made in plan.rosters.items():
        monday = tables.monday_of(plan, team)
        dates = [(monday + pd.Timedelta(days=int(day))).date() for day in made.shifts["day"]]
        parts.append(made.shifts.assign(team=team, date=dates))
    if not parts:
        return pd.DataFrame(columns=["team", "date", "person"])
    whole = pd.concat(parts, ignore_index=True)
    return whole[["team", "date", *(c for c in whole if c not in {"team", "date"})]]


def _fan(plan: StaffingPlan, t: Texts, teams: list[str]) -> Figure:
    """Full-time people needed, beside those there."""
    from funnelsim.figures.fan import fans

    found = plan.found
    panels = {}
    for team in teams:
        ahead = found.table[(found.table["team"] == team) & (found.table["measure"] == "fte")]
        ahead = ahead.rename(columns={"period_start": "period"})
        weeks = pd.date_range(end=found.periods[0] - pd.Timedelta(weeks=1), periods=PAST, freq="7D")
        past = pd.DataFrame({"at": weeks, "y": float(found.now(team)[0])})
        panels[name_of(found, team, t)] = (past, ahead)
    unit = t._("full-time people")
    drawn = fans(panels, unit=unit, lang=t.locale, text=t._)
    caption = t._("Who is there (dark) and who is needed (blue): median and 8 in 10 futures")
    return figure(drawn, caption=caption, key=f"heads-{teams[0]}")
