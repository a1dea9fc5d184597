"""The funnel: who entered each stage, who went on, who was lost and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.lettering import fit, text_width
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import (
    HEAD,
    LEFT,
    NAMES,
    RIGHT,
    pitch_of,
    write_heading,
    write_key,
    write_name,
)
from funnelsim.figures.steps import Step, describe, steps
from funnelsim.figures.style import (
    GOOD,
    INK,
    MUTED,
    NAVY,
    QUIET,
    SIZE,
    SMALL,
    TINT,
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

__all__ = ["Layout", "draw_steps", "funnel"]

PITCH: Final = 0.58
BAR: Final = 0.46  # of the pitch
DENSE_BAR: Final = 0.72
TWO_LINES: Final = 0.28  # the lowest row that holds a name on two lines
LOST: Final = "#eeb08a"
LOST_TEXT: Final = "#a94a00"
ASIDE: Final = "#8fb7d3"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where bars start and end, and the right edges of the columns of numbers; inches."""

    bars: tuple[float, float] = (LEFT, 4.8)
    share: float = 5.42
    of_all: float | None = WIDTH - 0.02
    head: float = HEAD
    dense: bool = False
    """One line a stage: how many were lost stands after the bar, without intervals."""

    def height(self, rows: int, pitch: float) -> float:
        """Return how high a picture of so many rows is."""
        return self.head + pitch * (max(rows, 1) - 0.4) + 0.1


@dataclass(frozen=True, slots=True)
class Ruler:
    """Where bars start, inches per lead, and how far text may reach; inches."""

    left: float
    scale: float
    limit: float


