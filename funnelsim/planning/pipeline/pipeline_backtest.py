"""Forecasts of the pipeline made at past cutoffs, against what came; no peeking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.fitting import calibrate
from funnelsim.engine.snapshot import snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.forecasting.scores import covered, crps
from funnelsim.planning.pipeline.pipeline import (
    ORIGINS,
    REPLICATIONS,
    PipelineForecast,
    forecast_pipeline,
)
from funnelsim.planning.pipeline.rules_of_thumb import RULES_OF_THUMB, facts

__all__ = ["backtest_pipeline", "skill"]

Floats = NDArray[np.float64]
DAY = 86_400.0
OURS = "funnelsim"
MEASURES = ("won", "won_value")
LEVELS = (0.8, 0.95)


def backtest_pipeline(
    log: EventLog,
    *,
    cutoffs: Sequence[str | pd.Timestamp],
    horizon: str,
    n: int = REPLICATIONS,
    seed: int,
    progress: Callable[[float], None] | None = None,
    observe: Callable[[PipelineForecast], None] | None = None,
) -> pd.DataFrame:
    """Forecast from every cutoff with what was known then, and compare with what came.

    Parameters
    ----------
    log : EventLog
        Full history.
    cutoffs : sequence of str or pandas.Timestamp
        Within the window; local time of the log's zone where they carry no offset.
    horizon : str
        How far each forecast goes, whole days or weeks: ``28 d``; it has to end in the window.
    n : int
        Replications, and draws of each rule of thumb.
    seed : int
    progress : callable, optional
        Told the share done, 0 to 1.
    observe : callable, optional
        Shown every forecast; `reliability.settled` says what became of its deals.

    Returns
    -------
    pandas.DataFrame
        A row per cutoff, method (``funnelsim`` and the rules of thumb), origin (open, future,
        all) and measure: ``actual``, ``mean``, ``median``, ``crps``, ``covered_80``,
        ``covered_95``, ``n``.

    Raises
    ------
    ParameterError
        A cutoff whose horizon ends after the window.
    """
    days = pd.Timedelta(horizon.replace(" ", "").replace("w", "W")).total_seconds() / DAY
    moments = [_moment(cutoff, log.meta.time_zone) for cutoff in cutoffs]
    late = [m for m in moments if m + pd.Timedelta(days=days) > log.meta.observed_until]
    if late:
        message = f"{horizon} from {late[0]} end after the data, {log.meta.observed_until}"
        raise ParameterError(Problem(message, path="cutoffs", fix="Take an earlier one."))
    rows: list[dict[str, object]] = []
    for number, moment in enumerate(moments):
        past = log.as_of(moment)
        fit = calibrate(past)
        fan = forecast_pipeline(fit.sampler, start=snapshot(past), horizon=horizon, n=n, seed=seed)
        if observe is not None:
            observe(fan)
        samples = _samples(past, fan, days, n, seed)
        came = _came(log, past, moment + pd.Timedelta(days=days))
        rows += _rows(moment, samples, came)
        if progress is not None:
            progress((number + 1) / len(moments))
    return pd.DataFrame(rows)


def skill(
    table: pd.DataFrame, *, draws: int = 2000, level: float = 0.95, seed: int
) -> pd.DataFrame:
    """How much smaller the error is than that of each rule of thumb.

    Parameters
    ----------
    table : pandas.DataFrame
        From `backtest_pipeline`.
    draws : int
        Of cutoffs with replacement.
    level : float
        Of the interval.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Per origin, measure and rule of thumb: ``ratio`` of the mean CRPS to ours (below 1 is
        better), ``lo``, ``hi``, ``n`` cutoffs.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for (origin, measure), group in table.groupby(["origin", "measure"], sort=False):
        wide = group.pivot_table(index="cutoff", columns="method", values="crps")
        picks = rng.integers(len(wide), size=(draws, len(wide)))
        for rule in RULES_OF_THUMB:
            ours, theirs = wide[OURS].to_numpy(), wide[rule].to_numpy()
            ratios = ours[picks].sum(axis=1) / theirs[picks].sum(axis=1)
            lo, hi = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
            rows.append(
                {
                    "origin": origin,
                    "measure": measure,
                    "rule": rule,
                    "ratio": ours.sum() / theirs.sum(),
                    "lo": lo,
                    "hi": hi,
                    "n": len(wide),
                }
            )
    return pd.DataFrame(rows)


def _moment(cutoff: str | pd.Timestamp, zone: str) -> pd.Timestamp:
    """A cutoff as an instant."""
    stamp = pd.Timestamp(cutoff)
    return (stamp.tz_localize(zone) if stamp.tzinfo is None else stamp).tz_convert("UTC")


def _samples(
    past: EventLog, fan: PipelineForecast, days: float, n: int, seed: int
) -> dict[str, Floats]:
    """Draws of every method, shape (draws, origins, measures)."""
    samples = {OURS: fan.paths.sum(axis=1)[..., : len(MEASURES)]}
    known = facts(past)
    for rule, forecast in RULES_OF_THUMB.items():
        rng = np.random.default_rng([seed, len(rule)])
        samples[rule] = np.array([forecast(known, days, rng) for _ in range(n)])
    return samples


def _came(log: EventLog, past: EventLog, end: pd.Timestamp) -> Floats:
    """What came, by origin and measure."""
    before, after = past.outcomes(), log.as_of(end).outcomes()
    won = after[(after["outcome"] == "won")].set_index("lead_id")
    won = won.drop(before.loc[before["outcome"] != "open", "lead_id"], errors="ignore")
    old = won.index.isin(before["lead_id"])
    parts = (won[old], won[~old])
    return np.array([[len(part), part["value"].fillna(0).sum()] for part in parts], dtype=float)


def _rows(
    moment: pd.Timestamp, samples: dict[str, Floats], came: Floats
) -> Iterator[dict[str, object]]:
    """The rows of a cutoff."""
    actual = np.vstack([came, came.sum(axis=0)])
    for method, draws in samples.items():
        every = np.concatenate([draws, draws.sum(axis=1, keepdims=True)], axis=1)
        score = crps(every, actual)
        held = {level: covered(every, actual, level) for level in LEVELS}
        for o, origin in enumerate((*ORIGINS, "all")):
            for m, measure in enumerate(MEASURES):
                yield {
                    "cutoff": moment,
                    "method": method,
                    "origin": origin,
                    "measure": measure,
                    "actual": actual[o, m],
                    "mean": every[:, o, m].mean(),
                    "median": np.median(every[:, o, m]),
                    "crps": score[o, m],
                    **{f"covered_{level * 100:.0f}": bool(held[level][o, m]) for level in LEVELS},
                    "n": len(every),
                }
