"""Forecast leads → a scenario whose sources bring them: one future a replication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.leads import LeadForecast
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Counts, Source

__all__ = ["with_leads"]

Ints = NDArray[np.int64]

REPLACED: Final = ("rate", "by_month", "growth", "campaigns", "overdispersion", "replay")
"""What a source has no use for once its counts are given."""


def with_leads(
    scenario: Scenario, forecast: LeadForecast, *, sources: Mapping[str, str] | None = None
) -> Scenario:
    """Let the sources of a scenario bring the leads of a forecast.

    Replication r follows path r of the forecast, so that what is simulated carries its
    uncertainty; hours and weekdays stay those of the source, and so do mix, value and cost.

    Parameters
    ----------
    scenario : Scenario
    forecast : LeadForecast
        Of leads. With ``source`` among its columns each source gets its own; otherwise the
        sum is shared out among all sources by their present rates.
    sources : mapping of str to str, optional
        Source in the forecast → id in the scenario, where they differ.

    Returns
    -------
    Scenario
        Sources that the forecast does not know bring what they brought. Outside of the
        forecast's periods those it knows bring nothing.

    Raises
    ------
    ParameterError
        A forecast of something else, or sources that the scenario has not: all at once.

    Examples
    --------
    >>> from funnelsim.forecasting.leads import forecast_leads
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> tiny = Scenario.model_validate(_TINY)
    >>> weeks = pd.date_range("2025-01-06", periods=20, freq="W-MON")
    >>> table = pd.DataFrame({"week": weeks, "n": [50, 60] * 10})
    >>> coming = with_leads(tiny, forecast_leads(table, "2 w", profile="fast"))
    >>> coming.sources["web"].counts.start.isoformat()
    '2025-05-26'
    """
    if forecast.what != "leads":
        problem = Problem(f"the forecast is of {forecast.what}, not of leads", path="forecast")
        raise ParameterError(problem)
    shared = _shared(scenario, forecast, sources or {})
    replaced = {
        source: _fed(scenario.sources[source], *_by_days(paths, forecast))
        for source, paths in shared.items()
    }
    return scenario.model_copy(update={"sources": {**scenario.sources, **replaced}})


def _shared(
    scenario: Scenario, forecast: LeadForecast, called: Mapping[str, str]
) -> dict[str, Ints]:
    """Paths by source of the scenario, shape (n_paths, n_periods)."""
    if "source" not in forecast.by:
        return _shared_out(scenario, np.asarray(forecast.total, dtype=np.int64))
    known = forecast.segments["source"]
    ids = {name: _id(name, scenario, called) for name in dict.fromkeys(known)}
    problems = [
        Problem(
            f'the forecast has the source "{name}", the scenario has not',
            path="sources",
            fix=did_you_mean(name, list(scenario.sources)),
        )
        for name, found in ids.items()
        if found not in scenario.sources
    ]
    if problems:
        raise ParameterError(problems)
    found: dict[str, Ints] = {}
    for k, name in enumerate(known):
        own = np.asarray(forecast.bottom[:, :, k], dtype=np.int64)
        found[ids[name]] = found.get(ids[name], np.zeros_like(own)) + own
    return found


def _id(name: str, scenario: Scenario, called: Mapping[str, str]) -> str:
    """The scenario's id of a source, also where the data knows it by its label."""
    if name in called:
        return called[name]
    labels = {
        label: source for source, each in scenario.sources.items() for label in each.label.values()
    }
    return name if name in scenario.sources else labels.get(name, name)


def _shared_out(scenario: Scenario, total: Ints) -> dict[str, Ints]:
    """Share leads out among sources with a rate, each lead by chance."""
    rates = {
        name: source.rate.per_hour if source.rate else 0.0
        for name, source in scenario.sources.items()
    }
    if len(scenario.sources) == 1:
        return dict.fromkeys(scenario.sources, total)
    if not any(rates.values()):
        fix = 'Forecast by source: by="source".'
        message = "no source has a rate, so nothing says how the leads are shared out"
        raise ParameterError(Problem(message, path="sources", fix=fix))
    share = np.array(list(rates.values())) / sum(rates.values())
    rng = np.random.default_rng(0)  # the same forecast and scenario give the same leads
    parts = rng.multinomial(total, share)
    return {name: parts[..., k] for k, name in enumerate(rates) if rates[name] > 0}


def _by_days(paths: Ints, forecast: LeadForecast) -> tuple[str, str, Ints]:
    """First day, step and paths in periods that a scenario knows: days or weeks."""
    start = forecast.periods[0].date().isoformat()
    if forecast.every in {"day", "week"}:
        return start, "1 d" if forecast.every == "day" else "1 w", paths
    end = forecast.periods[-1] + pd.DateOffset(months=1 if forecast.every == "month" else 3)
    days = pd.date_range(forecast.periods[0], end, inclusive="left")
    period = np.searchsorted(forecast.periods.to_numpy(), days.to_numpy(), side="right") - 1
    weight = _weekday_weights(forecast)[days.day_of_week]
    rng = np.random.default_rng(0)
    parts = []
    for k in range(paths.shape[1]):
        share = weight[period == k]
        parts.append(rng.multinomial(paths[:, k], share / share.sum()))
    return start, "1 d", np.concatenate(parts, axis=1)


def _weekday_weights(forecast: LeadForecast) -> NDArray[np.float64]:
    """How much of a week's leads each weekday brings; all the same where nobody knows."""
    weight = forecast.hours.sum(axis=1).to_numpy(float) if len(forecast.hours) else np.zeros(7)
    return weight if weight.sum() > 0 else np.ones(7)


def _fed(source: Source, start: str, every: str, paths: Sequence[Sequence[int]] | Ints) -> Source:
    """The source with counts instead of a rate."""
    rows = tuple(tuple(int(n) for n in row) for row in paths)
    counts = Counts.model_validate({"start": start, "every": every, "paths": rows})
    fresh = {name: Source.model_fields[name].get_default() for name in REPLACED}
    return source.model_copy(update={**fresh, "counts": counts})
