"""What looks wrong although the file can be read.

An *error* makes a run pointless, a *warning* makes its numbers misleading, a
*note* is worth a look. Numbers are approximate: they ignore waiting for teams.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from funnelsim.documents import Document, load_document
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.calendar import holiday_dates
from funnelsim.scenarios.capacity import busy_teams
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.demand import leads_per_week
from funnelsim.scenarios.findings import Finding, placed
from funnelsim.scenarios.loading import read_scenario
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.quantity import DurationSpec
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.timetable import timetable
from funnelsim.scenarios.unheeded import unheeded
from funnelsim.scenarios.window import short_windows

__all__ = ["Finding", "check", "load_sound", "require_sound"]

_RANK = {"error": 0, "warning": 1, "note": 2}
_KNOWN_MARKS = ("won", "lost", "qualified", "ordered", "paid", "churned")
_NEARLY = 0.65
_MOST_LEADS = 10**8


def check(scenario: Scenario) -> tuple[Finding, ...]:
    """Look a scenario over before it is run.

    Parameters
    ----------
    scenario : Scenario
        Any that could be read.

    Returns
    -------
    tuple of Finding
        Errors first, then warnings, then notes.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> for finding in check(Scenario.model_validate(_TINY)):
    ...     print(finding)
    note: stages: nothing marks a lead as lost. Add "marks: lost" where deals are given up.
    """
    paths = Paths(scenario)
    findings = [
        *_clocks(scenario),
        *_dated(scenario),
        *_dead_ends(paths),
        *_unreachable(paths),
        *_too_many(paths),
        *_branches(scenario),
        *_outcomes(paths),
        *_timeouts(paths),
        *busy_teams(paths),
        *short_windows(paths),
        *_money(scenario),
        *unheeded(scenario),
        *_calendars(scenario),
        *_languages(scenario),
    ]
    return tuple(sorted(findings, key=lambda finding: _RANK[finding.severity]))


def require_sound(scenario: Scenario, document: Document | None = None) -> tuple[Finding, ...]:
    """Refuse a scenario with errors; give back the other findings.

    Parameters
    ----------
    scenario : Scenario
        Any that could be read.
    document : Document, optional
        The file it came from, so that messages name the line.

    Raises
    ------
    ScenarioError
        All findings of severity error.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> len(require_sound(Scenario.model_validate(_TINY)))
    1
    """
    findings = check(scenario)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise ScenarioError(placed(finding, document) for finding in errors)
    return findings


def load_sound(
    path: str | Path, overrides: Mapping[str, object] | None = None
) -> tuple[Scenario, tuple[Finding, ...]]:
    """Read a scenario file for a run: nothing with errors gets through.

    Parameters
    ----------
    path : str or Path
        A scenario file.
    overrides : Mapping, optional
        Changes to make, dotted path → value.

    Returns
    -------
    tuple of Scenario and tuple of Finding
        What may be run, and the warnings and notes about it.

    Raises
    ------
    ScenarioError
        Whatever `load`, a change or `require_sound` refuses, with its line.

    Examples
    --------
    >>> from funnelsim import shipped
    >>> scenario, findings = load_sound(shipped.scenarios() / "bank-retail.yaml")
    >>> scenario.name, findings
    ('bank-retail', ())
    """
    document = load_document(path, ScenarioError)
    scenario = read_scenario(document)
    if overrides:
        scenario = apply(scenario, Change(name="change", overrides=overrides))
    return scenario, require_sound(scenario, document)


def _clocks(scenario: Scenario) -> Iterator[Finding]:
    """Business time needs a calendar; work is never in calendar months."""
    add = "Add 'calendar:' to it, or to the scenario."
    for key, stage in scenario.stages.items():
        limit = DurationSpec(value=stage.timeout.after) if stage.timeout else None
        patience = stage.patience.after if stage.patience else None
        delays = {"delay_before": stage.delay_before, "delay_after": stage.delay_after}
        lengths = {**delays, "timeout": limit, "patience": patience}
        timed = [name for name, spec in lengths.items() if spec and spec.clocks()[0] == "business"]
        timed += ["until"] if stage.until and stage.until.needs_calendar else []
        if not (stage.calendar or scenario.calendar):
            for name in timed:
                message = "is in business time but no calendar is named"
                yield Finding(
                    severity="error", message=message, path=f"stages.{key}.{name}", fix=add
                )
        for name, effort in stage.efforts.items():
            path = f"stages.{key}.efforts.{name}.duration"
            clock = effort.duration.clocks()[0]
            days = any(length.unit == "bd" for length in effort.duration.durations())
            waits = effort.delay and effort.delay.clocks()[0] == "business"
            if waits and not (scenario.teams[effort.team].calendar or scenario.calendar):
                message = "is in business time but no calendar is named"
                at = f"stages.{key}.efforts.{name}.delay"
                yield Finding(severity="error", message=message, path=at, fix=add)
            if clock == "months":
                message = "work cannot last calendar months"
                yield Finding(severity="error", message=message, path=path, fix="Use h or bd.")
            elif days and not (scenario.teams[effort.team].calendar or scenario.calendar):
                message = f"is in business days but {effort.team} has no calendar"
                yield Finding(severity="error", message=message, path=path, fix=add)


def _dated(scenario: Scenario) -> Iterator[Finding]:
    """Changes that have no date, cannot be made on one, or catch leads from then on."""
    try:
        dated = timetable(scenario)
    except ScenarioError as refused:
        for problem in refused.problems:
            yield Finding(
                severity="error", message=problem.message, path=problem.path, fix=problem.fix
            )
        return
    known = set(_dead_ends(Paths(scenario)))
    for day, changed in dated:
        for finding in _dead_ends(Paths(changed)):
            if finding not in known:
                known.add(finding)
                since = f"from {day} on, {finding.message}"
                yield finding.model_copy(update={"message": since, "path": "changes"})


def _dead_ends(paths: Paths) -> Iterator[Finding]:
    """Leads that get in and never out."""
    caught = [key for key in paths.keys if key in paths.reachable() - paths.can_end()]
    if caught:
        listed = ", ".join(caught)
        message = f"leads that enter {caught[0]} never get out: {listed} lead only to each other"
        if len(caught) == 1:
            message = f"leads that enter {caught[0]} never get out: it leads only to itself"
        fix = "Give one of them a way to a stage without next, or a timeout."
        yield Finding(severity="error", message=message, path=f"stages.{caught[0]}.next", fix=fix)


def _unreachable(paths: Paths) -> Iterator[Finding]:
    found = paths.reachable()
    for key in paths.keys:
        if key not in found:
            yield Finding(
                severity="warning",
                message="no lead ever gets here",
                path=f"stages.{key}",
                fix="Lead a source or another stage's next to it, or delete it.",
            )
    for key, source in paths.scenario.sources.items():
        if source.rate is not None and source.rate.amount == 0:
            message = "no lead ever comes from here"
            yield Finding(severity="note", message=message, path=f"sources.{key}.rate", value=0)


def _too_many(paths: Paths) -> Iterator[Finding]:
    """More leads than a computer can hold, most often a wrong unit."""
    for key, source in paths.scenario.sources.items():
        leads = leads_per_week(source, paths.scenario) * paths.weeks
        if leads > _MOST_LEADS:
            yield Finding(
                severity="error",
                message=f"brings about {leads:.2g} leads; at most {_MOST_LEADS:.0e} can be run",
                path=f"sources.{key}",
                value=leads,
                fix="Is the unit of the rate right (per h, d or w)?",
            )


def _branches(scenario: Scenario) -> Iterator[Finding]:
    for key, stage in scenario.stages.items():
        for target, share in stage.next.to.items() if stage.next else ():
            if share == 0:
                yield Finding(
                    severity="note",
                    message="has probability 0: nobody ever goes this way",
                    path=f"stages.{key}.next.to.{target}",
                    value=0,
                )


def _outcomes(paths: Paths) -> Iterator[Finding]:
    """Won and lost: marked, spelled right and within reach."""
    marked: dict[str, list[str]] = {}
    for key, stage in paths.scenario.stages.items():
        for number, mark in enumerate(stage.marks):
            marked.setdefault(mark.kind, []).append(key)
            near = _misspelt(mark.kind)
            if near:
                message = f'"{mark.kind}" is a mark of your own'
                fix = f'Did you mean "{near}"?'
                path = f"stages.{key}.marks.{number}"
                yield Finding(severity="warning", message=message, path=path, fix=fix)
    if "won" not in marked:
        message = "nothing marks a lead as won, so there is no conversion and no revenue"
        fix = 'Add "marks: won" to the stage that counts as success.'
        yield Finding(severity="warning", message=message, path="stages", fix=fix)
    elif not set(marked["won"]) & paths.reachable():
        message = f"no lead can be won: {', '.join(marked['won'])} cannot be reached"
        yield Finding(severity="warning", message=message, path=f"stages.{marked['won'][0]}")
    if "lost" not in marked:
        message = "nothing marks a lead as lost"
        fix = 'Add "marks: lost" where deals are given up.'
        yield Finding(severity="note", message=message, path="stages", fix=fix)


def _misspelt(kind: str) -> str:
    """The known mark that a kind of one's own looks like: same beginning, nearly the same word."""
    from difflib import SequenceMatcher

    def alike(known: str) -> float:
        return SequenceMatcher(None, kind, known).ratio() if kind[:1] == known[:1] else 0.0

    nearest = max(_KNOWN_MARKS, key=alike)
    near = alike(nearest) >= _NEARLY and abs(len(nearest) - len(kind)) <= 1
    return nearest if near and kind not in _KNOWN_MARKS else ""


