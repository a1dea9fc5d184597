"""Levels that jump: open visits, busy people, seats; exact in whole microseconds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Steps", "area", "highest", "level_at", "steps", "time_open", "while_open"]

Integers = NDArray[np.int64]


class Steps(NamedTuple):
    """A level that is 0 at first and ``levels[i]`` from ``times[i]`` on.

    Parameters
    ----------
    times : ndarray of int, shape (k,), µs
        Ascending, without repetition.
    levels : ndarray of int, shape (k,)
    """

    times: Integers
    levels: Integers


def steps(starts: Integers, ends: Integers, heights: Integers | None = None) -> Steps:
    """Stack intervals ``[start, end)``.

    Parameters
    ----------
    starts, ends : ndarray of int, shape (n,), µs
    heights : ndarray of int, shape (n,), optional
        What each interval adds; 1 if not given.

    Returns
    -------
    Steps

    Examples
    --------
    >>> steps(np.array([0, 5]), np.array([10, 20])).levels.tolist()
    [1, 2, 1, 0]
    """
    up = np.ones(len(starts), dtype=np.int64) if heights is None else heights
    times, place = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    change = np.bincount(place, weights=np.concatenate([up, -up]), minlength=len(times))
    return Steps(times, np.cumsum(np.rint(change).astype(np.int64)))


def level_at(line: Steps, moments: Integers) -> Integers:
    """Return the level at moments.

    Examples
    --------
    >>> level_at(steps(np.array([0, 5]), np.array([10, 20])), np.array([-1, 5, 10])).tolist()
    [0, 2, 1]
    """
    levels: Integers = np.concatenate([[0], line.levels])
    return levels[np.searchsorted(line.times, moments, side="right")]


def area(line: Steps, edges: Integers) -> Integers:
    """Return the area under the level between edges, level × µs.

    Parameters
    ----------
    line : Steps
    edges : ndarray of int, shape (k + 1,), µs
        Ascending.

    Returns
    -------
    ndarray of int, shape (k,)

    Examples
    --------
    >>> area(steps(np.array([0, 5]), np.array([10, 20])), np.array([0, 7, 30])).tolist()
    [9, 16]
    """
    if not len(line.times):
        return np.zeros(max(len(edges) - 1, 0), dtype=np.int64)
    past = np.concatenate([[0, 0], np.cumsum(line.levels[:-1] * np.diff(line.times))])
    levels = np.concatenate([[0], line.levels])
    at = np.searchsorted(line.times, edges, side="right")
    since = edges - line.times[np.maximum(at - 1, 0)]
    up_to: Integers = past[at] + levels[at] * since
    return np.diff(up_to)


def highest(one: Steps, other: Steps) -> Steps:
    """Return the higher of two levels at every moment.

    Examples
    --------
    >>> seats = steps(np.array([0]), np.array([10]))
    >>> highest(seats, steps(np.array([8]), np.array([12]))).levels.tolist()
    [1, 1, 1, 0]
    """
    times = np.union1d(one.times, other.times)
    return Steps(times, np.maximum(level_at(one, times), level_at(other, times)))


def while_open(line: Steps, seats: Steps) -> Steps:
    """Return the level while there are seats, and 0 while there are none.

    Examples
    --------
    >>> busy, seats = steps(np.array([0]), np.array([30])), steps(np.array([10]), np.array([20]))
    >>> while_open(busy, seats).levels.tolist()
    [0, 1, 0, 0]
    """
    times = np.union1d(line.times, seats.times)
    return Steps(times, np.where(level_at(seats, times) > 0, level_at(line, times), 0))


def time_open(line: Steps, moments: Integers) -> Integers:
    """Return for how long, up to each moment, the level was above 0.

    Examples
    --------
    >>> seats = steps(np.array([10, 40]), np.array([20, 50]))
    >>> time_open(seats, np.array([0, 15, 30, 45])).tolist()
    [0, 5, 10, 15]
    """
    if not len(line.times):
        return np.zeros_like(moments)
    lengths = np.diff(line.times) * (line.levels[:-1] > 0)
    before = np.concatenate([[0], np.cumsum(lengths)])
    at = np.searchsorted(line.times, moments, side="right") - 1
    rest = (moments - line.times[at]) * (line.levels[at] > 0)
    found: Integers = np.where(at < 0, 0, before[at] + rest)
    return found
