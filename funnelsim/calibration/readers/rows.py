"""Events of a process log → the rows of visits, marks and efforts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from funnelsim.calibration.readers.mapping import MappingFile
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.pairing import pieces_of_work

__all__ = ["effort_rows", "mark_rows", "visit_rows", "with_visits", "work_rows"]

# kind of note → what was found, what was done
SENTENCES = {
    "work": (
        "Pieces of work",
        "Ends go to the earliest start still running, starts to the earliest queueing waiting.",
    ),
    "unqueued": ("Pieces of work that start without being queued", "Their wait is unknown."),
    "unfinished_work": ("Pieces of work that never end", "They count as being worked on."),
    "given_up": (
        "Pieces of work still waiting when their lead closed",
        "They count as given up at that moment.",
    ),
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


def with_visits(events: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return events with the number of the visit that their lead is in.

    Parameters
    ----------
    events : pandas.DataFrame
        From `process_log.events_of`.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        With ``entry`` (the event begins a visit) and ``visit`` (0 before the first); and
        how many events only repeat the stage.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import EVENTS
    >>> with_visits(EVENTS)[0][["lead_id", "name", "visit"]].head(5)
      lead_id      name  visit
    0       7  received      1
    1       7     check      1
    2       7     check      1
    3       7     check      1
    4       7       won      2
    """
    stages = events[events["kind"] == "stages"]
    same = stages["name"] == stages.groupby("lead")["name"].shift()
    entry = (events["kind"] == "stages") & ~same.reindex(events.index, fill_value=False)
    visit = entry.astype("int64").groupby(events["lead"]).cumsum()
    notes = []
    if same.any():
        found = "Events that enter the stage in which the lead already is"
        notes.append(Note("repeated_stage", int(same.sum()), found, "The first one counts."))
    return events.assign(entry=entry, visit=visit), notes


def visit_rows(events: pd.DataFrame, mapping: MappingFile) -> tuple[pd.DataFrame, list[Note]]:
    """Return the visits: each lasts until the lead's next one, or until a terminal stage.

    Parameters
    ----------
    events : pandas.DataFrame
        From `with_visits`.
    mapping : MappingFile
        Says which stages are terminal.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        Columns of the log's ``visits`` but ``ready_at`` and ``owner``, and ``lead``; and
        how many leads were reopened.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import EVENTS, MAPPING
    >>> visits, _ = visit_rows(with_visits(EVENTS)[0], MAPPING)
    >>> visits[["lead_id", "stage", "exit", "next_stage"]]
      lead_id     stage   exit next_stage
    0       7  received  moved        won
    1       7       won  ended        NaN
    2       8  received   open        NaN
    """
    visits = events.loc[events["entry"], ["lead", "lead_id", "visit", "name", "at"]]
    visits = visits.rename(columns={"name": "stage", "at": "entered_at"}).reset_index(drop=True)
    terminal = [name for name, s in mapping.stages.items() if s.outcome or s.terminal]
    after = visits.groupby("lead")
    visits["next_stage"] = after["stage"].shift(-1)
    visits["left_at"] = after["entered_at"].shift(-1)
    last, ends = visits["next_stage"].isna(), visits["stage"].isin(terminal)
    visits["exit"] = np.select([~last, ends], ["moved", "ended"], "open")
    visits["left_at"] = visits["left_at"].mask(last & ends, visits["entered_at"])
    reopened = int((ends & ~last).sum())
    found = "Times that a closed lead moved on to another stage"
    done = "It counts as won or lost by its first closing."
    return visits, [Note("reopened", reopened, found, done)] if reopened else []


def mark_rows(
    events: pd.DataFrame, visits: pd.DataFrame, leads: pd.DataFrame, mapping: MappingFile
) -> pd.DataFrame:
    """Return the marks that activities set, and those of stages that win or lose.

    Parameters
    ----------
    events : pandas.DataFrame
        From `with_visits`.
    visits : pandas.DataFrame
        From `visit_rows`.
    leads : pandas.DataFrame
        The log's leads, with their money attributes.
    mapping : MappingFile
        Says which stages win or lose, why, and what a lead is worth.

    Returns
    -------
    pandas.DataFrame
        The log's ``marks``; after a lead's closing ``visit`` is empty.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import EVENTS, LEADS, MAPPING
    >>> events, _ = with_visits(EVENTS)
    >>> mark_rows(events, visit_rows(events, MAPPING)[0], LEADS, MAPPING)["kind"].tolist()
    ['won']
    """
    stages = mapping.stages
    closing = visits[visits["stage"].isin([name for name, s in stages.items() if s.outcome])]
    closed = pd.DataFrame(
        {
            "lead_id": closing["lead_id"],
            "visit": closing["visit"].astype("Int64"),
            "at": closing["entered_at"],
            "kind": closing["stage"].map({name: s.outcome for name, s in stages.items()}),
            "reason": closing["stage"].map({name: s.reason or None for name, s in stages.items()}),
        }
    )
    value = pd.Series(pd.NA, index=closing.index, dtype="Int64")
    for name, stage in stages.items():
        if stage.value is not None:
            worth = leads.set_index("lead_id")[stage.value]
            here = closing["lead_id"].where(closing["stage"] == name).map(worth)
            value = value.fillna(here.astype("Int64"))
    closed["value"] = value
    set_ = events[events["kind"] == "marks"]
    marks = pd.DataFrame(
        {
            "lead_id": set_["lead_id"],
            "visit": _current_visit(set_, visits),
            "at": set_["at"],
            "kind": set_["name"],
        }
    )
    result = pd.concat([closed.astype({"kind": "str", "reason": "str"}), marks], ignore_index=True)
    currency = pd.Series(mapping.currency or None, index=result.index, dtype="str")
    return result.assign(currency=currency.where(result["value"].notna()))


