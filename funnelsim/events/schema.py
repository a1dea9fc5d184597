"""What an event log consists of: the columns of its four tables, and its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

__all__ = [
    "EXITS",
    "REQUIRED",
    "SCHEMA",
    "TIME",
    "Metadata",
    "ShockInfo",
    "Staffed",
    "StageInfo",
    "TeamInfo",
]

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

# Columns that are never empty; the others may be missing from what is given.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "leads": ("lead_id", "arrived_at"),
    "visits": ("lead_id", "visit", "stage", "entered_at", "exit"),
    "efforts": ("lead_id", "effort", "team"),
    "marks": ("lead_id", "at", "kind"),
}

# How a visit ends: led on, timed out, given up in the queue, at a terminal stage, not yet.
EXITS = ("moved", "timed_out", "reneged", "ended", "open")


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
    pauses: bool = False
    """At closing time work in hand is laid down, so closed hours are not worked."""
    cost_per_hour: int = 0
    """Minor units of the log's currency; 0 where the data does not say."""


class ShockInfo(Record):
    """The factor of one shock in the period that begins at ``start``."""

    id: str
    start: AwareDatetime
    factor: float


class Metadata(Record):
    """What the tables themselves cannot say.

    ``known`` says of a column, written ``table.column``, when its value was known:
    at ``arrival``, at the ``mark``, or *overwritten* later, so that today's value says
    nothing about the past and a cut by `EventLog.as_of` blanks it. ``labels`` names work
    and kinds of marks by language, written ``efforts.call`` and ``marks.paid``.
    """

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
    shocks: tuple[ShockInfo, ...] = ()
    known: Mapping[str, Literal["arrival", "mark", "overwritten"]] = {}
    labels: Mapping[str, Mapping[str, str]] = {}
    provenance: Mapping[str, str] = {}
