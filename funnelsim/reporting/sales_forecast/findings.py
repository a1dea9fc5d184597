"""What a revenue forecast says, in sentences: how much, how sure, what hangs on what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.forecasting.samples import levels
from funnelsim.reporting.blocks import kpi, sentence
from funnelsim.reporting.document import Sentence, Tile
from funnelsim.reporting.sales_forecast.ranges import how_corrected, widened
from funnelsim.reporting.sales_forecast.words import Words

if TYPE_CHECKING:
    from funnelsim.planning import RevenueForecast
    from funnelsim.reporting.sales_forecast.gathering import SalesForecast
    from funnelsim.reporting.texts import Texts

__all__ = ["advice", "answer", "held", "notes", "risks", "tiles"]

YEAR: Final = 54
"""Weeks from which the data holds a year."""
SURE: Final = 0.8
UNSURE: Final = 0.5
APART: Final = 0.2
"""Ways that differ by so much of the combined median are worth a word."""
SLIGHT: Final = 0.01
"""What hangs on a deal is worth a word from such a share of the median on."""
MOST: Final = 3


def tiles(found: SalesForecast, words: Words) -> tuple[Tile, ...]:
    """Key figures: median, range, from open deals, chance of plan, promises kept."""
    made, t = found.forecast, words.t
    p10, p50, p90 = levels(made.total(), [0.1, 0.5, 0.9])
    shown = [
        kpi(t._("P50 of the horizon"), words.amount(p50), t._("as likely more as less")),
        kpi(t._("P10: 9 in 10 above"), words.amount(p10), t._("be safe with this")),
        kpi(t._("P90: 1 in 10 above"), words.amount(p90), t._("do not count on this")),
        kpi(t._("From open deals"), t.share(made.share_open), t._("the rest: future leads")),
    ]
    if made.plan is not None:
        row = made.chance_of().iloc[-1]
        note = t._("plan {plan}").format(plan=words.amount(row["plan"]))
        shown.append(kpi(t._("Chance of the plan"), t.share(row["chance"]), note))
    k, n = held(made.past)
    if n:
        said = t._("{k} of {n}").format(k=t.number(k), n=t.number(n))
        shown.append(kpi(t._("Past outcomes in P10–P90"), said, t._("8 in 10 are right")))
    return tuple(shown)


def answer(found: SalesForecast, words: Words) -> tuple[Sentence, ...]:
    """Say how much will be won and how sure that is; the plan; how the ways differ; the past."""
    made, t = found.forecast, words.t
    p10, p50, p90 = levels(made.total(), [0.1, 0.5, 0.9])
    said = [
        sentence(
            t._(
                "By {end} **{p50}** will be won (median), with 8 in 10 chances between {p10} and "
                "{p90}; {share} of it from deals that are open today."
            ),
            end=words.day(made.end),
            share=t.share(made.share_open),
            **{k: words.amount(v) for k, v in {"p10": p10, "p50": p50, "p90": p90}.items()},
        )
    ]
    if made.plan is not None:
        row = made.chance_of().iloc[-1]
        told = (
            t._(
                "The plan of {plan} is reached with a chance of **{chance}**; the median is {gap} "
                "above it."
            )
            if row["gap"] >= 0
            else t._(
                "The plan of {plan} is reached with a chance of **{chance}**; the median is {gap} "
                "short."
            )
        )
        said.append(
            sentence(
                told,
                plan=words.amount(row["plan"]),
                chance=t.share(row["chance"]),
                gap=words.amount(abs(row["gap"])),
            )
        )
    said += _ways(made, words)
    k, n = held(made.past)
    if n:
        told = t._(
            "Made at past cutoffs with what was known then, the range from P10 to P90 held what "
            "came in **{k} of {n}**; 8 in 10 would be right."
        )
        said.append(sentence(told, n=t.number(n), k=t.number(k)))
    if widened(made):
        said.append(sentence("{how}", how=how_corrected(made, t)))
    return tuple(said)


def risks(found: SalesForecast, words: Words) -> tuple[Sentence, ...]:
    """What would lower the forecast or make it wrong; three at most."""
    made, t = found.forecast, words.t
    said = []
    first = made.downside("stage").iloc[0]
    told = t._(
        "In the worst tenth of the runs most is missing from **{group}**: {lacks} less ({share})."
    )
    said.append(
        sentence(
            told,
            group=words.group(first["origin"], first["stage"], "stage"),
            lacks=words.amount(first["lacks"]),
            share=t.share(first["share"]),
        )
    )
    deals = made.top_deals(1)
    median = float(np.median(made.total()))
    if len(deals) and median - deals["p50"].iloc[0] >= SLIGHT * median:
        row = deals.iloc[0]
        told = t._(
            "Without the largest open deal, {deal}, the median falls by **{fall}** to {p50}."
        )
        said.append(
            sentence(
                told,
                deal=str(row["lead_id"]),
                fall=words.amount(max(median - row["p50"], 0.0)),
                p50=words.amount(row["p50"]),
            )
        )
    said += [sentence("{note}", note=note) for note in notes(found, words)]
    return tuple(said[:MOST])


def notes(found: SalesForecast, words: Words) -> list[str]:
    """What the reader has to know."""
    t, made, over = words.t, found.forecast, found.fit.over
    told = []
    weeks = (found.log.meta.observed_until - found.log.meta.observed_from).days / 7
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
            ).format(weights=_weighed(made, t))
        )
    ended = sum(over.get(lead, 0.0) for lead in made.deals["lead_id"]) if over else 0.0
    if round(ended):
        told.append(
            t._(
                "{open} deals stand open; about {over} of them are over, and nobody closed "
                "them: the forecast leaves them out. Close them in the CRM."
            ).format(open=t.number(len(made.deals)), over=t.number(round(ended)))
        )
    if made.measure == "won":
        told.append(t._("No won deal has a value: the forecast counts deals."))
    return told


def advice(found: SalesForecast, words: Words) -> dict[str, Sentence]:
    """Do, don't, test first."""
    made, t = found.forecast, words.t
    said: dict[str, Sentence] = {}
    if made.plan is not None:
        chance = float(made.chance_of()["chance"].iloc[-1])
        told = (
            t._("Commit to the plan; P10 is the floor to budget with.")
            if chance >= SURE
            else t._(
                "Decide now what closes the gap: more leads act only after a cycle, open deals "
                "sooner."
            )
            if chance < UNSURE
            else t._("Keep a reserve: the plan is likelier than not, but not safe.")
        )
        said[t._("Do")] = sentence(told)
    else:
        said[t._("Do")] = sentence(
            t._("Budget with P10, plan with P50; give a plan to see its chance.")
        )
    said[t._("Don't")] = sentence(
        t._("Do not add up medians of months: a quarter's median is not their sum.")
    )
    said[t._("Test first")] = sentence(
        t._("Try what would help in the scenario that calibration makes, before you promise it.")
    )
    return said


