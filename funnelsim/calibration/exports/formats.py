"""The formats, and the table of what each can hold."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.calibration.exports.amocrm import AMOCRM
from funnelsim.calibration.exports.bitrix24 import BITRIX24
from funnelsim.calibration.exports.dynamics365 import DYNAMICS365
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.hubspot import HUBSPOT
from funnelsim.calibration.exports.mapped import MAPPED, PROCESS
from funnelsim.calibration.exports.pipedrive import PIPEDRIVE
from funnelsim.calibration.exports.salesforce import SALESFORCE
from funnelsim.calibration.exports.zoho import ZOHO

__all__ = ["FORMATS", "HOLDS"]

FORMATS: Mapping[str, CrmFormat] = {
    each.id: each
    for each in (
        AMOCRM,
        BITRIX24,
        HUBSPOT,
        SALESFORCE,
        PIPEDRIVE,
        ZOHO,
        DYNAMICS365,
        MAPPED,
        PROCESS,
    )
}

HOLDS: Mapping[str, Holds] = {key: each.holds for key, each in FORMATS.items()}
