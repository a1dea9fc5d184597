"""What each what-if changes: the paired difference with its interval."""

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
from funnelsim.figures.rows import HEAD, pitch_of, write_name
from funnelsim.figures.style import (
    BAD,
    GOOD,
    MUTED,
    NAVY,
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
PITCH: Final = 0.46
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
    scale, known = scale_of(frame, wording, currency)
    low, high = min(known), max(known)
    margin = 0.08 * (high - low) or 1.0
    pitch = pitch_of(len(frame), PITCH)
    height = HEAD + pitch * max(len(frame), 1) + FOOT
    with house_style():
        figure = page(height)
        box = (NAMES, FOOT, WIDTH - NAMES - NUMBERS - 0.1, height - HEAD - FOOT)
        axes = panel(figure, box)
        sheet = panel(figure, blank=True)
        difference_axis(axes, low - margin, high + margin, len(frame), scale)
        axes.set_xlabel(direction(better, wording))
        write_level(sheet, frame, height - 0.13, wording, NUMBERS + 1)
        for index, row in enumerate(frame.to_dict("records")):
            y = height - HEAD - (index + 0.5) * pitch
            write_name(sheet, wording.label(row["what_if"]), y, width=NAMES - 0.12, lines=3)
            _mark(axes, row, index)
            write_difference(sheet, row, y, scale)
    told = wording.text("Change of {measure}. {told}.").format(
        measure=name, told=describe(frame, "what_if", scale)
    )
    return Picture(figure, told)


def _mark(axes: Axes, row: Mapping[Any, Any], index: int) -> None:
    """The interval as a band, the mean as a dot."""
    look = LOOKS.get(str(row["verdict"]), MUTED)
    ends = [float(row[key]) for key in ("lo", "hi")]
    if all(math.isfinite(end) for end in ends):
        axes.plot(ends, [index] * 2, color=look, linewidth=6.5, alpha=0.28, zorder=2)
    middle = float(row["uplift"])
    edge: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.8}
    axes.plot([middle], [index], "o", color=look, markersize=6.5, zorder=3, **edge)
