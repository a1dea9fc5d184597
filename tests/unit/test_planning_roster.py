"""Rosters: cover, least cost by brute force, breaks, overtime, waiting work, what is lacking."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelsim.errors import InputError, ParameterError
from funnelsim.planning.rostering.roster import plan_roster
from funnelsim.planning.rostering.shifts import Contract, days_on, tours_of, usual_contracts

SHORT = Contract("short", hours=(1.0,), days=2, rest=0)
LONG = Contract("long", hours=(2.0,), days=2, rest=0, pay=0.9)


def day_of(hours, first=9):
    """A day of 24 hours with these seats from an hour on."""
    return [0] * first + list(hours) + [0] * (24 - first - len(hours))


def brute_force(need, contracts, most=4):
    """The least cost of any numbers of people by contract, start and days on."""
    need = np.array(need)
    hours = np.flatnonzero(need.any(axis=0))
    first, last = int(hours[0]), int(hours[-1]) + 1
    open_days = [d for d in range(len(need)) if need[d].any()]
    tours = []
    for contract in contracts:
        for length in contract.hours:
            latest = max(last - length, first)
            for start in np.arange(min(first, latest), latest + 0.5, 0.5):
                for on in tours_of(contract, len(need), open_days):
                    cover = np.zeros((len(need), 48))
                    cover[list(on), int(2 * start) : int(2 * (start + length))] = 1
                    tours.append((cover, length * len(on) * contract.pay))
    wanted = np.repeat(need, 2, axis=1)
    best = np.inf
    for counts in product(range(most + 1), repeat=len(tours)):
        price = sum(n * cost for n, (_, cost) in zip(counts, tours, strict=True))
        if price < best:
            there = sum(n * cover for n, (cover, _) in zip(counts, tours, strict=True))
            if (there >= wanted).all():
                best = price
    return best


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=4, max_size=4).filter(any))
def test_cost_is_the_least_there_is(seats):
    """Two days of two hours, short and long shifts: every combination tried."""
    need = [day_of(seats[:2]), day_of(seats[2:])]
    found = plan_roster(need, contracts=[SHORT, LONG])
    assert found.proven
    assert found.cost == pytest.approx(brute_force(need, [SHORT, LONG], most=2))
    assert (found.staffed >= found.need).all()


def test_cost_is_that_of_the_shifts_listed():
    need = np.zeros((7, 24))
    need[:5, 9:18] = 3
    need[5, 10:15] = 1
    found = plan_roster(need, contracts=usual_contracts(40), price=120)
    assert found.cost == pytest.approx(120 * found.shifts["paid"].sum())
    assert found.gap <= 1e-4
    there = np.zeros((7, 48), int)
    for row in found.shifts.to_dict("records"):
        halves = range(int(2 * row["start"]), int(2 * row["end"]))
        on_break = range(0)
        if row["break_start"] == row["break_start"]:
            on_break = range(int(2 * row["break_start"]), int(2 * row["break_end"]))
        for half in halves:
            there[row["day"], half] += half not in on_break
    assert (there == found.staffed).all()
    assert set(found.shifts["day"]) <= set(range(6))  # nobody on the day nobody is wanted


def test_everybody_keeps_their_contract():
    """Days a week, paid hours, the break inside its window, the same hours every day."""
    need = np.zeros((7, 24))
    need[:, 8:20] = [[1, 2, 2, 3, 3, 3, 2, 2, 2, 1, 1, 1]] * 7
    contract = Contract(hours=(8,), rest=1, rest_after=3, rest_before=2)
    found = plan_roster(need, contracts=[contract])
    for _, own in found.shifts.groupby("person"):
        assert len(own) == 5
        assert (own["paid"] == 8).all()
        assert own["start"].nunique() == 1
        assert (own["break_start"] >= own["start"] + 3).all()
        assert (own["break_end"] <= own["end"] - 2).all()


def test_overtime_instead_of_one_more():
    """One hour more at one and a half is cheaper than somebody for a whole shift."""
    need = [day_of([1] * 5)]
    usual = Contract(hours=(4,), days=1, rest=0)
    longer = Contract(hours=(4,), days=1, rest=0, overtime=1)
    assert plan_roster(need, contracts=[usual]).cost == 8
    found = plan_roster(need, contracts=[longer])
    assert found.cost == pytest.approx(4 + 1.5)
    assert found.shifts["overtime"].tolist() == [1.0]
    assert found.shifts["paid"].tolist() == [5.0]


def test_part_time_instead_of_idle_hours():
    need = [day_of([1, 1, 1, 1, 2, 2, 2, 2])]
    full = Contract(hours=(8,), days=1, rest=0)
    part = Contract("part time", hours=(4,), days=1, rest=0)
    assert plan_roster(need, contracts=[full]).paid_hours == 16
    assert plan_roster(need, contracts=[full, part]).paid_hours == 12


def test_work_that_may_wait_needs_fewer():
    """Eight seats' worth of work at 9: at once 8 people, within four hours 2."""
    need = np.array([day_of([8, 0, 0, 0])])
    contract = Contract(hours=(4,), days=1, rest=0)
    assert plan_roster(need, contracts=[contract]).people == 8
    found = plan_roster(need, contracts=[contract], due=np.full((1, 24), 12))
    assert found.people == 2
    assert plan_roster(need, contracts=[contract], due=np.full((1, 24), 12), busy=0.8).people == 3


