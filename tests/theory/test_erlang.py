"""Erlang B, C and A against the steady state of their Markov chains, and at their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from funnelsim.errors import ParameterError
from funnelsim.planning.staffing.erlang import answer, erlang_b, erlang_c, paid, seats_needed
from tests.theory.formulas import impatient, wait_exceeds

LOADS = st.floats(0.05, 40)
SEATS = st.integers(1, 45)


def chain(load, seats, patience, most=1500):
    """Shares of time with k in the system, by the balance of ups and downs, in logarithms."""
    k = np.arange(1, most)
    leave = np.minimum(k, seats) + np.maximum(k - seats, 0) / patience
    weight = np.concatenate([[0.0], np.cumsum(np.log(load) - np.log(leave))])
    weight = np.exp(weight - weight.max())
    return weight / weight.sum()


@settings(max_examples=60, deadline=None)
@given(LOADS, SEATS, st.floats(0.05, 20))
def test_erlang_a_is_the_chains_steady_state(load, seats, patience):
    share = chain(load, seats, patience)
    met = answer(load, seats, handling=1, patience=patience)
    waiting = np.maximum(np.arange(len(share)) - seats, 0) @ share
    assert met.wait == pytest.approx(share[seats:].sum(), rel=1e-9, abs=1e-12)
    assert met.abandon == pytest.approx(waiting / patience / load, rel=1e-6, abs=1e-12)
    assert met.mean_wait == pytest.approx(waiting / load, rel=1e-6, abs=1e-12)
    busy = np.minimum(np.arange(len(share)), seats) @ share
    assert met.occupancy == pytest.approx(busy / seats, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(LOADS, SEATS)
def test_erlang_b_is_the_chains_steady_state(load, seats):
    weight = stats.poisson.pmf(np.arange(seats + 1), load)
    assert erlang_b(load, seats) == pytest.approx(weight[-1] / weight.sum(), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEATS, st.floats(0.05, 0.9))
def test_erlang_c_is_the_chains_steady_state(seats, used):
    load = used * seats
    share = chain(load, seats, np.inf)
    assert erlang_c(load, seats) == pytest.approx(share[seats:].sum(), rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(LOADS, SEATS, st.floats(0.2, 5), st.floats(0.01, 2))
def test_served_in_time_is_the_integral_over_the_virtual_wait(load, seats, patience, within):
    """Against M/M/n+G, integrated numerically (Zeltyn & Mandelbaum, section 2)."""
    met = answer(load, seats, handling=1, within=within, patience=patience)
    known = impatient(load, seats, stats.expon(scale=patience), within)
    assert met.in_time == pytest.approx(known.in_time, abs=2e-6)


def test_endless_patience_is_erlang_c():
    loads, seats = np.array([3.0, 9.5, 80]), np.array([5, 11, 90])
    patient = answer(loads, seats, handling=1, within=0.2)
    nearly = answer(loads, seats, handling=1, within=0.2, patience=1e7)
    for one, other in zip(patient[:4], nearly[:4], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)
    late = [wait_exceeds(0.2, a, n) for a, n in zip(loads, seats, strict=True)]
    np.testing.assert_allclose(1 - patient.in_time, late, rtol=1e-9)


def test_thousands_of_seats_are_no_trouble():
    """Large teams need little more than their load: the square-root rule."""
    loads = np.array([1000.0, 5000.0])
    needed = seats_needed(loads, handling=1, share=0.8, within=0.1)
    assert ((needed > loads) & (needed < loads + 2 * np.sqrt(loads))).all()
    met = answer(5000, [100, 5001, 9000], handling=1, within=0.1, patience=2)
    assert np.isfinite(np.array(met)).all()
    assert met.abandon[0] == pytest.approx(1 - 100 / 5000, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 60), st.floats(0.5, 0.95), st.floats(0, 1), st.sampled_from([None, 0.5, 5]))
def test_needed_is_the_fewest_that_keep_both_promises(load, share, within, patience):
    found = int(
        seats_needed(
            load, handling=1, share=share, within=within, patience=patience, max_occupancy=0.9
        )
    )

    def kept(seats):
        met = answer(load, seats, handling=1, within=within, patience=patience)
        return bool(met.in_time >= share and met.occupancy <= 0.9 + 1e-12)

    assert kept(found)
    assert found == 1 or not kept(found - 1)


def test_nobody_calls_nobody_is_needed():
    assert seats_needed(0, handling=1, share=0.8, within=0) == 0
    met = answer(0, 3, handling=1, patience=1)
    assert [met.wait, met.in_time, met.mean_wait, met.occupancy, met.abandon] == [0, 1, 0, 0, 0]


def test_an_empty_desk_serves_nobody():
    met = answer(3, 0, handling=1, within=1, patience=2)
    assert [met.wait, met.in_time, met.mean_wait, met.abandon] == [1, 0, 2, 1]
    assert answer(3, 2, handling=1).mean_wait == np.inf


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: erlang_b(-1, 2),
        lambda: erlang_b(1, -2),
        lambda: answer(1, 2, handling=0),
        lambda: answer(1, 2, handling=1, within=-1),
        lambda: answer(1, 2, handling=1, patience=0),
        lambda: seats_needed(1, handling=1, share=1, within=0),
        lambda: seats_needed(1, handling=1, share=0.8, within=0, max_occupancy=1.2),
        lambda: paid(3, 1),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ParameterError):
        wrong()
