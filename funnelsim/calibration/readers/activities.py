"""A process log that nobody has mapped → a raw history: every activity is a stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from funnelsim.calibration.raw import RAW_SCHEMA, RawHistory, RawMetadata
from funnelsim.calibration.readers.deal_tables import raw_file
from funnelsim.calibration.readers.formats import Form, Options, Reader, column_of
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.pairing import pieces_of_work
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.calibration.readers.stages import slug, stages_of
from funnelsim.calibration.readers.text_tables import TextTable, lines_of
from funnelsim.errors import DataError, Problem

__all__ = ["READER", "read"]

CASE = ("case:concept:name", "case_id", "case id", "caseid", "case")
ACTIVITY = ("concept:name", "activity", "activity_name", "activity name", "task")
START = ("start_timestamp", "start timestamp", "time:start", "start_time", "start time", "start")
END = ("end_timestamp", "end timestamp", "time:timestamp", "complete timestamp", "end_time")
TIME = ("time:timestamp", "timestamp", "event time", "event_time", "complete timestamp", "time")
PHASE = ("lifecycle:transition", "lifecycle", "transition")
WORKER = ("org:resource", "resource", "agent", "worker")
TEAM = ("org:group", "org:role", "role", "department", "team")

# what the phase column says (the standard lifecycle of XES) → what it means here
PHASES = {
    **dict.fromkeys(("schedule", "assign", "enqueue"), "queued"),
    **dict.fromkeys(("start", "manualstart", "autostart"), "started"),
    "complete": "ended",
}
CASE_PREFIX = "case:"
UNKNOWN_TEAM = "staff"

# kind of note → what was found, what was done
SENTENCES = {
    "unmapped": (
        "Activities of a process log without a mapping",
        "Each counts as a stage, in their usual order; a mapping file can say more.",
    ),
    "other_phases": (
        "Rows in a phase other than scheduled, started and completed",
        "They are left out.",
    ),
    "stray_ends": (
        "Ends of work that nobody had started",
        "They hold no working time and are left out.",
    ),
    "no_team": ("Pieces of work whose team is not in the file", 'They are those of "staff".'),
}


def read(tables: Mapping[str, TextTable], options: Options) -> RawHistory:
    """Read a process log with the usual column names, from XES or a table.

    Parameters
    ----------
    tables : mapping of str to TextTable
        ``intervals`` (one row per activity, with start and end) or ``events`` (one row per
        event; a lifecycle column tells when work was scheduled, started and completed).
    options : Options
        The zone of times without an offset.

    Returns
    -------
    RawHistory
        Full history. Every activity is a stage, entered when it was first queued or
        started, or when it happened; activities with a start are work, too. Columns that
        begin with ``case:`` are attributes of the deal.

    Raises
    ------
    DataError
        Empty cases, activities or times, and times that cannot be read.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from funnelsim.calibration.readers.example import TABLE
    >>> names = {"what": "activity", "at": "timestamp", "phase": "lifecycle", "who": "resource"}
    >>> log = replace(TABLE, frame=TABLE.frame.rename(columns=names))
    >>> raw = read({"events": log}, Options())
    >>> raw.moves[["deal_id", "stage"]].values.tolist()[:2]
    [['7', 'A_RECEIVED'], ['7', 'W_CHECK']]
    >>> raw.efforts[["effort", "worker"]].values.tolist()
    [['w_check', 'anna']]
    """
    table = tables.get("intervals") or tables["events"]
    moments = Moments(options)
    events, notes = _intervals(table, moments) if "intervals" in tables else _phased(table, moments)
    _check(table, events, moments)
    events = events.sort_values(["lead", "at", "row"], ignore_index=True)
    efforts, more = _efforts(events)
    frames: dict[str, pd.DataFrame] = {
        "deals": _deals(table, events),
        "moves": _moves(events, efforts).rename(
            columns={"lead_id": "deal_id", "name": "stage", "worker": "by"}
        ),
        "efforts": efforts.rename(columns={"lead_id": "deal_id"}),
    }
    for frame in frames.values():
        frame["row"] = table.lines[frame["row"]]
    found = {name: raw_table(name, frames.get(name)) for name in RAW_SCHEMA}
    stages, assumed = stages_of(found["deals"], found["moves"], where=table.name)
    notes += [_note("unmapped", len(stages)), *more, *assumed, *moments.notes()]
    file = raw_file(table, options)
    meta = RawMetadata(
        format="process_log",
        files=(file,),
        history="full",
        time_zone=options.time_zone or "UTC",
        currency=options.currency or "",
        taken_at=options.taken_at,
        stages=stages,
        teams=tuple((team, {}) for team in sorted(efforts["team"].unique())),
        notes=tuple(note for note in (*table.notes, *notes) if note.count),
        labels=_labels(efforts),
    )
    return RawHistory(**found, meta=meta)


def _note(kind: str, count: int) -> Note:
    """Return a note of a kind."""
    return Note(kind, int(count), *SENTENCES[kind])


def _base(table: TextTable) -> pd.DataFrame:
    """Return what every form of a process log says about an event."""
    frame = table.frame
    case, activity = column_of(table, CASE), column_of(table, ACTIVITY)
    worker, team = column_of(table, WORKER), column_of(table, TEAM)
    blank = pd.Series(None, index=frame.index, dtype="str")
    return pd.DataFrame(
        {
            "lead": pd.factorize(frame[case])[0],
            "lead_id": frame[case],
            "name": frame[activity],
            "worker": frame[worker] if worker else blank,
            "team": frame[team] if team else blank,
            "row": np.arange(len(frame)),
        }
    )


def _intervals(table: TextTable, moments: Moments) -> tuple[pd.DataFrame, list[Note]]:
    """Return a start and an end of every activity; only an end where nothing started."""
    base = _base(table)
    start, end = moments.of(table, START), moments.of(table, END)
    began = base.assign(at=start, phase="started").loc[start.notna()]
    done = base.assign(at=end, phase="ended").loc[end.notna() | start.isna()]
    return pd.concat([began, done], ignore_index=True), []


def _phased(table: TextTable, moments: Moments) -> tuple[pd.DataFrame, list[Note]]:
    """Return events with their phase; without such a column they just happen."""
    base = _base(table).assign(at=moments.of(table, TIME))
    column = column_of(table, PHASE)
    if column is None:
        return base.assign(phase="ended"), []
    phase = table.frame[column].str.casefold().map(PHASES)
    if phase.isna().all():
        return base.assign(phase="ended"), []
    events = base.assign(phase=phase)[phase.notna()]
    return events.reset_index(drop=True), [_note("other_phases", phase.isna().sum())]


def _check(table: TextTable, events: pd.DataFrame, moments: Moments) -> None:
    """Refuse rows that say not what happened, or when, or to which case."""
    problems = list(moments.problems)
    for what, names in (("lead_id", CASE), ("name", ACTIVITY), ("at", (*START, *TIME))):
        missing = events[what].isna()
        if missing.any() and not (what == "at" and moments.problems):
            rows = np.isin(np.arange(len(table.frame)), events.loc[missing, "row"])
            count = f"empty fields: {int(rows.sum()):,} ({lines_of(table, rows)})"
            fix = "Every event needs its case, its activity and its time."
            problems.append(Problem(count, table.name, column_of(table, names) or "", fix))
    if problems:
        raise DataError(problems)


def _efforts(events: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return the work: activities of which some event says that they were queued or started."""
    busy = events["name"].isin(events.loc[events["phase"] != "ended", "name"].unique())
    work = events[busy].sort_values(["lead", "name"], kind="stable", ignore_index=True)
    group = work.groupby(["lead", "name"], sort=True).ngroup().to_numpy()
    pieces = pieces_of_work(group.astype(np.int64), work["phase"].to_numpy(dtype=object))
    part = {
        phase: work.reindex(pieces[phase].where(pieces[phase] >= 0)).reset_index(drop=True)
        for phase in ("queued", "started", "ended")
    }
    first = part["queued"].where(part["queued"]["lead"].notna(), part["started"])
    ids = _slugs(work["name"].unique())
    team = part["started"]["team"].fillna(first["team"])
    efforts = pd.DataFrame(
        {
            "lead": first["lead"].astype("int64"),
            "lead_id": first["lead_id"],
            "name": first["name"],
            "effort": first["name"].map(ids),
            "team": team.map(_slugs(team.dropna().unique())).astype("str").fillna(UNKNOWN_TEAM),
            "worker": part["started"]["worker"].fillna(part["ended"]["worker"]),
            "queued_at": part["queued"]["at"],
            "started_at": part["started"]["at"],
            "ended_at": part["ended"]["at"],
            "row": first["row"].astype("int64"),
        }
    )
    stray = (work["phase"] == "ended").sum() - (pieces["ended"] >= 0).sum()
    return efforts, [_note("stray_ends", stray), _note("no_team", team.isna().sum())]


