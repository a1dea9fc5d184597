"""The engine case by case: what a planner would count on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from funnelsim import streams
from funnelsim.engine import simulate, tally
from funnelsim.engine.planning import make_plan
from funnelsim.errors import ParameterError, RunError, ScenarioError
from funnelsim.scenarios.scenario import Scenario

MONDAY = "2026-01-05"
OFFICE = {"office": {"hours": {"mon-fri": "09:00-17:00"}}}


def funnel(stages, at=("2026-01-05T10:00",), **parts):
    """Leads at given moments; they enter the first stage."""
    data = {
        "funnelsim": 1,
        "name": "case",
        "run": {"start": MONDAY, "horizon": "2 w"},
        "sources": {"web": {"stage": next(iter(stages)), "replay": list(at)}},
        "stages": stages,
    }
    return Scenario.model_validate(data | parts)


def clock(times):
    """Day of January and time of day."""
    return [f"{t:%d %H:%M}" if pd.notna(t) else "" for t in times]


def desk(**team):
    return {"desk": {"seats": 1} | team}


def work(duration, **effort):
    return {"it": {"team": "desk", "duration": duration} | effort}


# --- what is refused ------------------------------------------------------------------------------


def test_all_wrong_arguments_are_named_at_once():
    with pytest.raises(ParameterError) as error:
        simulate(funnel({"a": {}}), seed=-1, replication=2**64, engine="fast")  # type: ignore[arg-type]
    said = str(error.value)
    assert "seed is -1" in said
    assert f"replication is {2**64}" in said
    assert "engine is 'fast'" in said


def test_business_delays_need_a_calendar():
    with pytest.raises(ScenarioError, match=r"stages\.a\.delay_before: .* no calendar"):
        simulate(funnel({"a": {"delay_before": "2 bh"}}), seed=1)


def test_business_days_of_work_need_a_calendar_and_hours_do_not():
    day = funnel({"a": {"efforts": work("1 bd")}}, teams=desk())
    with pytest.raises(ScenarioError, match=r"a\.efforts\.it\.duration: .* desk has no calendar"):
        simulate(day, seed=1)
    hours = funnel({"a": {"efforts": work("2 bh")}}, teams=desk())
    assert clock(simulate(hours, seed=1).efforts["ended_at"]) == ["05 12:00"]


def test_money_needs_a_currency():
    with pytest.raises(ScenarioError, match="no currency"):
        simulate(funnel({"a": {"marks": {"kind": "paid", "value": 100}}}), seed=1)


@pytest.mark.parametrize(
    "stage",
    [
        {"next": "a"},
        {"delay_before": "1 h", "timeout": {"after": "0 min", "to": "a"}, "next": "b"},
    ],
)
@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_loop_in_no_time_ends_with_an_error(stage, engine):
    """Instead of never; should the checks ever miss one."""
    with pytest.raises(RunError, match="goes round in a for ever"):
        tally(make_plan(funnel({"a": stage, "b": {}})), seed=1, engine=engine)


def test_ids_that_share_a_hash_are_refused(monkeypatch):
    monkeypatch.setattr(streams, "hash_id", lambda text: len(text) // 20)
    with pytest.raises(ScenarioError, match="share a hash"):
        make_plan(funnel({"a": {"efforts": work("1 h")}}, teams=desk()))


# --- work and calendars ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_close", "ended"),
    [("finish", ["05 18:00", "06 11:00"]), ("pause", ["06 10:00", "06 12:00"])],
)
def test_closing_time(at_close, ended):
    """Work of two hours, begun at four: finished by six, or laid down at five until nine."""
    scenario = funnel(
        {"a": {"efforts": work("2 h")}},
        at=["2026-01-05T16:00", "2026-01-05T16:30"],
        calendar="office",
        calendars=OFFICE,
        teams=desk(at_close=at_close),
    )
    log = simulate(scenario, seed=1)
    assert clock(log.efforts["ended_at"]) == ended
    assert clock(log.efforts["started_at"]) == [
        "05 16:00",
        ended[0] if at_close == "pause" else "06 09:00",
    ]


def test_work_that_ends_exactly_at_closing_time_is_over():
    scenario = funnel(
        {"a": {"efforts": work("1 h"), "next": "b"}, "b": {}},
        at=["2026-01-05T16:00"],
        calendar="office",
        calendars=OFFICE,
        teams=desk(at_close="pause"),
    )
    log = simulate(scenario, seed=1)
    assert clock(log.efforts["ended_at"]) == ["05 17:00"]
    assert clock(log.visits["entered_at"]) == ["05 16:00", "05 17:00"]


def test_who_comes_at_closing_time_waits_until_opening():
    """The opening hours are [09:00, 17:00)."""
    scenario = funnel(
        {"a": {"efforts": work("1 h")}},
        at=["2026-01-09T16:59", "2026-01-09T17:00"],
        calendar="office",
        calendars=OFFICE,
        teams={"desk": {"seats": 2}},
    )
    assert clock(simulate(scenario, seed=1).efforts["started_at"]) == ["09 16:59", "12 09:00"]


def test_priority_then_waiting_time():
    """The first is being worked on; of the others the urgent one goes first."""
    late = {"stage": "urgent", "replay": ["2026-01-05T10:20"]}
    early = {"stage": "plain", "replay": ["2026-01-05T10:00", "2026-01-05T10:10"]}
    scenario = funnel(
        {"plain": {"efforts": work("1 h")}, "urgent": {"efforts": work("1 h", priority=-1)}},
        teams=desk(),
    )
    scenario = Scenario.model_validate(scenario.plain() | {"sources": {"e": early, "l": late}})
    log = simulate(scenario, seed=1)
    assert clock(log.efforts["queued_at"]) == ["05 10:00", "05 10:10", "05 10:20"]
    assert clock(log.efforts["started_at"]) == ["05 10:00", "05 12:00", "05 11:00"]


# --- time-outs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "how", "left"),
    [
        ({"delay_before": "3 h"}, "moved", "05 13:00"),
        ({"delay_before": "3 h", "delay_after": "1 min"}, "timed_out", "05 13:00"),
        ({"delay_before": "1 h", "efforts": work("2 h")}, "moved", "05 13:00"),
        ({"delay_before": "3 h", "efforts": work("0 h")}, "timed_out", "05 13:00"),
        ({"delay_before": "1 h", "efforts": work("3 h")}, "timed_out", "05 13:00"),
        ({"delay_before": "1 d"}, "timed_out", "05 13:00"),
    ],
)
def test_a_stay_complete_at_the_time_out_counts(stage, how, left):
    """Three hours: what is over by then moves on, work that would only begin does not."""
    scenario = funnel(
        {
            "a": {**stage, "timeout": {"after": "3 h", "to": "late"}, "next": "b"},
            "b": {},
            "late": {},
        },
        teams=desk(),
    )
    visit = simulate(scenario, seed=1).visits.iloc[0]
    assert (visit["exit"], visit["next_stage"]) == (how, "late" if how == "timed_out" else "b")
    assert clock([visit["left_at"]]) == [left]


def test_who_times_out_in_the_queue_leaves_it():
    """The seat goes to the next in line, and the log shows work that never began."""
    scenario = funnel(
        {"a": {"efforts": work("4 h"), "timeout": {"after": "5 h", "to": "late"}}, "late": {}},
        at=["2026-01-05T10:00", "2026-01-05T10:05", "2026-01-05T13:00"],
        teams=desk(),
    )
    log = simulate(scenario, seed=1)
    assert clock(log.efforts["started_at"]) == ["05 10:00", "05 14:00", "05 15:05"]
    assert clock(log.efforts["ended_at"]) == ["05 14:00", "05 15:05", "05 18:00"]
    queue = funnel(
        {"a": {"efforts": work("9 h"), "timeout": {"after": "5 h", "to": "late"}}, "late": {}},
        at=["2026-01-05T10:00", "2026-01-05T10:00:01"],
        teams=desk(seats=0),
    )
    given_up = simulate(queue, seed=1).efforts
    assert clock(given_up["started_at"]) == ["", ""]
    assert clock(given_up["ended_at"]) == ["05 15:00", "05 15:00"]


# --- the window -----------------------------------------------------------------------------------


def test_the_warm_up_leaves_open_leads_and_no_others():
    """Who was gone before the window is not in the log; who is there has a whole history."""
    scenario = funnel(
        {"a": {"delay_before": "3 d", "next": "b"}, "b": {}},
        at=["2026-01-01T10:00", "2026-01-03T10:00", "2026-01-05T10:00"],
        run={"start": MONDAY, "horizon": "2 w", "warm_up": "1 w"},
    )
    log = simulate(scenario, seed=1)
    assert clock(log.leads["arrived_at"]) == ["03 10:00", "05 10:00"]
    assert clock(log.leads["observed_from"]) == ["05 00:00", "05 10:00"]
    assert clock(log.visits["entered_at"]) == ["03 10:00", "06 10:00", "05 10:00", "08 10:00"]


def test_what_is_not_over_at_the_end_is_open():
    """What would happen at the very end does not: the window is [start, end)."""
    scenario = funnel(
        {"a": {"efforts": work("2 h"), "next": "b"}, "b": {}},
        at=["2026-01-05T22:00", "2026-01-05T23:00", "2026-01-06T00:00"],
        run={"start": MONDAY, "horizon": "1 d"},
        teams={"desk": {"seats": 1}},
    )
    log = simulate(scenario, seed=1)
    assert log.visits["exit"].tolist() == ["open", "open"]
    assert clock(log.efforts["started_at"]) == ["05 22:00", ""]
    assert clock(log.efforts["ended_at"]) == ["", ""]


def test_a_month_is_a_month_of_the_calendar():
    scenario = funnel(
        {"a": {"delay_before": "1 mo", "next": "b"}, "b": {}},
        at=["2026-01-31T09:30"],
        run={"start": MONDAY, "horizon": "2 mo"},
        time_zone="Europe/Kyiv",
    )
    entered = simulate(scenario, seed=1).visits["entered_at"].dt.tz_convert("Europe/Kyiv")
    assert [f"{t:%m-%d %H:%M}" for t in entered] == ["01-31 09:30", "02-28 09:30"]


# --- money, marks, bookkeeping --------------------------------------------------------------------


def test_won_counts_the_deal_and_marks_have_their_own_money():
    marks = [{"kind": "won"}, {"kind": "paid", "value": 12.345, "cost": 1}, "qualified"]
    source = {"stage": "a", "replay": ["2026-01-05T10:00"], "value": 1000, "cost": "7.5"}
    scenario = funnel({"a": {"marks": marks}}, currency="UAH", sources={"web": source})
    rows = simulate(scenario, seed=1).marks.set_index("kind")
    assert rows["value"].dropna().to_dict() == {"won": 100_000, "paid": 1234}
    assert rows.loc["acquired", "cost"] == 750
    assert rows.loc["paid", "cost"] == 100
    assert rows["currency"].dropna().unique().tolist() == ["UAH"]


def test_the_yen_has_no_minor_unit():
    source = {"stage": "a", "replay": ["2026-01-05T10:00"], "value": 1000}
    scenario = funnel({"a": {"marks": "won"}}, currency="JPY", sources={"web": source})
    assert simulate(scenario, seed=1).marks["value"].tolist() == [1000]


def test_replications_have_their_own_leads():
    scenario = funnel({"a": {}}, sources={"web": {"stage": "a", "rate": "30 / d"}})
    logs = [simulate(scenario, seed=1, replication=r) for r in (0, 1)]
    ids = [set(log.leads["lead_id"]) for log in logs]
    assert not ids[0] & ids[1]
    assert [log.leads["replication"].unique().tolist() for log in logs] == [[0], [1]]


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_seed_and_replication_may_come_out_of_an_array(engine):
    scenario = funnel({"a": {}}, sources={"web": {"stage": "a", "rate": "3 / d"}})
    pairs: tuple[tuple[Any, Any], ...] = ((np.int64(7), np.uint8(2)), (7, 2))
    logs = [simulate(scenario, seed=s, replication=r, engine=engine) for s, r in pairs]
    pd.testing.assert_frame_equal(logs[0].leads, logs[1].leads)


def test_the_log_says_where_it_comes_from():
    scenario = funnel({"a": {}})
    told = simulate(scenario, seed=12, replication=3).meta.provenance
    assert (told["scenario"], told["seed"], told["replication"]) == ("case", "12", "3")
    assert told["scenario_sha256"] == scenario.fingerprint()


def test_progress_rises_to_one_and_changes_nothing():
    heard: list[float] = []
    scenario = funnel({"a": {}}, sources={"web": {"stage": "a", "rate": "30 / d"}})
    log = simulate(scenario, seed=1, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1
    assert len(heard) > 20
    assert log.equals(simulate(scenario, seed=1))
