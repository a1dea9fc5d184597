"""funnelsim: simulate and forecast sales funnels.

>>> import funnelsim as fs
>>> sorted(set(fs.__all__) - set(dir(fs)))
[]

Everything is imported when first used, so that importing funnelsim costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from funnelsim import engine, errors, figures, measures, workbench
    from funnelsim.calibration.auditing.audit import audit
    from funnelsim.calibration.drifting.drift import drift
    from funnelsim.calibration.exports import export_crm
    from funnelsim.calibration.fitting import calibrate
    from funnelsim.calibration.readers.crm import read_crm
    from funnelsim.engine import simulate
    from funnelsim.engine.snapshot import snapshot
    from funnelsim.events import EventLog
    from funnelsim.experiments import compare, levers, optimise_seats, replicate, sweep
    from funnelsim.planning import (
        backtest_pipeline,
        backtest_revenue,
        forecast_pipeline,
        forecast_revenue,
        forecast_staffing,
    )
    from funnelsim.reporting import (
        blocks,
        fit_review,
        lever_atlas,
        open_log,
        open_scenario,
        report,
        review,
        sales_forecast,
        staffing_plan,
        what_ifs,
    )
    from funnelsim.scenarios.loading import load
    from funnelsim.scenarios.scenario import Scenario
    from funnelsim.scenarios.schema import schema

__all__ = [
    "EventLog",
    "Scenario",
    "audit",
    "backtest",
    "backtest_pipeline",
    "backtest_revenue",
    "blocks",
    "calibrate",
    "compare",
    "drift",
    "engine",
    "errors",
    "export_crm",
    "figures",
    "fit_review",
    "forecast_leads",
    "forecast_pipeline",
    "forecast_revenue",
    "forecast_staffing",
    "lever_atlas",
    "levers",
    "load",
    "measures",
    "open_log",
    "open_scenario",
    "optimise_seats",
    "read_crm",
    "replicate",
    "report",
    "review",
    "sales_forecast",
    "schema",
    "simulate",
    "snapshot",
    "staffing_plan",
    "sweep",
    "what_ifs",
    "workbench",
]

__version__ = _version("funnelsim")

_HOMES = {
    "EventLog": "events",
    "Scenario": "scenarios.scenario",
    "audit": "calibration.auditing.audit",
    "backtest": "forecasting.backtesting",
    "backtest_pipeline": "planning",
    "backtest_revenue": "planning",
    "blocks": "reporting",
    "calibrate": "calibration.fitting",
    "compare": "experiments",
    "drift": "calibration.drifting.drift",
    "export_crm": "calibration.exports",
    "fit_review": "reporting",
    "forecast_leads": "forecasting.leads",
    "forecast_pipeline": "planning",
    "forecast_revenue": "planning",
    "forecast_staffing": "planning",
    "lever_atlas": "reporting",
    "levers": "experiments",
    "load": "scenarios.loading",
    "open_log": "reporting",
    "open_scenario": "reporting",
    "optimise_seats": "experiments",
    "read_crm": "calibration.readers.crm",
    "replicate": "experiments",
    "report": "reporting",
    "review": "reporting",
    "sales_forecast": "reporting",
    "schema": "scenarios.schema",
    "simulate": "engine",
    "snapshot": "engine.snapshot",
    "staffing_plan": "reporting",
    "sweep": "experiments",
    "what_ifs": "reporting",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'funnelsim' has no attribute {name!r}")
    home = _HOMES.get(name)
    module = import_module(f"funnelsim.{home or name}")
    return getattr(module, name) if home else module


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
