"""Deals and their history, which a CRM exports apart → one set of deals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.calibration.raw import History
from funnelsim.calibration.readers.notes import Note
from funnelsim.messages import Message

__all__ = ["among", "joined", "level_of"]

TOLERANCE = 0.1
"""Share of deals whose history may be missing in what still counts as a full history."""
MOMENT = pd.Timedelta(minutes=1)


def among(ids: pd.Series, known: pd.Series) -> pd.Series:
    """Say of each id whether it is among the known ones; for long columns of few ids.

    Parameters
    ----------
    ids, known : pandas.Series
        Ids of deals.

    Returns
    -------
    pandas.Series
        A truth value per id, on its index.

    Examples
    --------
    >>> among(pd.Series(["7", "8"]), pd.Series(["8", "9", "8"])).tolist()
    [False, True]
    """
    codes, unique = pd.factorize(ids)
    found = pd.Index(known.unique()).get_indexer(pd.Index(unique)) >= 0
    return pd.Series(np.append(found, False)[codes], index=ids.index)


def joined(
    deals: pd.DataFrame, history: pd.DataFrame, *, only_these: bool
) -> tuple[pd.DataFrame, list[Note]]:
    """Complete the deals of an export with what their history says of them.

    Parameters
    ----------
    deals : pandas.DataFrame
        As exported, with columns of `RAW_SCHEMA`, and attributes; what it says counts.
    history : pandas.DataFrame
        As the history leaves them: one row per deal, with columns of `RAW_SCHEMA`.
    only_these : bool
        Whether deals that are in the history only are left out, as those of other pipelines.

    Returns
    -------
    tuple of pandas.DataFrame and list of Note
        The deals; those in the history only stand last, and are counted.

    Examples
    --------
    >>> from funnelsim.calibration.readers.raw_tables import raw_table
    >>> deals = raw_table("deals", pd.DataFrame({"deal_id": ["7"], "stage": ["Demo"]}))
    >>> seen = pd.DataFrame({"deal_id": ["7", "8"], "owner": ["Anna", "Ben"]})
    >>> result, _ = joined(deals, raw_table("deals", seen), only_these=False)
    >>> result[["deal_id", "stage", "owner"]].values.tolist()
    [['7', 'Demo', 'Anna'], ['8', nan, 'Ben']]
    """
    known = history.drop_duplicates("deal_id").set_index("deal_id")
    filled = deals.copy()
    for column in known.columns.drop(["row", "file"]):
        own = known[column].reindex(deals["deal_id"]).set_axis(deals.index)
        filled[column] = deals[column].where(deals[column].notna(), own)
    rest = history[~among(history["deal_id"], deals["deal_id"])]
    if only_these or rest.empty:
        return filled, []
    found = Message("Deals that are in the history but not in the export of deals")
    done = Message("They are kept as the history leaves them; they may have been deleted.")
    note = Note("history_only", len(rest), found, done)
    return pd.concat([filled, rest], ignore_index=True), [note]


def level_of(deals: pd.DataFrame, moves: pd.DataFrame) -> History:
    """Return which level a history supports, given the deals that it should tell of.

    A deal must have moves if it changed its stage after it was created, or was closed. The
    history is full if at most one such deal in ten has none; else only the latest entries
    are known of all.

    Parameters
    ----------
    deals, moves : pandas.DataFrame
        As in `RAW_SCHEMA`.

    Returns
    -------
    str
        ``full`` or ``latest_entry``.

    Examples
    --------
    >>> from funnelsim.calibration.readers.raw_tables import raw_table
    >>> times = pd.to_datetime(["2024-02-01", "2024-02-02"], utc=True)
    >>> deals = pd.DataFrame({"deal_id": ["7"], "created_at": times[:1], "stage_since": times[1:]})
    >>> level_of(raw_table("deals", deals), raw_table("moves"))
    'latest_entry'
    """
    moved = deals["stage_since"] > deals["created_at"] + MOMENT
    expected = moved | deals["status"].isin(["won", "lost"])
    missing = expected & ~among(deals["deal_id"], moves["deal_id"])
    return "full" if missing.sum() <= TOLERANCE * max(int(expected.sum()), 1) else "latest_entry"
