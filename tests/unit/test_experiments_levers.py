"""The lever atlas: steps made rightly, effects equal to the closed form, no wrong winners."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import funnelsim as fs
from funnelsim.engine import make_plan, tally
from funnelsim.engine.arrivals import arrivals
from funnelsim.errors import ParameterError
from funnelsim.experiments.atlas import atlas, changed
from funnelsim.experiments.levers import levers
from funnelsim.experiments.relief import best
from funnelsim.experiments.shortening import shortened
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.quantity import DurationSpec
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.timetable import timetable
from funnelsim.streams import Stream
from funnelsim.worktime import DAY, HOUR, WEEK
from tests.statistical import assert_mean

FALSE_ALARM = 1e-6


def chain(**more):
    """No queues, no time limits: what is won follows from the routing tables alone."""
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "chain",
            "run": {"start": "2026-01-05", "horizon": "5 w", "warm_up": "4 w"},
            "sources": {
                "web": {"stage": "ask", "rate": "300 / d"},
                "fair": {"stage": "offer", "rate": "60 / d"},
            },
            "stages": {
                "ask": {
                    "delay_before": {"mean": "1 d"},
                    "next": {"advance": "offer", "to": {"offer": 0.3, "ask": 0.2, "lost": 0.5}},
                },
                "offer": {
                    "delay_before": {"median": "2 d", "p90": "5 d"},
                    "next": {"advance": "won", "to": {"won": 0.4, "ask": 0.1, "lost": 0.5}},
                },
                "won": {"marks": "won"},
                "lost": {"marks": "lost"},
            },
            **more,
        }
    )


def desk(seats, **more):
    """One team whose work comes in at 48 hours a day."""
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "desk",
            "currency": "UAH",
            "run": {"start": "2026-01-05", "horizon": "8 w", "warm_up": "4 w"},
            "teams": {"desk": {"seats": seats, "cost_per_hour": 10}},
            "sources": {"web": {"stage": "ask", "rate": "48 / d", "value": 1000, "cost": 200}},
            "stages": {
                "ask": {
                    "efforts": {"talk": {"team": "desk", "duration": {"mean": "1 h"}}},
                    "timeout": {"after": "2 d", "to": "lost"},
                    "next": {"advance": "won", "to": {"won": 0.5, "lost": 0.5}},
                },
                "won": {"marks": "won"},
                "lost": {"marks": "lost"},
            },
            **more,
        }
    )


def expected_wins(scenario):
    """Leads in the window × probability to win, by the absorbing Markov chain."""
    paths = Paths(scenario)
    _, start, end = scenario.run.instants(scenario.time_zone)
    return float(paths.arrivals.sum()) * (end - start) / WEEK * paths.journey({"won"}).share


@pytest.fixture(scope="module")
def of_chain():
    return levers(chain(), seed=11, n=16, together=0, workers=1)


# --- steps ----------------------------------------------------------------------------------------


def test_every_stage_delay_team_and_source_has_its_lever():
    found, left_out = atlas(desk(2))
    assert [lever.id for lever in found] == ["conversion.ask", "capacity.desk", "demand.web"]
    assert not left_out


def test_a_point_is_taken_from_the_others_in_proportion_in_every_case_that_advances():
    cases = [
        {"when": {"visit": 2}, "to": {"offer": 0.1, "lost": 0.9}},
        {"when": {"visit": 3}, "to": {"lost": 1}},
    ]
    scenario = chain()
    data = scenario.plain()
    data["stages"]["ask"]["next"]["cases"] = cases[::-1]
    scenario = Scenario.model_validate(data)
    lever = next(lever for lever in atlas(scenario)[0] if lever.id == "conversion.ask")
    after = changed(scenario, "x", lever.make).plain()["stages"]["ask"]["next"]
    assert after["to"] == pytest.approx(
        {"offer": 0.31, "ask": 0.2 * 69 / 70, "lost": 0.5 * 69 / 70}
    )
    assert after["cases"][0]["to"] == {"lost": 1}
    assert after["cases"][1]["to"] == pytest.approx({"offer": 0.11, "lost": 0.89})


def test_where_less_than_a_point_can_be_gained_it_is_taken_whole():
    data = chain().plain()
    data["stages"]["ask"]["next"]["to"] = {"offer": 0.996, "lost": 0.004}
    lever = atlas(Scenario.model_validate(data))[0][0]
    assert (lever.id, lever.cut) == ("conversion.ask", "whole")
    assert lever.step == pytest.approx(0.004)
    after = changed(Scenario.model_validate(data), "x", lever.make)
    assert after.plain()["stages"]["ask"]["next"]["to"] == {"offer": 1.0, "lost": 0.0}


def test_where_only_work_refuses_the_point_comes_from_the_refusals():
    data = desk(3).plain()
    ask = data["stages"]["ask"]
    ask["efforts"]["check"] = {"team": "desk", "duration": "1 h", "refuse": 0.2}
    ask["efforts"]["talk"]["refuse"] = 0.1
    ask |= {"join": "first_refusal", "refused_to": "lost", "next": "won"}
    scenario = Scenario.model_validate(data)
    before = Paths(scenario).journey({"won"}).share
    lever = atlas(scenario)[0][0]
    after = Paths(changed(scenario, "x", lever.make)).journey({"won"}).share
    assert before == pytest.approx(0.72)
    assert after == pytest.approx(0.73)


@pytest.mark.parametrize(
    ("given", "p"),
    [
        ({"median": "2 d", "p90": "5 d"}, [0.02, 0.3, 0.5, 0.9, 0.99, 0.9999]),
        ({"min": "0 h", "max": "4 d"}, [0.1, 0.24, 0.26, 0.9]),
        ({"family": "gamma", "mean": "30 h", "cv": 1.5}, [0.2, 0.6, 0.95, 0.999]),
    ],
)
def test_a_shorter_delay_is_the_old_one_less_a_day_at_every_quantile(given, p):
    spec = DurationSpec.model_validate(given)
    old = spec.quantiles(lambda d: d.microseconds()).ppf(np.array(p))
    less = shortened(spec, 0)
    new = DurationSpec.model_validate(less.spec).quantiles(lambda d: d.microseconds())
    assert new.ppf(np.array(p)) == pytest.approx(np.maximum(old - DAY, 0), rel=0.02, abs=HOUR / 2)
    gap = spec.quantiles(lambda d: d.microseconds()).mean - new.mean
    assert less.seconds * 1e6 == pytest.approx(gap, rel=0.02)


def test_business_delays_lose_a_business_day_and_months_are_left_out():
    data = chain().plain()
    data["calendars"] = {"office": {"hours": {"mon-fri": "09:00-17:00"}}}
    data["calendar"] = "office"
    data["stages"]["ask"]["delay_before"] = "3 bd"
    data["stages"]["offer"]["delay_before"] = "1 mo"
    scenario = Scenario.model_validate(data)
    found, left_out = atlas(scenario)
    lever = next(lever for lever in found if lever.kind == "delay")
    assert (lever.id, lever.unit, lever.step) == ("delay.ask", "business s", 8 * 3600)
    assert lever.words() == "1 business day less delay: ask"
    after = changed(scenario, "x", lever.make).plain()["stages"]["ask"]
    assert after["delay_before"] == "16 bh"
    assert left_out == {"delay.offer": "its delay is a number of calendar months"}


def test_one_more_seat_in_each_shift():
    data = desk(2).plain()
    data["calendars"] = {
        "early": {"hours": {"mon-fri": "06:00-14:00"}},
        "late": {"hours": {"mon-fri": "14:00-22:00"}},
    }
    shifts = [{"seats": 2, "calendar": "early"}, {"seats": 1, "calendar": "late"}]
    data["teams"]["desk"] = {"staff": shifts}
    scenario = Scenario.model_validate(data)
    lever = next(lever for lever in atlas(scenario)[0] if lever.kind == "capacity")
    staff = changed(scenario, "x", lever.make).teams["desk"].staff
    assert [(entry.seats, entry.calendar) for entry in staff] == [
        (2, "early"),
        (1, "late"),
        (1, "early"),
        (1, "late"),
    ]


@pytest.mark.parametrize(
    "origin",
    [
        {"rate": "30 / d"},
        {"counts": {"start": "2026-01-05", "paths": [[50, 3, 0, 8], [9, 9, 9, 9]]}},
        {"replay": [f"2026-01-{day:02}T10:00" for day in range(5, 30)]},
    ],
)
def test_a_tenth_more_leads_leaves_those_there_are_untouched(origin):
    scenario = chain(sources={"web": {"stage": "ask", **origin}})
    lever = next(lever for lever in atlas(scenario)[0] if lever.kind == "demand")
    more = make_plan(changed(scenario, "x", lever.make))
    for replication in range(2):
        stream = Stream(7, replication)
        before, after = arrivals(make_plan(scenario), stream), arrivals(more, stream)
        then = dict(zip(after.key.tolist(), after.arrived_at.tolist(), strict=True))
        now = dict(zip(before.key.tolist(), before.arrived_at.tolist(), strict=True))
        assert now.items() <= then.items()
        assert len(then) == pytest.approx(1.1 * len(now), rel=0.05, abs=0.6)


def test_steps_hold_after_dated_changes_too():
    dated = {
        "better": {"start": "2026-01-15", "set": {"stages.ask.next.to.offer": 0.5}},
        "more": {"start": "2026-02-02", "set": {"sources.web.rate": "60 / d"}},
    }
    scenario = chain(changes=dated)
    found = {lever.id: lever for lever in atlas(scenario)[0]}
    for_point = changed(scenario, "x", found["conversion.ask"].make)
    shares = [
        then.plain()["stages"]["ask"]["next"]["to"]["offer"] for _, then in timetable(for_point)
    ]
    assert for_point.plain()["stages"]["ask"]["next"]["to"]["offer"] == pytest.approx(0.31)
    assert shares == pytest.approx([0.5, 0.51, 0.51, 0.51])
    for_leads = changed(scenario, "x", found["demand.web"].make)
    rates = [str(then.sources["web"].rate) for _, then in timetable(for_leads)]
    assert rates == ["330 / d", "330 / d", "60 / d", "66 / d"]
    assert make_plan(for_leads).epochs[-1].sources[1].profile[0][0] == pytest.approx(66 / 24)


# --- effects --------------------------------------------------------------------------------------


def test_without_queues_the_levers_equal_the_closed_form(of_chain):
    """Five levers, each within noise of the absorbing chain's difference.

    False alarm 1e-6 each; a lever off by half of itself would show (misses 1 in 1,000).
    """
    scenario = chain()
    before = expected_wins(scenario)
    kinds = {"conversion": 0, "demand": 0}
    for effect in of_chain.effects:
        if effect.lever.kind in kinds:
            kinds[effect.lever.kind] += 1
            truth = expected_wins(changed(scenario, "x", effect.lever.make)) - before
            assert_mean(effect.gains, truth, detectable=0.5 * truth, false_alarm=FALSE_ALARM)
    assert kinds == {"conversion": 2, "demand": 2}


def test_without_queues_a_day_changes_nothing_but_the_edges_of_the_window(of_chain):
    """A steady funnel wins as many, only earlier: the mean gain is 0.

    False alarm 1e-6; a gain of 30 deals, 1 % of all, would show.
    """
    for stage in ("ask", "offer"):
        effect = of_chain[f"delay.{stage}"]
        assert_mean(effect.gains, 0.0, detectable=30.0, false_alarm=FALSE_ALARM)


def test_without_queues_conversion_limits(of_chain):
    assert of_chain.limit == "conversion"
    assert of_chain.top == "demand.web" == of_chain.effects[0].lever.id
    assert of_chain.reliefs["capacity"].mean == 0
    share = of_chain.reliefs["conversion"].mean / of_chain.baseline
    assert share == pytest.approx(0.1, abs=0.01)


def test_an_overloaded_team_is_what_limits():
    found = levers(desk(1), seed=3, n=8, measure="won", workers=1)
    assert (found.limit, found.top) == ("capacity", "capacity.desk")
    assert found.table["lever"].iloc[0] == "capacity.desk"
    assert found["demand.web"].verdict != "better"


def test_costs_payback_and_what_is_left():
    """A seat for 8 weeks at 10 an hour against deals of 1000; leads at 200 each."""
    found = levers(desk(1), seed=3, n=8, workers=1)
    table = found.table.set_index("lever")
    seat = table.loc["capacity.desk"]
    assert found.measure.id == "won_value"
    assert seat.cost == pytest.approx(8 * 7 * 24 * 10 * 100, rel=0.01)
    assert seat.net == pytest.approx(seat.uplift - seat.cost)
    assert seat.payback == pytest.approx(seat.uplift / seat.cost)
    assert seat.net_lo < seat.net < seat.net_hi
    leads = table.loc["demand.web"]
    assert leads.priced
    assert leads.cost == pytest.approx(0.1 * 48 * 56 * 200 * 100, rel=0.1)
    assert np.isnan(table.loc["conversion.ask"].payback)
    told = " ".join(found.sentences())
    assert "“one more seat: desk” pays" in told
    assert "“10% more leads: web” does not pay" in told
    assert "What limits is capacity" in told


def test_profit_is_net_already():
    found = levers(desk(1), seed=3, n=5, measure="profit", together=0, workers=1)
    row = found.table.set_index("lever").loc["capacity.desk"]
    assert row.net == row.uplift


def test_interaction_is_what_the_factorial_says():
    """Both − one − other + baseline, from tallies made by hand."""
    scenario = desk(1)
    found = levers(scenario, seed=3, n=6, measure="won", workers=1)
    row = found.interactions.iloc[0]
    both = {lever.lever.id: lever.lever for lever in found.effects}
    make = [both[row["first"]].make, both[row["second"]].make]
    worlds = {
        "": scenario,
        "a": changed(scenario, "a", make[0]),
        "b": changed(scenario, "b", make[1]),
        "ab": changed(scenario, "ab", lambda s: {**make[0](s), **make[1](s)}),
    }
    won = {}
    for name, world in worlds.items():
        plan = make_plan(world)
        at = plan.kinds_of_marks.index("won")
        won[name] = np.mean([tally(plan, seed=3, replication=r).first[at] for r in range(6)])
    assert row.both == pytest.approx(won["ab"] - won[""])
    assert row.interaction == pytest.approx(won["ab"] - won["a"] - won["b"] + won[""])
    assert row.lo <= row.interaction <= row.hi


# --- naming ---------------------------------------------------------------------------------------


def test_two_equal_levers_are_not_told_apart():
    """Twin stages bring the same; which is best must stay open."""
    data = chain().plain()
    for name in ("left", "right"):
        data["stages"][name] = {"next": {"advance": "won", "to": {"won": 0.3, "lost": 0.7}}}
        data["sources"][name] = {"stage": name, "rate": "100 / d"}
    del data["sources"]["web"], data["sources"]["fair"]
    found = levers(Scenario.model_validate(data), seed=5, n=10, together=0, workers=1)
    assert found.top is None
    assert "One cannot tell which step is the largest" in found.sentences()[0]


def test_naming_keeps_its_error_rate():
    """Of equal ones none is best: named wrongly at most as often as the level says.

    2,000 draws of four equal means: at most 5 % named; 6.9 % or more would show (exact
    binomial, 1e-4). With a clear best it is named nearly always, and never another.
    """
    rng = np.random.default_rng(1)
    wrong = sum(
        best({str(i): 1 + rng.normal(size=20) for i in range(4)}, 0.95) is not None
        for _ in range(2000)
    )
    assert wrong <= 138
    names = [
        best({str(i): 1 + (i == 2) * 2 + rng.normal(size=20) for i in range(4)}, 0.95)
        for _ in range(200)
    ]
    assert set(names) <= {"2", None}
    assert names.count("2") >= 190


def test_results_do_not_depend_on_the_batches(monkeypatch):
    one = levers(desk(2), seed=3, n=3, measure="won", workers=1)
    monkeypatch.setattr(sys.modules["funnelsim.experiments.levers"], "_BATCH", 2)
    other = levers(desk(2), seed=3, n=3, measure="won", workers=1)
    assert one.table.equals(other.table)


def test_progress_goes_from_nothing_to_all():
    told: list[float] = []
    levers(desk(2), seed=3, n=2, measure="won", workers=1, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_what_is_not_there_is_refused():
    with pytest.raises(ParameterError, match="profits"):
        levers(desk(2), seed=3, n=2, measure="profits", workers=1)
    found = levers(desk(2), seed=3, n=2, measure="won", together=0, workers=1)
    with pytest.raises(ParameterError, match=r"capacity\.desk"):
        found["capacity.dsk"]


def test_it_is_public():
    assert fs.levers.__name__ == "levers"


# --- evidence in smoke size -----------------------------------------------------------------------


def test_planted_bottlenecks_are_named_and_close_ones_are_not():
    """Three worlds of benchmarks/evidence_levers.py: two clear ones, and a close one.

    Where the best is truly 1.5 times the runner-up it is named; nothing is named wrongly.
    """
    from benchmarks import evidence_levers as evidence

    worlds = [evidence.examine(number) for number in (2, 3, 5)]
    assert [w.verdict for w in worlds] == ["right", "right", "cannot tell"]
    assert [w.ratio > evidence.CLEAR for w in worlds] == [True, True, False]
    told = evidence.summary(worlds)
    assert (told["clear"]["right"], told["close"]["cannot tell"], told["wrong"]["n"]) == (2, 1, 0)
    assert evidence.markdown(told).count("\n") == 3
