"""Slots: the moments a job is due, known by what the clock on the wall shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from funnelsim.scheduling.schedules import Schedule

__all__ = ["Slot", "instant_of", "next_slots", "slots_between"]

# Clocks were moved by up to a day: an island that changed sides of the date line.
_MARGIN = timedelta(days=2)
_REACH = timedelta(days=40)
_FARTHEST = 400


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One time that a job is due.

    Parameters
    ----------
    instant : datetime
        UTC; when it runs.
    wall : datetime
        Naive local time: the slot's name. In the hour that clocks skip it is a time that
        never was, and runs when the clock has moved; in the hour that comes twice it is one
        slot and runs the first time.

    Examples
    --------
    >>> Slot(datetime(2026, 11, 23, 5, tzinfo=UTC), datetime(2026, 11, 23, 7)).key
    '2026-11-23T07:00'
    """

    instant: datetime
    wall: datetime

    @property
    def key(self) -> str:
        """How the ledger names the slot."""
        return self.wall.isoformat(timespec="minutes")


def slots_between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[Slot]:
    """Slots in ``(after, until]``, in order, each wall time once.

    Parameters
    ----------
    schedule : Schedule
    after, until : datetime
        Aware.

    Yields
    ------
    Slot

    Examples
    --------
    The night of 25 October 2026 has 03:30 twice; a job of 03:30 runs once:

    >>> nightly = Schedule(cron="30 3 * * *", zone="Europe/Kyiv")
    >>> night = datetime(2026, 10, 24, 21, tzinfo=UTC), datetime(2026, 10, 25, 21, tzinfo=UTC)
    >>> [slot.key for slot in slots_between(nightly, *night)]
    ['2026-10-25T03:30']

    In spring it runs as soon as the clock has skipped the hour:

    >>> night = datetime(2026, 3, 28, 21, tzinfo=UTC), datetime(2026, 3, 29, 21, tzinfo=UTC)
    >>> [f"{slot.key} at {slot.instant:%H:%M} UTC" for slot in slots_between(nightly, *night)]
    ['2026-03-29T03:30 at 01:00 UTC']
    """
    zone = ZoneInfo(schedule.zone)
    first, last = (moment.astimezone(zone).replace(tzinfo=None) for moment in (after, until))
    walls = schedule.walls(_earlier(first), _later(last))
    found = (Slot(instant_of(wall, zone), wall) for wall in walls)
    yield from sorted(slot for slot in found if after < slot.instant <= until)


def next_slots(schedule: Schedule, after: datetime, n: int = 1) -> tuple[Slot, ...]:
    """The next slots after a moment.

    Parameters
    ----------
    schedule : Schedule
    after : datetime
        Aware.
    n : int
        How many.

    Returns
    -------
    tuple of Slot
        Fewer where the schedule has no more within forty years.

    Examples
    --------
    >>> monday = Schedule(cron="0 7 * * 1", zone="Europe/Kyiv")
    >>> next_slots(monday, datetime(2026, 11, 23, 5, tzinfo=UTC))[0].key
    '2026-11-30T07:00'
    """
    return tuple(islice(_onwards(schedule, after), n))


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """When a clock on the wall shows this for the first time, or has moved past it.

    Parameters
    ----------
    wall : datetime
        Naive.
    zone : ZoneInfo

    Returns
    -------
    datetime
        UTC.

    Examples
    --------
    >>> instant_of(datetime(2026, 3, 29, 3, 30), ZoneInfo("Europe/Kyiv"))
    datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc)
    """
    found = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    # The offset after the change points before it, the one before the change points behind it.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), found
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        same = middle.astimezone(zone).utcoffset() == offset
        low, high = (middle, high) if same else (low, middle)
    return high


def _onwards(schedule: Schedule, after: datetime) -> Iterator[Slot]:
    for _ in range(_FARTHEST):
        until = after + _REACH
        yield from slots_between(schedule, after, until)
        after = until


def _earlier(wall: datetime) -> datetime:
    return wall - _MARGIN if wall - datetime.min > _MARGIN else wall  # noqa: DTZ901 - wall time


def _later(wall: datetime) -> datetime:
    return wall + _MARGIN if datetime.max - wall > _MARGIN else wall  # noqa: DTZ901 - wall time