def held(past: pd.DataFrame) -> tuple[int, int]:
    """How many past outcomes lay between P10 and P90, and of how many."""
    if not len(past):
        return 0, 0
    rows = past[(past["way"] == "combined") & (past["span"] == "total")]
    return int(rows["covered_80"].sum()), len(rows)


def _ways(made: RevenueForecast, words: Words) -> list[Sentence]:
    """How far the ways are apart, and how they are weighed."""
    if "top_down" not in made.ways:
        return []
    t = words.t
    below, above = (float(np.median(made.total(way))) for way in ("bottom_up", "top_down"))
    middle = float(np.median(made.total()))
    told = (
        t._(
            "Deal by deal it would be {below}, from the series {above}: **they disagree**; "
            "weights {weights}."
        )
        if abs(above - below) > APART * max(middle, 1.0)
        else t._(
            "Deal by deal it would be {below}, from the series {above}: **they agree**; "
            "weights {weights}."
        )
    )
    both = {"below": words.amount(below), "above": words.amount(above)}
    return [sentence(told, **both, weights=_weighed(made, t))]


def _weighed(made: RevenueForecast, t: Texts) -> str:
    """The weights of deals and series."""
    parts = (t.share(made.weights[way]) for way in ("bottom_up", "top_down"))
    return "\u00a0:\u00a0".join(parts)
