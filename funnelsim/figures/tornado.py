"""The tornado: what each lever brings, longest bar first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.differences import Scale
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import HEAD, RIGHT, pitch_of, write_heading, write_key, write_name
from funnelsim.figures.style import (
    AMBER,
    GOOD,
    INK,
    MUTED,
    PALETTE,
    QUIET,
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

__all__ = ["tornado"]

NAMES: Final = 2.35
NUMBERS: Final = 1.3
PITCH: Final = 0.36
FOOT: Final = 0.42
KEY: Final = 0.24
COLOURS: Final = {"conversion": GOOD, "delay": AMBER, "capacity": PALETTE[4], "demand": SKY}


def tornado(
    frame: pd.DataFrame,
    *,
    name: str,
    better: int = 1,
    currency: str = "",
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    r"""Draw what each lever brings: a bar with its interval, the largest on top.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of ``Levers.table``, best first: lever, kind, unit, uplift, lo, hi, verdict,
        level.
    name : str
        What the measure is called.
    better : int
        1: more is better, -1: less is better, 0: neither.
    currency : str
        ISO code.
    labels : mapping of str to str, optional
        Names of levers.
    lang : str
        Language of numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        Colours say the kind of lever; what one cannot tell from chance is pale.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"lever": ["seats.desk"], "kind": ["capacity"], "unit": ["deals"],
    ...     "uplift": [61.0], "lo": [48.0], "hi": [74.0], "verdict": ["better"], "level": [0.95]})
    >>> tornado(frame, name="deals won").alt
    'What each step changes in deals won. seats.desk: 61 (48 to 74).'
    """
    wording = Wording(labels or {}, lang, text)
    ends = [float(x) for column in ("uplift", "lo", "hi") for x in frame[column]]
    known = [0.0, *(x for x in ends if math.isfinite(x))]
    scale = Scale(str(frame["unit"].iloc[0]) if len(frame) else "", wording, known, currency)
    count = max(len(frame), 1)
    pitch = pitch_of(count, PITCH)
    height = KEY + HEAD + pitch * count + FOOT
    with house_style():
        figure = page(height)
        box = (NAMES, FOOT, WIDTH - NAMES - NUMBERS - 0.1, pitch * count)
        axes, sheet = panel(figure, box), panel(figure, blank=True)
        _axis(axes, known, count, scale)
        axes.set_xlabel(_direction(better, wording))
        write_key(sheet, _key(frame, wording), 0.0, height - 0.1, room=WIDTH)
        level = wording.share(float(frame["level"].iloc[0])) if len(frame) else ""
        heading = wording.text("change ({level})").format(level=level)
        write_heading(sheet, heading, WIDTH - 0.02, height - KEY - 0.14, width=NUMBERS + 1)
        for index, row in enumerate(frame.to_dict("records")):
            y = FOOT + pitch * (count - index - 0.5)
            write_name(sheet, wording.label(row["lever"]), y, width=NAMES - 0.1)
            _bar(axes, row, index)
            written = _signed(scale, float(row["uplift"]))
            sheet.text(WIDTH - 0.02, y + 0.07, written, weight=600, **RIGHT)
            between = _between(scale, row, wording)
            sheet.text(WIDTH - 0.02, y - 0.08, between, size=SMALL, color=MUTED, **RIGHT)
    return Picture(figure, _describe(frame, scale, name, wording))


def _key(frame: pd.DataFrame, wording: Wording) -> dict[str, str]:
    """Colours of the kinds there are."""
    names = {
        "conversion": wording.text("conversion"),
        "delay": wording.text("delay"),
        "capacity": wording.text("capacity"),
        "demand": wording.text("leads"),
    }
    there = set(frame["kind"])
    return {names[kind]: colour for kind, colour in COLOURS.items() if kind in there}


def _axis(axes: Axes, known: list[float], rows: int, scale: Scale) -> None:
    """A line at no change and few round marks."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = min(known), max(known)
    margin = 0.06 * (high - low) or 1.0
    axes.set_xlim(low - (margin if low < 0 else 0.0), high + margin)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: scale.gap(x)))
    axes.grid(visible=True, axis="x")
    axes.axvline(0, color=INK, linewidth=0.9, zorder=4)
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)


def _bar(axes: Axes, row: Mapping[Any, Any], index: int) -> None:
    """The mean as a bar, its interval as a line."""
    clear = row["verdict"] in {"better", "worse", "more", "less"}
    colour = COLOURS.get(str(row["kind"]), QUIET) if clear else QUIET
    axes.barh(index, float(row["uplift"]), height=0.56, color=colour, zorder=2)
    ends = [float(row["lo"]), float(row["hi"])]
    if all(math.isfinite(end) for end in ends):
        axes.plot(ends, [index] * 2, color=INK if clear else MUTED, linewidth=1.1, zorder=3)


def _direction(better: int, wording: Wording) -> str:
    if not better:
        return ""
    return wording.text("more is better →") if better > 0 else wording.text("← less is better")


def _signed(scale: Scale, gap: float) -> str:
    written = scale.gap(gap)
    return f"+{written}" if gap > 0 else written


def _between(scale: Scale, row: Mapping[Any, Any], wording: Wording) -> str:
    """The interval in words; what one cannot tell is said."""
    if row["verdict"] == "same":
        return wording.text("no difference")
    pattern = (
        wording.text("cannot tell: {lo} to {hi}")
        if row["verdict"] == "cannot tell"
        else wording.text("{lo} to {hi}")
    )
    return pattern.format(lo=scale.bare(float(row["lo"])), hi=scale.bare(float(row["hi"])))


def _describe(frame: pd.DataFrame, scale: Scale, name: str, wording: Wording) -> str:
    """Say the numbers, for who cannot see them."""
    told = "; ".join(
        f"{wording.label(row['lever'])}: {scale.gap(float(row['uplift']))} "
        f"({_between(scale, row, wording)})"
        for row in frame.to_dict("records")
    )
    return wording.text("What each step changes in {measure}. {told}.").format(
        measure=name, told=told
    )
