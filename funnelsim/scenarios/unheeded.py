"""What stands in a scenario and would change nothing: most likely a mistake.

What a run would silently leave out is an error; what merely never comes true is a
warning or a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from funnelsim.documents import did_you_mean
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.findings import Finding
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Source
from funnelsim.worktime import from_instant, to_instant

__all__ = ["unheeded"]

_OF_RATES = ("by_month", "growth", "campaigns", "overdispersion")
_PROFILES = ("by_weekday", "by_hour")
_KINDS = ("product", "segment")


def unheeded(scenario: Scenario) -> Iterator[Finding]:
    """Find what has no effect.

    Parameters
    ----------
    scenario : Scenario

    Yields
    ------
    Finding

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> given = {"stage": "won", "counts": {"start": "2026-01-05", "paths": [[7, 9]]}}
    >>> growing = {**_TINY, "sources": {"web": {**given, "growth": "2 % / mo"}}}
    >>> for finding in unheeded(Scenario.model_validate(growing)):
    ...     print(finding)
    error: sources.web.growth: has no effect: these leads are given by counts. Leave it out, or
    give a rate instead of counts.
    """
    yield from _profiles(scenario)
    yield from _shocks(scenario)
    yield from _outside(scenario)
    yield from _waits(scenario)
    yield from _stays(scenario)
    yield from _kinds(scenario)
    yield from _values(scenario)
    yield from _what_ifs(scenario)


def _origin(source: Source) -> str:
    """What says how many leads come."""
    return "counts" if source.counts else "replay" if source.replay else "rate"


def _profiles(scenario: Scenario) -> Iterator[Finding]:
    """Given leads follow no season; replayed ones no profile either."""
    for key, source in scenario.sources.items():
        origin = _origin(source)
        idle = {"rate": (), "counts": _OF_RATES, "replay": (*_PROFILES, *_OF_RATES)}[origin]
        for name in idle:
            if getattr(source, name):
                yield Finding(
                    severity="error",
                    message=f"has no effect: these leads are given by {origin}",
                    path=f"sources.{key}.{name}",
                    fix=f"Leave it out, or give a rate instead of {origin}.",
                )


def _shocks(scenario: Scenario) -> Iterator[Finding]:
    """Shocks that meet nobody."""
    for key, shock in scenario.shocks.items():
        path = f"shocks.{key}"
        for number, name in enumerate(shock.sources):
            origin = _origin(scenario.sources[name])
            if origin != "rate":
                message = f"has no effect on {name}: its leads are given by {origin}"
                yield Finding(
                    severity="error",
                    message=message,
                    path=f"{path}.sources.{number}",
                    fix=f"Leave it out, or give a rate instead of {origin}.",
                )
        for number, name in enumerate(shock.stages):
            if scenario.stages[name].next is None:
                message = f"has no effect on {name}: nobody advances from there"
                yield Finding(severity="warning", message=message, path=f"{path}.stages.{number}")
        if not shock.sources and not shock.stages:
            fix = "Name the sources and stages it acts on."
            yield Finding(severity="warning", message="acts on nothing", path=path, fix=fix)


def _outside(scenario: Scenario) -> Iterator[Finding]:
    """Days on which the run does not look."""
    begin, _, end = scenario.run.instants(scenario.time_zone)
    zone = ZoneInfo(scenario.time_zone)
    first, last = (from_instant(edge, scenario.time_zone).date() for edge in (begin, end - 1))
    run = f"the run, {first} to {last}"
    for key, source in scenario.sources.items():
        path = f"sources.{key}"
        for number, campaign in enumerate(source.campaigns):
            if campaign.end <= first or campaign.start > last:
                message = f"lies outside {run}"
                yield Finding(severity="note", message=message, path=f"{path}.campaigns.{number}")
        if source.replay:
            moments = [m if m.tzinfo else m.replace(tzinfo=zone) for m in source.replay]
            missed = sum(not begin <= to_instant(moment) < end for moment in moments)
            if missed:
                message = f"{missed} of {len(moments)} moments lie outside {run}"
                yield Finding(
                    severity="warning" if missed == len(moments) else "note",
                    message=message,
                    path=f"{path}.replay",
                )
        if source.counts:
            start = to_instant(datetime.combine(source.counts.start, datetime.min.time(), zone))
            periods = max(map(len, source.counts.paths))
            stop = start + periods * round(source.counts.every.microseconds())
            if stop <= begin or start >= end:
                message = f"all periods lie outside {run}: no lead ever comes from here"
                yield Finding(severity="warning", message=message, path=f"{path}.counts")


def _waits(scenario: Scenario) -> Iterator[Finding]:
    """Waiting where there is no work to wait for."""
    for key, stage in scenario.stages.items():
        if stage.efforts:
            continue
        message = "has no effect: this stage has no work to wait for"
        if stage.patience:
            fix = "Use a timeout, or add efforts."
            path = f"stages.{key}.patience"
            yield Finding(severity="warning", message=message, path=path, fix=fix)
        for number, case in enumerate(stage.next.cases if stage.next else ()):
            if case.when.wait:
                path = f"stages.{key}.next.cases.{number}.when.wait"
                yield Finding(severity="warning", message=message, path=path)


def _stays(scenario: Scenario) -> Iterator[Finding]:
    """Stays longer than any visit can last."""
    for key, stage in scenario.stages.items():
        limit = stage.timeout.after if stage.timeout else None
        passing = not (stage.delay_before or stage.until or stage.efforts or stage.delay_after)
        for number, case in enumerate(stage.next.cases if stage.next else ()):
            stay = case.when.stay
            if not stay or not stay.amount:
                continue
            if passing:
                message = "never holds: leads leave this stage at once"
            elif limit and limit.clock == "elapsed" and limit.microseconds() < stay.microseconds():
                message = f"never holds: the time-out comes after {limit}"
            else:
                continue
            path = f"stages.{key}.next.cases.{number}.when.stay"
            yield Finding(severity="warning", message=message, path=path)


def _kinds(scenario: Scenario) -> Iterator[Finding]:
    """Cases for products and segments that no source brings."""
    parts = [part for source in scenario.sources.values() for part in source.kinds()]
    for key, stage in scenario.stages.items():
        for number, case in enumerate(stage.next.cases if stage.next else ()):
            for name in _KINDS:
                known = sorted({getattr(part, name) for part in parts} - {""})
                for word in getattr(case.when, name):
                    if word not in known:
                        yield Finding(
                            severity="warning",
                            message=f'no source brings the {name} "{word}"',
                            path=f"stages.{key}.next.cases.{number}.when.{name}",
                            fix=did_you_mean(word, known) if known else f"Give a source a {name}.",
                        )


def _values(scenario: Scenario) -> Iterator[Finding]:
    """Marks that count the value of deals that have none."""
    if any(part.value for source in scenario.sources.values() for part in source.kinds()):
        return
    for key, stage in scenario.stages.items():
        for number, mark in enumerate(stage.marks):
            if mark.value == "deal":
                yield Finding(
                    severity="warning",
                    message="counts the value of the deal, but no source gives its leads one",
                    path=f"stages.{key}.marks.{number}.value",
                    fix="Add value to the sources, or write an amount here.",
                )


def _what_ifs(scenario: Scenario) -> Iterator[Finding]:
    """Questions that cannot be asked."""
    for key, what_if in scenario.what_ifs.items():
        try:
            apply(scenario, Change(name=key, overrides=what_if.set))
        except ScenarioError as refused:
            for problem in refused.problems:
                yield Finding(
                    severity="warning",
                    message=f"cannot be asked: {problem.message}",
                    path=f"what_ifs.{key}.set.{problem.path}",
                    fix=problem.fix,
                )
