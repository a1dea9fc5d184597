"""A scenario → the whole life of a funnel: all its leads, and the fate of those still open."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec

from funnelsim.engine import reference
from funnelsim.engine.arrivals import arrivals
from funnelsim.engine.logs import event_log
from funnelsim.engine.plan import Plan
from funnelsim.engine.planning import make_plan
from funnelsim.engine.rows import Rows
from funnelsim.events import EventLog
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream
from funnelsim.worktime import DAY, Duration, from_instant

__all__ = ["Life", "live"]

SMALL = 3000
"""Leads that the reference has done before compiled code is even loaded."""


@dataclass(frozen=True, eq=False)
class Life:
    """What happened, and what became of it later.

    Parameters
    ----------
    log : EventLog
        From the first lead of the warm-up on, so that none is missing, to the end of the
        scenario's horizon.
    later : EventLog
        The same leads, seen for as long again.
    values : mapping
        What each lead would be worth, in minor units.
    """

    log: EventLog
    later: EventLog
    values: Mapping[str, int]


def live(scenario: Scenario, seed: int) -> Life:
    """Simulate a scenario, and on until most of its open deals are closed.

    Parameters
    ----------
    scenario : Scenario
    seed : int

    Returns
    -------
    Life

    Raises
    ------
    ScenarioError
        If the scenario's checks find an error.

    Examples
    --------
    >>> scenario = Scenario.model_validate({
    ...     "funnelsim": 1, "name": "tiny", "run": {"start": "2026-01-05", "horizon": "4 w"},
    ...     "currency": "EUR",
    ...     "sources": {"web": {"stage": "won", "rate": "5 / d", "value": 100}},
    ...     "stages": {"won": {"marks": "won"}}})
    >>> life = live(scenario, seed=7)
    >>> len(life.log.leads) == len(life.later.leads) == len(life.values)
    True
    """
    require_sound(scenario)
    begin, observed, end = scenario.run.instants(scenario.time_zone)
    days = Duration(float(-(-(2 * end - begin - observed) // DAY)), "d")
    longer = scenario.model_copy(update={"run": scenario.run.model_copy(update={"horizon": days})})
    plan = make_plan(longer)
    plan = replace(plan, observed_from=plan.start)
    stream = Stream(seed)
    rows = _rows(plan, stream)
    whole = event_log(plan, rows, stream)
    until = from_instant(end)
    meta = whole.meta.model_copy(
        update={
            "provenance": {
                **whole.meta.provenance,
                "scenario_sha256": scenario.fingerprint(),
            }
        }
    )
    whole = EventLog.trusted(whole.tables(), meta)
    log = whole.as_of(until)
    # leads and arrivals both stand in order of arrival, so the first of them are those of the log
    worth = rows.arrivals.value.tolist()
    kept = log.leads["lead_id"].tolist()
    values = {key: value for key, value in zip(kept, worth, strict=False) if value >= 0}
    return Life(log, whole.filter(leads=kept), values)


def _rows(plan: Plan, stream: Stream) -> Rows:
    """Run the plan; a small one does not wait for the compiled engine to load."""
    loaded = "funnelsim.engine.kernel" in sys.modules
    small = not loaded and len(arrivals(plan, stream)) < SMALL
    if small or find_spec("numba") is None:
        return reference.run(plan, stream)
    from funnelsim.engine import compiled

    return compiled.run(plan, stream)
