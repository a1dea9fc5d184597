"""Who is needed, week by week: the plan, its roster, whom to hire, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.engine.snapshot import Snapshot
from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.samples import levels
from funnelsim.planning.rostering.covering import HALVES
from funnelsim.planning.rostering.roster import Roster, plan_roster
from funnelsim.planning.rostering.shifts import Contract, usual_contracts
from funnelsim.planning.staffing.erlang import paid
from funnelsim.planning.staffing.hiring import Hiring, HiringPlan, plan_hiring
from funnelsim.planning.staffing.raising import ROUNDS, promises_of, stretches_of
from funnelsim.planning.staffing.requirement import Requirement
from funnelsim.planning.staffing.trial import Stretch, measured, verdicts, with_seats
from funnelsim.planning.staffing.workload import SLOTS, Workload
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import HOUR

__all__ = ["QUANTILES", "TRIALS", "StaffingForecast"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.8, 0.9)
TRIALS: Final = 20
MONTH: Final = 4
"""Weeks that hiring takes together."""
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
                found = levels(values, QUANTILES)
                for k, (begin, end) in enumerate(self._spans()):
                    named = {f"p{100 * q:.0f}": found[i, k] for i, q in enumerate(QUANTILES)}
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
        return stretches_of(self.load, {team: self.grid(team) for team in self.teams})

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
        first = 0 if seed is not None else len(self.load.asked) * (1 + ROUNDS)
        promises = promises_of(self.needs)
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
                found = levels(self.paths(team, measure), QUANTILES)
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
                                "value": found[i, k],
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
