"""How many people each team needs in the weeks to come, so that promises are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.planning.incoming import with_leads
from funnelsim.planning.rostering.covering import HALVES
from funnelsim.planning.rostering.roster import Roster, plan_roster
from funnelsim.planning.rostering.shifts import Contract, usual_contracts
from funnelsim.planning.staffing.erlang import paid
from funnelsim.planning.staffing.hiring import Hiring, HiringPlan, plan_hiring
from funnelsim.planning.staffing.requirement import Requirement, requirement
from funnelsim.planning.staffing.service import ServiceLevel, service_levels
from funnelsim.planning.staffing.trial import Stretch, measured, verdicts, with_seats
from funnelsim.planning.staffing.workload import SLOTS, Workload, workload
from funnelsim.scenarios.sampling import ScenarioSampler
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import HOUR, WEEK, parse_duration

if TYPE_CHECKING:
    from funnelsim.forecasting.leads import LeadForecast

__all__ = ["QUANTILES", "StaffingForecast", "forecast_staffing"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.8, 0.9)
PATHS: Final = 40
TRIALS: Final = 20
MONTH: Final = 4
"""Weeks that hiring takes together."""
_ROUNDS: Final = 8
_HELPS: Final = 0.003
"""More seats help where the share in time rises by so much."""
_UNITS: Final = {"work": "h", "seats": "seats", "fte": "FTE"}


@dataclass(frozen=True, eq=False)
class StaffingForecast:
    """Who is needed, week by week, and how sure that is.

    Parameters
    ----------
    scenario : Scenario
        With the leads forecast and the seats of now.
    load : Workload
        What teams are asked to do, on every path.
    needs : mapping of str to Requirement
        By team; those that have a promise.
    max_occupancy : float
    shrinkage : mapping of str to float
        By team: paid but unavailable share.
    contract : float
        Hours a week of one full-time person.
    sure : float
        Share of the paths on which the planned seats are enough.
    added : mapping of str to int
        Seats that the trial in the simulation asked for on top, by team.
    trial : pandas.DataFrame
        What the plan came to in the simulation; see `funnelsim.planning.staffing.trial.verdicts`.
        Empty where it was not tried.
    start : Snapshot or None
    seed : int
    """

    scenario: Scenario
    load: Workload
    needs: Mapping[str, Requirement]
    max_occupancy: float
    shrinkage: Mapping[str, float]
    contract: float
    sure: float
    added: Mapping[str, int]
    trial: pd.DataFrame
    start: Snapshot | None
    seed: int

    @property
    def teams(self) -> tuple[str, ...]:
        """Teams with a promise, in the scenario's order."""
        return tuple(self.needs)

    @property
    def periods(self) -> tuple[pd.Timestamp, ...]:
        """Local days on which periods begin, and the day after the last."""
        return self.load.span.days

    def paths(self, team: str, measure: str = "fte") -> Floats:
        """What a team needs, path by path.

        Parameters
        ----------
        team : str
        measure : {"fte", "seats", "work"}
            People in full-time equivalents (paid, shrinkage included), most seats at once,
            hours of work asked for.

        Returns
        -------
        ndarray, shape (paths, periods)

        Raises
        ------
        ParameterError
        """
        need = self._need(team)
        if measure not in _UNITS:
            fix = did_you_mean(measure, _UNITS, limit=3)
            raise ParameterError(Problem(f'there is no measure "{measure}"', fix=fix))
        if measure == "work":
            return need.work
        if measure == "seats":
            return need.peak.astype(float)
        weeks = self.load.span.weeks
        return need.seat_hours / weeks / (1 - self.shrinkage[team]) / self.contract

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per team, period and measure.

        team, period_start, period_end (local days, the end exclusive), measure (work, seats,
        fte), unit (h, seats, FTE), mean, p10, p25, p50, p75, p80, p90, n paths.
        """
        rows = []
        for team in self.teams:
            for measure, unit in _UNITS.items():
                values = self.paths(team, measure)
                levels = np.quantile(values, QUANTILES, axis=0)
                for k, (begin, end) in enumerate(self._spans()):
                    named = {f"p{100 * q:.0f}": levels[i, k] for i, q in enumerate(QUANTILES)}
                    rows.append(
                        {
                            "team": team,
                            "period_start": begin,
                            "period_end": end,
                            "measure": measure,
                            "unit": unit,
                            "mean": values[:, k].mean(),
                            **named,
                            "n": len(values),
                        }
                    )
        return pd.DataFrame(rows)

    @cached_property
    def plan(self) -> pd.DataFrame:
        """What to plan with: enough on the share ``sure`` of the paths, and in the trial.

        team, period_start, period_end, seats (at most at once), seat_hours, fte (paid), people
        (whole full-time people), fte_now, gap (fte - fte_now), cost (of paid hours in the
        period, in major units of the currency; NaN where the team has none).
        """
        rows = []
        for team in self.teams:
            grid, open_hours = self.grid(team), self.needs[team].open
            now = self.now(team)
            hourly = self.scenario.teams[team].cost_per_hour or np.nan
            for k, (begin, end) in enumerate(self._spans()):
                hours = float((grid[k] * open_hours[k]).sum())
                paid_hours = hours / (1 - self.shrinkage[team])
                fte = paid_hours / self.load.span.weeks[k] / self.contract
                rows.append(
                    {
                        "team": team,
                        "period_start": begin,
                        "period_end": end,
                        "seats": int(grid[k].max()),
                        "seat_hours": hours,
                        "fte": fte,
                        "people": int(np.ceil(fte - 1e-9)),
                        "fte_now": now[k],
                        "gap": fte - now[k],
                        "cost": paid_hours * hourly,
                    }
                )
        return pd.DataFrame(rows)

    def grid(self, team: str) -> Ints:
        """Planned seats by period and half hour of the week, shape (periods, 336)."""
        need = self._need(team)
        grid = need.grid(self.sure)
        return np.where(grid > 0, grid + self.added.get(team, 0), 0)

    def now(self, team: str) -> Floats:
        """Paid full-time equivalents of the scenario's seats, by period."""
        from funnelsim.engine import make_plan

        plan = make_plan(self.scenario, self.start)
        planned = next(t for t in plan.epochs[-1].teams if t.id == team)
        edges = self.load.span.edges
        hours = np.zeros(len(edges) - 1)
        for entry in planned.staff:
            for k, (a, b) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
                begin, end = max(a, entry.start + entry.ramp // 2), min(b, entry.end)
                if begin < end:
                    hours[k] += entry.seats * entry.work.between(begin, end) / HOUR
        return np.asarray(hours / self.load.span.weeks / self.contract)

    def stretches(self) -> dict[str, list[Stretch]]:
        """The plan as seats over time, for `funnelsim.planning.staffing.trial.with_seats`."""
        return _stretches(self.load, {team: self.grid(team) for team in self.teams})

    def busiest(self, team: str) -> int:
        """The number of the week for which most seat hours are planned, from 0."""
        need = self._need(team)
        return int(np.argmax((self.grid(team) * need.open).sum(axis=1)))

    def roster(
        self,
        team: str,
        *,
        week: int | None = None,
        contracts: Sequence[Contract] = (),
        time_limit: float = 30.0,
    ) -> Roster:
        """Plan who works when in one week, so that the planned seats are filled at least cost.

        Parameters
        ----------
        team : str
        week : int, optional
            Number of the period, from 0; left out: the busiest.
        contracts : sequence of Contract
            Left out: full time (a fifth of the contract's hours on each of 5 days, with a break)
            and part time (half of that, without).
        time_limit : float
            Seconds.

        Returns
        -------
        Roster
            People on the roster, so many that those left after shrinkage are enough.

        Raises
        ------
        InputError
            The week cannot be covered with these contracts: which half hours lack how many.
        """
        grids = self.grid(team)
        number = self.busiest(team) if week is None else week
        if not 0 <= number < len(grids) or number % 1:
            fix = f"Give a number from 0 to {len(grids) - 1}."
            raise ParameterError(Problem(f"there is no week {week!r}", path="week", fix=fix))
        need = paid(grids[number], self.shrinkage[team]).reshape(7, HALVES)
        price = self.scenario.teams[team].cost_per_hour or 1.0
        kinds = contracts or usual_contracts(self.contract)
        return plan_roster(need, contracts=kinds, price=price, time_limit=time_limit)

    def check_roster(self, team: str, roster: Roster, *, n: int = TRIALS) -> pd.DataFrame:
        """Run the simulation with a roster, week after week, on luck that the plan has not seen.

        The other teams have the planned seats.

        Parameters
        ----------
        team : str
        roster : Roster
            Of one week.
        n : int
            Replications.

        Returns
        -------
        pandas.DataFrame
            See `funnelsim.planning.staffing.trial.verdicts`.
        """
        self._need(team)
        seats = np.zeros(SLOTS, np.int64)
        seats[: roster.staffed.size] = roster.staffed.ravel()
        return self._check({team: [Stretch(seats, scheduled=True)]}, n, None)

    def hiring(self, team: str, hiring: Hiring | None = None, *, sure: float = 0.0) -> HiringPlan:
        """Plan whom to hire by when.

        The need of four weeks is taken together: a single busy week is for overtime.

        Parameters
        ----------
        team : str
        hiring : Hiring, optional
            Left out: the scenario's attrition and cost per hour, and what is usual.
        sure : float
            Share of the paths on which the plan is enough; left out: the forecast's.

        Returns
        -------
        HiringPlan
        """
        need, weeks = self.paths(team), self.load.span.weeks
        own = self.scenario.teams[team]
        hiring = hiring or Hiring(attrition=own.attrition, hourly=own.cost_per_hour)
        firsts = np.arange(0, len(weeks), MONTH)
        length = np.add.reduceat(weeks, firsts)
        mean = np.add.reduceat(need * weeks, firsts, axis=1) / length
        extra = self.added.get(team, 0) * self._need(team).open.sum(axis=1)
        extra = np.add.reduceat(extra, firsts) / length / (1 - self.shrinkage[team]) / self.contract
        return plan_hiring(
            mean + extra,
            people=float(self.now(team)[0]),
            starts=[self.periods[k] for k in firsts.tolist()],
            end=self.periods[-1],
            hiring=hiring,
            sure=sure or self.sure,
            contract=self.contract,
            team=team,
            seed=self.seed,
        )

    def check(self, *, n: int = TRIALS, seed: int | None = None) -> pd.DataFrame:
        """Run the plan in the simulation, on luck that the plan has not seen.

        Parameters
        ----------
        n : int
            Replications.
        seed : int, optional
            Left out: the forecast's, in later replications.

        Returns
        -------
        pandas.DataFrame
            See `funnelsim.planning.staffing.trial.verdicts`.
        """
        return self._check({}, n, seed)

    def _check(
        self, other: Mapping[str, Sequence[Stretch]], n: int, seed: int | None
    ) -> pd.DataFrame:
        """Run the plan, with other seats for some teams."""
        first = 0 if seed is not None else len(self.load.asked) * (1 + _ROUNDS)
        promises = _promises(self.needs)
        planned = with_seats(self.scenario, {**self.stretches(), **other})
        shares, busy = measured(
            planned,
            promises,
            self.load.clocks,
            n=n,
            seed=self.seed if seed is None else seed,
            first=first,
            start=self.start,
        )
        return verdicts(shares, busy, promises)

    def issued(self) -> pd.DataFrame:
        """The forecast as the ledger keeps it, to be scored when the weeks are over.

        cutoff, series (``heads:TEAM`` in FTE, ``work:TEAM`` in hours), period_start,
        period_end, unit, quantile, value.
        """
        rows = []
        for team in self.teams:
            for name, measure in (("heads", "fte"), ("work", "work")):
                levels = np.quantile(self.paths(team, measure), QUANTILES, axis=0)
                for k, (begin, end) in enumerate(self._spans()):
                    for i, q in enumerate(QUANTILES):
                        rows.append(
                            {
                                "cutoff": self.periods[0],
                                "series": f"{name}:{team}",
                                "period_start": begin,
                                "period_end": end,
                                "unit": _UNITS[measure],
                                "quantile": q,
                                "value": levels[i, k],
                            }
                        )
        return pd.DataFrame(rows)

    def sentence(self, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """Say in one sentence who is needed.

        Parameters
        ----------
        lang : str
            Language of numbers and labels.
        text : callable
            Translates the words.

        Returns
        -------
        str
        """
        from funnelsim.planning.staffing.staffing_sentences import sentence

        return sentence(self, lang=lang, text=text)

    def _spans(self) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        return list(zip(self.periods[:-1], self.periods[1:], strict=True))

    def _need(self, team: str) -> Requirement:
        if team not in self.needs:
            fix = did_you_mean(team, self.needs, limit=20)
            raise ParameterError(Problem(f'there is no team "{team}" here', path="team", fix=fix))
        return self.needs[team]


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
    _check_numbers(known, max_occupancy, sure, n, trials)
    promises, lost, hours = _asked(known, service_level, teams, shrinkage, contract)

    def prepare(drawn: Scenario) -> Scenario:
        drawn = _bare(drawn, lost)
        if leads is None or isinstance(leads, Scenario):
            return drawn.change("horizon", {"run.horizon": horizon}) if horizon else drawn
        return with_leads(drawn, leads, n=n, seed=seed)

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
    added, trial = _tried(load, needs, sure, trials, start, told)
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


def _tried(
    load: Workload,
    needs: Mapping[str, Requirement],
    sure: float,
    trials: int,
    start: Snapshot | None,
    told: Callable[[float], None],
) -> tuple[dict[str, int], pd.DataFrame]:
    """Run the plan, and add seats where it does not show its promise kept, as long as it helps."""
    added, last = dict.fromkeys(needs, 0), dict.fromkeys(needs, 0)
    before: dict[str, float] = {}
    promises = _promises(needs)
    found = pd.DataFrame()
    for round_ in range(_ROUNDS if trials else 0):
        grids = {}
        for team, need in needs.items():
            grid = need.grid(sure)
            grids[team] = np.where(grid > 0, grid + added[team], 0)
        planned = with_seats(load.scenario, _stretches(load, grids))
        first = len(load.asked) * (1 + round_)
        shares, busy = measured(
            planned, promises, load.clocks, n=trials, seed=load.seed, first=first, start=start
        )
        found = verdicts(shares, busy, promises)
        told(0.7 + 0.3 * (round_ + 1) / _ROUNDS)
        short = {
            str(row["team"]): float(row["share"])
            for row in found.to_dict("records")
            if row["share"] < row["promised"]
        }
        for team, share in short.items():
            if share < before.get(team, -1.0) + _HELPS:
                added[team] -= last[team]  # more people change nothing: they are not what lacks
                last[team] = 0
            else:
                last[team] = max(round(0.03 * int(needs[team].peak.max())), 1)
                added[team] += last[team]
            before[team] = share
        if not any(last[team] for team in short):
            break
    return added, found


def _promises(needs: Mapping[str, Requirement]) -> dict[str, tuple[ServiceLevel, str]]:
    return {team: (need.promise, need.clock) for team, need in needs.items()}


def _stretches(load: Workload, grids: Mapping[str, Ints]) -> dict[str, list[Stretch]]:
    """Grids by period as seats over time; before and after, the first and the last one."""
    days = [day.date() for day in load.span.days]
    last = len(days) - 2
    found = {}
    for team, grid in grids.items():
        stretches: list[Stretch] = []
        begin = 0
        for k in range(1, last + 2):
            if k <= last and np.array_equal(grid[k], grid[begin]):
                continue
            first = None if begin == 0 else days[begin]
            until = None if k > last else days[k]
            stretches.append(Stretch(grid[begin], first, until))
            begin = k
        found[team] = stretches
    return found


def _bare(scenario: Scenario, shrinkage: Mapping[str, float]) -> Scenario:
    """The scenario with the shrinkage asked for."""
    teams = {
        key: team.model_copy(update={"shrinkage": shrinkage.get(key, team.shrinkage)})
        for key, team in scenario.teams.items()
    }
    return scenario.model_copy(update={"teams": teams})


def _check_numbers(
    scenario: Scenario, max_occupancy: float, sure: float, n: int, trials: int
) -> None:
    """Refuse numbers out of range, and a scenario in which nobody works."""
    problems = []
    if not scenario.teams:
        problems.append(Problem("the scenario has no teams", scenario.name, "teams"))
    shares = {"max_occupancy": (max_occupancy, 1.0), "sure": (sure, 0.999)}
    problems += [
        Problem(f"{name} is {value!r}", path=name, fix=f"Give a share above 0, up to {most:g}.")
        for name, (value, most) in shares.items()
        if not 0 < value <= most
    ]
    problems += [
        Problem(f"{name} is {value!r}", path=name, fix=f"Give a whole number from {least} on.")
        for name, value, least in (("n", n, 2), ("trials", trials, 0))
        if value < least or value % 1 or (name == "trials" and value == 1)
    ]
    if problems:
        raise ParameterError(problems)


def _asked(
    scenario: Scenario,
    service_level: str | ServiceLevel | Mapping[str, str | ServiceLevel],
    teams: Sequence[str],
    shrinkage: float | Mapping[str, float] | None,
    contract: str,
) -> tuple[dict[str, ServiceLevel], dict[str, float], float]:
    """Promises, shrinkage and contract hours, or every problem with them."""
    problems = [
        Problem(
            f'there is no team "{team}"',
            path="teams",
            fix=did_you_mean(team, scenario.teams, limit=20),
        )
        for team in teams
        if team not in scenario.teams
    ]

    def tried(make: Callable[[], Any], usual: Any) -> Any:  # noqa: ANN401 - what make returns
        try:
            return make()
        except ParameterError as wrong:
            problems.extend(wrong.problems)
            return usual

    levels = tried(lambda: service_levels(service_level, list(scenario.teams)), {})
    lost = tried(lambda: _shrinkage(scenario, shrinkage), {})
    hours = tried(lambda: _contract(contract), 40.0)
    if problems:
        raise ParameterError(problems)
    chosen = [team for team in levels if not teams or team in teams]
    return {team: levels[team] for team in chosen}, lost, hours


def _shrinkage(scenario: Scenario, told: float | Mapping[str, float] | None) -> dict[str, float]:
    """By team."""
    by_team = {
        team: told.get(team, own.shrinkage)
        if isinstance(told, Mapping)
        else own.shrinkage
        if told is None
        else told
        for team, own in scenario.teams.items()
    }
    unknown = set(told) - set(by_team) if isinstance(told, Mapping) else set()
    problems = [Problem(f'there is no team "{t}"', path="shrinkage") for t in sorted(unknown)]
    problems += [
        Problem(f"{share!r}", path=f"shrinkage.{team}", fix="Give a share from 0 to below 1.")
        for team, share in by_team.items()
        if not 0 <= share < 1
    ]
    if problems:
        raise ParameterError(problems)
    return by_team


def _contract(text: str) -> float:
    """Hours a week."""
    fix = "Give the hours a week, such as 40 h."
    try:
        duration = parse_duration(re.sub(r"\s*/\s*w$", "", str(text)))
    except ValueError as wrong:
        raise ParameterError(Problem(str(wrong), path="contract", fix=fix)) from None
    length = duration.microseconds()
    if duration.clock != "elapsed" or not 0 < length <= WEEK:
        raise ParameterError(Problem(f"{text!r} a week", path="contract", fix=fix))
    return length / HOUR
