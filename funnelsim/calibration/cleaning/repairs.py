"""What a CRM recorded → a validated event log, with every repair counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.cleaning import Clean, cleaned
from funnelsim.calibration.cleaning.ledger import Ledger, Repair
from funnelsim.calibration.cleaning.log_rows import effort_rows, lead_rows, mark_rows, with_ready
from funnelsim.calibration.cleaning.stage_list import StageList, stage_list
from funnelsim.calibration.cleaning.stays import entries, visits_of
from funnelsim.calibration.cleaning.truncation import recorded_from
from funnelsim.calibration.memory import give_back
from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.notes import Note
from funnelsim.errors import DataError, Problem
from funnelsim.events import SCHEMA, EventLog, Metadata, TeamInfo

__all__ = ["Mended", "Repaired", "mended", "repaired"]

MOST_STAGES: Final = 300
AT_ARRIVAL: Final = ("mapping", "xes", "process_log")  # formats whose attributes do not change


@dataclass(frozen=True)
class Repaired:
    """An event log made from a CRM's history, and what was repaired on the way.

    Parameters
    ----------
    log : EventLog
        Validated.
    notes : tuple of Note
        Those of the reader, then those of the repairs.
    repairs : tuple of Repair
        The repairs with examples: deal, file and line.
    """

    log: EventLog
    notes: tuple[Note, ...]
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, eq=False)
class Mended:
    """A history with copies and impossible rows gone and stages numbered; not yet a log."""

    clean: Clean
    stages: StageList
    found: pd.DataFrame
    """Entries of stages, as `stays.entries` returns them."""
    start: pd.Timestamp
    """When recording began."""
    ledger: Ledger


def repaired(raw: RawHistory) -> Repaired:
    """Make the event log of a CRM's history.

    Rows that are copies, deleted, undated or impossible are repaired or left out; every
    kind of repair is counted. The log's ``history`` is the level the file can support.

    Parameters
    ----------
    raw : RawHistory
        As read.

    Returns
    -------
    Repaired
        The log, whose provenance holds the notes, and the notes.

    Raises
    ------
    DataError
        What cannot be repaired: no deals, no dates, neither stages nor outcomes, several
        pipelines or currencies in one file; all at once.

    Examples
    --------
    >>> from funnelsim.calibration.raw_example import RAW
    >>> result = repaired(RAW)
    >>> result.log.visits[["lead_id", "stage", "exit"]].values.tolist()[:3]
    [['1', 'new', 'moved'], ['1', 'offer', 'moved'], ['1', 'won', 'ended']]
    >>> print(result.notes[0])
    Moves that are exact copies of others: 1. They count once.
    """
    problems = list(_problems(raw))
    if problems:
        raise DataError(problems)
    result = mended(raw)
    problems = list(_emptied(raw, result))
    if problems:
        raise DataError(problems)
    clean, stages, ledger = result.clean, result.stages, result.ledger
    visits = visits_of(_by_arrival(result.found, clean), clean, stages)
    clean = replace(clean, moves=clean.moves.iloc[:0])  # a large file's moves need not stay
    result = replace(result, clean=clean, found=result.found.iloc[:0])
    give_back()
    leads = lead_rows(clean, visits, raw.meta, result.start, ledger)
    marks = mark_rows(clean, visits, stages, raw.meta, ledger)
    efforts = effort_rows(clean, visits, ledger)
    visits = with_ready(visits, efforts).drop(columns=["lead", "row", "file"])
    repairs = tuple(ledger)
    notes = (*raw.meta.notes, *(repair.note for repair in repairs))
    attributes = [str(name) for name in leads.columns if name not in SCHEMA["leads"]]
    meta = _metadata(raw, result, efforts, _known(raw, attributes), notes)
    del clean, result
    give_back()
    log = EventLog(leads=leads, visits=visits, efforts=efforts, marks=marks, meta=meta)
    return Repaired(log, notes, repairs)


def _by_arrival(found: pd.DataFrame, clean: Clean) -> pd.DataFrame:
    """Entries in the order of a log, so that it need not hold its longest table twice."""
    deals = clean.deals
    rank = np.empty(len(deals), dtype=np.int64)
    rank[deals.sort_values(["arrived_at", "deal_id"]).index] = np.arange(len(deals))
    return found.iloc[np.argsort(rank[found["lead"].to_numpy()], kind="stable")]


def mended(raw: RawHistory) -> Mended:
    """Clean a history and find its entries of stages, whatever else is wrong with it.

    Parameters
    ----------
    raw : RawHistory
        As read; may mix pipelines and currencies.

    Returns
    -------
    Mended

    Examples
    --------
    >>> from funnelsim.calibration.raw_example import RAW
    >>> len(mended(RAW).found)
    5
    """
    ledger = Ledger(raw.meta.files)
    clean = cleaned(raw, ledger)
    funnels = clean.deals["funnel"].dropna().unique()
    funnel = str(funnels[0]) if len(funnels) == 1 else ""
    give_back()
    stages = stage_list(raw.meta.stages, clean.deals, clean.moves, funnel, ledger)
    found = entries(clean, stages, raw.meta.history, ledger)
    start = recorded_from(clean, raw.meta)
    return Mended(clean, stages, found, start, ledger)


def _problems(raw: RawHistory) -> Iterator[Problem]:
    """Find what nobody can repair."""
    deals, moves = raw.deals, raw.moves
    where = ", ".join(file.name for file in raw.meta.files)
    if not len(deals):
        yield Problem("there are no deals in it", where, fix="Export all deals, closed ones too.")
        return
    dates = [deals[name] for name in ("created_at", "stage_since", "closed_at")]
    if not any(column.notna().any() for column in (*dates, moves["at"])):
        fix = "Export the dates of creation and closing, or name their columns in a mapping."
        yield Problem("no deal and no move has a date", where, fix=fix)
    stages = deals["stage"].notna().any() or moves["stage"].notna().any()
    if not stages and not deals["status"].notna().any() and deals["closed_at"].isna().all():
        fix = "Export the column with the stage, or name it in a mapping."
        yield Problem("no deal has a stage, a status or a move", where, fix=fix)
    names = pd.concat([deals["stage"], moves["stage"]]).dropna().nunique()
    if names > MOST_STAGES:
        message = f"there are {names:,} different stages, more than any funnel has"
        fix = "Check which column holds the stage; name it in a mapping."
        yield Problem(message, where, fix=fix)
    yield from _mixed(raw, where)


def _mixed(raw: RawHistory, where: str) -> Iterator[Problem]:
    """Find several pipelines or currencies in one history."""
    funnels = raw.deals["funnel"].dropna().value_counts()
    if len(funnels) > 1:
        listed = ", ".join(f'"{name}" ({count:,})' for name, count in funnels.items())
        fix = f'Take one: --pipeline "{funnels.index[0]}".'
        yield Problem(f"deals of {len(funnels)} pipelines are mixed: {listed}", where, fix=fix)
    paid = raw.deals["currency"].where(raw.deals["value"].notna()).dropna()
    currencies = pd.concat([paid, raw.marks["currency"].dropna()]).value_counts()
    if len(currencies) > 1:
        listed = ", ".join(f"{name} ({count:,})" for name, count in currencies.items())
        fix = "Export one of them, or convert the values with the rates of their dates first."
        yield Problem(f"values in {len(currencies)} currencies are mixed: {listed}", where, fix=fix)


def _emptied(raw: RawHistory, result: Mended) -> Iterator[Problem]:
    """Say why nothing is left, if nothing is."""
    if not len(result.clean.deals):
        where = ", ".join(file.name for file in raw.meta.files)
        said = " ".join(str(repair.note) for repair in result.ledger)
        fix = "Repair the dates in the CRM or in the export."
        yield Problem(f"no usable deal is left of {len(raw.deals):,}. {said}", where, fix=fix)


def _known(raw: RawHistory, attributes: list[str]) -> dict[str, str]:
    """Say when each attribute was known: a CRM shows today's value, not that of the past."""
    if raw.meta.format.startswith(AT_ARRIVAL):
        return {f"leads.{name}": "arrival" for name in attributes if name != "amount"}
    today = {f"leads.{name}": "overwritten" for name in attributes}
    owned = raw.deals["owner"].notna().any() if "owner" in raw.deals else False
    return today | ({"visits.owner": "overwritten"} if owned else {})


