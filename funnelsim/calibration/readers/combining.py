"""Several exports of one CRM, taken on different days → one history.

What is known of each deal at each export is laid side by side: a deal whose stage differs
between two exports moved between them, and a deal that is no longer listed was deleted.
Where the CRM recorded the moves of a deal, these count and nothing is inferred.

The level of the history is ``full`` only if every part is full, or if the exports are at
most a day and a half apart, so that a deal that moves twice in between is an exception.
Else it is ``latest_entry``: a stage entered and left between two exports is not seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import pairwise

import numpy as np
import pandas as pd

from funnelsim.calibration.raw import History, RawHistory, RawMetadata, RawStage
from funnelsim.calibration.readers.joining import among
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.errors import DataError, Problem
from funnelsim.events import TIME
from funnelsim.events.tables import cast
from funnelsim.messages import Message

__all__ = ["combined"]

DAILY = pd.Timedelta(hours=36)
"""Exports at most so far apart count as a full history."""
SLACK = pd.Timedelta(days=1)
"""Dates without a time of day may lie so far outside of the interval."""
CLOSED = ("won", "lost")
FEWEST, MOST = 5, 0.9
"""A stage was renamed if at least 5 deals were in it and 9 of 10 are in the same new one."""


def combined(raws: Sequence[RawHistory]) -> RawHistory:
    """Make one history of several exports of one CRM.

    Parameters
    ----------
    raws : sequence of RawHistory
        Exports taken on different days, or of several pipelines, in any order; all of one
        format. When one was taken is what it says, else the time of its last event.

    Returns
    -------
    RawHistory
        Every deal as it was last seen. A move between two exports is dated by what the
        later one says (closed, present stage since) if that lies between them, else it
        counts in the middle; notes say how many and how wide the intervals are. Deals no
        longer listed are marked as deleted, if the later export reaches back to them.

    Raises
    ------
    DataError
        No exports, or exports of different CRMs.

    Examples
    --------
    >>> from funnelsim.calibration.raw_example import RAW
    >>> combined([RAW]) is RAW
    True
    """
    parts = _distinct(raws)
    if len(parts) == 1:
        return parts[0]
    taken, notes = _moments(parts)
    order = sorted(range(len(parts)), key=lambda n: taken[n])
    parts, taken = [parts[n] for n in order], [taken[n] for n in order]
    starts = np.cumsum([0, *(len(part.meta.files) for part in parts)])
    tables = {
        name: _stacked(name, [getattr(part, name) for part in parts], starts)
        for name in ("deals", "moves", "efforts", "marks")
    }
    at = np.repeat(np.arange(len(parts)), [len(part.deals) for part in parts])
    seen = tables["deals"].assign(taken=pd.DatetimeIndex(taken)[at].as_unit("us"), part=at)
    closing = {stage.name for part in parts for stage in part.meta.stages if stage.outcome}
    seen, renamed = _renamed(seen, closing)
    stages = _stages(parts, {old for old, _ in renamed})
    recorded = tables["moves"]["deal_id"]
    inferred, seen, more = _inferred(seen, recorded, stages)
    deals, gone = _last_seen(seen)
    moves = _distinct_rows(pd.concat([tables["moves"], inferred], ignore_index=True))
    names = dict(renamed)
    moves = moves.assign(**{c: moves[c].replace(names) for c in ("stage", "from_stage")})
    told = (*notes, *_renaming_notes(renamed), *more, *gone)
    meta = _metadata(parts, taken, stages, told, inferred=len(inferred) > 0)
    return RawHistory(
        deals=deals,
        moves=raw_table("moves", moves.sort_values(["deal_id", "at"], kind="stable")),
        efforts=_distinct_rows(tables["efforts"]),
        marks=_distinct_rows(tables["marks"]),
        meta=meta,
    )


def _distinct(raws: Sequence[RawHistory]) -> list[RawHistory]:
    """Return the exports without those that are given twice; refuse a mixture of CRMs."""
    if not raws:
        raise DataError("no export is given")
    formats = {raw.meta.format: raw.meta.files for raw in raws}
    if len(formats) > 1:
        listed = "; ".join(
            f"{name}: {', '.join(file.name for file in files)}" for name, files in formats.items()
        )
        fix = "Read the exports of each CRM on their own."
        raise DataError(Problem(f"exports of different CRMs: {listed}", fix=fix))
    keys = [tuple(file.sha256 or file.name for file in raw.meta.files) for raw in raws]
    return list(dict(zip(reversed(keys), reversed(raws), strict=True)).values())[::-1]


def _moments(parts: Sequence[RawHistory]) -> tuple[list[pd.Timestamp], list[Note]]:
    """Return when each export was taken, and how many do not say so."""
    from funnelsim.calibration.cleaning.cleaning import (
        last_event,  # it builds on the readers' contract
    )

    moments, unsaid = [], 0
    for part in parts:
        said = part.meta.taken_at or max(
            (file.taken_at for file in part.meta.files if file.taken_at), default=None
        )
        columns = [part.deals[name] for name in ("created_at", "stage_since", "closed_at")]
        last = last_event([*columns, part.moves["at"]]) if said is None else pd.Timestamp(said)
        unsaid += said is None
        moments.append(pd.Timestamp(0, tz="UTC") if last is None else last.tz_convert("UTC"))
    found = Message("Exports that do not say when they were taken")
    done = Message("Their last event says it.")
    return moments, [Note("undated_exports", unsaid, found, done)] if unsaid else []


def _stacked(name: str, frames: Sequence[pd.DataFrame], starts: np.ndarray) -> pd.DataFrame:
    """Return the rows of all exports, with the numbers that the files have now."""
    moved = [f.assign(file=f["file"] + start) for f, start in zip(frames, starts, strict=False)]
    filled = [frame for frame in moved if len(frame)]
    return raw_table(name, pd.concat(filled, ignore_index=True) if filled else None)


def _distinct_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out what several exports tell alike."""
    content = [name for name in frame.columns if name not in ("row", "file")]
    return frame.drop_duplicates(content, ignore_index=True)


