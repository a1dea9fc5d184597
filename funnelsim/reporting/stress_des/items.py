"""The 24 items of the STRESS-DES checklist: what a scenario and its log say to each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from funnelsim.events import EventLog
from funnelsim.reporting.parameters import named
from funnelsim.reporting.quantities import length
from funnelsim.reporting.settings import place, written
from funnelsim.reporting.texts import Texts
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import from_instant

__all__ = ["Item", "items"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist.

    Parameters
    ----------
    number, title : str
        As in the checklist: ``"4.2"``, ``"Run length"``.
    content : str
        What the scenario and the log say.
    filled : bool
        False where they do not say what the item asks for.
    """

    number: str
    title: str
    content: str
    filled: bool = True


def items(scenario: Scenario, log: EventLog, t: Texts, *, source: str) -> tuple[Item, ...]:
    """The 24 items, sections 1 to 6.

    Parameters
    ----------
    scenario, log, t, source
        As for `checklist`.

    Returns
    -------
    tuple of Item
    """
    return (
        *_objectives(scenario, t),
        *_logic(scenario, t),
        *_components(scenario, t),
        *_data(scenario, t),
        *_experimentation(scenario, log, t),
        *_implementation(log, t),
        Item(
            "6.1",
            t._("Code access"),
            t._(
                "Known: the model is the scenario file {file} (content {sha}), run by funnelsim "
                "{version}; an address to get them from is not."
            ).format(
                file=Path(source).name, sha=scenario.fingerprint()[:12], version=_version(log)
            ),
            filled=False,
        ),
    )


def _objectives(scenario: Scenario, t: Texts) -> Iterator[Item]:
    """Section 1."""
    about = t.label(scenario.description, "")
    yield Item(
        "1.1",
        t._("Purpose of the model"),
        t._("The scenario says: {description}").format(description=about) if about else "",
        filled=False,
    )
    outputs = t._(
        "Leads that win and stage conversion (%); losses by stage and reason (leads); dwell, "
        "wait and working times (median and percentiles); utilisation of teams (%)"
    )
    if scenario.currency:
        outputs += "; " + t._("value won ({currency})").format(currency=scenario.currency)
    yield Item("1.2", t._("Model outputs"), outputs + ".")
    questions = [named(key, what_if.label, t) for key, what_if in scenario.what_ifs.items()]
    yield Item(
        "1.3", t._("Experimentation aims"), " ".join(_marked(questions)), filled=bool(questions)
    )


def _marked(questions: list[str]) -> list[str]:
    """Numbered, to be told apart in one cell."""
    return [f"({number})\u00a0{question}" for number, question in enumerate(questions, 1)]


def _logic(scenario: Scenario, t: Texts) -> Iterator[Item]:
    """Section 2 without its components."""
    yield Item(
        "2.1",
        t._("Overview diagram"),
        t._("See the picture in “{section}”: stages and moves as simulated.").format(
            section=t._("Where leads go")
        ),
    )
    yield Item("2.2", t._("Base model logic"), _course(scenario, t))
    changes = [
        f"({number})\u00a0" + _set(scenario, scenario.change(key, what_if.set), what_if.set, t)
        for number, (key, what_if) in enumerate(scenario.what_ifs.items(), 1)
    ]
    told = [t._("This report shows the base model alone.")]
    if changes:
        told.append(
            t._("What the scenarios of 1.3 set: {changes}.").format(changes=", ".join(changes))
        )
    told += [
        t._("From {day} on: {changes}.").format(
            day=t.wording().day(change.start),
            changes=_set(scenario, scenario.change(key, change.set), change.set, t),
        )
        for key, change in scenario.changes.items()
        if change.start
    ]
    yield Item("2.3", t._("Scenario logic"), " ".join(told))
    yield Item("2.4", t._("Algorithms"), _algorithms(scenario, t))


def _set(before: Scenario, after: Scenario, overrides: Mapping[str, object], t: Texts) -> str:
    """What is set anew, in words: of what, from which value to which."""
    return "; ".join(
        f"{place(before, path, t)}: {written(before, path, t)} → {written(after, path, t)}"
        for path in overrides
    )


