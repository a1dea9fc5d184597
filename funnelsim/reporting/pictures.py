"""Measures → pictures with captions, in the reader's language."""

from __future__ import annotations

from typing import Any

import pandas as pd

from funnelsim import figures, measures
from funnelsim.events import EventLog
from funnelsim.reporting.blocks import figure
from funnelsim.reporting.document import Figure
from funnelsim.reporting.names import Names
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

MOST_STAGES = 5


def overview(log: EventLog, t: Texts) -> Figure | None:
    """Draw the funnel with how long leads stay and wait: the one picture of page 1.

    A long funnel shows its first stage and those that lose most, so that it can be read.
    """
    steps = measures.stage_conversion(log)
    if not len(steps):
        return None
    caption = t._("Who goes on, who is lost, how long it takes")
    if len(_path(steps)) > MOST_STAGES:
        steps = _leakiest(_path(steps))
        caption = t._("The stages that lose most: who goes on, how long it takes")
    waiting = measures.waiting_time(log)
    picture = figures.overview(
        steps,
        measures.end_to_end_conversion(log),
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
    """Draw percentiles of the stay in each stage."""
    found = measures.dwell_time(log)
    if not len(found):
        return None
    picture = figures.dwell_time(found, **_words(log, t))
    caption = t._("Stay in each stage")
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
    """Draw how busy teams are, week by week, where their staffing is known."""
    found = measures.utilisation(log, every="1 w")
    if not found["value"].notna().any():
        return None
    picture = figures.utilisation(found, time_zone=log.meta.time_zone, **_words(log, t))
    caption = t._("How busy the teams are, week by week")
    return figure(picture, caption=caption, key="utilisation")


def ageing(log: EventLog, t: Texts) -> Figure | None:
    """Draw how old the open leads are."""
    found = measures.wip_ageing(log)
    if not len(found):
        return None
    picture = figures.wip_ageing(found, **_words(log, t))
    caption = t._("How old the open leads are")
    return figure(picture, caption=caption, key="ageing")


def _path(steps: pd.DataFrame) -> pd.DataFrame:
    """The stages a lead passes when it always goes on, in order."""
    following = dict(zip(steps["stage"], steps["next_stage"], strict=True))
    path = [steps["stage"].iloc[0]]
    while following.get(path[-1]) in following and following[path[-1]] not in path:
        path.append(following[path[-1]])
    return steps.set_index("stage", drop=False).loc[path]


def _leakiest(path: pd.DataFrame) -> pd.DataFrame:
    """The first stage and those that lose most, in order and linked to each other."""
    chosen = {path.index[0], *path["lost"].iloc[1:].nlargest(MOST_STAGES - 1).index}
    short = path[path.index.isin(list(chosen))]
    last = path["next_stage"].iloc[-1]
    return short.assign(next_stage=[*short["stage"].iloc[1:], last])


def _words(log: EventLog, t: Texts) -> dict[str, Any]:
    """How a picture writes."""
    return {"labels": Names.of(log, t).all(), "lang": t.locale, "text": t._}
