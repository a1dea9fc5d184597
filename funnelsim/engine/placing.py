"""Where the open deals of a snapshot belong in a scenario: stage, source, kind of lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from funnelsim.documents import did_you_mean
from funnelsim.engine.plan import Epoch, PlanKind, PlanSource
from funnelsim.errors import Problem
from funnelsim.scenarios.scenario import Scenario

__all__ = ["Places"]

OTHER, NAMELESS = "other", "leads"
"""Sources that stand for those with few leads and without a name, where a scenario has them."""
EXAMPLES: Final = 3


class Places:
    """Where open deals belong in a scenario."""

    def __init__(self, epoch: Epoch, scenario: Scenario) -> None:
        self.stages = {stage.id: number for number, stage in enumerate(epoch.stages)}
        self.sources: Sequence[PlanSource] = epoch.sources
        self.named: dict[str, int] = {}
        for number, source in reversed(list(enumerate(epoch.sources))):
            labels = scenario.sources[source.id].label.values()
            self.named |= dict.fromkeys(labels, number)
        self.named |= {source.id: number for number, source in enumerate(epoch.sources)}
        self.other = self.named.get(OTHER)
        only = 0 if len(epoch.sources) == 1 else None
        self.nameless = self.named.get(NAMELESS, only if self.other is None else self.other)

    def kind(self, row: Any) -> tuple[int, tuple[int, ...]]:  # noqa: ANN401 - a row
        """The source of a lead and the kinds it may be of; it must have a place."""
        source = self._source(row.source)
        if source is None:
            raise LookupError(row.source)
        return source, tuple(kind.number for kind in self._kinds(source, row)[0])

    def problems(self, deals: Sequence[Any]) -> list[Problem]:
        """All that the scenario does not know, with the leads."""
        unknown: dict[tuple[str, str], list[str]] = {}
        for row in deals:
            source = self._source(row.source)
            if row.stage not in self.stages:
                unknown.setdefault(("stage", row.stage), []).append(row.lead_id)
            what = "source" if source is None else self._kinds(source, row)[1]
            if what:
                name = getattr(row, what)
                key = (what, name if isinstance(name, str) else "")
                unknown.setdefault(key, []).append(row.lead_id)
        return [self._problem(what, name, leads) for (what, name), leads in unknown.items()]

    def _source(self, name: object) -> int | None:
        """A source by its id or label; else the one that stands for it."""
        return self.named.get(name, self.other) if isinstance(name, str) else self.nameless

    def _kinds(self, source: int, row: Any) -> tuple[Sequence[PlanKind], str]:  # noqa: ANN401 - a row
        """The kinds named alike, else those without a name; and what none of them fits."""
        found: Sequence[PlanKind] = self.sources[source].kinds
        for what in ("product", "segment"):
            name = getattr(row, what)
            if isinstance(name, str) and name:
                alike = [kind for kind in found if getattr(kind, what) == name]
                found = alike or [kind for kind in found if not getattr(kind, what)]
            if not found:
                return found, what
        return found, ""

    def _problem(self, what: str, name: str, leads: Sequence[str]) -> Problem:
        known: Mapping[str, list[str]] = {
            "stage": list(self.stages),
            "source": [source.id for source in self.sources],
        }
        there = known.get(what) or sorted(
            {getattr(k, what, "") for s in self.sources for k in s.kinds} - {""}
        )
        more = " …" if len(leads) > EXAMPLES else ""
        text = f"the scenario has no {what} “{name}”" if name else f"the {what} is not known"
        count = f"{len(leads)} open deal{'s' if len(leads) > 1 else ''}"
        message = f"{text} ({count}: {', '.join(leads[:EXAMPLES])}{more})"
        fix = did_you_mean(name, there) if there else ""
        return Problem(message, path=f"start.deals.{what}", fix=fix)
