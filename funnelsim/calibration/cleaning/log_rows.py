"""Cleaned deals, marks and work → the rows of leads, marks and efforts of an event log."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.cleaning import Clean
from funnelsim.calibration.cleaning.ledger import Ledger
from funnelsim.calibration.cleaning.stage_list import StageList
from funnelsim.calibration.raw import RAW_SCHEMA, RawMetadata
from funnelsim.events.schema import TIME

__all__ = ["effort_rows", "lead_rows", "mark_rows", "with_ready"]

OWN: Final = ("customer_id", "funnel", "source", "product", "segment")
KEPT: Final = ("expected_close_at",)  # columns of deals that a log keeps as attributes
DEFAULT_TEAM: Final = "sales"


def lead_rows(
    clean: Clean,
    visits: pd.DataFrame,
    meta: RawMetadata,
    start: pd.Timestamp,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the leads with their attributes, the value of the deal among them (amount).

    Parameters
    ----------
    clean : Clean
        The cleaned history.
    visits : pandas.DataFrame
        From `visits_of`.
    meta : RawMetadata
        What the reader knows.
    start : pandas.Timestamp
        When recording began; who arrived earlier and was still there is seen from then on.
    ledger : Ledger
        Gets an entry for deals that began earlier.

    Returns
    -------
    pandas.DataFrame
        Columns of ``leads``, and attributes.
    """
    deals = clean.deals
    leads = deals[["deal_id", *OWN, "arrived_at"]].rename(columns={"deal_id": "lead_id"})
    ended = visits[visits["exit"] == "ended"].set_index("lead")["left_at"].reindex(deals.index)
    early = (deals["arrived_at"] < start) & ~(ended < start)
    ledger.add("left_truncation", deals[early], len(deals))
    seen = pd.Series(start, index=deals.index, dtype=TIME).where(early)
    leads = leads.assign(observed_from=seen)
    taken = {*RAW_SCHEMA["deals"], "arrived_at", "lead", "lead_id", "observed_from", "replication"}
    extra = [str(name) for name in deals.columns if name not in taken]
    for name in (*KEPT, *extra):
        if deals[name].notna().any():
            leads[name] = deals[name]
    worth = any(stage.value for stage in meta.stages)
    if deals["value"].notna().any() and not worth and "amount" not in leads:
        leads["amount"] = deals["value"]
    return leads


def mark_rows(
    clean: Clean, visits: pd.DataFrame, stages: StageList, meta: RawMetadata, ledger: Ledger
) -> pd.DataFrame:
    """Return a mark for every closing, and the marks that the CRM recorded.

    Parameters
    ----------
    clean : Clean
        The cleaned history.
    visits : pandas.DataFrame
        From `visits_of`.
    stages : StageList
        Say what closes a deal, why, and what a win is worth.
    meta : RawMetadata
        Names the currency.
    ledger : Ledger
        Gets an entry for what was moved or left out.

    Returns
    -------
    pandas.DataFrame
        Columns of ``marks``.
    """
    closings = _closings(clean, visits, stages, ledger)
    marks = ledger.split(
        "undated_marks", clean.marks, clean.marks["at"].isna() | clean.marks["kind"].isna()
    )
    marks = ledger.split("future_marks", marks, marks["at"] > clean.until).reset_index(drop=True)
    arrived = clean.deals["arrived_at"].take(marks["lead"].to_numpy()).reset_index(drop=True)
    early = marks["at"] < arrived
    ledger.add("early_marks", marks[early], len(marks))
    marks = marks.assign(at=marks["at"].mask(early, arrived))
    set_ = pd.DataFrame(
        {
            "lead_id": marks["deal_id"],
            "visit": _visit_at(marks, marks["at"], visits),
            **{name: marks[name] for name in ("at", "kind", "reason", "value", "cost", "currency")},
        }
    )
    parts = [part for part in (closings, set_) if len(part)] or [closings]
    result = pd.concat(parts, ignore_index=True)
    result = result.drop_duplicates(["lead_id", "at", "kind"]) if len(set_) else result
    money = result["value"].notna() | result["cost"].notna()
    currency = result["currency"].fillna(meta.currency or None)
    return result.assign(currency=currency.where(money)).reset_index(drop=True)


