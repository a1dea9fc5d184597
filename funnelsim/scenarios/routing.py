"""Next: the routing table of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from funnelsim.scenarios.frozen import Frozen, Id, Share

__all__ = ["Next"]

_TOLERANCE = 1e-9


class Next(Frozen):
    """Probabilities of the ways out; a bare stage id is the only way.

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
