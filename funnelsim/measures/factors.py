"""Factor analysis: why sales of this period differ from those of the previous one.

Sales of a period = carry-over + Σ over kinds of leads × share of the kind (mix) × share of
them that buy (conversion) × what a buyer spends (price)

where leads, buyers and spending are those of the leads that *arrived in the period* and
what they did *inside it*, so that two periods of one length are followed equally long; and
carry-over is what leads from earlier periods bought. Changes are in whole minor units and
add up exactly: the rest is 0.

There are two ways to share a change out. *In order*, one factor after the other is put to
its new value (chain substitution): simple, but whoever comes later also gets what the
factors do together. *Shapley* is the mean over all orders and favours nobody.

References
----------
Shapley (1953), A value for n-person games; Sun (1998), Energy Economics 20: 85–100, and
Albrecht, François & Schoors (2002), Energy Policy 30: 727–736 (complete decomposition).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.cautions import CANNOT_TELL, NO_VALUE, UNEQUAL, cautions, few
from funnelsim.measures.estimates import Estimate
from funnelsim.measures.journeys import Codes, Micros, journeys, window
from funnelsim.measures.purchases import Purchases, money, purchases
from funnelsim.measures.tables import By, check_level, columns_of, exact, record, tidy
from funnelsim.measures.timeline import Between, grouped, two_periods

__all__ = ["FACTORS", "revenue_factors", "shared_out"]

FACTORS: Final = ("leads", "mix", "conversion", "price")
CARRY: Final = "carry_over"
ALL: Final = "(total)"
COUNTS = {**dict.fromkeys(["before", "after"], "float64"), "step": "int64", "caution": "str"}
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Takings:
    """What the kinds of leads of one period did in it.

    Parameters
    ----------
    leads, buyers, sales : sequence of int
        Per kind: leads that arrived, those that bought inside the period, minor units.
    carry_over : int
        Sales to earlier leads, minor units.
    amounts : ndarray of int
        All amounts, minor units.
    valued : bool
        Whether every order has a value.
    """

    leads: Sequence[int]
    buyers: Sequence[int]
    sales: Sequence[int]
    carry_over: int
    amounts: Integers
    valued: bool


def revenue_factors(
    log: EventLog,
    *,
    by: By = (),
    before: Between | None = None,
    after: Between | None = None,
    mix: By = "product",
    order: Sequence[str] = FACTORS,
    level: float = 0.95,
) -> pd.DataFrame:
    """Share the change of sales between two periods out among its factors.

    Definition: which factor made sales high or low. Formula: in the module's text. Unit:
    minor units. Source: domain S3:8, S3:18.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads; each group is shared out for itself.
    before, after : tuple of two str, optional
        Begin and end of the periods, ``("2024-01-01", "2024-04-01")``; left out: the
        halves of the window.
    mix : str or sequence of str
        Columns of leads that make the kinds: ``"product"``, ``"source"``, ``"segment"``.
    order : sequence of str
        In which order factors are put to their new values.
    level : float
        Confidence level of the whole change, 0 to 1.

    Returns
    -------
    DataFrame
        Item columns ``way`` (``in order``, ``Shapley``) and ``factor``: the four, then
        ``carry_over`` and ``(total)``, which is their sum; value exact; then ``before`` and
        ``after`` (leads; share that buys; minor units per buyer; minor units; mix has
        none), ``step`` (place in the order, 0 for none) and ``caution``: ``cannot tell``
        where chance alone explains the whole change (interval of ``(total)``, orders taken
        as independent), ``unequal`` for periods of different length, ``no value``.

    Raises
    ------
    ParameterError
        An unknown column, periods outside the log, or an order that is none.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = revenue_factors(
    ...     BANK, before=("2024-02-05", "2024-02-06"), after=("2024-02-06", "2024-02-07")
    ... )
    >>> table[table["way"] == "Shapley"][["factor", "value"]].values.tolist()
    [['leads', 0.0], ['mix', 0.0], ['conversion', 300000.0], ['price', 0.0],
     ['carry_over', 100000.0], ['(total)', 400000.0]]
    """
    check_level(level)
    if sorted(order) != sorted(FACTORS):
        fix = f"Give each once: {', '.join(FACTORS)}"
        raise ParameterError(Problem(f"order={tuple(order)!r} is no order of factors", fix=fix))
    columns, kinds = columns_of(by, log), columns_of(mix, log)
    leads = journeys(log, cohort=False).leads
    groups, kind = grouped(leads, columns), grouped(leads, kinds)
    periods, bought = two_periods(log, before, after), purchases(log)
    unequal = UNEQUAL if np.ptp([np.diff(one)[0] for one in periods]) > 0 else ""
    records: list[dict[str, object]] = []
    for group, key in enumerate(groups.keys):
        of = np.where(groups.of == group, kind.of, -1)
        old, new = (_takings(log, bought, of, len(kind.keys), period) for period in periods)
        total = _change(old, new, level)
        missing = "" if old.valued and new.valued else NO_VALUE
        unclear = CANNOT_TELL if total.lo <= 0 <= total.hi else ""
        said = cautions(few(total.n), unclear, unequal, missing)
        levels = _levels(old, new)
        for way in ("in order", "Shapley"):
            parts = shared_out(old, new, order if way == "in order" else None)
            for step, factor in enumerate([*order, CARRY, ALL], start=1):
                item = {**key, "way": way, "factor": factor}
                estimate = total if factor == ALL else exact(parts[factor], total.n)
                row = record(item, "revenue_factors", money(log), estimate, level)
                place = step if way == "in order" and factor in FACTORS else 0
                counts = dict(zip(("before", "after"), levels[factor], strict=True))
                records.append(row | counts | {"step": place, "caution": said})
    return tidy(records, log, columns, {"way": "str", "factor": "str"}, COUNTS)


def shared_out(old: Takings, new: Takings, order: Sequence[str] | None) -> dict[str, int]:
    """Share a change of sales out among the factors, exactly.

    Parameters
    ----------
    old, new : Takings
    order : sequence of str or None
        One factor after the other; None for Shapley's mean over all orders.

    Returns
    -------
    dict
        Factor → whole minor units; with ``carry_over`` they add up to the change.

    Examples
    --------
    Leads doubled and prices fell by half: in order, leads brought it and price took it.

    >>> none = np.array([], dtype=np.int64)
    >>> old = Takings([10], [5], [500], 0, none, valued=True)
    >>> new = Takings([20], [10], [500], 0, none, valued=True)
    >>> shared_out(old, new, FACTORS)
    {'leads': 500, 'mix': 0, 'conversion': 0, 'price': -500, 'carry_over': 0}
    >>> shared_out(old, new, None)["leads"]
    375
    """
    sales = _sales_of(old, new)
    if order is not None:
        steps = [frozenset(order[:step]) for step in range(len(order) + 1)]
        worth = {name: sales[steps[i + 1]] - sales[steps[i]] for i, name in enumerate(order)}
    else:
        worth = {name: _shapley(name, sales) for name in FACTORS}
    whole = _whole(worth, sum(new.sales) - sum(old.sales))
    return {name: whole[name] for name in FACTORS} | {CARRY: new.carry_over - old.carry_over}


def _sales_of(old: Takings, new: Takings) -> dict[frozenset[str], Fraction]:
    """Sales if just these factors had changed, for every set of factors."""
    sizes = [Fraction(sum(side.leads)) for side in (old, new)]
    mix = _both(old.leads, (sizes[0],) * len(old.leads), new.leads, (sizes[1],) * len(new.leads))
    conversion = _both(old.buyers, old.leads, new.buyers, new.leads)
    price = _both(old.sales, old.buyers, new.sales, new.buyers)
    found = {}
    for size in range(len(FACTORS) + 1):
        for chosen in combinations(FACTORS, size):
            at = {name: int(name in chosen) for name in FACTORS}
            parts = zip(
                mix[at["mix"]], conversion[at["conversion"]], price[at["price"]], strict=True
            )
            products = (share * bought * spent for share, bought, spent in parts)
            found[frozenset(chosen)] = sizes[at["leads"]] * sum(products, Fraction(0))
    return found


def _both(
    old: Sequence[int],
    of_old: Sequence[int | Fraction],
    new: Sequence[int],
    of_new: Sequence[int | Fraction],
) -> tuple[list[Fraction], list[Fraction]]:
    """Quotients of both periods; where one is undefined it takes the other's value."""
    first = [Fraction(a) / Fraction(b) if b else None for a, b in zip(old, of_old, strict=True)]
    second = [Fraction(a) / Fraction(b) if b else None for a, b in zip(new, of_new, strict=True)]
    zero = Fraction(0)
    pairs = list(zip(first, second, strict=True))
    return (
        [a if a is not None else (b or zero) for a, b in pairs],
        [b if b is not None else (a or zero) for a, b in pairs],
    )


