"""What looks wrong in the times of a history: shifts of the clock, bulk edits, silences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.suspicions import Facts, Suspicion

__all__ = ["of_times", "shifted_hours"]

BULK: Final = 50  # moves in one minute
MONTHLY: Final = 100  # events of a month, before its hours are compared
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
    yield from _silences(clean.deals["arrived_at"], clean.until)


def shifted_hours(local: pd.Series) -> tuple[pd.Timestamp, int, float] | None:
    """Find the month from which on the hours of the day are shifted.

    The hours of every month are compared with those before, as they are and shifted by
    1 to 12 hours either way (multinomial likelihood, one event added to each hour of the
    profile before).

    Parameters
    ----------
    local : pandas.Series
        Local times of the events.

    Returns
    -------
    tuple of pandas.Timestamp, int and float, or None
        The first month after the shift, the hours added, and the log-likelihood gained.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> day = pd.Series(pd.date_range("2024-01-01", "2024-12-31", freq="30min"))
    >>> day = day[day.dt.hour.isin([9, 10, 11, 14, 15, 16])].dt.tz_localize("UTC")
    >>> shifted_hours(day) is None
    True
    >>> later = day + pd.to_timedelta(np.where(day < "2024-07-01", 0, 3), unit="h")
    >>> month, hours, _ = shifted_hours(later)
    >>> str(month.date()), hours
    ('2024-07-01', 3)
    """
    month = local.dt.tz_localize(None).dt.to_period("M")
    table = pd.crosstab(month, local.dt.hour).reindex(columns=range(24), fill_value=0)
    table = table[table.sum(axis=1) >= MONTHLY]
    best: tuple[pd.Timestamp, int, float] | None = None
    for at in range(1, len(table)):
        before = table.iloc[:at].sum().to_numpy() + 1.0
        after = table.iloc[at:].sum().to_numpy()
        chances = np.log(before / before.sum())
        fits = {shift: float(after @ np.roll(chances, shift)) for shift in range(-11, 13)}
        shift = max(fits, key=lambda hours: fits[hours])
        gain = fits[shift] - fits[0]
        if gain > max(GAIN, PER_EVENT * after.sum()) and (best is None or gain > best[2]):
            best = (table.index[at].to_timestamp(), shift, gain)
    return best


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
    """Find a shift of the clock."""
    found = shifted_hours(local)
    if found is not None:
        month, hours, _ = found
        day = str(month.date())
        after = int((local.dt.tz_localize(None) >= month).sum())
        numbers = {"from": day, "hours": hours}
        details = f"{day}, {hours:+d} h"
        yield Suspicion("time_zone_jump", after, len(local), None, details, numbers)


def _silences(arrived: pd.Series, until: pd.Timestamp) -> Iterator[Suspicion]:
    """Find weeks without a new deal that chance does not explain."""
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
