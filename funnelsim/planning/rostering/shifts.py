"""Contracts and shifts a roster may be made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem

__all__ = ["FULL_TIME", "Contract", "Shape", "days_on", "shapes", "tours_of", "usual_contracts"]

Bools = NDArray[np.bool_]

_DAY: Final = 24.0
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Contract:
    """A kind of employment: how many days a week, how long, from when, at what price.

    A person works the same hours on each of their days, so that at least 24 h less the
    shift's length lie between two shifts.

    Parameters
    ----------
    name : str
    hours : tuple of float
        Paid hours of a shift that are allowed, the break excluded.
    days : int
        Working days a week.
    starts : tuple of float
        Hours of the day at which a shift may begin (9.5 is 9:30); empty: every half hour that
        fits.
    rest : float
        Unpaid break, in hours; 0: none.
    rest_after, rest_before : float
        The break begins no sooner than so long after the start and ends no later than so long
        before the end.
    consecutive : bool
        Days off lie together.
    most : int, optional
        People of this kind there are at most.
    pay : float
        Of an hour, relative to the team's price.
    overtime : float
        Hours at the end of a shift that may be added, at ``overtime_pay``.
    overtime_pay : float

    Examples
    --------
    >>> Contract("evenings", hours=(4,), days=5, starts=(16, 17), most=3).hours
    (4,)
    """

    name: str = "full time"
    hours: tuple[float, ...] = (8.0,)
    days: int = 5
    starts: tuple[float, ...] = ()
    rest: float = 1.0
    rest_after: float = 3.0
    rest_before: float = 2.0
    consecutive: bool = False
    most: int | None = None
    pay: float = 1.0
    overtime: float = 0.0
    overtime_pay: float = 1.5

    def problems(self) -> Iterator[Problem]:
        """What is wrong with it."""
        where = f"contracts.{self.name}"
        if not self.hours or not all(0 < h <= _DAY for h in self.hours):
            yield Problem(f"hours are {self.hours}", path=where, fix="Give hours of a shift.")
        if not 1 <= self.days <= 7:  # noqa: PLR2004 - a week
            yield Problem(f"days are {self.days}", path=where, fix="Give 1 to 7 days a week.")
        for name in ("rest", "rest_after", "rest_before", "pay", "overtime", "overtime_pay"):
            if not getattr(self, name) >= 0:
                yield Problem(f"{name} is {getattr(self, name)}", path=where, fix="Give 0 or more.")
        if self.most is not None and self.most < 0:
            yield Problem(f"most is {self.most}", path=where, fix="Give 0 or more people.")
        if any(not 0 <= start < _DAY for start in self.starts):
            yield Problem(f"starts are {self.starts}", path=where, fix="Give hours from 0 to 24.")
        if any(x % _HALF for x in (*self.hours, *self.starts, self.rest, self.overtime)):
            fix = "Half hours are the finest."
            yield Problem("hours, starts and breaks are no half hours", path=where, fix=fix)


FULL_TIME: Final = Contract()


def usual_contracts(weekly: float, *, part_time: bool = True) -> tuple[Contract, ...]:
    """Full time on five days with a break, and half of that without.

    Parameters
    ----------
    weekly : float
        Contract hours of a full-time person.
    part_time : bool
        Whether there are part-timers.

    Returns
    -------
    tuple of Contract

    Examples
    --------
    >>> [contract.hours for contract in usual_contracts(40)]
    [(8.0,), (4.0,)]
    """
    day = max(round(weekly / 5 * 2) / 2, 0.5)
    half = max(round(day) / 2, 0.5)
    full = Contract(hours=(day,), rest=1.0 if day >= 6 else 0.0)  # noqa: PLR2004 - a long day
    return (full, Contract("part time", hours=(half,), rest=0.0)) if part_time else (full,)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A shift of one kind: when it begins, when it may pause, when overtime would be.

    Parameters
    ----------
    contract : int
        Number of the contract.
    start, end : int
        Half hours of the day, the break included; the end may lie after midnight (over 48).
    rests : tuple of int
        Half hours at which the break may begin; empty: no break.
    rest : int
        Length of the break in half hours.
    """

    contract: int
    start: int
    end: int
    rests: tuple[int, ...] = ()
    rest: int = 0
    slots: range = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slots", range(self.start, self.end))


def shapes(contracts: Sequence[Contract], wanted: Bools) -> list[Shape]:
    """All shifts that touch hours in which somebody is wanted.

    Parameters
    ----------
    contracts : sequence of Contract
    wanted : ndarray of bool, shape (days, 48)
        Half hours in which there is anything to cover.

    Returns
    -------
    list of Shape

    Raises
    ------
    ParameterError
        Contracts that make no sense: every problem.
    """
    problems = [problem for contract in contracts for problem in contract.problems()]
    if not contracts:
        problems.append(Problem("there is no contract", path="contracts", fix="Give one."))
    if problems:
        raise ParameterError(problems)
    found = []
    open_slots = np.flatnonzero(wanted.any(axis=0))
    if not len(open_slots):
        return []
    first, last = int(open_slots[0]), int(open_slots[-1]) + 1
    for number, contract in enumerate(contracts):
        for hours in dict.fromkeys(contract.hours):
            rest = round(contract.rest * 2)
            length = round(hours * 2) + rest
            given = [round(start * 2) for start in contract.starts]
            latest = max(last - length, first)
            starts = given or range(min(first, latest), latest + 1)
            found += [_shape(number, contract, start, length, rest) for start in starts]
    return found


def _shape(number: int, contract: Contract, start: int, length: int, rest: int) -> Shape:
    """One shift with the places of its break."""
    if not rest:
        return Shape(number, start, start + length)
    begin = start + round(contract.rest_after * 2)
    final = start + length - round(contract.rest_before * 2) - rest
    places = tuple(range(begin, final + 1)) or (start + (length - rest) // 2,)
    return Shape(number, start, start + length, places, rest)


def days_on(days: int, total: int, *, consecutive: bool) -> list[tuple[int, ...]]:
    """On which days of a stretch of up to a week somebody works.

    Examples
    --------
    >>> len(days_on(5, 7, consecutive=False)), len(days_on(5, 7, consecutive=True))
    (21, 7)
    """
    days = min(days, total)
    every = list(combinations(range(total), days))
    if not consecutive or days == total:
        return every
    off = total - days
    runs = [{(first + i) % total for i in range(off)} for first in range(total)]
    return [on for on in every if set(range(total)) - set(on) in runs]


def tours_of(contract: Contract, total: int, wanted: Sequence[int]) -> list[tuple[int, ...]]:
    """On which days somebody of a contract works, if only some days are worked at all.

    Examples
    --------
    >>> tours_of(Contract(days=5), 7, range(5))
    [(0, 1, 2, 3, 4)]
    >>> len(tours_of(Contract(days=5, consecutive=True), 7, range(6)))
    2
    """
    days = min(contract.days, len(wanted))
    every = list(combinations(wanted, days))
    if not contract.consecutive:
        return every
    together = days_on(contract.days, total, consecutive=True)
    kept = [on for on in every if any(set(on) <= set(run) for run in together)]
    return kept or every