def _course(scenario: Scenario, t: Texts) -> str:
    """What happens to a lead in a stage, and the exceptions that this scenario has."""
    told = [
        t._(
            "In a stage a lead passes a delay, its work (after a wait for a free seat) and "
            "another delay, each where there is one; then chance decides by the given "
            "probabilities where it goes next."
        )
    ]
    living = scenario.stages.values()
    joins = sum(stage.join != "series" and len(stage.efforts) > 1 for stage in living)
    known = [
        (t._("time limit"), sum(stage.timeout is not None for stage in living)),
        (t._("patience while waiting"), sum(stage.patience is not None for stage in living)),
        (t._("fixed moment of the calendar"), sum(stage.until is not None for stage in living)),
        (t._("work side by side"), joins),
        (
            t._("other probabilities for some leads"),
            sum(bool(stage.next and stage.next.cases) for stage in living),
        ),
    ]
    said = "; ".join(f"{what} ({n})" for what, n in known if n)
    if said:
        told.append(t._("Stages with: {special}.").format(special=said))
    return " ".join(told)


def _algorithms(scenario: Scenario, t: Texts) -> str:
    """Arrivals, sampling, queues."""
    told = []
    if any(source.rate for source in scenario.sources.values()):
        told.append(t._("Arrivals: a Poisson process, its rate constant within each hour."))
    if any(source.overdispersion for source in scenario.sources.values()):
        told.append(t._("Where days vary by chance, a random factor a day multiplies the rate."))
    if scenario.shocks:
        told.append(t._("Shocks: lognormal factors with mean 1, shared by all leads of a period."))
    told.append(
        t._("Durations, values and ways out: inverse distribution functions, one draw each.")
    )
    return " ".join(told)


def _components(scenario: Scenario, t: Texts) -> Iterator[Item]:
    """Items 2.5: what the model consists of."""
    kinds = sum(len(source.kinds()) for source in scenario.sources.values())
    yield Item(
        "2.5.1",
        t._("Entities"),
        t._(
            "Leads, of {kinds} by source, segment and product; each has a value and "
            "remembers its visits."
        ).format(kinds=t.n_("{n} kind", "{n} kinds", kinds).format(n=kinds)),
    )
    efforts = sum(len(stage.efforts) for stage in scenario.stages.values())
    yield Item(
        "2.5.2",
        t._("Activities"),
        t._("Kinds of work: {n}, see “{table}”.").format(
            n=efforts, table=t._("Parameters of the stages")
        ),
    )
    yield Item("2.5.3", t._("Resources"), _resources(scenario, t))
    yield Item(
        "2.5.4",
        t._("Queues"),
        t._(
            "One unlimited queue a team: by priority (the smallest number first), then the "
            "longest wait, then the lead’s key; work in hand is not interrupted for others."
        )
        if scenario.teams
        else t._("None: no work by teams."),
    )
    entries = dict.fromkeys(source.stage for source in scenario.sources.values())
    exits = [key for key, stage in scenario.stages.items() if stage.next is None]
    yield Item(
        "2.5.5",
        t._("Entry and exit points"),
        t._("Leads enter at: {entries}. They end at: {exits}.").format(
            entries=_stage_names(entries, scenario, t), exits=_stage_names(exits, scenario, t)
        ),
    )


def _stage_names(keys: Iterable[str], scenario: Scenario, t: Texts) -> str:
    """Names of stages, one after another."""
    return ", ".join(named(key, scenario.stages[key].label, t) for key in keys)


def _resources(scenario: Scenario, t: Texts) -> str:
    """Teams with their seats."""
    if not scenario.teams:
        return t._("None: no work by teams.")
    told = ", ".join(
        f"{named(key, team.label, t)} " + _seats(sum(entry.seats for entry in team.staffing()), t)
        for key, team in scenario.teams.items()
    )
    return t._("Teams: {teams}. Hours: see “{table}”.").format(
        teams=told, table=t._("Parameters of the teams")
    )


