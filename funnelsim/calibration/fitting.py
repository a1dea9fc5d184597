"""Calibration: from an event log to a scenario one can defend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import pandas as pd

from funnelsim.calibration.assembly import frame, merged
from funnelsim.calibration.demand.arrivals import arrival_parts
from funnelsim.calibration.demand.repeats import repeat_parts
from funnelsim.calibration.demand.shocks import shared_luck, shock_parts
from funnelsim.calibration.origin import data_origin
from funnelsim.calibration.parts import Part, Refusal
from funnelsim.calibration.sampling import FitSampler
from funnelsim.calibration.stages.condensing import condensed
from funnelsim.calibration.stages.routes import Routes
from funnelsim.calibration.stages.stage_parts import Stale, stage_parts
from funnelsim.calibration.stages.stage_work import clocks, sometimes
from funnelsim.calibration.stages.visits import stage_visits
from funnelsim.calibration.work.handling import EffortPart, phases, work_parts
from funnelsim.calibration.work.hours import calendar_parts
from funnelsim.errors import DataError, Problem
from funnelsim.events import EventLog
from funnelsim.messages import Message
from funnelsim.scenarios.evidence import Evidence
from funnelsim.scenarios.sampling import ScenarioSampler
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import parse_duration

__all__ = ["Fit", "calibrate"]

Tell = Callable[[float], None]
COLUMNS: Final = ("part", "item", "measure", "value", "unit", "n", "lo", "hi", "level", "method")
TYPES: Final = {"value": "float64", "lo": "float64", "hi": "float64", "n": "int64"}
NO_CURRENCY: Final = ("", "XXX")
CLOSED: Final = 5
"""Closed leads without which nothing is calibrated at all."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A calibrated scenario with all that it rests on.

    Parameters
    ----------
    scenario : Scenario
        The best estimate; it begins on the day after the log ends.
    parts : tuple of Part
        What was estimated.
    refusals : tuple of Refusal
        What the data cannot tell.
    log : EventLog
        The data.
    document : mapping
        The scenario without its parts.
    """

    scenario: Scenario
    parts: tuple[Part, ...]
    refusals: tuple[Refusal, ...]
    log: EventLog
    document: Mapping[str, Any]

    @property
    def sampler(self) -> ScenarioSampler:
        """Draws a scenario for every replication, so that intervals hold what is not known."""
        known = self.scenario.model_dump(mode="json", include={"evidence"})
        return FitSampler({**self.document, **known}, self.parts, self.over)

    @property
    def over(self) -> Mapping[str, float]:
        """Chance of open deals, by lead id, to be over though nobody closed them."""
        known = (part.unrecorded for part in self.parts if isinstance(part, Routes))
        return {lead: chance for each in known if each for lead, chance in each.over.items()}

    @cached_property
    def table(self) -> pd.DataFrame:
        """Every number with its interval, n and method.

        Columns: ``part``, ``item`` (dotted path in the scenario), ``measure``, ``value``,
        ``unit``, ``n``, ``lo``, ``hi``, ``level``, ``method``, ``note``.
        """
        rows = [
            {"part": part.name, "item": row.of, **row.model_dump(exclude={"of"})}
            for part in self.parts
            for row in part.evidence
        ]
        table = pd.DataFrame(rows, columns=[*COLUMNS, "note"])
        return table.astype(TYPES)

    def sentence(self) -> str:
        """What was calibrated, on what, and how much could not be.

        Returns
        -------
        str
        """
        start, end = (
            pd.Timestamp(time).tz_convert(self.log.meta.time_zone).date()
            for time in (self.log.meta.observed_from, self.log.meta.observed_until)
        )
        said = (
            f"{len(self.scenario.stages)} stages and {len(self.scenario.sources)} sources "
            f"calibrated on {len(self.log.leads):,} leads ({start} to {end}): "
            f"{len(self.table):,} numbers with their intervals"
        )
        if not self.refusals:
            return f"{said}."
        what = "thing" if len(self.refusals) == 1 else "things"
        return f"{said}; {len(self.refusals)} {what} the data cannot tell."


def calibrate(
    log: EventLog,
    *,
    name: str | None = None,
    horizon: str = "13 w",
    warm_up: str | None = None,
    half_life: str | None = None,
    work: bool = True,
    stale: Stale = "lost",
    progress: Tell | None = None,
) -> Fit:
    """Calibrate a scenario on an event log.

    Parameters
    ----------
    log : EventLog
        What is known up to its end; open leads, and leads first seen later, are allowed for.
    name : str, optional
        Id of the scenario; left out: from the log's title.
    horizon, warm_up : str, optional
        Of its run; the warm-up left out: as long as 19 of 20 leads take.
    half_life : str, optional
        Age at which a visit counts half, such as ``26 w``; left out: all count alike.
    work : bool
        Whether to look for teams and their work; without, stays are delays only.
    stale : {"lost", "open"}
        What open deals are that are far older than any that closed: losses that nobody
        recorded, or open.
    progress : callable, optional
        Told the share that is done, 0 to 1.

    Returns
    -------
    Fit

    Raises
    ------
    DataError
        The log cannot tell even how many leads are won; all reasons at once.
    ParameterError, ScenarioError
        An option that cannot be read.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> calibrate(BANK)
    Traceback (most recent call last):
    funnelsim.errors.DataError: ...only 3 leads have closed; ...
    """
    _require(log)
    whole, refusals = log, list(_doubts(log, half_life))
    if log.meta.history == "snapshot":
        log, more = condensed(log)
        refusals += more
    days = parse_duration(half_life).microseconds() / 86_400e6 if half_life else None
    tell = progress or _silent
    parts: list[Part] = []
    for found, refused in _demand(log, work=work):
        parts += found
        refusals += refused
        tell(min(0.1 * len(parts), 0.4))
    busy = any(isinstance(part, EffortPart) for part in parts)
    visits = stage_visits(log, days, phases(log) if busy else None)
    found, more = stage_parts(
        log,
        visits,
        {part.stage for part in parts if isinstance(part, EffortPart)},
        clocks(log, parts) if busy else {},
        sometimes(parts),
        {path[1] for part in parts for path in part.settings if path[0] == "sources"},
        lambda share: tell(0.4 + share / 2),
        stale=stale,
    )
    luck = shared_luck(parts)
    parts += [
        replace(part, uneven=luck.get(part.stage)) if isinstance(part, Routes) else part
        for part in found
    ]
    refusals += more
    document = frame(
        log, _stages(log, parts), name=name or _name(log), horizon=horizon, warm_up=warm_up
    )
    document["data"] = data_origin(whole).model_dump(mode="json")
    scenario = _scenario(document, parts)
    tell(1.0)
    return Fit(scenario, tuple(parts), tuple(dict.fromkeys(refusals)), whole, document)


def _silent(share: float) -> None:
    """Tell nobody."""


def _scenario(document: Mapping[str, Any], parts: list[Part]) -> Scenario:
    """The best estimate with the evidence of every part."""
    evidence = [_rounded(row) for part in parts for row in part.evidence]
    plain = merged(document, [part.settings for part in parts])
    return Scenario.model_validate({**plain, "evidence": evidence})


def _rounded(row: Evidence) -> dict[str, Any]:
    """Evidence with as many digits as mean something."""
    plain = row.model_dump(mode="json", exclude_defaults=True)
    for key in ("value", "lo", "hi"):
        if plain.get(key) is not None:
            plain[key] = float(f"{plain[key]:.5g}")
    return plain


def _demand(log: EventLog, *, work: bool) -> Iterator[tuple[tuple[Part, ...], tuple[Refusal, ...]]]:
    """Parts of everything but the stages' delays and ways."""
    yield arrival_parts(log)
    if work and len(log.efforts):
        yield calendar_parts(log)
        yield work_parts(log)
    yield shock_parts(log)
    yield repeat_parts(log)


