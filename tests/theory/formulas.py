"""Closed forms of queueing theory; times in the unit of the service time.

References
----------
Gross, Shortle, Thompson, Harris (2008), "Fundamentals of Queueing Theory", 4th ed.:
Erlang B and C section 2.3–2.4, Pollaczek–Khinchine section 5.1, priorities section 3.4,
Jackson networks section 4.2.
Zeltyn, Mandelbaum (2005), "Call centers with impatient customers: many-server asymptotics
of the M/M/n+G queue", Queueing Systems 51: section 2.
Flatto, Hahn (1984), "Two parallel queues created by arrivals with two demands", SIAM
Journal on Applied Mathematics 44; as a mean in Nelson, Tantawi (1988), "Approximate
analysis of fork/join synchronization in parallel queues", IEEE Transactions on Computers 37.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate

from funnelsim.planning.staffing.erlang import erlang_b, erlang_c

__all__ = [
    "Impatient",
    "absorbed",
    "cobham_waits",
    "erlang_b",
    "erlang_c",
    "fork_join",
    "impatient",
    "mean_present",
    "mean_wait",
    "pollaczek_khinchine",
    "visit_rates",
    "wait_exceeds",
]


def mean_wait(load: float, seats: int) -> float:
    """M/M/c: mean wait of all, in service times."""
    return float(erlang_c(load, seats)) / (seats - load)


def wait_exceeds(t: float, load: float, seats: int) -> float:
    """M/M/c: probability that the wait exceeds ``t`` service times."""
    return float(erlang_c(load, seats)) * math.exp(-(seats - load) * t)


class Impatient(NamedTuple):
    """M/M/n+G: shares of all who come, and their mean wait in service times."""

    wait: float
    abandon: float
    in_time: float
    mean_wait: float


def impatient(load: float, seats: int, patience: Any, within: float) -> Impatient:
    """M/M/n+G (Erlang A where patience is exponential): who waits, leaves, is served in time.

    ``patience`` is a frozen SciPy distribution and ``within`` a promise, in service times.
    The wait that a lead of endless patience would have has an atom at 0 and the density
    ``load × exp(load × E min(patience, x) - seats × x)``, both up to the same factor.
    """
    x = np.linspace(0, within, 2001)
    x = np.concatenate([x, within + np.geomspace(1e-6, 60 / seats + patience.ppf(0.999) * 9, 6001)])
    stays = patience.sf(x)
    shown = integrate.cumulative_simpson(stays, x=x, initial=0)
    density = load * np.exp(load * shown - seats * x)
    atom = 1 / float(erlang_b(load, seats - 1))
    total = atom + integrate.simpson(density, x=x)
    promised = x <= within
    return Impatient(
        wait=float(1 - atom / total),
        abandon=float(integrate.simpson(density * (1 - stays), x=x) / total),
        in_time=float(
            (atom + integrate.simpson((density * stays)[promised], x=x[promised])) / total
        ),
        mean_wait=float(integrate.simpson(density * shown, x=x) / total),
    )


def visit_rates(outside: ArrayLike, moves: ArrayLike) -> NDArray[np.float64]:
    """Jackson: arrivals at each station, from outside and from each other.

    >>> visit_rates([1, 0], [[0, 1], [0.5, 0]]).tolist()
    [2.0, 2.0]
    """
    matrix = np.asarray(moves, float)
    return np.linalg.solve(np.eye(len(matrix)) - matrix.T, np.asarray(outside, float))


def mean_present(load: float, seats: int) -> float:
    """M/M/c: mean number waiting or at work.

    >>> round(mean_present(0.5, 1), 6)
    1.0
    """
    return load + load * mean_wait(load, seats)


def fork_join(load: float) -> float:
    """Two equal M/M/1 queues fed together: mean time until both are done, in service times."""
    return (12 - load) / 8 / (1 - load)


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
