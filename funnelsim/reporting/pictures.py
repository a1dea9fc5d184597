"""Measures → pictures with captions, in the reader's language."""

from __future__ import annotations

from typing import Any

from funnelsim import figures, measures
from funnelsim.events import EventLog
from funnelsim.reporting.blocks import Figure, figure
from funnelsim.reporting.names import Names
from funnelsim.reporting.texts import Texts

__all__ = [
    "ageing",
    "arrivals",
    "cumulative_flow",
    "dwell_time",
    "flow",
    "funnel",
    "overview",
    "time_split",
    "utilisation",
]


def overview(log: EventLog, t: Texts) -> Figure | None:
    """Draw the funnel with how long leads stay and wait: the one picture of page 1."""
    steps = measures.stage_conversion(log)
    if not len(steps):
        return None
    waiting = measures.waiting_time(log)
    picture = figures.overview(
        steps,
        measures.end_to_end_conversion(log),
        measures.dwell_time(log),
        waiting[waiting["stage"] != ""],
        measures.losses(log),
        **_words(log, t),
    )
    caption = t._("Who goes on, who is lost, and how long a stage takes (medians)")
    return figure(picture, caption=caption, key="overview")


def funnel(log: EventLog, t: Texts) -> Figure:
    """Draw the funnel with conversions and losses."""
    picture = figures.funnel(
        measures.stage_conversion(log),
        measures.end_to_end_conversion(log),
        measures.losses(log),
        **_words(log, t),
    )
    caption = t._("The funnel: leads that came to each stage, went on, were lost, are still open")
    return figure(picture, caption=caption, key="funnel")


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
    caption = t._("Cumulative flow: where all leads that ever came are")
    return figure(picture, caption=caption, key="cumulative-flow")


def dwell_time(log: EventLog, t: Texts) -> Figure | None:
    """Draw percentiles of the stay in each stage."""
    found = measures.dwell_time(log)
    if not len(found):
        return None
    picture = figures.dwell_time(found, **_words(log, t))
    caption = t._("Stay in each stage: median, 80% and 95% marks with their intervals")
    return figure(picture, caption=caption, key="dwell-time")


def time_split(log: EventLog, t: Texts) -> Figure | None:
    """Draw what the stay is made of."""
    parts = [
        table[table["stage"] != ""]
        for table in (
            measures.delay_time(log),
            measures.waiting_time(log),
            measures.working_time(log),
        )
    ]
    if not any(map(len, parts)):
        return None
    picture = figures.time_split(*parts, **_words(log, t))
    caption = t._(
        "What the stay is made of: the client's delay, the wait for us, our work (medians)"
    )
    return figure(picture, caption=caption, key="time-split")


def arrivals(log: EventLog, t: Texts) -> Figure | None:
    """Draw when leads arrive, weekday by hour."""
    if not len(log.leads):
        return None
    words = _words(log, t)
    words.pop("labels")
    picture = figures.week(measures.arrivals_by_hour(log), unit=t._("leads per hour"), **words)
    caption = t._("When leads arrive: mean number by weekday and hour")
    return figure(picture, caption=caption, key="arrivals")


def utilisation(log: EventLog, t: Texts) -> Figure | None:
    """Draw how busy teams are, week by week, where their staffing is known."""
    found = measures.utilisation(log, every="1 w")
    if not found["value"].notna().any():
        return None
    picture = figures.utilisation(found, time_zone=log.meta.time_zone, **_words(log, t))
    caption = t._("Utilisation: busy share of each team's staffed time, week by week")
    return figure(picture, caption=caption, key="utilisation")


def ageing(log: EventLog, t: Texts) -> Figure | None:
    """Draw how old the open leads are."""
    found = measures.wip_ageing(log)
    if not len(found):
        return None
    picture = figures.wip_ageing(found, **_words(log, t))
    caption = t._("Open leads by stage and age, against what is usual there")
    return figure(picture, caption=caption, key="ageing")


def _words(log: EventLog, t: Texts) -> dict[str, Any]:
    """How a picture writes."""
    return {"labels": Names.of(log, t).all(), "lang": t.locale, "text": t._}
