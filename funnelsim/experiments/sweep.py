"""One scenario over a grid or a Latin hypercube of values of any dotted paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from funnelsim.documents import did_you_mean
from funnelsim.engine import Limits
from funnelsim.engine.simulation import Engine
from funnelsim.errors import ParameterError, Problem, ScenarioError
from funnelsim.experiments.axes import Axis, Values, read_axis
from funnelsim.experiments.comparison import compare
from funnelsim.experiments.precision import mean_interval
from funnelsim.experiments.replication import REPLICATIONS, Replications, check_level, place
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.figures import Picture

__all__ = ["Sweep", "sweep"]

Design = Literal["grid", "latin"]

_BATCH: Final = 50  # scenarios simulated side by side: plans of more are not kept ready
_MOST: Final = 20_000
_STEPS: Final = 5
_LATIN: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """A scenario at many points, all under the same luck.

    Parameters
    ----------
    base : Replications
        As things are.
    axes : tuple of Axis
    points : tuple of tuple
        By point: the value of each axis.
    runs : tuple of Replications
        By point.
    design : {"grid", "latin"}
    level : float
    """

    base: Replications
    axes: tuple[Axis, ...]
    points: tuple[tuple[Any, ...], ...]
    runs: tuple[Replications, ...]
    design: str
    level: float

    @property
    def table(self) -> pd.DataFrame:
        """One row per point and measure.

        point (from 0); a column per path with its value as written; measure, unit; value,
        lo, hi: mean and its confidence interval; uplift, uplift_lo, uplift_hi: mean paired
        difference from the scenario as it is; n, level, method, name. Intervals hold for one
        point and measure each: who picks the best of many points picks luck too, so confirm
        it with ``fs.compare`` and another seed.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                row
                for i in range(len(self.points))
                for measure in self.base.measures
                if (row := self._row(i, measure.id))
            ]
        )

    def of(self, measure: str) -> pd.DataFrame:
        """The rows of one measure.

        Parameters
        ----------
        measure : str

        Returns
        -------
        DataFrame
            As :attr:`table`.

        Raises
        ------
        ParameterError
            If there is no such measure.
        """
        import pandas as pd

        place(self.base.measures, measure)
        rows = (self._row(i, measure) for i in range(len(self.points)))
        return pd.DataFrame([row for row in rows if row])

    def _row(self, point: int, measure: str) -> dict[str, Any]:
        reps = self.runs[point]
        if all(measure != other.id for other in reps.measures):
            return {}
        found = self.base.measures[place(self.base.measures, measure)]
        mean = mean_interval(reps[measure], self.level)
        gap = mean_interval(reps[measure] - self.base[measure], self.level)
        values = dict(zip((axis.path for axis in self.axes), self.points[point], strict=True))
        return {
            "point": point,
            **values,
            "measure": measure,
            "unit": found.unit,
            "value": mean.mean,
            "lo": mean.lo,
            "hi": mean.hi,
            "uplift": gap.mean,
            "uplift_lo": gap.lo,
            "uplift_hi": gap.hi,
            "n": mean.n,
            "level": self.level,
            "method": "Student t",
            "name": found.words(),
        }

    def plot(
        self,
        measure: str,
        *,
        paths: Sequence[str] | None = None,
        lang: str = "en",
        text: Callable[[str], str] = str,
    ) -> Picture:
        """Draw a measure over one path (line and band) or two (heat map and contours).

        Parameters
        ----------
        measure : str
        paths : sequence of str, optional
            One or two of the sweep's; left out, all of them. Points that agree in these are
            averaged over the others.
        lang : str
            Language of numbers and labels.
        text : callable
            Translates the words.

        Returns
        -------
        Picture

        Raises
        ------
        ParameterError
            Unknown measures or paths, or more than two.
        """
        from funnelsim.figures.grid import grid

        known = {axis.path: axis for axis in self.axes}
        chosen = list(paths or known)
        for path in chosen:
            if path not in known:
                fix = did_you_mean(path, known, limit=40)
                raise ParameterError(Problem(f'"{path}" was not swept', fix=fix))
        if len(chosen) > 2:  # noqa: PLR2004 - a page has two directions
            fix = f"Choose paths=[…] of: {', '.join(known)}"
            raise ParameterError(Problem("a picture has room for two paths", fix=fix))
        found = self.base.measures[place(self.base.measures, measure)]
        rows = self.of(measure)
        scales = {path: known[path].numbers(list(rows[path])) for path in chosen}
        return grid(
            rows,
            positions={path: numbers for path, (numbers, _) in scales.items()},
            units={path: unit for path, (_, unit) in scales.items()},
            name=found.words(lang, text),
            currency=self.base.scenario.currency,
            regular=self.design == "grid",
            lang=lang,
            text=text,
        )


