"""What is in the funnel and what flows through it: WIP, ageing, backlog, throughput.

These are *flow* measures: they show what happens inside the log's window, whenever the
leads arrived, and are counts rather than estimates. Days, weeks and months are those of
the log's time zone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.durations import dwell_time
from funnelsim.measures.journeys import (
    MISSING,
    SECOND,
    journeys,
    keys_of,
    lasting_stages,
    stamps,
)
from funnelsim.measures.percentiles import PERCENTILES
from funnelsim.measures.periods import edges, moments, period_of
from funnelsim.measures.steps import level_at, steps
from funnelsim.measures.tables import (
    WORK,
    By,
    Per,
    check_per,
    columns_of,
    groups,
    need_full_history,
    tidy,
)

__all__ = ["backlog", "cumulative_flow", "throughput", "wip", "wip_ageing"]

Integers = NDArray[np.int64]

TIME: Final = "datetime64[us, UTC]"
NEVER: Final = np.iinfo(np.int64).max
DAY: Final = 86_400 * SECOND
BANDS: Final = ("below p50", "p50 to p80", "p80 to p95", "above p95")
USUAL: Final = tuple(f"p{100 * p:.0f}" for p in PERCENTILES)
NAN: Final = float("nan")


def wip(log: EventLog, *, by: By = (), every: str = "1D") -> pd.DataFrame:
    """Leads in each stage, moment by moment.

    Parameters
    ----------
    log : EventLog
        With full history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the visit).
    every : str
        ``"1D"``, ``"1 w"``, ``"4 h"`` …; the beginnings of these periods, and the end.

    Returns
    -------
    DataFrame
        Item columns ``at`` and ``stage`` (terminal stages left out); value in leads; then
        ``undecided``, those of them neither won nor lost by then: the open deals. Their
        difference is the leads in after-sales stages.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = wip(BANK)
    >>> table[table["value"] > 0][["stage", "value"]].values.tolist()
    [['decision', 1.0], ['decision', 1.0], ['interest', 1.0], ['decision', 1.0]]
    """
    need_full_history(log, "wip")
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=False)
    visits = trips.visits
    keys = keys_of(trips, visits, columns)
    start, left = visits["entered"].to_numpy(), _or_never(visits["left"])
    decided = np.where(trips.ends["outcome"].isin(["won", "lost"]), trips.ends["closed"], NEVER)
    until = np.maximum(np.minimum(left, decided[visits["lead"]]), start)
    times = moments(log, every)
    parts = []
    for key, at in groups(keys):
        for code in lasting_stages(log):
            mine = at[visits["stage"].to_numpy()[at] == code]
            present = level_at(steps(start[mine], left[mine]), times)
            undecided = level_at(steps(start[mine], until[mine]), times)
            item = {**key, "at": stamps(times), "stage": trips.stages[code]}
            parts.append(
                item | _measured("wip", present, "leads", present) | {"undecided": undecided}
            )
    items = {"at": TIME, "stage": "str"}
    table = tidy(_stacked(parts), log, columns, items, {"undecided": "int64"})
    return _in_order(table, [*columns, "at"])


def cumulative_flow(log: EventLog, *, by: By = (), every: str = "1D") -> pd.DataFrame:
    """Where all leads that ever came are, moment by moment: the bands of a flow diagram.

    Parameters
    ----------
    log, by, every
        As in :func:`wip`; ``by`` takes columns of leads only.

    Returns
    -------
    DataFrame
        Item columns ``at`` and ``state``: the stages with the leads that are undecided
        there, then ``(won)``, ``(lost)`` and ``(ended)`` for the others, wherever they are
        since. Each lead is in exactly one state, so the states add up to all leads arrived,
        and the stages to the open deals of :func:`wip`.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> last = cumulative_flow(BANK).tail(5)
    >>> dict(zip(last["state"], last["value"]))
    {'interest': 1.0, 'decision': 1.0, '(won)': 2.0, '(lost)': 1.0, '(ended)': 0.0}
    """
    need_full_history(log, "cumulative_flow")
    columns = columns_of(by, log)
    trips = journeys(log, cohort=False)
    visits = trips.visits
    stage, lead = visits["stage"].to_numpy(), visits["lead"].to_numpy()
    outcome = trips.ends["outcome"].to_numpy()
    closed = np.where(outcome == "open", NEVER, trips.ends["closed"])
    start = visits["entered"].to_numpy()
    left = np.minimum(_or_never(visits["left"]), closed[lead])
    undecided = start < closed[lead]
    shown = [*lasting_stages(log), *np.setdiff1d(stage[undecided], lasting_stages(log))]
    times = moments(log, every)
    parts = []
    for key, at in groups(trips.leads[list(columns)]):
        member = np.isin(lead, at) & undecided
        item = {**key, "at": stamps(times)}
        for code in shown:
            mine = member & (stage == code)
            here = level_at(steps(start[mine], left[mine]), times)
            state = {**item, "state": trips.stages[code]}
            parts.append(state | _measured("cumulative_flow", here, "leads", here))
        for way in ("won", "lost", "ended"):
            past = np.sort(closed[at][outcome[at] == way])
            number = np.searchsorted(past, times, side="right")
            state = {**item, "state": f"({way})"}
            parts.append(state | _measured("cumulative_flow", number, "leads", number))
    table = tidy(_stacked(parts), log, columns, {"at": TIME, "state": "str"})
    return _in_order(table, [*columns, "at"])


def backlog(log: EventLog, *, by: By = (), every: str = "1D", per: Per = "team") -> pd.DataFrame:
    """Work that is ready and waits for somebody, moment by moment.

    Parameters
    ----------
    log : EventLog
        Any history with efforts that say when they were queued.
    by : str or sequence of str
        Columns of leads, ``owner``, ``effort``, ``team`` or ``worker``.
    every : str
        As in :func:`wip`.
    per : {"stage", "team"}
        The item column beside ``at``.

    Returns
    -------
    DataFrame
        Value in pieces of work (unit ``efforts``).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = backlog(BANK, every="15 min")
    >>> table[table["value"] > 0]["at"].dt.strftime("%d %H:%M").tolist()
    ['05 10:30', '05 10:45', '06 10:00', '06 10:15', '07 16:30']
    """
    check_per(per)
    columns = columns_of(by, log, also=WORK)
    columns = tuple(name for name in columns if name != per)
    trips = journeys(log, cohort=False)
    work = trips.efforts[trips.efforts["queued"].to_numpy() != MISSING]
    begun = work["started"].to_numpy() != MISSING
    end = _or_never(work["started"].where(begun, work["ended"]))
    start = work["queued"].to_numpy()
    times = moments(log, every)
    parts = []
    for key, at in groups(
        keys_of(trips, work, columns, WORK).assign(**{per: work[per].to_numpy()})
    ):
        waiting = level_at(steps(start[at], end[at]), times)
        code = key.pop(per)
        name = code if per == "team" else [*trips.stages, ""][int(str(code))]
        item = {**key, "at": stamps(times), per: name}
        parts.append(item | _measured("backlog", waiting, "efforts", waiting))
    table = tidy(_stacked(parts), log, columns, {"at": TIME, per: "str"})
    return _in_order(table, [*columns, "at"])


def throughput(log: EventLog, *, by: By = (), every: str = "1W") -> pd.DataFrame:
    """Leads closed in each period, by outcome.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    every : str
        ``"1W"``, ``"1 mo"`` …; the first and last periods are cut off by the window.

    Returns
    -------
    DataFrame
        Item columns ``at`` (begin of the period) and ``outcome`` (won, lost, ended); value
        in leads; then ``days``, the length of the period.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> throughput(BANK)[["outcome", "value", "days"]].values.tolist()
    [['won', 2.0, 3.0], ['lost', 1.0, 3.0], ['ended', 0.0, 3.0]]
    """
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=False)
    cuts = edges(log, every)
    outcome = trips.ends["outcome"].to_numpy()
    closed = np.where(outcome == "open", MISSING, trips.ends["closed"])
    period = period_of(cuts, closed)
    days = np.diff(cuts) / DAY
    parts = []
    for key, at in groups(trips.leads[list(columns)]):
        for way in ("won", "lost", "ended"):
            mine = period[at][(outcome[at] == way) & (period[at] >= 0)]
            number = np.bincount(mine, minlength=len(days))
            item = {**key, "at": stamps(cuts[:-1]), "outcome": way}
            parts.append(item | _measured("throughput", number, "leads", number) | {"days": days})
    items = {"at": TIME, "outcome": "str"}
    table = tidy(_stacked(parts), log, columns, items, {"days": "float64"})
    return _in_order(table, [*columns, "at"])


def wip_ageing(log: EventLog, *, by: By = ()) -> pd.DataFrame:
    """Age of every open deal at the end of the log, beside what is usual in its stage.

    Parameters
    ----------
    log : EventLog
        With ``latest_entry`` history the usual stay is unknown, with ``snapshot`` history
        the age in the stage too.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit), to carry along.

    Returns
    -------
    DataFrame
        One row per lead that is neither won, lost nor ended: ``lead_id``, ``stage``; value
        = seconds in the stage; then ``age`` (seconds since arrival), ``p50``, ``p80``,
        ``p95`` (seconds, the stage's dwell-time percentiles by Kaplan–Meier) and ``band``:
        ``below p50``, ``p50 to p80``, ``p80 to p95``, ``above p95``, or empty where p50 is
        not known. Another percentile not reached is NaN and longer than any age. By stage,
        the oldest first.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> wip_ageing(BANK)[["lead_id", "stage", "value", "band"]].values.tolist()
    [['e', 'interest', 54000.0, 'p80 to p95'], ['d', 'decision', 129600.0, 'p50 to p80']]
    """
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=False)
    last = trips.visits[np.diff(trips.visits["lead"], append=-1) != 0]
    last = last[(trips.ends["outcome"].to_numpy() == "open")[last["lead"]]]
    oldest = np.lexsort((last["lead"], last["entered"], last["stage"]))
    last = last.iloc[oldest]
    leads = trips.leads.iloc[last["lead"]].reset_index(drop=True)
    known = log.meta.history != "snapshot"
    age = np.where(known, (trips.until - last["entered"].to_numpy()) / SECOND, NAN)
    stage = np.array([*trips.stages, ""], dtype=object)[last["stage"].to_numpy()]
    usual = _usual_stay(log).reindex(stage).to_numpy()
    passed = (age[:, None] > np.where(np.isnan(usual), np.inf, usual)).sum(axis=1)
    nameless = np.isnan(age) | np.isnan(usual[:, 0])
    table: dict[str, object] = {
        **{name: leads[name] for name in columns},
        "lead_id": leads["lead_id"],
        "stage": stage,
        **_measured("age_in_stage", age, "s", np.ones(len(leads), dtype=np.int64)),
        "method": "exact" if known else "unknown",
        "age": (trips.until - trips.ends["arrived"].to_numpy()[last["lead"]]) / SECOND,
        **dict(zip(USUAL, usual.T, strict=True)),
        "band": np.array([*BANDS, ""], dtype=object)[np.where(nameless, len(BANDS), passed)],
    }
    items = {"lead_id": "str", "stage": "str"}
    counts = {"age": "float64", **dict.fromkeys(USUAL, "float64"), "band": "str"}
    return tidy(table, log, columns, items, counts)


def _usual_stay(log: EventLog) -> pd.DataFrame:
    """Dwell-time percentiles by stage, seconds; no rows where unknown."""
    if log.meta.history != "full":
        return pd.DataFrame(columns=list(USUAL), dtype="float64")
    table = dwell_time(log)
    table = table[table["measure"] == "dwell_time"]
    wide = table.pivot_table(index="stage", columns="quantile", values="value", dropna=False)
    return wide.reindex(columns=list(PERCENTILES)).set_axis(list(USUAL), axis=1)


def _or_never(times: pd.Series) -> Integers:
    """Times with ``NEVER`` for those still to come."""
    return np.where(times.to_numpy() == MISSING, NEVER, times.to_numpy())


def _measured(measure: str, value: object, unit: str, n: object) -> dict[str, object]:
    """Fixed columns of counts."""
    fixed = {"lo": NAN, "hi": NAN, "level": NAN, "method": "exact"}
    return {"measure": measure, "value": value, "unit": unit, "n": n, **fixed}


def _stacked(parts: list[dict[str, object]]) -> pd.DataFrame:
    """Parts of columns under one another."""
    return pd.concat([pd.DataFrame(part) for part in parts] or [pd.DataFrame()], ignore_index=True)


def _in_order(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Rows by group and moment; stages keep their order within."""
    return table.sort_values(columns, kind="stable", ignore_index=True)