def _timeouts(paths: Paths) -> Iterator[Finding]:
    for (key, stage), stay in zip(paths.scenario.stages.items(), paths.stays, strict=True):
        if stage.timeout and stage.delay_before and stay.reaches_work < 1 / 2:
            early = 1 - stay.reaches_work
            message = (
                f"after {stage.timeout.after} about {early:.0%} of leads leave "
                "before delay_before is over"
            )
            yield Finding(
                severity="warning",
                message=message,
                path=f"stages.{key}.timeout.after",
                value=round(early, 3),
                fix="Is the time-out too short, or the delay too long?",
            )


def _money(scenario: Scenario) -> Iterator[Finding]:
    spent = [
        f"sources.{key}.{name}"
        for key, source in scenario.sources.items()
        for name, there in (
            ("value", source.value),
            ("cost", source.cost),
            ("mix", any(part.value for part in source.mix)),
        )
        if there
    ]
    spent += [f"teams.{key}.cost_per_hour" for key, t in scenario.teams.items() if t.cost_per_hour]
    for key, stage in scenario.stages.items():
        for number, mark in enumerate(stage.marks):
            if mark.cost or not isinstance(mark.value, (str, type(None))):
                spent.append(f"stages.{key}.marks.{number}")
    if spent and not scenario.currency:
        message = "there are amounts of money but no currency"
        fix = 'Add "currency: UAH" (or another) at the top.'
        yield Finding(severity="error", message=message, path=spent[0], fix=fix)
    if scenario.currency:
        from babel.numbers import is_currency  # slow to import

        if not is_currency(scenario.currency):
            message = f"{scenario.currency} is no currency that is known"
            yield Finding(severity="warning", message=message, path="currency")


