"""The cumulative flow diagram: where all leads that ever came are, day by day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from funnelsim.figures.axis import local_times, time_axis, value_axis
from funnelsim.figures.lettering import fit, spread, text_width
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import one_group
from funnelsim.figures.style import (
    MUTED,
    NAVY,
    SKY,
    SMALL,
    WIDTH,
    house_style,
    page,
    panel,
    tints,
)
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["cumulative_flow"]

OPEN_HEIGHT: Final = 1.5  # of the upper drawing, inches
ALL_HEIGHT: Final = 0.95  # of the lower one
HEAD: Final = 0.26  # above each, for its heading
FOOT: Final = 0.42
LEFT: Final = 0.5
NAMES: Final = 2.1  # right of the drawings
LINE: Final = 0.16
GONE: Final[Mapping[str, str]] = {"(won)": NAVY, "(ended)": "#b8c2cb", "(lost)": "#eeb08a"}
OPEN: Final = "(open)"
OTHERS: Final = "(others)"
MOST: Final = 8  # bands of open leads that can be told apart

Box = tuple[float, float, float, float]


def cumulative_flow(
    frame: pd.DataFrame,
    *,
    time_zone: str = "UTC",
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw where all leads that ever came are: the open ones by stage, below them the rest.

    Of many stages those that hold most have bands of their own, the others share one.

    Parameters
    ----------
    frame : pandas.DataFrame
        As ``measures.cumulative_flow`` returns it for one group: at, state (a stage, or
        ``(won)``, ``(lost)``, ``(ended)``), value (leads).
    time_zone : str
        IANA name; days begin there.
    labels : mapping of str to str, optional
        Names of stages by id.
    lang : str
        Language of numbers and dates.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        A band's height is how many leads are there. The open stages have a scale of their
        own, for beside everybody who ever came they would be a thin line.

    Raises
    ------
    ParameterError
        The table holds several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-02-01", "2026-02-01"], utc=True)
    >>> frame = pd.DataFrame({"at": at, "state": ["offer", "(won)"] * 2, "value": [2, 0, 3, 4]})
    >>> cumulative_flow(frame, labels={"offer": "Offer"}).alt
    'Cumulative flow, 1 January 2026 to 1 February 2026. In the end: Offer 3, Won 4.'
    """
    one_group(frame, "at", "state")
    wording = Wording(labels or {}, lang, text)
    wording = replace(wording, labels={OTHERS: wording.text("Other stages"), **wording.labels})
    stages = [state for state in dict.fromkeys(frame["state"]) if state not in GONE]
    wide = frame.pivot_table(index="at", columns="state", values="value", observed=True)
    wide.index = local_times(wide.index.to_series(), time_zone)
    wide[OPEN] = wide[stages].sum(axis=1)
    gone = [state for state in GONE if state in wide and wide[state].max() > 0]
    upper = FOOT + ALL_HEIGHT + HEAD
    with house_style():
        figure = page(upper + OPEN_HEIGHT + HEAD)
        width = WIDTH - NAMES - LEFT
        bands, rest = _bands(wide, stages)
        wide[OTHERS] = wide[rest].sum(axis=1)
        names = [*reversed(bands), *([OTHERS] if rest else [])]
        shades = dict(zip(names, tints(len(names), "#1d6fae", "#d5e6f3"), strict=True))
        box = (LEFT, upper, width, OPEN_HEIGHT)
        _stack(figure, box, wide, shades, wording, wording.text("Open, by stage"))
        looks = {state: GONE[state] for state in gone} | {OPEN: SKY}
        box = (LEFT, FOOT, width, ALL_HEIGHT)
        axes = _stack(figure, box, wide, looks, wording, wording.text("All leads so far"))
        axes.tick_params(labelbottom=True)
    return Picture(figure, _describe(wide, [*stages, *gone], wording))


def _bands(wide: pd.DataFrame, stages: list[str]) -> tuple[list[str], list[str]]:
    """Choose the stages that have a band of their own, and those that share one."""
    used = [stage for stage in stages if wide[stage].max() > 0] or stages
    if len(used) <= MOST:
        return used, []
    largest = wide[used].mean().nlargest(MOST - 1).index
    return [s for s in used if s in largest], [s for s in used if s not in largest]


def _stack(
    figure: Figure,
    box: Box,
    wide: pd.DataFrame,
    looks: Mapping[str, str],
    wording: Wording,
    heading: str,
) -> Axes:
    """Draw states on top of each other, the first one lowest, with their names at the right."""
    axes = panel(figure, box)
    sheet = panel(figure, blank=True)
    sheet.text(0, box[1] + box[3] + 0.12, heading, weight=600, color=NAVY, va="center_baseline")
    value_axis(axes, wording.short, ticks=4)
    axes.spines["left"].set_visible(False)
    if not len(wide):
        axes.set_xticks([])
        return axes
    edges = np.cumsum(np.vstack([np.zeros(len(wide)), *(wide[s] for s in looks)]), axis=0)
    for (low, top), look in zip(pairwise(edges), looks.values(), strict=True):
        axes.fill_between(wide.index, low, top, color=look, linewidth=0)
    for top in edges[1:-1]:
        axes.plot(wide.index, top, color="white", linewidth=0.5)
    time_axis(axes, wide.index[0], wide.index[-1], wording)
    axes.tick_params(labelbottom=False)
    axes.set_ylim(0, max(float(edges.max()), 1.0) * 1.03)
    _names(sheet, box, axes.get_ylim()[1], edges[:, -1], looks, wording)
    return axes


def _names(
    sheet: Axes,
    box: Box,
    top: float,
    edges: NDArray[np.float64],
    looks: Mapping[str, str],
    wording: Wording,
) -> None:
    """Name the bands at their right ends, with how many leads are there."""
    left, bottom, width, high = box
    right = left + width
    middles = [bottom + (a + b) / 2 / top * high for a, b in pairwise(edges)]
    line = min(LINE, high / max(len(looks) - 1, 1))
    places = spread(middles, line, bottom + 0.04, bottom + high - 0.02)
    size = SMALL if line == LINE else 6.5
    for (state, look), middle, y, n in zip(
        looks.items(), middles, places, np.diff(edges), strict=True
    ):
        sheet.plot([right + 0.02, right + 0.1, right + 0.16], [middle, y, y], color=look, lw=1)
        written = wording.number(float(n))
        wide = text_width(written, size, 600)
        sheet.text(right + 0.2, y, written, size=size, weight=600, va="center_baseline")
        name = fit(wording.label(state), WIDTH - right - 0.26 - wide, size=size)
        sheet.text(right + 0.25 + wide, y, name, size=size, color=MUTED, va="center_baseline")


def _describe(wide: pd.DataFrame, states: list[str], wording: Wording) -> str:
    """Say where the leads are in the end, for who cannot see it."""
    if not len(wide):
        return wording.text("Cumulative flow: no leads in this window.")
    last = wide.iloc[-1]
    told = ", ".join(f"{wording.label(s)} {wording.number(float(last[s]))}" for s in states)
    return wording.text("Cumulative flow, {start} to {end}. In the end: {told}.").format(
        start=wording.day(wide.index[0]), end=wording.day(wide.index[-1]), told=told
    )
