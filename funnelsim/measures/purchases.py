"""Who bought what and when: the orders in a log, and the customers behind its leads.

*Booked*, an order is every mark ``ordered``; the win of a lead that has no such mark up to
then; and a payment of a lead that owes nothing (a renewal). So one sale is never counted
twice, whether a scenario marks orders, wins, payments or all of them. *Paid*, it is every
mark ``paid``: money that came, often later than it was won.

An order without a value takes that of the win of its lead, if no order of the lead has one,
else that of the payment that follows it. Payments settle what earlier orders are worth, so
instalments are no orders. A payment before any order is a deposit; if no order follows, it
is none. In a log without wins and orders every payment is an order.

A customer is a ``customer_id``; a lead without one is a customer of its own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.cautions import LEADS_COUNTED
from funnelsim.measures.estimates import Estimate, mean
from funnelsim.measures.journeys import Codes, Micros, micros, rows_of

__all__ = [
    "SALES",
    "Basis",
    "Purchases",
    "check_basis",
    "customers",
    "first_leads",
    "is_named",
    "mean_amount",
    "money",
    "purchases",
    "uncertain_customers",
]

Basis = Literal["booked", "paid"]
SALES = ("won", "ordered", "paid", "refunded")  # their cost is that of what was sold

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Purchases:
    """Orders in time.

    Parameters
    ----------
    lead : ndarray of int, shape (n,)
        Row in the log's leads.
    customer : ndarray of int, shape (n,)
        As :func:`customers` numbers them.
    when : ndarray of int, shape (n,), µs
        Ascending.
    value : ndarray of float, shape (n,), minor units
        NaN where none is known.
    number : ndarray of int, shape (n,)
        1 for the customer's first order in the log, 2 for the next …
    """

    lead: Codes
    customer: Codes
    when: Micros
    value: Floats
    number: NDArray[np.int64]


def purchases(log: EventLog, basis: Basis = "booked") -> Purchases:
    """List the orders of a log.

    Parameters
    ----------
    log : EventLog
        Any history.
    basis : {"booked", "paid"}
        As in the module's text.

    Returns
    -------
    Purchases
        Also those from before the window, so that a repeat order is known for one.

    Raises
    ------
    ParameterError
        No such basis, or ``paid`` in a log whose marks are never ``paid``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> purchases(BANK).value.tolist()
    [100000.0, 300000.0]
    """
    check_basis(log, basis)
    marks = pd.DataFrame(
        {
            "lead": rows_of(log.marks["lead_id"], log.leads),
            "at": micros(log.marks["at"]),
            "kind": log.marks["kind"].to_numpy(dtype=object),
            "value": log.marks["value"].to_numpy(dtype="float64", na_value=np.nan),
        }
    )
    paid = marks[marks["kind"] == "paid"]
    known = marks["kind"].isin(["won", "ordered"]).any()
    found = paid if basis == "paid" or not known else _booked(log, marks)
    found = found.sort_values("at", kind="stable")
    lead = found["lead"].to_numpy()
    buyer = customers(log)[lead]
    number = np.asarray(pd.Series(buyer).groupby(buyer).cumcount() + 1, dtype=np.int64)
    when, value = found["at"].to_numpy(np.int64), found["value"].to_numpy(np.float64)
    return Purchases(lead, buyer, when, value, number)


def customers(log: EventLog) -> Codes:
    """Return the number of each lead's customer, in order of the first lead.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    ndarray of int, shape (n_leads,)
        Replications have customers of their own.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> customers(BANK).tolist()
    [0, 1, 2, 3, 4]
    """
    leads = log.leads
    named = is_named(leads["customer_id"])
    names = ("c" + leads["customer_id"]).where(named, "l" + leads["lead_id"])
    name, known = pd.factorize(names)
    run, _ = pd.factorize(leads["replication"])
    codes: Codes = pd.factorize(run * len(known) + name)[0]
    return codes


def first_leads(customer: Codes) -> Codes:
    """Return the row of each customer's first lead; it says which segment they are of.

    Examples
    --------
    >>> first_leads(np.array([0, 1, 0, 2])).tolist()
    [0, 1, 3]
    """
    rows: Codes = np.unique(customer, return_index=True)[1]
    return rows


def uncertain_customers(log: EventLog) -> str:
    """Warn where leads have no customer, so that a second lead looks like a new client.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> uncertain_customers(BANK)
    'leads counted'
    """
    known = log.leads["customer_id"].fillna("") != ""
    return "" if known.any() or not len(known) else LEADS_COUNTED


def check_basis(log: EventLog, basis: str) -> None:
    """Refuse a way of counting money that does not exist, or that the log does not know.

    Raises
    ------
    ParameterError
        Naming the two.
    """
    if basis not in get_args(Basis):
        fix = f"Use {' or '.join(get_args(Basis))}"
        raise ParameterError(Problem(f"basis={basis!r} is no way to count sales", fix=fix))
    if basis == "paid" and not (log.marks["kind"] == "paid").any():
        fix = 'Import payments as marks of kind "paid", or use basis="booked"'
        raise ParameterError(Problem("no lead of this log is marked paid", fix=fix))


def money(log: EventLog) -> str:
    """Return the unit of money, such as ``"UAH minor"``."""
    return f"{log.meta.currency} minor".strip()


def mean_amount(values: Floats, level: float) -> Estimate:
    """Mean of amounts of money; its interval stays above 0 if all of them do.

    Parameters
    ----------
    values : ndarray, shape (n,), minor units
        NaN where none is known.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Student's t; ``n`` are the known ones.

    Examples
    --------
    >>> mean_amount(np.array([100.0, np.nan, 300.0]), 0.95)[:3]
    (200.0, 2, 0.0)
    """
    known = values[~np.isnan(values)]
    middle = mean(known, level)
    if len(known) and known.min() >= 0:
        return middle._replace(lo=max(middle.lo, 0.0) if not np.isnan(middle.lo) else middle.lo)
    return middle


def is_named(names: pd.Series) -> NDArray[np.bool_]:
    """Say where a name is given: neither missing nor empty.

    Examples
    --------
    >>> is_named(pd.Series(["a", None, ""])).tolist()
    [True, False, False]
    """
    return (names.notna() & (names.fillna("") != "")).to_numpy(dtype=bool)


def _booked(log: EventLog, marks: pd.DataFrame) -> pd.DataFrame:
    """Orders, wins that no order came before, and payments of those who owe nothing."""
    ordered = marks[marks["kind"] == "ordered"]
    wins = marks[marks["kind"] == "won"].drop_duplicates("lead")
    wins = wins[(log.outcomes()["outcome"] == "won").to_numpy()[wins["lead"]]]
    first = ordered.groupby("lead")["at"].min().reindex(wins["lead"]).to_numpy()
    alone = ~(first <= wins["at"].to_numpy())  # NaN: no order at all
    worth = ordered.groupby("lead")["value"].count() == 0
    fill = wins[~alone].set_index("lead")["value"].reindex(worth.index[worth])
    opening = ordered[~ordered["lead"].duplicated()]
    value = opening["lead"].map(fill).fillna(opening["value"])
    ordered = ordered.assign(value=value.reindex(ordered.index).fillna(ordered["value"]))
    orders = pd.concat([ordered, wins[alone]])
    return _settled(orders, marks[marks["kind"] == "paid"])


def _settled(orders: pd.DataFrame, paid: pd.DataFrame) -> pd.DataFrame:
    """Orders with the values that payments tell, and renewals; payments settle what is owed."""
    if not len(paid):
        return orders
    both = pd.concat([orders.assign(step=0), paid.assign(step=1)])
    both = both.sort_values(["lead", "at", "step"], kind="stable")
    value, kept = both["value"].to_numpy(np.float64, copy=True), both["step"].to_numpy() == 0
    here, owed, begun, blank = -1, 0.0, False, deque[int]()
    for row, (lead, step) in enumerate(zip(both["lead"], both["step"], strict=True)):
        if lead != here:
            here, owed, begun, blank = lead, 0.0, False, deque()
        amount = value[row]
        if step == 0:
            begun = True
            if not np.isnan(amount):
                owed += amount
            elif owed < 0:  # a deposit says what it is worth
                value[row], owed = -owed, 0.0
            else:
                blank.append(row)
        elif not amount > 0:  # unknown, or money back
            continue
        elif owed > 0 or not begun:
            owed = max(owed - amount, 0.0) if begun else owed - amount
        elif blank:
            value[blank.popleft()] = amount
        else:
            kept[row] = True
    found: pd.DataFrame = both.assign(value=value).loc[kept].drop(columns="step")
    return found
