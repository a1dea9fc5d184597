"""How many leads a source brings, season, growth and campaigns included."""

from __future__ import annotations

import numpy as np

from funnelsim.scenarios.rate import MONTHS
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.source import Source
from funnelsim.worktime import DAY, WEEK, from_instant

__all__ = ["leads_per_week"]


def leads_per_week(source: Source, scenario: Scenario) -> float:
    """Mean leads a week in the observed window, season, growth and campaigns included.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> scenario = Scenario.model_validate(_TINY)
    >>> round(leads_per_week(scenario.sources["web"], scenario), 6)
    35.0
    """
    _, start, end = scenario.run.instants(scenario.time_zone)
    if source.counts is not None:
        periods = [count for path in source.counts.paths for count in path]
        return WEEK / source.counts.every.microseconds() * sum(periods) / max(len(periods), 1)
    if source.rate is None:
        return len(source.replay) * WEEK / (end - start)
    days = np.arange(start, end, DAY)
    factor = np.ones(len(days))
    if source.growth is not None:
        factor *= source.growth.factors(days - start)
    dates = [from_instant(int(day), scenario.time_zone).date() for day in days]
    factor *= [source.by_month.get(MONTHS[day.month - 1], 1.0) for day in dates]
    for campaign in source.campaigns:
        factor *= [campaign.times if campaign.start <= d < campaign.end else 1.0 for d in dates]
    return float(source.rate.per_hour * 168 * factor.mean())
