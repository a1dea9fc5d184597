"""Zoho CRM and Bigin: deals; Zoho Analytics: potentials."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.deal_tables import DealForm, history_of
from funnelsim.calibration.readers.formats import Form, Options, Reader
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.vocabulary import with_names

__all__ = ["READER"]

OBTAIN = (
    "Zoho's list of deals holds no history of stages: export the module Stage History "
    "(Reports → Deals → Stage History, or GET /crm/v5/Deals/{id}/Stage_History)."
)
DEALS = DealForm(
    with_names(
        deal_id=("Record Id", "Deal Id", "LEADID", "Potential Id", "Id"),
        customer_id=("Account Name.id", "Account Name", "Company Name", "Contact Name"),
        funnel=("Pipeline", "Sub-Pipeline"),
        source=("Lead Source",),
        segment=("Type",),
        owner=("Deal Owner", "Potential Owner"),
        stage=("Stage",),
        status=("Forecast Type", "Forecast Category"),
        created_at=("Created Time",),
        stage_since=("Stage Modified Time",),
        closed_at=("Closing Date", "Actual Closing Date", "Closed Time"),
        reason=("Reason For Loss", "Reason for Loss"),
        value=("Amount",),
        currency=("Currency",),
    ),
    closes_later=True,
)


def read(tables: Mapping[str, TextTable], options: Options) -> RawHistory:
    """Read a list of deals or potentials.

    Parameters
    ----------
    tables : mapping
        ``deals`` or ``potentials``.
    options : Options
        What the user says.

    Returns
    -------
    RawHistory
        Level ``snapshot``.
    """
    table = next(iter(tables.values()))
    return history_of("zoho", table, DEALS, options, obtain_history=OBTAIN)


READER = Reader(
    id="zoho",
    label="Zoho CRM",
    forms=(
        Form(
            "deals",
            (("Record Id", "Deal Id"), ("Stage",), ("Deal Name",), ("Closing Date",)),
            (
                *(("Deal Owner",), ("Created Time",), ("Modified Time",), ("Account Name",)),
                *(("Sub-Pipeline",), ("Reason For Loss",), ("Overall Sales Duration",)),
            ),
        ),
        Form(
            "potentials",
            (("Potential Name",), ("Stage",), ("Closing Date",)),
            (("Potential Owner",), ("Created Time",), ("Forecast Type",), ("LEADID",)),
        ),
    ),
    read=read,
    obtain_history=OBTAIN,
)
