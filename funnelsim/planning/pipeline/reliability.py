"""Reliability: of deals that were given a chance to be won, how many were."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.estimates import wilson
from funnelsim.planning.pipeline.pipeline import PipelineForecast

__all__ = ["reliability", "settled"]

Floats = NDArray[np.float64]

LEVEL: Final = 0.95
BINS: Final = 10
SEED: Final = 1
"""Of the halves into which replications are parted: the same deals give the same table."""


def settled(forecast: PipelineForecast, log: EventLog) -> pd.DataFrame:
    """Put what became of the open deals beside the chances they were given.

    Parameters
    ----------
    forecast : PipelineForecast
    log : EventLog
        With history up to the end of the forecast at least.

    Returns
    -------
    pandas.DataFrame
        One row per open deal: ``lead_id``, ``stage``, ``p_won``, ``p_lost``, ``p_open`` as
        forecast, ``n`` replications, and ``outcome`` at the end of the horizon (won, lost,
        ended or open).
    """
    after = log.as_of(forecast.ends[-1]).outcomes().set_index("lead_id")["outcome"]
    chances = forecast.deals[["lead_id", "stage", "p_won", "p_lost", "p_open", "n"]]
    return chances.assign(outcome=chances["lead_id"].map(after))


def reliability(
    deals: pd.DataFrame,
    by: Literal["stage", "chance"] = "stage",
    *,
    outcome: Literal["won", "lost"] = "won",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Compare chances with what happened, by stage or by the chance itself.

    Parameters
    ----------
    deals : pandas.DataFrame
        From `settled`; those of several forecasts can be put one under the other.
    by : {"stage", "chance"}
        The stage the deals stood in, or the tenth of 0–100 % in which their chance lay.
    outcome : {"won", "lost"}
    level : float
        Of the interval.

    Returns
    -------
    pandas.DataFrame
        ``stage`` or ``chance`` (the lower end of the tenth), ``n`` deals, ``given`` (their mean
        chance), ``happened`` (the share that came so), ``lo``, ``hi`` (Wilson's interval of
        it), ``came`` and ``expected`` (deals). Deals share luck, so intervals are a little too
        narrow.

    Notes
    -----
    A chance is a share of replications, so it has luck of its own: deals sorted by it would have
    low ones that are too low and high ones that are too high. So half of the replications, drawn
    at random, sort the deals, and the other half says what their chance was.

    Examples
    --------
    >>> deals = pd.DataFrame({"stage": ["offer"] * 4, "p_won": [0.2, 0.4, 0.6, 0.8],
    ...                       "outcome": ["lost", "won", "open", "won"]})
    >>> reliability(deals)[["n", "given", "happened"]].to_numpy().tolist()
    [[4.0, 0.5, 0.5]]
    """
    given = deals[f"p_{outcome}"].to_numpy(dtype=float)
    keys: object = deals["stage"]
    if by == "chance":
        sorted_by, given = _halves(given, deals["n"].to_numpy(dtype=np.int64))
        keys = np.minimum((sorted_by * BINS).astype(int), BINS - 1)
    came = (deals["outcome"] == outcome).to_numpy()
    table = pd.DataFrame({by: np.asarray(keys), "given": given, "came": came})
    found = table.groupby(by, sort=by == "chance").agg(
        n=("came", "size"), expected=("given", "sum"), came=("came", "sum")
    )
    found = found.reset_index()
    if by == "chance":
        found[by] /= BINS
    share = found["came"] / found["n"]
    limits = [wilson(p, n, level) for p, n in zip(share.tolist(), found["n"].tolist(), strict=True)]
    found = found.assign(given=found["expected"] / found["n"], happened=share)
    found[["lo", "hi"]] = np.array(limits).reshape(-1, 2)
    return found[[by, "n", "given", "happened", "lo", "hi", "came", "expected"]]


def _halves(chance: Floats, n: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The chance by one half of the replications, and by the other."""
    rng = np.random.default_rng(SEED)
    hits, half = np.rint(chance * n).astype(np.int64), n // 2
    first = rng.hypergeometric(hits, n - hits, half)
    return first / half, (hits - first) / (n - half)
