"""A revenue forecast stated with ranges that past promises have corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.forecasting.samples import levels as sample_levels
from funnelsim.planning.issued import actuals, matched
from funnelsim.planning.recalibration import recalibrated
from funnelsim.planning.revenue.cells import calendar
from funnelsim.planning.revenue.rescaling import rescaled
from funnelsim.planning.revenue.revenue_forecast import SERIES, RevenueForecast
from funnelsim.planning.revenue.top_down import MEASURES

if TYPE_CHECKING:
    from funnelsim.planning.revenue.cells import Cells

__all__ = ["restate"]

Floats = NDArray[np.float64]

TINY = 1e-9


def restate(made: RevenueForecast, history: EventLog, issued: pd.DataFrame) -> RevenueForecast:
    """State a forecast with ranges corrected by how those issued earlier held.

    The outcomes of every period are moved so that its quantiles become those of
    `recalibrated`; a run that was the tenth best of a period stays that. So sums, quarters and
    chances of a plan rest on the same corrected ranges, and `RevenueForecast.issued` gives both:
    what is stated (``value``) and what was simulated (``raw``).

    Parameters
    ----------
    made : RevenueForecast
        As it was simulated; one that is restated already is given back as it is.
    history : EventLog
        Ends at the cutoff.
    issued : pandas.DataFrame
        From `read_issued`: forecasts of earlier cutoffs; later ones are not looked at.

    Returns
    -------
    RevenueForecast

    References
    ----------
    Clark et al. (2004), Journal of Hydrometeorology 5: 243-262 (ranks keep what belongs
    together when margins are corrected).

    Examples
    --------
    >>> import funnelsim as fs
    >>> from funnelsim import shipped
    >>> media = fs.load(shipped.scenarios() / "storage-media.yaml")
    >>> log = fs.simulate(media, seed=1)
    >>> made = fs.forecast_revenue(fs.calibrate(log), horizon="4 w", n=2, past=pd.DataFrame())
    >>> told = restate(made, log, made.issued())  # of today: nothing of it is over yet
    >>> bool((told.issued()["value"] == told.issued()["raw"]).all())
    True
    """
    if made.raw is not None:
        return made
    now = made.issued()
    earlier = issued[issued["cutoff"] < made.start]
    past = matched(earlier, actuals(history, earlier))
    corrected = recalibrated(now, past) if len(now) and len(past) else now.assign(raw=now["value"])
    told = replace(made, raw=corrected[["series", "period_start", "quantile", "raw"]])
    if np.array_equal(corrected["value"], corrected["raw"]):
        return told
    sums = made.ways["combined"]
    stated = sums.copy()
    for place, series in enumerate(SERIES[measure] for measure in MEASURES):
        stated[..., place] = _moved(sums[..., place], made.cells, corrected, series)
    paths, factor = rescaled(made.paths, stated)
    run, cell = made.won["run"].to_numpy(int), made.won["cell"].to_numpy(int)
    size = {"value": made.won["value"] * factor[run, cell, 1]}
    size |= {"count": made.won["count"] * factor[run, cell, 0]}
    cash = made.cash
    if cash is not None:
        cash = _moved(cash, made.cells, corrected, "paid_value")
    ways = {**made.ways, "combined": stated}
    return replace(told, paths=paths, ways=ways, won=made.won.assign(**size), cash=cash)


def _moved(paths: Floats, cells: Cells, corrected: pd.DataFrame, series: str) -> Floats:
    """Sums of cells whose periods have the corrected quantiles."""
    mine = corrected[corrected["series"] == series]
    names = calendar(pd.DatetimeIndex(mine["period_start"]), cells.zone, cells.freq)
    periods, sums = cells.sums(paths)
    made = paths.copy()
    levels, shift = np.array([0.0, 1.0]), np.zeros(2)
    for place, period in enumerate(periods):
        rows = mine[names == period].sort_values("quantile")
        if len(rows):  # a period that the horizon cuts off is moved like the last whole one
            levels = rows["quantile"].to_numpy(float)
            raw, value = (rows[name].to_numpy(float) for name in ("raw", "value"))
            shift = (value - raw) / max(raw[-1] - raw[0], TINY)
        of_it = np.flatnonzero(cells.periods() == period)
        stated = _shifted(sums[:, place], levels, shift)
        made[:, of_it] = _shared_out(paths[:, of_it], stated)
    return made


def _shifted(draws: Floats, levels: Floats, shift: Floats) -> Floats:
    """Draws moved rank by rank, in widths of their outermost band; none below nothing."""
    order = np.argsort(draws, kind="stable")
    ranks = (np.arange(len(draws)) + 0.5) / len(draws)
    low, high = sample_levels(draws, [levels[0], levels[-1]])
    moved = draws[order] + np.interp(ranks, levels, shift) * (high - low)
    made = np.empty_like(draws)
    made[order] = np.maximum.accumulate(moved).clip(min=0.0)
    return made


def _shared_out(parts: Floats, sums: Floats) -> Floats:
    """Parts that add up to other sums, path by path."""
    was = parts.sum(axis=1)
    usual = parts.mean(axis=0)
    share = usual / usual.sum() if usual.any() else np.full(len(usual), 1 / len(usual))
    factor = np.divide(sums, was, out=np.zeros_like(sums), where=was > 0)
    return np.asarray(
        np.where(was[:, None] > 0, parts * factor[:, None], sums[:, None] * share), dtype=float
    )
