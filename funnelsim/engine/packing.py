"""A plan as flat arrays, for compiled code.

Everything that a plan holds in tuples and objects stands here in numbered rows. Stages,
teams and efforts of the epochs follow one another: row ``epoch * n + number``. A column that
points to rows of another table is named after it and holds -1 for none.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.distributions import SampleTable
from funnelsim.engine.plan import Condition, Plan, PlanMark, PlanStage, Route, Timer
from funnelsim.engine.tally import DECIDED, advances
from funnelsim.worktime import DAY, HOUR, WorkTime, add_months

__all__ = ["Packed", "pack"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_TICK = HOUR // 4  # every zone's offset is a whole number of quarters of an hour
_JOINS = {"series": 0, "all": 1, "first_refusal": 1, "any": 2}


class Packed(NamedTuple):
    """See the columns in ``pack``; all tables are two-dimensional but for the flat ones."""

    size: Ints
    """Stages, teams, kinds of marks, most efforts side by side, weeks, bits for who of a slot is
    meant, most marks of a stage and one more."""
    epochs: Ints
    """Instants at which epochs begin."""
    entries: Ints
    """First stage by epoch and source."""
    stages: Ints
    efforts: Ints
    refuse: Floats
    marks: Ints
    routes: Ints
    advance: Floats
    """By route: the chance to advance."""
    kinds: NDArray[np.bool_]
    """By condition on kinds of leads: whom it holds for."""
    others: Ints
    """Stages beside the one to advance to."""
    upto: Floats
    """The share of the others up to each."""
    timers: Ints
    tables: Floats
    """Quantile tables, one after another."""
    clocks: Ints
    """Row: first and number of open intervals."""
    intervals: Ints
    """Row: opens, closes, open time before."""
    months: Ints
    """Row: from an instant on, how much later the same wall time some months later is."""
    moments: Ints
    stage_shocks: Ints
    shocks: Ints
    """Row: first and number of periods."""
    periods: Ints
    pauses: Ints
    """By epoch and team: the clock on which work in hand goes on."""


STAGE = (
    "place", "before", "opening", "moments", "moments_n", "effort", "effort_n", "join",
    "refused_to", "patience", "patience_to", "after", "timeout", "timeout_to", "mark", "mark_n",
    "route", "route_n", "shock", "shock_n", "advance", "draws",
)  # fmt: skip
EFFORT = ("place", "team", "priority", "timer", "name", "draws")
MARK = ("place", "number", "kind", "decides", "deal", "value", "cost")
ROUTE = ("kinds", "visit", "age", "wait", "to", "other", "other_n")
TIMER = ("constant", "table", "clock", "month", "month_n")


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


class _Packer:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tables, self.timers, self.clocks = _Pool(), _Pool(), _Pool()
        self.months: list[tuple[int, int]] = []
        self.month_rows: dict[tuple[int, str], tuple[int, int]] = {}
        self.stages: list[list[int]] = []
        self.efforts: list[list[int]] = []
        self.refuse: list[float] = []
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
            (row[STAGE.index("effort_n")] for row in self.stages if row[STAGE.index("join")]),
            default=1,
        )
        weeks = -(-(plan.observed_until - plan.observed_from) // (7 * DAY))
        size = [
            len(first.stages),
            len(first.teams),
            len(plan.kinds_of_marks),
            side_by_side,
            weeks,
            side_by_side.bit_length(),
            1 + max(len(stage.marks) for epoch in plan.epochs for stage in epoch.stages),
        ]
        clocks, intervals = self._intervals()
        shocks, periods = _ranges([shock.starts for shock in plan.shocks])
        return Packed(
            size=_ints(size),
            epochs=_ints([epoch.start for epoch in plan.epochs]),
            entries=_ints([[source.stage for source in epoch.sources] for epoch in plan.epochs]),
            stages=_table(self.stages, len(STAGE)),
            efforts=_table(self.efforts, len(EFFORT)),
            refuse=np.array(self.refuse, float),
            marks=_table(self.marks, len(MARK)),
            routes=_table(self.routes, len(ROUTE)),
            advance=np.array(self.advance, float),
            kinds=np.array(self.kinds, bool).reshape(len(self.kinds), len(plan.kinds)),
            others=_ints(self.others),
            upto=np.array(self.upto, float),
            timers=_table(self.timers.rows, len(TIMER)),
            tables=np.concatenate([np.zeros(0), *self.tables.rows]),
            clocks=clocks,
            intervals=intervals,
            months=_table(self.months, 2),
            moments=_ints(self.moments),
            stage_shocks=_ints(self.stage_shocks),
            shocks=shocks,
            periods=periods,
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
        row = [constant, table, self._clock(timer.work), first, n]
        return self.timers.add(tuple(row), row)

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
            "place": _signed(stage.place),
            "before": self._timer(stage.delay_before),
            "opening": self._clock(stage.opening),
            "moments": -1 if stage.moments is None else len(self.moments),
            "moments_n": len(stage.moments or ()),
            "effort": len(self.efforts),
            "effort_n": len(stage.efforts),
            "join": _JOINS[stage.join] if len(stage.efforts) > 1 else 0,
            "refused_to": stage.refused_to,
            "patience": self._timer(stage.patience),
            "patience_to": stage.patience_to,
            "after": self._timer(stage.delay_after),
            "timeout": self._timer(stage.timeout),
            "timeout_to": stage.timeout_to,
            "mark": len(self.marks),
            "mark_n": len(stage.marks),
            "route": len(self.routes),
            "route_n": len(stage.routes),
            "shock": len(self.stage_shocks),
            "shock_n": len(stage.shocks),
            "advance": advance,
            "draws": 0,
        }
        self.moments += stage.moments or ()
        self.stage_shocks += stage.shocks
        for effort in stage.efforts:
            name, timer = self.plan.efforts.index(effort.id), self._timer(effort.duration)
            draws = int(self.timers.rows[timer][0] < 0 or effort.refuse > 0)
            place = _signed(effort.place)
            self.efforts.append([place, effort.team, effort.priority, timer, name, draws])
            self.refuse.append(effort.refuse)
        for mark in stage.marks:
            self._mark(mark)
        for condition, route in stage.routes:
            self._route(condition, route)
        chance = any(route.others for _, route in stage.routes)
        varies = [
            timer >= 0 and self.timers.rows[timer][0] < 0 for timer in (row["before"], row["after"])
        ]
        row["draws"] = int(chance or any(varies))
        return [row[name] for name in STAGE]

    def _mark(self, mark: PlanMark) -> None:
        plan = self.plan
        self.marks.append(
            [
                _signed(mark.place),
                plan.marks.index((mark.kind, mark.reason)),
                plan.kinds_of_marks.index(mark.kind),
                int(mark.kind in DECIDED),
                int(mark.deal_value),
                self._table(mark.value),
                self._table(mark.cost),
            ]
        )

    def _route(self, condition: Condition | None, route: Route) -> None:
        wanted = condition or Condition(None, 0, 0, 0)
        kinds = -1
        if wanted.kinds is not None:
            kinds = len(self.kinds)
            self.kinds.append([kind.number in wanted.kinds for kind in self.plan.kinds])
        first, n = len(self.others), len(route.others)
        self.others += route.others
        self.upto += route.cumulative
        self.routes.append([kinds, wanted.visit, wanted.age, wanted.wait, route.advance, first, n])
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
        for at in _changes(day, shift):
            if not rows or rows[-1][1] != shift(at):
                rows.append((at, shift(at)))
    return rows


def _changes(ticks: list[int], shift: Any) -> list[int]:  # noqa: ANN401 - a closure
    """The ticks at which a function may differ from the tick before."""
    if len(ticks) == 1 or shift(ticks[0]) == shift(ticks[-1]):
        return ticks[:1]
    middle = len(ticks) // 2
    return _changes(ticks[:middle], shift) + _changes(ticks[middle:], shift)


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
