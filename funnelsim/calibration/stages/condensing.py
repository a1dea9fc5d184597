"""Deals of which only beginning and end are known: a funnel with one stage, ``open``."""

from __future__ import annotations

import pandas as pd

from funnelsim.calibration.parts import Refusal
from funnelsim.events import EventLog, Metadata, StageInfo
from funnelsim.messages import Message

__all__ = ["condensed"]

LABELS = {
    "open": {"en": "Open", "uk": "Відкрита", "ru": "Открыта"},
    "won": {"en": "Won", "uk": "Виграна", "ru": "Выиграна"},
    "lost": {"en": "Lost", "uk": "Програна", "ru": "Проиграна"},
    "closed": {"en": "Closed", "uk": "Закрита", "ru": "Закрыта"},
}
TABLES = ("leads", "visits", "efforts", "marks")


def condensed(log: EventLog) -> tuple[EventLog, tuple[Refusal, ...]]:
    """Reduce a log to how long deals were open and how they closed.

    Parameters
    ----------
    log : EventLog
        Any history; what it says of stages is not used.

    Returns
    -------
    tuple
        A log with the stages ``open``, ``won``, ``lost`` and ``closed`` (neither), and what
        can no longer be told.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> small, refusals = condensed(BANK)
    >>> small.visits["stage"].value_counts().to_dict()
    {'open': 5, 'won': 2, 'lost': 1}
    """
    ends = log.outcomes()
    stage = ends["outcome"].replace({"ended": "closed"})
    over = (stage != "open").to_numpy()
    arrived, closed = log.leads["arrived_at"], ends["closed_at"]
    until = pd.Timestamp(log.meta.observed_until)
    closed = closed.mask(pd.Series(over) & closed.isna(), until).clip(lower=arrived)
    first = pd.DataFrame(
        {
            "lead_id": log.leads["lead_id"],
            "visit": 1,
            "stage": "open",
            "entered_at": arrived,
            "left_at": closed,
            "exit": stage.where(~over, "moved"),
            "next_stage": stage.where(over),
        }
    )
    last = first[over].assign(visit=2, entered_at=closed[over], exit="ended", next_stage=None)
    last["stage"] = first["next_stage"][over]
    marks = pd.DataFrame(
        {
            "lead_id": ends["lead_id"],
            "visit": 2,
            "at": closed,
            "kind": stage,
            "reason": ends["reason"],
            "value": ends["value"],
            "currency": pd.Series(log.meta.currency, index=ends.index).where(ends["value"].notna()),
        }
    )[stage.isin(["won", "lost"]).to_numpy()]
    small = EventLog(
        leads=log.leads,
        visits=pd.concat([first, last], ignore_index=True),
        efforts=log.efforts.assign(visit=pd.array([pd.NA] * len(log.efforts), dtype="Int64")),
        marks=marks,
        meta=_metadata(log.meta, set(stage)),
    )
    return small, _refusals()


def _metadata(meta: Metadata, seen: set[str]) -> Metadata:
    """The same with the stages of a funnel that has none."""
    names = ["open", "won", "lost"] + ["closed"] * ("closed" in seen)
    stages = tuple(
        StageInfo(
            id=name,
            label=LABELS[name],
            position=position,
            advance="won" if name == "open" else None,
            terminal=name != "open",
            outcome={"won": "won", "lost": "lost"}.get(name),  # type: ignore[arg-type]
        )
        for position, name in enumerate(names)
    )
    return meta.model_copy(update={"stages": stages, "history": "full", "known": {}})


def _refusals() -> tuple[Refusal, ...]:
    """What a list of deals cannot tell."""
    why = Message("The data holds the present state of deals only, no changes of stage.")
    instead = Message("The scenario has one stage, from which deals are won or lost by age.")
    fix = Message(
        "Export the history of stages, or several lists of deals taken on different days."
    )
    return (Refusal("stages", why, instead, fix),)
