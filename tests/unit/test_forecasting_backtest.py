"""Backtests: no peeking, scores by their formulas, choices inside the window, resuming."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from funnelsim.engine import simulate
from funnelsim.errors import ParameterError
from funnelsim.events import EventLog
from funnelsim.forecasting.backtest_scores import KEPT, chosen_inside, compared, scored
from funnelsim.forecasting.backtesting import backtest
from funnelsim.forecasting.scores import interval_score, mase, pinball, rmsse, smape
from funnelsim.scenarios.scenario import Scenario

MONTHS = pd.date_range("2020-01-01", periods=48, freq="MS")
SHOP = {
    "funnelsim": 1,
    "name": "shop",
    "currency": "EUR",
    "run": {"start": "2025-01-06", "horizon": "30 w"},
    "sources": {
        "web": {"stage": "talk", "rate": "6 / d", "value": {"median": 900, "p90": 2500}},
        "tv": {"stage": "talk", "rate": "2 / d", "value": {"median": 900, "p90": 2500}},
    },
    "stages": {
        "talk": {
            "delay_after": {"median": "6 d", "p90": "20 d"},
            "next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}
SAID = ["mean", *(str(level) for level in KEPT)]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(1)
    wave = 100 + 20 * np.sin(np.arange(48) / 6 * np.pi)
    parts = [
        pd.DataFrame(
            {"at": MONTHS, "leads": rng.poisson(wave * size).astype(float), "source": name}
        )
        for name, size in (("web", 1), ("tv", 0.4))
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def log():
    return simulate(Scenario.model_validate(SHOP), seed=3)


@pytest.fixture(scope="module")
def found(table):
    return backtest(
        table, "leads", horizon=4, cutoffs=3, by="source", workers=1,
        models=["fast", "seasonal_naive", "naive"],
    )  # fmt: skip


class Oracle:
    """Knows a series by heart; counts how often it is asked."""

    def __init__(self, frame, stop_at=10**9):
        self.frame, self.stop_at, self.asked = frame, stop_at, 0

    def __repr__(self):
        return "Oracle"

    def fit(self, frame):
        own = self.frame.groupby("source")
        first = frame["y"].to_numpy()
        self.rest = next(
            rows["leads"].to_numpy()[len(first) :]
            for _, rows in own
            if np.array_equal(rows["leads"].to_numpy()[: len(first)], first)
        )
        self.asked += 1
        if self.asked > self.stop_at:
            raise KeyboardInterrupt

    def predict(self, horizon):
        y = self.rest[:horizon]
        return pd.DataFrame({"mean": y, "0.1": y - 1, "0.5": y, "0.9": y + 1})


def test_a_changed_future_changes_no_forecast(table, found):
    last = found.table["cutoff"].max()
    changed = table.copy()
    later = (changed["at"] >= last).to_numpy()
    changed.loc[later, "leads"] = 10 * changed.loc[later, "leads"] + 7
    again = backtest(
        changed, "leads", horizon=4, cutoffs=3, by="source", workers=1,
        models=["fast", "seasonal_naive", "naive"],
    )  # fmt: skip
    pd.testing.assert_frame_equal(again.table[SAID], found.table[SAID])
    moved = again.table.loc[again.table["cutoff"] == last, "actual"]
    assert not np.allclose(moved, found.table.loc[found.table["cutoff"] == last, "actual"])


def test_a_log_is_put_back_to_each_cutoff(log):
    asked: dict[str, Any] = {
        "horizon": 3,
        "cutoffs": 2,
        "models": ["seasonal_naive", "mean"],
        "workers": 1,
    }
    before = backtest(log, "won_value", **asked)
    first, last = sorted(before.table["cutoff"].unique())
    tables = log.tables()
    marks, leads = tables["marks"].copy(), tables["leads"]
    instant = pd.Timestamp(first).tz_localize("UTC")
    marks.loc[marks["at"] > instant, "value"] *= 10
    after = backtest(EventLog.trusted({**tables, "marks": marks}, log.meta), "won_value", **asked)
    early = before.table["cutoff"] == first
    pd.testing.assert_frame_equal(after.table.loc[early, SAID], before.table.loc[early, SAID])
    assert not np.allclose(after.table.loc[~early, SAID], before.table.loc[~early, SAID])
    assert last > first
    assert len(leads)


def test_what_came_is_what_the_log_says(log):
    made = backtest(log, horizon=3, cutoffs=2, by="source", models=["naive"], workers=1)
    weeks = log.leads["arrived_at"].dt.tz_localize(None).dt.to_period("W").dt.start_time
    counts = log.leads.assign(week=weeks).groupby(["source", "week"]).size()
    told = made.table.set_index(["source", "at"])["actual"]
    assert (counts.reindex(told.index) == told).all()


def test_scores_follow_their_formulas(found):
    one = found.table[(found.table["model"] == "fast") & (found.table["series"] == "web")]
    one = one[one["cutoff"] == one["cutoff"].max()]
    rows = scored(one)
    scale, square = one["scale"].iloc[0], one["square_scale"].iloc[0]
    came, median = one["actual"].to_numpy(), one["0.5"].to_numpy()
    levels = KEPT[1:-1]
    quantiles = one[[str(level) for level in levels]].to_numpy()
    assert rows["mase"].mean() == pytest.approx(mase(median, came, scale))
    assert rows["smape"].mean() == pytest.approx(smape(median, came))
    assert rows["crps"].mean() == pytest.approx(pinball(quantiles, came, levels) / scale)
    score = interval_score(one["0.025"], one["0.975"], came, 0.95)
    assert rows["msis"].mean() == pytest.approx(score / scale)
    root = np.sqrt(rows["square"].mean())
    assert root == pytest.approx(rmsse(one["mean"], came, square))


def test_value_is_added_to_the_seasonal_naive_forecast(found):
    board = found.leaders.set_index("model")
    assert board.loc["seasonal_naive", "value_added"] == 0
    ratio = board.loc["fast", "mase"] / board.loc["seasonal_naive", "mase"]
    assert board.loc["fast", "value_added"] == pytest.approx(1 - ratio)
    assert list(board["rank"]) == sorted(board["rank"])
    by_horizon = found.scores.query("h > 0 and series == '(all)' and model == 'fast'")
    assert by_horizon["n"].tolist() == [6] * 4


def test_the_best_is_chosen_from_what_was_known():
    """Model a is right at first, b later; at each cutoff only earlier outcomes are known."""
    cutoffs = pd.date_range("2024-01-01", periods=4, freq="MS")
    error = {"a": [0, 0, 12, 12], "b": [5, 5, 0, 0]}
    rows = [
        {"cutoff": cut, "until": cut + pd.DateOffset(months=1), "series": "", "model": model,
         "h": 1, "actual": 50.0, "mean": 50.0 + off[k], "scale": 1.0, "square_scale": 1.0}
        | {str(level): 50.0 + off[k] for level in KEPT}
        for model, off in error.items()
        for k, cut in enumerate(cutoffs)
    ]  # fmt: skip
    picked = chosen_inside(pd.DataFrame(rows), ["b", "a"])
    assert (picked["mean"] - 50).tolist() == [5, 0, 12, 0]  # b by default; then a, a; b
    assert set(picked["model"]) == {"chosen"}


def test_differences_are_judged_as_harvey_leybourne_and_newbold_do():
    rng = np.random.default_rng(5)
    losses = rng.gamma(2, 1, (12, 2)) + np.array([0.4, 0])
    cutoffs = pd.date_range("2024-01-01", periods=12, freq="MS")
    rows = pd.DataFrame(
        {
            "cutoff": np.tile(cutoffs, 2),
            "model": np.repeat(["a", "b"], 12),
            "crps": losses.T.ravel(),
        }
    )
    d = losses[:, 0] - losses[:, 1]
    n = len(d)
    statistic = d.mean() / np.sqrt(d.var() / n) * np.sqrt((n - 1) / n)  # h = 1: no overlap
    p = 2 * stats.t.sf(abs(statistic), n - 1)
    assert compared(rows, "a", "b", 1) == pytest.approx(p, rel=1e-9)
    assert np.isnan(compared(rows[rows["cutoff"] < cutoffs[3]], "a", "b", 1))
    assert compared(rows.assign(crps=1.0), "a", "b", 1) == 1.0


def test_a_forecaster_of_ones_own_takes_part(table):
    made = backtest(
        table, "leads", horizon=3, cutoffs=2, by="source", workers=1,
        models={"oracle": Oracle(table), "naive": "naive"},
    )  # fmt: skip
    board = made.leaders.set_index("model")
    assert board.loc["oracle", "mase"] == 0
    assert made.best == "oracle"
    assert board.loc["oracle", "cover_80"] == 1


def test_a_run_that_was_stopped_goes_on(table, tmp_path):
    asked: dict[str, Any] = {
        "horizon": 3,
        "cutoffs": 2,
        "by": "source",
        "workers": 1,
        "folder": tmp_path,
    }
    stopped = Oracle(table, stop_at=2)  # the first series has two cutoffs
    with pytest.raises(KeyboardInterrupt):
        backtest(table, "leads", models={"oracle": stopped}, **asked)
    assert len(list(tmp_path.glob("*.csv"))) == 1
    again = Oracle(table)
    told: list[float] = []
    made = backtest(table, "leads", models={"oracle": again}, progress=told.append, **asked)
    assert again.asked == 2
    assert told == [0.5, 1.0]
    assert len(list(tmp_path.glob("*.csv"))) == 2
    whole = backtest(table, "leads", models={"oracle": Oracle(table)}, **asked | {"folder": None})
    pd.testing.assert_frame_equal(made.table, whole.table, check_dtype=False)


def test_what_is_kept_is_not_taken_for_another_history(table, tmp_path):
    asked: dict[str, Any] = {
        "horizon": 3,
        "cutoffs": 2,
        "by": "source",
        "workers": 1,
        "folder": tmp_path,
    }
    backtest(table, "leads", models=["naive"], **asked)
    backtest(table.assign(leads=table["leads"] + 1), "leads", models=["naive"], **asked)
    assert len(list(tmp_path.glob("*.csv"))) == 4


def test_a_constant_series_and_zeros_are_survived():
    flat = pd.DataFrame({"at": MONTHS, "leads": 0.0})
    made = backtest(flat, "leads", horizon=3, cutoffs=2, models=["fast", "naive"])
    assert made.table["0.5"].tolist() == [0.0] * len(made.table)
    assert made.leaders["mase"].isna().all()
    assert "naive" in made.plot().alt or made.plot().alt


def test_too_long_a_horizon_and_unknown_models_are_refused(table):
    with pytest.raises(ParameterError, match="leaves no window before 60 periods"):
        backtest(table, "leads", horizon=60, by="source")
    with pytest.raises(ParameterError, match='no model "profit"'):
        backtest(table, "leads", models=["profit"], by="source")
    with pytest.raises(ParameterError, match="no room for 4 periods before or 4 after"):
        backtest(table, "leads", horizon=4, cutoffs=["2020-02-01"], by="source")


def test_the_sentence_names_the_leader_and_what_held(found):
    told = found.sentence()
    assert told.startswith("Best of 3 past forecasts over 4 months: ")
    assert "80% interval" in told


@pytest.mark.slow
def test_processes_give_the_same(table):
    asked: dict[str, Any] = {
        "horizon": 3,
        "cutoffs": 2,
        "by": "source",
        "models": ["fast", "naive"],
    }
    alone = backtest(table, "leads", workers=1, **asked)
    pd.testing.assert_frame_equal(alone.table, backtest(table, "leads", workers=2, **asked).table)
