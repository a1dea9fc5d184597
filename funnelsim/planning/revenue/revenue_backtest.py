"""Revenue forecasts made at past cutoffs, with what was known then, beside what came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.snapshot import snapshot
from funnelsim.errors import InputError
from funnelsim.events import EventLog
from funnelsim.forecasting.samples import levels
from funnelsim.forecasting.scores import crps
from funnelsim.planning.pipeline.rules_of_thumb import RULES_OF_THUMB, facts
from funnelsim.planning.revenue.bottom_up import build_from_below
from funnelsim.planning.revenue.cells import Cells, cells_between
from funnelsim.planning.revenue.combining import combine, doubted, weights
from funnelsim.planning.revenue.top_down import MEASURES, look_from_above

__all__ = [
    "BACKTEST_RUNS",
    "USUAL_WEIGHTS",
    "WAYS",
    "backtest_revenue",
    "measure_of",
    "past_cutoffs",
    "past_errors",
]

Floats = NDArray[np.float64]

WAYS: Final = ("bottom_up", "top_down")
USUAL_WEIGHTS: Final = {"bottom_up": 0.9, "top_down": 0.1}
"""Where nothing was tried yet. Bottom-up knows what the series knows, and the open deals: on
generated worlds any weight of the series made the forecast worse (docs/evidence.md); a tenth
guards against a funnel that is described wrongly, and past errors can give it more."""
PEERS: Final = ("stage_weighted", "last_period")
TOTAL: Final = "total"
BACKTEST_RUNS: Final = 40
MOST_CUTOFFS: Final = 6
QUARTER: Final = pd.Timedelta(weeks=13)


def past_cutoffs(
    history: EventLog, end: pd.Timestamp, most: int = MOST_CUTOFFS
) -> tuple[list[pd.Timestamp], pd.Timedelta]:
    """Choose cutoffs inside the window, and how far to look from each.

    Parameters
    ----------
    history : EventLog
    end : pandas.Timestamp
        Of the horizon that is asked about.
    most : int

    Returns
    -------
    tuple of list of pandas.Timestamp and pandas.Timedelta
        None where the window is too short or its history not full; each cutoff has half of
        the window, or more, before it.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> past_cutoffs(BANK, BANK.meta.observed_until + pd.Timedelta(weeks=4))[0]
    []
    """
    begin, until = (
        pd.Timestamp(t) for t in (history.meta.observed_from, history.meta.observed_until)
    )
    window = until - begin
    ahead = min(end - until, QUARTER, window / 4).floor("D")
    first = begin + max(window * 0.4, pd.Timedelta(weeks=6))
    last = _later(until, -ahead, history.meta.time_zone)
    if history.meta.history != "full" or ahead < pd.Timedelta(days=7) or last <= first:
        return [], ahead
    count = int(min(most, (last - first) / pd.Timedelta(days=7) + 1))
    step = (last - first) / max(count - 1, 1)
    found = [last - i * step for i in reversed(range(count))]
    zone = history.meta.time_zone
    return [_midnight(moment, zone) for moment in found], ahead


def backtest_revenue(
    history: EventLog,
    *,
    cutoffs: Sequence[pd.Timestamp],
    ahead: pd.Timedelta,
    n: int = BACKTEST_RUNS,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Forecast from past cutoffs and compare with what came.

    Parameters
    ----------
    history : EventLog
        Full history.
    cutoffs : sequence of pandas.Timestamp
    ahead : pandas.Timedelta
        How far, by the wall clock; has to end inside the window.
    n : int
        Runs and paths.
    seed : int
    progress : callable, optional
        Told the share done.

    Returns
    -------
    pandas.DataFrame
        A row per cutoff, way (``bottom_up``, ``top_down``, ``combined``, and what people do
        without a model: ``stage_weighted``, ``last_period``) and span (a month, ``total``):
        ``begin``, ``end``, ``actual``, ``mean``, ``p10``, ``p50``, ``p90``, ``crps``,
        ``covered_80``, ``unit``. A cutoff at which nothing can be calibrated is left out.
    """
    place = MEASURES.index(measure_of(history))
    rows: list[dict[str, object]] = []
    zone = history.meta.time_zone
    for number, cutoff in enumerate(sorted(cutoffs)):
        past = history.as_of(cutoff)
        cells = cells_between(cutoff, _later(cutoff, ahead, zone), zone, "month")
        try:
            drawn, reach = _ways(past, cells, n, seed)
        except (InputError, ValueError):  # too little is known yet, or it fits no distribution
            continue
        known = pd.DataFrame(rows)
        known = known[known["end"] <= cutoff] if len(known) else known
        samples = {way: paths[..., place] for way, paths in drawn.items()}
        samples["combined"] = samples["bottom_up"]
        if "top_down" in samples:
            weight = doubted(weights(past_errors(known), USUAL_WEIGHTS), "top_down", reach)
            samples["combined"] = combine(
                samples["bottom_up"], samples["top_down"], weight["bottom_up"]
            )
        came = _came(history, past, cells)[:, place]
        rows += _rows(cutoff, samples, came, cells)
        rows += _peers(cutoff, past, came, cells, place, n, seed)
        if progress is not None:
            progress((number + 1) / len(cutoffs))
    made = pd.DataFrame(rows)
    return made.assign(unit="minor" if place else "deals") if len(made) else made


