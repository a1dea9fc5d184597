"""Mappings of tables with one row per deal, or one row per change of a deal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from funnelsim.calibration.raw import RawHistory, RawStage
from funnelsim.calibration.readers.deal_tables import DealForm, history_of
from funnelsim.calibration.readers.formats import Options
from funnelsim.calibration.readers.mapping import Attribute, MappingHead, Names
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.tables import read_any
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.timestamps import instant
from funnelsim.documents import Document, DocumentPath, did_you_mean, load_document, validate
from funnelsim.errors import DataError, Problem
from funnelsim.scenarios.frozen import Frozen, Id, Label

__all__ = ["DealMapping", "read_through"]

OBTAIN = "Export the table of changes of stages too, or this table every week and give all files."


class DealColumns(Frozen):
    """The columns of a table with one row per deal."""

    deal_id: str | None = None
    """The number of the deal; without it deals are named by their line."""
    customer_id: str | None = None
    """The customer, who may come back with another deal."""
    funnel: str | None = None
    """The pipeline."""
    source: str | None = None
    """Where the deal came from."""
    product: str | None = None
    """What it is about."""
    segment: str | None = None
    """The kind of customer."""
    owner: str | None = None
    """Who works on it."""
    stage: str | None = None
    """The stage that it is in."""
    status: str | None = None
    """Whether it is open, won or lost."""
    created_at: str | None = None
    """When it came in."""
    stage_since: str | None = None
    """When it entered its present stage."""
    closed_at: str | None = None
    """When it was won or lost."""
    expected_close_at: str | None = None
    """When it is expected to close."""
    reason: str | None = None
    """Why it was lost."""
    value: str | None = None
    """What it is worth."""
    currency: str | None = None
    """The currency of its value."""
    deleted: str | None = None
    """Whether it was deleted."""


class MoveColumns(Frozen):
    """The columns of a table with one row per change of a deal."""

    deal_id: str
    """The number of the deal."""
    at: str
    """When it changed."""
    stage: str
    """The stage that it moved to; with ``field``: the new value, whatever changed."""
    from_stage: str | None = None
    """The stage that it left."""
    by: str | None = None
    """Who moved it."""
    field: str | None = None
    """Which property changed, where the table holds more than stages."""
    stage_field: str | None = None
    """What ``field`` says where the stage changed."""
    fields: Mapping[
        str, Literal["created_at", "closed_at", "owner", "reason", "value", "status"]
    ] = {}
    """What other properties are: by what ``field`` says."""


class DealStage(Frozen):
    """A stage."""

    named: Names
    """What the CRM calls it."""
    label: Label = {}
    """Names by language."""
    outcome: Literal["won", "lost"] | None = None
    """Set where entering the stage closes the deal."""


class DealMapping(MappingHead):
    """How a table of deals, or of their changes, becomes a history."""

    deals: DealColumns | None = None
    """The columns of a table with one row per deal."""
    moves: MoveColumns | None = None
    """The columns of a table with one row per change of a deal."""
    closes_later: bool = False
    """Whether the date of closing is only expected while a deal is open."""
    attributes: Mapping[Id, Attribute] | None = None
    """Further columns that describe the deal; by default those with few values."""
    stages: Mapping[Id, DealStage] = {}
    """Stages in their order; by default found in the data."""

    def tells_status(self) -> bool:
        """Whether a column, and not only the stage, says if a deal is open, won or lost."""
        told = self.deals is not None and self.deals.status is not None
        return told or (self.moves is not None and "status" in self.moves.fields.values())

    def columns(self) -> Iterator[tuple[str, DocumentPath]]:
        """Yield every column named, with where it is named."""
        for section in ("deals", "moves"):
            for key, column in getattr(self, section) or ():
                if isinstance(column, str) and key != "stage_field":
                    yield column, (section, key)
        for name, attribute in (self.attributes or {}).items():
            yield attribute.column, ("attributes", name, "column")


def read_through(
    source: str | Path, mapping: str | Path, options: Options, *, query: str | None = None
) -> RawHistory:
    """Read a table through a mapping file of any kind.

    Parameters
    ----------
    source : str or Path
        A file, or the URL of a database.
    mapping : str or Path
        With a section ``deals``, ``moves`` or ``events``.
    options : Options
        What the user says counts more than the mapping.
    query : str, optional
        What to ask the database.

    Returns
    -------
    RawHistory

    Raises
    ------
    DataError
        Every problem of the mapping, or else of the table, with its place.

    Examples
    --------
    >>> read_through("deals.csv", "no-such.yaml", Options())
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.yaml: there is no such file
    """
    document = load_document(mapping, DataError)
    if isinstance(document.data, Mapping) and not {"deals", "moves"} & set(document.data):
        from funnelsim.calibration.readers.mapped import raw_mapped

        return _of_pipeline(raw_mapped(source, mapping, query=query), options)
    spec = validate(document, DealMapping, DataError)
    problems = list(_faults(spec, document))
    if problems:
        raise DataError(problems)
    table = read_any(source, query=query, form=spec.file)
    missing = list(_missing_columns(table, spec, document))
    if missing:
        raise DataError(missing)
    options = dataclasses.replace(
        options,
        time_zone=options.time_zone or spec.time_zone,
        currency=options.currency or spec.currency or None,
    )
    if spec.moves is not None:
        from funnelsim.calibration.readers.change_logs import changes_of

        raw = changes_of(table, spec.moves, options)
    else:
        raw = history_of("mapping", table, _form(spec), options, obtain_history=OBTAIN)
    return _as_mapped(raw, spec, document, options)


def _of_pipeline(raw: RawHistory, options: Options) -> RawHistory:
    """Return only what belongs to the pipeline asked for."""
    if options.pipeline is None:
        return raw
    funnels = raw.deals["funnel"]
    own = funnels.str.casefold() == options.pipeline.strip().casefold()
    if not own.any():
        where = ", ".join(file.name for file in raw.meta.files)
        fix = did_you_mean(options.pipeline, [str(name) for name in funnels.dropna().unique()])
        message = f'no deal is of the pipeline "{options.pipeline}"'
        raise DataError(Problem(message, where, "pipeline", fix=fix))
    ids = raw.deals.loc[own, "deal_id"]
    kept = {"deals": raw.deals[own].reset_index(drop=True)}
    for name in ("moves", "efforts", "marks"):
        frame = getattr(raw, name)
        kept[name] = frame[frame["deal_id"].isin(ids)].reset_index(drop=True)
    return RawHistory(**kept, meta=raw.meta)


def _form(spec: DealMapping) -> DealForm:
    """Return what the columns are called."""
    named = spec.deals or DealColumns()
    columns = {key: (column,) for key, column in named if column is not None}
    asked = spec.attributes
    attributes = None if asked is None else {key: (a.column, a.kind) for key, a in asked.items()}
    return DealForm(columns, closes_later=spec.closes_later, attributes=attributes)


def _faults(spec: DealMapping, document: Document) -> Iterator[Problem]:
    """Find what makes no sense in a mapping."""
    if spec.deals is not None and spec.moves is not None:
        fix = "Give each table a mapping of its own."
        yield document.problem(("moves",), "deals and moves are two tables", fix)
    if spec.moves is not None and (spec.moves.field is None) != (spec.moves.stage_field is None):
        fix = "field names the column, stage_field what it says where the stage changed."
        yield document.problem(("moves",), "field and stage_field go together", fix)
    if spec.deals is not None and not (spec.deals.stage or spec.deals.status):
        fix = "Add stage, or at least status."
        yield document.problem(("deals",), "names no column with the stage of a deal", fix)
    seen: dict[str, str] = {}
    for key, stage in spec.stages.items():
        for name in stage.named:
            if name in seen:
                message = f'"{name}" is already named in stages.{seen[name]}'
                yield document.problem(("stages", key, "named"), message)
            seen.setdefault(name, key)


def _missing_columns(table: TextTable, spec: DealMapping, document: Document) -> Iterator[Problem]:
    """Find columns that the mapping names and the file has not."""
    header = [str(name) for name in table.frame.columns]
    for column, path in spec.columns():
        if column.strip() not in header:
            message = f'the file {table.name} has no column "{column}"'
            yield document.problem(path, message, did_you_mean(column, header))


def _as_mapped(
    raw: RawHistory, spec: DealMapping, document: Document, options: Options
) -> RawHistory:
    """Put what the mapping says about stages and the window in place of what was guessed."""
    notes, deals, stages = list(raw.meta.notes), raw.deals, raw.meta.stages
    if spec.stages:
        stages = tuple(
            RawStage(name, key, outcome=stage.outcome, label=stage.label)
            for key, stage in spec.stages.items()
            for name in stage.named[:1]
        )
        notes = [note for note in notes if note.kind != "stage_order"]
        raw, more = _renamed(raw, spec)
        notes += more
        deals = raw.deals
    window = _window(spec, document, options)
    meta = dataclasses.replace(
        raw.meta,
        format="mapping",
        stages=stages,
        notes=tuple(notes),
        title=spec.title,
        origin=spec.origin,
        illustrative=spec.illustrative,
        observed_from=window[0],
        taken_at=options.taken_at or window[1] or raw.meta.taken_at,
    )
    return dataclasses.replace(raw, deals=deals, meta=meta)


def _renamed(raw: RawHistory, spec: DealMapping) -> tuple[RawHistory, list[Note]]:
    """Give stages of several names the first of them; say what closes deals."""
    first = {name: stage.named[0] for stage in spec.stages.values() for name in stage.named}
    outcome = {stage.named[0]: stage.outcome for stage in spec.stages.values()}
    tables = {}
    for table, columns in (("deals", ["stage"]), ("moves", ["stage", "from_stage"])):
        frame = getattr(raw, table).copy()
        for column in columns:
            frame[column] = frame[column].map(lambda name: first.get(name, name)).astype("str")
        tables[table] = frame
    deals = tables["deals"]
    closed = deals["stage"].map(outcome)
    known = deals["stage"].isin(list(outcome))
    if not spec.tells_status():
        deals["status"] = closed.fillna("open").where(known, deals["status"]).astype("str")
    else:
        deals["status"] = closed.where(closed.notna(), deals["status"]).astype("str")
    names = pd.concat([deals["stage"], tables["moves"]["stage"]]).dropna().unique()
    strange = [f'"{name}"' for name in names if name not in outcome]
    found, done = "Stages that the mapping does not name", f"They are {', '.join(strange[:10])}."
    notes = [Note("unnamed_stages", len(strange), found, done)] if strange else []
    return dataclasses.replace(raw, **tables), notes


def _window(
    spec: DealMapping, document: Document, options: Options
) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Return the window of observation that the mapping gives."""
    found: list[pd.Timestamp | None] = []
    for key, text in (("from", spec.observed.start), ("until", spec.observed.until)):
        try:
            found.append(None if text is None else instant(text, options.time_zone or "UTC"))
        except ValueError as problem:
            fix = "Write it as 2024-02-29 or 2024-02-29T09:00+02:00."
            message = f"is no time ({problem})"
            raise DataError(document.problem(("observed", key), message, fix)) from None
    return found[0], found[1]
