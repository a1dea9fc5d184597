"""Logs of orders, costs and churn written down day by day, for KPIs to be checked by hand.

A lead is a line of marks with the day of each, from Monday 1 January 2024, 00:00 UTC; the
first is always its arrival: ``"arrived 0, won 2 =500 -20, paid 9 =500, churned 60"``.
``=`` gives the value of a mark, ``-`` its cost. A lead leaves with ``lost`` or ``ended``
and is open otherwise; a ``won`` lead stays in its stage, as after-care and repeat orders do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from funnelsim.events import EventLog, Metadata, Staffed, StageInfo, TeamInfo

__all__ = ["day", "shop"]

START = datetime(2024, 1, 1, tzinfo=UTC)
Work = tuple[str, str, float, float]


def day(number: float) -> datetime:
    """Return the time so many days after the start."""
    return START + timedelta(days=number)


def shop(
    lines: Mapping[str, str],
    until: float,
    *,
    since: float = 0,
    work: Sequence[Work] = (),
    workers: Sequence[str | None] = (),
    owners: Mapping[str, str] | None = None,
    staffed: Mapping[str, tuple[float, float, int]] | None = None,
    pay: Mapping[str, int] | None = None,
    **leads: Sequence[Any],
) -> EventLog:
    """Return a log of leads with these marks.

    Parameters
    ----------
    lines : mapping
        Lead → its line.
    until, since : float
        The window, days.
    work : sequence
        Lead, team, start and end (days); the piece of work is called ``call``.
    workers : sequence
        Who did each.
    owners : mapping
        Lead → owner of its visit.
    staffed : mapping
        Team → start, end (days), seats.
    pay : mapping
        Team → minor units per hour.
    **leads
        Further columns of leads, in their order here.
    """
    visits, marks, arrived = [], [], []
    for lead, line in lines.items():
        read = [_mark(text) for text in line.split(",")]
        arrived.append(read[0][1])
        left = next((when for kind, when, *_ in read if kind in {"lost", "ended"}), None)
        visits.append(
            {
                "lead_id": lead,
                "visit": 1,
                "stage": "ask",
                "entered_at": day(read[0][1]),
                "left_at": None if left is None else day(left),
                "exit": "open" if left is None else "ended",
                "owner": (owners or {}).get(lead),
            }
        )
        marks += [(lead, *mark) for mark in read[1:] if mark[0] != "ended"]
    teams = dict.fromkeys([*(staffed or {}), *(team for _, team, _, _ in work)])
    return EventLog(
        leads=pd.DataFrame({"lead_id": list(lines), "arrived_at": map(day, arrived), **leads}),
        visits=pd.DataFrame(visits, dtype=object),
        efforts=pd.DataFrame(
            {
                "lead_id": [lead for lead, *_ in work],
                "visit": [1 for _ in work],
                "effort": ["call" for _ in work],
                "team": [team for _, team, _, _ in work],
                "worker": list(workers) or [None for _ in work],
                "started_at": [day(start) for *_, start, _ in work],
                "ended_at": [day(end) for *_, end in work],
            }
        ),
        marks=pd.DataFrame(
            {
                "lead_id": [lead for lead, *_ in marks],
                "at": [day(when) for _, _, when, *_ in marks],
                "kind": [kind for _, kind, *_ in marks],
                "value": pd.array([value for *_, value, _ in marks], dtype="Int64"),
                "cost": pd.array([cost for *_, cost in marks], dtype="Int64"),
                "currency": ["EUR" for _ in marks],
            }
        ),
        meta=Metadata(
            observed_from=day(since),
            observed_until=day(until),
            currency="EUR",
            stages=(StageInfo(id="ask", position=0),),
            teams=tuple(_team(name, staffed or {}, pay or {}) for name in teams),
        ),
    )


def _mark(text: str) -> tuple[str, float, int | None, int | None]:
    """Read ``"won 2 =500 -20"``."""
    kind, when, *money = text.split()
    given = {one[0]: int(one[1:]) for one in money}
    return kind, float(when), given.get("="), given.get("-")


def _team(
    name: str, staffed: Mapping[str, tuple[float, float, int]], pay: Mapping[str, int]
) -> TeamInfo:
    shifts: tuple[Staffed, ...] = ()
    if name in staffed:
        start, end, seats = staffed[name]
        shifts = (Staffed(start=day(start), end=day(end), seats=seats),)
    return TeamInfo(id=name, staffed=shifts, cost_per_hour=pay.get(name, 0))
