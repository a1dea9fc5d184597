"""Dirt in the history of deals: what was never recorded, recorded twice, or undone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.calibration.exports.book import Book
from funnelsim.calibration.exports.planting import (
    Kind,
    Planted,
    chance,
    chosen,
    date_at,
    sorted_moves,
)

__all__ = [
    "BACKWARD",
    "DUPLICATES",
    "MISSING_LOSSES",
    "REOPENED",
    "SKIPPED",
    "TRUNCATED",
    "ZOMBIES",
]

COPIED_WITHIN = 240  # minutes after which the same enquiry is typed in again, at most


def _struck(book: Book, where: pd.Series) -> pd.DataFrame:
    """Return deals, some of them marked as no longer what happened."""
    return book.deals.assign(struck=book.deals["struck"] | where.to_numpy(dtype=bool))


def _per_deal(book: Book, values: pd.Series) -> pd.Series:
    """Return values by id of the deal, one per deal of the record."""
    return values.reindex(book.deals["deal_id"]).set_axis(book.deals.index)


def _flag(book: Book, ids: pd.Series) -> pd.Series:
    """Return which deals are named and not struck yet."""
    return book.deals["deal_id"].isin(set(ids)) & ~book.deals["struck"]


def _planted(book: Book, kind: str, share: float, where: pd.Series) -> Planted:
    """Write down which deals were struck."""
    ids = tuple(book.deals.loc[where, "deal_id"])
    return Planted(kind, share, len(ids), deals=ids)


def truncate(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Leave out deals that were closed before a date: the CRM is younger than the firm."""
    del seed
    date = date_at(book, share)
    last = book.moves.drop_duplicates("deal_id", keep="last")
    over = last[last["stage"].isin(list(book.outcomes())) & (last["at"] < date)]
    gone = book.deals["deal_id"].isin(set(over["deal_id"]))
    ids = tuple(book.deals.loc[gone, "deal_id"])
    moves = book.moves[~book.moves["deal_id"].isin(set(ids))]
    planted = Planted("truncated", share, len(ids), deals=ids, about={"from": date.isoformat()})
    return book.with_tables(deals=book.deals[~gone], moves=moves), planted


