"""Ranges of a sales forecast as stated, beside those that were simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from funnelsim.planning import RevenueForecast
    from funnelsim.reporting.texts import Texts

__all__ = ["KINDS", "how_corrected", "stated", "widened"]

KINDS: Final = ("raw", "value")
"""Simulated, stated."""
SLIGHT: Final = 0.005
"""Ranges that differ by less are the same."""


def stated(made: RevenueForecast) -> pd.DataFrame:
    """P10 and P90 of every period, as stated and as simulated.

    Parameters
    ----------
    made : RevenueForecast

    Returns
    -------
    pandas.DataFrame
        As `RevenueForecast.issued`: ``value`` is stated, ``raw`` was simulated.
    """
    series = "won_value" if made.measure == "won_value" else "wins"
    rows = made.issued()
    if not len(rows):
        return pd.DataFrame(columns=["period_start", "quantile", *KINDS])
    return rows[(rows["series"] == series) & rows["quantile"].isin((0.1, 0.9))]


def widened(made: RevenueForecast) -> float:
    """By what share the ranges from P10 to P90 are wider than simulated; 0: as simulated.

    Parameters
    ----------
    made : RevenueForecast

    Returns
    -------
    float
        Below 0: narrower.
    """
    rows = stated(made)
    sums = rows.groupby("quantile")[list(KINDS)].sum()
    raw, value = (float(sums[name].diff().sum()) for name in KINDS)
    more = value / raw - 1 if raw > 0 else 0.0
    return more if abs(more) >= SLIGHT else 0.0


def how_corrected(made: RevenueForecast, t: Texts) -> str:
    """Say whether the ranges of a forecast are corrected by how earlier ones held, and how.

    Parameters
    ----------
    made : RevenueForecast
    t : Texts

    Returns
    -------
    str
        A sentence.
    """
    more = widened(made)
    if not more:
        return t._("The ranges are as simulated: earlier ones gave no reason to correct them.")
    told = (
        t._(
            "The ranges stated in this report are {share} wider than simulated, because earlier "
            "ones held what came too seldom."
        )
        if more > 0
        else t._(
            "The ranges stated in this report are {share} narrower than simulated, because earlier "
            "ones held what came more often than they should."
        )
    )
    return told.format(share=t.share(abs(more)))
