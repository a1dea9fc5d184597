"""Forecasts issued earlier: scores, and why a forecast changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.calibration.fitting import calibrate
from funnelsim.engine import simulate
from funnelsim.errors import DataError, ParameterError
from funnelsim.planning.bridge import STEPS, Inputs, bridge
from funnelsim.planning.issued import actuals, matched, read_issued, score
from funnelsim.scenarios.changes import Change
from funnelsim.scenarios.scenario import Scenario

WORLD = {
    "funnelsim": 1,
    "name": "one-step",
    "currency": "EUR",
    "run": {"start": "2025-01-06", "horizon": "26 w"},
    "sources": {"web": {"stage": "talk", "rate": "4 / d", "value": {"median": 900, "p90": 2500}}},
    "stages": {
        "talk": {
            "delay_after": {"median": "8 d", "p90": "25 d"},
            "next": {"advance": "won", "to": {"won": 0.3, "lost": 0.7}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}


@pytest.fixture(scope="module")
def log():
    return simulate(Scenario.model_validate(WORLD), seed=4)


def forecasts(n, spread, seed=1, level=(0.1, 0.5, 0.9)):
    """Make forecasts of standard normal outcomes by bands of some spread, and the outcomes."""
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    starts = pd.date_range("2025-01-01", periods=n, freq="D", tz="UTC")
    rows, came = [], []
    for at in starts:
        key = {"cutoff": at, "series": "wins", "period_start": at, "period_end": at}
        rows += [
            {**key, "unit": "deals", "quantile": q, "value": 50 + spread * norm.ppf(q)}
            for q in level
        ]
        came.append({**key, "actual": 50 + rng.normal(), "naive": 50 + rng.normal()})
    return pd.DataFrame(rows), pd.DataFrame(came)


def test_what_came_is_counted_in_the_periods_that_are_over(log):
    weeks = pd.date_range("2025-03-03", periods=20, freq="7D", tz="UTC")
    issued = pd.DataFrame(
        [
            {"cutoff": weeks[0], "series": s, "period_start": w, "unit": "", "value": 1.0,
             "period_end": w + pd.Timedelta("7D"), "quantile": 0.5}
            for s in ("wins", "won_value", "leads", "heads:desk")
            for w in weeks
        ]
    )  # fmt: skip
    came = actuals(log, read_issued(issued))
    assert set(came["series"]) == {"wins", "won_value", "leads"}
    assert (came["period_end"] <= log.meta.observed_until).all()
    won = log.outcomes().query("outcome == 'won'")
    inside = won["closed_at"].between(weeks[0], came["period_end"].max(), inclusive="left")
    sums = came.groupby("series")["actual"].sum()
    assert sums["wins"] == inside.sum()
    assert sums["won_value"] == won.loc[inside, "value"].sum()


def test_promises_of_which_none_is_over_yet_are_nothing_to_score(log, tmp_path):
    until = pd.Timestamp(log.meta.observed_until)
    ahead = {"cutoff": until, "series": "wins", "unit": "deals",
             "period_start": until, "period_end": until + pd.Timedelta(weeks=4)}  # fmt: skip
    rows = [{**ahead, "quantile": q, "value": 5.0} for q in (0.1, 0.5, 0.9)]
    pd.DataFrame(rows).to_csv(tmp_path / "issued.csv", index=False)
    issued = read_issued(tmp_path / "issued.csv")
    for promises in (issued, issued[issued["cutoff"] < until]):
        came = actuals(log, promises)
        assert came.empty
        assert matched(promises, came).empty
        assert score(promises, came).empty


def test_a_good_forecast_scores_well_and_a_sure_one_badly():
    good, came = forecasts(300, 1.0)
    sure, _ = forecasts(300, 0.2)
    fine, bad = (score(table, came).iloc[0] for table in (good, sure))
    assert abs(fine["coverage"] - 0.8) < 0.06  # 2.6 standard errors of 300
    assert bad["coverage"] < 0.3
    assert fine["added"] > bad["added"]
    assert fine["added"] > 0
    assert abs(fine["bias"]) < 0.01
    told = score(good.assign(raw=sure["value"]), came).iloc[0]  # stated after a correction
    assert told["coverage"] == fine["coverage"]
    assert told["uncorrected"] == bad["coverage"]


def test_a_file_that_cannot_be_read_says_everything_at_once(tmp_path):
    good, _ = forecasts(2, 1.0)
    file = tmp_path / "past.csv"
    good.astype({"quantile": object, "value": object}).assign(
        quantile=[0.1, 0.5, 0.9, 7, 0.5, 0.9], value=["x", 1, 1, 1, 1, 1]
    ).to_csv(file, index=False)
    with pytest.raises(DataError) as found:
        read_issued(file)
    assert len(found.value.problems) == 2
    with pytest.raises(DataError, match=r'"x" in row 3 cannot be read'):
        read_issued(good.astype({"value": object}).assign(raw=[1, "x", 1, 1, 1, 1]))
    assert read_issued(good.assign(raw=[1, None, 1, 1, 1, 1]))["raw"].iloc[1] == 50
    with pytest.raises(DataError, match="columns are missing: value"):
        read_issued(good.drop(columns="value"))


def test_the_bridge_adds_up_exactly(log):
    first, second = (log.as_of(day) for day in ("2025-04-20", "2025-05-10"))
    busier = Change(name="busier", overrides={"sources.web.rate": {"times": 1.5}})
    before = Inputs(first, calibrate(first), seed=2)
    after = Inputs(second, calibrate(second), (busier,), seed=3)
    start, end = (pd.Timestamp(day, tz="UTC") for day in ("2025-04-01", "2025-07-01"))
    made = bridge(before, after, start=start, end=end, n=6)
    value, change = (made.set_index("step")[name].to_dict() for name in ("value", "change"))
    assert tuple(made["step"]) == STEPS
    changed = made["change"].sum()
    assert value["before"] + changed == pytest.approx(value["now"])
    assert change["scenario"] > 0  # more leads win more
    assert change["luck"] != 0
    same = bridge(before, before, start=start, end=end, n=2)
    assert same["change"].fillna(0).abs().sum() == pytest.approx(0)
    with pytest.raises(ParameterError, match="is later than this one"):
        bridge(after, before, start=start, end=end, n=2)
