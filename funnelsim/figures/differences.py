"""How differences of measures are written and laid out: more deals, hours, points, money."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from funnelsim.figures.rows import RIGHT, write_heading
from funnelsim.figures.style import INK, MUTED, SMALL, WIDTH
from funnelsim.figures.wording import NO_VALUE, SECONDS, Wording, duration_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "Scale",
    "describe",
    "difference_axis",
    "direction",
    "scale_of",
    "write_difference",
    "write_level",
]

Row = Mapping[Any, Any]


class Scale:
    r"""Writes the values of a measure and their differences, all in one unit.

    Parameters
    ----------
    unit : str
        ``share`` (differences in points), ``s``, ``minor`` (of ``currency``), or a count.
    wording : Wording
    sizes : iterable of float
        The differences to be written; the largest settles the unit of durations.
    currency : str
        ISO code.

    Examples
    --------
    >>> scale = Scale("s", Wording(), [5400, -3600])
    >>> scale.gap(-3600), scale.value(86400 * 3)
    ('−60\xa0min', '3\xa0d')
    >>> Scale("share", Wording(), [0.031]).gap(0.031)
    '3.1\xa0points'
    """

    def __init__(
        self, unit: str, wording: Wording, sizes: Iterable[float], currency: str = ""
    ) -> None:
        self.unit, self.wording, self.currency = unit, wording, currency
        known = [abs(size) for size in sizes if size == size]  # noqa: PLR0124 - not NaN
        self.time = duration_unit(max(known, default=0.0))
        self.spelled = unit == "s"
        """Whether a difference needs its unit to be understood."""

    def value(self, value: float) -> str:
        """Write a value of the measure."""
        if value != value:  # noqa: PLR0124 - NaN
            return NO_VALUE
        if self.unit == "share":
            return self.wording.share(value)
        if self.unit == "s":
            return self.wording.duration(value)
        if self.unit == "minor":
            return self._money(value)
        return self.wording.figure(value)

    def gap(self, gap: float) -> str:
        """Write a difference with its unit."""
        if self.unit == "share":
            return (
                self.wording.text("{number} points")
                .format(number=self.bare(gap))
                .replace(" ", "\xa0")
            )
        if self.unit == "s":
            return self.wording.duration(gap, self.time)
        if self.unit == "minor":
            return self._money(gap)
        return self.bare(gap)

    def bare(self, gap: float) -> str:
        """Write a difference without its unit, beside one that has it."""
        if self.unit == "share":
            return self.wording.figure(100 * gap)
        if self.unit == "s":
            return self.wording.figure(gap / SECONDS[self.time])
        if self.unit == "minor":
            return self._money(gap, bare=True)
        return self.wording.figure(gap)

    def signed(self, gap: float) -> str:
        """Write a difference with its unit and its sign."""
        written = self.gap(gap)
        return f"+{written}" if gap > 0 else written

    def between(self, row: Row) -> str:
        """Write the interval of a row; what one cannot tell is said."""
        if row["verdict"] == "same":
            return self.wording.text("no difference")
        pattern = (
            self.wording.text("cannot tell: {lo} to {hi}")
            if row["verdict"] == "cannot tell"
            else self.wording.text("{lo} to {hi}")
        )
        return pattern.format(lo=self.bare(float(row["lo"])), hi=self.bare(float(row["hi"])))

    def _money(self, minor: float, *, bare: bool = False) -> str:
        """Write an amount; money without a currency has two decimals."""
        if bare or not self.currency:
            return self.wording.bare_money(minor, self.currency or "EUR")
        return self.wording.money(minor, self.currency)


def scale_of(frame: pd.DataFrame, wording: Wording, currency: str) -> tuple[Scale, list[float]]:
    """The scale of rows with unit, uplift, lo and hi, and all that must fit on their axis."""
    ends = [float(x) for column in ("uplift", "lo", "hi") for x in frame[column]]
    known = [0.0, *(x for x in ends if math.isfinite(x))]
    unit = str(frame["unit"].iloc[0]) if len(frame) else ""
    return Scale(unit, wording, known, currency), known


def difference_axis(axes: Axes, low: float, high: float, rows: int, scale: Scale) -> None:
    """A line at no change and few round marks; the first row on top."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(low, high)
    axes.set_ylim(max(rows, 1) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: scale.gap(x)))
    axes.grid(visible=True, axis="x")
    axes.axvline(0, color=INK, linewidth=0.9, zorder=2.5)  # before bars, behind dots
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)


def direction(better: int, wording: Wording) -> str:
    """Which side of the axis is the better one."""
    if not better:
        return ""
    return wording.text("more is better →") if better > 0 else wording.text("← less is better")


def write_level(sheet: Axes, frame: pd.DataFrame, y: float, wording: Wording, width: float) -> None:
    """Head the numbers at the right: a change, and how sure its interval is."""
    level = wording.share(float(frame["level"].iloc[0])) if len(frame) else ""
    heading = wording.text("change ({level})").format(level=level)
    write_heading(sheet, heading, WIDTH - 0.02, y, width=width)


def write_difference(sheet: Axes, row: Row, y: float, scale: Scale) -> None:
    """Write a change and its interval at the right of a row."""
    size = scale.signed(float(row["uplift"]))
    sheet.text(WIDTH - 0.02, y + 0.075, size, weight=600, **RIGHT)
    sheet.text(WIDTH - 0.02, y - 0.085, scale.between(row), size=SMALL, color=MUTED, **RIGHT)


def describe(frame: pd.DataFrame, column: str, scale: Scale) -> str:
    """Say the numbers, for who cannot see them; ``column`` names the rows."""
    return "; ".join(
        f"{scale.wording.label(row[column])}: {scale.gap(float(row['uplift']))} "
        f"({scale.between(row)})"
        for row in frame.to_dict("records")
    )
