"""Leads from sources: how many, when, and with what value.

A source is cut into hours. The count of an hour is the Poisson quantile at that
hour's own uniform, and the k-th lead of an hour has its own key, so more leads
are *added* to those that were there, and a longer run or another warm-up leaves
the common part unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from funnelsim.engine.plan import Plan, PlanSource
from funnelsim.errors import RunError
from funnelsim.streams import Stream
from funnelsim.worktime import HOUR

__all__ = ["Arrivals", "arrivals"]

_TICK = HOUR // 4  # every zone's offset is a whole number of quarters of an hour


@dataclass(frozen=True)
class Arrivals:
    """Leads in order of arrival; all arrays have shape (n_leads,).

    ``source`` is the number of the source, ``hour`` the instant its hour began,
    ``place`` the lead's number within that hour, ``key`` its 64-bit identity,
    ``at`` its arrival in microseconds, ``value`` in minor units (-1: none).
    """

    source: NDArray[np.int64]
    hour: NDArray[np.int64]
    place: NDArray[np.int64]
    key: NDArray[np.uint64]
    at: NDArray[np.int64]
    value: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)


def arrivals(plan: Plan, stream: Stream) -> Arrivals:
    """Draw all leads of a run.

    Raises
    ------
    RunError
        If two leads share a key (one chance in 10**5 for ten million leads).
    """
    parts = [_of_source(plan, number, stream) for number in range(len(plan.sources))]
    source, hour, place, key, at, value = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    if len(np.unique(key)) < len(key):
        msg = f"two leads share a random key (seed {stream.seed}); run with another seed"
        raise RunError(msg)
    order = np.lexsort((key, at))
    return Arrivals(*(column[order] for column in (source, hour, place, key, at, value)))


def _of_source(plan: Plan, number: int, stream: Stream) -> tuple[NDArray[Any], ...]:
    """The columns of one source's leads."""
    source = plan.sources[number]
    hours, length, mean = _hours(plan, source)
    counting = stream.to_uniforms(
        stream.words_array(hours.astype(np.uint64), source.count, np.zeros_like(hours, np.uint64))
    )[0]
    count = np.asarray(stats.poisson.ppf(counting, mean)).astype(np.int64)
    hour, length = np.repeat(hours, count), np.repeat(length, count)
    place = np.arange(len(hour)) - np.repeat(np.cumsum(count) - count, count)
    words = stream.words_array(hour.astype(np.uint64), source.lead, place.astype(np.uint64))
    at = hour + np.floor(stream.to_uniforms(words[1]) * length).astype(np.int64)
    inside = (at >= plan.start) & (at < plan.observed_until)
    hour, place, key, at = hour[inside], place[inside], words[0][inside], at[inside]
    value = np.full(len(at), -1)
    if source.value is not None:
        attribute = stream.words_array(key, source.attribute, np.zeros_like(key))
        value = np.rint(source.value.sample_array(stream.to_uniforms(attribute)[0])).astype(
            np.int64
        )
    return np.full(len(at), number), hour, place, key, at, value


def _hours(
    plan: Plan, source: PlanSource
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The local hours that touch the run: when they begin, how long they are, mean leads.

    Where clocks change by half an hour (Lord Howe), an hour is not 60 minutes long.
    """
    ticks = np.arange(plan.start - plan.start % _TICK - HOUR, plan.observed_until + HOUR, _TICK)
    utc = pd.DatetimeIndex(pd.to_datetime(ticks, unit="us", utc=True))
    local = utc.tz_convert(plan.scenario.time_zone)
    hour = local.hour.to_numpy()
    begins = np.flatnonzero((local.minute == 0) | (np.diff(hour, prepend=hour[0]) != 0))
    length = np.diff(ticks[begins])
    begins = begins[:-1]
    touching = (ticks[begins] + length > plan.start) & (ticks[begins] < plan.observed_until)
    begins, length = begins[touching], length[touching]
    profile = np.asarray(source.profile)
    mean = profile[local.day_of_week.to_numpy()[begins], hour[begins]] * (length / HOUR)
    return ticks[begins], length, mean
