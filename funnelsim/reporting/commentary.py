"""What a section's pictures and tables say, in a sentence with this log's numbers."""

from __future__ import annotations

from datetime import date

import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures import (
    arrivals_by_hour,
    stage_conversion,
    transitions,
    weakest_stage,
    wip,
    wip_ageing,
    won_value,
)
from funnelsim.reporting.blocks import sentence, text
from funnelsim.reporting.document import Text
from funnelsim.reporting.facts import time_split
from funnelsim.reporting.names import Names
from funnelsim.reporting.texts import Texts

__all__ = ["ageing", "moves", "open_leads", "rush_hour", "split", "weakest", "worth"]

MONDAY = date(2024, 1, 1)


def weakest(log: EventLog, t: Texts) -> Text | None:
    """Which stage converts worst, if the numbers can tell.

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
    >>> from funnelsim.reporting.texts import texts
    >>> weakest(BANK, texts("en")).sentence[0].text
    'Which stage converts worst cannot be told: too few leads.'
    """
    if len(stage_conversion(log)) < 2:  # noqa: PLR2004 - a comparison needs two
        return None
    names = Names.of(log, t)
    row = weakest_stage(log).iloc[0]
    if row["stage"]:
        return text(
            sentence(
                t._("“{stage}” converts worst, beyond chance: **{share}** go on ({interval})."),
                stage=names.of_stage(row["stage"]),
                share=t.share(row["value"]),
                interval=t.shares(row["lo"], row["hi"]),
            )
        )
    return text(t._("Which stage converts worst cannot be told: too few leads."))


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
        None where no lead went back or ran out of time.
    """
    order = {stage.id: stage.position for stage in log.meta.stages}
    found = transitions(log)
    step = found["next_stage"].map(order).astype(float) - found["stage"].map(order).astype(float)
    moved = found["value"][step.notna()].sum()
    if not moved:
        return None
    back, late = found["value"][step <= 0].sum(), found["timed_out"].sum()
    if not back and not late:
        return None
    return text(
        sentence(
            t._("**{back}** of {moves} moves between stages lead back, {late} were time-outs."),
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


def worth(log: EventLog, t: Texts) -> Text | None:
    """What a won lead is worth.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Text or None
        None where no deal has a value.
    """
    found = won_value(log).set_index("measure")
    if not log.meta.currency or not len(found) or not found["valued"].iloc[0]:
        return None
    mean = {name: float(found[name]["won_value_mean"]) for name in ("value", "lo", "hi")}
    currency = log.meta.currency
    return text(
        sentence(
            t._("A won lead is worth **{mean}** on average (95%: {lo} to {hi})."),
            mean=t.money(mean["value"], currency),
            lo=t.money(mean["lo"], currency),
            hi=t.money(mean["hi"], currency),
        )
    )
