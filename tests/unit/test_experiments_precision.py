"""Intervals over replications, and when there are enough of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from funnelsim.experiments.precision import (
    FEWEST,
    Sequential,
    mean_interval,
    next_run_interval,
)
from funnelsim.experiments.warm_up import mser5, regime

NAN = float("nan")
VALUES = [12.0, 15.0, 9.0, 14.0, 11.0, 13.0]


def test_the_confidence_interval_is_students():
    """Against SciPy's one-sample t interval."""
    found = mean_interval(VALUES, 0.9)
    low, high = stats.ttest_1samp(VALUES, 0).confidence_interval(0.9)
    assert found == pytest.approx((np.mean(VALUES), low, high, 6))


def test_the_prediction_interval_is_wider_by_one_run():
    """Its half-width is that of the mean × √(n + 1)."""
    mean, one = mean_interval(VALUES, 0.9), next_run_interval(VALUES, 0.9)
    assert one.hi - one.mean == pytest.approx((mean.hi - mean.mean) * 7**0.5)


def test_a_prediction_interval_holds_the_next_run():
    """Normal runs: 95 % of 4,000 next ones, exact binomial limits at a false alarm of 1e-6.

    Detects a coverage of 92.5 % or 97 % (missed at most once in a thousand).
    """
    rng = np.random.default_rng(3)
    runs = rng.normal(10, 2, (4000, 9))
    held = sum(
        one.lo <= run[-1] <= one.hi for run in runs for one in [next_run_interval(run[:-1], 0.95)]
    )
    assert stats.binom.ppf(5e-7, 4000, 0.95) <= held <= stats.binom.isf(5e-7, 4000, 0.95)


def test_runs_without_a_value_are_left_out_and_counted():
    assert mean_interval([1.0, NAN, 3.0], 0.95) == mean_interval([1.0, 3.0], 0.95)
    assert mean_interval([NAN, 3.0], 0.95)[::3] == (3.0, 1)
    assert np.isnan(mean_interval([NAN, 3.0], 0.95).lo)
    assert mean_interval([], 0.95).n == 0


# --- the sequential rule --------------------------------------------------------------------------


def go_on(rule, series, references=None):
    """Replications until the rule has enough."""
    for i, value in enumerate(series):
        if rule.add([value], [value if references is None else references[i]]):
            return i + 1
    return None


def by_hand(series, target, level=0.95):
    """Hoad's rule, written down plainly."""
    held = None
    for n in range(1, len(series) + 1):
        part = series[:n]
        margin = stats.t.ppf((1 + level) / 2, n - 1) * stats.sem(part) if n >= FEWEST else np.inf
        if margin > target * abs(np.mean(part)):
            held = None
        elif held is None:
            held = n
        if held is not None and n - held >= max(5, int(5 * held / 100)):
            return n
    return None


@pytest.mark.parametrize("target", [0.2, 0.1, 0.05, 0.03])
@pytest.mark.parametrize("seed", range(5))
def test_the_rule_stops_where_the_plain_one_does(target, seed):
    series = np.random.default_rng(seed).gamma(9, 1.0, 2000)
    assert go_on(Sequential([target], 0.95), series) == by_hand(series, target)


def test_a_lucky_streak_is_not_enough():
    """Precise at five, not at seven: the look-ahead sees it."""
    series = [10.0, 10.1, 10.0, 10.1, 10.0, 10.0, 30.0, 2.0, *[10.0] * 400]
    stopped = go_on(Sequential([0.05], 0.95), series)
    assert stopped == by_hand(series, 0.05)
    assert stopped > 50


def test_a_share_of_the_baseline_not_of_the_difference():
    """A difference about 0 is never known to 1 % of itself, but soon to 1 % of the baseline."""
    noise = np.random.default_rng(1).normal(0, 1, 2000)
    assert go_on(Sequential([0.01], 0.95), noise[:300]) is None
    assert go_on(Sequential([0.01], 0.95), noise, np.full(2000, 100.0)) < 30


def test_all_series_must_be_precise_enough():
    rng = np.random.default_rng(2)
    both = Sequential([0.05, 0.05], 0.95)
    rough = Sequential([0.05], 0.95)
    for calm, wild in zip(rng.normal(100, 1, 999), rng.normal(100, 40, 999), strict=True):
        done = both.add([calm, wild], [calm, wild])
        assert done == rough.add([wild], [wild])


def test_nothing_at_all_is_known_exactly():
    assert go_on(Sequential([0.01], 0.95), [0.0] * 50) == FEWEST + 5


def test_runs_without_a_value_do_not_count():
    assert go_on(Sequential([0.5], 0.95), [NAN] * 50) is None
    with_gaps = [NAN if i % 2 else 10.0 + i % 3 for i in range(99)]
    assert go_on(Sequential([0.5], 0.95), with_gaps) == 2 * FEWEST - 1 + 5


# --- warm-up --------------------------------------------------------------------------------------


def plain_mser(series, batch):
    """Sum of squares of the rest ÷ its length², by the book."""
    k = len(series) // batch
    means = np.asarray(series, float)[len(series) - k * batch :].reshape(k, batch).mean(axis=1)
    return [means[d:].var() / (k - d) for d in range(k - 5)]


@pytest.mark.parametrize("seed", range(6))
def test_mser_cuts_where_the_standard_error_is_smallest(seed):
    rng = np.random.default_rng(seed)
    series = 10 * (1 - np.exp(-np.arange(200) / 12)) + rng.normal(0, 1, 200)
    assert mser5(series) == 5 * int(np.argmin(plain_mser(series, 5)))


def test_mser_counts_from_the_end():
    """What does not fill a batch is old, and goes with the start-up."""
    assert mser5([0.0] * 13 + [4.0, 6.0] * 45) == 13


def test_mser_says_when_it_cannot_tell():
    assert mser5(np.arange(300.0)) is None
    assert mser5([5.0] * 49) is None


def weeks(rng, means):
    return rng.poisson(means, (10, len(means)))


def test_regimes_are_told_apart():
    rng = np.random.default_rng(5)
    steady = regime(weeks(rng, [100] * 26))
    filling = regime(weeks(rng, [10, 40, 70, 90, *[100] * 22]))
    unsettled = regime(weeks(rng, 10.0 * np.arange(1, 27)))
    short = regime(weeks(rng, [100] * 4))
    kinds = [found.kind for found in (steady, filling, unsettled, short)]
    assert kinds == ["steady", "filling", "unsettled", "short"]
    assert 3 <= filling.weeks <= 6
    assert f"run.warm_up by {filling.weeks} w" in filling.sentence
    assert regime(np.zeros((3, 26), np.int64)).kind == "short"


def test_a_steady_funnel_is_rarely_called_filling():
    """MSER alone trims about half of 400 steady ones; the test over replications does not.

    It is at 99 %, so at most 1 % are called something else: false alarm 1e-6 (binomial);
    detects 8 % (missed at most once in a thousand).
    """
    rng = np.random.default_rng(6)
    called = [regime(weeks(rng, [50] * 26)).kind for _ in range(400)]
    assert 400 - called.count("steady") <= stats.binom.isf(1e-6, 400, 0.01)
