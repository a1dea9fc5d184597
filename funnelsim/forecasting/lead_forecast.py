"""A forecast of leads: possible futures of every segment, and the tables read from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.figures.wording import Wording
from funnelsim.forecasting.hierarchy import Tree
from funnelsim.forecasting.remarks import Remark
from funnelsim.forecasting.samples import levels
from funnelsim.forecasting.series import ALL, Every, SeriesSet, periods_ahead

if TYPE_CHECKING:
    from funnelsim.figures import Picture

__all__ = ["LeadForecast"]

Floats = NDArray[np.float64]

LEVEL: Final = 0.95
ISSUED: Final = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


@dataclass(frozen=True, eq=False)
class LeadForecast:
    """What is to come, period by period.

    Parameters
    ----------
    history : SeriesSet
        What it rests on, treated; one series per segment.
    periods : pandas.DatetimeIndex
        When the periods ahead begin (local dates).
    bottom : ndarray, shape (n_paths, n_periods, n_segments)
        Possible futures, each as likely as the others.
    tree : Tree
        The sums of segments.
    what, unit : str
        What is counted.
    hours : pandas.DataFrame, shape (7, 24)
        Share of a week's leads by weekday (Monday is 0) and local hour; empty where the
        history knows no hours.
    time_zone : str
    remarks : tuple of Remark
        What was done to the history.
    models : mapping of str to int
        How many series each model was used for.
    """

    history: SeriesSet
    periods: pd.DatetimeIndex
    bottom: NDArray[np.generic] = field(repr=False)
    tree: Tree = field(repr=False)
    what: str = "leads"
    unit: str = "leads"
    hours: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    time_zone: str = ""
    remarks: tuple[Remark, ...] = ()
    models: Mapping[str, int] = field(default_factory=dict)

    @property
    def every(self) -> Every:
        """The step."""
        return self.history.every

    @property
    def by(self) -> tuple[str, ...]:
        """Columns that tell the segments apart."""
        return self.history.by

    @property
    def segments(self) -> pd.DataFrame:
        """What each segment stands for, in the order of the paths' last axis."""
        return self.tree.nodes.tail(self.tree.n_bottom).reset_index(drop=True)

    @property
    def paths(self) -> NDArray[np.generic]:
        """Possible futures, shape (n_paths, n_periods[, n_segments])."""
        return self.bottom if self.by else self.bottom[:, :, 0]

    @property
    def total(self) -> NDArray[np.generic]:
        """Of all segments together, shape (n_paths, n_periods)."""
        summed: NDArray[np.generic] = self.bottom.sum(axis=2)
        return summed

    @property
    def table(self) -> pd.DataFrame:
        """By period and node (segments, and ``(all)`` for sums): mean and quantiles.

        ``period`` (its beginning), the columns of `by`, ``measure``, ``unit``, ``mean``,
        ``p10``, ``p50``, ``p90``, ``lo``, ``hi`` (at ``level``). Means of segments add up,
        quantiles do not.
        """
        nodes = self.tree.total(self.bottom.astype(float))
        parts = []
        for k, key in enumerate(self.tree.nodes.to_dict("records")):
            part = _quantiles(nodes[:, :, k])
            part.insert(0, "period", self.periods)
            for place, (name, value) in enumerate(key.items()):
                part.insert(1 + place, name, value)
            parts.append(part)
        return self._named(pd.concat(parts, ignore_index=True))

    @property
    def sums(self) -> pd.DataFrame:
        """Over all periods ahead, by node: as `table`, with ``start`` and ``end``."""
        nodes = self.tree.total(self.bottom.astype(float)).sum(axis=1)
        frame = pd.concat([self.tree.nodes, _quantiles(nodes)], axis=1)
        frame.insert(0, "start", self.periods[0])
        frame.insert(1, "end", periods_ahead(self.periods[-1], self.every, 1)[0])
        return self._named(frame)

    def issued(self) -> pd.DataFrame:
        """The forecast as it is kept: cutoff, series, period_start, period_end, unit, quantile."""
        nodes = self.tree.total(self.bottom.astype(float))
        rows = levels(nodes, ISSUED)
        ends = self.periods[1:].append(periods_ahead(self.periods[-1], self.every, 1))
        called = self.tree.nodes.agg(" / ".join, axis=1) if self.by else [""]
        parts = [
            pd.DataFrame(
                {
                    "cutoff": self.periods[0],
                    "series": f"{self.what}:{name}"
                    if name.replace(ALL, "").strip(" /")
                    else self.what,
                    "period_start": np.repeat(self.periods, len(ISSUED)),
                    "period_end": np.repeat(ends, len(ISSUED)),
                    "unit": self.unit,
                    "quantile": np.tile(ISSUED, len(self.periods)),
                    "value": rows[:, :, k].T.ravel(),
                }
            )
            for k, name in enumerate(called)
        ]
        return pd.concat(parts, ignore_index=True)

    def sentence(self, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """The forecast in one sentence.

        Parameters
        ----------
        lang : str
            Language of numbers and dates.
        text : callable
            Translates the words.

        Returns
        -------
        str
        """
        from funnelsim.forecasting.sentences import lead_sentence

        return lead_sentence(self, Wording(lang=lang, text=text))

    def plot(self, *, lang: str = "en", text: Callable[[str], str] = str) -> Picture:
        """History and forecast as a fan chart."""
        from funnelsim.figures.fan import fan

        past = self.history.frame.groupby("at")[["y"]].sum().reset_index()
        ahead = self.table.head(len(self.periods))  # the sum of all comes first
        return fan(past, ahead, lang=lang, text=text)

    def plot_segments(
        self, *, most: int = 8, lang: str = "en", text: Callable[[str], str] = str
    ) -> Picture:
        """Fan charts of the segments that bring most, each with a scale of its own."""
        from funnelsim.figures.fan import fans

        table, n = self.table, len(self.periods)
        first = len(self.tree.nodes) - self.tree.n_bottom
        order = np.argsort(-self.bottom.sum(axis=(0, 1)), kind="stable")[:most]
        panels = {}
        for k, (name, past) in enumerate(self.history):
            if k in order:
                rows = table.iloc[(first + k) * n : (first + k + 1) * n]
                panels[name] = (past.rename("y").reset_index(), rows)
        return fans(panels, lang=lang, text=text)

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Put in what is measured, before the numbers."""
        place = list(frame.columns).index("mean")
        frame.insert(place, "measure", self.what)
        frame.insert(place + 1, "unit", self.unit)
        return frame


def _quantiles(draws: Floats) -> pd.DataFrame:
    """Mean and quantiles over the first axis."""
    half = (1 - LEVEL) / 2
    found = levels(draws, (0.1, 0.5, 0.9, half, 1 - half))
    frame = pd.DataFrame(found.T, columns=["p10", "p50", "p90", "lo", "hi"])
    frame.insert(0, "mean", draws.mean(axis=0))
    return frame.assign(level=LEVEL)
