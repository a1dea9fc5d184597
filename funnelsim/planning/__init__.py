"""Calibration, experiments and forecasts together: what will close, and who is needed."""

from __future__ import annotations

from funnelsim.planning.pipeline import PipelineForecast, forecast_pipeline
from funnelsim.planning.pipeline_backtest import backtest_pipeline, skill

__all__ = ["PipelineForecast", "backtest_pipeline", "forecast_pipeline", "skill"]
