"""What a lead, an hour and a sale cost: booked on marks, paid to teams, or given.

Costs come from three places. Marks carry some: those of kind won, ordered or paid are the
*cost of what was sold*, all others (``acquired``: the price of a lead) are *selling
expenses*. Teams carry others: staffed hours × cost per hour. What a log cannot know,
commission and overheads, is given as :class:`Costs`.

Staff and overheads belong to no lead. By segment, a team's hours are shared out by the
time it worked for each, idle time likewise, and overheads by leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog, TeamInfo
from funnelsim.measures.capacity import staffed
from funnelsim.measures.journeys import MISSING, SECOND, Codes, Micros, journeys, micros, rows_of
from funnelsim.measures.purchases import SALES, purchases
from funnelsim.measures.steps import Steps, area, highest, steps
from funnelsim.measures.timeline import Grouping, Timeline

__all__ = ["NO_EXTRA", "Costs", "Spending", "expenses", "spending", "staff_costs", "summed"]

Floats = NDArray[np.float64]
HOUR: Final = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Costs:
    """What a log cannot say about the cost of selling.

    Parameters
    ----------
    pay : mapping of str to int
        Team → minor units per hour; a team not named costs what the log says.
    commission : float
        Share of sales that goes to the sellers, 0 to 1.
    overheads : int
        Other selling expenses during the log's whole window, minor units.

    Raises
    ------
    ParameterError
        A negative cost, or a commission outside 0 to 1.

    Examples
    --------
    >>> Costs(commission=5)
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: commission=5 is no share from 0 to 1. Write 0.05 for 5 %
    """

    pay: Mapping[str, int] = field(default_factory=dict)
    commission: float = 0.0
    overheads: int = 0

    def __post_init__(self) -> None:
        problems = []
        if not 0 <= self.commission <= 1:
            message = f"commission={self.commission!r} is no share from 0 to 1"
            problems.append(Problem(message, fix="Write 0.05 for 5 %"))
        given = {"overheads": self.overheads, **{f"pay[{k!r}]": v for k, v in self.pay.items()}}
        for name, amount in given.items():
            if not amount >= 0:
                problems.append(Problem(f"{name}={amount!r} is negative", fix="Costs are positive"))
        if problems:
            raise ParameterError(problems)

    def per_hour(self, team: TeamInfo) -> int:
        """Minor units per hour of a team."""
        return self.pay.get(team.id, team.cost_per_hour)


NO_EXTRA: Final = Costs()


@dataclass(frozen=True, slots=True)
class Spending:
    """Costs booked on marks.

    Parameters
    ----------
    lead : ndarray of int, shape (n,)
        Row in the log's leads.
    when : ndarray of int, shape (n,), µs
    kind : ndarray of str, shape (n,)
        Kind of the mark.
    cost : ndarray of float, shape (n,), minor units
    """

    lead: Codes
    when: Micros
    kind: NDArray[np.object_]
    cost: Floats

    @property
    def of_sales(self) -> NDArray[np.bool_]:
        """Which are the cost of what was sold; the others are selling expenses."""
        return np.isin(self.kind.astype(str), SALES)


def spending(log: EventLog) -> Spending:
    """List the costs that a log's marks carry.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    Spending

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> spending(BANK).cost.tolist()
    []
    """
    marks = log.marks[log.marks["cost"].notna()]
    return Spending(
        rows_of(marks["lead_id"], log.leads),
        micros(marks["at"]),
        marks["kind"].to_numpy(dtype=object),
        marks["cost"].to_numpy(np.float64),
    )


def expenses(
    log: EventLog, groups: Grouping, line: Timeline, costs: Costs
) -> list[tuple[str, Floats, Floats]]:
    """Add up every selling expense by group and period.

    Parameters
    ----------
    log : EventLog
    groups : Grouping
    line : Timeline
    costs : Costs

    Returns
    -------
    list of tuple
        Name (of a kind of mark, or in parentheses), money (minor units) and number of
        bookings, both of shape (groups, periods); empty where nothing is known of costs.
    """
    spent = spending(log)
    trips = journeys(log, cohort=False)
    shape = (len(groups.keys), line.n)
    none = np.zeros(shape)
    parts = []
    kinds = sorted(set(spent.kind[~spent.of_sales]), key=lambda kind: (kind != "acquired", kind))
    for kind in kinds:
        mine = spent.kind == kind
        lead, when = spent.lead[mine], spent.when[mine]
        amount = summed(groups, line, lead, when, spent.cost[mine])
        parts.append((kind, amount, summed(groups, line, lead, when, np.ones(len(lead)))))
    leads = np.bincount(groups.of, minlength=shape[0]).astype(np.float64)
    if _paid_teams(log, costs, set(trips.efforts["team"])):
        share = groups.of[trips.efforts["lead"].to_numpy()]
        parts.append(("(staff)", staff_costs(log, line, costs, share, leads), none))
    if costs.commission:
        bought = purchases(log)
        due = costs.commission * np.nan_to_num(bought.value)
        parts.append(("(commission)", summed(groups, line, bought.lead, bought.when, due), none))
    if costs.overheads:
        length = np.diff(line.cuts) / max(line.cuts[-1] - line.cuts[0], 1)
        portion = leads / leads.sum() if leads.sum() else np.full(shape[0], 1 / max(shape[0], 1))
        parts.append(("(overheads)", costs.overheads * np.outer(portion, length), none))
    return parts


def summed(groups: Grouping, line: Timeline, lead: Codes, when: Micros, amount: Floats) -> Floats:
    """Add amounts up by group and period; shape (groups, periods)."""
    found = np.zeros((len(groups.keys), line.n))
    period = line.of(when)
    inside = period >= 0
    np.add.at(found, (groups.of[lead[inside]], period[inside]), amount[inside])
    return found


def staff_costs(
    log: EventLog, line: Timeline, costs: Costs, share: Codes, weight: Floats
) -> Floats:
    """Share out what teams cost among kinds of work.

    Parameters
    ----------
    log : EventLog
    line : Timeline
    costs : Costs
    share : ndarray of int, shape (n_efforts,)
        Which share each piece of work of the journeys belongs to, 0 … k - 1.
    weight : ndarray, shape (k,)
        How the hours of a team that did no work in a period are shared out.

    Returns
    -------
    ndarray, shape (k, periods), minor units
    """
    trips = journeys(log, cohort=False)
    begun = trips.efforts["started"].to_numpy() != MISSING
    work, share = trips.efforts[begun], share[begun]
    start, ended = work["started"].to_numpy(), work["ended"].to_numpy()
    end = np.where(ended == MISSING, trips.until, ended)
    team = work["team"].to_numpy()
    found = np.zeros((len(weight), line.n))
    idle = weight / weight.sum() if weight.sum() else np.full(len(weight), 1 / max(len(weight), 1))
    for info in _paid_teams(log, costs, set(team)):
        mine = team == info.id
        busy = np.zeros_like(found)
        for one in np.unique(share[mine]):
            chosen = mine & (share == one)
            busy[one] = area(steps(start[chosen], end[chosen]), line.cuts)
        hours = _hours(info, steps(start[mine], end[mine]), line.cuts)
        whole = busy.sum(axis=0)
        part = np.divide(busy, whole, out=np.tile(idle[:, None], line.n), where=whole > 0)
        found += part * hours * costs.per_hour(info)
    return found


def _paid_teams(log: EventLog, costs: Costs, seen: set[str]) -> list[TeamInfo]:
    """Teams that cost something, those without metadata included."""
    known = {team.id: team for team in log.meta.teams}
    teams = [*known.values(), *(TeamInfo(id=name) for name in sorted(seen - set(known)))]
    strange = sorted(set(costs.pay) - {team.id for team in teams})
    if strange:
        fix = f"Teams are: {', '.join(team.id for team in teams) or 'none'}"
        raise ParameterError(Problem(f"pay names {', '.join(strange)}, which is no team", fix=fix))
    return [team for team in teams if costs.per_hour(team)]


def _hours(team: TeamInfo, busy: Steps, cuts: Micros) -> Floats:
    """Hours to be paid in each period: staffed, with overtime; worked if that is all we know."""
    level = steps(*staffed(team))
    if not (team.pauses and team.staffed):  # work laid down at closing time is no overtime
        level = highest(level, busy)
    return area(level, cuts) / HOUR
