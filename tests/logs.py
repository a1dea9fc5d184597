"""Little event logs written down hour by hour, for measures to be checked by hand.

A lead is a line of stages with the hour each was entered, from Monday 1 January 2024,
00:00 UTC: ``"ask 0, offer 3, won 27"``. ``!`` and an hour end the last visit; without it a
lead stays open, unless its last stage is terminal.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from funnelsim import measures
from funnelsim.events import EventLog, Metadata, Staffed, StageInfo, TeamInfo
from funnelsim.events.tables import empty

START = datetime(2024, 1, 1, tzinfo=UTC)
Effort = tuple[Any, ...]

# ask → offer → deal → won, with a stage beside the path, and one for the lost.
FUNNEL = (
    StageInfo(id="ask", position=0, advance="offer"),
    StageInfo(id="offer", position=1, advance="deal"),
    StageInfo(id="deal", position=2, advance="won"),
    StageInfo(id="again", position=3, advance="offer"),
    StageInfo(id="won", position=4, terminal=True, outcome="won"),
    StageInfo(id="lost", position=5, terminal=True, outcome="lost"),
)


def at(hours: float | None) -> datetime | None:
    """Return the time so many hours after the start."""
    return None if hours is None else START + timedelta(hours=hours)


def make_log(
    paths: Mapping[str, str],
    until: float,
    *,
    since: float = 0,
    efforts: Sequence[Effort] = (),
    staffed: Mapping[str, Sequence[tuple[float, float, int]]] | None = None,
    marks: Sequence[tuple[str, float, str]] = (),
    values: Mapping[str, int] | None = None,
    reasons: Mapping[str, str] | None = None,
    leads: Mapping[str, Any] | None = None,
    ready: Mapping[tuple[str, int], float] | None = None,
    owners: Mapping[tuple[str, int], str] | None = None,
    stages: Sequence[StageInfo] = FUNNEL,
    **meta: Any,
) -> EventLog:
    """Return a log of leads that went these ways.

    Parameters
    ----------
    paths : mapping
        Lead → its line.
    until, since : float
        The window, hours.
    efforts : sequence
        Lead, visit, team, queued, started, ended (hours, None for not yet).
    staffed : mapping
        Team → start, end (hours), seats.
    marks : sequence
        Lead, hour and kind, beside those that a stage's outcome sets.
    values, reasons : mapping
        Lead → value of its won mark, reason of its lost mark.
    leads : mapping
        Further columns of leads, in their order here.
    ready, owners : mapping
        (Lead, visit) → hour, owner.
    """
    outcome = {stage.id: stage.outcome for stage in stages}
    final = {stage.id for stage in stages if stage.terminal}
    visits, arrived = [], []
    marked: list[tuple[str, float, str]] = []
    for lead, line in paths.items():
        steps = [step.split() for step in line.split(",")]
        ended = float(steps.pop()[1]) if steps[-1][0] == "!" else None
        arrived.append(at(float(steps[0][1])))
        for number, (stage, entered) in enumerate(steps, start=1):
            last = number == len(steps)
            hour = float(entered)
            left = (hour if stage in final else ended) if last else float(steps[number][1])
            visits.append(
                {
                    "lead_id": lead,
                    "visit": number,
                    "stage": stage,
                    "entered_at": at(hour),
                    "ready_at": at((ready or {}).get((lead, number))),
                    "left_at": at(left),
                    "exit": ("open" if left is None else "ended") if last else "moved",
                    "next_stage": None if last else steps[number][0],
                    "owner": (owners or {}).get((lead, number)),
                }
            )
            if kind := outcome[stage]:
                marked.append((lead, hour, kind))
    marked += marks
    value = [(values or {}).get(lead) if kind == "won" else None for lead, _, kind in marked]
    return EventLog(
        leads=pd.DataFrame({"lead_id": list(paths), "arrived_at": arrived, **(leads or {})}),
        visits=pd.DataFrame(visits, dtype=object) if visits else empty("visits"),
        efforts=pd.DataFrame(
            [(lead, visit, "work", team, *map(at, times)) for lead, visit, team, *times in efforts],
            columns=["lead_id", "visit", "effort", "team", "queued_at", "started_at", "ended_at"],
            dtype=object,
        ),
        marks=pd.DataFrame(
            {
                "lead_id": [lead for lead, _, _ in marked],
                "at": [at(hour) for _, hour, _ in marked],
                "kind": [kind for _, _, kind in marked],
                "reason": [
                    (reasons or {}).get(lead) if kind == "lost" else None
                    for lead, _, kind in marked
                ],
                "value": pd.array(value, dtype="Int64"),
                "currency": ["EUR" if one is not None else None for one in value],
            }
        ),
        meta=Metadata.model_validate(
            {
                "observed_from": at(since),
                "observed_until": at(until),
                "stages": tuple(stages),
                "teams": tuple(_team(*team) for team in (staffed or {}).items()),
                "currency": "EUR",
                **meta,
            }
        ),
    )


def _team(name: str, intervals: Sequence[tuple[float, float, int]]) -> TeamInfo:
    staffed = (
        Staffed(start=START + timedelta(hours=a), end=START + timedelta(hours=b), seats=n)
        for a, b, n in intervals
    )
    return TeamInfo(id=name, staffed=tuple(staffed))


def measures_of_a_log() -> list[Callable[..., pd.DataFrame]]:
    """Return the public measures that ask for nothing but a log."""
    found = []
    for name in measures.__all__:
        measure = getattr(measures, name)
        given = inspect.signature(measure).parameters.values()
        needed = [one.name for one in given if one.default is one.empty]
        if needed == ["log"]:
            found.append(measure)
    return found
