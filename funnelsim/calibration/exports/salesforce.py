"""Salesforce: the weekly data export of opportunities and both their histories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.exports.cells import chances, closing_dates, day_of, stage_names
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import csv_bytes, money, stamps
from funnelsim.streams import hash_id

__all__ = ["SALESFORCE"]

TIMES = "%Y-%m-%d %H:%M:%S"
OPPORTUNITY = (
    "Id IsDeleted AccountId IsPrivate Name Description StageName StageSortOrder Amount "
    "Probability ExpectedRevenue TotalOpportunityQuantity CloseDate Type NextStep LeadSource "
    "IsClosed IsWon ForecastCategory ForecastCategoryName CurrencyIsoCode CampaignId "
    "HasOpportunityLineItem Pricebook2Id OwnerId Territory2Id IsExcludedFromTerritory2Filter "
    "CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp LastActivityDate "
    "LastStageChangeDate FiscalYear FiscalQuarter ContactId PrimaryPartnerAccountId SyncedQuoteId "
    "ContractId LastAmountChangedHistoryId LastCloseDateChangedHistoryId "
    "Segment__c Product__c Loss_Reason__c"
)
HISTORY = (
    "Id OpportunityId CreatedById CreatedDate CreatedDateForInsert StageName Amount "
    "ExpectedRevenue CloseDate Probability FromForecastCategory ForecastCategory "
    "PrevForecastUpdate FromOpportunityStageName PrevOpportunityStageUpdate CurrencyIsoCode "
    "ValidThroughDate SystemModstamp IsDeleted PrevAmount PrevCloseDate"
)
FIELDS = "Id IsDeleted OpportunityId CreatedById CreatedDate Field DataType OldValue NewValue"
TOUCHED = 4
"""One visit in so many has its amount edited midway: a row of history without a move."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def record_id(prefix: str, number: int) -> str:
    """Return an id of 18 characters.

    Examples
    --------
    >>> record_id("006", 36)
    '0065g0000000010AAA'
    """
    text = ""
    for _ in range(7):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return f"{prefix}5g000{text}AAA"


def write(state: State) -> Mapping[str, bytes]:
    """Return three files, in the encoding of Western Europe where that has the letters."""
    day = day_of(state)
    files = {
        "Opportunity": _opportunities(state),
        "OpportunityHistory": _history(state),
        "OpportunityFieldHistory": _fields(state),
    }
    return {
        f"{name}_{day}.csv": csv_bytes(frame, encoding="latin-1", quote_all=True)
        for name, frame in files.items()
    }


def _user(owners: pd.Series) -> pd.Series:
    """Return the ids of owners."""
    return owners.map(
        {name: record_id("005", hash_id(name) % 10**9) for name in owners.dropna().unique()}
    )


def _opportunities(state: State) -> pd.DataFrame:
    """Return the deals as they stand."""
    deals = state.deals
    odd = deals["odd_dates"]
    amount = money(deals["value"], state.book.currency)
    closed = deals["status"] != "open"
    order = {stage.id: str(n + 1) for n, stage in enumerate(state.book.stages)}
    created = stamps(deals["shown_created_at"], TIMES, "UTC", odd=odd)
    changed = deals["stage_since"].fillna(deals["shown_created_at"])
    modified = stamps(changed, TIMES, "UTC", odd=odd)
    forecast = np.where(
        deals["status"] == "lost", "Omitted", np.where(closed, "Closed", "Pipeline")
    )
    user = _user(deals["owner"])
    columns = {
        "Id": deals["deal_id"],
        "IsDeleted": "0",
        "AccountId": [record_id("001", number) for number in deals["customer_number"]],
        "IsPrivate": "0",
        "Name": deals["title"],
        "StageName": stage_names(state, deals["stage"]),
        "StageSortOrder": deals["stage"].map(order),
        "Amount": amount,
        "Probability": (100 * chances(state)).map("{:g}".format),
        "CloseDate": closing_dates(state, "%Y-%m-%d"),
        "Type": "New Business",
        "LeadSource": deals["source"],
        "IsClosed": closed.astype("int64").astype("str"),
        "IsWon": (deals["status"] == "won").astype("int64").astype("str"),
        "ForecastCategory": forecast,
        "ForecastCategoryName": forecast,
        "CurrencyIsoCode": deals["currency"],
        "HasOpportunityLineItem": "0",
        "OwnerId": user,
        "IsExcludedFromTerritory2Filter": "0",
        "CreatedDate": created,
        "CreatedById": user,
        "LastModifiedDate": modified,
        "LastModifiedById": user,
        "SystemModstamp": modified,
        "LastStageChangeDate": modified,
        "ContactId": [record_id("003", number) for number in deals["customer_number"]],
        "Segment__c": deals["segment"],
        "Product__c": deals["product"],
        "Loss_Reason__c": deals["reason"].where(deals["status"] == "lost"),
    }
    return pd.DataFrame(columns, index=deals.index).reindex(columns=OPPORTUNITY.split())


