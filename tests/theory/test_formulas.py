"""The closed forms give the digits that others published."""

from __future__ import annotations

import pytest

from tests.theory.formulas import (
    cobham_waits,
    erlang_b,
    erlang_c,
    mean_wait,
    pollaczek_khinchine,
    wait_exceeds,
)

# pyworkforce, tests/test_erlang.py: calls per period, period and handling time in minutes,
# promised seconds; seats, P(wait), service level, mean wait in seconds.
STAFFING = [
    (100, 30, 3, 20, 14, 0.1741, 0.8884, 7.84),
    (200, 30, 4, 20, 32, 0.2363, 0.8485, 10.63),
    (50, 30, 5, 30, 13, 0.0986, 0.9382, None),
    (1000, 60, 6, 20, 109, 0.2797, 0.8304, None),
]


def test_the_tables_of_erlang():
    assert erlang_b(10, 15) == pytest.approx(0.036497, abs=5e-7)
    assert erlang_c(10, 15) == pytest.approx(0.102042, abs=5e-7)
    assert erlang_c(0.7, 1) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("calls", "period", "handling", "promise", "seats", "waits", "level", "seconds"), STAFFING
)
def test_published_staffing(calls, period, handling, promise, seats, waits, level, seconds):
    load = calls / period * handling
    assert erlang_c(load, seats) == pytest.approx(waits, abs=5e-5)
    assert 1 - wait_exceeds(promise / 60 / handling, load, seats) == pytest.approx(level, abs=5e-5)
    if seconds is not None:
        assert mean_wait(load, seats) * handling * 60 == pytest.approx(seconds, abs=5e-3)


def test_special_cases_agree():
    assert pollaczek_khinchine(0.7, 1) == pytest.approx(mean_wait(0.7, 1))
    assert pollaczek_khinchine(0.7, 0) == pytest.approx(mean_wait(0.7, 1) / 2)
    assert cobham_waits([0.7], [1], [2]) == pytest.approx([mean_wait(0.7, 1)])
    first, second = cobham_waits([0.3, 0.4], [1, 1], [2, 2])
    assert (0.3 * first + 0.4 * second) / 0.7 == pytest.approx(mean_wait(0.7, 1))
