"""Forecasts of staffing: one desk by formula, promises kept in the simulation, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim import shipped
from funnelsim.errors import DataError, InputError, ParameterError
from funnelsim.forecasting.leads import forecast_leads
from funnelsim.planning.incoming import set_to_leads
from funnelsim.planning.rostering.roster import Roster
from funnelsim.planning.staffing.erlang import seats_needed
from funnelsim.planning.staffing.service import read_service_level, service_levels
from funnelsim.planning.staffing.staffing import forecast_staffing
from funnelsim.planning.staffing.trial import Stretch, seats_change, with_seats
from funnelsim.planning.staffing.workload import SLOTS, OpenHours
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import WorkTime


def desk(rate="480 / d", work="3 min", horizon="2 w", **parts):
    """One desk, always open unless said otherwise, work of exponential length."""
    team = {"seats": 5, **parts.pop("team", {})}
    effort = {"team": "desk", "duration": {"family": "exponential", "mean": work}}
    stage = {"efforts": {"answer": effort}, "next": {"advance": "won", "to": {"won": 1}}}
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "desk",
            "run": {"start": "2026-03-02", "horizon": horizon},
            "teams": {"desk": team},
            "sources": {"calls": {"stage": "call", "rate": rate, **parts.pop("source", {})}},
            "stages": {"call": {**stage, **parts.pop("stage", {})}, "won": {"marks": "won"}},
            **parts,
        }
    )


OFFICE = {"calendars": {"office": {"hours": {"mon-fri": "09:00-17:00"}}}, "calendar": "office"}


@pytest.fixture(scope="module")
def steady():
    """20 calls an hour of 3 minutes, round the clock: one erlang."""
    return forecast_staffing(desk(), service_level="80/20", n=6, trials=10, seed=3)


# --- numbers


def test_one_desk_is_staffed_by_erlang(steady):
    """20 calls an hour of 3 minutes are 1 erlang: the published formula's seats, all week."""
    need = steady.needs["desk"]
    assert (need.method, need.clock) == ("erlang C", "elapsed")
    wanted = int(seats_needed(1.0, handling=180, share=0.8, within=20, max_occupancy=0.85))
    assert np.median(need.seats) == wanted == 3
    assert need.work.mean() == pytest.approx(168, rel=0.1)


def test_the_plan_keeps_its_promise_in_the_simulation(steady):
    """On replications that neither plan nor trial has seen; interval of 95 %."""
    row = steady.check(n=12).iloc[0]
    assert row["verdict"] == "kept"
    assert row["lo"] >= 0.8
    assert row["occupancy"] < 0.85


def test_fte_is_seats_by_coverage_by_contract(steady):
    """Glossary: FTE = seats ÷ (1 - shrinkage) × coverage hours ÷ contract hours."""
    plan = steady.plan.iloc[0]
    assert plan["fte"] == pytest.approx(plan["seat_hours"] / 40)
    assert plan["fte_now"] == pytest.approx(5 * 168 / 40)
    lost = forecast_staffing(desk(), service_level="80/20", n=6, trials=0, shrinkage=0.3, seed=3)
    grid = lost.needs["desk"].seat_hours / 40 / 0.7
    np.testing.assert_allclose(lost.paths("desk"), grid)


def test_patience_makes_it_erlang_a():
    patient = {"patience": {"after": {"family": "exponential", "mean": "1 min"}, "to": "won"}}
    found = forecast_staffing(
        desk("576 / d", stage=patient), service_level="80/20", n=6, trials=0, seed=3
    )
    assert found.needs["desk"].method == "erlang A"
    wanted = seats_needed(1.2, handling=180, share=0.8, within=20, patience=60, max_occupancy=0.85)
    assert np.median(found.needs["desk"].seats) == wanted


def test_work_that_may_wait_needs_hardly_more_than_its_hours():
    """80 erlang-hours a week in 40 open hours at 85 %: 3 seats, and never fewer than the limit."""
    found = forecast_staffing(
        desk("230 / d", **OFFICE), service_level="80% in 4 h", n=6, trials=6, seed=3
    )
    need = found.needs["desk"]
    assert (need.method, need.clock) == ("replay", "open")
    assert need.reachable < 0.5
    assert (need.work <= 0.85 * need.seat_hours + 1e-9).all()
    assert set(need.seats.ravel().tolist()) <= {3, 4}
    assert (found.trial["verdict"] == "kept").all()


def test_replay_is_the_fewest_seats_that_do():
    """One seat fewer breaks promise or occupancy on the same path, by brute force."""
    from funnelsim.planning.staffing.requirement import _serve

    found = forecast_staffing(
        desk("230 / d", horizon="1 w", **OFFICE), service_level="80% in 2 bh", n=4, trials=0, seed=5
    )
    need, clock = found.needs["desk"], found.load.clocks["desk"]
    for path, asked in enumerate(found.load.asked):
        come = clock.elapsed(asked["desk"].queued)
        work = asked["desk"].work
        seats = int(need.seats[path, 0, 0])
        late = come + 2 * 3_600_000_000

        def kept(seats, come=come, work=work, late=late):
            free = [0] * seats
            good = _serve(come, work, late, free) / len(come)
            return good >= 0.8 and work.sum() / (seats * 40 * 3.6e9) <= 0.85

        assert kept(seats)
        assert not kept(seats - 1)


