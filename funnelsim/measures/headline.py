"""The handful of figures for page 1."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures.capacity import utilisation
from funnelsim.measures.conversion import win_rate
from funnelsim.measures.durations import cycle_time
from funnelsim.measures.journeys import journeys
from funnelsim.measures.tables import check_level, exact, record, tidy
from funnelsim.measures.value import won_value

__all__ = ["headline"]


def headline(log: EventLog, *, level: float = 0.95) -> pd.DataFrame:
    """Leads, wins, win rate, cycle time, money, the busiest team and open deals.

    Parameters
    ----------
    log : EventLog
        Any history.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        One row each, measures in this order: ``leads`` (of the cohort), ``won_deals`` (won
        inside the window, whenever they arrived), ``win_rate``, ``cycle_time_p50`` and
        ``cycle_time_p95`` (arrival to any closing), ``won_value``, ``utilisation`` (of the
        busiest team, named in the item column ``team``; left out without staffing data)
        and ``open_deals`` (at the end of the log, whenever they arrived).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> headline(BANK)[["measure", "value", "unit"]].values.tolist()[:3]
    [['leads', 5.0, 'leads'], ['won_deals', 2.0, 'deals'], ['win_rate', 0.5, 'share']]
    """
    check_level(level)
    cohort = len(journeys(log, cohort=True).leads)
    waiting = int((journeys(log, cohort=False).ends["outcome"] == "open").sum())
    won = won_value(log, level=level).set_index("measure", drop=False)
    cycle = cycle_time(log, level=level, percentiles=(0.5, 0.95)).iloc[:2]
    busiest = utilisation(log).dropna(subset="value").nlargest(1, "value")
    parts = [
        _one("leads", "leads", cohort),
        won.loc[["won_deals"]],
        win_rate(log, level=level),
        cycle.assign(measure=["cycle_time_p50", "cycle_time_p95"][: len(cycle)]),
        won.loc[["won_value"]],
        busiest,
        _one("open_deals", "deals", waiting),
    ]
    table = pd.concat(parts, ignore_index=True)
    named = table["team"].fillna("") if len(busiest) else np.full(len(table), "")
    table = table.assign(team=named)
    return tidy(table, log, (), {"team": "str"})


def _one(measure: str, unit: str, number: int) -> pd.DataFrame:
    """Return a row with a count."""
    return pd.DataFrame([record({}, measure, unit, exact(number, number), level=0)])
