"""Pipedrive: the export of deals, the long log of their changes, or both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.raw import RawHistory, RawMetadata, RawStage
from funnelsim.calibration.readers.deal_tables import DealForm, deals_of, raw_file
from funnelsim.calibration.readers.formats import Form, Options, Reader, column_of
from funnelsim.calibration.readers.joining import among, joined, level_of
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.pipedrive_log import CHANGES, CLOSING, logged
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.calibration.readers.stages import stages_of, status_of
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.errors import DataError, Problem

__all__ = ["READER", "read"]

ID = ("Deal - ID", "Deal - Pipedrive System ID")
STAGE = ("Deal - Stage", "Deal - Stage (pipeline)")
STATUS = ("Deal - Status",)
CLOSED_AT = ("Deal - Deal closed on", "Deal - Closed on", "Deal - Won time", "Deal - Lost time")
CUSTOMER = (
    *("Deal - Organization ID", "Deal - Organization", "Organization"),
    *("Deal - Contact person ID", "Deal - Contact person", "Contact person"),
)
DEALS = DealForm(
    {
        "deal_id": ID,
        "customer_id": CUSTOMER,
        "funnel": ("Deal - Pipeline",),
        "source": ("Deal - Source channel", "Deal - Source origin"),
        "product": ("Deal - Product name",),
        "segment": ("Deal - Label",),
        "owner": ("Deal - Owner",),
        "stage": STAGE,
        "status": STATUS,
        "created_at": ("Deal - Deal created", "Deal - Creation date"),
        "stage_since": ("Deal - Last stage change",),
        "closed_at": CLOSED_AT,
        "expected_close_at": ("Deal - Expected close date",),
        "reason": ("Deal - Lost reason",),
        "value": ("Deal - Value",),
        "currency": ("Deal - Currency of Value",),
    },
    likelihood=("Deal - Probability",),
)
STAGE_ID, STAGE_NAME = ("stage_id", "id"), ("stage_name", "name")
STAGE_FUNNEL, STAGE_ORDER = ("pipeline_name", "pipeline"), ("order_nr", "order")
FIELD_KEY, FIELD_OPTIONS = ("field_key", "key"), ("field_value_options", "options")

OBTAIN = (
    "Pipedrive keeps the changes of each deal but does not export them: ask its interface for "
    "them (GET /v1/deals/{id}/flow, or the changelog of each deal), as rows of deal_id, "
    "change_time, changed_field_key and new_value, or export the deals every day and read "
    "the exports together."
)


def read(tables: Mapping[str, TextTable], options: Options) -> RawHistory:
    r"""Read what Pipedrive exports.

    Parameters
    ----------
    tables : mapping of str to TextTable
        ``deals`` (the export of deals) and ``changes`` (the long log), one or both;
        ``stages`` and ``fields`` give names to the numbers in the log.
    options : Options
        Zone and currency where the files name none.

    Returns
    -------
    RawHistory
        With the log: full history; without: a snapshot. Winning and losing are moves into
        the stages Won and Lost, since Pipedrive leaves closed deals in their open stage.

    Raises
    ------
    DataError
        There are neither deals nor changes, or columns that cannot be read.

    Examples
    --------
    >>> import io, numpy as np
    >>> text = "Deal - ID,Deal - Stage,Deal - Status,Deal - Value\n7,Demo,Lost,1.50\n"
    >>> frame = pd.read_csv(io.StringIO(text), dtype="str")
    >>> raw = read({"deals": TextTable("deals.csv", frame, np.array([2]), "")}, Options())
    >>> raw.deals[["deal_id", "stage", "status", "value"]].values.tolist()
    [['7', 'Demo', 'lost', 150]]
    """
    exported, log = tables.get("deals"), tables.get("changes")
    if exported is None and log is None:
        message = "lists of stages and fields only; export the deals, or the log of changes"
        raise DataError(message)
    order = [name for name in ("deals", "changes", "stages", "fields") if name in tables]
    deals, moves, codes = raw_table("deals"), raw_table("moves"), _listed(tables)
    notes: list[Note] = []
    labels: Mapping[str, Mapping[str, str]] = {}
    chance = None
    if log is not None:
        moments, reasons = Moments(options), _values(tables.get("fields"), "lost_reason")
        names = {number: name for number, (name, _) in codes.items()}
        found, moved, notes = logged(log, moments, names, reasons, options.currency)
        if moments.problems:
            raise DataError(moments.problems)
        notes = [*log.notes, *moments.notes(), *notes]
        moves = raw_table("moves", moved.assign(file=order.index("changes")))
        deals = raw_table("deals", found.assign(file=order.index("changes")))
    if exported is not None:
        own = deals_of(_coalesced(exported), DEALS, options)
        chance, labels = own.likelihood, own.labels
        frame = _with_status(own.frame, exported)
        deals, more = joined(frame, deals, only_these=options.pipeline is not None)
        moves = raw_table("moves", moves[among(moves["deal_id"], deals["deal_id"])])
        notes = [*own.notes, *notes, *more]
    funnels = deals["stage"].map(_only_funnels(codes)).astype("str")
    deals["funnel"] = deals["funnel"].fillna(funnels)
    stages, more = _stages(codes, deals, moves, chance)
    files = tuple(raw_file(tables[name], options) for name in order)
    return RawHistory(
        deals=deals,
        moves=moves,
        efforts=raw_table("efforts"),
        marks=raw_table("marks"),
        meta=RawMetadata(
            format="pipedrive",
            files=files,
            history="snapshot" if log is None else level_of(deals, moves),
            time_zone=options.time_zone or "UTC",
            currency=_currency(deals, options),
            taken_at=max((file.taken_at for file in files if file.taken_at), default=None),
            stages=stages,
            notes=(*notes, *more),
            labels=labels,
            obtain_history=OBTAIN if log is None else "",
        ),
    )


def _coalesced(table: TextTable) -> TextTable:
    """Return the export with one column for what it keeps in several: customer and closing."""
    frame = table.frame.copy()
    for names in (CLOSED_AT, CUSTOMER):
        columns = [column for name in names if (column := column_of(table, (name,)))]
        for column in columns[1:]:
            frame[columns[0]] = frame[columns[0]].fillna(frame[column])
    stage = column_of(table, STAGE)
    if stage is not None and stage.casefold().endswith("(pipeline)"):
        parts = frame[stage].str.extract(r"^(.*?)\s*(?:\(([^()]*)\))?$")
        frame = frame.assign(**{stage: parts[0], "Deal - Pipeline": parts[1]})
    return dataclasses.replace(table, frame=frame)


def _with_status(deals: pd.DataFrame, exported: TextTable) -> pd.DataFrame:
    """Return the deals with the status that the file names: here no stage closes a deal."""
    column = column_of(exported, STATUS)
    if column is None:
        return deals
    said = exported.frame[column].map({w: status_of(w) for w in exported.frame[column].unique()})
    by_line = pd.Series(said.fillna("open").to_numpy(), index=exported.lines)
    status = by_line.reindex(deals["row"]).set_axis(deals.index).astype("str")
    closed_at = deals["closed_at"].where(status != "open")
    return deals.assign(status=status, closed_at=closed_at)


def _currency(deals: pd.DataFrame, options: Options) -> str:
    """Return the currency of most deals."""
    counts = deals["currency"].value_counts()
    return str(counts.index[0]) if len(counts) else options.currency or ""


def _listed(tables: Mapping[str, TextTable]) -> dict[str, tuple[str, str]]:
    """Return name and pipeline of every stage that a file lists, by its number, in order."""
    table = tables.get("stages")
    if table is None:
        return {n: (name, "") for n, name in _values(tables.get("fields"), "stage_id").items()}
    number, name = column_of(table, STAGE_ID), column_of(table, STAGE_NAME)
    funnel, order = column_of(table, STAGE_FUNNEL), column_of(table, STAGE_ORDER)
    listed = table.frame.assign(
        at=pd.to_numeric(table.frame[order], errors="coerce") if order else range(len(table.frame)),
        of=table.frame[funnel].fillna("") if funnel else "",
    )
    listed = listed.dropna(subset=[number, name]).sort_values(["of", "at"], kind="stable")
    rows = zip(listed[number], listed[name], listed["of"], strict=True)
    return {str(number): (str(name).strip(), str(of)) for number, name, of in rows}


def _only_funnels(codes: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the pipeline of every listed stage whose name is in one pipeline only."""
    names = [name for name, _ in codes.values()]
    return {name: of for name, of in codes.values() if of and names.count(name) == 1}