def test_a_seat_more_where_queues_feed_each_other_is_found_by_the_trial():
    """What the trial adds is in the plan, and in nothing that the paths say."""
    found = forecast_staffing(desk(), service_level="80/20", n=4, trials=0, seed=3)
    assert found.added == {"desk": 0}
    assert len(found.trial) == 0
    assert (found.grid("desk") == found.needs["desk"].grid(0.8)).all()


def test_same_seed_same_plan():
    one, other = (
        forecast_staffing(desk(), service_level="80/20", n=3, trials=0, seed=9) for _ in range(2)
    )
    pd.testing.assert_frame_equal(one.table, other.table)


# --- rosters and hires


def test_a_roster_keeps_the_promise_in_the_simulation():
    """The roster of the busiest week, run week after week: interval of 95 % above the promise."""
    found = forecast_staffing(
        desk("300 / d", team={"shrinkage": 0.1}, **OFFICE),
        service_level="80% in 2 bh",
        n=6,
        trials=10,
        seed=4,
    )
    roster = found.roster("desk")
    assert roster.proven
    need = -(-found.grid("desk")[found.busiest("desk")] // 0.9)
    assert (roster.staffed.ravel() >= need).all()
    row = found.check_roster("desk", roster, n=12).iloc[0]
    assert row["verdict"] == "kept"
    assert row["lo"] >= 0.8


def test_an_empty_roster_breaks_it(steady):
    need, none = np.zeros((7, 48)), np.zeros((7, 48), np.int64)
    nobody = Roster(need, none, pd.DataFrame(), 0.0, 0.0, proven=True)
    row = steady.check_roster("desk", nobody, n=3).iloc[0]
    assert row["verdict"] == "broken"


def test_hires_follow_the_gap(steady):
    plan = steady.hiring("desk")
    need = steady.paths("desk").mean(axis=1).max()
    assert plan.people == pytest.approx(21)
    assert (plan.planned > 0).any() == (need > 21)


# --- seats as a change


def test_seats_are_layers_of_calendars():
    scenario = desk(**OFFICE)
    seats = np.zeros(SLOTS, np.int64)
    seats[18:34] = 2  # Monday 9:00 to 17:00
    seats[20:24] = 5  # 10:00 to 12:00
    change = seats_change(scenario, {"desk": [Stretch(seats)]})
    staff = change.overrides["teams.desk.staff"]
    assert [entry["seats"] for entry in staff] == [2, 3]
    hours = [change.overrides[f"calendars.{entry['calendar']}"]["hours"] for entry in staff]
    assert hours == [{"mon": ["09:00-17:00"]}, {"mon": ["10:00-12:00"]}]
    assert with_seats(scenario, {"desk": [Stretch(seats)]}).teams["desk"].seats is None


def test_shrinkage_comes_on_top_unless_people_are_scheduled():
    scenario = desk(team={"shrinkage": 0.25})
    flat = np.full(SLOTS, 3)
    at_work = seats_change(scenario, {"desk": [Stretch(flat)]})
    rostered = seats_change(scenario, {"desk": [Stretch(flat, scheduled=True)]})
    assert at_work.overrides["teams.desk.staff"][0]["seats"] == 4
    assert rostered.overrides["teams.desk.staff"][0]["seats"] == 3


def test_open_hours_agree_with_their_calendar():
    work = WorkTime([10, 30, 50], [20, 40, 55], 10)
    clock, at = OpenHours(work), np.arange(0, 60)
    assert clock.elapsed(at).tolist() == [work.elapsed(int(t)) for t in at]
    assert clock.next_open(at[:55]).tolist() == [work.next_open(int(t)) for t in at[:55]]


# --- leads


def test_a_table_of_leads_sets_window_and_number():
    table = pd.DataFrame({"week": ["2026-06-01", "2026-06-08"], "leads": [700, 1400]})
    found = forecast_staffing(table, desk(), service_level="80/20", n=8, trials=0, seed=1)
    assert found.periods[0] == pd.Timestamp("2026-06-01")
    hours = found.paths("desk", "work").mean(axis=0)
    np.testing.assert_allclose(hours, [35, 70], rtol=0.1)  # 3 minutes each


def test_months_are_dealt_out_to_days():
    table = pd.DataFrame({"month": ["2026-06-01", "2026-07-01"], "leads": [3000, 3100]})
    filled = set_to_leads(desk(), table, n=3, seed=1)
    counts = filled.sources["calls"].counts
    assert counts is not None
    assert str(counts.every) == "1 d"
    assert {len(path) for path in counts.paths} == {61}
    assert str(filled.run.horizon) == "61 d"


def test_a_lead_forecast_drives_the_plan():
    """Its paths are the paths of the plan."""
    weeks = pd.date_range("2025-06-02", periods=40, freq="W-MON")
    table = pd.DataFrame({"week": weeks, "n": [1000, 1100, 1050, 990] * 10})
    leads = forecast_leads(table, "3 w", profile="fast", n_paths=10, seed=1)
    filled = set_to_leads(desk(), leads, n=5, seed=1)
    counts = filled.sources["calls"].counts
    assert counts is not None
    assert [path[-3:] for path in counts.paths] == [tuple(row) for row in leads.total[:5].tolist()]
    found = forecast_staffing(leads, desk(), service_level="80/20", n=5, trials=0, seed=1)
    assert len(found.periods) == 4
    assert found.issued()["quantile"].nunique() == 6


def test_sources_are_known_by_id_and_label():
    scenario = desk(source={"label": "Phone calls"})
    table = pd.DataFrame({"period": ["2026-06-01"], "leads": [70], "source": ["Phone calls"]})
    assert set_to_leads(scenario, table, n=2, seed=1).sources["calls"].counts is not None
    with pytest.raises(DataError, match='no source "post"'):
        set_to_leads(scenario, table.assign(source="post"), n=2, seed=1)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"period": ["2026-06-01"], "leads": [-3]}, "-3 leads in the period from 2026-06-01"),
        ({"period": ["2026-06-01"], "leads": [float("nan")]}, "nan leads"),
        ({"period": ["2026-06-01", "2026-06-01"], "leads": [1, 2]}, "there twice: 2026-06-01"),
        (
            {"period": ["2026-06-01", "2026-06-08", "2026-06-22"], "leads": [1, 2, 3]},
            "2026-06-08 to 2026-06-22",
        ),
        ({"period": ["2026-06-01"], "leads": [0]}, "no leads at all"),
        ({"period": ["2026-06-01"]}, 'column "leads" is missing'),
        ({"leads": [3]}, 'column "period" is missing'),
        ({"period": ["soon"], "leads": [3]}, "soon"),
    ],
)
def test_leads_that_are_none(table, said):
    with pytest.raises(DataError, match=said):
        set_to_leads(desk(), pd.DataFrame(table), n=2, seed=1)


