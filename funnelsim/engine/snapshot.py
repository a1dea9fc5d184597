"""The open deals of a moment: where they stand, since when, and what has been done.

A run can start from them instead of from an empty funnel. Only what was known at the moment
is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from funnelsim.errors import HistoryError, ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.worktime import to_instant

__all__ = ["PHASES", "Snapshot", "snapshot"]

PHASES = ("before", "queued", "working", "after")
"""How far a visit has come: before its work, waiting for it, being worked on, after it."""

_VALUES = ("amount", "value")
"""Columns of ``leads`` that tell what a deal is worth, in minor units."""
_KEY = ["lead_id", "visit"]
_COLUMNS = [
    *("lead_id", "customer_id", "funnel", "source", "product", "segment", "value", "arrived_at"),
    *("stage", "visit", "nth", "entered_at", "ready_at", "phase", "effort", "queued_at"),
    *("started_at", "effort_ended_at", "waited", "owner"),
]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The open deals of a moment.

    Parameters
    ----------
    at : datetime
        The moment; nothing later was known.
    deals : pandas.DataFrame
        One row per open deal: ``lead_id``, ``customer_id``, ``funnel``, ``source``, ``product``,
        ``segment``, ``value`` (minor units; missing where not known), ``arrived_at``, ``stage``,
        ``visit`` (its number in the log), ``nth`` (visits of this stage so far), ``entered_at``,
        ``ready_at``, ``phase`` (one of `PHASES`), ``effort`` (the present or the last one),
        ``queued_at``, ``started_at``, ``effort_ended_at``, ``waited`` (microseconds waited for
        work in this visit), ``owner``.
    visits : pandas.DataFrame
        ``lead_id``, ``stage``, ``times``: how often each of the deals has entered each stage.
    efforts : pandas.DataFrame
        Work of the present visits: ``lead_id``, ``effort``, ``queued_at``, ``started_at``,
        ``ended_at``.
    marks : pandas.DataFrame
        Marks the deals have, as in a log.
    worked : frozenset of str
        Stages in which the log knows of work at all.

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> snapshot(LOG).deals[["lead_id", "stage", "phase"]].to_numpy().tolist()
    [['b', 'demo', 'before']]
    """

    at: datetime
    deals: pd.DataFrame
    visits: pd.DataFrame = field(repr=False)
    efforts: pd.DataFrame = field(repr=False)
    marks: pd.DataFrame = field(repr=False)
    worked: frozenset[str] = field(repr=False)

    def __len__(self) -> int:
        return len(self.deals)

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to other processes: nothing that was only worked out."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Any]]:
        """Deals (by id), visits and efforts row by row, instants in microseconds (NaT: -2**63)."""
        deals = self.deals.sort_values("lead_id")
        return {
            "deals": _rows(deals),
            "visits": _rows(self.visits),
            "efforts": _rows(self.efforts),
        }

    @cached_property
    def instant(self) -> int:
        """The moment in microseconds since the epoch."""
        return to_instant(self.at)

    @cached_property
    def oldest(self) -> int:
        """When the oldest of the visits and work began; the moment itself if there is none."""
        times = [self.deals["entered_at"], self.efforts["queued_at"], self.efforts["started_at"]]
        first = pd.concat(times).min()
        return self.instant if pd.isna(first) else min(to_instant(first), self.instant)

    def filter(self, leads: Iterable[str]) -> Snapshot:
        """Keep some of the deals.

        Parameters
        ----------
        leads : iterable of str
            Their ids.

        Returns
        -------
        Snapshot

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> len(snapshot(LOG).filter([]))
        0
        """
        kept = set(leads)
        deals, visits, efforts, marks = (
            table[table["lead_id"].isin(kept)].reset_index(drop=True)
            for table in (self.deals, self.visits, self.efforts, self.marks)
        )
        return replace(self, deals=deals, visits=visits, efforts=efforts, marks=marks)


