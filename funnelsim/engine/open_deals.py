"""Deals that are open when a run begins: a snapshot settled into what the engines need.

An open deal goes on in the middle of its visit, under the rules in force when the run begins.
Lengths of time that are running (a delay, work in hand, patience) are drawn given that they
have lasted until now: of the uniform of the whole length only the part beyond
``chance = F(lasted)`` is left, ``u' = chance + (1 - chance) u``. A time-out counts from the real
entry; one that is past comes at once.

Work that only some visits need (``share``) and that has left no trace is not needed, unless it
has a delay of its own: then its id decides, by the chances that this delay, and that after the
work, would last so long.

**Stale deals.** A length that has lasted longer than 9,999 of 10,000 (its constant length, if it
is one) is older than its distribution knows. Such a deal counts as one that has lasted as long
as nine in ten: what is left is the residual of the longest tenth, on the time scale of the
distribution, so stale deals close neither all at once nor never. Where the longest tenth has no
spread, it is anywhere within its length, by its id.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.placing import Places
from funnelsim.engine.plan import (
    NEVER,
    Epoch,
    Phase,
    Plan,
    PlanDeal,
    PlanEffort,
    PlanPiece,
    PlanStage,
    Rest,
    Timer,
)
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import ParameterError
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream, hash_id
from funnelsim.worktime import FAR

__all__ = ["open_leads", "plan_deals"]

Ints = NDArray[np.int64]

STALE: Final = 1e-4
"""Chance to last so long below which a length is older than its distribution knows."""
TENTH: Final = 0.9


# --- from a snapshot to a plan


def plan_deals(snapshot: Snapshot, epoch: Epoch, scenario: Scenario) -> tuple[PlanDeal, ...]:
    """Settle the open deals.

    Parameters
    ----------
    snapshot : Snapshot
    epoch : Epoch
        The funnel when the run begins; its calendars reach back to when the oldest visit began.
    scenario : Scenario

    Returns
    -------
    tuple of PlanDeal
        By id.

    Raises
    ------
    ParameterError
        Open deals in stages, from sources or of kinds that the scenario does not know: all of
        them at once.
    """
    places = Places(epoch, scenario)
    problems = places.problems(snapshot.rows["deals"])
    if problems:
        raise ParameterError(problems)
    work: dict[str, list[Any]] = {}
    for row in snapshot.rows["efforts"]:
        work.setdefault(row.lead_id, []).append(row)
    visits: dict[str, list[tuple[int, int]]] = {}
    for row in snapshot.rows["visits"]:
        if row.stage in places.stages:
            visits.setdefault(row.lead_id, []).append((places.stages[row.stage], row.times))
    marked = snapshot.marks.groupby("lead_id")["kind"].agg(frozenset).to_dict()
    found = []
    for row in snapshot.rows["deals"]:
        deal = _Deal(row, epoch.stages[places.stages[row.stage]], epoch, snapshot)
        source, kinds = places.kind(row)
        phase, rest, ready, pieces = deal.progress(work.get(row.lead_id, ()))
        found.append(
            PlanDeal(
                id=row.lead_id,
                key=hash_id(row.lead_id),
                source=source,
                kinds=kinds,
                value=-1 if pd.isna(row.value) else int(row.value),
                arrived_at=row.arrived_at,
                stage=places.stages[row.stage],
                visit=int(row.visit),
                visits=tuple(sorted(visits.get(row.lead_id, ()))),
                entered_at=row.entered_at,
                ready_at=ready,
                waited=int(row.waited),
                deadline=deal.deadline(),
                phase=phase,
                rest=rest,
                pieces=pieces,
                marked=marked.get(row.lead_id, frozenset()),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Deal:
    """An open deal in its stage."""

    row: Any
    stage: PlanStage
    epoch: Epoch
    snapshot: Snapshot

    @property
    def now(self) -> int:
        return self.snapshot.instant

    def deadline(self) -> int:
        """When the time-out comes; at once if it should have come."""
        limit = self.stage.timeout
        return max(limit.end(self.row.entered_at, 0.5), self.now) if limit else FAR

    def progress(self, work: Sequence[Any]) -> tuple[Phase, Rest, int, tuple[PlanPiece, ...]]:
        """The phase of the visit, what is left of its delay, since when it was ready, its work."""
        stage = self.stage
        before = stage.delay_before or stage.opening or stage.moments is not None
        ready: int = self.row.ready_at
        known = {effort.id: number for number, effort in enumerate(stage.efforts)}
        mine = {known[row.effort]: row for row in work if row.effort in known}
        if before and ready == NEVER and not mine:
            return Phase.BEFORE, self._rest_before(), NEVER, ()
        if ready == NEVER or not (before or stage.efforts):
            ready = min((_began(row) for row in mine.values()), default=self.row.entered_at)
        if stage.efforts and (mine or stage.id in self.snapshot.worked):
            pieces = self._pieces(mine, ready)
            decided = stage.join == "any" and any(_over(row) for row in mine.values())
            if not (decided or all(piece.done for piece in pieces)):
                return Phase.WORK, Rest(), ready, pieces
        over = max((row.ended_at for row in mine.values() if _over(row)), default=ready)
        return Phase.AFTER, self._rest(stage.delay_after, over), ready, ()

    def _pieces(self, mine: Mapping[int, Any], ready: int) -> tuple[PlanPiece, ...]:
        """The work of the visit; one after another, what comes before the present one is done."""
        efforts = self.stage.efforts
        if len(efforts) > 1 and self.stage.join != "series":
            return tuple(self._piece(i, mine.get(i), ready) for i in range(len(efforts)))
        running = [i for i, row in mine.items() if row.ended_at == NEVER]
        over = [i for i, row in mine.items() if _over(row)]
        present = max(running) if running else max(over, default=-1) + 1
        last = max((mine[i].ended_at for i in over if i < present), default=ready)
        while present < len(efforts) and present not in mine:
            if self._needs(efforts[present], max(last, ready)):
                break
            present += 1
        return tuple(
            PlanPiece(i, done=True)
            if i < present
            else self._piece(i, mine.get(i), max(last, ready))
            for i in range(min(present + 1, len(efforts)))
        )

    def _piece(self, number: int, row: Any, since: int) -> PlanPiece:  # noqa: ANN401 - a row or nothing
        """A piece of work: done, in hand, or waiting; what has left no trace may not be needed."""
        effort = self.stage.efforts[number]
        if not self._needs(effort, since) if row is None else _over(row):
            return PlanPiece(number, done=True)
        if row is None and effort.delay is not None:
            return PlanPiece(number, done=False, rest=self._rest(effort.delay, since))
        if row is None or row.ended_at != NEVER:  # not asked for yet, or given up
            queued, begun = since, NEVER
        else:
            queued, begun = _began(row), row.started_at
        if begun == NEVER:
            rest = self._rest(self.stage.patience, queued)
        else:
            rest = self._rest_of_work(effort, begun)
        return PlanPiece(number, done=False, queued_at=queued, started_at=begun, rest=rest)

    def _needs(self, effort: PlanEffort, since: int) -> bool:
        """Whether the visit needs work of which there is no trace since its turn came."""
        if effort.share == 1 or effort.delay is None:
            return effort.share == 1
        waiting, past = (
            1.0 if timer is None or timer.months else 1 - timer.table.share(lasted)
            for timer in (effort.delay, self.stage.delay_after)
            for lasted in (timer.lasted(since, self.now) if timer else 0,)
        )
        odds = effort.share * waiting
        chance = odds / max(odds + (1 - effort.share) * past, 1e-300)
        return (hash_id(f"{self.row.lead_id}/{effort.id}") + 0.5) / 2**64 < chance

    def _rest_of_work(self, effort: PlanEffort, begun: int) -> Rest:
        pause = self.epoch.teams[effort.team].pause
        lasted = self.now - begun if pause is None else pause.between(begun, self.now)
        return self._conditional(effort.duration, lasted, lasted)

    def _rest_before(self) -> Rest:
        """Of the delay before work, given that its moment has not come since it was over."""
        delay, stage = self.stage.delay_before, self.stage
        if delay is None:
            return Rest()
        known = self.now  # up to then the delay is known not to have been over
        if stage.opening is not None:
            i = bisect_right(stage.opening.opens, self.now) - 1
            shut = stage.opening.closes[i] if i >= 0 else self.row.entered_at
            known = self.now if shut > self.now else shut - 1
        elif stage.moments is not None:
            i = bisect_right(stage.moments, self.now) - 1
            known = stage.moments[i] if i >= 0 else self.row.entered_at - 1
        return self._rest(delay, self.row.entered_at, known)

    def _rest(self, timer: Timer | None, start: int, known: int | None = None) -> Rest:
        """What is left of a timer; it was not over at ``known`` (left out: now)."""
        if timer is None:
            return Rest()
        known = self.now if known is None else known
        if timer.months:
            end = timer.end(start, 0.5)
            if end <= known:  # older than it can be
                end = self.now + round(self._anywhere() * (timer.end(self.now, 0.5) - self.now))
            return Rest(end=max(end, self.now))
        return self._conditional(timer, timer.lasted(start, self.now), timer.lasted(start, known))

    def _conditional(self, timer: Timer, lasted: int, known: int) -> Rest:
        """The rest of a length that has lasted longer than ``known``."""
        table = timer.table
        chance = table.share(known) if known >= 0 else 0.0
        if 1.0 - chance >= STALE:
            return Rest(lasted, chance)
        tenth = table.sample(TENTH)
        if table.sample(1 - STALE / 10) > tenth:
            return Rest(round(tenth), TENTH)
        return Rest(round(min(tenth, FAR) * self._anywhere()), 0.0)

    def _anywhere(self) -> float:
        """A share between 0 and 1 that is the deal's own."""
        return (hash_id(f"{self.row.lead_id}/stale") + 0.5) / 2**64


