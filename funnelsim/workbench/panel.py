"""The one picture of the workbench: made once, then only its marks move.

Axes stay where they are, unless a change does not fit; so nothing moves but what the
lever moves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funnelsim.figures.differences import Scale
from funnelsim.figures.lettering import fit
from funnelsim.figures.style import (
    AMBER,
    BAD,
    GOOD,
    INK,
    MUTED,
    NAVY,
    QUIET,
    SMALL,
    WIDTH,
    house_style,
    page,
    panel,
)
from funnelsim.reporting.experiment import HEADLINES, capital
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from funnelsim.experiments import Comparison, Measure, Replications

__all__ = ["Panel"]

DPI: Final = 144
HEIGHT: Final = 3.5
ROW: Final = 0.36
NAMES: Final = 1.4
NUMBERS: Final = 1.05
LEFT_WIDTH: Final = 4.2
MOST_TEAMS: Final = 5
BUSY: Final = 0.85
LIMITS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
LOOKS: Final = {"better": GOOD, "worse": BAD, "more": NAVY, "less": NAVY}
RIGHT: Final[dict[str, Any]] = {"ha": "right", "va": "center_baseline"}


class Panel:
    """Changes of the main measures, busy teams, and wins week by week.

    Parameters
    ----------
    base : Replications
        As things are.
    t : Texts
    """

    def __init__(self, base: Replications, t: Texts) -> None:
        self.base, self.t = base, t
        known = {measure.id: measure for measure in base.measures}
        money = [n for n in HEADLINES if n in known and known[n].unit == "minor"][:1]
        ids = ["won", *money, "cycle_time", "open_deals"]
        self.measures = [known[name] for name in ids if name in known]
        teams = [m for m in base.measures if m.id.startswith("utilisation.")]
        self.teams = teams[:MOST_TEAMS]
        self.limit = LIMITS[1]
        rows = max(len(self.measures), len(self.teams))
        self.top = HEIGHT - 0.32
        with house_style():
            self.figure = page(HEIGHT)
            self._rows(rows)
            self._busy(rows)
            self._weeks()

    def png(self, comparison: Comparison) -> bytes:
        """Move the marks to a comparison's only what-if, and draw."""
        with house_style():
            self._move(comparison)
            out = BytesIO()
            self.figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
        return out.getvalue()

    # --- made once ------------------------------------------------------------------------------

    def _rows(self, rows: int) -> None:
        """Names left, marks in the middle, numbers right."""
        height = ROW * rows
        box = (NAMES, self.top - height, LEFT_WIDTH - NAMES - NUMBERS, height)
        self.axes = panel(self.figure, box)
        self.sheet = panel(self.figure, blank=True)
        self._title(0.0, self.t._("Change against things as they are"))
        self.axes.set(ylim=(rows - 0.5, -0.5), yticks=[])
        self.axes.axvline(0, color=INK, linewidth=0.9)
        self.axes.grid(visible=True, axis="x")
        _bare(self.axes)
        self.bands: list[Line2D] = []
        self.dots: list[Line2D] = []
        self.sizes: list[Text] = []
        self.notes: list[Text] = []
        for index, measure in enumerate(self.measures):
            y = self.top - (index + 0.5) * ROW
            name = fit(capital(measure.words(self.t.lang, self.t._)), NAMES - 0.1, lines=2)
            self.sheet.text(0, y, name, va="center", linespacing=1.0)
            self.bands += self.axes.plot([0, 0], [index] * 2, linewidth=6.5, alpha=0.28)
            self.dots += self.axes.plot([0], [index], "o", markersize=6, markeredgecolor="white")
            edge = LEFT_WIDTH - 0.05
            self.sizes.append(self.sheet.text(edge, y + 0.07, "", weight=600, **RIGHT))
            look: dict[str, Any] = {"size": SMALL, "color": MUTED}
            self.notes.append(self.sheet.text(edge, y - 0.08, "", **look, **RIGHT))
        self._ticks()

    def _busy(self, rows: int) -> None:
        """One bar a team: today's as a line, the new one filled."""
        left = LEFT_WIDTH + 0.15
        self.bars: list[Any] = []
        self.shares: list[Text] = []
        if not self.teams:
            return
        self._title(left, self.t._("How busy teams are (line: as things are)"))
        height = ROW * rows
        box = (left, self.top - height, WIDTH - left - 0.42, height)
        axes = panel(self.figure, box)
        axes.set(xlim=(0, 1), ylim=(rows - 0.5, -0.5), xticks=[], yticks=[])
        _bare(axes)
        for index, team in enumerate(self.teams):
            today = float(np.nanmean(self.base[team.id]))
            axes.barh(index + 0.12, 1, height=0.34, color="#eef2f5")
            self.bars += axes.barh(index + 0.12, today, height=0.34, color=GOOD)
            axes.plot([today] * 2, [index - 0.13, index + 0.37], color=INK, linewidth=1.2)
            label = self.t.label(team.label, team.item)
            name = fit(label, WIDTH - left - 0.42, size=SMALL)
            y = self.top - (index + 0.5) * ROW
            self.sheet.text(left, y + 0.1, name, size=SMALL, va="center_baseline")
            self.shares.append(self.sheet.text(WIDTH - 0.02, y - 0.04, "", weight=600, **RIGHT))

    def _weeks(self) -> None:
        """Deals won by week: grey as things are, blue with the change."""
        weekly = self.base.weekly.mean(axis=0)
        axes = panel(self.figure, (0.42, 0.3, WIDTH - 0.5, 0.92))
        weeks = np.arange(1, len(weekly) + 1)
        axes.set_xlim(0.5, max(len(weekly), 2) + 0.5)
        axes.set_ylim(0, 1.25 * max(float(weekly.max(initial=0.0)), 1.0))
        axes.grid(visible=True, axis="y")
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="y", nbins=3)
        axes.locator_params(axis="x", integer=True)
        axes.plot(weeks, weekly, color=QUIET, linewidth=2.6)
        (self.course,) = axes.plot(weeks, weekly, color=GOOD, linewidth=1.5)
        title = self.t._("Deals won by week (grey: as things are)")
        self.sheet.text(0, 1.34, title, size=SMALL, color=MUTED, va="center_baseline")
        self.weeks = axes

    def _title(self, x: float, words: str) -> None:
        look: dict[str, Any] = {"size": SMALL, "color": MUTED, "va": "center_baseline"}
        self.sheet.text(x, HEIGHT - 0.14, words, **look)

    # --- moved each time ------------------------------------------------------------------------

    def _move(self, comparison: Comparison) -> None:
        (changed,) = comparison.what_ifs.values()
        there = {measure.id for measure in changed.measures}
        for index, measure in enumerate(self.measures):
            self._mark(index, measure, comparison if measure.id in there else None)
        for bar, written, team in zip(self.bars, self.shares, self.teams, strict=False):
            value = float(np.nanmean(changed[team.id])) if team.id in there else math.nan
            bar.set_width(min(value, 1.0) if value == value else 0.0)  # noqa: PLR0124 - NaN
            bar.set_color(AMBER if value >= BUSY else GOOD)
            written.set_text(self.t.share(value))
        self.course.set_ydata(changed.weekly.mean(axis=0))
        top = 1.25 * float(changed.weekly.mean(axis=0).max(initial=0.0))
        if top > 1.25 * self.weeks.get_ylim()[1]:
            self.weeks.set_ylim(0, top)

    def _mark(self, index: int, measure: Measure, comparison: Comparison | None) -> None:
        """A dot with its interval, as a share of today's value, and the numbers."""
        if comparison is None:
            self._hide(index)
            return
        uplift = comparison.uplift(measure.id)
        if not uplift.n or not uplift.baseline:
            self._hide(index)
            return
        size = abs(uplift.baseline)
        ends = [x / size for x in (uplift.lo, uplift.uplift, uplift.hi)]
        self._widen(max(abs(x) for x in ends if math.isfinite(x)))
        look = LOOKS.get(uplift.verdict, MUTED)
        self.bands[index].set(xdata=[ends[0], ends[2]], color=look)
        self.dots[index].set(xdata=[ends[1]], color=look, markeredgecolor="white")
        gaps = (uplift.uplift, uplift.lo, uplift.hi)
        scale = Scale(measure.unit, self.t.wording(), gaps, self.base.scenario.currency)
        same = uplift.verdict == "same"
        told = self.t._("no difference") if same else scale.signed(uplift.uplift)
        self.sizes[index].set_text(told)
        between = ""
        if not same and math.isfinite(uplift.lo):
            between = self.t._("{lo} to {hi}").format(
                lo=scale.bare(uplift.lo), hi=scale.bare(uplift.hi)
            )
        if uplift.verdict == "cannot tell":
            between = f"? {between}"
        self.notes[index].set_text(between)

    def _hide(self, index: int) -> None:
        self.bands[index].set_xdata([math.nan] * 2)
        self.dots[index].set_xdata([math.nan])
        self.sizes[index].set_text("–")
        self.notes[index].set_text("")

    def _widen(self, size: float) -> None:
        """The next wider scale, if a mark does not fit; never a narrower one."""
        if size > self.limit * 0.95:
            self.limit = next((x for x in LIMITS if size <= 0.95 * x), 1.1 * size)
            self._ticks()

    def _ticks(self) -> None:
        ticks: Sequence[float] = (-self.limit / 2, 0.0, self.limit / 2)
        names = [("+" if x > 0 else "−" if x < 0 else "") + self.t.share(abs(x)) for x in ticks]
        self.axes.set_xlim(-self.limit, self.limit)
        self.axes.set_xticks(ticks, names)


def _bare(axes: Axes) -> None:
    """No frame and no ground, which would cover the names beside."""
    axes.patch.set_visible(False)
    hidden: Mapping[str, bool] = dict.fromkeys(("left", "bottom", "top", "right"), False)
    for side, visible in hidden.items():
        axes.spines[side].set_visible(visible)
