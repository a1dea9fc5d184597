"""A stage: delay, work, delay, and where leads go next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    field_serializer,
    model_serializer,
    model_validator,
)

from funnelsim.scenarios.frozen import Frozen, Id, Label, Share, spelled_out
from funnelsim.scenarios.moment import MomentText
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec, DurationText
from funnelsim.scenarios.routing import Next

__all__ = ["Effort", "Mark", "Patience", "Stage", "Timeout"]


class Effort(Frozen):
    """A piece of work by a team."""

    team: Id
    """Who does it."""
    duration: DurationSpec
    """Working time (the team's hands are on it)."""
    share: Annotated[Share, Field(gt=0, le=1)] = 1.0
    """Share of visits that need this work; the others go on without it."""
    delay: DurationSpec | None = None
    """Time until this work is asked for, once its turn has come (``join: series``); ``bh`` and
    ``bd`` are the team's."""
    priority: int = 0
    """Smaller goes first; equal priorities are served in order of waiting."""
    refuse: Annotated[Share, Field(ge=0, le=1)] = 0.0
    """Share of cases that this work ends with a refusal (with ``join: first_refusal``)."""
    label: Label = {}
    """What the work is called in reports."""


class Timeout(Frozen):
    """The longest stay in the stage; whoever is still there goes elsewhere."""

    after: DurationText
    """Counted from entering the stage."""
    to: Id
    """The stage they go to."""


class Patience(Frozen):
    """How long leads wait for work to start; who loses patience goes elsewhere (reneges)."""

    after: DurationSpec
    """Counted from queueing until work starts."""
    to: Id
    """The stage they go to."""


class Mark(Frozen):
    """What entering a stage says about the lead."""

    kind: Id
    """``won`` and ``lost`` close the deal; ``qualified``, ``ordered``, ``paid`` … note it."""
    reason: str = ""
    """Why, for example the reason of a loss; reports break losses down by it."""
    label: Label = {}
    """What the reason (or, without one, the mark) is called in reports; left out: as the stage."""
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
    until: MomentText | None = None
    """After ``delay_before``, wait for this moment: ``opening``, ``mon 09:00``,
    ``day 15``, ``first business day``."""
    efforts: Mapping[Id, Effort] = Field(default={}, max_length=20)
    """Work, one piece after another unless ``join`` says otherwise."""
    join: Literal["series", "all", "any", "first_refusal"] = "series"
    """``all``: side by side, go on when all are done; ``any``: when the first is done;
    ``first_refusal``: when all agreed, or at the first refusal."""
    refused_to: Id | None = None
    """Where a refused lead goes (with ``join: first_refusal``)."""
    patience: Patience | None = None
    """How long leads wait for each piece of work to start."""
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

    @model_validator(mode="after")
    def _refusals(self) -> Self:
        refusing = [key for key, effort in self.efforts.items() if effort.refuse]
        if self.join == "first_refusal" and (not self.refused_to or not refusing):
            msg = "join: first_refusal needs refused_to and an effort with refuse"
            raise ValueError(msg)
        if self.join != "first_refusal" and (self.refused_to or refusing):
            msg = "refuse and refused_to belong to join: first_refusal"
            raise ValueError(msg)
        if self.join != "series" and any(effort.delay for effort in self.efforts.values()):
            msg = "the delay of a piece of work belongs to join: series"
            raise ValueError(msg)
        return self
