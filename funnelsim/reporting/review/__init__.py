"""The funnel review: where deals are lost, where they wait, what limits."""

from __future__ import annotations

from funnelsim.reporting.review.sections import (
    appendix,
    cohorts,
    flow,
    front,
    funnel,
    load,
    making,
    time,
    value,
)

__all__ = ["appendix", "cohorts", "flow", "front", "funnel", "load", "making", "time", "value"]
