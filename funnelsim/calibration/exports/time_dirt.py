"""Dirt in times: moves made in bulk, impossible times, a jump of the clock."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.calibration.exports.book import Book
from funnelsim.calibration.exports.planting import Kind, Planted, chance, chosen, date_at

__all__ = ["BULK", "IMPOSSIBLE", "TIME_ZONE"]

GATHERED = pd.Timedelta(days=21)
"""Moves of so long before the end of a quarter are made at its end."""
HOURS = 3
EARLY = 0.5
"""The share of impossible closings that lie before the creation."""


def gather(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Make the moves of the last three weeks of a quarter in its last minute of work."""
    ends = _quarter_ends(book)
    moves = book.moves
    at = moves["at"].copy()
    moved = pd.Series(data=False, index=moves.index)
    place = moves.groupby("deal_id", sort=False).cumcount()
    following = moves.groupby("deal_id", sort=False)["at"].shift(-1).fillna(book.until)
    for end in ends:
        # only moves after which nothing else happens before the minute: order is kept
        late = (moves["at"] >= end - GATHERED) & (moves["at"] < end) & (place > 0)
        moved |= late & (following >= end)
    flags = book.deals["deal_id"].isin(set(moves.loc[moved, "deal_id"])) & ~book.deals["struck"]
    where = chosen(book.deals, flags, share, "bulk", seed)
    ids = set(book.deals.loc[where, "deal_id"])
    moved &= moves["deal_id"].isin(ids)
    seconds = dict(
        zip(book.deals["deal_id"], chance(book.deals["lead_id"], "bulk", seed, 1), strict=True)
    )
    for end in ends:
        here = moved & (at >= end - GATHERED) & (at < end)
        second = np.floor(60 * moves["deal_id"].map(seconds)).fillna(0)
        minute = end - pd.Timedelta(minutes=1) + pd.to_timedelta(second, unit="s")
        later = np.maximum(minute, moves["at"])
        at = at.mask(here, later)
    at = at.astype(moves["at"].dtype)
    deals = book.deals.assign(struck=book.deals["struck"] | where)
    about = {
        "moves": int(moved.sum()),
        "minutes": [str(end - pd.Timedelta(minutes=1)) for end in ends],
    }
    planted = Planted("bulk", share, len(ids), deals=_in_order(book, ids), about=about)
    return book.with_tables(deals=deals, moves=moves.assign(at=at, shown_at=at)), planted


def _quarter_ends(book: Book) -> list[pd.Timestamp]:
    """Return 18:00 on the last days of quarters within the record."""
    zone = book.time_zone
    first = book.deals["created_at"].min().tz_convert(zone).tz_localize(None)
    last = book.until.tz_convert(zone).tz_localize(None)
    days = pd.date_range(first, last, freq="QE", normalize=True)
    stamps = [(day + pd.Timedelta(hours=18)).tz_localize(zone).tz_convert("UTC") for day in days]
    return [stamp for stamp in stamps if stamp <= book.until]


def _in_order(book: Book, ids: set[str]) -> tuple[str, ...]:
    """Return ids in the order of the record."""
    return tuple(key for key in book.deals["deal_id"] if key in ids)


def break_times(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Close deals before they were created, or in the future."""
    moves, deals = book.moves, book.deals
    last = moves.drop_duplicates("deal_id", keep="last")
    closed = last[last["stage"].isin(list(book.outcomes()))]
    flags = deals["deal_id"].isin(set(closed["deal_id"])) & ~deals["struck"]
    where = chosen(deals, flags, share, "impossible", seed)
    luck = chance(deals["lead_id"], "impossible", seed, 1)
    early = where & (luck < EARLY)
    days = pd.to_timedelta(np.ceil(1 + 60 * chance(deals["lead_id"], "impossible", seed, 2)), "D")
    future = pd.Series(book.until + days, index=deals.index)
    wrong = (deals["created_at"] - days).where(early, future)[where]
    wrong = wrong.set_axis(deals.loc[where, "deal_id"])
    rows = closed[closed["deal_id"].isin(set(wrong.index))]
    shown = moves["shown_at"].copy()
    stamps = pd.to_datetime(rows["deal_id"].map(wrong), utc=True)
    shown.loc[rows.index] = stamps.astype(shown.dtype)
    about = {
        "before_creation": list(deals.loc[early, "deal_id"]),
        "in_the_future": list(deals.loc[where & ~early, "deal_id"]),
    }
    ids = tuple(deals.loc[where, "deal_id"])
    planted = Planted("impossible", share, len(ids), deals=ids, about=about)
    struck = deals.assign(struck=deals["struck"] | where)
    return book.with_tables(deals=struck, moves=moves.assign(shown_at=shown)), planted


def shift_clock(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Write all times of a period some hours late: someone changed the account's zone."""
    del seed
    start, end = date_at(book, 0.35), date_at(book, min(0.35 + share, 1.0))
    hours = pd.Timedelta(hours=HOURS)
    moves, deals = book.moves, book.deals
    late = (moves["at"] >= start) & (moves["at"] < end)
    born = (deals["created_at"] >= start) & (deals["created_at"] < end)
    moves = moves.assign(shown_at=moves["shown_at"].where(~late, moves["shown_at"] + hours))
    created = deals["shown_created_at"]
    deals = deals.assign(shown_created_at=created.where(~born, created + hours))
    ids = tuple(deals.loc[born, "deal_id"])
    about = {"from": start.isoformat(), "until": end.isoformat(), "hours": HOURS}
    planted = Planted("time_zone", share, int(late.sum()), "moves", ids, about)
    return book.with_tables(deals=deals, moves=moves), planted


BULK = Kind("bulk", "moves entered all together at the end of a quarter", gather, usual=0.1)
IMPOSSIBLE = Kind(
    "impossible", "deals closed before they were created, or in the future", break_times, usual=0.01
)
TIME_ZONE = Kind(
    "time_zone",
    f"all times of a period {HOURS} hours late",
    shift_clock,
    unit="the share of the time that is late",
    usual=0.2,
    most=0.6,
)
