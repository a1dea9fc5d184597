"""Intervals of means whose values come in units: series, or stretches of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_interval"]

DRAWS = 2000


def mean_interval(values: NDArray[np.float64], units: NDArray[np.str_]) -> tuple[float, float]:
    """95 % bootstrap interval of a mean; units are drawn whole, as their values go together."""
    from scipy.stats import bootstrap

    _, codes = np.unique(units, return_inverse=True)
    sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
    found = bootstrap(
        (sums, counts),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=DRAWS,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    return float(found.low), float(found.high)
