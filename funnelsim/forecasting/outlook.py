"""What one model says of the periods ahead, and how statsmodels is asked without noise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Component", "Floats", "Outlook", "accumulated", "quiet"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What one model says of the periods ahead, on the scale it worked on.

    Parameters
    ----------
    mean : ndarray, shape (horizon,)
    covariance : ndarray, shape (horizon, horizon)
        Of the errors to come: how wide each period is, and how periods go together.
    converged : bool
        Whether the search for its parameters came to an end.
    errors : ndarray, shape (n, horizon), optional
        By period of the history, and periods ahead: what came less what the model, as it is now,
        says from all before that period; NaN where nothing came or too little was before.
    """

    mean: Floats
    covariance: Floats
    converged: bool = True
    errors: Floats | None = None

    @property
    def spread(self) -> Floats:
        """Standard deviation, shape (horizon,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance).clip(0)))  # may be a rounded 0


Component = Callable[[Floats, int, int], Outlook]
"""``(history, periods per season, horizon) → Outlook``; raises ValueError where it cannot."""


def accumulated(variance: float, responses: ArrayLike) -> Floats:
    """Covariance of forecasts whose errors are shocks that keep working.

    Parameters
    ----------
    variance : float
        Of one shock.
    responses : array_like, shape (horizon,)
        What a shock adds to its own period (1) and to each later one (the ψ weights).

    Returns
    -------
    ndarray, shape (horizon, horizon)

    References
    ----------
    Box, Jenkins & Reinsel (2008), Time series analysis, section 5.1.1 and appendix A5.1.

    Examples
    --------
    >>> accumulated(1.0, [1, 1, 1]).tolist()
    [[1.0, 1.0, 1.0], [1.0, 2.0, 2.0], [1.0, 2.0, 3.0]]
    """
    from scipy.linalg import toeplitz

    weights = np.asarray(responses, dtype=float)
    reach = np.tril(toeplitz(weights))
    return np.asarray(variance * reach @ reach.T)


@contextmanager
def quiet() -> Iterator[None]:
    """Fits that do not converge are counted, and judged by their result; nothing is printed."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
