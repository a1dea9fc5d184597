"""The flow of leads between stages: on, past, back and out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.course import Arc, Band, Course, Drop, Node, course
from funnelsim.figures.lettering import fit, text_width
from funnelsim.figures.picture import Picture
from funnelsim.figures.rows import key_lines, one_group, write_key
from funnelsim.figures.style import (
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
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["flow"]

MOST_ACROSS: Final = 7  # stages side by side; more, or long names: one below the other
THICK: Final = 0.07  # of a stage's bar, inches
STEP: Final = 0.46  # from a stage to the next when they stand one below the other
HEADS: Final = 0.55  # above the bars when they stand side by side: name and count
SIDE: Final = 2.0  # left of the bars when they stand one below the other
ARCS: Final = 0.34  # room for leads going back
WIDEST_NAME: Final = 1.6
TALLEST: Final = 1.6  # all stages, side by side
WIDEST: Final = 3.0  # all stages, one below the other
FALL: Final = 0.2  # sideways, from the stage to where those who leave end
HALT: Final = 0.45  # of the way to the next stage: where they end
TOP: Final = 0.2  # above the first bar when they stand one below the other
LINE: Final = 0.13  # smallest distance of two numbers
FOOT: Final = 0.3
LAST: Final = 0.9  # room at the right for the last stage
LOOP: Final = 0.2  # room at the left for leads that come back to the first stage
BAND: Final = "#b9d7eb"
SKIP: Final = "#8ebfdf"
BACK: Final = "#8a5a00"
ARRIVED: Final = "(arrived)"
ENDED: Final = "(ended)"
OPEN: Final = "(open)"
LOSSES: Final = (
    "#eeb08a",
    "#efcb86",
    "#d8a3bf",
    "#b9c6a5",
    "#c9b8a3",
    "#a9a3cf",
    "#e3e08f",
    "#d98f8f",
)
KEY_LINE: Final = 0.17  # from one line of the key to the next


@dataclass(frozen=True, slots=True)
class Ground:
    """How the course lies on the page: side by side, or one below the other; inches."""

    origin: tuple[float, float]
    step: float
    scale: float
    upright: bool = False

    def spot(self, along: float, depth: float) -> tuple[float, float]:
        """Return the place of a point, ``along`` in columns and ``depth`` in leads."""
        x, y = self.origin
        if self.upright:
            return x + depth * self.scale, y - along * self.step
        return x + along * self.step, y - depth * self.scale


def flow(
    transitions: pd.DataFrame,
    *,
    goals: Collection[str],
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    """Draw how leads move between stages: bands as thick as they are many.

    Parameters
    ----------
    transitions : pandas.DataFrame
        As ``measures.transitions`` returns it for one group: stage, next_stage (a stage,
        ``(ended)`` or ``(open)``), value (visits).
    goals : collection of str
        The final stages that are wins; other ways out are drawn as dropping out.
    labels : mapping of str to str, optional
        Names of stages by id.
    lang : str
        Language of the numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture
        From left to right; from top to bottom when there are many stages, or long names.

    Raises
    ------
    ParameterError
        The table holds several groups.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["a", "a", "b"], "next_stage": ["b", "lost", "won"],
    ...     "value": [6, 4, 6]})
    >>> flow(frame, goals=["won"], labels={"a": "Offer", "b": "Contract"}).alt
    'Flow between stages. Offer: Contract 6, lost 4; Contract: won 6.'
    """
    one_group(transitions, "stage", "next_stage")
    wording = Wording(labels or {}, lang, text)
    counts = _between_stages(transitions, goals)
    laid = course(counts, goals)
    looks = _looks(laid)
    with house_style():
        key = _key(laid, looks, wording)
        lines = key_lines(key, WIDTH)
        ground, height = _ground(laid, wording, FOOT + KEY_LINE * (len(lines) - 1))
        sheet = panel(figure := page(height), blank=True)
        if not laid.depth > 0:
            sheet.text(0, height / 2, wording.text("No leads in this window"), color=MUTED)
            return Picture(figure, _describe(counts, wording))
        for band in laid.bands:
            _band(sheet, ground, band, wording)
        _drops(sheet, ground, _ends(laid, ground), looks, wording)
        for arc in laid.arcs:
            _arc(sheet, ground, arc, laid, wording)
        for node in laid.nodes:
            _node(sheet, ground, node, node.column + 1 == len(laid.nodes), wording)
        for place, names in enumerate(reversed(lines)):
            line = {name: key[name] for name in names}
            write_key(sheet, line, 0, 0.1 + KEY_LINE * place, room=WIDTH)
    return Picture(figure, _describe(counts, wording))


def _between_stages(
    transitions: pd.DataFrame, goals: Collection[str]
) -> dict[tuple[str, str], float]:
    """Read the ways out of the table, without arrivals and without the ends of final stages."""
    rows = transitions[transitions["stage"] != ARRIVED]
    onwards = set(rows["stage"][~rows["next_stage"].isin([ENDED, OPEN])])
    waiting = set(rows["stage"][rows["next_stage"] == OPEN]) - set(goals)
    rows = rows[rows["stage"].isin(onwards | waiting)]
    pairs = zip(rows["stage"], rows["next_stage"], strict=True)
    return dict(zip(pairs, rows["value"].fillna(0.0).astype(float), strict=True))


def _ground(laid: Course, wording: Wording, foot: float) -> tuple[Ground, float]:
    """Choose the direction and the scale, and the height of the picture they need."""
    columns = max((node.column for node in laid.nodes), default=0)
    arcs = ARCS if laid.arcs else 0.0
    start = LOOP if any(arc.start == arc.end == 0 for arc in laid.arcs) else 0.0
    step = (WIDTH - start - LAST) / max(columns, 1)
    room = [min(step - 0.08, WIDEST_NAME)] * columns + [LAST]
    names = [wording.label(node.stage) for node in laid.nodes]
    fitted = [_fit(name, width) for name, width in zip(names, room, strict=False)]
    if columns < MOST_ACROSS and not any(name.endswith("…") for name in fitted):
        scale = TALLEST / laid.depth if laid.depth > 0 else 0.0
        flat = Ground((start, 0.0), step, scale)
        ends = (place + drop.size * scale for drop, place in _ends(laid, flat))
        height = HEADS + arcs + max([TALLEST, *ends]) + 0.1 + foot
        return replace(flat, origin=(start, height - HEADS - arcs)), height
    leaves_last = any(drop.column == columns for drop in laid.drops)
    step = min(STEP, 8.2 / (columns + 1))
    height = TOP + step * (columns + (HALT if leaves_last else 0)) + 0.2 + foot
    scale = WIDEST / laid.depth if laid.depth > 0 else 0.0
    side = (
        SIDE + arcs + max((text_width(wording.number(a.size), 6.5) for a in laid.arcs), default=0)
    )
    return Ground((side, height - TOP), step, scale, upright=True), height


def _fit(name: str, width: float) -> str:
    """Set a stage's name on at most two lines."""
    return fit(name, width, size=SMALL, weight=500, lines=2)


