"""The what-if report: variants beside the base."""

from __future__ import annotations

from funnelsim.reporting.what_ifs.sections import (
    appendix,
    demand,
    effects,
    elsewhere,
    front,
    making,
    parts,
    settled,
)

__all__ = ["appendix", "demand", "effects", "elsewhere", "front", "making", "parts", "settled"]
