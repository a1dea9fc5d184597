"""Draws of a calibrated funnel whose sources bring the leads of a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from funnelsim.errors import ParameterError, Problem
from funnelsim.planning.inflow_paths import REPLACED, with_leads
from funnelsim.scenarios.sampling import ScenarioSampler, doubts
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.shock import Shock
from funnelsim.scenarios.source import Source

if TYPE_CHECKING:
    from funnelsim.forecasting.lead_forecast import LeadForecast

__all__ = ["Coming", "bringing"]


@dataclass(frozen=True, eq=False)
class Coming:
    """Draws of a sampler, replication r with path r of the forecast; made by `bringing`.

    Parameters
    ----------
    sampler : ScenarioSampler
    fed : mapping of str to Source
        Sources with the counts of all paths.
    """

    sampler: ScenarioSampler
    fed: Mapping[str, Source]

    @property
    def over(self) -> Mapping[str, float]:
        """Deals that may be over, as the sampler knows them."""
        return doubts(self.sampler)

    def draw(self, seed: int, replication: int) -> Scenario:
        """The scenario of a replication."""
        drawn = self.sampler.draw(seed, replication)
        sources = dict(drawn.sources)
        for name, told in self.fed.items():
            assert told.counts is not None  # noqa: S101 - as `bringing` chose them
            path = told.counts.paths[replication % len(told.counts.paths)]
            counts = told.counts.model_copy(update={"paths": (path,)})
            fresh = {each: getattr(told, each) for each in REPLACED}
            sources[name] = sources[name].model_copy(update={**fresh, "counts": counts})
        return drawn.model_copy(update={"sources": sources, "shocks": self._shocks(drawn)})

    def _shocks(self, drawn: Scenario) -> dict[str, Shock]:
        """Shocks without their effect on leads, which the forecast has in it."""
        left = {}
        for name, shock in drawn.shocks.items():
            sources = tuple(source for source in shock.sources if source not in self.fed)
            if sources or shock.stages or len(sources) == len(shock.sources):
                left[name] = shock.model_copy(update={"sources": sources})
        return left


def bringing(
    sampler: ScenarioSampler, leads: LeadForecast, end: pd.Timestamp, *, seed: int
) -> Coming:
    """Let forecast leads come in place of those that calibration expects.

    Parameters
    ----------
    sampler : ScenarioSampler
    leads : LeadForecast
        From `forecast_leads`, reaching to the end.
    end : pandas.Timestamp
        Of the horizon.
    seed : int

    Returns
    -------
    Coming

    Raises
    ------
    ParameterError
        A forecast that ends before the horizon, or of sources that the funnel has not.
    """
    first = sampler.draw(seed, 0)
    step = {"day": "1D", "week": "7D"}.get(leads.every)
    last = leads.periods[-1]
    over = last + (pd.Timedelta(step) if step else pd.DateOffset(months=1))
    until = end.tz_convert(first.time_zone).tz_localize(None)
    if over + pd.Timedelta(days=7) < until:
        message = f"the leads are forecast until {over.date()}, the horizon ends {until.date()}"
        fix = "Forecast leads as far as revenue, or a week farther."
        raise ParameterError(Problem(message, path="leads", fix=fix))
    told = with_leads(first, leads)
    fed = {name: source for name, source in told.sources.items() if source.counts is not None}
    return Coming(sampler, fed)
