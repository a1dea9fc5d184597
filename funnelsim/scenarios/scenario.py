"""The scenario: one funnel, whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from funnelsim.errors import ScenarioError
from funnelsim.scenarios.calendar import Calendar, Zone
from funnelsim.scenarios.frozen import Frozen, Id, Label
from funnelsim.scenarios.references import broken_references
from funnelsim.scenarios.run import Run
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.stage import Stage
from funnelsim.scenarios.team import Team

__all__ = ["Scenario"]


class Scenario(Frozen):
    """A sales funnel: where leads come from, what happens to them, and who works."""

    funnelsim: Literal[1]
    """Version of the language; the first line of the file."""
    name: Id
    title: Label = {}
    description: Label = {}
    illustrative: bool = False
    """True while the numbers are made up: reports carry a watermark."""
    currency: Annotated[str, StringConstraints(pattern=r"^([A-Z]{3})?$")] = ""
    """ISO code of the one currency, for example ``UAH``."""
    time_zone: Zone = "UTC"
    run: Run
    calendar: Id | None = None
    """Default calendar of teams and of business delays."""
    calendars: Mapping[Id, Calendar] = {}
    teams: Mapping[Id, Team] = {}
    sources: Mapping[Id, Source] = Field(min_length=1)
    stages: Mapping[Id, Stage] = Field(min_length=1)
    """In the order in which people read the funnel."""

    @model_validator(mode="after")
    def _references(self) -> Self:
        broken = broken_references(self.plain())
        if broken:
            raise ScenarioError(problem for _, problem in broken)
        return self

    def plain(self) -> dict[str, object]:
        """The scenario as plain data, without what was left at its default."""
        data: dict[str, object] = self.model_dump(mode="json", exclude_defaults=True)
        return data

    def fingerprint(self) -> str:
        """SHA-256 of the content, whatever the file's comments and order.

        Examples
        --------
        >>> len(Scenario.model_validate(_TINY).fingerprint())
        64
        """
        text = json.dumps(self.plain(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


_TINY = {
    "funnelsim": 1,
    "name": "tiny",
    "run": {"start": "2026-01-05", "horizon": "4 w"},
    "sources": {"web": {"stage": "won", "rate": "5 / d"}},
    "stages": {"won": {"marks": "won"}},
}
