"""Logs → what CRMs export, with planted dirt and the truth beside it."""

from __future__ import annotations

from funnelsim.calibration.exports.dirt import KINDS, PRESETS
from funnelsim.calibration.exports.exporting import Export, export_crm
from funnelsim.calibration.exports.formats import FORMATS, HOLDS

__all__ = ["FORMATS", "HOLDS", "KINDS", "PRESETS", "Export", "export_crm"]
