"""The log's window cut into days, weeks or months of its own time zone."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.journeys import window

__all__ = ["edges", "local", "moments", "period_of"]

Integers = NDArray[np.int64]

# Unit as written, in lower case → pandas' name of the calendar step.
STEPS = {"min": "min", "h": "h", "d": "D", "w": "W-MON", "mo": "MS", "q": "QS", "y": "YS"}
STEPS |= {"ms": "MS", "qs": "QS", "ys": "YS"}  # as pandas writes them
DAY: Final = pd.Timedelta(days=1)


def edges(log: EventLog, every: str) -> Integers:
    """Return where the window's periods begin, and its end.

    Days, weeks (from Monday), months and quarters are those of the log's time zone; a day
    of a clock change has 23 or 25 hours. The first and the last period are cut off by the
    window.

    Parameters
    ----------
    log : EventLog
    every : str
        Such as ``"1D"``, ``"2 w"``, ``"1 mo"``, ``"4 h"``.

    Returns
    -------
    ndarray of int, shape (periods + 1,), µs

    Raises
    ------
    ParameterError
        Not a calendar step.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> len(edges(BANK, "1D"))
    4
    """
    read = re.fullmatch(r"\s*(\d*)\s*([A-Za-z]+)\s*", every)
    count, step = (int(read[1] or 1), STEPS.get(read[2].lower())) if read else (0, None)
    if not count or step is None:
        fix = 'Write "1 h", "1 d", "1 w", "1 mo", "1 q" or "1 y", with any whole number'
        raise ParameterError(Problem(f"every={every!r} is no period", fix=fix))
    since, until = window(log)
    zone = log.meta.time_zone
    first, last = local(np.array([since, until]), zone)
    if step in {"h", "min"}:
        day = first.tz_localize(None).normalize()
        found = pd.date_range(
            _midnights(pd.DatetimeIndex([day]), zone)[0], last, freq=f"{count}{step}"
        )
    else:
        start, end = first.tz_localize(None).normalize(), last.tz_localize(None) + DAY
        back = pd.tseries.frequencies.to_offset(step).rollback(start)
        found = _midnights(pd.date_range(back, end, freq=f"{count}{step}"), zone)
    cuts = found.tz_convert("UTC").as_unit("us").asi8
    return np.concatenate([[since], cuts[(cuts > since) & (cuts < until)], [until]])


def moments(log: EventLog, every: str) -> Integers:
    """Return the beginnings of the periods and the end of the window, µs."""
    return np.unique(edges(log, every))


def period_of(cuts: Integers, times: Integers) -> NDArray[np.intp]:
    """Return the period of each time, -1 outside; the window's end is in the last one.

    Examples
    --------
    >>> period_of(np.array([0, 10, 20]), np.array([-1, 0, 10, 20, 21])).tolist()
    [-1, 0, 1, 1, -1]
    """
    at = np.searchsorted(cuts, times, side="right") - 1
    at[times == cuts[-1]] = len(cuts) - 2
    return np.where(at < len(cuts) - 1, at, -1)


def local(times: Integers, zone: str) -> pd.DatetimeIndex:
    """Return microseconds since the epoch as times of a zone."""
    return pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC").tz_convert(zone)


def _midnights(days: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    """When days begin in a zone, also where the clock skips or repeats midnight."""
    return days.tz_localize(
        zone, nonexistent="shift_forward", ambiguous=np.ones(len(days), dtype=bool)
    )
