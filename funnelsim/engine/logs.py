"""The rows of a run → event log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.arrivals import Arrivals
from funnelsim.engine.plan import EXITS, Plan
from funnelsim.engine.planning import decimals
from funnelsim.engine.rows import Columns, Rows
from funnelsim.engine.seating import Seats
from funnelsim.engine.shocks import factors
from funnelsim.engine.snapshot import Snapshot
from funnelsim.events import EventLog, Metadata, ShockInfo, Staffed, StageInfo, TeamInfo
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.stage import Stage
from funnelsim.streams import Stream
from funnelsim.worktime import MINUTE, SECOND, from_instant

__all__ = ["event_log"]


def event_log(plan: Plan, rows: Rows, stream: Stream) -> EventLog:
    """Turn rows into an event log; it does not say which engine made them, for all are equal.

    Leads that were gone before the observed window are left out. Deals that were open at the
    start keep their ids, arrival and earlier marks; of their visits only those still open then
    are there, with the numbers they had.
    """
    arrivals = rows.arrivals
    last = (rows.visits["exit"] == EXITS.index("ended")) & (
        rows.visits["left_at"] < plan.observed_from
    )
    kept = np.ones(len(arrivals), bool)
    kept[rows.visits["lead"][last]] = False
    visits, efforts, marks = (
        {name: column[kept[table["lead"]]] for name, column in table.items()}
        for table in (rows.visits, rows.efforts, rows.marks)
    )
    ids = _lead_ids(plan, arrivals, stream.replication)
    leads = _leads(plan, arrivals, ids, stream.replication)
    marked = _marks(plan, marks, ids)
    if plan.snapshot is not None:
        leads, earlier = _with_known(leads, plan.snapshot), plan.snapshot.marks
        earlier = earlier.assign(visit=pd.array([pd.NA] * len(earlier), "Int64"))
        marked = pd.concat([earlier, marked], ignore_index=True) if len(earlier) else marked
    return EventLog(
        leads=leads[kept].reset_index(drop=True),
        visits=_visits(plan, visits, ids),
        efforts=_efforts(plan, efforts, ids),
        marks=marked,
        meta=_metadata(plan, rows.seats, stream),
    )


def _with_known(leads: pd.DataFrame, start: Snapshot) -> pd.DataFrame:
    """What is known of the deals that were open at the start, as they were called."""
    known = start.deals.sort_values("lead_id", ignore_index=True)
    columns = ["customer_id", "funnel", "source", "product", "segment"]
    table = known[columns].astype("str")
    given = table.where(known[columns].notna())
    result = leads.copy()
    for name in columns:
        result.loc[: len(known) - 1, name] = given[name].fillna(leads[name].iloc[: len(known)])
    return result


def _lead_ids(plan: Plan, arrivals: Arrivals, replication: int) -> NDArray[Any]:
    """Source, hour (UTC) and number within the hour: the same lead in every what-if."""
    names = np.array([source.id for source in plan.epochs[0].sources], object)[arrivals.source]
    slots, where = np.unique(arrivals.slot, return_inverse=True)
    hours = np.array([_slot_name(slot) for slot in slots.tolist()], object)[where]
    suffix = f"~{replication}" if replication else ""
    ids = [
        f"{name}-{hour}-{place}{suffix}"
        for name, hour, place in zip(names, hours, arrivals.place.tolist(), strict=True)
    ]
    known = [deal.id for deal in plan.deals]
    if known:
        taken = set(known)  # perhaps of an earlier run, in the hour of the start
        ids = known + [f"{name}+" if name in taken else name for name in ids[len(known) :]]
    return np.array(ids, object)


def _slot_name(slot: int) -> str:
    """The minute (UTC), with seconds and fractions only where a replayed moment has them."""
    finer = "" if slot % MINUTE == 0 else "%S" if slot % SECOND == 0 else "%S%f"
    return from_instant(slot).strftime(f"%Y%m%dT%H%M{finer}")


def _times(column: NDArray[Any]) -> pd.Series:
    stamps = column.view("datetime64[us]")
    return pd.Series(stamps).dt.tz_localize("UTC")


def _money(column: NDArray[Any]) -> pd.Series:
    amounts = pd.Series(column, dtype="Int64")
    return amounts.mask(amounts < 0)


def _names(numbers: NDArray[Any], ids: Sequence[str | None]) -> pd.Series:
    """Ids by number; -1 is empty."""
    known = np.array([*ids, None], object)
    return pd.Series(known[numbers], dtype="str")


def _leads(plan: Plan, arrivals: Arrivals, ids: NDArray[Any], replication: int) -> pd.DataFrame:
    sources = [plan.scenario.sources[source.id] for source in plan.epochs[0].sources]
    at = _times(arrivals.arrived_at)
    window = from_instant(plan.observed_from)
    return pd.DataFrame(
        {
            "lead_id": pd.Series(ids, dtype="str"),
            "customer_id": pd.Series(ids, dtype="str"),
            "funnel": _names(arrivals.source, [s.funnel or plan.scenario.name for s in sources]),
            "source": _names(arrivals.source, [source.id for source in plan.epochs[0].sources]),
            "product": _names(arrivals.kind, [kind.product or None for kind in plan.kinds]),
            "segment": _names(arrivals.kind, [kind.segment or None for kind in plan.kinds]),
            "arrived_at": at,
            "observed_from": at.where(at > pd.Timestamp(window), pd.Timestamp(window)),
            "replication": replication,
        }
    )


def _visits(plan: Plan, rows: Columns, ids: NDArray[Any]) -> pd.DataFrame:
    stages = [stage.id for stage in plan.epochs[0].stages]
    return pd.DataFrame(
        {
            "lead_id": pd.Series(ids[rows["lead"]], dtype="str"),
            "visit": rows["visit"],
            "stage": _names(rows["stage"], stages),
            "entered_at": _times(rows["entered_at"]),
            "ready_at": _times(rows["ready_at"]),
            "left_at": _times(rows["left_at"]),
            "exit": _names(rows["exit"], EXITS),
            "next_stage": _names(rows["next_stage"], stages),
        }
    )


def _efforts(plan: Plan, rows: Columns, ids: NDArray[Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lead_id": pd.Series(ids[rows["lead"]], dtype="str"),
            "visit": rows["visit"],
            "effort": _names(rows["effort"], plan.efforts),
            "team": _names(rows["team"], [team.id for team in plan.epochs[0].teams]),
            "queued_at": _times(rows["queued_at"]),
            "started_at": _times(rows["started_at"]),
            "ended_at": _times(rows["ended_at"]),
        }
    )


def _marks(plan: Plan, rows: Columns, ids: NDArray[Any]) -> pd.DataFrame:
    value, cost = _money(rows["value"]), _money(rows["cost"])
    money = value.notna() | cost.notna()
    return pd.DataFrame(
        {
            "lead_id": pd.Series(ids[rows["lead"]], dtype="str"),
            "visit": rows["visit"],
            "at": _times(rows["at"]),
            "kind": _names(rows["mark"], [kind for kind, _ in plan.marks]),
            "reason": _names(rows["mark"], [reason for _, reason in plan.marks]),
            "value": value,
            "cost": cost,
            "currency": pd.Series(plan.scenario.currency, index=money.index, dtype="str").where(
                money
            ),
        }
    )


def _metadata(plan: Plan, seats: Sequence[Seats], stream: Stream) -> Metadata:
    scenario = plan.scenario
    minor = 10 ** decimals(scenario.currency)
    return Metadata(
        observed_from=from_instant(plan.observed_from),
        observed_until=from_instant(plan.observed_until),
        time_zone=scenario.time_zone,
        title=scenario.title or {"en": scenario.name},
        currency=scenario.currency,
        illustrative=scenario.illustrative,
        labels=_labels(scenario),
        stages=tuple(
            StageInfo(
                id=key,
                label=stage.label,
                block=stage.block,
                position=position,
                advance=stage.next.advance if stage.next else None,
                terminal=stage.next is None,
                outcome=_outcome(stage),
            )
            for position, (key, stage) in enumerate(scenario.stages.items())
        ),
        teams=tuple(
            TeamInfo(
                id=team.id,
                label=scenario.teams[team.id].label,
                staffed=_staffed(plan, changes),
                pauses=team.pause is not None,
                cost_per_hour=round(scenario.teams[team.id].cost_per_hour * minor),
            )
            for team, changes in zip(plan.epochs[0].teams, seats, strict=True)
        ),
        shocks=tuple(
            ShockInfo(id=shock.id, start=from_instant(start), factor=factor)
            for shock in plan.shocks
            for start, factor in zip(shock.starts, factors(shock, stream).tolist(), strict=True)
            if start < plan.observed_until
        ),
        provenance={
            "scenario": scenario.name,
            "scenario_sha256": scenario.fingerprint(),
            "seed": str(stream.seed),
            "replication": str(stream.replication),
            **({"open_deals": str(len(plan.deals))} if plan.snapshot is not None else {}),
            "funnelsim": version("funnelsim"),
        },
    )


def _labels(scenario: Scenario) -> dict[str, Mapping[str, str]]:
    """Names of sources, efforts and marks, by dotted id; a reason is called as its stage is."""
    named = {f"sources.{key}": source.label for key, source in scenario.sources.items()}
    for stage in scenario.stages.values():
        named |= {f"efforts.{key}": effort.label for key, effort in stage.efforts.items()}
        for mark in stage.marks:
            key = f"reasons.{mark.reason}" if mark.reason else f"marks.{mark.kind}"
            named[key] = mark.label or named.get(key) or (stage.label if mark.reason else {})
    return {key: label for key, label in named.items() if label}


def _outcome(stage: Stage) -> Literal["won", "lost"] | None:
    kinds = {mark.kind for mark in stage.marks}
    return "won" if "won" in kinds else "lost" if "lost" in kinds else None


def _staffed(plan: Plan, changes: Seats) -> tuple[Staffed, ...]:
    """Intervals with people at work, within the observed window."""
    ends = [instant for instant, _ in changes[1:]] + [plan.observed_until]
    return tuple(
        Staffed(start=from_instant(max(start, plan.observed_from)), end=from_instant(end), seats=n)
        for (start, n), end in zip(changes, ends, strict=True)
        if n and end > plan.observed_from
    )
