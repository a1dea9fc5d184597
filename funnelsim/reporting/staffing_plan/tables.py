"""The tables of a staffing plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from funnelsim.forecasting.samples import levels
from funnelsim.planning.staffing.staffing_changes import CHANGES
from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Table
from funnelsim.reporting.inputs import fingerprint
from funnelsim.reporting.provenance import versions
from funnelsim.reporting.staffing_plan.findings import change_words, name_of, signed
from funnelsim.reporting.texts import Texts
from funnelsim.worktime import parse_duration

if TYPE_CHECKING:
    from funnelsim.reporting.staffing_plan.gathering import StaffingPlan

__all__ = [
    "changes",
    "hires",
    "making",
    "monday_of",
    "promises",
    "roster_words",
    "shifts",
    "span",
    "teams",
    "week_of",
    "weeks",
]

_MONTH: Final = 4
_LINES: Final = 12


def teams(plan: StaffingPlan, t: Texts) -> Table:
    """One row a team: work, seats, people needed and there."""
    found = plan.found
    rows = []
    for team in found.teams:
        own = found.plan[found.plan["team"] == team].reset_index(drop=True)
        most = own.iloc[int(np.argmax(own["fte"].to_numpy()))]
        fte = levels(found.paths(team), (0.1, 0.5, 0.9))
        week = int(np.argmax(own["fte"].to_numpy()))
        rows.append(
            (
                name_of(found, team, t),
                t.duration(3600 * float(found.paths(team, "work").mean()), "h"),
                t.number(int(own["seats"].max())),
                t.number(float(fte[1, week]), 1),
                f"{t.number(float(fte[0, week]), 1)}–{t.number(float(fte[2, week]), 1)}",
                t.number(float(most["fte"]), 1),
                t.number(float(most["fte_now"]), 1),
                signed(float(most["gap"]), t),
            )
        )
    heads = [
        column(t._("Team")),
        column(t._("Work a week"), numeric=True),
        column(t._("Seats at most"), numeric=True),
        column(t._("Median"), numeric=True),
        column(t._("8 in 10"), numeric=True),
        column(t._("Plan"), numeric=True),
        column(t._("Now"), numeric=True),
        column(t._("Gap"), numeric=True),
    ]
    return table(
        heads,
        rows,
        caption=t._("Full-time people in each team's busiest week"),
        note=t._(
            "Plan: enough in {sure} of the futures, and in the simulation. Of {hours} a week."
        ).format(sure=t.share(found.sure), hours=t.duration(found.contract * 3600, "h")),
    )


def promises(plan: StaffingPlan, t: Texts) -> Table:
    """One row a team: what is promised, how it was staffed, what the simulation shows."""
    found = plan.found
    methods = {
        "erlang C": t._("Erlang C, by half hours"),
        "erlang A": t._("Erlang A, by half hours"),
        "replay": t._("replay of the work"),
    }
    clocks = {
        "elapsed": t._("elapsed time"),
        "open": t._("opening hours"),
        "calls": t._("what comes while open"),
    }
    verdicts = {
        "kept": t._("kept"),
        "broken": t._("broken"),
        "cannot tell": t._("not to be told"),
        "": "–",
    }
    shown = {str(row["team"]): row for row in found.trial.to_dict("records")}
    rows = []
    for team in found.teams:
        need = found.needs[team]
        said = shown.get(team)
        rows.append(
            (
                name_of(found, team, t),
                f"{t.share(need.promise.share)}, {span(str(need.promise.within), t)}",
                clocks[need.clock],
                methods[need.method],
                "–" if said is None else _reached(said, t),
                "–" if said is None else t.share(float(said["occupancy"])),
                verdicts["" if said is None else str(said["verdict"])],
            )
        )
    heads = [
        column(t._("Team")),
        column(t._("Promise")),
        column(t._("Counted")),
        column(t._("Staffed by")),
        column(t._("Begun in time"), numeric=True),
        column(t._("Occupancy"), numeric=True),
        column(t._("Promise is")),
    ]
    return table(
        heads,
        rows,
        caption=t._("What is promised, and what the simulation of the plan shows"),
        note=t._("In brackets the 95% interval of the mean of the runs."),
    )


def _reached(row: Mapping[Any, Any], t: Texts) -> str:
    share, between = t.share(float(row["share"])), t.shares(float(row["lo"]), float(row["hi"]))
    return f"{share}\n({between})" if share != between else share


def weeks(plan: StaffingPlan, t: Texts) -> Table:
    """Planned full-time people by team, four weeks at a time."""
    found = plan.found
    wide = found.plan.pivot_table(index="period_start", columns="team", values="fte", sort=False)
    rows = []
    for first in range(0, len(wide), _MONTH):
        part = wide.iloc[first : first + _MONTH]
        day = t.wording().tick(part.index[0].date(), "yMMMd")
        rows.append((day, *(t.number(float(part[team].max()), 1) for team in found.teams)))
    heads = [column(t._("From"))]
    heads += [column(name_of(found, team, t), numeric=True) for team in found.teams]
    caption = t._("Planned full-time people, the highest of each four weeks")
    return table(heads, rows, caption=caption)


def shifts(plan: StaffingPlan, team: str, t: Texts) -> Table:
    """A roster's shifts, equal ones together."""
    made = plan.rosters[team]
    kinds = {"full time": t._("full time"), "part time": t._("part time")}
    lines: Counter[tuple[str, float, float, tuple[int, ...]]] = Counter()
    for _, own in made.shifts.groupby("person", sort=False):
        first = own.iloc[0]
        end = float((own["end"] - own["overtime"]).iloc[0])
        days = tuple(sorted(int(day) % 7 for day in own["day"]))
        lines[str(first["contract"]), float(first["start"]), end, days] += 1
    ordered = sorted(lines.items(), key=lambda item: (item[0][1], item[0][2], item[0][3]))
    rows = [
        (
            kinds.get(contract, contract),
            f"{_clock(start)}–{_clock(end)}",
            _days(days, t),
            t.number(count),
        )
        for (contract, start, end, days), count in ordered[:_LINES]
    ]
    rest = sum(count for _, count in ordered[_LINES:])
    if rest:
        rows.append((t._("others, see roster.csv"), "", "", t.number(rest)))
    heads = [
        column(t._("Contract")),
        column(t._("Hours")),
        column(t._("Days")),
        column(t._("People"), numeric=True),
    ]
    caption = t._("Shifts of {team}").format(team=name_of(plan.found, team, t))
    return table(heads, rows, caption=caption)


