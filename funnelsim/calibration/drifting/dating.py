"""When each deal arrived, and whether the date of its closing can be true."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.ledger import Ledger
from funnelsim.calibration.cleaning.stage_list import plain
from funnelsim.calibration.raw import RawHistory

__all__ = ["CLOSED", "dated"]

CLOSED: Final = ("won", "lost")
FEW: Final = 0.1  # of closed deals: as many may be left out for want of a date


def dated(
    deals: pd.DataFrame, moves: pd.DataFrame, raw: RawHistory, ledger: Ledger
) -> tuple[pd.DataFrame, np.ndarray]:
    """Say when each deal arrived; leave out those whose dates are missing or impossible.

    Parameters
    ----------
    deals : pandas.DataFrame
        One row per deal, numbered from 0.
    moves : pandas.DataFrame
        Their moves in time order, with ``lead``.
    raw : RawHistory
        Names the closing stages and the time zone.
    ledger : Ledger
        Gets an entry for everything repaired or left out.

    Returns
    -------
    tuple of pandas.DataFrame and numpy.ndarray
        The deals that are left, with ``arrived_at``; and which of the deals given they are.
    """
    closing = _names_closing(moves["stage"], raw)
    ends = _first(moves[closing], deals)
    first = _first(moves[~closing], deals)
    created = deals["created_at"]
    other = first.fillna(ends).fillna(deals["stage_since"])
    arrived = created.fillna(other)
    ledger.add("uncreated_deals", deals[created.isna() & other.notna()], len(deals))
    early = first < created
    ledger.add("late_creations", deals[early], len(deals))
    arrived = arrived.mask(early, first)
    closed, wrong = _closings(deals, arrived, ends, raw, ledger)
    unmoved = first.isna() & ends.isna()
    impossible = (wrong & unmoved) | _earlier_day(ends, arrived, raw)
    ledger.add("undated_deals", deals[arrived.isna()], len(deals))
    ledger.add("closed_before_created", deals[impossible], len(deals))
    is_closed = deals["status"].isin(CLOSED) | _names_closing(deals["stage"], raw)
    since = deals["stage_since"].where(_names_closing(deals["stage"], raw))
    undated = is_closed & closed.isna() & ends.isna() & since.isna() & ~impossible
    few = undated.sum() <= FEW * is_closed.sum()
    undated &= few & arrived.notna()
    ledger.add("lost_closings", deals[undated], int(is_closed.sum()))
    kept = ~(arrived.isna() | impossible | undated)
    deals = deals.assign(arrived_at=arrived, closed_at=closed)[kept]
    return deals.reset_index(drop=True), kept.to_numpy(dtype=bool)


def _names_closing(names: pd.Series, raw: RawHistory) -> pd.Series:
    """Say which names are those of stages that end a deal."""
    closing = {plain(s.name) for s in raw.meta.stages if s.outcome or s.terminal}
    known = [name for name in names.dropna().unique() if plain(name) in closing]
    return names.isin(known)


def _first(moves: pd.DataFrame, deals: pd.DataFrame) -> pd.Series:
    """Return the time of each deal's first move among some."""
    return moves.drop_duplicates("lead").set_index("lead")["at"].reindex(deals.index)


def _earlier_day(early: pd.Series, late: pd.Series, raw: RawHistory) -> pd.Series:
    """Say which times fall on an earlier day than others."""
    one, other = (
        times.dt.tz_convert(raw.meta.time_zone or "UTC").dt.normalize() for times in (early, late)
    )
    earlier: pd.Series = one < other
    return earlier


def _closings(
    deals: pd.DataFrame,
    arrived: pd.Series,
    ends: pd.Series,
    raw: RawHistory,
    ledger: Ledger,
) -> tuple[pd.Series, pd.Series]:
    """Return the dates of closing that can be true, and which cannot."""
    closed = deals["closed_at"]
    wrong = _earlier_day(closed, arrived, raw)
    same_day = (closed < arrived) & ~wrong
    ledger.add("closed_same_day", deals[same_day & ends.isna()], len(deals))
    return closed.mask(same_day, arrived).mask(wrong), wrong
