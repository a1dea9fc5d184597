"""Replications: the same scenario under independent luck, and what that says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.engine import Limits
from funnelsim.engine.simulation import Engine
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.experiments.execution import Observation, Settings, World, Worlds, observations
from funnelsim.experiments.outcomes import Measure, read_limits
from funnelsim.experiments.precision import Sequential, mean_interval, next_run_interval
from funnelsim.experiments.warm_up import Regime, regime
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Replications", "check_plan", "replicate"]

REPLICATIONS = 20
MOST = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Replications:
    """What the replications of a scenario came to.

    Parameters
    ----------
    scenario : Scenario
        The one simulated (of a sampler, its first draw).
    measures : tuple of Measure
    outcomes : ndarray, shape (replications, measures)
        By number of the replication; NaN where a ratio has nothing below the line.
    weekly : ndarray of int, shape (replications, weeks)
        Deals won by whole week of the observed window.
    seed : int
    level : float
        Of intervals, unless asked otherwise.
    precision : mapping of str to float
        What was asked for; empty if the number was given.
    precise : bool
        Whether that was reached; True if nothing was asked for.
    """

    scenario: Scenario
    measures: tuple[Measure, ...]
    outcomes: NDArray[np.float64]
    weekly: NDArray[np.int64]
    seed: int
    level: float
    precision: Mapping[str, float]
    precise: bool

    def __len__(self) -> int:
        return len(self.outcomes)

    def __getitem__(self, measure: str) -> NDArray[np.float64]:
        """The values of a measure, by replication."""
        return self.outcomes[:, place(self.measures, measure)]

    @property
    def table(self) -> pd.DataFrame:
        """One row per replication and measure: replication, measure, unit, value."""
        import pandas as pd

        n, k = self.outcomes.shape
        return pd.DataFrame(
            {
                "replication": np.repeat(np.arange(n), k),
                "measure": [measure.id for measure in self.measures] * n,
                "unit": [measure.unit for measure in self.measures] * n,
                "value": self.outcomes.ravel(),
            }
        )

    def summary(self, level: float | None = None) -> pd.DataFrame:
        """How large each measure is on average, and what one further run may bring.

        Parameters
        ----------
        level : float, optional
            Of both intervals, 0 to 1; left out, that of the replications.

        Returns
        -------
        DataFrame
            One row per measure:

            measure, unit
            mean, lo, hi
                Mean over replications and its *confidence interval* (Student's t): where the
                mean of very many replications lies. It shrinks with n.
            pi_lo, pi_hi
                *Prediction interval* of one run, mean ± t(n-1) × s × √(1 + 1 ÷ n): what one
                future may bring if runs are about normal. It does not shrink to nothing.
            n
                Replications that have a value. A ratio with nothing below the line has none,
                and its mean is that of the others.
            half_width
                (hi - lo) ÷ 2 as a share of the mean.
            level, method, name

            Means of ratios are means of one ratio per replication. Limits are cut at what is
            possible: no share beyond 0 and 1, nothing but profit below 0.
        """
        import pandas as pd

        level = self.level if level is None else check_level(level)
        rows = [_summary(m, self.outcomes[:, i], level) for i, m in enumerate(self.measures)]
        return pd.DataFrame(rows)

    def regime(self) -> Regime:
        """Whether the window shows a settled funnel or one that is still filling.

        Returns
        -------
        Regime
            Its ``sentence`` says how to read the numbers; see
            :func:`funnelsim.experiments.warm_up.regime`.
        """
        return regime(self.weekly)


def replicate(  # noqa: PLR0913 - keywords with defaults
    scenario: World,
    *,
    seed: int,
    n: int | None = None,
    precision: Mapping[str, float] | None = None,
    max_n: int = MOST,
    level: float = 0.95,
    limits: Limits | Mapping[str, str] | None = None,
    engine: Engine = "auto",
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
    start: Snapshot | None = None,
) -> Replications:
    """Simulate a scenario again and again under independent luck.

    Parameters
    ----------
    scenario : Scenario or ScenarioSampler
        A sampler draws another scenario for every replication.
    seed : int
        0 to 2**64 - 1. The same seed gives the same numbers, with any workers or executor.
    n : int, optional
        How many replications; 20 if neither this nor ``precision`` is given.
    precision : mapping of str to float, optional
        Go on until the half-width of the mean's interval is at most this share of the mean,
        ``{"won_value": 0.01}``, by Hoad's sequential rule.
    max_n : int
        Stop here even if the precision is not reached (then ``precise`` is False).
    level : float
        Confidence level, 0 to 1.
    limits : mapping of str to str, optional
        What is in time: ``{"wait": "4 h", "age": "30 d"}``; adds the measures ``in_time``.
    engine : {"auto", "reference", "compiled"}
    executor : concurrent.futures.Executor, optional
        Where to run: threads, processes, ``distributed.Client(...).get_executor()``. Left
        open at the end.
    workers : int, optional
        How many replications run side by side; left out, as many as there are cores.
        Compiled, they run in threads; the SimPy model runs in processes, which start when
        the work has lasted 2 s, and in a script want ``if __name__ == "__main__":``.
    progress : callable, optional
        Told the share done, 0 to 1.
    start : Snapshot, optional
        Open deals to go on with, from :func:`funnelsim.engine.snapshot.snapshot`; the window
        begins at its moment, without warm-up.

    Returns
    -------
    Replications

    Raises
    ------
    ParameterError
        Numbers out of range, n and precision together, an unknown measure; open deals of
        which the scenario does not know the stage or source.

    References
    ----------
    Hoad, Robinson & Davies (2010), Automated selection of the number of replications for a
    discrete-event simulation, Journal of the Operational Research Society 61.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> reps = replicate(Scenario.model_validate(_TINY), n=10, seed=7)
    >>> row = reps.summary().set_index("measure").loc["won"]
    >>> bool(row.pi_lo < row.lo < 4 * 7 * 5 < row.hi < row.pi_hi)
    True
    """
    settings = Settings(seed, engine, read_limits(limits), executor, workers, progress, start)
    limit = check_plan(n, precision, max_n, level)
    worlds = Worlds({"": scenario}, settings)
    places = [place(worlds.measures[0], name) for name in precision or {}]
    rule = Sequential(list((precision or {}).values()), level)
    found: list[Observation] = []
    with closing(observations(worlds, limit, settings)) as runs:
        for (observation,) in runs:
            found.append(observation)
            asked = observation.measured[places]
            enough = rule.add(asked, asked)
            tell(progress, len(found), limit, rule if precision else None)
            if precision and enough:
                break
    return Replications(
        worlds.scenarios[0],
        worlds.measures[0],
        *columns(found),
        seed,
        level,
        dict(precision or {}),
        not precision or rule.reached,
    )


def check_plan(
    n: int | None, precision: Mapping[str, float] | None, max_n: int, level: float
) -> int:
    """Check how long to go on; return how many replications at most."""
    problems = []
    if n is not None and precision:
        problems.append(Problem("n and precision are both given", fix="Give one of them."))
    for name, number in (("n", n), ("max_n", max_n)):
        if number is not None and (number < 1 or number % 1):
            problems.append(Problem(f"{name} is {number!r}", fix="Give a whole number from 1 on."))
    for measure, share in (precision or {}).items():
        if not 0 < share < 1:
            fix = "Give the half-width as a share of the mean, such as 0.01."
            problems.append(Problem(f"precision of {measure} is {share!r}", fix=fix))
    if problems:
        raise ParameterError(problems)
    check_level(level)
    return max_n if precision else n or REPLICATIONS


def check_level(level: float) -> float:
    """Refuse what is no confidence level."""
    if not 0 < level < 1:
        raise ParameterError(Problem(f"level is {level!r}", fix="Give a share such as 0.95."))
    return level


def place(measures: Sequence[Measure], name: str) -> int:
    """The column of a measure, or an error that names those there are."""
    ids = [measure.id for measure in measures]
    if name not in ids:
        problem = Problem(f'there is no measure "{name}"', fix=did_you_mean(name, ids, limit=99))
        raise ParameterError(problem)
    return ids.index(name)


def columns(
    found: Sequence[Observation],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values and weekly wins of the replications of one world, not to be changed."""
    values = np.array([observation.measured for observation in found])
    weekly = np.array([observation.weekly for observation in found])
    values.flags.writeable = weekly.flags.writeable = False
    return values, weekly


def tell(
    progress: Callable[[float], None] | None, done: int, limit: int, rule: Sequential | None
) -> None:
    """Tell the share done: of the number given, or of what the precision seems to need."""
    if progress is not None:
        whole = limit if rule is None else min(max(rule.needed(), done), limit)
        progress(1.0 if rule is not None and rule.reached else min(done / whole, 1.0))


def _summary(measure: Measure, values: NDArray[np.float64], level: float) -> dict[str, object]:
    """A row of the summary."""
    low = -np.inf if measure.id == "profit" else 0.0
    high = 1.0 if measure.unit == "share" else np.inf
    mean, one = mean_interval(values, level), next_run_interval(values, level)
    limits = np.clip([mean.lo, mean.hi, one.lo, one.hi], low, high)
    return {
        "measure": measure.id,
        "unit": measure.unit,
        "mean": mean.mean,
        "lo": limits[0],
        "hi": limits[1],
        "pi_lo": limits[2],
        "pi_hi": limits[3],
        "n": mean.n,
        "half_width": (mean.hi - mean.lo) / 2 / abs(mean.mean) if mean.mean else np.nan,
        "level": level,
        "method": "Student t",
        "name": measure.words(),
    }
