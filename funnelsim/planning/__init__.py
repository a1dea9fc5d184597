"""Calibration, experiments and forecasts together: what will close, and who is needed."""

from __future__ import annotations

from funnelsim.planning.pipeline import PipelineForecast, forecast_pipeline
from funnelsim.planning.pipeline_backtest import backtest_pipeline, skill
from funnelsim.planning.reliability import reliability, settled
from funnelsim.planning.revenue import forecast_revenue
from funnelsim.planning.revenue_backtest import backtest_revenue
from funnelsim.planning.revenue_forecast import RevenueForecast

__all__ = [
    "PipelineForecast",
    "RevenueForecast",
    "backtest_pipeline",
    "backtest_revenue",
    "forecast_pipeline",
    "forecast_revenue",
    "reliability",
    "settled",
    "skill",
]
