"""What the calendar does to a period: working days, holidays, Easter, its length.

Used by division: leads per day of work are modelled, and the days of work ahead are known. How
much a day off counts is found from the history, and whether the division helps at all.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.series import OFFSETS, SEASONS, Every, periods_ahead

__all__ = ["calendar", "day_off_share", "sizes"]

Floats = NDArray[np.float64]

SHARES: Final = (0.0, 0.1, 0.25, 0.5, 1.0)
"""What a day off may count beside a working day; 1 is the mere number of days."""
CLEAR: Final = 3.0
"""Standard errors by which changes have to follow the calendar for the division to be made."""
FEWEST: Final = 12
SATURDAY: Final = 5
FRIDAY_BEFORE: Final = -2


def calendar(starts: pd.DatetimeIndex, every: Every, country: str = "") -> pd.DataFrame:
    """What falls into each period.

    Parameters
    ----------
    starts : pandas.DatetimeIndex
        When the periods begin; consecutive.
    every : {"day", "week", "month", "quarter"}
    country : str
        Such as ``"UA"``, or with a region ``"DE-BY"``; empty knows weekends only.

    Returns
    -------
    pandas.DataFrame
        By period: ``days``; ``working_days`` (by law: moved weekends are heeded, and holidays
        that are worked, as in Ukraine since 2022, are working days); ``holidays`` (named ones
        from Monday to Friday, worked or not); ``easter`` and ``orthodox_easter`` (days from
        Good Friday to Easter Monday).

    Raises
    ------
    ParameterError
        A country that the calendar of holidays does not know.

    Examples
    --------
    >>> months = pd.date_range("2025-04-01", periods=2, freq="MS")
    >>> calendar(months, "month", "DE")[["days", "working_days", "easter"]].to_numpy().tolist()
    [[30, 20, 4], [31, 20, 0]]
    """
    days, period = _days(starts, every)
    working, named = _book(country, days[0].date(), days[-1].date())
    columns = {
        "days": np.ones(len(days)),
        "working_days": working,
        "holidays": named,
        "easter": _easter(days, method=3),
        "orthodox_easter": _easter(days, method=2),
    }
    counted = {
        name: np.bincount(period, column, len(starts)).astype(int)
        for name, column in columns.items()
    }
    return pd.DataFrame(counted, index=starts)


def sizes(starts: pd.DatetimeIndex, every: Every, country: str, share: float) -> Floats:
    """How much of a usual working day each period holds.

    Parameters
    ----------
    starts, every, country
        As for `calendar`.
    share : float
        What a day off counts, 0 to 1.

    Returns
    -------
    ndarray, shape (n,)
        Working days.
    """
    working, off = _work(starts[0], len(starts), every, country)
    return np.asarray(working + share * off)


def day_off_share(y: pd.Series, every: Every, country: str) -> float | None:
    """Find how much a day off counts; None where dividing by days of work does not help.

    Parameters
    ----------
    y : pandas.Series
        By period's beginning; without gaps.
    every : {"day", "week", "month", "quarter"}
    country : str
        As for `calendar`.

    Returns
    -------
    float or None
        The share that leaves the smallest changes from period to period (from season to
        season, where there are two), if they are clearly smaller than undivided.

    Examples
    --------
    >>> months = pd.date_range("2021-01-01", periods=60, freq="MS")
    >>> worked = pd.Series(10 * sizes(months, "month", "PL", 0.0), months)
    >>> day_off_share(worked, "month", "PL")
    0.0
    >>> day_off_share(pd.Series(np.arange(60.0) % 7, months), "month", "PL") is None
    True
    """
    values = y.to_numpy(float)
    season = SEASONS[every]
    lag = season if len(y) >= 2 * season + FEWEST else 1
    if len(y) < lag + FEWEST or not values.any():
        return None
    best: tuple[float, float | None] = (_restless(values, lag), None)
    for share in SHARES:
        size = sizes(pd.DatetimeIndex(y.index), every, country, share)
        if size.min() <= 0 or np.ptp(size) == 0 or not _follows(values, size, lag):
            continue
        found = _restless(values / size, lag)
        if found < best[0]:
            best = (found, share)
    return best[1]


def _restless(values: Floats, lag: int) -> float:
    """Mean squared change over a lag, relative to the level."""
    return float((_changes(values, lag) ** 2).mean())


def _follows(values: Floats, size: Floats, lag: int) -> bool:
    """Whether changes follow those of the size, beyond chance."""
    change, cause = _changes(values, lag), _changes(size, lag)
    power = float(cause @ cause)
    if power <= 0:
        return False
    slope = float(cause @ change) / power
    rest = change - slope * cause
    doubt = float(rest @ rest) / max(len(rest) - 1, 1) / power
    return slope > CLEAR * float(np.sqrt(doubt))


def _changes(values: Floats, lag: int) -> Floats:
    """Changes over a lag, relative to the level."""
    return np.asarray((values[lag:] - values[:-lag]) / np.abs(values).mean())


def _days(starts: pd.DatetimeIndex, every: Every) -> tuple[pd.DatetimeIndex, NDArray[np.intp]]:
    """All days of the periods, and the period of each."""
    end = periods_ahead(starts[-1], every, 1)[0]
    days = pd.date_range(starts[0], end, inclusive="left", freq="D")
    return days, np.searchsorted(starts.to_numpy(), days.to_numpy(), side="right") - 1


@lru_cache(maxsize=256)
def _work(first: pd.Timestamp, n: int, every: Every, country: str) -> tuple[Floats, Floats]:
    """Working days and days off of n periods."""
    starts = pd.date_range(first, periods=n, freq=OFFSETS[every])
    days, period = _days(starts, every)
    working, _ = _book(country, days[0].date(), days[-1].date())
    worked = np.bincount(period, working, n).astype(float)
    return worked, np.bincount(period, minlength=n).astype(float) - worked


def _easter(days: pd.DatetimeIndex, method: int) -> Floats:
    """1 from Good Friday to Easter Monday."""
    from dateutil.easter import easter  # type: ignore[import-untyped]

    years = {int(year): pd.Timestamp(easter(int(year), method)) for year in set(days.year)}
    after = np.array([(day - years[day.year]).days for day in days])
    return np.asarray((after >= FRIDAY_BEFORE) & (after <= 1), dtype=float)


@lru_cache(maxsize=64)
def _book(country: str, first: date, last: date) -> tuple[Floats, Floats]:
    """Whether each day is a working day, and whether it is a holiday from Monday to Friday."""
    days = pd.date_range(first, last, freq="D")
    weekday = np.asarray(days.day_of_week < SATURDAY)
    if not country:
        return weekday.astype(float), np.zeros(len(days))
    import holidays

    code, _, region = country.upper().partition("-")
    known = holidays.list_supported_countries()
    if code not in known or (region and region not in known[code]):
        fix = did_you_mean(code, sorted(known)) if code not in known else (
            f"Regions: {', '.join(known[code][:20])}." if known[code] else "It has no regions."
        )  # fmt: skip
        message = f'no holidays are known for "{country}"'
        raise ParameterError(Problem(message, path="country", fix=fix))
    law = holidays.country_holidays(code, subdiv=region or None)
    kinds = [kind for kind in ("public", "workday") if kind in law.supported_categories]
    names = holidays.country_holidays(code, subdiv=region or None, categories=kinds)
    working = np.array([law.is_working_day(day) for day in days.date], dtype=float)
    named = np.array([day in names for day in days.date], dtype=bool)
    return working, np.asarray(named & weekday, dtype=float)
