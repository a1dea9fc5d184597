"""Scenarios that have closed forms, and what the closed forms look at in a log."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.snapshot import Snapshot, snapshot
from funnelsim.events import EventLog, Metadata
from funnelsim.events.tables import empty
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import HOUR, to_instant

__all__ = ["funnel", "instants", "open_since", "present", "queue", "settled_waits"]

MONDAY = "2026-01-05"


def funnel(
    stages: dict[str, Any], rate: str | dict[str, Any], *, horizon: str, **parts: Any
) -> Scenario:
    """A scenario from its stages; leads enter the first. ``parts`` are further sections."""
    source = {"stage": next(iter(stages))} | ({"rate": rate} if isinstance(rate, str) else rate)
    run = {"start": parts.pop("start", MONDAY), "horizon": horizon}
    run["warm_up"] = parts.pop("warm_up", "0 d")
    return Scenario.model_validate(
        {"funnelsim": 1, "name": "theory", "run": run, "stages": stages}
        | {"sources": {"web": source}}
        | parts
    )


def open_since(hours: NDArray[np.float64], stage: str, at: str = MONDAY) -> Snapshot:
    """Deals that entered a stage so many hours before a moment, and are there still."""
    moment = pd.Timestamp(at, tz="UTC")
    entered = moment - pd.to_timedelta(np.round(hours * HOUR).astype(np.int64), unit="us")
    ids = [f"deal{i}" for i in range(len(hours))]
    visits = {"lead_id": ids, "visit": 1, "stage": stage, "entered_at": entered, "exit": "open"}
    log = EventLog(
        leads=pd.DataFrame({"lead_id": ids, "source": "web", "arrived_at": entered}),
        visits=pd.DataFrame(visits),
        efforts=empty("efforts"),
        marks=empty("marks"),
        meta=Metadata(observed_from=entered.min(), observed_until=moment),
    )
    return snapshot(log)


def queue(duration: Any, rate: str, *, seats: int = 1, horizon: str, **parts: Any) -> Scenario:
    """One queue: Poisson arrivals, work, gone."""
    return funnel(
        {"work": {"efforts": {"it": {"team": "team", "duration": duration}}}},
        rate,
        horizon=horizon,
        warm_up="1 d",
        teams={"team": {"seats": seats}},
        **parts,
    )


def settled_waits(log: EventLog, stage: str = "work") -> NDArray[np.float64]:
    """Waits in seconds, in order of queueing, of all who queued half a day before the end.

    Whoever waits longer than that is a failure of the test, not left out.
    """
    visits = log.visits.loc[log.visits["stage"] == stage, ["lead_id", "visit"]]
    work = log.efforts.merge(visits, on=["lead_id", "visit"]).sort_values("queued_at")
    start, end = instants(log)
    queued = work["queued_at"].astype("int64").to_numpy()
    chosen = work[(queued >= start) & (queued < end - 12 * HOUR)]
    waits = (chosen["started_at"] - chosen["queued_at"]).dt.total_seconds().to_numpy()
    assert np.isfinite(waits).all()
    return np.asarray(waits, float)


def instants(log: EventLog) -> tuple[int, int]:
    """The observed window in microseconds."""
    return to_instant(log.meta.observed_from), to_instant(log.meta.observed_until)


def present(log: EventLog, stage: str, moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many leads are in a stage at each of some instants (microseconds)."""
    visits = log.visits[log.visits["stage"] == stage]
    entered = np.sort(visits["entered_at"].astype("int64").to_numpy())
    left = np.sort(visits["left_at"].dropna().astype("int64").to_numpy())
    return np.searchsorted(entered, moments, "right") - np.searchsorted(left, moments, "right")
