"""Leads from sources: how many, when, of what kind and value.

A source with a rate is cut into hours. The count of an hour is the Poisson
quantile at that hour's own uniform, and the k-th lead of an hour has its own
key, so more leads are *added* to those that were there, and a longer run or
another warm-up leaves the common part unchanged. Counts given by period and
replayed moments are keyed in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.open_deals import open_leads
from funnelsim.engine.plan import Epoch, Plan, PlanSource
from funnelsim.engine.shocks import factors_at
from funnelsim.errors import RunError
from funnelsim.scenarios.rate import MONTHS
from funnelsim.scenarios.source import Counts, Source
from funnelsim.streams import Stream
from funnelsim.worktime import DAY, HOUR, to_instant

__all__ = ["Arrivals", "arrivals"]

_LARGE = 500.0  # leads an hour, beyond which sums of probabilities lose digits
_TICK = HOUR // 4  # every zone's offset is a whole number of quarters of an hour

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arrivals:
    """Leads in order of arrival, those open at the start first; arrays of shape (n_leads,).

    ``source`` is the number of the source, ``kind`` that of the kind of lead,
    ``slot`` the instant its hour or period began, ``place`` the lead's number within
    that, ``key`` its 64-bit identity, ``arrived_at`` in microseconds, ``value`` and
    ``cost`` are in minor units (-1: none).
    """

    source: Ints
    kind: Ints
    slot: Ints
    place: Ints
    key: NDArray[np.uint64]
    arrived_at: Ints
    value: Ints
    cost: Ints

    def __len__(self) -> int:
        return len(self.arrived_at)


def arrivals(plan: Plan, stream: Stream) -> Arrivals:
    """Draw all leads of a run; the open deals of a plan come first.

    Raises
    ------
    RunError
        If two leads share a key (one chance in 10**5 for ten million leads).
    """
    parts = [_of_source(plan, number, stream) for number in range(len(plan.epochs[0].sources))]
    names = [field.name for field in fields(Arrivals)]
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([part[name] for part in parts]) for name in names
    }
    if (np.diff(np.sort(columns["key"])) == 0).any():
        raise RunError(_shared_key(stream))
    order = np.argsort(columns["arrived_at"], kind="stable")  # nearly in order already
    if (np.diff(columns["arrived_at"][order]) == 0).any():
        order = np.lexsort((columns["key"], columns["arrived_at"]))
    if not plan.deals:
        return Arrivals(**{name: column[order] for name, column in columns.items()})
    known = open_leads(plan, stream)
    clash = np.isin(columns["key"], known["key"]).any() or len(set(known["key"])) < len(plan.deals)
    if clash:
        raise RunError(_shared_key(stream))
    return Arrivals(
        **{name: np.concatenate([known[name], column[order]]) for name, column in columns.items()}
    )


def _shared_key(stream: Stream) -> str:
    return f"two leads share a random key (seed {stream.seed}); run with another seed"


def _of_source(plan: Plan, number: int, stream: Stream) -> dict[str, NDArray[Any]]:
    """The columns of one source's leads."""
    source = plan.epochs[0].sources[number]
    model = plan.scenario.sources[source.id]
    if model.counts is not None:
        slot, place, words, at = _by_counts(plan, source, model.counts, stream)
    elif model.replay:
        slot, place, words, at = _by_replay(plan, source, model, stream)
    else:
        slot, place, words, at = _by_rate(plan, number, stream)
    inside = (at >= plan.start) & (at < plan.observed_until)
    slot, place, key, at = slot[inside], place[inside], words[0][inside], at[inside]
    kind, value, cost = _attributes(plan, number, key, at, stream)
    return {
        "source": np.full(len(at), number),
        "kind": kind,
        "slot": slot,
        "place": place,
        "key": key,
        "arrived_at": at,
        "value": value,
        "cost": cost,
    }


