"""What becomes of the open deals, and of the leads not here yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.engine.doubted import Doubted
from funnelsim.engine.logs import event_log
from funnelsim.engine.plan import Plan
from funnelsim.engine.planning import make_plan, moved
from funnelsim.engine.rows import Rows
from funnelsim.engine.simulation import rows
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.samples import levels
from funnelsim.measures.periods import edges
from funnelsim.planning.pipeline.closings import Closings, closings, hours, renumbered
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.run import Run
from funnelsim.scenarios.sampling import ScenarioSampler
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream

__all__ = ["ORIGINS", "PipelineForecast", "forecast_pipeline"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ORIGINS = ("open", "future")
"""Deals that are open at the start, and leads that arrive later."""
MEASURES = {"won": "deals", "won_value": "minor", "lost": "deals"}
QUANTILES = (0.1, 0.5, 0.9)
REPLICATIONS = 200


@dataclass(frozen=True, eq=False)
class PipelineForecast:
    """Sample paths of what will close, from open deals and from future leads.

    Parameters
    ----------
    start : pandas.Timestamp
        The cutoff: nothing later was known.
    ends : pandas.DatetimeIndex
        The ends of the periods, UTC.
    paths : ndarray, shape (replications, periods, origins, measures)
        Won deals, their value in minor units, and lost deals; origins as in `ORIGINS`.
    deals : pandas.DataFrame
        One row per open deal: ``lead_id``, ``stage``, ``arrived_at``, ``value``, ``p_won``,
        ``p_lost``, ``p_open`` at the end of the horizon (shares of the replications), ``n``.
    work : ndarray, shape (replications, periods, teams)
        Hours of hands-on work that begin in the period; teams as in ``teams``.
    teams : tuple of str
    seed : int
    currency : str
    """

    start: pd.Timestamp
    ends: pd.DatetimeIndex
    paths: Floats
    deals: pd.DataFrame
    work: Floats
    teams: tuple[str, ...]
    seed: int
    currency: str = ""

    def total(self, measure: str = "won", origin: str | None = None) -> Floats:
        """The sum over the horizon, by replication.

        Parameters
        ----------
        measure : {"won", "won_value", "lost"}
        origin : {"open", "future"}, optional
            Left out: both.

        Returns
        -------
        ndarray, shape (replications,)
        """
        chosen = self.paths[..., _place(measure, tuple(MEASURES), "measure")]
        if origin is None:
            return np.asarray(chosen.sum(axis=(1, 2)))
        return np.asarray(chosen[..., _place(origin, ORIGINS, "origin")].sum(axis=1))

    def table(self, quantiles: Sequence[float] = QUANTILES) -> pd.DataFrame:
        """Quantiles by period, origin and measure, and for the whole horizon.

        Returns
        -------
        pandas.DataFrame
            ``period`` (its end; empty for the whole horizon), ``origin`` (open, future, all),
            ``measure``, ``unit``, ``mean``, one column per quantile (``p10`` …), ``n``
            replications.
        """
        both = np.concatenate([self.paths, self.paths.sum(axis=2, keepdims=True)], axis=2)
        whole = np.concatenate([both, both.sum(axis=1, keepdims=True)], axis=1)
        rows = []
        for p, end in enumerate([*self.ends, pd.NaT]):
            for o, origin in enumerate((*ORIGINS, "all")):
                for m, (measure, unit) in enumerate(MEASURES.items()):
                    what = {"period": end, "origin": origin, "measure": measure, "unit": unit}
                    rows.append({**what, **_spread(whole[:, p, o, m], quantiles)})
        return pd.DataFrame(rows)

    def workload(self, quantiles: Sequence[float] = QUANTILES) -> pd.DataFrame:
        """Hours of work by period and team: what operations has to staff.

        Returns
        -------
        pandas.DataFrame
            ``period`` (its end), ``team``, ``unit`` (h), ``mean``, one column per quantile
            (``p10`` …), ``n`` replications.
        """
        rows = []
        for p, end in enumerate(self.ends):
            for t, team in enumerate(self.teams):
                found = _spread(self.work[:, p, t], quantiles)
                rows.append({"period": end, "team": team, "unit": "h", **found})
        return pd.DataFrame(rows)


def forecast_pipeline(
    world: Scenario | ScenarioSampler,
    *,
    start: Snapshot,
    horizon: str,
    every: str = "1 w",
    n: int = REPLICATIONS,
    seed: int,
    progress: Callable[[float], None] | None = None,
    observe: Callable[[Plan, Rows, Closings], None] | None = None,
) -> PipelineForecast:
    """Simulate on from the open deals of a day.

    Parameters
    ----------
    world : Scenario or ScenarioSampler
        ``fit.sampler`` draws the parameters too, so that the spread holds what the data does
        not know; it also knows deals that stand open far too long, and leaves each out of as
        many replications as it is likely to be over. A scenario takes all for certain.
    start : Snapshot
        The open deals, their stage and age.
    horizon : str
        How far: ``13 w``.
    every : str
        Calendar periods of the log's zone: ``1 w`` (from Monday), ``1 mo``, ``1 q``; the first
        and the last may be shorter.
    n : int
        Replications, 2 or more.
    seed : int
    progress : callable, optional
        Told the share done, 0 to 1.
    observe : callable, optional
        Shown plan and rows of every replication, and the deals that close in it.

    Returns
    -------
    PipelineForecast

    Raises
    ------
    ParameterError
        Numbers out of range; open deals in stages that the scenario does not know.
    """
    if n < 2:  # noqa: PLR2004 - no spread from one
        raise ParameterError(Problem(f"n is {n!r}", path="n", fix="Give 2 or more."))
    first = world if isinstance(world, Scenario) else world.draw(seed, 0)
    run = Run.model_validate({"start": first.run.start, "horizon": horizon})
    dearer = _won_to_all(first)
    fates = np.zeros((len(start), 2))
    paths: list[Floats] = []
    work: list[Floats] = []
    teams = tuple(first.teams)
    ends: Integers = np.zeros(0, np.int64)
    require_sound(moved(first.model_copy(update={"run": run}), start))
    known = Doubted(start, world)
    for replication in range(n):
        drawn = world if isinstance(world, Scenario) else world.draw(seed, replication)
        there = known.there(seed, replication)
        plan = make_plan(drawn.model_copy(update={"run": run}), known.kept(there))
        found = rows(plan, seed=seed, replication=replication)
        if not replication:
            ends = edges(event_log(plan, found, Stream(seed, replication)), every)[1:]
        closed = closings(plan, found, dearer)
        if observe is not None:
            observe(plan, found, closed)
        closed = renumbered(closed, there)
        paths.append(_sums(closed, ends, len(start)))
        work.append(_hours(*hours(plan, found, teams), ends, len(teams)))
        for column, won in enumerate((True, False)):
            mine = closed.lead[(closed.won == won) & (closed.lead < len(start))]
            fates[mine, column] += 1
        if progress is not None:
            progress((replication + 1) / n)
    by_id = np.argsort(start.deals["lead_id"].argsort().to_numpy())  # plans have them by id
    fates = fates[by_id]
    deals = start.deals[["lead_id", "stage", "arrived_at", "value"]].reset_index(drop=True)
    share = fates / n
    deals = deals.assign(p_won=share[:, 0], p_lost=share[:, 1], p_open=1 - share.sum(axis=1), n=n)
    at = pd.Timestamp(start.at)
    stamps = pd.DatetimeIndex(ends.view("datetime64[us]"), tz="UTC")
    return PipelineForecast(
        at, stamps, np.array(paths), deals, np.array(work), teams, seed, first.currency
    )


def _won_to_all(scenario: Scenario) -> dict[str, float]:
    """By source: how much more deals are worth that win, where calibration has found that.

    The chance to win does not hang on the value in the scenario; in the data it may.
    """
    found = {e.of: e.value for e in scenario.evidence if e.measure == "won_to_all"}
    return {source: found.get(f"sources.{source}.value", 1.0) for source in scenario.sources}


def _sums(closed: Closings, ends: Integers, known: int) -> Floats:
    """Sums by period, origin and measure."""
    sums = np.zeros((len(ends), len(ORIGINS), len(MEASURES)))
    where = (_period(closed.at, ends), (closed.lead >= known).astype(np.int64))
    for place, weight in enumerate((closed.won, closed.won * closed.value, ~closed.won)):
        np.add.at(sums[..., place], where, weight.astype(float))
    return sums


def _hours(
    begun: Integers, team: NDArray[np.intp], spent: Floats, ends: Integers, teams: int
) -> Floats:
    """Hours of work by the period in which it begins, and team."""
    sums = np.zeros((len(ends), teams))
    np.add.at(sums, (_period(begun, ends), team), spent)
    return sums


def _period(at: Integers, ends: Integers) -> NDArray[np.intp]:
    """The number of the period in which something happens."""
    return np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)


def _spread(values: Floats, quantiles: Sequence[float]) -> dict[str, float]:
    """Mean, quantiles and number of some draws."""
    found = levels(values, quantiles)
    named = {f"p{q * 100:02.0f}": level for q, level in zip(quantiles, found, strict=True)}
    return {"mean": values.mean(), **named, "n": len(values)}


def _place(name: str, names: Sequence[str], what: str) -> int:
    """The place of a name, or an error that names those there are."""
    if name not in names:
        fix = did_you_mean(name, names, limit=len(names))
        raise ParameterError(Problem(f'there is no {what} "{name}"', path=what, fix=fix))
    return names.index(name)
