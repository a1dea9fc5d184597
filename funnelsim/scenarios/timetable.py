"""The scenario as it is from each date on which something is known to change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.what_if import WhatIf

__all__ = ["timetable"]

_PARTS = ("sources", "stages", "teams")
_CHANGEABLE = (*_PARTS, "calendar", "calendars")
_WHEN = ("rate", "by_weekday", "by_hour", "counts", "replay")


def timetable(scenario: Scenario) -> tuple[tuple[date, Scenario], ...]:
    """Make the dated ``changes`` of a scenario, one after another.

    Parameters
    ----------
    scenario : Scenario

    Returns
    -------
    tuple of (date, Scenario)
        By date (those of one day by name): what holds from that day on.

    Raises
    ------
    ScenarioError
        Every change that has no date or cannot be made on one: parts that appear or
        vanish, what belongs to the whole run, or moments given in advance.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> growing = {"busier": {"start": "2026-01-12", "set": {"sources.web.rate": "9 / d"}}}
    >>> for day, then in timetable(Scenario.model_validate({**_TINY, "changes": growing})):
    ...     print(day, then.sources["web"].rate)
    2026-01-12 9 / d
    """
    problems = [
        Problem("has no date", path=f"changes.{name}", fix="Add start, the first day it holds.")
        for name, change in scenario.changes.items()
        if change.start is None
    ]
    dated = sorted(
        (change.start, name) for name, change in scenario.changes.items() if change.start
    )
    found: list[tuple[date, Scenario]] = []
    for day, name in dated:
        before = found[-1][1] if found else scenario
        try:
            found.append((day, _changed(before, name, scenario.changes[name])))
        except ScenarioError as refused:
            problems += refused.problems
    if problems:
        raise ScenarioError(problems)
    return tuple(found)


def _changed(before: Scenario, name: str, change: WhatIf) -> Scenario:
    """The scenario after one change, if that can happen while it runs."""
    here = f"changes.{name}.set"
    fixed = [path for path in change.set if path.split(".")[0] not in _CHANGEABLE]
    if fixed:
        fix = f"On a date only {', '.join(_CHANGEABLE)} can change."
        raise ScenarioError(
            Problem("holds for the whole run", path=f"{here}.{path}", fix=fix) for path in fixed
        )
    try:
        after = apply(before, Change(name=name, overrides=change.set))
    except ScenarioError as refused:
        raise ScenarioError(
            Problem(problem.message, path=f"{here}.{problem.path}", fix=problem.fix)
            for problem in refused.problems
        ) from None
    problems = [*_come_or_gone(before, after, here)] or [*_moved_arrivals(before, after, here)]
    if problems:
        raise ScenarioError(problems)
    return after


def _come_or_gone(before: Scenario, after: Scenario, here: str) -> Iterator[Problem]:
    """Parts that are not there from beginning to end."""
    for section in _PARTS:
        odd = sorted(set(getattr(before, section)) ^ set(getattr(after, section)))
        for key in odd:
            fix = "Describe it from the beginning, and lead to it from the date on."
            yield Problem(
                "cannot appear or vanish on a date", path=f"{here}.{section}.{key}", fix=fix
            )


def _moved_arrivals(before: Scenario, after: Scenario, here: str) -> Iterator[Problem]:
    """Counts and replayed moments say themselves when leads come."""
    for key, new in after.sources.items():
        old = before.sources[key]
        given = any(source.rate is None for source in (old, new))
        if given and _when(old) != _when(new):
            fix = "Change the counts or moments themselves."
            message = "leads given by counts or replay carry their own dates"
            yield Problem(message, path=f"{here}.sources.{key}", fix=fix)


def _when(source: Source) -> list[object]:
    return [getattr(source, name) for name in _WHEN]
