"""Forecasts from open deals: sums, as-of, and the rules of thumb beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.calibration.fitting import calibrate
from funnelsim.engine import simulate
from funnelsim.engine.logs import event_log
from funnelsim.engine.snapshot import snapshot
from funnelsim.errors import ParameterError
from funnelsim.planning.pipeline.pipeline import forecast_pipeline
from funnelsim.planning.pipeline.pipeline_backtest import backtest_pipeline, skill
from funnelsim.planning.pipeline.reliability import reliability, settled
from funnelsim.planning.pipeline.rules_of_thumb import RULES_OF_THUMB, facts
from funnelsim.scenarios.evidence import Evidence
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream

WORLD = {
    "funnelsim": 1,
    "name": "two-steps",
    "currency": "EUR",
    "run": {"start": "2025-01-06", "horizon": "30 w"},
    "sources": {"web": {"stage": "talk", "rate": "8 / d", "value": {"median": 900, "p90": 2500}}},
    "stages": {
        "talk": {
            "delay_after": {"median": "6 d", "p90": "20 d"},
            "next": {"advance": "offer", "to": {"offer": 0.5, "lost": 0.5}},
        },
        "offer": {
            "delay_after": {"median": "9 d", "p90": "30 d"},
            "next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}
CUTOFF = pd.Timestamp("2025-06-02", tz="UTC")


@pytest.fixture(scope="module")
def log():
    return simulate(Scenario.model_validate(WORLD), seed=3)


@pytest.fixture(scope="module")
def fan(log):
    past = log.as_of(CUTOFF)
    fit = calibrate(past)
    return forecast_pipeline(fit.sampler, start=snapshot(past), horizon="8 w", n=40, seed=1)


def test_every_open_deal_has_its_chances(log, fan):
    standing = log.as_of(CUTOFF).outcomes()
    assert set(fan.deals["lead_id"]) == set(standing.loc[standing["outcome"] == "open", "lead_id"])
    chances = fan.deals[["p_won", "p_lost", "p_open"]]
    assert np.allclose(chances.sum(axis=1), 1)
    assert fan.deals["p_won"].sum() == pytest.approx(fan.total("won", "open").mean())
    by_stage = fan.deals.groupby("stage")["p_won"].mean()
    assert by_stage["offer"] > by_stage["talk"]


def test_wins_are_worth_what_they_were_worth_in_the_data(log):
    fit = calibrate(log.as_of(CUTOFF))
    source = f"sources.{next(iter(fit.scenario.sources))}.value"
    dearer = Evidence(of=source, measure="won_to_all", value=2.0, unit="ratio", n=50, method="")
    rest = tuple(e for e in fit.scenario.evidence if e.measure != "won_to_all")
    plain = fit.scenario.model_copy(update={"evidence": rest})
    told = fit.scenario.model_copy(update={"evidence": (*rest, dearer)})
    start = snapshot(log.as_of(CUTOFF))
    once, twice = (
        forecast_pipeline(world, start=start, horizon="4 w", n=3, seed=1) for world in (plain, told)
    )
    assert twice.total("won_value").sum() == pytest.approx(2 * once.total("won_value").sum())
    assert fit.sampler.draw(1, 1).evidence == fit.scenario.evidence


def test_totals_are_the_sums_of_periods_and_origins(fan):
    table = fan.table()
    for measure in ("won", "won_value", "lost"):
        rows = table[table["measure"] == measure]
        whole = rows[rows["period"].isna()].set_index("origin")["mean"]
        assert whole["all"] == pytest.approx(whole["open"] + whole["future"])
        periods = rows[rows["period"].notna() & (rows["origin"] == "all")]
        assert periods["mean"].sum() == pytest.approx(whole["all"])
        assert len(periods) == 8
    assert (table["p10"] <= table["p50"]).all()
    assert (table["p50"] <= table["p90"]).all()


def test_the_future_does_not_reach_the_forecast(log, fan):
    """Whether the data goes on for eight weeks or for two, the forecast is the same."""
    past = log.as_of(CUTOFF + pd.Timedelta(weeks=2)).as_of(CUTOFF)
    again = forecast_pipeline(
        calibrate(past).sampler, start=snapshot(past), horizon="8 w", n=40, seed=1
    )
    assert np.array_equal(again.paths, fan.paths)


def test_the_outcome_lies_within_the_forecast(log, fan):
    """One world, a 99.9 % band: a false alarm once in a thousand seeds; the seed is fixed."""
    after = log.as_of(CUTOFF + pd.Timedelta(weeks=8)).outcomes()
    closed = log.as_of(CUTOFF).outcomes()
    old = set(closed.loc[closed["outcome"] != "open", "lead_id"])
    won = int(((after["outcome"] == "won") & ~after["lead_id"].isin(old)).sum())
    total = fan.total("won")
    assert abs(won - total.mean()) < 3.3 * total.std()


def test_too_few_replications_are_refused(log):
    with pytest.raises(ParameterError, match="2 or more"):
        forecast_pipeline(
            Scenario.model_validate(WORLD),
            start=snapshot(log.as_of(CUTOFF)),
            horizon="8 w",
            n=1,
            seed=1,
        )


def test_unknown_measures_are_named(fan):
    with pytest.raises(ParameterError, match='no measure "wins"'):
        fan.total("wins")


def test_rules_of_thumb_say_what_they_say(log):
    """Means over draws against the plain arithmetic; 400 draws, four standard errors."""
    past = log.as_of(CUTOFF)
    known = facts(past)
    outcomes = past.outcomes()["outcome"]
    won, lost = (outcomes == "won").sum(), (outcomes == "lost").sum()
    rng = np.random.default_rng(1)
    draws = np.array([RULES_OF_THUMB["closed_only"](known, 56.0, rng) for _ in range(400)])
    expected = (outcomes == "open").sum() * won / (won + lost)
    spread = draws[:, 0, 0].std() / 20
    assert abs(draws[:, 0, 0].mean() - expected) < 4 * spread
    recent = past.outcomes()
    last = recent[
        (recent["outcome"] == "won") & (recent["closed_at"] > CUTOFF - pd.Timedelta("56D"))
    ]
    draws = np.array([RULES_OF_THUMB["last_period"](known, 56.0, rng) for _ in range(400)])
    total = draws[..., 0].sum(axis=1)
    assert abs(total.mean() - len(last)) < 4 * total.std() / 20


def test_a_backtest_scores_every_method_on_the_same_outcome(log):
    cutoffs = ["2025-05-05", "2025-06-02"]
    table = backtest_pipeline(log, cutoffs=cutoffs, horizon="4 w", n=20, seed=2)
    assert set(table["method"]) == {"funnelsim", *RULES_OF_THUMB}
    same = table.groupby(["cutoff", "origin", "measure"])["actual"].agg(["min", "max"])
    assert (same["min"] == same["max"]).all()
    ratios = skill(table, draws=200, seed=1)
    assert set(ratios["rule"]) == set(RULES_OF_THUMB)
    assert (ratios["lo"] <= ratios["hi"]).all()


def test_a_cutoff_must_leave_its_horizon_within_the_data(log):
    with pytest.raises(ParameterError, match="end after the data"):
        backtest_pipeline(log, cutoffs=["2025-07-20"], horizon="8 w", n=20, seed=2)


def test_closings_are_those_of_the_log(log):
    """What is read from the rows of a run is what its event log says."""
    past = log.as_of(CUTOFF)
    seen = []
    fan = forecast_pipeline(
        Scenario.model_validate(WORLD),
        start=snapshot(past),
        horizon="6 w",
        n=2,
        seed=4,
        observe=lambda plan, found, closed: seen.append(
            (event_log(plan, found, Stream(4, len(seen))), closed)
        ),
    )
    known = set(fan.deals["lead_id"])
    won = np.zeros(len(fan.deals))
    for (run, closed), paths in zip(seen, fan.paths, strict=True):
        outcomes = run.outcomes()
        gained = outcomes[outcomes["outcome"] == "won"]
        old = gained["lead_id"].isin(known)
        assert paths[:, :, 0].sum(axis=0).tolist() == [old.sum(), (~old).sum()]
        assert paths[:, :, 1].sum() == gained["value"].sum()
        assert paths[:, :, 2].sum() == (outcomes["outcome"] == "lost").sum()
        assert len(closed.at) == outcomes["outcome"].isin(["won", "lost"]).sum()
        by_week = gained["closed_at"].dt.tz_convert("UTC")
        first = (by_week < fan.ends[0]).sum()
        assert paths[0, :, 0].sum() == first
        won += fan.deals["lead_id"].isin(gained["lead_id"])
    assert np.allclose(fan.deals["p_won"], won / 2)


def test_chances_stand_beside_what_happened(log, fan):
    deals = settled(fan, log)
    assert set(deals["outcome"]) <= {"won", "lost", "open", "ended"}
    for outcome in ("won", "lost"):
        by_stage = reliability(deals, outcome=outcome)
        assert set(by_stage["stage"]) == {"talk", "offer"}
        assert by_stage["came"].sum() == (deals["outcome"] == outcome).sum()
        assert by_stage["expected"].sum() == pytest.approx(deals[f"p_{outcome}"].sum())
        assert (by_stage["lo"] <= by_stage["happened"]).all()
        assert (by_stage["happened"] <= by_stage["hi"]).all()
    by_chance = reliability(deals, "chance")
    assert by_chance["n"].sum() == len(deals)
    assert by_chance["came"].sum() == (deals["outcome"] == "won").sum()


def test_chances_of_few_replications_are_not_sorted_by_their_own_luck():
    """20,000 deals, 20 replications: each tenth is right within 5 standard errors (1e-6)."""
    rng = np.random.default_rng(6)
    truth = rng.beta(1, 4, 20_000)
    p_won = rng.binomial(20, truth) / 20
    outcome = np.where(rng.random(20_000) < truth, "won", "lost")
    deals = pd.DataFrame({"stage": "offer", "p_won": p_won, "n": 20, "outcome": outcome})
    table = reliability(deals, "chance")
    table = table[table["n"] > 200]
    error = np.sqrt(table["happened"] * (1 - table["happened"]) / table["n"])
    assert (np.abs(table["given"] - table["happened"]) < 5 * error + 0.005).all()
