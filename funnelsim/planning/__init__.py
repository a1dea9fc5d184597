"""Calibration, experiments and forecasts together: what will close, and who is needed."""

from __future__ import annotations

from funnelsim.planning.pipeline import (
    PipelineForecast,
    backtest_pipeline,
    forecast_pipeline,
    reliability,
    settled,
    skill,
)
from funnelsim.planning.revenue import (
    RevenueForecast,
    backtest_revenue,
    forecast_revenue,
    restate,
)
from funnelsim.planning.rostering import Contract, Roster, plan_roster
from funnelsim.planning.staffing import (
    Hiring,
    HiringPlan,
    StaffingForecast,
    forecast_staffing,
    plan_hiring,
)

__all__ = [
    "Contract",
    "Hiring",
    "HiringPlan",
    "PipelineForecast",
    "RevenueForecast",
    "Roster",
    "StaffingForecast",
    "backtest_pipeline",
    "backtest_revenue",
    "forecast_pipeline",
    "forecast_revenue",
    "forecast_staffing",
    "plan_hiring",
    "plan_roster",
    "reliability",
    "restate",
    "settled",
    "skill",
]
