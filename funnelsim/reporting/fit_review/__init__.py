"""The report on a calibration: how far to trust the scenario made of an export."""

from __future__ import annotations

from funnelsim.reporting.fit_review.sections import (
    appendix,
    audited,
    changes,
    fit,
    front,
    making,
    numbers,
    refused,
    whole,
    work,
)

__all__ = [
    "appendix",
    "audited",
    "changes",
    "fit",
    "front",
    "making",
    "numbers",
    "refused",
    "whole",
    "work",
]
