"""Salesforce: opportunities, their history, the history of their fields, or any of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.raw import RawHistory, RawMetadata, RawStage
from funnelsim.calibration.readers.deal_tables import TRUE, DealForm, deals_of, raw_file
from funnelsim.calibration.readers.formats import Form, Options, Reader, column_of
from funnelsim.calibration.readers.joining import among, joined, level_of
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.calibration.readers.salesforce_log import (
    FIELD_COLUMNS,
    HISTORY_COLUMNS,
    entries_of,
    field_entries_of,
)
from funnelsim.calibration.readers.stages import stages_of
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.errors import DataError

__all__ = ["READER", "read"]

ID = ("Id", "Opportunity ID")
STAGE = ("StageName",)
CLOSED, WON = ("IsClosed",), ("IsWon",)
ORDER = ("StageSortOrder",)
DEALS = DealForm(
    {
        "deal_id": ID,
        "customer_id": ("AccountId",),
        "funnel": ("RecordType.Name", "RecordTypeId"),
        "source": ("LeadSource",),
        "product": ("Product__c", "ProductFamily__c"),
        "segment": ("Segment__c", "CustomerSegment__c", "Type"),
        "owner": ("Owner.Name", "OwnerId"),
        "stage": STAGE,
        "created_at": ("CreatedDate",),
        "stage_since": ("LastStageChangeDate",),
        "closed_at": ("CloseDate",),
        "reason": (
            *("Loss_Reason__c", "LossReason__c", "Lost_Reason__c", "Closed_Lost_Reason__c"),
            *("Reason_Lost__c", "ReasonLost__c"),
        ),
        "value": ("Amount",),
        "currency": ("CurrencyIsoCode",),
        "deleted": ("IsDeleted",),
    },
    closes_later=True,
    likelihood=("Probability",),
)
OBTAIN = (
    "Salesforce keeps the history of stages: take OpportunityHistory with the weekly data export "
    "(Setup, Data Export) or by a query, or OpportunityFieldHistory where the field StageName is "
    "tracked."
)
COMPANIONS = ("history", "fields")
# A history holds most columns of the deals too: these tell it from them.
HISTORY_TOO = (
    *(("ValidThroughDate",), ("FromOpportunityStageName",), ("CreatedDateForInsert",)),
    *(("PrevOpportunityStageUpdate",), ("PrevForecastUpdate",), ("PrevAmount",)),
    *(("PrevCloseDate",), ("FromForecastCategory",), ("CreatedById",), ("Amount",)),
    *(("CloseDate",), ("Probability",), ("CurrencyIsoCode",), ("IsDeleted",)),
)


def read(tables: Mapping[str, TextTable], options: Options) -> RawHistory:
    r"""Read what Salesforce's data export holds of opportunities.

    Parameters
    ----------
    tables : mapping of str to TextTable
        ``opportunities`` (Opportunity), ``history`` (OpportunityHistory) and ``fields``
        (OpportunityFieldHistory), any of them.
    options : Options
        The currency where the files name none, and the zone of hours and days in reports:
        the times themselves are in UTC, whatever it is.

    Returns
    -------
    RawHistory
        With either history: full; without: a snapshot. Deals whose history is in both are
        taken from OpportunityHistory.

    Raises
    ------
    DataError
        Columns that cannot be read.

    Examples
    --------
    >>> import io, numpy as np
    >>> text = "Id,StageName,IsClosed,IsWon,Amount\n006A,Paid,1,1,1.50\n"
    >>> frame = pd.read_csv(io.StringIO(text), dtype="str")
    >>> table = TextTable("Opportunity.csv", frame, np.array([2]), "")
    >>> raw = read({"opportunities": table}, Options(currency="EUR"))
    >>> raw.deals[["deal_id", "stage", "status", "value"]].values.tolist()
    [['006A', 'Paid', 'won', 150]]
    """
    zone, options = options.time_zone, dataclasses.replace(options, time_zone="UTC")
    order = [name for name in ("opportunities", *COMPANIONS) if name in tables]
    moves, notes = _moves(tables, options, order)
    deals = _deals_from(moves)
    chance = None
    outcomes: Mapping[str, str] = {}
    labels: Mapping[str, Mapping[str, str]] = {}
    table = tables.get("opportunities")
    if table is not None:
        own = deals_of(table, DEALS, options)
        chance, labels = own.likelihood, own.labels
        frame, outcomes = _with_outcomes(own.frame, table)
        deals, more = joined(frame, deals, only_these=options.pipeline is not None)
        moves = raw_table("moves", moves[among(moves["deal_id"], deals["deal_id"])])
        notes = [*own.notes, *notes, *more]
    stages, more = _stages(deals, moves, table, chance, outcomes)
    files = tuple(raw_file(tables[name], options) for name in order)
    full = any(name in tables for name in COMPANIONS)
    meta = RawMetadata(
        format="salesforce",
        files=files,
        history=level_of(deals, moves) if full else "snapshot",
        time_zone=zone or "UTC",
        currency=_currency(deals, options),
        taken_at=max((file.taken_at for file in files if file.taken_at), default=None),
        stages=stages,
        notes=(*notes, *more),
        labels=labels,
        obtain_history="" if full else OBTAIN,
    )
    return RawHistory(deals, moves, raw_table("efforts"), raw_table("marks"), meta)


def _moves(
    tables: Mapping[str, TextTable], options: Options, order: list[str]
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the entries of stages, each deal's from the one history that tells most of it."""
    moments = Moments(options)
    parts: list[pd.DataFrame] = []
    notes: list[Note] = []
    for name, entries in (("history", entries_of), ("fields", field_entries_of)):
        if name not in tables:
            continue
        found, more = entries(tables[name], moments)
        known = pd.concat([part["deal_id"] for part in parts]) if parts else pd.Series(dtype="str")
        parts.append(found[~among(found["deal_id"], known)].assign(file=order.index(name)))
        notes += [*tables[name].notes, *more]
    if moments.problems:
        raise DataError(moments.problems)
    moves = raw_table("moves", pd.concat(parts, ignore_index=True) if parts else None)
    return moves, [*notes, *moments.notes()]


