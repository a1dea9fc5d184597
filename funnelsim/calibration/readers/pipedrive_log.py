"""Pipedrive's long log of changes, one row per change of a field → deals and moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from funnelsim.calibration.readers.amounts import amounts, currency_code
from funnelsim.calibration.readers.formats import Names, column_of
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.text_tables import TextTable

__all__ = ["CHANGES", "CLOSING", "logged"]

DEAL = ("deal_id", "object_id", "item_id")
TIME = ("change_time", "log_time", "timestamp", "time")
KEY = ("changed_field_key", "field_key", "field")
VALUE = ("new_value",)
USER = ("changed_by", "changed_by_user_id", "change_user_id")
CHANGES = (DEAL, TIME, KEY, VALUE)

# what a change sets → how Pipedrive calls the field
FIELDS: Mapping[str, Names] = {
    "created_at": ("add_time",),
    "owner": ("user_id", "owner_id"),
    "stage": ("stage_id", "stage"),
    "status": ("status",),
    "reason": ("lost_reason",),
    "value": ("value",),
    "currency": ("currency",),
    "funnel": ("pipeline_id", "pipeline"),
    "expected_close_at": ("expected_close_date",),
    "customer_id": ("org_id", "person_id"),
    "source": ("channel", "source_name", "source"),
    "segment": ("label",),
    "product": ("product_id", "product"),
}
CLOSING: Mapping[Literal["won", "lost"], str] = {"won": "Won", "lost": "Lost"}
"""Names of the stages that stand for a status: Pipedrive closes deals without moving them."""

# kind of note → what was found, what was done
SENTENCES = {
    "other_fields": ("Changes of other fields", "They are left out."),
    "inferred_losses": (
        "Deals with a reason for their loss, in a log without changes of status",
        "They count as lost when the reason was given; wins are not in the log.",
    ),
}


def logged(
    table: TextTable,
    moments: Moments,
    names: Mapping[str, str],
    reasons: Mapping[str, str],
    currency: str | None,
) -> tuple[pd.DataFrame, pd.DataFrame, list[Note]]:
    """Return the deals as the log leaves them, and every move that it records.

    Parameters
    ----------
    table : TextTable
        With the columns `CHANGES`.
    moments : Moments
        Reads the times.
    names : mapping of str to str
        Names of the stages by their number.
    reasons : mapping of str to str
        Reasons of losses by their number.
    currency : str or None
        Of amounts whose currency is not in the log.

    Returns
    -------
    tuple of pandas.DataFrame, pandas.DataFrame and list of Note
        Columns of ``deals`` and of ``moves`` as in `RAW_SCHEMA`. Winning, losing and
        reopening a deal are moves, too.

    Examples
    --------
    >>> from funnelsim.calibration.readers.formats import Options
    >>> rows = [("add_time", "2024-02-01"), ("stage_id", "1"), ("status", "won")]
    >>> frame = pd.DataFrame(rows, columns=["changed_field_key", "new_value"], dtype="str")
    >>> frame = frame.assign(deal_id="5", change_time="2024-02-02T09:00Z")
    >>> table = TextTable("x.csv", frame, np.arange(2, 5), "")
    >>> deals, moves, _ = logged(table, Moments(Options()), {"1": "Offer"}, {}, None)
    >>> moves["stage"].tolist(), deals[["stage", "status"]].to_dict("list")
    (['Offer', 'Won'], {'stage': ['Offer'], 'status': ['won']})
    """
    changes, ids, notes = _changes(table, moments)
    entries = _entries(changes.get("stage"), names)
    moves, lost = _moves(entries, changes.get("status"), changes.get("reason"))
    if lost:
        notes.append(Note("inferred_losses", lost, *SENTENCES["inferred_losses"]))
    deals = _deals(table, changes, len(ids), moments, currency)
    deals["deal_id"] = ids
    last = entries.drop_duplicates("deal", keep="last").set_index("deal")
    deals["stage"] = last["stage"].reindex(deals.index)
    deals["stage_since"] = last["at"].reindex(deals.index)
    ending = moves.drop_duplicates("deal", keep="last").set_index("deal").reindex(deals.index)
    outcome = ending["outcome"]
    told = "status" in changes
    deals["status"] = outcome.where(outcome != "", "open" if told else None).astype("str")
    deals["closed_at"] = ending["at"].where(outcome.isin(list(CLOSING)))
    reason = deals["reason"].map(lambda text: reasons.get(text, text), na_action="ignore")
    deals["reason"] = reason.where(deals["status"] == "lost")
    moves["deal_id"] = ids.take(moves["deal"].to_numpy()).array
    moves["row"] = table.lines[moves["row"]]
    return deals, moves.drop(columns=["deal", "outcome"]), notes


def _changes(
    table: TextTable, moments: Moments
) -> tuple[dict[str, pd.DataFrame], pd.Index, list[Note]]:
    """Return the changes of each field by deal and time, and the deals' ids."""
    deal, key, value = (column_of(table, names) for names in (DEAL, KEY, VALUE))
    user = column_of(table, USER)
    at = moments.of(table, TIME)
    codes, ids = pd.factorize(table.frame[deal])
    spelled, words = pd.factorize(table.frame[key])
    known = {name: field for field, names in FIELDS.items() for name in names}
    fields = [known.get(str(word).strip().casefold(), "") for word in words]
    found: dict[str, pd.DataFrame] = {}
    for field in sorted(set(fields) - {""}):
        mine = np.isin(spelled, [n for n, name in enumerate(fields) if name == field])
        rows = np.flatnonzero(mine & (codes >= 0))
        columns = {"deal": codes[rows], "at": at.iloc[rows].array, "row": rows}
        columns["value"] = table.frame[value].iloc[rows].array
        if user:
            columns["by"] = table.frame[user].iloc[rows].array
        changes = pd.DataFrame(columns)
        found[field] = changes.sort_values(["deal", "at", "row"], ignore_index=True)
    other = len(codes) - sum(len(changes) for changes in found.values())
    notes = [Note("other_fields", other, *SENTENCES["other_fields"])] if other else []
    return found, pd.Index(ids), notes


