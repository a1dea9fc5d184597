"""A forecast is as wide as the model's own past errors say, and wider where models disagree."""

from __future__ import annotations

import numpy as np
import pytest

from funnelsim.forecasting.outlook import Outlook
from funnelsim.forecasting.statespace import level
from funnelsim.forecasting.widths import MOST, NARROWING, WIDEST, widening

HORIZON, SEASON = 6, 4


def _outlook(errors=None, mean=0.0):
    return Outlook(np.full(HORIZON, mean), np.eye(HORIZON), errors=errors)


def _errors(n, scale, seed=1):
    """What white noise of that spread leaves, unknown where the history had ended."""
    shocks = scale * np.random.default_rng(seed).normal(size=n)
    rows = np.full((n, HORIZON), np.nan)
    for ahead in range(HORIZON):
        rows[: n - ahead, ahead] = shocks[ahead:]
    return rows


def test_a_spread_that_was_true_stays():
    """Mean of 200 histories: within 3 % of 1; a standard error of it is below 0.6 %."""
    found = [widening([_outlook(_errors(80, 1.0, seed))], SEASON) for seed in range(200)]
    assert np.mean(np.square(found)) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("lately", "wider"), [(0.3, False), (2.5, True)])
def test_what_errors_were_of_late_counts_more_than_what_they_were(lately, wider):
    noise = np.where(np.arange(80) < 60, 1.0, lately)
    found = widening([_outlook(_errors(80, noise))], SEASON)
    assert (found > 1.2).all() if wider else (found < 0.8).all()


def test_errors_that_grow_with_the_horizon_widen_far_periods_most():
    found = widening([_outlook(_errors(80, 1.0) * np.arange(1, HORIZON + 1))], SEASON)
    assert (np.diff(found) > 0).all()
    assert found[0] == pytest.approx(1, abs=0.3)


def test_few_errors_may_widen_but_not_narrow():
    few = NARROWING * SEASON - 1
    assert (widening([_outlook(_errors(few, 0.1))], SEASON) == 1).all()
    assert (widening([_outlook(_errors(few, 3.0))], SEASON) > 1).all()
    assert (widening([_outlook(_errors(60, 0.1))], 1) == 1).all()  # no season, none to count in


def test_one_accident_is_no_law():
    once = _errors(80, 1.0)
    once[70, 0] = 1000.0
    assert widening([_outlook(once)], SEASON)[0] < 1.7


def test_a_search_that_failed_does_not_make_the_forecast_endless():
    assert widening([_outlook(_errors(80, 1e9))], SEASON).max() <= np.sqrt(WIDEST)
    flat = Outlook(np.zeros(HORIZON), np.zeros((HORIZON, HORIZON)), errors=_errors(80, 1.0))
    assert (widening([flat], SEASON) == 1).all()


def test_models_that_disagree_widen_up_to_a_limit():
    near, far, endless = (
        widening([_outlook(), _outlook(mean=mean)], SEASON) for mean in (0.5, 1.0, 1e200)
    )
    assert (near > 1).all()
    assert (near < far).all()
    assert endless == pytest.approx(np.sqrt(1 + MOST))


def test_past_errors_are_those_of_forecasts_from_before():
    """What `level` notes of the past equals its filter on a history cut off there."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    y = 10 + np.cumsum(np.random.default_rng(3).normal(size=40))
    found = level(y, 1, 3).errors
    assert found is not None
    fitted = UnobservedComponents(y, "local level").fit(disp=0, maxiter=50)
    for origin in (5, 20, 37):
        cut = UnobservedComponents(y[:origin], "local level").filter(fitted.params)
        said = cut.forecast(3)
        assert found[origin] == pytest.approx(y[origin : origin + 3] - said, abs=1e-6)
    assert np.isnan(found[:3]).all()
    assert np.isnan(found[39, 1:]).all()