def _calendars(scenario: Scenario) -> Iterator[Finding]:
    """Calendars that nobody uses, and holidays that are none."""
    used = {scenario.calendar}
    used |= {entry.calendar for team in scenario.teams.values() for entry in team.staffing()}
    used |= {stage.calendar for stage in scenario.stages.values()}
    for key, calendar in scenario.calendars.items():
        path = f"calendars.{key}"
        if key not in used:
            yield Finding(severity="note", message="nobody uses it", path=path)
        if calendar.holidays:
            first = scenario.run.start.year
            if not holiday_dates(calendar.holidays, first, first):
                message = f"{calendar.holidays} has no public holidays in {first}: they are worked"
                fix = "List days off under 'closed'."
                path += ".holidays"
                yield Finding(severity="note", message=message, path=path, fix=fix)


def _languages(scenario: Scenario) -> Iterator[Finding]:
    """Labels without a language that most others have."""
    labels: dict[str, Mapping[str, str]] = {"title": scenario.title}
    for section in ("teams", "sources", "stages"):
        for key, part in getattr(scenario, section).items():
            labels[f"{section}.{key}"] = part.label
    languages = sorted({lang for label in labels.values() for lang in label})
    lacking: dict[tuple[str, ...], list[str]] = {}
    for lang in languages:
        paths = tuple(path for path, label in labels.items() if lang not in label)
        if paths and len(paths) < len(labels) / 2:
            lacking.setdefault(paths, []).append(lang)
    for paths, missed in lacking.items():
        where = f"no text in {', '.join(missed)}"
        message = f"{len(paths)} of {len(labels)} labels: {where}: {', '.join(paths)}"
        yield Finding(severity="note", message=message, path=paths[0])
