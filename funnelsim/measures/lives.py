"""Clients lined up at their first order: what they bring by age, and for how long.

References
----------
Nelson (2003), Recurrent Events Data Analysis for Product Repairs, Disease Recurrences, and
Other Applications, ch. 3 (mean cumulative function of values).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.clients import NEVER, Clients
from funnelsim.measures.costs import spending
from funnelsim.measures.journeys import SECOND, Codes, journeys, window
from funnelsim.measures.purchases import customers
from funnelsim.measures.timeline import grouped

__all__ = ["DAY", "LEAST", "YEAR", "Lives", "constant_churn", "expected", "lives"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
DAY: Final = 86_400.0
YEAR: Final = 365.25 * DAY
LEAST: Final = 10
"""Fewer clients than this have no lifetime value."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Clients from their first order on; all times in seconds since it.

    Parameters
    ----------
    follow_up : ndarray, shape (n,)
        How long each client could be seen.
    client : ndarray of int, shape (k,)
        Whose income it is.
    age, amount : ndarray, shape (k,)
        When it came and what it was, costs negative; minor units.
    spell_of : ndarray of int, shape (m,)
        Whose time as a client it is.
    begin, end : ndarray, shape (m,)
        Its begin and end; infinite where the end was not seen.
    """

    follow_up: Floats
    client: Codes
    age: Floats
    amount: Floats
    spell_of: Codes
    begin: Floats
    end: Floats

    @property
    def n(self) -> int:
        """How many clients."""
        return len(self.follow_up)

    @property
    def reach(self) -> float:
        """Age to which a tenth of the clients, and at least ten, were followed; or NaN."""
        enough = max(LEAST, -(-self.n // 10))
        return float(np.sort(self.follow_up)[-enough]) if self.n >= enough else np.nan

    @property
    def so_far(self) -> Floats:
        """What each client brought; shape (n,)."""
        return np.bincount(self.client, self.amount, self.n).astype(np.float64)


def lives(
    log: EventLog,
    found: Clients,
    columns: tuple[str, ...],
    *,
    profit: bool,
    margin: float | None = None,
) -> Iterator[tuple[dict[str, object], Lives]]:
    """Walk through groups of clients whose first order falls into the window.

    Parameters
    ----------
    log : EventLog
    found : Clients
    columns : tuple of str
        Columns of leads, those of the customer's first lead.
    profit : bool
        Take costs off: those of what was sold, and all after the first order.
    margin : float, optional
        Share of income that is profit, instead of the costs on marks.

    Yields
    ------
    key : dict
        Column → value.
    Lives

    Examples
    --------
    >>> from funnelsim.measures.clients import clients
    >>> from funnelsim.measures.example import BANK
    >>> [found.so_far.tolist() for _, found in lives(BANK, clients(BANK), (), profit=False)]
    [[100000.0, 300000.0]]
    """
    since, until = window(log)
    who, when, amount = found.bought.customer, found.bought.when, found.bought.value
    amount = np.nan_to_num(amount) * (1.0 if margin is None else margin)
    if profit and margin is None:
        spent = spending(log)
        buyer = customers(log)[spent.lead]
        counts = spent.of_sales | (spent.when >= found.first[buyer])
        who, when = np.append(who, buyer[counts]), np.append(when, spent.when[counts])
        amount = np.append(amount, -spent.cost[counts])
    chosen = (found.first >= since) & (found.first <= until)
    groups = grouped(journeys(log, cohort=False).leads.iloc[found.lead], columns)
    for number, key in enumerate(groups.keys):
        members = np.flatnonzero(chosen & (groups.of == number))
        row = np.full(len(found.lead), -1)
        row[members] = np.arange(len(members))
        flow, spell = row[who] >= 0, row[found.client] >= 0
        client, spell_of = row[who[flow]], row[found.client[spell]]
        first = found.first[members]
        begin, end = found.start[spell], found.end[spell]
        yield (
            key,
            Lives(
                follow_up=(until - first) / SECOND,
                client=client,
                age=np.maximum(when[flow] - first[client], 0) / SECOND,
                amount=amount[flow],
                spell_of=spell_of,
                begin=(begin - first[spell_of]) / SECOND,
                end=np.where(end == NEVER, np.inf, (end - first[spell_of]) / SECOND),
            ),
        )


def expected(of: Lives, kept: Flags, horizon: float, reach: float, interest: float) -> float:
    """Expected income of a client up to an age.

    Parameters
    ----------
    of : Lives
    kept : ndarray of bool, shape (n,)
        Clients to use.
    horizon : float
        Seconds since the first order; infinite for the whole relation.
    reach : float
        Seconds to which nothing is assumed; beyond, active clients bring and leave as
        they did so far.
    interest : float
        Continuous, per second.

    Returns
    -------
    float
        Minor units, discounted to the first order; infinite where nobody leaves.

    Examples
    --------
    Ten clients, followed for one to ten seconds, each brings 1 at once and 1 after 5 s:

    >>> follow_up, who = np.arange(1.0, 11.0), np.array([*range(10), *range(4, 10)])
    >>> age = np.array([0.0] * 10 + [5.0] * 6)
    >>> spells = np.arange(10), np.zeros(10), np.full(10, np.inf)
    >>> ten = Lives(follow_up, who, age, np.ones(16), *spells)
    >>> expected(ten, np.ones(10, dtype=bool), 6.0, 10.0, 0.0)
    2.0
    """
    followed = np.sort(of.follow_up[kept])
    seen = kept[of.client] & (of.age <= min(horizon, reach))
    age = of.age[seen]
    at_risk = len(followed) - np.searchsorted(followed, age, side="left")
    observed = float((of.amount[seen] * np.exp(-interest * age) / np.maximum(at_risk, 1)).sum())
    if horizon <= reach:
        return observed
    income, leaving, _ = _rates(of, kept)
    old = kept & (of.follow_up >= reach)
    here = (of.begin <= reach) & (reach < of.end) & old[of.spell_of]
    active = len(np.unique(of.spell_of[here])) / max(int(old.sum()), 1)
    fading = leaving + interest
    left = -np.expm1(-fading * (horizon - reach)) / fading if fading else horizon - reach
    later = active * income * left if active * income else 0.0
    return float(observed + np.exp(-interest * reach) * later)


def constant_churn(of: Lives, kept: Flags, more: float) -> tuple[float, float, float, float]:
    """Lifetime income now, and if yearly retention were ``more`` (relative) higher.

    Returns
    -------
    tuple of float
        Income now and then (minor units; NaN where it would never end), yearly retention
        now and then.
    """
    income, leaving, first = _rates(of, kept)
    now = float(np.exp(-leaving * YEAR))
    then = now * (1 + more)
    if not leaving or then >= 1:
        return (first + income / leaving if leaving else np.nan), np.nan, now, then
    return first + income / leaving, first - income * YEAR / np.log(then), now, then


def _rates(of: Lives, kept: Flags) -> tuple[float, float, float]:
    """Income and leavings per second as a client, and income of the first order."""
    seen = kept[of.spell_of]
    limit = of.follow_up[of.spell_of]
    time = float((np.minimum(of.end, limit) - of.begin)[seen].sum())
    gone = int(np.isfinite(of.end[seen]).sum())
    mine = kept[of.client]
    later = float(of.amount[mine & (of.age > 0)].sum())
    first = float(of.amount[mine & (of.age == 0)].sum()) / max(int(kept.sum()), 1)
    return (later / time, gone / time, first) if time else (0.0, 0.0, first)
