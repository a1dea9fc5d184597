"""The lever atlas as tidy rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funnelsim.experiments.precision import mean_interval

if TYPE_CHECKING:
    from funnelsim.experiments.atlas import Lever
    from funnelsim.experiments.effects import Levers, Together
    from funnelsim.scenarios.scenario import Scenario

__all__ = ["pair_row", "priced", "row"]

_METHOD: Final = "Student t, paired, Bonferroni"


def row(found: Levers, index: int) -> dict[str, Any]:
    """A row of ``Levers.table``.

    Parameters
    ----------
    found : Levers
    index : int
        Place by rank, from 0.

    Returns
    -------
    dict
    """
    effect = found.effects[index]
    lever, gain = effect.lever, effect.interval
    cost = float(np.mean(effect.costs))
    money = found.measure.unit == "minor"
    adjusted = 1 - (1 - found.level) / len(found.effects)
    net = mean_interval(effect.gains - effect.costs, adjusted) if money else None
    if found.measure.id == "profit":
        net = gain  # its costs are taken off already
    nan = float("nan")
    own = priced(lever, found.scenario)
    return {
        "rank": index + 1,
        "lever": lever.id,
        "kind": lever.kind,
        "item": lever.item,
        "step": lever.step,
        "step_unit": lever.unit,
        "cut": lever.cut,
        "measure": found.measure.id,
        "unit": found.measure.unit,
        "baseline": found.baseline,
        "uplift": gain.mean,
        "lo": gain.lo,
        "hi": gain.hi,
        "relative": gain.mean / found.baseline if found.baseline else nan,
        "verdict": effect.verdict,
        "cost": cost,
        "priced": own,
        "net": net.mean if net else nan,
        "net_lo": net.lo if net else nan,
        "net_hi": net.hi if net else nan,
        "payback": gain.mean / cost if own and money and cost > 0 else nan,
        "n": gain.n,
        "level": found.level,
        "method": _METHOD,
        "name": lever.words(),
    }


def pair_row(found: Levers, pair: Together) -> dict[str, Any]:
    """A row of ``Levers.interactions``."""
    first, second = pair.levers
    return {
        "first": first,
        "second": second,
        "both": pair.both.mean,
        "both_lo": pair.both.lo,
        "both_hi": pair.both.hi,
        "apart": found[first].interval.mean + found[second].interval.mean,
        "interaction": pair.interaction.mean,
        "lo": pair.interaction.lo,
        "hi": pair.interaction.hi,
        "n": pair.interaction.n,
        "level": found.level,
        "method": _METHOD,
    }


def priced(lever: Lever, scenario: Scenario) -> bool:
    """Whether the scenario says what the step itself costs: a seat's wages, leads' cost."""
    if lever.kind == "capacity":
        return scenario.teams[lever.item].cost_per_hour > 0
    return lever.kind == "demand" and scenario.sources[lever.item].cost is not None
