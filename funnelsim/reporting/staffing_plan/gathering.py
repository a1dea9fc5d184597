"""What a staffing plan is told from: leads forecast, heads, rosters and hires found and tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from funnelsim.errors import InputError, RunError

if TYPE_CHECKING:
    from funnelsim.engine.snapshot import Snapshot
    from funnelsim.events import EventLog
    from funnelsim.forecasting.lead_forecast import LeadForecast
    from funnelsim.planning import HiringPlan, Roster, StaffingForecast
    from funnelsim.scenarios.sampling import ScenarioSampler
    from funnelsim.scenarios.scenario import Scenario

__all__ = ["StaffingPlan", "by_gap", "promises", "work"]

ROSTERS: Final = 4
"""Teams that get a roster: those that lack most."""
SECONDS: Final = 20.0
UNSAID: Final = -1.0


@dataclass(frozen=True, eq=False)
class StaffingPlan:
    """A staffing forecast with rosters, hires and what it was made from.

    Parameters
    ----------
    found : StaffingForecast
    hiring : mapping of str to HiringPlan
        By team.
    rosters : mapping of str to Roster
        Of the busiest week, by team.
    tried : mapping of str to mapping
        What the simulation with each roster came to; see
        `funnelsim.planning.staffing.trial.verdicts`.
    refused : mapping of str to str
        Why a team has no roster.
    changed : pandas.DataFrame
        See `funnelsim.planning.staffing.staffing_changes.staffing_changes`.
    leads : LeadForecast or None
        None: the scenario's own demand.
    log : EventLog or None
    source, mapping : str
    overrides : mapping
    """

    found: StaffingForecast
    hiring: Mapping[str, HiringPlan]
    rosters: Mapping[str, Roster]
    tried: Mapping[str, Mapping[Any, Any]]
    refused: Mapping[str, str]
    changed: pd.DataFrame
    leads: LeadForecast | None
    log: EventLog | None
    source: str
    mapping: str
    overrides: Mapping[str, object]


def work(  # noqa: PLR0913 - one keyword per thing a planner may choose
    source: str | Path,
    *,
    mapping: str = "",
    overrides: Mapping[str, Any] | None = None,
    service_level: str = "80% in 4 h",
    max_occupancy: float = 0.85,
    team: str = "",
    shrinkage: float | None = None,
    contract: str = "40 h",
    sure: float = 0.8,
    horizon: str = "",
    overtime: float = 0.0,
    part_time: bool = True,
    seed: int = 1,
    n: int = 40,
    tell: Callable[[float], None] | None = None,
) -> StaffingPlan:
    """Read, forecast leads, find who is needed, plan rosters and hires, try them out.

    Parameters
    ----------
    source : str or Path
        A scenario (its own demand), a CRM export or a folder with an event log (calibrated;
        leads are forecast from the history, open deals go on).
    mapping : str
        For an export that is not recognised.
    overrides : mapping, optional
        For a scenario.
    service_level : str
        ``80% in 4 h``, or by team: ``call_centre: 80/20; back_office: 90% in 1 bd``.
    max_occupancy : float
    team : str
        Only these, separated by commas; empty: all.
    shrinkage : float, optional
        Left out, or -1 (for notebooks): the scenario's.
    contract : str
        Weekly hours of a full-time person.
    sure : float
        Share of the futures for which the plan is enough.
    horizon : str
        Empty: the scenario's, or 26 weeks for data.
    overtime : float
        Hours a shift may be longer.
    part_time : bool
        Whether the roster may have part-timers.
    seed, n : int
        Of the sample paths.
    tell : callable, optional
        Told the share done.

    Returns
    -------
    StaffingPlan

    Raises
    ------
    InputError
        The input, a promise or a number cannot be used.
    """
    from funnelsim.planning import forecast_staffing
    from funnelsim.planning.staffing.staffing_changes import staffing_changes
    from funnelsim.reporting.inputs import open_scenario

    told = tell or (lambda _: None)
    scenario = open_scenario(source, overrides=overrides)
    leads, log, start = None, None, None
    world: Scenario | ScenarioSampler | None = scenario
    if scenario is None:
        world, leads, log, start = _from_data(source, mapping, horizon or "26 w", seed, n)
    told(0.2)
    found = forecast_staffing(
        leads,
        world,
        service_level=promises(service_level),
        max_occupancy=max_occupancy,
        teams=[name.strip() for name in team.split(",") if name.strip()],
        shrinkage=None if shrinkage == UNSAID else shrinkage,
        contract=contract,
        sure=sure,
        horizon=horizon if leads is None else "",
        n=n,
        start=start,
        seed=seed,
        progress=lambda share: told(0.2 + 0.4 * share),
    )
    made = _rostered(found, overtime, told, part_time=part_time)
    return StaffingPlan(
        found,
        {name: found.hiring(name) for name in found.teams},
        *made,
        staffing_changes(found),
        leads,
        log,
        str(source),
        mapping,
        dict(overrides or {}),
    )


def by_gap(found: StaffingForecast) -> list[str]:
    """Teams, those that lack most first."""
    gaps = found.plan.groupby("team", sort=False)["gap"].max()
    return [str(team) for team in gaps.sort_values(ascending=False, kind="stable").index]


def promises(told: str) -> str | dict[str, str]:
    """One promise for all, or by team as written on a command line.

    Examples
    --------
    >>> promises("desk: 80/20; back_office: 90% in 1 bd")
    {'desk': '80/20', 'back_office': '90% in 1 bd'}
    """
    if ":" not in told:
        return told
    parts = [part.partition(":") for part in told.split(";") if part.strip()]
    return {name.strip(): promise.strip() for name, _, promise in parts}


def _from_data(
    source: str | Path, mapping: str, horizon: str, seed: int, n: int
) -> tuple[ScenarioSampler, LeadForecast, EventLog, Snapshot | None]:
    """Calibrated parameters, forecast leads, the log, and its open deals."""
    from funnelsim.calibration.fitting import calibrate
    from funnelsim.engine.snapshot import snapshot
    from funnelsim.forecasting.leads import forecast_leads
    from funnelsim.reporting.inputs import open_log

    log = open_log(source, mapping=mapping)
    fit = calibrate(log)
    leads = forecast_leads(log, horizon, by="source", profile="fast", n_paths=n, seed=seed)
    try:
        start = snapshot(log)
    except InputError:
        start = None
    return fit.sampler, leads, log, start


def _rostered(
    found: StaffingForecast, overtime: float, told: Callable[[float], None], *, part_time: bool
) -> tuple[dict[str, Roster], dict[str, Mapping[Any, Any]], dict[str, str]]:
    """Rosters of the teams that lack most, tried out; and why some have none."""
    from dataclasses import replace

    from funnelsim.planning.rostering.shifts import usual_contracts

    kinds = usual_contracts(found.contract, part_time=part_time)
    kinds = tuple(replace(kind, overtime=overtime) for kind in kinds)
    made: dict[str, Roster] = {}
    tried: dict[str, Mapping[Any, Any]] = {}
    refused: dict[str, str] = {}
    for place, team in enumerate(by_gap(found)[:ROSTERS]):
        try:
            made[team] = found.roster(team, contracts=kinds, time_limit=SECONDS)
        except (InputError, RunError) as wrong:
            refused[team] = str(wrong).splitlines()[0]
            continue
        checked = found.check_roster(team, made[team])
        tried[team] = next(row for row in checked.to_dict("records") if row["team"] == team)
        told(0.6 + 0.35 * (place + 1) / ROSTERS)
    return made, tried, refused
