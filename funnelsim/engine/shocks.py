"""Shocks of one replication: a factor per period, shared by all leads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.plan import PlanShock
from funnelsim.streams import Stream

__all__ = ["factors", "factors_at"]


def factors(shock: PlanShock, stream: Stream) -> NDArray[np.float64]:
    """The factor of each period, shape (n_periods,), mean 1 over replications."""
    starts = np.array(shock.starts).astype(np.uint64)
    words = stream.words_array(starts, shock.place, np.zeros_like(starts))
    return shock.factor.sample_array(stream.to_uniforms(words)[0])


def factors_at(
    shock: PlanShock, stream: Stream, instants: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The factor in force at each instant (before the first period: that of the first)."""
    period = np.searchsorted(shock.starts, instants, side="right") - 1
    at: NDArray[np.float64] = factors(shock, stream)[np.clip(period, 0, None)]
    return at
