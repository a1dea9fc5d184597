"""A small process log, for examples in docstrings."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from funnelsim.calibration.readers.mapping import (
    EventColumns,
    MappedStage,
    MappingFile,
    WorkItem,
)
from funnelsim.calibration.readers.process_log import events_of
from funnelsim.calibration.readers.text_tables import TextTable

__all__ = ["EVENTS", "LEADS", "MAPPING", "TABLE", "TIMES"]

MAPPING = MappingFile(
    funnelsim=1,
    events=EventColumns(lead="case", activity="what", time="at", phase="phase", worker="who"),
    stages={
        "received": MappedStage(entered_by=("A_RECEIVED",), advance="won"),
        "won": MappedStage(entered_by=("A_WON",), outcome="won"),
    },
    work={"check": WorkItem(recorded_by=("W_CHECK",), team="desk")},
)

TABLE = TextTable(
    name="events.csv",
    frame=pd.read_csv(
        io.StringIO("""\
case,what,phase,at,who
7,A_RECEIVED,COMPLETE,2024-02-01T09:00Z,
7,W_CHECK,SCHEDULE,2024-02-01T09:00Z,
7,W_CHECK,START,2024-02-01T10:00Z,anna
7,W_CHECK,COMPLETE,2024-02-01T10:20Z,anna
7,A_WON,COMPLETE,2024-02-01T10:20Z,anna
8,A_RECEIVED,COMPLETE,2024-02-02T09:00Z,
"""),
        dtype="str",
    ),
    lines=np.arange(2, 8),
    digest="",
)
TIMES = pd.to_datetime(TABLE.frame["at"], utc=True)
EVENTS = events_of(TABLE, MAPPING, TIMES)[0]
LEADS = pd.DataFrame({"lead_id": ["7", "8"]})
