"""How busy the teams are, period by period, and how much of it is overtime."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funnelsim.figures.axis import local_times, time_axis
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import (
    HEAD,
    LEFT,
    RIGHT,
    one_group,
    pitch_of,
    write_heading,
    write_key,
    write_name,
)
from funnelsim.figures.style import (
    BAD,
    GRID,
    INK,
    MUTED,
    QUIET,
    SMALL,
    WIDTH,
    house_style,
    page,
    panel,
)
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["utilisation"]

FOOT: Final = 0.42
PITCH: Final = 0.82
GAP: Final = 0.16  # of the pitch, between two teams
START: Final = LEFT + 0.3
MEAN: Final = WIDTH - 0.92
OVERTIME: Final = WIDTH - 0.02
BUSY: Final = "#8fbfe0"
LINE: Final = "#0b5f97"
HOUR: Final = 3600.0


def utilisation(
    frame: pd.DataFrame,
    *,
    limit: float = 0.85,
    time_zone: str = "UTC",
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    r"""Draw how busy each team is over time, overtime on top, against a limit.

    Parameters
    ----------
    frame : pandas.DataFrame
        As ``measures.utilisation(log, every=...)`` returns it: team, at (begin of the
        period), value (share), busy_h, staffed_h, overtime_h.
    limit : float
        Above it waits grow fast; drawn as a dashed line. A share, 0 to 1.
    time_zone : str
        IANA name; days begin there.
    labels : mapping of str to str, optional
        Names of teams by id.
    lang : str
        Language of numbers and dates.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        One strip per team. Where nobody knows when a team was staffed, the hours worked
        are drawn in grey instead, against the busiest period.

    Raises
    ------
    ParameterError
        The table holds several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> at = pd.to_datetime(["2026-01-05", "2026-01-06"], utc=True)
    >>> frame = pd.DataFrame({"team": "desk", "at": at, "value": [0.5, 1.0],
    ...     "busy_h": [4.0, 9.0], "staffed_h": [8.0, 9.0], "overtime_h": [0.0, 1.0]})
    >>> utilisation(frame, labels={"desk": "Desk"}).alt
    'Utilisation of teams. Desk: 76% busy, overtime 1\xa0h.'
    """
    one_group(frame, "team", "at")
    wording = Wording(labels or {}, lang, text)
    frame = frame.assign(at=local_times(frame["at"], time_zone))
    teams = list(dict.fromkeys(frame["team"]))
    pitch = pitch_of(len(teams), PITCH)
    height = HEAD + pitch * max(len(teams), 1) + FOOT
    with house_style():
        figure = page(height)
        sheet = panel(figure, blank=True)
        if not teams:
            sheet.text(0, height / 2, wording.text("No work in this window"), color=MUTED)
        else:
            _heading(sheet, frame, wording, height - 0.13)
        for row, team in enumerate(teams):
            rows = frame[frame["team"] == team]
            bottom = height - HEAD - (row + 1) * pitch + GAP * pitch
            box = (START, bottom, MEAN - 0.5 - START, pitch * (1 - GAP))
            axes = panel(figure, box)
            _strip(axes, rows, limit, wording)
            _days(axes, rows, wording, named=row == len(teams) - 1)
            middle = bottom + pitch * (1 - GAP) / 2
            write_name(sheet, wording.label(team), middle)
            _numbers(sheet, rows, limit, wording, middle)
    return Picture(figure, _describe(frame, teams, wording))


def _heading(sheet: Axes, frame: pd.DataFrame, wording: Wording, y: float) -> None:
    """Name the colours above the strips, and the columns of numbers."""
    key = {wording.text("busy"): BUSY}
    if frame["overtime_h"].sum() > 0:
        key[wording.text("overtime")] = BAD
    if frame["value"].isna().all():
        key = {wording.text("hours worked (seats unknown)"): QUIET}
    write_key(sheet, key, START, y, room=MEAN - START - 0.6)
    write_heading(sheet, wording.text("busy"), MEAN, y, width=0.5)
    write_heading(sheet, wording.text("overtime"), OVERTIME, y, width=0.85)


def _strip(axes: Axes, rows: pd.DataFrame, limit: float, wording: Wording) -> None:
    """Draw one team's strip: the busy share, of it the overtime on top, and the limit."""
    edges = _edges(rows["at"])
    share = rows["value"].to_numpy(dtype=float)
    known = bool(np.isfinite(share).any())
    if known:
        over = (rows["overtime_h"] / rows["staffed_h"].where(rows["staffed_h"] > 0)).to_numpy()
        below = np.nan_to_num(share) - np.nan_to_num(over)
        _steps(axes, edges, np.zeros(len(share)), below, BUSY)
        _steps(axes, edges, below, np.nan_to_num(share), BAD)
        axes.axhline(limit, color=INK, linewidth=0.7, linestyle=(0, (4, 3)))
        ticks = {0.0: wording.share(0), limit: wording.share(limit)}
    else:
        busy = rows["busy_h"].to_numpy(dtype=float)
        most = float(np.nanmax(busy, initial=0.0))
        _steps(axes, edges, np.zeros(len(busy)), busy / (most or 1.0), QUIET)
        ticks = {0.0: wording.duration(0, "h"), 1.0: wording.duration(most * HOUR, "h")}
    axes.set_ylim(0, 1.02)
    axes.set_yticks(list(ticks), list(ticks.values()), size=6.5)
    axes.axhline(1.0, color=GRID, linewidth=0.6)
    axes.spines["left"].set_visible(False)


