"""The sales forecast, section by section: what will be won, how sure, and what it hangs on."""

from __future__ import annotations

from funnelsim.reporting import provenance
from funnelsim.reporting.blocks import (
    advice,
    attachment,
    cover,
    group,
    kpis,
    risks,
    section,
    summary,
    text,
)
from funnelsim.reporting.document import Group
from funnelsim.reporting.evidence import evidence
from funnelsim.reporting.inputs import titled
from funnelsim.reporting.names import Names
from funnelsim.reporting.sales_forecast import pictures, tables
from funnelsim.reporting.sales_forecast.findings import advice as counsel
from funnelsim.reporting.sales_forecast.findings import answer, tiles
from funnelsim.reporting.sales_forecast.findings import risks as dangers
from funnelsim.reporting.sales_forecast.gathering import SalesForecast
from funnelsim.reporting.sales_forecast.words import Words
from funnelsim.reporting.texts import Texts, texts

__all__ = [
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
]


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
        pictures.by_period(words),
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
    drawn = pictures.fan_of(found, words)
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
    return group(section(t._("Three ways to the same number")), text(told), pictures.ways(words))


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
        pictures.strip(words),
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
