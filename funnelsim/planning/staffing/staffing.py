"""How many people each team needs in the weeks to come, so that promises are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from funnelsim.engine.doubted import Doubted
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.planning.incoming import set_to_leads
from funnelsim.planning.staffing.asking import asked, check_numbers
from funnelsim.planning.staffing.raising import raised
from funnelsim.planning.staffing.requirement import requirement
from funnelsim.planning.staffing.service import ServiceLevel
from funnelsim.planning.staffing.staffing_forecast import TRIALS, StaffingForecast
from funnelsim.planning.staffing.workload import workload
from funnelsim.scenarios.sampling import ScenarioSampler
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    from funnelsim.forecasting.lead_forecast import LeadForecast

__all__ = ["forecast_staffing"]

PATHS: Final = 40


def forecast_staffing(  # noqa: PLR0913 - keywords with defaults
    leads: LeadForecast | pd.DataFrame | Scenario | None,
    scenario: Scenario | ScenarioSampler | None = None,
    *,
    service_level: str | ServiceLevel | Mapping[str, str | ServiceLevel] = "80% in 4 h",
    max_occupancy: float = 0.85,
    teams: Sequence[str] = (),
    shrinkage: float | Mapping[str, float] | None = None,
    contract: str = "40 h",
    sure: float = 0.8,
    horizon: str = "",
    n: int = PATHS,
    trials: int = TRIALS,
    start: Snapshot | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> StaffingForecast:
    """Forecast how many people each team needs, week by week, with quantiles.

    The leads go through the scenario with plenty of seats, path by path: so work falls due
    when delays and routes bring it. A team that promises to answer within half an hour is
    staffed by half hours with Erlang C (or A, where leads lose patience). A longer promise lets
    work wait: then what is asked for is replayed, first come first served, until the promise
    and the limit of occupancy hold in every week. The plan, enough on the share ``sure`` of the
    paths, is then run in the whole simulation, where teams feed each other, and raised until it
    keeps its promise there.

    Parameters
    ----------
    leads : LeadForecast, pandas.DataFrame, Scenario or None
        From `forecast_leads`, or a table (``period``, ``leads``, perhaps ``source``). None, or
        the scenario itself: its own demand.
    scenario : Scenario or ScenarioSampler, optional
        How leads go on and who works; a sampler draws its parameters too.
    service_level : str, ServiceLevel or mapping of these by team
        The share of a team's work that begins within a time of being queued: ``80% in 4 h``
        (elapsed), ``80% in 4 bh`` (the team's opening hours), ``80/20`` (seconds). Where too
        much work comes so long before the team opens that elapsed time cannot be kept with any
        number of seats, opening hours are counted; ``needs[team].clock`` says so.
    max_occupancy : float
        Busy share of the seats, above 0, up to 1.
    teams : sequence of str, optional
        Left out: all that have work.
    shrinkage : float or mapping of str to float, optional
        Paid but unavailable share, 0 to below 1; left out: the scenario's.
    contract : str
        Weekly hours of a full-time person.
    sure : float
        Share of the paths on which the plan is enough, 0 to 1.
    horizon : str, optional
        How far, with the scenario's own demand; left out: its own horizon.
    n : int
        Sample paths, 2 or more.
    trials : int
        Replications of the trial in the simulation; 0: no trial.
    start : Snapshot, optional
        Open deals of today, whose work is still to come.
    seed : int
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    StaffingForecast

    Raises
    ------
    InputError
        A promise that cannot be read, unknown teams, numbers out of range, leads that are
        negative or none at all: every problem found.

    Examples
    --------
    >>> from funnelsim import shipped
    >>> from funnelsim.scenarios.loading import load
    >>> bank = load(shipped.scenarios() / "bank-retail.yaml")
    >>> staff = forecast_staffing(
    ...     bank, service_level="80% in 4 bh", teams=["call_centre"], horizon="2 w", n=4, trials=0
    ... )
    >>> staff.plan[["team", "seats"]].drop_duplicates().values.tolist()
    [['call_centre', 2]]
    """
    world = leads if scenario is None and isinstance(leads, Scenario) else scenario
    if world is None:
        fix = "Give the scenario that the leads go through."
        raise ParameterError(Problem("there is no scenario", path="scenario", fix=fix))
    known = world if isinstance(world, Scenario) else world.draw(seed, 0)
    check_numbers(known, max_occupancy, sure, n, trials)
    promises, lost, hours = asked(known, service_level, teams, shrinkage, contract)

    def prepare(drawn: Scenario) -> Scenario:
        drawn = _bare(drawn, lost)
        if leads is None or isinstance(leads, Scenario):
            return drawn.change("horizon", {"run.horizon": horizon}) if horizon else drawn
        return set_to_leads(drawn, leads, n=n, seed=seed)

    def told(share: float) -> None:
        if progress is not None:
            progress(share)

    load = workload(
        world,
        n=n,
        seed=seed,
        teams=tuple(promises),
        prepare=prepare,
        start=start,
        progress=lambda share: told(share * 0.5),
    )
    needs = {team: requirement(load, team, p, max_occupancy) for team, p in promises.items()}
    if not any(need.pieces.sum() for need in needs.values()):
        fix = "Check sources and routes: nothing is asked of any team."
        raise ParameterError(Problem("no work for any team", path="leads", fix=fix))
    needs = {team: need for team, need in needs.items() if need.method != "none"}
    told(0.7)
    opened = None if start is None else Doubted(start, world).likely()
    added, trial = raised(load, needs, sure, trials, opened, told)
    told(1.0)
    return StaffingForecast(
        load.scenario,
        load,
        needs,
        max_occupancy,
        lost,
        hours,
        sure,
        added,
        trial,
        start,
        seed,
    )


def _bare(scenario: Scenario, shrinkage: Mapping[str, float]) -> Scenario:
    """The scenario with the shrinkage asked for."""
    teams = {
        key: team.model_copy(update={"shrinkage": shrinkage.get(key, team.shrinkage)})
        for key, team in scenario.teams.items()
    }
    return scenario.model_copy(update={"teams": teams})
