"""The sales forecast: what will be won, how sure that is, and what it hangs on."""

from __future__ import annotations

from funnelsim.reporting.sales_forecast.gathering import SalesForecast, work
from funnelsim.reporting.sales_forecast.sections import (
    deals,
    downside,
    front,
    issued,
    kept,
    making,
    money,
    periods,
    plan,
    promises,
    ways,
)

__all__ = [
    "SalesForecast",
    "deals",
    "downside",
    "front",
    "issued",
    "kept",
    "making",
    "money",
    "periods",
    "plan",
    "promises",
    "ways",
    "work",
]
