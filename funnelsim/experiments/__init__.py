"""Experiments: replications of a scenario, and honest comparisons between scenarios."""

from funnelsim.experiments.comparison import Comparison, Uplift, compare
from funnelsim.experiments.effects import Levers
from funnelsim.experiments.execution import World
from funnelsim.experiments.levers import levers
from funnelsim.experiments.outcomes import Measure
from funnelsim.experiments.replication import Replications, replicate
from funnelsim.experiments.warm_up import Regime, mser5

__all__ = [
    "Comparison",
    "Levers",
    "Measure",
    "Regime",
    "Replications",
    "Uplift",
    "World",
    "compare",
    "levers",
    "mser5",
    "replicate",
]
