"""Zoho CRM: one CSV of deals with the present stage."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.exports.cells import chances, closing_dates, day_of, stage_names
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import csv_bytes, money, stamps
from funnelsim.streams import hash_id

__all__ = ["ZOHO"]

HEADER = (
    "Record Id|Deal Owner.id|Deal Owner|Deal Name|Account Name.id|Account Name|Contact Name.id|"
    "Contact Name|Sub-Pipeline|Amount|Stage|Closing Date|Description|Created By.id|Created By|"
    "Modified By.id|Modified By|Created Time|Modified Time|Last Activity Time|Pipeline.id|"
    "Pipeline|Lead Source|Probability (%)|Expected Revenue|Overall Sales Duration|"
    "Sales Cycle Duration|Reason For Loss|Locked|Currency|Product|Segment"
)
TIMES = "%Y-%m-%d %H:%M:%S"


def record_id(kind: int, number: int) -> str:
    """Return an id as Zoho writes it.

    Examples
    --------
    >>> record_id(3, 7)
    'zcrm_5300000000000300007'
    """
    return f"zcrm_{53 * 10**17 + kind * 10**5 + number}"


def write(state: State) -> Mapping[str, bytes]:
    """Return the file."""
    deals, zone = state.deals, state.book.time_zone
    odd = deals["odd_dates"]
    people = {name: record_id(1, hash_id(name) % 9000) for name in deals["owner"].dropna().unique()}
    user = deals["owner"].map(people)
    changed = deals["stage_since"].fillna(deals["shown_created_at"])
    modified = stamps(changed, TIMES, zone, odd=odd)
    columns = {
        "Record Id": deals["deal_id"],
        "Deal Owner.id": user,
        "Deal Owner": deals["owner"],
        "Deal Name": deals["title"],
        "Account Name.id": [record_id(4_000_000, n) for n in deals["customer_number"]],
        "Account Name": deals["customer"],
        "Contact Name.id": [record_id(5_000_000, n) for n in deals["customer_number"]],
        "Contact Name": deals["contact"],
        "Amount": money(deals["value"], state.book.currency),
        "Stage": stage_names(state, deals["stage"]),
        "Closing Date": closing_dates(state, "%Y-%m-%d"),
        "Created By.id": user,
        "Created By": deals["owner"],
        "Modified By.id": user,
        "Modified By": deals["owner"],
        "Created Time": stamps(deals["shown_created_at"], TIMES, zone, odd=odd),
        "Modified Time": modified,
        "Last Activity Time": modified,
        "Pipeline": deals["funnel"],
        "Lead Source": deals["source"],
        "Probability (%)": (100 * chances(state)).map("{:g}".format),
        "Reason For Loss": deals["reason"].where(deals["status"] == "lost"),
        "Locked": "false",
        "Currency": deals["currency"],
        "Product": deals["product"],
        "Segment": deals["segment"],
    }
    frame = pd.DataFrame(columns, index=deals.index).reindex(columns=HEADER.split("|"))
    return {f"Deals_{day_of(state).replace('-', '_')}.csv": csv_bytes(frame)}


ZOHO = CrmFormat(
    id="zoho",
    label="Zoho CRM",
    holds=Holds(history="snapshot", times="seconds", closed="days"),
    deal_id=lambda number: record_id(6_000_000, number),
    closed={"won": "Closed Won", "lost": "Closed Lost"},
    write=write,
)