def _seats(n: int, t: Texts) -> str:
    """A number of seats in brackets."""
    return t.n_("({n} seat)", "({n} seats)", n).format(n=t.number(n))


def _data(scenario: Scenario, t: Texts) -> Iterator[Item]:
    """Section 3."""
    made_up = t._("The scenario declares all numbers illustrative.")
    origin = made_up if scenario.illustrative else ""
    yield Item("3.1", t._("Data sources"), origin, filled=False)
    yield Item("3.2", t._("Pre-processing"), "", filled=False)
    yield Item(
        "3.3",
        t._("Input parameters"),
        t._(
            "See the tables after this one; weights by hour, weekday and month, and exceptions, "
            "stand in the scenario file."
        ),
    )
    yield Item("3.4", t._("Assumptions"), " ".join(_assumptions(scenario, t)))


def _assumptions(scenario: Scenario, t: Texts) -> Iterator[str]:
    """What the model takes for granted."""
    if scenario.shocks:
        n = len(scenario.shocks)
        yield t._("Apart from common shocks ({n}) leads are independent.").format(n=n)
    else:
        yield t._("Leads are independent: no good or bad months beyond the rates given.")
    if any(stage.next and stage.next.cases for stage in scenario.stages.values()):
        yield t._("Probabilities depend on the stage and the exceptions stated, on nothing else.")
    else:
        yield t._("Probabilities depend on the stage, on nothing else.")
    if scenario.teams:
        yield t._("Seats of a team are alike; a seat works on one lead at a time.")


def _experimentation(scenario: Scenario, log: EventLog, t: Texts) -> Iterator[Item]:
    """Section 4."""
    begin, start, end = scenario.run.instants(scenario.time_zone)
    zone = scenario.time_zone
    first = t.day(from_instant(begin, zone), zone)
    yield Item(
        "4.1",
        t._("Initialisation"),
        t._("Starts empty on {day}; the warm-up of {warm_up} is not reported.").format(
            day=first, warm_up=length(scenario.run.warm_up, t)
        )
        if scenario.run.warm_up.amount
        else t._("Starts empty on {day}, without a warm-up.").format(day=first),
    )
    yield Item(
        "4.2",
        t._("Run length"),
        t._("Reported: {horizon}, {period} ({zone}); time runs in microseconds.").format(
            horizon=length(scenario.run.horizon, t),
            period=t.period(from_instant(start, zone), from_instant(end, zone), zone),
            zone=zone,
        ),
    )
    yield Item(
        "4.3",
        t._("Estimation approach"),
        t._(
            "One replication (number {n}, seed {seed}). 95% intervals come from its leads and "
            "do not hold the spread between replications; open leads count as censored."
        ).format(
            n=log.meta.provenance.get("replication", "0"),
            seed=log.meta.provenance.get("seed", "–"),
        ),
    )


def _implementation(log: EventLog, t: Texts) -> Iterator[Item]:
    """Section 5."""
    parts = ", ".join(f"{part} {version(part)}" for part in ("simpy", "numpy", "scipy"))
    yield Item(
        "5.1",
        t._("Software"),
        f"funnelsim {_version(log)} (Python), {parts}.",
    )
    yield Item(
        "5.2",
        t._("Random sampling"),
        t._(
            "Philox4x64-10, seed {seed}: every draw is keyed by seed, replication, lead, place "
            "and count, so a what-if changes only what it causes (common random numbers)."
        ).format(seed=log.meta.provenance.get("seed", "–")),
    )
    yield Item(
        "5.3",
        t._("Model execution"),
        t._(
            "Process interaction, next-event time advance. Within an instant "
            "all changes come first, then seats are given, in the order of 2.5.4."
        ),
    )
    yield Item(
        "5.4",
        t._("System specification"),
        t._("Run time and Python version stand in the manifest beside the report."),
        filled=False,
    )


def _version(log: EventLog) -> str:
    """Of the funnelsim that made the log."""
    return log.meta.provenance.get("funnelsim") or version("funnelsim")
