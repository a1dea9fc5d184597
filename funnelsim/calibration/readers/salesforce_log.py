"""Salesforce's two histories of opportunities → entries of stages."""

from __future__ import annotations

import pandas as pd

from funnelsim.calibration.readers.deal_tables import TRUE
from funnelsim.calibration.readers.formats import Names, column_of
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.text_tables import TextTable

__all__ = ["FIELD_COLUMNS", "HISTORY_COLUMNS", "entries_of", "field_entries_of"]

DEAL: Names = ("OpportunityId", "Opportunity ID")
STAGE: Names = ("StageName",)
AT: Names = ("CreatedDate",)
BY: Names = ("CreatedBy.Name", "CreatedById")
FIELD: Names = ("Field",)
OLD: Names = ("OldValue",)
NEW: Names = ("NewValue",)
DELETED: Names = ("IsDeleted",)
HISTORY_COLUMNS = (DEAL, STAGE, AT)
FIELD_COLUMNS = (DEAL, AT, FIELD, OLD, NEW)

STAGE_FIELDS = ("stagename", "stage")
CREATION = "created"

# kind of note → what was found, what was done
SENTENCES = {
    "other_edits": (
        "Rows of history that change something else than the stage",
        "They are no moves.",
    ),
    "deleted_rows": ("Rows of history that were deleted", "They are left out."),
    "unknown_beginnings": (
        "Deals whose first stage is known but not since when",
        "They were in it from their creation, where the export of deals gives one.",
    ),
}


def entries_of(table: TextTable, moments: Moments) -> tuple[pd.DataFrame, list[Note]]:
    """Return the entries of stages that OpportunityHistory records.

    Parameters
    ----------
    table : TextTable
        With the columns `HISTORY_COLUMNS`: a row per change of stage, amount, date of
        closing or probability.
    moments : Moments
        Reads the times.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        Columns of ``moves`` as in `RAW_SCHEMA`, by deal and time; rows that leave the
        stage as it is are counted.

    Examples
    --------
    >>> import numpy as np
    >>> from funnelsim.calibration.readers.formats import Options
    >>> rows = [("7", "New", "2024-02-01"), ("7", "New", "2024-02-02"), ("7", "Paid", "2024-02-03")]
    >>> names = ["OpportunityId", "StageName", "CreatedDate"]
    >>> frame = pd.DataFrame(rows, columns=names, dtype="str")
    >>> table = TextTable("OpportunityHistory.csv", frame, np.arange(2, 5), "")
    >>> entries, notes = entries_of(table, Moments(Options()))
    >>> entries["stage"].tolist(), notes[0].count
    (['New', 'Paid'], 1)
    """
    rows, notes = _rows(table, moments)
    rows["stage"] = _text(table, STAGE)
    rows = _in_order(rows.dropna(subset=["stage"]))
    before = rows.groupby("deal_id", sort=False)["stage"].shift()
    same = rows["stage"] == before
    entries = rows.assign(from_stage=before)[~same].reset_index(drop=True)
    return entries, [*notes, *_noted("other_edits", int(same.sum()))]


def field_entries_of(table: TextTable, moments: Moments) -> tuple[pd.DataFrame, list[Note]]:
    """Return the entries of stages that OpportunityFieldHistory records.

    Parameters
    ----------
    table : TextTable
        With the columns `FIELD_COLUMNS`: a row per change of a tracked field.
    moments : Moments
        Reads the times.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        Columns of ``moves`` as in `RAW_SCHEMA`, by deal and time. The first stage stands
        only in the old value of the first change; where the creation is recorded, it is an
        entry of that stage.

    Examples
    --------
    >>> import numpy as np
    >>> from funnelsim.calibration.readers.formats import Options
    >>> rows = [("created", None, None, "2024-02-01"), ("StageName", "New", "Paid", "2024-02-03")]
    >>> frame = pd.DataFrame(rows, columns=["Field", "OldValue", "NewValue", "CreatedDate"])
    >>> frame = frame.astype("str").assign(OpportunityId="7")
    >>> table = TextTable("OpportunityFieldHistory.csv", frame, np.arange(2, 4), "")
    >>> field_entries_of(table, Moments(Options()))[0][["stage", "from_stage"]].values.tolist()
    [['New', nan], ['Paid', 'New']]
    """
    rows, notes = _rows(table, moments)
    field = _text(table, FIELD).str.casefold()
    rows = rows.assign(
        stage=_text(table, NEW),
        from_stage=_text(table, OLD),
        moved=field.isin(STAGE_FIELDS),
        born=field == CREATION,
    )
    other = ~(rows["moved"] | rows["born"])
    moved = _in_order(rows[rows["moved"]].dropna(subset=["stage"]))
    first = moved.drop_duplicates("deal_id").set_index("deal_id")["from_stage"]
    born = rows[rows["born"]].drop_duplicates("deal_id")
    born = born.assign(stage=born["deal_id"].map(first).astype("str"), from_stage=None)
    born = born.astype({"from_stage": "str"}).dropna(subset=["stage"])
    unborn = first.notna() & ~first.index.isin(born["deal_id"])
    entries = _in_order(pd.concat([born, moved], ignore_index=True))
    more = [
        *_noted("other_edits", int(other.sum())),
        *_noted("unknown_beginnings", int(unborn.sum())),
    ]
    return entries.drop(columns=["moved", "born"]), [*notes, *more]


def _rows(table: TextTable, moments: Moments) -> tuple[pd.DataFrame, list[Note]]:
    """Return deal, time and author of every row that was not deleted."""
    rows = pd.DataFrame(
        {
            "deal_id": _text(table, DEAL),
            "at": moments.of(table, AT),
            "by": _text(table, BY),
            "row": table.lines,
        }
    )
    deleted = _text(table, DELETED).str.casefold().isin(TRUE)
    kept = rows[~deleted & rows["deal_id"].notna()]
    return kept, _noted("deleted_rows", int(deleted.sum()))


def _text(table: TextTable, names: Names) -> pd.Series:
    """Return a column without blanks around; missing throughout where there is none such."""
    column = column_of(table, names)
    if column is None:
        return pd.Series(None, index=table.frame.index, dtype="str")
    return table.frame[column].str.strip()


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows by deal and time; of one instant the earlier row comes first."""
    return rows.sort_values(["deal_id", "at", "row"], ignore_index=True)


def _noted(kind: str, count: int) -> list[Note]:
    """Return a note of a kind, if there is anything to note."""
    return [Note(kind, count, *SENTENCES[kind])] if count else []
