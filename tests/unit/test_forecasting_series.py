"""Regular series: whatever a table or log looks like, a clear message or a told treatment."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.errors import DataError, ParameterError
from funnelsim.forecasting.series import every_of, from_log, periods_in
from funnelsim.forecasting.table_series import from_table
from funnelsim.forecasting.treating import tamed
from funnelsim.measures.example import BANK

MONTHS = pd.date_range("2023-01-01", periods=30, freq="MS")


def table(y, at=MONTHS):
    return pd.DataFrame({"at": at[: len(y)], "y": y})


def made(frame, **more):
    return from_table(frame, at="at", y="y", **more)


def kinds(series):
    return {remark.kind: remark.told.get("n") for remark in series.remarks}


def problems(frame, **more):
    with pytest.raises(DataError) as found:
        made(frame, **more)
    return [str(problem) for problem in found.value.problems]


def test_three_points_are_refused_with_what_is_needed():
    assert problems(table([1, 2, 3])) == [
        "the series has 3 periods. 4 are the least; 24 make a season visible."
    ]


def test_missing_months_are_filled_and_counted():
    frame = table(np.arange(30.0)).drop(index=[4, 5])
    whole = made(frame)
    assert whole.frame["y"].isna().sum() == 2
    assert kinds(whole.treated()) == {"gaps": 2}
    assert whole.treated().frame["y"].tolist() == pytest.approx(np.arange(30.0))


def test_too_many_gaps_are_refused():
    frame = table(np.arange(30.0)).iloc[[0, 1, 2, 3, 4, 5, 6, 29]]
    assert "lacks 22 of its 30 periods" in problems(frame)[0]


def test_one_huge_outlier_is_pulled_in_and_named():
    y = 100 + np.arange(30.0) % 5
    y[17] = 9000
    tame = made(table(y)).treated()
    assert tame.frame["y"][17] < 140
    (remark,) = tame.remarks
    assert str(remark).endswith("1 (the first 1 June 2024, 9,000).")


def test_what_comes_back_every_year_is_no_outlier():
    y = 100 + np.random.default_rng(1).normal(0, 2, 48)
    y[[11, 23, 35, 47]] = 400  # each December
    at = pd.date_range("2020-01-01", periods=48, freq="MS")
    assert tamed(pd.Series(y, at), 12).tolist() == y.tolist()


def test_a_new_level_is_no_outlier():
    y = np.r_[np.random.default_rng(2).normal(100, 2, 30), [300, 304, 299]]
    assert tamed(pd.Series(y), 1).tolist() == y.tolist()


def test_outliers_are_not_seen_in_pure_chance():
    """400 histories of 26 normal weeks: a false outlier has a chance of about 1e-6 each."""
    rng = np.random.default_rng(3)
    changed = sum(int((tamed(pd.Series(y), 52) != y).sum()) for y in rng.normal(500, 20, (400, 26)))
    assert changed == 0


@pytest.mark.parametrize("y", [np.zeros(30), np.full(30, 7.0)])
def test_constant_histories_stay_as_they_are(y):
    assert made(table(y)).treated().frame["y"].tolist() == y.tolist()


def test_negative_sales_are_kept_and_told():
    assert kinds(made(table([5.0, -2, 7, 8, -1]))) == {"negative": 2}


def test_one_date_twice_names_both_rows():
    frame = pd.concat([table([1.0, 2, 3, 4, 5]), table([9.0])], ignore_index=True)
    assert problems(frame)[0].startswith(
        "at: the same month more than once: 1, the first 2023-01-01: 1 (row 2) and 9 (row 7)"
    )


def test_exact_copies_count_once():
    whole = table(np.arange(20.0))
    found = made(pd.concat([whole, whole.head(1)], ignore_index=True))
    assert kinds(found) == {"copies": 1}
    assert len(found.frame) == 20


def test_mixed_steps_say_where_they_change():
    weeks = pd.date_range("2024-06-03", periods=12, freq="W-MON")
    frame = pd.concat([table(np.arange(12.0)), table(np.arange(12.0), weeks)])
    (message,) = problems(frame.sort_values("at"))
    assert "mixed steps: weeks and months; they change at" in message


def test_single_events_are_counted_by_the_step_asked_for():
    at = pd.to_datetime(["2025-01-02", "2025-02-02", "2025-02-02", "2025-02-20", "2025-04-05",
                         "2025-05-29", "2025-05-31"])  # fmt: skip
    events = pd.DataFrame({"at": at, "y": [1.0, 2, 3, 4, 5, 6, 7]})
    assert "say freq" in problems(events)[0]
    found = made(events, every="month", until="2025-06-01")
    assert found.frame["y"].tolist() == [9.0, 0.0, 5.0, 13.0]  # January may not be whole
    assert kinds(found) == {"events": 6, "cut": 1}


def test_days_are_added_up_to_whole_weeks_only():
    days = pd.date_range("2025-01-01", "2025-02-19", freq="D")  # Wednesday to Wednesday
    found = made(pd.DataFrame({"at": days, "y": 1.0}), every="week")
    assert found.frame["y"].tolist() == [7.0] * 6
    assert kinds(found) == {"summed": 42, "cut": 2}


def test_months_cannot_become_weeks():
    assert "a week cannot be told from that" in problems(table(np.arange(9.0)), every="week")[0]


def test_a_period_not_over_is_left_out():
    found = made(table(np.arange(10.0)), until="2023-10-12")
    assert found.frame["at"].max() == pd.Timestamp("2023-09-01")
    assert kinds(found) == {"open": 1}


def test_a_last_row_before_its_months_end_is_left_out():
    ends = [*pd.date_range("2024-01-31", periods=9, freq="ME"), pd.Timestamp("2024-10-12")]
    assert kinds(made(pd.DataFrame({"at": ends, "y": np.arange(10.0)}))) == {"open": 1}


def test_several_currencies_are_refused():
    frame = table(np.arange(6.0)).assign(Currency=["EUR", "UAH"] * 3)
    assert problems(frame)[0].startswith("Currency: several currencies: EUR, UAH")


def test_all_problems_come_at_once():
    frame = pd.DataFrame({"at": ["2025-01", "soon", "2025-03"], "y": [1, 2, "many"]})
    assert len(problems(frame)) == 2


def test_columns_that_are_not_there_are_named():
    with pytest.raises(DataError, match='no column "sum"'):
        from_table(table([1, 2]), at="at", y="sum")


@pytest.mark.parametrize(
    ("written", "first", "every"),
    [
        (["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"], "2024-01-01", "quarter"),
        (["2025-W01", "2025-W02", "2025-W03", "2025-W04"], "2024-12-30", "week"),
        (["2025-01", "2025-02", "2025-03", "2025-04"], "2025-01-01", "month"),
    ],
)
def test_periods_may_be_written_as_such(written, first, every):
    found = made(pd.DataFrame({"at": written, "y": [1.0, 2, 3, 4]}))
    assert (str(found.frame["at"][0].date()), found.every) == (first, every)


def test_segments_of_a_log_add_up():
    parts = from_log(BANK, every="day", by=["source"])
    whole = from_log(BANK, every="day")
    assert parts.frame.groupby("at")["y"].sum().tolist() == whole.frame["y"].tolist()
    assert list(parts.keys.columns) == ["source"]


def test_a_column_may_be_called_series():
    frame = pd.concat([table(np.arange(9.0)).assign(series=name) for name in "ab"])
    found = made(frame, by=["series"])
    assert found.by == ("series_",)
    assert found.keys["series_"].tolist() == ["a", "b"]


def test_unknown_words_are_answered_with_the_known():
    with pytest.raises(ParameterError, match='no by "sauce"'):
        from_log(BANK, by=["sauce"], every="day")
    with pytest.raises(ParameterError, match="no step"):
        every_of("fortnight")
    with pytest.raises(ParameterError, match="no horizon"):
        periods_in("soon", "week")
