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
    from funnelsim import engine, errors, figures, measures
    from funnelsim.engine import simulate
    from funnelsim.events import EventLog
    from funnelsim.experiments import compare, levers, replicate, sweep
    from funnelsim.reporting import blocks, open_log, report, review
    from funnelsim.scenarios.loading import load
    from funnelsim.scenarios.scenario import Scenario
    from funnelsim.scenarios.schema import schema

__all__ = [
    "EventLog",
    "Scenario",
    "blocks",
    "compare",
    "engine",
    "errors",
    "figures",
    "levers",
    "load",
    "measures",
    "open_log",
    "replicate",
    "report",
    "review",
    "schema",
    "simulate",
    "sweep",
]

__version__ = _version("funnelsim")

_HOMES = {
    "EventLog": "events",
    "Scenario": "scenarios.scenario",
    "blocks": "reporting",
    "compare": "experiments",
    "levers": "experiments",
    "load": "scenarios.loading",
    "open_log": "reporting",
    "replicate": "experiments",
    "report": "reporting",
    "review": "reporting",
    "schema": "scenarios.schema",
    "simulate": "engine",
    "sweep": "experiments",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'funnelsim' has no attribute {name!r}")
    home = _HOMES.get(name)
    module = import_module(f"funnelsim.{home or name}")
    return getattr(module, name) if home else module


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
