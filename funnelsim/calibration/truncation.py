"""When recording began: what was there before is seen only if it lived long enough."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning import Clean
from funnelsim.calibration.raw import RawMetadata

__all__ = ["expected_closings", "recorded_from"]

DAY: Final = pd.Timedelta(days=1)
FEWEST: Final = 3  # deals older than the first move, before recording is said to begin there
SHARE: Final = 0.01
MISSED: Final = 10.0  # closings that should have been seen and were not: P(none) < 5e-5


def recorded_from(clean: Clean, meta: RawMetadata) -> pd.Timestamp:
    """Return the beginning of the window.

    Given by the reader, or found: with the first move, where many deals are older than
    it; with the first closing, where older deals should have closed long before (at least
    ten closings expected from the lives of later deals, none seen). Else with the first
    deal.

    Parameters
    ----------
    clean : Clean
        The cleaned history.
    meta : RawMetadata
        ``observed_from`` where it is known.

    Returns
    -------
    pandas.Timestamp
    """
    if meta.observed_from is not None:
        return pd.Timestamp(meta.observed_from).tz_convert("UTC").as_unit("us")
    arrived = clean.deals["arrived_at"]
    if not len(arrived):
        return clean.until
    first: pd.Timestamp = arrived.min()
    began: pd.Timestamp
    if meta.history == "full" and len(clean.moves):
        began = clean.moves["at"].min()
        early = int((arrived < began - DAY).sum())
        if early >= max(FEWEST, SHARE * len(arrived)):
            return began
    closings = clean.deals["closed_at"].dropna()
    if len(closings) and expected_closings(clean, closings.min()) >= MISSED:
        began = closings.min()
        return began
    return first


def expected_closings(clean: Clean, began: pd.Timestamp) -> float:
    """Return how many closings should have come before the first one seen.

    The share of later deals that closed within an age is what older deals are measured
    by; open ones count as not closed, so that the number is rather too low.

    Parameters
    ----------
    clean : Clean
        The cleaned history.
    began : pandas.Timestamp
        The first closing.

    Returns
    -------
    float
    """
    deals = clean.deals
    older = deals["arrived_at"] < began
    later = deals[~older]
    if not older.any() or not len(later):
        return 0.0
    lives = (later["closed_at"] - later["arrived_at"]).dropna().to_numpy()
    ages = (began - deals.loc[older, "arrived_at"]).to_numpy()
    closed_by = np.searchsorted(np.sort(lives), ages, side="left") / len(later)
    return float(closed_by.sum())
