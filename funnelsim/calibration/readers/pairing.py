"""Pairing the events of work: what was queued, started and ended belongs together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["paired", "pieces_of_work"]

Rows = npt.NDArray[np.int64]


def paired(group: Rows, opens: npt.NDArray[np.bool_], closes: npt.NDArray[np.bool_]) -> Rows:
    """Pair each closing event with the earliest opening one of its group still open.

    Parameters
    ----------
    group : numpy.ndarray
        Shape ``(n,)``: the group of each event; groups stand together, each in order.
    opens, closes : numpy.ndarray
        Which events open and which close. Others are passed over.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``: for an opening event the row of its closing one, and the other
        way round; -1 where there is none.

    Examples
    --------
    An opening event, its closing one, a closing one too many, an opening one left open:

    >>> group, event = np.zeros(4, dtype=int), np.array(list("(())"))
    >>> paired(group, event == "(", event == ")").tolist()
    [2, 3, 0, 1]
    >>> event = np.array(list("())("))
    >>> paired(group, event == "(", event == ")").tolist()
    [1, 0, -1, -1]
    """
    level = pd.Series(opens.astype(np.int64) - closes.astype(np.int64)).groupby(group).cumsum()
    lowest = level.groupby(group).cummin().clip(upper=0)
    before = lowest.groupby(group).shift(fill_value=0)
    orphan = closes & (lowest < before).to_numpy()  # nothing was open any more
    partner = np.full(len(group), -1, dtype=np.int64)
    rows = pd.DataFrame({"group": group, "row": np.arange(len(group))})
    opening, closing = rows[opens].copy(), rows[closes & ~orphan].copy()
    for side in (opening, closing):
        side["nth"] = side.groupby("group").cumcount()
    both = opening.merge(closing, on=["group", "nth"], suffixes=("_open", "_close"))
    partner[both["row_open"]] = both["row_close"]
    partner[both["row_close"]] = both["row_open"]
    return partner


def pieces_of_work(group: Rows, phase: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Return pieces of work as rows of the events that queue, start and end them.

    The nth start takes the earliest waiting queueing; the next end ends the earliest
    running start. An end when nothing runs takes away what waits, if anything does.

    Parameters
    ----------
    group : numpy.ndarray
        Shape ``(n,)``: lead and kind of work of each event; groups stand together, each
        in order of time.
    phase : numpy.ndarray
        Shape ``(n,)``: ``queued``, ``started`` or ``ended``.

    Returns
    -------
    pandas.DataFrame
        One row per piece of work: ``queued``, ``started``, ``ended``, rows of the events
        or -1; ends that belong to nothing are left out.

    Examples
    --------
    >>> phase = np.array(["queued", "started", "ended", "started", "ended"], dtype=object)
    >>> pieces_of_work(np.zeros(5, dtype=int), phase)
       queued  started  ended
    0       0        1      2
    1      -1        3      4
    """
    queues, starts, ends = phase == "queued", phase == "started", phase == "ended"
    queue_start = paired(group, queues, starts)
    start_end = paired(group, starts, ends)
    waiting, idle_end = queues & (queue_start < 0), ends & (start_end < 0)
    queue_end = paired(group, waiting, idle_end)
    started, unstarted = np.flatnonzero(starts), np.flatnonzero(waiting)
    pieces = pd.DataFrame(
        {
            "queued": np.concatenate([queue_start[started], unstarted]),
            "started": np.concatenate([started, np.full(unstarted.size, -1)]),
            "ended": np.concatenate([start_end[started], queue_end[unstarted]]),
        }
    )
    first = pieces["queued"].where(pieces["queued"] >= 0, pieces["started"])
    return pieces.iloc[np.argsort(first.to_numpy(), kind="stable")].reset_index(drop=True)
