"""Which models a forecast is made of."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.forecasting.arima import airline, harmonic, sarima, unobserved
from funnelsim.forecasting.naive import drifting, seasonal_naive
from funnelsim.forecasting.outlook import Component
from funnelsim.forecasting.smoothing import damped, ets, stl, theta

__all__ = ["COMPONENTS", "FAST", "MODELS"]

COMPONENTS: Mapping[str, Component] = {
    "unobserved": unobserved,
    "ets": ets,
    "theta": theta,
    "sarima": sarima,
}
"""The recipe's four."""

FAST: Mapping[str, Component] = {"unobserved": unobserved, "ets": ets, "theta": theta}
"""A third of the time at about the same accuracy: no search for an order."""

MODELS: Mapping[str, Component] = {
    **COMPONENTS,
    "airline": airline,
    "damped": damped,
    "harmonic": harmonic,
    "naive": drifting,
    "seasonal naive": seasonal_naive,
    "stl": stl,
}
"""All that can be asked for by name."""
