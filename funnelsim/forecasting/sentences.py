"""Forecasts and backtests in one plain sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    from funnelsim.forecasting.backtesting import Backtest
    from funnelsim.forecasting.lead_forecast import LeadForecast

__all__ = ["backtest_sentence", "lead_sentence", "model_name", "span"]


def lead_sentence(forecast: LeadForecast, wording: Wording) -> str:
    """Say how many are to come, how sure that is, and how it compares with the last as long time.

    Parameters
    ----------
    forecast : LeadForecast
    wording : Wording

    Returns
    -------
    str
    """
    whole = forecast.sums.iloc[0]
    n = len(forecast.periods)
    last = forecast.history.frame.groupby("at")["y"].sum().tail(n)
    text = wording.text
    told = {
        "span": span(n, forecast.every, wording),
        "start": wording.day(forecast.periods[0]),
        "median": wording.number(float(whole["p50"])),
        "lo": wording.number(float(whole["p10"])),
        "hi": wording.number(float(whole["p90"])),
    }
    if len(last) < n or last.sum() == 0:
        return text(
            "From {start} over {span}, about {median} leads are to be expected "
            "(8 in 10 chances: {lo} to {hi})."
        ).format(**told)
    change = float(whole["p50"]) / float(last.sum()) - 1
    told |= {"before": wording.number(float(last.sum())), "share": wording.share(abs(change))}
    if abs(change) < 0.005:  # noqa: PLR2004 - written as 0 %
        pattern = text(
            "From {start} over {span}, about {median} leads are to be expected "
            "(8 in 10 chances: {lo} to {hi}), as many as in the same time before ({before})."
        )
    elif change > 0:
        pattern = text(
            "From {start} over {span}, about {median} leads are to be expected "
            "(8 in 10 chances: {lo} to {hi}), {share} more than in the same time before "
            "({before})."
        )
    else:
        pattern = text(
            "From {start} over {span}, about {median} leads are to be expected "
            "(8 in 10 chances: {lo} to {hi}), {share} fewer than in the same time before "
            "({before})."
        )
    return pattern.format(**told)


def span(n: int, every: str, wording: Wording) -> str:
    """So many days, weeks, months or quarters, in the reader's language.

    Examples
    --------
    >>> span(26, "week", Wording()), span(1, "month", Wording())
    ('26 weeks', '1 month')
    """
    from babel.units import format_unit

    if every == "quarter":
        return wording.text("{n} quarters").format(n=n) if n > 1 else wording.text("1 quarter")
    return str(format_unit(n, f"duration-{every}", length="long", locale=wording.locale))


CHANCE: Final = 0.05
NAMES: Final[Mapping[str, str]] = {
    "full": "the recipe",
    "fast": "the recipe, fast",
    "naive": "the last value",
    "seasonal_naive": "last season's value",
    "mean": "the mean",
    "chosen": "the best so far",
}
"""What models are called in sentences and pictures."""


def model_name(model: str, wording: Wording) -> str:
    """The name of a model in the reader's language.

    Examples
    --------
    >>> model_name("seasonal_naive", Wording()), model_name("theta", Wording())
    ("last season's value", 'theta')
    """
    return wording.text(NAMES[model]) if model in NAMES else model


def backtest_sentence(backtest: Backtest, wording: Wording) -> str:
    """Say which model did best, by how much, whether that is chance, and how intervals held.

    Parameters
    ----------
    backtest : Backtest
    wording : Wording

    Returns
    -------
    str
    """
    board = backtest.leaders
    board = board[board["model"] != "chosen"]
    first = board.iloc[0]
    text = wording.text
    told = {
        "n": wording.number(float(backtest.table["cutoff"].nunique())),
        "span": span(backtest.horizon, backtest.every, wording),
        "model": model_name(str(first["model"]), wording),
        "cover": wording.share(float(first["cover_80"])),
        "lo": wording.share(float(first["band_lo"])),
        "hi": wording.share(float(first["band_hi"])),
        "added": wording.share(abs(float(first["value_added"]))),
    }
    parts = [text("Best of {n} past forecasts over {span}: {model}").format(**told)]
    if first["value_added"] > 0:
        parts.append(_added(float(first["p_naive"]), wording).format(**told))
    parts.append(text("what came lay in its 80% interval {cover} of the time").format(**told))
    if not first["band_lo"] <= first["cover_80"] <= first["band_hi"]:
        parts.append(text("that is more than chance: {lo} to {hi} would be right").format(**told))
    return "; ".join(parts) + "."


def _added(p: float, wording: Wording) -> str:
    """How much better than naive, and whether one can tell."""
    if math.isnan(p):
        return wording.text("its error was {added} smaller than that of a naive forecast")
    if p < CHANCE:
        return wording.text(
            "its error was {added} smaller than that of a naive forecast, more than chance explains"
        )
    return wording.text(
        "its error was {added} smaller than that of a naive forecast, which may be chance"
    )
