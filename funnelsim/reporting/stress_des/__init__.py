"""The STRESS-DES checklist of a scenario, as an appendix."""

from __future__ import annotations

from funnelsim.reporting.stress_des.appendix import checklist, no_scenario

__all__ = ["checklist", "no_scenario"]
