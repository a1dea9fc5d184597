"""What makes a forecast low when it is low, and what hangs on single deals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.forecasting.samples import levels

__all__ = ["downside", "without_deals"]

Floats = NDArray[np.float64]

TAIL: Final = 0.1


def downside(won: pd.DataFrame, by: Sequence[str], n: int, tail: float = TAIL) -> pd.DataFrame:
    """Split what the worst runs lack into what each group lacks in them.

    The parts add up exactly: to the mean of all runs less the mean of the worst ones.

    Parameters
    ----------
    won : pandas.DataFrame
        ``run``, ``value`` and the columns of `by`, a row per deal won in a run.
    by : sequence of str
        Columns that make groups.
    n : int
        Runs, also those in which nothing is won.
    tail : float
        Share of runs that count as worst, 0 to 1.

    Returns
    -------
    pandas.DataFrame
        The columns of `by`, ``mean`` (of all runs), ``worst`` (mean of the worst), ``lacks``
        (their difference), ``share`` (of all that is lacking); most lacking first.

    References
    ----------
    Tasche (1999), Risk contributions and performance measurement: the Euler allocation of
    expected shortfall.

    Examples
    --------
    >>> won = pd.DataFrame({"run": [0, 0, 1], "value": [5.0, 1.0, 1.0], "stage": list("aba")})
    >>> downside(won, ["stage"], 2, 0.5)[["stage", "lacks"]].to_numpy().tolist()
    [['a', 2.0], ['b', 0.5]]
    """
    totals = np.bincount(won["run"], weights=won["value"], minlength=n)
    count = max(round(tail * n), 1)
    worst = np.argsort(totals, kind="stable")[:count]
    low = won[won["run"].isin(worst)]
    mean = won.groupby(list(by), sort=False)["value"].sum() / n
    there = low.groupby(list(by), sort=False)["value"].sum() / count
    made = pd.DataFrame({"mean": mean, "worst": there.reindex(mean.index).fillna(0.0)})
    made["lacks"] = made["mean"] - made["worst"]
    whole = made["lacks"].sum()
    made["share"] = made["lacks"] / whole if whole else 0.0
    return made.sort_values("lacks", ascending=False).reset_index()


def without_deals(
    totals: Floats,
    won: pd.DataFrame,
    deals: pd.DataFrame,
    most: int,
    planned: tuple[Floats, pd.DataFrame, float] | None = None,
) -> pd.DataFrame:
    """What is left of a forecast without each of the largest open deals.

    Parameters
    ----------
    totals : ndarray, shape (n,)
        Sums over the horizon.
    won : pandas.DataFrame
        ``run``, ``lead_id``, ``value``.
    deals : pandas.DataFrame
        Open deals: ``lead_id``, ``stage``, ``value``, ``p_won``.
    most : int
        Deals.
    planned : tuple of ndarray, pandas.DataFrame and float, optional
        Sums over the planned periods, what is won in them, and what has to be won in them.

    Returns
    -------
    pandas.DataFrame
        ``lead_id``, ``stage``, ``value``, ``p_won``, ``expected`` (its mean contribution),
        ``p10``, ``p50``, ``p90`` of the rest, ``chance`` of the plan without it (NaN without a
        plan); largest contribution first.
    """
    n = len(totals)
    mine = won[won["lead_id"].isin(deals["lead_id"])]
    given = mine.groupby("lead_id")["value"].sum() / n
    top = given.nlargest(most)
    rows = []
    for lead, expected in top.items():
        p10, p50, p90 = levels(_without(str(lead), totals, mine), [0.1, 0.5, 0.9])
        chance = np.nan
        if planned is not None:
            aimed, won_then, goal = planned
            chance = float((_without(str(lead), aimed, won_then) >= goal).mean())
        rows.append([lead, expected, p10, p50, p90, chance])
    columns = ["lead_id", "expected", "p10", "p50", "p90", "chance"]
    made = pd.DataFrame(rows, columns=columns).astype({"lead_id": deals["lead_id"].dtype})
    known = deals[["lead_id", "stage", "value", "p_won"]]
    made = made.merge(known, on="lead_id", how="left")
    return made[["lead_id", "stage", "value", "p_won", *columns[1:]]]


def _without(lead: str, totals: Floats, won: pd.DataFrame) -> Floats:
    """The sums less what one deal brings."""
    its = won[won["lead_id"] == lead]
    brought = np.bincount(its["run"], weights=its["value"], minlength=len(totals))
    return np.asarray(totals - brought)
