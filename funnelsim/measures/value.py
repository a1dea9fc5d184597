"""What the funnel yields: how leads end, and the money of those won.

Money is whole minor units (cents, kopiykas) of the log's one currency.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures.estimates import Estimate, mean
from funnelsim.measures.journeys import journeys, stamps, window
from funnelsim.measures.periods import edges, period_of
from funnelsim.measures.tables import (
    By,
    check_level,
    columns_of,
    exact,
    groups,
    record,
    tidy,
)

__all__ = ["outcomes", "won_value"]

TIME: Final = "datetime64[us, UTC]"
ORDER: Final = ("won", "lost", "ended", "open")


def outcomes(log: EventLog, *, by: By = ()) -> pd.DataFrame:
    """How the leads of the cohort stand at the end of the log.

    The share that is won *so far* is no win rate while deals are open: see
    :func:`funnelsim.measures.win_rate`.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).

    Returns
    -------
    DataFrame
        One row per ``outcome`` (won, lost, ended without a mark, open) and ``reason`` of a
        loss (empty elsewhere and where none was given); value in leads, ``n`` = all leads
        of the group; then ``share`` of these.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> outcomes(BANK)[["outcome", "reason", "value", "share"]].values.tolist()
    [['won', '', 2.0, 0.4], ['lost', 'price', 1.0, 0.2], ['open', '', 2.0, 0.4]]
    """
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=True)
    outcome = trips.ends["outcome"]
    reason = trips.ends["reason"].where(outcome == "lost").fillna("")
    rank = pd.Categorical(outcome, categories=list(ORDER)).codes
    keys = trips.leads[list(columns)].assign(rank=rank, reason=reason)
    records: list[dict[str, object]] = []
    for group, members in groups(keys[list(columns)]):
        parts = keys[["rank", "reason"]].iloc[members]
        for key, at in groups(parts):
            item = {**group, "outcome": ORDER[int(str(key["rank"]))], "reason": key["reason"]}
            row = record(item, "outcomes", "leads", exact(len(at), len(members)), level=0)
            records.append(row | {"share": len(at) / len(members)})
    items = {"outcome": "str", "reason": "str"}
    return tidy(records, log, columns, items, {"share": "float64"})


def won_value(
    log: EventLog, *, by: By = (), level: float = 0.95, every: str | None = None
) -> pd.DataFrame:
    """Money of the deals won inside the log's window.

    Counted when it was won, whenever the lead arrived; the value is that of the won mark.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads, or ``owner`` (of the lead's latest visit).
    level : float
        Confidence level of the mean, 0 to 1.
    every : str, optional
        ``"1 w"``, ``"1 mo"`` …: by period of the win, with the item column ``at``.

    Returns
    -------
    DataFrame
        Three rows a group: ``won_value`` (the sum) and ``won_value_mean`` (per deal with a
        value; Student's t interval, not below 0) in minor units, such as ``UAH minor``,
        and ``won_deals`` in deals; then ``valued``, the deals that have a value.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> won_value(BANK)[["measure", "value", "unit"]].values.tolist()
    [['won_value', 400000.0, 'EUR minor'], ['won_deals', 2.0, 'deals'],
     ['won_value_mean', 200000.0, 'EUR minor']]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    trips = journeys(log, cohort=False)
    cuts = edges(log, every) if every else np.array(window(log), dtype=np.int64)
    won = (trips.ends["outcome"] == "won").to_numpy()
    period = np.where(won, period_of(cuts, trips.ends["closed"].to_numpy()), -1)
    value = trips.ends["value"].to_numpy(dtype="float64", na_value=np.nan)
    begins = stamps(cuts[:-1])
    records: list[dict[str, object]] = []
    for key, at in groups(trips.leads[list(columns)]):
        for number in range(len(cuts) - 1):
            mine = value[at[period[at] == number]]
            item = {**key, "at": begins[number]} if every else key
            records += _money(item, mine, log.meta.currency, level)
    items = {"at": TIME} if every else {}
    return tidy(records, log, columns, items, {"valued": "int64"})


def _money(
    item: dict[str, object], value: np.ndarray, currency: str, level: float
) -> list[dict[str, object]]:
    """Sum, number and mean of one group's deals."""
    unit = f"{currency} minor".strip()
    known = value[~np.isnan(value)]
    middle = mean(known, level)
    if len(known) and known.min() >= 0:
        middle = Estimate(*middle._replace(lo=max(middle.lo, 0.0)))
    rows = [
        record(item, "won_value", unit, exact(known.sum(), len(value)), level),
        record(item, "won_deals", "deals", exact(len(value), len(value)), level),
        record(item, "won_value_mean", unit, middle, level),
    ]
    return [row | {"valued": len(known)} for row in rows]