def skip(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Leave out a stage in the middle of a deal's way."""
    moves = book.moves
    place = moves.groupby("deal_id", sort=False).cumcount()
    size = moves.groupby("deal_id", sort=False)["stage"].transform("size")
    after = moves.groupby("deal_id", sort=False)["stage"]
    middle = (place > 0) & (place < size - 1) & (after.shift() != after.shift(-1))
    where = chosen(book.deals, _flag(book, moves.loc[middle, "deal_id"]), share, "skipped", seed)
    rows = moves[middle & moves["deal_id"].isin(set(book.deals.loc[where, "deal_id"]))]
    luck = dict(
        zip(book.deals["deal_id"], chance(book.deals["lead_id"], "skipped", seed, 1), strict=True)
    )
    count = rows.groupby("deal_id", sort=False)["stage"].transform("size")
    number = rows.groupby("deal_id", sort=False).cumcount()
    gone = rows.index[number == np.floor(rows["deal_id"].map(luck) * count)]
    planted = _planted(book, "skipped", share, where)
    return book.with_tables(deals=_struck(book, where), moves=moves.drop(index=gone)), planted


def go_back(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Let deals go back a stage by mistake, and forward again."""
    moves = book.moves
    closing = moves["stage"].isin(list(book.outcomes()))
    by_deal = moves.groupby("deal_id", sort=False)
    before, until = by_deal["stage"].shift(), by_deal["at"].shift(-1).fillna(book.until)
    place = {stage.id: n for n, stage in enumerate(book.stages)}
    up = before.map(place) < moves["stage"].map(place)
    room = ~closing & up & (until - moves["at"] > pd.Timedelta(hours=1))
    rows = moves[room].drop_duplicates("deal_id")
    where = chosen(book.deals, _flag(book, rows["deal_id"]), share, "backward", seed)
    rows = rows[rows["deal_id"].isin(set(book.deals.loc[where, "deal_id"]))]
    length = until.reindex(rows.index) - rows["at"]
    parts = []
    for fraction, stage in ((0.4, before.reindex(rows.index)), (0.6, rows["stage"])):
        at = (rows["at"] + fraction * length).dt.as_unit("us")
        parts.append(rows.assign(at=at, shown_at=at, stage=stage))
    found = sorted_moves(book, pd.concat([moves, *parts], ignore_index=True))
    planted = _planted(book, "backward", share, where)
    return book.with_tables(deals=_struck(book, where), moves=found), planted


def reopen(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Let lost deals be opened again, and lost again if there is time left."""
    moves = book.moves
    before = moves.groupby("deal_id", sort=False)["stage"].shift()
    lost = [key for key, outcome in book.outcomes().items() if outcome == "lost"]
    rows = moves[moves["stage"].isin(lost) & before.notna() & (moves["at"] < book.until)]
    rows = rows.drop_duplicates("deal_id", keep="last")
    where = chosen(book.deals, _flag(book, rows["deal_id"]), share, "reopened", seed)
    rows = rows[rows["deal_id"].isin(set(book.deals.loc[where, "deal_id"]))]
    again = rows["at"] + pd.Timedelta(days=2)
    again = again.where(again <= book.until, book.until)
    closed = rows["at"] + pd.Timedelta(days=9)
    parts = [
        rows.assign(at=again, shown_at=again, stage=before.reindex(rows.index), reason=None),
        rows.assign(at=closed, shown_at=closed)[closed < book.until],
    ]
    parts = [part.astype({"reason": "str"}) for part in parts]
    found = sorted_moves(book, pd.concat([moves, *parts], ignore_index=True))
    planted = _planted(book, "reopened", share, where)
    return book.with_tables(deals=_struck(book, where), moves=found), planted


def _left_open(
    book: Book, share: float, seed: int, kind: str, *, before: pd.Timestamp | None
) -> tuple[Book, Planted]:
    """Let losses go unrecorded."""
    lost = [key for key, outcome in book.outcomes().items() if outcome == "lost"]
    last = book.moves.drop_duplicates("deal_id", keep="last")
    rows = last[last["stage"].isin(lost)]
    rows = rows[
        rows["deal_id"].isin(set(book.moves["deal_id"][book.moves["deal_id"].duplicated()]))
    ]
    if before is not None:
        rows = rows[rows["at"] < before]
    where = chosen(book.deals, _flag(book, rows["deal_id"]), share, kind, seed)
    gone = rows.index[rows["deal_id"].isin(set(book.deals.loc[where, "deal_id"]))]
    planted = _planted(book, kind, share, where)
    return book.with_tables(deals=_struck(book, where), moves=book.moves.drop(index=gone)), planted


def leave_open(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Let deals that were lost long ago stay open."""
    return _left_open(book, share, seed, "zombies", before=date_at(book, 0.5))


def miss_losses(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Let losses at any time go unrecorded."""
    return _left_open(book, share, seed, "missing_losses", before=None)


def duplicate(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Export deals twice, and have enquiries typed in twice by two people."""
    deals, moves = book.deals, book.moves
    every = pd.Series(data=True, index=deals.index)
    exact = chosen(deals, every, share / 2, "duplicates", seed)
    first = moves.drop_duplicates("deal_id").set_index("deal_id")
    open_ = ~_per_deal(book, first["stage"]).isin(list(book.outcomes()))
    near = chosen(deals, open_ & ~exact, share / 2, "duplicates", seed, 1)
    twice = deals[near]
    later = pd.to_timedelta(
        np.ceil(COPIED_WITHIN * chance(twice["lead_id"], "duplicates", seed, 2)), unit="min"
    )
    start = int(deals["number"].max()) if len(deals) else 0
    numbers = range(start + 1, start + 1 + len(twice))
    created = twice["created_at"] + later
    created = created.where(created <= book.until, book.until).dt.as_unit("us")
    copies = twice.assign(
        deal_id=[book.deal_id(number) for number in numbers],
        number=list(numbers),
        created_at=created,
        shown_created_at=created,
        struck=True,
    ).astype({"deal_id": "str"})
    entered = first.loc[twice["deal_id"]].reset_index(drop=True)
    entered = entered.assign(
        deal_id=copies["deal_id"].array, at=created.array, shown_at=created.array
    )
    found = pd.concat([deals.loc[deals.index.repeat(1 + exact.astype("int64"))], copies])
    about = {
        "exact": list(deals.loc[exact, "deal_id"]),
        "near": dict(zip(copies["deal_id"], twice["deal_id"], strict=True)),
    }
    ids = (*about["exact"], *copies["deal_id"])
    planted = Planted("duplicates", share, len(ids), "rows", ids, about)
    all_moves = pd.concat([moves, entered[moves.columns]], ignore_index=True)
    return book.with_tables(deals=found, moves=all_moves), planted


TRUNCATED = Kind(
    "truncated",
    "deals closed before a date are missing",
    truncate,
    unit="the share of the time that went by before",
    usual=0.3,
    most=0.9,
)
SKIPPED = Kind("skipped", "stages that a deal went through and nobody recorded", skip)
BACKWARD = Kind("backward", "deals moved back a stage and forward again", go_back, usual=0.02)
REOPENED = Kind("reopened", "lost deals that were opened again", reopen, usual=0.02)
ZOMBIES = Kind("zombies", "deals lost long ago that still stand open", leave_open)
MISSING_LOSSES = Kind("missing_losses", "losses that nobody recorded", miss_losses, usual=0.1)
DUPLICATES = Kind(
    "duplicates", "deals that stand there twice: half exact, half typed in again", duplicate
)