def _shapley(name: str, sales: Mapping[frozenset[str], Fraction]) -> Fraction:
    """Mean change that a factor makes over all orders."""
    others = [one for one in FACTORS if one != name]
    total = Fraction(0)
    for size in range(len(others) + 1):
        orders = Fraction(factorial(size) * factorial(len(others) - size), factorial(len(FACTORS)))
        for before in combinations(others, size):
            change = sales[frozenset([*before, name])] - sales[frozenset(before)]
            total += orders * change
    return total


def _whole(worth: Mapping[str, Fraction], total: int) -> dict[str, int]:
    """Whole minor units with the same sum, by the largest remainder."""
    floors = {name: int(amount // 1) for name, amount in worth.items()}
    rest = total - sum(floors.values())
    ranked = sorted(worth, key=lambda name: (floors[name] - worth[name], FACTORS.index(name)))
    return {name: floors[name] + (name in ranked[:rest]) for name in worth}


def _takings(log: EventLog, bought: Purchases, of: Codes, kinds: int, period: Micros) -> Takings:
    """What leads of each kind did in a period; ``of`` is -1 for leads of other groups."""
    arrived = journeys(log, cohort=False).ends["arrived"].to_numpy()
    last = period[1] == window(log)[1]
    came = (of >= 0) & (arrived >= period[0]) & (arrived < period[1] + last)
    inside = (bought.when >= period[0]) & (bought.when < period[1] + last)
    inside &= of[bought.lead] >= 0
    value = np.rint(np.nan_to_num(bought.value)).astype(np.int64)
    fresh = inside & came[bought.lead]
    sales = np.zeros(kinds, dtype=np.int64)
    np.add.at(sales, of[bought.lead[fresh]], value[fresh])
    buyers = np.unique(bought.lead[fresh])
    return Takings(
        leads=np.bincount(of[came], minlength=kinds).tolist(),
        buyers=np.bincount(of[buyers], minlength=kinds).tolist(),
        sales=sales.tolist(),
        carry_over=int(value[inside & ~fresh].sum()),
        amounts=value[inside],
        valued=not np.isnan(bought.value[inside]).any(),
    )


def _levels(old: Takings, new: Takings) -> dict[str, tuple[float, float]]:
    """Factors before and after, over all kinds."""
    found: dict[str, list[float]] = {name: [] for name in (*FACTORS, CARRY, ALL)}
    for side in (old, new):
        leads, buyers, sales = sum(side.leads), sum(side.buyers), sum(side.sales)
        found["leads"].append(leads)
        found["mix"].append(np.nan)
        found["conversion"].append(buyers / leads if leads else np.nan)
        found["price"].append(sales / buyers if buyers else np.nan)
        found[CARRY].append(side.carry_over)
        found[ALL].append(sales + side.carry_over)
    return {name: (pair[0], pair[1]) for name, pair in found.items()}


def _change(old: Takings, new: Takings, level: float) -> Estimate:
    """Change of all sales, with the interval of independent orders."""
    from scipy.special import ndtri

    change = int(new.amounts.sum()) - int(old.amounts.sum())
    squares = sum(float((side.amounts.astype(np.float64) ** 2).sum()) for side in (old, new))
    margin = float(ndtri((1 + level) / 2)) * squares**0.5
    n = len(old.amounts) + len(new.amounts)
    return Estimate(change, n, change - margin, change + margin, "compound Poisson")
