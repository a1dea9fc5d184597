"""House style: one page width, one font, colours everybody can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "AMBER",
    "BAD",
    "FONT_FAMILY",
    "FONT_FOLDER",
    "GOOD",
    "GRID",
    "INK",
    "MUTED",
    "NAVY",
    "PALETTE",
    "QUIET",
    "SIZE",
    "SKY",
    "SMALL",
    "TINT",
    "WIDTH",
    "house_style",
    "page",
    "panel",
    "rectangle",
    "register_fonts",
    "tints",
]

FONT_FOLDER: Final = Path(__file__).parent / "fonts"
FONT_FAMILY: Final = "Fira Sans"
WIDTH: Final = 6.3  # inches: the text width of an A4 page
SIZE: Final = 8.5  # points
SMALL: Final = 7.5

INK: Final = "#1b2a38"
MUTED: Final = "#566471"
QUIET: Final = "#c3ccd4"
GRID: Final = "#e3e8ec"
NAVY: Final = "#0b4f80"
TINT: Final = "#e6f0f7"

# Okabe & Ito (2008), re-ordered so that the first two carry good and bad and
# neighbours in the list stay apart for colour-blind readers.
GOOD: Final = "#0072b2"
BAD: Final = "#d55e00"
SKY: Final = "#56b4e9"
AMBER: Final = "#e69f00"
PALETTE: Final = (GOOD, BAD, SKY, AMBER, "#009e73", "#cc79a7", "#f0e442", "#000000")

RULES: Final[dict[Any, Any]] = {
    "font.family": FONT_FAMILY,
    "font.size": SIZE,
    "text.color": INK,
    "text.parse_math": False,  # "$" in a stage's name is a dollar
    "axes.unicode_minus": True,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.6,
    "axes.labelcolor": MUTED,
    "axes.labelsize": SMALL,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": QUIET,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": SMALL,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "lines.solid_capstyle": "round",
    "patch.linewidth": 0,
    "svg.hashsalt": "funnelsim",
}


@cache
def register_fonts() -> None:
    """Make the shipped fonts known to matplotlib, before any of the same name.

    Examples
    --------
    >>> from matplotlib import font_manager
    >>> register_fonts()
    >>> FONT_FOLDER.name in font_manager.findfont(FONT_FAMILY)
    True
    """
    from matplotlib import font_manager

    manager = font_manager.fontManager
    known = len(manager.ttflist)
    for path in sorted(FONT_FOLDER.glob("*.ttf")):
        manager.addfont(path)
    manager.ttflist = manager.ttflist[known:] + manager.ttflist[:known]


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style inside ``with``, and leave matplotlib's settings as they were.

    Examples
    --------
    >>> import matplotlib
    >>> with house_style():
    ...     matplotlib.rcParams["font.size"]
    8.5
    """
    import matplotlib as mpl

    register_fonts()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RULES)
        yield


def page(height: float) -> Figure:
    """Return an empty figure of the house width.

    Parameters
    ----------
    height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
        Outside of pyplot: nothing to close, no window.

    Examples
    --------
    >>> page(2.0).get_size_inches().tolist()
    [6.3, 2.0]
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    return figure


def panel(
    figure: Figure,
    box: tuple[float, float, float, float] | None = None,
    *,
    blank: bool = False,
) -> Axes:
    """Add axes placed in inches.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Made by :func:`page`.
    box : tuple of float, optional
        Left, bottom, width, height; inches. The whole figure if left out.
    blank : bool
        No axis lines, and data coordinates in inches from the panel's lower left corner.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> panel(page(2.0), blank=True).get_xlim()
    (np.float64(0.0), np.float64(6.3))
    """
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box or (0.0, 0.0, width, height)
    axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
    if blank:
        axes.set(xlim=(0, wide), ylim=(0, high))
        axes.axis("off")
    return axes


def rectangle(
    axes: Axes, x: float, y: float, width: float, height: float, colour: str, zorder: float = 1.0
) -> None:
    """Add a filled rectangle, lower left corner at ``x``, ``y`` in the axes' coordinates."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, zorder=zorder))


def tints(count: int, start: str = NAVY, end: str = "#cfe3f1") -> list[str]:
    """Return ``count`` colours of one hue from dark to light.

    Parameters
    ----------
    count : int
        How many, ≥ 0.
    start, end : str
        The darkest and the lightest, ``#rrggbb``.

    Returns
    -------
    list of str
        ``#rrggbb``.

    Examples
    --------
    >>> tints(3)
    ['#0b4f80', '#5499c8', '#cfe3f1']
    """
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    ramp = LinearSegmentedColormap.from_list("ramp", [start, "#5499c8", end])
    return [to_hex(ramp(i / max(count - 1, 1))) for i in range(count)]
