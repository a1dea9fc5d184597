"""Bottom-up: every open deal and every lead to come, simulated to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.plan import Plan
from funnelsim.engine.rows import Rows
from funnelsim.engine.snapshot import Snapshot
from funnelsim.planning.pipeline.closings import Closings
from funnelsim.planning.pipeline.pipeline import ORIGINS, forecast_pipeline
from funnelsim.planning.revenue.cells import Cells
from funnelsim.planning.revenue.top_down import MEASURES
from funnelsim.scenarios.sampling import ScenarioSampler
from funnelsim.scenarios.scenario import Scenario

__all__ = ["GROUPS", "BottomUp", "build_from_below"]

Floats = NDArray[np.float64]

GROUPS: Final = ("source", "product", "segment")
"""What leads are told apart by."""


@dataclass(frozen=True, eq=False)
class BottomUp:
    """What was won in simulated runs, deal by deal.

    Parameters
    ----------
    paths : ndarray, shape (n, cells, origins, measures)
        Origins: open deals, future leads; measures: deals won, value in minor units.
    won : pandas.DataFrame
        A row per deal won in a run: ``run``, ``cell``, ``lead_id``, ``closed_at``, ``value``,
        ``origin`` (0 open, 1 future), ``stage`` (of an open deal, at the cutoff), ``source``,
        ``product``, ``segment``.
    deals : pandas.DataFrame
        Open deals with their chances, as in `PipelineForecast`.
    """

    paths: Floats
    won: pd.DataFrame
    deals: pd.DataFrame


def build_from_below(
    world: Scenario | ScenarioSampler,
    start: Snapshot,
    cells: Cells,
    *,
    n: int,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> BottomUp:
    """Simulate on from the open deals and keep every deal that is won.

    Parameters
    ----------
    world : Scenario or ScenarioSampler
        The calibrated funnel.
    start : Snapshot
        The open deals.
    cells : Cells
        Their last cut is the horizon.
    n : int
        Runs, 2 or more.
    seed : int
    progress : callable, optional
        Told the share done.

    Returns
    -------
    BottomUp
    """
    parts: list[pd.DataFrame] = []

    def keep(plan: Plan, rows: Rows, closed: Closings) -> None:
        parts.append(_won(plan, rows, closed).assign(run=len(parts)))

    days = int(np.ceil((cells.cuts[-1] - cells.cuts[0]) / pd.Timedelta(days=1)))
    fan = forecast_pipeline(
        world, start=start, horizon=f"{days} d", n=n, seed=seed, progress=progress, observe=keep
    )
    won = pd.concat(parts, ignore_index=True)
    won = won[won["closed_at"] <= cells.cuts[-1]].reset_index(drop=True)
    won["cell"] = cells.of(won["closed_at"])
    won["source"] = won["source"].replace(_names(world, seed))
    known = start.deals.set_index("lead_id")
    won["stage"] = won["lead_id"].map(known["stage"]).fillna("").astype("str")
    for column in GROUPS:
        given = won["lead_id"].map(known[column].replace("", pd.NA))
        won[column] = given.fillna(won[column]).astype("str")
    paths = np.zeros((n, len(cells), len(ORIGINS), len(MEASURES)))
    place = (won["run"].to_numpy(), won["cell"].to_numpy(), won["origin"].to_numpy())
    np.add.at(paths[..., 0], place, 1.0)
    np.add.at(paths[..., 1], place, won["value"].to_numpy(dtype=float))
    keys = start.deals[["lead_id", *GROUPS]].fillna("")
    return BottomUp(paths, won, fan.deals.merge(keys, on="lead_id", how="left"))


def _won(plan: Plan, rows: Rows, closed: Closings) -> pd.DataFrame:
    """The deals won in a run, with what they are."""
    lead, when = closed.lead[closed.won], closed.at
    ids = np.array([*(deal.id for deal in plan.deals), ""], dtype=object)
    sources = np.array([source.id for source in plan.epochs[0].sources], dtype=object)
    kind = rows.arrivals.kind[lead]
    return pd.DataFrame(
        {
            "lead_id": ids[np.minimum(lead, len(plan.deals))],
            "closed_at": pd.DatetimeIndex(when[closed.won].view("datetime64[us]"), tz="UTC"),
            "value": closed.value[closed.won],
            "origin": (lead >= len(plan.deals)).astype(np.int64),
            "source": sources[rows.arrivals.source[lead]],
            "product": np.array([k.product for k in plan.kinds], dtype=object)[kind],
            "segment": np.array([k.segment for k in plan.kinds], dtype=object)[kind],
        }
    )


def _names(world: Scenario | ScenarioSampler, seed: int) -> dict[str, str]:
    """What the data calls the sources of the scenario."""
    scenario = world if isinstance(world, Scenario) else world.draw(seed, 0)
    return {key: source.label.get("en", key) for key, source in scenario.sources.items()}