def _metadata(
    raw: RawHistory,
    result: Mended,
    efforts: pd.DataFrame,
    known: Mapping[str, str],
    notes: tuple[Note, ...],
) -> Metadata:
    """Return what the reader knew about the log, and what was found out."""
    meta, until = raw.meta, result.clean.until
    teams = {**{name: {} for name in efforts["team"].dropna().unique()}, **dict(meta.teams)}
    money = raw.deals["currency"].where(raw.deals["value"].notna()).dropna().unique()
    start = min(result.start, until)
    return Metadata.model_validate(
        {
            "observed_from": start.to_pydatetime(),
            "observed_until": until.to_pydatetime(),
            "time_zone": meta.time_zone or "UTC",
            "history": meta.history,
            "title": dict(meta.title),
            "currency": meta.currency or (str(money[0]) if len(money) else ""),
            "illustrative": meta.illustrative,
            "stages": result.stages.infos(),
            "teams": tuple(TeamInfo(id=name, label=dict(label)) for name, label in teams.items()),
            "known": dict(known),
            "labels": {key: dict(label) for key, label in meta.labels.items()},
            "provenance": _provenance(raw, notes),
        }
    )


def _provenance(raw: RawHistory, notes: tuple[Note, ...]) -> dict[str, str]:
    """Return where the data came from: names and digests of the files, notes."""
    files = raw.meta.files
    one = {"file": files[0].name, "file_sha256": files[0].sha256} if files else {}
    several = {
        "files": "\n".join(file.name for file in files),
        "files_sha256": "\n".join(file.sha256 for file in files),
    }
    return {
        "origin": raw.meta.origin,
        "format": raw.meta.format,
        **(one if len(files) <= 1 else several),
        "notes": "\n".join(str(note) for note in notes),
    }
