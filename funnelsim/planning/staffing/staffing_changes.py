"""What would change a staffing plan: other work, promises, limits, absences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.planning.staffing.requirement import requirement
from funnelsim.planning.staffing.service import ServiceLevel
from funnelsim.planning.staffing.workload import Workload
from funnelsim.worktime import Duration

if TYPE_CHECKING:
    from funnelsim.planning.staffing.staffing_forecast import StaffingForecast

__all__ = ["CHANGES", "staffing_changes"]

CHANGES: Final = ("more_work", "less_work", "stricter", "longer", "calmer", "absences")
_MORE: Final = 0.1
_AWAY: Final = 0.05
_CALMER: Final = 0.1


def staffing_changes(found: StaffingForecast) -> pd.DataFrame:
    """Plan again under one change at a time, on the same sample paths.

    ``more_work``, ``less_work``: a tenth more or less work (leads or handling time);
    ``stricter``: half of those who may be late now; ``longer``: twice the time;
    ``calmer``: 10 points less occupancy; ``absences``: 5 points more shrinkage.

    Parameters
    ----------
    found : StaffingForecast

    Returns
    -------
    pandas.DataFrame
        change, team, fte (in the team's busiest week), difference to the plan.
    """
    rows = []
    for team in found.teams:
        plan = found.plan[found.plan["team"] == team]
        usual = float(plan["fte"].max())
        for change, fte in _changed(found, team):
            rows.append({"change": change, "team": team, "fte": fte, "difference": fte - usual})
    return pd.DataFrame(rows)


def _changed(found: StaffingForecast, team: str) -> Iterator[tuple[str, float]]:
    """People needed in the busiest week, by change."""
    promise, lost = found.needs[team].promise, found.shrinkage[team]
    late = 1 - (1 - promise.share) / 2
    twice = Duration(promise.within.amount * 2, promise.within.unit)
    for change, load, asked, occupancy, away in (
        ("more_work", _scaled(found.load, team, 1 + _MORE), promise, found.max_occupancy, lost),
        ("less_work", _scaled(found.load, team, 1 - _MORE), promise, found.max_occupancy, lost),
        ("stricter", found.load, ServiceLevel(late, promise.within), found.max_occupancy, lost),
        ("longer", found.load, ServiceLevel(promise.share, twice), found.max_occupancy, lost),
        ("calmer", found.load, promise, max(found.max_occupancy - _CALMER, 0.05), lost),
        ("absences", found.load, promise, found.max_occupancy, min(lost + _AWAY, 0.95)),
    ):
        need = requirement(load, team, asked, occupancy)
        grid = need.grid(found.sure)
        grid = np.where(grid > 0, grid + found.added.get(team, 0), 0)
        weekly = (grid * need.open).sum(axis=1) / load.span.weeks
        yield change, float(weekly.max() / (1 - away) / found.contract)


def _scaled(load: Workload, team: str, factor: float) -> Workload:
    """The same with every piece of one team's work so many times as long."""
    asked = tuple(
        {**path, team: replace(path[team], work=np.rint(path[team].work * factor).astype(np.int64))}
        for path in load.asked
    )
    return replace(load, asked=asked)
