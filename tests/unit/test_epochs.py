"""Changes on a known date: what they touch, what they leave alone, and what is refused."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from funnelsim.documents import parse_document
from funnelsim.engine import simulate
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.loading import read_scenario
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.timetable import timetable

ZONE = "Europe/Kyiv"
DAY = "2026-03-30"  # the night before, clocks changed: the local day begins at 21:00 UTC
SINCE = pd.Timestamp(DAY, tz=ZONE)
MOMENT = pd.Timedelta(microseconds=1)

FUNNEL = {
    "funnelsim": 1,
    "name": "dated",
    "currency": "UAH",
    "time_zone": ZONE,
    "run": {"start": "2026-03-23", "horizon": "2 w", "warm_up": "2 d"},
    "calendars": {"office": {"hours": {"mon-sat": "08:00-20:00"}}},
    "teams": {"desk": {"seats": 3, "calendar": "office", "shrinkage": 0.1}},
    "sources": {
        "ad": {"stage": "call", "rate": "60 / w", "segment": "private", "value": 1000, "cost": 9},
        "web": {"stage": "call", "rate": "100 / w", "overdispersion": 0.4, "segment": "firm"},
    },
    "stages": {
        "call": {
            "delay_before": "8 h",
            "efforts": {"talk": {"team": "desk", "duration": {"mean": "1 h"}}},
            "patience": {"after": "2 d", "to": "lost"},
            "next": {
                "advance": "won",
                "to": {"won": 0.3, "call": 0.3, "lost": 0.4},
                "cases": [{"when": {"segment": "firm"}, "to": {"won": 1}}],
            },
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}


def dated(**changes) -> Scenario:
    """The funnel with changes: name → (day, overrides)."""
    entries = {
        name: ({"start": day} if day else {}) | {"set": overrides}
        for name, (day, overrides) in changes.items()
    }
    return Scenario.model_validate({**FUNNEL, "changes": entries})


@cache
def unchanged():
    return simulate(Scenario.model_validate(FUNNEL), seed=3)


def changed(overrides, day=DAY):
    """A log of the funnel after one change."""
    return simulate(dated(then=(day, overrides)), seed=3)


def calls(log):
    return log.visits[(log.visits["stage"] == "call") & (log.visits["exit"] != "open")]


CHANGES = {
    "rate": {"sources.ad.rate": {"times": 2}},
    "value": {"sources.ad.value": 2000, "sources.ad.cost": 5},
    "mix": {"sources.ad.mix": [{"share": 0.5, "segment": "firm"}, {"share": 0.5}]},
    "profile": {"sources.web.by_weekday": {"sat-sun": 0}},
    "delay": {"stages.call.delay_before": "30 h"},
    "work": {"stages.call.efforts.talk.duration": {"mean": "3 h"}},
    "patience": {"stages.call.patience.after": "1 h"},
    "next": {"stages.call.next.to.won": 0.9},
    "marks": {"stages.lost.marks": [{"kind": "lost", "reason": "price"}]},
    "seats": {"teams.desk.seats": 1},
    "leave": {"teams.desk.shrinkage": 0.5},
    "hours": {"calendars.office.hours": {"mon-sun": "10:00-12:00"}},
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_came_before_is_as_it_was(name):
    """Up to the last microsecond before the day; afterwards it is not."""
    before = unchanged()
    log = changed(CHANGES[name])
    then, now = (one.as_of(SINCE - MOMENT) for one in (before, log))
    for table in ("leads", "visits", "efforts", "marks"):
        pd.testing.assert_frame_equal(getattr(then, table), getattr(now, table))
    assert [team.staffed for team in then.meta.teams] == [team.staffed for team in now.meta.teams]
    assert len(then.visits) > 200
    tables = ("leads", "visits", "efforts", "marks")
    assert any(not getattr(before, table).equals(getattr(log, table)) for table in tables)


def test_a_visit_keeps_what_held_when_it_began():
    """Delays begun before the day are the old ones, to the microsecond of the day."""
    visits = calls(changed(CHANGES["delay"]))
    delay = (visits["ready_at"] - visits["entered_at"]).dropna()
    late = visits.loc[delay.index, "entered_at"] >= SINCE
    assert set(delay[~late]) == {pd.Timedelta("8h")}
    assert set(delay[late]) == {pd.Timedelta("30h")}
    overlap = visits["entered_at"].between(SINCE - pd.Timedelta("8h"), SINCE, inclusive="left")
    assert (visits.loc[overlap, "ready_at"] > SINCE).any()


def test_the_first_microsecond_of_the_day_is_in():
    """Leads that arrive one microsecond before midnight, and at midnight."""
    source = {"stage": "call", "replay": ["2026-03-29T23:59:59.999999", f"{DAY}T00:00:00"]}
    funnel = {**FUNNEL, "sources": {"ad": source}}
    funnel["changes"] = {"then": {"start": DAY, "set": CHANGES["delay"]}}
    visits = simulate(Scenario.model_validate(funnel), seed=1).visits
    first = visits[visits["visit"] == 1].sort_values("entered_at")
    assert (first["entered_at"] >= SINCE).tolist() == [False, True]
    assert (first["ready_at"] - first["entered_at"]).tolist() == [
        pd.Timedelta("8h"),
        pd.Timedelta("30h"),
    ]


def test_a_lead_keeps_what_it_was_when_it_arrived():
    """Segment, value and cost are those of the source on the day of arrival."""
    log = changed({"sources.ad.segment": "agency", "sources.ad.value": 2000, "sources.ad.cost": 5})
    ad = log.leads[log.leads["source"] == "ad"]
    late = ad["arrived_at"] >= SINCE
    assert set(ad.loc[~late, "segment"]) == {"private"}
    assert set(ad.loc[late, "segment"]) == {"agency"}
    marks = log.marks.merge(ad.assign(late=late), on="lead_id")
    for kind, column, amounts in (("acquired", "cost", (900, 500)), ("won", "value", (1e5, 2e5))):
        rows = marks[marks["kind"] == kind]
        for is_late, amount in zip((False, True), amounts, strict=True):
            assert set(rows.loc[rows["late"] == is_late, column]) == {amount}


def test_cases_know_leads_of_earlier_days():
    """A new kind of lead in one source moves no lead of another out of its case."""
    log = changed(CHANGES["mix"])
    first = calls(log).merge(log.leads[["lead_id", "segment"]], on="lead_id")
    moved = first[first["exit"] == "moved"]
    assert set(moved.loc[moved["segment"] == "firm", "next_stage"]) == {"won"}
    assert set(moved.loc[moved["segment"] != "firm", "next_stage"]) == {"won", "call", "lost"}
    ad = log.leads[(log.leads["source"] == "ad") & (log.leads["arrived_at"] >= SINCE)]
    assert set(ad["segment"]) == {"private", "firm"}
    # A case that is new on the day also finds leads that arrived before it.
    overrides = {"stages.call.next.cases": [{"when": {"source": "ad"}, "to": {"lost": 1}}]}
    log = changed(overrides)
    visits = calls(log).merge(log.leads[["lead_id", "source", "arrived_at"]], on="lead_id")
    earlier = (visits["source"] == "ad") & (visits["arrived_at"] < SINCE)
    found = visits[earlier & (visits["entered_at"] >= SINCE) & (visits["exit"] == "moved")]
    assert set(found["next_stage"]) == {"lost"}


def test_more_leads_from_a_day_are_added_to_those_there_were():
    before = unchanged()
    log = changed(CHANGES["rate"])
    assert set(before.leads["lead_id"]) <= set(log.leads["lead_id"])
    new = log.leads[~log.leads["lead_id"].isin(before.leads["lead_id"])]
    assert set(new["source"]) == {"ad"}
    assert (new["arrived_at"] >= SINCE).all()
    assert len(new) == pytest.approx(60, abs=30)


def test_changes_add_up_in_the_order_of_their_dates():
    one_more = {"teams.desk.seats": {"add": 1}}
    scenario = dated(z=(DAY, one_more), a=("2026-04-02", one_more), b=("2026-04-02", one_more))
    seats = [(str(day), then.teams["desk"].seats) for day, then in timetable(scenario)]
    assert seats == [("2026-03-30", 4), ("2026-04-02", 5), ("2026-04-02", 6)]


def test_what_is_known_from_the_start_is_a_plain_change():
    """Dated before the run, or on its very first day (of the warm-up)."""
    whole = simulate(
        Scenario.model_validate(FUNNEL).change("more", {"teams.desk.seats": 1}), seed=3
    )
    for day in ("2020-01-01", "2026-03-21"):
        log = changed({"teams.desk.seats": 1}, day)
        assert log.visits.equals(whole.visits)
        assert log.efforts.equals(whole.efforts)


def test_what_comes_after_the_end_changes_nothing():
    before = unchanged()
    log = changed(CHANGES["seats"], "2026-04-06")
    assert log.visits.equals(before.visits)
    assert log.meta.teams == before.meta.teams


REFUSED = {
    "there is no": {"sources.web.rat": "3 / d"},
    "sum to": {"stages.call.next.to": {"won": 0.9, "lost": 0.9}},
    "there is no stage": {"stages.call.next": "wom"},
    "stages.new: cannot appear": {"stages.new": {"next": "won"}},
    "sources.fair: cannot appear": {"sources.fair": {"stage": "won", "rate": "5 / d"}},
    "teams.back: cannot appear": {"teams.back": {"seats": 1}},
    "run.horizon: holds for the whole run": {"run.horizon": "30 w"},
    "time_zone: holds for the whole run": {"time_zone": "UTC"},
    "currency: holds for the whole run": {"currency": "USD"},
    "carry their own dates": {
        "sources.web.rate": None,
        "sources.web.counts": {"start": DAY, "paths": [[3]]},
    },
}


@pytest.mark.parametrize("message", REFUSED)
@pytest.mark.parametrize("day", [DAY, "2027-01-01"])
def test_nonsense_is_refused(message, day):
    """Before anything is simulated, also where the date lies beyond the horizon."""
    scenario = dated(then=(day, REFUSED[message]))
    with pytest.raises(ScenarioError, match=message) as refused:
        simulate(scenario, seed=3)
    assert all(problem.path.startswith("changes.then") for problem in refused.value.problems)
    assert [f.severity for f in scenario.check() if f.path.startswith("changes.then")] == ["error"]


def test_a_change_needs_a_date():
    with pytest.raises(ScenarioError, match=r"changes\.then: has no date\. Add start"):
        simulate(dated(then=("", CHANGES["seats"])), seed=3)


def test_all_problems_at_once_each_with_its_line():
    text = """\
funnelsim: 1
name: tiny
run: {start: 2026-01-05, horizon: 4 w}
sources: {web: {stage: won, rate: 5 / d}}
stages: {won: {marks: won}}
changes:
  faster:
    start: 2026-01-12
    set:
      sources.web.rat: 9 / d
  elsewhere:
    start: 2026-01-19
    set: {time_zone: UTC}
  never:
    set: {sources.web.rate: 9 / d}
"""
    document = parse_document(text, "tiny.yaml", ScenarioError)
    with pytest.raises(ScenarioError) as refused:
        require_sound(read_scenario(document), document)
    places = {problem.where.rsplit(":", 1)[0] for problem in refused.value.problems}
    assert places == {"tiny.yaml:10", "tiny.yaml:13", "tiny.yaml:14"}
