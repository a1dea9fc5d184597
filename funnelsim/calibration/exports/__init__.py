"""Logs → what CRMs export, with planted dirt and the truth beside it."""

from __future__ import annotations

from funnelsim.calibration.exports.exporting import Export, export_crm

__all__ = ["Export", "export_crm"]
