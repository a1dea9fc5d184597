"""Top-down: what was won week by week, carried on as a series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.forecasting.combination import predict
from funnelsim.planning.revenue.cells import Cells

__all__ = ["MEASURES", "TopDown", "look_from_above"]

Floats = NDArray[np.float64]

MEASURES: Final = ("won", "won_value")
"""Deals won, and their value in minor units."""
DAY: Final = 86_400_000_000
WEEK: Final = 7
LONG: Final = 28
"""Days a block of a long history; 13 of them are a year."""
YEARS: Final = 2.2
"""From so many years on a history is long: its season can be seen."""
ENOUGH: Final = 2.0
"""A series may be carried on for a half of its length; beyond that it weighs less."""
MOST: Final = 0.8
FEWEST: Final = 4
"""Blocks from which a series says anything."""


@dataclass(frozen=True, eq=False)
class TopDown:
    """Sample paths of the series.

    Parameters
    ----------
    paths : ndarray, shape (n, cells, measures)
        Measures as in `MEASURES`.
    blocks : int
        Points of history behind it.
    days : int
        Length of a block.
    ahead : int
        Blocks that are forecast.
    used : tuple of str
        The models behind the forecast of the value.
    """

    paths: Floats
    blocks: int
    days: int
    ahead: int
    used: tuple[str, ...]

    @property
    def reach(self) -> float:
        """How far the history carries: 1 where it is twice as long as the horizon, or more."""
        return min(1.0, self.blocks / (ENOUGH * self.ahead))


def look_from_above(history: EventLog, cells: Cells, *, n: int, seed: int) -> TopDown | None:
    """Forecast wins and their value by the recipe for series.

    Blocks of whole weeks are counted back from the cutoff, so that none is cut off; what is
    forecast is spread over the calendar by the weekdays on which deals are won.

    Parameters
    ----------
    history : EventLog
        Ends at the cutoff.
    cells : Cells
    n : int
        Paths.
    seed : int

    Returns
    -------
    TopDown or None
        None where fewer than four weeks are known, or nothing was won.
    """
    won = history.outcomes()
    won = won[won["outcome"] == "won"]
    zone = history.meta.time_zone
    start, begin = (_local(pd.DatetimeIndex([t]), zone)[0] for t in (
        pd.Timestamp(history.meta.observed_until), pd.Timestamp(history.meta.observed_from)
    ))  # fmt: skip
    years = (start - begin) / (365.25 * DAY)
    days = LONG if years >= YEARS else WEEK
    at = _local(pd.DatetimeIndex(won["closed_at"]), zone)
    blocks = int((start - begin) // (days * DAY))
    number = blocks - 1 - np.maximum(start - at - 1, 0) // (days * DAY)
    known = (number >= 0) & (number < blocks)
    worth = won["value"].fillna(0).to_numpy(dtype=float)
    series = np.zeros((blocks, len(MEASURES)))
    for place, weight in enumerate((np.ones(len(worth)), worth)):
        np.add.at(series[:, place], number[known], weight[known])
    series = series[max(int(np.argmax(series[:, 0] > 0)), _filling(history, won, days, blocks)) :]
    if len(series) < FEWEST or not series[:, 0].any():
        return None
    share = _spread(cells, at, start, days)
    season = 365 // LONG if days == LONG else 1
    drawn: list[Floats] = []
    used: tuple[str, ...] = ()
    for place in range(len(MEASURES)):
        ahead = predict(
            series[:, place],
            season=season,
            horizon=len(share),
            profile="fast",
            seed=seed,
            n_paths=n,
        )
        drawn.append(ahead.paths @ share)
        used = ahead.used
    return TopDown(np.stack(drawn, axis=-1), len(series), days, len(share), used)


def _filling(history: EventLog, won: pd.DataFrame, days: int, blocks: int) -> int:
    """Blocks at the beginning in which the funnel is only filling up, so that few can be won.

    That is so where no lead is older than the window; it lasts as long as most wins take. Half
    of the history is kept in any case.
    """
    arrived = history.leads.set_index("lead_id")["arrived_at"]
    if (arrived < pd.Timestamp(history.meta.observed_from)).any() or not len(won):
        return 0
    took = (won["closed_at"] - won["lead_id"].map(arrived)).dt.total_seconds() * 1e6 / DAY
    return min(int(np.ceil(took.quantile(MOST) / days)), blocks // 2)


def _spread(cells: Cells, at: NDArray[np.int64], start: int, days: int) -> Floats:
    """The share of each block that falls into each cell, shape (blocks, cells)."""
    weekday = (at // DAY + 3) % WEEK  # the epoch was a Thursday
    weights = np.asarray(np.bincount(weekday.astype(int), minlength=WEEK) + 1.0)
    cuts = _local(cells.cuts, cells.zone)
    blocks = int(np.ceil((cuts[-1] - start) / (days * DAY)))
    edges = start + np.arange(blocks + 1) * days * DAY
    so_far = _passed(edges, weights)
    shares = np.zeros((blocks, len(cells)))
    for block in range(blocks):
        inside = np.clip(cuts, edges[block], edges[block + 1])
        passed = np.diff(_passed(inside, weights))
        shares[block] = passed / (so_far[block + 1] - so_far[block])
    return shares


def _passed(moments: NDArray[np.int64] | Floats, weights: Floats) -> Floats:
    """How much of a week's sales lies between a Monday long ago and a moment."""
    day, rest = np.divmod(np.asarray(moments) + 3 * DAY, DAY)
    week, weekday = np.divmod(day, WEEK)
    before = np.concatenate([[0.0], np.cumsum(weights)])
    return np.asarray(
        week * weights.sum() + before[weekday] + weights[weekday] * rest / DAY, dtype=float
    )


def _local(moments: pd.DatetimeIndex, zone: str) -> NDArray[np.int64]:
    """Microseconds of the wall clock."""
    if moments.tz is None:
        moments = moments.tz_localize("UTC")
    wall = moments.tz_convert(zone).tz_localize(None)
    return np.asarray(wall.as_unit("us").asi8)
