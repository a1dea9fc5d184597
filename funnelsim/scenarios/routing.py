"""Next: the routing table of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from funnelsim.scenarios.frozen import Frozen, Id, Share, spelled_out
from funnelsim.scenarios.quantity import DurationText

__all__ = ["Case", "Next", "When"]

_TOLERANCE = 1e-9


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[
    tuple[str, ...], BeforeValidator(_one_or_many, json_schema_input_type=str | list[str])
]


class When(Frozen):
    """Which leads a case is for; all that is named must hold."""

    source: Names = ()
    """Ids of sources: ``web`` or ``[web, phone]``."""
    product: Names = ()
    """Products, as the sources name them."""
    segment: Names = ()
    """Segments, as the sources name them."""
    visit: Annotated[int, Field(ge=2)] | None = None
    """From the n-th visit to this stage on."""
    age: DurationText | None = None
    """At least so long since the lead arrived."""
    wait: DurationText | None = None
    """At least so long waited for work in this visit."""
    stay: DurationText | None = None
    """At least so long in the stage in this visit."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.model_fields_set:
            msg = "name at least one of source, product, segment, visit, age, wait, stay"
            raise ValueError(msg)
        for duration in (self.age, self.wait, self.stay):
            if duration and duration.clock != "elapsed":
                msg = f"{duration}: use elapsed time (min, h, d, w)"
                raise ValueError(msg)
        return self


class Case(Frozen):
    """Other probabilities for some leads."""

    when: When
    """Which leads it is for."""
    to: Mapping[Id, Share] = Field(min_length=1)
    """Stage → probability; they sum to 1."""

    @field_validator("to")
    @classmethod
    def _sound(cls, to: Mapping[str, float]) -> Mapping[str, float]:
        return _checked(to)


class Next(Frozen):
    """Probabilities of the ways out.

    Examples
    --------
    >>> Next.model_validate({"advance": "won", "to": {"won": "30 %", "lost": 0.7}}).to["won"]
    0.3
    """

    advance: Id | None = None
    """The branch that counts as progress; may be left out if there is only one branch."""
    to: Mapping[Id, Share] = Field(min_length=1)
    """Stage → probability; they sum to 1."""
    cases: tuple[Case, ...] = ()
    """Exceptions; the first that fits the lead replaces ``to``."""

    @model_validator(mode="before")
    @classmethod
    def _only_way(cls, data: object) -> object:
        return {"advance": data, "to": {data: 1.0}} if isinstance(data, str) else data

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:  # noqa: ANN401
        bare = len(self.to) == 1 and not self.cases and not spelled_out(info)
        return self.advance if bare else handler(self)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        bare = schema["properties"]["advance"]["anyOf"][0]
        text = "The only next stage, or several with probabilities that sum to 1."
        return {"title": cls.__name__, "description": text, "anyOf": [bare, schema]}

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _checked(self.to)
        if self.advance is None and len(self.to) == 1:
            object.__setattr__(self, "advance", next(iter(self.to)))
        if self.advance is None:
            msg = f"which branch is progress? Add 'advance: {next(iter(self.to))}' (or another)"
            raise ValueError(msg)
        if self.advance not in self.to and not any(self.advance in c.to for c in self.cases):
            msg = f"advance is {self.advance!r}, which is not one of {', '.join(self.to)}"
            raise ValueError(msg)
        return self


def _checked(to: Mapping[str, float]) -> Mapping[str, float]:
    """Probabilities lie between 0 and 1 and sum to 1."""
    odd = [f"{stage} {share:g}" for stage, share in to.items() if not 0 <= share <= 1]
    if odd:
        msg = f"probabilities lie between 0 and 1, got {', '.join(odd)}"
        raise ValueError(msg)
    total = sum(to.values())
    if abs(total - 1) > _TOLERANCE:
        listed = ", ".join(f"{stage} {share:g}" for stage, share in to.items())
        msg = f"probabilities sum to {total:g} ({listed}); they must sum to 1"
        raise ValueError(msg)
    return to
