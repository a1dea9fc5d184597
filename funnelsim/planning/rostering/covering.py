"""The integer program of a week's roster, for HiGHS.

Columns: people by tour (a shift and the days on which it is worked); breaks by shift, day and
place; people on overtime by shift, day and half hours added; work done by half hour, where it
may wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from funnelsim.errors import InputError, Problem, RunError
from funnelsim.planning.rostering.shifts import Contract, Shape, shapes, tours_of

__all__ = ["HALVES", "NAMED", "WeekProgram", "WeekRoster", "clock", "shift_rows"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HALVES: Final = 48
"""Half hours of a day."""
NAMED: Final = 20
"""So many places are named where something is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class WeekRoster:
    """A week's roster; see `funnelsim.planning.rostering.roster.Roster`."""

    staffed: Ints
    shifts: pd.DataFrame
    cost: float
    bound: float
    proven: bool


class WeekProgram:
    """The integer program of up to a week."""

    def __init__(
        self,
        need: Floats,
        contracts: Sequence[Contract],
        price: float,
        due: Ints | None,
        busy: float,
        first_day: int,
    ) -> None:
        self.need, self.contracts, self.price = need, contracts, price
        self.due, self.busy, self.first_day = due, busy, first_day
        self.days = len(need)
        self.shapes = shapes(contracts, need > 0)
        open_days = [d for d in range(self.days) if due is not None or need[d].any()]
        self.open_days = open_days
        self.tours: list[tuple[int, tuple[int, ...]]] = []
        self.heads: list[int] = []
        for s, shape in enumerate(self.shapes):
            contract = contracts[shape.contract]
            if contract.consecutive:
                self.tours += [(s, on) for on in tours_of(contract, self.days, open_days)]
            else:
                self.tours += [(s, (day,)) for day in open_days]
                self.heads.append(s)
        places = [(s, d) for s in range(len(self.shapes)) for d in range(self.days)]
        self.breaks = [(s, d, at) for s, d in places for at in self.shapes[s].rests]
        self.extra = [(s, d, k) for s, d in places for k in range(1, self._most_extra(s) + 1)]

    @property
    def columns(self) -> int:
        """How many columns count people."""
        return len(self.tours) + len(self.breaks) + len(self.extra) + len(self.heads)

    def _most_extra(self, shape: int) -> int:
        return round(self.contracts[self.shapes[shape].contract].overtime * 2)

    def solved(self, time_limit: float) -> WeekRoster:
        """The cheapest, or an error that says which half hours lack how many."""
        if not self.need.any():
            nobody = np.zeros(self.need.shape, np.int64)
            return WeekRoster(nobody, shift_rows([]), 0.0, 0.0, proven=True)
        if not self.shapes:
            raise InputError(Problem("no shift fits into the hours wanted", path="contracts"))
        found = self._solve(time_limit, short=False)
        if found.status == 2:  # noqa: PLR2004 - infeasible
            self._refuse(time_limit)
        if found.x is None:
            message = f"no roster was found in {time_limit:g} s: allow more time, or fewer shifts"
            raise RunError(message)
        x = np.rint(found.x[: self.columns]).astype(int)
        bound = found.mip_dual_bound if found.mip_dual_bound is not None else found.fun
        return WeekRoster(
            self._staffed(x),
            self._shifts(x),
            float(found.fun),
            float(min(bound, found.fun)),
            proven=found.status == 0,
        )

    # --- the program

    def _solve(self, time_limit: float, *, short: bool):  # type: ignore[no-untyped-def] # noqa: ANN202
        """Solve for the least cost, or (``short``) for the least that is lacking."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        tours, breaks, extra = len(self.tours), len(self.breaks), len(self.extra)
        slots = self.need.size
        done = slots if self.due is not None else 0
        lacking = slots if short else 0
        whole = self.columns
        width = whole + done + lacking
        rows, low, high = self._rules(width, whole, short=short)
        cost = np.zeros(width)
        cost[whole + done :] = 1.0
        if not short:
            cost[:tours] = [self._tour_price(s, on) for s, on in self.tours]
            cost[tours + breaks : tours + breaks + extra] = [
                self._extra_price(s, k) for s, _, k in self.extra
            ]
        kinds = np.zeros(width, np.int64)
        kinds[:whole] = 1
        return milp(
            cost,
            constraints=LinearConstraint(rows, low, high),
            integrality=kinds,
            bounds=Bounds(0, np.inf),
            options={"time_limit": time_limit, "mip_rel_gap": 1e-4},
        )

    def _rules(
        self, width: int, whole: int, *, short: bool
    ) -> tuple[sparse.csr_array, Floats, Floats]:
        """All rows: coverage, breaks, overtime, heads."""
        blocks = [self._cover_rows(width, whole, short=short)]
        if self.breaks:
            blocks.append(self._break_rows(width))
        if self.extra:
            blocks.append(self._extra_rows(width))
        blocks += self._head_rows(width)
        rows = sparse.vstack([block[0] for block in blocks]).tocsr()
        low = np.concatenate([block[1] for block in blocks])
        return rows, low, np.concatenate([block[2] for block in blocks])

    def _cover_rows(
        self, width: int, whole: int, *, short: bool
    ) -> tuple[sparse.csr_array, Floats, Floats]:
        """People at work in each half hour, at least as many as wanted."""
        slots = self.need.size
        at_work = sparse.hstack([self._presence(), sparse.csr_array((slots, width - whole))])
        infinite = np.full(slots, np.inf)
        if self.due is None:
            if short:
                at_work = at_work + self._unit(width, width - slots)
            return at_work.tocsr(), self.need.ravel(), infinite
        done = self._unit(width, whole)
        capacity = at_work * self.busy - done
        until = sparse.csr_array(np.tril(np.ones((slots, slots)))) @ done
        work, due = self.need.ravel(), self.due.ravel()
        come = np.cumsum(work)
        owed = np.cumsum(np.bincount(due, work, slots))
        if short:
            capacity = capacity + self._unit(width, width - slots)
        rows = sparse.vstack([capacity, until])
        return (
            rows.tocsr(),
            np.concatenate([np.zeros(slots), owed - 1e-6]),
            np.concatenate([infinite, come + 1e-6]),
        )

    def _unit(self, width: int, first: int) -> sparse.csr_array:
        """One column a half hour, from a column on."""
        slots = self.need.size
        ones = (np.ones(slots), (np.arange(slots), first + np.arange(slots)))
        return sparse.csr_array(ones, shape=(slots, width))

    def _presence(self) -> sparse.csr_array:
        """Half hours × columns: +1 at work, -1 on a break."""
        row: list[int] = []
        column: list[int] = []
        value: list[float] = []

        def add(day: int, halves: range, place: int, sign: float) -> None:
            for half in halves:
                at = day * HALVES + half
                if at < self.need.size:  # what lies after the last midnight covers nothing
                    row.append(at)
                    column.append(place)
                    value.append(sign)

        for place, (s, on) in enumerate(self.tours):
            for day in on:
                add(day, self.shapes[s].slots, place, 1.0)
        for i, (s, day, at) in enumerate(self.breaks, len(self.tours)):
            add(day, range(at, at + self.shapes[s].rest), i, -1.0)
        for i, (s, day, k) in enumerate(self.extra, len(self.tours) + len(self.breaks)):
            add(day, range(self.shapes[s].end, self.shapes[s].end + k), i, 1.0)
        return sparse.csr_array((value, (row, column)), shape=(self.need.size, self.columns))

    def _by_shift(self) -> tuple[dict[tuple[int, int], int], sparse.lil_array]:
        """Shape and day → row, and who works them."""
        number = {
            (s, d): s * self.days + d for s in range(len(self.shapes)) for d in range(self.days)
        }
        rows = sparse.lil_array((len(number), self.columns))
        for place, (s, on) in enumerate(self.tours):
            for day in on:
                rows[number[s, day], place] = 1
        return number, rows

    def _break_rows(self, width: int) -> tuple[sparse.csr_array, Floats, Floats]:
        """Everybody with a break takes it once."""
        number, rows = self._by_shift()
        for i, (s, day, _) in enumerate(self.breaks, len(self.tours)):
            rows[number[s, day], i] = -1
        kept = [number[s, d] for s, d in number if self.shapes[s].rests]
        return self._padded(rows.tocsr()[kept], width, 0.0, 0.0)

    def _extra_rows(self, width: int) -> tuple[sparse.csr_array, Floats, Floats]:
        """Only who is there can stay longer."""
        number, rows = self._by_shift()
        for i, (s, day, _) in enumerate(self.extra, len(self.tours) + len(self.breaks)):
            rows[number[s, day], i] = -1
        return self._padded(rows.tocsr(), width, 0.0, np.inf)

    def _head_rows(self, width: int) -> list[tuple[sparse.csr_array, Floats, Floats]]:
        """Everybody works so many days, each once; no more people of a contract than there are.

        Where days off need not lie together, people by day and people in all are enough: so
        many on each day, nobody twice, can always be dealt out (`_dealt`).
        """
        first = self.columns - len(self.heads)
        by_shape: dict[int, list[int]] = {}
        for place, (s, _) in enumerate(self.tours):
            by_shape.setdefault(s, []).append(place)
        total = sparse.lil_array((len(self.heads), self.columns))
        each = sparse.lil_array((sum(len(by_shape[s]) for s in self.heads), self.columns))
        row = 0
        for i, s in enumerate(self.heads):
            days = min(self.contracts[self.shapes[s].contract].days, len(self.open_days))
            total[i, first + i] = -days
            for place in by_shape[s]:
                total[i, place] = 1
                each[row, place], each[row, first + i] = 1, -1
                row += 1
        found = [self._padded(total.tocsr(), width, 0.0, 0.0)] if self.heads else []
        found += [self._padded(each.tocsr(), width, -np.inf, 0.0)] if self.heads else []
        for number, contract in enumerate(self.contracts):
            if contract.most is None:
                continue
            people = np.zeros((1, self.columns))
            for i, s in enumerate(self.heads):
                people[0, first + i] = self.shapes[s].contract == number
            for place, (s, _) in enumerate(self.tours):
                if contract.consecutive and self.shapes[s].contract == number:
                    people[0, place] = 1
            most = sparse.csr_array(people)
            found.append(self._padded(most, width, 0.0, float(contract.most)))
        return found

    @staticmethod
    def _padded(
        rows: sparse.csr_array, width: int, low: float, high: float
    ) -> tuple[sparse.csr_array, Floats, Floats]:
        count, columns = rows.shape
        wide = sparse.hstack([rows, sparse.csr_array((count, width - columns))]).tocsr()
        return wide, np.full(count, low), np.full(count, high)

    # --- prices and results

    def _paid(self, shape: Shape) -> float:
        return (shape.end - shape.start - shape.rest) / 2

    def _tour_price(self, s: int, on: tuple[int, ...]) -> float:
        shape = self.shapes[s]
        return self._paid(shape) * len(on) * self.contracts[shape.contract].pay * self.price

    def _extra_price(self, s: int, k: int) -> float:
        contract = self.contracts[self.shapes[s].contract]
        return k / 2 * contract.overtime_pay * contract.pay * self.price

    def _staffed(self, x: Ints) -> Ints:
        there: Floats = self._presence() @ x
        return np.rint(there).astype(np.int64).reshape(self.need.shape)

    def _shifts(self, x: Ints) -> pd.DataFrame:
        """People one by one, with their breaks and overtime."""
        tours, breaks = len(self.tours), len(self.breaks)
        rests: dict[tuple[int, int], list[int]] = {}
        for count, (s, day, at) in zip(x[tours : tours + breaks], self.breaks, strict=True):
            rests.setdefault((s, day), []).extend([at] * int(count))
        longer: dict[tuple[int, int], list[int]] = {}
        extra = x[tours + breaks : tours + breaks + len(self.extra)]
        for count, (s, day, k) in zip(extra, self.extra, strict=True):
            longer.setdefault((s, day), []).extend([k] * int(count))
        rows = []
        for person, (s, on) in enumerate(self._people(x), 1):
            for day in on:
                rest, more = rests.get((s, day)), longer.get((s, day))
                begin = rest.pop() if rest else None
                added = more.pop() if more else 0
                rows.append(self._row(person, s, day, begin, added))
        return shift_rows(rows)

    def _people(self, x: Ints) -> Iterator[tuple[int, list[int]]]:
        """Shape and days of everybody."""
        by_day: dict[int, list[int]] = {s: [] for s in self.heads}
        for count, (s, on) in zip(x[: len(self.tours)], self.tours, strict=True):
            if s in by_day:
                by_day[s] += [on[0]] * int(count)
            else:
                for _ in range(int(count)):
                    yield s, list(on)
        first = self.columns - len(self.heads)
        for i, s in enumerate(self.heads):
            yield from ((s, own) for own in _dealt(by_day[s], int(x[first + i])))

    def _row(self, person: int, s: int, day: int, rest: int | None, more: int) -> dict[str, object]:
        shape = self.shapes[s]
        return {
            "person": person,
            "contract": self.contracts[shape.contract].name,
            "day": self.first_day + day,
            "start": shape.start / 2,
            "end": (shape.end + more) / 2,
            "break_start": np.nan if rest is None else rest / 2,
            "break_end": np.nan if rest is None else (rest + shape.rest) / 2,
            "overtime": more / 2,
            "paid": self._paid(shape) + more / 2,
        }

    def _refuse(self, time_limit: float) -> None:
        """Say which half hours lack how many."""
        found = self._solve(time_limit, short=True)
        if found.x is None:
            raise InputError(Problem("the roster cannot be covered", path="need"))
        lacking = found.x[-self.need.size :].reshape(self.need.shape)
        listed = np.argwhere(lacking > 1e-6)  # noqa: PLR2004 - rounding of the solver
        problems = [
            Problem(
                f"lacks {np.ceil(lacking[day, half] * 100 - 1e-3) / 100:g} of "
                f"{self.need[day, half]:g}",
                path=f"day {self.first_day + day}, {clock(half)}–{clock(half + 1)}",
            )
            for day, half in listed[:NAMED].tolist()
        ]
        more = len(listed) - NAMED
        problems += [Problem(f"and {more} more half hours", path="need")] if more > 0 else []
        fix = "Allow more people, other starts and lengths, overtime, or a smaller need."
        raise InputError([Problem("the roster cannot be covered", path="need", fix=fix), *problems])


def _dealt(days: Sequence[int], people: int) -> Iterator[list[int]]:
    """Deal days out in turn: nobody gets one twice, for none is there more often than people.

    >>> list(_dealt([0, 0, 1, 2, 2, 3], 3))
    [[0, 2], [0, 2], [1, 3]]
    """
    for person in range(people):
        yield list(days[person::people])


def clock(half: float) -> str:
    """A half hour as time of day."""
    return f"{int(half) // 2:02d}:{int(half) % 2 * 30:02d}"


def shift_rows(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Shifts as a table; its columns are there without any."""
    columns = ["person", "contract", "day", "start", "end", "break_start", "break_end"]
    return pd.DataFrame(rows, columns=[*columns, "overtime", "paid"])
