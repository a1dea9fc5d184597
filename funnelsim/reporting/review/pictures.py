"""Measures → pictures with captions, in the reader's language."""

from __future__ import annotations

from typing import Any

from funnelsim import figures, measures
from funnelsim.events import EventLog
from funnelsim.measures.journeys import selling_path
from funnelsim.reporting.blocks import figure
from funnelsim.reporting.document import Figure
from funnelsim.reporting.names import Names
from funnelsim.reporting.review.tables import lasting
from funnelsim.reporting.texts import Texts

__all__ = [
    "ageing",
    "arrivals",
    "cumulative_flow",
    "dwell_time",
    "flow",
    "overview",
    "time_split",
    "utilisation",
]

MOST_STAGES = 12
DAILY = 42  # windows up to so many days are drawn day by day


def overview(log: EventLog, t: Texts) -> Figure | None:
    """Draw the funnel up to the win, with how long leads stay and wait: page 1's picture."""
    path = selling_path(log)
    steps = measures.stage_conversion(log)
    steps = steps[steps["stage"].isin(path[:-1])]
    if not len(steps):
        return None
    reached = measures.end_to_end_conversion(log)
    reached = reached[reached["stage"].isin([*path, "(won)"])]
    caption = t._("Who goes on, who is lost, how long it takes")
    waiting = measures.waiting_time(log)
    picture = figures.overview(
        steps,
        reached,
        measures.dwell_time(log),
        waiting[waiting["stage"] != ""],
        measures.losses(log),
        **_words(log, t),
    )
    return figure(picture, caption=caption, key="overview")


def flow(log: EventLog, t: Texts) -> Figure | None:
    """Draw the moves between stages."""
    moves = measures.transitions(log)
    if not len(moves):
        return None
    goals = [stage.id for stage in log.meta.stages if stage.outcome == "won"]
    picture = figures.flow(moves, goals=goals, **_words(log, t))
    return figure(picture, caption=t._("Moves between stages"), key="flow")


def cumulative_flow(log: EventLog, t: Texts) -> Figure | None:
    """Draw where all leads are, day by day."""
    if not len(log.leads):
        return None
    picture = figures.cumulative_flow(
        measures.cumulative_flow(log), time_zone=log.meta.time_zone, **_words(log, t)
    )
    caption = t._("Where all leads are, day by day")
    return figure(picture, caption=caption, key="cumulative-flow")


def dwell_time(log: EventLog, t: Texts) -> Figure | None:
    """Draw percentiles of the stay in each stage; of very many the table says enough."""
    found = lasting(measures.dwell_time(log))
    if not 0 < found["stage"].nunique() <= MOST_STAGES:
        return None
    picture = figures.dwell_time(found, **_words(log, t))
    caption = t._("Stay in each stage")
    return figure(picture, caption=caption, key="dwell-time")


def time_split(log: EventLog, t: Texts) -> Figure | None:
    """Draw what the stay is made of."""
    stays = set(lasting(measures.dwell_time(log))["stage"])
    parts = [
        table[table["stage"].isin(stays)]
        for table in (
            measures.delay_time(log),
            measures.waiting_time(log),
            measures.working_time(log),
        )
    ]
    if not any(map(len, parts)):
        return None
    picture = figures.time_split(*parts, **_words(log, t))
    caption = t._("Delay, wait and work in each stage (medians)")
    return figure(picture, caption=caption, key="time-split")


def arrivals(log: EventLog, t: Texts) -> Figure | None:
    """Draw when leads arrive, weekday by hour."""
    if not len(log.leads):
        return None
    words = _words(log, t)
    words.pop("labels")
    picture = figures.week(measures.arrivals_by_hour(log), unit=t._("leads per hour"), **words)
    caption = t._("When leads arrive, by weekday and hour")
    return figure(picture, caption=caption, key="arrivals")


def utilisation(log: EventLog, t: Texts) -> Figure | None:
    """Draw how busy teams are over time, where their staffing is known."""
    short = (log.meta.observed_until - log.meta.observed_from).days <= DAILY
    found = measures.utilisation(log, every="1 d" if short else "1 w")
    if not found["value"].notna().any():
        return None
    words = _words(log, t) | {"labels": Names.of(log, t).teams}
    picture = figures.utilisation(found, time_zone=log.meta.time_zone, **words)
    daily, weekly = (
        t._("How busy the teams are, day by day"),
        t._("How busy the teams are, week by week"),
    )
    caption = daily if short else weekly
    return figure(picture, caption=caption, key="utilisation")


def ageing(log: EventLog, t: Texts) -> Figure | None:
    """Draw how old the open leads are."""
    found = measures.wip_ageing(log)
    if not len(found):
        return None
    picture = figures.wip_ageing(found, **_words(log, t))
    caption = t._("How old the open leads are")
    return figure(picture, caption=caption, key="ageing")


def _words(log: EventLog, t: Texts) -> dict[str, Any]:
    """How a picture writes."""
    return {"labels": Names.of(log, t).all(), "lang": t.locale, "text": t._}
