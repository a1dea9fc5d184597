"""A measure over one path (line and band) or two (heat map and contours)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.figures.differences import Scale
from funnelsim.figures.picture import Picture
from funnelsim.figures.style import INK, MUTED, NAVY, SMALL, WIDTH, house_style, page, panel
from funnelsim.figures.wording import SECONDS, Wording, duration_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["grid"]

Floats = NDArray[np.float64]

HEIGHT: Final = 3.4
LEFT: Final = 0.95
FOOT: Final = 0.5
HEAD: Final = 0.3
BAR: Final = 1.15
CONTOURS: Final = 5
MOST_TICKS: Final = 7


def grid(  # noqa: PLR0913 - keywords with defaults
    frame: pd.DataFrame,
    *,
    positions: Mapping[str, Floats],
    units: Mapping[str, str],
    name: str,
    currency: str = "",
    regular: bool = True,
    labels: Mapping[str, str] | None = None,
    lang: str = "en",
    text: Callable[[str], str] = str,
) -> Picture:
    r"""Draw one measure of a sweep.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of one measure: a column per path with its values as written, and unit, value,
        lo, hi.
    positions : mapping of str to ndarray, shape (rows,)
        By path: where the values lie on its axis. One path or two.
    units : mapping of str to str
        By path: ``s``, ``/ h``, ``share``, ``category`` or empty.
    name : str
        What the measure is called.
    currency : str
        ISO code.
    regular : bool
        Whether the points form a grid; if not (a Latin hypercube) they are drawn one by one.
    labels : mapping of str to str, optional
        Names of paths.
    lang : str
        Language of numbers.
    text : callable
        Translates the picture's few words.

    Returns
    -------
    Picture

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"teams.desk.seats": [1, 2], "unit": "deals", "value": [9.0, 20.0],
    ...     "lo": [8.0, 18.0], "hi": [10.0, 22.0]})
    >>> grid(frame, positions={"teams.desk.seats": np.array([1.0, 2.0])},
    ...     units={"teams.desk.seats": ""}, name="deals won").alt
    'deals won over teams.desk.seats (1 to 2): from 9 at 1 to 20 at 2.'
    """
    wording = Wording(labels or {}, lang, text)
    values = frame["value"].to_numpy(float)
    scale = Scale(str(frame["unit"].iloc[0]), wording, values, currency)
    paths = list(positions)
    axes_of = [_Axis(frame, path, positions[path], units[path], wording) for path in paths]
    with house_style():
        figure = page(HEIGHT)
        room = WIDTH - LEFT - (BAR if len(paths) > 1 else 0.12)
        axes = panel(figure, (LEFT, FOOT, room, HEIGHT - FOOT - HEAD))
        sheet = panel(figure, blank=True)
        if len(paths) == 1:
            _line(axes, frame, axes_of[0], scale, regular=regular)
            sheet.text(0, HEIGHT - 0.14, name, weight=500, va="center_baseline")
        else:
            bar = panel(figure, (LEFT + room + 0.16, FOOT, 0.14, HEIGHT - FOOT - HEAD))
            _map(axes, bar, values, axes_of, scale, regular=regular)
            axes_of[1].ticks(axes.yaxis)
            title = wording.label(paths[1])
            sheet.text(0, HEIGHT - 0.14, title, size=SMALL, color=MUTED, va="center_baseline")
            look: dict[str, Any] = {"weight": 500, "ha": "right", "va": "center_baseline"}
            sheet.text(WIDTH, HEIGHT - 0.14, name, **look)
        axes_of[0].ticks(axes.xaxis)
        axes.set_xlabel(wording.label(paths[0]))
    return Picture(figure, _describe(frame, values, axes_of, scale, name, wording))


class _Axis:
    """A path: where its values lie and how they are written."""

    def __init__(
        self, frame: pd.DataFrame, path: str, at: Floats, unit: str, wording: Wording
    ) -> None:
        self.path, self.spots, self.unit, self.wording = path, at, unit, wording
        self.written = dict(zip(at.tolist(), map(str, frame[path]), strict=True))

    @property
    def places(self) -> Floats:
        """Different positions, rising."""
        places: Floats = np.unique(self.spots)
        return places

    def ticks(self, axis: Any) -> None:  # noqa: ANN401 - x or y axis of matplotlib
        """Mark the values themselves; round numbers where there are too many."""
        places = self.places
        if len(places) > MOST_TICKS and self.unit != "category":
            places = self._round()
        names = [self.name(float(place)) for place in places]
        axis.set_ticks(places, names)

    def _round(self) -> Floats:
        """Few round numbers of a unit that a person would use."""
        from matplotlib.ticker import MaxNLocator

        low, high = self.places[0], self.places[-1]
        size = {"s": SECONDS[duration_unit(high)], "/ h": 1 / 24}.get(self.unit, 1.0)
        ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low / size, high / size)
        rounded: Floats = np.asarray(ticks) * size
        inside: Floats = rounded[(rounded >= low) & (rounded <= high)]
        return inside

    def name(self, place: float) -> str:
        """A value as a person writes it."""
        if place in self.written:
            written: str = self.written[place]
            return written
        if self.unit == "s":
            return self.wording.duration(place)
        if self.unit == "share":
            return self.wording.share(place)
        if self.unit == "/ h":
            return self.wording.figure(place * 24) + " / d"
        return self.wording.figure(place)


def _line(axes: Axes, frame: pd.DataFrame, axis: _Axis, scale: Scale, *, regular: bool) -> None:
    """Means with the band of their intervals, averaged where several share a place."""
    from funnelsim.figures.axis import value_axis

    means = [_averaged(axis.spots, frame[name].to_numpy(float)) for name in ("value", "lo", "hi")]
    if axis.unit == "category" or not regular:
        axes.errorbar(axis.places, means[0], _arms(means), fmt="o", color=NAVY, elinewidth=1.2)
        if axis.unit == "category":
            axes.set_xlim(axis.places[0] - 0.5, axis.places[-1] + 0.5)
    else:
        axes.fill_between(axis.places, means[1], means[2], color=NAVY, alpha=0.18, linewidth=0)
        axes.plot(axis.places, means[0], "o-", color=NAVY, markersize=4, linewidth=1.4)
    value_axis(axes, scale.value)


def _arms(means: list[Floats]) -> Floats:
    """Lengths of the intervals' arms below and above."""
    arms: Floats = np.stack([means[0] - means[1], means[2] - means[0]])
    known: Floats = np.nan_to_num(np.abs(arms))
    return known


