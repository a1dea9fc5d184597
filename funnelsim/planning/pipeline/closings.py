"""Closings: the deals that close in a run, and its work, straight from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.plan import NEVER, Plan
from funnelsim.engine.rows import Rows
from funnelsim.engine.tally import DECIDED

__all__ = ["Closings", "closings", "hours", "renumbered"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOUR = 3_600e6


@dataclass(frozen=True, slots=True, eq=False)
class Closings:
    """Deals that close in the window of a run, one row each.

    Parameters
    ----------
    lead : ndarray of int
        Its number in the run; those below ``len(plan.deals)`` were open at the start.
    at : ndarray of int, microseconds since the epoch
    won : ndarray of bool
    value : ndarray of float
        Minor units; 0 where there is none.
    """

    lead: Integers
    at: Integers
    won: NDArray[np.bool_]
    value: Floats


def closings(plan: Plan, rows: Rows, dearer: Mapping[str, float]) -> Closings:
    """Find the deals that close, as `EventLog.outcomes` does: the first closing mark counts.

    Parameters
    ----------
    plan : Plan
    rows : Rows
        Of a run of this plan.
    dearer : mapping
        Source → factor on the value of its deals.

    Returns
    -------
    Closings
        In the order of their leads.
    """
    kinds = np.array([kind for kind, _ in plan.marks], dtype=object)
    kept = np.isin(kinds, DECIDED)[rows.marks["mark"]]
    lead, at, mark, value = (rows.marks[name][kept] for name in ("lead", "at", "mark", "value"))
    won = (kinds == "won")[mark]
    order = np.lexsort((~won, at, lead))
    first = order[np.flatnonzero(np.diff(lead[order], prepend=-1))]
    closed = np.array([bool(deal.marked & set(DECIDED)) for deal in plan.deals], dtype=bool)
    known = lead[first] < len(closed)
    before = np.zeros(len(first), dtype=bool)
    before[known] = closed[lead[first][known]]
    first = first[~before & (at[first] >= plan.observed_from)]
    factor = np.array([dearer.get(source.id, 1.0) for source in plan.epochs[0].sources])
    worth = np.maximum(value[first], 0) * factor[rows.arrivals.source[lead[first]]]
    return Closings(lead[first], at[first], won[first], worth)


def renumbered(closed: Closings, there: NDArray[np.bool_]) -> Closings:
    """Number the leads of a run without some of the open deals as if all were there.

    Parameters
    ----------
    closed : Closings
    there : ndarray of bool
        Which of the open deals were in the run.

    Returns
    -------
    Closings
    """
    kept = np.append(np.flatnonzero(there), 0)
    here = len(kept) - 1
    known = closed.lead < here
    lead = np.where(known, kept[np.where(known, closed.lead, 0)], closed.lead - here + len(there))
    return replace(closed, lead=lead)


def hours(
    plan: Plan, rows: Rows, teams: Sequence[str]
) -> tuple[Integers, NDArray[np.intp], Floats]:
    """Work that begins in the window.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    teams : sequence of str
        Whose number is returned.

    Returns
    -------
    tuple of ndarray
        When it begins (microseconds), the team's place among ``teams``, and hours of work; what
        is not over at the end counts up to then.
    """
    begun = rows.efforts["started_at"]
    kept = (begun != NEVER) & (begun >= plan.observed_from)
    begun, ended = begun[kept], rows.efforts["ended_at"][kept]
    until = np.where(ended == NEVER, plan.observed_until, ended)
    places = {team: number for number, team in enumerate(teams)}
    place = np.array([places[team.id] for team in plan.epochs[0].teams], dtype=np.intp)
    return begun, place[rows.efforts["team"][kept]], (until - begun) / HOUR
