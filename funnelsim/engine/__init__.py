"""The engine: a pure function from plan, seed and replication to events."""

from funnelsim.engine.plan import Plan
from funnelsim.engine.planning import make_plan
from funnelsim.engine.simulation import simulate, tally
from funnelsim.engine.tally import Limits, Tally

__all__ = ["Limits", "Plan", "Tally", "make_plan", "simulate", "tally"]
