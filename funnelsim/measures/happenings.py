"""Anything that happens to leads, by name: a mark, a stage entered, work done."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

import numpy as np

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.journeys import (
    MISSING,
    Codes,
    Micros,
    journeys,
    micros,
    rows_of,
    stage_ids,
)
from funnelsim.measures.purchases import purchases
from funnelsim.measures.tables import need_full_history

__all__ = ["ARRIVED", "BOUGHT", "first_known", "happenings"]

ARRIVED: Final = "arrived"
BOUGHT: Final = "bought"


def happenings(log: EventLog, name: str) -> tuple[Codes, Micros]:
    """Find all happenings of one name.

    Parameters
    ----------
    log : EventLog
    name : str
        ``arrived``; ``bought`` (an order, see :mod:`funnelsim.measures.purchases`); a kind
        of mark; a stage, when it is entered; a piece of work, when it is done. Where one
        name means several things it is the first of these; ``mark:``, ``stage:`` or
        ``work:`` before it says which.

    Returns
    -------
    lead : ndarray of int, shape (n,)
        Row in the log's leads.
    when : ndarray of int, shape (n,), µs

    Raises
    ------
    ParameterError
        The log has nothing of that name.
    HistoryError
        A stage, and the log does not hold every stage change.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> happenings(BANK, "contract")[0].tolist(), happenings(BANK, "talk")[0].tolist()
    ([0, 2], [0, 1, 2, 3, 4])
    """
    if name == ARRIVED:
        return np.arange(len(log.leads)), micros(log.leads["arrived_at"])
    if name == BOUGHT:
        bought = purchases(log)
        return bought.lead, bought.when
    full = next((one for one in _known(log) if name in {one, one.partition(":")[2]}), None)
    if full is None:
        raise ParameterError(_unknown(log, name))
    what, _, which = full.partition(":")
    if what == "mark":
        marks = log.marks[log.marks["kind"] == which]
        return rows_of(marks["lead_id"], log.leads), micros(marks["at"])
    trips = journeys(log, cohort=False)
    if what == "stage":
        need_full_history(log, f"the stage {which!r}")
        visits = trips.visits[trips.visits["stage"].to_numpy() == trips.stages.index(which)]
        return visits["lead"].to_numpy(), visits["entered"].to_numpy()
    done = (trips.efforts[["started", "ended"]] != MISSING).all(axis=1)
    work = trips.efforts[done & (trips.efforts["effort"] == which)]
    return work["lead"].to_numpy(), work["ended"].to_numpy()


def first_known(log: EventLog, names: str | Sequence[str]) -> str | None:
    """Return the first of several names that the log has; None if it has none of them.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> first_known(BANK, ["offer", "contract"])
    'contract'
    """
    known = {ARRIVED, BOUGHT}
    for one in _known(log):
        known |= {one, one.partition(":")[2]}
    wanted = (names,) if isinstance(names, str) else names
    return next((name for name in wanted if name in known), None)


def _known(log: EventLog) -> list[str]:
    """Every name, with what it is of, in the order of preference."""
    marks = sorted({"won", "lost", *log.marks["kind"].dropna().unique()})
    work = sorted(log.efforts["effort"].dropna().unique())
    parts = (("mark", marks), ("stage", stage_ids(log)), ("work", work))
    return [f"{what}:{name}" for what, names in parts for name in names]


def _unknown(log: EventLog, name: str) -> Problem:
    """The problem of a name that means nothing in this log."""
    known = [ARRIVED, BOUGHT, *_known(log)]
    near = get_close_matches(name, [one.partition(":")[2] or one for one in known], n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return Problem(
        f"{name!r} never happens in this log", fix=f"{hint}Use one of: {', '.join(known)}"
    )
