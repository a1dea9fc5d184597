"""Customers from their first order on: when they are clients, and when they have left.

A customer becomes a client with the first order and is one until the mark ``churned``, or,
where no contract ends (a shop), until no order came for the time given as ``silent``. The
next order makes them a client again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog
from funnelsim.measures.cautions import NO_CHURN
from funnelsim.measures.journeys import Codes, Micros, micros, rows_of, window
from funnelsim.measures.purchases import Basis, Purchases, customers, first_leads, purchases
from funnelsim.measures.tables import span

__all__ = ["NEVER", "Clients", "clients"]

NEVER: Final = np.iinfo(np.int64).max
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Clients:
    """Customers who have bought, and their time as clients.

    Parameters
    ----------
    bought : Purchases
        All orders.
    lead : ndarray of int, shape (n_customers,)
        Row of each customer's first lead.
    first : ndarray of int, shape (n_customers,), µs
        The first order; ``NEVER`` for those who have not bought.
    client, start, end : ndarray of int, shape (n_spells,)
        Customer, begin and end (µs) of each time as a client, by customer and time; the
        end is ``NEVER`` where it was not seen.
    knows_churn : bool
        Whether the log, or ``silent``, says when clients leave.
    """

    bought: Purchases
    lead: Codes
    first: Micros
    client: Codes
    start: Micros
    end: Micros
    knows_churn: bool

    @property
    def caution(self) -> str:
        """``"no churn"`` where nothing says when clients leave."""
        return "" if self.knows_churn else NO_CHURN

    def active(self, moment: int) -> Flags:
        """Say which customers are clients at a moment; shape (n_customers,)."""
        here = (self.start <= moment) & (moment < self.end)
        flags = np.zeros(len(self.lead), dtype=bool)
        flags[self.client[here]] = True
        return flags


def clients(log: EventLog, silent: str | None = None, basis: Basis = "booked") -> Clients:
    """Follow customers from their first order.

    Parameters
    ----------
    log : EventLog
        Any history.
    silent : str, optional
        Elapsed time without an order after which a client counts as gone, ``"90 d"``.
    basis : {"booked", "paid"}
        What an order is, see :mod:`funnelsim.measures.purchases`.

    Returns
    -------
    Clients

    Raises
    ------
    ParameterError
        ``silent`` is no elapsed time; ``paid`` where nothing is.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> found = clients(BANK)
    >>> len(found.client), found.knows_churn
    (2, False)
    """
    pause = None if silent is None else round(span(silent, "silent") / pd.Timedelta(1, "us"))
    bought = purchases(log, basis)
    customer = customers(log)
    lead = first_leads(customer)
    first = np.full(len(lead), NEVER)
    np.minimum.at(first, bought.customer, bought.when)
    gone = log.marks[log.marks["kind"] == "churned"]
    left = pd.DataFrame(
        {"client": customer[rows_of(gone["lead_id"], log.leads)], "at": micros(gone["at"])}
    )
    spells = _spells(bought, left, pause, window(log)[1])
    return Clients(bought, lead, first, *spells, knows_churn=pause is not None or len(left) > 0)


def _spells(
    bought: Purchases, left: pd.DataFrame, pause: int | None, until: int
) -> tuple[Codes, Micros, Micros]:
    """Customer, begin and end of each time as a client."""
    order = np.lexsort((bought.when, bought.customer))
    client, at = bought.customer[order], bought.when[order]
    cover = _next_leaving(client, at, left)
    if pause is not None:
        cover = np.minimum(cover, np.where(at > until - pause, NEVER, at + pause))
    same = np.diff(client, prepend=-1) == 0
    opens = ~(same & (at <= np.roll(cover, 1)))
    closes = np.append(opens[1:], np.ones(min(len(opens), 1), dtype=bool))
    return client[opens], at[opens], cover[closes]


def _next_leaving(client: Codes, at: Micros, left: pd.DataFrame) -> Micros:
    """When the customer of each order next left, at the same instant or later."""
    orders = pd.DataFrame({"client": client, "at": at})
    leaving = left.assign(left=left["at"]).sort_values("at", kind="stable")
    merged = pd.merge_asof(
        orders.reset_index().sort_values("at", kind="stable"),
        leaving,
        on="at",
        by="client",
        direction="forward",
    ).sort_values("index", kind="stable")
    return np.asarray(merged["left"].astype("Int64").fillna(NEVER), dtype=np.int64)
