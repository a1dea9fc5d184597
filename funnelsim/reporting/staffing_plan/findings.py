"""What a staffing plan says in sentences: the answer, what could be wrong, what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelsim.figures.wording import Wording
from funnelsim.planning.staffing.staffing_sentences import hiring_sentence, odds, team_sentence
from funnelsim.reporting.blocks import kpi, sentence
from funnelsim.reporting.document import Sentence, Tile
from funnelsim.reporting.staffing_plan.gathering import by_gap
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.planning import StaffingForecast
    from funnelsim.reporting.staffing_plan.gathering import StaffingPlan

__all__ = ["advice", "answer", "change_words", "name_of", "risks", "tiles", "totals"]

_TOLD = 3
_LITTLE = 0.05


def name_of(found: StaffingForecast, team: str, t: Texts) -> str:
    """What a team is called."""
    return t.label(found.scenario.teams[team].label, team)


def totals(found: StaffingForecast) -> pd.Series:
    """People of all teams in the week in which most are needed: fte, fte_now, period_start."""
    columns = ["fte", "fte_now", "cost"]
    weekly = found.plan.groupby("period_start", as_index=False)[columns].sum(min_count=1)
    return weekly.iloc[int(np.argmax(weekly["fte"].to_numpy()))]


def tiles(plan: StaffingPlan, t: Texts) -> list[Tile]:
    """Needed, there, to be hired, kept, cost."""
    found = plan.found
    whole = totals(found)
    hired = sum(int(made.planned[-1]) for made in plan.hiring.values())
    told = [
        kpi(
            t._("Full-time people needed"),
            t.number(float(whole["fte"]), 1),
            t._("in the busiest week"),
        ),
        kpi(t._("There now"), t.number(float(whole["fte_now"]), 1), t._("full-time people")),
        kpi(t._("To hire"), t.number(hired), t._("leavers replaced")),
    ]
    if len(found.trial):
        worst = found.trial.iloc[_lowest(found.trial)]
        note = t._("promised {share}, {team}").format(
            share=t.share(float(worst["promised"])), team=name_of(found, str(worst["team"]), t)
        )
        told.append(kpi(t._("Begun in time"), t.share(float(worst["share"])), note))
    if whole["cost"] == whole["cost"]:
        money = t.money(100 * float(whole["cost"]), found.scenario.currency)
        told.append(kpi(t._("Pay in that week"), money))
    return told


def answer(plan: StaffingPlan, t: Texts) -> list[Sentence]:
    """The answer: in all, by team, and whether the plan keeps its promise."""
    found = plan.found
    whole = totals(found)
    need, now = float(whole["fte"]), float(whole["fte_now"])
    week = t.wording().tick(whole["period_start"].date(), "yMMMd")
    values = {
        "need": t.number(need, 1),
        "now": t.number(now, 1),
        "gap": t.number(need - now, 1),
        "week": week,
    }
    pattern = (
        t._(
            "**{need} full-time people** are needed in the busiest week, that of {week}; {now} are "
            "there: **{gap} short**."
        )
        if need - now > _LITTLE
        else t._(
            "**{need} full-time people** are needed in the busiest week, that of {week}; {now} are "
            "there: enough in all."
        )
    )
    told = [sentence(pattern, **values)]
    for team in by_gap(found)[:_TOLD]:
        name = name_of(found, team, t)
        made = plan.hiring[team]
        said = hiring_sentence(made, lang=t.locale, text=t._, name=name)
        if not len(made.table):
            said = team_sentence(found, team, lang=t.locale, text=t._, name=name)
        told.append(sentence("{said}", said=said))
    if len(found.trial):
        told.append(_kept(plan, t))
    return told


def _kept(plan: StaffingPlan, t: Texts) -> Sentence:
    """Whether the plan keeps its promise in the simulation."""
    trial = plan.found.trial
    worst = trial.iloc[_lowest(trial)]
    pattern = (
        t._(
            "Run in the simulation, this plan **keeps its promise** for every team; the lowest is "
            "{team}: {share} begun in time ({range})."
        )
        if (trial["verdict"] == "kept").all()
        else t._(
            "Run in the simulation, this plan **does not show its promise kept**: of the work of "
            "{team} {share} begins in time ({range})."
        )
    )
    return sentence(
        pattern,
        team=name_of(plan.found, str(worst["team"]), t),
        share=t.share(float(worst["share"])),
        range=t.shares(float(worst["lo"]), float(worst["hi"])),
    )


def _lowest(trial: pd.DataFrame) -> int:
    """The row of the team that keeps its promise least."""
    return int(np.argmin((trial["share"] - trial["promised"]).fillna(1).to_numpy()))


def risks(plan: StaffingPlan, t: Texts) -> list[Sentence]:
    """What could make the plan wrong."""
    found = plan.found
    told = []
    closed = [team for team in found.teams if found.needs[team].clock != "elapsed"]
    asked = [team for team in closed if found.needs[team].promise.elapsed]
    if asked:
        worst = min(asked, key=lambda team: found.needs[team].reachable)
        told.append(
            sentence(
                t._(
                    "**Closed hours do not count**: so much work comes while teams are closed that "
                    "no number of people could begin more than {share} of that of {team} in time. "
                    "Only opening hours are counted for: {teams}."
                ),
                share=t.share(found.needs[worst].reachable),
                team=name_of(found, worst, t),
                teams=", ".join(name_of(found, team, t) for team in asked),
            )
        )
    late = [team for team in found.teams if plan.hiring[team].table["late"].any()]
    if late:
        told.append(
            sentence(
                t._(
                    "**Too late to hire** for the first weeks: {teams}. Until new people are "
                    "proficient, overtime or longer waits have to do."
                ),
                teams=", ".join(name_of(found, team, t) for team in late),
            )
        )
    if plan.leads is None:
        told.append(
            sentence(
                t._(
                    "Leads are those of the scenario: its rates, seasons and growth are taken for "
                    "certain, only chance moves them."
                )
            )
        )
    unproven = [team for team, made in plan.rosters.items() if not made.proven]
    if unproven:
        told.append(
            sentence(
                t._("The roster may be dearer than need be, by {gap} at most: {teams}."),
                gap=t.share(max(plan.rosters[team].gap for team in unproven)),
                teams=", ".join(name_of(found, team, t) for team in unproven),
            )
        )
    return told


def advice(plan: StaffingPlan, t: Texts) -> dict[str, Sentence]:
    """Do, don't, test first, and what would change it."""
    return {
        t._("Do"): _do(plan, t),
        t._("Don't"): _dont(plan, t),
        t._("Test first"): sentence(
            t._("The roster with one team for two weeks: count what begins in time, and who waits.")
        ),
        t._("What would change it"): _change(plan, t),
    }