def _deals_from(moves: pd.DataFrame) -> pd.DataFrame:
    """Return the deals that the history knows: when they began, and where they are."""
    first = moves.drop_duplicates("deal_id")
    repeated = moves.duplicated("deal_id", keep="last")
    last = moves[~repeated].set_index("deal_id").reindex(first["deal_id"]).reset_index()
    known = pd.DataFrame(
        {
            "deal_id": first["deal_id"].array,
            "created_at": first["at"].where(first["from_stage"].isna()).array,
            "stage": last["stage"],
            "stage_since": last["at"],
            "row": first["row"].array,
            "file": first["file"].array,
        }
    )
    return raw_table("deals", known)


def _with_outcomes(deals: pd.DataFrame, table: TextTable) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the deals with the outcome that the file states, and the outcome of each stage."""
    closed, won = (column_of(table, names) for names in (CLOSED, WON))
    if closed is None or won is None:
        return deals, {}
    flags = {
        name: pd.Series(_true(table.frame[column]).to_numpy(), index=table.lines)
        .reindex(deals["row"])
        .set_axis(deals.index)
        for name, column in (("closed", closed), ("won", won))
    }
    status = pd.Series("open", index=deals.index, dtype="str")
    status = status.mask(flags["closed"], "lost").mask(flags["won"], "won")
    date = deals["closed_at"].fillna(deals["expected_close_at"])
    done = status != "open"
    # the date of closing is set by hand, and is a day; the stage changed at the moment itself
    exact = deals["stage_since"].where(deals["stage_since"].notna(), date)
    deals = deals.assign(
        status=status, closed_at=exact.where(done), expected_close_at=date.where(~done)
    )
    usual = status.groupby(deals["stage"]).agg(lambda states: states.mode().iloc[0])
    return deals, {str(name): str(state) for name, state in usual.items()}


def _true(values: pd.Series) -> pd.Series:
    """Return which texts say yes."""
    return values.str.strip().str.casefold().isin(TRUE)


def _currency(deals: pd.DataFrame, options: Options) -> str:
    """Return the currency of most deals."""
    counts = deals["currency"].value_counts()
    return str(counts.index[0]) if len(counts) else options.currency or ""


def _stages(
    deals: pd.DataFrame,
    moves: pd.DataFrame,
    table: TextTable | None,
    chance: pd.Series | None,
    outcomes: Mapping[str, str],
) -> tuple[tuple[RawStage, ...], list[Note]]:
    """Return the stages in Salesforce's own order where it is exported, closing ones last."""
    likelihood = None if chance is None else chance.reindex(deals.index)
    where = table.name if table is not None else "Salesforce"
    found, notes = stages_of(deals, moves, where=where, likelihood=likelihood)
    meaning = {"won": "won", "lost": "lost", "open": None}
    stages = [
        dataclasses.replace(stage, outcome=meaning[outcomes[stage.name]])  # type: ignore[arg-type]
        if stage.name in outcomes
        else stage
        for stage in found
    ]
    order = column_of(table, ORDER) if table is not None else None
    place: dict[object, float] = {}
    if table is not None and order is not None:
        number = pd.to_numeric(table.frame[order], errors="coerce")
        name = table.frame[column_of(table, STAGE)].str.strip()
        place = dict(number.groupby(name).median().dropna())
        notes = notes if not place else []
    return _ordered(stages, place), notes


def _ordered(stages: list[RawStage], place: Mapping[object, float]) -> tuple[RawStage, ...]:
    """Put stages in the order of their places; one without a place stays after its neighbour."""
    places: list[float] = []
    for stage in stages:
        places.append(place.get(stage.name, places[-1] if places else 0.0))
    rank = {None: 0, "won": 1, "lost": 2}
    keys = [(s.funnel, rank[s.outcome], at) for s, at in zip(stages, places, strict=True)]
    return tuple(stages[n] for n in sorted(range(len(stages)), key=keys.__getitem__))


READER = Reader(
    id="salesforce",
    label="Salesforce",
    forms=(
        Form("opportunities", (ID, STAGE, CLOSED), tuple(DEALS.columns.values())),
        Form(
            "opportunities",
            (ID, STAGE, ("CloseDate",), ("Name", "AccountId", "OwnerId", "LeadSource")),
            tuple(DEALS.columns.values()),
        ),
        Form("history", HISTORY_COLUMNS, HISTORY_TOO),
        Form("fields", FIELD_COLUMNS),
    ),
    read=read,
    obtain_history=OBTAIN,
)
