"""Families fitted to what people know, and the one table that samples them all."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats

from funnelsim.distributions import FAMILIES, Mixture, Quantiles, SampleTable, quantiles

Floats = NDArray[np.float64]

# as funnelsim.streams makes them: strictly inside (0, 1) and never exactly 1/2
uniforms_of_streams = st.integers(0, 2**52 - 1).map(lambda k: (k + 0.5) / 2**52)

TWO_PARAMETERS = ("lognormal", "gamma", "weibull", "loglogistic")
U = np.array([1e-9, 1e-4, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1 - 1e-4, 1 - 1e-9])


def moments(fitted: Quantiles) -> tuple[float, float]:
    """Mean and coefficient of variation by integrating the inverse CDF."""
    pieces = [0, 1e-9, 1e-6, 1e-3, 0.1, 0.5, 0.9, 0.99, 0.999, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12]
    total = [0.0, 0.0]

    def squares(u: Floats) -> Floats:
        return fitted.ppf(u) ** 2

    for low, high in pairwise(pieces):
        total[0] += integrate.fixed_quad(fitted.ppf, low, high, n=80)[0]
        total[1] += integrate.fixed_quad(squares, low, high, n=80)[0]
    return total[0], math.sqrt(total[1] - total[0] ** 2) / total[0]


# --- fitting --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", TWO_PARAMETERS)
@pytest.mark.parametrize("cv", [0.2, 0.5, 0.9])
def test_mean_and_cv_come_out(family, cv):
    fitted = quantiles(family, {"mean": 10.0, "cv": cv})
    mean, spread = moments(fitted)
    assert fitted.mean == pytest.approx(10)
    assert mean == pytest.approx(10, rel=2e-4)
    assert spread == pytest.approx(cv, rel=2e-2)


@pytest.mark.parametrize("family", TWO_PARAMETERS)
def test_sd_is_cv_times_mean(family):
    by_sd, by_cv = (quantiles(family, {"mean": 8.0, **more}) for more in ({"sd": 4.0}, {"cv": 0.5}))
    assert by_sd.ppf(U) == pytest.approx(by_cv.ppf(U))


@pytest.mark.parametrize("family", TWO_PARAMETERS)
@pytest.mark.parametrize(("low", "high"), [("median", "p90"), ("p10", "p75"), ("p05", "p99")])
def test_two_quantiles_come_out(family, low, high):
    levels = {"median": 0.5}
    fitted = quantiles(family, {low: 3.0, high: 12.0})
    at = [levels.get(name) or int(name[1:]) / 100 for name in (low, high)]
    assert fitted.ppf(np.array(at)) == pytest.approx([3, 12])


@given(
    st.sampled_from(TWO_PARAMETERS),
    st.floats(0.1, 1e6),
    st.floats(1.05, 20),
    st.sampled_from([("p10", "median"), ("median", "p90"), ("p25", "p95")]),
)
def test_any_two_quantiles_that_rise_can_be_fitted(family, low, ratio, names):
    fitted = quantiles(family, {names[0]: low, names[1]: low * ratio})
    at = [0.5 if name == "median" else int(name[1:]) / 100 for name in names]
    assert fitted.ppf(np.array(at)) == pytest.approx([low, low * ratio], rel=1e-8)
    assert (np.diff(fitted.ppf(U)) >= 0).all()


@pytest.mark.parametrize(
    ("family", "given", "reference"),
    [
        ("exponential", {"mean": 5.0}, stats.expon(scale=5)),
        ("exponential", {"median": 5.0}, stats.expon(scale=5 / math.log(2))),
        ("exponential", {"p90": 5.0}, stats.expon(scale=5 / math.log(10))),
        ("uniform", {"min": 2.0, "max": 6.0}, stats.uniform(2, 4)),
        ("triangular", {"min": 2.0, "likely": 3.0, "max": 6.0}, stats.triang(0.25, 2, 4)),
        (
            "lognormal",
            {"median": 3.0, "p90": 12.0},
            stats.lognorm(math.log(4) / stats.norm.ppf(0.9), scale=3),
        ),
        ("gamma", {"mean": 6.0, "cv": 0.5}, stats.gamma(4, scale=1.5)),
    ],
)
def test_families_are_the_textbook_ones(family, given, reference):
    fitted = quantiles(family, given)
    assert fitted.ppf(U) == pytest.approx(reference.ppf(U), rel=1e-9)
    assert fitted.mean == pytest.approx(reference.mean())


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_takes_no_time(family):
    fitted = quantiles(family, {"mean": 0.0})
    assert (fitted.ppf(U) == 0).all()
    assert fitted.mean == 0


def test_no_spread_is_a_constant():
    assert set(quantiles("gamma", {"mean": 4.0, "cv": 0.0}).ppf(U)) == {4.0}


def test_empirical_runs_through_the_values():
    fitted = quantiles("empirical", {"values": [5.0, 1.0, 3.0]})
    assert fitted.ppf(np.array([1 / 6, 0.5, 5 / 6])) == pytest.approx([1, 3, 5])
    assert fitted.ppf(np.array([1e-9, 1 - 1e-9])) == pytest.approx([1, 5])
    assert fitted.mean == pytest.approx(moments(fitted)[0], rel=1e-4)


def test_empirical_weights_count_how_often():
    fitted = quantiles("empirical", {"values": [1.0, 2.0], "weights": [3, 1]})
    assert fitted.ppf(np.array([0.375, 0.875])) == pytest.approx([1, 2])


def test_a_mixture_has_the_shares_of_its_parts():
    parts = [quantiles("uniform", {"min": 0.0, "max": 1.0}), quantiles("constant", {"value": 9.0})]
    mixed = Mixture([0.7, 0.3], parts).quantiles()
    u = (np.arange(10_000) + 0.5) / 10_000
    values = mixed.ppf(u)
    assert (values < 1.01).mean() == pytest.approx(0.7, abs=0.002)
    assert np.mean(np.isclose(values, 9)) == pytest.approx(0.3, abs=0.002)
    assert mixed.mean == pytest.approx(0.7 * 0.5 + 0.3 * 9)
    assert values.mean() == pytest.approx(mixed.mean, rel=0.01)


@pytest.mark.parametrize(
    ("family", "given", "message"),
    [
        ("uniform", {"min": 6.0, "max": 2.0}, "min must be below max"),
        ("triangular", {"min": 1.0, "likely": 9.0, "max": 6.0}, "likely must lie between"),
        ("lognormal", {"median": 12.0, "p90": 3.0}, "quantiles must rise"),
        ("lognormal", {"median": 3.0, "p90": 3.0}, "quantiles must rise"),
        ("gamma", {"median": -3.0, "p90": 3.0}, "positive"),
        ("gamma", {"median": 1.0, "p90": 1e99}, "no gamma distribution"),
        ("loglogistic", {"mean": 1.0, "cv": 1e9}, "no distribution of this family"),
        ("exponential", {"mean": -5.0}, "positive"),
        ("empirical", {"values": [1.0, 2.0], "weights": [1]}, "2 values but 1 weights"),
        ("empirical", {"values": [1.0], "weights": [-1]}, "must not be negative"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(family, given, message):
    with pytest.raises(ValueError, match=message):
        quantiles(family, given)


# --- the table ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", TWO_PARAMETERS)
def test_the_table_is_as_good_in_the_tails_as_in_the_middle(family):
    fitted = quantiles(family, {"mean": 1.0, "cv": 0.6})
    table = fitted.table()
    tail = np.geomspace(1e-10, 0.4999, 3000)
    u = np.concatenate([tail, 1 - tail])
    error = np.abs(table.sample_array(u) / fitted.ppf(u) - 1)
    assert error.max() < 2e-5


@given(st.lists(uniforms_of_streams, min_size=1, max_size=50))
def test_one_by_one_and_all_at_once_give_the_same_bits(uniforms):
    table = quantiles("lognormal", {"median": 3.0, "p90": 12.0}).table()
    many = table.sample_array(np.array(uniforms))
    assert many.tolist() == [table.sample(u) for u in uniforms]


@given(uniforms_of_streams, uniforms_of_streams)
def test_samples_rise_with_the_uniform(a, b):
    """From 2**-41 on: the one in a trillion below shares cells, so it need not."""
    assume(2**-41 <= a < b <= 1 - 2**-41)
    table = quantiles("gamma", {"mean": 3.0, "cv": 1.2}).table()
    assert table.sample(a) <= table.sample(b)


def test_the_mean_of_the_table_is_the_mean():
    """Midpoints of a million equal shares; exact up to the table's own error."""
    fitted = quantiles("weibull", {"mean": 7.0, "cv": 0.8})
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert fitted.table().sample_array(u).mean() == pytest.approx(7, rel=1e-4)


def test_a_table_of_infinities_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        SampleTable(lambda u: np.where(u < 0.5, u, np.inf))
