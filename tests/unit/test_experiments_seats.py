"""The cheapest seats: equal to brute force, promises counted honestly, evidence fresh."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnelsim as fs
from funnelsim.engine import make_plan
from funnelsim.errors import ParameterError, RunError
from funnelsim.experiments.cheapest import cheapest
from funnelsim.experiments.promises import Promises, read_promises
from funnelsim.experiments.seats import _blocks, _Trial, optimise_seats
from funnelsim.scenarios.scenario import Scenario

SOON = {"in_time.desk": {"share": 0.8, "within": "1 h"}}


def office(**more):
    """Calls by the desk in two shifts, then papers by the back; both are busy."""
    data = {
        "funnelsim": 1,
        "name": "office",
        "currency": "UAH",
        "run": {"start": "2026-01-05", "horizon": "2 w", "warm_up": "1 w"},
        "calendars": {
            "early": {"hours": {"mon-sun": "06:00-14:00"}},
            "late": {"hours": {"mon-sun": "14:00-22:00"}},
        },
        "teams": {
            "desk": {
                "label": {"en": "Help desk"},
                "staff": [{"seats": 5, "calendar": "early"}, {"seats": 5, "calendar": "late"}],
                "cost_per_hour": 100,
            },
            "back": {"seats": 4, "calendar": "early", "cost_per_hour": 150},
        },
        "sources": {"web": {"stage": "ask", "rate": "40 / d", "by_hour": {"6-14": 1, "14-22": 2}}},
        "stages": {
            "ask": {
                "efforts": {"talk": {"team": "desk", "duration": {"mean": "40 min"}}},
                "next": {"advance": "papers", "to": {"papers": 0.5, "lost": 0.5}},
            },
            "papers": {
                "efforts": {"check": {"team": "back", "duration": {"mean": "30 min"}}},
                "next": "won",
            },
            "won": {"marks": "won"},
            "lost": {"marks": "lost"},
        },
    }
    return Scenario.model_validate(data | more)


def brute_force(scenario, promise, n, ranges, level=0.95):
    """Every combination, each simulated."""
    promises = Promises(read_promises(promise, scenario), level, 0.02)
    blocks, _ = _blocks(scenario, promises.asked)
    trial = _Trial(scenario, blocks, promises, 7, n, "auto", None)
    prices = [block.price for block in blocks]
    good = [seats for seats in product(*ranges) if trial(seats)]
    return min(float(np.dot(seats, prices)) for seats in good), good


# --- the search -----------------------------------------------------------------------------------


def test_two_shifts_equal_brute_force():
    found = optimise_seats(office(), promise=SOON, seed=7, n=4)
    cost, good = brute_force(office(), SOON, 4, [range(6), range(6)])
    assert found.cost == cost
    assert found.needed in good
    assert found.proven
    assert found.tried < 36


def test_two_teams_with_a_promise_of_cycle_times_equal_brute_force():
    promise = {"cycle_time": {"share": 0.8, "within": "1 d"}, **SOON}
    found = optimise_seats(office(), promise=promise, seed=7, n=3)
    cost, good = brute_force(office(), promise, 3, [range(1, 6), range(1, 6), range(1, 5)])
    assert found.cost == pytest.approx(cost)
    assert found.needed in good
    assert found.proven


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_search_equals_brute_force_on_any_monotone_question(data):
    """Enough: at or above one of some random vectors; prices at random."""
    k = data.draw(st.integers(1, 3))
    vectors = st.tuples(*[st.integers(0, 5)] * k)
    corners = data.draw(st.lists(vectors, min_size=1, max_size=4))
    prices = data.draw(st.tuples(*[st.sampled_from([1.0, 1.5, 2.0, 7.0, 0.3])] * k))

    def enough(x):
        return any(all(a >= b for a, b in zip(x, corner, strict=True)) for corner in corners)

    start = tuple(np.max(corners, axis=0) + data.draw(st.integers(0, 3)))
    best, proven = cheapest(start, prices, enough)
    least = min(np.dot(x, prices) for x in product(range(7), repeat=k) if enough(x))
    assert enough(best)
    assert proven
    assert np.dot(best, prices) == pytest.approx(least)


# --- promises -------------------------------------------------------------------------------------


def test_what_was_given_up_was_not_in_time():
    """One seat and much patience lost: those served were served at once, but few were."""
    scenario = office()
    data = scenario.plain()
    data["stages"]["ask"]["patience"] = {"after": "10 min", "to": "lost"}
    data["teams"]["desk"]["staff"] = [{"seats": 1, "calendar": "late"}]
    impatient = Scenario.model_validate(data)
    promises = Promises(read_promises(SOON, impatient), 0.95)
    share = promises.measure(make_plan(impatient), 7, 0, "auto")[0]
    log = fs.simulate(impatient, seed=7)
    desk = log.efforts[log.efforts["team"] == "desk"]
    begun = desk[desk["started_at"] >= log.meta.observed_from]
    waited = (begun["started_at"] - begun["queued_at"]).dt.total_seconds().to_numpy(float)
    gone = (desk["started_at"].isna() & (desk["ended_at"] >= log.meta.observed_from)).sum()
    assert gone > len(begun)
    assert (waited <= 3600).mean() == 1
    assert share == pytest.approx((waited <= 3600).sum() / (len(begun) + gone))


def test_promises_with_different_limits_are_measured_side_by_side():
    asked = {
        "in_time.desk": {"share": 0.5, "within": "10 min"},
        "in_time.back": {"share": 0.5, "within": "3 h"},
        "cycle_time": {"share": 0.5, "within": "20 h"},
    }
    plan = make_plan(office())
    together = Promises(read_promises(asked, office()), 0.95)
    assert len(together.limits) == 2
    values = together.measure(plan, 7, 0, "auto")
    alone = [
        Promises(read_promises({name: told}, office()), 0.95).measure(plan, 7, 0, "auto")[0]
        for name, told in asked.items()
    ]
    assert values[:3].tolist() == alone
    assert len(set(alone)) == 3


def test_kept_means_that_the_lower_limit_reaches_it():
    promises = Promises(read_promises(SOON, office()), 0.95)
    high = np.array([[0.85, 1], [0.84, 1], [0.86, 1]])
    wide = np.array([[0.70, 1], [0.84, 1], [0.99, 1]])
    assert promises.kept(high) == [True]
    assert promises.kept(wide) == [False]
    assert promises.hopeless(wide[:1] - 0.6, 2)
    assert not promises.hopeless(wide, 5)


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        ({}, "no promise"),
        ({"in_time.dsk": {"share": 0.8, "within": "4 h"}}, "in_time.desk"),
        ({"in_time.desk": {"share": 80, "within": "4 h"}}, "80 is not a share"),
        ({"in_time.desk": {"share": 0.8, "within": "4 bh"}}, "elapsed"),
        ({"in_time.desk": {"share": 0.8}}, "is no promise"),
        ({"in_time.desk": 0.8}, "promise.in_time.desk"),
        ({"utilization.desk": {"at_most": 0.8}}, "utilisation.desk"),
        ({"wait.desk": {"at_most": 3}}, "no unit"),
    ],
)
def test_promises_that_cannot_be_read_say_why(promise, said):
    with pytest.raises(ParameterError) as refused:
        read_promises(promise, office())
    assert said in str(refused.value)


def test_any_measure_can_be_promised():
    promise = {"wait.desk": {"at_most": "20 min"}, "utilisation.desk": {"at_most": "75 %"}}
    found = optimise_seats(office(), promise=promise, seed=7, n=4)
    rows = found.evidence.set_index("measure")["hi"]
    assert float(rows["wait.desk"]) <= 1200
    assert float(rows["utilisation.desk"]) <= 0.75
    assert set(found.table["team"]) == {"desk"}


# --- answers --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def soon():
    return optimise_seats(office(), promise=SOON, seed=7, n=6)


def test_the_answer_tells_seats_costs_and_evidence(soon):
    table = soon.table
    assert table["calendar"].tolist() == ["early", "late"]
    assert table["hours"].tolist() == [14 * 8, 14 * 8]
    assert table["cost_now"].tolist() == [5 * 112 * 100 * 100] * 2
    assert tuple(table["seats_needed"]) == soon.needed
    assert table["seats_needed"].tolist() == [
        entry.seats for entry in soon.scenario.teams["desk"].staff
    ]
    assert soon.cost < soon.cost_now
    row = soon.evidence.iloc[0]
    assert (row.verdict, row.n) == ("kept", 24)
    assert 0.8 <= row.lo <= row.value <= row.hi
    assert soon.evidence["measure"].tolist() == ["in_time.desk", "won"]
    won = soon.evidence.iloc[1]
    assert (won.verdict, won.bound) == ("kept", pytest.approx(0.98 * won.now))
    told = soon.sentence()
    assert told.startswith("The cheapest seats are Help desk ")
    assert "(promised 80%)" in told
    assert "less than now" in told


def test_the_evidence_is_fresh(soon):
    """Its replications are others than those of the search."""
    plan = make_plan(soon.scenario)
    first = soon.promises.measure(plan, 7, 6, "auto")
    assert soon.shown[0].tolist() == first.tolist()


def test_teams_without_cost_count_seat_hours():
    teams = {"desk": {"seats": 4, "calendar": "late"}, "back": {"seats": 4, "cost_per_hour": 9}}
    promise = {"in_time.desk": {"share": 0.5, "within": "2 d"}}
    found = optimise_seats(office(teams=teams), promise=promise, seed=7, n=3)
    assert found.unit == "seat-hours"
    assert found.cost_now == 4 * 112
    assert "seat-hours" in found.sentence()


def test_nobody_keeps_a_promise_by_serving_fewer():
    """A back office that is starved is never late with what it never does."""
    data = office().plain()
    data["stages"]["papers"]["timeout"] = {"after": "12 h", "to": "lost"}
    promise = {"cycle_time": {"share": 0.5, "within": "2 d"}}
    scenario = Scenario.model_validate(data)
    starved = optimise_seats(scenario, promise=promise, seed=7, n=4, lose=None)
    served = optimise_seats(scenario, promise=promise, seed=7, n=4)
    now = served.evidence.iloc[-1].now
    assert starved.evidence.iloc[-1].value < 0.7 * now
    assert starved.evidence.iloc[-1].verdict == ""
    assert served.evidence.iloc[-1].value > 0.98 * now
    assert served.cost > starved.cost
    with pytest.raises(ParameterError, match="lose"):
        optimise_seats(scenario, promise=promise, seed=7, n=4, lose=2)


def test_delays_that_no_seats_can_shorten_are_told():
    data = office().plain()
    data["stages"]["papers"]["delay_after"] = "5 d"
    promise = {"cycle_time": {"share": 0.5, "within": "2 d"}}
    with pytest.raises(RunError, match="no number of seats"):
        optimise_seats(Scenario.model_validate(data), promise=promise, seed=7, n=2, most=8)


def test_seats_that_change_on_a_date_are_refused():
    dated = {"hire": {"start": "2026-01-12", "set": {"teams.desk.staff.0.seats": {"add": 1}}}}
    with pytest.raises(ParameterError, match="on a date"):
        optimise_seats(office(changes=dated), promise=SOON, seed=7, n=2)


def test_one_replication_shows_nothing():
    with pytest.raises(ParameterError, match="2 or more"):
        optimise_seats(office(), promise=SOON, seed=7, n=1)


def test_it_is_public():
    assert fs.optimise_seats.__name__ == "optimise_seats"
