"""Raising a plan until the whole simulation keeps its promises, as long as seats help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.snapshot import Snapshot
from funnelsim.planning.staffing.requirement import Requirement
from funnelsim.planning.staffing.service import ServiceLevel
from funnelsim.planning.staffing.trial import Stretch, measured, verdicts, with_seats
from funnelsim.planning.staffing.workload import Workload

__all__ = ["ROUNDS", "promises_of", "raised", "stretches_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS: Final = 8
_HELPS: Final = 0.003
"""More seats help where the share in time rises by so much."""


def raised(
    load: Workload,
    needs: Mapping[str, Requirement],
    sure: float,
    trials: int,
    start: Snapshot | None,
    told: Callable[[float], None],
) -> tuple[dict[str, int], pd.DataFrame]:
    """Run the plan, and add seats where it does not show its promise kept, as long as it helps."""
    added, last = dict.fromkeys(needs, 0), dict.fromkeys(needs, 0)
    before: dict[str, float] = {}
    promises = promises_of(needs)
    found = pd.DataFrame()
    for round_ in range(ROUNDS if trials else 0):
        grids = {}
        for team, need in needs.items():
            grid = need.grid(sure)
            grids[team] = np.where(grid > 0, grid + added[team], 0)
        planned = with_seats(load.scenario, stretches_of(load, grids))
        first = len(load.asked) * (1 + round_)
        shares, busy = measured(
            planned, promises, load.clocks, n=trials, seed=load.seed, first=first, start=start
        )
        found = verdicts(shares, busy, promises)
        told(0.7 + 0.3 * (round_ + 1) / ROUNDS)
        short = {
            str(row["team"]): float(row["share"])
            for row in found.to_dict("records")
            if row["share"] < row["promised"]
        }
        for team, share in short.items():
            if share < before.get(team, -1.0) + _HELPS:
                added[team] -= last[team]  # more people change nothing: they are not what lacks
                last[team] = 0
            else:
                last[team] = max(round(0.03 * int(needs[team].peak.max())), 1)
                added[team] += last[team]
            before[team] = share
        if not any(last[team] for team in short):
            break
    return added, found


def promises_of(needs: Mapping[str, Requirement]) -> dict[str, tuple[ServiceLevel, str]]:
    """By team: what is promised, and by which clock it is counted."""
    return {team: (need.promise, need.clock) for team, need in needs.items()}


def stretches_of(load: Workload, grids: Mapping[str, Ints]) -> dict[str, list[Stretch]]:
    """Grids by period as seats over time; before and after, the first and the last one."""
    days = [day.date() for day in load.span.days]
    last = len(days) - 2
    found = {}
    for team, grid in grids.items():
        stretches: list[Stretch] = []
        begin = 0
        for k in range(1, last + 2):
            if k <= last and np.array_equal(grid[k], grid[begin]):
                continue
            first = None if begin == 0 else days[begin]
            until = None if k > last else days[k]
            stretches.append(Stretch(grid[begin], first, until))
            begin = k
        found[team] = stretches
    return found
