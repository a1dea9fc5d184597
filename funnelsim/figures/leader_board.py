"""The leader board of a backtest: one row a model, its error beside the naive forecast's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import RIGHT, pitch_of, write_heading, write_name
from funnelsim.figures.style import (
    BAD,
    GOOD,
    MUTED,
    NAVY,
    QUIET,
    SMALL,
    WIDTH,
    house_style,
    page,
    panel,
    rectangle,
)
from funnelsim.figures.wording import NO_VALUE, Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["leader_board"]

PITCH: Final = 0.27
HEAD: Final = 0.34
FOOT: Final = 0.12
NAMES: Final = 1.45
LEFT: Final = 1.55
BARS: Final = 1.9  # how wide the longest bar is
COLUMNS: Final = (4.35, 5.3, WIDTH)  # right edges: value added, coverage, chance
CHANCE: Final = 0.05


def leader_board(
    board: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw a leader board.

    Parameters
    ----------
    board : pandas.DataFrame
        As `Backtest.leaders`: ``model``, ``mase``, ``value_added``, ``cover_80``, ``band_lo``,
        ``band_hi``, ``p_naive``.
    labels : mapping of str to str, optional
        What models are called.
    lang : str
        Language of numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        Bars are scaled errors (MASE), shorter is better. An interval whose coverage is more
        than chance away from 80 % is orange.

    Examples
    --------
    >>> import pandas as pd
    >>> board = pd.DataFrame({"model": ["full", "naive"], "mase": [0.8, 1.0],
    ...     "value_added": [0.2, 0.0], "cover_80": [0.79, 0.7], "band_lo": 0.74, "band_hi": 0.86,
    ...     "p_naive": [0.01, np.nan]})
    >>> leader_board(board).alt
    'Leader board of 2 models by scaled error (MASE): full 0.8, naive 1.'
    """
    wording = Wording(labels or {}, lang, text)
    pitch = pitch_of(len(board), PITCH)
    top = FOOT + pitch * len(board)
    longest = max(float(np.nanmax(board["mase"])) if board["mase"].notna().any() else 0.0, 1e-9)
    with house_style():
        figure = page(top + HEAD)
        sheet = panel(figure, blank=True)
        _headings(sheet, top + 0.16, wording)
        for k, row in enumerate(board.to_dict("records")):
            y = top - pitch * (k + 0.5)
            _row(sheet, row, y, pitch, longest, wording, first=k == 0)
    told = ", ".join(
        f"{wording.label(row['model'])} {wording.number(row['mase'], 2)}"
        for row in board.to_dict("records")
    )
    alt = wording.text("Leader board of {n} models by scaled error (MASE): {told}.")
    return Picture(figure, alt.format(n=len(board), told=told))


def _headings(sheet: Axes, y: float, wording: Wording) -> None:
    """Name the columns."""
    heading = wording.text("Scaled error (MASE)")
    sheet.text(LEFT, y, heading, size=SMALL, color=MUTED, va="center_baseline")
    names = (
        wording.text("Value added"),
        wording.text("In 80% interval"),
        wording.text("Chance alone?"),
    )
    for name, right, width in zip(names, COLUMNS, (0.85, 0.9, 0.95), strict=True):
        write_heading(sheet, name, right, y, width=width)


def _row(
    sheet: Axes,
    row: Mapping[Any, Any],
    y: float,
    pitch: float,
    longest: float,
    wording: Wording,
    *,
    first: bool,
) -> None:
    """One model: name, bar, numbers."""
    number = {name: float(str(row[name])) for name in row if name != "model"}
    write_name(sheet, wording.label(row["model"]), y, width=NAMES, lines=1)
    if np.isfinite(number["mase"]):
        long = number["mase"] / longest * BARS
        height = min(pitch * 0.55, 0.16)
        rectangle(sheet, LEFT, y - height / 2, long, height, GOOD if first else QUIET)
        look: dict[str, Any] = {
            "size": SMALL,
            "va": "center_baseline",
            "color": NAVY,
            "weight": 600 if first else 400,
        }
        sheet.text(LEFT + long + 0.05, y, wording.number(number["mase"], 2), **look)
    held = number["cover_80"]
    right = number["band_lo"] <= held <= number["band_hi"]
    p = number["p_naive"]
    chance = (
        NO_VALUE if np.isnan(p) else wording.text("no") if p < CHANCE else wording.text("perhaps")
    )
    written = (wording.share(number["value_added"]), wording.share(held), chance)
    colours = (NAVY, NAVY if right or np.isnan(held) else BAD, MUTED)
    for told, edge, colour in zip(written, COLUMNS, colours, strict=True):
        sheet.text(edge, y, told, size=SMALL, color=colour, **RIGHT)