def _do(plan: StaffingPlan, t: Texts) -> Sentence:
    """The first decision to take."""
    found = plan.found
    for team in by_gap(found):
        table = plan.hiring[team].table
        planned = table[table["planned"]]
        if len(planned):
            row = planned.iloc[0]
            pattern = (
                t._("Decide on {n} for {team} now: they are needed by {day}.")
                if row["late"]
                else t._("Decide on {n} for {team} by {decide}: they are needed by {day}.")
            )
            return sentence(
                pattern,
                n=t.number(int(row["people"])),
                team=name_of(found, team, t),
                decide=t.wording().day(row["decide_by"].date()),
                day=t.wording().day(row["needed_by"].date()),
            )
    return sentence(t._("Keep the people there are; look again when leads change."))


def _dont(plan: StaffingPlan, t: Texts) -> Sentence:
    """Not by the average."""
    found = plan.found
    team = by_gap(found)[0]
    values = found.paths(team)
    week = int(np.argmax(np.quantile(values, 0.9, axis=0)))
    chance = float((values[:, week] > np.median(values) + 1e-9).mean())
    if not 0 < chance < 1:
        return sentence(t._("Staff by hours of work alone: promises are broken by peaks."))
    return sentence(
        t._("Staff by the median: in its fullest week {team} needs more than that with {chance}."),
        team=name_of(found, team, t),
        chance=odds(chance, Wording(lang=t.locale, text=t._)),
    )


def _change(plan: StaffingPlan, t: Texts) -> Sentence:
    """The change that moves the plan most."""
    sums = plan.changed.groupby("change", sort=False)["difference"].sum()
    most = str(sums.abs().idxmax())
    return sentence(
        t._("Most of all: {change}: **{gap}** full-time people."),
        change=change_words(most, t),
        gap=signed(float(sums[most]), t),
    )


def signed(value: float, t: Texts) -> str:
    """A difference with its sign, and a sign only where there is a difference."""
    written = t.number(abs(value), 1)
    if abs(value) < _LITTLE:
        return str(t.number(0))
    return f"+{written}" if value > 0 else f"\u2212{written}"


def change_words(change: str, t: Texts) -> str:
    """A change in words."""
    return {
        "more_work": t._("a tenth more work (leads or handling time)"),
        "less_work": t._("a tenth less work (leads or handling time)"),
        "stricter": t._("half as many may begin late"),
        "longer": t._("twice the promised time"),
        "calmer": t._("10 points less occupancy allowed"),
        "absences": t._("5 points more absences"),
    }[change]
