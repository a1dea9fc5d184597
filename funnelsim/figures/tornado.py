"""The tornado: what each lever brings, longest bar first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.differences import (
    describe,
    difference_axis,
    direction,
    scale_of,
    write_difference,
    write_level,
)
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import HEAD, pitch_of, write_key, write_name
from funnelsim.figures.style import (
    AMBER,
    GOOD,
    INK,
    MUTED,
    PALETTE,
    QUIET,
    SKY,
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
    scale, known = scale_of(frame, wording, currency)
    low, high = min(known), max(known)
    margin = 0.06 * (high - low) or 1.0
    count = max(len(frame), 1)
    pitch = pitch_of(count, PITCH)
    height = KEY + HEAD + pitch * count + FOOT
    with house_style():
        figure = page(height)
        box = (NAMES, FOOT, WIDTH - NAMES - NUMBERS - 0.1, pitch * count)
        axes, sheet = panel(figure, box), panel(figure, blank=True)
        difference_axis(axes, low - (margin if low < 0 else 0.0), high + margin, count, scale)
        axes.set_xlabel(direction(better, wording))
        write_key(sheet, _key(frame, wording), 0.0, height - 0.1, room=WIDTH)
        write_level(sheet, frame, height - KEY - 0.14, wording, NUMBERS + 1)
        for index, row in enumerate(frame.to_dict("records")):
            y = FOOT + pitch * (count - index - 0.5)
            write_name(sheet, wording.label(row["lever"]), y, width=NAMES - 0.1)
            _bar(axes, row, index)
            write_difference(sheet, row, y, scale)
    told = wording.text("What each step changes in {measure}. {told}.").format(
        measure=name, told=describe(frame, "lever", scale)
    )
    return Picture(figure, told)


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


def _bar(axes: Axes, row: Mapping[Any, Any], index: int) -> None:
    """The mean as a bar, its interval as a line."""
    clear = row["verdict"] in {"better", "worse", "more", "less"}
    colour = COLOURS.get(str(row["kind"]), QUIET) if clear else QUIET
    axes.barh(index, float(row["uplift"]), height=0.56, color=colour, zorder=2)
    ends = [float(row["lo"]), float(row["hi"])]
    if all(math.isfinite(end) for end in ends):
        axes.plot(ends, [index] * 2, color=INK if clear else MUTED, linewidth=1.1, zorder=3)
