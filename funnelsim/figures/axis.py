"""Axes that read like the reader's language: dates, counts, durations, shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from funnelsim.figures.lettering import text_width
from funnelsim.figures.style import SMALL
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
PLAIN: Final = frozenset(
    SECONDS[unit] * n for unit, n in (("min", 1), ("h", 1), ("d", 1), ("d", 7), ("d", 30))
)
APART: Final = 0.13  # inches between two names


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


def value_axis(axes: Axes, write: Callable[[float], str], *, ticks: int = 5) -> None:
    """Give the y axis few round ticks, written by ``write``, and light grid lines.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    write : callable
        A number to its text, for example ``wording.number``.
    ticks : int
        About so many.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axes.grid(visible=True, axis="y")


def duration_scale(axes: Axes, low: float, high: float, wording: Wording) -> None:
    """Scale the x axis to seconds: linear, or logarithmic where the spread demands it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    low, high : float
        The smallest and largest positive duration to show; seconds.
    wording : Wording
        The reader's language.
    """
    low = max(low, 1.0)
    axes.grid(visible=True, axis="x")
    if high / low < SPREAD_FOR_LOG:
        unit = duration_unit(high)
        axes.set_xlim(0, high * 1.04)
        marks = _round_marks(high, SECONDS[unit])
        names = {mark: wording.duration(mark, unit) for mark in marks}
    else:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.25, high * 1.5)
        marks = [mark for mark in MARKS if low / 1.25 <= mark <= high * 1.5]
        names = {mark: wording.duration(mark, _plain_unit(mark)) for mark in marks}
    kept = _apart(axes, names)
    axes.set_xticks(kept, [names[mark] for mark in kept])
    axes.set_xticks([], minor=True)


def _apart(axes: Axes, names: Mapping[float, str]) -> list[float]:
    """Keep the marks whose names do not touch, plain units and then the outermost first."""
    size = axes.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    start, end = (
        float(axes.get_position().x0 * size[0]),
        float(axes.get_position().x1 * size[0]),
    )
    log = axes.get_xscale() == "log"
    left, right = (math.log(x) if log else x for x in axes.get_xlim())
    kept: dict[float, tuple[float, float]] = {}
    for mark in sorted(names, key=lambda mark: (mark not in PLAIN, mark != 0, -mark)):
        share = ((math.log(mark) if log else mark) - left) / (right - left)
        middle, half = start + share * (end - start), text_width(names[mark], SMALL) / 2
        edges = (middle - half - APART / 2, middle + half + APART / 2)
        if all(edges[1] <= a or b <= edges[0] for a, b in kept.values()):
            kept[mark] = edges
    return sorted(kept)


def _plain_unit(seconds: float) -> str:
    """Return the largest unit that gives a whole number."""
    return next(unit for unit in ("d", "h", "min", "s") if seconds >= SECONDS[unit])


def _round_marks(high: float, size: float) -> list[float]:
    """Return round numbers of a unit from 0 on, in seconds."""
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(0, high / size)
    return [float(value) * size for value in values if 0 <= value * size <= high * 1.04]
