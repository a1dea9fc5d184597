"""The CRMs whose exports are recognised by their columns."""

from __future__ import annotations

from funnelsim.calibration.readers import (
    activities,
    amocrm,
    bitrix24,
    dynamics365,
    hubspot,
    pipedrive,
    salesforce,
    zoho,
)
from funnelsim.calibration.readers.formats import Reader

__all__ = ["READERS"]

# One line per reader: the module's READER.
READERS: tuple[Reader, ...] = (
    amocrm.READER,
    bitrix24.READER,
    hubspot.READER,
    zoho.READER,
    dynamics365.READER,
    pipedrive.READER,
    salesforce.READER,
    activities.READER,
)