def _began(row: Any) -> int:  # noqa: ANN401 - a row
    """When work was asked for, as far as is known."""
    at: int = row.started_at if row.queued_at == NEVER else row.queued_at
    return at


def _over(row: Any) -> bool:  # noqa: ANN401 - a row
    """Whether work was done, not given up."""
    return NEVER not in {row.started_at, row.ended_at}


# --- from a plan to a replication


def open_leads(plan: Plan, stream: Stream) -> dict[str, NDArray[Any]]:
    """Draw what is not known of the open deals: their kind and value, by their own luck."""
    fixed: dict[str, NDArray[Any]] = plan.once("open leads", partial(_columns, plan))
    key, source = fixed["key"], fixed["source"]
    kind, value = fixed["kind"].copy(), fixed["value"].copy()
    for number in np.unique(source).tolist():
        place = plan.epochs[0].sources[number].attribute
        mine = np.flatnonzero(source == number)
        u = stream.to_uniforms(stream.words_array(key[mine], place, np.zeros_like(key[mine])))
        for kinds in {plan.deals[i].kinds for i in mine.tolist()}:
            alike = np.array([plan.deals[i].kinds == kinds for i in mine.tolist()])
            kind[mine[alike]] = _chosen(plan, number, kinds, u[1][alike])
        for each in np.unique(kind[mine]).tolist():
            table = plan.kinds[each].value
            wanted = (kind[mine] == each) & (value[mine] < 0)
            if table is not None and wanted.any():
                value[mine[wanted]] = np.rint(table.sample_array(u[0][wanted])).astype(np.int64)
    return fixed | {"kind": kind, "value": value}


def _columns(plan: Plan) -> dict[str, NDArray[Any]]:
    deals, n = plan.deals, len(plan.deals)
    return {
        "source": np.array([deal.source for deal in deals], np.int64),
        "kind": np.full(n, -1),
        "slot": np.full(n, plan.start),
        "place": np.arange(n),
        "key": np.array([deal.key for deal in deals], np.uint64),
        "arrived_at": np.array([deal.arrived_at for deal in deals], np.int64),
        "value": np.array([deal.value for deal in deals], np.int64),
        "cost": np.full(n, -1),
    }


def _chosen(plan: Plan, source: int, kinds: Sequence[int], u: NDArray[np.float64]) -> Ints:
    """Kinds by their shares among those that are possible."""
    parts = plan.epochs[0].sources[source].kinds
    below = [0.0, *(part.cumulative for part in parts)]
    shares = [
        part.cumulative - low
        for part, low in zip(parts, below, strict=False)
        if part.number in kinds
    ]
    levels = np.cumsum(shares)[:-1] / max(sum(shares), 1e-300)
    return np.array(kinds)[np.searchsorted(levels, u, side="right")]