def sweep(  # noqa: PLR0913 - keywords with defaults
    scenario: Scenario,
    over: Mapping[str, Values],
    *,
    seed: int,
    n: int = REPLICATIONS,
    design: Design = "grid",
    points: int | None = None,
    level: float = 0.95,
    limits: Limits | Mapping[str, str] | None = None,
    engine: Engine = "auto",
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Sweep:
    """Simulate a scenario over values of any dotted paths, under the same luck throughout.

    Parameters
    ----------
    scenario : Scenario
    over : mapping of str to list or tuple
        Dotted path → ``[values]`` or ``(lowest, highest)``, written as in a scenario:
        ``["2 h", "1 d"]``, ``("5 / d", "9 / d")``, ``(1, 6)``; ``{"times": (0.5, 2)}`` and
        ``{"add": …}`` adjust.
    seed : int
        0 to 2**64 - 1; also draws the Latin hypercube.
    n : int
        Replications per point.
    design : {"grid", "latin"}
        Every combination, or a Latin hypercube: so many points that each axis is covered
        evenly, for many paths at once.
    points : int, optional
        ``grid``: how many a range is cut into (5); ``latin``: how many altogether (30).
    level : float
        Of intervals.
    limits, engine, executor, workers, progress
        As in :func:`funnelsim.replicate`.

    Returns
    -------
    Sweep

    Raises
    ------
    ParameterError
        No paths, no values, too many points, numbers out of range.
    ScenarioError
        Points at which the scenario cannot be made.

    References
    ----------
    McKay, Beckman & Conover (1979), A comparison of three methods for selecting values of
    input variables, Technometrics 21; ``scipy.stats.qmc.LatinHypercube``.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> tiny = Scenario.model_validate(_TINY)
    >>> found = sweep(tiny, {"sources.web.rate": ("5 / d", "15 / d")}, points=3, seed=7, n=5)
    >>> found.of("won")[["sources.web.rate", "value"]].round().values.tolist()
    [['5 / d', 140.0], ['10 / d', 287.0], ['15 / d', 427.0]]
    """
    check_level(level)
    axes = tuple(read_axis(path, values) for path, values in over.items())
    made = _points(axes, design, points, seed)
    worlds = _worlds(scenario, axes, made)
    shared: dict[str, Any] = {"seed": seed, "n": n, "level": level, "limits": limits}
    shared |= {"engine": engine, "executor": executor, "workers": workers}
    base: Replications | None = None
    runs: list[Replications] = []
    for i in range(0, len(worlds), _BATCH):
        batch = {str(i + j): world for j, world in enumerate(worlds[i : i + _BATCH])}
        found = compare(scenario, batch, **shared, progress=_part(progress, i, len(worlds)))
        base = base or found.base
        runs += found.what_ifs.values()
    assert base is not None  # noqa: S101 - there is at least one point
    return Sweep(base, axes, made, tuple(runs), design, level)


def _part(
    progress: Callable[[float], None] | None, begun: int, all_of_it: int
) -> Callable[[float], None] | None:
    """The progress of one batch as part of the whole."""
    if progress is None:
        return None
    size = min(_BATCH, all_of_it - begun)
    return lambda share: progress((begun + share * size) / all_of_it)


def _points(
    axes: Sequence[Axis], design: str, points: int | None, seed: int
) -> tuple[tuple[Any, ...], ...]:
    """The values at each point; every problem at once."""
    problems = []
    if not axes:
        fix = 'Give some: {"teams.desk.seats": (1, 5)}.'
        problems.append(Problem("there are no paths to sweep over", fix=fix))
    if design not in {"grid", "latin"}:
        problems.append(Problem(f"design is {design!r}", fix="Use grid or latin."))
    if points is not None and (points < 1 or points % 1):
        fix = "Give a whole number from 1 on."
        problems.append(Problem(f"points is {points!r}", fix=fix))
    if problems:
        raise ParameterError(problems)
    if design == "latin":
        from scipy.stats.qmc import LatinHypercube

        found = LatinHypercube(len(axes), rng=np.random.default_rng(seed)).random(points or _LATIN)
        return tuple(
            tuple(axis.at(float(share)) for axis, share in zip(axes, row, strict=True))
            for row in found
        )
    columns = [axis.points(points or _STEPS) for axis in axes]
    size = math.prod(len(column) for column in columns)
    if size > _MOST:
        fix = 'Give fewer values, or take design="latin".'
        raise ParameterError(Problem(f"the grid has {size} points", fix=fix))
    return tuple(product(*columns))


def _worlds(
    scenario: Scenario, axes: Sequence[Axis], points: Sequence[tuple[Any, ...]]
) -> list[Scenario]:
    """The scenario at each point; what cannot be made, all at once."""
    found: list[Scenario] = []
    problems: dict[tuple[str, str], Problem] = {}
    for values in points:
        overrides = {
            axis.path: axis.override(value) for axis, value in zip(axes, values, strict=True)
        }
        name = ", ".join(str(value) for value in values)
        try:
            found.append(apply(scenario, Change(name=name, overrides=overrides)))
        except ScenarioError as refused:
            problems |= {(p.path, p.message): p for p in refused.problems}
    if problems:
        raise ScenarioError(problems.values())
    return found
