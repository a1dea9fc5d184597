"""The facts of page 1: log → numbers.

What the log's history cannot support is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pandas as pd

from funnelsim.errors import HistoryError
from funnelsim.events import EventLog
from funnelsim.measures import (
    cycle_time,
    dwell_time,
    losses,
    stage_conversion,
    transitions,
    utilisation,
    waiting_time,
    win_rate,
    wip,
    won_value,
)
from funnelsim.reporting.review.facts import (
    Busy,
    Earned,
    Empty,
    Estimate,
    Facts,
    Leak,
    Slowest,
    Stuck,
    TimeSplit,
)

__all__ = ["gather", "supported", "time_split"]

P = ParamSpec("P")
T = TypeVar("T")
NAN = float("nan")
# A percentile of fewer pieces of work names no team.
ENOUGH = 30


def gather(log: EventLog) -> Facts:
    """Measure what page 1 needs.

    Parameters
    ----------
    log : EventLog
        Any history.

    Returns
    -------
    Facts

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> facts = gather(BANK)
    >>> facts.leads, facts.won, facts.open
    (5, 2, 2)
    """
    rate = win_rate(log)
    row = rate.iloc[0].to_dict() if len(rate) else {}
    window = log.meta.observed_until - log.meta.observed_from
    return Facts(
        leads=int(row.get("n", 0)),
        days=window.total_seconds() / 86_400,
        won=int(row.get("won", 0)),
        lost=int(row.get("lost", 0)),
        other=int(row.get("other", 0)),
        open=int(row.get("open", 0)),
        win_rate=_estimate(rate),
        cycle=_estimate(cycle_time(log, percentiles=[0.5])),
        closed_only=float(row.get("closed_only", NAN)),
        leak=supported(_leak, log),
        stuck=supported(_stuck, log),
        split=supported(time_split, log),
        busiest=_busiest(log),
        timed_out=_timed_out(log),
        slowest=_slowest(log),
        earned=_earned(log),
        empty=_empty(log),
    )


def time_split(log: EventLog) -> TimeSplit | None:
    """Divide the time of undecided leads into work, wait and neither.

    Parameters
    ----------
    log : EventLog
        With full history.

    Returns
    -------
    TimeSplit or None
        None where the log holds no work.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> split = time_split(BANK)
    >>> split.work + split.wait + split.delay
    1.0
    """
    if not len(log.efforts):
        return None
    window = log.meta.observed_until - log.meta.observed_from
    total = float(wip(log).groupby("at")["undecided"].sum().mean()) * window.total_seconds()
    until = pd.Timestamp(log.meta.observed_until)
    efforts = log.efforts[log.efforts["queued_at"].notna() | log.efforts["started_at"].notna()]
    begun = efforts["started_at"].fillna(efforts["ended_at"]).fillna(until)
    wait = float((begun - efforts["queued_at"]).dt.total_seconds().sum())
    worked = efforts["ended_at"].fillna(until) - efforts["started_at"]
    work = float(worked.dt.total_seconds().sum())
    if not total > 0:
        return None
    # Pieces of work of one lead may overlap, and some follow the decision.
    whole = max(total, wait + work)
    return TimeSplit(work / whole, wait / whole, (whole - wait - work) / whole)


def supported(measure: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Call a measure, or give None where the log's history cannot support it."""
    try:
        return measure(*args, **kwargs)
    except HistoryError:
        return None


def _estimate(table: pd.DataFrame) -> Estimate:
    """The first row of a measure's table."""
    if not len(table):
        return Estimate(NAN, NAN, NAN)
    return Estimate(*(float(table[name].iloc[0]) for name in ("value", "lo", "hi")))


def _leak(log: EventLog) -> Leak | None:
    """Where most leads are lost."""
    lost = losses(log)
    if not len(lost):
        return None
    by_stage = lost.groupby("stage", sort=False)["value"].sum()
    stage = str(by_stage.idxmax())
    here = lost[lost["stage"] == stage].sort_values("value", ascending=False, kind="stable")
    first = here.iloc[0]
    table = stage_conversion(log).set_index("stage")
    number = int(by_stage[stage])
    return Leak(
        stage=stage,
        entered=int(table["entered"].get(stage, number)),
        lost=number,
        share_of_losses=number / int(by_stage.sum()),
        reason=str(first["reason"]) if len(here) > 1 else "",
        reason_lost=int(first["value"]),
    )


def _stuck(log: EventLog) -> Stuck | None:
    """Where undecided leads spend most of their time."""
    present = wip(log).groupby("stage", sort=False)["undecided"].mean()
    if not present.sum() > 0:
        return None
    stage = str(present.idxmax())
    stay = dwell_time(log, percentiles=[0.5])
    share = float(present[stage] / present.sum())
    return Stuck(stage, share, _estimate(stay[stay["stage"] == stage]))


def _busiest(log: EventLog) -> Busy | None:
    """The busiest team whose staffing is known."""
    table = utilisation(log).dropna(subset=["value"])
    if not len(table):
        return None
    row = table.nlargest(1, "value").iloc[0]
    return Busy(str(row["team"]), float(row["value"]))


def _timed_out(log: EventLog) -> float:
    """Share of the visits that led neither on nor stay open that ran out of time."""
    table = supported(transitions, log)
    if table is None:
        return 0.0
    onwards = {stage.id: stage.advance for stage in log.meta.stages}
    table = table[table["stage"].isin(list(onwards)) & (table["next_stage"] != "(open)")]
    aside = table[table["next_stage"] != table["stage"].map(onwards)]
    total = float(aside["value"].sum())
    return float((aside["timed_out"] + aside["reneged"]).sum()) / total if total else 0.0


def _slowest(log: EventLog) -> Slowest | None:
    """The team whose work waits longest, among those with enough work to say."""
    if not log.efforts["queued_at"].notna().any():
        return None
    table = waiting_time(log, percentiles=[0.8], per="team")
    table = table[table["quantile"].notna() & (table["n"] >= ENOUGH)].dropna(subset=["value"])
    if not len(table):
        return None
    row = table.nlargest(1, "value").iloc[0]
    return Slowest(str(row["team"]), Estimate(row["value"], row["lo"], row["hi"]))


def _earned(log: EventLog) -> Earned | None:
    """Money won in the window, if any deal has a value."""
    table = won_value(log).set_index("measure")
    if not len(table) or not log.meta.currency or not table["valued"].iloc[0]:
        return None
    numbers = table["value"]
    return Earned(round(float(numbers["won_value"])), int(numbers["won_deals"]))


def _empty(log: EventLog) -> Empty | None:
    """Whether a fifth of the wins take longer than the simulation ran before the window."""
    if "seed" not in log.meta.provenance or not len(log.leads):
        return None
    before = pd.Timestamp(log.meta.observed_from) - log.leads["arrived_at"].min()
    wins = cycle_time(log, percentiles=[0.8], outcome="won")
    slow = float(wins["value"].iloc[0]) if len(wins) else NAN
    warm = max(before.total_seconds(), 0.0)
    return Empty(warm, slow) if warm < slow else None
