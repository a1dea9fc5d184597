"""HubSpot: deals in wide form, with the latest entry and exit of every stage."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.exports.cells import chances, closing_dates, day_of, stage_names
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import csv_bytes, money, stamps

__all__ = ["HUBSPOT"]

TIMES = "%Y-%m-%d %H:%M"
FIRST_CONTACT = 51_000


def write(state: State) -> Mapping[str, bytes]:
    """Return the file, every field in quotes."""
    deals, zone = state.deals, state.book.time_zone
    odd = deals["odd_dates"]
    amount = money(deals["value"], state.book.currency)
    changed = deals["stage_since"].fillna(deals["shown_created_at"])
    modified = stamps(changed, TIMES, zone, odd=odd)
    since = stamps(deals["stage_since"], TIMES, zone, odd=odd)
    columns = {
        "Record ID": deals["deal_id"],
        "Deal Name": deals["title"],
        "Pipeline": deals["funnel"],
        "Deal Stage": stage_names(state, deals["stage"]),
        "Amount": amount,
        "Currency": deals["currency"],
        "Amount in company currency": amount,
        "Close Date": closing_dates(state, "%Y-%m-%d 00:00").mask(
            deals["status"] != "open", stamps(deals["closed_at"], TIMES, zone, odd=odd)
        ),
        "Create Date": stamps(deals["shown_created_at"], TIMES, zone, odd=odd),
        "Deal owner": deals["owner"],
        "Deal Type": deals["segment"],
        "Closed Lost Reason": deals["reason"].where(deals["status"] == "lost"),
        "Closed Won Reason": deals["reason"].where(deals["status"] == "won"),
        "Last Activity Date": modified,
        "Deal probability": chances(state).map("{:g}".format),
        "Original Traffic Source": deals["source"],
        "Record source": "CRM UI",
        "Last Modified Date": modified,
        "Date entered current stage": since,
        **_stage_dates(state),
        "Associated Contact": deals["contact"],
        "Associated Contact IDs": (FIRST_CONTACT + deals["customer_number"]).astype("str"),
        "Product": deals["product"],
    }
    frame = pd.DataFrame(columns, index=deals.index)
    name = f"hubspot-crm-exports-all-deals-{day_of(state)}.csv"
    return {name: csv_bytes(frame, quote_all=True)}


def _stage_dates(state: State) -> dict[str, pd.Series]:
    """Return when each deal last entered and left each stage, by stage and pipeline."""
    deals, zone = state.deals, state.book.time_zone
    latest = state.moves.drop_duplicates(["deal_id", "stage"], keep="last")
    found: dict[str, pd.Series] = {}
    for pipeline in deals["funnel"].dropna().unique():
        mine = deals["funnel"] == pipeline
        for stage in state.book.stages:
            if stage.deleted:
                continue
            entries = latest[latest["stage"] == stage.id].set_index("deal_id")
            for word, column in (("entered", "shown_at"), ("exited", "until")):
                times = entries[column].reindex(deals["deal_id"])
                times = pd.Series(times.array, index=deals.index).where(mine)
                text = stamps(times, TIMES, zone, odd=deals["odd_dates"])
                found[f'Date {word} "{stage.name} ({pipeline})"'] = text
    return found


HUBSPOT = CrmFormat(
    id="hubspot",
    label="HubSpot",
    holds=Holds(history="latest_entry", times="minutes", closed="minutes"),
    deal_id=lambda number: str(9_100_000_000 + 31 * number),
    closed={"won": "Closed won", "lost": "Closed lost"},
    write=write,
)
