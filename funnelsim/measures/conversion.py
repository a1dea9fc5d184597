"""Conversion: of those who came, how many went on, and how many will.

Two numbers are called conversion, so they have two names here:

``stage_conversion``
    P(advance | entered), stage by stage: the next stage ÷ the previous one.
``end_to_end_conversion``
    Share of *all* leads that came to a stage, or won: the stage ÷ the top.

Both follow a *cohort*, the leads that arrived in the log's window, and never divide two
snapshots. Leads that are still open may yet advance: where there are any, shares are the
Aalen–Johansen cumulative incidence with the other ways out competing. The three ways of
counting are those of :mod:`funnelsim.measures.passages`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures.followup import follow, followed_count, followed_share
from funnelsim.measures.journeys import SECOND, Journeys, journeys
from funnelsim.measures.passages import (
    ADVANCED,
    FATES,
    OPEN,
    WON,
    Counting,
    Passage,
    check_counting,
    entries_from_arrival,
    passages,
    passages_from_arrival,
)
from funnelsim.measures.tables import (
    By,
    check_level,
    columns_of,
    groups,
    need_full_history,
    record,
    tidy,
)

__all__ = ["conversion", "end_to_end_conversion", "stage_conversion", "win_rate"]

STAGES = {"stage": "str", "next_stage": "str"}
COUNTS = {
    "entered": "int64",
    "advanced": "int64",
    "lost": "int64",
    "other": "int64",
    "open": "int64",
    "unresolved": "float64",
}


def stage_conversion(
    log: EventLog, *, by: By = (), level: float = 0.95, counting: Counting = "reached"
) -> pd.DataFrame:
    """Share of those who entered a stage that advance to the next one.

    Parameters
    ----------
    log : EventLog
        With full history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    level : float
        Confidence level, 0 to 1.
    counting : {"reached", "strict", "visits"}
        What counts as entering, see :mod:`funnelsim.measures.passages`.

    Returns
    -------
    DataFrame
        One row per stage that has an advance: ``stage``, ``next_stage``, value in shares,
        ``n`` = ``entered``; then ``entered`` = ``advanced`` + ``lost`` + ``other`` +
        ``open`` (leads, or visits), and ``unresolved``, the share still undecided after
        the longest follow-up: how much higher the value could be.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    References
    ----------
    Wilson (1927) where every lead has left the stage; Aalen & Johansen (1978),
    Scandinavian Journal of Statistics 5: 141–150, where some are open.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = stage_conversion(BANK)
    >>> table[["stage", "next_stage", "entered", "advanced", "lost", "open"]].values.tolist()
    [['interest', 'decision', 5, 3, 1, 1], ['decision', 'contract', 3, 2, 0, 1]]
    """
    need_full_history(log, "stage_conversion")
    check_level(level)
    check_counting(counting)
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=True)
    records: list[dict[str, object]] = []
    for passage in passages(log, trips, counting):
        records += _shares(passage, trips, columns, "stage_conversion", level)
    return tidy(records, log, columns, STAGES, COUNTS)


def end_to_end_conversion(
    log: EventLog, *, by: By = (), level: float = 0.95, counting: Counting = "reached"
) -> pd.DataFrame:
    """Share of all leads that come to each stage, and that win.

    Parameters
    ----------
    log, by, level, counting
        As in :func:`stage_conversion`.

    Returns
    -------
    DataFrame
        One row per stage of the path and a last one, ``stage`` = ``(won)``; columns as in
        :func:`stage_conversion` with an empty ``next_stage``, ``entered`` = all leads and
        ``advanced`` = those that came to ``stage``. Counted by ``visits``, the rows of
        stages are entries per lead (unit ``visits/lead``, can exceed 1, ``advanced`` =
        entries) and the other counts are those of the leads.

    Raises
    ------
    HistoryError
        The log does not hold every stage change; :func:`win_rate` needs none.

    References
    ----------
    As in :func:`stage_conversion`; for entries per lead Ghosh & Lin (2000).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> end_to_end_conversion(BANK)["stage"].tolist()
    ['interest', 'decision', 'contract', '(won)']
    """
    need_full_history(log, "end_to_end_conversion")
    check_level(level)
    check_counting(counting)
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=True)
    records: list[dict[str, object]] = []
    if counting == "visits":
        records += _entries(log, trips, columns, level)
    for passage in passages_from_arrival(log, trips, counting):
        records += _shares(passage, trips, columns, "end_to_end_conversion", level)
    return tidy(records, log, columns, STAGES, COUNTS)


def conversion(
    log: EventLog, *, by: By = (), level: float = 0.95, counting: Counting = "reached"
) -> pd.DataFrame:
    """Both conversions under one another: stage by stage, then end to end.

    Parameters
    ----------
    log, by, level, counting
        As in :func:`stage_conversion`.

    Returns
    -------
    DataFrame
        The rows of :func:`stage_conversion` and :func:`end_to_end_conversion`, told apart
        by ``measure``.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> conversion(BANK).groupby("measure").size().to_dict()
    {'end_to_end_conversion': 4, 'stage_conversion': 2}
    """
    parts = [
        stage_conversion(log, by=by, level=level, counting=counting),
        end_to_end_conversion(log, by=by, level=level, counting=counting),
    ]
    return pd.concat(parts, ignore_index=True)


def win_rate(log: EventLog, *, by: By = (), level: float = 0.95) -> pd.DataFrame:
    """Share of leads that win, open leads taken into account, beside two wrong answers.

    Parameters
    ----------
    log : EventLog
        Any history.
    by, level
        As in :func:`stage_conversion`.

    Returns
    -------
    DataFrame
        One row per group: value in shares, ``n`` leads of the cohort; then ``won``,
        ``lost``, ``other`` (ended without a mark), ``open`` (leads), ``unresolved`` (as in
        :func:`stage_conversion`), and what people compute instead: ``closed_only`` =
        won ÷ (won + lost + other), which leans to whatever closes sooner, and
        ``won_of_created`` = won ÷ all, too low while any are open.

    References
    ----------
    As in :func:`stage_conversion`.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> win_rate(BANK)[["value", "closed_only", "won_of_created"]].round(3).values.tolist()
    [[0.5, 0.667, 0.4]]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=True)
    (passage,) = (p for p in passages_from_arrival(log, trips, "visits") if p.stage == WON)
    counts = {"won": "int64", **COUNTS, "closed_only": "float64", "won_of_created": "float64"}
    for name in ("entered", "advanced"):
        counts.pop(name)
    records = [_with_naive(row) for row in _shares(passage, trips, columns, "win_rate", level)]
    return tidy(records, log, columns, {}, counts)


