"""The event log: one schema for a CRM's history and a simulated one.

Four tables and metadata. Measures, figures, calibration and forecasts see only
this, and never ask where the data came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pandas as pd
from pydantic import AwareDatetime, BaseModel, ConfigDict

__all__ = ["SCHEMA", "EventLog", "Metadata", "StageInfo", "Staffed", "TeamInfo"]

TIME = "datetime64[us, UTC]"

# column → dtype, per table; the order is the order of the columns.
SCHEMA: Mapping[str, Mapping[str, str]] = {
    "leads": {
        "lead_id": "str",
        "customer_id": "str",
        "funnel": "str",
        "source": "str",
        "product": "str",
        "segment": "str",
        "arrived_at": TIME,
        "observed_from": TIME,
        "replication": "int64",
    },
    "visits": {
        "lead_id": "str",
        "visit": "int64",
        "stage": "str",
        "entered_at": TIME,
        "ready_at": TIME,
        "left_at": TIME,
        "exit": "str",
        "next_stage": "str",
        "owner": "str",
    },
    "efforts": {
        "lead_id": "str",
        "visit": "Int64",
        "effort": "str",
        "team": "str",
        "worker": "str",
        "queued_at": TIME,
        "started_at": TIME,
        "ended_at": TIME,
    },
    "marks": {
        "lead_id": "str",
        "visit": "Int64",
        "at": TIME,
        "kind": "str",
        "reason": "str",
        "value": "Int64",
        "cost": "Int64",
        "currency": "str",
    },
}


class Record(BaseModel):
    """Base of the metadata's parts: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StageInfo(Record):
    """A stage as the log's reader needs it: its order, its names, where it leads."""

    id: str
    label: Mapping[str, str] = {}
    block: str = ""
    position: int
    advance: str | None = None
    terminal: bool = False
    outcome: Literal["won", "lost"] | None = None


class Staffed(Record):
    """An interval ``[start, end)`` during which a team has ``seats`` people at work."""

    start: AwareDatetime
    end: AwareDatetime
    seats: int


class TeamInfo(Record):
    """A team and when it was staffed (empty where the data does not say)."""

    id: str
    label: Mapping[str, str] = {}
    staffed: tuple[Staffed, ...] = ()


class Metadata(Record):
    """What the tables themselves cannot say."""

    format_version: Literal[1] = 1
    observed_from: AwareDatetime
    observed_until: AwareDatetime
    time_zone: str = "UTC"
    history: Literal["full", "latest_entry", "snapshot"] = "full"
    title: Mapping[str, str] = {}
    currency: str = ""
    illustrative: bool = False
    stages: tuple[StageInfo, ...] = ()
    teams: tuple[TeamInfo, ...] = ()
    known: Mapping[str, Literal["arrival", "mark", "overwritten"]] = {}
    provenance: Mapping[str, str] = {}


@dataclass(frozen=True, eq=False)
class EventLog:
    """Four validated tables and their metadata."""

    leads: pd.DataFrame
    visits: pd.DataFrame
    efforts: pd.DataFrame
    marks: pd.DataFrame
    meta: Metadata
