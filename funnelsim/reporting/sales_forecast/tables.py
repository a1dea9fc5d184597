"""Tables of a revenue forecast: periods, plan, ways, deals, downside, cash."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from funnelsim.planning.revenue.bottom_up import GROUPS
from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Column, Table
from funnelsim.reporting.sales_forecast.words import Words

__all__ = ["cash", "cells", "deals", "downside", "name_of", "periods", "plan", "skill"]

HORIZON: Final = "horizon"
Parts = dict[str, dict[Any, Any]]
"""Origin → row."""


def periods(words: Words) -> Table:
    """Booked, P10, P50, P90 and where it comes from, by period, quarter and in all."""
    made, t = words.made, words.t
    rows = []
    for span in dict.fromkeys((made.cells.freq, "quarter", HORIZON)):
        for name, parts in _by_period(words, span, made.measure):
            whole = parts["all"]
            amounts = [whole[key] for key in ("booked", "p10", "p50", "p90")]
            amounts += [parts[origin]["mean"] for origin in ("open", "future")]
            rows.append((name, *(words.cell(amount) for amount in amounts)))
    heads = [t._("Booked"), "P10", "P50", "P90", t._("Open deals, mean"), t._("Future leads, mean")]
    return table(
        [column(t._("Period")), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=words.captioned(t._("What will be won, by period")),
        note=t._(
            "P10: 9 in 10 chances of more; P50: as likely more as less; P90: 1 in 10 of more. They "
            "hold what was booked before the cutoff. Sums are sums of whole runs: their quantiles "
            "are not the sums of the quantiles above."
        ),
    )


def _by_period(words: Words, span: str, measure: str) -> list[tuple[str, Parts]]:
    """The combined rows of a span: name of the period, origin → row."""
    table_ = words.made.table
    rows = table_[
        (table_["span"] == span) & (table_["way"] == "combined") & (table_["measure"] == measure)
    ]
    found = []
    for _, group in rows.groupby("period", sort=False):
        parts = {row["origin"]: row for row in group.to_dict("records")}
        found.append((name_of(parts["all"], words), parts))
    return found


def name_of(row: dict[Any, Any], words: Words) -> str:
    """A period's name."""
    if row["span"] == HORIZON:
        return words.t._("Until {day}").format(day=words.day(row["end"]))
    code = {"week": "W-SUN", "month": "M", "quarter": "Q"}[row["span"]]
    begin = row["begin"].tz_localize(None)
    return words.period(begin.to_period(code), whole=row["whole"])