def _values(fields: TextTable | None, key: str) -> dict[str, str]:
    """Return the names of the values of a field by their number, as the list of fields has them."""
    if fields is None:
        return {}
    keys, values = column_of(fields, FIELD_KEY), column_of(fields, FIELD_OPTIONS)
    text = fields.frame.loc[fields.frame[keys] == key, values].dropna()
    try:
        listed = json.loads(text.iloc[0]) if len(text) else []
        return {str(one["id"]): str(one["label"]) for one in listed}
    except (KeyError, TypeError, ValueError):
        message = f"the values of {key} are no list of id and label"
        fix = 'Write them as [{"id": "1", "label": "Demo"}].'
        raise DataError(Problem(message, fields.name, str(values), fix)) from None


def _stages(
    codes: Mapping[str, tuple[str, str]],
    deals: pd.DataFrame,
    moves: pd.DataFrame,
    chance: pd.Series | None,
) -> tuple[tuple[RawStage, ...], list[Note]]:
    """Return the stages in the order of their list, or as found, then those that close deals."""
    inside = moves[~moves["stage"].isin(list(CLOSING.values()))]
    present = set(deals["stage"]) | set(inside["stage"])
    funnels = deals["funnel"].dropna().unique()
    only = str(funnels[0]) if len(funnels) == 1 else ""
    unused = [
        (name, funnel or only)
        for name, funnel in codes.values()
        if name not in present and (funnel or len(funnels) <= 1)
    ]
    listed = raw_table("deals", pd.DataFrame(unused, columns=["stage", "funnel"], dtype="str"))
    everything = pd.concat([deals, listed], ignore_index=True)
    likelihood = None if chance is None else chance.reindex(everything.index)
    found, notes = stages_of(everything, inside, where="Pipedrive", likelihood=likelihood)
    stages = [dataclasses.replace(stage, outcome=None) for stage in found]
    if codes:
        place = {name: number for number, (name, _) in enumerate(codes.values())}
        stages.sort(key=lambda stage: (stage.funnel, place.get(stage.name, len(place))))
        notes = []
    taken = {stage.id for stage in stages}
    for outcome, name in CLOSING.items():
        key = outcome if outcome not in taken else f"status-{outcome}"
        stages.append(RawStage(name, key, outcome=outcome))
    return tuple(stages), notes


READER = Reader(
    id="pipedrive",
    label="Pipedrive",
    forms=(
        Form("deals", (ID, STAGE, STATUS), tuple(DEALS.columns.values())),
        Form("changes", CHANGES),
        Form("stages", (("stage_id",), STAGE_NAME), (STAGE_FUNNEL, STAGE_ORDER)),
        Form("stages", (("id",), ("name",), ("order_nr",)), (STAGE_FUNNEL,)),
        Form("fields", (FIELD_KEY, FIELD_OPTIONS), (("name",),)),
    ),
    read=read,
    obtain_history=OBTAIN,
)
