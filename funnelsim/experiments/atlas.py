"""The levers of a scenario: every standard step that would change it for the better.

A lever is data: overrides of the scenario, one standard step each. What a step does to
the funnel is found by :func:`funnelsim.levers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

from funnelsim.experiments.shortening import Shortened, shortened
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.frozen import label_text
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.stage import Stage
from funnelsim.scenarios.timetable import timetable
from funnelsim.scenarios.what_if import WhatIf

__all__ = ["KINDS", "MORE_LEADS", "POINT", "Lever", "atlas", "changed"]

Kind = Literal["conversion", "delay", "capacity", "demand"]
Cut = Literal["", "partly", "whole"]
Overrides = Mapping[str, Any]
KINDS: Final = ("conversion", "delay", "capacity", "demand")

POINT: Final = 0.01
MORE_LEADS: Final = 0.1
_FULL: Final = 0.9
"""A delay that gets shorter by less than this share of a day is said to be cut short."""
_NOTHING: Final = 1e-9
_LATEST: Final = "zzzz-lever"  # sorts after the scenario's own changes of the same day


@dataclass(frozen=True, slots=True)
class Lever:
    """A step that can be taken.

    Parameters
    ----------
    kind : {"conversion", "delay", "capacity", "demand"}
    item : str
        Id of the stage, team or source.
    step : float
        How large: a share (conversion: 0.01; demand: 0.1), seconds of mean delay on its own
        clock, seats.
    unit : str
        ``share``, ``s``, ``business s`` or ``seats``.
    make : callable
        Scenario → overrides; empty where there is nothing to change.
    cut : {"", "partly", "whole"}
        Where the step is smaller than the standard one because there is no more to take: a
        delay that is often shorter than a day, or a delay or loss that vanishes.
    label : mapping of str to str
        What the item is called, by language.
    """

    kind: Kind
    item: str
    step: float
    unit: str
    make: Callable[[Scenario], Overrides] = field(compare=False, repr=False)
    cut: Cut = ""
    label: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        """Kind and item: ``conversion.offer``."""
        return f"{self.kind}.{self.item}"

    def words(self, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """What is done, as a planner would say it; ``text`` translates it.

        Examples
        --------
        >>> Lever("capacity", "desk", 1, "seats", dict, "", {"en": "Help desk"}).words()
        'one more seat: Help desk'
        """
        patterns = {
            "conversion": text("1 point more conversion: {item}"),
            "delay": text("1 day less delay: {item}"),
            "capacity": text("one more seat: {item}"),
            "demand": text("10% more leads: {item}"),
        }
        if self.unit == "business s":
            patterns["delay"] = text("1 business day less delay: {item}")
        pattern = patterns[self.kind]
        if self.kind == "conversion" and self.cut:
            pattern = text("every lead advances: {item}")
        if self.kind == "delay" and self.cut:
            cut = {
                "partly": text("up to 1 day less delay: {item}"),
                "whole": text("no delay: {item}"),
            }
            pattern = cut[self.cut]
        return pattern.format(item=label_text(self.label, lang, self.item))


def atlas(scenario: Scenario) -> tuple[tuple[Lever, ...], dict[str, str]]:
    """All levers of a scenario, and what has none.

    Parameters
    ----------
    scenario : Scenario

    Returns
    -------
    tuple of Lever
        *conversion* by stage: the advance branch gains 1 point, taken from the others in
        proportion, in every case of the routing table that advances at all; where only
        work refuses, from the refusals. *delay* by stage: each lead's delay is a day
        shorter, cut at 0 (the longer of ``delay_before`` and ``delay_after``; a business day
        where the delay runs on business time). *capacity* by team: one more seat whenever
        the team works. *demand* by source: 10 % more leads, added to those there are.
    dict of str to str
        Lever that is left out → why.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> found, left_out = atlas(Scenario.model_validate(_TINY))
    >>> [lever.id for lever in found]
    ['demand.web']
    """
    left_out: dict[str, str] = {}
    paths = Paths(scenario)
    found: list[Lever] = []
    for key, stage in scenario.stages.items():
        found += _conversion(key, stage)
    for key, stage in scenario.stages.items():
        found += _delay(key, stage, paths, left_out)
    for key, team in scenario.teams.items():
        found.append(Lever("capacity", key, 1.0, "seats", _Seat(key), label=team.label))
    for key, source in scenario.sources.items():
        make = _Leads(key)
        found.append(Lever("demand", key, MORE_LEADS, "share", make, label=source.label))
    return tuple(found), left_out


def changed(scenario: Scenario, name: str, make: Callable[[Scenario], Overrides]) -> Scenario:
    """The scenario with overrides made from its first to its last day.

    Changes that the scenario has on dates may set the same values anew; then the
    overrides are made again on top of them.

    Parameters
    ----------
    scenario : Scenario
    name : str
        How the what-if is called.
    make : callable
        Scenario (as it is from some day on) → overrides.

    Returns
    -------
    Scenario

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> growing = {"busier": {"start": "2026-01-12", "set": {"sources.web.rate": "9 / d"}}}
    >>> then = Scenario.model_validate({**_TINY, "changes": growing})
    >>> more = changed(then, "more", lambda s: {"sources.web.rate": {"times": 2}})
    >>> [str(after.sources["web"].rate) for _, after in timetable(more)]
    ['9 / d', '18 / d']
    """
    overrides = make(scenario)
    done = apply(scenario, Change(name=name, overrides=overrides)) if overrides else scenario
    later = {}
    for i, (day, then) in enumerate(timetable(scenario)):
        wanted = make(then)
        if wanted:
            data = apply(then, Change(name=name, overrides=wanted)).plain(spelled_out=True)
            settled = {path: _at(data, path) for path in wanted}
            later[f"{_LATEST}-{i:03}"] = WhatIf(set=settled, start=day)
    if later:
        done = done.model_copy(update={"changes": {**done.changes, **later}})
    return done


def _at(data: Any, path: str) -> Any:  # noqa: ANN401 - plain data of any kind
    """The plain value at a dotted path."""
    for key in path.split("."):
        data = data[int(key)] if isinstance(data, list) else data[key]
    return data


# --- conversion ---------------------------------------------------------------------------------


def _conversion(key: str, stage: Stage) -> Iterator[Lever]:
    """One more point, if there is a point to gain."""
    room = _room(stage)
    if room > _NOTHING:
        step = min(POINT, room)
        cut: Cut = "whole" if step < POINT - _NOTHING else ""
        yield Lever("conversion", key, step, "share", _Point(key), cut, stage.label)


def _room(stage: Stage) -> float:
    """How much the advance branch can gain."""
    if stage.next is None:
        return 0.0
    room = 1 - stage.next.to.get(stage.next.advance or "", 0.0)
    return room if room > _NOTHING else 1 - _agreed(stage)


def _agreed(stage: Stage) -> float:
    """Share of leads that no work refuses."""
    return math.prod(1 - effort.refuse * effort.share for effort in stage.efforts.values())


@dataclass(frozen=True)
class _Point:
    """One point more for the advance branch of a stage, in all its cases."""

    stage: str

    def __call__(self, scenario: Scenario) -> Overrides:
        stage = scenario.stages[self.stage]
        if stage.next is None:
            return {}
        advance, here = stage.next.advance or "", f"stages.{self.stage}.next"
        tables = {here: stage.next.to}
        tables |= {f"{here}.cases.{i}": case.to for i, case in enumerate(stage.next.cases)}
        found = {
            f"{path}.to.{advance}": round(min(to[advance] + POINT, 1.0), 12)
            for path, to in tables.items()
            if 0 < to.get(advance, 0.0) < 1 - _NOTHING
        }
        return found or self._refusals(stage)

    def _refusals(self, stage: Stage) -> Overrides:
        """One point fewer refusals, at the work that refuses most."""
        most = max(stage.efforts, key=lambda name: stage.efforts[name].refuse, default=None)
        if most is None or not stage.efforts[most].refuse:
            return {}
        refuse, share = stage.efforts[most].refuse, stage.efforts[most].share
        agreed = 1 - refuse * share
        others = share * (_agreed(stage) / agreed if agreed else 1.0)
        left = max(refuse - POINT / others, 0.0) if others else refuse
        return {f"stages.{self.stage}.efforts.{most}.refuse": round(left, 12)}


# --- delay --------------------------------------------------------------------------------------


def _delay(key: str, stage: Stage, paths: Paths, left_out: dict[str, str]) -> Iterator[Lever]:
    """A day less, of the longer delay."""
    parts = {
        part: float(paths.hours(spec, stage).mean())
        for part in ("delay_before", "delay_after")
        if (spec := getattr(stage, part)) is not None
    }
    part = max(parts, key=lambda name: parts[name], default="")
    if not part or not parts[part]:
        return
    make = _Day(key, part)
    if getattr(stage, part).clocks()[0] == "months":
        left_out[f"delay.{key}"] = "its delay is a number of calendar months"
        return
    less = make.shortened(paths.scenario)
    unit = "business s" if less.business else "s"
    cut: Cut = "whole" if less.gone else "partly" if less.seconds < _FULL * less.day else ""
    yield Lever("delay", key, less.seconds, unit, make, cut, stage.label)


@dataclass(frozen=True)
class _Day:
    """A day less of a delay."""

    stage: str
    part: str

    def __call__(self, scenario: Scenario) -> Overrides:
        spec = getattr(scenario.stages[self.stage], self.part)
        if spec is None or spec.clocks()[0] == "months":
            return {}
        return {f"stages.{self.stage}.{self.part}": self.shortened(scenario).spec}

    def shortened(self, scenario: Scenario) -> Shortened:
        stage = scenario.stages[self.stage]
        return shortened(getattr(stage, self.part), _business_day(stage, scenario))


def _business_day(stage: Stage, scenario: Scenario) -> int:
    """Open microseconds of a business day of a stage's delays."""
    name = stage.calendar or scenario.calendar
    if name is None:
        return 0
    begin, _, end = scenario.run.instants(scenario.time_zone)
    return scenario.calendars[name].work_time(scenario.time_zone, begin, end).business_day


