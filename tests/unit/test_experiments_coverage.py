"""Intervals hold the truth: a few of the worlds of ``benchmarks/evidence_coverage.py``."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from benchmarks import evidence_coverage as evidence

WORLDS = 10


def test_the_truth_of_one_stage_is_the_textbooks():
    """M/G/∞ from empty: rate × p × (H - d (1 - exp(-H ÷ d)))."""
    one = evidence.world(10.0, [3.0], [0.4], [0.0], 100.0)
    whole = evidence.DAYS - 3 * (1 - math.exp(-evidence.DAYS / 3))
    assert one.wins == pytest.approx(10 * 0.4 * whole)


def test_the_truth_of_a_loop_is_that_of_the_longer_stay():
    """Coming back to the same stage: geometric visits of exponential length."""
    loop = evidence.world(10.0, [3.0], [0.4], [0.25], 100.0)
    plain = evidence.world(10.0, [4.0], [0.4 / 0.75], [0.0], 100.0)
    assert loop.wins == pytest.approx(plain.wins)


def test_intervals_hold_the_truth():
    """Ten worlds, each kind of interval: false alarm 1e-6 (binomial) for each of six.

    Detects a coverage of 15 % only: that the intervals, the pairing or the formula are wrong
    altogether. What ``make evidence`` finds with 400 worlds stands in ``docs/evidence.md``.
    """
    fewest = stats.binom.ppf(1e-6, WORLDS, 0.95)
    assert fewest >= 4
    assert stats.binom.sf(fewest - 1, WORLDS, 0.15) < 0.06
    for kind, values in evidence.held(WORLDS).items():
        assert values.sum() >= fewest, kind


def test_the_region_is_that_of_the_binomial():
    low, high = evidence.region(400)
    assert stats.binom.cdf(low - 1, 400, 0.95) < 0.005 < stats.binom.cdf(low, 400, 0.95)
    assert stats.binom.sf(high, 400, 0.95) < 0.005 < stats.binom.sf(high - 1, 400, 0.95)
    under, over = evidence.detectable(400)
    assert 0.88 < under < 0.92
    assert 0.97 < over < 0.99
