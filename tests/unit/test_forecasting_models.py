"""Each model behind a forecast: its spread, its season, and what it does with little history."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from funnelsim.forecasting import arima
from funnelsim.forecasting.components import COMPONENTS, FAST, MODELS
from funnelsim.forecasting.naive import drifting, seasonal_naive
from funnelsim.forecasting.orders import search, tried
from funnelsim.forecasting.outlook import accumulated, quiet
from funnelsim.forecasting.pathways import correlation, sample_paths
from funnelsim.forecasting.smoothing import _responses, stl, theta
from funnelsim.forecasting.statespace import covariance

MONTHS = np.arange(60)
WAVE = 3 * np.sin(MONTHS / 6 * np.pi)
NOISE = np.random.default_rng(4).normal(0, 0.3, 60)


@pytest.mark.parametrize("name", MODELS)
def test_models_follow_a_season_and_say_how_sure_they_are(name):
    found = MODELS[name](10 + WAVE + NOISE, 12, 24)
    assert found.mean.shape == (24,)
    assert found.covariance.shape == (24, 24)
    assert np.allclose(found.covariance, found.covariance.T)
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-9
    assert found.spread[-1] > 0.97 * found.spread[0]
    if name != "naive":
        assert np.abs(found.mean - (10 + np.resize(WAVE[:12], 24))).max() < 1.5
        assert 0.2 < found.spread[0] < 0.8


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("length", [8, 11, 25, 29])
def test_models_work_or_say_that_they_cannot_on_short_histories(name, length):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = MODELS[name](10 + WAVE[:length] + NOISE[:length], 12, 3)
        except ValueError:
            return
    assert found.mean.shape == (3,)


@pytest.mark.parametrize("season", [1, 4, 7, 52])
def test_the_recipes_know_every_length_of_season(season):
    y = 50 + 5 * np.cos(2 * np.pi * np.arange(130) / season) + np.resize(NOISE, 130)
    for name, model in {**COMPONENTS, **FAST}.items():
        found = model(y, season, 5)
        assert (
            np.abs(found.mean - 5 * np.cos(2 * np.pi * np.arange(130, 135) / season) - 50).max() < 3
        ), name


def test_shocks_do_to_forecasts_what_smoothing_says():
    """One unit more in the last month moves the forecasts by the responses, and by no more."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    y = 10 + WAVE + NOISE
    parameters = {"smoothing_level": 0.3, "smoothing_trend": 0.06, "smoothing_seasonal": 0.15,
                  "damping_trend": 0.95}  # fmt: skip
    ahead = []
    for last in (0.0, 1.0):
        moved = y.copy()
        moved[-1] += last
        with quiet():
            model = ETSModel(
                moved,
                trend="add",
                damped_trend=True,
                seasonal="add",
                seasonal_periods=12,
                initialization_method="known",
                initial_level=10.0,
                initial_trend=0.0,
                initial_seasonal=list(WAVE[:12]),
            )
            ahead.append(
                model.smooth([parameters[name] for name in model.param_names]).forecast(14)
            )
    expected = _responses(0.3, 0.06, 0.95, 0.15, 12, 15)[1:]
    assert np.asarray(ahead[1] - ahead[0]) == pytest.approx(expected, abs=1e-8)


def test_the_covariance_of_a_state_space_model_holds_its_standard_errors():
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    with quiet():
        fitted = SARIMAX(10 + WAVE + NOISE, order=(1, 0, 1), seasonal_order=(0, 1, 1, 12)).fit(
            disp=0
        )
        expected = fitted.get_forecast(15).se_mean
    assert np.sqrt(np.diag(covariance(fitted, 15))) == pytest.approx(expected, rel=1e-6)


def test_the_covariance_of_an_autoregression_is_the_textbook_one():
    """cov(h, h + k) = σ² φᵏ (1 − φ²ʰ) / (1 − φ²)."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    with quiet():
        fitted = SARIMAX(NOISE, order=(1, 0, 0)).filter([0.6, 2.0])
    h, k = np.meshgrid(np.arange(1, 6), np.arange(1, 6), indexing="ij")
    first, apart = np.minimum(h, k), np.abs(h - k)
    expected = 2.0 * 0.6**apart * (1 - 0.36**first) / (1 - 0.36)
    assert covariance(fitted, 5) == pytest.approx(expected)
    assert accumulated(2.0, 0.6 ** np.arange(5)) == pytest.approx(expected)


def test_sarima_has_no_drift():
    """A line drawn on for two years is what misses most; the level stays where it is."""
    y = np.arange(60.0) + np.random.default_rng(1).normal(0, 5, 60)
    assert np.ptp(arima.sarima(y, 1, 24).mean[6:]) < 3


def test_regressors_are_solved_for_inside_the_search():
    rng = np.random.default_rng(5)
    e, x = rng.normal(size=301), rng.normal(size=(300, 1))
    w = 4 * x[:, 0] + e[1:] + 0.5 * e[:-1]
    found = tried(w, x, (0, 1, 0, 0), 1)
    assert found.weights == pytest.approx([4.0], abs=0.15)
    assert found.lags == pytest.approx([0.5], abs=0.15)


def test_too_many_lags_for_the_history_have_an_infinite_score():
    found = search(np.arange(4.0), np.empty((4, 0)), 1, seasonal=False)
    assert found[0].aicc <= found[-1].aicc == np.inf


def test_naive_errors_add_up_as_in_the_textbook():
    """Hyndman & Athanasopoulos, section 5.5: σ√h, and σ√(k + 1) for the k-th season."""
    walk = drifting(np.array([0.0, 1.0, 0.0, 1.0]), 1, 4)
    assert walk.spread == pytest.approx(np.sqrt([1, 2, 3, 4]))
    seasons = seasonal_naive(np.array([0.0, 9.0, 1.0, 8.0, 0.0, 9.0]), 2, 5)
    assert seasons.mean.tolist() == [0.0, 9.0, 0.0, 9.0, 0.0]
    assert seasons.spread == pytest.approx(np.sqrt([1, 1, 2, 2, 3]))
    assert seasonal_naive(np.array([5.0, 6.0]), 12, 2).mean.tolist() == [6.0, 6.0]


def test_noise_is_not_taken_for_a_season():
    """Four years of noise: the season that STL finds is shrunk to less than half of the noise."""
    noise = np.random.default_rng(8).normal(0, 1, 48)
    found = stl(noise, 12, 12)
    assert found.mean.std() < 0.5
    assert theta(noise, 12, 12).mean.std() < 0.5


def test_paths_keep_given_correlations():
    """10,000 paths: the standard error of a correlation of 0.8 is 0.004; 5 of them are allowed."""
    together = np.array([[1.0, 0.8], [0.8, 1.0]])
    levels = (0.1, 0.5, 0.9)
    rows = np.array([[-1.2816, 0, 1.2816]] * 2)
    paths = sample_paths(rows, levels, together, n_paths=10_000, seed=3)
    assert np.asarray(np.corrcoef(paths.T))[0, 1] == pytest.approx(0.8, abs=0.02)
    assert paths.std(axis=0) == pytest.approx([1, 1], abs=0.01)
    assert correlation(np.zeros((2, 2))).tolist() == [[1.0, 0.0], [0.0, 1.0]]
