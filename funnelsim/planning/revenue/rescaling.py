"""Paths by origin made to add up to other sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["rescaled"]

Floats = NDArray[np.float64]


def rescaled(paths: Floats, sums: Floats) -> tuple[Floats, Floats]:
    """Paths by origin that add up to other sums, and the factor of each cell.

    Parameters
    ----------
    paths : ndarray, shape (n, cells, origins, measures)
    sums : ndarray, shape (n, cells, measures)

    Returns
    -------
    tuple of ndarray
        Paths, and factors of the shape of the sums; 0 where nothing was there to be scaled, and
        what is to be there is shared out as usual.

    Examples
    --------
    >>> made, factor = rescaled(np.full((1, 1, 2, 1), 3.0), np.full((1, 1, 1), 12.0))
    >>> made.ravel().tolist(), factor.ravel().tolist()
    ([6.0, 6.0], [2.0])
    """
    was = paths.sum(axis=2)
    usual = paths.mean(axis=0)
    whole = usual.sum(axis=1, keepdims=True)
    part = usual / np.where(whole > 0, whole, 1)
    empty = was <= 0
    factor = np.divide(sums, was, out=np.zeros_like(sums), where=~empty)
    made = paths * factor[:, :, None, :] + np.where(empty, sums, 0.0)[:, :, None, :] * part[None]
    return made, factor
