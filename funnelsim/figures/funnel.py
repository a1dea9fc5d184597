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
    one_group,
    pitch_of,
    write_heading,
    write_key,
    write_name,
)
from funnelsim.figures.style import (
    BAD,
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

__all__ = ["Step", "describe", "draw_steps", "funnel", "steps"]

PITCH: Final = 0.58
BAR: Final = 0.46  # of the pitch
BARS: Final = (LEFT, 4.8)
SHARE: Final = 5.42  # right edges of the two columns of numbers
OF_ALL: Final = WIDTH - 0.02
WON: Final = "(won)"
NAN: Final = float("nan")
LOST: Final = "#eeb08a"
LOST_TEXT: Final = "#a94a00"
ASIDE: Final = "#8fb7d3"


@dataclass(frozen=True, slots=True)
class Ruler:
    """Where bars start, inches per lead, and how far text may reach; inches."""

    left: float
    scale: float
    limit: float


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the funnel: a stage and what became of the leads that entered it."""

    name: str
    entered: float
    advanced: float
    lost: float
    open: float
    share: float
    lo: float
    hi: float
    of_all: float
    reasons: tuple[tuple[str, float], ...] = ()
    final: bool = False

    @property
    def other(self) -> float:
        """Leads that went elsewhere: back, aside, or on by another way."""
        return max(self.entered - self.advanced - self.lost - self.open, 0.0)


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
        figure = page(HEAD + pitch * (max(len(rows), 1) - 0.4) + 0.1)
        draw_steps(panel(figure, blank=True), rows, wording, pitch=pitch)
    return Picture(figure, describe(rows, wording))


def steps(
    conversion: pd.DataFrame,
    end_to_end: pd.DataFrame | None,
    losses: pd.DataFrame | None,
    wording: Wording,
) -> list[Step]:
    """Read the rows of the funnel out of the tables of measures, in the order of its path."""
    one_group(conversion, "stage")
    whole = {} if end_to_end is None else {row.stage: row for row in end_to_end.itertuples()}
    by_stage = {row.stage: row for row in conversion.itertuples()}
    first = next(iter(by_stage.values()), None)
    rows: list[Step] = []
    here = first
    while here is not None:
        so_far = whole.get(here.stage)
        rows.append(
            Step(
                name=wording.label(here.stage),
                entered=float(here.entered),
                advanced=float(here.advanced),
                lost=float(here.lost),
                open=float(here.open),
                share=float(here.value),
                lo=float(here.lo),
                hi=float(here.hi),
                of_all=_over(here.entered, first.entered) if so_far is None else so_far.value,
                reasons=_reasons(losses, here.stage, wording),
            )
        )
        del by_stage[here.stage]
        here = by_stage.get(here.next_stage)
    return rows + _last(whole, wording)


def _last(whole: Mapping[str, Any], wording: Wording) -> list[Step]:
    """Return the bar of won leads, and before it the path's last stage if that differs."""
    if WON not in whole:
        return []
    stages = list(whole)
    before = whole[stages[stages.index(WON) - 1]]
    ends = [before] if len(stages) > 1 and before.advanced != whole[WON].advanced else []
    return [
        Step(
            name=wording.label(row.stage),
            entered=float(row.advanced),
            advanced=float(row.advanced),
            lost=0.0,
            open=0.0,
            share=NAN,
            lo=float(row.lo),
            hi=float(row.hi),
            of_all=float(row.value),
            final=True,
        )
        for row in [*ends, whole[WON]]
    ]


def _over(part: float, whole: float) -> float:
    """Divide; NaN when there is nothing to divide by."""
    return part / whole if whole > 0 else NAN


def _reasons(
    losses: pd.DataFrame | None, stage: str, wording: Wording
) -> tuple[tuple[str, float], ...]:
    """Reasons of a stage's losses, the most frequent first."""
    if losses is None:
        return ()
    here = losses[losses["stage"] == stage].sort_values("value", ascending=False, kind="stable")
    return tuple((wording.label(row.reason), float(row.value)) for row in here.itertuples())


def draw_steps(
    sheet: Axes,
    rows: Sequence[Step],
    wording: Wording,
    *,
    pitch: float,
    bars: tuple[float, float] = BARS,
) -> None:
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
    bars : tuple of float
        Left and right end of the longest bar, inches.
    """
    top = float(sheet.get_ylim()[1])
    if not any(row.entered > 0 for row in rows):
        sheet.text(bars[0], top - HEAD / 2, wording.text("No leads in this window"), color=MUTED)
    else:
        _heading(sheet, rows, wording, top - 0.13, bars)
    largest = max((row.entered for row in rows), default=0.0)
    ruler = Ruler(bars[0], (bars[1] - bars[0]) / largest if largest > 0 else 0.0, bars[1] + 0.2)
    for index, row in enumerate(rows):
        middle = top - HEAD - (index + 0.3) * pitch
        if index + 1 < len(rows):
            _connect(sheet, row, rows[index + 1], ruler, middle, pitch)
            _losses(sheet, row, wording, ruler, middle - 0.49 * pitch)
        _bar(sheet, row, wording, ruler, middle, BAR * pitch)
        write_name(sheet, row.name, middle, width=bars[0] - LEFT + NAMES)
        _numbers(sheet, row, wording, middle)


def describe(rows: Sequence[Step], wording: Wording) -> str:
    """Say in two sentences what the funnel shows, for who cannot see it."""
    if not rows:
        return wording.text("Funnel without stages.")
    told = ", ".join(f"{row.name} {wording.share(row.share)}" for row in rows if not row.final)
    said = wording.text("Funnel: {n} leads enter {stage}. Share that goes on: {shares}.").format(
        n=wording.number(rows[0].entered), stage=rows[0].name, shares=told
    )
    if not rows[-1].final:
        return said
    won = wording.text("Won in the end: {n}, {share} of all.").format(
        n=wording.number(rows[-1].entered), share=wording.share(rows[-1].of_all)
    )
    return f"{said} {won}"


def _heading(
    sheet: Axes, rows: Sequence[Step], wording: Wording, y: float, bars: tuple[float, float]
) -> None:
    """Name the colours above the bars, and the columns of numbers."""
    counts = (
        (wording.text("went on"), GOOD, 1.0),
        (wording.text("elsewhere"), ASIDE, sum(row.other for row in rows)),
        (wording.text("lost"), LOST, sum(row.lost for row in rows)),
        (wording.text("still open"), QUIET, sum(row.open for row in rows)),
    )
    write_key(sheet, {name: colour for name, colour, count in counts if count > 0}, bars[0], y)
    write_heading(sheet, wording.text("go on"), SHARE, y, width=0.6)
    write_heading(sheet, wording.text("of all leads"), OF_ALL, y, width=0.85)


def _bar(
    sheet: Axes, row: Step, wording: Wording, ruler: Ruler, middle: float, height: float
) -> None:
    """Draw one bar: what went on, elsewhere, was lost, is open; its count inside or beside."""
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
    written = wording.number(row.entered)
    inside = text_width(written, SIZE, 600) + 0.14 < row.advanced * ruler.scale
    sheet.text(
        ruler.left + 0.07 if inside else x + 0.06,
        middle,
        written,
        weight=600,
        color="white" if inside else INK,
        va="center_baseline",
    )


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
    reasons = " · ".join(f"{name} {wording.number(n)}" for name, n in row.reasons if n > 0)
    reasons = fit(reasons, ruler.limit - ruler.left - wide - 0.1, size=SMALL)
    start = ruler.left + (row.advanced + row.other) * ruler.scale + 0.02
    start = min(start, ruler.limit - wide - text_width(reasons, SMALL))
    look: dict[str, Any] = {"size": SMALL, "color": LOST_TEXT, "va": "center_baseline"}
    sheet.text(start, y, count, weight=600, **look)
    sheet.text(start + wide, y, reasons, **look)


def _numbers(sheet: Axes, row: Step, wording: Wording, middle: float) -> None:
    """Write the conversion with its interval, and the share of all leads that came so far."""
    interval = wording.shares(row.lo, row.hi)
    strong: dict[str, Any] = {"size": 10.5, "weight": 600, **RIGHT}
    small: dict[str, Any] = {"size": 6.5, "color": MUTED, **RIGHT}
    if row.final:
        sheet.text(OF_ALL, middle, wording.share(row.of_all), color=NAVY, **strong)
        sheet.text(OF_ALL, middle - 0.15, interval, **small)
    else:
        sheet.text(SHARE, middle, wording.share(row.share), color=GOOD, **strong)
        sheet.text(SHARE, middle - 0.15, interval, **small)
        sheet.text(OF_ALL, middle, wording.share(row.of_all), color=MUTED, **RIGHT)
