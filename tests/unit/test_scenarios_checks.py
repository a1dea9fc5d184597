"""Checks: what looks wrong although it can be read, with the numbers behind it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from funnelsim import shipped
from funnelsim.documents import parse_document
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.capacity import offered_load
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.findings import placed
from funnelsim.scenarios.loading import from_data, load, read_scenario
from funnelsim.scenarios.paths import Journey, Paths
from tests.sizes import costly
from tests.strategies import scenarios

GOOD: dict[str, Any] = {
    "funnelsim": 1,
    "name": "good",
    "currency": "UAH",
    "run": {"start": "2026-03-02", "horizon": "26 w", "warm_up": "4 w"},
    "calendars": {"office": {"hours": {"mon-fri": "9-17"}}},
    "calendar": "office",
    "teams": {"sales": {"seats": 4}},
    "sources": {"web": {"stage": "demo", "rate": "210 / w"}},
    "stages": {
        "demo": {
            "delay_before": "2 d",
            "efforts": {"call": {"team": "sales", "duration": "30 min"}},
            "next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}


def scenario_with(**changes):
    """Dotted path (``__`` for a dot) → new value; None deletes."""
    data = deepcopy(GOOD)
    for path, value in changes.items():
        *parents, last = path.split("__")
        here = data
        for key in parents:
            here = here.setdefault(key, {})
        if value is None:
            del here[last]
        else:
            here[last] = value
    return from_data(data)


def found(scenario):
    return [str(finding) for finding in scenario.check()]


def only(scenario):
    (text,) = found(scenario)
    return text


# --- nothing to say -------------------------------------------------------------------------


def test_a_good_scenario_has_nothing_to_mend():
    assert found(scenario_with()) == []


@pytest.mark.parametrize("name", ["bank-retail", "apartment-doors"])
def test_shipped_scenarios_have_nothing_to_mend(name):
    scenario = load(shipped.scenarios() / f"{name}.yaml")
    assert found(scenario) == []
    for team in offered_load(scenario):
        assert 0.6 <= team.load <= 0.88, team


@costly
@given(scenarios())
def test_every_sound_scenario_can_be_checked(scenario):
    for finding in scenario.check():
        assert str(finding)
        assert finding.path == "stages" or finding.path.split(".")[0] in type(scenario).model_fields


# --- ways -----------------------------------------------------------------------------------


def test_a_dated_change_that_catches_leads_is_an_error():
    caught = scenario_with(
        changes={"no-way": {"start": "2026-04-01", "set": {"stages.demo.next.to": {"demo": 1}}}},
        stages__demo__next={"advance": "demo", "to": {"demo": 0.1, "won": 0.5, "lost": 0.4}},
    )
    texts = [text for text in found(caught) if text.startswith("error")]
    assert len(texts) == 1
    assert texts[0].startswith(
        "error: changes: from 2026-04-01 on, leads that enter demo never get out"
    )


def test_a_cycle_without_exit_is_an_error():
    loop = scenario_with(
        stages__demo__next={"advance": "won", "to": {"won": 0.5, "a": 0.5}},
        stages__a={"next": "b"},
        stages__b={"next": "a", "efforts": {"call": {"team": "sales", "duration": "5 min"}}},
    )
    first = found(loop)[0]
    assert first.startswith("error: stages.a.next: leads that enter a never get out: a, b lead")
    with pytest.raises(ScenarioError, match="never get out"):
        require_sound(loop)


def test_a_stage_that_leads_only_to_itself_is_an_error():
    loop = scenario_with(stages__demo__next="demo")
    assert any("it leads only to itself" in text for text in found(loop))


def test_a_time_out_is_a_way_out():
    loop = scenario_with(
        stages__demo__next="demo", stages__demo__timeout={"after": "1 d", "to": "lost"}
    )
    assert not any("never get out" in text for text in found(loop))


def test_a_loop_that_ends_some_time_is_fine():
    weekly = {"won": 0.05, "demo": 0.9, "lost": 0.05}
    loop = scenario_with(
        stages__demo__next={"advance": "won", "to": weekly}, sources__web__rate="20 / w"
    )
    assert not any("error" in text for text in found(loop))


def test_stages_that_nobody_reaches():
    assert only(scenario_with(stages__spare={"next": "won"})) == (
        "warning: stages.spare: no lead ever gets here. "
        "Lead a source or another stage's next to it, or delete it."
    )
    silent = found(scenario_with(sources__web__rate="0 / d"))
    assert "note: sources.web.rate: no lead ever comes from here" in silent


def test_a_branch_nobody_takes():
    ways = {"won": 0.4, "lost": 0.6, "demo": 0}
    text = only(scenario_with(stages__demo__next={"advance": "won", "to": ways}))
    assert text == "note: stages.demo.next.to.demo: has probability 0: nobody ever goes this way"


# --- outcomes -------------------------------------------------------------------------------


def test_nothing_is_won():
    texts = found(scenario_with(stages__won={}))
    assert texts[0].startswith("warning: stages: nothing marks a lead as won")


def test_nothing_is_lost():
    assert "nothing marks a lead as lost" in only(scenario_with(stages__lost={}))


def test_won_cannot_be_reached():
    texts = found(scenario_with(stages__demo__next="lost"))
    assert any("no lead can be won: won cannot be reached" in text for text in texts)


@pytest.mark.parametrize(("kind", "meant"), [("wno", "won"), ("win", "won"), ("payed", "paid")])
def test_marks_that_are_nearly_known(kind, meant):
    text = only(scenario_with(stages__demo__marks=[kind]))
    assert f'"{kind}" is a mark of your own. Did you mean "{meant}"?' in text


@pytest.mark.parametrize("kind", ["prepaid", "won", "visited", "returned", "refunded", "acquired"])
def test_marks_of_ones_own_are_fine(kind):
    assert found(scenario_with(stages__demo__marks=[kind])) == []


# --- teams ----------------------------------------------------------------------------------


def test_a_busy_team_is_told_with_the_numbers_behind_it():
    """210 leads a week × 30 min = 105 h; 3 seats × 40 h = 120 h."""
    text = only(scenario_with(teams__sales__seats=3))
    assert text.startswith(
        "warning: teams.sales: about 105.0 h of work a week for 120.0 staffed hours = 88%: "
        "a little more demand makes waits much longer"
    )
    assert text.endswith("With 4 seats it would be 66%.")


def test_a_team_that_will_never_settle():
    scenario = scenario_with(teams__sales__seats=2)
    (finding,) = scenario.check()
    assert "= 131%: the queue will never settle" in finding.message
    assert finding.value == pytest.approx(105 / 80, abs=1e-4)
    assert finding.severity == "warning"  # it can be run, and a what-if may mean it


def test_seats_that_are_named_suffice_and_one_less_does_not():
    scenario = scenario_with(teams__sales__seats=1)
    (team,) = offered_load(scenario)
    seats = team.seats_for(0.85)
    assert team.work / (team.staffed / team.seats * seats) <= 0.85
    assert team.work / (team.staffed / team.seats * (seats - 1)) > 0.85


def test_holidays_and_closed_dates_count():
    (usual,) = offered_load(scenario_with())
    (closed,) = offered_load(scenario_with(calendars__office__closed=["2026-03-02", "2026-03-03"]))
    assert usual.staffed - closed.staffed == pytest.approx(4 * 16 / 26)
    (before,) = offered_load(scenario_with(calendars__office__closed=["2026-02-16"]))
    assert before.staffed == usual.staffed  # a day of the warm-up is none of the window


def test_a_team_without_calendar_never_sleeps():
    (team,) = offered_load(scenario_with(calendar=None, calendars=None))
    assert team.staffed == 4 * 168


def test_visits_of_a_loop_bring_work_every_time():
    """A geometric number of visits: 1 / (1 − 0.5) = 2."""
    ways = {"won": 0.2, "demo": 0.5, "lost": 0.3}
    following = {"advance": "won", "to": ways}
    loop = scenario_with(stages__demo__next=following, sources__web__rate="105 / w")
    (team,) = offered_load(loop)
    assert team.work == pytest.approx(105)


def test_leads_that_time_out_before_the_work_bring_none():
    (team,) = offered_load(scenario_with(stages__demo__timeout={"after": "1 d", "to": "lost"}))
    assert team.work == 0


def test_a_team_with_nothing_to_do():
    assert only(scenario_with(teams__idle={"seats": 1})) == "note: teams.idle: has nothing to do"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"teams__sales__seats": 0}, "has no seats"),
        (
            {
                "run__horizon": "2 d",
                "run__start": "2026-03-07",  # a weekend
                "run__warm_up": "8 w",
                "stages__demo__delay_before": "1 h",
            },
            "is never at work in the observed window",
        ),
    ],
)
def test_a_team_that_is_never_there(changes, why):
    assert only(scenario_with(**changes)) == f"error: teams.sales: {why}, but leads wait for it"


# --- time -----------------------------------------------------------------------------------


def test_a_team_without_seats_is_a_warning_where_leads_can_leave():
    """Nobody waits for ever, so it can be run; the load is infinite all the same."""
    for limit in ("timeout", "patience"):
        away = {f"stages__demo__{limit}": {"after": "9 d", "to": "lost"}}
        text = only(scenario_with(teams__sales__seats=0, **away))
        assert text == "warning: teams.sales: has no seats, but leads wait for it"


def test_starting_empty_costs_wins():
    """A win takes 2 d + 30 min of 182 days: 1.1 % missing, too little to mention."""
    assert found(scenario_with(run__warm_up="0 d")) == []
    text = only(scenario_with(run__warm_up="0 d", stages__demo__delay_before="60 d"))
    assert "warning: run.warm_up: a win takes about 60 d from arrival" in text
    assert "the warm-up is 0 d: about −33% of the wins in the horizon" in text  # 60 / 182
    assert text.endswith("Use 9 w or more.")


def test_the_measured_example_of_a_cold_start():
    """A 60-day cycle, 90 days watched: two thirds of the wins are missing."""
    scenario = scenario_with(
        run__warm_up="0 d", run__horizon="90 d", stages__demo__delay_before="60 d"
    )
    (finding, *_) = [one for one in scenario.check() if one.path == "run.warm_up"]
    assert finding.value == pytest.approx(0.67, abs=0.01)


def test_a_warm_up_as_long_as_advised_is_enough():
    slow = {"stages__demo__delay_before": {"median": "20 d", "p90": "50 d"}}
    (finding,) = scenario_with(run__warm_up="0 d", **slow).check()
    weeks = finding.fix.removeprefix("Use ").removesuffix(" or more.")
    assert found(scenario_with(run__warm_up=weeks, **slow)) == []


def test_a_horizon_that_sees_few_leads_close():
    text = only(
        scenario_with(run__horizon="30 d", run__warm_up="20 w", stages__demo__delay_before="60 d")
    )
    assert "warning: run.horizon: 30 d is short for a cycle of about 60 d" in text
    assert "about 100% of the leads that arrive in it are still open at its end" in text


def test_a_time_out_before_the_delay_is_over():
    text = only(
        scenario_with(
            stages__demo__delay_before={"median": "5 d", "p90": "9 d"},
            stages__demo__timeout={"after": "4 d", "to": "lost"},
        )
    )
    assert "after 4 d about 69% of leads leave before delay_before is over" in text


# --- the chain against closed forms ---------------------------------------------------------


def test_visits_are_those_of_the_absorbing_chain():
    """A → b or end; b → a, b or end: solved by hand."""
    data = deepcopy(GOOD)
    data["sources"]["web"]["stage"] = "a"
    data["stages"] = {
        "a": {"next": {"advance": "b", "to": {"b": 0.6, "end": 0.4}}},
        "b": {"next": {"advance": "end", "to": {"a": 0.25, "b": 0.25, "end": 0.5}}},
        "end": {"marks": "won"},
    }
    paths = Paths(from_data(data))
    assert paths.visits == pytest.approx([210 / 0.8, 210 * 0.8 / 0.8, 210])


def test_time_to_win_of_those_who_win():
    """Slow leads lose: the cycle of the winners is the short one."""
    data = deepcopy(GOOD)
    data["stages"]["demo"]["next"] = {"advance": "fast", "to": {"fast": 0.5, "slow": 0.5}}
    data["stages"]["fast"] = {
        "delay_before": "1 d",
        "next": {"advance": "won", "to": {"won": 0.9, "lost": 0.1}},
    }
    data["stages"]["slow"] = {
        "delay_before": "9 d",
        "next": {"advance": "won", "to": {"won": 0.1, "lost": 0.9}},
    }
    journey = Paths(from_data(data)).journey({"won"})
    assert journey.share == pytest.approx(0.5)
    assert journey.mean == pytest.approx(48.5 + 24 * (0.9 * 1 + 0.1 * 9))
    assert journey.sd == pytest.approx(24 * 8 * (0.9 * 0.1) ** 0.5)


def test_time_of_a_loop_is_geometric():
    ways = {"won": 0.25, "demo": 0.75}
    scenario = scenario_with(
        stages__demo__next={"advance": "won", "to": ways},
        stages__demo__efforts=None,
        stages__demo__delay_before="1 h",
    )
    journey = Paths(scenario).journey({"won"})
    assert journey.mean == pytest.approx(4)
    assert journey.sd == pytest.approx(0.75**0.5 / 0.25)


def test_an_exponential_delay_with_a_time_out():
    """min(X, T) of an exponential X; P(X > T) = exp(−T / mean)."""
    scenario = scenario_with(
        stages__demo__delay_before={"mean": "10 h"},
        stages__demo__efforts=None,
        stages__demo__next="won",
        stages__demo__timeout={"after": "5 h", "to": "lost"},
    )
    paths = Paths(scenario)
    assert paths.journey({"won"}).share == pytest.approx(1 - np.exp(-0.5), abs=0.004)
    both = paths.journey({"won", "lost"})
    assert both.mean == pytest.approx(10 * (1 - np.exp(-0.5)), rel=0.005)


def test_ways_by_the_length_of_the_stay():
    """Whoever takes 20 h or more is lost, from 10 h on one half: P(X ≥ t) = exp(−t / mean)."""
    cases = [
        {"when": {"stay": "20 h"}, "to": {"lost": 1}},
        {"when": {"stay": "10 h"}, "to": {"won": 0.5, "lost": 0.5}},
    ]
    ways = {"advance": "won", "to": {"won": 1}, "cases": cases}
    parts = {
        "stages__demo__delay_before": {"mean": "10 h"},
        "stages__demo__efforts": None,
        "stages__demo__next": ways,
    }
    p1, p2 = np.exp(-1), np.exp(-2)
    won = Paths(scenario_with(**parts)).journey({"won"}).share
    assert won == pytest.approx((1 - p1) + (p1 - p2) / 2, abs=0.004)
    limit = {"after": "20 h", "to": "lost"}  # then only who is through in time has a way out
    won = Paths(scenario_with(**parts, stages__demo__timeout=limit)).journey({"won"}).share
    assert won == pytest.approx((1 - p1) + (p1 - p2) / 2, abs=0.004)


def test_business_time_is_stretched_to_elapsed_time():
    scenario = scenario_with(stages__demo__delay_before="1 bd", stages__demo__efforts=None)
    assert Paths(scenario).journey({"won"}).mean == pytest.approx(8 * 168 / 40, rel=0.01)


def test_quantiles_of_a_journey():
    journey = Journey(1.0, 10.0, 5.0)
    assert journey.done_within(np.array([journey.quantile(0.95)])) == pytest.approx([0.95])
    sure = Journey(1.0, 10.0, 0.0)
    assert sure.quantile(0.95) == 10
    assert sure.done_within(np.array([9.0, 11.0])).tolist() == [0, 1]


# --- clocks, money, calendars, labels -------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"stages__demo__delay_before": "2 bd"}, "stages.demo.delay_before"),
        ({"stages__demo__timeout": {"after": "20 bh", "to": "lost"}}, "stages.demo.timeout"),
        (
            {"stages__demo__efforts__call": {"team": "sales", "duration": "0.01 bd"}},
            "stages.demo.efforts.call.duration",
        ),
    ],
)
def test_business_time_needs_a_calendar(changes, path):
    scenario = scenario_with(calendar=None, calendars=None, **changes)
    first = scenario.check()[0]
    assert (first.severity, first.path) == ("error", path)


def test_work_is_never_in_months():
    call = {"team": "sales", "duration": "1 mo"}
    first = scenario_with(stages__demo__efforts__call=call).check()[0]
    assert first.message == "work cannot last calendar months"


def test_money_needs_a_currency():
    text = only(scenario_with(currency=None, sources__web__value=100))
    assert "error: sources.web.value: there are amounts of money but no currency" in text
    assert found(scenario_with(currency=None)) == []


def test_currencies_that_nobody_knows():
    assert "UHA is no currency that is known" in only(scenario_with(currency="UHA"))


def test_calendars_that_nobody_uses():
    night = {"hours": {"mon-sun": "22-6"}}
    assert "note: calendars.night: nobody uses it" in only(scenario_with(calendars__night=night))


def test_holidays_that_are_none():
    text = only(scenario_with(calendars__office__holidays="UA"))
    assert "UA has no public holidays in 2026: they are worked" in text


def test_a_label_that_was_forgotten():
    scenario = scenario_with(
        title={"en": "Good", "uk": "Добре"},
        teams__sales={"seats": 4, "label": {"en": "Sales", "uk": "Продажі"}},
        stages__won={"marks": "won", "label": {"en": "Won", "uk": "Виграно"}},
        stages__lost={"marks": "lost", "label": {"en": "Lost", "uk": "Втрачено"}},
        sources__web={**GOOD["sources"]["web"], "label": {"en": "Web", "uk": "Сайт"}},
        stages__demo={**GOOD["stages"]["demo"], "label": {"en": "Demo"}},
    )
    assert "1 of 6 labels: no text in uk: stages.demo" in only(scenario)


# --- places ---------------------------------------------------------------------------------


def test_a_finding_knows_its_line():
    text = """\
funnelsim: 1
name: x
run: {start: 2026-03-02, horizon: 26 w}
sources:
  web: {stage: a, rate: 1 / d}
stages:
  a: {next: {advance: a, to: {a: 1}}}
  won: {marks: [won]}
"""
    document = parse_document(text, "x.yaml")
    scenario = read_scenario(document)
    places = {placed(one, document).where for one in scenario.check()}
    assert "x.yaml:7:7" in places  # stages.a.next
    assert "x.yaml:8:3" in places  # stages.won, which nobody reaches
