"""How many leads will come, by source and segment: quantiles, and futures to simulate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, Literal

import numpy as np
import pandas as pd

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.forecasting.forecaster import Forecasting, Settings, forecast_series
from funnelsim.forecasting.hierarchy import Tree, tree_of
from funnelsim.forecasting.lead_forecast import LeadForecast
from funnelsim.forecasting.reconciling import joined
from funnelsim.forecasting.remarks import Remark
from funnelsim.forecasting.series import (
    SEASONS,
    SeriesSet,
    every_of,
    from_log,
    periods_ahead,
    periods_in,
)
from funnelsim.forecasting.table_series import from_table
from funnelsim.workers import mapped

__all__ = ["forecast_leads", "outlook_of"]

N_PATHS: Final = 1000
ALONE: Final = 8
"""So many series are forecast without other processes."""


def forecast_leads(  # noqa: PLR0913 - all but the first two have good defaults
    history: EventLog | pd.DataFrame | SeriesSet,
    horizon: str | int = "26 w",
    *,
    freq: str | None = None,
    by: str | Sequence[str] | None = None,
    at: str = "",
    y: str = "",
    until: str | None = None,
    country: str = "",
    covariates: pd.DataFrame | None = None,
    profile: Literal["full", "fast"] = "full",
    n_paths: int = N_PATHS,
    seed: int = 0,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> LeadForecast:
    """Forecast how many leads will come, by source and segment.

    Every segment and every sum of segments is forecast; then all are reconciled (MinT), so
    that they agree, path by path.

    Parameters
    ----------
    history : EventLog, pandas.DataFrame or SeriesSet
        A log, or a table with dates and counts.
    horizon : str or int
        ``"26 w"``, ``"6 mo"``; or how many periods.
    freq : str, optional
        D, W, M or Q. Left out: weeks for a log and a horizon in weeks, else the unit of the
        horizon; the step of a table.
    by : str or sequence of str, optional
        Columns of leads, or of the table, to forecast by: ``["source", "product"]``.
    at, y : str
        Columns of a table with date and count; found if it has only one of each.
    until : str, optional
        When a table was made; a period not over then is left out.
    country : str
        Whose holidays: ``"UA"``, ``"DE-BY"``. Empty knows weekends only.
    covariates : pandas.DataFrame, optional
        Numbers known also for the periods ahead, by period's beginning.
    profile : {"full", "fast"}
        The fast one takes about a third of the time.
    n_paths : int
        How many futures.
    seed : int
        Of the paths.
    workers, executor
        How many processes side by side, or where to work instead.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    LeadForecast

    Raises
    ------
    InputError
        A history that cannot be forecast, or an unknown column, step or country.

    References
    ----------
    Wickramasuriya, Athanasopoulos & Hyndman (2019); for paths Panagiotelis et al. (2023),
    European Journal of Operational Research 306: 693–706.

    Examples
    --------
    >>> months = pd.date_range("2024-01-01", periods=24, freq="MS")
    >>> table = pd.DataFrame({"month": months, "leads": [100, 110] * 12})
    >>> found = forecast_leads(table, "3 mo", profile="fast")
    >>> found.paths.shape, found.table["period"].dt.month.tolist()
    ((1000, 3), [1, 2, 3])
    """
    columns = (by,) if isinstance(by, str) else tuple(by or ())
    series = _series(history, horizon, freq, columns, at=at, y=y, until=until)
    found = outlook_of(
        series,
        Settings(series.every, periods_in(horizon, series.every), country, n_paths, seed),
        model=profile,
        whole=True,
        covariates=covariates,
        workers=workers,
        executor=executor,
        progress=progress,
    )
    if not isinstance(history, EventLog):
        return found
    zone = history.meta.time_zone
    return LeadForecast(**{**vars(found), "hours": _hours(history), "time_zone": zone})


def outlook_of(  # noqa: PLR0913 - same
    series: SeriesSet,
    settings: Settings,
    *,
    model: str = "full",
    what: str = "leads",
    whole: bool = False,
    covariates: pd.DataFrame | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> LeadForecast:
    """Forecast series of anything that adds up: leads, wins, their value.

    Parameters
    ----------
    series : SeriesSet
        Of the same periods where there are several.
    settings : Settings
    model : {"full", "fast"}
    what : str
        What is counted.
    whole : bool
        Whether only whole numbers are possible.
    covariates, workers, executor, progress
        As for `forecast_leads`.

    Returns
    -------
    LeadForecast
    """
    ready = _together(series.treated())
    wide = ready.frame.pivot_table(index="at", columns="series", values="y", sort=False)
    keys = ready.keys.reindex(wide.columns)
    tree = tree_of(keys) if ready.by else Tree(pd.DataFrame(index=[0]), np.eye(1))
    histories = wide.to_numpy(float) @ tree.summing.T
    nodes = [pd.Series(column, wide.index) for column in histories.T]
    alone = workers or (1 if len(nodes) <= ALONE else None)
    work = partial(_node, settings=settings, model=model, covariates=covariates)
    said: list[Forecasting] = []
    for each in mapped(work, list(enumerate(nodes)), workers=alone, executor=executor):
        said.append(each)
        if progress is not None:
            progress(len(said) / len(nodes))
    paths = np.stack([each.prediction.paths for each in said], axis=2)
    bottom = joined(paths, histories, tree, season=SEASONS[ready.every], seed=settings.seed)
    if histories.min() >= 0:
        bottom = bottom.clip(0)
    if whole:
        bottom = np.rint(bottom).astype(np.int64)
    return LeadForecast(
        ready,
        periods_ahead(pd.Timestamp(wide.index[-1]), ready.every, settings.horizon),
        bottom,
        tree,
        what=what,
        unit=ready.unit or what,
        remarks=(*ready.remarks, *_remarks(said)),
        models=dict(Counter(name for each in said for name in each.prediction.used)),
    )


def _series(
    history: EventLog | pd.DataFrame | SeriesSet,
    horizon: str | int,
    freq: str | None,
    by: tuple[str, ...],
    *,
    at: str,
    y: str,
    until: str | None,
) -> SeriesSet:
    """The history as regular series."""
    if isinstance(history, SeriesSet):
        return history
    if isinstance(history, EventLog):
        return from_log(history, every=every_of(freq or _unit(horizon)), by=by)
    from funnelsim.forecasting.columns import columns_of

    at, y = columns_of(history, by, at=at, y=y)
    return from_table(
        history, at=at, y=y, by=by, every=every_of(freq) if freq else None, until=until
    )


def _unit(horizon: str | int) -> str:
    """The step that goes with a horizon."""
    letters = "".join(c for c in str(horizon) if c.isalpha()).lower()
    return {"d": "day", "mo": "month", "m": "month", "q": "month", "y": "month"}.get(
        letters, "week"
    )


def _node(item: tuple[int, pd.Series], *, settings: Settings, model: str,
          covariates: pd.DataFrame | None) -> Forecasting:  # fmt: skip
    """Forecast one node; every node's paths have luck of their own."""
    number, y = item
    own = Settings(
        settings.every, settings.horizon, settings.country, settings.n_paths,
        settings.seed + 1_000_003 * number,
    )  # fmt: skip
    return forecast_series(y, own, model, covariates)


