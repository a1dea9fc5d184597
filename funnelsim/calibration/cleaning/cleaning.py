"""Rows of a CRM's history → rows that can be true: no copies, no impossible times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.ledger import Ledger
from funnelsim.calibration.drifting.dating import CLOSED, dated
from funnelsim.calibration.raw import RAW_SCHEMA, RawHistory
from funnelsim.events.schema import TIME
from funnelsim.events.tables import cast

__all__ = ["Clean", "cleaned", "last_event"]

EARLIEST: Final = pd.Timestamp("1990-01-01", tz="UTC")
DAY: Final = pd.Timedelta(days=1)
MONTH: Final = np.timedelta64(30, "D")
YEAR: Final = np.timedelta64(365, "D")
FEW: Final = 0.01  # share of times that may lie apart, in the future
FAR: Final = 0.1  # share that may, where they lie further apart than all others together
ENOUGH: Final = 20  # times, before one of them is called far from the others


@dataclass(frozen=True, eq=False)
class Clean:
    """What is left of a history when copies and impossible rows are gone.

    Parameters
    ----------
    deals : pandas.DataFrame
        One row per deal, numbered from 0, as in `RAW_SCHEMA`, and ``arrived_at``.
    moves, efforts, marks : pandas.DataFrame
        As in `RAW_SCHEMA`, and ``lead``, the row in ``deals``; moves stand in time order.
    until : pandas.Timestamp
        When the data was taken.
    """

    deals: pd.DataFrame
    moves: pd.DataFrame
    efforts: pd.DataFrame
    marks: pd.DataFrame
    until: pd.Timestamp


def cleaned(raw: RawHistory, ledger: Ledger) -> Clean:
    """Take out copies, deleted deals, strays and impossible times.

    Parameters
    ----------
    raw : RawHistory
        As read.
    ledger : Ledger
        Gets an entry for everything that was repaired or left out.

    Returns
    -------
    Clean
        May be empty.
    """
    tables = {name: _modern(_whole(getattr(raw, name), name), name, ledger) for name in RAW_SCHEMA}
    until = _taken_at(raw, tables)
    everyone = tables["deals"]["deal_id"]
    deals = _one_each(tables["deals"], ledger)
    deals = _kept(deals, until, ledger)
    moves = _own_moves(tables["moves"], deals, everyone, until, ledger)
    deals, kept = dated(deals, moves, raw, ledger)
    row = np.where(kept, np.cumsum(kept) - 1, -1)
    if not kept.all():
        moves = moves.assign(lead=row[moves["lead"]])[kept[moves["lead"]]].reset_index(drop=True)
    efforts = _with_lead(tables["efforts"], deals, everyone, "stray_work", ledger)
    marks = _with_lead(tables["marks"], deals, everyone, "stray_marks", ledger)
    return Clean(deals, moves, efforts, marks, until)


def last_event(times: list[pd.Series]) -> pd.Timestamp | None:
    """Return the last time that is no slip of the pen.

    A few times far after all others, 2099 for 2019, do not move the end of the window: at
    most one in a hundred of them, after a gap longer than a quarter of all that was
    before it and longer than 30 days; or one in ten, after a gap longer than all that was
    before it and longer than a year.

    Parameters
    ----------
    times : list of pandas.Series
        Of dtype `TIME`.

    Returns
    -------
    pandas.Timestamp or None
        None if there are no times.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2024-01-01", periods=200, tz="UTC"))
    >>> days[7] = pd.Timestamp("2099-01-01", tz="UTC")
    >>> last_event([days]).date()
    datetime.date(2024, 7, 18)
    """
    known = [column.dropna() for column in times if column.notna().any()]
    if not known:
        return None
    ticks = np.sort(np.concatenate([column.to_numpy(dtype="datetime64[us]") for column in known]))
    last, tail = len(ticks) - 1, max(1, int(FAR * len(ticks)))
    if len(ticks) >= ENOUGH:
        before = ticks[-tail - 1 : -1] - ticks[0]
        gaps = np.diff(ticks[-tail - 1 :])
        few = np.arange(tail, 0, -1) <= max(1, int(FEW * len(ticks)))
        apart = few & (gaps > MONTH) & (gaps > before / 4)
        apart |= (gaps > YEAR) & (gaps > before)
        last -= tail - int(np.argmax(apart)) if apart.any() else 0
    return pd.Timestamp(ticks[last], tz="UTC")


def _whole(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the table with every column that it should have, typed."""
    schema = RAW_SCHEMA[table]
    missing = [name for name in schema if name not in frame.columns]
    other = [name for name in schema if name in frame.columns and frame[name].dtype != schema[name]]
    if other:
        frame = frame.assign(**{name: cast(frame[name], schema[name]) for name in other})
    if not missing:
        return frame.reset_index(drop=True)
    blank = {
        name: pd.Series(
            0 if RAW_SCHEMA[table][name] == "int64" else None,
            index=frame.index,
            dtype=RAW_SCHEMA[table][name],
        )
        for name in missing
    }
    return frame.assign(**blank).reset_index(drop=True)


def _modern(frame: pd.DataFrame, table: str, ledger: Ledger) -> pd.DataFrame:
    """Blank times that only say that a machine had none."""
    times = [name for name, dtype in RAW_SCHEMA[table].items() if dtype == TIME]
    old = pd.DataFrame({name: frame[name] < EARLIEST for name in times})
    if not old.to_numpy().any():
        return frame
    ledger.add("ancient_times", frame[old.any(axis=1)], len(frame), int(old.to_numpy().sum()))
    return frame.assign(**{name: frame[name].mask(old[name]) for name in times})


