"""How many leads will come, by source and segment: quantiles, and futures to simulate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.figures.wording import Wording
from funnelsim.forecasting.forecaster import Forecasting, Settings, forecast_series
from funnelsim.forecasting.hierarchy import Tree, mapping, reconciled, shrunk_covariance, tree_of
from funnelsim.forecasting.pathways import correlation
from funnelsim.forecasting.remarks import Remark
from funnelsim.forecasting.samples import levels
from funnelsim.forecasting.series import (
    ALL,
    SEASONS,
    Every,
    SeriesSet,
    every_of,
    from_log,
    periods_ahead,
    periods_in,
)
from funnelsim.forecasting.table_series import from_table
from funnelsim.workers import mapped

if TYPE_CHECKING:
    from funnelsim.figures import Picture

__all__ = ["LeadForecast", "forecast_leads", "outlook_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

N_PATHS: Final = 1000
LEVEL: Final = 0.95
ISSUED: Final = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
SMOOTHING: Final = 0.3
HARMONICS: Final = 3
ALONE: Final = 8
"""So many series are forecast without other processes."""


@dataclass(frozen=True, eq=False)
class LeadForecast:
    """What is to come, period by period.

    Parameters
    ----------
    history : SeriesSet
        What it rests on, treated; one series per segment.
    periods : pandas.DatetimeIndex
        When the periods ahead begin (local dates).
    bottom : ndarray, shape (n_paths, n_periods, n_segments)
        Possible futures, each as likely as the others.
    tree : Tree
        The sums of segments.
    what, unit : str
        What is counted.
    hours : pandas.DataFrame, shape (7, 24)
        Share of a week's leads by weekday (Monday is 0) and local hour; empty where the
        history knows no hours.
    time_zone : str
    remarks : tuple of Remark
        What was done to the history.
    models : mapping of str to int
        How many series each model was used for.
    """

    history: SeriesSet
    periods: pd.DatetimeIndex
    bottom: NDArray[np.generic] = field(repr=False)
    tree: Tree = field(repr=False)
    what: str = "leads"
    unit: str = "leads"
    hours: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    time_zone: str = ""
    remarks: tuple[Remark, ...] = ()
    models: Mapping[str, int] = field(default_factory=dict)

    @property
    def every(self) -> Every:
        """The step."""
        return self.history.every

    @property
    def by(self) -> tuple[str, ...]:
        """Columns that tell the segments apart."""
        return self.history.by

    @property
    def segments(self) -> pd.DataFrame:
        """What each segment stands for, in the order of the paths' last axis."""
        return self.tree.nodes.tail(self.tree.n_bottom).reset_index(drop=True)

    @property
    def paths(self) -> NDArray[np.generic]:
        """Possible futures, shape (n_paths, n_periods[, n_segments])."""
        return self.bottom if self.by else self.bottom[:, :, 0]

    @property
    def total(self) -> NDArray[np.generic]:
        """Of all segments together, shape (n_paths, n_periods)."""
        summed: NDArray[np.generic] = self.bottom.sum(axis=2)
        return summed

    @property
    def table(self) -> pd.DataFrame:
        """By period and node (segments, and ``(all)`` for sums): mean and quantiles.

        ``period`` (its beginning), the columns of `by`, ``measure``, ``unit``, ``mean``,
        ``p10``, ``p50``, ``p90``, ``lo``, ``hi`` (at ``level``). Means of segments add up,
        quantiles do not.
        """
        nodes = self.tree.total(self.bottom.astype(float))
        parts = []
        for k, key in enumerate(self.tree.nodes.to_dict("records")):
            part = _quantiles(nodes[:, :, k])
            part.insert(0, "period", self.periods)
            for place, (name, value) in enumerate(key.items()):
                part.insert(1 + place, name, value)
            parts.append(part)
        return self._named(pd.concat(parts, ignore_index=True))

    @property
    def sums(self) -> pd.DataFrame:
        """Over all periods ahead, by node: as `table`, with ``start`` and ``end``."""
        nodes = self.tree.total(self.bottom.astype(float)).sum(axis=1)
        frame = pd.concat([self.tree.nodes, _quantiles(nodes)], axis=1)
        frame.insert(0, "start", self.periods[0])
        frame.insert(1, "end", periods_ahead(self.periods[-1], self.every, 1)[0])
        return self._named(frame)

    def issued(self) -> pd.DataFrame:
        """The forecast as it is kept: cutoff, series, period_start, period_end, unit, quantile."""
        nodes = self.tree.total(self.bottom.astype(float))
        rows = levels(nodes, ISSUED)
        ends = self.periods[1:].append(periods_ahead(self.periods[-1], self.every, 1))
        called = self.tree.nodes.agg(" / ".join, axis=1) if self.by else [""]
        parts = [
            pd.DataFrame(
                {
                    "cutoff": self.periods[0],
                    "series": f"{self.what}:{name}"
                    if name.replace(ALL, "").strip(" /")
                    else self.what,
                    "period_start": np.repeat(self.periods, len(ISSUED)),
                    "period_end": np.repeat(ends, len(ISSUED)),
                    "unit": self.unit,
                    "quantile": np.tile(ISSUED, len(self.periods)),
                    "value": rows[:, :, k].T.ravel(),
                }
            )
            for k, name in enumerate(called)
        ]
        return pd.concat(parts, ignore_index=True)

    def sentence(self, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """The forecast in one sentence.

        Parameters
        ----------
        lang : str
            Language of numbers and dates.
        text : callable
            Translates the words.

        Returns
        -------
        str
        """
        from funnelsim.forecasting.sentences import lead_sentence

        return lead_sentence(self, Wording(lang=lang, text=text))

    def plot(self, *, lang: str = "en", text: Callable[[str], str] = str) -> Picture:
        """History and forecast as a fan chart."""
        from funnelsim.figures.fan import fan

        past = self.history.frame.groupby("at")[["y"]].sum().reset_index()
        ahead = self.table.head(len(self.periods))  # the sum of all comes first
        return fan(past, ahead, lang=lang, text=text)

    def plot_segments(
        self, *, most: int = 8, lang: str = "en", text: Callable[[str], str] = str
    ) -> Picture:
        """Fan charts of the segments that bring most, each with a scale of its own."""
        from funnelsim.figures.fan import fans

        table, n = self.table, len(self.periods)
        first = len(self.tree.nodes) - self.tree.n_bottom
        order = np.argsort(-self.bottom.sum(axis=(0, 1)), kind="stable")[:most]
        panels = {}
        for k, (name, past) in enumerate(self.history):
            if k in order:
                rows = table.iloc[(first + k) * n : (first + k + 1) * n]
                panels[name] = (past.rename("y").reset_index(), rows)
        return fans(panels, lang=lang, text=text)

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Put in what is measured, before the numbers."""
        place = list(frame.columns).index("mean")
        frame.insert(place, "measure", self.what)
        frame.insert(place + 1, "unit", self.unit)
        return frame


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
    bottom = _joined(said, histories, tree, settings)
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


def _joined(
    said: Sequence[Forecasting], histories: Floats, tree: Tree, settings: Settings
) -> Floats:
    """Paths of the bottom series that agree with those of all sums."""
    paths = np.stack([each.prediction.paths for each in said], axis=2)
    if len(said) == 1:
        return paths
    covariance = shrunk_covariance(_one_step_errors(histories, SEASONS[settings.every]))
    ranked = _lined_up(paths, correlation(covariance), settings.seed)
    weights = mapping(tree.summing, "mint", covariance)
    return reconciled(ranked, tree, weights)[:, :, -tree.n_bottom :]


def _one_step_errors(histories: Floats, season: int) -> Floats:
    """What simple smoothing would have missed by, trend and season apart; (n - 1, nodes).

    With the season left in, all nodes would seem to err together, and reconciled intervals
    would be far too narrow.
    """
    from scipy.signal import lfilter

    n = len(histories)
    time = np.arange(n)
    waves = range(1, min(HARMONICS, season // 2) + 1) if n >= 2 * season else ()
    columns = [np.ones(n), time / n]
    for wave in waves:
        angle = 2 * np.pi * wave * time / season
        columns += [np.sin(angle), np.cos(angle)]
    known = np.column_stack(columns)
    rest = histories - known @ np.linalg.lstsq(known, histories, rcond=None)[0]
    smooth = lfilter([SMOOTHING], [1, -(1 - SMOOTHING)], rest, axis=0)
    return np.asarray(rest[1:] - smooth[:-1])


def _lined_up(paths: Floats, between: Floats, seed: int) -> Floats:
    """Put the paths of the nodes side by side so that good luck comes together as it did.

    A Gaussian copula over periods and nodes; what each node may have in each period stays as
    it is (Clark et al. 2004, Journal of Hydrometeorology 5: 243–262). Between periods all
    nodes have the same correlations, the mean of their own.
    """
    n_paths, horizon, nodes = paths.shape
    own = [correlation(np.cov(paths[:, :, k].T).reshape(horizon, horizon)) for k in range(nodes)]
    luck = np.random.default_rng(seed).standard_normal((n_paths, horizon, nodes))
    luck = np.einsum("hg,pgm,nm->phn", _root(np.mean(own, axis=0)), luck, _root(between))
    ranks = luck.argsort(axis=0).argsort(axis=0)
    return np.take_along_axis(np.sort(paths, axis=0), ranks, axis=0)


def _root(matrix: Floats) -> Floats:
    """A matrix whose product with its own transpose is the given one."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(values.clip(0)))


def _quantiles(draws: Floats) -> pd.DataFrame:
    """Mean and quantiles over the first axis."""
    half = (1 - LEVEL) / 2
    found = levels(draws, (0.1, 0.5, 0.9, half, 1 - half))
    frame = pd.DataFrame(found.T, columns=["p10", "p50", "p90", "lo", "hi"])
    frame.insert(0, "mean", draws.mean(axis=0))
    return frame.assign(level=LEVEL)


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