def _ends(laid: Course, ground: Ground) -> list[tuple[Drop, float]]:
    """Find where those who leave end, inches deep: below what goes on, and kept apart."""
    bottom = {node.column: (node.top + node.size) * ground.scale for node in laid.nodes}
    room = 0.03 if ground.upright else LINE
    ends = []
    last: dict[int, float] = {}
    for drop in laid.drops:
        lowest = max(drop.top * ground.scale, bottom.get(drop.column + 1, 0.0)) + FALL
        size = drop.size * ground.scale
        slot = max(size, room)
        start = max(lowest, last.get(drop.column, 0.0))
        ends.append((drop, start + (slot - size) / 2))
        last[drop.column] = start + slot + 0.03
    return ends


def _looks(laid: Course) -> dict[str, str]:
    """Give each way out its colour, grey to the leads that are still open."""
    ends = list(dict.fromkeys(drop.target for drop in laid.drops if drop.target != OPEN))
    looks = {end: LOSSES[place % len(LOSSES)] for place, end in enumerate(ends)}
    return looks | ({OPEN: QUIET} if any(drop.target == OPEN for drop in laid.drops) else {})


def _ribbon(
    sheet: Axes,
    ground: Ground,
    start: tuple[float, float],
    end: tuple[float, float],
    size: float,
    colour: str,
) -> None:
    """Draw a band between two places (along, depth)."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (a, top), (b, low) = start, end
    middle = (a + b) / 2
    points = [
        *((a, top), (middle, top), (middle, low), (b, low)),
        *((b, low + size), (middle, low + size), (middle, top + size), (a, top + size)),
    ]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    path = Path([ground.spot(*point) for point in points], codes)
    sheet.add_patch(PathPatch(path, facecolor=colour, edgecolor=colour, linewidth=0.4))


def _band(sheet: Axes, ground: Ground, band: Band, wording: Wording) -> None:
    """Draw those who go forward; those who pass stages by are darker, with their number."""
    edge = THICK / ground.step
    colour = SKIP if band.skips else BAND
    for place, (start, end) in enumerate(zip(band.places, band.places[1:], strict=False)):
        begin = (start[0] + (edge if place == 0 else 0), start[1])
        _ribbon(sheet, ground, begin, end, band.size, colour)
    if band.skips:
        (a, top), (_, low) = band.places[:2]
        spot = ground.spot(a + 0.5, (top + low + band.size) / 2)
        look: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 4}
        sheet.text(*spot, wording.number(band.size), size=6.5, color=NAVY, **look)


def _drops(
    sheet: Axes,
    ground: Ground,
    ends: Sequence[tuple[Drop, float]],
    looks: Mapping[str, str],
    wording: Wording,
) -> None:
    """Draw those who leave at a stage, with their numbers where they end."""
    edge = THICK / ground.step
    written_to: dict[int, float] = {}
    for drop, place in ends:
        low, end = place / ground.scale, drop.column + HALT
        begin = (drop.column + edge, drop.top)
        _ribbon(sheet, ground, begin, (end, low), drop.size, looks[drop.target])
        written = wording.number(drop.size)
        x, y = ground.spot(end, low + drop.size / 2)
        if ground.upright:
            half = text_width(written, SMALL) / 2
            x = max(x, written_to.get(drop.column, 0.0) + half)
            written_to[drop.column] = x + half + 0.07
            sheet.text(x, y - 0.03, written, size=SMALL, color=MUTED, ha="center", va="top")
        else:
            sheet.text(x + 0.05, y, written, size=SMALL, color=MUTED, va="center_baseline")


def _arc(sheet: Axes, ground: Ground, arc: Arc, laid: Course, wording: Wording) -> None:
    """Draw those who go back as an arrow above the stages."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    tops = {node.stage: node.top for node in laid.nodes}
    edge = THICK / ground.step
    self_loop = arc.start == arc.end
    a = arc.start + edge * (1.6 if self_loop else 0.5)
    b = arc.end - edge * (0.6 if self_loop else -0.5)
    up = -(ARCS - 0.12) / 0.75 / ground.scale
    points = [(a, tops[arc.source]), (a, up), (b, up), (b, tops[arc.target])]
    path = Path([ground.spot(*point) for point in points], [Path.MOVETO, *[Path.CURVE4] * 3])
    thick = min(0.7 + arc.size * ground.scale * 6, 3.0)
    sheet.add_patch(
        FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=7, color=BACK, linewidth=thick)
    )
    x, y = ground.spot((a + b) / 2, 0.75 * up)
    look: dict[str, Any] = {"size": 6.5, "color": BACK}
    if ground.upright:
        sheet.text(x - 0.04, y, wording.number(arc.size), ha="right", va="center_baseline", **look)
    else:
        above = 0.03 + thick / 2 / 72  # clear of the line
        sheet.text(x, y + above, wording.number(arc.size), ha="center", **look)


