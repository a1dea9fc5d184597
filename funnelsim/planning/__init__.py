"""Calibration, experiments and forecasts together: what will close, and who is needed."""

from __future__ import annotations

__all__: list[str] = []
