"""Shifts that cover the seats needed, and the contracts people work under."""

from __future__ import annotations

from funnelsim.planning.rostering.roster import Roster, plan_roster
from funnelsim.planning.rostering.shifts import Contract

__all__ = [
    "Contract",
    "Roster",
    "plan_roster",
]
