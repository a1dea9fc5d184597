"""Written times → instants; a time without an offset is never guessed at."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.text_tables import TextTable, lines_of
from funnelsim.errors import Problem
from funnelsim.events import TIME
from funnelsim.events.tables import ZONED, cast
from funnelsim.messages import Message

__all__ = ["Instants", "instant", "instants"]

Instants = tuple[pd.Series, list[Problem], list[Note]]


def instants(
    table: TextTable, column: str, zone: str | None, time_format: str | None = None
) -> Instants:
    """Return a column of written times as UTC instants.

    Parameters
    ----------
    table : TextTable
        The table.
    column : str
        One of its columns.
    zone : str, optional
        The zone of times that carry no offset.
    time_format : str, optional
        As for ``datetime.strptime``; by default ISO 8601.

    Returns
    -------
    tuple of pandas.Series, list of Problem and list of Note
        UTC times; missing where the field is empty or could not be read.

    Examples
    --------
    >>> import numpy as np
    >>> frame = pd.DataFrame({"at": ["2024-02-29 09:00"]}, dtype="str")
    >>> times, _, _ = instants(TextTable("x.csv", frame, np.array([2]), ""), "at", "Europe/Kyiv")
    >>> times[0]
    Timestamp('2024-02-29 07:00:00+0000', tz='UTC')
    """
    text = table.frame[column].str.strip()
    aware = text.str.contains(ZONED, regex=True, na=False)
    naive = text.notna() & ~aware
    layout = time_format or "ISO8601"
    times = pd.to_datetime(text.where(aware), format=layout, utc=True, errors="coerce")
    problems: list[Problem] = []
    notes: list[Note] = []
    if naive.any():
        local = pd.to_datetime(text.where(naive), format=layout, errors="coerce")
        readable = local.notna()
        if readable.any():
            problems += _zone_problems(table, column, readable, aware, zone)
        if zone and not problems:
            placed, notes = _placed(local, zone)
            times = times.where(aware, placed)
        else:
            times = times.where(aware, local.dt.tz_localize("UTC"))
    broken = text.notna() & times.isna()
    if broken.any():
        value = text[broken].iloc[0]
        message = f'no time: {int(broken.sum()):,} of its values, such as "{value}"'
        fix = "Is it a real date? If dates are written another way, give file.time_format."
        problems.append(Problem(f"{message} ({lines_of(table, broken)})", table.name, column, fix))
    return cast(times, TIME), problems, notes


def instant(text: str, zone: str | None) -> pd.Timestamp:
    """Return one written time as a UTC instant.

    Parameters
    ----------
    text : str
        ISO 8601; a date is its first moment.
    zone : str, optional
        The zone if the text has no offset.

    Returns
    -------
    pandas.Timestamp
        In UTC.

    Raises
    ------
    ValueError
        It is no time, or has neither offset nor zone.

    Examples
    --------
    >>> instant("2012-01-01", "Europe/Amsterdam")
    Timestamp('2011-12-31 23:00:00+0000', tz='UTC')
    """
    stamp = pd.Timestamp(text)
    if stamp.tzinfo is None:
        if zone is None:
            raise ValueError(f'"{text}" has no offset from UTC, and no time_zone is given')
        stamp = stamp.tz_localize(zone)
    return stamp.tz_convert("UTC")


def _zone_problems(
    table: TextTable, column: str, naive: pd.Series, aware: pd.Series, zone: str | None
) -> list[Problem]:
    """Find times without an offset that nobody can place."""
    if aware.any():
        few, many = ("without", naive) if naive.sum() <= aware.sum() else ("with", aware)
        count = int(many.sum())
        other = "with" if few == "without" else "without"
        message = f"times {few} an offset from UTC: {count:,}; the others are {other}"
        fix = "Write all of them with an offset from UTC, or none."
        return [Problem(f"{message} ({lines_of(table, many)})", table.name, column, fix)]
    if zone is None:
        message = "its times have no offset from UTC, and the mapping gives no time_zone"
        fix = "Add time_zone, for example time_zone: Europe/Kyiv."
        return [Problem(f"{message} ({lines_of(table, naive)})", table.name, column, fix)]
    return []


def _placed(local: pd.Series, zone: str) -> tuple[pd.Series, list[Note]]:
    """Return local times as instants, with notes on hours that clocks skip or repeat."""
    summer = np.ones(len(local), dtype=bool)
    early = local.dt.tz_localize(zone, ambiguous=summer, nonexistent="shift_forward")
    late = local.dt.tz_localize(zone, ambiguous=~summer, nonexistent="shift_forward")
    notes = []
    repeated = int((early < late).sum())
    if repeated:
        found = Message("Times in the hour that the clocks repeat in autumn")
        notes.append(Note("repeated_hour", repeated, found, Message("The later one was taken.")))
    moved = int((late.dt.tz_localize(None) > local).sum())
    if moved:
        found = Message("Times in the hour that the clocks skip in spring")
        notes.append(Note("skipped_hour", moved, found, Message("They were moved to its end.")))
    return late.dt.tz_convert("UTC"), notes
