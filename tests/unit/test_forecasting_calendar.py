"""The calendar as regressors: law against published day counts, and division only if it helps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.errors import DataError, ParameterError
from funnelsim.forecasting.covariates import effect_of
from funnelsim.forecasting.forecaster import Settings, forecast_series
from funnelsim.forecasting.regressors import calendar, day_off_share, sizes

MONTHS = pd.date_range("2020-01-01", periods=72, freq="MS")


@pytest.mark.parametrize(
    ("country", "year", "days"),
    # The yearly norms published by the ministries of labour: weekends are moved in all three.
    [("RU", 2024, 248), ("RU", 2025, 247), ("BY", 2025, 252), ("KZ", 2025, 246)],
)
def test_moved_weekends_are_heeded(country, year, days):
    months = pd.date_range(f"{year}-01-01", periods=12, freq="MS")
    assert calendar(months, "month", country)["working_days"].sum() == days


def test_holidays_that_are_worked_in_ukraine_are_working_days():
    found = calendar(pd.date_range("2025-01-01", periods=12, freq="MS"), "month", "UA")
    assert found["working_days"].sum() == 261  # every Monday to Friday
    assert found["holidays"].sum() == 6  # on a weekday, worked
    before = calendar(pd.date_range("2021-01-01", periods=12, freq="MS"), "month", "UA")
    assert before["working_days"].sum() < 261 - 8


def test_both_easters_lie_where_they_were():
    weeks = pd.date_range("2024-03-25", periods=7, freq="W-MON")
    found = calendar(weeks, "week")
    assert found["easter"].tolist() == [3, 1, 0, 0, 0, 0, 0]  # 31 March 2024
    assert found["orthodox_easter"].tolist() == [0, 0, 0, 0, 0, 3, 1]  # 5 May 2024


def test_without_a_country_only_weekends_are_off():
    weeks = pd.date_range("2025-01-06", periods=3, freq="W-MON")
    assert calendar(weeks, "week")["working_days"].tolist() == [5, 5, 5]
    assert day_off_share(pd.Series(np.arange(60.0), pd.date_range("2024-01-01", periods=60,
                         freq="W-MON")), "week", "") is None  # fmt: skip


def test_an_unknown_country_is_refused_with_a_guess():
    with pytest.raises(ParameterError, match='no holidays are known for "UKR2"'):
        calendar(MONTHS, "month", "UKR2")


def test_working_days_are_found_and_used_ahead():
    per_day = 50 + np.random.default_rng(4).normal(0, 0.5, 72)
    y = pd.Series(per_day * sizes(MONTHS, "month", "PL", 0.0), MONTHS)
    assert day_off_share(y[:60], "month", "PL") in {0.0, 0.1}
    found = forecast_series(y[:60], Settings("month", 12, "PL"), "fast")
    plain = forecast_series(y[:60], Settings("month", 12), "naive")
    error = np.abs(found.prediction.point - y[60:]).mean()
    assert found.day_off_share is not None
    assert error < 0.2 * np.abs(plain.prediction.point - y[60:]).mean()


def test_where_days_do_not_matter_nothing_is_divided():
    """30 histories of pure noise: more than one is divided in about 1 of 200 runs."""
    rng = np.random.default_rng(5)
    noise = rng.normal(1000, 100, (30, 72))
    assert sum(day_off_share(pd.Series(y, MONTHS), "month", "PL") is not None for y in noise) <= 1


def test_covariates_move_the_forecast():
    spent = pd.DataFrame({"spent": np.random.default_rng(6).uniform(0, 10, 72)}, MONTHS)
    noise = np.random.default_rng(7).normal(0, 1, 72)
    y = pd.Series(200 + 12 * spent["spent"].to_numpy() + noise, MONTHS)
    found = forecast_series(y[:60], Settings("month", 12), "fast", spent)
    assert found.followed
    assert np.abs(found.prediction.point - y[60:]).mean() < 8  # without: about 30


def test_covariates_that_explain_nothing_are_left_out():
    luck = np.random.default_rng(8).normal(size=(72, 2))
    spent = pd.DataFrame({"spent": luck[:, 0]}, MONTHS)
    y = pd.Series(200 + luck[:, 1], MONTHS)
    effect = effect_of(y[:60], spent, MONTHS[60:])
    assert effect is None or np.abs(effect.ahead).max() < 0.7


def test_covariates_that_end_too_soon_are_refused():
    spent = pd.DataFrame({"spent": np.arange(60.0)}, MONTHS[:60])
    with pytest.raises(DataError, match="missing for 12 periods, the first 2025-01-01"):
        effect_of(pd.Series(np.arange(60.0), MONTHS[:60]), spent, MONTHS[60:])