def _taken_at(raw: RawHistory, tables: dict[str, pd.DataFrame]) -> pd.Timestamp:
    """Return when the data was taken; a bare date means the whole day."""
    given: list[datetime] = [file.taken_at for file in raw.meta.files if file.taken_at]
    taken = raw.meta.taken_at or (max(given) if given else None)
    happened = [
        tables[table][name]
        for table, names in {
            "deals": ("created_at", "stage_since"),
            "moves": ("at",),
            "efforts": ("queued_at", "started_at", "ended_at"),
            "marks": ("at",),
        }.items()
        for name in names
    ]
    deals = tables["deals"]
    closed = deals["closed_at"].where(deals["status"].isin(CLOSED) | deals["status"].isna())
    happened.append(closed)
    if taken is None:
        last = last_event(happened)
        return EARLIEST if last is None else last
    until = pd.Timestamp(taken).tz_convert("UTC").as_unit("us")
    local = until.tz_convert(raw.meta.time_zone or "UTC")
    if local != local.normalize():
        return until
    same_day = [column[(column >= until) & (column < until + DAY)].max() for column in happened]
    latest: pd.Timestamp = max([until, *(time for time in same_day if pd.notna(time))])
    return latest


def _one_each(deals: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Keep one row per deal: the latest of the latest file."""
    nameless = deals["deal_id"].isna() | (deals["deal_id"] == "")
    deals = ledger.split("nameless_deals", deals, nameless)
    if deals["deal_id"].is_unique:
        return deals.reset_index(drop=True)
    content = [name for name in deals.columns if name not in ("row", "file")]
    deals = ledger.split("duplicate_deals", deals, deals.duplicated(content))
    deals = deals.sort_values(["file", "row"], kind="stable")
    deals = ledger.split("conflicting_deals", deals, deals["deal_id"].duplicated(keep="last"))
    return deals.sort_index().reset_index(drop=True)


def _kept(deals: pd.DataFrame, until: pd.Timestamp, ledger: Ledger) -> pd.DataFrame:
    """Leave out deleted and future deals; blank other dates to come."""
    deleted = deals["deleted"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    deals = ledger.split("deleted_deals", deals, deleted)
    deals = ledger.split("future_deals", deals, deals["created_at"] > until)
    open_ = deals["status"] == "open"
    planned = open_ & deals["closed_at"].notna()
    ledger.add("planned_closings", deals[planned], len(deals))
    expected = deals["expected_close_at"].fillna(deals["closed_at"].where(planned))
    late = ~open_ & (deals["closed_at"] > until)
    ledger.add("future_closings", deals[late & deals["status"].notna()], len(deals))
    deals = deals.assign(
        expected_close_at=expected.fillna(deals["closed_at"].where(late)),
        closed_at=deals["closed_at"].mask(planned | late),
        stage_since=deals["stage_since"].mask(deals["stage_since"] > until),
    )
    return deals.reset_index(drop=True)


def _own_moves(
    moves: pd.DataFrame,
    deals: pd.DataFrame,
    everyone: pd.Series,
    until: pd.Timestamp,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return dated moves of the deals that are left, in time order."""
    moves = _with_lead(moves, deals, everyone, "stray_moves", ledger)
    moves = ledger.split("undated_moves", moves, moves["at"].isna())
    moves = ledger.split("nameless_moves", moves, moves["stage"].isna() | (moves["stage"] == ""))
    moves = ledger.split("future_moves", moves, moves["at"] > until)
    stage = pd.factorize(moves["stage"])[0]
    at = moves["at"].to_numpy(dtype="datetime64[us]").view(np.int64)
    keys = pd.DataFrame({"lead": moves["lead"].to_numpy(), "at": at, "stage": stage})
    moves = ledger.split("duplicate_moves", moves, keys.duplicated().to_numpy())
    at = moves["at"].to_numpy(dtype="datetime64[us]").view(np.int64)
    order = np.lexsort((_reading_order(moves), at, moves["lead"].to_numpy()))
    if (np.diff(order) != 1).any():
        moves = moves.iloc[order]
    return moves.reset_index(drop=True)


def _reading_order(moves: pd.DataFrame) -> np.ndarray:
    """Return the rows in the order in which things happened: some files begin with the last."""
    lead, at = moves["lead"].to_numpy(), moves["at"].to_numpy(dtype="datetime64[us]")
    position = (moves["file"] * (moves["row"].max() + 1 if len(moves) else 1)) + moves["row"]
    rows = position.to_numpy(dtype=np.int64)
    by_row = np.lexsort((rows, lead))
    same = lead[by_row][1:] == lead[by_row][:-1]
    steps = np.diff(at[by_row].view(np.int64))[same]
    return -rows if (steps < 0).sum() > (steps > 0).sum() else rows


def _with_lead(
    frame: pd.DataFrame, deals: pd.DataFrame, everyone: pd.Series, stray: str, ledger: Ledger
) -> pd.DataFrame:
    """Add the row of the deal; rows of deals left out go with them, strays are counted."""
    codes, ids = pd.factorize(frame["deal_id"])
    found = np.append(pd.Index(deals["deal_id"]).get_indexer(pd.Index(ids)), -1)
    lead = found[codes]
    unknown = lead < 0
    if not unknown.any():
        return frame.assign(lead=lead)
    rows = frame[unknown]
    ledger.add(stray, rows[~rows["deal_id"].isin(everyone.dropna())], len(frame))
    return frame.assign(lead=lead)[~unknown]
