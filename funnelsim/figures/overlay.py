"""The data over the band of simulated runs: shares, stays, courses and the week."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funnelsim.figures.axis import duration_scale, time_axis, value_axis
from funnelsim.figures.lettering import fit, text_width
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
    GOOD,
    INK,
    MUTED,
    NAVY,
    SKY,
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

__all__ = ["overlay_courses", "overlay_shares", "overlay_stays", "overlay_week"]

Words = Callable[[str], str]

PITCH: Final = 0.3
FOOT: Final = 0.28
COLUMNS: Final = (WIDTH - 0.95, WIDTH - 0.02)
BAND: Final = "#cfe6f5"
DATA: Final = INK
SIDE: Final = 0.45  # left of an axis, for its numbers
TALL: Final = 1.35
GAP: Final = 0.35
ASIDE: Final = 0.42  # between two panels: the last mark of one, the first of the next
END: Final[dict[str, Any]] = {"solid_capstyle": "butt"}
ACROSS: Final = 3  # panels in a row
MOST_PANELS: Final = 12


def overlay_shares(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Words = str,
) -> Picture:
    """Draw shares in the data beside the band in which simulated runs put them.

    Parameters
    ----------
    frame : pandas.DataFrame
        item, actual, simulated, lo, hi; shares 0 to 1.
    labels : mapping of str to str, optional
        Names by item.
    lang : str
        Language of numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        One row per item: the data as a dot, the simulated runs as a band with their middle.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"item": ["offer"], "actual": [0.5], "simulated": [0.51],
    ...     "lo": [0.47], "hi": [0.55]})
    >>> overlay_shares(frame, labels={"offer": "Offer"}).alt
    'Data and simulated runs. Offer: 50% in the data, 51% simulated (47–55%).'
    """
    wording = Wording(labels or {}, lang, text)
    pitch = pitch_of(len(frame), PITCH)
    height = HEAD + pitch * max(len(frame), 1) + FOOT
    with house_style():
        figure = page(height)
        axes = panel(figure, (LEFT, FOOT, COLUMNS[0] - 0.6 - LEFT, height - HEAD - FOOT))
        sheet = panel(figure, blank=True)
        _share_axis(axes, frame, wording)
        _key(sheet, LEFT, height - 0.13, wording, room=COLUMNS[0] - 0.6 - LEFT)
        for words, right in (("data", COLUMNS[0]), ("simulated", COLUMNS[1])):
            heading = {"data": wording.text("data"), "simulated": wording.text("simulated")}
            write_heading(sheet, heading[words], right, height - 0.13, width=0.8)
        for index, row in enumerate(frame.to_dict("records")):
            y = height - HEAD - (index + 0.5) * pitch
            write_name(sheet, wording.label(row["item"]), y)
            axes.plot([row["lo"], row["hi"]], [index] * 2, color=BAND, linewidth=8, zorder=1, **END)
            axes.plot([row["simulated"]], [index], "|", color=GOOD, markersize=9, zorder=2)
            axes.plot([row["actual"]], [index], "o", color=DATA, markersize=5, zorder=3)
            sheet.text(COLUMNS[0], y, wording.share(row["actual"]), weight=600, **RIGHT)
            sheet.text(COLUMNS[1], y, wording.shares(row["lo"], row["hi"]), **RIGHT)
    told = "; ".join(
        wording.text("{item}: {actual} in the data, {simulated} simulated ({band})").format(
            item=wording.label(row["item"]),
            actual=wording.share(row["actual"]),
            simulated=wording.share(row["simulated"]),
            band=wording.shares(row["lo"], row["hi"]),
        )
        for row in frame.to_dict("records")
    )
    return Picture(figure, wording.text("Data and simulated runs. {told}.").format(told=told))


def overlay_stays(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Words = str,
) -> Picture:
    """Draw who is still in a stage after a while: the data over the band of simulated runs.

    Parameters
    ----------
    frame : pandas.DataFrame
        item (stage), at (percentile, 0 to 1), actual, simulated, lo, hi; seconds.
    labels, lang, text
        As in :func:`overlay_shares`.

    Returns
    -------
    Picture
        One panel per stage, at most twelve.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"item": ["offer"] * 2, "at": [0.5, 0.8], "actual": [60.0, 300.0],
    ...     "simulated": [66.0, 310.0], "lo": [50.0, 200.0], "hi": [80.0, 400.0]})
    >>> overlay_stays(frame).alt.replace(chr(160), " ")
    'Stay in each stage, median in the data and in simulated runs. offer: 60 s, 66 s.'
    """
    wording = Wording(labels or {}, lang, text)
    stages = list(dict.fromkeys(frame["item"]))[:MOST_PANELS]
    rows = max(-(-len(stages) // ACROSS), 1)
    height = rows * (TALL + GAP + 0.2) + HEAD
    wide = (WIDTH - SIDE) / ACROSS
    with house_style():
        figure = page(height)
        sheet = panel(figure, blank=True)
        _key(sheet, SIDE, height - 0.13, wording)
        for index, stage in enumerate(stages):
            across, down = index % ACROSS, index // ACROSS
            left = SIDE + across * wide
            bottom = height - HEAD - (down + 1) * (TALL + GAP + 0.2) + GAP
            axes = panel(figure, (left, bottom, wide - ASIDE, TALL))
            _stay(axes, frame[frame["item"] == stage], wording, named=across == 0)
            name = fit(wording.label(stage), wide - 0.25, weight=600)
            sheet.text(left, bottom + TALL + 0.09, name, weight=600, color=NAVY)
    middle = frame[frame["at"].sub(0.5).abs().lt(1e-9)]
    told = "; ".join(
        f"{wording.label(row['item'])}: {wording.duration(row['actual'])}, "
        f"{wording.duration(row['simulated'])}"
        for row in middle.to_dict("records")
    )
    said = wording.text("Stay in each stage, median in the data and in simulated runs. {told}.")
    return Picture(figure, said.format(told=told))


def overlay_courses(
    frames: Mapping[str, pd.DataFrame],
    start: datetime,
    *,
    lang: str = "en",
    text: Words = str,
) -> Picture:
    """Draw sums over time: the data over the band of simulated runs.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        Heading → at (days since ``start``), actual, simulated, lo, hi.
    start : datetime
        Wall-clock time at which the window begins.
    lang, text
        As in :func:`overlay_shares`.

    Returns
    -------
    Picture
        One panel per frame, side by side.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"at": [0.0, 7.0], "actual": [0.0, 9.0], "simulated": [0.0, 8.0],
    ...     "lo": [0.0, 5.0], "hi": [0.0, 12.0]})
    >>> overlay_courses({"Won": frame}, datetime(2026, 1, 5)).alt
    'Sums over time. In the end, Won: 9 in the data, 8 simulated (5 to 12).'
    """
    from datetime import timedelta

    wording = Wording({}, lang, text)
    height = HEAD + 0.2 + 1.6 + 0.42
    wide = WIDTH / max(len(frames), 1)
    told = []
    with house_style():
        figure = page(height)
        sheet = panel(figure, blank=True)
        _key(sheet, SIDE, height - 0.13, wording)
        for index, (heading, frame) in enumerate(frames.items()):
            left = index * wide + SIDE
            axes = panel(figure, (left, 0.42, wide - SIDE - 0.2, 1.6))
            times = [start + timedelta(days=day) for day in frame["at"]]
            axes.fill_between(times, frame["lo"], frame["hi"], color=BAND, linewidth=0)  # type: ignore[arg-type]
            axes.plot(times, frame["simulated"], color=GOOD, linewidth=0.9)  # type: ignore[arg-type]
            axes.plot(times, frame["actual"], color=DATA, linewidth=1.4)  # type: ignore[arg-type]
            _calm(axes, wording)
            if times:
                time_axis(axes, times[0], times[-1], wording)
                _thin(axes, wide - SIDE - 0.2)
            name = fit(heading, wide - SIDE - 0.2, weight=600)
            sheet.text(left, height - HEAD - 0.12, name, weight=600, color=NAVY)
            if len(frame):
                told.append(_ending(heading, frame.iloc[-1], wording))
    said = wording.text("Sums over time. In the end, {told}.").format(told="; ".join(told))
    return Picture(figure, said)


def overlay_week(
    weekdays: pd.DataFrame,
    hours: pd.DataFrame,
    *,
    unit: str = "",
    lang: str = "en",
    text: Words = str,
) -> Picture:
    """Draw when leads come, by weekday and by hour: the data over the band of simulated runs.

    Parameters
    ----------
    weekdays, hours : pandas.DataFrame
        at (0 Monday to 6; 0 to 23), actual, simulated, lo, hi.
    unit : str
        What a value counts, in the reader's language.
    lang, text
        As in :func:`overlay_shares`.

    Returns
    -------
    Picture

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.DataFrame({"at": range(7), "actual": [1.0] * 7, "simulated": [1.0] * 7,
    ...     "lo": [0.5] * 7, "hi": [2.0] * 7})
    >>> hours = pd.DataFrame({"at": range(24), "actual": [3.0] * 24, "simulated": [1.0] * 24,
    ...     "lo": [0.5] * 24, "hi": [2.0] * 24})
    >>> overlay_week(days, hours).alt
    'Arrivals in the data against simulated runs: 7 of 7 weekdays and 0 of 24 hours in the band.'
    """
    wording = Wording({}, lang, text)
    height = HEAD + 1.4 + FOOT
    boxes = ((SIDE, 1.75), (SIDE + 1.75 + SIDE + 0.15, WIDTH - 2 * SIDE - 1.75 - 0.2))
    days = wording.weekdays()
    with house_style():
        figure = page(height)
        sheet = panel(figure, blank=True)
        _key(sheet, SIDE, height - 0.13, wording)
        sheet.text(WIDTH - 0.02, height - 0.13, unit, size=SMALL, color=MUTED, **RIGHT)
        for (left, wide), frame in zip(boxes, (weekdays, hours), strict=True):
            axes = panel(figure, (left, FOOT, wide, 1.4))
            for row in frame.to_dict("records"):
                x = [row["at"] - 0.38, row["at"] + 0.38]
                axes.fill_between(x, row["lo"], row["hi"], color=BAND, linewidth=0)
                axes.plot(x, [row["simulated"]] * 2, color=GOOD, linewidth=0.9)
            axes.plot(frame["at"], frame["actual"], "o", color=DATA, markersize=3.5)
            _calm(axes, wording)
            if frame is weekdays:
                axes.set_xticks(range(7), days)
            else:
                axes.set_xticks(range(0, 24, 3), [f"{hour}:00" for hour in range(0, 24, 3)])
    inside = [int(f["actual"].between(f["lo"], f["hi"]).sum()) for f in (weekdays, hours)]
    said = wording.text(
        "Arrivals in the data against simulated runs: {days} of {all_days} weekdays and {hours} "
        "of {all_hours} hours in the band."
    )
    told = said.format(
        days=inside[0], all_days=len(weekdays), hours=inside[1], all_hours=len(hours)
    )
    return Picture(figure, told)


def _key(sheet: Axes, x: float, y: float, wording: Wording, *, room: float = math.inf) -> None:
    """Name what is data and what is simulated."""
    key = {wording.text("data"): DATA, wording.text("simulated runs"): SKY}
    write_key(sheet, key, x, y, room=room)


def _share_axis(axes: Axes, frame: pd.DataFrame, wording: Wording) -> None:
    """Per cent below, from 0 to what is needed."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    most = float(np.nanmax([1e-3, *frame["hi"], *frame["actual"]]))
    axes.set_xlim(0, min(most * 1.05, 1.02))
    axes.set_ylim(max(len(frame), 1) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.share(value)))
    axes.grid(visible=True, axis="x")
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)


