"""The one picture of page 1: where leads are lost, and where they wait."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.durations import Span, quantiles
from funnelsim.figures.funnel import Layout, draw_steps
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import LEFT, pitch_of, write_key
from funnelsim.figures.steps import describe, steps
from funnelsim.figures.style import (
    BAD,
    GRID,
    INK,
    NAVY,
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

__all__ = ["overview"]

PITCH: Final = 0.56
LAYOUT: Final = Layout(bars=(LEFT, 3.85), share=4.4, of_all=None, head=0.48)
# More stages than this stand one line each, so that the picture fits below the answer.
ROOMY: Final = 5
DENSE: Final = Layout(bars=(2.0, 3.7), share=4.4, of_all=None, head=0.48, dense=True)
DENSE_PITCH: Final = 0.3
DENSE_HEIGHT: Final = 3.1  # all dense rows together, inches
TIMES: Final = (4.68, 5.75)  # left and right end of the longest time, inches
THIN: Final = 0.1
MEDIAN: Final = 0.5


def overview(
    conversion: pd.DataFrame,
    end_to_end: pd.DataFrame,
    dwell: pd.DataFrame,
    waiting: pd.DataFrame | None = None,
    losses: pd.DataFrame | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    r"""Draw the funnel and, stage by stage beside it, how long leads stay and wait.

    Many stages stand one line each, without the reasons of losses and the waits.

    Parameters
    ----------
    conversion, end_to_end, losses
        As in :func:`funnelsim.figures.funnel`.
    dwell : pandas.DataFrame
        As ``measures.dwell_time`` returns it; its medians are drawn.
    waiting : pandas.DataFrame, optional
        As ``measures.waiting_time`` returns it: medians of the wait for us.
    labels, lang, text
        As in :func:`funnelsim.figures.funnel`.

    Returns
    -------
    Picture

    Raises
    ------
    ParameterError
        A table holds several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["offer"], "next_stage": ["won"], "value": [0.5],
    ...     "lo": [0.4], "hi": [0.6], "entered": [10], "advanced": [5], "lost": [3], "open": [2]})
    >>> stay = pd.DataFrame({"stage": ["offer"], "quantile": [0.5], "value": [7200.0],
    ...     "lo": [6000.0], "hi": [8000.0]})
    >>> overview(frame, frame.iloc[:0], stay).alt
    'Funnel: 10 leads enter offer. Share that goes on: offer 50%. Median stay: offer 2\xa0h.'
    """
    wording = Wording(labels or {}, lang, text)
    rows = steps(conversion, end_to_end, losses, wording)
    names = {wording.label(stage): stage for stage in conversion["stage"]}
    stay = _medians(dwell)
    wait = _medians(waiting) if waiting is not None else {}
    layout, pitch = LAYOUT, pitch_of(len(rows), PITCH)
    if len(rows) > ROOMY + 1:
        layout, pitch, wait = DENSE, min(DENSE_PITCH, DENSE_HEIGHT / len(rows)), {}
    with house_style():
        figure = page(layout.height(len(rows), pitch))
        sheet = panel(figure, blank=True)
        y = layout.height(len(rows), pitch) - 0.1
        for words, x in (
            (wording.text("Leads"), layout.bars[0]),
            (wording.text("Median time"), TIMES[0]),
        ):
            sheet.text(x, y, words, weight=600, color=NAVY, va="center_baseline")
        middles = draw_steps(sheet, rows, wording, pitch=pitch, layout=layout)
        shown = [names.get(row.name, "") for row in rows]
        _times(sheet, shown, middles, stay, wait, wording)
    said = [f"{wording.label(s)} {_written(stay[s], wording)}" for s in shown if s in stay]
    told = wording.text("Median stay: {told}.").format(told=", ".join(said)) if said else ""
    return Picture(figure, f"{describe(rows, wording)} {told}".rstrip())


def _medians(frame: pd.DataFrame) -> dict[str, Span]:
    """Read the medians out of a table of percentiles."""
    rows = quantiles(frame).items()
    return {item: row[MEDIAN] for item, row in rows if item and MEDIAN in row}


def _reach(span: Span) -> float:
    """Return how long a bar is: the median, or what it is surely longer than; seconds."""
    return span.value if span.known else span.lo if math.isfinite(span.lo) else 0.0


def _written(span: Span, wording: Wording) -> str:
    """Write a median; one not reached as longer than what is sure."""
    sign = "" if span.known or not span.lo > 0 else ">"
    return sign + wording.duration(_reach(span) if span.known or sign else math.nan)


def _times(
    sheet: Axes,
    stages: list[str],
    middles: list[float],
    stay: Mapping[str, Span],
    wait: Mapping[str, Span],
    wording: Wording,
) -> None:
    """Draw the median stay and the median wait of each stage as a pair of thin bars."""
    start, end = TIMES
    spans = [table[stage] for table in (stay, wait) for stage in stages if stage in table]
    longest = max(map(_reach, spans), default=0.0)
    if not longest > 0:
        return
    key = {wording.text("stay"): SKY}
    if any(stage in wait for stage in stages):
        key[wording.text("wait")] = BAD
    write_key(
        sheet, key, start, float(sheet.get_ylim()[1]) - LAYOUT.head + 0.17, room=WIDTH - start
    )
    scale = (end - start) / longest
    pairs = [(stay, SKY, 1), (wait, BAD, -1)]
    for stage, middle in zip(stages, middles, strict=True):
        here = [(table[stage], colour, side) for table, colour, side in pairs if stage in table]
        if not here:
            continue
        sheet.plot([start, start], [middle - 0.13, middle + 0.13], color=GRID, linewidth=0.8)
        for span, colour, side in here:
            y = middle + (side * (THIN / 2 + 0.015) if len(here) > 1 else 0)
            width = _reach(span) * scale
            rectangle(sheet, start, y - THIN / 2, width, THIN, colour)
            strong = 600 if side > 0 else 400
            written = _written(span, wording)
            look: dict[str, Any] = {"size": SMALL, "color": INK if side > 0 else BAD}
            sheet.text(
                start + width + 0.06, y, written, weight=strong, va="center_baseline", **look
            )
