"""Which models a forecast is made of."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.forecasting.arima import airline, harmonic, sarima, unobserved
from funnelsim.forecasting.naive import drifting, seasonal_naive
from funnelsim.forecasting.outlook import Component
from funnelsim.forecasting.smoothing import damped, ets, stl, theta

__all__ = ["COMPONENTS", "FAST", "MODELS"]

COMPONENTS: Mapping[str, Component] = {
    "damped": damped,
    "theta": theta,
    "sarima": sarima,
    "harmonic": harmonic,
}
"""The recipe's four."""

FAST: Mapping[str, Component] = {"damped": damped, "theta": theta, "airline": airline}
"""A fraction of the time at about the same accuracy."""

MODELS: Mapping[str, Component] = {
    **COMPONENTS,
    "airline": airline,
    "ets": ets,
    "naive": drifting,
    "seasonal naive": seasonal_naive,
    "stl": stl,
    "unobserved": unobserved,
}
"""All that can be asked for by name."""
