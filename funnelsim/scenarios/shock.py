"""A shock: what many leads share because they live in the same week or month."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from funnelsim.scenarios.frozen import Frozen, Id, Label

__all__ = ["Shock"]


class Shock(Frozen):
    """A random factor per period, mean 1, on the rates of sources and the odds of stages.

    Without shocks leads are independent, and sums look far more certain than they are.
    """

    label: Label = {}
    """What it is called in reports."""
    period: Literal["week", "month", "quarter"] = "month"
    """How long a factor lasts."""
    cv: Annotated[float, Field(gt=0, le=3)]
    """Coefficient of variation of the factor (lognormal)."""
    sources: tuple[Id, ...] = ()
    """Sources whose rate it multiplies."""
    stages: tuple[Id, ...] = ()
    """Stages whose odds of advancing it multiplies."""