# --- promises and numbers


@pytest.mark.parametrize(
    ("text", "share", "within"),
    [
        ("80% in 4 h", 0.8, "4 h"),
        ("80 % within 20 s", 0.8, "20 s"),
        ("80/20", 0.8, "20 s"),
        ("92.5% in 1 bd", 0.925, "1 bd"),
        ("92,5 % < 30 min", 0.925, "30 min"),
    ],
)
def test_promises_as_people_write_them(text, share, within):
    level = read_service_level(text)
    assert level.share == pytest.approx(share)
    assert str(level.within) == within


@pytest.mark.parametrize(
    "text", ["soon", "80%", "0% in 4 h", "100% in 4 h", "80% in 4", "80% in 0 h", "80% in 1 mo", ""]
)
def test_promises_that_cannot_be_read(text):
    with pytest.raises(ParameterError, match="80% in 4 h"):
        read_service_level(text)


def test_all_wrong_promises_are_told():
    with pytest.raises(ParameterError) as refused:
        service_levels({"desk": "soon", "post": "80/20"}, ["desk"])
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"teams": ["post"]}, 'no team "post"'),
        ({"max_occupancy": 1.2}, "max_occupancy is 1.2"),
        ({"sure": 0}, "sure is 0"),
        ({"n": 1}, "n is 1"),
        ({"trials": -1}, "trials is -1"),
        ({"shrinkage": 1.0}, "shrinkage.desk"),
        ({"shrinkage": {"post": 0.1}}, 'no team "post"'),
        ({"contract": "40"}, "contract"),
        ({"contract": "200 h"}, "contract"),
        ({"service_level": "fast"}, "fast"),
    ],
)
def test_numbers_out_of_range(wrong, said):
    with pytest.raises(ParameterError, match=said):
        forecast_staffing(desk(), **wrong)


def test_zero_demand_and_nobody_to_work():
    with pytest.raises(InputError, match="no work for any team"):
        forecast_staffing(desk("0 / d"), n=2)
    nobody = Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "nobody",
            "run": {"start": "2026-01-05", "horizon": "4 w"},
            "sources": {"web": {"stage": "won", "rate": "5 / d"}},
            "stages": {"won": {"marks": "won"}},
        }
    )
    with pytest.raises(ParameterError, match="no teams"):
        forecast_staffing(nobody)
    with pytest.raises(ParameterError, match="no scenario"):
        forecast_staffing(None)


def test_questions_about_what_is_not_there(steady):
    with pytest.raises(ParameterError, match='no team "post"'):
        steady.paths("post")
    with pytest.raises(ParameterError, match='no measure "heads"'):
        steady.paths("desk", "heads")
    with pytest.raises(ParameterError, match="no week 7"):
        steady.roster("desk", week=7)


def test_seats_are_planned_for_a_team_called_like_its_calendar():
    doors = load(shipped.scenarios() / "apartment-doors.yaml")
    planned = with_seats(doors, {"workshop": [Stretch(np.full(336, 3))]})
    assert [staff.seats for staff in planned.teams["workshop"].staff] == [3]
