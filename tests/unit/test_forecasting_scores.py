"""Scores of forecasts against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from funnelsim.forecasting.scores import (
    covered,
    crps,
    interval_score,
    mase,
    naive_error,
    pinball,
    rmsse,
    smape,
)


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


def test_scores_by_hand():
    """History 1 5 2 7, season 2: errors of the naive 1 and 2. Forecast 3 5, came 4 7."""
    past, point, came = [1.0, 5.0, 2.0, 7.0], [3.0, 5.0], [4.0, 7.0]
    assert naive_error(past, 2) == 1.5
    assert naive_error(past, 2, squared=True) == 2.5
    assert mase(point, came, 1.5) == 1.0
    assert rmsse(point, came, 2.5) == 1.0
    assert smape(point, came) == pytest.approx(100 * (2 / 7 + 4 / 12) / 2)
    assert pinball([[1.0, 3.0], [2.0, 9.0]], came, [0.1, 0.9]) == pytest.approx(
        2 * (0.3 + 0.9 + 0.5 + 0.2) / 4
    )
    assert interval_score([1.0, 8.0], [3.0, 9.0], came, 0.8) == pytest.approx((2 + 10 + 1 + 10) / 2)


def test_a_gap_is_no_yardstick_and_a_short_history_uses_the_last_value():
    assert naive_error([1.0, np.nan, 2.0, 4.0], 1) == 2.0
    assert naive_error([1.0, 3.0], 12) == 2.0
    assert np.isnan(naive_error([1.0], 1))
    assert np.isnan(mase([1.0], [1.0], 0.0))
    assert np.isnan(rmsse([1.0], [1.0], 0.0))


def test_the_quantile_score_over_many_levels_is_the_crps():
    """Of a normal forecast, 0 observed: 2 φ(0) - 1/√π = 0.2337 (Gneiting & Raftery 2007)."""
    levels = (np.arange(999) + 0.5) / 999
    rows = ndtri(levels)[None, :]
    assert pinball(rows, [0.0], list(levels)) == pytest.approx(0.2337, abs=0.0005)


def test_shapes_that_differ_are_refused():
    for wrong in (
        lambda: mase([1.0], [1.0, 2.0], 1.0),
        lambda: pinball([[1.0]], [1.0], [0.1, 0.9]),
        lambda: interval_score([1.0], [2.0], [1.0, 2.0], 0.8),
    ):
        with pytest.raises(ValueError, match="differ in shape"):
            wrong()
