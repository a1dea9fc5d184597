"""Leads to come → counts of a scenario's sources: one future a replication."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.lead_forecast import LeadForecast
from funnelsim.scenarios.demand import leads_per_week
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Counts, Source

__all__ = ["REPLACED", "daily", "fed", "shared_out", "source_ids", "weekday_weights", "with_leads"]

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
        sum is shared out among all sources by what each brings in the scenario.
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
        source: fed(scenario.sources[source], *_stepped(paths, forecast))
        for source, paths in shared.items()
    }
    return scenario.model_copy(update={"sources": {**scenario.sources, **replaced}})


def source_ids(
    names: Iterable[str], scenario: Scenario, called: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Find the scenario's ids of sources, also where the data knows them by their labels.

    Parameters
    ----------
    names : iterable of str
        As the data calls them.
    scenario : Scenario
    called : mapping of str to str, optional
        Name in the data → id, where neither id nor label will do.

    Returns
    -------
    dict of str to str
        Name → id; a name that is not known stands for itself.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> source_ids(["web", "tv"], Scenario.model_validate(_TINY), {"tv": "web"})
    {'web': 'web', 'tv': 'web'}
    """
    labels = {
        label: source for source, each in scenario.sources.items() for label in each.label.values()
    }
    known = {**labels, **{source: source for source in scenario.sources}, **(called or {})}
    return {name: known.get(name, name) for name in names}


def shared_out(scenario: Scenario, total: Ints, rng: np.random.Generator) -> dict[str, Ints]:
    """Share leads out among the sources, each lead by chance.

    Parameters
    ----------
    scenario : Scenario
    total : ndarray of int
        Leads by path and period, any shape.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray
        Of each source, in the shape of the total, by what it brings in the scenario.

    Raises
    ------
    ParameterError
        Several sources, of which none brings anything.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> tiny, rng = Scenario.model_validate(_TINY), np.random.default_rng(0)
    >>> shared_out(tiny, np.array([[3, 4]]), rng)
    {'web': array([[3, 4]])}
    """
    if len(scenario.sources) == 1:
        return dict.fromkeys(scenario.sources, total)
    weights = np.array([leads_per_week(each, scenario) for each in scenario.sources.values()])
    if not weights.sum():
        fix = 'Forecast by source: by="source".'
        message = "no source brings leads, so nothing says how they are shared out"
        raise ParameterError(Problem(message, path="sources", fix=fix))
    parts = rng.multinomial(total, weights / weights.sum())
    return {name: parts[..., k] for k, name in enumerate(scenario.sources)}


def daily(
    paths: Ints,
    starts: pd.DatetimeIndex,
    end: pd.Timestamp,
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> Ints:
    """Deal counts of longer periods out to their days, each lead by chance.

    Parameters
    ----------
    paths : ndarray of int, shape (n_paths, n_periods)
    starts : DatetimeIndex, shape (n_periods,)
        Midnights at which the periods begin.
    end : Timestamp
        The end of the last one.
    weights : ndarray, shape (7,)
        What a Monday, Tuesday … brings against the other days.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n_paths, n_days)

    Examples
    --------
    >>> months = pd.DatetimeIndex(["2025-02-01", "2025-03-01"])
    >>> rng, even = np.random.default_rng(0), np.ones(7)
    >>> days = daily(np.array([[10, 20]]), months, pd.Timestamp("2025-04-01"), even, rng)
    >>> days.shape, int(days[0, :28].sum())
    ((1, 59), 10)
    """
    days = pd.date_range(starts[0], end, inclusive="left")
    period = np.searchsorted(starts.to_numpy(), days.to_numpy(), side="right") - 1
    weight = weights[days.day_of_week]
    parts = []
    for k in range(paths.shape[1]):
        share = weight[period == k]
        parts.append(rng.multinomial(paths[:, k], share / share.sum()))
    return np.concatenate(parts, axis=1)


def weekday_weights(forecast: LeadForecast) -> NDArray[np.float64]:
    """How much of a week's leads each weekday brings; all the same where nobody knows."""
    weight = forecast.hours.sum(axis=1).to_numpy(float) if len(forecast.hours) else np.zeros(7)
    return weight if weight.sum() > 0 else np.ones(7)


def fed(source: Source, start: str, every: str, paths: Ints) -> Source:
    """Give a source counts in the place of its rate.

    Parameters
    ----------
    source : Source
    start : str
        Date on which the first period begins.
    every : str
        Length of a period: ``1 d``, ``1 w``.
    paths : ndarray of int, shape (n_paths, n_periods)

    Returns
    -------
    Source
        Hours, weekdays, mix, value and cost stay.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> web = Scenario.model_validate(_TINY).sources["web"]
    >>> fed(web, "2025-01-06", "1 w", np.array([[4, 5]])).counts.paths
    ((4, 5),)
    """
    counts = Counts.model_validate({"start": start, "every": every, "paths": paths.tolist()})
    fresh = {name: Source.model_fields[name].get_default() for name in REPLACED}
    return source.model_copy(update={**fresh, "counts": counts})


def _shared(
    scenario: Scenario, forecast: LeadForecast, called: Mapping[str, str]
) -> dict[str, Ints]:
    """Paths by source of the scenario, shape (n_paths, n_periods)."""
    if "source" not in forecast.by:
        rng = np.random.default_rng(0)  # the same forecast and scenario give the same leads
        return shared_out(scenario, np.asarray(forecast.total, dtype=np.int64), rng)
    known = forecast.segments["source"]
    ids = source_ids(known, scenario, called)
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


def _stepped(paths: Ints, forecast: LeadForecast) -> tuple[str, str, Ints]:
    """First day, step and paths in periods that a scenario knows: days or weeks."""
    start = forecast.periods[0].date().isoformat()
    if forecast.every in {"day", "week"}:
        return start, "1 d" if forecast.every == "day" else "1 w", paths
    end = forecast.periods[-1] + pd.DateOffset(months=1 if forecast.every == "month" else 3)
    rng = np.random.default_rng(0)
    return start, "1 d", daily(paths, forecast.periods, end, weekday_weights(forecast), rng)
