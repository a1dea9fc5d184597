"""The sales forecast, section by section: what will be won, how sure, and what it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.figures.fan import fan
from funnelsim.figures.revenue import revenue_periods, revenue_strip, revenue_ways
from funnelsim.forecasting.samples import levels
from funnelsim.planning import RevenueForecast, forecast_revenue, restate
from funnelsim.planning.issued import read_issued
from funnelsim.reporting import provenance
from funnelsim.reporting.blocks import (
    advice,
    attachment,
    cover,
    figure,
    group,
    kpis,
    risks,
    section,
    summary,
    text,
)
from funnelsim.reporting.document import Figure, Group
from funnelsim.reporting.evidence import evidence
from funnelsim.reporting.inputs import titled
from funnelsim.reporting.names import Names
from funnelsim.reporting.sales_forecast import tables
from funnelsim.reporting.sales_forecast.findings import advice as counsel
from funnelsim.reporting.sales_forecast.findings import answer, tiles, weighed
from funnelsim.reporting.sales_forecast.findings import risks as dangers
from funnelsim.reporting.sales_forecast.words import Words
from funnelsim.reporting.texts import Texts, texts

if TYPE_CHECKING:
    from funnelsim.calibration.fitting import Fit

__all__ = [
    "SalesForecast",
    "deals",
    "downside",
    "front",
    "issued",
    "kept",
    "making",
    "money",
    "periods",
    "plan",
    "promises",
    "ways",
    "work",
]

RUNS: Final = 200
HISTORY: Final = 18
"""Periods of the past that a fan shows at most."""


@dataclass(frozen=True, eq=False)
class SalesForecast:
    """A revenue forecast with what it was made from.

    Parameters
    ----------
    log : EventLog
        Up to the cutoff.
    fit : Fit
    forecast : RevenueForecast
    source, mapping : str
        The files.
    past : str
        A file with forecasts issued earlier; empty: none.
    """

    log: EventLog
    fit: Fit
    forecast: RevenueForecast
    source: str = ""
    mapping: str = ""
    past: str = ""

    def notes(self, words: Words) -> list[str]:
        """What the reader has to know."""
        t, made, found = words.t, self.forecast, self.fit.over
        told = []
        weeks = (self.log.meta.observed_until - self.log.meta.observed_from).days / 7
        if weeks < YEAR:
            told.append(
                t._("The data holds {n} weeks: what happens every year cannot be known.").format(
                    n=t.number(weeks)
                )
            )
        if made.reach < 1:
            told.append(t._("The history is short for so far a horizon: the series weighs less."))
        if not len(made.past) and "top_down" in made.ways:
            told.append(
                t._(
                    "The ways could not be tried at past cutoffs: the usual weights, {weights}."
                ).format(weights=weighed(made, t))
            )
        over = sum(found.get(lead, 0.0) for lead in made.deals["lead_id"]) if found else 0.0
        if round(over):
            told.append(
                t._(
                    "{open} deals stand open; about {over} of them are over, and nobody closed "
                    "them: the forecast leaves them out. Close them in the CRM."
                ).format(open=t.number(len(made.deals)), over=t.number(round(over)))
            )
        if made.measure == "won":
            told.append(t._("No won deal has a value: the forecast counts deals."))
        return told


YEAR: Final = 54


def work(  # noqa: PLR0913 - one keyword per thing that can be said
    source: str | Path,
    *,
    mapping: str = "",
    plan: str = "",
    horizon: str = "26 w",
    freq: str = "",
    past: str = "",
    seed: int = 1,
    n: int = RUNS,
    tell: Callable[[float], None] | None = None,
) -> SalesForecast:
    """Read, calibrate, forecast.

    Parameters
    ----------
    source : str or Path
        A CRM export, or a folder with an event log.
    mapping : str
        For an export that is not recognised.
    plan : str
        An amount for every period, or a file; empty: none.
    horizon, freq : str
        How far, and week, month or quarter; empty: by the horizon.
    past : str
        A CSV of forecasts issued earlier; empty: none.
    seed, n : int
        Of the runs.
    tell : callable, optional
        Told the share done.

    Returns
    -------
    SalesForecast

    Raises
    ------
    InputError
        The data, the plan or the horizon cannot be used.
    """
    from funnelsim.calibration.fitting import calibrate
    from funnelsim.reporting.inputs import open_log

    earlier = read_issued(past) if past else None
    log = open_log(source, mapping=mapping)
    fit = calibrate(log)
    chosen: Any = freq or None
    made = forecast_revenue(
        fit,
        horizon=horizon,
        freq=chosen,
        plan=_plan(plan),
        seed=seed,
        n=n,
        progress=tell,
    )
    if earlier is not None:
        made = restate(made, log, earlier)
    return SalesForecast(log, fit, made, str(source), mapping, past)


def front(found: SalesForecast, lang: str = "en") -> Group:
    """Page 1: the answer, the picture by period, risks, what follows.

    Parameters
    ----------
    found : SalesForecast
    lang : str
        Language of the report.

    Returns
    -------
    Group
    """
    t, words = _words(found, lang)
    meta, made = found.log.meta, found.forecast
    return group(
        cover(
            t.label(meta.title, titled(found.source) or t._("Sales forecast")),
            lang=t.spoken,
            as_of=made.start.tz_convert(made.cells.zone).date(),
            kicker=t._("Sales forecast"),
            subtitle=t._("What will be won, and how sure is that?"),
            period=t.period(made.start.to_pydatetime(), made.end.to_pydatetime(), meta.time_zone),
            illustrative=meta.illustrative,
        ),
        kpis(tiles(found, words)),
        summary(answer(found, words), title=t._("The answer")),
        _by_period(words),
        risks(dangers(found, words), title=t._("Risks")),
        advice(counsel(found, words), title=t._("What follows")),
    )


def periods(found: SalesForecast, lang: str = "en") -> Group:
    """Every period and quarter, and how it goes on from the past.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t, words = _words(found, lang)
    drawn = _fan(found, words)
    return group(
        section(t._("Period by period")),
        *([drawn] if drawn else []),
        tables.periods(words),
    )