# --- capacity and demand ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seat:
    """One more seat whenever the team works: of staff by shifts, one in each shift."""

    team: str

    def __call__(self, scenario: Scenario) -> Overrides:
        team = scenario.teams[self.team]
        if not team.staff:
            return {f"teams.{self.team}.seats": {"add": 1}}
        staff = scenario.plain()["teams"][self.team]["staff"]
        shifts = dict.fromkeys(entry.calendar for entry in team.staff)
        more = [{"seats": 1} | ({"calendar": name} if name else {}) for name in shifts]
        return {f"teams.{self.team}.staff": [*staff, *more]}


@dataclass(frozen=True)
class _Leads:
    """More leads of a source, added to those that are there."""

    source: str

    def __call__(self, scenario: Scenario) -> Overrides:
        return more_leads(self.source, scenario.sources[self.source])


def more_leads(key: str, source: Source) -> Overrides:
    """A tenth more of a source; given counts and moments get every tenth lead once more."""
    if source.counts is not None:
        paths = [_tenth_more(path) for path in source.counts.paths]
        return {f"sources.{key}.counts.paths": paths}
    if source.replay:
        ordered = sorted(source.replay, key=lambda moment: moment.isoformat())
        again = ordered[9::10]
        return {f"sources.{key}.replay": [m.isoformat() for m in (*source.replay, *again)]}
    return {f"sources.{key}.rate": {"times": 1 + MORE_LEADS}}


def _tenth_more(counts: tuple[int, ...]) -> list[int]:
    """Counts of which none is smaller, and whose sum is a tenth larger."""
    total, edges = 0, [0]
    for count in counts:
        total += count
        edges.append((11 * total + 5) // 10)
    return [after - before for before, after in pairwise(edges)]
