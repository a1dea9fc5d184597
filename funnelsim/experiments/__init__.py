"""Experiments: replications of a scenario, and honest comparisons between scenarios."""

from funnelsim.experiments.comparison import Comparison, compare
from funnelsim.experiments.effects import Levers
from funnelsim.experiments.execution import World
from funnelsim.experiments.levers import levers
from funnelsim.experiments.outcomes import Measure
from funnelsim.experiments.replication import Replications, replicate
from funnelsim.experiments.seats import optimise_seats
from funnelsim.experiments.staffed import Seats
from funnelsim.experiments.sweep import Sweep, sweep
from funnelsim.experiments.uplifts import Uplift
from funnelsim.experiments.warm_up import Regime, mser5

__all__ = [
    "Comparison",
    "Levers",
    "Measure",
    "Regime",
    "Replications",
    "Seats",
    "Sweep",
    "Uplift",
    "World",
    "compare",
    "levers",
    "mser5",
    "optimise_seats",
    "replicate",
    "sweep",
]
