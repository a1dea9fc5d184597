"""Leads and their visits as arrays that measures can count: whole microseconds, codes.

A *cohort* is the leads that arrived inside the log's window, ``observed_from`` ≤
``arrived_at`` < ``observed_until``, and were seen from their arrival on: a lead whose own
``observed_from`` lies after its arrival is in the log only because it lived long enough
to be seen, and would make every share and duration look better than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.events.schema import EXITS
from funnelsim.worktime import to_instant

__all__ = [
    "MISSING",
    "SECOND",
    "Codes",
    "Journeys",
    "Micros",
    "advance_path",
    "journeys",
    "keys_of",
    "lasting_stages",
    "micros",
    "rows_of",
    "selling_path",
    "stage_ids",
    "stamps",
    "window",
]

Micros = NDArray[np.int64]
Codes = NDArray[np.intp]

SECOND: Final = 1_000_000
MISSING: Final = np.iinfo(np.int64).min  # what NaT is as an integer


def micros(times: pd.Series) -> Micros:
    """Return times as microseconds since the epoch, UTC; ``MISSING`` where empty."""
    return times.to_numpy(dtype="datetime64[us]").view(np.int64)


def stamps(times: Micros) -> pd.Series:
    """Return microseconds since the epoch as a column of times, UTC."""
    return pd.Series(times.view("datetime64[us]")).dt.tz_localize("UTC")


def window(log: EventLog) -> tuple[int, int]:
    """Return the log's window in microseconds since the epoch."""
    return to_instant(log.meta.observed_from), to_instant(log.meta.observed_until)


def rows_of(lead_id: pd.Series, leads: pd.DataFrame) -> Codes:
    """Return the row in ``leads`` of each ``lead_id``; -1 where there is none."""
    codes, _ = pd.factorize(pd.concat([leads["lead_id"], lead_id], ignore_index=True))
    found = codes[len(leads) :]
    return np.where(found < len(leads), found, -1)


def stage_ids(log: EventLog) -> list[str]:
    """Return the funnel's stages in order, then any others seen."""
    known = [stage.id for stage in sorted(log.meta.stages, key=lambda stage: stage.position)]
    seen = set(log.visits["stage"].dropna().unique()) - set(known)
    return known + sorted(seen)


def advance_path(log: EventLog) -> list[str]:
    """Return the stages a lead passes when it advances every time.

    The path starts at the first stage by position and follows ``advance``. A log that
    names no advance at all (a plain CRM pipeline) has its stages in order instead,
    without those that mark a loss.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    list of str
        Stage ids.
    """
    stages = {stage.id: stage for stage in sorted(log.meta.stages, key=lambda s: s.position)}
    if not any(stage.advance for stage in stages.values()):
        return [stage.id for stage in stages.values() if stage.outcome != "lost"]
    path: list[str] = []
    here: str | None = next(iter(stages))
    while here is not None and here in stages and here not in path:
        path.append(here)
        here = stages[here].advance
    return path


def selling_path(log: EventLog) -> list[str]:
    """Return the part of the advance path up to the stage that marks a win.

    What comes after it, service or repeat orders, is the business with clients: nobody
    wins or loses a lead there.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    list of str
        Stage ids; the whole path where no stage marks a win.
    """
    path = advance_path(log)
    winning = {stage.id for stage in log.meta.stages if stage.outcome == "won"}
    won = next((step for step, stage in enumerate(path) if stage in winning), len(path) - 1)
    return path[: won + 1]


def lasting_stages(log: EventLog) -> list[int]:
    """Return the codes of the stages a lead can stay in: all but the terminal ones."""
    final = {stage.id for stage in log.meta.stages if stage.terminal}
    return [code for code, stage in enumerate(stage_ids(log)) if stage not in final]


@dataclass(frozen=True, slots=True)
class Journeys:
    """Leads with how each ended, and their visits in order.

    Parameters
    ----------
    leads : DataFrame, one row per lead
        The columns of the log's leads and ``owner`` (of the latest visit that has one,
        unless leads have their own).
    ends : DataFrame, one row per lead
        ``arrived``, ``closed`` (µs), ``outcome`` (won, lost, ended, open), ``reason``,
        ``value``, ``present`` (the last visit has not ended), ``gone`` (µs; when it ended,
        or the end of the log).
    visits : DataFrame, one row per visit, by lead and number
        ``lead`` (row in ``leads``), ``visit``, ``stage`` and ``next`` (codes into
        ``stages``, -1 none), ``entered``, ``ready``, ``left`` (µs), ``exit``, ``owner``.
    efforts : DataFrame, one row per piece of work
        ``lead``, ``stage`` (codes as above), ``owner`` (of the visit), ``effort``,
        ``team``, ``worker``, ``queued``, ``started``, ``ended`` (µs).
    stages : list of str
        Stage ids in the funnel's order.
    until : int
        End of the log's window, µs.
    """

    leads: pd.DataFrame
    ends: pd.DataFrame
    visits: pd.DataFrame
    efforts: pd.DataFrame
    stages: list[str]
    until: int


_KEPT: WeakKeyDictionary[EventLog, dict[bool, Journeys]] = WeakKeyDictionary()


