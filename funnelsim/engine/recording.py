"""What happens in a run, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import numpy as np

from funnelsim.engine.arrivals import Arrivals
from funnelsim.engine.plan import ACQUIRED, EXITS, NEVER, Plan, PlanDeal, PlanEffort, PlanMark
from funnelsim.engine.rows import Rows
from funnelsim.engine.seating import Seats

__all__ = ["EffortRow", "Lead", "Recording", "VisitRow"]


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead on its way: its number, key, source, kind and arrival."""

    number: int
    key: int
    source: int
    kind: int
    arrived_at: int


@dataclass(slots=True)
class VisitRow:
    """A visit; instants in microseconds, stages and exits by number."""

    lead: int
    visit: int
    stage: int
    entered_at: int
    ready_at: int = NEVER
    left_at: int = NEVER
    exit: int = 0
    next_stage: int = -1


@dataclass(slots=True)
class EffortRow:
    """A piece of work."""

    lead: int
    visit: int
    effort: int
    team: int
    queued_at: int
    started_at: int = NEVER
    ended_at: int = NEVER


@dataclass(slots=True)
class MarkRow:
    """A mark; money in minor units, -1 for none."""

    lead: int
    visit: int
    at: int
    mark: int
    value: int
    cost: int


class Recording:
    """Rows of one replication, in the order they began."""

    def __init__(self, plan: Plan, arrivals: Arrivals, seats: Sequence[Seats]) -> None:
        self.plan = plan
        self.arrivals = arrivals
        self.seats = seats
        self.visits: list[VisitRow] = []
        self.efforts: list[EffortRow] = []
        self.marks: list[MarkRow] = []
        self._effort = {name: number for number, name in enumerate(plan.efforts)}
        self._mark = {mark: number for number, mark in enumerate(plan.marks)}

    def lead(self, number: int) -> Lead:
        """Begin with a lead; what it cost is booked when it arrives."""
        arrivals = self.arrivals
        lead = Lead(
            number,
            int(arrivals.key[number]),
            int(arrivals.source[number]),
            int(arrivals.kind[number]),
            int(arrivals.arrived_at[number]),
        )
        cost = int(arrivals.cost[number])
        if cost >= 0:
            row = MarkRow(number, 1, lead.arrived_at, self._mark[ACQUIRED], -1, cost)
            self.marks.append(row)
        return lead

    def enter(self, lead: Lead, visit: int, stage: int, now: int) -> VisitRow:
        """Begin a visit."""
        row = VisitRow(lead.number, visit, stage, now)
        self.visits.append(row)
        return row

    def resume(self, lead: Lead, deal: PlanDeal) -> VisitRow:
        """Go on with the visit of an open deal."""
        row = VisitRow(lead.number, deal.visit, deal.stage, deal.entered_at, deal.ready_at)
        self.visits.append(row)
        return row

    def leave(self, row: VisitRow, now: int, how: str, to: int | None) -> int | None:
        """End a visit; hands on where the lead goes."""
        row.left_at, row.exit = now, EXITS.index(how)
        if to is not None:
            row.next_stage = to
        return to

    def queue(self, visit: VisitRow, effort: PlanEffort, now: int) -> EffortRow:
        """Begin to wait for work."""
        row = EffortRow(visit.lead, visit.visit, self._effort[effort.id], effort.team, now)
        self.efforts.append(row)
        return row

    def mark(self, visit: VisitRow, mark: PlanMark, u_value: float, u_cost: float) -> None:
        """Mark a lead on entering a stage."""
        value = int(self.arrivals.value[visit.lead]) if mark.deal_value else -1
        if mark.value is not None:
            value = round(mark.value.sample(u_value))
        cost = -1 if mark.cost is None else round(mark.cost.sample(u_cost))
        number = self._mark[mark.kind, mark.reason]
        row = MarkRow(visit.lead, visit.visit, visit.entered_at, number, value, cost)
        self.marks.append(row)

    def rows(self) -> Rows:
        """All that was recorded, in columns."""
        return Rows(
            self.arrivals,
            tuple(self.seats),
            visits=_columns(self.visits, VisitRow),
            efforts=_columns(self.efforts, EffortRow),
            marks=_columns(self.marks, MarkRow),
        )


def _columns(rows: Sequence[Any], kind: type[Any]) -> dict[str, Any]:
    """Rows as columns."""
    names = [column.name for column in fields(kind)]
    return {name: np.array(list(map(attrgetter(name), rows)), np.int64) for name in names}
