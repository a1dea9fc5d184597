"""Text that fits: measured in the house font, wrapped, shortened, kept apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from funnelsim.figures.style import FONT_FAMILY, SIZE, register_fonts

__all__ = ["fit", "spread", "text_width"]

POINTS_PER_INCH: Final = 72.0
ELLIPSIS: Final = "…"
BREAK: Final = "\u00ad"  # where a word was broken


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = SIZE, weight: int = 400) -> float:
    """Return how wide a line of text is set in the house font.

    Parameters
    ----------
    text : str
        One line.
    size : float
        Points.
    weight : int
        400 regular, 500 medium, 600 semi-bold, 700 bold.

    Returns
    -------
    float
        Inches.

    Examples
    --------
    >>> 0.5 < text_width("Пропозиція") < 0.7
    True
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    register_fonts()
    font = FontProperties(family=FONT_FAMILY, size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / POINTS_PER_INCH


def fit(text: str, width: float, *, size: float = SIZE, weight: int = 400, lines: int = 1) -> str:
    r"""Wrap a text to a width, and shorten it when it needs more lines than there are.

    Parameters
    ----------
    text : str
        Any text; a word that is too long for a line is broken.
    width : float
        Inches.
    size, weight : float, int
        As in :func:`text_width`.
    lines : int
        At most so many, ≥ 1.

    Returns
    -------
    str
        Lines joined by ``"\n"``.

    Examples
    --------
    >>> fit("собираю оптом возражения, спрашиваю, что удерживает", 1.5, lines=2)
    'собираю оптом\nвозражения, спрашиваю…'
    """
    rows: list[str] = []
    together = re.sub(r"(?<=\d) (?=%)", "\xa0", text)
    words = [piece for word in together.split(" ") for piece in _pieces(word, width, size, weight)]
    for word in words:
        joined = f"{rows[-1]} {word}" if rows else word
        if rows and text_width(joined, size, weight) <= width:
            rows[-1] = joined
        else:
            rows.append(word)
    if len(rows) > lines:
        rest = " ".join(rows[lines - 1 :])
        rows = [*rows[: lines - 1], _shortened(rest, width, size, weight)]
    return "\n".join(rows).replace(BREAK, "-")


def spread(centres: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart as little as needed, keeping their order.

    Parameters
    ----------
    centres : sequence of float
        Where the labels would like to be.
    gap : float
        Smallest distance between two of them, same unit.
    low, high : float
        The room there is; when it is too small the labels are set evenly.

    Returns
    -------
    list of float
        In the order given.

    Examples
    --------
    >>> spread([0.0, 0.1, 3.0], gap=1.0, low=0.0, high=4.0)
    [0.0, 1.0, 3.0]
    """
    if not centres:
        return []
    room = max(high - low, 0.0)
    gap = min(gap, room / max(len(centres) - 1, 1))
    order = sorted(range(len(centres)), key=lambda i: centres[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(centres[i], placed[-1] + gap if placed else low))
    ceiling = high
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], ceiling)
        ceiling = placed[k] - gap
    back = dict(zip(order, placed, strict=True))
    return [back[i] for i in range(len(centres))]


def _pieces(word: str, width: float, size: float, weight: int) -> list[str]:
    """Break a word that does not fit on a line, with hyphens."""
    pieces: list[str] = []
    while len(word) > 1 and text_width(word, size, weight) > width:
        cut = next(
            (
                k
                for k in range(len(word) - 2, 1, -1)
                if text_width(word[:k] + "-", size, weight) <= width
            ),
            1,
        )
        pieces.append(word[:cut] + BREAK)
        word = word[cut:]
    return [*pieces, word]


def _shortened(text: str, width: float, size: float, weight: int) -> str:
    """Cut a line so that it fits with an ellipsis; unbroken words are joined again."""
    text = text.replace(BREAK + " ", "")
    while text and text_width(text + ELLIPSIS, size, weight) > width:
        text = text[:-1]
    return text.rstrip(" ,;.-–") + ELLIPSIS
