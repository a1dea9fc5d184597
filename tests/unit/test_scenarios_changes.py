"""What-ifs as data: replace, add, times; branches in proportion; nothing guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelsim.errors import ScenarioError
from funnelsim.scenarios.loading import from_data
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.timetable import timetable
from tests.sizes import costly
from tests.strategies import scenarios

BASE = from_data(
    {
        "funnelsim": 1,
        "name": "base",
        "title": {"en": "Base"},
        "currency": "UAH",
        "run": {"start": "2026-03-02", "horizon": "26 w"},
        "calendars": {"office": {"hours": {"mon-fri": "9-18"}}},
        "teams": {"advisers": {"seats": 10, "calendar": "office"}},
        "sources": {
            "web": {
                "stage": "demo",
                "rate": "40 / d",
                "by_weekday": {"mon-fri": 1},
                "value": {"median": 1000, "p90": 4000},
            }
        },
        "stages": {
            "demo": {
                "delay_before": {"median": "3 d", "p90": "12 d"},
                "delay_after": "4 h",
                "efforts": {
                    "call": {"team": "advisers", "duration": {"mean": "30 min", "cv": 0.5}}
                },
                "timeout": {"after": "30 d", "to": "lost"},
                "marks": ["qualified", {"kind": "paid", "value": "deal"}],
                "next": {"advance": "won", "to": {"won": 0.2, "demo": 0.3, "lost": 0.5}},
            },
            "won": {"marks": "won", "next": "done"},
            "done": {},
            "lost": {"marks": "lost"},
        },
    }
)


def changed(**overrides: object) -> Scenario:
    return BASE.change("what-if", {path.replace("__", "."): new for path, new in overrides.items()})


def at(scenario, path):
    here = scenario.plain(spelled_out=True)
    for key in path.split("."):
        here = here[int(key)] if isinstance(here, list) else here[key]
    return here


def refused(overrides):
    with pytest.raises(ScenarioError) as caught:
        BASE.change("what-if", overrides)
    return [str(problem) for problem in caught.value.problems]


# --- replacing and adjusting ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "result"),
    [
        ("teams.advisers.seats", 12, 12),
        ("teams.advisers.seats", {"add": 2}, 12),
        ("teams.advisers.seats", {"add": -3}, 7),
        ("teams.advisers.seats", {"times": 1.5}, 15),
        ("teams.advisers.at_close", "pause", "pause"),
        ("sources.web.rate", "50 / d", "50 / d"),
        ("sources.web.rate", {"times": 1.1}, "44 / d"),
        ("sources.web.rate", {"add": "14 / w"}, "42 / d"),
        ("sources.web.rate", {"add": "-5 / d"}, "35 / d"),
        ("sources.web.by_weekday.sat", 0.5, 0.5),
        ("sources.web.value", {"times": 2}, {"median": 2000, "p90": 8000}),
        ("sources.web.value.median", {"add": 500}, 1500),
        ("stages.demo.delay_before", "2 d", {"value": "2 d"}),
        (
            "stages.demo.delay_before",
            {"median": "4 h", "p90": "9 h"},
            {"median": "4 h", "p90": "9 h"},
        ),
        ("stages.demo.delay_before", {"times": 0.5}, {"median": "1.5 d", "p90": "6 d"}),
        ("stages.demo.delay_before.median", "2 d", "2 d"),
        ("stages.demo.delay_before.median", {"add": "12 h"}, "3.5 d"),
        ("stages.demo.delay_before.median", {"add": "-1 d"}, "2 d"),
        ("stages.demo.delay_after", {"add": "30 min"}, {"value": "4.5 h"}),
        ("stages.demo.delay_after", {"times": 0.5}, {"value": "2 h"}),
        ("stages.demo.delay_after.value", "5 h", "5 h"),
        ("stages.demo.efforts.call.duration", {"times": 2}, {"mean": "60 min", "cv": 0.5}),
        ("stages.demo.efforts.call.duration.cv", {"add": 0.1}, 0.6),
        ("stages.demo.efforts.call.priority", 1, 1),
        ("stages.demo.timeout.after", {"times": 0.1}, "3 d"),
        ("stages.demo.marks.1.value", 500, {"value": 500}),
        ("stages.demo.marks", "qualified", [{"kind": "qualified"}]),
        ("stages.won.next", "lost", {"advance": "lost", "to": {"lost": 1}}),
        ("run.horizon", {"add": "1 d"}, "183 d"),
        ("run.warm_up", "4 w", "4 w"),
        ("title.uk", "Основа", "Основа"),
        ("illustrative", True, True),
        ("stages.demo.block", "top", "top"),
    ],
)
def test_a_value_is_replaced_or_adjusted(path, value, result):
    new = BASE.change("what-if", {path: value})
    assert at(new, path) == result
    restored = BASE.change("back", {})
    assert restored == BASE


def test_only_what_was_named_changes():
    new = changed(teams__advisers__seats=12)
    data = BASE.plain()
    data["teams"]["advisers"]["seats"] = 12
    assert new == from_data(data)
    assert BASE.teams["advisers"].seats == 10
    assert new.name == "base"


@costly
@given(scenarios())
def test_no_override_is_no_change(scenario):
    assert scenario.change("nothing", {}) == scenario


@costly
@given(scenarios(), st.sampled_from([2, 0.5, 1]))
def test_twice_as_many_leads_is_twice_as_many_leads(scenario, factor):
    rated = {key: source for key, source in scenario.sources.items() if source.rate is not None}
    paths = {f"sources.{key}.rate": {"times": factor} for key in rated}
    new = scenario.change("more", paths)
    for key, source in rated.items():
        expected = source.rate.per_hour * factor
        assert new.sources[key].rate.per_hour == pytest.approx(expected, rel=1e-11)


def test_durations_that_do_not_come_out_even_take_the_finer_unit():
    assert at(changed(run__horizon={"add": "90 min"}), "run.horizon") == "262170 min"


# --- branches -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"won": 0.36}, {"won": 0.36, "demo": 0.24, "lost": 0.4}),
        ({"won": {"add": 0.08}}, {"won": 0.28, "demo": 0.27, "lost": 0.45}),
        ({"won": {"add": "8 %"}}, {"won": 0.28, "demo": 0.27, "lost": 0.45}),
        ({"won": {"times": 2}}, {"won": 0.4, "demo": 0.225, "lost": 0.375}),
        ({"won": "20 %"}, {"won": 0.2, "demo": 0.3, "lost": 0.5}),
        ({"won": 1}, {"won": 1, "demo": 0, "lost": 0}),
        ({"won": 0}, {"won": 0, "demo": 0.375, "lost": 0.625}),
        ({"won": 0.3, "demo": 0.2}, {"won": 0.3, "demo": 0.2, "lost": 0.5}),
        ({"won": 0.1, "demo": 0.1, "lost": 0.8}, {"won": 0.1, "demo": 0.1, "lost": 0.8}),
        ({"done": 0.1}, {"won": 0.18, "demo": 0.27, "lost": 0.45, "done": 0.1}),
    ],
)
def test_what_a_branch_gains_is_taken_from_the_others_in_proportion(overrides, expected):
    new = BASE.change(
        "x", {f"stages.demo.next.to.{key}": value for key, value in overrides.items()}
    )
    assert at(new, "stages.demo.next.to") == pytest.approx(expected)


def test_a_branch_can_be_added_to_an_only_way():
    new = BASE.change("x", {"stages.won.next.to.lost": "10 %"})
    assert at(new, "stages.won.next") == {"advance": "done", "to": {"done": 0.9, "lost": 0.1}}


def test_a_branch_of_a_case_takes_from_its_own_others():
    case = {"when": {"source": "web"}, "to": {"won": 0.5, "lost": 0.5}}
    cases = BASE.change("x", {"stages.demo.next.cases": [case]})
    new = cases.change("y", {"stages.demo.next.cases.0.to.won": 0.8})
    ways = at(new, "stages.demo.next")
    assert ways["cases"][0]["to"] == pytest.approx({"won": 0.8, "lost": 0.2})
    assert ways["to"] == {"won": 0.2, "demo": 0.3, "lost": 0.5}


def test_a_branch_set_to_what_it_was_moves_no_bit():
    third = BASE.change("x", {"stages.demo.next.to": {"won": 1 / 3, "demo": 1 / 3, "lost": 1 / 3}})
    again = third.change("y", {"stages.demo.next.to.won": 1 / 3})
    assert again == third


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"won": 1.2}, "probabilities lie between 0 and 1, got won 1.2"),
        ({"won": {"add": 0.9}}, "probabilities lie between 0 and 1, got won 1.1"),
        ({"won": {"add": -0.3}}, "probabilities lie between 0 and 1, got won -0.1"),
        ({"won": 0.8, "demo": 0.4}, "probabilities sum to 1.7 (won 0.8, demo 0.4, lost 0.5)"),
        ({"won": 0.1, "demo": 0.1, "lost": 0.1}, "probabilities sum to 0.3"),
        ({"won": "much"}, '"much" is not a share'),
        ({"wno": 0.1}, 'there is no stage "wno". Did you mean "won"?'),
    ],
)
def test_probabilities_stay_probabilities(overrides, message):
    found = refused({f"stages.demo.next.to.{key}": value for key, value in overrides.items()})
    assert len(found) == 1
    assert message in found[0]


def test_nothing_can_be_taken_from_nobody():
    sure = BASE.change("sure", {"stages.demo.next.to.won": 1})
    with pytest.raises(ScenarioError, match="nothing can be taken from demo, lost: 0 already"):
        sure.change("less", {"stages.demo.next.to.won": 0.9})


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "stages.demo.delay_before.mean",
            "1 d",
            "it is given by median and p90, so mean cannot be set alone. Set median and p90, or",
        ),
        ("stages.demo.delay_after.mean", "1 d", "it is given by value, so mean cannot be set"),
        ("stages.demo.delay_before", {"add": "1 d"}, "a distribution can be multiplied"),
        ("teams.advisrs.seats", 3, 'there is no "advisrs". Did you mean "advisers"?'),
        ("teams.advisers.seets", 3, 'there is no "seets". Did you mean "seats"?'),
        ("teams.advisors", {"seats": 3}, 'there is no "advisors". Did you mean "advisers"?'),
        ("teams.robots", 3, 'there is no "robots". Allowed here: advisers.'),
        ("tems.advisers.seats", 3, 'there is no "tems". Did you mean "teams"?'),
        ("teams.advisers.seats.x", 3, 'there is no "x". It has no parts.'),
        ("stages.won.timeout.after", "3 d", "stages.won.timeout is not set. Set it as a whole."),
        ("stages.demo.marks.7.value", 3, 'there is no "7". Allowed here: 0, 1.'),
        ("teams.advisers.seats", {"times": 1.15}, "must be a whole number, not 11.5"),
        ("teams.advisers.seats", {"add": "two"}, '"two" is not a number'),
        ("teams.advisers.seats", {"times": -1}, "times -1 is negative"),
        ("teams.advisers.at_close", {"times": 2}, '"finish" is nothing to add to or multiply'),
        ("illustrative", {"add": 1}, "nothing to add to"),
        ("calendar", {"add": 1}, "empty is nothing to add to"),
        ("stages.demo.delay_after", {"add": 1}, "1 has no unit"),
        ("stages.demo.delay_after", {"add": "-5 h"}, "-5 h takes away more than there is"),
        ("stages.demo.delay_after", {"add": "2 bh"}, "2 bh cannot be added to 4 h: the units"),
        ("sources.web.rate", {"add": 5}, "5 is not a rate"),
        ("sources.web.rate", {"add": "-50 / d"}, "takes away more"),
        ("sources.web.by_weekday.sta", 0.5, "'sta' is not a weekday"),
        ("sources.web.by_hour.9-12", {"times": 2}, 'there is no "9-12"'),
        ("run.start", {"add": "1 w"}, "nothing to add to"),
        ("run.start", {"from": "2026-04-01", "value": "2026-03-09"}, "no date of its own"),
        ("stages.demo.next.to.won", {"from": "2026-04-01", "add": 0.1}, "no date of its own"),
        ("stages.demo.efforts.call.team", "robots", 'there is no team "robots"'),
        ("stages.demo.delay_before.median", "20 d", "quantiles must rise"),
        ("stages.demo", {"next": "wno"}, 'there is no stage "wno"'),
        ("", 1, 'there is no ""'),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_path(path, value, message):
    found = refused({path: value})
    assert len(found) == 1
    assert found[0].startswith(f"what-if {path}".rstrip()[:20])
    assert message in found[0]


def test_all_problems_at_once():
    found = refused(
        {
            "teams.advisers.seets": 3,
            "run.horizon": "26",
            "stages.demo.next.to.won": 7,
            "stages.demo.delay_before.mean": "3 d",
            "stages.won.next": "nowhere",
        }
    )
    assert len(found) == 5


def test_one_place_is_not_set_twice():
    found = refused({"run": {"start": "2026-01-05", "horizon": "4 w"}, "run.horizon": "5 w"})
    assert found == ["what-if run.horizon: is also set as a whole by run. Keep one of them."]


def test_new_parts_can_be_added_together():
    new = BASE.change(
        "robots",
        {
            "teams.robots": {"seats": 2},
            "stages.nurture": {"delay_before": "1 w", "next": "demo"},
            "stages.demo.next.to.nurture": 0.1,
            "stages.demo.efforts.call.team": "robots",
        },
    )
    assert new.teams["robots"].seats == 2
    assert at(new, "stages.demo.next.to.nurture") == 0.1
    assert new.check() is not None


# --- listed what-ifs ------------------------------------------------------------------------

ASKING = BASE.plain() | {
    "what_ifs": {
        "faster": {"set": {"stages.demo.delay_after": "1 h"}},
        "april": {"start": "2026-04-06", "set": {"teams.advisers.seats": {"add": 3}}},
        "wrong": {"start": "2026-04-06", "set": {"stages.dmo.delay_after": "1 h"}},
    }
}


def test_a_listed_what_if_is_asked_by_its_key():
    scenario = from_data(ASKING)
    assert scenario.what_if("faster") == scenario.change(
        "faster", {"stages.demo.delay_after": "1 h"}
    )
    assert scenario == from_data(ASKING)


def test_a_dated_what_if_holds_from_its_day_on():
    later = from_data(ASKING).what_if("april")
    assert (later.teams, later.change_name) == (BASE.teams, "april")
    ((day, then),) = timetable(later)
    assert (str(day), then.teams["advisers"].seats) == ("2026-04-06", 13)


def test_a_dated_what_if_does_not_hide_a_dated_change():
    scenario = from_data(ASKING | {"changes": {"april": ASKING["what_ifs"]["april"]}})
    with pytest.raises(ScenarioError, match="there is also a dated change called april"):
        scenario.what_if("april")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("slower", r'base what_ifs: there is no what-if "slower"\. It has: faster, april, wrong\.'),
        ("wrong", r'changes\.wrong\.set\.stages\.dmo\.delay_after: there is no "dmo"'),
    ],
)
def test_what_cannot_be_asked_is_told(key, message):
    with pytest.raises(ScenarioError, match=message):
        from_data(ASKING).what_if(key)


def test_a_scenario_without_what_ifs_says_so():
    with pytest.raises(ScenarioError, match="It lists none"):
        BASE.what_if("faster")
