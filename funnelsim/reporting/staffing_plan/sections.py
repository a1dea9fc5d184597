"""The staffing plan, section by section: who is needed, who works when, whom to hire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from funnelsim.errors import InputError, RunError
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
from funnelsim.reporting.staffing_plan.findings import answer, by_gap, name_of, tiles
from funnelsim.reporting.staffing_plan.findings import risks as dangers
from funnelsim.reporting.texts import Texts, texts

if TYPE_CHECKING:
    from funnelsim.engine.snapshot import Snapshot
    from funnelsim.events import EventLog
    from funnelsim.forecasting.leads import LeadForecast
    from funnelsim.planning import HiringPlan, Roster, StaffingForecast
    from funnelsim.scenarios.sampling import ScenarioSampler
    from funnelsim.scenarios.scenario import Scenario

__all__ = [
    "StaffingPlan",
    "changes",
    "front",
    "heads",
    "hires",
    "issued",
    "making",
    "rosters",
    "work",
]

ROSTERS: Final = 4
"""Teams that get a roster: those that lack most."""
SECONDS: Final = 20.0
UNSAID: Final = -1.0
PAST: Final = 4
"""Weeks before the forecast for which the people of today are drawn."""


@dataclass(frozen=True, eq=False)
class StaffingPlan:
    """A staffing forecast with rosters, hires and what it was made from.

    Parameters
    ----------
    found : StaffingForecast
    hiring : mapping of str to HiringPlan
        By team.
    rosters : mapping of str to Roster
        Of the busiest week, by team.
    tried : mapping of str to mapping
        What the simulation with each roster came to; see
        `funnelsim.planning.staffing.trial.verdicts`.
    refused : mapping of str to str
        Why a team has no roster.
    changed : pandas.DataFrame
        See `funnelsim.planning.staffing.staffing_changes.staffing_changes`.
    leads : LeadForecast or None
        None: the scenario's own demand.
    log : EventLog or None
    source, mapping : str
    overrides : mapping
    """

    found: StaffingForecast
    hiring: Mapping[str, HiringPlan]
    rosters: Mapping[str, Roster]
    tried: Mapping[str, Mapping[Any, Any]]
    refused: Mapping[str, str]
    changed: pd.DataFrame
    leads: LeadForecast | None
    log: EventLog | None
    source: str
    mapping: str
    overrides: Mapping[str, object]


def work(  # noqa: PLR0913 - one keyword per thing a planner may choose
    source: str | Path,
    *,
    mapping: str = "",
    overrides: Mapping[str, Any] | None = None,
    service_level: str = "80% in 4 h",
    max_occupancy: float = 0.85,
    team: str = "",
    shrinkage: float | None = None,
    contract: str = "40 h",
    sure: float = 0.8,
    horizon: str = "",
    overtime: float = 0.0,
    part_time: bool = True,
    seed: int = 1,
    n: int = 40,
    tell: Callable[[float], None] | None = None,
) -> StaffingPlan:
    """Read, forecast leads, find who is needed, plan rosters and hires, try them out.

    Parameters
    ----------
    source : str or Path
        A scenario (its own demand), a CRM export or a folder with an event log (calibrated;
        leads are forecast from the history, open deals go on).
    mapping : str
        For an export that is not recognised.
    overrides : mapping, optional
        For a scenario.
    service_level : str
        ``80% in 4 h``, or by team: ``call_centre: 80/20; back_office: 90% in 1 bd``.
    max_occupancy : float
    team : str
        Only these, separated by commas; empty: all.
    shrinkage : float, optional
        Left out, or -1 (for notebooks): the scenario's.
    contract : str
        Weekly hours of a full-time person.
    sure : float
        Share of the futures for which the plan is enough.
    horizon : str
        Empty: the scenario's, or 26 weeks for data.
    overtime : float
        Hours a shift may be longer.
    part_time : bool
        Whether the roster may have part-timers.
    seed, n : int
        Of the sample paths.
    tell : callable, optional
        Told the share done.

    Returns
    -------
    StaffingPlan

    Raises
    ------
    InputError
        The input, a promise or a number cannot be used.
    """
    from funnelsim.planning import forecast_staffing
    from funnelsim.planning.staffing.staffing_changes import staffing_changes
    from funnelsim.reporting.inputs import open_scenario

    told = tell or (lambda _: None)
    scenario = open_scenario(source, overrides=overrides)
    leads, log, start = None, None, None
    world: Scenario | ScenarioSampler | None = scenario
    if scenario is None:
        world, leads, log, start = _from_data(source, mapping, horizon or "26 w", seed, n)
    told(0.2)
    found = forecast_staffing(
        leads,
        world,
        service_level=promises(service_level),
        max_occupancy=max_occupancy,
        teams=[name.strip() for name in team.split(",") if name.strip()],
        shrinkage=None if shrinkage == UNSAID else shrinkage,
        contract=contract,
        sure=sure,
        horizon=horizon if leads is None else "",
        n=n,
        start=start,
        seed=seed,
        progress=lambda share: told(0.2 + 0.4 * share),
    )
    made = _rostered(found, overtime, told, part_time=part_time)
    return StaffingPlan(
        found,
        {name: found.hiring(name) for name in found.teams},
        *made,
        staffing_changes(found),
        leads,
        log,
        str(source),
        mapping,
        dict(overrides or {}),
    )


def promises(told: str) -> str | dict[str, str]:
    """One promise for all, or by team as written on a command line.

    Examples
    --------
    >>> promises("desk: 80/20; back_office: 90% in 1 bd")
    {'desk': '80/20', 'back_office': '90% in 1 bd'}
    """
    if ":" not in told:
        return told
    parts = [part.partition(":") for part in told.split(";") if part.strip()]
    return {name.strip(): promise.strip() for name, _, promise in parts}


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


def _from_data(
    source: str | Path, mapping: str, horizon: str, seed: int, n: int
) -> tuple[ScenarioSampler, LeadForecast, EventLog, Snapshot | None]:
    """Calibrated parameters, forecast leads, the log, and its open deals."""
    from funnelsim.calibration.fitting import calibrate
    from funnelsim.engine.snapshot import snapshot
    from funnelsim.forecasting.leads import forecast_leads
    from funnelsim.reporting.inputs import open_log

    log = open_log(source, mapping=mapping)
    fit = calibrate(log)
    leads = forecast_leads(log, horizon, by="source", profile="fast", n_paths=n, seed=seed)
    try:
        start = snapshot(log)
    except InputError:
        start = None
    return fit.sampler, leads, log, start


def _rostered(
    found: StaffingForecast, overtime: float, told: Callable[[float], None], *, part_time: bool
) -> tuple[dict[str, Roster], dict[str, Mapping[Any, Any]], dict[str, str]]:
    """Rosters of the teams that lack most, tried out; and why some have none."""
    from dataclasses import replace

    from funnelsim.planning.rostering.shifts import usual_contracts

    kinds = usual_contracts(found.contract, part_time=part_time)
    kinds = tuple(replace(kind, overtime=overtime) for kind in kinds)
    made: dict[str, Roster] = {}
    tried: dict[str, Mapping[Any, Any]] = {}
    refused: dict[str, str] = {}
    for place, team in enumerate(by_gap(found)[:ROSTERS]):
        try:
            made[team] = found.roster(team, contracts=kinds, time_limit=SECONDS)
        except (InputError, RunError) as wrong:
            refused[team] = str(wrong).splitlines()[0]
            continue
        checked = found.check_roster(team, made[team])
        tried[team] = next(row for row in checked.to_dict("records") if row["team"] == team)
        told(0.6 + 0.35 * (place + 1) / ROSTERS)
    return made, tried, refused


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