def _entries(state: State) -> pd.DataFrame:
    """Return the moves with names, and what their deals are worth."""
    deals = state.deals.drop_duplicates("deal_id").set_index("deal_id")
    moves = state.moves[state.moves["deal_id"].isin(deals.index)]
    names = state.book.names()
    key = moves["deal_id"]
    return moves.assign(
        name=moves["stage"].map(names),
        from_name=moves["from_stage"].map(names),
        amount=money(deals["value"].reindex(key).set_axis(moves.index), state.book.currency),
        currency=deals["currency"].reindex(key).to_numpy(),
        user=_user(moves["by"]),
        edited=False,
    )


def _edits(entries: pd.DataFrame) -> pd.DataFrame:
    """Return edits of the amount midway through some visits."""
    some = [hash_id(f"edit/{key}") % TOUCHED == 0 for key in entries["deal_id"]]
    visits = entries[np.array(some, dtype=bool) & entries["until"].notna().to_numpy()]
    visits = visits[visits["until"] > visits["shown_at"]]
    midway = visits["shown_at"] + (visits["until"] - visits["shown_at"]) / 2
    return visits.assign(shown_at=midway, from_name=visits["name"], edited=True)


def _history(state: State) -> pd.DataFrame:
    """Return one row per change of stage or amount, in order of time within a deal."""
    entries = _entries(state)
    rows = pd.concat([entries, _edits(entries)]).sort_index(kind="stable").reset_index(drop=True)
    at = stamps(rows["shown_at"], TIMES, "UTC")
    following = rows.groupby("deal_id", sort=False)["shown_at"].shift(-1)
    columns = {
        "Id": [record_id("008", n + 1) for n in range(len(rows))],
        "OpportunityId": rows["deal_id"],
        "CreatedById": rows["user"],
        "CreatedDate": at,
        "StageName": rows["name"],
        "Amount": rows["amount"],
        "FromOpportunityStageName": rows["from_name"],
        "CurrencyIsoCode": rows["currency"],
        "ValidThroughDate": stamps(following, TIMES, "UTC"),
        "SystemModstamp": at,
        "IsDeleted": "0",
    }
    return pd.DataFrame(columns, index=rows.index).reindex(columns=HISTORY.split())


def _fields(state: State) -> pd.DataFrame:
    """Return the tracked changes: the creation, then every change of stage."""
    rows = _entries(state)
    first = rows["from_name"].isna()
    columns = {
        "Id": [record_id("017", n + 1) for n in range(len(rows))],
        "IsDeleted": "0",
        "OpportunityId": rows["deal_id"],
        "CreatedById": rows["user"],
        "CreatedDate": stamps(rows["shown_at"], TIMES, "UTC"),
        "Field": np.where(first, "created", "StageName"),
        "DataType": np.where(first, "", "DynamicEnum"),
        "OldValue": rows["from_name"],
        "NewValue": rows["name"].where(~first),
    }
    return pd.DataFrame(columns, index=rows.index)[FIELDS.split()]


SALESFORCE = CrmFormat(
    id="salesforce",
    label="Salesforce",
    holds=Holds(history="full", times="seconds", closed="seconds", zone="UTC"),
    deal_id=lambda number: record_id("006", 37 * number),
    closed={"won": "Closed Won", "lost": "Closed Lost"},
    write=write,
)
