"""HubSpot: deals with a column per stage that holds the latest entry only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pandas as pd

from funnelsim.calibration.raw import History, RawHistory
from funnelsim.calibration.readers.deal_tables import DealForm, history_of
from funnelsim.calibration.readers.formats import Form, Options, Reader, column_of
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.vocabulary import with_names
from funnelsim.errors import DataError

__all__ = ["READER"]

OBTAIN = (
    "HubSpot's export holds only the latest entry of each stage: take the property history of "
    "dealstage (GET /crm/v3/objects/deals?propertiesWithHistory=dealstage) for every entry."
)
STAGE = ("Deal Stage", "dealstage", "Этап сделки", "Deal-Phase", "Etapa del negocio")
NAMES = ("Deal Name", "dealname", "Название сделки")
KEY = ("Record ID", "Deal ID", "hs_object_id", "ID записи", "Record ID - Deal")
DEALS = DealForm(
    with_names(
        deal_id=KEY,
        customer_id=(
            *("Associated Company", "Associated Company IDs", "Primary Associated Company"),
            *("Associated Contact", "Associated Contact IDs"),
        ),
        funnel=("Pipeline", "pipeline"),
        source=("Original Traffic Source", "Lead Source", "Record source"),
        segment=("Deal Type", "dealtype"),
        owner=("Deal owner", "hubspot_owner_id"),
        stage=STAGE,
        status=(),
        created_at=("Create Date", "createdate", "Created date"),
        stage_since=("Date entered current stage",),
        closed_at=("Close Date", "closedate"),
        reason=("Closed Lost Reason", "closed_lost_reason"),
        value=("Amount", "amount"),
        currency=("Currency", "deal_currency_code"),
    ),
    closes_later=True,
)
ENTERED = re.compile(
    r'^(?:date entered|дата входа в|eintrittsdatum|fecha de entrada en)\s*["«“„](.+)["»”“]$'
    r"|^hs_(?:v2_)?date_entered_(.+)$",
    re.IGNORECASE,
)


def read(tables: Mapping[str, TextTable], options: Options) -> RawHistory:
    """Read a list of deals with its dates of entering stages, as far as they are exported.

    Parameters
    ----------
    tables : mapping
        ``deals``.
    options : Options
        What the user says.

    Returns
    -------
    RawHistory
        Level ``latest_entry`` with these dates, else ``snapshot``.
    """
    table = tables["deals"]
    entries = _entries(table, options)
    level: History = "latest_entry" if entries is not None else "snapshot"
    return history_of(
        "hubspot", table, DEALS, options, obtain_history=OBTAIN, moves=entries, history=level
    )


def _entries(table: TextTable, options: Options) -> pd.DataFrame | None:
    """Return the latest entry of each deal into each stage; None where none are exported."""
    pipeline = column_of(table, DEALS.columns["funnel"])
    deal = column_of(table, KEY)
    moments = Moments(options)
    known = (
        [] if pipeline is None else [str(name) for name in table.frame[pipeline].dropna().unique()]
    )
    parts = []
    for column, stage, funnel in _columns(table, known):
        at = moments.of(table, (column,))
        there = at.notna() & table.frame[deal].notna()
        if options.pipeline and funnel and funnel.casefold() != options.pipeline.casefold():
            continue
        part = {"deal_id": table.frame[deal].str.strip(), "at": at, "stage": stage}
        parts.append(pd.DataFrame(part).assign(row=table.lines)[there])
    if moments.problems:
        raise DataError(moments.problems)
    filled = [part for part in parts if len(part)]
    if not filled:
        return None
    moves = pd.concat(filled, ignore_index=True)
    return moves.sort_values(["deal_id", "at"], kind="stable", ignore_index=True)


def _columns(table: TextTable, pipelines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the columns of entries, with the stage and the pipeline."""
    for name in table.frame.columns:
        found = ENTERED.match(str(name).strip())
        if not found:
            continue
        inside = (found[1] or found[2]).strip()
        own = next((p for p in pipelines if inside.casefold().endswith(f"({p.casefold()})")), None)
        if own is not None:
            yield str(name), inside[: -len(own) - 2].strip(), own
            continue
        split = re.fullmatch(r"(.+?)\s*\(([^()]*)\)", inside)
        yield (str(name), split[1], split[2]) if split else (str(name), inside, "")


READER = Reader(
    id="hubspot",
    label="HubSpot",
    forms=(
        Form(
            "deals",
            (KEY, STAGE, NAMES),
            (
                *(("Create Date", "createdate"), ("Close Date", "closedate"), ("Deal owner",)),
                *(("Pipeline",), ("Amount in company currency",), ("Closed Lost Reason",)),
                *(("Record source",), ("Last Activity Date",), ("Associated Contact",)),
            ),
        ),
    ),
    read=read,
    obtain_history=OBTAIN,
)
