"""Axes that read like the reader's language: dates, counts, durations, shares."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from funnelsim.figures.wording import SECONDS, Wording, duration_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["duration_scale", "local_times", "time_axis", "value_axis"]

DAY_STEPS: Final = (1, 2, 3, 7, 14)
MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120)
MOST_TICKS: Final = 8
# Where a person would put the marks of a logarithmic time axis; seconds.
MARKS: Final = tuple(
    n * SECONDS[unit]
    for unit, numbers in (
        ("s", (1, 5, 15)),
        ("min", (1, 5, 15)),
        ("h", (1, 4, 12)),
        ("d", (1, 3, 7, 14, 30, 90, 180, 365, 730, 1825, 3650)),
    )
    for n in numbers
)
SPREAD_FOR_LOG: Final = 30.0


def local_times(times: pd.Series, time_zone: str) -> pd.Series:
    """Return times as wall-clock times of a zone, without the zone, for an axis.

    Parameters
    ----------
    times : pandas.Series of datetime64, UTC
    time_zone : str
        IANA name, for example ``"Europe/Kyiv"``.

    Returns
    -------
    pandas.Series of datetime64

    Examples
    --------
    >>> import pandas as pd
    >>> noon = pd.Series(pd.to_datetime(["2026-07-01 12:00"], utc=True))
    >>> str(local_times(noon, "Europe/Kyiv")[0])
    '2026-07-01 15:00:00'
    """
    local: pd.Series = times.dt.tz_convert(time_zone).dt.tz_localize(None)
    return local


def time_axis(axes: Axes, start: datetime, end: datetime, wording: Wording) -> None:
    """Set the x axis to a span of days, with few ticks in the reader's words.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    start, end : datetime
        Wall-clock times; the year is told at the first tick and where it changes.
    wording : Wording
        The reader's language.
    """
    axes.xaxis_date()
    end = max(end, start + timedelta(hours=1))
    axes.set_xlim(start, end)  # type: ignore[arg-type]
    ticks, skeleton = _days(start, end)
    told = 0
    names = []
    for tick in ticks:
        name = wording.tick(tick, skeleton)
        names.append(f"{name}\n{wording.tick(tick, 'y')}" if tick.year != told else name)
        told = tick.year
    axes.set_xticks(ticks, names)  # type: ignore[arg-type]


def _days(start: datetime, end: datetime) -> tuple[list[datetime], str]:
    """Choose the ticks of a span and how to write them."""
    days = (end - start) / timedelta(days=1)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if days <= DAY_STEPS[-1] * MOST_TICKS:
        step = next(step for step in DAY_STEPS if days / step <= MOST_TICKS)
        first = midnight if midnight >= start else midnight + timedelta(days=1)
        if step >= 7:  # noqa: PLR2004 - weeks start on Monday
            first += timedelta(days=-first.weekday() % 7)
        ticks = [first + timedelta(days=step * k) for k in range(int(days / step) + 1)]
        return [tick for tick in ticks if tick <= end] or [midnight], "MMMd"
    months = days / 30.44
    step = next((step for step in MONTH_STEPS if months / step <= MOST_TICKS), MONTH_STEPS[-1])
    count = start.year * 12 + start.month - (1 if start == midnight.replace(day=1) else 0)
    count = -(-count // step) * step
    ticks = []
    while (tick := datetime(count // 12, count % 12 + 1, 1)) <= end:  # noqa: DTZ001 - wall clock
        ticks.append(tick)
        count += step
    return ticks, "MMM" if step < 12 else "y"  # noqa: PLR2004


def value_axis(
    axes: Axes, write: Callable[[float], str], *, which: str = "y", ticks: int = 5
) -> None:
    """Give an axis few round ticks, written by ``write``, and light grid lines.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    write : callable
        A number to its text, for example ``wording.number``.
    which : {"x", "y"}
    ticks : int
        About so many.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axes.grid(visible=True, axis=which)  # type: ignore[arg-type]


def duration_scale(
    axes: Axes, low: float, high: float, wording: Wording, *, which: str = "x"
) -> None:
    """Scale an axis of seconds: linear, or logarithmic where the spread demands it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    low, high : float
        The smallest and largest positive duration to show; seconds.
    wording : Wording
        The reader's language.
    which : {"x", "y"}
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    limits = axes.set_xlim if which == "x" else axes.set_ylim
    axes.grid(visible=True, axis=which)  # type: ignore[arg-type]
    if high / max(low, 1.0) < SPREAD_FOR_LOG:
        unit = duration_unit(high)
        limits(0, high * 1.04)
        value_axis(axes, lambda seconds: wording.duration(seconds, unit), which=which)
        _round_steps(axis, SECONDS[unit], high)
        return
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low = max(low, 1.0)
    limits(low / 1.25, high * 1.5)
    marks = [mark for mark in MARKS if low / 1.25 <= mark <= high * 1.25]
    step = -(-len(marks) // MOST_TICKS)
    marks = marks[bisect_left(marks, 0) :: max(step, 1)]
    axis.set_ticks(marks, [wording.duration(mark, _plain_unit(mark)) for mark in marks])
    axis.set_ticks([], minor=True)


def _plain_unit(seconds: float) -> str:
    """Return the largest unit that gives a whole number."""
    return next(unit for unit in ("d", "h", "min", "s") if seconds >= SECONDS[unit])


def _round_steps(axis: object, size: float, high: float) -> None:
    """Put the ticks of a linear time axis on round numbers of its unit."""
    from matplotlib.ticker import FixedLocator, MaxNLocator

    values = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(0, high / size)
    axis.set_major_locator(FixedLocator([v * size for v in values if v * size <= high * 1.04]))  # type: ignore[attr-defined]
