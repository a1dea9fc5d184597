"""Pictures of a revenue forecast: by period, three ways, and promises against what came."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from funnelsim.figures.axis import value_axis
from funnelsim.figures.lettering import fit, text_width
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import HEAD, LEFT, RIGHT, write_heading, write_key, write_name
from funnelsim.figures.style import (
    AMBER,
    BAD,
    GOOD,
    INK,
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
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["revenue_periods", "revenue_strip", "revenue_ways"]

Words = Callable[[str], str]

TALL: Final = 2.3
SHORT: Final = 1.5
SIDE: Final = 0.62
FOOT: Final = 0.34
PITCH: Final = 0.34
BOOKED: Final = QUIET
OPEN: Final = NAVY
FUTURE: Final = "#9cc5e3"
BAND: Final = "#cfe6f5"
NAMES_APART: Final = 0.12


def revenue_periods(
    frame: pd.DataFrame, *, unit: str = "", lang: str = "en", text: Words = str
) -> Picture:
    """Draw what is expected by period: booked, from open deals, from future leads; how sure.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``name`` (of the period), ``booked``, ``open``, ``future`` (means), ``p10``, ``p50``,
        ``p90`` of all three together, ``plan`` (NaN: none); in the unit that is written.
    unit : str
        Written above the axis.
    lang : str
        Language of numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        Stacked bars, a line from P10 to P90 with a dot at P50, and the plan as a mark.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"name": ["Jan"], "booked": [1.0], "open": [4.0], "future": [2.0],
    ...     "p10": [5.0], "p50": [7.0], "p90": [9.0], "plan": [8.0]})
    >>> revenue_periods(frame, unit="EUR").alt
    'What will be won by period, EUR. Jan: 7 (8 in 10 between 5 and 9), plan 8.'
    """
    wording = Wording({}, lang, text)
    key = {wording.text("from open deals"): OPEN, wording.text("from future leads"): FUTURE}
    if frame["booked"].gt(0).any():
        key = {wording.text("booked already"): BOOKED, **key}
    planned = frame["plan"].notna().any()
    key |= {wording.text("P10 to P90, dot: P50"): INK} | (
        {wording.text("plan"): BAD} if planned else {}
    )
    with house_style():
        figure = page(HEAD + TALL + FOOT + 0.16)
        sheet = panel(figure, blank=True)
        top = HEAD + TALL + FOOT
        _headed(sheet, unit, key, top - 0.05)
        axes = panel(figure, (SIDE, FOOT, WIDTH - SIDE - 0.05, TALL))
        _stacks(axes, frame, wording)
    return Picture(figure, _told(frame, unit, wording))


def _headed(sheet: Axes, unit: str, key: dict[str, str], y: float) -> None:
    """The unit above the axis, and the key to its right."""
    sheet.text(0, y, unit, size=SMALL, color=MUTED, va="center_baseline")
    x = max(SIDE, text_width(unit, SMALL) + NAMES_APART)
    write_key(sheet, key, x, y, room=WIDTH - x)


def _stacks(axes: Axes, frame: pd.DataFrame, wording: Wording) -> None:
    """Bars, ranges and plans."""
    places = np.arange(len(frame))
    below = np.zeros(len(frame))
    for part, colour in (("booked", BOOKED), ("open", OPEN), ("future", FUTURE)):
        axes.bar(places, frame[part], 0.56, bottom=below, color=colour, zorder=2)
        below += frame[part].to_numpy(dtype=float)
    for place, row in zip(places, frame.to_dict("records"), strict=True):
        axes.plot([place] * 2, [row["p10"], row["p90"]], color=INK, lw=1.1, zorder=4)
        axes.plot([place], [row["p50"]], "o", color=INK, ms=4, mec="white", mew=0.6, zorder=5)
        if row["plan"] == row["plan"]:
            axes.plot([place - 0.4, place + 0.4], [row["plan"]] * 2, color=BAD, lw=1.8, zorder=3)
    value_axis(axes, wording.figure, ticks=5)
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.6, len(frame) - 0.4)
    axes.spines["left"].set_visible(False)
    room = (WIDTH - SIDE) / max(len(frame), 1) - NAMES_APART
    step = max(1, int(np.ceil(max(text_width(n, SMALL) for n in frame["name"]) / max(room, 0.05))))
    step = step if step > 2 else 1  # noqa: PLR2004 - names may take two lines' width
    shown = [
        fit(name, step * room + (step - 1) * NAMES_APART, size=SMALL, lines=2)
        for name in frame["name"]
    ]
    axes.set_xticks(places[::step], shown[::step])


def _told(frame: pd.DataFrame, unit: str, wording: Wording) -> str:
    """The picture for who cannot see it."""
    parts = []
    for row in frame.to_dict("records"):
        said = wording.text("{name}: {p50} (8 in 10 between {p10} and {p90})").format(
            name=row["name"], **{q: wording.figure(row[q]) for q in ("p10", "p50", "p90")}
        )
        if row["plan"] == row["plan"]:
            said += wording.text(", plan {plan}").format(plan=wording.figure(row["plan"]))
        parts.append(said)
    told = wording.text("What will be won by period, {unit}. {told}.")
    return told.format(unit=unit, told="; ".join(parts))


def revenue_ways(
    frame: pd.DataFrame, *, unit: str = "", lang: str = "en", text: Words = str
) -> Picture:
    """Draw the ways side by side: ranges from P10 to P90 with P50, and the weights.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``name``, ``p10``, ``p50``, ``p90``, ``weight`` (NaN: not weighed), the combined way last.
    unit, lang, text
        As in :func:`revenue_periods`.

    Returns
    -------
    Picture

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"name": ["Both"], "p10": [5.0], "p50": [7.0], "p90": [9.0],
    ...     "weight": [1.0]})
    >>> revenue_ways(frame).alt
    'Ways to forecast beside each other. Both: 7 (8 in 10 between 5 and 9).'
    """
    wording = Wording({}, lang, text)
    height = HEAD + PITCH * len(frame) + FOOT
    right = WIDTH - 0.02
    with house_style():
        figure = page(height)
        sheet = panel(figure, blank=True)
        wide = right - 1.15 - LEFT
        axes = panel(figure, (LEFT, FOOT, wide, height - HEAD - FOOT))
        top = height - 0.13
        sheet.text(LEFT, top, unit, size=SMALL, color=MUTED, va="center_baseline")
        for words, place in ((wording.text("P50"), right - 0.55), (wording.text("weight"), right)):
            write_heading(sheet, words, place, top, width=0.55)
        for index, row in enumerate(frame.to_dict("records")):
            y = height - HEAD - (index + 0.5) * PITCH
            colour = NAVY if index == len(frame) - 1 else SKY
            write_name(sheet, row["name"], y, lines=2)
            axes.plot(
                [row["p10"], row["p90"]], [index] * 2, color=colour, lw=7, solid_capstyle="butt"
            )
            axes.plot([row["p50"]], [index], "|", color="white", ms=7, mew=1.6)
            sheet.text(right - 0.55, y, wording.figure(row["p50"]), weight=600, **RIGHT)
            weight = wording.share(row["weight"]) if row["weight"] == row["weight"] else ""
            sheet.text(right, y, weight, **RIGHT)
        axes.set_ylim(len(frame) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_yticks([])
        _across(axes, wording)
    told = "; ".join(
        wording.text("{name}: {p50} (8 in 10 between {p10} and {p90})").format(
            name=row["name"], **{q: wording.figure(row[q]) for q in ("p10", "p50", "p90")}
        )
        for row in frame.to_dict("records")
    )
    return Picture(
        figure, wording.text("Ways to forecast beside each other. {told}.").format(told=told)
    )


def _across(axes: Axes, wording: Wording) -> None:
    """Amounts below."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.figure(value)))
    axes.grid(visible=True, axis="x")
    for spine in ("left", "bottom"):
        axes.spines[spine].set_visible(False)