def _with_naive(row: dict[str, object]) -> dict[str, object]:
    """Add what people compute instead of a win rate."""
    won, leads, waiting = (int(str(row[name])) for name in ("advanced", "entered", "open"))
    return row | {
        "won": won,
        "closed_only": won / (leads - waiting) if leads > waiting else np.nan,
        "won_of_created": won / leads if leads else np.nan,
    }


def _shares(
    passage: Passage, trips: Journeys, columns: tuple[str, ...], measure: str, level: float
) -> list[dict[str, object]]:
    """Rows of one passage, group by group."""
    records = []
    for key, at in groups(trips.leads[list(columns)].iloc[passage.lead]):
        fate = passage.fate[at]
        seen = follow(passage.duration[at], fate != OPEN)
        estimate = followed_share(seen, fate == ADVANCED, level)
        item = {**key, "stage": passage.stage, "next_stage": passage.next_stage}
        number = np.bincount(fate, minlength=len(FATES)).tolist()
        records.append(
            record(item, measure, "share", estimate, level)
            | {"entered": len(at), "unresolved": seen.unresolved}
            | dict(zip(FATES, number, strict=True))
        )
    return records


def _entries(
    log: EventLog, trips: Journeys, columns: tuple[str, ...], level: float
) -> list[dict[str, object]]:
    """Rows of entries per lead, group by group."""
    records: list[dict[str, object]] = []
    leads, ends = trips.leads, trips.ends
    duration = ((ends["gone"] - ends["arrived"]) / SECOND).to_numpy()
    left = ~ends["present"].to_numpy()
    place = np.empty(len(leads), dtype=np.intp)
    for stage, lead, after in entries_from_arrival(log, trips):
        for key, at in groups(leads[list(columns)]):
            place[:] = -1
            place[at] = np.arange(len(at))
            mine = place[lead] >= 0
            seen = follow(duration[at], left[at])
            estimate = followed_count(seen, place[lead[mine]], after[mine], level)
            item = {**key, "stage": stage, "next_stage": ""}
            measured = record(item, "end_to_end_conversion", "visits/lead", estimate, level)
            records.append(measured | _lead_counts(ends.iloc[at], int(mine.sum()), seen.unresolved))
    return records


def _lead_counts(ends: pd.DataFrame, entries: int, unresolved: float) -> dict[str, object]:
    """Entries beside how many leads were lost, ended otherwise or are still there."""
    lost, present = ends["outcome"] == "lost", ends["present"]
    return {
        "entered": len(ends),
        "advanced": entries,
        "lost": int(lost.sum()),
        "other": int((~lost & ~present).sum()),
        "open": int((~lost & present).sum()),
        "unresolved": unresolved,
    }
