"""A table with one row per change of a deal → a full history, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from funnelsim.calibration.raw import RawHistory, RawMetadata
from funnelsim.calibration.readers.amounts import amounts
from funnelsim.calibration.readers.deal_tables import raw_file, with_currency
from funnelsim.calibration.readers.formats import Options
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.calibration.readers.stages import outcome_of, stages_of, status_of
from funnelsim.calibration.readers.text_tables import TextTable, lines_of
from funnelsim.errors import DataError, Problem

if TYPE_CHECKING:
    from funnelsim.calibration.readers.deal_mapping import MoveColumns

__all__ = ["changes_of"]


def changes_of(table: TextTable, columns: MoveColumns, options: Options) -> RawHistory:
    """Read a log of changes.

    Parameters
    ----------
    table : TextTable
        One row per change.
    columns : MoveColumns
        What its columns are.
    options : Options
        What the user says.

    Returns
    -------
    RawHistory
        Level ``full``; a deal is created when it is first heard of, if nothing else says so.

    Raises
    ------
    DataError
        Rows without a deal, no times, no row that changes the stage.

    Examples
    --------
    >>> import numpy as np
    >>> from funnelsim.calibration.readers.deal_mapping import MoveColumns
    >>> frame = pd.DataFrame({"id": ["7", "7"], "at": ["2024-01-01", "2024-01-03"]}, dtype="str")
    >>> frame["to"] = pd.Series(["New", "Won"], dtype="str")
    >>> table = TextTable("log.csv", frame, np.array([2, 3]), "")
    >>> changes_of(table, MoveColumns(deal_id="id", at="at", stage="to"), Options())
    RawHistory(mapping, deals=1, moves=2, efforts=0, marks=0, full history)
    """
    frame = table.frame
    moments = Moments(options)
    at = moments.of(table, (columns.at,))
    deal = frame[columns.deal_id].str.strip()
    problems = list(moments.problems)
    if deal.isna().any():
        message = f"empty fields: {int(deal.isna().sum()):,} ({lines_of(table, deal.isna())})"
        problems.append(Problem(message, table.name, columns.deal_id))
    moved = frame[columns.stage].notna()
    if columns.field is not None:
        moved &= frame[columns.field] == columns.stage_field
    if not moved.any():
        there = "" if columns.field is None else _listed(frame[columns.field])
        problems.append(Problem("no row changes the stage", table.name, columns.stage, there))
    if problems:
        raise DataError(problems)
    moves = pd.DataFrame({"deal_id": deal, "at": at, "stage": frame[columns.stage]})[moved]
    for key, column in (("from_stage", columns.from_stage), ("by", columns.by)):
        if column is not None:
            moves[key] = frame[column][moved]
    moves["row"] = table.lines[moved.to_numpy()]
    notes = [*table.notes, *moments.notes()]
    deals, more = _deals(table, columns, deal, at, options)
    moves = moves.sort_values(["at", "row"], kind="stable", ignore_index=True)
    last = moves.drop_duplicates("deal_id", keep="last").set_index("deal_id")
    deals["stage"] = deals["deal_id"].map(last["stage"])
    deals["stage_since"] = deals["deal_id"].map(last["at"])
    closing = deals["stage"].map({s: outcome_of(s) for s in deals["stage"].dropna().unique()})
    said = deals["status"] if "status" in deals else pd.Series(None, index=deals.index, dtype="str")
    deals["status"] = said.where(said.isin(["won", "lost"]), closing).fillna("open")
    tables = {"deals": raw_table("deals", deals), "moves": raw_table("moves", moves)}
    stages, order = stages_of(tables["deals"], tables["moves"], where=table.name)
    file = raw_file(table, options)
    meta = RawMetadata(
        format="mapping",
        files=(file,),
        history="full",
        time_zone=options.time_zone or "UTC",
        currency=options.currency or "",
        taken_at=file.taken_at,
        stages=stages,
        notes=(*notes, *more, *order),
    )
    return RawHistory(**tables, efforts=raw_table("efforts"), marks=raw_table("marks"), meta=meta)


def _deals(
    table: TextTable, columns: MoveColumns, deal: pd.Series, at: pd.Series, options: Options
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the deals that the changes speak of, with the last word on each property."""
    ordered = at.sort_values(kind="stable").index
    rows = pd.DataFrame({"deal_id": deal, "created_at": at, "row": table.lines}).loc[ordered]
    deals = rows.drop_duplicates("deal_id").sort_values("row", ignore_index=True)
    notes: list[Note] = []
    for word, key in columns.fields.items():
        there = (table.frame[columns.field] == word).loc[ordered]
        said = table.frame[columns.stage].loc[ordered][there]
        latest = pd.DataFrame(
            {"deal": deal.loc[ordered][there], "value": said, "at": rows["created_at"][there]}
        )
        latest = latest.drop_duplicates("deal", keep="last").set_index("deal")
        if key in ("created_at", "closed_at"):
            own = deals["deal_id"].map(latest["at"])
            deals[key] = own.fillna(deals["created_at"]) if key == "created_at" else own
        elif key == "value":
            texts = deals["deal_id"].map(latest["value"])
            currency = pd.Series(None, index=deals.index, dtype="object")
            currency, more = with_currency(currency, texts.notna(), options)
            notes += more
            deals["value"], broken = amounts(texts, currency)
            deals["currency"] = currency.where(deals["value"].notna())
            if broken.any():
                found = f'Values of "{word}" that are no amounts'
                notes.append(Note("no_amount", int(broken.sum()), found, "They count as empty."))
        elif key == "status":
            words = {text: status_of(text) for text in latest["value"].dropna().unique()}
            deals["status"] = deals["deal_id"].map(latest["value"]).map(words)
            closed = deals["deal_id"].map(latest["at"]).where(deals["status"].isin(["won", "lost"]))
            deals["closed_at"] = closed
        else:
            deals[key] = deals["deal_id"].map(latest["value"])
    return deals, notes


def _listed(fields: pd.Series) -> str:
    """Return which properties change."""
    counts = fields.value_counts()
    shown = ", ".join(f'"{name}" × {count:,}' for name, count in counts[:8].items())
    return f"What changes is: {shown}. Name the right one as stage_field."