def plan(words: Words) -> Table | None:
    """Plan, median, gap and chance by period."""
    made, t = words.made, words.t
    if made.plan is None:
        return None
    names = {str(period): words.period(period) for period in made.cells.periods().unique()}
    rows = [
        (
            names.get(row["period"], t._("All planned periods")),
            *(words.cell(row[key]) for key in ("plan", "booked", "p10", "p50")),
            _gap(row["gap"], words),
            t.share(row["chance"]),
        )
        for row in made.chance_of().to_dict("records")
    ]
    heads = [t._("Plan"), t._("Booked"), "P10", "P50", t._("P50 less plan"), t._("Chance")]
    return table(
        [column(t._("Period")), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=words.captioned(t._("The chance of the plan, by period")),
        total=True,
    )


def cells(words: Words) -> Table | None:
    """The plan by product, source and segment, where it says so."""
    made, t = words.made, words.t
    if made.plan is None or not (by := [name for name in GROUPS if name in made.plan]):
        return None
    titles = {"product": t._("Product"), "source": t._("Source"), "segment": t._("Segment")}
    rows = []
    for row in made.reconciled().to_dict("records"):
        total = row[by[0]] == "total"
        names = [
            (t._("Total") if place == 0 else "")
            if total
            else (words.names.of_other(row[name]) if name == "source" else row[name])
            or t._("not told")
            for place, name in enumerate(by)
        ]
        amounts = (words.cell(row[key]) for key in ("plan", "p10", "p50", "p90"))
        rows.append((*names, *amounts, _gap(row["gap"], words), t.share(row["chance"])))
    heads = [t._("Plan"), "P10", "P50", "P90", t._("P50 less plan"), t._("Chance")]
    return table(
        [*(column(titles[name]) for name in by), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=words.captioned(
            t._("The plan beside the forecast, cell by cell, over all planned periods")
        ),
        note=t._("A cell with plan 0 is forecast, but nobody planned it."),
        total=True,
    )


def skill(words: Words) -> Table | None:
    """How large past errors were, way by way."""
    past, t = words.made.past, words.t
    if not len(past):
        return None
    whole = past[past["span"] == "total"]
    rows = []
    for way in ("combined", "bottom_up", "top_down", "stage_weighted", "last_period"):
        mine = whole[whole["way"] == way]
        if not len(mine):
            continue
        bias = mine["mean"].sum() / mine["actual"].sum() - 1 if mine["actual"].sum() else np.nan
        error = (mine["p50"] - mine["actual"]).abs().mean()
        inside = t._("{k} of {n}").format(k=int(mine["covered_80"].sum()), n=len(mine))
        cells_ = (words.cell(error), words.cell(mine["crps"].mean()), _signed(bias, words))
        rows.append((words.way(way), *cells_, inside))
    heads = [t._("Median off by"), t._("CRPS"), t._("Bias"), t._("P10–P90 held")]
    return table(
        [column(t._("Way")), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=words.captioned(t._("Errors at past cutoffs")),
        note=t._(
            "CRPS: the error of the whole distribution, in the same unit as the forecast; smaller "
            "is better. Weights come from it, shrunk to the usual ones where cutoffs are few."
        ),
    )


def downside(words: Words, by: str, most: int = 8) -> Table:
    """What is missing in the worst tenth of the runs."""
    made, t = words.made, words.t
    found = made.downside(by)
    rows = [
        (
            words.group(str(row["origin"]), str(row[by]), by),
            *(words.cell(row[key]) for key in ("mean", "worst", "lacks")),
            t.share(row["share"]) if row["share"] >= 0 else "–",
        )
        for row in found.head(most).to_dict("records")
    ]
    heads = [t._("Mean"), t._("In the worst tenth"), t._("Missing"), t._("Share of all missing")]
    captions = {
        "stage": t._("What is missing in the worst tenth of runs, by stage"),
        "source": t._("What is missing in the worst tenth of runs, by source"),
        "product": t._("What is missing in the worst tenth of runs, by product"),
        "segment": t._("What is missing in the worst tenth of runs, by segment"),
    }
    return table(
        [column(t._("Part")), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=words.captioned(captions[by]),
    )


def deals(words: Words, most: int = 10) -> Table | None:
    """The open deals on which most hangs, and what is left without each."""
    made, t = words.made, words.t
    found = made.top_deals(most)
    if not len(found):
        return None
    planned = made.plan is not None
    rows = []
    for row in found.to_dict("records"):
        worth = row["value"]
        cells_ = [
            str(row["lead_id"]),
            words.names.of_stage(str(row["stage"])),
            words.amount(float(worth)) if not pd.isna(worth) and words.is_money else "–",
            t.share(row["p_won"]),
            words.amount(row["expected"]),
            words.amount(row["p50"]),
        ]
        rows.append((*cells_, t.share(row["chance"])) if planned else tuple(cells_))
    heads: list[Column] = [
        column(t._("Deal")),
        column(t._("Stage")),
        column(t._("Value"), numeric=True),
        column(t._("Chance to be won"), numeric=True),
        column(t._("Brings, mean"), numeric=True),
        column(t._("P50 without it"), numeric=True),
    ]
    if planned:
        heads.append(column(t._("Chance of the plan without it"), numeric=True))
    return table(heads, rows, caption=t._("Open deals on which most hangs"))


def cash(words: Words) -> Table | None:
    """When the money comes, beside when it is booked."""
    made, t = words.made, words.t
    if made.cash is None:
        return None
    paid = _by_period(words, made.cells.freq, "paid_value")
    won = dict(_by_period(words, made.cells.freq, "won_value"))
    rows = [
        (
            name,
            words.cell(won[name]["all"]["p50"]),
            *(words.cell(parts["all"][key]) for key in ("p10", "p50", "p90")),
        )
        for name, parts in paid
    ]
    heads = [t._("Won, P50"), t._("Paid, P10"), t._("Paid, P50"), t._("Paid, P90")]
    return table(
        [column(t._("Period")), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=words.captioned(t._("Booking and cash")),
    )


def _gap(value: float, words: Words) -> str:
    """A difference with its sign."""
    written = words.cell(abs(value))
    return f"−{written}" if value < 0 else f"+{written}"


def _signed(share: float, words: Words) -> str:
    """A share with its sign."""
    if not np.isfinite(share):
        return "–"
    return f"{'−' if share < 0 else '+'}{words.t.share(abs(share))}"
