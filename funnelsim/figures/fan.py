"""The fan chart: what came, and how wide what may come is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import pandas as pd

from funnelsim.figures.axis import time_axis, value_axis
from funnelsim.figures.lettering import fit, text_width
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import write_key
from funnelsim.figures.style import INK, MUTED, NAVY, SMALL, WIDTH, house_style, page, panel
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["fan", "fans"]

HEIGHT: Final = 2.1  # of one drawing that stands alone, inches
LOW: Final = 1.05  # of one among several
LEFT: Final = 0.62
RIGHT: Final = 0.72
FOOT: Final = 0.42
HEAD: Final = 0.32
TITLE: Final = 0.3
GAP: Final = 0.25  # between two columns
WIDE: Final = "#d5e6f3"
NARROW: Final = "#9cc5e3"
FEW: Final = 20.0  # below it a fraction counts
SHOWN: Final = 3  # times as many periods of history as ahead, at most

Box = tuple[float, float, float, float]


def fan(
    past: pd.DataFrame,
    ahead: pd.DataFrame,
    *,
    unit: str = "",
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw a history and the forecast that follows it.

    Parameters
    ----------
    past : pandas.DataFrame
        ``at`` (beginning of the period), ``y``.
    ahead : pandas.DataFrame
        ``period``, ``p10``, ``p50``, ``p90``; and ``lo``, ``hi`` for a wider band.
    unit : str
        Written above the axis.
    lang : str
        Language of numbers and dates.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        The median as a line, 8 in 10 chances as a dark band, the wider one light around it.

    Examples
    --------
    >>> months = pd.date_range("2026-01-01", periods=6, freq="MS")
    >>> past = pd.DataFrame({"at": months[:4], "y": [10.0, 12, 11, 13]})
    >>> ahead = pd.DataFrame({"period": months[4:], "p10": 9, "p50": 12, "p90": 15})
    >>> fan(past, ahead).alt
    'Fan chart: 4 periods of history up to 13, then 2 ahead. In the last one 12 (8 in 10...
    """
    wording = Wording(lang=lang, text=text)
    with house_style():
        figure = page(HEIGHT + FOOT + HEAD)
        sheet = panel(figure, blank=True)
        _key(sheet, HEIGHT + FOOT + 0.2, unit, wording, wide=_is_wide(ahead))
        box = (LEFT, FOOT, WIDTH - LEFT - RIGHT, HEIGHT)
        _draw(figure, sheet, box, past, ahead, wording)
    return Picture(figure, _describe(past, ahead, wording))