def revenue_strip(
    frame: pd.DataFrame, *, unit: str = "", lang: str = "en", text: Words = str
) -> Picture:
    """Draw what was forecast at past cutoffs beside what came.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``name`` (the cutoff), ``p10``, ``p50``, ``p90``, ``actual``; and ``naive`` (NaN: none).
    unit, lang, text
        As in :func:`revenue_periods`.

    Returns
    -------
    Picture
        A bar from P10 to P90 per cutoff; what came is a dot, blue inside and orange outside.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"name": ["May"], "p10": [5.0], "p50": [7.0], "p90": [9.0],
    ...     "actual": [8.0], "naive": [6.0]})
    >>> revenue_strip(frame).alt
    'Past forecasts and what came: 1 of 1 within P10 to P90. May: 7 forecast, 8 came.'
    """
    wording = Wording({}, lang, text)
    inside = frame["actual"].between(frame["p10"], frame["p90"])
    key = {
        wording.text("forecast, P10 to P90"): BAND,
        wording.text("came, inside"): GOOD,
        wording.text("came, outside"): BAD,
    }
    if frame["naive"].notna().any():
        key[wording.text("last period once more")] = AMBER
    with house_style():
        figure = page(HEAD + SHORT + FOOT + 0.12)
        sheet = panel(figure, blank=True)
        top = HEAD + SHORT + FOOT
        _headed(sheet, unit, key, top - 0.05)
        axes = panel(figure, (SIDE, FOOT, WIDTH - SIDE - 0.05, SHORT))
        for place, (row, held) in enumerate(zip(frame.to_dict("records"), inside, strict=True)):
            axes.bar([place], [row["p90"] - row["p10"]], 0.5, bottom=row["p10"], color=BAND)
            axes.plot([place - 0.25, place + 0.25], [row["p50"]] * 2, color=SKY, lw=1.4)
            axes.plot([place], [row["naive"]], "D", color=AMBER, ms=3.5)
            axes.plot([place], [row["actual"]], "o", color=GOOD if held else BAD, ms=6)
        value_axis(axes, wording.figure, ticks=4)
        axes.set_ylim(bottom=0)
        axes.set_xlim(-0.6, len(frame) - 0.4)
        axes.spines["left"].set_visible(False)
        room = (WIDTH - SIDE) / max(len(frame), 1) - NAMES_APART
        shown = [fit(name, room, size=SMALL, lines=2) for name in frame["name"]]
        axes.set_xticks(range(len(frame)), shown)
    told = "; ".join(
        wording.text("{name}: {p50} forecast, {actual} came").format(
            name=row["name"], p50=wording.figure(row["p50"]), actual=wording.figure(row["actual"])
        )
        for row in frame.to_dict("records")
    )
    said = wording.text("Past forecasts and what came: {k} of {n} within P10 to P90. {told}.")
    return Picture(figure, said.format(k=int(inside.sum()), n=len(frame), told=told))
