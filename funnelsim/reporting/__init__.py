"""Notebook → PDF: typed blocks, translated texts, a strict run, Typst."""

from __future__ import annotations

from funnelsim.reporting import blocks, review
from funnelsim.reporting.inputs import open_log
from funnelsim.reporting.reports import Report, kinds, report

__all__ = ["Report", "blocks", "kinds", "open_log", "report", "review"]
