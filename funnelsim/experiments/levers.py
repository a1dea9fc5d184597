"""Which of all standard steps brings most, and what limits the funnel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.simulation import Engine
from funnelsim.experiments.atlas import Lever, atlas, changed
from funnelsim.experiments.comparison import compare
from funnelsim.experiments.effects import Effect, Levers, Together
from funnelsim.experiments.outcomes import Measure
from funnelsim.experiments.precision import Interval, mean_interval
from funnelsim.experiments.relief import RELIEFS, best
from funnelsim.experiments.replication import MOST, Replications, place
from funnelsim.scenarios.scenario import Scenario

__all__ = ["levers"]

Floats = NDArray[np.float64]

_RUNS: Final = 50
_BATCH: Final = 50  # what-ifs simulated side by side: plans of more are not kept ready
_DEFAULTS: Final = ("won_value", "won")


def levers(  # noqa: PLR0913 - keywords with defaults
    scenario: Scenario,
    *,
    seed: int,
    n: int | None = None,
    precision: Mapping[str, float] | None = None,
    max_n: int = MOST,
    measure: str | None = None,
    level: float = 0.95,
    together: int = 3,
    engine: Engine = "auto",
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Levers:
    """Try every standard step by itself: a point, a day, a seat, a tenth more leads.

    Each is compared with the baseline under the same luck. *A point*: a stage's advance
    branch gains 1 point, taken from the others in proportion. *A day*: each lead's delay in
    a stage is a day shorter, a business day where it runs on business time; delays shorter
    than that vanish. *A seat*: one more whenever the team works. *A tenth more leads* of a
    source come beside those there are, whose luck does not change.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        0 to 2**64 - 1.
    n : int, optional
        How many replications; 50 if neither this nor ``precision`` is given.
    precision : mapping of str to float, optional
        Go on until the half-widths are at most this share of the baseline's mean; see
        :func:`funnelsim.compare`.
    max_n : int
        Stop there even if the precision is not reached.
    measure : str, optional
        What counts; left out, ``won_value`` where there is money, else ``won``. ``profit``
        ranks net of all costs in the scenario.
    level : float
        Of intervals, simultaneous over all levers, and of naming nothing wrongly.
    together : int
        So many of the first levers that help are also tried two at a time; 0: none.
    engine, executor, workers, progress
        As in :func:`funnelsim.replicate`.

    Returns
    -------
    Levers

    Raises
    ------
    ParameterError
        Numbers out of range, or an unknown measure.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> found = levers(Scenario.model_validate(_TINY), seed=7, n=10)
    >>> found.top, found.limit
    ('demand.web', 'conversion')
    >>> found.table[["lever", "verdict"]].values.tolist()
    [['demand.web', 'better']]
    """
    steps, left_out = atlas(scenario)
    whats = {lever.id: changed(scenario, lever.id, lever.make) for lever in steps}
    for name, make in RELIEFS.items():
        if make(scenario):
            whats[_relief(name)] = changed(scenario, name, make)
    if n is None and precision is None:
        n = _RUNS
    shared: dict[str, Any] = {"seed": seed, "level": level, "engine": engine}
    shared |= {"executor": executor, "workers": workers}
    stages = _Stages(progress, -(-len(whats) // _BATCH) + bool(together))
    asked = {"n": n, "precision": precision, "max_n": max_n}
    base, runs = _runs(scenario, whats, shared, asked, stages)
    found = _measure(base.measures, measure)
    gains = {name: runs[name][found.id] - base[found.id] for name in whats}
    effects = _effects(steps, gains, base, runs, found, level)
    goods = {e.lever.id: _good(found) * e.gains for e in effects}
    relieved = {name: gains.get(_relief(name), np.zeros(len(base))) for name in RELIEFS}
    pairs = _pairs(scenario, effects[:together], base, found, shared, stages, level)
    return Levers(
        scenario=scenario,
        measure=found,
        effects=effects,
        base=base,
        top=best(goods, level),
        limit=best({name: _good(found) * gain for name, gain in relieved.items()}, level),
        reliefs={name: mean_interval(gain, level) for name, gain in relieved.items()},
        pairs=pairs,
        left_out=left_out,
        level=level,
    )


class _Stages:
    """One progress for several comparisons in a row."""

    def __init__(self, progress: Callable[[float], None] | None, stages: int) -> None:
        self.progress, self.stages, self.done = progress, stages, 0

    def next(self) -> Callable[[float], None] | None:
        progress, before, self.done = self.progress, self.done, self.done + 1
        if progress is None:
            return None
        return lambda share: progress((before + share) / self.stages)

    def end(self) -> None:
        if self.progress is not None:
            self.progress(1.0)


def _runs(
    scenario: Scenario,
    whats: Mapping[str, Scenario],
    shared: Mapping[str, Any],
    asked: Mapping[str, Any],
    stages: _Stages,
) -> tuple[Replications, dict[str, Replications]]:
    """Replications of the baseline and every what-if, of equal number."""
    names = list(whats)
    base: Replications | None = None
    found: dict[str, Replications] = {}
    for i in range(0, len(names), _BATCH):
        batch = {name: whats[name] for name in names[i : i + _BATCH]}
        many = asked if base is None else {"n": len(base)}
        made = compare(scenario, batch, **shared, **many, progress=stages.next())
        base = base or made.base
        found |= made.what_ifs
    assert base is not None  # noqa: S101 - a scenario has a source, hence a lever
    return base, found


def _relief(name: str) -> str:
    return f"a tenth: {name}"


def _measure(measures: Sequence[Measure], name: str | None) -> Measure:
    """The one asked for, or money won, or deals won."""
    ids = [measure.id for measure in measures]
    name = name or next((each for each in _DEFAULTS if each in ids), ids[0])
    return measures[place(measures, name)]


def _good(measure: Measure) -> int:
    """Which way is better; of neither, more."""
    return measure.better or 1


def _effects(
    steps: Sequence[Lever],
    gains: Mapping[str, Floats],
    base: Replications,
    runs: Mapping[str, Replications],
    measure: Measure,
    level: float,
) -> tuple[Effect, ...]:
    """By lever, best first."""
    adjusted = 1 - (1 - level) / max(len(steps), 1)
    before = _costs(base)
    found = []
    for lever in steps:
        interval = mean_interval(gains[lever.id], adjusted)
        costs = _costs(runs[lever.id]) - before
        verdict = _verdict(measure, gains[lever.id], interval)
        found.append(Effect(lever, gains[lever.id], costs, interval, verdict))
    return tuple(sorted(found, key=lambda e: -_good(measure) * np.nan_to_num(e.interval.mean)))


def _costs(reps: Replications) -> Floats:
    """Costs of leads, deals and staffed hours, as far as the scenario gives any."""
    ids = {measure.id for measure in reps.measures}
    given = [reps[name] for name in ("cost", "staff_cost") if name in ids]
    return np.sum(given, axis=0) if given else np.full(len(reps), np.nan)


def _verdict(measure: Measure, gains: Floats, interval: Interval) -> str:
    """As in a comparison."""
    if not np.nan_to_num(gains).any():
        return "same"
    if not (interval.lo > 0 or interval.hi < 0):
        return "cannot tell"
    if not measure.better:
        return "more" if interval.lo > 0 else "less"
    return "better" if (interval.lo > 0) == (measure.better > 0) else "worse"


def _pairs(
    scenario: Scenario,
    first: Sequence[Effect],
    base: Replications,
    measure: Measure,
    shared: Mapping[str, Any],
    stages: _Stages,
    level: float,
) -> tuple[Together, ...]:
    """The first levers that help, two at a time."""
    helping = [effect for effect in first if effect.verdict in {"better", "more"}]
    couples = list(combinations(helping, 2))
    if not couples:
        stages.end()
        return ()
    whats = {
        f"{a.lever.id} + {b.lever.id}": changed(scenario, "both", _both(a.lever, b.lever))
        for a, b in couples
    }
    made = compare(scenario, whats, **shared, n=len(base), progress=stages.next())
    adjusted = 1 - (1 - level) / len(couples)
    found = []
    for (a, b), reps in zip(couples, made.what_ifs.values(), strict=True):
        both = reps[measure.id] - base[measure.id]
        found.append(
            Together(
                (a.lever.id, b.lever.id),
                mean_interval(both, adjusted),
                mean_interval(both - a.gains - b.gains, adjusted),
            )
        )
    return tuple(found)


def _both(one: Lever, other: Lever) -> Callable[[Scenario], Mapping[str, Any]]:
    """Overrides of two levers; they never touch the same value."""
    return lambda scenario: {**one.make(scenario), **other.make(scenario)}
