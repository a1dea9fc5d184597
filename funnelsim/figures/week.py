"""When it happens: one cell per hour of the week."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from funnelsim.figures.lettering import fit
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import one_group
from funnelsim.figures.style import (
    GOOD,
    INK,
    MUTED,
    NAVY,
    QUIET,
    SKY,
    SMALL,
    WIDTH,
    house_style,
    page,
    panel,
    rectangle,
)
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from numpy.typing import NDArray

__all__ = ["week"]

DAYS: Final = 7
HOURS: Final = 24
HEIGHT: Final = 2.75
GRID: Final = (0.5, 0.3, 4.8, 1.75)  # left, bottom, width, height; inches
BY_HOUR: Final = 0.45
BY_DAY: Final = 0.5
KEY: Final = 0.6
PALE: Final = "#f2f6f9"


def week(
    frame: pd.DataFrame,
    *,
    unit: str = "",
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw a heat map of the week, weekday by hour, with the sums along its edges.

    Parameters
    ----------
    frame : pandas.DataFrame
        As ``measures.arrivals_by_hour`` or ``measures.work_by_hour`` return it:
        weekday (0 Monday – 6), hour (0–23), value.
    unit : str
        What a value counts, in the reader's language, for example "leads per hour".
    lang : str
        Language of numbers and days.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture

    Raises
    ------
    ParameterError
        The table holds several groups, or several teams.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"weekday": [0, 4], "hour": [9, 16], "value": [12.0, 3.0]})
    >>> week(frame, unit="leads per hour").alt
    'Heat map of the week. Most on Monday, 9:00 to 10:00: 12 leads per hour.'
    """
    one_group(frame, "weekday", "hour")
    wording = Wording(lang=lang, text=text)
    cells = np.zeros((DAYS, HOURS))
    values = frame["value"].fillna(0.0)
    np.add.at(cells, (frame["weekday"].to_numpy(), frame["hour"].to_numpy()), values.to_numpy())
    with house_style():
        figure = page(HEIGHT)
        _cells(panel(figure, GRID), cells, wording)
        left, bottom, width, height = GRID
        _hours(panel(figure, (left, bottom + height + 0.05, width, BY_HOUR), blank=True), cells)
        _days(
            panel(figure, (left + width + 0.06, bottom, BY_DAY + 0.4, height), blank=True),
            cells,
            wording,
        )
        _ramp(panel(figure, blank=True), float(cells.max()), unit, wording)
    return Picture(figure, _describe(cells, unit, wording))


def _colours() -> LinearSegmentedColormap:
    """One hue, from nearly white to the house's dark blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("week", [PALE, "#b9d8ec", SKY, GOOD, NAVY])


def _cells(axes: Axes, cells: NDArray[np.float64], wording: Wording) -> None:
    """Draw the cells, name days and hours, and write the value of the fullest cell."""
    import seaborn as sns

    most = float(cells.max())
    sns.heatmap(
        cells,
        ax=axes,
        cmap=_colours(),
        vmin=0,
        vmax=most or 1,
        cbar=False,
        linewidths=1,
        linecolor="white",
        xticklabels=False,
        yticklabels=False,
    )
    axes.set_yticks(np.arange(DAYS) + 0.5, wording.weekdays(), color=INK)
    axes.set_xticks(range(0, HOURS + 1, 3), [f"{hour}:00" for hour in range(0, HOURS + 1, 3)])
    if most > 0:
        day, hour = np.unravel_index(int(cells.argmax()), cells.shape)
        axes.text(
            float(hour) + 0.5,
            float(day) + 0.5,
            wording.figure(most),
            color="white",
            size=6.5,
            weight=600,
            ha="center",
            va="center_baseline",
        )


def _hours(axes: Axes, cells: NDArray[np.float64]) -> None:
    """Draw the sums of the hours above their columns."""
    sums = cells.sum(axis=0)
    step = GRID[2] / HOURS
    for hour, value in enumerate(sums):
        height = value / sums.max() * BY_HOUR if sums.max() > 0 else 0.0
        rectangle(axes, hour * step + 0.01, 0, step - 0.02, height, QUIET)


def _days(axes: Axes, cells: NDArray[np.float64], wording: Wording) -> None:
    """Draw the sums of the days beside their rows, with the share of the week."""
    sums = cells.sum(axis=1)
    step = GRID[3] / DAYS
    for day, value in enumerate(sums):
        y = GRID[3] - (day + 1) * step
        width = value / sums.max() * BY_DAY if sums.max() > 0 else 0.0
        rectangle(axes, 0, y + 0.01, width, step - 0.02, QUIET)
        share = value / sums.sum() if sums.sum() > 0 else float("nan")
        axes.text(
            width + 0.06,
            y + step / 2,
            wording.share(share),
            size=SMALL,
            color=MUTED,
            va="center_baseline",
        )


def _ramp(sheet: Axes, most: float, unit: str, wording: Wording) -> None:
    """Draw the key to the colours in the upper right corner."""
    from matplotlib.colors import to_hex

    left, bottom, width, height = GRID
    x, y = left + width + 0.06, bottom + height + 0.2
    parts = 24
    colours = _colours()
    for part in range(parts):
        colour = to_hex(colours(part / (parts - 1)))
        rectangle(sheet, x + part * KEY / parts, y, KEY / parts + 0.005, 0.08, colour)
    sheet.text(x, y - 0.03, "0", size=6.5, color=MUTED, va="top")
    sheet.text(x + KEY, y - 0.03, wording.figure(most), size=6.5, color=MUTED, va="top", ha="right")
    words = fit(unit, WIDTH - x, size=6.5, lines=2)
    sheet.text(x, y + 0.12, words, size=6.5, color=MUTED, va="bottom", linespacing=1.1)


def _describe(cells: NDArray[np.float64], unit: str, wording: Wording) -> str:
    """Say when most happens, for who cannot see it."""
    if not cells.max() > 0:
        return wording.text("Heat map of the week: nothing happened in this window.")
    day, hour = np.unravel_index(int(cells.argmax()), cells.shape)
    return wording.text(
        "Heat map of the week. Most on {day}, {start} to {end}: {n} {unit}."
    ).format(
        day=wording.weekdays(width="wide")[int(day)],
        start=f"{hour}:00",
        end=f"{hour + 1}:00",
        n=wording.figure(float(cells.max())),
        unit=unit,
    )
