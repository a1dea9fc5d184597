"""Reconciliation: hand-computed cases, known special cases, and sums that always agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelsim.errors import ParameterError
from funnelsim.forecasting.hierarchy import mapping, reconciled, shrunk_covariance, tree_of

TWO = tree_of(pd.DataFrame({"source": ["web", "tv"]}))
GRID = tree_of(pd.DataFrame([(p, c) for p in "ab" for c in "xyz"], columns=["product", "channel"]))


def test_bottom_up_forgets_the_total():
    assert reconciled([99.0, 6, 3], TWO, mapping(TWO.summing, "bottom_up")).tolist() == [9, 6, 3]


def test_least_squares_shares_the_difference_out():
    # total 12, parts 6 and 3: the gap of 3 is shared in thirds (by hand)
    found = reconciled([12.0, 6, 3], TWO, mapping(TWO.summing, "ols"))
    assert found == pytest.approx([11, 7, 4])


def test_minimum_trace_by_hand():
    # errors independent with variances 4, 1, 1. Minimise (t-12)²/4 + (a-6)² + (b-3)² on
    # t = a + b: with d = a - 6 = b - 3 and t = 9 + 2d: (2d - 3)/2 + 2d = 0, d = 1/2.
    found = reconciled([12.0, 6, 3], TWO, mapping(TWO.summing, "mint", np.diag([4.0, 1, 1])))
    assert found == pytest.approx([10, 6.5, 3.5])


def test_equal_independent_errors_are_least_squares():
    ours = mapping(GRID.summing, "mint", 7 * np.eye(len(GRID.nodes)))
    assert ours == pytest.approx(mapping(GRID.summing, "ols"))


def test_structural_weighs_by_the_number_of_series():
    sizes = GRID.summing.sum(axis=1)
    ours = mapping(GRID.summing, "mint", np.diag(sizes))
    assert ours == pytest.approx(mapping(GRID.summing, "structural"))


def test_a_perfect_node_is_kept():
    covariance = np.diag([1e-9, 1.0, 1.0])
    found = reconciled([12.0, 6, 3], TWO, mapping(TWO.summing, "mint", covariance))
    assert found == pytest.approx([12, 7.5, 4.5], abs=1e-6)


@given(st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=12), st.integers(0, 2**32 - 1))
def test_sums_always_agree_and_agreeing_forecasts_stay(values, seed):
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(20, 12)) * rng.uniform(0.5, 5, 12)
    weights = mapping(GRID.summing, "mint", shrunk_covariance(errors))
    found = reconciled(np.array(values), GRID, weights)
    scale = 1 + np.abs(values).max()
    assert found == pytest.approx(GRID.total(found[-6:]), abs=1e-9 * scale)
    assert reconciled(found, GRID, weights) == pytest.approx(found, abs=1e-6 * scale)


def test_crossed_columns_give_all_totals_once():
    names = GRID.nodes.agg("/".join, axis=1).tolist()
    assert names[:6] == ["(all)/(all)", "a/(all)", "b/(all)", "(all)/x", "(all)/y", "(all)/z"]
    assert len(names) == 12


def test_one_column_within_another_gives_no_node_twice():
    keys = pd.DataFrame({"region": ["n", "n", "s"], "city": ["p", "q", "r"]})
    tree = tree_of(keys)
    assert len(tree.nodes) == 5  # all, north, and the three cities: south is its only city
    assert len(np.unique(tree.summing, axis=0)) == 5


def test_covariances_are_definite_with_fewer_errors_than_nodes():
    errors = np.random.default_rng(1).normal(size=(5, 40))
    assert np.linalg.eigvalsh(shrunk_covariance(errors)).min() > 0


def test_shrinking_follows_the_evidence():
    """Correlation 0.9: 12 errors shrink it, 5,000 leave it within 0.02."""
    rng = np.random.default_rng(2)
    root = np.linalg.cholesky([[1, 0.9], [0.9, 1]])
    few, many = (shrunk_covariance(rng.normal(size=(n, 2)) @ root.T) for n in (12, 5000))
    assert many[0, 1] / np.sqrt(many[0, 0] * many[1, 1]) == pytest.approx(0.9, abs=0.02)
    assert abs(few[0, 1]) / np.sqrt(few[0, 0] * few[1, 1]) < 1


def test_unknown_methods_are_refused():
    with pytest.raises(ParameterError, match="no way to reconcile"):
        mapping(TWO.summing, "magic")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="needs the covariance"):
        mapping(TWO.summing, "mint")
