"""Dynamics 365 Sales: opportunities as Excel writes them."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.deal_tables import DealForm, history_of
from funnelsim.calibration.readers.formats import Form, Options, Reader, column_of
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.vocabulary import with_names

__all__ = ["READER"]

OBTAIN = (
    "The Excel export holds no history of stages: turn auditing on for Opportunity and export the "
    "audit history, or export the rows of the business process flow (opportunitysalesprocess)."
)
KEY = ("(Do Not Modify) Opportunity", "Opportunity")
STAGE = ("Pipeline Phase", "Sales Stage", "Phase", "Active Stage", "Process Stage")
DEALS = DealForm(
    with_names(
        deal_id=KEY,
        customer_id=("Account", "Potential Customer", "Contact"),
        funnel=("Process", "Sales Process"),
        source=("Lead Source", "Source Campaign"),
        owner=("Owner", "Created By"),
        stage=STAGE,
        status=("Status", "Status Reason"),
        created_at=("Created On",),
        stage_since=(),
        closed_at=("Actual Close Date", "Close Date"),
        expected_close_at=("Est. close date", "Est. Close Date", "Estimated Close Date"),
        reason=("Status Reason",),
        value=("Actual Revenue", "Est. revenue", "TCV"),
        currency=("Currency",),
        segment=("Rating",),
    )
)


def read(tables: Mapping[str, TextTable], options: Options) -> RawHistory:
    """Read a view of opportunities.

    Parameters
    ----------
    tables : mapping
        ``opportunities``.
    options : Options
        What the user says.

    Returns
    -------
    RawHistory
        Level ``snapshot``.
    """
    table = _with_revenue(tables["opportunities"])
    return history_of("dynamics365", table, DEALS, options, obtain_history=OBTAIN)


def _with_revenue(table: TextTable) -> TextTable:
    """Fill in the estimated revenue where there is no actual one yet."""
    actual = column_of(table, ("Actual Revenue",))
    estimated = column_of(table, ("Est. revenue", "Est. Revenue"))
    if actual is None or estimated is None:
        return table
    filled = table.frame[actual].where(table.frame[actual].notna(), table.frame[estimated])
    frame = table.frame.assign(**{actual: filled}).drop(columns=estimated)
    return TextTable(table.name, frame, table.lines, table.digest, table.notes)


READER = Reader(
    id="dynamics365",
    label="Dynamics 365 Sales",
    forms=(
        Form(
            "opportunities",
            (KEY, (*STAGE, "Status"), ("Topic", "(Do Not Modify) Row Checksum")),
            (
                *(("(Do Not Modify) Modified On",), ("Est. close date",), ("Est. revenue",)),
                *(("Actual Close Date", "Close Date"), ("Status Reason",), ("Created On",)),
            ),
        ),
    ),
    read=read,
    obtain_history=OBTAIN,
)