def roster_words(plan: StaffingPlan, team: str, t: Texts) -> str:
    """What a roster comes to, and whether it keeps the promise in the simulation."""
    made, tried = plan.rosters[team], plan.tried[team]
    overtime = float(made.shifts["overtime"].sum())
    told = t.n_(
        "{team}: {n} person, {hours} paid hours a week",
        "{team}: {n} people, {hours} paid hours a week",
        made.people,
    ).format(
        team=name_of(plan.found, team, t),
        n=t.number(made.people),
        hours=t.number(made.paid_hours),
    )
    if made.idle_hours >= 1:
        told += t._(", {hours} of them after closing or before opening").format(
            hours=t.number(made.idle_hours)
        )
    if overtime:
        told += t._(", of these {hours} overtime").format(hours=t.number(overtime, 1))
    if plan.found.scenario.teams[team].cost_per_hour:
        told += f", {t.money(100 * made.cost, plan.found.scenario.currency)}"
    kept = t._(
        "Run in the simulation week after week, {share} of the work begins in time ({range}); "
        "promised are {promised}."
    ).format(
        share=t.share(float(tried["share"])),
        range=t.shares(float(tried["lo"]), float(tried["hi"])),
        promised=t.share(float(tried["promised"])),
    )
    proven = (
        t._("No roster of these shifts is cheaper.")
        if made.proven
        else t._("A cheaper one may exist, by {gap} at most.").format(gap=t.share(made.gap))
    )
    return f"{told}. {proven} {kept}"


def hires(plan: StaffingPlan, t: Texts) -> Table:
    """One row a class of hires, planned ones first."""
    found = plan.found
    parts = [made.table.assign(team=team) for team, made in plan.hiring.items()]
    whole = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    money = bool((whole["cost"] > 0).any()) if len(whole) else False
    rows = []
    day = t.wording().day
    for row in whole.sort_values(["planned", "needed_by"], ascending=[False, True]).to_dict(
        "records"
    ):
        decide = t._("at once") if row["late"] else day(row["decide_by"].date())
        cells = [
            name_of(found, str(row["team"]), t),
            t.number(int(row["people"])),
            decide,
            day(row["needed_by"].date()),
            t.share(float(row["chance"])),
            t._("hire") if row["planned"] else t._("wait and see"),
        ]
        if money:
            cells.append(t.money(100 * float(row["cost"]), found.scenario.currency))
        rows.append(tuple(cells))
    if not rows:
        rows = [(t._("nobody"), *("–" for _ in range(5 + money)))]
    heads = [
        column(t._("Team")),
        column(t._("People"), numeric=True),
        column(t._("Decide by")),
        column(t._("Needed by")),
        column(t._("Chance"), numeric=True),
        column(t._("What to do")),
    ]
    heads += [column(t._("Cost"), numeric=True)] if money else []
    return table(
        heads,
        rows,
        caption=t._("Whom to hire by when"),
        note=t._(
            "Chance: share of the futures in which so many are needed by the end. Those who leave "
            "are replaced within these numbers."
        ),
    )