def _attributes(
    plan: Plan, number: int, key: NDArray[np.uint64], at: Ints, stream: Stream
) -> tuple[Ints, Ints, Ints]:
    """Kind, value and cost of each lead, as its source is when it arrives."""
    place = plan.epochs[0].sources[number].attribute
    u = stream.to_uniforms(stream.words_array(key, place, np.zeros_like(key)))
    epoch = np.searchsorted([epoch.start for epoch in plan.epochs[1:]], at, side="right")
    kind, value, cost = np.full((3, len(at)), -1)
    for i in range(len(plan.epochs)):
        source = plan.epochs[i].sources[number]
        levels = [part.cumulative for part in source.kinds[:-1]]
        which = np.where(epoch == i, np.searchsorted(levels, u[1], side="right"), -1)
        for j, part in enumerate(source.kinds):
            kind[which == j] = part.number
            if part.value is not None:
                value[which == j] = _rounded(part.value.sample_array(u[0][which == j]))
        if source.cost is not None:
            cost[epoch == i] = _rounded(source.cost.sample_array(u[2][epoch == i]))
    return kind, value, cost


def _rounded(amounts: Floats) -> Ints:
    return np.rint(amounts).astype(np.int64)


def _keyed(
    slot: Ints, place: Ints, source: PlanSource, stream: Stream
) -> tuple[NDArray[np.uint64], Floats]:
    """Raw words of each lead and the uniform that places it within its slot."""
    words = stream.words_array(slot.astype(np.uint64), source.lead, place.astype(np.uint64))
    return words, stream.to_uniforms(words[1])


def _numbered(slots: Ints, count: Ints) -> tuple[Ints, Ints]:
    """One row a lead: its slot and its number within the slot."""
    slot = np.repeat(slots, count)
    return slot, np.arange(len(slot)) - np.repeat(np.cumsum(count) - count, count)


def _by_rate(
    plan: Plan, number: int, stream: Stream
) -> tuple[Ints, Ints, NDArray[np.uint64], Ints]:
    """A Poisson process whose rate changes by the hour."""
    source = plan.epochs[0].sources[number]
    hours, length, mean = _demand(plan, number, stream)
    u = stream.to_uniforms(
        stream.words_array(hours.astype(np.uint64), source.count, np.zeros_like(hours, np.uint64))
    )[0]
    count = _counts(u, mean, stream)
    slot, place = _numbered(hours, count)
    words, position = _keyed(slot, place, source, stream)
    within = np.floor(position * np.repeat(length, count)).astype(np.int64)
    return slot, place, words, slot + within


def _demand(plan: Plan, number: int, stream: Stream) -> tuple[Ints, Ints, Floats]:
    """The hours of the run, their lengths and mean leads."""
    hours, length = plan.once("hours", partial(_hours, plan))

    def mean() -> Floats:
        found = np.zeros(len(hours))
        for epoch in plan.epochs:
            later = np.full(len(hours), epoch is plan.epochs[0]) | (hours >= epoch.start)
            found[later] = _hourly_mean(plan, epoch, number, hours[later], stream)
        scaled: Floats = found * (length / HOUR)
        return scaled

    sources = [epoch.sources[number] for epoch in plan.epochs]
    lucky = any(source.daily or source.shocks for source in sources)
    return hours, length, plan.once(f"demand/{number}", mean, lucky=lucky)


def _counts(u: Floats, mean: Floats, stream: Stream) -> Ints:
    """Poisson quantiles."""
    count = stream.poisson(u, np.minimum(mean, _LARGE))
    large = mean > _LARGE
    if large.any():
        from scipy import stats

        count[large] = np.asarray(stats.poisson.ppf(u[large], mean[large])).astype(np.int64)
    return count


