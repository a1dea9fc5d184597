"""Next: the routing table of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from funnelsim.scenarios.frozen import Frozen, Id, Share, spelled_out

__all__ = ["Next"]

_TOLERANCE = 1e-9


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

    @model_validator(mode="before")
    @classmethod
    def _only_way(cls, data: object) -> object:
        return {"advance": data, "to": {data: 1.0}} if isinstance(data, str) else data

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:  # noqa: ANN401
        bare = len(self.to) == 1 and not spelled_out(info)
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
        odd = [f"{stage} {share:g}" for stage, share in self.to.items() if not 0 <= share <= 1]
        if odd:
            msg = f"probabilities lie between 0 and 1, got {', '.join(odd)}"
            raise ValueError(msg)
        total = sum(self.to.values())
        if abs(total - 1) > _TOLERANCE:
            listed = ", ".join(f"{stage} {share:g}" for stage, share in self.to.items())
            msg = f"probabilities sum to {total:g} ({listed}); they must sum to 1"
            raise ValueError(msg)
        if self.advance is None and len(self.to) == 1:
            object.__setattr__(self, "advance", next(iter(self.to)))
        if self.advance is None:
            msg = f"which branch is progress? Add 'advance: {next(iter(self.to))}' (or another)"
            raise ValueError(msg)
        if self.advance not in self.to:
            msg = f"advance is {self.advance!r}, which is not one of {', '.join(self.to)}"
            raise ValueError(msg)
        return self