def changes(plan: StaffingPlan, t: Texts) -> Table:
    """What one change does to each team's busiest week."""
    found = plan.found
    usual = found.plan.groupby("team", sort=False)["fte"].max()
    rows = [
        (
            t._("As planned"),
            *(t.number(float(usual[team]), 1) for team in found.teams),
            t.number(float(usual.sum()), 1),
        )
    ]
    for change in CHANGES:
        own = plan.changed[plan.changed["change"] == change].set_index("team")["difference"]
        cells = (signed(float(own[team]), t) for team in found.teams)
        words = change_words(change, t)
        words = words[:1].upper() + words[1:]
        rows.append((words, *cells, signed(float(own.sum()), t)))
    heads = [column(t._("Change"))]
    heads += [column(name_of(found, team, t), numeric=True) for team in found.teams]
    heads.append(column(t._("Sum"), numeric=True))
    return table(heads, rows, caption=t._("Full-time people more or fewer"))


def making(plan: StaffingPlan, t: Texts) -> Table:
    """Input, seed, paths, versions."""
    found = plan.found
    rows = [
        (t._("Input"), Path(plan.source).name),
        (t._("Fingerprint of the input (SHA-256)"), fingerprint(plan.source)[:16]),
    ]
    if plan.mapping:
        rows.append((t._("Mapping"), Path(plan.mapping).name))
    rows += [(t._("Changed"), f"{path}: {new}") for path, new in plan.overrides.items()]
    demand = (
        t._("the scenario's own demand")
        if plan.leads is None
        else t._("forecast from the history ({models})").format(models=", ".join(plan.leads.models))
    )
    rows += [
        (t._("Leads"), demand),
        (t._("Seed"), str(found.seed)),
        (t._("Sample paths"), t.number(len(found.load.asked))),
        (t._("Occupancy at most"), t.share(found.max_occupancy)),
        (t._("Absences"), ", ".join(_absences(plan, t))),
        (t._("Seats added by the simulation"), t.number(sum(found.added.values()))),
        (t._("Time zone"), found.scenario.time_zone),
        (t._("Versions"), versions()),
    ]
    return table(
        [column(t._("What")), column(t._("Which"))],
        rows,
        caption=t._("Input, seed and versions"),
    )


def _absences(plan: StaffingPlan, t: Texts) -> list[str]:
    found = plan.found
    return [f"{name_of(found, team, t)} {t.share(found.shrinkage[team])}" for team in found.teams]


def monday_of(plan: StaffingPlan, team: str) -> pd.Timestamp:
    """The Monday of the week a roster is for."""
    day = plan.found.periods[plan.found.busiest(team)]
    return day - pd.Timedelta(days=day.day_of_week)


def week_of(plan: StaffingPlan, team: str, t: Texts) -> str:
    """The week of a roster in words."""
    day = t.wording().tick(monday_of(plan, team).date(), "yMMMd")
    return t._("week of {day}").format(day=day)


def span(text: str, t: Texts) -> str:
    """A duration in the reader's language."""
    duration = parse_duration(text)
    if duration.unit == "w" and duration.amount % 1 == 0:
        count = int(duration.amount)
        return t.n_("{n} week", "{n} weeks", count).format(n=t.number(count))
    if duration.clock == "elapsed":
        units = {"s": "s", "min": "min", "h": "h"}
        return str(t.duration(duration.microseconds() / 1e6, units.get(duration.unit, "d")))
    number = t.number(duration.amount, 1)
    patterns = {"bh": t._("{n} opening hours"), "bd": t._("{n} business days")}
    return patterns.get(duration.unit, text).format(n=number)


def _clock(hour: float) -> str:
    return f"{int(hour) % 24}:{round(hour % 1 * 60):02d}"


def _days(days: tuple[int, ...], t: Texts) -> str:
    """Weekdays, runs joined: ``Mon–Wed, Sat``."""
    names = t.wording().weekdays()
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    joined = []
    for run in runs:
        first, last = names[run[0]], names[run[-1]]
        joined.append(first if len(run) == 1 else f"{first}–{last}")
    return ", ".join(joined)