def _renamed(seen: pd.DataFrame, closing: set[str]) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Give stages their latest names: one that lost its deals to a new one was renamed."""
    pairs: list[tuple[str, str]] = []
    times = sorted(seen["taken"].unique())
    for earlier, later in pairwise(times):
        columns = ["deal_id", "funnel", "stage"]
        one, two = (seen.loc[seen["taken"] == moment, columns] for moment in (earlier, later))
        both = one.merge(two, on="deal_id", suffixes=("", "_later")).dropna(
            subset=["stage", "stage_later"]
        )
        for old in sorted(set(one["stage"].dropna()) - set(two["stage"])):
            went = both.loc[both["stage"] == old, "stage_later"].value_counts()
            if went.sum() < FEWEST or went.iloc[0] < MOST * went.sum():
                continue
            if went.index[0] not in {*one["stage"], *closing}:
                pairs.append((old, str(went.index[0])))
                seen["stage"] = seen["stage"].replace(dict(pairs[-1:]))
    return seen, pairs


def _renaming_notes(renamed: Sequence[tuple[str, str]]) -> list[Note]:
    """Say which stages seem to have been renamed."""
    if not renamed:
        return []
    listed = "; ".join(f'"{old}" is now "{new}"' for old, new in renamed)
    done = Message("They count as one stage each: {stages}.", stages=listed)
    found = Message("Stages that were renamed between exports")
    return [Note("renamed_stages", len(renamed), found, done)]


def _inferred(
    seen: pd.DataFrame, recorded: pd.Series, stages: Sequence[RawStage]
) -> tuple[pd.DataFrame, pd.DataFrame, list[Note]]:
    """Return the moves that happened between exports, and the deals with dates of closing."""
    seen = seen.sort_values(["deal_id", "taken", "part"], kind="stable", ignore_index=True)
    before = seen.groupby("deal_id")[["stage", "status", "taken"]].shift()
    later = before["taken"].notna() & (seen["taken"] > before["taken"])
    unrecorded = ~among(seen["deal_id"], recorded)
    moved = later & unrecorded & seen["stage"].notna() & before["stage"].notna()
    moved &= seen["stage"] != before["stage"]
    closing = {stage.name for stage in stages if stage.outcome}
    closes = seen["stage"].isin(closing) | ~before["status"].isin(CLOSED)
    closed = later & seen["status"].isin(CLOSED) & ~before["status"].isin(CLOSED)
    middle = cast(before["taken"] + (seen["taken"] - before["taken"]) / 2, TIME)
    undated = closed & seen["closed_at"].isna() & unrecorded
    seen["closed_at"] = seen["closed_at"].mask(undated, middle)
    own = seen["stage"].isin(closing) & closes
    dated = seen["closed_at"].where(own).fillna(seen["stage_since"])
    known = dated.between(before["taken"] - SLACK, seen["taken"] + SLACK)
    at = middle.mask(known, dated)
    late = seen["status"].isin(CLOSED) & ~own & (at > seen["closed_at"])
    at = at.mask(late & (seen["closed_at"] > before["taken"]), seen["closed_at"])
    columns = {"deal_id": seen["deal_id"], "at": at, "stage": seen["stage"]}
    columns |= {"from_stage": before["stage"], "row": seen["row"], "file": seen["file"]}
    moves = pd.DataFrame(columns)[moved]
    first = _first_entries(seen, before, unrecorded & among(seen["deal_id"], moves["deal_id"]))
    width = (seen["taken"] - before["taken"]).dt.total_seconds() / 86_400
    notes = [*_interval_notes(width[moved & ~known], int((moved & known).sum()))]
    if undated.any():
        found = Message("Closings between two exports whose date the CRM does not say")
        done = Message("They count in the middle between the two.")
        notes.append(Note("undated_between", int(undated.sum()), found, done))
    return raw_table("moves", pd.concat([first, moves], ignore_index=True)), seen, notes


def _first_entries(seen: pd.DataFrame, before: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """Return the stage in which deals were first seen, if the export says since when."""
    first = seen[before["taken"].isna() & wanted & seen["stage"].notna()]
    since = first["stage_since"]
    told = since.notna() & (since <= first["taken"] + SLACK)
    columns = ["deal_id", "stage", "row", "file"]
    return first.loc[told, columns].assign(at=since[told])


def _interval_notes(widths: pd.Series, dated: int) -> Iterator[Note]:
    """Say how many moves happened between exports, and how well they are dated."""
    if dated:
        found = Message("Moves between two exports that the later export dates")
        yield Note("dated_between", dated, found, Message("They count on that date."))
    if len(widths):
        found = Message("Moves between two exports that nothing dates")
        done = Message(
            "They count in the middle; the exports are {usual} days apart (at most {most}).",
            usual=f"{widths.median():.3g}",
            most=f"{widths.max():.3g}",
        )
        yield Note("moves_between", len(widths), found, done)


def _last_seen(seen: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return each deal as it was last seen; mark those that a later export should have listed."""
    created = seen.groupby("deal_id")["created_at"].min()
    last = seen.drop_duplicates("deal_id", keep="last").reset_index(drop=True)
    last["created_at"] = last["created_at"].fillna(last["deal_id"].map(created))
    funnel = seen["funnel"].fillna("")
    reach = seen.groupby([funnel, "taken"])["created_at"].min().rename("reach").reset_index()
    vanished = np.zeros(len(last), dtype=bool)
    own = last["funnel"].fillna("")
    for row in reach.itertuples(index=False):
        missed = (own == row.funnel) & (last["taken"] < row.taken)
        vanished |= (missed & (last["created_at"] >= row.reach)).to_numpy()
    last["deleted"] = last["deleted"].mask(vanished, other=True)
    notes = []
    if vanished.any():
        found = Message("Deals that a later export no longer lists")
        done = Message("They count as deleted.")
        if not seen["status"].isin(CLOSED).any():
            done = Message(
                "They count as deleted; since no export lists closed deals, they may be closed."
            )
        notes.append(Note("vanished", int(vanished.sum()), found, done))
    return raw_table("deals", last.drop(columns=["taken", "part"])), notes


