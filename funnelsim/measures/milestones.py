"""Conversion from one milestone to another: enquiry → lead → client, demo → deal.

A milestone is anything that happens to a lead, see :mod:`funnelsim.measures.happenings`.
Leads that are still open may yet come to the later one: shares are the Aalen–Johansen
cumulative incidence, never the ratio of two counts of the same month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.cautions import IMMATURE, NOT_MARKED, UNDECIDED, cautions, few
from funnelsim.measures.estimates import NOTHING, Estimate
from funnelsim.measures.followup import FollowUp, follow, followed_share
from funnelsim.measures.happenings import ARRIVED, BOUGHT, first_known, happenings
from funnelsim.measures.journeys import SECOND, Codes, journeys, rows_of
from funnelsim.measures.passages import ADVANCED, FATES, LOST, OPEN, OTHER
from funnelsim.measures.tables import By, check_level, columns_of, record, span, tidy
from funnelsim.measures.timeline import grouped, timeline

__all__ = [
    "Course",
    "course",
    "demo_to_deal",
    "enquiry_to_lead",
    "lead_to_client",
    "mark_conversion",
    "share_of",
]

NEVER: Final = np.iinfo(np.int64).max
COUNTS = {
    "came": "int64",
    "went_on": "int64",
    "lost": "int64",
    "other": "int64",
    "open": "int64",
    "unresolved": "float64",
    "caution": "str",
}


@dataclass(frozen=True, slots=True)
class Course:
    """Leads of the cohort that came to a milestone, and whether they came to another.

    Parameters
    ----------
    lead : ndarray of int, shape (n,)
        Row in the log's leads.
    since : ndarray of int, shape (n,), µs
        When they came to the first milestone.
    duration : ndarray, shape (n,), seconds
        From there to the second, to where it could no longer come, or to the end of the log.
    fate : ndarray of int, shape (n,)
        Codes into ``funnelsim.measures.passages.FATES``.
    follow_up : ndarray, shape (n,), seconds
        From the first milestone to the end of the log.
    """

    lead: Codes
    since: NDArray[np.int64]
    duration: NDArray[np.float64]
    fate: NDArray[np.int64]
    follow_up: NDArray[np.float64]

    def until(self, limit: float) -> Course:
        """What was known ``limit`` seconds after the first milestone, of each lead."""
        over = self.duration > limit
        fate = np.where(over, OTHER, self.fate)
        return Course(self.lead, self.since, np.minimum(self.duration, limit), fate, self.follow_up)


def mark_conversion(
    log: EventLog,
    from_: str,
    to: str,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    within: str | None = None,
) -> pd.DataFrame:
    """Share of leads that come from one milestone to another.

    Definition: of the leads that came to ``from_``, the share that later came to ``to``.
    Unit: share. The general form of domain S4:561–563. Counting those who came to ``to``
    this month and dividing by those who came to ``from_`` this month mixes different
    leads: it can be over 100 %, and it moves with the number of new leads.

    Parameters
    ----------
    log : EventLog
        Any history; full where a stage is named.
    from_, to : str
        ``arrived``, ``bought``, a kind of mark, a stage, or a piece of work.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    every : str, optional
        ``"1W"``, ``"1MS"`` …: by period of ``from_``, with the item column ``at``. The
        last ones are immature; :func:`funnelsim.measures.cohorts` completes them.
    level : float
        Confidence level, 0 to 1.
    within : str, optional
        Elapsed time, ``"30 d"``: only those who come to ``to`` in that time count.

    Returns
    -------
    DataFrame
        Item columns ``from_`` and ``to``; value in shares, ``n`` = ``came`` = ``went_on``
        + ``lost`` + ``other`` + ``open`` (leads); then ``unresolved``, the share still
        undecided after the longest follow-up, and ``caution`` (``too few``, ``immature``,
        ``cut off``).

    Raises
    ------
    ParameterError
        The log has nothing of that name.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = mark_conversion(BANK, "decision", "won")
    >>> table[["value", "came", "went_on", "open"]].values.tolist()
    [[0.5, 2.0, 1.0, 1.0]]
    """
    return _conversion(log, "mark_conversion", (from_, to), by, every, level, within)


def enquiry_to_lead(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    qualified: str | Sequence[str] = "qualified",
) -> pd.DataFrame:
    """Share of enquiries that become qualified leads.

    Definition: % of enquiries that became qualified leads (MQL → SQL). Formula: as
    :func:`mark_conversion` from ``arrived``. Unit: share. Source: domain S4:563, S4:256.

    Parameters
    ----------
    log, by, every, level
        As in :func:`mark_conversion`.
    qualified : str or sequence of str
        What qualifies; of several names the first that the log has.

    Returns
    -------
    DataFrame
        As :func:`mark_conversion`; NaN with the method ``not marked`` where the log has
        nothing of that name, for 0 % would be false.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> enquiry_to_lead(BANK, qualified="decision")["value"].round(3).tolist()
    [0.4]
    """
    names = (ARRIVED, first_known(log, qualified))
    return _conversion(log, "enquiry_to_lead", names, by, every, level)


def demo_to_deal(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    demo: str | Sequence[str] = ("demo", "demonstration", "demonstrated"),
) -> pd.DataFrame:
    """Share of demonstrations that end in a deal.

    Definition: % of demos ending in a deal. Formula: as :func:`mark_conversion` from the
    first demonstration of a lead to ``won``. Unit: share. Source: domain S4:562.

    Parameters
    ----------
    log, by, every, level
        As in :func:`mark_conversion`.
    demo : str or sequence of str
        What a demonstration is; of several names the first that the log has.

    Returns
    -------
    DataFrame
        As :func:`enquiry_to_lead`.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> demo_to_deal(BANK)["method"].tolist(), demo_to_deal(BANK, demo="talk")["value"].tolist()
    (['not marked'], [0.5])
    """
    return _conversion(log, "demo_to_deal", (first_known(log, demo), "won"), by, every, level)


def lead_to_client(
    log: EventLog, *, by: By = (), every: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Share of leads that become buyers.

    Definition: % of leads who became buyers. Formula: as :func:`mark_conversion` from
    ``arrived`` to ``bought``, the first order. Unit: share. Source: domain S4:561. How
    long it takes (S4:564) is :func:`funnelsim.measures.cycle_time` with ``outcome="won"``.

    Parameters
    ----------
    log, by, every, level
        As in :func:`mark_conversion`.

    Returns
    -------
    DataFrame
        As :func:`mark_conversion`.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> lead_to_client(BANK)[["value", "came", "went_on", "open"]].values.tolist()
    [[0.5, 5.0, 2.0, 2.0]]
    """
    return _conversion(log, "lead_to_client", (ARRIVED, BOUGHT), by, every, level)


