"""Forecasts, and how good they were."""

from __future__ import annotations

__all__: list[str] = []