def journeys(log: EventLog, *, cohort: bool) -> Journeys:
    """Bring a log into the form that measures count.

    Parameters
    ----------
    log : EventLog
    cohort : bool
        Only leads that arrived inside the log's window and were seen from then on.

    Returns
    -------
    Journeys
        Kept as long as the log lives, for a report asks a log twenty things; not to be
        changed.
    """
    kept = _KEPT.setdefault(log, {})
    if False not in kept:
        stages = stage_ids(log)
        visits = _visits(log, stages)
        kept[False] = Journeys(
            leads=_owned(log, visits),
            ends=_ends(log, visits),
            visits=visits,
            efforts=_efforts(log, visits),
            stages=stages,
            until=window(log)[1],
        )
    if cohort and True not in kept:
        kept[True] = _cohort(kept[False], log)
    return kept[cohort]


def keys_of(
    trips: Journeys, rows: pd.DataFrame, columns: Sequence[str], own: Sequence[str] = ("owner",)
) -> pd.DataFrame:
    """Return grouping columns of visits or pieces of work.

    Parameters
    ----------
    trips : Journeys
    rows : DataFrame
        Visits or efforts of these journeys.
    columns : sequence of str
        What to group by.
    own : sequence of str
        Columns taken from the rows themselves; the others are those of their leads.

    Returns
    -------
    DataFrame, one row per row of ``rows``
    """
    leads = trips.leads.iloc[rows["lead"]].set_index(rows.index)
    return pd.DataFrame(
        {name: rows[name] if name in own else leads[name] for name in columns}, index=rows.index
    )


def _cohort(every: Journeys, log: EventLog) -> Journeys:
    """Leads that arrived inside the window and were seen from then on."""
    since, until = window(log)
    arrived, seen = every.ends["arrived"].to_numpy(), micros(log.leads["observed_from"])
    inside = (arrived >= since) & (arrived < until) & (seen <= arrived)
    if inside.all():
        return every
    row = np.where(inside, np.cumsum(inside) - 1, -1)
    visits, efforts = (
        table.assign(lead=row[table["lead"]])[inside[table["lead"]]].reset_index(drop=True)
        for table in (every.visits, every.efforts)
    )
    leads, ends = (table[inside].reset_index(drop=True) for table in (every.leads, every.ends))
    return Journeys(leads, ends, visits, efforts, every.stages, until)


def _visits(log: EventLog, stages: list[str]) -> pd.DataFrame:
    """Visits with codes and microseconds; a log keeps them by lead and number."""
    raw = log.visits
    return pd.DataFrame(
        {
            "lead": rows_of(raw["lead_id"], log.leads),
            "visit": raw["visit"].to_numpy(),
            "stage": _codes(raw["stage"], stages),
            "entered": micros(raw["entered_at"]),
            "ready": micros(raw["ready_at"]),
            "left": micros(raw["left_at"]),
            "exit": _codes(raw["exit"], EXITS),
            "next": _codes(raw["next_stage"], stages),
            "owner": raw["owner"],
        }
    )


def _efforts(log: EventLog, visits: pd.DataFrame) -> pd.DataFrame:
    """Pieces of work with their stage; visits of a lead are numbered 1, 2, … without gaps."""
    raw = log.efforts
    lead, number = rows_of(raw["lead_id"], log.leads), raw["visit"].fillna(0).to_numpy(np.int64)
    first = np.searchsorted(visits["lead"].to_numpy(), lead)
    at = np.where(number > 0, first + number - 1, len(visits))
    return pd.DataFrame(
        {
            "lead": lead,
            "stage": np.append(visits["stage"].to_numpy(), -1)[at],
            "owner": visits["owner"].reindex(at).array,
            "effort": raw["effort"],
            "team": raw["team"],
            "worker": raw["worker"],
            "queued": micros(raw["queued_at"]),
            "started": micros(raw["started_at"]),
            "ended": micros(raw["ended_at"]),
        }
    )


def _codes(names: pd.Series, known: Sequence[str]) -> NDArray[np.int16]:
    """Codes of names, -1 for none."""
    codes, found = pd.factorize(names)
    code_of = {name: code for code, name in enumerate(known)}
    return np.array([*(code_of.get(name, -1) for name in found), -1], dtype=np.int16)[codes]


def _owned(log: EventLog, visits: pd.DataFrame) -> pd.DataFrame:
    """Leads with their latest owner."""
    if "owner" in log.leads:
        return log.leads
    owned = visits[visits["owner"].notna()].groupby("lead")["owner"].last()
    return log.leads.assign(owner=owned.reindex(range(len(log.leads))).array)


def _ends(log: EventLog, visits: pd.DataFrame) -> pd.DataFrame:
    """How and when each lead ended; a closing without a date had come by the end."""
    outcomes = log.outcomes()
    _, until = window(log)
    closed = micros(outcomes["closed_at"])
    undated = (closed == MISSING) & (outcomes["outcome"] != "open").to_numpy()
    last = visits[np.diff(visits["lead"], append=-1) != 0]
    present, gone = np.ones(len(log.leads), dtype=bool), np.full(len(log.leads), MISSING)
    present[last["lead"]] = last["exit"] != EXITS.index("ended")
    gone[last["lead"]] = last["left"]
    return pd.DataFrame(
        {
            "arrived": micros(log.leads["arrived_at"]),
            "outcome": outcomes["outcome"],
            "closed": np.where(undated, until, closed),
            "reason": outcomes["reason"],
            "value": outcomes["value"],
            "present": present,
            "gone": np.where(present | (gone == MISSING), until, gone),
        }
    )