def work_rows(
    events: pd.DataFrame, visits: pd.DataFrame, mapping: MappingFile
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the pieces of work, by lead and kind of work.

    The nth start takes the earliest waiting queueing, an end ends the earliest running
    start (see `pairing.pieces_of_work`). What was still waiting when the lead closed
    counts as given up then.

    Parameters
    ----------
    events : pandas.DataFrame
        From `with_visits`.
    visits : pandas.DataFrame
        From `visit_rows`.
    mapping : MappingFile
        Names work and teams.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        The log's ``efforts``; and what was assumed.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import EVENTS, MAPPING
    >>> events, _ = with_visits(EVENTS)
    >>> work, _ = work_rows(events, visit_rows(events, MAPPING)[0], MAPPING)
    >>> work[["lead_id", "visit", "effort", "team", "worker"]]
      lead_id  visit effort   team worker
    0       7      1  check  desk    anna
    """
    efforts, notes = effort_rows(events, mapping)
    efforts["visit"] = _current_visit(efforts, visits)
    closed = visits[visits["exit"] == "ended"].set_index("lead")["left_at"]
    closed_at = closed.reindex(efforts["lead"]).set_axis(efforts.index)
    waiting = efforts["started_at"].isna() & efforts["ended_at"].isna()
    given_up = waiting & (efforts["queued_at"] <= closed_at)
    efforts["ended_at"] = efforts["ended_at"].mask(given_up, closed_at)
    counts = {
        "given_up": given_up.sum(),
        "waiting": (waiting & ~given_up).sum(),
        "after_closing": (efforts["queued_at"].fillna(efforts["started_at"]) > closed_at).sum(),
    }
    return efforts.drop(columns=["lead", "row"]), [*notes, *_notes(counts)]


def effort_rows(events: pd.DataFrame, mapping: MappingFile) -> tuple[pd.DataFrame, list[Note]]:
    """Return the pieces of work as the file records them, by lead and kind of work.

    Parameters
    ----------
    events : pandas.DataFrame
        From `with_visits`.
    mapping : MappingFile
        Names work and teams.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        ``lead``, ``lead_id``, ``visit`` (0 before the first), ``row`` of the first event,
        ``effort``, ``team``, ``worker``, ``queued_at``, ``started_at``, ``ended_at``; and
        what was assumed.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import EVENTS, MAPPING
    >>> work, _ = effort_rows(with_visits(EVENTS)[0], MAPPING)
    >>> work[["lead_id", "row", "effort", "team", "worker"]]
      lead_id  row effort  team worker
    0       7    1  check  desk   anna
    """
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
            "visit": first["visit"].astype("int64"),
            "row": first["row"].astype("int64"),
            "effort": first["name"],
            "team": first["name"].map({name: item.team for name, item in mapping.work.items()}),
            "worker": worker.where(parts["started"]["lead"].notna()),
            "queued_at": parts["queued"]["at"],
            "started_at": parts["started"]["at"],
            "ended_at": parts["ended"]["at"],
        }
    )
    return efforts, _work_notes(efforts, work, pieces)


def _current_visit(events: pd.DataFrame, visits: pd.DataFrame) -> pd.Series:
    """Return the visit of each event; empty before the first and after the last."""
    ended = visits[visits["exit"] == "ended"].set_index("lead")["visit"]
    over = events["visit"] == ended.reindex(events["lead"]).set_axis(events.index)
    return events["visit"].mask(over | (events["visit"] == 0)).astype("Int64")


def _event_at(work: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    """Return the events of some rows; empty for -1."""
    return work.reindex(rows.where(rows >= 0)).reset_index(drop=True)


def _work_notes(efforts: pd.DataFrame, work: pd.DataFrame, pieces: pd.DataFrame) -> list[Note]:
    """Count what had to be assumed in pairing events of work."""
    queued, started, ended = (efforts[f"{p}_at"].notna() for p in ("queued", "started", "ended"))
    ends = (work["phase"] == "ended").sum()
    counts = {
        "work": len(efforts),
        "unqueued": (started & ~queued).sum(),
        "unfinished_work": (started & ~ended).sum(),
        "long_work": (efforts["ended_at"] - efforts["started_at"] > pd.Timedelta(days=1)).sum(),
        "no_worker": (started & efforts["worker"].isna()).sum(),
        "stray_ends": ends - (pieces["ended"] >= 0).sum(),
    }
    return _notes(counts)


def _notes(counts: Mapping[str, int]) -> list[Note]:
    """Return a note for each kind that occurs."""
    return [Note(kind, int(n), *SENTENCES[kind]) for kind, n in counts.items() if n]
