"""Experiments: replications of a scenario, and honest comparisons between scenarios."""

from funnelsim.experiments.execution import World
from funnelsim.experiments.outcomes import Measure
from funnelsim.experiments.replication import Replications, replicate
from funnelsim.experiments.warm_up import Regime, mser5

__all__ = ["Measure", "Regime", "Replications", "World", "mser5", "replicate"]
