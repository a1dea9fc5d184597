"""What to compare with: changes, changed scenarios, or the names of listed what-ifs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.experiments.execution import World
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.sampling import ScenarioSampler, doubts
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.what_if import WhatIf

__all__ = ["WhatIfs", "read_what_ifs"]

WhatIfs = Mapping[str, Scenario | Change | str] | Sequence[Scenario | Change | str]


@dataclass(frozen=True, slots=True)
class _Changed:
    """A sampler whose every draw is changed."""

    base: ScenarioSampler
    item: Change | WhatIf

    @property
    def over(self) -> Mapping[str, float]:
        return doubts(self.base)

    def draw(self, seed: int, replication: int) -> Scenario:
        return _changed(self.base.draw(seed, replication), self.item)


def read_what_ifs(
    base: World, first: Scenario, what_ifs: WhatIfs | None
) -> dict[str, tuple[World, Mapping[str, str]]]:
    """Worlds and labels by name.

    Parameters
    ----------
    base : Scenario or ScenarioSampler
    first : Scenario
        The baseline, or its first draw: it lists the what-ifs.
    what_ifs : sequence or mapping, optional
        Changed scenarios, changes, names of listed ones; left out, all that are listed.

    Returns
    -------
    dict
        Name → (world, what it is called by language).

    Raises
    ------
    ParameterError
        Every problem: unknown names, two of one name, none at all.
    """
    listed = first.what_ifs
    if isinstance(what_ifs, Mapping):
        items: Iterable[tuple[str, Scenario | Change | str]] = what_ifs.items()
    else:
        items = [("", item) for item in (listed if what_ifs is None else what_ifs)]
    named: dict[str, tuple[World, Mapping[str, str]]] = {}
    problems = []
    for given, item in items:
        if isinstance(item, str) and item not in listed:
            fix = did_you_mean(item, listed, limit=40) or "The scenario lists no what-ifs."
            problems.append(Problem(f'there is no what-if "{item}"', fix=fix))
            continue
        name, world, label = _one(base, listed, item)
        name = given or name or f"what-if {len(named) + 1}"
        if name in named:
            fix = "Give them names of their own."
            problems.append(Problem(f'two what-ifs are called "{name}"', fix=fix))
        named[name] = (world, label)
    if not named and not problems:
        fix = 'Give some: [base.change("one more", {"teams.desk.seats": {"add": 1}})].'
        problems.append(Problem("there is no what-if to compare with", fix=fix))
    if problems:
        raise ParameterError(problems)
    return named


def _one(
    base: World, listed: Mapping[str, WhatIf], item: Scenario | Change | str
) -> tuple[str, World, Mapping[str, str]]:
    """Name, world and label of one what-if."""
    if isinstance(item, Scenario):
        return item.change_name, item, {}
    what = listed[item] if isinstance(item, str) else item
    world = _changed(base, what) if isinstance(base, Scenario) else _Changed(base, what)
    if isinstance(what, WhatIf):
        return str(item), world, what.label
    return what.name, world, {}


def _changed(base: Scenario, item: Change | WhatIf) -> Scenario:
    """The scenario with a change made, from its date on if it has one."""
    if isinstance(item, Change):
        return apply(base, item)
    if item.start is None:
        return apply(base, Change(name="what-if", overrides=item.set))
    return base.model_copy(update={"changes": {**base.changes, "what-if": item}})
