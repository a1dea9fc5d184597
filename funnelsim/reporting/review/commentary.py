"""What a section's pictures and tables say, in a sentence with this log's numbers."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures import (
    arrivals_by_hour,
    cycle_time,
    stage_conversion,
    transitions,
    weakest_stage,
    wip,
    wip_ageing,
)
from funnelsim.measures.journeys import SECOND, journeys, selling_path
from funnelsim.reporting.blocks import sentence, text
from funnelsim.reporting.document import Text
from funnelsim.reporting.names import Names
from funnelsim.reporting.review.gathering import time_split
from funnelsim.reporting.texts import Texts

__all__ = [
    "ageing",
    "board",
    "cycle",
    "moves",
    "open_leads",
    "rush_hour",
    "split",
    "weakest",
]

MONDAY = date(2024, 1, 1)
# Two medians that differ by less than this share are not worth a sentence.
APART = 0.05
# A board misleads from so many leads in either stage and in the first, and from such a factor.
ON_BOARD, BASE, MISLED = 5, 3, math.log(1.2)


def weakest(log: EventLog, t: Texts) -> Text | None:
    """Which stage converts worst, if the numbers can tell, and why that is not the question.

    Parameters
    ----------
    log : EventLog
        With full history.
    t : Texts

    Returns
    -------
    Text or None
        None for a funnel of one stage.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.blocks import plain
    >>> from funnelsim.reporting.texts import texts
    >>> plain(weakest(BANK, texts("en")).sentence)[:65]
    'Which stage converts worst cannot be told from 5 leads: 2 stages '
    """
    found = stage_conversion(log)
    if found["stage"].isin(selling_path(log)[:-1]).sum() < 2:  # noqa: PLR2004 - to compare
        return None
    names = Names.of(log, t)
    row = weakest_stage(log).iloc[0]
    levers = sentence(
        t._(
            " The lowest need not be the one to mend: as long as nobody queues, **10% more at any "
            "stage is 10% more wins**. Rank what you could do by headroom, cost, delay and "
            "capacity."
        )
    )
    if row["stage"]:
        said = sentence(
            t._("“{stage}” converts worst, beyond chance: **{share}** go on ({interval})."),
            stage=names.of_stage(row["stage"]),
            share=t.share(row["value"]),
            interval=t.shares(row["lo"], row["hi"]),
        )
        return text(said + levers)
    n = len(str(row["candidates"]).split(", "))
    said = sentence(
        t._(
            "Which stage converts worst **cannot be told** from {leads} leads: {n} stages differ "
            "by no more than chance."
        ),
        leads=t.number(row["n"]),
        n=t.number(n),
    )
    return text(said + levers)


def moves(log: EventLog, t: Texts) -> Text | None:
    """How many moves lead back, and how many skip a stage.

    Parameters
    ----------
    log : EventLog
        With full history.
    t : Texts

    Returns
    -------
    Text or None
        None where no lead moved.
    """
    order = {stage.id: stage.position for stage in log.meta.stages}
    found = transitions(log)
    step = found["next_stage"].map(order).astype(float) - found["stage"].map(order).astype(float)
    moved = found["value"][step.notna()].sum()
    if not moved:
        return None
    back, late = found["value"][step <= 0].sum(), found["timed_out"].sum()
    return text(
        sentence(
            t._(
                "**{back}** of {moves} moves between stages lead back, {late} were time-outs. "
                "Bands are as thick as the moves are many."
            ),
            back=t.number(back),
            moves=t.number(moved),
            late=t.number(late),
        )
    )


def open_leads(log: EventLog, t: Texts) -> Text | None:
    """How the number of open leads changed.

    Parameters
    ----------
    log : EventLog
        With full history.
    t : Texts

    Returns
    -------
    Text or None
        None where no lead was ever open.
    """
    present = wip(log).groupby("at")["undecided"].sum()
    if not present.sum():
        return None
    return text(
        sentence(
            t._("Open leads: {first} at the beginning, **{last}** at the end, {mean} on average."),
            first=t.number(present.iloc[0]),
            last=t.number(present.iloc[-1]),
            mean=t.number(present.mean()),
        )
    )


def board(log: EventLog, t: Texts) -> Text | None:
    """How wrong the open leads side by side would be as a funnel.

    Parameters
    ----------
    log : EventLog
        With full history.
    t : Texts

    Returns
    -------
    Text or None
        The two neighbouring stages where it is worst; None where too few are open, or
        the board happens to be right.
    """
    present = wip_ageing(log)["stage"].value_counts()
    truth = stage_conversion(log).set_index("stage")["value"]
    path = selling_path(log)
    worst, first, second = MISLED, "", ""
    for here, following in pairwise(path[:-1]):
        n, beside, share = present.get(here, 0), present.get(following, 0), truth.get(here, 0.0)
        if n < BASE or max(n, beside) < ON_BOARD or not share > 0:
            continue
        wrong = abs(math.log((beside + 0.5) / (n + 0.5) / share))  # also where one is empty
        if wrong > worst:
            worst, first, second = wrong, here, following
    if not first:
        return None
    names = Names.of(log, t)
    return text(
        sentence(
            t._(
                "**Leads on the board are no conversion**: {n} are open at “{first}”, {beside} at "
                "“{second}”, which reads as {ratio}; in truth {share} go on. A board shows where "
                "leads stay long, not where they are lost."
            ),
            n=t.number(present[first]),
            beside=t.number(present.get(second, 0)),
            first=names.of_stage(first),
            second=names.of_stage(second),
            ratio=t.share(present.get(second, 0) / present[first]),
            share=t.share(truth[first]),
        )
    )


def cycle(log: EventLog, t: Texts) -> Text | None:
    """How long leads take, and how much shorter the closed ones alone would say.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Text or None
        None where too few have closed to say.
    """
    ends = journeys(log, cohort=True).ends
    closed = ends[ends["outcome"] != "open"]
    alone = float((closed["closed"] - closed["arrived"]).median()) / SECOND
    median = _median(cycle_time(log, percentiles=[0.5]))
    if not math.isfinite(median) or not math.isfinite(alone):
        return None
    whole = t.duration(median)
    said = sentence(
        t._("**{whole}**: within this time half of the leads are won or lost."), whole=whole
    )
    if abs(alone / median - 1) > APART and t.duration(alone) != whole:
        said += sentence(
            t._(
                " Those already closed, taken alone, would say {alone}: the slow ones are still "
                "open."
            ),
            alone=t.duration(alone),
        )
    return text(said)


def split(log: EventLog, t: Texts) -> Text | None:
    """What an undecided lead's time is made of.

    Parameters
    ----------
    log : EventLog
        With full history.
    t : Texts

    Returns
    -------
    Text or None
        None where the log holds no work.
    """
    shares = time_split(log)
    if shares is None:
        return None
    return text(
        sentence(
            t._(
                "Of all the time of undecided leads, **{work}** is work, **{wait}** waiting for "
                "somebody, and in **{delay}** nobody is asked for anything: the client thinks, "
                "papers are under way."
            ),
            work=t.share(shares.work),
            wait=t.share(shares.wait),
            delay=t.share(shares.delay),
        )
    )


def rush_hour(log: EventLog, t: Texts) -> Text | None:
    """When most leads arrive.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Text or None
        None where no leads arrived.
    """
    found = arrivals_by_hour(log).dropna(subset=["value"])
    if not found["value"].sum():
        return None
    row = found.nlargest(1, "value").iloc[0]
    day = MONDAY + pd.Timedelta(days=int(row["weekday"]))
    return text(
        sentence(
            t._("The busiest hour is **{day}, {hour}**: {leads} leads, {times} times the mean."),
            day=t.weekday(day),
            hour=f"{row['hour']}:00–{row['hour'] + 1}:00",
            leads=t.number(row["value"], 1),
            times=t.number(row["value"] / found["value"].mean(), 1),
        )
    )


def ageing(log: EventLog, t: Texts) -> Text | None:
    """How many open leads are older than is usual.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Text or None
        None where nothing is open, or nothing is known of what is usual.
    """
    found = wip_ageing(log)
    found = found[found["band"] != ""]
    if not len(found):
        return None
    old = int((found["band"] == "above p95").sum())
    return text(
        sentence(
            t.n_(
                "**{n}** of {open} open leads is older than 95% of leads get in its stage: it "
                "needs a decision first.",
                "**{n}** of {open} open leads are older than 95% of leads get in their stage: "
                "they need a decision first.",
                old,
            ),
            n=t.number(old),
            open=t.number(len(found)),
        )
    )


def _median(found: pd.DataFrame) -> float:
    """The value of a measure's first row, NaN of none."""
    return float(found["value"].iloc[0]) if len(found) else math.nan
