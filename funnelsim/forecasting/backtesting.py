"""Forecasts made at past cutoffs with what was known then, against what came."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.documents import write_whole
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.figures.wording import Wording
from funnelsim.forecasting.backtest_scores import (
    CHOSEN,
    KEPT,
    NAIVE,
    chosen_inside,
    leader_board,
    scored,
    summaries,
)
from funnelsim.forecasting.forecaster import Forecaster, Settings, forecast_series, known_models
from funnelsim.forecasting.histories import Piece, Plan, pieces_of
from funnelsim.forecasting.remarks import Remark
from funnelsim.forecasting.scores import naive_error
from funnelsim.forecasting.series import SEASONS, Every, SeriesSet, periods_ahead, periods_in
from funnelsim.forecasting.treating import treated
from funnelsim.workers import mapped

if TYPE_CHECKING:
    from funnelsim.figures import Picture

__all__ = ["Backtest", "backtest"]

MODELS: Final = ("full", "fast", "seasonal_naive", "naive")
HORIZONS: Final[Mapping[Every, int]] = {"day": 28, "week": 13, "month": 12, "quarter": 4}
ALONE: Final = 4
"""So many series are done without other processes."""
COLUMNS: Final = tuple(str(level) for level in KEPT)

Model = str | Forecaster


@dataclass(frozen=True, eq=False)
class Backtest:
    """How good forecasts would have been.

    Parameters
    ----------
    table : pandas.DataFrame
        A row per cutoff, series, model and period ahead: ``cutoff`` (nothing later was known),
        ``series``, the columns of `by`, ``model``, ``h`` (1 is the next period), ``at``,
        ``until`` (when the period begins and ends), ``actual``, ``mean``, quantiles in columns
        called by their level, ``scale`` and ``square_scale`` (errors of last season's value in
        the window). The model ``chosen`` is the one that was best by the cutoff.
    every : {"day", "week", "month", "quarter"}
    horizon : int
        Periods ahead.
    step : int
        Periods between cutoffs.
    what : str
    by : tuple of str
    remarks : tuple of Remark
        What was done to the history.
    """

    table: pd.DataFrame = field(repr=False)
    every: Every
    horizon: int
    step: int
    what: str = "leads"
    by: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def rows(self) -> pd.DataFrame:
        """The table with the scores of each row (see `backtest_scores.scored`)."""
        return scored(self.table)

    @property
    def scores(self) -> pd.DataFrame:
        """Scores by model over all, by horizon and by series (see `summaries`)."""
        return summaries(self.rows)

    @property
    def leaders(self) -> pd.DataFrame:
        """The models in order, and whether their differences are chance (see `leader_board`)."""
        rows = self.rows
        return leader_board(rows, summaries(rows), -(-self.horizon // self.step))

    @property
    def best(self) -> str:
        """The model to take now: the first of the leaders."""
        board = self.leaders
        return str(board.loc[board["model"] != CHOSEN, "model"].iloc[0])

    def sentence(self, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """Say which model did best, by how much, and whether its intervals held."""
        from funnelsim.forecasting.sentences import backtest_sentence

        return backtest_sentence(self, Wording(lang=lang, text=text))

    def plot(self, *, lang: str = "en", text: Callable[[str], str] = str) -> Picture:
        """The leader board."""
        from funnelsim.figures.leader_board import leader_board as drawn
        from funnelsim.forecasting.sentences import model_name

        board, wording = self.leaders, Wording(lang=lang, text=text)
        called = {model: model_name(model, wording) for model in board["model"]}
        names = {model: name[:1].upper() + name[1:] for model, name in called.items()}
        return drawn(board, labels=names, lang=lang, text=text)


def backtest(  # noqa: PLR0913 - all but the first have good defaults
    history: EventLog | pd.DataFrame | SeriesSet,
    what: str = "leads",
    *,
    freq: str | None = None,
    horizon: str | int | None = None,
    cutoffs: int | Sequence[str] = 6,
    step: int | None = None,
    models: Sequence[str] | Mapping[str, Model] = MODELS,
    by: str | Sequence[str] | None = None,
    at: str = "",
    country: str = "",
    covariates: pd.DataFrame | None = None,
    folder: str | Path | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Backtest:
    """Forecast from past cutoffs, each time with what was known then, and compare.

    Parameters
    ----------
    history : EventLog, pandas.DataFrame or SeriesSet
        A log is put back to each cutoff (`EventLog.as_of`); of a table later rows are hidden,
        and gaps and outliers are treated within each window.
    what : str
        ``leads``, ``wins`` or ``won_value`` of a log; the column with the number of a table.
    freq : str, optional
        D, W, M or Q; left out: weeks of a log, the step of a table.
    horizon : str or int, optional
        How far each forecast goes. Left out: 28 days, 13 weeks, 12 months or 4 quarters, at
        most a quarter of the history.
    cutoffs : int or sequence of str
        How many, the last one a horizon before the end; or the days.
    step : int, optional
        Periods between cutoffs. Left out: a horizon, or less where the history is short.
    models : sequence of str or mapping
        The recipe (``full``), its ``fast`` profile, yardsticks (``naive``, ``seasonal_naive``,
        ``mean``), components by name; or name → forecaster of your own (`Forecaster`). A naive
        forecast always takes part: value is added to it.
    by : str or sequence of str, optional
        Columns to make series by.
    at : str
        Of a table: the column with the date.
    country, covariates
        As for `forecast_leads`.
    folder : str or Path, optional
        Keep each series that is done here, and take it from here the next time: a run that was
        stopped goes on.
    workers, executor
        How many processes side by side, or where to work instead.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        A history too short, unknown models, columns or steps.

    References
    ----------
    Tashman (2000), International Journal of Forecasting 16: 437–450 (rolling origin).

    Examples
    --------
    >>> months = pd.date_range("2021-01-01", periods=48, freq="MS")
    >>> y = 100 + np.arange(48) + 10 * np.sin(np.arange(48) / 6 * np.pi)
    >>> bt = backtest(pd.DataFrame({"month": months, "leads": y}), "leads", horizon=6, cutoffs=2,
    ...               models=["seasonal_naive", "naive"])
    >>> bt.leaders[["rank", "model"]].to_numpy().tolist()[0]
    [1, 'seasonal_naive']
    """
    named: dict[str, Model] = (
        dict(models) if isinstance(models, Mapping) else {model: model for model in models}
    )
    known_models(named)
    if not set(NAIVE) & set(named):
        named[NAIVE[0]] = NAIVE[0]
    columns = (by,) if isinstance(by, str) else tuple(by or ())
    found = pieces_of(
        history, what, freq=freq, by=columns, at=at,
        plan=partial(_plan, horizon=horizon, cutoffs=cutoffs, step=step),
    )  # fmt: skip
    settings = Settings(found.every, found.plan.horizon, country)
    work = partial(_rows, settings=settings, models=named, covariates=covariates)
    kept = _Kept(folder, [_digest(piece, settings, named, covariates) for piece in found.pieces])
    rest = [piece for piece, file in zip(found.pieces, kept.files, strict=True) if file is None]
    alone = workers or (1 if len(rest) <= ALONE else None)
    parts: list[pd.DataFrame] = []
    with closing(mapped(work, rest, workers=alone, executor=executor)) as made:
        for number, file in enumerate(kept.files):
            parts.append(_read(file) if file is not None else kept.write(number, next(made)))
            if progress is not None:
                progress(len(parts) / len(found.pieces))
    table = _labelled(pd.concat(parts, ignore_index=True), found.keys, found.every)
    if len(named) > 1:
        table = pd.concat([table, chosen_inside(table, list(named))], ignore_index=True)
    return Backtest(
        table,
        found.every,
        found.plan.horizon,
        found.plan.step,
        what,
        tuple(found.keys.columns),
        found.remarks,
    )


def _plan(
    starts: pd.DatetimeIndex,
    every: Every,
    *,
    horizon: str | int | None,
    cutoffs: int | Sequence[str],
    step: int | None,
) -> Plan:
    """Choose the cutoffs within a history."""
    n = len(starts)
    ahead = periods_in(horizon, every) if horizon else max(min(HORIZONS[every], n // 4), 1)
    if not isinstance(cutoffs, int):
        days = pd.DatetimeIndex(pd.to_datetime(list(cutoffs)))
        ends = tuple(int(end) for end in np.searchsorted(starts.to_numpy(), days.to_numpy()))
        wrong = [
            str(day.date())
            for day, end in zip(days, ends, strict=True)
            if not 4 <= end <= n - ahead  # noqa: PLR2004
        ]
        if wrong:
            message = f"no room for 4 periods before or {ahead} after: {', '.join(wrong)}"
            fix = f"The history goes from {starts[0].date()} on and has {n} periods."
            raise ParameterError(Problem(message, path="cutoffs", fix=fix))
        gaps = np.diff(sorted(ends))
        return Plan(ahead, max(int(gaps.min()), 1) if len(gaps) else ahead, tuple(sorted(ends)))
    least = max(min(2 * SEASONS[every], n // 2), 4)
    room = n - ahead - least
    if room < 0 or cutoffs < 1:
        message = f"a history of {n} periods leaves no window before {ahead} periods ahead"
        if cutoffs < 1:
            message = f"cutoffs is {cutoffs}"
        fix = "Take a shorter horizon, or 1 cutoff or more."
        raise ParameterError(Problem(message, path="horizon", fix=fix))
    apart = step or max(min(ahead, room // max(cutoffs - 1, 1)), 1)
    ends = tuple(n - ahead - k * apart for k in range(cutoffs))
    return Plan(ahead, apart, tuple(sorted(end for end in ends if end >= min(least, n - ahead))))


class _Kept:
    """A folder with the rows of every series that is done; none where nothing is kept.

    Parameters
    ----------
    folder : str or Path, optional
    names : sequence of str
        Of the series, by what they hang on.
    """

    def __init__(self, folder: str | Path | None, names: Sequence[str]) -> None:
        self._paths = [Path(folder) / f"{name}.csv" for name in names] if folder else []
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
        self.files = [path if path.exists() else None for path in self._paths] or [None] * len(
            names
        )

    def write(self, number: int, rows: pd.DataFrame) -> pd.DataFrame:
        """Keep what was just made; read back, so that old and new are the same."""
        if not self._paths:
            return rows
        write_whole(self._paths[number], rows.to_csv(index=False))
        return _read(self._paths[number])


def _read(file: Path) -> pd.DataFrame:
    """Rows that were kept."""
    numbers = ("actual", "mean", "scale", "square_scale", *COLUMNS)
    kept: pd.DataFrame = pd.read_csv(
        file,
        parse_dates=["cutoff", "at"],
        dtype={"series": "str", **dict.fromkeys(numbers, "float64")},
        keep_default_na=False,
        na_values={name: [""] for name in numbers},
    )
    return kept


def _rows(
    piece: Piece,
    settings: Settings,
    models: Mapping[str, Model],
    covariates: pd.DataFrame | None,
) -> pd.DataFrame:
    """Forecast one series from all its cutoffs."""
    parts = []
    season = SEASONS[settings.every]
    for cutoff, window in piece.windows:
        past, _, _ = treated(window, season)
        ahead = periods_ahead(pd.Timestamp(window.index[-1]), settings.every, settings.horizon)
        scale = naive_error(window, season)
        square = naive_error(window, season, squared=True)
        for name, model in models.items():
            said = forecast_series(past, settings, model, covariates).prediction
            rows = np.column_stack([said.at(level) for level in KEPT])
            frame = pd.DataFrame(rows, columns=list(COLUMNS))
            frame.insert(0, "mean", said.mean)
            frame.insert(0, "actual", piece.actual.reindex(ahead).to_numpy(float))
            frame.insert(0, "at", ahead)
            frame.insert(0, "h", np.arange(1, settings.horizon + 1))
            frame.insert(0, "model", name)
            frame.insert(0, "series", piece.name)
            frame.insert(0, "cutoff", cutoff)
            parts.append(frame.assign(scale=scale, square_scale=square))
    return pd.concat(parts, ignore_index=True)


def _digest(
    piece: Piece,
    settings: Settings,
    models: Mapping[str, Model],
    covariates: pd.DataFrame | None,
) -> str:
    """All that the rows of a series hang on, in 32 letters."""
    told = [version("funnelsim"), repr(settings), piece.name]
    told += [
        f"{name}={model if isinstance(model, str) else repr(model)}"
        for name, model in models.items()
    ]
    whole = hashlib.sha256("\0".join(told).encode())
    for cutoff, window in piece.windows:
        whole.update(f"\0{cutoff.isoformat()} {window.index[0]}".encode())
        whole.update(window.to_numpy(float).tobytes())
    whole.update(piece.actual.to_numpy(float).tobytes())
    if covariates is not None:
        whole.update(pd.util.hash_pandas_object(covariates).to_numpy().tobytes())
    return whole.hexdigest()[:32]


def _labelled(table: pd.DataFrame, keys: pd.DataFrame, every: Every) -> pd.DataFrame:
    """Put in what each series stands for, and when each period ends."""
    for place, column in enumerate(keys.columns):
        table.insert(2 + place, column, table["series"].map(keys[column]))
    ends = {at: periods_ahead(at, every, 1)[0] for at in table["at"].unique()}
    table.insert(list(table.columns).index("at") + 1, "until", table["at"].map(ends))
    return table
