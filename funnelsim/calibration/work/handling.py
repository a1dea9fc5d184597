"""Work: which stages have it, who does it, and where it stands in each visit."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.parts import Part, Refusal
from funnelsim.calibration.work.efforts import EffortPart, effort_part
from funnelsim.calibration.work.hours import team_calendars
from funnelsim.calibration.work.pieces import pieces, work_times
from funnelsim.calibration.work.teams import TeamPart, team_part
from funnelsim.events import EventLog
from funnelsim.measures.journeys import MISSING, SECOND, micros, window
from funnelsim.messages import Message

__all__ = ["EffortPart", "TeamPart", "phases", "stages_with_work", "work_parts"]

RARE: Final = 0.03
"""Share of a stage's visits below which a kind of work is left out."""
FEWEST: Final = 20
"""Visits with it, below which the same holds."""


def work_parts(log: EventLog) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Estimate the work of each stage, and the teams that do it.

    The time that hands are on a lead's work in one visit, all pieces of one kind together,
    is one distribution, and the share of visits with any stands beside it. Finished visits
    count; they are weighted by the inverse chance of having been seen to their end, so that
    long visits do not go short.

    Parameters
    ----------
    log : EventLog
        Any history but a snapshot, with efforts that were started.

    Returns
    -------
    parts, refusals : tuple of Part, tuple of Refusal
        ``work/STAGE/EFFORT`` and ``team/TEAM``; calendars come from `calendar_parts`.

    References
    ----------
    Bang & Tsiatis (2000), Biometrika 87: 329-343 (totals up to a censored end).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> parts, refusals = work_parts(BANK)
    >>> [part.name for part in parts]
    []
    """
    calendars = team_calendars(log)
    clocks = work_times(log, calendars)
    work = pieces(log, clocks)
    if work.empty:
        why = Message("There is no work that was started, so people and their load do not show.")
        instead = Message("Time in stages is delay in the scenario.")
        fix = Message("Export calls, tasks or meetings with start and end.")
        return (), (Refusal("teams", why, instead, fix),)
    work = work.assign(stage=_stage_of(log, work))
    kinds, refusals = _kinds(log, work)
    parts: list[Part] = []
    for stage, effort in kinds:
        mine = work[(work["stage"] == stage) & (work["effort"] == effort)]
        part, refusal = effort_part(log, stage, effort, mine)
        parts += [part] if part else []
        refusals += [refusal] if refusal else []
    used = [part.team for part in parts if isinstance(part, EffortPart)]
    for team in dict.fromkeys(used):
        parts.append(team_part(log, team, work[work["team"] == team], clocks, calendars))
    refusals.append(_shrinkage())
    return tuple(parts), tuple(refusals)


def stages_with_work(log: EventLog) -> frozenset[str]:
    """Stages whose work is in the scenario, so that their stay is more than a delay.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> stages_with_work(BANK)
    frozenset()
    """
    work = pieces(log, {})
    if work.empty:
        return frozenset()
    kinds, _ = _kinds(log, work.assign(stage=_stage_of(log, work)))
    return frozenset(stage for stage, _ in kinds)


def phases(log: EventLog) -> pd.DataFrame:
    """Split each visit into the time before work, waiting, work, between and after.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    DataFrame
        One row per row of ``log.visits``: ``stage``, ``before``, ``waiting``, ``hands_on``,
        ``after`` (seconds; pauses between pieces of work count to ``after``), and
        ``before_over``, ``over``: whether the first and the whole were seen to their end. A
        visit without work is all ``before``. Waits are ``waiting`` only where the team's
        queue explains them; appointments are not.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> phases(BANK)[["before", "waiting", "hands_on", "after"]].iloc[0].tolist()
    [3600.0, 0.0, 3600.0, 3600.0]
    """
    calendars = team_calendars(log)
    clocks = work_times(log, calendars)
    work = pieces(log, clocks)
    _, until = window(log)
    entered, left = (micros(log.visits[name]) for name in ("entered_at", "left_at"))
    stay = (np.where(left == MISSING, until, left) - entered) / SECOND
    work = work[work["row"] >= 0]
    queue = {
        team: team_part(log, team, work[work["team"] == team], clocks, calendars).count.queue
        for team in work["team"].unique()
    }
    queues = work["team"].map(queue).to_numpy(dtype=bool)
    queued = work["queued"].to_numpy()
    came = np.where((queued != MISSING) & queues, queued, work["started"])
    table = work.assign(came=came, wait=(work["started"] - came) / SECOND)
    sums = table.groupby("row").agg(
        came=("came", "min"), waiting=("wait", "sum"), hands_on=("hands_on", "sum")
    )
    sums = sums.reindex(range(len(log.visits)))
    some = sums["came"].notna().to_numpy()
    before = np.where(some, (sums["came"].to_numpy() - entered) / SECOND, stay)
    before = np.clip(before, 0, stay)
    waiting = np.minimum(sums["waiting"].fillna(0).to_numpy(), stay - before)
    hands = np.minimum(sums["hands_on"].fillna(0).to_numpy(), stay - before - waiting)
    return pd.DataFrame(
        {
            "stage": log.visits["stage"].to_numpy(),
            "before": before,
            "waiting": waiting,
            "hands_on": hands,
            "after": stay - before - waiting - hands,
            "before_over": some | (left != MISSING),
            "over": left != MISSING,
        }
    )


def _stage_of(log: EventLog, work: pd.DataFrame) -> NDArray[np.object_]:
    """The stage of each piece; empty for those outside visits."""
    names = np.append(log.visits["stage"].to_numpy(dtype=object), "")
    return np.asarray(names[work["row"].to_numpy()], dtype=object)


def _kinds(log: EventLog, work: pd.DataFrame) -> tuple[list[tuple[str, str]], list[Refusal]]:
    """Stages and kinds of work to be modelled, in the order in which they are done."""
    final = {info.id for info in log.meta.stages if info.outcome or info.terminal}
    visits = log.visits["stage"].value_counts()
    inside = (work["row"] >= 0) & ~work["stage"].isin(final)
    entered = np.append(micros(log.visits["entered_at"]), MISSING)[work["row"]]
    table = work.assign(since=work["started"] - entered)[inside]
    size = table.groupby(["stage", "effort"])["row"].nunique()
    kept = [
        (stage, effort)
        for stage, effort in sorted(set(zip(table["stage"], table["effort"], strict=True)))
        if size[stage, effort] >= max(FEWEST, RARE * visits[stage])
    ]
    first = table.groupby(["stage", "effort", "row"])["since"].min()
    when = first.groupby(["stage", "effort"]).median()
    kept.sort(key=lambda kind: (kind[0], when[kind]))
    modelled = pd.MultiIndex.from_frame(work[["stage", "effort"]]).isin(kept) & inside
    total = float(work["hands_on"].sum()) or 1.0
    lost = float(work.loc[~modelled, "hands_on"].sum()) / total
    if modelled.all():
        return kept, []
    count = int((~modelled).sum())
    why = Message(
        "Pieces of work that belong to no visit, come after the end or are rare: {n}, {share} of "
        "all hands-on time.",
        n=count,
        share=lost,
    )
    instead = Message("That load is not in the scenario.")
    return kept, [Refusal("teams.*.load", why, instead)]


def _shrinkage() -> Refusal:
    why = Message("Seats are people at work: who was paid and not there leaves no trace.")
    fix = Message("Take it from the payroll.")
    return Refusal("teams.*.shrinkage", why, Message("It is 0."), fix)
