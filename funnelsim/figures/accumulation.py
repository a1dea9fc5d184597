"""The cumulative flow diagram: where all leads that ever came are, day by day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from funnelsim.figures.axis import local_times, time_axis, value_axis
from funnelsim.figures.lettering import fit, spread, text_width
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import one_group
from funnelsim.figures.style import (
    INK,
    MUTED,
    NAVY,
    QUIET,
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

__all__ = ["cumulative_flow"]

HEIGHT: Final = 2.9
FOOT: Final = 0.42
NAMES: Final = 1.55  # right of the drawing
LINE: Final = 0.165
GONE: Final[Mapping[str, str]] = {"(won)": NAVY, "(ended)": QUIET, "(lost)": "#eeb08a"}


def cumulative_flow(
    frame: pd.DataFrame,
    *,
    time_zone: str = "UTC",
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw where all leads that ever came are: won and lost below, open stages on top.

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
        A band's height is how many leads are there; its upper edge is how many came so far.

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
    states = list(dict.fromkeys(frame["state"]))
    wide = frame.pivot_table(index="at", columns="state", values="value", observed=True)
    wide.index = local_times(wide.index.to_series(), time_zone)
    shown = [s for s in GONE if s in states and wide[s].to_numpy().max(initial=0) > 0]
    stages = [state for state in states if state not in GONE]
    order = [*shown, *reversed(stages)]
    looks = [GONE[s] for s in shown] + tints(len(stages), "#2f86c1", "#dcebf6")
    with house_style():
        figure = page(HEIGHT)
        box = (0.5, FOOT, WIDTH - NAMES - 0.5, HEIGHT - FOOT - 0.1)
        axes = panel(figure, box)
        if len(wide):
            stack = np.cumsum(np.vstack([np.zeros(len(wide)), *(wide[s] for s in order)]), axis=0)
            for low, high, look in zip(stack, stack[1:], looks, strict=False):
                axes.fill_between(wide.index, low, high, color=look, linewidth=0)
                axes.plot(wide.index, high, color="white", linewidth=0.4)
            time_axis(axes, wide.index[0], wide.index[-1], wording)
            axes.set_ylim(0, max(float(stack.max()), 1.0) * 1.03)
            _names(axes, box, stack[:, -1], [wording.label(s) for s in order], looks, wording)
        value_axis(axes, wording.number)
        axes.spines["left"].set_visible(False)
    return Picture(figure, _describe(wide, [*stages, *shown], wording))


def _names(
    axes: Axes,
    box: tuple[float, float, float, float],
    edges: np.ndarray[tuple[int], np.dtype[np.float64]],
    names: list[str],
    looks: list[str],
    wording: Wording,
) -> None:
    """Name the bands at their right ends, with how many leads are there."""
    _, bottom, _, high = box
    sheet = panel(axes.figure, blank=True)  # type: ignore[arg-type]
    inch = high / axes.get_ylim()[1]
    right = WIDTH - NAMES
    middles = [bottom + (a + b) / 2 * inch for a, b in pairwise(edges)]
    places = spread(middles, LINE, bottom + 0.06, bottom + high - 0.02)
    for name, look, middle, y, size in zip(
        names, looks, middles, places, np.diff(edges), strict=True
    ):
        sheet.plot(
            [right + 0.02, right + 0.1, right + 0.16], [middle, y, y], color=look, linewidth=1
        )
        written = wording.number(float(size))
        wide = text_width(written, SMALL, 600)
        sheet.text(right + 0.2, y, written, size=SMALL, weight=600, color=INK, va="center_baseline")
        fitted = fit(name, NAMES - 0.26 - wide, size=SMALL)
        sheet.text(right + 0.25 + wide, y, fitted, size=SMALL, color=MUTED, va="center_baseline")


def _describe(wide: pd.DataFrame, states: list[str], wording: Wording) -> str:
    """Say where the leads are in the end, for who cannot see it."""
    if not len(wide):
        return wording.text("Cumulative flow: no leads in this window.")
    last = wide.iloc[-1]
    told = ", ".join(f"{wording.label(s)} {wording.number(float(last[s]))}" for s in states)
    return wording.text("Cumulative flow, {start} to {end}. In the end: {told}.").format(
        start=wording.day(wide.index[0]), end=wording.day(wide.index[-1]), told=told
    )
