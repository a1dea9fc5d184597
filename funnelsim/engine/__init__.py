"""The engine: a pure function from plan, seed and replication to events."""

from funnelsim.engine.simulation import simulate

__all__ = ["simulate"]
