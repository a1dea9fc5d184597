"""What limits a funnel: conversion, delay or capacity.

A point, a day and a seat cannot be compared: how large a step each is depends on the
funnel. So every obstacle is made *a tenth* smaller, one at a time, under the same luck:

- *conversion*: a tenth more leads come in. If wins rise about as much, whatever comes is
  worked through, and only better conversion (or more leads) brings more: without queues
  and fading interest, 10 % more of any one of them is exactly 10 % more wins;
- *delay*: every delay in which nobody works is a tenth shorter (those in calendar months
  and fixed moments stay);
- *capacity*: every piece of work takes its team a tenth less time.

The funnel is limited by the one that brings more than *each* of the others. That is said
only where the paired differences can tell, at the level asked for (multiple comparisons
with the best, Bonferroni); near a half-and-half limit they cannot, and neither should one.

References
----------
Hsu (1981), Simultaneous confidence intervals for all distances from the "best", Annals of
Statistics 9; Goldratt & Cox (1984), The Goal, for the idea of the one constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.experiments.atlas import more_leads
from funnelsim.experiments.precision import mean_interval
from funnelsim.scenarios.scenario import Scenario

__all__ = ["RELIEFS", "best"]

_LESS: Final = {"times": 0.9}


def _more_leads(scenario: Scenario) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, source in scenario.sources.items():
        found |= more_leads(key, source)
    return found


def _shorter_delays(scenario: Scenario) -> Mapping[str, Any]:
    return {
        f"stages.{key}.{part}": _LESS
        for key, stage in scenario.stages.items()
        for part in ("delay_before", "delay_after")
        if (spec := getattr(stage, part)) is not None and spec.clocks()[0] != "months"
    }


def _faster_work(scenario: Scenario) -> Mapping[str, Any]:
    return {
        f"stages.{key}.efforts.{name}.duration": _LESS
        for key, stage in scenario.stages.items()
        for name in stage.efforts
    }


RELIEFS: Final[Mapping[str, Callable[[Scenario], Mapping[str, Any]]]] = {
    "conversion": _more_leads,
    "delay": _shorter_delays,
    "capacity": _faster_work,
}
"""What limits → how a tenth of it is taken away."""


def best(gains: Mapping[str, NDArray[np.float64]], level: float) -> str | None:
    """Name the largest mean gain, if one can tell it from every other.

    Parameters
    ----------
    gains : mapping of str to ndarray, shape (replications,)
        Paired: the same place is the same luck.
    level : float
        Chance at least to name no wrong one.

    Returns
    -------
    str or None
        The one that is above 0 and whose one-sided paired interval against every other lies
        above 0, each at 1 − (1 − level) ÷ (k − 1): a wrong name needs a wrong interval
        against the true best.

    Examples
    --------
    >>> best({"a": np.array([3.0, 4.0, 3.5]), "b": np.array([1.0, 1.5, 1.2])}, 0.95)
    'a'
    >>> best({"a": np.array([3.0, -4.0, 3.5]), "b": np.array([1.0, 1.5, 1.2])}, 0.95)
    """
    if not gains:
        return None
    means = {name: float(np.nanmean(values)) for name, values in gains.items()}
    first = max(means, key=lambda name: means[name])
    others = [values for name, values in gains.items() if name != first]
    rivals = [np.zeros_like(gains[first]), *others]
    two_sided = 1 - 2 * (1 - level) / max(len(others), 1)
    for rival in rivals:
        if not mean_interval(gains[first] - rival, two_sided).lo > 0:
            return None
    return first
