"""A stage: delay, work, delay, and where leads go next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from funnelsim.scenarios.frozen import Frozen, Id, Label
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec, DurationText
from funnelsim.scenarios.routing import Next

__all__ = ["Effort", "Mark", "Stage", "Timeout"]


class Effort(Frozen):
    """A piece of work by a team."""

    team: Id
    duration: DurationSpec
    """Working time (the team's hands are on it)."""
    priority: int = 0
    """Smaller goes first; equal priorities are served in order of waiting."""
    label: Label = {}


class Timeout(Frozen):
    """The longest stay in the stage; whoever is still there goes elsewhere."""

    after: DurationText
    """Counted from entering the stage."""
    to: Id


class Mark(Frozen):
    """What entering a stage says about the lead."""

    kind: Id
    """``won`` and ``lost`` close the deal; ``qualified``, ``ordered``, ``paid`` … note it."""
    reason: str = ""
    value: Literal["deal"] | AmountSpec | None = None
    """Money in: ``deal`` is the value the lead came with. ``won`` without a value counts it."""
    cost: AmountSpec | None = None
    """Money out."""


def _read_marks(value: object) -> object:
    many = [value] if isinstance(value, (str, dict)) else value
    if isinstance(many, (list, tuple)):
        return tuple({"kind": item} if isinstance(item, str) else item for item in many)
    return many


class Stage(Frozen):
    """One step of the funnel; without *next* it is terminal."""

    label: Label = {}
    block: str = ""
    """Group of stages it belongs to."""
    delay_before: DurationSpec | None = None
    """Time before the work in which nobody works (the client thinks)."""
    efforts: Mapping[Id, Effort] = Field(default={}, max_length=20)
    """Work, one piece after another."""
    delay_after: DurationSpec | None = None
    """Time after the work."""
    calendar: Id | None = None
    """Calendar of delays in ``bh`` or ``bd``; left out: the scenario's."""
    timeout: Timeout | None = None
    marks: Annotated[
        tuple[Mark, ...], BeforeValidator(_read_marks, json_schema_input_type=Mark | str | list)
    ] = ()
    """Set on entering."""
    next: Next | None = None
    """Where leads go; a stage without it ends the lead's way."""
