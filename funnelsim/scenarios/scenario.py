"""The scenario: one funnel, whole."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from funnelsim.errors import ScenarioError
from funnelsim.scenarios.calendar import Calendar, Zone
from funnelsim.scenarios.evidence import DataOrigin, Evidence
from funnelsim.scenarios.frozen import Frozen, Id, Label
from funnelsim.scenarios.references import broken_references
from funnelsim.scenarios.run import Run
from funnelsim.scenarios.shock import Shock
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.stage import Stage
from funnelsim.scenarios.team import Team
from funnelsim.scenarios.what_if import WhatIf

if TYPE_CHECKING:
    from funnelsim.scenarios.checks import Finding

__all__ = ["Scenario"]


_CURRENCY = r"^([A-Z]{3})?$"


def _read_currency(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(_CURRENCY, value):
        msg = f'"{value}" is not a currency code of three capital letters such as UAH'
        raise ValueError(msg)
    return value


class Scenario(Frozen):
    """A sales funnel: where leads come from, what happens to them, and who works."""

    funnelsim: Literal[1]
    """Version of the language; the first line of the file."""
    name: Id
    """Short and lasting: it names output files."""
    title: Label = {}
    """What reports are headed with."""
    description: Label = {}
    """One or two sentences on what the funnel is."""
    illustrative: bool = False
    """True while the numbers are made up: reports carry a watermark."""
    currency: Annotated[
        str, StringConstraints(pattern=_CURRENCY), BeforeValidator(_read_currency)
    ] = ""
    """ISO code of the one currency, for example ``UAH``."""
    time_zone: Zone = "UTC"
    """IANA name: when 9:00 is, where not said otherwise."""
    run: Run
    """When to observe, for how long, and how much to warm up."""
    calendar: Id | None = None
    """Default calendar of teams and of business delays."""
    calendars: Mapping[Id, Calendar] = {}
    """When people work."""
    teams: Mapping[Id, Team] = {}
    """Who works."""
    sources: Mapping[Id, Source] = Field(min_length=1)
    """Where leads come from."""
    stages: Mapping[Id, Stage] = Field(min_length=1)
    """In the order in which people read the funnel."""
    shocks: Mapping[Id, Shock] = {}
    """What many leads share: good and bad months."""
    changes: Mapping[Id, WhatIf] = {}
    """What will change on a date that is already known; each needs a ``start``."""
    what_ifs: Mapping[Id, WhatIf] = {}
    """Questions a head of sales would ask of this funnel."""
    data: DataOrigin | None = None
    """What the scenario was calibrated on."""
    evidence: tuple[Evidence, ...] = ()
    """Where its numbers come from; written by ``funnelsim calibrate``."""

    @cached_property
    def change_name(self) -> str:
        """What the change is called that made this scenario; no part of what it says."""
        return ""

    @model_validator(mode="after")
    def _references(self) -> Self:
        broken = broken_references(self.plain())
        if broken:
            raise ScenarioError(problem for _, problem in broken)
        return self

    def plain(self, *, spelled_out: bool = False) -> dict[str, Any]:
        """The scenario as plain data, without what was left at its default.

        Parameters
        ----------
        spelled_out : bool
            Write ``{value: 4 h}``, ``{kind: won}`` and the like instead of the short forms.

        Returns
        -------
        dict
            What ``from_data`` reads back to the same scenario.
        """
        return self.model_dump(
            mode="json", exclude_defaults=True, context={"spelled_out": spelled_out}
        )

    def save(self, path: str | Path) -> Path:
        """Write the scenario to a file; see `funnelsim.scenarios.saving.save`."""
        from funnelsim.scenarios.saving import save  # it builds on this module

        return save(self, path)

    def change(self, name: str, overrides: Mapping[str, object]) -> Scenario:
        """The scenario with some values set anew; see `funnelsim.scenarios.changes`."""
        from funnelsim.scenarios.changes import Change, apply  # they build on this module

        return apply(self, Change(name=name, overrides=overrides))

    def what_if(self, key: str) -> Scenario:
        """The scenario with one of its ``what_ifs`` made.

        Parameters
        ----------
        key : str
            Its name in the file. With a ``start`` it holds from that day on.

        Raises
        ------
        ScenarioError
            There is no such what-if; the message lists those there are.

        Examples
        --------
        >>> asking = {**_TINY, "what_ifs": {"more": {"set": {"sources.web.rate": "9 / d"}}}}
        >>> Scenario.model_validate(asking).what_if("more").sources["web"].rate.amount
        9.0
        """
        from funnelsim.scenarios.changes import asked  # it builds on this module

        return asked(self, key)

    def check(self) -> tuple[Finding, ...]:
        """What looks wrong although it can be read; see `funnelsim.scenarios.checks`."""
        from funnelsim.scenarios.checks import check  # it builds on this module

        return check(self)

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
