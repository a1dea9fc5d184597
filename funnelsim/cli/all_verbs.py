"""The whole command line: importing a module of verbs puts them in."""

from __future__ import annotations

from funnelsim.cli import calibrating, experiments, forecasting, revenue, scheduling, staffing
from funnelsim.cli.verbs import app

__all__ = ["app", "calibrating", "experiments", "forecasting", "revenue", "scheduling", "staffing"]
