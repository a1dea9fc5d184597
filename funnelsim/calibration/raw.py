"""`RawHistory`: what a CRM recorded, before anything is judged or repaired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import pandas as pd

from funnelsim.events.schema import TIME

if TYPE_CHECKING:
    from funnelsim.calibration.readers.notes import Note  # the readers build on this module
    from funnelsim.events import EventLog

__all__ = ["RAW_SCHEMA", "History", "RawFile", "RawHistory", "RawMetadata", "RawStage"]

History = Literal["full", "latest_entry", "snapshot"]

# column → dtype, per table. Readers give every column; what a format does not hold is missing.
# ``stage`` and ``from_stage`` are names as they are written in the CRM; ``row`` is the line of
# the file (1 = the first), ``file`` the number of the file in ``RawMetadata.files``.
# Further columns of ``deals`` are attributes of the deal.
RAW_SCHEMA: Mapping[str, Mapping[str, str]] = {
    "deals": {
        "deal_id": "str",
        "customer_id": "str",
        "funnel": "str",
        "source": "str",
        "product": "str",
        "segment": "str",
        "owner": "str",
        "stage": "str",
        "status": "str",  # open, won, lost; missing where the file does not say
        "created_at": TIME,
        "stage_since": TIME,  # entered its present stage
        "closed_at": TIME,
        "expected_close_at": TIME,
        "reason": "str",
        "value": "Int64",  # minor units
        "currency": "str",
        "deleted": "boolean",
        "row": "int64",
        "file": "int64",
    },
    "moves": {  # one row per recorded entry of a stage
        "deal_id": "str",
        "at": TIME,
        "stage": "str",
        "from_stage": "str",
        "by": "str",
        "row": "int64",
        "file": "int64",
    },
    "efforts": {
        "deal_id": "str",
        "effort": "str",
        "team": "str",
        "worker": "str",
        "queued_at": TIME,
        "started_at": TIME,
        "ended_at": TIME,
        "row": "int64",
        "file": "int64",
    },
    "marks": {
        "deal_id": "str",
        "at": TIME,
        "kind": "str",
        "reason": "str",
        "value": "Int64",
        "cost": "Int64",
        "currency": "str",
        "row": "int64",
        "file": "int64",
    },
}


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file (or query) that was read; ``name`` never holds a password or a folder."""

    name: str
    sha256: str
    rows: int
    taken_at: datetime | None = None
    """When it was exported, where it says so."""


@dataclass(frozen=True, slots=True)
class RawStage:
    """A stage as the CRM names it, in the order of the funnel.

    ``funnel`` is the pipeline it belongs to (empty where there is only one), ``id`` its
    lasting name in scenarios, ``outcome`` what entering it means.
    """

    name: str
    id: str
    funnel: str = ""
    outcome: Literal["won", "lost"] | None = None
    label: Mapping[str, str] = field(default_factory=dict)
    block: str = ""
    advance: str | None = None
    """The id of the stage that counts as progress; None: the next in order."""
    terminal: bool = False
    reason: str = ""
    value: str | None = None
    """The attribute of the deal that a win is worth; None: the deal's value."""


@dataclass(frozen=True, slots=True)
class RawMetadata:
    """What the tables themselves cannot say."""

    format: str
    """``amocrm``, ``bitrix24``, ``hubspot``, ``salesforce``, ``pipedrive``, ``mapping`` …"""
    files: tuple[RawFile, ...]
    history: History
    """The level that the file can support; ``RawHistory.events`` hands it on."""
    time_zone: str = "UTC"
    currency: str = ""
    observed_from: datetime | None = None
    """When recording began; None: with the first event."""
    taken_at: datetime | None = None
    """When the last file was exported; None: with the last event."""
    stages: tuple[RawStage, ...] = ()
    teams: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """Id and labels."""
    notes: tuple[Note, ...] = ()
    """What the reader assumed."""
    title: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    illustrative: bool = False
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """As in the event log's metadata: ``efforts.call``, ``marks.paid`` → label."""
    obtain_history: str = ""
    """How to get the history of stages out of this CRM, as a sentence; empty if it is here."""


@dataclass(frozen=True, eq=False)
class RawHistory:
    """What a CRM recorded, as it stands in the files.

    Parameters
    ----------
    deals, moves, efforts, marks : pandas.DataFrame
        Columns as in `RAW_SCHEMA`.
    meta : RawMetadata
    """

    deals: pd.DataFrame
    moves: pd.DataFrame
    efforts: pd.DataFrame
    marks: pd.DataFrame
    meta: RawMetadata

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={len(getattr(self, name)):,}" for name in RAW_SCHEMA)
        return f"RawHistory({self.meta.format}, {sizes}, {self.meta.history} history)"

    def events(self) -> EventLog:
        """The validated event log, with every repair listed.

        Returns
        -------
        EventLog
            Its provenance lists the notes of the reader and of the repairs.

        Raises
        ------
        DataError
            What cannot be repaired, all at once.
        """
        from funnelsim.calibration.cleaning.repairs import repaired  # it builds on this module

        return repaired(self).log