def test_work_is_not_done_before_it_comes():
    need = np.array([day_of([0, 0, 0, 4])])
    contract = Contract(hours=(4,), days=1, rest=0)
    assert plan_roster(need, contracts=[contract], due=np.full((1, 24), 12)).people == 4


def test_what_is_lacking_is_told_by_the_hour():
    need = [day_of([1, 3, 1])]
    with pytest.raises(InputError) as refused:
        plan_roster(need, contracts=[Contract(hours=(3,), days=1, rest=0, most=1)])
    told = str(refused.value)
    assert "day 0, 10:00–10:30: lacks 2 of 3" in told
    assert "day 0, 10:30–11:00: lacks 2 of 3" in told
    assert "09:00" not in told


def test_a_start_that_leaves_an_hour_open():
    need = [day_of([1, 1, 1])]
    with pytest.raises(InputError, match=r"09:00–09:30: lacks 1 of 1"):
        plan_roster(need, contracts=[Contract(hours=(2,), starts=(10,), days=1, rest=0)])


def test_several_weeks():
    week = np.zeros((7, 24))
    week[:5, 9:13] = 1
    contract = Contract(hours=(4,), rest=0)
    found = plan_roster(np.concatenate([week, 2 * week]), contracts=[contract])
    assert found.cost == 20 + 40
    assert found.shifts["day"].max() == 11


def test_nobody_wanted():
    found = plan_roster(np.zeros((7, 24)))
    assert (found.people, found.cost, found.proven) == (0, 0, True)


def test_days_off_together():
    assert days_on(5, 7, consecutive=True)[0] == (0, 1, 2, 3, 4)
    off = [set(range(7)) - set(on) for on in days_on(5, 7, consecutive=True)]
    assert {0, 6} in off


@pytest.mark.parametrize(
    ("need", "said"),
    [
        ([[-1] * 24], "Seats are 0 or more"),
        ([[float("nan")] * 24], "Seats are 0 or more"),
        ([[1] * 23], "24 hours or 48"),
    ],
)
def test_needs_that_are_none(need, said):
    with pytest.raises(ParameterError, match=said):
        plan_roster(need)


def test_every_problem_of_the_contracts_is_told():
    wrong = Contract("odd", hours=(25,), days=8, rest=-1, most=-2, starts=(30,))
    with pytest.raises(ParameterError) as refused:
        plan_roster([day_of([1])], contracts=[wrong])
    assert len(refused.value.problems) == 5
    with pytest.raises(ParameterError, match="there is no contract"):
        plan_roster([day_of([1])], contracts=[])
