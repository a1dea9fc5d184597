"""Repeats: customers who order again after their deal was won."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.spelling import shares
from funnelsim.calibration.demand.values import AmountFit, amount_fit, deal_values
from funnelsim.calibration.parts import Part, Refusal, Settings
from funnelsim.calibration.stages.dwell import Dwell, dwell
from funnelsim.calibration.stages.survival import Durations, curve
from funnelsim.events import EventLog
from funnelsim.measures.estimates import wilson
from funnelsim.measures.journeys import SECOND, micros, window
from funnelsim.messages import Message
from funnelsim.scenarios.evidence import Evidence

__all__ = ["RepeatPart", "repeat_parts"]

FEWEST: Final = 20
"""Later orders below which nothing is estimated."""
KINDS: Final = ("ordered", "paid")
SAME: Final = 60 * SECOND
"""Marks this close to the win belong to it."""
AGAIN: Final = "order_again"
GONE: Final = "no_further_order"


@dataclass(frozen=True, slots=True, eq=False)
class RepeatPart:
    """Orders after the win: who orders again, and when.

    Parameters
    ----------
    stage : str
        After which it is counted: the stage of the win, or the order before.
    kind : str
        Mark of an order.
    share, size : float
        Share that orders (once more); how many fully observed customers tell as much.
    gap : Dwell
        Time to the next order of those who do.
    value : AmountFit or None
        What an order is worth.
    minor : int
        Minor units of one major unit of money.
    """

    stage: str
    kind: str
    share: float
    size: float
    gap: Dwell
    value: AmountFit | None
    minor: int

    @property
    def name(self) -> str:
        """``repeat/won``."""
        return f"repeat/{self.stage}"

    @property
    def settings(self) -> Settings:
        """A delay, and the way to another order or to none."""
        value = self.value.written if self.value else None
        return self._with(self.share, self.gap.shape.spec(), value)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """The same with share, delay and value drawn from their uncertainty."""
        share = rng.beta(self.share * self.size + 0.5, (1 - self.share) * self.size + 0.5)
        value = self.value.drawn(rng) if self.value else None
        return self._with(float(share), self.gap.shape.drawn(rng), value)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The share, the time between orders, their value."""
        lo, hi = wilson(self.share, self.size, 0.95)
        first = Evidence(
            of=f"stages.{self.stage}.next.to.{AGAIN}",
            measure="share",
            value=self.share,
            unit="share",
            lo=lo,
            hi=hi,
            n=self.gap.evidence[0].n,
            method="Kaplan-Meier at the longest observation; Wilson at its effective size",
            note="Who may still order later counts as not ordering.",
        )
        worth = self.value.evidence(f"stages.{AGAIN}.marks", self.minor) if self.value else ()
        return (first, *self.gap.evidence, *worth)

    def _with(self, share: float, gap: object, value: object) -> Settings:
        ways = shares({AGAIN: share, GONE: 1 - share})
        mark = {"kind": self.kind} | ({"value": value} if value is not None else {})
        return {
            ("stages", self.stage, "delay_after"): gap,
            ("stages", self.stage, "next"): {"advance": AGAIN, "to": ways},
            ("stages", AGAIN, "label"): {"en": "Orders again"},
            ("stages", AGAIN, "marks"): [mark],
            ("stages", GONE, "label"): {"en": "No further order"},
        }


def repeat_parts(log: EventLog) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Estimate who orders again after the win, and when.

    Only where orders are marks after the end of a lead's visits: those that are stages of
    their own are estimated with the other stages, and a customer's further deals are leads.

    Parameters
    ----------
    log : EventLog
        With marks ``ordered`` or ``paid`` after ``won``.

    Returns
    -------
    parts, refusals : tuple of Part, tuple of Refusal
        ``repeat/WON`` and ``repeat/order_again``; empty if the log shows no later orders.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> repeat_parts(BANK)
    ((), ())
    """
    won = [info.id for info in log.meta.stages if info.outcome == "won"]
    orders = _orders(log)
    if orders.empty or len(won) != 1:
        return (), ()
    later = int((orders["number"] > 0).sum())
    if not later:
        return (), ()
    if later < FEWEST:
        why = Message("Orders after the win: {n}; {least} are needed.", n=later, least=FEWEST)
        return (), (Refusal("repeats", why, Message("Customers order once in the scenario.")),)
    kind = str(orders["kind"].iloc[-1])
    repeated = orders.loc[orders["number"] > 0, "value"].astype("Float64").astype("float64")
    minor = deal_values(log).minor
    value = amount_fit(repeated / minor)
    first = _gap(log, orders[orders["number"] == 0], won[0])
    then = _gap(log, orders[orders["number"] > 0], AGAIN)
    if first is None:
        return (), ()
    if then is None:  # too few to tell: every order is followed as the first one is
        share, size, gap = first
        path = ("stages", AGAIN, "delay_after")
        then = share, size, replace(gap, name=f"repeat/{AGAIN}", path=path)
    return tuple(
        RepeatPart(stage, kind, *found, value, minor)
        for stage, found in ((won[0], first), (AGAIN, then))
    ), ()


def _orders(log: EventLog) -> pd.DataFrame:
    """Orders of won leads: the win is number 0; ``next`` is the time of the following one."""
    marks = log.marks
    since = marks[marks["kind"] == "won"].groupby("lead_id")["at"].min()
    kind = next((k for k in KINDS if _later(marks, since, k).any()), None)
    if kind is None:
        return pd.DataFrame()
    rows = marks[_later(marks, since, kind)]
    wins = pd.DataFrame({"lead_id": since.index, "at": micros(since), "kind": "won"})
    more = pd.DataFrame(
        {
            "lead_id": rows["lead_id"].to_numpy(),
            "at": micros(rows["at"]),
            "kind": kind,
            "value": rows["value"].to_numpy(),
        }
    )
    table = pd.concat([wins, more], ignore_index=True).sort_values(
        ["lead_id", "at"], kind="stable", ignore_index=True
    )
    by_lead = table.groupby("lead_id")
    table["number"] = by_lead.cumcount()
    table["next"] = by_lead["at"].shift(-1)
    return table.sort_values("kind", key=lambda kinds: kinds != "won", kind="stable")


def _later(marks: pd.DataFrame, since: pd.Series, kind: str) -> pd.Series:
    """Marks of a kind after the win, outside of visits."""
    gap = marks["at"] - marks["lead_id"].map(since)
    after = gap > pd.Timedelta(microseconds=SAME)
    return (marks["kind"] == kind) & after & marks["visit"].isna()


def _gap(log: EventLog, orders: pd.DataFrame, stage: str) -> tuple[float, float, Dwell] | None:
    """Share that orders once more, its effective size, and the time until then."""
    _, until = window(log)
    again = orders["next"].notna().to_numpy()
    if int(again.sum()) < FEWEST:
        return None
    end = orders["next"].fillna(until).to_numpy(dtype=float)
    time = (end - orders["at"].to_numpy(dtype=float)) / SECOND
    n = len(orders)
    seen = Durations(np.maximum(time, 0), again, np.zeros(n), np.ones(n))
    known = curve(seen)
    # Those who order once more, each for as many as Kaplan and Meier say.
    weight = known.jump[again] * int(again.sum()) / known.jump.sum()
    done = Durations(seen.time[again], seen.ended[again], seen.entry[again], weight)
    part, _ = dwell(f"repeat/{stage}", ("stages", stage, "delay_after"), done)
    share = min(max(1 - known.unresolved, 0.001), 0.999)
    return (share, float(known.size[-1]), part) if part else None