def effort_rows(clean: Clean, visits: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Return the pieces of work that are possible.

    Parameters
    ----------
    clean : Clean
        The cleaned history.
    visits : pandas.DataFrame
        From `visits_of`.
    ledger : Ledger
        Gets an entry for what was repaired or left out.

    Returns
    -------
    pandas.DataFrame
        Columns of ``efforts``.
    """
    work, until = clean.efforts, clean.until
    times = ["queued_at", "started_at", "ended_at"]
    late = work["started_at"] < work["queued_at"]
    ledger.add("queued_after_start", work[late], len(work))
    work = work.assign(queued_at=work["queued_at"].mask(late))
    first = work["queued_at"].fillna(work["started_at"])
    ends = work["ended_at"] < work["started_at"].fillna(work["queued_at"])
    work = ledger.split("impossible_work", work, ends | first.isna())
    ahead = pd.DataFrame({name: work[name] > until for name in times})
    ledger.add("future_work", work[ahead.any(axis=1)], len(work))
    work = work.assign(**{name: work[name].mask(ahead[name]) for name in times})
    first = work["queued_at"].fillna(work["started_at"])
    work = work[first.notna()].reset_index(drop=True)
    first = first.dropna().reset_index(drop=True)
    teamless = work["team"].isna()
    ledger.add("teamless_work", work[teamless], len(work))
    closed = visits[visits["exit"] == "ended"].set_index("lead")["left_at"]
    closed_at = closed.reindex(work["lead"]).set_axis(work.index)
    waiting = work["started_at"].isna() & work["ended_at"].isna()
    given_up = waiting & (work["queued_at"] <= closed_at)
    ledger.add("given_up", work[given_up], len(work))
    return pd.DataFrame(
        {
            "lead_id": work["deal_id"],
            "visit": _visit_at(work, first, visits),
            "effort": work["effort"].fillna("work"),
            "team": work["team"].fillna(DEFAULT_TEAM),
            "worker": work["worker"],
            "queued_at": work["queued_at"],
            "started_at": work["started_at"],
            "ended_at": work["ended_at"].mask(given_up, closed_at),
        }
    )


def with_ready(visits: pd.DataFrame, efforts: pd.DataFrame) -> pd.DataFrame:
    """Add when the first work of each visit began to wait, or began.

    Parameters
    ----------
    visits, efforts : pandas.DataFrame
        Rows of the log.

    Returns
    -------
    pandas.DataFrame
        The visits with ``ready_at``.
    """
    keys = ["lead_id", "visit"]
    if not len(efforts):
        return visits.assign(ready_at=pd.Series(None, index=visits.index, dtype=TIME))
    began = efforts["queued_at"].fillna(efforts["started_at"])
    work = efforts[keys].assign(ready_at=began).dropna(subset=["visit"]).astype({"visit": "int64"})
    ready = work.groupby(keys, as_index=False)["ready_at"].min()
    joined = visits.merge(ready, on=keys, how="left")
    ready_at = joined["ready_at"].mask(joined["ready_at"] > joined["left_at"])
    return joined.assign(ready_at=ready_at)


def _closings(
    clean: Clean, visits: pd.DataFrame, stages: StageList, ledger: Ledger
) -> pd.DataFrame:
    """Return a mark for every entry of a stage that wins or loses."""
    by_id = {stage.id: stage for stage in stages.stages if stage.outcome}
    needed = ["lead", "lead_id", "visit", "stage", "entered_at", "exit"]
    closing = visits.loc[visits["stage"].isin(list(by_id)), needed]
    ledger.add("reopened", _named(closing[closing["exit"] == "moved"], clean), len(closing))
    worth = {str(stage.value) for stage in by_id.values() if stage.value in clean.deals}
    told = clean.deals[["value", "reason", "currency", *sorted(worth - {"value"})]]
    deals = told.take(closing["lead"].to_numpy()).set_axis(closing.index)
    kind = closing["stage"].map({name: stage.outcome for name, stage in by_id.items()})
    reason = closing["stage"].map({name: s.reason or None for name, s in by_id.items()})
    value = deals["value"].where(kind == "won")
    for name, stage in by_id.items():
        if stage.value is not None and stage.value in deals:
            value = value.mask(closing["stage"] == name, deals[stage.value].astype("Int64"))
    lost = deals["reason"].where(kind == "lost")
    return pd.DataFrame(
        {
            "lead_id": closing["lead_id"],
            "visit": closing["visit"].astype("Int64"),
            "at": closing["entered_at"],
            "kind": kind.astype("str"),
            "reason": lost.fillna(reason.astype("str")),
            "value": value.astype("Int64"),
            "cost": pd.Series(pd.NA, index=closing.index, dtype="Int64"),
            "currency": deals["currency"],
        }
    )


def _named(visits: pd.DataFrame, clean: Clean) -> pd.DataFrame:
    """Return the deals of some visits, to be shown as examples."""
    return clean.deals.take(visits["lead"].to_numpy())


def _visit_at(rows: pd.DataFrame, at: pd.Series, visits: pd.DataFrame) -> pd.Series:
    """Return the visit during which something happened; empty before the first and after the end.

    At the very instant of a move the order of the rows decides if both stand in one file;
    else what happens belongs to the visit that begins.
    """
    if not len(rows):
        return pd.Series(index=rows.index, dtype="Int64")
    same_file = rows["file"].isin(visits["file"].unique()).to_numpy()
    order = np.lexsort(
        (
            np.r_[visits["row"], np.where(same_file, rows["row"], np.iinfo(np.int64).max)],
            np.r_[_ticks(visits["entered_at"]), _ticks(at)],
            np.r_[visits["lead"], rows["lead"]],
        )
    )
    is_visit = order < len(visits)
    latest = np.maximum.accumulate(np.where(is_visit, np.arange(len(order)), -1))
    found = np.full(len(rows), -1)
    found[order[~is_visit] - len(visits)] = np.append(order, -1)[latest[~is_visit]]
    mine = np.append(visits["lead"], -1)[found] == rows["lead"].to_numpy()
    over = np.append((visits["exit"] == "ended").to_numpy(), False)[found]
    number = np.append(visits["visit"], 0)[found]
    return pd.Series(number, index=rows.index).where(mine & ~over).astype("Int64")


def _ticks(times: pd.Series) -> np.ndarray:
    """Return times as microseconds since the epoch, UTC."""
    return times.to_numpy(dtype="datetime64[us]").view(np.int64)
