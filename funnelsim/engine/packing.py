"""A plan as flat arrays, for compiled code.

Everything that a plan holds in tuples and objects is written in numbered rows (``layout``). Stages,
teams and efforts of the epochs follow one another: row ``epoch * n + number``. A column that
points to rows of another table is named after it and holds -1 for none.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from funnelsim.distributions import SampleTable
from funnelsim.engine import layout as at
from funnelsim.engine.layout import Ints, Known, Packed
from funnelsim.engine.plan import (
    Condition,
    Plan,
    PlanMark,
    PlanStage,
    Route,
    Timer,
)
from funnelsim.engine.tally import DECIDED, advances, periods
from funnelsim.worktime import DAY, HOUR, WorkTime, add_months

__all__ = ["pack", "pack_deals"]

_TICK = HOUR // 4  # every zone's offset is a whole number of quarters of an hour
_JOINS = {"series": 0, "all": 1, "first_refusal": 1, "any": 2}


class _Pool:
    """Rows that are written once however often they are asked for."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.known: dict[Hashable, int] = {}

    def add(self, key: Hashable, row: Any) -> int:  # noqa: ANN401 - a row of any table
        if key not in self.known:
            self.known[key] = len(self.rows)
            self.rows.append(row)
        return self.known[key]


def pack(plan: Plan) -> Packed:
    """Write a plan as arrays."""
    return _Packer(plan).packed()


def pack_deals(plan: Plan) -> Known:
    """Write the deals that are open at the start as arrays."""
    kinds, stages = plan.kinds_of_marks, len(plan.epochs[0].stages)
    nths = np.zeros((len(plan.deals), stages), np.int64)
    rows: list[list[int]] = []
    pieces: list[list[int]] = []
    chances: list[float] = []
    for i, deal in enumerate(plan.deals):
        for stage, times in deal.visits:
            nths[i, stage] = times
        mine = [piece for piece in deal.pieces if not piece.done]
        row = {
            at.D_STAGE: deal.stage,
            at.D_VISIT: deal.visit,
            at.D_NTH: nths[i, deal.stage],
            at.D_ENTERED: deal.entered_at,
            at.D_READY: deal.ready_at,
            at.D_WAITED: deal.waited,
            at.D_DEADLINE: deal.deadline,
            at.D_PHASE: int(deal.phase),
            at.D_CLOSED: int(bool(deal.marked & set(DECIDED))),
            at.D_LASTED: deal.rest.lasted,
            at.D_END: deal.rest.end,
            at.D_PIECE: len(pieces),
            at.D_PIECE_N: len(mine),
        }
        rows.append(_row(row))
        chances += [piece.rest.chance for piece in mine]
        pieces += [[p.effort, p.queued_at, p.started_at, p.rest.lasted, p.rest.end] for p in mine]
    return Known(
        deals=_table(rows, at.D_WIDTH),
        chance=np.array([deal.rest.chance for deal in plan.deals], float),
        nths=nths,
        marked=np.array(
            [[int(kind in deal.marked) for kind in kinds] for deal in plan.deals], np.int64
        ).reshape(len(plan.deals), len(kinds)),
        pieces=_table(pieces, at.P_WIDTH),
        chances=np.array(chances, float),
    )