def _moves(events: pd.DataFrame, efforts: pd.DataFrame) -> pd.DataFrame:
    """Return the entries of stages: work when it was queued or started, the rest as it is."""
    columns = ["lead", "lead_id", "name", "worker", "at", "row"]
    happened = events.loc[~events["name"].isin(efforts["name"].unique()), columns]
    began = efforts.assign(at=efforts["queued_at"].fillna(efforts["started_at"]))[columns]
    moves = pd.concat([happened, began], ignore_index=True)
    return moves.sort_values(["lead", "at", "row"], ignore_index=True)


def _deals(table: TextTable, events: pd.DataFrame) -> pd.DataFrame:
    """Return the cases, with what their first row says about them."""
    first = events.drop_duplicates("lead")
    rows = first["row"].to_numpy()
    deals = pd.DataFrame(
        {"deal_id": first["lead_id"], "created_at": first["at"], "row": first["row"]}
    ).reset_index(drop=True)
    known = column_of(table, CASE)
    columns = [name for name in table.frame.columns if str(name).startswith(CASE_PREFIX)]
    columns = [name for name in columns if name != known]
    ids = _slugs([str(name).removeprefix(CASE_PREFIX) for name in columns])
    for name in columns:
        values = table.frame[name].iloc[rows].reset_index(drop=True)
        numbers = pd.to_numeric(values, errors="coerce")
        plain = bool(numbers.notna().eq(values.notna()).all() and numbers.notna().any())
        deals[ids[str(name).removeprefix(CASE_PREFIX)]] = numbers if plain else values
    return deals


def _labels(efforts: pd.DataFrame) -> dict[str, Mapping[str, str]]:
    """Return the names of work as the file has them."""
    pairs = efforts[["effort", "name"]].drop_duplicates()
    both = zip(pairs["effort"], pairs["name"], strict=True)
    return {f"efforts.{effort}": {"en": str(name)} for effort, name in both}


def _slugs(names: Iterable[object]) -> dict[str, str]:
    """Return an id per name, no two alike."""
    found: dict[str, str] = {}
    for name in map(str, names):
        plain = slug(name, "work", "_")
        taken, number = plain, 2
        while taken in found.values():
            taken, number = f"{plain[:56]}_{number}", number + 1
        found[name] = taken
    return found


READER = Reader(
    id="process_log",
    label="Process log (XES, CSV)",
    forms=(
        Form("events", (CASE, ACTIVITY, TIME), (PHASE, WORKER)),
        Form("intervals", (CASE, ACTIVITY, START, END), (WORKER,)),
    ),
    read=read,
)
