"""Dynamics 365: opportunities as a workbook with Excel's serial dates."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.exports.cells import EXPECTED, chances, day_of, untidied
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import local, money, stamps, xlsx_bytes
from funnelsim.streams import hash_id

__all__ = ["DYNAMICS365"]

HEADER = (
    "(Do Not Modify) Opportunity|(Do Not Modify) Row Checksum|(Do Not Modify) Modified On|Topic|"
    "Account|Contact|Pipeline Phase|Sales Stage|Status|Status Reason|Probability|"
    "Est. close date|Est. revenue|Actual Close Date|Actual Revenue|Budget amount|Currency|"
    "Created On|Created By|Owner|Lead Source|Product|Segment|Pipeline"
)


def write(state: State) -> Mapping[str, bytes]:
    """Return the file; won and lost are a status, so a lost deal keeps its phase."""
    deals, zone = state.deals, state.book.time_zone
    odd = deals["odd_dates"].to_numpy(dtype=bool)

    def at(times: pd.Series, unit: str = "s") -> pd.Series:
        here = local(times, zone, unit).astype("object")
        return here.mask(odd, stamps(times, "%m/%d/%Y %H:%M", zone)) if odd.any() else here

    value = pd.to_numeric(money(deals["value"], state.book.currency)).astype("object")
    won = deals["status"] == "won"
    names = untidied(deals["open_stage"].map(state.book.names()), deals["untidy"])
    reason = deals["reason"].where(deals["status"] == "lost")
    plain = deals["status"].map({"open": "In Progress", "won": "Won", "lost": "Canceled"})
    columns = {
        "(Do Not Modify) Opportunity": deals["deal_id"],
        "(Do Not Modify) Row Checksum": [f"{hash_id(key):016x}==" for key in deals["deal_id"]],
        "(Do Not Modify) Modified On": at(deals["stage_since"].fillna(deals["shown_created_at"])),
        "Topic": deals["title"],
        "Account": deals["customer"],
        "Contact": deals["contact"],
        "Pipeline Phase": names,
        "Sales Stage": names,
        "Status": deals["status"].str.capitalize(),
        "Status Reason": reason.fillna(plain),
        "Probability": (100 * chances(state)).round().astype("int64").astype("object"),
        "Est. close date": local(deals["created_at"] + EXPECTED, zone, "D").astype("object"),
        "Est. revenue": value,
        "Actual Close Date": at(deals["closed_at"], "D"),
        "Actual Revenue": value.where(won),
        "Currency": deals["currency"],
        "Created On": at(deals["shown_created_at"]),
        "Created By": deals["owner"],
        "Owner": deals["owner"],
        "Lead Source": deals["source"],
        "Product": deals["product"],
        "Segment": deals["segment"],
        "Pipeline": deals["funnel"],
    }
    frame = pd.DataFrame(columns, index=deals.index).reindex(columns=HEADER.split("|"))
    name = f"All Opportunities {day_of(state)}.xlsx"
    return {name: xlsx_bytes(frame, "Opportunities", "m/d/yyyy h:mm")}


DYNAMICS365 = CrmFormat(
    id="dynamics365",
    label="Dynamics 365",
    holds=Holds(history="snapshot", times="seconds", closed="days", closing_stages="status"),
    deal_id=lambda number: str(uuid.UUID(int=(hash_id(f"opportunity/{number}") << 64) + number)),
    closed=None,
    numbered=True,
    write=write,
)
