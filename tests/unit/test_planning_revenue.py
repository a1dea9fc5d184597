"""Revenue three ways: sums, as-of, plans, what hangs on single deals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.calibration.fitting import calibrate
from funnelsim.engine import simulate
from funnelsim.engine.snapshot import snapshot
from funnelsim.errors import EventLogError, InputError, ParameterError
from funnelsim.forecasting.leads import forecast_leads
from funnelsim.planning import backtest_revenue, forecast_revenue
from funnelsim.planning.revenue.cash import payments
from funnelsim.planning.revenue.cells import cells_between
from funnelsim.planning.revenue.combining import combine, weights
from funnelsim.planning.revenue.plan import read_plan
from funnelsim.planning.revenue.revenue_backtest import USUAL_WEIGHTS, past_cutoffs, past_errors
from funnelsim.planning.revenue.top_down import look_from_above
from funnelsim.scenarios.scenario import Scenario

WORLD = {
    "funnelsim": 1,
    "name": "two-kinds",
    "currency": "EUR",
    "run": {"start": "2025-01-06", "horizon": "36 w"},
    "sources": {
        name: {
            "stage": "talk",
            "rate": "2 / d",
            "mix": [
                {"share": 0.5, "product": "door", "value": {"median": 900, "p90": 2500}},
                {"share": 0.5, "product": "gate", "value": {"median": 4000, "p90": 9000}},
            ],
        }
        for name in ("web", "fair")
    },
    "stages": {
        "talk": {
            "delay_after": {"median": "6 d", "p90": "20 d"},
            "next": {"advance": "offer", "to": {"offer": 0.5, "lost": 0.5}},
        },
        "offer": {
            "delay_after": {"median": "9 d", "p90": "30 d"},
            "next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}},
        },
        "won": {
            "marks": "won",
            "delay_before": {"median": "20 d", "p90": "40 d"},
            "next": {"to": {"money": 1}},
        },
        "money": {"marks": {"kind": "paid", "value": "deal"}},
        "lost": {"marks": "lost"},
    },
}
CUTOFF = pd.Timestamp("2025-06-10", tz="UTC")
AHEAD = pd.Timedelta(weeks=6)


@pytest.fixture(scope="module")
def log():
    return simulate(Scenario.model_validate(WORLD), seed=3)


@pytest.fixture(scope="module")
def past(log):
    return log.as_of(CUTOFF)


@pytest.fixture(scope="module")
def fit(past):
    return calibrate(past)


@pytest.fixture(scope="module")
def trial(past):
    cutoffs = [CUTOFF - pd.Timedelta(weeks=w) for w in (9, 6)]
    return backtest_revenue(past, cutoffs=cutoffs, ahead=AHEAD, n=5, seed=1)


@pytest.fixture(scope="module")
def made(fit, past, trial):
    return forecast_revenue(
        fit,
        start=snapshot(past),
        history=past,
        horizon="12 w",
        past=trial,
        plan=50_000,
        n=16,
        seed=1,
    )


def test_what_lies_after_the_cutoff_changes_nothing(log, fit, past, trial, made):
    """The same forecast from a log that goes on for months as from one that ends there."""
    again = forecast_revenue(
        fit,
        start=snapshot(log, CUTOFF),
        history=log,
        horizon="12 w",
        past=trial,
        plan=50_000,
        n=16,
        seed=1,
    )
    for way, paths in made.ways.items():
        assert np.array_equal(again.ways[way], paths), way
    pd.testing.assert_frame_equal(again.table, made.table)


def test_past_trials_know_nothing_later(log, past, trial):
    """A trial made inside a longer log is the same but for what came."""
    again = backtest_revenue(
        log, cutoffs=sorted(trial["cutoff"].unique()), ahead=AHEAD, n=5, seed=1
    )
    told = ["cutoff", "way", "span", "mean", "p10", "p50", "p90", "actual"]
    pd.testing.assert_frame_equal(again[told], trial[told])


def test_a_fit_that_has_seen_the_future_is_refused(log, past):
    with pytest.raises(ParameterError, match="the fit knows data until"):
        forecast_revenue(calibrate(log), start=snapshot(past), history=past, n=5)


def test_periods_quarters_and_origins_add_up(made):
    table = made.table[(made.table["way"] == "combined")]
    for measure in ("won", "won_value"):
        rows = table[table["measure"] == measure].assign(
            ahead=lambda frame: frame["mean"] - frame["booked"]
        )
        sums = rows.groupby(["span", "origin"])["ahead"].sum()
        for span in ("month", "quarter", "horizon"):
            assert sums[span, "all"] == pytest.approx(sums["horizon", "all"])
            assert sums[span, "open"] + sums[span, "future"] == pytest.approx(sums[span, "all"])
    assert (table["p10"] <= table["p50"]).all()
    assert (table["p50"] <= table["p90"]).all()


def test_the_present_month_holds_what_is_won_already(made, past):
    won = past.outcomes()
    won = won[
        (won["outcome"] == "won") & (won["closed_at"] >= pd.Timestamp("2025-06-01", tz="UTC"))
    ]
    row = made.table.query(
        "way == 'combined' and origin == 'all' and measure == 'won_value' and period == '2025-06'"
    ).iloc[0]
    assert row["booked"] == won["value"].sum() > 0
    assert row["p10"] > row["booked"]


def test_sums_of_paths_are_less_certain_than_independent_periods(made):
    """Parameters are drawn once a run: months move together, their sum is wider."""
    paths = made.ways["bottom_up"][..., 1]
    _, months = made.cells.sums(paths)
    apart = months.var(axis=0).sum()
    assert months.sum(axis=1).var() > 0.5 * apart  # 25 runs: a loose bound below
    assert made.paths.sum(axis=2) == pytest.approx(made.ways["combined"])


def test_combined_quantiles_lie_between_those_of_the_ways(made):
    both = np.array([np.sort(made.ways[w][..., 1], axis=0) for w in ("bottom_up", "top_down")])
    mixed = np.sort(made.ways["combined"][..., 1], axis=0)
    assert (mixed >= both.min(axis=0) - 1e-6).all()
    assert (mixed <= both.max(axis=0) + 1e-6).all()
    assert sum(made.weights.values()) == pytest.approx(1)


def test_weights_follow_past_errors_and_shrink():
    even = {"a": 0.5, "b": 0.5}
    assert weights({"a": [], "b": []}, even) == even
    few = weights({"a": [1.0], "b": [3.0]}, even)
    many = weights({"a": [1.0] * 50, "b": [3.0] * 50}, even)
    assert 0.5 < few["a"] < many["a"] < 0.95


def test_trials_whose_outcome_is_not_known_yet_do_not_count(fit, past, log):
    cutoffs = [CUTOFF + pd.Timedelta(weeks=w) for w in (-6, 2)]
    mixed = backtest_revenue(log, cutoffs=cutoffs, ahead=AHEAD, n=4, seed=2)
    early = mixed[mixed["end"] <= CUTOFF]
    one, two = (
        forecast_revenue(fit, history=past, horizon="4 w", past=rows, n=2, seed=1).weights
        for rows in (mixed, early)
    )
    assert one == two != USUAL_WEIGHTS
    assert past_errors(early)["bottom_up"] == past_errors(mixed)["bottom_up"][:1]


def test_combined_quantiles_are_the_weighted_mean_in_every_period():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(50, 3)), rng.normal(5, 2, size=(50, 3))
    mixed = combine(a, b, 0.75)
    assert np.sort(mixed, axis=0) == pytest.approx(0.75 * np.sort(a, 0) + 0.25 * np.sort(b, 0))
    assert combine(a, b, 1.0) == pytest.approx(a)


def test_sums_of_combined_paths_lie_between_those_of_the_ways():
    """One way is skewed and moves as a whole, the other moves period by period."""
    rng = np.random.default_rng(2)
    whole = np.exp(rng.normal(0, 1, size=(400, 1))) * np.ones((400, 6))
    apart = rng.normal(1, 0.3, size=(400, 6)).clip(0)
    sums = [np.quantile(p.sum(axis=1), [0.1, 0.5, 0.9]) for p in (whole, apart)]
    mixed = np.quantile(combine(apart, whole, 0.5).sum(axis=1), [0.1, 0.5, 0.9])
    assert mixed == pytest.approx(np.mean(sums, axis=0), rel=0.15)


def test_a_plan_is_reached_as_often_as_paths_reach_it(made):
    rows = made.chance_of().set_index("period")
    periods, paths = made.cells.sums(made.ways["combined"][..., 1])
    july = paths[:, list(periods.astype(str)).index("2025-07")]
    assert rows.loc["2025-07", "chance"] == (july >= 5_000_000).mean()
    assert list(rows.index) == ["2025-06", "2025-07", "2025-08", "total"]
    assert made.chance_of(0)["chance"].eq(1).all()
    assert made.chance_of(1e9)["chance"].eq(0).all()
    assert rows.loc["total", "plan"] == 15_000_000


def test_a_plan_by_product_and_channel_is_reconciled_cell_by_cell(made):
    plan = pd.DataFrame(
        {
            "period": ["2025-07"] * 2,
            "product": ["door", "gate"],
            "channel": ["web", "web"],
            "plan": [2000, 9000],
        }
    )
    rows = made.reconciled(plan)
    assert rows.iloc[-1]["product"] == "total"
    cells = rows.iloc[:-1].set_index(["product", "source"])
    assert set(cells.index) == {(p, s) for p in ("door", "gate") for s in ("web", "fair")}
    assert cells.loc[("door", "fair"), "plan"] == 0
    assert cells["plan"].sum() == rows.iloc[-1]["plan"] == 1_100_000


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"period": ["2025-07", "2026-03"], "plan": [1, 2]}, "after the horizon.*2026-03"),
        ({"period": ["2025-01"], "plan": [1]}, "over at the start.*2025-01"),
        ({"period": ["soon"], "plan": [1]}, "no month: soon"),
        ({"period": ["2025-07"], "plan": ["much"]}, '"much" is no amount'),
        ({"period": ["2025-07"], "plan": [-5]}, '"-5" is no amount'),
        ({"period": ["2025-07"], "product": ["dor"], "plan": [1]}, 'no product "dor".*"door"'),
        ({"period": ["2025-07"], "region": ["x"], "plan": [1]}, 'unknown column "region"'),
        ({"period": ["2025-07"]}, "no column holds the amounts"),
        ({"period": ["2025-07", "2025-07"], "plan": [1, 1]}, "planned twice: 2025-07"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(made, plan, message):
    with pytest.raises(InputError, match=message):
        made.chance_of(pd.DataFrame(plan))


def test_all_problems_of_a_plan_are_told_at_once():
    start = pd.Timestamp("2026-01-01", tz="UTC")
    cells = cells_between(start, start + pd.Timedelta(weeks=10), "UTC", "month")
    plan = pd.DataFrame({"period": ["2027-01", "x"], "plan": ["?", 1]})
    with pytest.raises(InputError) as found:
        read_plan(plan, cells, "EUR", pd.DataFrame(columns=["source", "product", "segment"]))
    assert len(found.value.problems) == 3


def test_what_the_worst_runs_lack_adds_up(made):
    total = made.total()
    worst = np.sort(total)[: round(0.1 * made.n)].mean()
    for by in ("stage", "source", "product", "lead_id"):
        rows = made.downside(by)
        assert rows["lacks"].sum() == pytest.approx(total.mean() - worst, rel=0.02)
        assert rows["share"].sum() == pytest.approx(1)
    with pytest.raises(ParameterError, match='no group "region"'):
        made.downside("region")


def test_without_the_top_deal_less_is_left(made):
    deals = made.top_deals(3)
    assert deals["expected"].is_monotonic_decreasing
    assert (deals["p50"] <= np.median(made.total())).all()
    assert (deals["chance"] <= made.chance_of()["chance"].iloc[-1] + 1e-9).all()


def test_money_comes_after_it_is_won(made, past):
    known = payments(past)
    assert known is not None
    assert 15 < known.median < 27  # the truth is 20 days
    paid, won = made.cash.mean(axis=0), made.ways["combined"][..., 1].mean(axis=0)
    assert paid.sum() > 0.5 * won.sum()
    ages = np.full(2000, 30.0)
    drawn = known.draw(ages, np.random.default_rng(1))
    assert (drawn >= 30).all()


def test_amounts_in_two_currencies_are_refused(fit, past):
    dollars = past.meta.model_copy(update={"currency": "USD"})
    marks = past.marks.assign(currency=past.marks["currency"].replace("EUR", "USD"))
    other = type(past)(
        leads=past.leads, visits=past.visits, efforts=past.efforts, marks=marks, meta=dollars
    )
    with pytest.raises(ParameterError, match="the fit counts in EUR, the history in USD"):
        forecast_revenue(fit, history=other, n=5)
    mixed = past.marks.assign(currency="USD")
    with pytest.raises(EventLogError, match="currency is not EUR"):
        type(past)(
            leads=past.leads, visits=past.visits, efforts=past.efforts, marks=mixed, meta=past.meta
        )


def test_nobody_looks_back_from_too_short_a_log(past):
    short = past.as_of("2025-02-10")
    assert past_cutoffs(short, CUTOFF)[0] == []
    cutoffs, ahead = past_cutoffs(past, CUTOFF + pd.Timedelta(weeks=26))
    assert len(cutoffs) == 6
    assert max(cutoffs) + ahead <= CUTOFF


def test_the_series_is_spread_over_the_calendar_without_loss(past):
    end = CUTOFF + pd.Timedelta(weeks=5)
    months, weeks = (cells_between(CUTOFF, end, "UTC", freq) for freq in ("month", "week"))
    views = [look_from_above(past, cells, n=20, seed=1) for cells in (months, weeks)]
    sums = [view.paths.sum() for view in views if view is not None]
    assert sums[0] == pytest.approx(sums[1])


def test_deals_without_values_are_counted(past):
    bare = past.marks.assign(value=past.marks["value"].where(past.marks["value"].isna()))
    worthless = type(past)(
        leads=past.leads, visits=past.visits, efforts=past.efforts, marks=bare, meta=past.meta
    )
    made = forecast_revenue(
        calibrate(worthless), horizon="4 w", past=pd.DataFrame(), n=5, seed=1, plan=3
    )
    assert made.measure == "won"
    assert "deals will be won" in made.sentence()
    assert any("no won deal" in note.lower() for note in made.notes)


def test_the_sentence_says_how_much_how_sure_and_the_plan(made):
    said = made.sentence()
    assert said.startswith("From 2025-06-10 to 2025-09-02 EUR ")
    assert "8 in 10 between EUR" in said
    assert "chance of the plan of EUR 150,000" in said


def test_what_is_issued_can_be_scored_later(made):
    issued = made.issued()
    assert list(issued.columns) == [
        *("cutoff", "series", "period_start", "period_end", "unit", "quantile", "value"),
        "raw",
    ]
    assert set(issued["series"]) == {"wins", "won_value", "paid_value"}
    assert issued["period_end"].max() <= made.end


def test_forecast_leads_come_in_place_of_those_calibration_expects(fit, past):
    """Three times the leads: more is won of future leads, the same of open deals."""
    table = pd.DataFrame(
        {"week": pd.date_range("2025-01-06", periods=22, freq="W-MON"), "leads": [84, 86] * 11}
    )
    many = forecast_leads(table, "9 w", profile="fast", n_paths=8)
    usual, more = (
        forecast_revenue(fit, horizon="6 w", past=pd.DataFrame(), leads=given, n=8, seed=1)
        for given in (None, many)
    )
    wins = [made.won.groupby("origin")["run"].size() / 8 for made in (usual, more)]
    assert wins[1][1] > 2 * wins[0][1]
    assert wins[1][0] == pytest.approx(wins[0][0], rel=0.25)
    assert set(more.won["source"]) == {"web", "fair"}
    short = forecast_leads(table, "2 w", profile="fast", n_paths=4)
    with pytest.raises(ParameterError, match="the leads are forecast until"):
        forecast_revenue(fit, horizon="6 w", past=pd.DataFrame(), leads=short, n=2)
