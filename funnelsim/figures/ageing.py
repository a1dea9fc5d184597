"""The ageing chart: every open deal by how long it has been in its stage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funnelsim.figures.axis import duration_scale
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import (
    HEAD,
    LEFT,
    RIGHT,
    pitch_of,
    write_heading,
    write_key,
    write_name,
)
from funnelsim.figures.style import (
    AMBER,
    BAD,
    GOOD,
    MUTED,
    WIDTH,
    house_style,
    page,
    panel,
    rectangle,
)
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["wip_ageing"]

FOOT: Final = 0.28
PITCH: Final = 0.42
COLUMNS: Final = (WIDTH - 0.62, WIDTH - 0.02)
LIMITS: Final = ("p50", "p80", "p95")
SHADES: Final = ("#d3e5f2", "#e3eef6", "#f1f6fa")
LATE: Final = "above p95"
LOOKS: Final[Mapping[str, str]] = {
    "below p50": GOOD,
    "p50 to p80": GOOD,
    "p80 to p95": AMBER,
    LATE: BAD,
    "": MUTED,
}
MOST_DOTS: Final = 600  # a stage; more are thinned out evenly by age
GOLDEN: Final = 0.6180339887498949


def wip_ageing(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw every open deal as a dot: how long it has been in its stage, against the usual.

    Parameters
    ----------
    frame : pandas.DataFrame
        As ``measures.wip_ageing`` returns it: lead_id, stage, value (seconds in the
        stage), p50, p80, p95 (the usual stay, seconds), band.
    labels : mapping of str to str, optional
        Names of stages by id.
    lang : str
        Language of numbers and units.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        One row per stage that holds open deals. Shades end at the stage's P50, P80 and
        P95; of a stage with more than 600 open deals every k-th is drawn, by age.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"lead_id": ["a", "b"], "stage": ["offer"] * 2,
    ...     "value": [3600.0, 90000.0], "p50": 7200.0, "p80": 8000.0, "p95": 9000.0,
    ...     "band": ["below p50", "above p95"]})
    >>> wip_ageing(frame, labels={"offer": "Offer"}).alt
    'Open deals by time in their stage. Offer: 2 open, 1 longer than P95.'
    """
    wording = Wording(labels or {}, lang, text)
    stages = list(dict.fromkeys(frame["stage"]))
    pitch = pitch_of(len(stages), PITCH)
    height = HEAD + pitch * max(len(stages), 1) + FOOT
    with house_style():
        figure = page(height)
        room = COLUMNS[0] - 0.5 - LEFT
        axes = panel(figure, (LEFT, FOOT, room, height - HEAD - FOOT))
        sheet = panel(figure, blank=True)
        _scale(axes, frame, len(stages), wording)
        if stages:
            _heading(sheet, wording, height - 0.13)
        for row, stage in enumerate(stages):
            deals = frame[frame["stage"] == stage]
            _usual(axes, deals, row)
            _dots(axes, deals, row)
            y = height - HEAD - (row + 0.5) * pitch
            write_name(sheet, wording.label(stage), y)
            late = int((deals["band"] == LATE).sum())
            sheet.text(COLUMNS[0], y, wording.number(len(deals)), weight=600, **RIGHT)
            look: dict[str, Any] = {"color": BAD, "weight": 600} if late else {"color": MUTED}
            sheet.text(COLUMNS[1], y, wording.number(late), **look, **RIGHT)
    return Picture(figure, _describe(frame, stages, wording))


def _scale(axes: Axes, frame: pd.DataFrame, rows: int, wording: Wording) -> None:
    """Set the axes to the ages there are, and the usual stays."""
    columns = ["value", *LIMITS]
    known = frame[columns].to_numpy(dtype=float).ravel()
    known = known[np.isfinite(known) & (known > 0)]
    usual = frame["p50"].min()
    low = float(np.nanmin([np.quantile(known, 0.02), usual])) if len(known) else 1.0
    high = float(known.max(initial=1.0))
    duration_scale(axes, low, high, wording)
    axes.set_ylim(max(rows, 1) - 0.5, -0.5)
    axes.set_yticks([])
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)
    if not len(known):
        axes.set_xticks([])
        words = wording.text("No open deals") if rows == 0 else wording.text("Ages are unknown")
        axes.text(axes.get_xlim()[0], 0, words, color=MUTED, va="center")


def _heading(sheet: Axes, wording: Wording, y: float) -> None:
    """Name the dots above the drawing, and the columns of numbers."""
    key = {
        wording.text("usual"): GOOD,
        wording.text("over P80"): AMBER,
        wording.text("over P95"): BAD,
    }
    write_key(sheet, key, LEFT, y, room=COLUMNS[0] - LEFT - 0.5)
    write_heading(sheet, wording.text("open"), COLUMNS[0], y, width=0.55)
    write_heading(sheet, wording.text("over P95"), COLUMNS[1], y, width=0.56)


def _usual(axes: Axes, deals: pd.DataFrame, row: int) -> None:
    """Shade the usual stay of a stage: to its P50, P80 and P95."""
    start, end = (float(limit) for limit in axes.get_xlim())
    for limit, shade in zip(LIMITS, SHADES, strict=True):
        reach = float(deals[limit].iloc[0])
        to = min(reach, end) if math.isfinite(reach) else end
        known = math.isfinite(float(deals[LIMITS[0]].iloc[0]))
        if known and to > start:
            rectangle(axes, start, row - 0.4, to - start, 0.8, shade, zorder=0.5)
        start = max(start, to)


def _dots(axes: Axes, deals: pd.DataFrame, row: int) -> None:
    """Draw the deals of a stage, spread over the row's height so that they stay apart."""
    deals = deals[deals["value"].notna()].sort_values("value", kind="stable")
    step = -(-len(deals) // MOST_DOTS)
    deals = deals.iloc[len(deals) - 1 :: -max(step, 1)]  # the oldest is always there
    left = float(axes.get_xlim()[0])
    ages = np.maximum(deals["value"].to_numpy(dtype=float), left)
    height = (np.arange(len(deals)) * GOLDEN % 1.0 - 0.5) * (0.62 if len(deals) > 1 else 0.0)
    bands: Sequence[str] = deals["band"].fillna("").tolist()
    axes.scatter(
        ages,
        row + height,
        s=9,
        c=[LOOKS.get(band, MUTED) for band in bands],
        alpha=0.75,
        linewidths=0,
        clip_on=False,
        zorder=3,
    )


def _describe(frame: pd.DataFrame, stages: list[str], wording: Wording) -> str:
    """Say how many are open and how many are late, for who cannot see it."""
    if not stages:
        return wording.text("Open deals by time in their stage: none is open.")
    told = []
    for stage in stages:
        deals = frame[frame["stage"] == stage]
        said = wording.text("{stage}: {n} open, {late} longer than P95").format(
            stage=wording.label(stage),
            n=wording.number(len(deals)),
            late=wording.number(int((deals["band"] == LATE).sum())),
        )
        told.append(said)
    return wording.text("Open deals by time in their stage. {told}.").format(told="; ".join(told))
