"""A delay made a day shorter for every lead, cut at nothing."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.scenarios.quantity import DurationSpec
from funnelsim.worktime import DAY, HOUR, SECOND, Duration

__all__ = ["Shortened", "shortened"]

_BODY: Final = 200
_TAIL: Final = 1 / _BODY
_HALVINGS: Final = 20
_PER_HALVING: Final = 2
_NEVER: Final = 900 * 365.25 * DAY  # no delay may be longer than 1000 years


class Shortened(NamedTuple):
    """A delay a day shorter.

    Parameters
    ----------
    spec : dict
        Plain data of the new delay.
    seconds : float
        How much shorter it is on average, on its own clock.
    business : bool
        Whether that clock is business time.
    day : float
        Seconds that a day has on that clock.
    gone : bool
        Whether nothing is left of the delay.
    """

    spec: dict[str, Any]
    seconds: float
    business: bool
    day: float
    gone: bool


def shortened(spec: DurationSpec, business_day: int) -> Shortened:
    """Take a day off a delay: max(delay − 1 day, 0) for each lead.

    Quantile by quantile, so that a lead keeps its luck and loses exactly the day; beyond
    a constant the language has no such family, so the new delay is given by its values at
    240 levels (finer towards the upper tail).

    Parameters
    ----------
    spec : DurationSpec
        On elapsed or business time.
    business_day : int
        Open microseconds of a business day: what a day is on business time.

    Returns
    -------
    Shortened

    Examples
    --------
    >>> shortened(DurationSpec(value=Duration(3, "d")), 0).spec
    {'value': '48 h'}
    >>> less = shortened(DurationSpec(value=Duration(6, "h")), 0)
    >>> less.spec, less.seconds, less.gone
    ({'value': '0 h'}, 21600.0, True)
    """
    business = spec.clocks()[0] == "business"
    day, unit = (business_day, "bh") if business else (DAY, "h")

    def microseconds(duration: object) -> float:
        return duration.microseconds(business_day) if isinstance(duration, Duration) else 0.0

    quantiles = spec.quantiles(microseconds)
    if spec.shape() == "constant":
        old, weights = np.array([quantiles.mean]), np.ones(1)
    else:
        edges = _edges()
        old, weights = np.asarray(quantiles.ppf((edges[1:] + edges[:-1]) / 2)), np.diff(edges)
        old = np.minimum(old, _NEVER)
    new = np.maximum(old - day, 0.0)
    less = float((old - new) @ weights)
    texts = [str(Duration(float(f"{x / HOUR:.9g}"), unit)) for x in new]
    gone = not new.any()
    plain: dict[str, Any] = {"value": texts[0]}
    if len(texts) > 1 and not gone:
        plain = {"family": "empirical", "values": texts, "weights": weights.tolist()}
    return Shortened(plain, less / SECOND, business, day / SECOND, gone)


def _edges() -> NDArray[np.float64]:
    """Cells of probability: even ones, and ever smaller ones in the upper tail."""
    body = np.arange(_BODY) / _BODY
    halvings = np.arange(1, _HALVINGS * _PER_HALVING + 1) / _PER_HALVING
    tail = 1 - _TAIL * 0.5**halvings
    return np.concatenate([body, tail, [1.0]])
