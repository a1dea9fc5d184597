"""Who is needed: work asked for, seats that keep a promise, hires in time."""

from __future__ import annotations

from funnelsim.planning.staffing.hiring import Hiring, HiringPlan, plan_hiring
from funnelsim.planning.staffing.staffing import forecast_staffing
from funnelsim.planning.staffing.staffing_forecast import StaffingForecast

__all__ = [
    "Hiring",
    "HiringPlan",
    "StaffingForecast",
    "forecast_staffing",
    "plan_hiring",
]
