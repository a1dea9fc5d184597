"""From the last forecast to this one: what each new input changed, in parts that add up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.engine.plan import Plan
from funnelsim.engine.rows import Rows
from funnelsim.engine.snapshot import snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.planning.pipeline.closings import Closings
from funnelsim.planning.pipeline.pipeline import forecast_pipeline
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.sampling import ScenarioSampler, doubts
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    from funnelsim.calibration.fitting import Fit

__all__ = ["STEPS", "Inputs", "bridge"]

STEPS: Final = ("before", "luck", "new_data", "calibration", "scenario", "seed", "now")
"""The first and the last are sums; what stands between is what each input changed."""
RUNS: Final = 100


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a forecast was made of.

    Parameters
    ----------
    history : EventLog
        Ends at the cutoff.
    fit : Fit
        Calibrated on data up to then.
    changes : tuple of Change
        Edits of the scenario, made in every draw.
    seed : int
    """

    history: EventLog
    fit: Fit
    changes: tuple[Change, ...] = ()
    seed: int = 0

    @property
    def cutoff(self) -> pd.Timestamp:
        """Nothing later was known."""
        return pd.Timestamp(self.history.meta.observed_until)


@dataclass(frozen=True)
class Edited:
    """Draws of a sampler, with edits of the scenario made in each."""

    sampler: ScenarioSampler
    changes: tuple[Change, ...]

    @property
    def over(self) -> Mapping[str, float]:
        """Deals that may be over, as the sampler knows them."""
        return doubts(self.sampler)

    def draw(self, seed: int, replication: int) -> Scenario:
        """The scenario of a replication."""
        drawn = self.sampler.draw(seed, replication)
        for change in self.changes:
            drawn = apply(drawn, change)
        return drawn


def bridge(
    previous: Inputs,
    current: Inputs,
    *,
    start: pd.Timestamp,
    end: pd.Timestamp,
    measure: str = "won_value",
    n: int = RUNS,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Explain why this forecast of a period differs from the last one of the same period.

    One input after the other is exchanged, with the same random numbers: first what happened
    since, then the calibration, then edits of the scenario, then the seed. So the parts add up
    exactly. What happened since is split: *luck* is what was won between both cutoffs, less
    what the last forecast had expected of that time; *new data* is all else that is seen now:
    the open deals of today in place of those expected.

    Parameters
    ----------
    previous, current : Inputs
    start, end : pandas.Timestamp
        The period, for example a quarter; it ends after the current cutoff.
    measure : {"won_value", "won"}
    n : int
        Runs of each step.
    progress : callable, optional
        Told the share done.

    Returns
    -------
    pandas.DataFrame
        ``step`` (see `STEPS`), ``value`` (mean forecast of the period's sum after it, what was
        won of it before the cutoff included) and ``change`` (by this step; NaN for the first
        and last). Minor units, or deals.

    Raises
    ------
    ParameterError
        Cutoffs in the wrong order, or a period that is over.
    """
    problems = []
    if previous.cutoff > current.cutoff:
        message = f"the last forecast, {previous.cutoff}, is later than this one, {current.cutoff}"
        problems.append(Problem(message, path="previous", fix="Exchange them."))
    if end <= current.cutoff:
        message = f"the period ends {end}, and this forecast begins {current.cutoff}"
        problems.append(Problem(message, path="end", fix="Take a period that is not over."))
    if problems:
        raise ParameterError(problems)
    place = ("won", "won_value").index(measure)
    stages = [
        previous,
        Inputs(current.history, previous.fit, previous.changes, previous.seed),
        Inputs(current.history, current.fit, previous.changes, previous.seed),
        Inputs(current.history, current.fit, current.changes, previous.seed),
        current,
    ]
    values: list[float] = []
    between = 0.0
    for number, inputs in enumerate(stages):
        if number and _same(inputs, stages[number - 1]):
            values.append(values[-1])
        else:
            booked = _booked(inputs.history, start, end, place)
            ahead, soon = _expected(inputs, start, end, current.cutoff, place, n)
            values.append(booked + ahead)
            between = soon if not number else between
        if progress is not None:
            progress((number + 1) / len(stages))
    came = _booked(current.history, max(start, previous.cutoff), end, place)
    luck = came - between
    after = [values[0], values[0] + luck, *values[1:], values[-1]]
    changes = [np.nan, *np.diff(after[:-1]).tolist(), np.nan]
    return pd.DataFrame({"step": list(STEPS), "value": after, "change": changes})


def _same(one: Inputs, other: Inputs) -> bool:
    """Whether two steps are made of the same."""
    return (
        one.history is other.history
        and one.fit is other.fit
        and one.changes == other.changes
        and one.seed == other.seed
    )


def _booked(history: EventLog, start: pd.Timestamp, end: pd.Timestamp, place: int) -> float:
    """What was won of the period before the cutoff."""
    outcomes = history.outcomes()
    won = outcomes[
        (outcomes["outcome"] == "won")
        & (outcomes["closed_at"] >= start)
        & (outcomes["closed_at"] < end)
    ]
    return float(won["value"].fillna(0).sum()) if place else float(len(won))


def _expected(
    inputs: Inputs,
    start: pd.Timestamp,
    end: pd.Timestamp,
    now: pd.Timestamp,
    place: int,
    n: int,
) -> tuple[float, float]:
    """Mean of what is still to be won in the period, and of that up to a moment."""
    days = int(np.ceil((end - inputs.cutoff) / pd.Timedelta(days=1)))
    sampler: Scenario | ScenarioSampler = inputs.fit.sampler
    if inputs.changes:
        sampler = Edited(inputs.fit.sampler, inputs.changes)
    window = [np.datetime64(t.tz_convert("UTC").tz_localize(None), "us") for t in (start, end, now)]
    low, high, soon = (int(t.astype(np.int64)) for t in window)
    sums: list[Sequence[float]] = []

    def keep(_plan: Plan, _rows: Rows, closed: Closings) -> None:
        size = closed.won * (closed.value if place else 1.0)
        when = closed.at
        inside = (when >= low) & (when < high)
        sums.append([float(size[inside].sum()), float(size[inside & (when <= soon)].sum())])

    forecast_pipeline(
        sampler,
        start=snapshot(inputs.history),
        horizon=f"{days} d",
        n=n,
        seed=inputs.seed,
        observe=keep,
    )
    means = np.mean(np.array(sums), axis=0)
    return float(means[0]), float(means[1])