def snapshot(log: EventLog, at: str | datetime | None = None) -> Snapshot:
    """Find the open deals of a moment.

    Parameters
    ----------
    log : EventLog
    at : str or datetime, optional
        Within the window; without an offset it is local time of the log. Left out: the end
        of the window.

    Returns
    -------
    Snapshot
        Leads whose last visit is open; made from ``log.as_of(at)``, so nothing later is used.

    Raises
    ------
    ParameterError
        No moment, or outside the window; or a log of several replications.
    HistoryError
        The log lacks the history that an earlier moment needs.

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> len(snapshot(LOG, "2024-02-01"))
    0
    """
    if len(log.leads["replication"].unique()) > 1:
        fix = "Take one of them: log.filter(leads=...)."
        raise ParameterError(Problem("the log holds several replications", path="log", fix=fix))
    past = log if at is None else log.as_of(at)
    here = past.visits[past.visits["exit"] == "open"]
    if here["entered_at"].isna().any():
        message = "the log does not say when the open visits began"
        raise HistoryError(Problem(message, path="visits.entered_at"))
    mine = past.leads["lead_id"].isin(here["lead_id"])
    leads = past.leads[mine]
    visits, marks = (
        table[table["lead_id"].isin(leads["lead_id"])] for table in (past.visits, past.marks)
    )
    times = visits.groupby(["lead_id", "stage"], sort=False).size().rename("times").reset_index()
    efforts = _present_work(past, here)
    worked = past.efforts.dropna(subset=["visit"]).astype({"visit": "int64"})
    stages = worked[_KEY].merge(past.visits[[*_KEY, "stage"]], on=_KEY)["stage"]
    return Snapshot(
        at=past.meta.observed_until,
        deals=_deals(leads, here, times, efforts, marks),
        visits=times,
        efforts=efforts.reset_index(drop=True),
        marks=marks.reset_index(drop=True),
        worked=frozenset(stages.unique()),
    )


def _present_work(past: EventLog, here: pd.DataFrame) -> pd.DataFrame:
    """Work of the open visits; of an effort that was made again, the last time."""
    rows = past.efforts.dropna(subset=["visit"]).astype({"visit": "int64"})
    rows = rows.merge(here[_KEY], on=_KEY)
    began = rows["queued_at"].fillna(rows["started_at"])
    rows = rows.assign(began=began, running=rows["ended_at"].isna())
    rows = rows.sort_values(["lead_id", "running", "began"], kind="stable")
    kept = rows.drop_duplicates(["lead_id", "effort"], keep="last")
    return kept[["lead_id", "effort", "queued_at", "started_at", "ended_at"]]


def _deals(
    leads: pd.DataFrame,
    here: pd.DataFrame,
    times: pd.DataFrame,
    efforts: pd.DataFrame,
    marks: pd.DataFrame,
) -> pd.DataFrame:
    """One row per open deal."""
    columns = ["lead_id", "customer_id", "funnel", "source", "product", "segment", "arrived_at"]
    deals = leads[columns].assign(value=_value(leads, marks))
    deals = deals.merge(
        here[["lead_id", "stage", "visit", "entered_at", "ready_at", "owner"]], on="lead_id"
    )
    deals = deals.merge(times.rename(columns={"times": "nth"}), on=["lead_id", "stage"])
    begun = efforts["started_at"].notna()
    running = efforts["ended_at"].isna()
    rank = np.select([running & begun, running], [2, 1], 0)
    order = efforts.assign(rank=rank, last=efforts["ended_at"]).sort_values(
        ["lead_id", "rank", "last"], kind="stable"
    )
    present = order.drop_duplicates("lead_id", keep="last").set_index("lead_id")
    present = present.reindex(deals["lead_id"]).reset_index(drop=True)
    waits = (efforts["started_at"] - efforts["queued_at"]).dropna()
    micros = waits.astype("timedelta64[us]").astype("int64").clip(lower=0)
    waited = micros.groupby(efforts["lead_id"].loc[micros.index]).sum()
    ended = deals["ready_at"].notna() | present["effort"].notna()
    phase = np.select(
        [present["rank"] == 2, present["rank"] == 1, ended],  # noqa: PLR2004 - as above
        ["working", "queued", "after"],
        "before",
    )
    deals = deals.assign(
        phase=phase,
        effort=present["effort"],
        queued_at=present["queued_at"],
        started_at=present["started_at"],
        effort_ended_at=present["ended_at"],
        waited=waited.reindex(deals["lead_id"]).fillna(0).astype("int64").to_numpy(),
    )
    return deals[_COLUMNS].sort_values("lead_id", ignore_index=True)


def _rows(table: pd.DataFrame) -> Sequence[Any]:
    """The rows of a table; instants in microseconds."""
    plain = table.astype(object)
    for name in table.select_dtypes("datetimetz").columns:
        local = table[name].dt.as_unit("us").dt.tz_localize(None)
        plain[name] = local.to_numpy().view("int64")
    return list(plain.itertuples(index=False))


def _value(leads: pd.DataFrame, marks: pd.DataFrame) -> pd.Series:
    """What each deal is worth, as far as is known: an attribute, or its latest mark with one."""
    valued = marks.dropna(subset=["value"]).sort_values("at", kind="stable")
    value = leads["lead_id"].map(valued.groupby("lead_id")["value"].last())
    for name in _VALUES:
        if name in leads and pd.api.types.is_numeric_dtype(leads[name]):
            value = leads[name].round().where(leads[name].notna(), value)
    return value.astype("Float64").round().astype("Int64")
