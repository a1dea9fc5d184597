"""A roster: who works when, so that every half hour is covered, at least cost.

Integer programming (HiGHS by `scipy.optimize.milp`): people are counted by contract, shift and
days on; breaks are placed day by day inside their window. Work that may wait is covered when
it is done by the half hour in which it is due.

References
----------
Dantzig (1954), "A comment on Edie's Traffic delays at toll booths", Operations Research 2: set
covering by shifts. Aykin (1996), "Optimal shift scheduling with multiple break windows",
Management Science 42: breaks as variables of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.planning.rostering.covering import HALVES, NAMED, WeekProgram, WeekRoster, clock
from funnelsim.planning.rostering.shifts import FULL_TIME, Contract

__all__ = ["Roster", "plan_roster"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WEEK: Final = 7


@dataclass(frozen=True, eq=False)
class Roster:
    """Who works when.

    Parameters
    ----------
    need : ndarray, shape (days, 48)
        Seats wanted by half hour.
    staffed : ndarray of int, shape (days, 48)
        People at work, those on a break left out.
    shifts : pandas.DataFrame
        One row per person and day: person, contract, day (0 is the first), start, end,
        break_start, break_end (hours of the day, over 24 after midnight; NaN without a break),
        overtime (hours, part of start to end), paid (hours).
    cost : float
        Price of all paid hours; in hours where no price was given.
    bound : float
        No roster can cost less than this.
    proven : bool
        Whether this one is known to be the cheapest (to a hundredth of a per cent).
    """

    need: Floats
    staffed: Ints
    shifts: pd.DataFrame
    cost: float
    bound: float
    proven: bool

    @property
    def people(self) -> int:
        """How many different people."""
        return int(self.shifts["person"].nunique())

    @property
    def gap(self) -> float:
        """By how much it may be too dear at most, as a share of its cost."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0

    @property
    def paid_hours(self) -> float:
        """Hours paid, overtime included."""
        return float(self.shifts["paid"].sum())

    @property
    def idle_hours(self) -> float:
        """Paid hours of people who are there when nobody is wanted, as after closing."""
        return float(self.staffed[self.need <= 0].sum() / 2)

    @property
    def cover(self) -> pd.DataFrame:
        """One row per half hour in which anybody is wanted or there: day, start, need, staffed."""
        days, halves = np.nonzero((self.need > 0) | (self.staffed > 0))
        return pd.DataFrame(
            {
                "day": days,
                "start": halves / 2,
                "need": self.need[days, halves],
                "staffed": self.staffed[days, halves],
            }
        )


def plan_roster(
    need: ArrayLike,
    *,
    contracts: Sequence[Contract] = (FULL_TIME,),
    price: float = 1.0,
    due: ArrayLike | None = None,
    busy: float = 1.0,
    time_limit: float = 30.0,
) -> Roster:
    """Find the cheapest roster that covers a need.

    Parameters
    ----------
    need : array_like, shape (days, 24) or (days, 48)
        Seats wanted by hour or half hour, 0 or more; any number of days, a week at a time.
        With ``due``: seats' worth of work that comes.
    contracts : sequence of Contract
        Full time, part time, overtime: what people may be hired as.
    price : float
        Of a paid hour.
    due : array_like of int, shape as need, optional
        The half hour (hour) of the whole, counted from 0, by whose end the work is to be done;
        left out: at once.
    busy : float
        With ``due``: share of the time at work that may be filled with it.
    time_limit : float
        Seconds for each week; then the best found so far is taken and said to be unproven.

    Returns
    -------
    Roster

    Raises
    ------
    InputError
        Contracts cannot cover the need: which half hours lack how many.
    ParameterError
        Negative or missing need, contracts that make no sense.
    RunError
        Nothing was found in time.

    Examples
    --------
    >>> day = [[0] * 9 + [2, 3, 3, 2, 2, 2, 1, 1] + [0] * 7]
    >>> found = plan_roster(day, contracts=[Contract(hours=(8, 4), days=1, rest=0)])
    >>> found.people, found.paid_hours, found.proven
    (3, 20.0, True)
    """
    wanted = _halves(np.asarray(need, float))
    limits = None if due is None else _due_halves(np.asarray(due), np.shape(need))
    problems = [
        Problem(f"{name} is {value!r}", path=name, fix="Give a number above 0.")
        for name, value in (("price", price), ("busy", busy), ("time_limit", time_limit))
        if not value > 0
    ]
    if problems:
        raise ParameterError(problems)
    parts = []
    for first in range(0, len(wanted), WEEK):
        days = wanted[first : first + WEEK]
        week_due = None
        if limits is not None:
            cut = limits[first : first + WEEK] - first * HALVES
            week_due = np.clip(cut, 0, days.size - 1)
        parts.append(WeekProgram(days, contracts, price, week_due, busy, first).solved(time_limit))
    return _joined(wanted, parts)


def _halves(need: Floats) -> Floats:
    """The need by half hour, or what is wrong with it."""
    if need.ndim != 2 or need.shape[1] not in {24, HALVES} or not len(need):  # noqa: PLR2004
        fix = "Give one row a day of 24 hours or 48 half hours."
        raise ParameterError(Problem(f"need has the shape {need.shape}", path="need", fix=fix))
    wrong = np.argwhere(~(np.isfinite(need) & (need >= 0)))
    if len(wrong):
        hours = 24 / need.shape[1]
        raise ParameterError(
            Problem(
                f"{need[day, slot]:g} seats on day {day} at {clock(slot * hours * 2)}",
                path="need",
                fix="Seats are 0 or more.",
            )
            for day, slot in wrong[:NAMED].tolist()
        )
    return need if need.shape[1] == HALVES else np.repeat(need, 2, axis=1)


def _due_halves(due: Ints, shape: tuple[int, ...]) -> Ints:
    """When work is due, by half hour."""
    if due.shape != shape:
        message = f"due has the shape {due.shape}, need {shape}"
        raise ParameterError(Problem(message, path="due", fix="Give one for each need."))
    return due if shape[1] == HALVES else np.repeat(due * 2 + 1, 2, axis=1)


def _joined(need: Floats, parts: Sequence[WeekRoster]) -> Roster:
    """Weeks one after another; the same numbers mean the same people."""
    return Roster(
        need=need,
        staffed=np.concatenate([part.staffed for part in parts]),
        shifts=pd.concat([part.shifts for part in parts], ignore_index=True),
        cost=sum(part.cost for part in parts),
        bound=sum(part.bound for part in parts),
        proven=all(part.proven for part in parts),
    )
