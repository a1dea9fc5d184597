"""A scenario set to the weeks of a forecast, or a table, of leads: window, warm-up, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, Problem
from funnelsim.planning.inflow_paths import (
    daily,
    fed,
    shared_out,
    source_ids,
    weekday_weights,
)
from funnelsim.scenarios.calendar import WEEKDAYS
from funnelsim.scenarios.run import Run
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import DAY

if TYPE_CHECKING:
    from funnelsim.forecasting.lead_forecast import LeadForecast

__all__ = ["set_to_leads"]

Ints = NDArray[np.int64]
_PERIOD: Final = ("period", "period_start", "at", "week", "month", "date", "day")
_COUNT: Final = ("leads", "y", "value", "mean", "n", "count")
_PATH: Final = ("path", "sample", "draw")
_USUAL_DAYS: Final = 7


def set_to_leads(
    scenario: Scenario, leads: LeadForecast | pd.DataFrame, *, n: int, seed: int
) -> Scenario:
    """Put forecast leads in the place of a scenario's own demand.

    The observed window becomes that of the forecast. Weekdays and hours stay those of the
    scenario's sources. The warm-up draws from each path's first month. A forecast that does
    not tell the sources apart is divided among them as the scenario's own demand is.

    Parameters
    ----------
    scenario : Scenario
    leads : LeadForecast or pandas.DataFrame
        A table has a column ``period`` (when it begins), ``leads`` and perhaps ``source`` and
        ``path``. Without paths its counts are means, of which Poisson numbers are drawn.
    n : int
        Sample paths at most.
    seed : int

    Returns
    -------
    Scenario
        Its replication r follows path r.

    Raises
    ------
    DataError
        Missing columns, counts that are negative or missing, periods that are missing or
        twice there, unknown sources, no leads at all.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> table = pd.DataFrame({"period": ["2026-02-02", "2026-02-09"], "leads": [40, 60]})
    >>> busy = set_to_leads(Scenario.model_validate(_TINY), table, n=3, seed=1)
    >>> len(busy.sources["web"].counts.paths), str(busy.run.horizon)
    (3, '14 d')
    """
    rng = np.random.default_rng([seed, 20])
    if isinstance(leads, pd.DataFrame):
        starts, end, names, paths = _of_table(leads, n, rng)
    else:
        starts, end, names, paths = _of_forecast(leads, n)
    if not paths.sum():
        fix = "Without leads there is nothing to staff for."
        raise DataError(Problem("no leads at all are forecast", path="leads", fix=fix))
    by_source = _by_source(scenario, names, paths, rng)
    if isinstance(leads, pd.DataFrame):
        return _filled(scenario, starts, end, by_source, np.ones(7), rng)
    filled = _filled(scenario, starts, end, by_source, weekday_weights(leads), rng)
    return _with_hours(filled, leads.hours)


def _of_forecast(
    leads: LeadForecast, n: int
) -> tuple[pd.DatetimeIndex, pd.Timestamp, tuple[str, ...], Ints]:
    """Starts of the periods, the end, sources and paths (path, period, source)."""
    if leads.what != "leads":
        fix = "Forecast leads: fs.forecast_leads(history, what='leads')."
        raise DataError(Problem(f"this is a forecast of {leads.what}", path="leads", fix=fix))
    bottom = np.asarray(leads.bottom, float)[:n]
    _refuse_counts(bottom)
    starts, end = _periods(leads.periods)
    if "source" not in leads.by:
        return starts, end, ("",), np.rint(bottom.sum(axis=2, keepdims=True)).astype(np.int64)
    sources = leads.segments["source"].astype(str).to_numpy()
    names = tuple(dict.fromkeys(sources.tolist()))
    paths = np.stack([bottom[..., sources == name].sum(axis=2) for name in names], axis=-1)
    return starts, end, names, np.rint(paths).astype(np.int64)


def _of_table(
    table: pd.DataFrame, n: int, rng: np.random.Generator
) -> tuple[pd.DatetimeIndex, pd.Timestamp, tuple[str, ...], Ints]:
    """The same of a plain table."""
    period, count = _column(table, _PERIOD), _column(table, _COUNT)
    path = next((name for name in _PATH if name in table), None)
    given = table.rename(columns={period: "_at", count: "_n"})
    try:
        given["_at"] = pd.to_datetime(given["_at"].astype(str)).dt.normalize()
        given["_n"] = pd.to_numeric(given["_n"])
    except (ValueError, TypeError) as wrong:
        raise DataError(Problem(str(wrong), path="leads")) from None
    _refuse_counts(given["_n"].to_numpy(float), given["_at"].astype(str).tolist())
    given["_source"] = given["source"].astype(str) if "source" in given else ""
    given["_path"] = given[path] if path else 0
    twice = given[given.duplicated(["_at", "_source", "_path"])]
    if len(twice):
        listed = ", ".join(sorted({f"{at.date()}" for at in twice["_at"]})[:5])
        raise DataError(Problem(f"periods that are there twice: {listed}", path="leads.period"))
    wide = given.pivot_table(
        index="_path", columns=["_at", "_source"], values="_n", aggfunc="sum", fill_value=0
    )
    starts, end = _periods(sorted(set(given["_at"])), months=period == "month")
    names = tuple(sorted(set(given["_source"])))
    every = pd.MultiIndex.from_product([starts, names])
    counts = wide.reindex(columns=every, fill_value=0).to_numpy(float)
    counts = counts.reshape(len(wide), len(starts), len(names))[:n]
    if path:
        return starts, end, names, np.rint(counts).astype(np.int64)
    return starts, end, names, rng.poisson(np.broadcast_to(counts[0], (n, *counts[0].shape)))


def _column(table: pd.DataFrame, names: Sequence[str]) -> str:
    """The column that is called one of these."""
    known = {str(column).lower(): str(column) for column in table}
    found = next((known[name] for name in names if name in known), None)
    if found is None:
        fix = f"It has: {', '.join(map(str, table.columns))}."
        raise DataError(Problem(f'a column "{names[0]}" is missing', path="leads", fix=fix))
    return found


def _refuse_counts(counts: NDArray[np.float64], names: Sequence[str] = ()) -> None:
    """Counts are numbers, 0 or more."""
    flat = np.asarray(counts, float)
    wrong = np.flatnonzero(~(np.isfinite(flat) & (flat >= 0)).ravel())
    problems = [
        Problem(
            f"{flat.ravel()[i]:g} leads{f' in the period from {names[i]}' if names else ''}",
            path="leads",
            fix="Counts are 0 or more.",
        )
        for i in wrong[:10].tolist()
    ]
    if problems:
        raise DataError(problems)


def _periods(periods: object, *, months: bool = False) -> tuple[pd.DatetimeIndex, pd.Timestamp]:
    """When the periods begin (local midnight), and when the last one ends."""
    if isinstance(periods, pd.PeriodIndex):
        return periods.start_time, periods[-1].end_time.ceil("D")
    starts = pd.DatetimeIndex(np.asarray(periods, dtype="datetime64[us]"))
    starts = starts.normalize()
    for length in (1, 3, 12):
        whole = pd.date_range(starts[0], periods=len(starts) + 1, freq=pd.DateOffset(months=length))
        if (len(starts) > 1 or months) and (whole[:-1] == starts).all():
            return starts, whole[-1]
    if len(starts) == 1:
        return starts, starts[0] + pd.Timedelta(days=_USUAL_DAYS)
    steps = np.diff(starts.to_numpy()) // np.timedelta64(1, "D")
    if len(set(steps.tolist())) == 1:
        return starts, starts[-1] + pd.Timedelta(days=int(steps[0]))
    usual = int(np.median(steps))
    odd = [
        f"{starts[i].date()} to {starts[i + 1].date()}"
        for i in np.flatnonzero(steps != usual).tolist()
    ]
    fix = "Give every period once, all of one length; write 0 where no leads come."
    message = f"periods are missing or of another length: {', '.join(odd[:5])}"
    raise DataError(Problem(message, path="leads.period", fix=fix))


def _by_source(
    scenario: Scenario, names: Sequence[str], paths: Ints, rng: np.random.Generator
) -> dict[str, Ints]:
    """Paths by source, shape (paths, periods) each."""
    if list(names) == [""]:
        return shared_out(scenario, paths[..., 0], rng)
    ids = source_ids(names, scenario, {"": next(iter(scenario.sources))})
    unknown = [name for name, source in ids.items() if source not in scenario.sources]
    if unknown:
        raise DataError(
            Problem(
                f'there is no source "{name}" in {scenario.name}',
                path="leads.source",
                fix=did_you_mean(name, scenario.sources, limit=20),
            )
            for name in unknown
        )
    found = dict.fromkeys(scenario.sources, np.zeros(paths.shape[:2], np.int64))
    for i, name in enumerate(names):
        found[ids[name]] = found[ids[name]] + paths[..., i]
    return found


def _with_hours(scenario: Scenario, hours: pd.DataFrame) -> Scenario:
    """Weekdays and hours of the history, for sources that have none of their own."""
    if hours.shape != (7, 24) or not hours.to_numpy().sum():
        return scenario
    by_day, by_hour = hours.sum(axis=1).to_numpy(float), hours.sum(axis=0).to_numpy(float)
    days = {name: float(by_day[i] * 7) for i, name in enumerate(WEEKDAYS)}
    clock = {f"{h}-{h + 1}": float(by_hour[h] * 24) for h in range(24) if by_hour[h] > 0}
    sources = {
        key: source
        if source.by_hour or source.by_weekday
        else source.model_copy(update={"by_weekday": days, "by_hour": clock})
        for key, source in scenario.sources.items()
    }
    return scenario.model_copy(update={"sources": sources})


def _filled(
    scenario: Scenario,
    starts: pd.DatetimeIndex,
    end: pd.Timestamp,
    by_source: dict[str, Ints],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> Scenario:
    """The scenario with these counts, from the warm-up on."""
    lengths = np.diff([*starts, end]) // np.timedelta64(1, "D")
    days = np.asarray(lengths, np.int64)
    warm = int(np.ceil(scenario.run.warm_up.microseconds() / DAY))
    even = len(set(days.tolist())) == 1
    step = int(days[0]) if even else 1
    before = -(-warm // step)
    sources = {}
    for key, counts in by_source.items():
        first = counts[:, : max(28 // step, 1) if even else 1]
        a_day = first.sum(axis=1) / days[: first.shape[1]].sum()
        earlier = rng.poisson(np.repeat(a_day[:, None] * step, before, axis=1))
        told = counts if even else daily(counts, starts, end, weights, rng)
        begin = (starts[0] - pd.Timedelta(days=before * step)).date().isoformat()
        paths = np.concatenate([earlier, told], axis=1)
        sources[key] = fed(scenario.sources[key], begin, f"{step} d", paths)
    run = Run.model_validate(
        {
            "start": starts[0].date().isoformat(),
            "horizon": f"{int(days.sum())} d",
            "warm_up": f"{before * step} d",
        }
    )
    return scenario.model_copy(update={"sources": sources, "run": run})
