"""What each what-if changes: the paired difference with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.differences import Scale
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import HEAD, RIGHT, pitch_of, write_heading, write_name
from funnelsim.figures.style import (
    BAD,
    GOOD,
    INK,
    MUTED,
    NAVY,
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

__all__ = ["uplift"]

NAMES: Final = 2.0
NUMBERS: Final = 1.45  # inches for the numbers at the right
PITCH: Final = 0.42
FOOT: Final = 0.5
LOOKS: Final = {"better": GOOD, "worse": BAD, "more": NAVY, "less": NAVY}


def uplift(
    frame: pd.DataFrame,
    *,
    name: str,
    better: int = 0,
    currency: str = "",
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    r"""Draw the uplift of each what-if in one measure, with its interval, against no change.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of one measure of a comparison's table: what_if, unit, uplift, lo, hi, verdict.
    name : str
        What the measure is called.
    better : int
        1: more is better, -1: less is better, 0: neither.
    currency : str
        ISO code.
    labels : mapping of str to str, optional
        Names of what-ifs.
    lang : str
        Language of numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        Better in blue, worse in orange, what one cannot tell in grey.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"what_if": ["more"], "unit": ["deals"], "uplift": [61.0],
    ...     "lo": [48.0], "hi": [74.0], "verdict": ["better"], "level": [0.95]})
    >>> uplift(frame, name="deals won", better=1).alt
    'Change of deals won. more: 61 (48 to 74).'
    """
    wording = Wording(labels or {}, lang, text)
    ends = [float(x) for column in ("uplift", "lo", "hi") for x in frame[column]]
    known = [0.0, *(x for x in ends if math.isfinite(x))]
    scale = Scale(str(frame["unit"].iloc[0]) if len(frame) else "", wording, known, currency)
    pitch = pitch_of(len(frame), PITCH)
    height = HEAD + pitch * max(len(frame), 1) + FOOT
    with house_style():
        figure = page(height)
        box = (NAMES, FOOT, WIDTH - NAMES - NUMBERS - 0.1, height - HEAD - FOOT)
        axes = panel(figure, box)
        sheet = panel(figure, blank=True)
        _axis(axes, known, len(frame), scale, _direction(better, wording))
        heading = wording.text("change ({level})").format(
            level=wording.share(float(frame["level"].iloc[0])) if len(frame) else ""
        )
        write_heading(sheet, heading, WIDTH - 0.02, height - 0.13, width=NUMBERS + 1)
        for index, row in enumerate(_rows(frame)):
            y = height - HEAD - (index + 0.5) * pitch
            write_name(sheet, wording.label(row["what_if"]), y, width=NAMES - 0.12, lines=3)
            _mark(axes, row, index)
            sheet.text(WIDTH - 0.02, y + 0.08, _signed(scale, row["uplift"]), weight=600, **RIGHT)
            between = _between(scale, row, wording)
            sheet.text(WIDTH - 0.02, y - 0.09, between, size=SMALL, color=MUTED, **RIGHT)
    return Picture(figure, _describe(frame, scale, name, wording))


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    columns = ["what_if", "uplift", "lo", "hi", "verdict"]
    return [dict(zip(columns, row, strict=True)) for row in frame[columns].itertuples(index=False)]


def _axis(axes: Axes, known: list[float], rows: int, scale: Scale, direction: str) -> None:
    """A line at no change, few round marks, and which side is better."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = min(known), max(known)
    margin = 0.08 * (high - low) or 1.0
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(max(rows, 1) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: scale.gap(x)))
    axes.grid(visible=True, axis="x")
    axes.axvline(0, color=INK, linewidth=0.9)
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)
    axes.set_xlabel(direction)


def _mark(axes: Axes, row: Mapping[str, object], index: int) -> None:
    """The interval as a band, the mean as a dot."""
    look = LOOKS.get(str(row["verdict"]), MUTED)
    ends = [float(str(row[key])) for key in ("lo", "hi")]
    if all(math.isfinite(end) for end in ends):
        axes.plot(ends, [index] * 2, color=look, linewidth=6.5, alpha=0.28, zorder=2)
    middle = float(str(row["uplift"]))
    edge: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.8}
    axes.plot([middle], [index], "o", color=look, markersize=6.5, zorder=3, **edge)


def _direction(better: int, wording: Wording) -> str:
    if not better:
        return ""
    return wording.text("more is better →") if better > 0 else wording.text("← less is better")


def _signed(scale: Scale, gap: object) -> str:
    size = float(str(gap))
    written = scale.gap(size)
    return f"+{written}" if size > 0 else written


def _between(scale: Scale, row: Mapping[str, object], wording: Wording) -> str:
    """The interval in words; what one cannot tell is said."""
    lo, hi = (scale.bare(float(str(row[key]))) for key in ("lo", "hi"))
    if row["verdict"] == "same":
        return wording.text("no difference")
    pattern = (
        wording.text("cannot tell: {lo} to {hi}")
        if row["verdict"] == "cannot tell"
        else wording.text("{lo} to {hi}")
    )
    return pattern.format(lo=lo, hi=hi)


def _describe(frame: pd.DataFrame, scale: Scale, name: str, wording: Wording) -> str:
    """Say the numbers, for who cannot see them."""
    told = "; ".join(
        f"{wording.label(row['what_if'])}: {scale.gap(float(str(row['uplift'])))} "
        f"({_between(scale, row, wording)})"
        for row in _rows(frame)
    )
    return wording.text("Change of {measure}. {told}.").format(measure=name, told=told)