def _together(series: SeriesSet) -> SeriesSet:
    """All series over the same periods; one that begins later was zero before."""
    frame = series.frame
    at = frame["at"].drop_duplicates().sort_values()
    if len(frame) == len(at) * frame["series"].nunique():
        return series
    last = frame.groupby("series")["at"].max()
    early = last[last < at.iloc[-1]]
    if len(early):
        message = f'the series "{early.index[0]}" ends {early.iloc[0].date()}, others later'
        fix = "Series that are forecast together end together; leave it out, or fill it with 0."
        raise ParameterError(Problem(message, path="by", fix=fix))
    keys = series.keys.reset_index()
    grid = keys.merge(at.rename("at"), how="cross").merge(
        frame[["series", "at", "y"]], how="left", on=["series", "at"]
    )
    late = int((frame.groupby("series")["at"].min() > at.iloc[0]).sum())
    remarks = (*series.remarks, Remark("late", {"n": late}))
    filled = grid.assign(y=grid["y"].fillna(0.0))[list(frame.columns)]
    return SeriesSet(filled, series.every, remarks, series.by, series.unit)


def _remarks(said: Sequence[Forecasting]) -> list[Remark]:
    """What was done to the series, counted."""
    n = len(said)
    counts = {
        "late": sum(each.began is not None for each in said),
        "calendar": sum(each.day_off_share is not None for each in said),
        "covariates": sum(each.followed for each in said),
    }
    return [Remark(kind, {"n": count, "of": n}) for kind, count in counts.items() if count]


def _hours(log: EventLog) -> pd.DataFrame:
    """Share of a week's leads by weekday and local hour."""
    from funnelsim.measures.rhythm import arrivals_by_hour

    rate = np.nan_to_num(arrivals_by_hour(log)["value"].to_numpy(float)).reshape(7, 24)
    return pd.DataFrame(rate / max(rate.sum(), 1e-12), columns=range(24))
