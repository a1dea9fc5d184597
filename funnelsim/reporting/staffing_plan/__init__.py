"""The staffing plan: who is needed, who works when, whom to hire."""

from __future__ import annotations

from funnelsim.reporting.staffing_plan.gathering import StaffingPlan, work
from funnelsim.reporting.staffing_plan.sections import (
    changes,
    front,
    heads,
    hires,
    issued,
    making,
    rosters,
)

__all__ = [
    "StaffingPlan",
    "changes",
    "front",
    "heads",
    "hires",
    "issued",
    "making",
    "rosters",
    "work",
]
