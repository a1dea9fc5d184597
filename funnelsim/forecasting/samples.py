"""Quantiles of what will come, from a sample of what may."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["levels"]


def levels(draws: ArrayLike, quantiles: Sequence[float]) -> NDArray[np.float64]:
    """Quantiles of a forecast that is given as a sample.

    So many outcomes in a hundred lie below, whatever the size of the sample; the usual quantiles
    of a small sample lie too far inside.

    Parameters
    ----------
    draws : array_like, shape (n, ...)
    quantiles : sequence of float
        0 to 1.

    Returns
    -------
    ndarray, shape (len(quantiles), ...)

    References
    ----------
    Hyndman & Fan (1996), The American Statistician 50: 361–365, definition 6 (Weibull).

    Examples
    --------
    >>> levels(np.arange(1.0, 10.0), [0.1, 0.5]).tolist()
    [1.0, 5.0]
    """
    found = np.quantile(np.asarray(draws, dtype=float), quantiles, axis=0, method="weibull")
    return np.asarray(found)
