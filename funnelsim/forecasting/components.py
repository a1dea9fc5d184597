"""Which models a forecast is made of."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.forecasting.arima import airline, harmonic, sarima
from funnelsim.forecasting.naive import drifting, seasonal_naive
from funnelsim.forecasting.outlook import Component
from funnelsim.forecasting.smoothing import damped, ets, stl, theta
from funnelsim.forecasting.statespace import level, trend

__all__ = ["COMPONENTS", "FAST", "MODELS"]

COMPONENTS: Mapping[str, Component] = {"level": level, "trend": trend, "theta": theta}
"""The recipe's three."""

FAST: Mapping[str, Component] = {"level": level, "stl": stl, "theta": theta}
"""Half of the time at about the same accuracy."""

MODELS: Mapping[str, Component] = {
    **COMPONENTS,
    "airline": airline,
    "damped": damped,
    "ets": ets,
    "harmonic": harmonic,
    "naive": drifting,
    "sarima": sarima,
    "seasonal naive": seasonal_naive,
    "stl": stl,
}
"""All that can be asked for by name."""
