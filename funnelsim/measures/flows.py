"""Where leads go: from stage to stage, and out of the funnel for which reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EXITS, EventLog
from funnelsim.measures.journeys import Journeys, journeys, keys_of, lasting_stages
from funnelsim.measures.tables import (
    By,
    columns_of,
    exact,
    groups,
    need_full_history,
    record,
    tidy,
)

__all__ = ["losses", "transitions"]

ARRIVED = "(arrived)"


def losses(log: EventLog, *, by: By = ()) -> pd.DataFrame:
    """Leads lost, by the stage they were lost in and the reason.

    The stage is the last one the lead was in before the loss was marked, the stage of lost
    leads itself left out.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).

    Returns
    -------
    DataFrame
        One row per ``stage`` and ``reason`` (empty where none was given); value in leads of
        the cohort, ``n`` = all losses of the group; then ``share`` of these. A loss without
        any stage has an empty one.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> losses(BANK)[["stage", "reason", "value", "share"]].values.tolist()
    [['interest', 'price', 1.0, 1.0]]
    """
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=True)
    lost = np.flatnonzero(trips.ends["outcome"].to_numpy() == "lost")
    keys = trips.leads[list(columns)].iloc[lost]
    reason = trips.ends["reason"].iloc[lost].fillna("")
    keys = keys.assign(stage=_stage_of_loss(log, trips)[lost], reason=reason)
    records: list[dict[str, object]] = []
    for group, members in groups(keys[list(columns)]):
        for key, at in groups(keys[["stage", "reason"]].iloc[members]):
            code = int(str(key["stage"]))
            item = {**group, **key, "stage": [*trips.stages, ""][code]}
            row = record(item, "losses", "leads", exact(len(at), len(members)), level=0)
            records.append(row | {"share": len(at) / len(members)})
    return tidy(records, log, columns, {"stage": "str", "reason": "str"}, {"share": "float64"})


def transitions(log: EventLog, *, by: By = ()) -> pd.DataFrame:
    """Count the ways from stage to stage, from arrival to the end.

    Parameters
    ----------
    log : EventLog
        With full history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the visit).

    Returns
    -------
    DataFrame
        One row per ``stage`` and ``next_stage`` that occurred, visits of the cohort's
        leads: value in visits, ``n`` = all visits to ``stage``; then ``share`` of these,
        and ``timed_out`` and ``reneged``, how many of them went this way by a time-out or
        by giving up. ``stage`` = ``(arrived)`` leads to the first stages; ``next_stage`` =
        ``(open)`` are those still there, ``(ended)`` those that left the funnel.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = transitions(BANK)
    >>> table[["stage", "next_stage", "value"]].values.tolist()[:4]
    [['(arrived)', 'interest', 5.0], ['interest', 'decision', 2.0],
     ['interest', 'contract', 1.0], ['interest', 'lost', 1.0]]
    """
    need_full_history(log, "transitions")
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=True)
    visits = trips.visits
    ways, names = _ways(trips)
    keys = keys_of(trips, visits, columns)
    keys = pd.concat([keys.iloc[ways["row"]].reset_index(drop=True), ways], axis=1)
    records: list[dict[str, object]] = []
    for group, members in groups(keys[[*columns, "stage"]]):
        stage = names[int(str(group["stage"]))]
        for key, at in groups(keys[["next"]].iloc[members]):
            leaving = keys["exit"].to_numpy()[members[at]]
            item = {**group, "stage": stage, "next_stage": names[int(str(key["next"]))]}
            row = record(item, "transitions", "visits", exact(len(at), len(members)), level=0)
            gone = {way: int((leaving == EXITS.index(way)).sum()) for way in SPECIAL}
            records.append(row | {"share": len(at) / len(members)} | gone)
    counts = {"share": "float64", **dict.fromkeys(SPECIAL, "int64")}
    return tidy(records, log, columns, {"stage": "str", "next_stage": "str"}, counts)


SPECIAL = ("timed_out", "reneged")


def _ways(trips: Journeys) -> tuple[pd.DataFrame, list[str]]:
    """One row per arrival and per visit: from, to (numbers of names), exit, row of visits."""
    visits = trips.visits
    n = len(trips.stages)
    names = [ARRIVED, *trips.stages, "(ended)", "(open)"]
    leaving, stage = visits["exit"].to_numpy(), visits["stage"].to_numpy() + 1
    target = visits["next"].to_numpy() + 1
    target = np.where(leaving == EXITS.index("open"), n + 2, np.where(target > 0, target, n + 1))
    first = np.flatnonzero(np.diff(visits["lead"].to_numpy(), prepend=-1) != 0)
    ways = pd.DataFrame(
        {
            "stage": np.concatenate([np.zeros(len(first), dtype=np.int64), stage]),
            "next": np.concatenate([stage[first], target]),
            "exit": np.concatenate([np.full(len(first), -1), leaving]),
            "row": np.concatenate([first, np.arange(len(visits))]),
        }
    )
    return ways, names


def _stage_of_loss(log: EventLog, trips: Journeys) -> NDArray[np.int64]:
    """Code of the last stage each lead was in when it closed; -1 for none."""
    losing = [trips.stages.index(info.id) for info in log.meta.stages if info.outcome == "lost"]
    visits = trips.visits
    lead, stage = visits["lead"].to_numpy(), visits["stage"].to_numpy()
    before = visits["entered"].to_numpy() <= trips.ends["closed"].to_numpy()[lead]
    real = before & ~np.isin(stage, losing) & np.isin(stage, lasting_stages(log))
    found = np.full(len(trips.leads), -1)
    found[lead[real]] = stage[real]
    return found
