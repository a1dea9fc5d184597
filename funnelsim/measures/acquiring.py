"""What was spent on winning clients, and the clients it won: by period, and by cohort."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.clients import NEVER, clients
from funnelsim.measures.cohorts import chances
from funnelsim.measures.costs import Costs, expenses, spending, staff_costs, summed
from funnelsim.measures.happenings import ARRIVED, BOUGHT
from funnelsim.measures.journeys import journeys
from funnelsim.measures.milestones import course
from funnelsim.measures.passages import ADVANCED
from funnelsim.measures.purchases import customers
from funnelsim.measures.timeline import Grouping, Timeline, timeline

__all__ = ["Acquiring", "acquiring"]

Floats = NDArray[np.float64]


class Acquiring(NamedTuple):
    """Money and clients, all of shape (groups, periods).

    Parameters
    ----------
    spent, new : ndarray
        Spent in the period before customers had bought, minor units; customers whose
        first order falls into it.
    followed, became, expected : ndarray
        Spent on the leads that arrived in the period, before their customers had bought;
        new clients they became so far; and will in the end.
    unknown : bool
        Nothing is known of costs.
    """

    spent: Floats
    new: Floats
    followed: Floats
    became: Floats
    expected: Floats
    unknown: bool


def acquiring(log: EventLog, groups: Grouping, line: Timeline, costs: Costs) -> Acquiring:
    """Follow the money to the clients.

    Parameters
    ----------
    log : EventLog
    groups : Grouping
        Of the log's leads; a client belongs to the group of its customer's first lead.
    line : Timeline
    costs : Costs

    Returns
    -------
    Acquiring

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.measures.timeline import grouped
    >>> groups, line = grouped(BANK.leads, ()), timeline(BANK, None)
    >>> acquiring(BANK, groups, line, Costs(overheads=100)).spent.tolist()
    [[100.0]]
    """
    trips = journeys(log, cohort=False)
    customer, found = customers(log), clients(log)
    arrived = trips.ends["arrived"].to_numpy()
    first = found.first[customer]  # of each lead's customer
    shape = (len(groups.keys), line.n)
    spent = spending(log)
    early = ~spent.of_sales & (spent.when <= first[spent.lead])
    lead, when, cost = spent.lead[early], spent.when[early], spent.cost[early]
    opening = found.bought.number == 1
    buyer, day = found.bought.lead[opening], found.bought.when[opening]
    due = costs.commission * np.nan_to_num(found.bought.value[opening])
    overheads = next(
        (part for name, part, _ in expenses(log, groups, line, costs) if name == "(overheads)"),
        np.zeros(shape),
    )
    staff = _staff(log, groups, line, costs, first)
    period = (
        summed(groups, line, lead, when, cost) + summed(groups, line, buyer, day, due) + staff[0]
    )
    cohort = (
        summed(groups, line, lead, arrived[lead], cost)
        + summed(groups, line, buyer, arrived[buyer], due)
        + staff[1]
    )
    bought = found.first != NEVER
    new = summed(groups, line, found.lead[bought], found.first[bought], np.ones(bought.sum()))
    became, expected = _clients(log, groups, line, first)
    unknown = not expenses(log, groups, line, costs)
    return Acquiring(period + overheads, new, cohort + overheads, became, expected, unknown)


def _staff(
    log: EventLog, groups: Grouping, line: Timeline, costs: Costs, first: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Cost of hours worked for customers who had not bought: by period, and by arrival."""
    trips = journeys(log, cohort=False)
    lead, started = trips.efforts["lead"].to_numpy(), trips.efforts["started"].to_numpy()
    arrival = line.of(trips.ends["arrived"].to_numpy())
    number, after = len(groups.keys), started > first[lead]
    leads = np.bincount(groups.of, minlength=number).astype(np.float64)
    share = np.where(after, number, 0) + groups.of[lead]
    weight = np.concatenate([leads, np.zeros(number)])
    by_period = staff_costs(log, line, costs, share, weight)[:number]
    other = number * line.n
    cell = np.where(arrival >= 0, groups.of * line.n + arrival, other)
    share = np.where(after, other, cell[lead])
    weight = np.bincount(cell, minlength=other + 1).astype(np.float64)
    by_cohort = staff_costs(log, timeline(log, None), costs, share, weight)[:other, 0]
    return by_period, by_cohort.reshape(number, line.n)


def _clients(
    log: EventLog, groups: Grouping, line: Timeline, first: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """New clients among the leads that arrived: so far, and in the end."""
    went = course(log, ARRIVED, BOUGHT)
    chance = chances(went, groups.of[went.lead])
    done = went.fate == ADVANCED
    when = went.since + np.rint(went.duration * 1e6).astype(np.int64)
    # Of one customer's leads only that with the first order wins a client.
    chance[np.where(done, when > first[went.lead], first[went.lead] != NEVER)] = 0.0
    became = summed(groups, line, went.lead, went.since, chance * done)
    return became, summed(groups, line, went.lead, went.since, chance)
