"""Which stage is the weakest, if the data can tell."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures.conversion import stage_conversion
from funnelsim.measures.estimates import NOTHING, Estimate
from funnelsim.measures.journeys import selling_path
from funnelsim.measures.passages import Counting
from funnelsim.measures.tables import By, check_level, columns_of, groups, record, tidy

__all__ = ["weakest_stage"]


def weakest_stage(
    log: EventLog, *, by: By = (), level: float = 0.95, counting: Counting = "reached"
) -> pd.DataFrame:
    """Name the stage up to the win with the lowest conversion, or say that nobody can know.

    A stage is ruled out when another one is lower beyond chance: Newcombe's interval of
    the difference of their conversions, each comparison at (1 - level) ÷ (stages - 1). The
    truly lowest stage is then ruled out with a probability of at most 1 - level, so the
    ``candidates`` hold it with at least ``level``, and one is named only when it is the
    last one left. Just taking the lowest figure is wrong every other time at 100 leads.

    The weakest stage need not be the one to mend: what an improvement is worth hangs on
    head-room, cost, delay and capacity too.

    Parameters
    ----------
    log, by, counting
        As in :func:`funnelsim.measures.stage_conversion`.
    level : float
        1 - the accepted probability to rule out the truly weakest stage.

    Returns
    -------
    DataFrame
        One row per group: ``stage`` (empty where the data cannot tell); value, ``n``,
        ``lo`` and ``hi`` of its conversion, a share (NaN where there is none), method
        ``"Newcombe, Bonferroni"`` or ``"cannot tell"``; then ``lowest``, the stage whose
        figure is lowest, and ``candidates``, the stages not ruled out, in order and
        separated by commas.

    Raises
    ------
    HistoryError
        The log does not hold every stage change.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17: 873–890, method 10; confidence sets of the
    worst population: Gupta (1965), Technometrics 7: 225–245.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> weakest_stage(BANK)[["stage", "method", "candidates"]].values.tolist()
    [['', 'cannot tell', 'interest, decision']]
    """
    check_level(level)
    columns = columns_of(by, log, also=["owner"])
    path = selling_path(log)
    others = max(len(path) - 2, 1)  # a win is where the path leads
    strict = 1 - 2 * (1 - level) / others
    table = stage_conversion(log, by=by, level=max(strict, 0.5), counting=counting)
    shown = stage_conversion(log, by=by, level=level, counting=counting)
    records: list[dict[str, object]] = []
    on_path = table["stage"].isin(path[:-1])
    for key, at in groups(table.loc[on_path, list(columns)]):
        records += _verdict(key, table[on_path].iloc[at], shown[on_path].iloc[at], level)
    counts = {"lowest": "str", "candidates": "str"}
    return tidy(records, log, columns, {"stage": "str"}, counts)


def _verdict(
    key: dict[str, object], table: pd.DataFrame, shown: pd.DataFrame, level: float
) -> list[dict[str, object]]:
    """Row of one group, from its conversions at the strict and at the shown level."""
    if table.empty:
        return []
    value, lo, hi = (table[name].to_numpy() for name in ("value", "lo", "hi"))
    ruled_out = {
        one
        for one, other in permutations(range(len(table)), 2)
        if value[one] - value[other] > np.hypot(value[one] - lo[one], hi[other] - value[other])
    }
    left = [place for place in range(len(table)) if place not in ruled_out]
    stage = table["stage"].to_numpy()
    known = ~np.isnan(value)
    lowest = stage[int(np.nanargmin(value))] if known.any() else ""
    estimate = NOTHING._replace(n=int(table["n"].max()), method="cannot tell")
    if len(left) == 1 and known.all():
        best = shown.iloc[left[0]]
        share, low, high = float(best["value"]), float(best["lo"]), float(best["hi"])
        estimate = Estimate(share, int(best["n"]), low, high, "Newcombe, Bonferroni")
    named = stage[left[0]] if estimate.method != "cannot tell" else ""
    row = record({**key, "stage": named}, "weakest_stage", "share", estimate, level)
    return [row | {"lowest": lowest, "candidates": ", ".join(stage[left])}]
