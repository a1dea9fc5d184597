"""Lengths of time in compiled code, as ``plan.Timer`` and ``worktime.WorkTime`` have them."""

from __future__ import annotations

import numpy as np

from funnelsim.engine.draws import rest_of_luck, sample, sample_at
from funnelsim.engine.jit import compiled
from funnelsim.engine.layout import T_CLOCK, T_CONSTANT, T_MONTH, T_MONTH_N, T_TABLE
from funnelsim.engine.plan import NEVER
from funnelsim.worktime import FAR

__all__ = ["end", "end_of", "first_after", "left", "length", "next_open", "work_add"]


@compiled
def _last_row(rows, first, n, instant):
    """The last of ``n`` rows from ``first`` that begins at or before an instant; -1 if none."""
    low, high = first, first + n
    while low < high:
        middle = (low + high) >> 1
        if rows[middle, 0] <= instant:
            low = middle + 1
        else:
            high = middle
    return low - 1


@compiled
def first_after(sorted_numbers, first, n, number):
    """Where in a sorted stretch the first greater number stands."""
    low, high = first, first + n
    while low < high:
        middle = (low + high) >> 1
        if sorted_numbers[middle] <= number:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def work_add(intervals, first, n, start, work):
    """As ``WorkTime.add``."""
    if work == 0:
        return start
    at = _last_row(intervals, first, n, start)
    target = work
    if at >= first:
        target += intervals[at, 2] + min(start, intervals[at, 1]) - intervals[at, 0]
    low, high = max(at, first), first + n
    while low < high:  # the last interval with less open time before it than that
        middle = (low + high) >> 1
        if intervals[middle, 2] <= target - 1:
            low = middle + 1
        else:
            high = middle
    last = low - 1
    if n == 0:
        return FAR
    if last == first + n - 1 and target > (
        intervals[last, 2] + intervals[last, 1] - intervals[last, 0]
    ):
        return FAR
    return intervals[last, 0] + target - intervals[last, 2]


@compiled
def next_open(intervals, first, n, instant):
    """As ``WorkTime.next_open``."""
    at = _last_row(intervals, first, n, instant)
    if at >= first and instant < intervals[at, 1]:
        return instant
    return intervals[at + 1, 0] if at + 1 < first + n else FAR


@compiled
def length(timers, tables, timer, word):
    """As ``Timer.length``."""
    if timers[timer, T_CONSTANT] >= 0:
        return timers[timer, T_CONSTANT]
    return np.int64(np.rint(min(sample(tables, timers[timer, T_TABLE], word), np.float64(FAR))))


@compiled
def end(timers, tables, clocks, intervals, months, timer, start, word):
    """As ``Timer.end``."""
    if timers[timer, T_MONTH_N] > 0:
        first = timers[timer, T_MONTH]
        return start + months[_last_row(months, first, timers[timer, T_MONTH_N], start), 1]
    whole = length(timers, tables, timer, word)
    clock = timers[timer, T_CLOCK]
    if clock < 0:
        return start + whole
    return work_add(intervals, clocks[clock, 0], clocks[clock, 1], start, whole)


@compiled
def left(timers, tables, timer, word, chance, lasted):
    """As ``Timer.left``."""
    if timers[timer, T_CONSTANT] >= 0:
        return max(timers[timer, T_CONSTANT] - lasted, 0)
    whole = sample_at(tables, timers[timer, T_TABLE], rest_of_luck(chance, word))
    return max(np.int64(np.rint(min(whole, np.float64(FAR)))) - lasted, 0)


@compiled
def end_of(timers, tables, clocks, intervals, timer, now, word, chance, lasted, known):  # noqa: PLR0913, PLR0917
    """As ``Timer.end_of``."""
    if known != NEVER:
        return known
    rest = left(timers, tables, timer, word, chance, lasted)
    clock = timers[timer, T_CLOCK]
    if clock < 0:
        return now + rest
    return work_add(intervals, clocks[clock, 0], clocks[clock, 1], now, rest)
