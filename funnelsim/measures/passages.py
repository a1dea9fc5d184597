"""Who came to a stage, who went on, and who did not: three ways of counting.

``reached``
    A lead counts for a stage when it entered it *or any later stage of the path*; a
    skipped stage was passed. A win counts as reaching every stage of the path up to the
    one that marks it (every stage, if none does). The default: CRMs and people skip.
``strict``
    A lead counts for a stage when it visited every stage of the path up to it, in order;
    other visits may lie between. Skipping a stage ends the count.
``visits``
    Every entry into a stage counts, re-entries too; nothing is inferred.

The *path* follows ``advance`` from the first stage. A stage beside the path that names an
advance (a re-contact, say) is counted by its own visits in every mode: a lead entered it
with its first visit there and advanced when it later came to the named stage (in
``reached``: or to a later one, or won).

Who entered and did not advance is ``lost`` (marked lost), ``other`` (ended or went
elsewhere without a loss) or still ``open``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EXITS, EventLog
from funnelsim.measures.journeys import (
    MISSING,
    SECOND,
    Codes,
    Journeys,
    Micros,
    advance_path,
)

__all__ = [
    "ADVANCED",
    "FATES",
    "LOST",
    "OPEN",
    "OTHER",
    "WON",
    "Counting",
    "Passage",
    "check_counting",
    "entries_from_arrival",
    "passages",
    "passages_from_arrival",
]

Counting = Literal["reached", "strict", "visits"]
FATES: Final = ("open", "advanced", "lost", "other")
OPEN, ADVANCED, LOST, OTHER = range(4)
NEVER: Final = np.iinfo(np.int64).max
WON: Final = "(won)"


@dataclass(frozen=True, slots=True)
class Passage:
    """Leads (or visits) that came to a stage, and what became of them.

    Parameters
    ----------
    stage, next_stage : str
        Where they were and where advancing leads; empty for none.
    lead : ndarray of int, shape (n,)
        Rows in the journeys' leads.
    duration : ndarray, shape (n,), seconds
        From entering to advancing, leaving otherwise, or the end of the log.
    fate : ndarray of int, shape (n,)
        Codes into ``FATES``.
    """

    stage: str
    next_stage: str
    lead: Codes
    duration: NDArray[np.float64]
    fate: NDArray[np.int64]


def check_counting(counting: str) -> None:
    """Refuse a counting mode that does not exist.

    Raises
    ------
    ParameterError
        Naming the three modes.
    """
    if counting not in get_args(Counting):
        fix = f"Use one of: {', '.join(get_args(Counting))}"
        raise ParameterError(Problem(f"counting={counting!r} is no way of counting", fix=fix))


def passages(log: EventLog, trips: Journeys, counting: Counting) -> Iterator[Passage]:
    """Walk through the stages that lead on, with what became of those who entered.

    Parameters
    ----------
    log : EventLog
    trips : Journeys
        The log's leads, usually its cohort.
    counting : {"reached", "strict", "visits"}
        As in the module's text.

    Yields
    ------
    Passage
        Stages of the path first, in order; then those beside it.
    """
    path = advance_path(log)
    reach = None if counting == "visits" else _reach(log, trips, path, counting)
    for step, (stage, following) in enumerate(pairwise(path)):
        if reach is None:
            yield _by_visit(log, trips, stage, following)
        else:
            entered, advanced = reach[:, step], reach[:, step + 1]
            yield _by_lead(trips, stage, following, entered, advanced)
    for stage, following in _beside(log, path):
        if reach is None:
            yield _by_visit(log, trips, stage, following)
        else:
            times = _aside(log, trips, stage, following, counting)
            yield _by_lead(trips, stage, following, *times)


def passages_from_arrival(log: EventLog, trips: Journeys, counting: Counting) -> Iterator[Passage]:
    """Walk through the path's stages and the win, as seen from the arrival of all leads.

    Parameters
    ----------
    log, trips, counting
        As in :func:`passages`; ``visits`` has the win only, see
        :func:`entries_from_arrival`.

    Yields
    ------
    Passage
        ``stage`` is the stage reached, last of all ``(won)``.
    """
    arrived = trips.ends["arrived"].to_numpy()
    path = advance_path(log)
    won = trips.ends["outcome"].to_numpy() == "won"
    if counting != "visits":
        reach = _reach(log, trips, path, counting)
        for step, stage in enumerate(path):
            yield _by_lead(trips, stage, "", arrived, reach[:, step])
        if counting == "strict" and path:
            won &= reach[:, _winning_step(log, path)] != NEVER
    closed = trips.ends["closed"].to_numpy()
    yield _by_lead(trips, WON, "", arrived, np.where(won, closed, NEVER))


def entries_from_arrival(
    log: EventLog, trips: Journeys
) -> Iterator[tuple[str, Codes, NDArray[np.float64]]]:
    """Walk through the path's stages with every entry into them.

    Yields
    ------
    stage : str
    lead : ndarray of int
        Row in the journeys' leads, per entry.
    after : ndarray, seconds
        From the lead's arrival to the entry.
    """
    lead = trips.visits["lead"].to_numpy()
    after = (trips.visits["entered"].to_numpy() - trips.ends["arrived"].to_numpy()[lead]) / SECOND
    for stage in advance_path(log):
        here = trips.visits["stage"].to_numpy() == trips.stages.index(stage)
        yield stage, lead[here], after[here]


def _beside(log: EventLog, path: list[str]) -> list[tuple[str, str]]:
    """Stages off the path that name an advance, with it."""
    stages = sorted(log.meta.stages, key=lambda stage: stage.position)
    return [(stage.id, stage.advance) for stage in stages if stage.advance and stage.id not in path]


def _onwards(log: EventLog, stage: str) -> list[str]:
    """A stage and all that advancing from it leads to."""
    advance = {info.id: info.advance for info in log.meta.stages}
    found: list[str] = []
    here: str | None = stage
    while here is not None and here not in found:
        found.append(here)
        here = advance.get(here)
    path = advance_path(log)
    return [*found, *path[path.index(stage) + 1 :]] if stage in path else found


def _winning_step(log: EventLog, path: list[str]) -> int:
    """Where on the path a win is marked; its last stage if nowhere."""
    winning = {stage.id for stage in log.meta.stages if stage.outcome == "won"}
    return next((step for step, stage in enumerate(path) if stage in winning), len(path) - 1)


def _reach(log: EventLog, trips: Journeys, path: list[str], counting: Counting) -> Micros:
    """When each lead came to each stage of the path, µs; shape (leads, stages)."""
    codes = [trips.stages.index(stage) for stage in path]
    if counting == "strict":
        return _reach_in_order(trips, codes)
    reach = np.full((len(trips.leads), len(path)), NEVER)
    step_of = np.full(len(trips.stages) + 1, -1)
    step_of[codes] = np.arange(len(path))
    step = step_of[trips.visits["stage"].to_numpy()]
    on = step >= 0
    lead = trips.visits["lead"].to_numpy()[on]
    np.minimum.at(reach, (lead, step[on]), trips.visits["entered"].to_numpy()[on])
    if path:
        won = np.flatnonzero(trips.ends["outcome"].to_numpy() == "won")
        step_won = _winning_step(log, path)
        closed = trips.ends["closed"].to_numpy()[won]
        reach[won, step_won] = np.minimum(reach[won, step_won], closed)
    return np.minimum.accumulate(reach[:, ::-1], axis=1)[:, ::-1]


def _reach_in_order(trips: Journeys, codes: list[int]) -> Micros:
    """When each lead had visited each stage and all before it, in order."""
    reach = np.full((len(trips.leads), len(codes)), NEVER)
    after = np.zeros(len(trips.leads), dtype=np.int64)
    for step, code in enumerate(codes):
        found = _first_after(trips, [code], after)
        lead = trips.visits["lead"].to_numpy()[found]
        reach[lead, step] = trips.visits["entered"].to_numpy()[found]
        after[:] = NEVER
        after[lead] = trips.visits["visit"].to_numpy()[found]
    return reach


def _first_after(trips: Journeys, codes: list[int], after: NDArray[np.int64]) -> Codes:
    """Row of each lead's first visit to one of the stages, later than a visit number."""
    lead = trips.visits["lead"].to_numpy()
    wanted = np.isin(trips.visits["stage"].to_numpy(), codes)
    rows: Codes = np.flatnonzero(wanted & (trips.visits["visit"].to_numpy() > after[lead]))
    first: Codes = rows[np.diff(lead[rows], prepend=-1) != 0]
    return first