def _node(sheet: Axes, ground: Ground, node: Node, last: bool, wording: Wording) -> None:  # noqa: FBT001
    """Draw a stage's bar with its name and how many leads it saw."""
    edge = THICK / ground.step
    _ribbon(
        sheet,
        ground,
        (node.column, node.top),
        (node.column + edge, node.top),
        node.size,
        NAVY if last else GOOD,
    )
    written = wording.number(node.size)
    name = wording.label(node.stage)
    x, y = ground.spot(node.column + edge / 2, 0)
    if ground.upright:
        wide = text_width(written, SMALL, 600)
        sheet.text(SIDE - 0.1, y, written, size=SMALL, weight=600, ha="right", va="center_baseline")
        fitted = _fit(name, SIDE - 0.25 - wide)
        anchor = "center" if "\n" in fitted else "center_baseline"
        sheet.text(0, y, fitted, size=SMALL, weight=500, va=anchor, linespacing=1.1)
        return
    x, _ = ground.spot(node.column, 0)
    y = sheet.get_ylim()[1] - HEADS + 0.05
    fitted = _fit(name, LAST if last else min(ground.step - 0.08, WIDEST_NAME))
    sheet.text(x, y, written, weight=600, va="bottom")
    sheet.text(
        x,
        y + 0.155,
        fitted,
        size=SMALL,
        weight=500,
        va="bottom",
        linespacing=1.1,
        color=INK,
    )


def _key(laid: Course, looks: Mapping[str, str], wording: Wording) -> dict[str, str]:
    """Name the colours."""
    names = {wording.label(end): look for end, look in looks.items()}
    if any(band.skips for band in laid.bands):
        names[wording.text("skip stages")] = SKIP
    if laid.arcs:
        names[wording.text("go back")] = BACK
    return names


def _describe(counts: Mapping[tuple[str, str], float], wording: Wording) -> str:
    """Say how many go where, for who cannot see it."""
    told: dict[str, list[str]] = {}
    for (stage, target), n in counts.items():
        if n > 0:
            told.setdefault(stage, []).append(f"{wording.label(target)} {wording.number(n)}")
    if not told:
        return wording.text("Flow between stages: no leads in this window.")
    said = "; ".join(f"{wording.label(stage)}: {', '.join(to)}" for stage, to in told.items())
    return wording.text("Flow between stages. {told}.").format(told=said)
