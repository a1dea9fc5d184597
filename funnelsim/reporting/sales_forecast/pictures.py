"""Pictures of a sales forecast: periods, the way on from the past, the ways, past promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.figures.fan import fan
from funnelsim.figures.revenue import revenue_periods, revenue_strip, revenue_ways
from funnelsim.forecasting.samples import levels
from funnelsim.reporting.blocks import figure
from funnelsim.reporting.document import Figure
from funnelsim.reporting.sales_forecast import tables
from funnelsim.reporting.sales_forecast.words import Words

if TYPE_CHECKING:
    from funnelsim.reporting.sales_forecast.gathering import SalesForecast

__all__ = ["by_period", "fan_of", "strip", "ways"]

HISTORY: Final = 18
"""Periods of the past that a fan shows at most."""


def by_period(words: Words) -> Figure:
    """Stacked bars by period, with ranges and the plan."""
    made, t = words.made, words.t
    table = made.table
    rows = table[
        (table["span"] == made.cells.freq)
        & (table["way"] == "combined")
        & (table["measure"] == made.measure)
    ]
    aims: dict[str, float] = {}
    if made.plan is not None:
        aims = {str(p): v for p, v in made.plan.groupby("period")["plan"].sum().items()}
    shown = []
    for period, parts in rows.groupby("period", sort=False):
        by = {row["origin"]: row for row in parts.to_dict("records")}
        row = by["all"]
        shown.append(
            {
                "name": tables.name_of(row, words),
                "booked": row["booked"] / words.scale,
                "open": by["open"]["mean"] / words.scale,
                "future": by["future"]["mean"] / words.scale,
                **{q: row[q] / words.scale for q in ("p10", "p50", "p90")},
                "plan": aims.get(str(period), np.nan) / words.scale,
            }
        )
    drawn = revenue_periods(pd.DataFrame(shown), unit=words.unit, lang=t.lang, text=t._)
    return figure(
        drawn, caption=t._("What will be won, by period and where it comes from"), key="periods"
    )


def fan_of(found: SalesForecast, words: Words) -> Figure | None:
    """How the forecast goes on from what was won before."""
    from funnelsim.errors import ParameterError
    from funnelsim.forecasting.series import from_log

    made, t = found.forecast, words.t
    try:
        series = from_log(found.log, made.measure, every=made.cells.freq).frame
    except ParameterError:
        return None
    before = series[["at", "y"]].tail(HISTORY)
    rows = made.table[
        (made.table["span"] == made.cells.freq)
        & (made.table["way"] == "combined")
        & (made.table["origin"] == "all")
        & (made.table["measure"] == made.measure)
        & made.table["whole"]
    ]
    if not len(rows) or len(before) < 2:  # noqa: PLR2004 - no line from one point
        return None
    before = before.assign(y=before["y"] / words.scale)
    ahead = rows[["p10", "p50", "p90"]] / words.scale
    ahead = ahead.assign(period=[begin.tz_localize(None) for begin in rows["begin"]])
    drawn = fan(before, ahead, unit=words.unit, lang=t.lang, text=t._)
    caption = t._("What was won and what will be: whole periods, P10, P50 and P90")
    return figure(drawn, caption=caption, key="fan")


def ways(words: Words) -> Figure:
    """Ranges of the ways, the combined one last."""
    made, t = words.made, words.t
    shown = []
    for way in ("bottom_up", "top_down", "combined"):
        if way in made.ways:
            p10, p50, p90 = levels(made.total(way), [0.1, 0.5, 0.9]) / words.scale
            row = {"name": words.way(way), "p10": p10, "p50": p50, "p90": p90}
            shown.append({**row, "weight": made.weights.get(way, np.nan)})
    drawn = revenue_ways(pd.DataFrame(shown), unit=words.unit, lang=t.lang, text=t._)
    return figure(drawn, caption=t._("The sum over the horizon, three ways"), key="ways")


def strip(words: Words) -> Figure:
    """Past forecasts beside what came."""
    made, t = words.made, words.t
    whole = made.past[made.past["span"] == "total"]
    mine = whole[whole["way"] == "combined"].set_index("cutoff")
    naive = whole[whole["way"] == "last_period"].set_index("cutoff")["p50"]
    columns = ["p10", "p50", "p90", "actual"]
    shown = (mine[columns].assign(naive=naive) / words.scale).reset_index()
    shown["name"] = [words.day(moment) for moment in shown["cutoff"]]
    first = mine.iloc[0]
    days = (first["end"] - first["begin"]) / pd.Timedelta(days=1)
    caption = t._("What was forecast for the {days} after each cutoff, and what came")
    drawn = revenue_strip(shown, unit=words.unit, lang=t.lang, text=t._)
    return figure(drawn, caption=caption.format(days=t.duration(days * 86_400, "d")), key="strip")
