"""A table with one row per event → events that mean something, by lead and in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from funnelsim.calibration.readers.mapping import MappingFile
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.text_tables import TextTable, lines_of
from funnelsim.documents import did_you_mean
from funnelsim.errors import Problem
from funnelsim.messages import Message

__all__ = ["content_problems", "events_of"]

SHOWN = 10

# kind of note → what was found, what was done
SENTENCES = {
    "copies": ("Rows that are exact copies of others", "They count once."),
    "ignored": ("Rows that the mapping ignores", ""),
    "unfinished": (
        "Rows of stages and marks in a phase before the last",
        "They are left out: a stage is entered, and a mark set, when it is complete.",
    ),
    "order": (
        "Rows that stand after a later one of the same lead",
        "They were put in order of time.",
    ),
    "ties": (
        "Rows at the same instant as the one before of the same lead",
        "They keep the order of the file.",
    ),
}


def content_problems(table: TextTable, mapping: MappingFile) -> Iterator[Problem]:
    """Find rows that cannot be understood.

    Parameters
    ----------
    table : TextTable
        The file, with all columns that the mapping names.
    mapping : MappingFile
        What its columns and activities mean.

    Yields
    ------
    Problem
        Empty fields, activities and phases that the mapping does not name.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import MAPPING, TABLE
    >>> list(content_problems(TABLE, MAPPING))
    []
    """
    columns, frame = mapping.events, table.frame
    for key in ("lead", "activity", "time", "phase"):
        column = getattr(columns, key)
        if column is not None and (missing := frame[column].isna()).any():
            count = f"empty fields: {int(missing.sum()):,} ({lines_of(table, missing)})"
            yield Problem(count, table.name, column)
    named = [activity for activity, _ in mapping.activities()]
    counts = frame[columns.activity].value_counts()
    strange = counts[~counts.index.isin(named)]
    if len(strange):
        absent = [activity for activity in named if activity not in counts.index]
        hints = {did_you_mean(name, absent, limit=0) for name in strange.index[:SHOWN]} - {""}
        fix = "Name them under stages, marks or work, or list them under ignore."
        message = f"activities that the mapping does not name: {_listed(strange)}"
        yield Problem(message, table.name, columns.activity, " ".join([*sorted(hints), fix]))
    if columns.phase is not None:
        words = {word.casefold() for word in _words(mapping)}
        counts = frame[columns.phase].str.casefold().value_counts()
        strange = counts[~counts.index.isin(words)]
        if len(strange):
            fix = "Name them under phases, or list them under phases.ignore."
            message = f"phases that the mapping does not name: {_listed(strange)}"
            yield Problem(message, table.name, columns.phase, fix)


def events_of(
    table: TextTable, mapping: MappingFile, times: pd.Series
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the events that mean something, by lead and time; ties as in the file.

    Parameters
    ----------
    table : TextTable
        The file, without problems.
    mapping : MappingFile
        What its columns and activities mean.
    times : pandas.Series
        The instants of its rows.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        ``lead`` (number in order of appearance), ``lead_id``, ``at``, ``kind`` (stages,
        marks, work), ``name`` of the stage, mark or work, ``phase`` (queued, started,
        ended), ``worker`` and ``row`` in the file; and what was left out or assumed.

    Examples
    --------
    >>> from funnelsim.calibration.readers.example import MAPPING, TABLE, TIMES
    >>> events, _ = events_of(TABLE, MAPPING, TIMES)
    >>> events[["lead_id", "kind", "name", "phase"]].head(3)
      lead_id    kind      name   phase
    0       7  stages  received   ended
    1       7    work     check  queued
    2       7    work     check  started
    """
    columns, frame = mapping.events, table.frame
    meaning = dict(mapping.activities())
    activity = frame[columns.activity]
    events = pd.DataFrame(
        {
            "lead": pd.factorize(frame[columns.lead])[0],
            "lead_id": frame[columns.lead],
            "at": times,
            "kind": activity.map({name: path[0] for name, path in meaning.items()}),
            "name": activity.map({name: path[1] for name, path in meaning.items() if path[1:]}),
            "phase": _phases(frame, mapping),
            "worker": frame[columns.worker] if columns.worker else pd.Series(None, dtype="str"),
            "row": np.arange(len(frame)),
        }
    )
    copy = frame.duplicated()
    unmeant = (events["kind"] == "ignore") | (events["phase"] == "ignore")
    early = (events["kind"] != "work") & (events["phase"] != "ended") & ~unmeant
    events = events[~(copy | unmeant | early)]
    jumps = events["at"] < events.groupby("lead")["at"].shift()
    events = events.sort_values(["lead", "at", "row"], ignore_index=True)
    ties = (events["at"] == events["at"].shift()) & (events["lead"] == events["lead"].shift())
    counts = {
        "copies": copy.sum(),
        "ignored": unmeant.sum(),
        "unfinished": early.sum(),
        "order": jumps.sum(),
        "ties": ties.sum(),
    }
    notes = [Note(kind, int(n), *SENTENCES[kind]) for kind, n in counts.items() if n]
    return events, [*notes, *_absent(meaning, activity)]


def _absent(named: Iterable[str], activity: pd.Series) -> list[Note]:
    """Note activities that the mapping names and the file has not."""
    seen = set(activity.unique())
    absent = [f'"{name}"' for name in named if name not in seen]
    found = Message("Activities in the mapping but not in the file")
    done = Message("They are {names}.", names=", ".join(absent))
    return [Note("absent", len(absent), found, done)] if absent else []


def _words(mapping: MappingFile) -> dict[str, str]:
    """Return what the words of the phase column mean."""
    phases = mapping.phases
    words = {phases.queued: "queued", phases.started: "started", phases.ended: "ended"}
    return {**dict.fromkeys(phases.ignore, "ignore"), **words}


def _phases(frame: pd.DataFrame, mapping: MappingFile) -> pd.Series:
    """Return each row's phase; without such a column every event just happens."""
    if mapping.events.phase is None:
        return pd.Series("ended", index=frame.index, dtype="str")
    words = {word.casefold(): meaning for word, meaning in _words(mapping).items()}
    return frame[mapping.events.phase].str.casefold().map(words)


def _listed(counts: pd.Series) -> str:
    """Return values with their counts, the most frequent first."""
    shown = ", ".join(f'"{name}" × {count:,}' for name, count in counts[:SHOWN].items())
    more = len(counts) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