def plan(found: SalesForecast, lang: str = "en") -> Group:
    """The plan beside the forecast.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
        Empty without a plan.
    """
    t, words = _words(found, lang)
    parts = [tables.plan(words), tables.cells(words)]
    shown = [part for part in parts if part]
    return group(section(t._("The plan")), *shown) if shown else group()


def ways(found: SalesForecast, lang: str = "en") -> Group:
    """Bottom-up, top-down and combined beside each other, and why the weights are so.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t, words = _words(found, lang)
    told = t._(
        "Bottom-up follows every open deal and every lead to come through the calibrated funnel, "
        "with its queues and its people. Top-down carries the series of what was won on, and "
        "knows of no deal. Combined, every quantile is a weighted mean of both; the better a way "
        "did at past cutoffs, the more it weighs. Where both disagree, one of them does not know "
        "something: a full pipeline that the series has not seen yet, or a trend that the funnel "
        "does not hold."
    )
    return group(section(t._("Three ways to the same number")), text(told), _ways(words))


def kept(found: SalesForecast, lang: str = "en") -> Group:
    """Forecasts at past cutoffs beside what came.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t, words = _words(found, lang)
    made = found.forecast
    if not len(made.past):
        told = t._(
            "This data does not say what was known earlier, or is too short: no forecast could be "
            "tried at a past cutoff. The usual weights are taken, and whether the ranges hold is "
            "not known."
        )
        return group(section(t._("Would it have been right?")), text(told))
    told = t._(
        "At each of these days everything was done again with what was known then: calibration, "
        "simulation, series and weights. Nothing later was looked at."
    )
    shown = tables.skill(words)
    return group(
        section(t._("Would it have been right?")),
        text(told),
        _strip(words),
        *([shown] if shown else []),
    )


