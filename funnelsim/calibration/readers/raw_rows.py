"""Events of a process log → the tables of a `RawHistory`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnelsim.calibration.readers.mapping import MappingFile
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.calibration.readers.rows import effort_rows

__all__ = ["raw_rows"]


def raw_rows(
    events: pd.DataFrame,
    leads: pd.DataFrame,
    mapping: MappingFile,
    lines: npt.NDArray[np.int64],
) -> tuple[dict[str, pd.DataFrame], list[Note]]:
    """Return what a process log records, by table, in the order of leads and time.

    Parameters
    ----------
    events : pandas.DataFrame
        From `process_log.events_of`.
    leads : pandas.DataFrame
        ``lead_id``, ``arrived_at`` and what describes the leads.
    mapping : MappingFile
        Names work and teams.
    lines : numpy.ndarray
        The file's line of each of its rows.

    Returns
    -------
    tuple of dict and list of Note
        Tables as in `RAW_SCHEMA`; and what was assumed in pairing the events of work.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import EVENTS, LEADS, MAPPING, TABLE
    >>> leads = LEADS.assign(arrived_at=EVENTS.groupby("lead")["at"].min())
    >>> tables, _ = raw_rows(EVENTS, leads, MAPPING, TABLE.lines)
    >>> tables["moves"][["deal_id", "stage", "row"]]
      deal_id     stage  row
    0       7  received    2
    1       7       won    6
    2       8  received    7
    """
    first = events.drop_duplicates("lead")
    deals = leads.rename(columns={"lead_id": "deal_id", "arrived_at": "created_at"})
    deals["row"] = lines[first["row"]]
    moves = events.loc[events["kind"] == "stages", ["lead_id", "at", "name", "worker", "row"]]
    marks = events.loc[events["kind"] == "marks", ["lead_id", "at", "name", "row"]]
    efforts, notes = effort_rows(events.assign(visit=0), mapping)
    names = {"lead_id": "deal_id"}
    frames = {
        "deals": deals,
        "moves": moves.rename(columns={**names, "name": "stage", "worker": "by"}),
        "efforts": efforts.rename(columns=names),
        "marks": marks.rename(columns={**names, "name": "kind"}),
    }
    for name in ("moves", "efforts", "marks"):
        frames[name]["row"] = lines[frames[name]["row"]]
    return {name: raw_table(name, frame) for name, frame in frames.items()}, notes
