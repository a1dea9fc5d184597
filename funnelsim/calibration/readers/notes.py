"""What a reader assumed or repaired, counted, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Note"]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing a reader assumed or repaired.

    Parameters
    ----------
    kind : str
        A short name that stays the same.
    count : int
        How many rows, leads or pieces of work it concerns.
    found : str
        What was found.
    done : str
        What was done about it, as a sentence; may be empty.

    Examples
    --------
    >>> print(Note("copies", 1200, "Rows that are exact copies of others", "They count once."))
    Rows that are exact copies of others: 1,200. They count once.
    """

    kind: str
    count: int
    found: str
    done: str = ""

    def __str__(self) -> str:
        return f"{self.found}: {self.count:,}. {self.done}".rstrip()