def _averaged(at: Floats, values: Floats) -> Floats:
    """Mean of the values at each place."""
    places, where = np.unique(at, return_inverse=True)
    known = ~np.isnan(values)
    total = np.bincount(where[known], values[known], len(places))
    count = np.bincount(where[known], minlength=len(places))
    means: Floats = np.divide(total, count, out=np.full(len(places), np.nan), where=count > 0)
    return means


def _map(
    axes: Axes, bar: Axes, values: Floats, both: list[_Axis], scale: Scale, *, regular: bool
) -> None:
    """Colours by value, with lines of equal value where they make sense."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    across, up = both
    colours = _colours()
    if regular:
        table = _table(values, across, up)
        drawn: Any = axes.pcolormesh(_edges(across), _edges(up), table, cmap=colours, zorder=0)
        x, y = across.places, up.places
        smooth = min(table.shape) > 1 and not np.isnan(table).any() and np.ptp(table) > 0
        if smooth and "category" not in {across.unit, up.unit}:
            lines = axes.contour(x, y, table, CONTOURS, colors=INK, linewidths=0.7)
            axes.clabel(lines, fmt=lambda level: scale.value(float(level)), fontsize=SMALL)
    else:
        known = ~np.isnan(values)
        x, y = across.spots[known], up.spots[known]
        look: dict[str, Any] = {"cmap": colours, "edgecolors": INK, "linewidths": 0.5}
        if _spread(x, y) and np.ptp(values[known]) > 0:
            axes.tricontourf(x, y, values[known], 12, cmap=colours, alpha=0.75, zorder=0)
        drawn = axes.scatter(x, y, c=values[known], s=42, zorder=3, **look)
        axes.margins(0.04)
    axes.spines[["left", "bottom"]].set_visible(False)
    scaled = axes.figure.colorbar(drawn, cax=bar)
    scaled.outline.set_visible(False)
    scaled.locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    scaled.formatter = FuncFormatter(lambda value, _: scale.value(value))
    scaled.update_ticks()


def _spread(x: Floats, y: Floats) -> bool:
    """Whether points span an area."""
    centred = np.stack([x - x.mean(), y - y.mean()]) if len(x) > 3 else np.zeros((2, 1))  # noqa: PLR2004
    spans = centred / np.maximum(np.abs(centred).max(axis=1, keepdims=True), 1e-300)
    return bool(np.linalg.svd(spans, compute_uv=False).min() > 1e-6)  # noqa: PLR2004


def _table(values: Floats, across: _Axis, up: _Axis) -> Floats:
    """Values by row (up) and column (across), averaged over all other paths."""
    shape = len(up.places), len(across.places)
    at = np.searchsorted(up.places, up.spots) * shape[1] + np.searchsorted(
        across.places, across.spots
    )
    found = np.full(shape[0] * shape[1], np.nan)
    found[np.unique(at)] = _averaged(at.astype(float), values)
    return found.reshape(shape)


def _edges(axis: _Axis) -> Floats:
    """Borders between the places, half-way."""
    places = axis.places
    if len(places) == 1:
        return np.array([places[0] - 0.5, places[0] + 0.5])
    middle = (places[1:] + places[:-1]) / 2
    first, last = places[0] - (middle[0] - places[0]), places[-1] + (places[-1] - middle[-1])
    return np.concatenate([[first], middle, [last]])


def _colours() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("house", ["#f3f8fc", "#9ecae1", "#5499c8", NAVY])


def _describe(
    frame: pd.DataFrame,
    values: Floats,
    axes: list[_Axis],
    scale: Scale,
    name: str,
    wording: Wording,
) -> str:
    """Say the range, and where the least and the most is."""
    over = wording.text(" and ").join(
        f"{wording.label(axis.path)} ({axis.name(axis.places[0])} "
        f"{wording.text('to')} {axis.name(axis.places[-1])})"
        for axis in axes
    )
    if np.isnan(values).all():
        return wording.text("{measure} over {paths}: no values.").format(measure=name, paths=over)
    least, most = int(np.nanargmin(values)), int(np.nanargmax(values))
    where = [", ".join(str(frame[axis.path].iloc[i]) for axis in axes) for i in (least, most)]
    return wording.text(
        "{measure} over {paths}: from {low} at {there} to {high} at {here}."
    ).format(
        measure=name,
        paths=over,
        low=scale.value(values[least]),
        there=where[0],
        high=scale.value(values[most]),
        here=where[1],
    )
