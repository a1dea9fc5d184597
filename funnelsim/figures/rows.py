"""The layout that pictures with one row per stage share: names left, numbers right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from funnelsim.errors import ParameterError, Problem
from funnelsim.figures.lettering import fit, text_width
from funnelsim.figures.style import MUTED, SMALL, rectangle

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "HEAD",
    "LEFT",
    "NAMES",
    "RIGHT",
    "key_lines",
    "one_group",
    "pitch_of",
    "write_heading",
    "write_key",
    "write_name",
]

NAMES: Final = 1.5  # inches for the names
LEFT: Final = 1.62  # where the drawing starts
HEAD: Final = 0.3  # the heading line above the first row
TALLEST: Final = 8.4  # all rows together, so that a page holds them
KEY_MARK: Final = 0.14  # from a colour to its name
KEY_GAP: Final = 0.2
RIGHT: Final[dict[str, Any]] = {"ha": "right", "va": "center_baseline"}


def one_group(frame: pd.DataFrame, *items: str) -> None:
    """Refuse a table of several groups: a picture shows one.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table of measures.
    *items : str
        Columns that name a row within a group.

    Raises
    ------
    ParameterError
        Rows that the item columns cannot tell apart.

    Examples
    --------
    >>> import pandas as pd
    >>> one_group(pd.DataFrame({"source": ["web", "tv"], "stage": ["a", "a"]}), "stage")
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: the table has several rows with stage 'a'. ...
    """
    twice = frame[frame.duplicated(list(items))]
    if len(twice):
        first = ", ".join(f"{item} {twice.iloc[0][item]!r}" for item in items)
        fix = "A picture shows one group: select its rows of the by= column first"
        raise ParameterError(Problem(f"the table has several rows with {first}", fix=fix))


def pitch_of(rows: int, preferred: float) -> float:
    """Return the height of a row, smaller when there are many; inches.

    Examples
    --------
    >>> pitch_of(5, 0.5), pitch_of(21, 0.5)
    (0.5, 0.4)
    """
    return min(preferred, TALLEST / max(rows, 1))


def write_name(sheet: Axes, name: str, y: float, *, width: float = NAMES, lines: int = 2) -> None:
    """Write a row's name at its left, on two lines if it must and may."""
    fitted = fit(name, width, weight=500, lines=lines)
    anchor = "center" if "\n" in fitted else "center_baseline"
    sheet.text(0, y, fitted, weight=500, va=anchor, linespacing=1.1)


def write_heading(sheet: Axes, words: str, right: float, y: float, *, width: float) -> None:
    """Write the heading of a column of numbers, right-aligned."""
    fitted = fit(words, width, size=SMALL)
    sheet.text(right, y, fitted, size=SMALL, color=MUTED, **RIGHT)


def write_key(
    sheet: Axes, key: Mapping[str, str], x: float, y: float, *, room: float = math.inf
) -> None:
    """Name colours in one line from ``x`` on.

    Parameters
    ----------
    sheet : matplotlib.axes.Axes
        A blank panel, in inches.
    key : mapping of str to str
        Name → colour.
    x, y : float
        Where it starts, inches.
    room : float
        Width there is, inches; long names are shortened when it is not enough.
    """
    look: dict[str, Any] = {"size": SMALL, "color": MUTED, "va": "center_baseline"}
    widths = {name: text_width(name, SMALL) for name in key}
    gap = KEY_GAP
    if sum(widths.values()) + len(key) * (KEY_MARK + gap) - gap > room:
        gap = KEY_GAP / 2
    apart = KEY_MARK + gap
    most = max(widths.values(), default=0.0)
    while most > 0 and sum(min(w, most) + apart for w in widths.values()) - gap > room:
        most -= 0.05
    for name, colour in key.items():
        written = name if widths[name] <= most else fit(name, most, size=SMALL)
        rectangle(sheet, x, y - 0.045, 0.09, 0.09, colour)
        sheet.text(x + KEY_MARK, y, written, **look)
        x += apart + min(widths[name], most)


def key_lines(names: Iterable[str], room: float) -> list[list[str]]:
    """Break the names of colours into lines that hold them uncut.

    Parameters
    ----------
    names : iterable of str
    room : float
        Width of a line, inches.

    Returns
    -------
    list of list of str
        At least one line; a name wider than a line has one of its own.

    Examples
    --------
    >>> key_lines(["No need", "Went to another bank", "Still open"], room=2.2)
    [['No need', 'Went to another bank'], ['Still open']]
    """
    lines: list[list[str]] = [[]]
    left = room
    for name in names:
        wide = KEY_MARK + text_width(name, SMALL) + KEY_GAP
        if lines[-1] and wide - KEY_GAP > left:
            lines.append([])
            left = room
        lines[-1].append(name)
        left -= wide
    return lines