def _aside(
    log: EventLog, trips: Journeys, stage: str, following: str, counting: Counting
) -> tuple[Micros, Micros]:
    """When each lead came to a stage beside the path, and when it came back."""
    n = len(trips.leads)
    entered, advanced = np.full(n, NEVER), np.full(n, NEVER)
    lead, number = trips.visits["lead"].to_numpy(), trips.visits["visit"].to_numpy()
    start = trips.visits["entered"].to_numpy()
    first = _first_after(trips, [trips.stages.index(stage)], np.zeros(n, dtype=np.int64))
    entered[lead[first]] = start[first]
    after = np.full(n, NEVER)
    after[lead[first]] = number[first]
    targets = [following] if counting == "strict" else _onwards(log, following)
    back = _first_after(trips, [trips.stages.index(target) for target in targets], after)
    advanced[lead[back]] = start[back]
    if counting == "reached":
        closed = trips.ends["closed"].to_numpy()
        won = (trips.ends["outcome"].to_numpy() == "won") & (closed >= entered)
        advanced = np.where(won, np.minimum(advanced, closed), advanced)
    return entered, advanced


def _by_lead(
    trips: Journeys, stage: str, following: str, entered: Micros, advanced: Micros
) -> Passage:
    """What became of each lead that entered; times are µs, ``NEVER`` for none."""
    lead = np.flatnonzero(entered != NEVER)
    ends = trips.ends.iloc[lead]
    lost = ends["outcome"].to_numpy() == "lost"
    fate = np.where(lost, LOST, np.where(ends["present"].to_numpy(), OPEN, OTHER))
    gone = np.where(lost, ends["closed"].to_numpy(), ends["gone"].to_numpy())
    gone = np.where(fate == OPEN, trips.until, gone)
    went = advanced[lead] != NEVER
    fate = np.where(went, ADVANCED, fate)
    end = np.where(went, advanced[lead], gone)
    duration = np.maximum(end - entered[lead], 0) / SECOND
    return Passage(stage, following, lead, duration, fate)


def _by_visit(log: EventLog, trips: Journeys, stage: str, following: str) -> Passage:
    """What became of each visit to a stage."""
    visits = trips.visits[trips.visits["stage"].to_numpy() == trips.stages.index(stage)]
    lead, target = visits["lead"].to_numpy(), visits["next"].to_numpy()
    outcome = trips.ends["outcome"].to_numpy()[lead]
    onwards = [trips.stages.index(name) for name in _onwards(log, following)]
    losing = [trips.stages.index(info.id) for info in log.meta.stages if info.outcome == "lost"]
    ended = visits["exit"].to_numpy() == EXITS.index("ended")
    fate = np.select(
        [
            visits["exit"].to_numpy() == EXITS.index("open"),
            np.isin(target, onwards),
            np.isin(target, losing) | (ended & (outcome == "lost")),
        ],
        [OPEN, ADVANCED, LOST],
        OTHER,
    )
    left = visits["left"].to_numpy()
    end = np.where(left == MISSING, trips.until, left)
    duration = (end - visits["entered"].to_numpy()) / SECOND
    return Passage(stage, following, lead, duration, fate)
