"""What the parts of a scenario have to know of each other while they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

__all__ = ["UNLIMITED", "Data", "Frame", "Plain", "either"]

Data = dict[str, Any]
Plain = st.SearchStrategy[Any]

UNLIMITED = 1000
"""Seats that are enough for every lead at once."""


@dataclass(frozen=True)
class Frame:
    """Names and dates of a scenario; ``coarse`` if all its times are half hours."""

    start: date
    days: float
    stages: tuple[str, ...]
    sources: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    calendars: tuple[str, ...] = ()
    default_calendar: str | None = None
    coarse: bool = False

    def day(self, n: int) -> str:
        """The date ``n`` days after the start of the run."""
        return (self.start + timedelta(days=n)).isoformat()


def either(*ways: Plain) -> Plain:
    """One of several, each as likely (``one_of`` would count the ways within the ways)."""
    return st.sampled_from(ways).flatmap(lambda way: way)
