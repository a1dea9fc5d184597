"""Closed forms of queueing theory; times in the unit of the service time.

References
----------
Gross, Shortle, Thompson, Harris (2008), "Fundamentals of Queueing Theory", 4th ed.:
Erlang B and C section 2.3–2.4, Pollaczek–Khinchine section 5.1, priorities section 3.4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "absorbed",
    "cobham_waits",
    "erlang_b",
    "erlang_c",
    "mean_wait",
    "pollaczek_khinchine",
    "wait_exceeds",
]


def erlang_b(load: float, seats: int) -> float:
    """Share blocked, by the recursion in the number of seats.

    >>> round(erlang_b(10, 15), 6)
    0.036497
    """
    blocked = 1.0
    for n in range(1, seats + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(load: float, seats: int) -> float:
    """Probability to wait.

    >>> round(erlang_c(10, 15), 6)
    0.102042
    """
    blocked = erlang_b(load, seats)
    return blocked / (1 - load / seats * (1 - blocked))


def mean_wait(load: float, seats: int) -> float:
    """M/M/c: mean wait of all, in service times."""
    return erlang_c(load, seats) / (seats - load)


def wait_exceeds(t: float, load: float, seats: int) -> float:
    """M/M/c: probability that the wait exceeds ``t`` service times."""
    return erlang_c(load, seats) * math.exp(-(seats - load) * t)


def pollaczek_khinchine(load: float, cv: float) -> float:
    """M/G/1: mean wait, in service times."""
    return load * (1 + cv * cv) / 2 / (1 - load)


def cobham_waits(
    rates: ArrayLike, means: ArrayLike, second_moments: ArrayLike
) -> NDArray[np.float64]:
    """M/G/1 with non-preemptive priorities: mean wait by class, first class first."""
    loads = np.multiply(rates, means)
    until = np.concatenate([[0.0], np.cumsum(loads)])
    residual = float(np.dot(rates, second_moments)) / 2
    return np.asarray(residual / ((1 - until[:-1]) * (1 - until[1:])), float)


def absorbed(moves: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Mean visits from each to each transient state in so many steps: the sum of Q^k.

    >>> absorbed(np.array([[0.5]]), 3).item()
    1.75
    """
    many = [np.linalg.matrix_power(moves, step) for step in range(steps)]
    return np.asarray(np.sum(many, axis=0), float)