def _entries(changes: pd.DataFrame | None, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the entries of stages, with the stage's name."""
    if changes is None:
        changes = pd.DataFrame({"deal": [], "at": pd.to_datetime([], utc=True), "row": []})
        changes = changes.astype({"deal": "int64", "row": "int64"}).assign(value="")
    codes, numbers = pd.factorize(changes["value"])
    called = [names.get(str(number), str(number)) for number in numbers]
    stage = pd.Series([*called, None], dtype="str").take(codes).reset_index(drop=True)
    return changes.drop(columns="value").assign(stage=stage, outcome="")


def _moves(
    entries: pd.DataFrame, status: pd.DataFrame | None, reason: pd.DataFrame | None
) -> tuple[pd.DataFrame, int]:
    """Return entries of stages and closings in order, and how many losses were inferred."""
    inferred = 0
    if status is None:
        given = reason.dropna(subset=["value"]) if reason is not None else None
        if given is None or given.empty:
            return entries.copy(), 0
        status = given.drop_duplicates("deal", keep="last").assign(value="lost")
        inferred = len(status)
    word = status["value"].str.strip().str.casefold()
    closings = status.drop(columns="value").assign(outcome=word, stage=word.map(CLOSING))
    closings = closings[closings["outcome"].isin([*CLOSING, "open"])]
    moves = pd.concat([entries, closings], ignore_index=True)
    moves = moves.sort_values(["deal", "at", "row"], ignore_index=True)
    return _reopened(moves), inferred


def _reopened(moves: pd.DataFrame) -> pd.DataFrame:
    """Let a deal that is opened again go back to the stage in which it was; drop other openings."""
    opening = moves["outcome"] == "open"
    if not opening.any():
        return moves
    some = moves[moves["deal"].isin(moves.loc[opening, "deal"])]
    entered = some["outcome"] == ""
    inside = some["stage"].where(entered).groupby(some["deal"]).ffill()
    state = some["outcome"].mask(entered).groupby(some["deal"]).ffill()
    before = state.groupby(some["deal"]).shift()
    together = entered.groupby([some["deal"], some["at"]], dropna=False).transform("any")
    again = (some["outcome"] == "open") & before.isin(list(CLOSING)) & inside.notna() & ~together
    rows = some.index[again]
    moves.loc[rows, "stage"] = inside[rows]
    moves["outcome"] = moves["outcome"].mask(opening, "")
    opening[rows] = False
    return moves[~opening].reset_index(drop=True)


def _deals(
    table: TextTable,
    changes: Mapping[str, pd.DataFrame],
    count: int,
    moments: Moments,
    currency: str | None,
) -> pd.DataFrame:
    """Return what the last change of each field says about each deal."""
    deals = pd.DataFrame(index=pd.RangeIndex(count))
    first = np.full(count, len(table.frame))
    for field, rows in changes.items():
        np.minimum.at(first, rows["deal"].to_numpy(), rows["row"].to_numpy())
        if field in ("stage", "status"):
            continue
        repeated = rows.duplicated("deal", keep="first" if field == "created_at" else "last")
        one = rows[~repeated].set_index("deal")
        if field in ("created_at", "expected_close_at"):
            times = _times(table, one["value"].reindex(deals.index), moments)
            deals[field] = times.fillna(one["at"]) if field == "created_at" else times
        else:
            deals[field] = one["value"].reindex(deals.index)
    if "value" in deals:
        own = deals["currency"] if "currency" in deals else pd.Series(None, index=deals.index)
        deals["currency"] = own.map(currency_code).fillna(currency).astype("str")
        deals["value"] = amounts(deals["value"], deals["currency"])[0]
    if "reason" not in deals:
        deals["reason"] = pd.Series(None, index=deals.index, dtype="str")
    deals["row"] = table.lines[np.minimum(first, len(table.frame) - 1)]
    return deals


def _times(table: TextTable, values: pd.Series, moments: Moments) -> pd.Series:
    """Return times that stand among the new values."""
    frame = pd.DataFrame({"new_value": values})
    own = TextTable(table.name, frame, np.zeros(len(values), dtype=np.int64), "")
    return moments.of(own, VALUE)
