"""Notebook → PDF: typed blocks, translated texts, a strict run, Typst."""

from __future__ import annotations

from funnelsim.reporting import (
    blocks,
    fit_review,
    lever_atlas,
    review,
    sales_forecast,
    staffing_plan,
    what_ifs,
)
from funnelsim.reporting.inputs import open_log, open_scenario
from funnelsim.reporting.reports import Report, kinds, report

__all__ = [
    "Report",
    "blocks",
    "fit_review",
    "kinds",
    "lever_atlas",
    "open_log",
    "open_scenario",
    "report",
    "review",
    "sales_forecast",
    "staffing_plan",
    "what_ifs",
]