def past_errors(table: pd.DataFrame) -> dict[str, list[float]]:
    """Errors of both ways by cutoff, comparable between cutoffs.

    Parameters
    ----------
    table : pandas.DataFrame
        From `backtest_revenue`; may be empty.

    Returns
    -------
    dict of str to list of float
        CRPS of the months and of their sum, by what came and was usual.
    """
    if not len(table):
        return {way: [] for way in WAYS}
    both = table[table["way"].isin(WAYS)]
    added = both.pivot_table(index="cutoff", columns="way", values="crps", aggfunc="sum")
    if set(WAYS) - set(added.columns):
        return {way: [] for way in WAYS}
    added = added.dropna()
    whole = table[table["span"] == TOTAL]
    size = whole.groupby("cutoff")[["actual", "mean"]].mean().mean(axis=1).reindex(added.index)
    added = added.div(size.where(size > 0, 1.0), axis=0)
    return {way: added[way].tolist() for way in WAYS}


def measure_of(history: EventLog) -> str:
    """What can be forecast: the value won, or, where no win has one, the number of wins."""
    outcomes = history.outcomes()
    worth = outcomes.loc[outcomes["outcome"] == "won", "value"].fillna(0)
    return "won_value" if (worth > 0).any() else "won"


def _midnight(moment: pd.Timestamp, zone: str) -> pd.Timestamp:
    """The beginning of its day."""
    day = moment.tz_convert(zone).tz_localize(None).normalize()
    return day.tz_localize(zone, nonexistent="shift_forward", ambiguous=True).tz_convert("UTC")


def _later(moment: pd.Timestamp, ahead: pd.Timedelta, zone: str) -> pd.Timestamp:
    """A moment so much later on the wall clock."""
    moved = moment.tz_convert(zone).tz_localize(None) + ahead
    return moved.tz_localize(zone, nonexistent="shift_forward", ambiguous=True).tz_convert("UTC")


def _ways(past: EventLog, cells: Cells, n: int, seed: int) -> tuple[dict[str, Floats], float]:
    """Paths of both ways, shape (n, cells, measures), and how far the series reaches."""
    from funnelsim.calibration.fitting import calibrate

    fit = calibrate(past)
    below = build_from_below(fit.sampler, snapshot(past), cells, n=n, seed=seed)
    found = {"bottom_up": below.paths.sum(axis=2)}
    above = look_from_above(past, cells, n=n, seed=seed)
    if above is None:
        return found, 0.0
    return found | {"top_down": above.paths}, above.reach


def _came(history: EventLog, past: EventLog, cells: Cells) -> Floats:
    """What came, shape (cells, measures)."""
    before = past.outcomes()
    after = history.as_of(cells.cuts[-1]).outcomes()
    done = before.loc[before["outcome"] != "open", "lead_id"]
    won = after[(after["outcome"] == "won") & ~after["lead_id"].isin(done)]
    sums = np.zeros((len(cells), len(MEASURES)))
    cell = cells.of(won["closed_at"])
    np.add.at(sums[:, 0], cell, 1.0)
    np.add.at(sums[:, 1], cell, won["value"].fillna(0).to_numpy(dtype=float))
    return sums


def _rows(
    cutoff: pd.Timestamp, samples: Mapping[str, Floats], came: Floats, cells: Cells
) -> Iterator[dict[str, object]]:
    """Scores of every way, by month and in all."""
    periods, _ = cells.sums(came[None], "month")
    begins, ends = _bounds(cells, periods)
    for way, paths in samples.items():
        _, by_month = cells.sums(paths, "month")
        _, actual = cells.sums(came[None], "month")
        for p, period in enumerate(periods):
            span = {"span": str(period), "begin": begins[p], "end": ends[p]}
            yield _row(cutoff, way, by_month[:, p], float(actual[0, p])) | span
        span = {"span": TOTAL, "begin": cells.cuts[0], "end": cells.cuts[-1]}
        yield _row(cutoff, way, paths.sum(axis=1), float(came.sum())) | span


def _bounds(cells: Cells, periods: pd.PeriodIndex) -> tuple[list[pd.Timestamp], list[pd.Timestamp]]:
    """Where the months of the horizon begin and end."""
    codes = periods.get_indexer(cells.periods("month"))
    begins = [cells.cuts[:-1][codes == p].min() for p in range(len(periods))]
    return begins, [cells.cuts[1:][codes == p].max() for p in range(len(periods))]


def _peers(
    cutoff: pd.Timestamp,
    past: EventLog,
    came: Floats,
    cells: Cells,
    place: int,
    n: int,
    seed: int,
) -> Iterator[dict[str, object]]:
    """Scores of what people do without a model; of the whole span only."""
    days = (cells.cuts[-1] - cells.cuts[0]) / pd.Timedelta(days=1)
    known = facts(past)
    for rule in PEERS:
        rng = np.random.default_rng([seed, len(rule)])
        draws = [RULES_OF_THUMB[rule](known, days, rng)[:, place].sum() for _ in range(n)]
        span = {"span": TOTAL, "begin": cells.cuts[0], "end": cells.cuts[-1]}
        yield _row(cutoff, rule, np.array(draws), float(came.sum())) | span


def _row(cutoff: pd.Timestamp, way: str, draws: Floats, actual: float) -> dict[str, object]:
    """One forecast beside what came."""
    p10, p50, p90 = levels(draws, [0.1, 0.5, 0.9])
    return {
        "cutoff": cutoff,
        "way": way,
        "actual": actual,
        "mean": float(draws.mean()),
        "p10": p10,
        "p50": p50,
        "p90": p90,
        "crps": float(crps(draws, actual)),
        "covered_80": bool(p10 <= actual <= p90),
    }
