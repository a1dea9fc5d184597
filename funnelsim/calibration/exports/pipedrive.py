"""Pipedrive: deals as a workbook, the long log of changes, and the list of stages."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.exports.book import BookStage, State
from funnelsim.calibration.exports.cells import EXPECTED, chances, day_of, untidied
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import csv_bytes, local, stamps, xlsx_bytes
from funnelsim.calibration.exports.written import money as amounts
from funnelsim.streams import hash_id

__all__ = ["PIPEDRIVE"]

COLUMNS = (
    "ID|Title|Creator|Owner|Value|Currency of Value|Weighted value|Currency of Weighted value|"
    "Probability|Organization|Organization ID|Pipeline|Contact person|Contact person ID|Stage|"
    "Label|Status|Deal created|Update time|Last stage change|Next activity date|"
    "Last activity date|Won time|Last email received|Last email sent|Lost time|Deal closed on|"
    "Lost reason|Visible to|Total activities|Done activities|Activities to do|"
    "Email messages count|Expected close date|Product quantity|Product amount|Product name|"
    "Source origin|Source origin ID|Source channel|Source channel ID|Archive status|"
    "Archive time|Sequence enrollment"
)
TIMES = "%Y-%m-%d %H:%M:%S"
RANK = {"add_time": 0, "user_id": 1, "stage_id": 2, "status": 3, "lost_reason": 4}


def write(state: State) -> Mapping[str, bytes]:
    """Return three files; won and lost are no stages here, so a lost deal keeps its stage."""
    day = day_of(state)
    numbers = {stage.id: str(n) for n, stage in enumerate(_open_stages(state), start=1)}
    listed = [stage for stage in _open_stages(state) if not stage.deleted]
    stages = pd.DataFrame(
        {
            "stage_id": [numbers[stage.id] for stage in listed],
            "stage_name": [stage.name for stage in listed],
        }
    )
    return {
        f"deals-{day}.xlsx": xlsx_bytes(_deals(state), "Deals", "yyyy-mm-dd hh:mm:ss"),
        f"deal_changes-{day}.csv": csv_bytes(_changes(state, numbers)),
        f"stages-{day}.csv": csv_bytes(stages),
    }


def _open_stages(state: State) -> list[BookStage]:
    """Return the stages that do not close a deal."""
    return [stage for stage in state.book.stages if stage.outcome is None]


def _user(owners: pd.Series) -> pd.Series:
    """Return the numbers of owners."""
    return owners.map({name: str(hash_id(name) % 9000) for name in owners.dropna().unique()})


def _deals(state: State) -> pd.DataFrame:
    """Return the deals as they stand; times as Excel keeps them."""
    deals, zone = state.deals, state.book.time_zone
    odd = deals["odd_dates"].to_numpy(dtype=bool)

    def at(times: pd.Series, unit: str = "s") -> pd.Series:
        here = local(times, zone, unit).astype("object")
        return here.mask(odd, stamps(times, "%m/%d/%Y %H:%M", zone)) if odd.any() else here

    value = pd.to_numeric(amounts(deals["value"], state.book.currency)).astype("object")
    names = untidied(deals["open_stage"].map(state.book.names()), deals["untidy"])
    won, lost = deals["status"] == "won", deals["status"] == "lost"
    expected = (deals["created_at"] + EXPECTED).where(deals["status"] == "open")
    columns = {
        "ID": pd.to_numeric(deals["deal_id"]).astype("object"),
        "Title": deals["title"],
        "Creator": deals["owner"],
        "Owner": deals["owner"],
        "Value": value,
        "Currency of Value": deals["currency"],
        "Probability": (100 * chances(state)).round().astype("int64").astype("object"),
        "Organization": deals["customer"],
        "Organization ID": deals["customer_number"].astype("object"),
        "Pipeline": deals["funnel"],
        "Contact person": deals["contact"],
        "Contact person ID": deals["customer_number"].astype("object"),
        "Stage": names,
        "Label": deals["segment"],
        "Status": deals["status"].str.capitalize(),
        "Deal created": at(deals["shown_created_at"]),
        "Update time": at(deals["stage_since"].fillna(deals["shown_created_at"])),
        "Last stage change": at(deals["open_since"]),
        "Won time": at(deals["closed_at"].where(won)),
        "Lost time": at(deals["closed_at"].where(lost)),
        "Deal closed on": at(deals["closed_at"]),
        "Lost reason": deals["reason"].where(lost),
        "Expected close date": local(expected, zone, "D").astype("object"),
        "Product name": deals["product"],
        "Source channel": deals["source"],
        "Archive status": "Not archived",
    }
    frame = pd.DataFrame(columns, index=deals.index).reindex(columns=COLUMNS.split("|"))
    return frame.rename(columns={name: f"Deal - {name}" for name in frame.columns})


def _changes(state: State, numbers: Mapping[str, str]) -> pd.DataFrame:
    """Return every change, in order of time within a deal."""
    zone, book = state.book.time_zone, state.book
    deals = state.deals.drop_duplicates("deal_id")
    moves = state.moves[state.moves["deal_id"].isin(deals["deal_id"])]
    closing = moves["stage"].isin(list(book.outcomes()))
    closings = moves[closing]
    entries = moves[~closing]
    created = deals["shown_created_at"]
    lost = closings[closings["reason"].notna() & (closings["stage"].map(book.outcomes()) == "lost")]
    # a deal that is reopened goes back to open
    again = entries[entries["from_stage"].isin(list(book.outcomes()))]
    parts = [
        _part(deals["deal_id"], created, "add_time", stamps(created, "%Y-%m-%dT%H:%M:%S", zone)),
        _part(deals["deal_id"], created, "user_id", _user(deals["owner"])),
        _part(entries["deal_id"], entries["shown_at"], "stage_id", entries["stage"].map(numbers)),
        _part(again["deal_id"], again["shown_at"], "status", "open"),
        _part(
            closings["deal_id"],
            closings["shown_at"],
            "status",
            closings["stage"].map(book.outcomes()),
        ),
        _part(lost["deal_id"], lost["shown_at"], "lost_reason", lost["reason"]),
    ]
    rows = pd.concat(parts).dropna(subset=["new_value"])
    order = {key: n for n, key in enumerate(deals["deal_id"])}
    rows = rows.assign(
        deal=rows["deal_id"].map(order), rank=rows["changed_field_key"].map(RANK)
    ).reset_index(names="move")
    rows["move"] = rows["move"].where(rows["rank"] > 1, -1)
    rows = rows.sort_values(["deal", "move", "rank"], kind="stable")
    rows["change_time"] = stamps(rows["change_time"], TIMES, zone)
    return rows[["deal_id", "change_time", "changed_field_key", "new_value"]]


def _part(ids: pd.Series, at: pd.Series, key: str, value: pd.Series | str) -> pd.DataFrame:
    """Return the changes of one field."""
    columns = {"deal_id": ids, "change_time": at, "changed_field_key": key, "new_value": value}
    return pd.DataFrame(columns, index=ids.index)


PIPEDRIVE = CrmFormat(
    id="pipedrive",
    label="Pipedrive",
    holds=Holds(history="full", times="seconds", closed="seconds", closing_stages="status"),
    deal_id=str,
    closed=None,
    write=write,
)
