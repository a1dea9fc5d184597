"""What was repaired in a CRM's history: counted, with examples, and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from funnelsim.calibration.raw import RawFile
from funnelsim.calibration.readers.notes import Note

__all__ = ["REPAIRS", "Ledger", "Repair", "examples_of"]

EXAMPLES = 5

# kind of repair → what was found, what was done
REPAIRS: Mapping[str, tuple[str, str]] = {
    "nameless_deals": ("Deals without an id", "They are left out."),
    "duplicate_deals": ("Rows of deals that are exact copies of others", "They count once."),
    "conflicting_deals": (
        "Rows of a deal that occurs more than once with different content",
        "The latest row counts.",
    ),
    "deleted_deals": ("Deals that were deleted", "They are left out."),
    "ancient_times": (
        "Dates before 1990, which machines write for an empty one",
        "They count as unknown.",
    ),
    "future_deals": ("Deals created after the export was taken", "They are left out."),
    "future_moves": ("Moves dated after the export was taken", "They are left out."),
    "future_closings": (
        "Closed deals with a closing date after the export was taken",
        "The date counts as unknown.",
    ),
    "future_work": ("Pieces of work dated after the export was taken", "What lies ahead is cut."),
    "future_marks": ("Marks dated after the export was taken", "They are left out."),
    "planned_closings": (
        "Open deals with a closing date",
        "It counts as the expected date of closing.",
    ),
    "uncreated_deals": (
        "Deals whose date of creation is unknown",
        "They arrive with the first thing known of them.",
    ),
    "undated_deals": ("Deals without any date that says when they arrived", "They are left out."),
    "late_creations": (
        "Deals created after the first thing that happened to them",
        "They arrive with the first thing that happened.",
    ),
    "closed_same_day": (
        "Deals closed earlier on the day on which they were created",
        "They count as closed when they were created: the closing has a date but no time.",
    ),
    "closed_before_created": (
        "Deals closed on a day before they were created or first moved",
        "They are left out: one of the dates is wrong.",
    ),
    "stray_moves": ("Moves of deals that are not in the table of deals", "They are left out."),
    "stray_work": ("Pieces of work of deals that are not in the table", "They are left out."),
    "stray_marks": ("Marks of deals that are not in the table of deals", "They are left out."),
    "undated_moves": ("Moves without a date", "They are left out."),
    "nameless_moves": ("Moves that do not name the stage", "They are left out."),
    "duplicate_moves": ("Moves that are exact copies of others", "They count once."),
    "repeated_stage": (
        "Moves into the stage in which the deal already is",
        "The first one counts.",
    ),
    "first_stages": (
        "Deals whose first recorded move leaves a stage",
        "They were in that stage from their creation on.",
    ),
    "unmoved_deals": (
        "Deals without any recorded move",
        "They are in their present stage since the date the table of deals gives.",
    ),
    "history_gaps": (
        "Moves out of a stage into which no move was recorded",
        "The history is taken as it stands.",
    ),
    "added_closings": (
        "Deals that are closed but whose last move is not into a closing stage",
        "They enter the closing stage when they were closed.",
    ),
    "added_stages": (
        "Deals whose present stage is not the one of their last move",
        "They enter it on the date that the table of deals gives.",
    ),
    "unexplained_stages": (
        "Deals whose present stage is not the one of their last move, since nobody knows when",
        "The history of moves counts.",
    ),
    "moves_after_closing": (
        "Moves of closed deals after the date on which they were closed for good",
        "They are left out.",
    ),
    "undated_closings": (
        "Closed deals without a date of closing",
        "They count as closed when the export was taken.",
    ),
    "lost_closings": (
        "Closed deals of which nobody knows when they closed",
        "They are left out: they are few.",
    ),
    "contradicting_status": (
        "Deals whose status is not what their stage says",
        "The stage counts.",
    ),
    "reopened": (
        "Times that a closed deal moved on to another stage",
        "It counts as won or lost by its first closing.",
    ),
    "unlisted_stages": (
        "Stages that occur in the history but not in the list of stages",
        "They stand before the closing stages, and no stage leads on to them.",
    ),
    "stageless": ("Deals that enter no stage", "They stay open, in no stage."),
    "unknown_since": (
        "Open deals whose file does not say since when they are in their stage",
        "Their stay counts from their creation.",
    ),
    "left_truncation": (
        "Deals that began before recording did",
        (
            "They count from the beginning of recording on: "
            "of their like, only those that lived so long were seen."
        ),
    ),
    "impossible_work": (
        "Pieces of work that end before they start, or have no time",
        "They are left out.",
    ),
    "queued_after_start": (
        "Pieces of work that start before they are queued",
        "When they were queued counts as unknown.",
    ),
    "teamless_work": ("Pieces of work that name no team", "They are the work of one team."),
    "given_up": (
        "Pieces of work still waiting when their deal closed",
        "They count as given up at that moment.",
    ),
    "undated_marks": ("Marks without a date or a kind", "They are left out."),
    "early_marks": (
        "Marks dated before their deal arrived",
        "They count from the arrival on.",
    ),
}


@dataclass(frozen=True, slots=True)
class Repair:
    """One kind of repair.

    Parameters
    ----------
    kind : str
        A key of `REPAIRS`.
    count : int
        How many rows, deals or moves.
    of : int
        Of how many.
    examples : tuple of str
        At most five, as ``deal (file:row)``.

    Examples
    --------
    >>> print(Repair("deleted_deals", 3, 200).note)
    Deals that were deleted: 3. They are left out.
    """

    kind: str
    count: int
    of: int
    examples: tuple[str, ...] = ()

    @property
    def note(self) -> Note:
        """The repair as a counted sentence."""
        return Note(self.kind, self.count, *REPAIRS[self.kind])


def examples_of(rows: pd.DataFrame, files: tuple[RawFile, ...]) -> tuple[str, ...]:
    """Name the first few rows by deal, file and line.

    Parameters
    ----------
    rows : pandas.DataFrame
        With ``deal_id``, ``row`` and ``file`` as in `RAW_SCHEMA`.
    files : tuple of RawFile
        The files that the numbers mean.

    Returns
    -------
    tuple of str
        At most five.

    Examples
    --------
    >>> rows = pd.DataFrame({"deal_id": ["7"], "row": [12], "file": [0]})
    >>> examples_of(rows, (RawFile("deals.csv", "", 40),))
    ('7 (deals.csv:12)',)
    """
    result = []
    for deal, row, file in rows[["deal_id", "row", "file"]].head(EXAMPLES).itertuples(index=False):
        name = "" if pd.isna(deal) else str(deal)
        known = 0 <= file < len(files)
        result.append(f"{name} ({files[file].name}:{row})".strip() if known else name)
    return tuple(result)


@dataclass
class Ledger:
    """Collects repairs as they are made; a repair of nothing is not kept."""

    files: tuple[RawFile, ...]
    entries: dict[str, Repair] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Repair]:
        return iter(self.entries.values())

    def add(self, kind: str, rows: pd.DataFrame, of: int, count: int | None = None) -> None:
        """Enter the rows that a repair concerns; entries of one kind add up."""
        number = len(rows) if count is None else count
        if not number:
            return
        before = self.entries.get(kind, Repair(kind, 0, 0))
        examples = (*before.examples, *examples_of(rows, self.files))[:EXAMPLES]
        self.entries[kind] = Repair(kind, before.count + number, before.of + of, examples)

    def split(self, kind: str, frame: pd.DataFrame, bad: pd.Series | np.ndarray) -> pd.DataFrame:
        """Enter the bad rows and return the others."""
        bad = np.asarray(bad, dtype=bool)
        if not bad.any():
            return frame
        self.add(kind, frame[bad], len(frame))
        return frame[~bad]