def funnel(
    conversion: pd.DataFrame,
    end_to_end: pd.DataFrame | None = None,
    losses: pd.DataFrame | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw one bar per stage: how many entered, went on, were lost, are still open.

    Parameters
    ----------
    conversion : pandas.DataFrame
        As ``measures.stage_conversion`` returns it for one group: stage, next_stage,
        value (share), lo, hi; entered, advanced, lost, open (leads).
    end_to_end : pandas.DataFrame, optional
        As ``measures.end_to_end_conversion`` returns it: share of all leads per stage,
        and the bar of won leads.
    losses : pandas.DataFrame, optional
        As ``measures.losses`` returns it (stage, reason, value): names the reasons.
    labels : mapping of str to str, optional
        Names of stages and reasons by id.
    lang : str
        Language of the numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        The stages of the path; those beside it are left to :func:`funnelsim.figures.flow`.

    Raises
    ------
    ParameterError
        The tables hold several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["offer"], "next_stage": ["won"], "value": [0.5],
    ...     "lo": [0.4], "hi": [0.6], "entered": [10], "advanced": [5], "lost": [3], "open": [2]})
    >>> funnel(frame, labels={"offer": "Offer"}).alt
    'Funnel: 10 leads enter Offer. Share that goes on: Offer 50%.'
    """
    wording = Wording(labels or {}, lang, text)
    rows = steps(conversion, end_to_end, losses, wording)
    pitch = pitch_of(len(rows), PITCH)
    with house_style():
        layout = Layout()
        figure = page(layout.height(len(rows), pitch))
        draw_steps(panel(figure, blank=True), rows, wording, pitch=pitch, layout=layout)
    return Picture(figure, describe(rows, wording))


def draw_steps(
    sheet: Axes, rows: Sequence[Step], wording: Wording, *, pitch: float, layout: Layout
) -> list[float]:
    """Draw the names, the bars and the columns of numbers on a sheet measured in inches.

    Parameters
    ----------
    sheet : matplotlib.axes.Axes
        A blank panel as wide as the page.
    rows : sequence of Step
        From :func:`steps`.
    wording : Wording
        The reader's language.
    pitch : float
        Height of a row, inches.
    layout : Layout
        Where the columns are.

    Returns
    -------
    list of float
        The middle of each row's bar, inches from below.
    """
    top = float(sheet.get_ylim()[1])
    left, right = layout.bars
    if any(row.entered > 0 for row in rows):
        _heading(sheet, rows, wording, top - layout.head + 0.17, layout)
    else:
        words = wording.text("No leads in this window")
        y = top - layout.head + 0.17
        sheet.text(left, y, words, color=MUTED, va="center_baseline")
    largest = max((row.entered for row in rows), default=0.0)
    ruler = Ruler(left, (right - left) / largest if largest > 0 else 0.0, layout.share - 0.42)
    middles = [top - layout.head - (index + 0.3) * pitch for index in range(len(rows))]
    for row, below, middle in zip(rows, [*rows[1:], None], middles, strict=True):
        if below is not None and not layout.dense:
            _connect(sheet, row, below, ruler, middle, pitch)
            _losses(sheet, row, wording, ruler, middle - 0.49 * pitch)
        high = (DENSE_BAR if layout.dense else BAR) * pitch
        end = _bar(sheet, row, wording, ruler, middle, high)
        if layout.dense:
            _lost_beside(sheet, row, wording, end, middle)
        write_name(
            sheet, row.name, middle, width=left - LEFT + NAMES, lines=2 if pitch >= TWO_LINES else 1
        )
        _numbers(sheet, row, wording, middle, layout)
    return middles


def _heading(sheet: Axes, rows: Sequence[Step], wording: Wording, y: float, layout: Layout) -> None:
    """Name the colours above the bars, and the columns of numbers."""
    counts = (
        (wording.text("went on"), GOOD, 1.0),
        (wording.text("elsewhere"), ASIDE, sum(row.other for row in rows)),
        (wording.text("lost"), LOST, sum(row.lost for row in rows)),
        (wording.text("still open"), QUIET, sum(row.open for row in rows)),
    )
    key = {name: colour for name, colour, count in counts if count > 0}
    taken = 0.0 if layout.of_all is None else 0.65
    room = layout.share - taken - layout.bars[0] + (0.2 if layout.dense else 0.0)
    write_key(sheet, key, layout.bars[0], y, room=room)
    if layout.of_all is not None:
        write_heading(sheet, wording.text("go on"), layout.share, y, width=0.6)
        write_heading(sheet, wording.text("of all leads"), layout.of_all, y, width=0.85)


def _bar(
    sheet: Axes, row: Step, wording: Wording, ruler: Ruler, middle: float, height: float
) -> float:
    """Draw one bar with its count inside or beside; return where both end."""
    parts = (
        (row.advanced, NAVY if row.final else GOOD),
        (row.other, ASIDE),
        (row.lost, LOST),
        (row.open, QUIET),
    )
    x = ruler.left
    for count, colour in parts:
        if count > 0:
            rectangle(sheet, x, middle - height / 2, count * ruler.scale, height, colour)
            x += count * ruler.scale
    written: str = wording.number(row.entered)
    if row.more_to_come:
        written = wording.text("{n} so far").format(n=written)
    inside = text_width(written, SIZE, 600) + 0.14 < row.advanced * ruler.scale
    sheet.text(
        ruler.left + 0.07 if inside else x + 0.06,
        middle,
        written,
        weight=600,
        color="white" if inside else INK,
        va="center_baseline",
    )
    return x if inside else x + 0.06 + text_width(written, SIZE, 600)


def _lost_beside(sheet: Axes, row: Step, wording: Wording, x: float, middle: float) -> None:
    """Write after the bar how many were lost."""
    if row.lost > 0:
        count = wording.number(-row.lost)
        look: dict[str, Any] = {"size": SMALL, "color": LOST_TEXT, "va": "center_baseline"}
        sheet.text(x + 0.06, middle, count, weight=600, **look)


def _connect(
    sheet: Axes, row: Step, below: Step, ruler: Ruler, middle: float, pitch: float
) -> None:
    """Draw the light band from those who went on to the bar they arrive in."""
    from matplotlib.patches import Polygon

    upper, lower = middle - BAR * pitch / 2, middle - (1 - BAR / 2) * pitch
    left = ruler.left
    corners = [
        (left, upper),
        (left + row.advanced * ruler.scale, upper),
        (left + below.entered * ruler.scale, lower),
        (left, lower),
    ]
    sheet.add_patch(Polygon(corners, closed=True, facecolor=TINT, linewidth=0))


def _losses(sheet: Axes, row: Step, wording: Wording, ruler: Ruler, y: float) -> None:
    """Write below the bar how many were lost, and why."""
    if row.lost <= 0:
        return
    count = wording.number(-row.lost)
    wide = text_width(count, SMALL, 600) + 0.08
    reasons = _as_fit(row, wording, ruler.limit - ruler.left - wide - 0.1)
    start = ruler.left + (row.advanced + row.other) * ruler.scale + 0.02
    start = min(start, ruler.limit - wide - text_width(reasons, SMALL))
    look: dict[str, Any] = {"size": SMALL, "color": LOST_TEXT, "va": "center_baseline"}
    sheet.text(start, y, count, weight=600, **look)
    sheet.text(start + wide, y, reasons, **look)


def _as_fit(row: Step, wording: Wording, room: float) -> str:
    """Name as many reasons as a line holds, the most frequent first."""
    reasons = [*row.reasons]
    if reasons and (rest := row.lost - sum(n for _, n in reasons)) > 0:
        reasons.append((wording.text("elsewhere"), rest))  # in a stage beside the path
    told = [f"{name} {wording.number(n)}" for name, n in reasons if n > 0]
    while len(told) > 1 and text_width(" · ".join(told), SMALL) > room:
        told.pop()
    return fit(" · ".join(told), room, size=SMALL)


def _numbers(sheet: Axes, row: Step, wording: Wording, middle: float, layout: Layout) -> None:
    """Write the conversion with its interval, and the share of all leads that came so far."""
    size = SIZE if layout.dense else 10.5
    strong: dict[str, Any] = {"size": size, "weight": 600, **RIGHT}
    at = layout.share
    share, colour = row.share, GOOD
    if row.final:
        at, share, colour = layout.of_all or layout.share, row.of_all, NAVY
    elif layout.of_all is not None:
        sheet.text(layout.of_all, middle, wording.share(row.of_all), color=MUTED, **RIGHT)
    sheet.text(at, middle, wording.share(share), color=colour, **strong)
    if layout.dense:
        return
    interval = wording.shares(row.lo, row.hi)
    if row.more_to_come:
        interval = wording.text("expected {interval}").format(interval=interval)
    sheet.text(at, middle - 0.15, interval, size=6.5, color=MUTED, **RIGHT)
