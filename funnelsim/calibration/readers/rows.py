"""Events of a process log → the tables of a `RawHistory`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnelsim.calibration.readers.mapping import MappingFile
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.pairing import pieces_of_work
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.messages import Message

__all__ = ["raw_rows"]

# kind of note → what was found, what was done
SENTENCES = {
    "work": (
        "Pieces of work",
        "Ends go to the earliest start still running, starts to the earliest queueing waiting.",
    ),
    "unqueued": ("Pieces of work that start without being queued", "Their wait is unknown."),
    "unfinished_work": ("Pieces of work that never end", "They count as being worked on."),
    "long_work": (
        "Pieces of work that last longer than a day",
        "Nights count as work: the file does not say when people paused.",
    ),
    "waiting": ("Pieces of work still waiting at the end", ""),
    "after_closing": (
        "Pieces of work that begin after their lead closed",
        "They belong to no visit.",
    ),
    "no_worker": ("Pieces of work whose worker is unknown", ""),
    "stray_ends": (
        "Ends of work that nobody had started",
        "They hold no working time and are left out.",
    ),
}


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
        Names stages, work and teams.
    lines : numpy.ndarray
        The file's line of each of its rows.

    Returns
    -------
    tuple of dict and list of Note
        Tables as in `RAW_SCHEMA`; what repeats the stage in which the lead already is, is
        no move. And what was assumed.

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
    entries, notes = _entries(events)
    efforts, more = _efforts(events, mapping)
    marks = events[events["kind"] == "marks"]
    frames = {
        "deals": leads.assign(row=events.drop_duplicates("lead")["row"].to_numpy()),
        "moves": entries.rename(columns={"name": "stage", "worker": "by"}),
        "efforts": efforts,
        "marks": marks[["lead_id", "at", "name", "row"]].rename(columns={"name": "kind"}),
    }
    names = {"lead_id": "deal_id", "arrived_at": "created_at"}
    tables = {
        name: raw_table(name, frame.assign(row=lines[frame["row"]]).rename(columns=names))
        for name, frame in frames.items()
    }
    return tables, [*notes, *more, *_work_notes(efforts, entries, mapping)]


def _entries(events: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return the events that enter another stage, and how many only repeat theirs."""
    stages = events[events["kind"] == "stages"]
    same = stages["name"] == stages.groupby("lead")["name"].shift()
    found = Message("Events that enter the stage in which the lead already is")
    note = Note("repeated_stage", int(same.sum()), found, Message("The first one counts."))
    return stages[~same], [note] if note.count else []


def _efforts(events: pd.DataFrame, mapping: MappingFile) -> tuple[pd.DataFrame, list[Note]]:
    """Return the pieces of work, by lead and kind of work, and which ends belong to none."""
    work = events[events["kind"] == "work"]
    work = work.sort_values(["lead", "name"], kind="stable", ignore_index=True)
    kinds = {name: number for number, name in enumerate(mapping.work)}
    group = (work["lead"] * max(len(kinds), 1) + work["name"].map(kinds).astype("int64")).to_numpy()
    pieces = pieces_of_work(group, work["phase"].to_numpy(dtype=object))
    parts = {name: _event_at(work, pieces[name]) for name in ("queued", "started", "ended")}
    first = parts["queued"].where(parts["queued"]["lead"].notna(), parts["started"])
    worker = parts["started"]["worker"].fillna(parts["ended"]["worker"])
    efforts = pd.DataFrame(
        {
            "lead": first["lead"].astype("int64"),
            "lead_id": first["lead_id"],
            "row": first["row"].astype("int64"),
            "effort": first["name"],
            "team": first["name"].map({name: item.team for name, item in mapping.work.items()}),
            "worker": worker.where(parts["started"]["lead"].notna()),
            "queued_at": parts["queued"]["at"],
            "started_at": parts["started"]["at"],
            "ended_at": parts["ended"]["at"],
        }
    )
    strays = int((work["phase"] == "ended").sum() - (pieces["ended"] >= 0).sum())
    return efforts, _notes({"stray_ends": strays})


def _event_at(work: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    """Return the events of some rows; empty for -1."""
    return work.reindex(rows.where(rows >= 0)).reset_index(drop=True)


def _work_notes(efforts: pd.DataFrame, entries: pd.DataFrame, mapping: MappingFile) -> list[Note]:
    """Count what had to be assumed about work."""
    queued, started, ended = (efforts[f"{p}_at"].notna() for p in ("queued", "started", "ended"))
    last = entries.drop_duplicates("lead", keep="last")
    terminal = [name for name, s in mapping.stages.items() if s.outcome or s.terminal]
    closings = last[last["name"].isin(terminal)].set_index("lead")["at"]
    closed_at = closings.reindex(efforts["lead"]).set_axis(efforts.index)
    given_up = efforts["queued_at"] <= closed_at
    counts = {
        "work": len(efforts),
        "unqueued": (started & ~queued).sum(),
        "unfinished_work": (started & ~ended).sum(),
        "long_work": (efforts["ended_at"] - efforts["started_at"] > pd.Timedelta(days=1)).sum(),
        "waiting": (queued & ~started & ~ended & ~given_up).sum(),
        "after_closing": (efforts["queued_at"].fillna(efforts["started_at"]) > closed_at).sum(),
        "no_worker": (started & efforts["worker"].isna()).sum(),
    }
    return _notes(counts)


def _notes(counts: Mapping[str, int]) -> list[Note]:
    """Return a note for each kind that occurs."""
    return [Note(kind, int(n), *SENTENCES[kind]) for kind, n in counts.items() if n]
