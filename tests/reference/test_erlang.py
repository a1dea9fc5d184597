"""Erlang B, C and A against published digits.

The cases are those of call-centre calculators (the test suites of pyworkforce,
``pyworkforce/queuing/tests/test_erlang.py`` and ``test_abandonment.py``), 80 % in 20 s unless said.
"""

from __future__ import annotations

import pytest

from funnelsim.planning.staffing.erlang import answer, erlang_b, erlang_c, paid, seats_needed

CASES = [  # calls, in seconds, work, share, within, agents, P(wait), in time
    (100, 1800, 180, 0.8, 20, 14, 0.1741, 0.8884),
    (200, 1800, 240, 0.8, 20, 32, 0.2363, 0.8485),
    (50, 1800, 300, 0.9, 30, 13, 0.0986, 0.9382),
    (1000, 3600, 360, 0.8, 20, 109, 0.2797, 0.8304),
]


@pytest.mark.parametrize(("calls", "span", "work", "share", "within", "n", "wait", "good"), CASES)
def test_erlang_c(calls, span, work, share, within, n, wait, good):
    load = calls / span * work
    assert seats_needed(load, handling=work, share=share, within=within) == n
    met = answer(load, n, handling=work, within=within)
    assert met.wait.round(4) == wait
    assert met.in_time.round(4) == good
    fewer = answer(load, n - 1, handling=work, within=within)
    assert fewer.in_time < share


def test_the_rest_of_the_first_case():
    met = answer(10, 14, handling=180, within=20)
    assert met.mean_wait.round(2) == 7.84
    assert met.occupancy.round(3) == 0.714
    assert paid(14, 0.3) == 20
    assert answer(200 / 1800 * 240, 32, handling=240, within=20).mean_wait.round(2) == 10.63


def test_erlang_a():
    """The first case with a mean patience of 5 minutes."""
    met = answer(10, 14, handling=180, within=20, patience=300)
    assert met.abandon.round(4) == 0.0140
    assert met.in_time.round(4) == 0.9168


def test_erlang_b_and_c():
    assert erlang_b(10, 15).round(6) == 0.036497
    assert erlang_c(10, 15).round(6) == 0.102042
