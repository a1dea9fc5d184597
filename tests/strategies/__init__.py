"""Hypothesis strategies for scenarios of the whole language: `scenarios` first of all."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies.demand import sources
from tests.strategies.frame import UNLIMITED, Frame
from tests.strategies.numbers import amounts, distributions
from tests.strategies.whole import scenarios

__all__ = ["SEEDS", "UNLIMITED", "Frame", "amounts", "distributions", "scenarios", "sources"]

SEEDS = st.integers(0, 2**64 - 1)
