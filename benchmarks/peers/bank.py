"""The bank that all engines simulate, as numbers: hours, chances, seats.

Six stages (enquiry, consultation, application, decision, contract, won), a call centre, and
advisers shared by two stages, both about 85 % busy; Poisson arrivals; delays and work lognormal.
``bank.yaml`` is the same in funnelsim's language; ``bench_engine.py`` compares what comes out.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "ADVANCE",
    "ADVISERS",
    "ADVISER_SEATS",
    "CALL",
    "CALL_SEATS",
    "DELAYS",
    "GAP",
    "LEADS_PER_WEEK",
    "SCENARIO",
    "WEEK",
    "Outcome",
]

SCENARIO = Path(__file__).parent / "bank.yaml"
WEEK = 168.0
LEADS_PER_WEEK = 962
GAP = WEEK / LEADS_PER_WEEK
CALL_SEATS, ADVISER_SEATS = 24, 28
ADVANCE = (0.7, 0.6, 0.8, 0.7, 0.9)
"""Chances to advance from enquiry, consultation, application, decision, contract."""


def _quantiles(half: float, nine_in_ten: float) -> tuple[float, float]:
    """Mean and deviation of the logarithm, of median and 90 % quantile."""
    return math.log(half), math.log(nine_in_ten / half) / 1.2815515655446004


def _moments(mean: float, cv: float) -> tuple[float, float]:
    """The same, of mean and coefficient of variation."""
    variance = math.log1p(cv * cv)
    return math.log(mean) - variance / 2, math.sqrt(variance)


DELAYS = (
    _quantiles(2, 9),
    _quantiles(24, 96),
    _quantiles(48, 144),
    _quantiles(24, 72),
    _quantiles(24, 72),
)
CALL, ADVISERS = _moments(3.56, 1), _moments(3.7, 1)


class Outcome(NamedTuple):
    """What a run came to."""

    leads: float
    won: float
    lost: float
    call: float
    advisers: float
    """Busy share of their seats."""
