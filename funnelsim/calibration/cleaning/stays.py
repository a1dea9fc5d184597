"""Cleaned moves → visits: each lasts until the deal's next one, or until it is closed."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.cleaning import Clean
from funnelsim.calibration.cleaning.ledger import Ledger
from funnelsim.calibration.cleaning.stage_list import StageList
from funnelsim.calibration.drifting.dating import CLOSED
from funnelsim.calibration.raw import History
from funnelsim.events.schema import TIME
from funnelsim.events.tables import cast

__all__ = ["entries", "visits_of"]

UNKNOWN: Final = np.iinfo(np.int64).min  # what NaT is as an integer
DAY: Final = 86_400_000_000  # microseconds
COLUMNS: Final = ("lead", "at", "stage", "row", "file")


def entries(clean: Clean, stages: StageList, history: History, ledger: Ledger) -> pd.DataFrame:
    """Return when each deal entered which stage.

    Parameters
    ----------
    clean : Clean
        The cleaned history.
    stages : StageList
        All its stages.
    history : str
        With ``snapshot`` moves do not count: a deal is in its present stage, or closed.
    ledger : Ledger
        Gets an entry for everything assumed.

    Returns
    -------
    pandas.DataFrame
        ``lead`` (row in ``clean.deals``), ``at`` (microseconds since the epoch, UTC),
        ``stage`` (position in ``stages``), ``row`` and ``file``; in order, no stage twice
        in succession.
    """
    deals = _deals(clean, stages)
    _contradictions(deals, clean, ledger)
    if history == "snapshot":
        return _sorted(_present(deals, clean, ledger))
    found = _recorded(deals, clean, stages, ledger)
    found = _merged(found, clean, ledger)
    found = _until_closed(found, deals, clean, stages, ledger)
    found = _completed(found, deals, clean, stages, ledger)
    return found.reset_index(drop=True)


def visits_of(found: pd.DataFrame, clean: Clean, stages: StageList) -> pd.DataFrame:
    """Return entries as the visits of an event log.

    Parameters
    ----------
    found : pandas.DataFrame
        From `entries`.
    clean : Clean
        The cleaned history.
    stages : StageList
        All its stages.

    Returns
    -------
    pandas.DataFrame
        Columns of ``visits``, but ``ready_at``; and ``lead``, ``row`` and ``file``.
    """
    lead, at, stage = (found[name].to_numpy() for name in ("lead", "at", "stage"))
    last = np.diff(lead, append=-1) != 0
    ends = last & stages.terminal()[stage]
    following = np.append(stage[1:], -1)[: len(stage)]
    left = np.where(last, np.where(ends, at, UNKNOWN), np.append(at[1:], UNKNOWN)[: len(at)])
    ids, deals = pd.array([*stages.ids()], dtype="str"), clean.deals
    exits = pd.array(["moved", "ended", "open"], dtype="str")
    return pd.DataFrame(
        {
            "lead": lead,
            "lead_id": deals["deal_id"].take(lead).array,
            "visit": found.groupby("lead").cumcount().to_numpy() + 1,
            "stage": ids.take(stage),
            "entered_at": _stamps(at),
            "left_at": _stamps(left),
            "exit": exits.take(np.select([~last, ends], [0, 1], 2)),
            "next_stage": ids.take(np.where(last, len(ids) - 1, following)),
            "owner": deals["owner"].take(lead).array,
            "row": found["row"].to_numpy(),
            "file": found["file"].to_numpy(),
        },
        copy=False,
    )


def _stamps(ticks: np.ndarray) -> pd.Series:
    """Return microseconds since the epoch as times."""
    times = pd.Series(ticks.astype(np.int64).view("datetime64[us]"))
    return cast(times.dt.tz_localize("UTC"), TIME)


def _ticks(times: pd.Series) -> np.ndarray:
    """Return times as microseconds since the epoch, UTC."""
    return times.to_numpy(dtype="datetime64[us]").view(np.int64)


def _deals(clean: Clean, stages: StageList) -> pd.DataFrame:
    """Return what the table of deals says, as numbers."""
    deals = clean.deals
    stage = stages.codes(deals["stage"], deals["funnel"])
    said = deals["status"].where(deals["status"].isin(CLOSED)).fillna("").to_numpy(dtype=object)
    means = stages.outcomes()[stage]
    outcome = np.where(means != "", means, said)
    closing = np.array([stages.closing("won"), stages.closing("lost"), -1])
    by_status = closing[np.select([said == "won", said == "lost"], [0, 1], 2)]
    ends = stages.terminal()[stage]
    closed, since = _ticks(deals["closed_at"]), _ticks(deals["stage_since"])
    at = np.where(closed != UNKNOWN, closed, np.where(ends, since, UNKNOWN))
    arrived = _ticks(deals["arrived_at"])
    return pd.DataFrame(
        {
            "arrived": arrived,
            "stage": stage,
            "since": np.where(since < arrived, UNKNOWN, since),
            "said": said,
            "means": means,
            "closed": (outcome != "") | ends,
            "closing": np.where(ends, stage, by_status),
            "at": np.where(at < arrived, UNKNOWN, at),
            "row": deals["row"].to_numpy(),
            "file": deals["file"].to_numpy(),
        }
    )


def _contradictions(deals: pd.DataFrame, clean: Clean, ledger: Ledger) -> None:
    """Count deals whose status is not what their stage says."""
    open_ = (clean.deals["status"] == "open").to_numpy()
    other = (deals["means"] != "") & ((deals["said"] != "") & (deals["said"] != deals["means"]))
    against = other | ((deals["means"] != "") & open_)
    ledger.add("contradicting_status", clean.deals[against.to_numpy()], len(deals))


def _present(deals: pd.DataFrame, clean: Clean, ledger: Ledger) -> pd.DataFrame:
    """Return one entry per deal: of its present stage, or of the stage that closed it."""
    closed, until = deals["closed"].to_numpy(), _ticks(pd.Series([clean.until]))[0]
    undated = closed & (deals["at"] == UNKNOWN).to_numpy()
    ledger.add("undated_closings", clean.deals[undated], int(closed.sum()))
    stage = np.where(closed, deals["closing"], deals["stage"])
    unknown = ~closed & (stage >= 0) & (deals["since"] == UNKNOWN).to_numpy()
    ledger.add("unknown_since", clean.deals[unknown], int((~closed).sum()))
    since = np.where(deals["since"] == UNKNOWN, deals["arrived"], deals["since"])
    at = np.where(closed, np.where(undated, until, deals["at"]), since)
    found = pd.DataFrame({"lead": np.arange(len(deals)), "at": at, "stage": stage})
    found = found.assign(row=deals["row"], file=deals["file"])
    ledger.add("stageless", clean.deals[(stage < 0)], len(deals))
    return found[stage >= 0]


def _sorted(found: pd.DataFrame) -> pd.DataFrame:
    """Put entries in order; of one instant the earlier row comes first."""
    return found.sort_values(["lead", "at"], kind="stable", ignore_index=True)


def _recorded(deals: pd.DataFrame, clean: Clean, stages: StageList, ledger: Ledger) -> pd.DataFrame:
    """Return recorded moves, and the stages in which deals were before or without any."""
    moves = clean.moves
    lead = moves["lead"].to_numpy()
    funnel = clean.deals["funnel"].take(lead).reset_index(drop=True)
    stage = stages.codes(moves["stage"], funnel)
    left = stages.codes(moves["from_stage"], funnel)
    found = moves[["lead", "row", "file"]].assign(at=_ticks(moves["at"]), stage=stage)
    first = np.diff(lead, prepend=-1) != 0
    before = first & (left >= 0) & (left != stage)
    previous = np.append(-1, stage)[: len(stage)]
    gap = ~first & (left >= 0) & (left != previous)
    ledger.add("history_gaps", moves[gap], len(moves))
    early = before & (found["at"].to_numpy() >= deals["arrived"].to_numpy()[lead])
    ledger.add("first_stages", moves[early], len(deals))
    start = found[early].assign(stage=left[early], at=deals["arrived"].to_numpy()[lead[early]])
    unmoved = np.ones(len(deals), dtype=bool)
    unmoved[lead] = False
    held = (deals["stage"] >= 0).to_numpy() & ~stages.terminal()[deals["stage"].to_numpy()]
    still = unmoved & held
    ledger.add("unmoved_deals", clean.deals[still], len(deals))
    ledger.add("stageless", clean.deals[unmoved & ~deals["closed"] & ~held], len(deals))
    here = deals[still]
    late = (here["since"] == UNKNOWN) | ((here["at"] != UNKNOWN) & (here["since"] > here["at"]))
    since = here["since"].mask(late, here["arrived"])
    rest = pd.DataFrame({"lead": np.flatnonzero(still), "at": since, "stage": here["stage"]})
    rest = rest.assign(row=here["row"], file=here["file"])
    parts = [frame[list(COLUMNS)] for frame in (start, found, rest) if len(frame)]
    return _sorted(pd.concat(parts, ignore_index=True)) if parts else found[list(COLUMNS)]


def _merged(found: pd.DataFrame, clean: Clean, ledger: Ledger) -> pd.DataFrame:
    """Merge entries of the stage in which the deal already is."""
    lead, stage = found["lead"].to_numpy(), found["stage"].to_numpy()
    again = (np.diff(lead, prepend=-1) == 0) & (np.diff(stage, prepend=-1) == 0)
    again |= stage < 0
    if not again.any():
        return found
    _enter("repeated_stage", found[again & (stage >= 0)], clean, ledger, len(found))
    rest: pd.DataFrame = found[~again].reset_index(drop=True)
    return rest


def _until_closed(
    found: pd.DataFrame, deals: pd.DataFrame, clean: Clean, stages: StageList, ledger: Ledger
) -> pd.DataFrame:
    """Leave out moves on later days than the last closing of deals that are closed."""
    lead = found["lead"].to_numpy()
    closed_at = np.where(deals["closed"], deals["at"], UNKNOWN)[lead]
    ends = stages.terminal()[found["stage"].to_numpy()]
    any_end = np.zeros(len(deals), dtype=bool)
    any_end[lead[ends]] = True
    late = (closed_at != UNKNOWN) & (found["at"].to_numpy() > closed_at + DAY) & ~any_end[lead]
    late &= np.diff(lead, prepend=-1) == 0  # something must be left
    if not late.any():
        return found
    _enter("moves_after_closing", found[late], clean, ledger, len(found))
    rest: pd.DataFrame = found[~late].reset_index(drop=True)
    return rest


def _completed(
    found: pd.DataFrame, deals: pd.DataFrame, clean: Clean, stages: StageList, ledger: Ledger
) -> pd.DataFrame:
    """Add the closings and present stages that the moves do not show."""
    n, until = len(deals), _ticks(pd.Series([clean.until]))[0]
    lead = found["lead"].to_numpy()
    last = np.diff(lead, append=-1) != 0
    last_stage, last_at = np.full(n, -1), np.full(n, UNKNOWN)
    last_stage[lead[last]] = found["stage"].to_numpy()[last]
    last_at[lead[last]] = found["at"].to_numpy()[last]
    floor = np.maximum(last_at, deals["arrived"].to_numpy())
    ended = stages.terminal()[last_stage]
    stage, since = deals["stage"].to_numpy(), deals["since"].to_numpy()
    closing = deals["closed"].to_numpy() & ~ended & (deals["closing"] >= 0).to_numpy()
    at = deals["at"].to_numpy()
    undated = closing & (at == UNKNOWN)
    ledger.add("added_closings", clean.deals[closing & (last_stage >= 0)], n)
    ledger.add("undated_closings", clean.deals[undated], int(deals["closed"].sum()))
    moved = ~deals["closed"].to_numpy() & (last_stage >= 0) & (stage >= 0) & (stage != last_stage)
    dated = moved & (since != UNKNOWN) & (since >= last_at)
    ledger.add("added_stages", clean.deals[dated], n)
    ledger.add("unexplained_stages", clean.deals[moved & ~dated], n)
    ledger.add("stageless", clean.deals[deals["closed"] & ~closing & (last_stage < 0)], n)
    more = closing | dated
    when = np.where(closing, np.where(undated, until, np.maximum(at, floor)), since)
    added = pd.DataFrame(
        {
            "lead": np.flatnonzero(more),
            "at": when[more],
            "stage": np.where(closing, deals["closing"], stage)[more],
            "row": deals["row"].to_numpy()[more],
            "file": deals["file"].to_numpy()[more],
        }
    )
    return _sorted(pd.concat([found, added], ignore_index=True)) if len(added) else found


def _enter(kind: str, rows: pd.DataFrame, clean: Clean, ledger: Ledger, of: int) -> None:
    """Enter entries of stages, which know deals by their row."""
    named = rows.assign(deal_id=clean.deals["deal_id"].take(rows["lead"].to_numpy()).array)
    ledger.add(kind, named, of)
