"""The statistical assertions pass on truth and fail on what they promise to see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.statistical import (
    MISSED,
    TooFewSamples,
    assert_counts_are_poisson,
    assert_distribution,
    assert_mean,
    assert_poisson_total,
    assert_share,
    assert_uncorrelated,
    batch_means,
)

RNG = np.random.default_rng(20260105)
NORMAL = RNG.normal(size=10_000)
COUNTS = RNG.poisson(8, 4_000)
TRIALS = 40_000


def test_the_truth_passes():
    assert_mean(NORMAL, 0, detectable=0.1)
    assert_share(12_060, TRIALS, 0.3, detectable=0.02)
    assert_poisson_total(10_100, 10_000, detectable=0.1)
    assert_counts_are_poisson(COUNTS, detectable=0.2)
    assert_distribution(NORMAL, stats.norm.cdf, detectable=0.05)
    assert_distribution(COUNTS, stats.poisson(8).cdf, detectable=0.08)
    assert_uncorrelated(NORMAL[::2], NORMAL[1::2], detectable=0.12)


@pytest.mark.parametrize(
    "claim",
    [
        lambda: assert_mean(NORMAL, 0.1, detectable=0.1),
        lambda: assert_share(round(0.32 * TRIALS), TRIALS, 0.3, detectable=0.02),
        lambda: assert_poisson_total(11_000, 10_000, detectable=0.1),
        lambda: assert_counts_are_poisson(RNG.poisson(4, 4_000) * 2, detectable=0.2),
        lambda: assert_counts_are_poisson(RNG.binomial(20, 0.4, 4_000), detectable=0.2),
        lambda: assert_distribution(NORMAL, stats.norm(0.13).cdf, detectable=0.05),
        lambda: assert_distribution(COUNTS, stats.poisson(8.6).cdf, detectable=0.08),
        lambda: assert_uncorrelated(NORMAL, NORMAL + 8 * RNG.normal(size=10_000), detectable=0.12),
    ],
)
def test_a_difference_of_the_promised_size_fails(claim):
    with pytest.raises(AssertionError):
        claim()


@pytest.mark.parametrize(
    "claim",
    [
        lambda: assert_mean(NORMAL, 0, detectable=0.05),
        lambda: assert_share(30, 100, 0.3, detectable=0.02),
        lambda: assert_poisson_total(100, 100, detectable=0.1),
        lambda: assert_counts_are_poisson(COUNTS[:100], detectable=0.2),
        lambda: assert_counts_are_poisson(RNG.poisson(1, 4_000), detectable=0.2),
        lambda: assert_distribution(NORMAL[:1000], stats.norm.cdf, detectable=0.05),
        lambda: assert_uncorrelated(NORMAL[:50], NORMAL[50:100], detectable=0.12),
    ],
)
def test_too_little_data_is_no_pass(claim):
    with pytest.raises(TooFewSamples):
        claim()


def test_what_is_promised_as_detectable_is_missed_that_rarely():
    """The t assertion at its own limit of detection, 4,000 times; 1e-3 missed, 4 expected."""
    n, runs = 200, 4_000
    limit = (stats.t.isf(0.5e-6, n - 1) + stats.t.isf(MISSED, n - 1)) / np.sqrt(n)
    samples = RNG.normal(limit, 1, size=(runs, n))
    error = samples.std(axis=1, ddof=1) / np.sqrt(n)
    missed = np.abs(samples.mean(axis=1)) <= stats.t.isf(0.5e-6, n - 1) * error
    assert missed.sum() <= stats.poisson.isf(1e-6, 4 * 1.5)  # a shade more, for the noncentral t


def test_batches_keep_the_order_and_drop_the_rest():
    assert batch_means([1, 3, 5, 7, 100], batches=2).tolist() == [2, 6]
