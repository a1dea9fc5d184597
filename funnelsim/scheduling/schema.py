"""The ledger's tables. Moments are text in UTC, ``2026-11-23T05:00:00Z``: they sort as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text

__all__ = [
    "FORMAT_VERSION",
    "LATER",
    "about",
    "attempts",
    "deliveries",
    "issued",
    "jobs",
    "metadata",
    "moment",
    "runs",
    "slots",
    "stamp",
]

FORMAT_VERSION = 1

metadata = MetaData()


def _key(name: str, length: int = 80) -> Column[str]:
    return Column(name, String(length), primary_key=True)


def _time(name: str) -> Column[str]:
    return Column(name, String(20))


about = Table("funnelsim_ledger", metadata, _key("name"), Column("value", Text, nullable=False))

# One row a call of the runner; its beat says that it lives.
runs = Table(
    "funnelsim_runs",
    metadata,
    _key("run"),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_began", Float, nullable=False),
    _time("began"),
    _time("beat"),
    _time("ended"),
)

# Up to when the slots of a job have been written down.
jobs = Table("funnelsim_jobs", metadata, _key("job"), _time("since"), _time("planned_until"))

slots = Table(
    "funnelsim_slots",
    metadata,
    _key("job"),
    _key("slot", 20),
    _time("instant"),
    Column("state", String(12), nullable=False, index=True),
    Column("cause", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("interrupted", Integer, nullable=False, default=0),
    _time("not_before"),
    Column("run", String(80)),
    Column("folder", Text, nullable=False, default=""),
    _time("changed"),
)

attempts = Table(
    "funnelsim_attempts",
    metadata,
    _key("job"),
    _key("slot", 20),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("run", String(80), nullable=False),
    _time("began"),
    _time("ended"),
    Column("outcome", String(12), nullable=False),
    Column("cause", Text, nullable=False, default=""),
)

deliveries = Table(
    "funnelsim_deliveries",
    metadata,
    _key("job"),
    _key("slot", 20),
    _key("what", 8),
    _key("target", 400),
    Column("state", String(12), nullable=False, index=True),
    Column("detail", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    _time("not_before"),
    Column("run", String(80)),
    _time("changed"),
)

issued = Table(
    "funnelsim_issued",
    metadata,
    _key("job"),
    _key("slot", 20),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("cutoff", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("period_start", Text, nullable=False),
    Column("period_end", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("quantile", Float),
    Column("value", Float),
    Column("raw", Float),
)
LATER: Final = ((issued, "raw"),)
"""Columns that ledgers made by earlier versions lack; they are added, empty."""


def stamp(when: datetime) -> str:
    """A moment as the ledger writes it.

    Examples
    --------
    >>> stamp(datetime(2026, 11, 23, 5, tzinfo=UTC))
    '2026-11-23T05:00:00Z'
    """
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """A moment as the ledger wrote it.

    Examples
    --------
    >>> moment("2026-11-23T05:00:00Z").hour
    5
    """
    return datetime.fromisoformat(text)
