"""How long it takes: percentiles of the stay in each stage, and where the time goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from funnelsim.figures.axis import duration_scale
from funnelsim.figures.lettering import fit, text_width
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import HEAD, LEFT, RIGHT, one_group, pitch_of, write_name
from funnelsim.figures.style import (
    BAD,
    GOOD,
    MUTED,
    NAVY,
    QUIET,
    SKY,
    SMALL,
    WIDTH,
    house_style,
    page,
    panel,
)
from funnelsim.figures.wording import NO_VALUE, Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Span", "dwell_time", "quantiles", "time_split"]

FOOT: Final = 0.28
PITCH: Final = 0.33
COLUMN: Final = 0.84
PERCENTILE_LOOKS: Final = (NAVY, GOOD, SKY, "#a9cfe8", "#d3e6f3")
DELAY: Final = "#8c99a5"
LANE: Final = 0.22  # of the pitch, between two marks that must not cover each other


@dataclass(frozen=True, slots=True)
class Span:
    """A percentile of a duration with its interval; seconds."""

    value: float
    lo: float
    hi: float

    @property
    def known(self) -> bool:
        """Whether the log is long enough to show it."""
        return math.isfinite(self.value)


@dataclass(frozen=True, slots=True)
class Kind:
    """A column of numbers and the colour of its marks."""

    head: str
    look: str
    lane: float = 0.0


Table = Mapping[str, Mapping[str, Span]]


def dwell_time(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    r"""Draw how long it takes, stage by stage: percentiles with their intervals.

    Parameters
    ----------
    frame : pandas.DataFrame
        As ``measures.dwell_time`` returns it for one group (or ``waiting_time``,
        ``working_time``, ``delay_time``): stage or team, quantile (NaN: not drawn), value,
        lo, hi; seconds.
    labels : mapping of str to str, optional
        Names of stages or teams by id.
    lang : str
        Language of numbers and units.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        Linear, or logarithmic where the longest is 30 times the shortest. A percentile
        the log is too short to show is written as longer than its lower limit.

    Raises
    ------
    ParameterError
        The table holds several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["offer"] * 2, "quantile": [0.5, 0.8],
    ...     "value": [7200.0, 90000.0], "lo": [6000.0, 8e4], "hi": [8000.0, 1e5]})
    >>> dwell_time(frame, labels={"offer": "Offer"}).alt
    'Time by stage. Offer: P50 2\xa0h, P80 25\xa0h.'
    """
    wording = Wording(labels or {}, lang, text)
    found = quantiles(frame)
    names = sorted({p for row in found.values() for p in row})
    kinds = [Kind(f"P{100 * p:g}", look) for p, look in zip(names, PERCENTILE_LOOKS, strict=False)]
    table = {
        item: {f"P{100 * p:g}": span for p, span in sorted(row.items())}
        for item, row in found.items()
    }
    return _picture(table, kinds, wording)


def time_split(
    delay: pd.DataFrame | None = None,
    waiting: pd.DataFrame | None = None,
    working: pd.DataFrame | None = None,
    *,
    quantile: float = 0.5,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    r"""Draw where the time goes: the client's delay, the wait for us, our work.

    Parameters
    ----------
    delay, waiting, working : pandas.DataFrame, optional
        As ``measures.delay_time``, ``waiting_time`` and ``working_time`` return them for
        one group: stage, quantile, value, lo, hi; seconds.
    quantile : float
        Which percentile to draw, 0 to 1; the median if left out.
    labels, lang, text
        As in :func:`dwell_time`.

    Returns
    -------
    Picture
        Marks and numbers side by side: medians do not add up, so nothing is stacked.

    Raises
    ------
    ParameterError
        A table holds several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["offer"], "quantile": [0.5],
    ...     "value": [7200.0], "lo": [6000.0], "hi": [8000.0]})
    >>> time_split(waiting=frame).alt
    'Time by stage. offer: wait 2\xa0h.'
    """
    wording = Wording(labels or {}, lang, text)
    parts = (
        (delay, Kind(wording.text("delay"), DELAY, -1)),
        (waiting, Kind(wording.text("wait"), BAD, 0)),
        (working, Kind(wording.text("work"), GOOD, 1)),
    )
    table: dict[str, dict[str, Span]] = {}
    for frame, kind in parts:
        for item, row in quantiles(frame).items() if frame is not None else ():
            if item and quantile in row:
                table.setdefault(item, {})[kind.head] = row[quantile]
    kinds = [kind for frame, kind in parts if frame is not None]
    return _picture(table, kinds, wording)


def quantiles(frame: pd.DataFrame) -> dict[str, dict[float, Span]]:
    """Read percentiles by stage (or team) out of a table of measures, in the table's order.

    Parameters
    ----------
    frame : pandas.DataFrame
        stage or team, quantile, value, lo, hi; rows without a quantile are left out.

    Returns
    -------
    dict
        Stage → 0.5, 0.8, … → percentile, seconds.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["a", "a"], "quantile": [0.5, float("nan")],
    ...     "value": [1.0, 2.0], "lo": [0.5, 1.5], "hi": [2.0, 3.0]})
    >>> quantiles(frame)
    {'a': {0.5: Span(value=1.0, lo=0.5, hi=2.0)}}
    """
    item = "stage" if "stage" in frame.columns else "team"
    rows = frame[frame["quantile"].notna()]
    one_group(rows, item, "quantile")
    table: dict[str, dict[float, Span]] = {}
    columns = (rows[name] for name in (item, "quantile", "value", "lo", "hi"))
    for name, quantile, value, lo, hi in zip(*columns, strict=True):
        table.setdefault(str(name), {})[float(quantile)] = Span(float(value), float(lo), float(hi))
    return table


def _picture(table: Table, kinds: list[Kind], wording: Wording) -> Picture:
    """Draw the rows with their marks and their columns of numbers."""
    columns = {k.head: WIDTH - 0.02 - COLUMN * i for i, k in enumerate(reversed(kinds))}
    pitch = pitch_of(len(table), PITCH)
    height = HEAD + pitch * max(len(table), 1) + FOOT
    with house_style():
        figure = page(height)
        room = WIDTH - COLUMN * len(kinds) - LEFT
        axes = panel(figure, (LEFT, FOOT, room, height - HEAD - FOOT))
        _scale(axes, table, wording)
        sheet = panel(figure, blank=True)
        for kind in kinds:
            _head(sheet, kind, columns[kind.head], height - 0.13)
        for index, (item, row) in enumerate(table.items()):
            y = height - HEAD - (index + 0.5) * pitch
            write_name(sheet, wording.label(item), y)
            for kind in kinds:
                span = row.get(kind.head)
                if span is not None:
                    _mark(axes, span, kind, index)
                weight = 600 if kind is kinds[0] else 400
                written = _written(span, wording)
                sheet.text(columns[kind.head], y, written, weight=weight, **RIGHT)
            known = [span.value for span in row.values() if span.known]
            if known and not any(kind.lane for kind in kinds):
                ends = [_at(axes, min(known)), _at(axes, max(known))]
                axes.plot(ends, [index] * 2, color=QUIET, linewidth=1, zorder=1)
    return Picture(figure, _describe(table, wording))


def _scale(axes: Axes, table: Table, wording: Wording) -> None:
    """Set the axes to the rows and to the durations there are."""
    ends = [
        end
        for row in table.values()
        for span in row.values()
        for end in (span.value, span.lo, span.hi)
        if end > 0
    ]
    duration_scale(axes, min(ends, default=1.0), max(ends, default=1.0), wording)
    axes.set_ylim(max(len(table), 1) - 0.5, -0.5)
    axes.set_yticks([])
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)
    if not ends:
        axes.set_xticks([])
        axes.text(0, 0, wording.text("No stays in this window"), color=MUTED, va="center")


def _at(axes: Axes, seconds: float) -> float:
    """Keep a duration inside a scale that may not reach down to zero."""
    return max(seconds, float(axes.get_xlim()[0]))


def _head(sheet: Axes, kind: Kind, right: float, y: float) -> None:
    """Write the heading of a column with the mark that stands for it in the drawing."""
    words = fit(kind.head, COLUMN - 0.22, size=SMALL)
    sheet.text(right, y, words, size=SMALL, color=MUTED, **RIGHT)
    x = right - text_width(words, SMALL) - 0.09
    sheet.plot([x], [y], "o", color=kind.look, markersize=5.5, markeredgewidth=0)


def _mark(axes: Axes, span: Span, kind: Kind, row: int) -> None:
    """Draw a percentile over the band of its interval; a dotted line when it lies beyond."""
    y = [row + kind.lane * LANE] * 2
    if math.isfinite(span.lo) and math.isfinite(span.hi):
        ends = [_at(axes, span.lo), _at(axes, span.hi)]
        axes.plot(ends, y, color=kind.look, linewidth=6.5, alpha=0.28, zorder=2)
    if span.known:
        axes.plot(
            [_at(axes, span.value)],
            y[:1],
            "o",
            color=kind.look,
            markersize=6.5,
            markeredgecolor="white",
            markeredgewidth=0.8,
            zorder=3,
            clip_on=False,
        )
    elif span.lo > 0:
        ends = [_at(axes, span.lo), float(axes.get_xlim()[1])]
        axes.plot(ends, y, color=kind.look, linewidth=1.3, linestyle=(0, (1.5, 1.5)), zorder=2)


def _written(span: Span | None, wording: Wording) -> str:
    """Write a percentile; one that was not reached as longer than what is sure."""
    if span is None:
        return NO_VALUE
    if not span.known and span.lo > 0:
        return ">" + wording.duration(span.lo)
    return wording.duration(span.value)


def _describe(table: Table, wording: Wording) -> str:
    """Say the numbers of each row, for who cannot see them."""
    told = "; ".join(
        f"{wording.label(item)}: "
        + ", ".join(f"{head} {_written(span, wording)}" for head, span in row.items())
        for item, row in table.items()
    )
    if not told:
        return wording.text("Time by stage: no stays in this window.")
    return wording.text("Time by stage. {told}.").format(told=told)
