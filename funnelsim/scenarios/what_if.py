"""A what-if as it stands in a scenario file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from funnelsim.scenarios.calendar import Day
from funnelsim.scenarios.frozen import Frozen, Label

__all__ = ["WhatIf"]


class WhatIf(Frozen):
    """A named set of overrides, from the start or from a date on."""

    label: Label = {}
    """The question it answers, as a head of sales would ask it."""
    set: Mapping[str, Any] = Field(min_length=1)
    """Dotted path → new value, or ``{add: …}``, or ``{times: …}``."""
    start: Day | None = None
    """From this day on (left out: always)."""
