"""What looks wrong in the times of a history: shifts of the clock, bulk edits, silences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.auditing.suspicions import Facts, Suspicion

__all__ = ["of_times", "shifted_hours"]

BULK: Final = 50  # moves in one minute
MONTHLY: Final = 100  # events of a month, before its hours are compared
TURNS: Final = (3, 4, 9, 10, 11)  # months with which summer time begins or ends
GAIN: Final = 30.0  # log-likelihood by which a shifted clock must explain the hours better
PER_EVENT: Final = 0.05  # and per event: a small season's change is no shift
WEEK: Final = pd.Timedelta(days=7)
UNLIKELY: Final = 1e-3


def of_times(facts: Facts) -> Iterator[Suspicion]:
    """Look for dates without time, bulk edits, shifts of the clock and silent weeks.

    Parameters
    ----------
    facts : Facts
        The history.

    Yields
    ------
    Suspicion
    """
    clean, zone = facts.mended.clean, facts.raw.meta.time_zone or "UTC"
    moves = clean.moves
    full = len(moves) and facts.raw.meta.history != "snapshot"
    times = moves["at"] if full else _known(clean.deals)
    if not len(times):
        return
    local = times.dt.tz_convert(zone)
    midnight = (local == local.dt.normalize()).to_numpy()
    yield Suspicion("dates_only", int(midnight.sum()), len(local))
    if midnight.mean() < 0.5:  # noqa: PLR2004 - else the hours mean nothing
        if full:
            yield from _bulk(moves)
        yield from _clock(local)
    arrived = clean.deals["arrived_at"]
    yield from _silences(arrived[arrived >= facts.mended.start], clean.until)


def shifted_hours(local: pd.Series) -> tuple[pd.Period, pd.Period, int] | None:
    """Find the months in which the hours of the day are shifted against the others.

    Every run of months but the first is compared with all others: its hours as they are,
    and shifted by 1 to 12 hours either way (multinomial likelihood, one event added to
    each hour of the profile of the others).

    Parameters
    ----------
    local : pandas.Series
        Local times of the events.

    Returns
    -------
    tuple of pandas.Period, pandas.Period and int, or None
        The first and the last month that is shifted, and the hours added.

    Examples
    --------
    >>> day = pd.Series(pd.date_range("2024-01-01", "2024-12-31", freq="30min"))
    >>> day = day[day.dt.hour.isin([9, 10, 11, 14, 15, 16])].dt.tz_localize("UTC")
    >>> shifted_hours(day) is None
    True
    >>> later = day + pd.to_timedelta(np.where(day < "2024-07-01", 0, 3), unit="h")
    >>> first, last, hours = shifted_hours(later)
    >>> str(first), str(last), hours
    ('2024-07', '2024-12', 3)
    """
    month = local.dt.tz_localize(None).dt.to_period("M")
    table = pd.crosstab(month, local.dt.hour).reindex(columns=range(24), fill_value=0)
    table = table[table.sum(axis=1) >= MONTHLY]
    counts, total = table.to_numpy(), table.to_numpy().sum(axis=0)
    best, found = 0.0, None
    for first in range(1, len(table)):
        for last in range(first, len(table)):
            inside = counts[first : last + 1].sum(axis=0)
            others = total - inside + 1.0
            chances = np.log(others / others.sum())
            gains = [float(inside @ (np.roll(chances, h) - chances)) for h in range(-11, 13)]
            gain = max(gains)
            if gain > max(best, GAIN, PER_EVENT * inside.sum()):
                best = gain
                found = table.index[first], table.index[last], int(np.argmax(gains)) - 11
    return found


def _known(deals: pd.DataFrame) -> pd.Series:
    """Return the dates of deals in one column."""
    columns = [deals[name].dropna() for name in ("created_at", "closed_at")]
    return pd.concat(columns, ignore_index=True)


def _bulk(moves: pd.DataFrame) -> Iterator[Suspicion]:
    """Find moves made with many others in one minute."""
    minute = moves["at"].dt.floor("min")
    size = minute.map(minute.value_counts())
    bulk = (size >= BULK).to_numpy()
    days = minute[bulk].drop_duplicates().astype("str").str[:16].head(3)
    details = ", ".join(f"{day} UTC" for day in days)
    yield Suspicion("bulk_edits", int(bulk.sum()), len(moves), moves[bulk], details)


def _clock(local: pd.Series) -> Iterator[Suspicion]:
    """Find months whose clock is shifted."""
    found = shifted_hours(local)
    if found is not None:
        first, last, hours = found
        month = local.dt.tz_localize(None).dt.to_period("M")
        inside = int(((month >= first) & (month <= last)).sum())
        numbers = {"from": str(first), "to": str(last), "hours": hours}
        details = f"{first} – {last}, {hours:+d} h"
        summer = str(local.dt.tz) == "UTC" and abs(hours) == 1 and first.month in TURNS
        kind = "summer_time" if summer else "time_zone_jump"
        yield Suspicion(kind, inside, len(local), None, details, numbers)


def _silences(arrived: pd.Series, until: pd.Timestamp) -> Iterator[Suspicion]:
    """Find weeks without a new deal that chance does not explain."""
    if not len(arrived):
        return
    weeks = (arrived - arrived.min()) // WEEK
    whole = (until - arrived.min()) // WEEK  # the last week may be cut
    counts = np.bincount(weeks.to_numpy(dtype=np.int64), minlength=whole)[:whole]
    if not len(counts) or not counts.any():
        return
    usual = float(np.median(counts[counts > 0]))
    edges = np.diff(np.r_[0, counts == 0, 0])
    starts, lengths = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    lengths = lengths - starts
    silent = np.exp(-usual * lengths) * len(counts) < UNLIKELY
    days = [arrived.min() + number * WEEK for number in starts[silent][:3]]
    details = ", ".join(str(day.date()) for day in days)
    yield Suspicion("silences", int(lengths[silent].sum()), len(counts), None, details)