class _Packer:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tables, self.timers, self.clocks = _Pool(), _Pool(), _Pool()
        self.months: list[tuple[int, int]] = []
        self.month_rows: dict[tuple[int, str], tuple[int, int]] = {}
        self.stages: list[list[int]] = []
        self.efforts: list[list[int]] = []
        self.refuse: list[float] = []
        self.share: list[float] = []
        self.marks: list[list[int]] = []
        self.routes: list[list[int]] = []
        self.advance: list[float] = []
        self.kinds: list[list[bool]] = []
        self.others: list[int] = []
        self.upto: list[float] = []
        self.moments: list[int] = []
        self.stage_shocks: list[int] = []

    def packed(self) -> Packed:
        plan = self.plan
        first, ways = plan.epochs[0], advances(plan)
        for number, epoch in enumerate(plan.epochs):
            for stage, to in zip(epoch.stages, ways[number].tolist(), strict=True):
                self.stages.append(self._stage(stage, to))
        pauses = [
            [self._clock(team.pause) for team in epoch.teams] or [-1] for epoch in plan.epochs
        ]
        side_by_side = max(
            (row[at.S_EFFORT_N] for row in self.stages if row[at.S_JOIN]),
            default=1,
        )
        size = {
            at.STAGES: len(first.stages),
            at.TEAMS: len(first.teams),
            at.KINDS: len(plan.kinds_of_marks),
            at.BREADTH: side_by_side,
            at.WEEKS: periods(plan),
            at.SHIFT: side_by_side.bit_length(),
            at.MOST_MARKS: 1
            + max(len(stage.marks) for epoch in plan.epochs for stage in epoch.stages),
        }
        clocks, intervals = self._intervals()
        shocks, changes = _ranges([shock.starts for shock in plan.shocks])
        return Packed(
            size=_ints(_row(size)),
            epochs=_ints([epoch.start for epoch in plan.epochs]),
            entries=_ints([[source.stage for source in epoch.sources] for epoch in plan.epochs]),
            stages=_table(self.stages, at.S_WIDTH),
            efforts=_table(self.efforts, at.E_WIDTH),
            refuse=np.array(self.refuse, float),
            share=np.array(self.share, float),
            marks=_table(self.marks, at.M_WIDTH),
            routes=_table(self.routes, at.R_WIDTH),
            advance=np.array(self.advance, float),
            kinds=np.array(self.kinds, bool).reshape(len(self.kinds), len(plan.kinds)),
            others=_ints(self.others),
            upto=np.array(self.upto, float),
            timers=_table(self.timers.rows, at.T_WIDTH),
            tables=np.concatenate([np.zeros(0), *self.tables.rows]),
            clocks=clocks,
            intervals=intervals,
            months=_table(self.months, 2),
            moments=_ints(self.moments),
            stage_shocks=_ints(self.stage_shocks),
            shocks=shocks,
            periods=changes,
            pauses=_ints(pauses),
        )

    # --- time

    def _table(self, table: SampleTable | None) -> int:
        if table is None:
            return -1
        return self.tables.add(id(table), table.values.ravel())

    def _timer(self, timer: Timer | None) -> int:
        """A length that is the same for every uniform needs no draw."""
        if timer is None:
            return -1
        constant, table = -1, -1
        if timer.table.values.min() == timer.table.values.max():
            constant = timer.length(0.5)
        else:
            table = self._table(timer.table)
        first, n = self._months(timer) if timer.months else (-1, 0)
        row = {
            at.T_CONSTANT: constant,
            at.T_TABLE: table,
            at.T_CLOCK: self._clock(timer.work),
            at.T_MONTH: first,
            at.T_MONTH_N: n,
        }
        return self.timers.add(tuple(_row(row)), _row(row))

    def _clock(self, clock: WorkTime | None) -> int:
        return -1 if clock is None else self.clocks.add(id(clock), clock)

    def _intervals(self) -> tuple[Ints, Ints]:
        """Open intervals of all clocks."""
        rows: list[tuple[int, int, int]] = []
        first: list[tuple[int, int]] = []
        for clock in self.clocks.rows:
            first.append((len(rows), len(clock.opens)))
            before = [clock.elapsed(opening) for opening in clock.opens]
            rows += list(zip(clock.opens, clock.closes, before, strict=True))
        return _table(first, 2), _table(rows, 3)

    def _months(self, timer: Timer) -> tuple[int, int]:
        """By how much an instant moves, from each instant on at which that changes."""
        key = (timer.months, timer.zone)
        if key not in self.month_rows:
            rows = _month_steps(self.plan, *key)
            self.month_rows[key] = (len(self.months), len(rows))
            self.months += rows
        return self.month_rows[key]

    # --- stages

    def _stage(self, stage: PlanStage, advance: int) -> list[int]:
        row = {
            at.S_PLACE: _signed(stage.place),
            at.S_BEFORE: self._timer(stage.delay_before),
            at.S_OPENING: self._clock(stage.opening),
            at.S_MOMENTS: -1 if stage.moments is None else len(self.moments),
            at.S_MOMENTS_N: len(stage.moments or ()),
            at.S_EFFORT: len(self.efforts),
            at.S_EFFORT_N: len(stage.efforts),
            at.S_JOIN: _JOINS[stage.join] if len(stage.efforts) > 1 else 0,
            at.S_REFUSED_TO: stage.refused_to,
            at.S_PATIENCE: self._timer(stage.patience),
            at.S_PATIENCE_TO: stage.patience_to,
            at.S_AFTER: self._timer(stage.delay_after),
            at.S_TIMEOUT: self._timer(stage.timeout),
            at.S_TIMEOUT_TO: stage.timeout_to,
            at.S_MARK: len(self.marks),
            at.S_MARK_N: len(stage.marks),
            at.S_ROUTE: len(self.routes),
            at.S_ROUTE_N: len(stage.routes),
            at.S_SHOCK: len(self.stage_shocks),
            at.S_SHOCK_N: len(stage.shocks),
            at.S_ADVANCE: advance,
            at.S_DRAWS: 0,
        }
        self.moments += stage.moments or ()
        self.stage_shocks += stage.shocks
        for effort in stage.efforts:
            name, timer = self.plan.efforts.index(effort.id), self._timer(effort.duration)
            delay = self._timer(effort.delay)
            chance = effort.refuse > 0 or effort.share < 1
            effort_row = {
                at.E_PLACE: _signed(effort.place),
                at.E_TEAM: effort.team,
                at.E_PRIORITY: effort.priority,
                at.E_TIMER: timer,
                at.E_NAME: name,
                at.E_DRAWS: int(chance or self._varies(timer) or self._varies(delay)),
                at.E_DELAY: delay,
            }
            self.efforts.append(_row(effort_row))
            self.refuse.append(effort.refuse)
            self.share.append(effort.share)
        for mark in stage.marks:
            self._mark(mark)
        for condition, route in stage.routes:
            self._route(condition, route)
        chance = any(route.others for _, route in stage.routes)
        varies = [self._varies(row[timer]) for timer in (at.S_BEFORE, at.S_AFTER)]
        row[at.S_DRAWS] = int(chance or any(varies))
        return _row(row)

    def _varies(self, timer: int) -> bool:
        """Whether a timer needs a draw."""
        return timer >= 0 and self.timers.rows[timer][at.T_CONSTANT] < 0

    def _mark(self, mark: PlanMark) -> None:
        plan = self.plan
        row = {
            at.M_PLACE: _signed(mark.place),
            at.M_NUMBER: plan.marks.index((mark.kind, mark.reason)),
            at.M_KIND: plan.kinds_of_marks.index(mark.kind),
            at.M_DECIDES: int(mark.kind in DECIDED),
            at.M_DEAL: int(mark.deal_value),
            at.M_VALUE: self._table(mark.value),
            at.M_COST: self._table(mark.cost),
        }
        self.marks.append(_row(row))

    def _route(self, condition: Condition | None, route: Route) -> None:
        wanted = condition or Condition(None, 0, 0, 0, 0)
        kinds = -1
        if wanted.kinds is not None:
            kinds = len(self.kinds)
            self.kinds.append([kind.number in wanted.kinds for kind in self.plan.kinds])
        row = {
            at.R_KINDS: kinds,
            at.R_VISIT: wanted.visit,
            at.R_AGE: wanted.age,
            at.R_WAIT: wanted.wait,
            at.R_STAY: wanted.stay,
            at.R_TO: route.advance,
            at.R_OTHER: len(self.others),
            at.R_OTHER_N: len(route.others),
        }
        self.routes.append(_row(row))
        self.others += route.others
        self.upto += route.cumulative
        self.advance.append(route.probability)