def course(log: EventLog, from_: str, to: str) -> Course:
    """Follow the cohort's leads from one milestone to another.

    Parameters
    ----------
    log : EventLog
    from_, to : str
        As in :func:`mark_conversion`.

    Returns
    -------
    Course
        Leads that arrived inside the window and came to ``from_``, in the log's order.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> course(BANK, "arrived", "won").fate.tolist()
    [1, 2, 1, 0, 0]
    """
    trips = journeys(log, cohort=False)
    inside = rows_of(journeys(log, cohort=True).leads["lead_id"], log.leads)
    first = np.full(len(log.leads), NEVER)
    lead, when = happenings(log, from_)
    np.minimum.at(first, lead, when)
    lead, when = happenings(log, to)
    later = when >= first[lead]
    reached = np.full(len(log.leads), NEVER)
    np.minimum.at(reached, lead[later], when[later])
    here = inside[first[inside] != NEVER]
    ends, since, end = trips.ends.iloc[here], first[here], reached[here]
    closed, gone = ends["closed"].to_numpy(), ends["gone"].to_numpy()
    refused = (ends["outcome"] == "lost").to_numpy() & (closed >= since)
    refused &= from_.removeprefix("mark:") != "lost"
    fate = np.select(
        [end != NEVER, refused, ~ends["present"].to_numpy()], [ADVANCED, LOST, OTHER], OPEN
    )
    stop = np.select(
        [fate == ADVANCED, fate == LOST, fate == OTHER], [end, closed, gone], trips.until
    )
    duration = np.maximum(stop - since, 0) / SECOND
    return Course(here, since, duration, fate.astype(np.int64), (trips.until - since) / SECOND)


def share_of(went: Course, at: Codes, level: float) -> tuple[Estimate, FollowUp]:
    """Estimate the share of some of these leads that came to the second milestone.

    Parameters
    ----------
    went : Course
    at : ndarray of int
        Which leads.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        As :func:`funnelsim.measures.followup.followed_share`.
    FollowUp
    """
    seen = follow(went.duration[at], went.fate[at] != OPEN)
    return followed_share(seen, went.fate[at] == ADVANCED, level), seen


def _conversion(
    log: EventLog,
    measure: str,
    names: tuple[str | None, str | None],
    by: By,
    every: str | None,
    level: float,
    within: str | None = None,
) -> pd.DataFrame:
    """Rows by group and period."""
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    line = timeline(log, every)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    known = names[0] is not None and names[1] is not None
    went = course(log, names[0] or ARRIVED, names[1] or ARRIVED)
    if within is not None:
        went = went.until(span(within, "within").total_seconds())
    cells = groups.cells(went.lead, line.of(went.since), line)
    records = []
    for group, period, item in groups.rows(line):
        at = cells[group][period] if known else np.array([], dtype=np.intp)
        estimate, seen = share_of(went, at, level)
        number = np.bincount(went.fate[at], minlength=len(FATES)).tolist()
        young = IMMATURE if len(at) and seen.unresolved > UNDECIDED else ""
        said = (few(len(at)), young, line.caution(period)) if known else (NOT_MARKED,)
        if not known:
            estimate = NOTHING._replace(method=NOT_MARKED)
        key = {**item, "from_": names[0] or "", "to": names[1] or ""}
        row = record(key, measure, "share", estimate, level)
        counts = dict(zip(("open", "went_on", "lost", "other"), number, strict=True))
        counts |= {"came": len(at), "unresolved": seen.unresolved, "caution": cautions(*said)}
        records.append(row | counts)
    return tidy(records, log, columns, {**line.items, "from_": "str", "to": "str"}, COUNTS)