def _stay(axes: Axes, frame: pd.DataFrame, wording: Wording, *, named: bool) -> None:
    """One stage: time to the right, the share that is still there upwards."""
    frame = frame.sort_values("at")
    known = frame[["actual", "lo", "hi"]].to_numpy(dtype=float)
    known = known[np.isfinite(known) & (known > 0)]
    duration_scale(
        axes,
        float(known.min(initial=np.inf)) if len(known) else 1.0,
        float(known.max(initial=1.0)),
        wording,
    )
    left = float(axes.get_xlim()[0])
    share = 1 - frame["at"]
    lo, hi, middle, actual = (
        np.maximum(frame[name].to_numpy(dtype=float), left)
        for name in ("lo", "hi", "simulated", "actual")
    )
    axes.fill_betweenx(share, lo, hi, color=BAND, linewidth=0)
    axes.plot(middle, share, color=GOOD, linewidth=0.9)
    axes.plot(actual, share, color=DATA, linewidth=1.4)
    axes.set_ylim(0, 1)
    value_axis(axes, wording.share, ticks=4)
    if not named:
        axes.tick_params(labelleft=False)
    axes.spines["left"].set_visible(False)


def _calm(axes: Axes, wording: Wording) -> None:
    """Numbers upwards from 0, light lines."""
    value_axis(axes, wording.figure, ticks=4)
    axes.set_ylim(bottom=0)
    axes.spines["left"].set_visible(False)


def _thin(axes: Axes, room: float) -> None:
    """Keep every second name of a narrow axis, where they would touch; a new year stays told."""
    ticks = list(axes.get_xticks())
    names = [label.get_text() for label in axes.get_xticklabels()]
    wide = sum(text_width(name.split("\n")[0], SMALL) + 0.1 for name in names)
    if wide <= room:
        return
    for place in range(1, len(names), 2):
        _, _, year = names[place].partition("\n")
        if year and place + 1 < len(names) and "\n" not in names[place + 1]:
            names[place + 1] += f"\n{year}"
    axes.set_xticks(ticks[::2], names[::2])


def _ending(heading: str, row: pd.Series, wording: Wording) -> str:
    """Where a course ends, for who cannot see it."""
    said = wording.text("{what}: {actual} in the data, {simulated} simulated ({lo} to {hi})")
    return said.format(
        what=heading,
        **{key: wording.number(float(row[key])) for key in ("actual", "simulated", "lo", "hi")},
    )
