"""Nothing may vanish: what goes into a stage comes out, or is still there."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EXITS, EventLog
from funnelsim.measures.journeys import journeys
from funnelsim.measures.tables import By, columns_of, exact, groups, record, tidy

__all__ = ["mass_balance"]

ALL = "(all)"


def mass_balance(log: EventLog, *, by: By = ()) -> pd.DataFrame:
    """Entries against exits, stage by stage, and leads against their last visits.

    Parameters
    ----------
    log : EventLog
        Any history; all its leads, whenever they arrived.
    by : str or sequence of str
        Columns of leads.

    Returns
    -------
    DataFrame
        One row per ``stage``: value = ``n`` = entries, the flow in as ``arrived`` (the
        lead's first visit) + ``came`` (sent here by the visit before), the flow out as
        ``moved`` + ``timed_out`` + ``reneged`` + ``ended`` + ``open``; last a row
        ``(all)``: value = leads, ``arrived`` those with a visit, ``ended`` + ``open`` by
        their last visit. ``imbalance`` is the sum of the gaps, 0 in a sound log.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = mass_balance(BANK)
    >>> table[["stage", "value", "moved", "ended", "open", "imbalance"]].values.tolist()[0]
    ['interest', 5.0, 4, 0, 1, 0]
    """
    columns = columns_of(by, log)
    trips = journeys(log, cohort=False)
    lead, stage, leaving = (trips.visits[name].to_numpy() for name in ("lead", "stage", "exit"))
    first, last = np.diff(lead, prepend=-1) != 0, np.diff(lead, append=-1) != 0
    sent = np.where(first, -1, np.roll(trips.visits["next"].to_numpy(), 1))
    records: list[dict[str, object]] = []
    for key, of in groups(trips.leads[list(columns)]):
        at = np.flatnonzero(np.isin(lead, of))
        for code, name in enumerate(trips.stages):
            here = at[stage[at] == code]
            came = int((sent[at] == code).sum())
            item = {**key, "stage": name}
            records.append(_row(item, len(here), int(first[here].sum()), came, leaving[here]))
        item = {**key, "stage": ALL}
        records.append(_row(item, len(of), int(first[at].sum()), 0, leaving[at][last[at]]))
    counts = dict.fromkeys(["arrived", "came", *EXITS, "imbalance"], "int64")
    return tidy(records, log, columns, {"stage": "str"}, counts)


def _row(
    item: dict[str, object], entries: int, arrived: int, came: int, leaving: NDArray[np.int16]
) -> dict[str, object]:
    """Entries, where they came from, how they left, and the gaps between them."""
    left = np.bincount(leaving[leaving >= 0], minlength=len(EXITS))
    gaps = abs(entries - arrived - came) + abs(entries - int(left.sum()))
    counts = dict(zip(EXITS, left.tolist(), strict=True))
    row = record(item, "mass_balance", "leads", exact(entries, entries), level=0)
    return row | {"arrived": arrived, "came": came, **counts, "imbalance": gaps}