def _stages(parts: Sequence[RawHistory], gone: set[str]) -> tuple[RawStage, ...]:
    """Return the stages of the last export, then those that only earlier ones have."""
    found: dict[tuple[str, str], RawStage] = {}
    for part in reversed(parts):
        for stage in part.meta.stages:
            if (stage.funnel, stage.name) in found or stage.name in gone:
                continue
            taken = {one.id for one in found.values()}
            key, number = stage.id, 2
            while key in taken:
                key, number = f"{stage.id[:56]}-{number}", number + 1
            found[stage.funnel, stage.name] = dataclasses.replace(stage, id=key)
    order = {None: 0, "won": 1, "lost": 2}
    return tuple(sorted(found.values(), key=lambda stage: (stage.funnel, order[stage.outcome])))


def _metadata(
    parts: Sequence[RawHistory],
    taken: Sequence[pd.Timestamp],
    stages: tuple[RawStage, ...],
    notes: tuple[Note, ...],
    *,
    inferred: bool,
) -> RawMetadata:
    """Return what can be said of all exports together."""
    levels = {part.meta.history for part in parts}
    level = _level(levels, taken)
    counts: dict[tuple[str, str, str], int] = {}
    for note in (note for part in parts for note in part.meta.notes):
        key = (note.kind, note.found, note.done)
        counts[key] = max(counts.get(key, 0), note.count)  # mostly of the same deals
    together = tuple(Note(kind, n, found, done) for (kind, found, done), n in counts.items())
    starts = [part.meta.observed_from for part in parts if part.meta.observed_from]
    start = min(starts) if starts else None
    if start is None and inferred:
        start = taken[0].to_pydatetime().astimezone(UTC)
    last = parts[-1].meta
    return dataclasses.replace(
        last,
        files=tuple(file for part in parts for file in part.meta.files),
        history=level,
        currency=last.currency or next((p.meta.currency for p in parts if p.meta.currency), ""),
        observed_from=start,
        taken_at=taken[-1].to_pydatetime(),
        stages=stages,
        teams=tuple({team: label for p in parts for team, label in p.meta.teams}.items()),
        labels={key: label for part in parts for key, label in part.meta.labels.items()},
        notes=(*together, *notes),
        obtain_history="" if level == "full" else last.obtain_history,
    )


def _level(levels: set[History], taken: Sequence[pd.Timestamp]) -> History:
    """Return the level of the whole; the rule stands at the head of this module."""
    if levels == {"full"}:
        return "full"
    days = sorted(set(taken))
    gaps = [later - earlier for earlier, later in pairwise(days)]
    if not gaps:
        return "snapshot" if "snapshot" in levels else "latest_entry"
    return "full" if max(gaps) <= DAILY else "latest_entry"
