"""Dirt in stages: renamed, deleted, or meaning something else from a date on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from funnelsim.calibration.exports.book import Book, BookStage
from funnelsim.calibration.exports.planting import (
    Kind,
    Planted,
    chance,
    chosen,
    date_at,
    sorted_moves,
)

__all__ = ["DEFINITION", "DELETED", "RENAMED"]

SUFFIX = {"en": "new", "ru": "новое", "uk": "нове"}


def _busiest(book: Book, count: int) -> list[BookStage]:
    """Return open stages that leads move on to, those most often entered first."""
    first = book.moves.drop_duplicates("deal_id")["stage"].mode()
    often = book.moves["stage"].value_counts()
    open_ = [s for s in book.stages if s.outcome is None and s.id not in set(first)]
    return sorted(open_, key=lambda s: (-int(often.get(s.id, 0)), s.id))[:count]


def _ids(book: Book, ids: Iterable[str]) -> tuple[str, ...]:
    """Return ids of deals in the order of the record."""
    wanted = set(ids)
    return tuple(key for key in book.deals["deal_id"].drop_duplicates() if key in wanted)


def rename(book: Book, count: float, seed: int) -> tuple[Book, Planted]:
    """Let stages go by a new name from a date on; what was before keeps the old one."""
    del seed
    date = date_at(book, 0.6)
    moves, stages, about, touched = book.moves.copy(), [], {}, 0
    busy = {stage.id for stage in _busiest(book, round(count))}
    for stage in book.stages:
        stages.append(stage)
        if stage.id not in busy:
            continue
        new = BookStage(f"{stage.id}_new", f"{stage.name} ({SUFFIX[book.language]})")
        stages.append(new)
        later = (moves["stage"] == stage.id) & (moves["at"] >= date)
        moves["stage"] = moves["stage"].mask(later, new.id)
        touched += int(later.sum())
        about[stage.name] = new.name
    planted = Planted(
        "renamed", count, touched, "moves", about={"from": date.isoformat(), "stages": about}
    )
    return replace(book, moves=moves, stages=tuple(stages)), planted


def delete(book: Book, count: float, seed: int) -> tuple[Book, Planted]:
    """Take stages off the list at a date: who is in one goes back a stage, nobody enters it."""
    del seed
    date = date_at(book, 0.7)
    gone = {stage.id: stage.name for stage in _busiest(book, round(count))}
    moves = book.moves
    into = moves["stage"].isin(list(gone))
    before = moves[moves["at"] < date].drop_duplicates("deal_id", keep="last")
    sitting = before[before["stage"].isin(list(gone))]
    previous = moves.groupby("deal_id", sort=False)["stage"].shift()
    alone = moves.groupby("deal_id")["stage"].transform("size") == 1
    back = sitting.assign(
        at=date, shown_at=date, stage=previous.reindex(sitting.index), reason=None
    )
    back = back.dropna(subset=["stage"]).astype({"reason": "str"})
    kept = moves[~(into & (moves["at"] >= date) & ~alone)]
    found = sorted_moves(book, pd.concat([kept, back], ignore_index=True))
    stages = tuple(replace(s, deleted=s.deleted or s.id in gone) for s in book.stages)
    ids = _ids(book, [*moves.loc[into & (moves["at"] >= date), "deal_id"], *back["deal_id"]])
    planted = Planted(
        "deleted",
        count,
        len(ids),
        deals=ids,
        about={"from": date.isoformat(), "stages": list(gone.values())},
    )
    return replace(book.with_tables(moves=found), stages=stages), planted


def redefine(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """From a date on, let a stage also be entered by deals that would have passed it by."""
    date = date_at(book, 0.6)
    stage = next(iter(_busiest(book, 1)), None)
    nothing = Planted("definition", share, 0)
    if stage is None:
        return book, nothing
    moves = book.moves
    after = moves.groupby("deal_id", sort=False)
    following, until = after["stage"].shift(-1), after["at"].shift(-1)
    before = moves.loc[following == stage.id, "stage"].mode()
    if before.empty:
        return book, nothing
    passing = (moves["stage"] == before.iloc[0]) & following.notna() & (following != stage.id)
    passing &= (moves["at"] >= date) & (until > moves["at"])
    once = ~moves.where(passing)["deal_id"].duplicated()
    struck = moves["deal_id"].map(book.deals.set_index("deal_id")["struck"])
    rows = moves[passing & once & ~struck.astype(bool)]
    leads = book.deals.set_index("deal_id")["lead_id"]
    rows = rows.assign(lead_id=rows["deal_id"].map(leads).astype("str"))
    every = pd.Series(data=True, index=rows.index)
    rows = rows[chosen(rows, every, share, "definition", seed)]
    luck = 0.2 + 0.6 * chance(rows["lead_id"], "definition", seed, 1)
    midway = rows["at"] + (until.reindex(rows.index) - rows["at"]) * luck
    midway = midway.dt.as_unit("us")
    extra = rows.drop(columns="lead_id").assign(stage=stage.id, at=midway, shown_at=midway)
    found = sorted_moves(book, pd.concat([moves, extra], ignore_index=True))
    ids = _ids(book, extra["deal_id"])
    deals = book.deals.assign(struck=book.deals["struck"] | book.deals["deal_id"].isin(ids))
    about = {"from": date.isoformat(), "stage": stage.name, "stage_id": stage.id}
    planted = Planted("definition", share, len(ids), deals=ids, about=about)
    return book.with_tables(deals=deals, moves=found), planted


RENAMED = Kind(
    "renamed",
    "stages that go by a new name from a date on",
    rename,
    unit="a number of stages",
    usual=1,
    most=5,
)
DELETED = Kind(
    "deleted",
    "stages that were taken off the list",
    delete,
    unit="a number of stages",
    usual=1,
    most=5,
)
DEFINITION = Kind(
    "definition",
    "a stage that means something else from a date on: more deals enter it",
    redefine,
    unit="a share of the deals that passed it by",
    usual=0.5,
)
