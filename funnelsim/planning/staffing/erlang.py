"""Erlang B, C and A: how long calls wait, how many give up, how many people are needed.

Load is in erlangs: arrivals per hour × hours of work each. Times are in any one unit, the same
for all arguments of a call. Everything takes arrays and is stable for thousands of seats.

References
----------
Gross, Shortle, Thompson & Harris (2008), "Fundamentals of Queueing Theory", 4th ed., sections
2.3–2.4: Erlang B by recursion in the number of seats, Erlang C, the wait of M/M/c.
Garnett, Mandelbaum & Reiman (2002), "Designing a call center with impatient customers",
Manufacturing & Service Operations Management 4, appendix: Erlang A (M/M/n+M).
Zeltyn & Mandelbaum (2005), "Call centers with impatient customers", Queueing Systems 51,
section 2: who is served within a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from funnelsim.errors import ParameterError, Problem

__all__ = ["Answer", "answer", "erlang_b", "erlang_c", "paid", "seats_needed"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST = 1_000_000
_TINY = 1e-6
_TERMS = 100_000


class Answer(NamedTuple):
    """How a team answers; arrays of one shape.

    Parameters
    ----------
    wait : ndarray
        Probability to wait, 0 to 1.
    in_time : ndarray
        Share of all who come that is served within the promised time.
    mean_wait : ndarray
        Of all, given up or not; infinite where the queue never settles.
    occupancy : ndarray
        Busy share of the seats.
    abandon : ndarray
        Share that gives up; 0 without patience.
    """

    wait: Floats
    in_time: Floats
    mean_wait: Floats
    occupancy: Floats
    abandon: Floats


def erlang_b(load: ArrayLike, seats: ArrayLike) -> Floats:
    """Share blocked where nobody can wait.

    Parameters
    ----------
    load : array_like
        Erlangs, 0 or more.
    seats : array_like of int

    Returns
    -------
    ndarray

    Raises
    ------
    ParameterError
        Anything negative.

    Examples
    --------
    >>> float(erlang_b(10, 15).round(6))
    0.036497
    """
    a, n = _checked(load, seats)
    blocked = np.ones(a.shape)
    found = np.ones(a.shape)
    for k in range(1, int(n.max(initial=0)) + 1):
        blocked = a * blocked / (k + a * blocked)
        np.copyto(found, blocked, where=n == k)
    return found


def erlang_c(load: ArrayLike, seats: ArrayLike) -> Floats:
    """Probability to wait where everybody waits; 1 where the queue never settles.

    Parameters
    ----------
    load, seats
        As for `erlang_b`.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> erlang_c(10, [15, 9]).round(6).tolist()
    [0.102042, 1.0]
    """
    a, n = _checked(load, seats)
    return _to_wait(a, n, erlang_b(a, n))


def answer(
    load: ArrayLike,
    seats: ArrayLike,
    *,
    handling: ArrayLike,
    within: ArrayLike = 0.0,
    patience: ArrayLike | None = None,
) -> Answer:
    """What callers meet: Erlang C, or Erlang A where they give up.

    Parameters
    ----------
    load : array_like
        Erlangs.
    seats : array_like of int
    handling : array_like
        Mean work on one call, above 0.
    within : array_like
        The promised time, in the unit of ``handling``.
    patience : array_like, optional
        Mean patience (exponential), same unit; left out: endless.

    Returns
    -------
    Answer

    Raises
    ------
    ParameterError
        Anything negative; handling or patience of 0.

    Examples
    --------
    100 calls in half an hour of 3 minutes each, 14 people, a promise of 20 seconds:

    >>> met = answer(10, 14, handling=180, within=20)
    >>> float(met.in_time.round(4)), float(met.mean_wait.round(2))
    (0.8884, 7.84)
    >>> float(answer(10, 14, handling=180, within=20, patience=300).abandon.round(4))
    0.014
    """
    a, n = _checked(load, seats)
    a, n, mean, limit, stay = np.broadcast_arrays(
        a, n, handling, within, np.inf if patience is None else patience
    )
    wrong = [
        Problem(f"{name} is {values.min():g}", path=name, fix="Give a time above 0.")
        for name, values in (("handling", mean), ("patience", stay))
        if values.size and not values.min() > 0
    ]
    if limit.size and not limit.min() >= 0:
        wrong.append(Problem(f"within is {limit.min():g}", path="within", fix="Give 0 or more."))
    if wrong:
        raise ParameterError(wrong)
    blocked = erlang_b(a, n)
    if patience is None:
        return _patient(a, n, blocked, limit / mean, mean)
    return _impatient(a, n, blocked, limit / mean, mean, stay / mean)


def seats_needed(
    load: ArrayLike,
    *,
    handling: ArrayLike,
    share: float,
    within: float,
    patience: float | None = None,
    max_occupancy: float = 1.0,
) -> Ints:
    """The fewest seats that keep a promise and are not busier than allowed.

    Parameters
    ----------
    load : array_like
        Erlangs; 0 needs nobody.
    handling : array_like
        Mean work on one call.
    share : float
        Of all who come, served ``within``; above 0, below 1.
    within : float
        In the unit of ``handling``.
    patience : float, optional
        Mean, same unit; left out: endless.
    max_occupancy : float
        Busy share of the seats, above 0, up to 1.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> int(seats_needed(10, handling=180, share=0.8, within=20, max_occupancy=0.85))
    14
    """
    wrong = [
        Problem(f"{name} is {value!r}", path=name, fix="Give a share such as 0.8.")
        for name, value, most in (
            ("share", share, np.nextafter(1, 0)),
            ("max_occupancy", max_occupancy, 1.0),
        )
        if not 0 < value <= most
    ]
    if wrong:
        raise ParameterError(wrong)
    shape = np.broadcast_shapes(np.shape(load), np.shape(handling))
    pairs = np.stack([np.broadcast_to(x, shape).ravel() for x in (load, handling)], axis=-1)
    different, back = np.unique(pairs.astype(float), axis=0, return_inverse=True)
    a, mean = different.T
    _checked(a, 0)

    def enough(seats: Ints) -> NDArray[np.bool_]:
        met = answer(a, seats, handling=mean, within=within, patience=patience)
        return (met.in_time >= share) & (met.occupancy <= max_occupancy + 1e-12)

    low = np.zeros(len(a), np.int64)
    high = np.ceil(a / max_occupancy - 1e-9).astype(np.int64) + 1
    while not (done := enough(high) | (a == 0)).all():
        if high.max() > _MOST:
            message = f"more than {_MOST:,} seats for {a.max():g} erlangs"
            raise ParameterError(Problem(message, path="load", fix="Check the units."))
        low = np.where(done, low, high)
        high = np.where(done, high, high + np.ceil(high * 0.1 + 1).astype(np.int64))
    while (high - low > 1).any():
        middle = (low + high) // 2
        good = enough(middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return np.where(a == 0, 0, high)[back.reshape(-1)].reshape(shape)


def paid(seats: ArrayLike, shrinkage: float) -> Ints:
    """People on the payroll so that so many are at their seats.

    Parameters
    ----------
    seats : array_like
    shrinkage : float
        Paid but unavailable share, from 0 to below 1.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> int(paid(14, 0.3))
    20
    """
    if not 0 <= shrinkage < 1:
        fix = "Give a share from 0 to below 1."
        raise ParameterError(Problem(f"shrinkage is {shrinkage!r}", path="shrinkage", fix=fix))
    return np.ceil(np.asarray(seats, float) / (1 - shrinkage) - 1e-9).astype(np.int64)


def _checked(load: ArrayLike, seats: ArrayLike) -> tuple[Floats, Ints]:
    """Loads and seats of one shape, or what is wrong with them."""
    a, n = np.broadcast_arrays(np.asarray(load, float), np.asarray(seats))
    wrong = [
        Problem(f"{name} is {values.min():g}", path=name, fix="Give 0 or more.")
        for name, values in (("load", a), ("seats", n))
        if values.size and not values.min() >= 0
    ]
    if wrong:
        raise ParameterError(wrong)
    return a, n.astype(np.int64)


def _to_wait(a: Floats, n: Ints, blocked: Floats) -> Floats:
    """Erlang C from Erlang B."""
    settles = a < n
    used = np.divide(a, n, out=np.zeros(a.shape), where=settles)
    return np.where(settles, blocked / (1 - used * (1 - blocked)), np.where(a > 0, 1.0, 0.0))


def _patient(a: Floats, n: Ints, blocked: Floats, within: Floats, mean: Floats) -> Answer:
    """M/M/c; ``within`` in service times."""
    waits = _to_wait(a, n, blocked)
    spare = np.maximum(n - a, 0.0)
    settles = spare > 0
    late = waits * np.where(settles, np.exp(-spare * within), 1.0)
    wait = np.divide(waits * mean, spare, out=np.full(a.shape, np.inf), where=settles)
    busy = np.divide(a, n, out=np.ones(a.shape), where=settles)
    none = a == 0
    return Answer(
        waits,
        np.where(none, 1.0, 1 - late),
        np.where(none, 0.0, wait),
        np.where(none, 0.0, busy),
        np.zeros(a.shape),
    )


def _impatient(
    a: Floats, n: Ints, blocked: Floats, within: Floats, mean: Floats, patience: Floats
) -> Answer:
    """M/M/n+M; ``within`` and ``patience`` in service times."""
    there = a > 0
    load = np.where(there, a, 1.0)
    x, y = n * patience, load * patience  # capacity and demand in one patience
    with np.errstate(divide="ignore", over="ignore"):
        odds = _log_a(x, y) + np.log(blocked) - np.log1p(-np.minimum(blocked, 1 - 1e-16))
    waits = np.where(n == 0, 1.0, special.expit(odds))
    served = x / (x + 1) * np.exp(_log_a(x + 1, y) - _log_a(x, y))
    late = np.exp(_log_lower(x + 1, y * np.exp(-within / patience)) - _log_lower(x + 1, y))
    late = late * served
    served, late = (np.where(n == 0, 0.0, part) for part in (served, late))
    abandon = waits * np.clip(1 - served, 0, 1)
    in_time = np.clip(1 - waits + waits * (served - late), 0, 1)
    busy = np.divide(load * (1 - abandon), n, out=np.zeros(a.shape), where=n > 0)
    return Answer(
        np.where(there, waits, 0.0),
        np.where(there, in_time, 1.0),
        np.where(there, abandon * patience * mean, 0.0),
        np.where(there, np.minimum(busy, 1.0), 0.0),
        np.where(there, abandon, 0.0),
    )


def _log_a(x: Floats, y: Floats) -> Floats:
    """Logarithm of 1 + y ÷ (x + 1) + y² ÷ ((x + 1)(x + 2)) + … = x eʸ y⁻ˣ γ(x, y)."""
    lower = special.gammainc(x, y)
    known = (lower > _TINY) | (x == 0)
    found = np.asarray(np.log(np.where(known, np.maximum(lower, _TINY), 1.0)) + _rest(x, y))
    if not known.all():
        found[~known] = np.log(_series(x[~known], y[~known]))
    return found


def _log_lower(x: Floats, y: Floats) -> Floats:
    """Logarithm of the regularised lower incomplete gamma function, far into its tail."""
    return np.asarray(_log_a(x, y) - _rest(x, y))


def _rest(x: Floats, y: Floats) -> Floats:
    """Logarithm of Γ(x + 1) eʸ y⁻ˣ."""
    return np.asarray(special.gammaln(x + 1) + y - x * np.log(y))


def _series(x: Floats, y: Floats) -> Floats:
    """Sum of 1 + y ÷ (x + 1) + y² ÷ ((x + 1)(x + 2)) + …, y well below x."""
    total = term = np.ones(x.shape)
    for k in range(1, _TERMS):
        term = term * y / (x + k)
        total = total + term
        if (term < 1e-17 * total).all():
            break
    return total