def _month_steps(plan: Plan, months: int, zone: str) -> list[tuple[int, int]]:
    """Steps of the function "the same wall time some months later, minus the instant".

    It can change at local midnights and where clocks change, all on quarters of an hour; a
    day at whose ends it is the same is taken to have no change within.
    """
    first = plan.start - plan.start % _TICK - DAY
    ticks = np.arange(first, plan.observed_until + DAY, _TICK)
    by_day = DAY // _TICK
    rows: list[tuple[int, int]] = []
    known: dict[int, int] = {}

    def shift(at: int) -> int:
        if at not in known:
            known[at] = add_months(at, months, zone) - at
        return known[at]

    for begin in range(0, len(ticks), by_day):
        day = ticks[begin : begin + by_day].tolist()
        for tick in _changes(day, shift):
            if not rows or rows[-1][1] != shift(tick):
                rows.append((tick, shift(tick)))
    return rows


def _changes(ticks: list[int], shift: Any) -> list[int]:  # noqa: ANN401 - a closure
    """The ticks at which a function may differ from the tick before."""
    if len(ticks) == 1 or shift(ticks[0]) == shift(ticks[-1]):
        return ticks[:1]
    middle = len(ticks) // 2
    return _changes(ticks[:middle], shift) + _changes(ticks[middle:], shift)


def _row(columns: Mapping[int, int]) -> list[int]:
    """Numbers by column as a row."""
    return [columns[i] for i in range(len(columns))]


def _signed(word: int) -> int:
    """The same 64 bits as a signed number."""
    return word - 2**64 if word >= 2**63 else word


def _ints(rows: Any) -> Ints:  # noqa: ANN401 - numbers or lists of them
    return np.array(rows, np.int64)


def _table(rows: Sequence[Sequence[int]], columns: int) -> Ints:
    return np.array(rows, np.int64).reshape(len(rows), columns)


def _ranges(parts: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """First and number of each part, and all parts."""
    lengths = [len(part) for part in parts]
    first = np.cumsum([0, *lengths])[:-1].tolist()
    flat = [number for part in parts for number in part]
    return _table(list(zip(first, lengths, strict=True)), 2), _ints(flat)
