"""Scores of forecasts against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from funnelsim.forecasting.scores import covered, crps


def test_crps_equals_the_closed_form_of_a_normal_forecast():
    """Gneiting & Raftery 2007, eq. 21; 40,000 draws leave an error below 0.01."""
    draws = np.random.default_rng(3).normal(2.0, 1.5, 40_000)
    for actual in (-1.0, 2.0, 4.5):
        z = (actual - 2.0) / 1.5
        exact = 1.5 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
        assert crps(draws, actual) == pytest.approx(exact, abs=0.02)


def test_crps_is_that_of_all_pairs():
    rng = np.random.default_rng(4)
    draws, actual = rng.poisson(5, (30, 4)).astype(float), np.array([0.0, 5.0, 9.0, 20.0])
    pairs = np.abs(draws[:, None] - draws[None]).sum(axis=(0, 1)) / (30 * 29)
    assert crps(draws, actual) == pytest.approx(np.abs(draws - actual).mean(axis=0) - pairs / 2)


def test_one_draw_is_no_forecast():
    with pytest.raises(ValueError, match="2 or more"):
        crps([1.0], 1.0)


@pytest.mark.parametrize(("actual", "inside"), [(9, False), (10, True), (90, True), (91, False)])
def test_an_interval_holds_its_ends(actual, inside):
    assert covered(np.arange(101), actual, 0.8).item() is inside
