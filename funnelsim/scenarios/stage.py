"""A stage: delay, work, delay, and where leads go next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    field_serializer,
    model_serializer,
)

from funnelsim.scenarios.frozen import Frozen, Id, Label, spelled_out
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec, DurationText
from funnelsim.scenarios.routing import Next

__all__ = ["Effort", "Mark", "Stage", "Timeout"]


class Effort(Frozen):
    """A piece of work by a team."""

    team: Id
    """Who does it."""
    duration: DurationSpec
    """Working time (the team's hands are on it)."""
    priority: int = 0
    """Smaller goes first; equal priorities are served in order of waiting."""
    label: Label = {}
    """What the work is called in reports."""


class Timeout(Frozen):
    """The longest stay in the stage; whoever is still there goes elsewhere."""

    after: DurationText
    """Counted from entering the stage."""
    to: Id
    """The stage they go to."""


class Mark(Frozen):
    """What entering a stage says about the lead."""

    kind: Id
    """``won`` and ``lost`` close the deal; ``qualified``, ``ordered``, ``paid`` … note it."""
    reason: str = ""
    """Why, for example the reason of a loss; reports break losses down by it."""
    value: Literal["deal"] | AmountSpec | None = None
    """Money in: ``deal`` is the value the lead came with. ``won`` without a value counts it."""
    cost: AmountSpec | None = None
    """Money out."""

    @field_serializer("value")
    def _plain_value(self, value: str | AmountSpec | None, info: SerializationInfo) -> Any:  # noqa: ANN401
        if value is None or isinstance(value, str):
            return value
        return value.model_dump(mode="json", exclude_defaults=True, context=info.context)

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:  # noqa: ANN401
        data = {key: item for key, item in handler(self).items() if item is not None}
        return self.kind if set(data) == {"kind"} and not spelled_out(info) else data


def _read_marks(value: object) -> object:
    many = [value] if isinstance(value, (str, dict)) else value
    if isinstance(many, (list, tuple)):
        return tuple({"kind": item} if isinstance(item, str) else item for item in many)
    return many


class Stage(Frozen):
    """One step of the funnel; without *next* it is terminal."""

    label: Label = {}
    """What the stage is called in reports."""
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
    """The longest stay; whoever is still there goes to another stage."""
    marks: Annotated[
        tuple[Mark, ...],
        BeforeValidator(_read_marks, json_schema_input_type=Id | Mark | list[Id | Mark]),
    ] = ()
    """Set on entering: ``won``, ``lost`` (with a reason), ``qualified``, ``paid`` …"""
    next: Next | None = None
    """Where leads go; a stage without it ends the lead's way."""
