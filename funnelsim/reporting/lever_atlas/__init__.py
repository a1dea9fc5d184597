"""The lever report: which step pays, and what limits the funnel."""

from __future__ import annotations

from funnelsim.reporting.lever_atlas.sections import (
    deciding,
    front,
    limits,
    making,
    steps,
    together,
)

__all__ = ["deciding", "front", "limits", "making", "steps", "together"]