def _hourly_mean(plan: Plan, epoch: Epoch, number: int, hours: Ints, stream: Stream) -> Floats:
    """Mean leads of each hour: profile × season × growth × campaigns × luck of the day."""
    source = epoch.sources[number]
    model = epoch.scenario.sources[source.id]
    local = _local(hours, plan.scenario.time_zone)
    profile = np.asarray(source.profile)
    mean: Floats = profile[local.day_of_week.to_numpy(), local.hour.to_numpy()]
    if model.by_month:
        season = np.array([model.by_month.get(month, 1.0) for month in MONTHS])
        mean = mean * season[local.month.to_numpy() - 1]
    if model.growth is not None:
        mean = mean * model.growth.factors(hours - plan.grown_from)
    today = local.normalize().tz_localize(None)
    for campaign in model.campaigns:
        running = (today >= pd.Timestamp(campaign.start)) & (today < pd.Timestamp(campaign.end))
        mean = np.where(running, mean * campaign.times, mean)
    if source.daily is not None:
        day = today.to_numpy().astype("datetime64[us]").view(np.int64) // DAY
        words = stream.words_array(day.astype(np.uint64), source.day, np.zeros_like(day, np.uint64))
        mean = mean * source.daily.sample_array(stream.to_uniforms(words)[0])
    for shock in source.shocks:
        mean = mean * factors_at(plan.shocks[shock], stream, hours)
    return mean


def _by_counts(
    plan: Plan, source: PlanSource, counts: Counts, stream: Stream
) -> tuple[Ints, Ints, NDArray[np.uint64], Ints]:
    """Given counts by period, spread by the profile within each period."""
    row = counts.paths[stream.replication % len(counts.paths)]
    zone = plan.scenario.time_zone
    days = round(counts.every.microseconds()) // DAY
    dates = pd.date_range(counts.start, periods=len(row) + 1, freq=f"{days}D", tz=zone)
    edges = (
        dates.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").view(np.int64)
    )
    slot, place = _numbered(edges[:-1], np.array(row))
    words, position = _keyed(slot, place, source, stream)
    hours = np.arange(edges[0], edges[-1], HOUR)
    local = _local(hours, zone)
    weight = np.asarray(source.profile)[local.day_of_week.to_numpy(), local.hour.to_numpy()]
    within = np.searchsorted(edges[1:], hours, side="right")
    idle = np.bincount(within, weight, len(row)) == 0
    weight = np.where(idle[within], 1.0, weight)  # leads though the profile knows no hour for them
    total = np.concatenate([[0.0], np.cumsum(weight)])
    begin, end = (np.interp(edge, [*hours, edges[-1]], total) for edge in (edges[:-1], edges[1:]))
    period = np.repeat(np.arange(len(row)), row)
    target = begin[period] + position * (end - begin)[period]
    i = np.clip(np.searchsorted(total, target, side="right") - 1, 0, len(hours) - 1)
    share = np.divide(target - total[i], weight[i], out=np.zeros(len(i)), where=weight[i] > 0)
    return slot, place, words, hours[i] + np.floor(share.clip(0, 1 - 1e-9) * HOUR).astype(np.int64)


def _by_replay(
    plan: Plan, source: PlanSource, model: Source, stream: Stream
) -> tuple[Ints, Ints, NDArray[np.uint64], Ints]:
    """Given moments; local time where they carry no offset."""
    zone = ZoneInfo(plan.scenario.time_zone)
    aware = [moment if moment.tzinfo else moment.replace(tzinfo=zone) for moment in model.replay]
    at = np.array([to_instant(moment) for moment in aware], np.int64)
    slots, count = np.unique(at, return_counts=True)
    slot, place = _numbered(slots, count)
    words, _ = _keyed(slot, place, source, stream)
    return slot, place, words, slot


def _hours(plan: Plan) -> tuple[Ints, Ints]:
    """The local hours that touch the run: when they begin and how long they are.

    Where clocks change by half an hour (Lord Howe), an hour is not 60 minutes long.
    """
    ticks = np.arange(plan.start - plan.start % _TICK - HOUR, plan.observed_until + HOUR, _TICK)
    local = _local(ticks, plan.scenario.time_zone)
    hour = local.hour.to_numpy()
    begins = np.flatnonzero((local.minute == 0) | (np.diff(hour, prepend=hour[0]) != 0))
    starts, length = ticks[begins[:-1]], np.diff(ticks[begins])
    touching = (starts + length > plan.start) & (starts < plan.observed_until)
    return starts[touching], length[touching]


def _local(instants: Ints, zone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(instants, unit="us", utc=True)).tz_convert(zone)
