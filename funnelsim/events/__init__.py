"""The event log: one schema for a CRM's history and a simulated one.

Four tables and metadata. Measures, figures, calibration and forecasts see only
this, and never ask where the data came from.
"""

from __future__ import annotations

from funnelsim.events.log import EventLog
from funnelsim.events.schema import (
    EXITS,
    REQUIRED,
    SCHEMA,
    TIME,
    Metadata,
    ShockInfo,
    Staffed,
    StageInfo,
    TeamInfo,
)

__all__ = [
    "EXITS",
    "REQUIRED",
    "SCHEMA",
    "TIME",
    "EventLog",
    "Metadata",
    "ShockInfo",
    "Staffed",
    "StageInfo",
    "TeamInfo",
]
