"""A log of two leads, for examples in docstrings."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from funnelsim.events.log import EventLog
from funnelsim.events.schema import Metadata

__all__ = ["LOG"]

LOG = EventLog(
    leads=pd.DataFrame(
        {
            "lead_id": ["a", "b"],
            "source": ["web", "branch"],
            "arrived_at": ["2024-02-01T09:00Z", "2024-02-03T09:00Z"],
        }
    ),
    visits=pd.DataFrame(
        {
            "lead_id": ["a", "a", "b"],
            "visit": [1, 2, 1],
            "stage": ["demo", "won", "demo"],
            "entered_at": ["2024-02-01T09:00Z", "2024-02-05T15:00Z", "2024-02-03T09:00Z"],
            "left_at": ["2024-02-05T15:00Z", "2024-02-05T15:00Z", None],
            "exit": ["moved", "ended", "open"],
            "next_stage": ["won", None, None],
        }
    ),
    efforts=pd.DataFrame(
        {
            "lead_id": ["a"],
            "visit": [1],
            "effort": ["show"],
            "team": ["sellers"],
            "started_at": ["2024-02-05T14:30Z"],
            "ended_at": ["2024-02-05T15:00Z"],
        }
    ),
    marks=pd.DataFrame(
        {
            "lead_id": ["a"],
            "visit": [2],
            "at": ["2024-02-05T15:00Z"],
            "kind": ["won"],
            "value": [150_000],
            "currency": ["EUR"],
        }
    ),
    meta=Metadata(
        observed_from=datetime(2024, 1, 1, tzinfo=UTC),
        observed_until=datetime(2024, 3, 1, tzinfo=UTC),
    ),
)
