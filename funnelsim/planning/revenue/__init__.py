"""Revenue to come: seen from above and from below, put together, beside plan and cash."""

from __future__ import annotations

from funnelsim.planning.revenue.restating import restate
from funnelsim.planning.revenue.revenue import forecast_revenue
from funnelsim.planning.revenue.revenue_backtest import backtest_revenue
from funnelsim.planning.revenue.revenue_forecast import RevenueForecast

__all__ = [
    "RevenueForecast",
    "backtest_revenue",
    "forecast_revenue",
    "restate",
]