def fans(
    panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    *,
    unit: str = "",
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw several fan charts in two columns, each with a scale of its own.

    Parameters
    ----------
    panels : mapping
        Name → history and forecast, as for `fan`.
    unit, lang, text
        As for `fan`.

    Returns
    -------
    Picture

    Examples
    --------
    >>> months = pd.date_range("2026-01-01", periods=6, freq="MS")
    >>> past = pd.DataFrame({"at": months[:4], "y": [10.0, 12, 11, 13]})
    >>> ahead = pd.DataFrame({"period": months[4:], "p10": 9, "p50": 12, "p90": 15})
    >>> fans({"web": (past, ahead), "tv": (past, ahead)}).alt[:32]
    'Fan charts of 2 series. web: 12 '
    """
    wording = Wording(lang=lang, text=text)
    rows = -(-len(panels) // 2)
    pitch = LOW + FOOT + TITLE
    width = (WIDTH - GAP) / 2
    with house_style():
        figure = page(rows * pitch + HEAD)
        sheet = panel(figure, blank=True)
        wide = any(_is_wide(ahead) for _, ahead in panels.values())
        _key(sheet, rows * pitch + 0.16, unit, wording, wide=wide)
        for k, (name, (past, ahead)) in enumerate(panels.items()):
            left = (k % 2) * (width + GAP)
            bottom = (rows - 1 - k // 2) * pitch + FOOT
            title = fit(name, width, weight=600)
            sheet.text(left, bottom + LOW + 0.14, title, weight=600, color=NAVY)
            box = (left + LEFT - 0.1, bottom, width - LEFT - RIGHT + 0.3, LOW)
            _draw(figure, sheet, box, past, ahead, wording)
    last = {name: ahead.iloc[-1] for name, (_, ahead) in panels.items()}
    told = "; ".join(
        wording.text("{name}: {median} ({lo} to {hi})").format(
            name=name,
            median=wording.short(float(row["p50"])),
            lo=wording.short(float(row["p10"])),
            hi=wording.short(float(row["p90"])),
        )
        for name, row in last.items()
    )
    alt = wording.text("Fan charts of {n} series. {told}.").format(n=len(panels), told=told)
    return Picture(figure, alt)


def _draw(
    figure: Figure,
    sheet: Axes,
    box: Box,
    past: pd.DataFrame,
    ahead: pd.DataFrame,
    wording: Wording,
) -> None:
    """Draw one history with its fan; the last values stand at the right."""
    axes = panel(figure, box)
    shown = past.tail(max(SHOWN * len(ahead), 24))
    step = ahead["period"].iloc[-1] - (
        ahead["period"].iloc[-2] if len(ahead) > 1 else past["at"].iloc[-1]
    )
    joined = {  # the fan starts where the history ends
        name: [float(shown["y"].iloc[-1]), *ahead[name]] for name in ahead if name in BANDS
    }
    at = [shown["at"].iloc[-1], *ahead["period"]]
    if _is_wide(ahead):
        axes.fill_between(at, joined["lo"], joined["hi"], color=WIDE, linewidth=0)
    axes.fill_between(at, joined["p10"], joined["p90"], color=NARROW, linewidth=0)
    axes.plot(at, joined["p50"], color=NAVY, linewidth=1.4)
    axes.plot(shown["at"], shown["y"], color=INK, linewidth=1.0)
    axes.axvline(shown["at"].iloc[-1], color=MUTED, linewidth=0.5, linestyle=(0, (2, 2)))
    value_axis(axes, wording.short, ticks=4)
    axes.spines["left"].set_visible(False)
    low = min(0.0, float(shown["y"].min()), *(min(row) for row in joined.values()))
    high = max(float(shown["y"].max()), *(max(row) for row in joined.values()))
    axes.set_ylim(low * 1.05, (high or 1.0) * 1.06)
    time_axis(axes, shown["at"].iloc[0], ahead["period"].iloc[-1] + step / 4, wording)
    _ends(sheet, axes, box, {name: row[-1] for name, row in joined.items()}, wording)


BANDS: Final = ("lo", "p10", "p50", "p90", "hi")


def _ends(sheet: Axes, axes: Axes, box: Box, last: Mapping[str, float], wording: Wording) -> None:
    """Write the last median and its limits beside the fan."""
    from funnelsim.figures.lettering import spread

    low, top = axes.get_ylim()
    left, bottom, width, high = box
    names = ("p10", "p50", "p90")
    middles = [bottom + (last[name] - low) / (top - low) * high for name in names]
    places = spread(middles, 0.13, bottom, bottom + high)
    for name, y in zip(names, places, strict=True):
        bold = name == "p50"
        sheet.text(
            left + width + 0.04,
            y,
            _end(last[name], top, wording),
            size=SMALL,
            weight=600 if bold else 400,
            color=NAVY if bold else MUTED,
            va="center_baseline",
        )


def _end(value: float, top: float, wording: Wording) -> str:
    """A number beside a fan: one of a few people keeps its fraction."""
    return wording.figure(value) if top < FEW else wording.short(value)


def _is_wide(ahead: pd.DataFrame) -> bool:
    """Whether there is a wider band around the one of 8 in 10 chances."""
    return {"lo", "hi"} <= set(ahead)


def _key(sheet: Axes, y: float, unit: str, wording: Wording, *, wide: bool) -> None:
    """Name what is drawn."""
    x = 0.0
    if unit:
        sheet.text(x, y, unit, size=SMALL, color=MUTED, va="center_baseline")
        x = text_width(unit, SMALL) + 0.3
    key = {
        wording.text("So far"): INK,
        wording.text("Median ahead"): NAVY,
        wording.text("8 in 10 chances"): NARROW,
    }
    if wide:
        key[wording.text("19 in 20 chances")] = WIDE
    write_key(sheet, key, x, y, room=WIDTH - x)


def _describe(past: pd.DataFrame, ahead: pd.DataFrame, wording: Wording) -> str:
    """Say what the picture shows, for who cannot see it."""
    last = ahead.iloc[-1]
    return wording.text(
        "Fan chart: {n} periods of history up to {top}, then {ahead} ahead. "
        "In the last one {median} (8 in 10 chances: {lo} to {hi})."
    ).format(
        n=len(past),
        top=wording.short(float(past["y"].max())),
        ahead=len(ahead),
        median=wording.short(float(last["p50"])),
        lo=wording.short(float(last["p10"])),
        hi=wording.short(float(last["p90"])),
    )
