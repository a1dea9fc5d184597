"""What will be won and when: top-down, bottom-up, and both by how well each did before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.snapshot import Snapshot, snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.planning.coming import bringing
from funnelsim.planning.revenue.bottom_up import GROUPS, BottomUp, build_from_below
from funnelsim.planning.revenue.cash import cash_paths, payments
from funnelsim.planning.revenue.cells import (
    Cells,
    Freq,
    calendar,
    cells_between,
    horizon_end,
    usual_freq,
)
from funnelsim.planning.revenue.combining import combine, doubted, weights
from funnelsim.planning.revenue.plan import Plan, read_plan
from funnelsim.planning.revenue.rescaling import rescaled
from funnelsim.planning.revenue.revenue_backtest import (
    USUAL_WEIGHTS,
    backtest_revenue,
    measure_of,
    past_cutoffs,
    past_errors,
)
from funnelsim.planning.revenue.revenue_forecast import RevenueForecast
from funnelsim.planning.revenue.top_down import MEASURES, TopDown, look_from_above

if TYPE_CHECKING:
    from funnelsim.calibration.fitting import Fit
    from funnelsim.forecasting.lead_forecast import LeadForecast

__all__ = ["RUNS", "forecast_revenue"]

Floats = NDArray[np.float64]

RUNS = 200
YOUNG = 26
"""Weeks of history under which seasons cannot be known."""


def forecast_revenue(  # noqa: PLR0913 - one keyword per thing that can be said
    fit: Fit,
    *,
    start: Snapshot | None = None,
    history: EventLog | None = None,
    horizon: str = "26 w",
    freq: Freq | None = None,
    plan: Plan | None = None,
    leads: LeadForecast | None = None,
    past: pd.DataFrame | None = None,
    seed: int = 0,
    n: int = RUNS,
    progress: Callable[[float], None] | None = None,
) -> RevenueForecast:
    """Forecast revenue three ways: from the deals, from the series, and both combined.

    Bottom-up simulates the calibrated funnel on from the open deals, leads to come and people's
    capacity included; every run draws its parameters anew and uses them for all deals, so that
    sums are as uncertain as they should be. Top-down carries on the weekly series of what was
    won. Both are tried at past cutoffs, with what was known then, and combined quantile by
    quantile with weights from their errors there, shrunk to 9 to 1 for bottom-up where few are
    known.

    Parameters
    ----------
    fit : Fit
        From `calibrate`, made of data up to the start.
    start : Snapshot, optional
        The open deals. Left out: those at the end of the history.
    history : EventLog, optional
        Left out: the data of the fit. What lies after the start is not looked at.
    horizon : str
        How far: ``26 w``, ``6 mo``.
    freq : {"week", "month", "quarter"}, optional
        Periods of the calendar; left out: months, for short horizons weeks, for long quarters.
    plan : float, DataFrame, str or Path, optional
        See `read_plan`; amounts in whole units of the currency.
    leads : LeadForecast, optional
        From `forecast_leads`: the leads to come, path by path. Left out: those that calibration
        expects.
    past : pandas.DataFrame, optional
        From `backtest_revenue`, where it is there already; an empty one: the usual weights.
    seed : int
    n : int
        Runs and paths, 2 or more.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    RevenueForecast

    Raises
    ------
    InputError
        A fit that has seen more than the start, amounts in several currencies, a plan that does
        not fit the horizon, numbers out of range.
    """
    known = fit.log if history is None else history
    if start is not None and pd.Timestamp(start.at) < known.meta.observed_until:
        known = known.as_of(start.at)
    begun = snapshot(known) if start is None else start
    _check(fit, begun, known, n)
    zone = known.meta.time_zone
    at, end = pd.Timestamp(known.meta.observed_until), horizon_end(known, horizon)
    cells = cells_between(at, end, zone, freq or usual_freq(at, end))
    measure, currency = measure_of(known), known.meta.currency
    before = _before(known, cells)
    aims = None
    if plan is not None:
        names = known.leads[list(GROUPS)]
        aims = read_plan(plan, cells, currency if measure == "won_value" else "JPY", names)
    say = progress or (lambda _share: None)
    world = fit.sampler if leads is None else bringing(fit.sampler, leads, end, seed=seed)
    below = build_from_below(
        world, begun, cells, n=n, seed=seed, progress=lambda share: say(share / 2)
    )
    above = look_from_above(known, cells, n=n, seed=seed)
    cutoffs: list[pd.Timestamp] = []
    if past is None:
        cutoffs, ahead = past_cutoffs(known, end)
        past = backtest_revenue(
            known,
            cutoffs=cutoffs,
            ahead=ahead,
            seed=seed,
            progress=lambda share: say(0.5 + share / 2),
        )
    elif len(past):
        past = past[past["end"] <= at]
    weight = {"bottom_up": 1.0}
    if above is not None:
        weight = doubted(weights(past_errors(past), USUAL_WEIGHTS), "top_down", above.reach)
    ways, paths, won = _together(below, above, weight)
    paid = payments(known)
    cash = None
    if paid is not None:
        money = won.assign(closed_at=below.won["closed_at"])
        cash = cash_paths(paid, money, cells.cuts, n=n, seed=seed)
    say(1.0)
    return RevenueForecast(
        start=at,
        cells=cells,
        measure=measure,
        currency=currency,
        paths=paths,
        ways=ways,
        weights=weight,
        reach=1.0 if above is None else above.reach,
        cash=cash,
        won=won,
        before=before,
        cashed=_cashed(known, cells),
        deals=below.deals,
        past=past,
        plan=aims,
        payments=paid,
        notes=tuple(_notes(known, measure, above, past, len(cutoffs))),
        seed=seed,
    )


def _together(
    below: BottomUp, above: TopDown | None, weight: Mapping[str, float]
) -> tuple[dict[str, Floats], Floats, pd.DataFrame]:
    """The ways, the combined paths by origin, and the won deals scaled to them."""
    sums = below.paths.sum(axis=2)
    ways = {"bottom_up": sums}
    mixed = sums
    if above is not None:
        ways["top_down"] = above.paths
        mixed = np.stack(
            [
                combine(sums[..., m], above.paths[..., m], weight["bottom_up"])
                for m in range(len(MEASURES))
            ],
            axis=-1,
        )
    ways["combined"] = mixed
    paths, factor = rescaled(below.paths, mixed)
    run, cell = below.won["run"].to_numpy(int), below.won["cell"].to_numpy(int)
    won = below.won.drop(columns="closed_at")
    scaled = {"value": won["value"] * factor[run, cell, 1], "count": factor[run, cell, 0]}
    won = won.assign(worth=won["value"], **scaled)
    return ways, paths, won


def _check(fit: Fit, start: Snapshot, known: EventLog, n: int) -> None:
    """Refuse what would peek or cannot be run."""
    problems = []
    if n < 2:  # noqa: PLR2004 - no spread from one
        problems.append(Problem(f"n is {n!r}", path="n", fix="Give 2 or more."))
    at = pd.Timestamp(start.at)
    if pd.Timestamp(fit.log.meta.observed_until) > at:
        message = f"the fit knows data until {fit.log.meta.observed_until}, the start is {at}"
        fix = "Calibrate on log.as_of(start), or start at the end of the data."
        problems.append(Problem(message, path="fit", fix=fix))
    if pd.Timestamp(known.meta.observed_until) < at:
        message = f"the history ends {known.meta.observed_until}, before the start, {at}"
        problems.append(Problem(message, path="history", fix="Give the history up to the start."))
    ours, theirs = fit.log.meta.currency, known.meta.currency
    if ours != theirs:
        fix = "Convert the amounts to one currency."
        message = f"the fit counts in {ours or 'no currency'}, the history in {theirs or 'none'}"
        problems.append(Problem(message, path="currency", fix=fix))
    if problems:
        raise ParameterError(problems)


def _before(known: EventLog, cells: Cells) -> pd.DataFrame:
    """What was won since the present quarter, or a longer present period, began."""
    outcomes = known.outcomes()
    won = outcomes.loc[outcomes["outcome"] == "won", ["lead_id", "closed_at", "value"]]
    won = won[won["closed_at"] >= _present(cells)]
    won = won.merge(known.leads[["lead_id", *GROUPS]], on="lead_id", how="left")
    groups = {name: won[name].fillna("").astype("str") for name in GROUPS}
    value = won["value"].fillna(0).astype(float)
    return won.assign(value=value, count=1.0, **groups).reset_index(drop=True)


def _cashed(known: EventLog, cells: Cells) -> pd.DataFrame:
    """What was paid since then."""
    paid = known.marks[(known.marks["kind"] == "paid") & (known.marks["at"] >= _present(cells))]
    value = paid["value"].fillna(0).astype(float)
    made = paid.assign(closed_at=paid["at"], value=value, count=1.0)
    return made[["closed_at", "value", "count"]].reset_index(drop=True)


def _present(cells: Cells) -> pd.Timestamp:
    """When the earliest of the present periods began."""
    first = [
        calendar(cells.cuts[:1], cells.zone, freq)[0].start_time for freq in {cells.freq, "quarter"}
    ]
    begun = min(first).tz_localize(cells.zone, nonexistent="shift_forward", ambiguous=True)
    return begun.tz_convert("UTC")


def _notes(
    known: EventLog, measure: str, above: TopDown | None, past: pd.DataFrame, tried: int
) -> list[str]:
    """What the reader has to know, with counts."""
    notes = []
    weeks = (known.meta.observed_until - known.meta.observed_from).days / 7
    if measure == "won":
        notes.append("No won deal has a value: the forecast counts deals.")
    if weeks < YOUNG:
        notes.append(f"The data holds {weeks:.0f} weeks: seasons cannot be known.")
    if above is None:
        return [*notes, "Too few weeks with wins for a series: bottom-up only."]
    if above.reach < 1:
        notes.append("The series is short for so far a horizon: it weighs less.")
    if not len(past) and known.meta.history != "full":
        notes.append("The data does not say what was known earlier: the usual weights.")
    elif not len(past):
        notes.append("No past cutoff to try the ways at: the usual weights.")
    left = tried - past["cutoff"].nunique() if len(past) else 0
    if left > 0:
        notes.append(
            f"{left} of {tried} past cutoffs could not be calibrated: too little was known."
        )
    return notes
