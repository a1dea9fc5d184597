"""The key figures that a log supports, each with its name, interval and caution."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from funnelsim import measures
from funnelsim.events import EventLog
from funnelsim.measures.cautions import CUT_OFF, NO_COSTS, TOO_FEW, cautions, few
from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Table
from funnelsim.reporting.review.cautions import caution
from funnelsim.reporting.review.gathering import supported
from funnelsim.reporting.texts import Texts

__all__ = ["key_figures"]

YEAR = 365.0
MONTH = "1MS"
# Profit is told only where the cost of at least so many sales is known.
COSTED = 0.5


@dataclass(frozen=True, slots=True)
class Entry:
    """A key figure: what it is called, the row of its measure, and how it is written."""

    name: str
    row: dict[str, Any]
    written: Callable[[float], str]


def key_figures(log: EventLog, t: Texts) -> Table | None:
    """List the key figures that this log supports.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Table or None
        None where it supports none. A figure that would be false is left out.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.texts import texts
    >>> key_figures(BANK, texts("en")).rows[1][:2]
    ('Average deal: value of a won lead', '€2,000')
    """
    entries = [
        entry
        for part in (_sales, _acquisition, _clients)
        for entry in part(log, t)
        if entry.row and math.isfinite(entry.row["value"])
    ]
    if not entries:
        return None
    return table(
        [
            column(t._("Key figure")),
            column(t._("Result"), numeric=True),
            column(t._("95% interval"), numeric=True),
            column(t._("Rests on"), numeric=True),
            column(t._("Caution")),
        ],
        [_cells(entry, t) for entry in entries],
        caption=t._("Key figures"),
        note=_note(entries, t),
    )


def _cells(entry: Entry, t: Texts) -> tuple[str, ...]:
    """A key figure as a row of texts."""
    row, written = entry.row, entry.written
    known = math.isfinite(row["lo"]) and math.isfinite(row["hi"])
    interval = f"{written(row['lo'])} – {written(row['hi'])}".replace(" ", "\u00a0")
    said = cautions(few(row["n"]), row.get("caution", ""))
    return (
        entry.name,
        written(row["value"]),
        interval if known else "",
        t.number(row["n"]),
        caution(said, t),
    )


def _note(entries: list[Entry], t: Texts) -> str:
    """What must not be mistaken for each other."""
    lifetime = any(entry.row["measure"] in {"ltv_revenue", "cltv_profit"} for entry in entries)
    orders = any(entry.row["measure"] == "average_order" for entry in entries)
    said = []
    if orders:
        said.append(t._("A deal is what a lead was won with, an order any purchase."))
    if lifetime:
        said.append(t._("LTV counts revenue, CLTV profit."))
    return " ".join(said)


def _sales(log: EventLog, t: Texts) -> Iterator[Entry]:
    """What is sold, and how fast leads are seen to."""
    money = _money(log, t)
    enquiries = _first(measures.enquiry_to_lead(log))
    yield Entry(t._("Enquiries that become leads"), enquiries, t.share)
    handled = supported(measures.handling_time, log, percentiles=(0.5,))
    if handled is not None:
        name = t._("Arrival to the end of the first work, median")
        yield Entry(name, _first(handled), t.duration)
    if not log.meta.currency:
        return
    deals = _first(measures.average_deal(log))
    yield Entry(t._("Average deal: value of a won lead"), deals, money)
    orders = _first(measures.average_order(log))
    if orders and orders["n"] != deals.get("n"):
        yield Entry(t._("Average order (AOV)"), orders, money)
        yield Entry(t._("Sales, all orders"), _first(measures.total_sales(log)), money)
    growth = measures.sales_growth(log, every=MONTH)
    growth = growth[~growth["caution"].str.contains(f"{CUT_OFF}|{TOO_FEW}")]
    if len(growth):
        month = t.month(growth["at"].iloc[-1], log.meta.time_zone)
        name = t._("Sales growth on the month before, {month}").format(month=month)
        yield Entry(name, _first(growth.iloc[-1:]), t.share)


def _acquisition(log: EventLog, t: Texts) -> Iterator[Entry]:
    """What leads and clients cost."""
    if not log.meta.currency or not (log.marks["kind"] == "acquired").any():
        return
    money = _money(log, t)
    yield Entry(t._("Cost per lead"), _first(measures.cost_per_lead(log)), money)
    yield Entry(t._("Cost of a new client (CAC)"), _first(measures.cac(log)), money)
    if _knows_costs(log):
        roi = _first(measures.roi(log))
        yield Entry(t._("Return on what was spent on selling (ROI)"), _profitable(roi), t.share)


def _clients(log: EventLog, t: Texts) -> Iterator[Entry]:
    """How long clients stay, and what they are worth."""
    if not log.meta.currency:
        return
    repeat = measures.repeat_rate(log).set_index("measure", drop=False)
    if not len(repeat) or not repeat["repeated"].max() > 0:
        return
    yield Entry(t._("Clients who buy again"), _first(repeat.loc[["repeat_rate"]]), t.share)
    often = measures.purchase_frequency(log, every=None).set_index("measure", drop=False)
    rate = _first(often.loc[["repeat_order_rate"]]) if len(often) else {}
    yield Entry(
        t._("Repeat orders per client and year"), rate, lambda n: t.number(n, 1 if n >= 1 else 2)
    )
    churn = measures.churn(log, every=MONTH)
    churn = churn[churn["value"].notna() & ~churn["caution"].str.contains(CUT_OFF)]
    if len(churn):
        month = t.month(churn["at"].iloc[-1], log.meta.time_zone)
        name = t._("Clients who left in the month (churn), {month}").format(month=month)
        yield Entry(name, _first(churn.iloc[-1:]), t.share)
    yield from _lifetime(log, t)


def _lifetime(log: EventLog, t: Texts) -> Iterator[Entry]:
    """What a client brings in a year."""
    money = _money(log, t)
    revenue = measures.ltv_revenue(log)
    revenue = revenue[revenue["horizon_d"] == YEAR]
    yield Entry(t._("Revenue from a client in the first year (LTV)"), _first(revenue), money)
    if not _knows_costs(log):
        return
    lifetime = measures.cltv_profit(log)
    profit = _profitable(_first(lifetime[lifetime["horizon_d"] == YEAR]))
    yield Entry(t._("Profit from a client in the first year (CLTV)"), profit, money)
    ratio = _profitable(_first(measures.cltv_to_cac(log, horizon="365 d")))
    yield Entry(t._("CLTV of the first year ÷ CAC"), ratio, t.figure)


def _knows_costs(log: EventLog) -> bool:
    """Whether most sales say what they cost, so that profit means something."""
    sold = log.marks[
        log.marks["kind"].isin(["won", "ordered", "paid"]) & log.marks["value"].notna()
    ]
    return bool(len(sold)) and float(sold["cost"].notna().mean()) >= COSTED


def _profitable(row: dict[str, Any]) -> dict[str, Any]:
    """A row of profit, none where costs are not known."""
    return {} if NO_COSTS in row.get("caution", "") else row


def _money(log: EventLog, t: Texts) -> Callable[[float], str]:
    """How amounts are written."""
    return lambda minor: t.money(minor, log.meta.currency or "")


def _first(found: pd.DataFrame) -> dict[str, Any]:
    """The first row of a measure's table; empty where it has none."""
    return {str(name): value for name, value in found.iloc[0].items()} if len(found) else {}
