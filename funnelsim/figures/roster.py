"""A roster as a heat map: how many are there, and how many have to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from funnelsim.figures.picture import Picture
from funnelsim.figures.style import (
    BAD,
    GOOD,
    INK,
    MUTED,
    NAVY,
    SKY,
    SMALL,
    WIDTH,
    house_style,
    page,
    panel,
)
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["roster"]

LEFT: Final = 0.5
RIGHT: Final = 0.1
ROW: Final = 0.3
HEAD: Final = 0.32
FOOT: Final = 0.28
PALE: Final = "#f2f6f9"
DARK: Final = 0.62
"""Share of the most from which letters are white."""


def roster(
    cover: pd.DataFrame,
    *,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw who is there, by weekday and hour, beside who has to be.

    Parameters
    ----------
    cover : pandas.DataFrame
        ``day`` (0 is Monday), ``start`` (hour of the day, in halves), ``need``, ``staffed``:
        as ``Roster.cover``. Of an hour the fewest are shown, and the most needed.
    lang : str
        Language of numbers and days.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture

    Examples
    --------
    >>> import pandas as pd
    >>> cover = pd.DataFrame({"day": 0, "start": [9, 9.5], "need": [2, 2], "staffed": [3, 2]})
    >>> roster(cover).alt
    'Heat map of a roster: 1 days, 9:00 to 10:00; at most 2 people at once. Nobody is lacking.'
    """
    wording = Wording(lang=lang, text=text)
    first, staffed, need = _by_hour(cover)
    with house_style():
        figure = page(HEAD + ROW * len(staffed) + FOOT)
        box = (LEFT, FOOT, WIDTH - LEFT - RIGHT, ROW * len(staffed))
        _cells(panel(figure, box), first, staffed, need, wording)
        sheet = panel(figure, blank=True)
        height = FOOT + ROW * len(staffed) + 0.14
        key = text("At work; small: needed")
        sheet.text(LEFT, height, key, size=SMALL, color=MUTED, va="center_baseline")
    return Picture(figure, _describe(first, staffed, need, wording))


def _by_hour(cover: pd.DataFrame) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """First hour, and people at work and needed, shape (days, hours)."""
    hours = np.floor(cover["start"].to_numpy(float)).astype(int)
    days = cover["day"].to_numpy(int)
    first, last = (int(hours.min()), int(hours.max())) if len(hours) else (0, 0)
    count = (int(days.max()) + 1 if len(days) else 1, last - first + 1)
    staffed, need = np.full(count, 10**9), np.zeros(count, int)
    place = (days, hours - first)
    np.minimum.at(staffed, place, cover["staffed"].to_numpy(int))
    np.maximum.at(need, place, np.ceil(cover["need"].to_numpy(float)).astype(int))
    half = np.zeros(count, int)
    np.add.at(half, place, 1)
    staffed[half == 0] = 0
    return first, staffed, need


def _cells(
    axes: Axes,
    first: int,
    staffed: NDArray[np.int64],
    need: NDArray[np.int64],
    wording: Wording,
) -> None:
    """Draw the cells: colour and number say who is there."""
    import seaborn as sns
    from matplotlib.colors import LinearSegmentedColormap

    ramp = LinearSegmentedColormap.from_list("roster", [PALE, "#b9d8ec", SKY, GOOD, NAVY])
    most = int(staffed.max()) or 1
    sns.heatmap(
        staffed,
        ax=axes,
        cmap=ramp,
        vmin=0,
        vmax=most,
        cbar=False,
        linewidths=1,
        linecolor="white",
        xticklabels=False,
        yticklabels=False,
    )
    names = wording.weekdays()
    rows, hours = staffed.shape
    axes.set_yticks(np.arange(rows) + 0.5, [names[day % 7] for day in range(rows)], color=INK)
    step = 1 if hours <= 16 else 2  # noqa: PLR2004 - labels must not touch
    axes.set_xticks(
        range(0, hours + 1, step), [f"{first + h}:00" for h in range(0, hours + 1, step)]
    )
    axes.tick_params(axis="x", labelsize=6.5)
    for (day, hour), there in np.ndenumerate(staffed):
        wanted = int(need[day, hour])
        if not there and not wanted:
            continue
        colour = "white" if there / most > DARK else INK
        small = BAD if there < wanted else colour
        axes.text(
            hour + 0.5, day + 0.42, str(there), size=SMALL, color=colour, ha="center", va="center",
            weight=600,
        )  # fmt: skip
        axes.text(hour + 0.5, day + 0.8, str(wanted), size=5, color=small, ha="center", va="center")


def _describe(
    first: int, staffed: NDArray[np.int64], need: NDArray[np.int64], wording: Wording
) -> str:
    """Say what there is to see."""
    short = int((need > staffed).sum())
    told = (
        wording.text("Somebody is lacking in {n} hours.").format(n=wording.number(short))
        if short
        else wording.text("Nobody is lacking.")
    )
    begin = wording.text(
        "Heat map of a roster: {n} days, {start} to {end}; at most {most} people at once."
    ).format(
        n=wording.number(len(staffed)),
        start=f"{first}:00",
        end=f"{first + staffed.shape[1]}:00",
        most=wording.number(int(staffed.max())),
    )
    return f"{begin} {told}"
