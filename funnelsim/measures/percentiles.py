"""Tables of durations: percentiles and mean, group by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.followup import FollowUp, follow, followed_mean, followed_quantiles
from funnelsim.measures.journeys import stage_ids
from funnelsim.measures.tables import groups, record, tidy

__all__ = ["PERCENTILES", "check_percentiles", "percentile_table"]

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

PERCENTILES: Final = (0.5, 0.8, 0.95)


def check_percentiles(percentiles: Sequence[float]) -> None:
    """Refuse percentiles that are not between 0 and 1.

    Raises
    ------
    ParameterError
        Naming each.
    """
    problems = [
        Problem(f"percentile {p!r} lies outside 0 to 1", fix="Write 0.95 for the 95th")
        for p in percentiles
        if not 0 < p < 1
    ]
    if problems:
        raise ParameterError(problems)


def percentile_table(
    log: EventLog,
    measure: str,
    keys: pd.DataFrame,
    seen: tuple[Floats, Flags],
    fates: dict[str, Flags],
    level: float,
    percentiles: Sequence[float],
    chosen: Flags | None = None,
) -> pd.DataFrame:
    """Return percentiles and mean of each group.

    Parameters
    ----------
    log : EventLog
    measure : str
        Name of the percentiles; the mean adds ``_mean``.
    keys : DataFrame, one row per duration
        Grouping columns and, last, the item; stages as codes.
    seen : tuple of ndarray
        Seconds, and whether that was the end (False: still open).
    fates : dict
        Count column → which durations it counts.
    level : float
        Confidence level, 0 to 1.
    percentiles : sequence of float
        0 to 1, exclusive.
    chosen : ndarray of bool, optional
        Only durations that end in one way, the other ends competing.

    Returns
    -------
    DataFrame
    """
    *by, item = keys.columns
    stages = stage_ids(log)
    records: list[dict[str, object]] = []
    for key, at in groups(keys):
        if item == "stage":
            code = int(str(key["stage"]))
            key["stage"] = stages[code] if code >= 0 else ""
        followed = follow(seen[0][at], seen[1][at])
        counts = {name: int(flag[at].sum()) for name, flag in fates.items()}
        of = None if chosen is None else chosen[at]
        records += [row | counts for row in _rows(key, measure, followed, of, level, percentiles)]
    items = {str(item): "str", "quantile": "float64"}
    return tidy(records, log, by, items, dict.fromkeys(fates, "int64"))


def _rows(
    key: dict[str, object],
    measure: str,
    seen: FollowUp,
    chosen: Flags | None,
    level: float,
    percentiles: Sequence[float],
) -> list[dict[str, object]]:
    """Rows of one group: its percentiles, then its mean."""
    found = followed_quantiles(seen, chosen, percentiles, level)
    rows = [
        record({**key, "quantile": p}, measure, "s", quantile, level)
        for p, quantile in zip(percentiles, found, strict=True)
    ]
    middle = followed_mean(seen, chosen, level)
    return [
        *rows,
        record({**key, "quantile": np.nan}, f"{measure}_mean", "s", middle, level),
    ]
