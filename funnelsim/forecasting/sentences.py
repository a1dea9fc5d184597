"""Forecasts and backtests in one plain sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    from funnelsim.forecasting.leads import LeadForecast

__all__ = ["lead_sentence", "span"]


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