def _stages(log: EventLog, parts: list[Part]) -> set[str]:
    """Stages that the scenario needs: visited, entered by a source, or led to."""
    used = set(log.visits["stage"].unique())
    for part in parts:
        for path, value in part.settings.items():
            if path[0] == "sources" and path[-1] == "stage":
                used.add(str(value))
            if path[0] == "stages":
                used.add(path[1])
            if path[-1] == "next" and isinstance(value, Mapping):
                tables = [value["to"], *(case["to"] for case in value.get("cases", ()))]
                used.update(way for table in tables for way in table)
    return used


def _name(log: EventLog) -> str:
    """An id from the log's title."""
    from slugify import slugify

    titles = log.meta.title
    text = titles.get("en") or next(iter(titles.values()), "")
    return slugify(text, max_length=40, word_boundary=True) or "calibrated"


def _require(log: EventLog) -> None:
    """Refuse logs that tell nothing, with all reasons."""
    outcome = log.outcomes()["outcome"]
    closed, won = int((outcome != "open").sum()), int((outcome == "won").sum())
    problems = []
    fix = "Take a longer history, and make sure that closed deals are in the export."
    where = ", ".join(data_origin(log).files)
    began, until = log.meta.observed_from, log.meta.observed_until
    if log.leads.empty:
        problems.append(Problem("the log holds no lead", where, fix=fix))
    elif not closed:
        message = f"all {len(outcome):,} leads are open; nothing has ended"
        if not any(info.outcome or info.terminal for info in log.meta.stages):
            message = f"no stage means won or lost, so all {len(outcome):,} leads are open"
            fix = "Say which do in a mapping; audit FILE --suggest-mapping drafts one."
        problems.append(Problem(message, where, fix=fix))
    elif closed < CLOSED:
        count = "1 lead has" if closed == 1 else f"{closed} leads have"
        few = f"only {count} closed; {CLOSED} are the least to say anything"
        problems.append(Problem(few, where, fix=fix))
    if len(log.leads) > 1 and began >= until:
        message = f"all that happened bears the same time, {began:%Y-%m-%d %H:%M} UTC"
        fix = "Check which columns hold the dates of creation and closing, and export them."
        problems.append(Problem(message, where, fix=fix))
    if closed and not won:
        message = f"none of {closed:,} closed leads was won, so no way leads to a win"
        problems.append(
            Problem(message, where, fix="Say which stage or status means won (`outcome: won`).")
        )
    if problems:
        raise DataError(problems)


def _doubts(log: EventLog, half_life: str | None) -> Iterator[Refusal]:
    """What holds for the log as a whole."""
    outcome = log.outcomes()["outcome"]
    if not (outcome.isin(["lost", "ended"])).any():
        why = Message("All {n} closed leads were won.", n=int((outcome == "won").sum()))
        instead = Message("Everything that ends is won in the scenario.")
        fix = Message("Losses are probably missing from the export, or deleted in the CRM.")
        yield Refusal("conversion", why, instead, fix)
    if log.meta.currency in NO_CURRENCY and log.marks["value"].notna().any():
        why = Message("Amounts carry no currency.")
        instead = Message("They stand in the scenario without one.")
        fix = Message("Give it with --currency, such as EUR.")
        yield Refusal("currency", why, instead, fix)
    if half_life:
        why = Message("Recent data weighs more for stays and ways out only.")
        instead = Message("Arrivals, values, work and calendars count all months alike.")
        fix = Message("Where those changed too, take a shorter history.")
        yield Refusal("half_life", why, instead, fix)
