"""Forecasts of leads: sums agree, counts stay counts, futures drive the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from funnelsim.engine import simulate
from funnelsim.errors import ParameterError
from funnelsim.forecasting.leads import forecast_leads
from funnelsim.planning.inflow_paths import with_leads
from funnelsim.scenarios.scenario import Scenario

WEEKS = pd.date_range("2024-01-01", periods=60, freq="W-MON")
SHOP: dict[str, Any] = {
    "funnelsim": 1,
    "name": "shop",
    "run": {"start": "2025-02-24", "horizon": "4 w"},
    "sources": {
        "web": {"stage": "talk", "rate": "6 / d", "by_hour": {"9-17": 1}, "growth": "1 % / mo"},
        "tv": {"stage": "talk", "rate": "2 / d", "by_weekday": {"sat": 0, "sun": 0}},
    },
    "stages": {
        "talk": {"next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}}},
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}


def _paths(source):
    """The counts that a source is given."""
    assert source.counts is not None
    return np.array(source.counts.paths)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(1)
    rows = [
        {"week": week, "source": source, "product": product, "n": rng.poisson(mean)}
        for source, product, mean in (("web", "loan", 40), ("web", "card", 20), ("tv", "loan", 8))
        for week in WEEKS
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def found(table):
    return forecast_leads(table, "4 w", by=["source", "product"], profile="fast", workers=1)


@pytest.fixture(scope="module")
def by_source(table):
    summed = table.groupby(["source", "week"], as_index=False)["n"].sum()
    return forecast_leads(summed, "4 w", by="source", profile="fast", workers=1)


def test_every_future_adds_up_over_segments(found):
    assert found.paths.shape == (1000, 4, 3)
    assert found.paths.dtype == np.int64
    assert found.paths.min() >= 0
    assert (found.paths.sum(axis=2) == found.total).all()
    means = found.table.set_index(["period", "source", "product"])["mean"]
    web, tv, both = (means.xs((name, "loan"), level=[1, 2]) for name in ("web", "tv", "(all)"))
    assert both.to_numpy() == pytest.approx((web + tv).to_numpy())


def test_sums_over_periods_are_those_of_the_paths(found):
    whole = found.sums.iloc[0]
    draws = found.total.sum(axis=1)
    assert whole[["p10", "p90"]].tolist() == np.quantile(draws, [0.1, 0.9]).tolist()
    spans = found.table.head(4)
    assert whole["p90"] - whole["p10"] < (spans["p90"] - spans["p10"]).sum()  # not comonotone


def test_the_same_seed_gives_the_same_futures(table):
    one = table[(table["source"] == "tv")]
    asked: dict[str, Any] = {"profile": "fast", "workers": 1}
    first, again = (forecast_leads(one, 3, by="source", seed=4, **asked) for _ in range(2))
    assert (first.paths == again.paths).all()
    assert (first.paths != forecast_leads(one, 3, by="source", seed=5, **asked).paths).any()


@pytest.mark.slow
def test_intervals_of_sums_hold_their_share():
    """Sums over 4 weeks of 40 steady Poisson histories.

    Right 80 % intervals pass either limit by chance once in 1,000; intervals that are right
    50 % of the time would be seen 9 times in 10.
    """
    rng = np.random.default_rng(7)
    held = 0
    for y in rng.poisson(30, (40, 64)).astype(float):
        past = pd.DataFrame({"week": WEEKS, "n": y[:60]})
        sums = forecast_leads(past, 4, profile="fast", n_paths=400).sums.iloc[0]
        held += sums["p10"] <= y[60:].sum() <= sums["p90"]
    lo, hi = (stats.binom.ppf(tail, 40, 0.8) for tail in (0.001, 0.999))
    assert lo <= held <= hi


@pytest.mark.parametrize("level", [0.0, 12.0])
def test_what_never_changed_stays(level):
    flat = pd.DataFrame({"week": WEEKS, "n": level})
    assert (forecast_leads(flat, 3).paths == level).all()


def test_tiny_counts_do_not_explode():
    rng = np.random.default_rng(3)
    y = rng.poisson(0.15, 60).astype(float)
    made = forecast_leads(pd.DataFrame({"week": WEEKS, "n": y}), 8, profile="fast")
    assert made.paths.max() <= 5 * y.max()
    assert made.table["mean"].max() < 1


def test_a_source_that_began_late_is_forecast_from_there(table):
    late = table.groupby(["source", "week"], as_index=False)["n"].sum()
    late = late[(late["source"] == "web") | (late["week"] >= WEEKS[30])]
    made = forecast_leads(late, 4, by="source", profile="fast", workers=1)
    tv = made.table[made.table["source"] == "tv"]["p50"]
    assert tv.between(4, 12).all()  # 8 a week since it began; 4 over the whole time
    assert "late" in {remark.kind for remark in made.remarks}


def test_a_source_that_ended_is_refused(table):
    gone = table[(table["source"] == "web") | (table["week"] < WEEKS[30])]
    gone = gone.groupby(["source", "week"], as_index=False)["n"].sum()
    with pytest.raises(ParameterError, match='the series "tv" ends'):
        forecast_leads(gone, 4, by="source", profile="fast")


def test_what_is_issued_can_be_scored_later(found):
    issued = found.issued()
    assert list(issued.columns) == [
        "cutoff", "series", "period_start", "period_end", "unit", "quantile", "value",
    ]  # fmt: skip
    assert issued["series"].iloc[0] == "leads"
    assert "leads:web / loan" in set(issued["series"])
    assert (issued["period_start"] < issued["period_end"]).all()


def test_a_log_gives_hours_and_whole_weeks():
    longer = {**SHOP, "run": {"start": "2025-01-01", "horizon": "20 w"}}
    log = simulate(Scenario.model_validate(longer), seed=1)
    made = forecast_leads(log, "4 w", by="source", profile="fast", workers=1)
    assert made.hours.shape == (7, 24)
    assert made.hours.to_numpy().sum() == pytest.approx(1)
    assert made.hours.loc[5:, :8].to_numpy().sum() == 0  # nobody at weekends before nine
    assert made.periods[0] == pd.Timestamp("2025-05-19")  # the week that the log cuts off
    assert {remark.kind for remark in made.remarks} >= {"cut"}


def test_replication_r_gets_the_leads_of_path_r(by_source):
    scenario = with_leads(Scenario.model_validate(SHOP), by_source)
    assert scenario.sources["web"].counts is not None
    assert scenario.sources["web"].growth is None
    assert scenario.sources["web"].by_hour == Scenario.model_validate(SHOP).sources["web"].by_hour
    for replication in (0, 7):
        leads = simulate(scenario, seed=1, replication=replication).leads
        weeks = (leads["arrived_at"] - leads["arrived_at"].min().normalize()).dt.days // 7
        came = leads.groupby(["source", weeks]).size()
        for k, source in enumerate(by_source.segments["source"]):
            assert came[source].tolist() == by_source.paths[replication, :, k].tolist()


def test_a_sum_is_shared_out_among_the_sources(table):
    total = table.groupby("week", as_index=False)["n"].sum()
    made = forecast_leads(total, "4 w", profile="fast")
    scenario = with_leads(Scenario.model_validate(SHOP), made)
    rows = {name: _paths(each) for name, each in scenario.sources.items()}
    assert (rows["web"] + rows["tv"] == made.total).all()
    assert rows["web"].sum() / made.total.sum() == pytest.approx(0.75, abs=0.01)


def test_months_become_days(table):
    months = pd.date_range("2022-01-01", periods=36, freq="MS")
    past = pd.DataFrame({"month": months, "n": np.random.default_rng(2).poisson(300, 36)})
    made = forecast_leads(past, "2 mo", profile="fast", n_paths=20)
    scenario = with_leads(Scenario.model_validate(SHOP), made)
    paths = np.sum([_paths(each) for each in scenario.sources.values()], axis=0)
    assert paths.shape == (20, 31 + 28)
    assert (paths[:, :31].sum(axis=1) == made.total[:, 0]).all()


def test_unknown_sources_are_named(by_source):
    other = Scenario.model_validate({**SHOP, "sources": {"web": SHOP["sources"]["web"]}})
    with pytest.raises(ParameterError, match='has the source "tv", the scenario has not'):
        with_leads(other, by_source)
    assert with_leads(other, by_source, sources={"tv": "web"}).sources["web"].counts is not None


def test_the_sentence_says_how_many_and_how_sure(found):
    told = found.sentence()
    assert told.startswith("From 24 February 2025 over 4 weeks, about ")
    assert "8 in 10 chances" in told


def test_the_picture_describes_itself(found):
    assert found.plot().alt.startswith("Fan chart: 60 periods of history")
    told = found.plot_segments(most=2).alt  # the two that bring most, with their own numbers
    assert told.startswith("Fan charts of 2 series. ")
    last = found.table[(found.table["source"] == "web") & (found.table["product"] == "loan")]
    assert f"web / loan: {last['p50'].iloc[-1]:.0f} (" in told
    assert "tv" not in told
