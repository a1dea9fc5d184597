"""When recording began: what was there before is seen only if it lived long enough."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.cleaning import Clean
from funnelsim.calibration.raw import RawMetadata

__all__ = ["expected_closings", "recorded_from"]

DAY: Final = pd.Timedelta(days=1)
FEWEST: Final = 3  # deals older than the first move, before recording is said to begin there
SHARE: Final = 0.01
FIRST: Final = 0.05  # of closings, among which the beginning is looked for
CANDIDATES: Final = 25
TENTH: Final = 0.1  # of the expected closings: so many may be there by exception
MISSED: Final = 10.0  # closings that should have been seen and were not: P(none) < 5e-5


def recorded_from(clean: Clean, meta: RawMetadata) -> pd.Timestamp:
    """Return the beginning of the window.

    Given by the reader, or found, the later of: the first move, where many deals are older
    than it; an early closing, where older deals should have closed long before (at least
    ten closings expected from the lives of later deals, at most a tenth of them seen; looked
    for among the first 5 % of closings). Else the first deal.

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
    start: pd.Timestamp = arrived.min()
    if meta.history == "full" and len(clean.moves):
        moved = clean.moves["at"].min()
        if (arrived < moved - DAY).sum() >= max(FEWEST, SHARE * len(arrived)):
            start = moved
    began = _closings_began(clean)
    if began is not None:
        start = max(start, began)
    return start


def _closings_began(clean: Clean) -> pd.Timestamp | None:
    """Return the closing before which closings are missing; the likeliest, if there is any.

    Compared by the gain in Poisson log-likelihood of as many as seen over as many as expected.
    """
    closings = clean.deals["closed_at"].dropna().sort_values(ignore_index=True)
    places = np.unique(np.linspace(0, FIRST * len(closings), CANDIDATES).astype(int))
    best, found = 0.0, None
    for seen in places[places < len(closings)]:
        expected = expected_closings(clean, closings.iloc[seen])
        if expected >= max(MISSED, seen / TENTH):
            gain = expected - seen + seen * np.log(max(seen, 1) / expected)
            if gain > best:
                best, found = gain, closings.iloc[seen]
    return found


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