def _steps(
    axes: Axes,
    edges: np.ndarray[tuple[int], np.dtype[np.datetime64]],
    low: np.ndarray[tuple[int], np.dtype[np.float64]],
    high: np.ndarray[tuple[int], np.dtype[np.float64]],
    colour: str,
) -> None:
    """Fill between two levels that hold from edge to edge."""
    low, high = np.append(low, low[-1:]), np.append(high, high[-1:])
    axes.fill_between(edges, low, high, step="post", color=colour, linewidth=0)


def _edges(at: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Begins of the periods and the end of the last, which lasts as long as is usual."""
    begins = at.to_numpy(dtype="datetime64[us]")
    usual = np.median(np.diff(begins)) if len(begins) > 1 else np.timedelta64(1, "D")
    return np.append(begins, begins[-1:] + usual)


def _days(axes: Axes, rows: pd.DataFrame, wording: Wording, *, named: bool) -> None:
    """Set the strip's time axis; only the last strip names the days."""
    edges = _edges(rows["at"])
    time_axis(axes, edges[0].item(), edges[-1].item(), wording)
    if not named:
        axes.tick_params(labelbottom=False)


def _numbers(
    sheet: Axes, rows: pd.DataFrame, limit: float, wording: Wording, middle: float
) -> None:
    """Write the share of the whole time, orange above the limit, and the overtime."""
    mean, overtime = _total(rows)
    look: dict[str, Any] = {"color": BAD if mean > limit else INK, "weight": 600, "size": 10.5}
    sheet.text(MEAN, middle, wording.share(mean), **look, **RIGHT)
    written = wording.duration(overtime * HOUR, "h")
    sheet.text(OVERTIME, middle, written, color=MUTED, size=SMALL, **RIGHT)


def _total(rows: pd.DataFrame) -> tuple[float, float]:
    """Busy share and overtime hours of a team over all periods; NaN where unknown."""
    if rows["value"].isna().all():
        return math.nan, math.nan
    staffed = float(rows["staffed_h"].sum())
    share = float(rows["busy_h"].sum()) / staffed if staffed > 0 else math.nan
    return share, float(rows["overtime_h"].sum())


def _describe(frame: pd.DataFrame, teams: list[str], wording: Wording) -> str:
    """Say how busy the teams are, for who cannot see it."""
    if not teams:
        return wording.text("Utilisation of teams: no work in this window.")
    told = []
    for team in teams:
        mean, overtime = _total(frame[frame["team"] == team])
        said = wording.text("{team}: {share} busy, overtime {hours}").format(
            team=wording.label(team),
            share=wording.share(mean),
            hours=wording.duration(overtime * HOUR, "h"),
        )
        told.append(said)
    return wording.text("Utilisation of teams. {told}.").format(told="; ".join(told))