def promises(found: SalesForecast, lang: str = "en") -> Group:
    """What earlier reports promised and kept, and why this forecast differs from the last.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
        Empty where no forecast was issued before.
    """
    from funnelsim.reporting.sales_forecast.promised import promises as scored

    return scored(found, _words(found, lang)[1])


def downside(found: SalesForecast, lang: str = "en") -> Group:
    """What is missing when the outcome is low.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t, words = _words(found, lang)
    won = found.forecast.won
    told = t._(
        "The worst tenth of the runs is set against all of them: what a part brings less there is "
        "its share in a bad outcome. The parts add up to all that is missing."
    )
    told_apart = [by for by in ("source", "product", "segment") if len(won[by].unique()) > 1]
    return group(
        section(t._("What would lower it")),
        text(told),
        *(tables.downside(words, by) for by in ("stage", *told_apart)),
    )


def deals(found: SalesForecast, lang: str = "en") -> Group:
    """The open deals on which most hangs.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
        Empty without open deals that may be won.
    """
    t, words = _words(found, lang)
    shown = tables.deals(words)
    if shown is None:
        return group()
    told = t._(
        "What is left of the forecast if this one deal is lost. A deal's chance comes from its "
        "stage, its age and what is known of it; nobody's opinion is in it."
    )
    return group(section(t._("Deals on which most hangs")), text(told), shown)


def money(found: SalesForecast, lang: str = "en") -> Group:
    """When the money comes.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
        Empty where the data knows of no payments.
    """
    t, words = _words(found, lang)
    shown, known = tables.cash(words), found.forecast.payments
    if shown is None or known is None:
        return group()
    told = t._(
        "Half of the won deals are paid within {days}; {n} payments are behind this. Deals that "
        "were won earlier and are not paid yet are in it too."
    ).format(days=t.duration(known.median * 86_400, "d"), n=t.number(known.n))
    return group(section(t._("When the money comes")), text(told), shown)


def making(found: SalesForecast, lang: str = "en") -> Group:
    """How the report was made: input, seed, versions, definitions.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t, words = _words(found, lang)
    made = found.forecast
    told = t._(
        "{n} runs with seed {seed}; every run draws the parameters of the funnel anew from what "
        "the data leaves open and uses them for all deals of the run, so that sums over months are "
        "as uncertain as they should be. Weights are inverse squared errors at past cutoffs, "
        "shrunk to the usual ones. The cutoff is {day}; nothing later was used."
    ).format(n=t.number(made.n), seed=made.seed, day=words.day(made.start))
    assumed = provenance.assumed(found.log, t)
    return group(
        section(t._("How this report was made")),
        text(told),
        provenance.making(found.log, t, source=found.source, mapping=found.mapping),
        *([assumed] if assumed else []),
        evidence(
            found.log,
            source=found.source,
            mapping=found.mapping,
            forecast={made.measure: made.total() / made.minor_units},
        ),
    )


def issued(found: SalesForecast) -> Group:
    """The forecast as data, left beside the PDF to be scored later.

    Parameters
    ----------
    found : SalesForecast

    Returns
    -------
    Group
    """
    return group(attachment("forecast.csv", found.forecast.issued().to_csv(index=False)))


def _words(found: SalesForecast, lang: str) -> tuple[Texts, Words]:
    """The reader's language, and how it writes this forecast."""
    t = texts(lang)
    return t, Words(found.forecast, Names.of(found.log, t), t)


def _plan(plan: str) -> float | str | None:
    """A number for every period, or a file."""
    try:
        return float(plan.replace(" ", "")) if plan else None
    except ValueError:
        return plan


def _by_period(words: Words) -> Figure:
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


def _fan(found: SalesForecast, words: Words) -> Figure | None:
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


def _ways(words: Words) -> Figure:
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


def _strip(words: Words) -> Figure:
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
