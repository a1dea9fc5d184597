"""Parts of a fit: settings of the scenario with their evidence and their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from funnelsim.scenarios.evidence import Evidence

__all__ = ["Part", "Path", "Refusal", "Settings"]

Path = tuple[str, ...]
"""Where a value stands in a scenario: ``("stages", "offer", "delay_after")``."""

Settings = Mapping[Path, object]
"""Values as they are written in the language, by their path."""


@runtime_checkable
class Part(Protocol):
    """Something estimated: a frozen, picklable dataclass that holds its sufficient numbers."""

    @property
    def name(self) -> str:
        """Lasting and unique in a fit: ``dwell/offer``, ``next/offer``, and so on."""
        ...

    @property
    def settings(self) -> Settings:
        """The best estimate, in the language of scenarios."""
        ...

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Estimate, interval, n and method of every number among the settings."""
        ...

    def drawn(self, rng: np.random.Generator) -> Settings:
        """Settings that the data could as well mean: parameters drawn from their uncertainty.

        The same paths as ``settings``; the same generator state gives the same values.
        """
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the data cannot tell.

    Parameters
    ----------
    of : str
        What was asked for: ``stages.offer.delay_after``, or a use such as ``staffing``.
    why : str
        Why not, as a sentence with the numbers.
    instead : str
        What stands in the scenario in its place; empty if nothing does.
    fix : str
        How to get data that can tell; empty if nobody knows.

    Examples
    --------
    >>> print(Refusal("stages.demo.delay_after", "Only 4 deals have left it; 20 are needed."))
    stages.demo.delay_after: Only 4 deals have left it; 20 are needed.
    """

    of: str
    why: str
    instead: str = ""
    fix: str = ""

    def __str__(self) -> str:
        parts = [f"{self.of}: {self.why}", self.instead, self.fix]
        return " ".join(part for part in parts if part)
