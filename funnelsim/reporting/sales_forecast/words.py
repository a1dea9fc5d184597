"""Amounts, periods and ways of a revenue forecast in the reader's words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.planning import RevenueForecast
from funnelsim.planning.revenue.plan import precision
from funnelsim.reporting.names import Names
from funnelsim.reporting.texts import Texts

__all__ = ["Words"]

NAMELESS: Final = "leads"  # the source of leads that name none, in a calibrated scenario
MILLIONS: Final = 1e7
THOUSANDS: Final = 1e4


@dataclass(frozen=True)
class Words:
    """How one forecast is written in one language.

    Parameters
    ----------
    made : RevenueForecast
    names : Names
        Of stages and sources.
    t : Texts
    """

    made: RevenueForecast
    names: Names
    t: Texts

    @property
    def is_money(self) -> bool:
        """Whether amounts are money; else deals."""
        return self.made.measure == "won_value"

    def amount(self, value: float) -> str:
        """An amount in minor units, or a number of deals."""
        t = self.t
        if not self.is_money:
            n = round(value) if np.isfinite(value) else 0
            return t.n_("{n} deal", "{n} deals", n).format(n=t.number(value))
        if not self.made.currency:
            return t.number(value / 10 ** precision(""))
        return t.money(value, self.made.currency)

    @cached_property
    def scale(self) -> float:
        """What an amount is divided by in pictures."""
        if not self.is_money:
            return 1.0
        whole = 10.0 ** precision(self.made.currency)
        table = self.made.table
        rows = table[(table["measure"] == self.made.measure) & (table["span"] != "horizon")]
        most = float(rows["p90"].max()) / whole
        return whole * (1e6 if most >= MILLIONS else 1e3 if most >= THOUSANDS else 1.0)

    def cell(self, value: float) -> str:
        """An amount in a table whose caption tells the unit."""
        scaled = value / self.scale
        return self.t.number(scaled, 0 if abs(scaled) >= 10 or not scaled % 1 else 1)  # noqa: PLR2004

    def captioned(self, caption: str) -> str:
        """A caption with the unit of the numbers."""
        return f"{caption}, {self.unit}" if self.unit else caption

    @property
    def unit(self) -> str:
        """What the numbers of a picture count."""
        t = self.t
        if not self.is_money:
            return t._("deals")
        size = round(np.log10(self.scale)) - precision(self.made.currency)
        said = {3: t._("{currency} thousand"), 6: t._("{currency} million")}.get(size, "{currency}")
        return said.format(currency=self.made.currency).strip()

    def period(self, period: pd.Period | str, *, whole: bool = True) -> str:
        """A period's name; one that the horizon cuts off says so."""
        t = self.t
        if isinstance(period, str):
            return period
        at = period.start_time.tz_localize("UTC")
        code = period.freqstr[0]
        name = {"M": t.month, "Q": t.quarter}.get(code, t.week)(at)
        return name if whole else t._("{period}, in part").format(period=name)

    def day(self, moment: pd.Timestamp) -> str:
        """A day of the log's zone."""
        return self.t.day(moment.to_pydatetime(), self.made.cells.zone)

    def way(self, way: str) -> str:
        """What a way to forecast is called."""
        t = self.t
        known = {
            "bottom_up": t._("Bottom-up: deals and leads"),
            "top_down": t._("Top-down: the series"),
            "combined": t._("Combined"),
            "stage_weighted": t._("Pipeline weighted by stage"),
            "last_period": t._("Last period once more"),
        }
        return known.get(way, way)

    def group(self, origin: str, key: str, by: str) -> str:
        """A group of deals: open ones by stage or by what they are; leads to come."""
        t = self.t
        if by == "stage":
            return (
                t._("Open deals in “{stage}”").format(stage=self.names.of_stage(key))
                if origin == "open"
                else t._("Future leads")
            )
        known = self.names.of_other(key) if by == "source" else key
        if by == "source" and key == NAMELESS:
            known = t._("leads of no known source")
        patterns = {"open": t._("{group}, open deals"), "future": t._("{group}, future leads")}
        return patterns[origin].format(group=known or t._("not told"))
