"""One series → its forecast: what the calendar does is taken out first and put back in.

Everything is decided from the history given, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.combination import LEVELS, Prediction, predict
from funnelsim.forecasting.regressors import day_off_share, sizes
from funnelsim.forecasting.series import SEASONS, Every, periods_ahead

__all__ = ["MODELS", "Forecaster", "Forecasting", "Settings", "forecast_series", "known_models"]

Floats = NDArray[np.float64]

MODELS: Final = ("full", "fast", "naive", "seasonal_naive", "mean")
"""The recipe, its fast profile and the yardsticks; components of the recipe by name as well."""
LATE: Final = 8
"""Leading zeros are left out where so many periods remain."""


class Forecaster(Protocol):
    """Anything that learns from a long table and answers with one.

    ``fit`` is given the columns ``series``, ``at``, ``y``; ``predict`` returns, for every series
    and each of the ``horizon`` periods ahead in their order, ``series`` and ``mean``, and as
    many quantiles as it has in columns called by their level, such as ``0.1``, ``0.5``, ``0.9``.
    """

    def fit(self, frame: pd.DataFrame) -> object:
        """Learn from the histories."""

    def predict(self, horizon: int) -> pd.DataFrame:
        """Forecast each of them."""


@dataclass(frozen=True)
class Settings:
    """How series are forecast.

    Parameters
    ----------
    every : {"day", "week", "month", "quarter"}
    horizon : int
        Periods ahead.
    country : str
        Whose holidays; empty knows weekends only.
    n_paths : int
    seed : int
        Of the paths.
    """

    every: Every
    horizon: int
    country: str = ""
    n_paths: int = 0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Forecasting:
    """What is said of one series, and what was done to it.

    Parameters
    ----------
    prediction : Prediction
    began : Timestamp or None
        Where the history was taken to begin, if later than given.
    day_off_share : float or None
        What a day off counts, where the series was divided by days of work.
    followed : bool
        Whether it follows the covariates.
    """

    prediction: Prediction
    began: pd.Timestamp | None = None
    day_off_share: float | None = None
    followed: bool = False


def forecast_series(
    y: pd.Series,
    settings: Settings,
    model: str | Forecaster = "full",
    covariates: pd.DataFrame | None = None,
) -> Forecasting:
    """Forecast one regular series.

    Parameters
    ----------
    y : pandas.Series
        By period's beginning, without gaps (see `treating`).
    settings : Settings
    model : str or Forecaster
        One of `MODELS`, a component's name, or a forecaster of your own.
    covariates : pandas.DataFrame, optional
        Numbers known for the history and the periods ahead, by period's beginning.

    Returns
    -------
    Forecasting

    Examples
    --------
    >>> y = pd.Series(np.arange(40.0), pd.date_range("2023-01-01", periods=40, freq="MS"))
    >>> found = forecast_series(y, Settings("month", 3), "naive")
    >>> found.prediction.point.tolist()
    [39.0, 39.0, 39.0]
    """
    history, began = _since_first(y)
    ahead = periods_ahead(pd.Timestamp(y.index[-1]), settings.every, settings.horizon)
    if not isinstance(model, str):
        return Forecasting(_foreign(history, model, settings.horizon))
    plain = model in {"naive", "seasonal_naive", "mean"}
    share = None if plain else day_off_share(history, settings.every, settings.country)
    divided, times = history, np.ones(settings.horizon)
    if share is not None:
        both = history.index.append(ahead)
        size = sizes(pd.DatetimeIndex(both), settings.every, settings.country, share)
        size = size / size[: len(history)].mean()
        divided, times = history / size[: len(history)], size[len(history) :]
    effect = None
    if covariates is not None and not plain:
        from funnelsim.forecasting.covariates import effect_of

        effect = effect_of(divided, covariates, ahead)
    left = divided - effect.past if effect is not None else divided
    said = _predicted(left.to_numpy(float), model, settings)
    plus = effect.ahead if effect is not None else np.zeros(settings.horizon)
    floor = 0.0 if history.min() >= 0 else -np.inf
    moved = replace(
        said,
        mean=((said.mean + plus) * times).clip(floor),
        quantiles=((said.quantiles + plus[:, None]) * times[:, None]).clip(floor),
        paths=((said.paths + plus) * times).clip(floor),
    )
    return Forecasting(moved, began, share, effect is not None)


def known_models(models: Mapping[str, object]) -> None:
    """Refuse models that there are not.

    Examples
    --------
    >>> known_models({"fats": "fats"})
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: models: there is no model "fats". Did you mean "fast"?
    """
    from funnelsim.forecasting.components import COMPONENTS, FAST

    allowed = [*MODELS, *dict.fromkeys([*COMPONENTS, *FAST])]
    problems = [
        Problem(
            f'there is no model "{model}"',
            path="models",
            fix=did_you_mean(model, allowed, limit=len(allowed)),
        )
        for model in models.values()
        if (isinstance(model, str) and model not in allowed)
        or (not isinstance(model, str) and not hasattr(model, "predict"))
    ]
    if problems:
        raise ParameterError(problems)


def _since_first(y: pd.Series) -> tuple[pd.Series, pd.Timestamp | None]:
    """Leave out the zeros before the first number, if enough remains."""
    first = int(np.argmax(y.to_numpy() != 0))
    if first == 0 or len(y) - first < LATE:
        return y, None
    return y.iloc[first:], pd.Timestamp(y.index[first])


def _predicted(values: Floats, model: str, settings: Settings) -> Prediction:
    """What a model says, on the scale it is given."""
    season, horizon = SEASONS[settings.every], settings.horizon
    if model in {"full", "fast"}:
        return predict(
            values,
            season=season,
            horizon=horizon,
            profile="full" if model == "full" else "fast",
            seed=settings.seed,
            n_paths=settings.n_paths,
        )
    return _alone(values, model, season, horizon)


def _alone(values: Floats, model: str, season: int, horizon: int) -> Prediction:
    """What one component or yardstick says; without sample paths."""
    from scipy.special import ndtri

    from funnelsim.forecasting.components import COMPONENTS, FAST
    from funnelsim.forecasting.naive import constant, drifting, seasonal_naive
    from funnelsim.forecasting.transforming import IDENTITY, scale_of

    yardsticks = {"naive": drifting, "seasonal_naive": seasonal_naive, "mean": _average}
    scale = IDENTITY if model in yardsticks else scale_of(values, season)
    component = yardsticks.get(model) or {**FAST, **COMPONENTS}[model]
    if np.ptp(values) == 0:
        component, scale = constant, IDENTITY
    failed: tuple[str, ...] = ()
    try:
        outlook = component(scale.forth(values), season, horizon)
    except (ValueError, np.linalg.LinAlgError, IndexError):
        outlook, scale, failed = drifting(values, season, horizon), IDENTITY, (model,)
    scores = ndtri(np.array(LEVELS))
    with np.errstate(over="ignore"):
        rows = scale.back(outlook.mean[:, None] + outlook.spread[:, None] * scores)
    if values.min() >= 0:
        rows = rows.clip(0)
    mean = np.asarray(scale.back(outlook.mean))
    return Prediction(mean, np.asarray(rows), np.empty((0, horizon)), (model,), failed)


def _average(y: Floats, season: int, horizon: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """The mean of the last two seasons (or of all), its spread that of the values."""
    from funnelsim.forecasting.outlook import Outlook

    recent = y[-2 * max(season, 4) :]
    spread = float(recent.var(ddof=1)) * (1 + 1 / len(recent))
    return Outlook(np.full(horizon, recent.mean()), spread * np.eye(horizon))


def _foreign(y: pd.Series, model: Forecaster, horizon: int) -> Prediction:
    """What somebody else's forecaster says, brought into our shape."""
    frame = pd.DataFrame({"series": "", "at": y.index, "y": y.to_numpy(float)})
    model.fit(frame)
    told = model.predict(horizon).reset_index(drop=True)
    levels = sorted((float(name), name) for name in told.columns if _is_level(name))
    if len(told) != horizon or "mean" not in told:
        message = f"{type(model).__name__}.predict({horizon}) gave {len(told)} rows"
        fix = f"It has to give {horizon} rows with a column mean (and quantiles)."
        raise ParameterError(Problem(message, path="models", fix=fix))
    mean = told["mean"].to_numpy(float)
    known = np.array([level for level, _ in levels])
    rows = (
        np.column_stack([told[name].to_numpy(float) for _, name in levels])
        if levels
        else np.full((horizon, len(LEVELS)), np.nan)
    )
    if levels:
        rows = np.array([np.interp(LEVELS, known, np.sort(row)) for row in rows])
    else:
        rows = np.repeat(mean[:, None], len(LEVELS), axis=1)
    return Prediction(mean, rows, np.empty((0, horizon)), (type(model).__name__,))


def _is_level(name: object) -> bool:
    try:
        return 0 < float(str(name)) < 1
    except ValueError:
        return False
