"""Luck that deals of a period share: found where it is, doubted where it may be, and drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from funnelsim.calibration.demand.daily import daily_rate
from funnelsim.calibration.demand.shocks import SMALLEST, ShockPart, shared_luck, shock_parts
from funnelsim.calibration.demand.surges import surge_part
from funnelsim.calibration.fitting import calibrate
from funnelsim.calibration.stages.dwell import dwell
from funnelsim.calibration.stages.families import fit
from funnelsim.calibration.stages.pace import pace
from funnelsim.calibration.stages.routes import Branch, Routes
from funnelsim.calibration.stages.shapes import Empirical, Parametric
from funnelsim.calibration.stages.survival import Durations
from funnelsim.calibration.stages.visits import stage_visits
from funnelsim.calibration.unevenness import Unevenness
from funnelsim.engine import simulate
from funnelsim.scenarios.quantity import DurationSpec
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import SECOND

DAY = 86_400.0
WORLD = {
    "funnelsim": 1,
    "name": "one-step",
    "run": {"start": "2025-01-06", "horizon": "30 w"},
    "sources": {"web": {"stage": "offer", "rate": "20 / d"}},
    "stages": {
        "offer": {
            "delay_after": {"median": "5 d", "p90": "14 d"},
            "next": {"advance": "won", "to": {"won": 0.5, "lost": 0.5}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}


def draws(uneven: Unevenness) -> np.ndarray:
    """Many spreads that the data could as well mean."""
    rng = np.random.default_rng(1)
    return np.array([uneven.drawn(rng) for _ in range(400)])


def test_the_spread_between_periods_is_drawn_about_the_truth():
    """60 periods, truth 0.3: a posterior mean 0.07 off is five standard errors (1e-6)."""
    rng = np.random.default_rng(2)
    precision = np.full(60, 50.0)
    shift = rng.normal(0, np.sqrt(0.3**2 + 1 / precision))
    found = Unevenness(tuple(shift), tuple(precision))
    assert abs(draws(found).mean() - 0.3) < 0.07
    assert found.chance() < 1e-6


def test_few_periods_leave_doubt_and_many_do_not():
    even, far = Unevenness((0.0,) * 4, (30.0,) * 4), Unevenness((0.0,) * 60, (300.0,) * 60)
    assert even.cv()[0] == far.cv()[0] == 0
    assert np.quantile(draws(even), 0.9) > 0.1
    assert np.quantile(draws(far), 0.9) < 0.05


def test_surges_of_weeks_are_found_and_not_those_of_days():
    """26 weeks; weeks with cv 0.3, or days with it: the other must not be told (95 %)."""
    rng = np.random.default_rng(1)
    days = pd.date_range("2025-01-06", periods=182)
    by_week = np.repeat(rng.gamma(1 / 0.09, 0.09, 26), 7)
    by_day = rng.gamma(1 / 0.09, 0.09, 182)
    for factor, shown in ((by_week, True), (by_day, False)):
        counts = pd.Series(rng.poisson(20 * factor), index=days)
        rate = daily_rate(counts, days[-1])
        part = surge_part([("web", counts, rate)], days[-1])
        assert part is not None
        assert bool(part.settings) is shown
        assert part.lo <= (0.3 if shown else 0.0) <= part.hi
        assert rate.cv_lo <= (0.0 if shown else 0.3) <= rate.cv_hi


def test_drawn_scenarios_hold_luck_that_the_data_does_not_exclude():
    log = simulate(Scenario.model_validate(WORLD), seed=5)
    assert shock_parts(log)[0]
    found = calibrate(log)
    parts = {part.name: part for part in found.parts}
    market = parts["shock/market"]
    assert isinstance(market, ShockPart)
    assert market.cv < SMALLEST or market.lo == 0
    drawn = [found.sampler.draw(1, r).shocks["market"].cv for r in range(20)]
    assert min(drawn) < 0.1 < max(drawn) < 0.6
    route = parts["next/offer"]
    assert isinstance(route, Routes)
    assert route.uneven == shared_luck(found.parts)["offer"] == market.uneven


def test_pace_is_that_of_weeks_in_which_more_visits_end():
    """30 weeks of steady visits: no week differs; those of a clock that stops do (false 1e-3)."""
    log = simulate(Scenario.model_validate(WORLD), seed=7)
    (visits,) = stage_visits(log)
    steady = pace(log, visits)
    assert steady is not None
    assert len(steady) >= 25
    assert steady.chance() > 1e-3
    shares = np.array(steady.precision) * (1 + np.array(steady.shift))
    assert shares.sum() == pytest.approx(np.sum(steady.precision), rel=0.03)


@pytest.mark.parametrize("family", ["lognormal", "observed"])
def test_a_pace_multiplies_the_rate_of_ending_at_every_age(family):
    """Survival at twice the pace is the square of survival, within a cell of the grid."""
    time = np.random.default_rng(1).lognormal(1.0, 0.8, 3000) * DAY
    seen = Durations(time, np.ones(3000, bool), np.zeros(3000), np.ones(3000))
    fitted = fit("lognormal", seen)
    assert fitted is not None
    shape = Empirical(seen) if family == "observed" else Parametric(fitted)
    for level in (0.2, 0.5, 0.9):
        at = shape.quantile(level)
        spec = DurationSpec.model_validate(shape.drawn(np.random.default_rng(2), 2.0))
        values = spec.quantiles(lambda length: length.microseconds() / SECOND)
        drawn = values.ppf((np.arange(2000) + 0.5) / 2000)
        assert np.mean(drawn > at) == pytest.approx((1 - level) ** 2, abs=0.03)


def test_delays_are_drawn_at_the_pace_of_a_week():
    time = np.random.default_rng(1).exponential(5 * DAY, 2000)
    seen = Durations(time, np.ones(2000, bool), np.zeros(2000), np.ones(2000))
    uneven = Unevenness((0.3, -0.3) * 10, (100.0,) * 20)
    path = ("stages", "offer", "delay_after")
    medians = {}
    for name, luck in (("still", None), ("paced", uneven)):
        part, _ = dwell("dwell/offer", path, seen, uneven=luck)
        assert part is not None
        rng = np.random.default_rng(4)
        found = [DurationSpec.model_validate(part.drawn(rng)[path]) for _ in range(60)]
        seconds = [
            d.quantiles(lambda x: x.microseconds() / SECOND).ppf(np.array([0.5]))[0] for d in found
        ]
        medians[name] = np.log(seconds).std()
    assert medians["still"] < 0.1 < medians["paced"]


def test_a_slow_pace_of_a_heavy_tail_stays_within_the_language():
    time = np.random.default_rng(1).lognormal(3.0, 4.5, 800) * DAY
    seen = Durations(time, np.ones(800, bool), np.zeros(800), np.ones(800))
    fitted = fit("lognormal", seen)
    assert fitted is not None
    spec = Parametric(fitted).drawn(np.random.default_rng(1), 0.3)
    DurationSpec.model_validate(spec)  # raises if the language has no such delay


def test_a_very_slow_pace_of_what_was_observed_still_ends():
    """Levels that round to 1 ask for the quantile at which all is over: there is none."""
    time = np.random.default_rng(1).exponential(5 * DAY, 800)
    ended = time < 20 * DAY
    seen = Durations(np.minimum(time, 20 * DAY), ended, np.zeros(800), np.ones(800))
    spec = Empirical(seen).drawn(np.random.default_rng(1), 0.1)
    DurationSpec.model_validate(spec)  # raises if the language has no such delay


def test_shared_luck_leaves_the_mean_share_as_it_was():
    """A factor of mean 1 on the odds lowers the mean share by 2 %; drawn shares make up for it."""
    uneven = Unevenness((0.4, -0.4) * 30, (400.0,) * 60)
    branch = Branch({}, np.array([0.5, 0.5]), 1e9, np.array([10, 10]))
    part = Routes("offer", ("won", "lost"), "won", (branch,), branch, 0.0, uneven=uneven)
    rng = np.random.default_rng(1)
    drawn: list[Any] = [part.drawn(rng)[part.path] for _ in range(2000)]
    shares = [each["to"]["won"] for each in drawn]
    odds = np.array(shares) / (1 - np.array(shares))
    spread = np.sqrt(uneven.variance())
    factor = np.exp(spread * rng.standard_normal((500, 1)) - spread**2 / 2)
    assert np.mean(0.5 * factor / (0.5 + 0.5 * factor)) < 0.485
    assert np.mean(odds * factor / (1 + odds * factor)) == pytest.approx(0.5, abs=0.006)
