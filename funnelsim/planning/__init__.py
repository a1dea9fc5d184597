"""Calibration, experiments and forecasts together: what will close, and who is needed."""

from __future__ import annotations

from funnelsim.planning.hiring import Hiring, HiringPlan, plan_hiring
from funnelsim.planning.pipeline import PipelineForecast, forecast_pipeline
from funnelsim.planning.pipeline_backtest import backtest_pipeline, skill
from funnelsim.planning.reliability import reliability, settled
from funnelsim.planning.revenue import forecast_revenue
from funnelsim.planning.revenue_backtest import backtest_revenue
from funnelsim.planning.revenue_forecast import RevenueForecast
from funnelsim.planning.roster import Roster, plan_roster
from funnelsim.planning.shifts import Contract
from funnelsim.planning.staffing import StaffingForecast, forecast_staffing

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
    "settled",
    "skill",
]
