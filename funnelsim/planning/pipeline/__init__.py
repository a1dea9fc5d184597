"""What becomes of the deals that are open: chances, dates, and how well such forecasts held."""

from __future__ import annotations

from funnelsim.planning.pipeline.pipeline import PipelineForecast, forecast_pipeline
from funnelsim.planning.pipeline.pipeline_backtest import backtest_pipeline, skill
from funnelsim.planning.pipeline.reliability import reliability, settled

__all__ = [
    "PipelineForecast",
    "backtest_pipeline",
    "forecast_pipeline",
    "reliability",
    "settled",
    "skill",
]
