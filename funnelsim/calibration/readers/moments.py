"""Several columns of times of one export, read alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pandas as pd

from funnelsim.calibration.readers.dates import written_times
from funnelsim.calibration.readers.formats import Names, Options, column_of
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.errors import Problem
from funnelsim.events import TIME

__all__ = ["Moments"]

CHUNK = 500_000
"""Rows whose times are read at once: reading them takes several times their memory."""


class Moments:
    """Reads columns of times; keeps what was wrong with them and what was assumed.

    Parameters
    ----------
    options : Options
        Its zone is that of times without an offset.

    Examples
    --------
    >>> import numpy as np
    >>> frame = pd.DataFrame({"at": ["2024-02-29 09:00:00"]}, dtype="str")
    >>> moments = Moments(Options())
    >>> moments.of(TextTable("x.csv", frame, np.array([2]), ""), ("at",))[0]
    Timestamp('2024-02-29 09:00:00+0000', tz='UTC')
    >>> [note.kind for note in moments.notes()]
    ['zone']
    """

    def __init__(self, options: Options) -> None:
        self._zone = options.time_zone
        self._notes: dict[tuple[str, str, str], int] = {}
        self.problems: list[Problem] = []

    def of(self, table: TextTable, names: Names) -> pd.Series:
        """Return a column as UTC times; missing throughout where there is none such."""
        column = column_of(table, names)
        if column is None:
            return pd.Series(pd.NaT, index=table.frame.index, dtype=TIME)
        parts = []
        for part in _parts(table, column):
            times, problems, notes = written_times(part, column, self._zone)
            parts.append(times)
            self.problems += problems
            for note in notes:
                key = (note.kind, note.found, note.done)
                self._notes[key] = self._notes.get(key, 0) + note.count
        return parts[0] if len(parts) == 1 else pd.concat(parts)

    def notes(self) -> list[Note]:
        """Return what was assumed about all columns read so far, counted together."""
        return [Note(kind, n, found, done) for (kind, found, done), n in self._notes.items()]


def _parts(table: TextTable, column: str) -> Iterator[TextTable]:
    """Yield a large table in parts, if its times are written so that each can be read alone."""
    frame = table.frame[[column]]
    size = len(frame)
    if size <= CHUNK or not frame[column].dropna().str.match(r"\d{4}-\d{2}-\d{2}").all():
        yield table
        return
    for start in range(0, size, CHUNK):
        rows = slice(start, start + CHUNK)
        yield dataclasses.replace(table, frame=frame.iloc[rows], lines=table.lines[rows])
