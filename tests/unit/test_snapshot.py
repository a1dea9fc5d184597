"""Snapshots, and how a run goes on from them: little funnels that can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from funnelsim.engine import make_plan, simulate, tally
from funnelsim.engine.simulation import Engine
from funnelsim.engine.snapshot import Snapshot, snapshot
from funnelsim.errors import ParameterError
from funnelsim.events import EventLog
from funnelsim.experiments import replicate
from funnelsim.scenarios.scenario import Scenario

ENGINES: tuple[Engine, ...] = ("reference", "compiled")
NOON = pd.Timestamp("2026-01-05 12:00", tz="UTC")


def made(stages: dict[str, Any], *, at: list[str] | None = None, **parts: Any) -> Scenario:
    """A funnel of the stages, which leads enter at the first."""
    replay = at or ["2026-01-05 00:00"]
    source = {"stage": next(iter(stages)), "replay": replay} | parts.pop("source", {})
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "small",
            "currency": "UAH",
            "run": {"start": "2026-01-05", "horizon": "4 w"},
            "sources": parts.pop("sources", {"web": source}),
            "stages": stages,
        }
        | parts
    )


def cut(scenario: Scenario, moment: str = "2026-01-05 12:00") -> Snapshot:
    return snapshot(simulate(scenario, seed=1), moment)


def on(
    scenario: Scenario, start: Snapshot, engine: Engine = "reference", seed: int = 2
) -> EventLog:
    return simulate(scenario, seed=seed, start=start, engine=engine)


def hours(times: pd.Series) -> list[float]:
    """Hours after noon of the first day."""
    return ((times - NOON).dt.total_seconds() / 3600).tolist()


# --- what a snapshot holds --------------------------------------------------------------------


def busy(**parts: Any) -> Scenario:
    """Ten leads an hour apart, two pieces of work and one seat each."""
    stages: dict[str, Any] = {
        "ask": {
            "delay_before": "30 min",
            "efforts": {
                "call": {"team": "desk", "duration": "2 h"},
                "note": {"team": "back", "duration": "1 h"},
            },
            "delay_after": "90 min",
            "next": "won",
        },
        "won": {"marks": "won"},
    }
    at = [f"2026-01-05 {hour:02d}:45" for hour in range(2, 12)]
    teams = {"desk": {"seats": 1}, "back": {"seats": 1}}
    return made(stages, at=at, teams=teams, source={"value": 900}, **parts)


def test_a_snapshot_tells_the_phase_and_the_work():
    deals = cut(busy()).deals.sort_values("arrived_at", ignore_index=True)
    assert deals["phase"].tolist() == ["working"] * 2 + ["queued"] * 4 + ["before"]
    assert deals["effort"].fillna("").tolist() == ["note", *["call"] * 5, ""]
    assert hours(deals["started_at"].iloc[:2]) == [-0.75, -0.75]
    assert hours(deals["queued_at"].iloc[2:6]) == [-3.75, -2.75, -1.75, -0.75]
    assert deals["waited"].iloc[0] == 3 * 3_600_000_000, "for the call; the note began at once"
    assert set(deals["nth"]) == set(deals["visit"]) == {1}
    assert deals["value"].isna().all(), "known only when won"


def test_a_snapshot_does_not_peek():
    log = simulate(busy(), seed=1)
    cut_first, cut_there = snapshot(log.as_of(NOON)), snapshot(log, NOON)
    for name in ("deals", "visits", "efforts", "marks"):
        pd.testing.assert_frame_equal(getattr(cut_first, name), getattr(cut_there, name))
    assert cut_first.at == cut_there.at == NOON
    assert (cut_there.deals["arrived_at"] <= NOON).all()


def test_the_value_is_that_of_the_lead_or_of_its_latest_mark():
    stages = {
        "ask": {
            "marks": [{"kind": "qualified", "value": 70}],
            "delay_before": "1 d",
            "next": "won",
        },
        "won": {"marks": {"kind": "won", "value": "deal"}},
    }
    scenario = made(stages, source={"value": 900})
    log = simulate(scenario, seed=1)
    start = snapshot(log, NOON)
    assert start.deals["value"].tolist() == [7000]
    given = log.leads.assign(amount=pd.array([4200], "Int64"))
    other = EventLog(given, log.visits, log.efforts, log.marks, log.meta)
    start = snapshot(other, NOON)
    assert start.deals["value"].tolist() == [4200]
    for engine in ENGINES:
        marks = on(scenario, start, engine).marks
        assert marks.loc[marks["kind"] == "won", "value"].tolist() == [4200]


# --- going on ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_constant_times_go_on_as_if_nothing_had_happened(engine):
    """Queues in their order, work in hand, delays: the whole run is the run cut in two."""
    whole, start = simulate(busy(), seed=1), cut(busy())
    log = on(busy(), start, engine)
    for table in ("visits", "efforts"):
        one, other = getattr(whole, table), getattr(log, table)
        end = "left_at" if table == "visits" else "ended_at"
        key = ["lead_id", "visit", *(["effort"] if table == "efforts" else [])]
        later = one[(one[end] > NOON) & one["lead_id"].isin(log.leads["lead_id"])]
        pd.testing.assert_frame_equal(
            later.sort_values(key).reset_index(drop=True),
            other.sort_values(key).reset_index(drop=True),
        )
    assert log.meta.observed_from == NOON
    assert log.meta.observed_until == NOON + pd.Timedelta(28, "D")
    assert log.leads["observed_from"].eq(NOON).all()
    assert (log.leads["arrived_at"] < NOON).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_work_in_hand_keeps_its_seat_though_there_are_fewer(engine):
    stages = {
        "ask": {"efforts": {"call": {"team": "desk", "duration": "20 h"}}, "next": "won"},
        "won": {},
    }
    at = ["2026-01-05 00:00"] * 3
    start = cut(made(stages, at=at, teams={"desk": {"seats": 2}}))
    assert start.deals["phase"].tolist().count("working") == 2
    log = on(made(stages, at=at, teams={"desk": {"seats": 1}}), start, engine)
    assert sorted(hours(log.efforts["ended_at"])) == [8, 8, 28]
    assert sorted(hours(log.efforts["started_at"])) == [-12, -12, 8]


@pytest.mark.parametrize("engine", ENGINES)
def test_time_outs_that_are_past_come_at_once_and_others_from_the_entry(engine):
    before = made({"ask": {"delay_before": "9 d", "next": "won"}, "won": {}, "lost": {}})
    start = cut(before)
    for limit, when in (("6 h", 0.0), ("15 h", 3.0), ("1 bd", 0.0)):
        stages = {
            "ask": {
                "delay_before": "9 d",
                "timeout": {"after": limit, "to": "lost"},
                "next": "won",
            },
            "won": {},
            "lost": {},
        }
        calendars = {"office": {"hours": {"mon-fri": "1-9"}}}
        log = on(made(stages, calendars=calendars, calendar="office"), start, engine)
        assert log.visits["exit"].tolist() == ["timed_out", "ended"]
        assert hours(log.visits["left_at"].iloc[:1]) == [when]


@pytest.mark.parametrize("engine", ENGINES)
def test_stay_age_and_visits_count_from_the_real_times(engine):
    cases = [{"when": {"stay": "20 h"}, "to": {"lost": 1}}]
    way = {"advance": "won", "to": {"won": 1}, "cases": cases}
    old = [{"when": {"visit": 3, "age": "50 h"}, "to": {"lost": 1}}]
    loop = {"advance": "ask", "to": {"ask": 1}, "cases": old}
    both = {"ask": {"delay_after": "20 h"}, "won": {}, "lost": {}}
    stays = made(both | {"ask": {"delay_after": "20 h", "next": way}})
    log = on(stays, cut(stays), engine)
    assert log.visits["stage"].tolist() == ["ask", "lost"]
    loops = made(both | {"ask": {"delay_after": "20 h", "next": loop}})
    log = on(loops, cut(loops, "2026-01-06 12:00"), engine)
    assert log.visits["visit"].tolist() == [2, 3, 4]
    assert log.visits["stage"].tolist() == ["ask", "ask", "lost"]


@pytest.mark.parametrize("engine", ENGINES)
def test_waits_of_before_count_for_cases(engine):
    """A lead has queued for nine hours at the cut, and for eight more after it."""
    cases = [{"when": {"wait": "20 h"}, "to": {"lost": 1}}]
    stages = {
        "ask": {
            "efforts": {"call": {"team": "desk", "duration": "20 h"}},
            "next": {"advance": "won", "to": {"won": 1}, "cases": cases},
        },
        "won": {},
        "lost": {},
    }
    scenario = made(stages, at=["2026-01-05 00:00"] * 2, teams={"desk": {"seats": 1}})
    log = on(scenario, cut(scenario), engine)
    ways = log.visits[log.visits["stage"] == "ask"].sort_values("left_at")["next_stage"]
    assert ways.tolist() == ["won", "lost"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("join", ["all", "any", "first_refusal"])
def test_work_side_by_side_goes_on(engine, join):
    stage: dict[str, Any] = {
        "efforts": {
            "risk": {"team": "risk", "duration": "10 h"},
            "law": {"team": "law", "duration": "20 h"},
            "look": {"team": "risk", "duration": "5 h", "priority": 1},
        },
        "join": join,
        "next": "won",
    }
    if join == "first_refusal":
        stage["refused_to"] = "won"
        stage["efforts"]["look"]["refuse"] = 1
    scenario = made({"ask": stage, "won": {}}, teams={"risk": {"seats": 1}, "law": {"seats": 1}})
    start = cut(scenario, "2026-01-05 09:00")
    assert start.deals["phase"].tolist() == ["working"]
    log = on(scenario, start, engine)
    left = {"any": -2, "first_refusal": 3, "all": 8}[join]
    assert hours(log.visits["left_at"].iloc[:1]) == [left]


@pytest.mark.parametrize("engine", ENGINES)
def test_marks_are_not_set_again_and_count_once(engine):
    stages = {
        "ask": {"marks": "won", "delay_after": "20 h", "next": "again"},
        "again": {"marks": ["won", "paid"]},
    }
    scenario = made(stages)
    start = cut(scenario)
    log = on(scenario, start, engine)
    assert sorted(log.marks["kind"]) == ["paid", "won", "won"]
    assert log.marks["at"].nunique() == 2
    assert log.outcomes()["closed_at"].tolist() == [pd.Timestamp("2026-01-05", tz="UTC")]
    plan = make_plan(scenario, start)
    found = tally(plan, seed=2, engine=engine)
    kinds = dict(zip(plan.kinds_of_marks, found.first.tolist(), strict=True))
    assert kinds == {"acquired": 0, "paid": 1, "won": 0}
    assert found.known_first.tolist() == found.first.tolist()
    assert found.open == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_what_open_deals_bring_is_told_apart(engine):
    stages = {"ask": {"delay_after": "20 h", "next": "won"}, "won": {"marks": "won"}}
    sources = {
        "web": {"stage": "ask", "replay": ["2026-01-05 00:00"], "value": 7},
        "new": {"stage": "ask", "replay": ["2026-01-05 13:00", "2026-01-05 14:00"], "value": 5},
    }
    scenario = made(stages, sources=sources)
    plan = make_plan(scenario, cut(scenario))
    found = tally(plan, seed=2, engine=engine)
    won = plan.kinds_of_marks.index("won")
    assert (found.first[won], found.known_first[won]) == (3, 1)
    assert (found.value[won], found.known_value[won]) == (1700, 700)
    assert found.arrived.sum() == 2


def test_a_stage_without_recorded_work_has_it_behind_itself():
    """A CRM that knows no work: the delay after it runs from the entry; else leads queue."""
    plain = made({"ask": {"delay_after": "20 h", "next": "won"}, "won": {}})
    start = cut(plain)
    stages = {
        "ask": {
            "efforts": {"call": {"team": "desk", "duration": "1 h"}},
            "delay_after": "20 h",
            "next": "won",
        },
        "won": {},
    }
    scenario = made(stages, teams={"desk": {"seats": 1}})
    log = on(scenario, start)
    assert not len(log.efforts)
    assert hours(log.visits["left_at"].iloc[:1]) == [8]
    known = Snapshot(
        start.at, start.deals, start.visits, start.efforts, start.marks, frozenset({"ask"})
    )
    log = on(scenario, known)
    assert hours(log.efforts["started_at"]) == [0]
    assert hours(log.efforts["queued_at"]) == [-12]
    assert hours(log.visits["left_at"].iloc[:1]) == [21]


def test_growth_counts_from_the_scenarios_start():
    stages = {"ask": {"delay_before": "1 h", "next": "won"}, "won": {}}
    source = {"stage": "ask", "rate": "50 / d", "growth": "50 % / mo"}
    scenario = made(stages, sources={"web": source}, run={"start": "2026-01-05", "horizon": "26 w"})
    start = snapshot(simulate(scenario, seed=1), "2026-06-08")
    whole, later = simulate(scenario, seed=3), on(scenario, start.filter([]), "compiled", seed=3)
    same = whole.leads["arrived_at"] >= start.at
    both = whole.leads[same].merge(later.leads, on="lead_id")
    assert len(both) == same.sum() > 5000


def test_ids_of_an_earlier_run_are_not_given_twice():
    scenario = made(
        {"ask": {"delay_before": "1 w", "next": "won"}, "won": {}},
        sources={"web": {"stage": "ask", "rate": "600 / d"}},
        run={"start": "2026-01-05", "horizon": "2 d"},
    )
    start = cut(scenario, "2026-01-05 12:30")
    log = on(scenario, start, seed=99)
    assert log.leads["lead_id"].str.endswith("+").any()
    assert log.leads["lead_id"].is_unique


def test_replications_start_from_open_deals():
    scenario = busy()
    start = cut(scenario)
    found = replicate(scenario, seed=1, n=3, start=start)
    assert found["won"].tolist() == [7, 7, 7]
    assert found["leads"].tolist() == [0, 0, 0]


def test_an_empty_snapshot_is_an_empty_funnel():
    scenario = made({"ask": {"delay_before": "1 h", "next": "won"}, "won": {}})
    log = on(scenario, cut(scenario))
    assert len(log.leads) == 0
    assert log.meta.observed_from == NOON


# --- what cannot be gone on with --------------------------------------------------------------


def test_all_that_a_scenario_does_not_know_is_named_at_once():
    scenario = made(
        {
            "ask": {"delay_before": "1 d", "next": "won"},
            "think": {"delay_before": "1 d", "next": "won"},
            "won": {},
        },
        sources={
            "web": {"stage": "ask", "replay": ["2026-01-05 00:00"] * 5, "product": "card"},
            "tv": {"stage": "think", "replay": ["2026-01-05 00:00"], "segment": "firm"},
        },
    )
    start = cut(scenario)
    other = made(
        {"aks": {"delay_before": "1 d", "next": "won"}, "think": {"next": "won"}, "won": {}},
        sources={
            "webb": {"stage": "aks", "rate": "1 / d"},
            "tv": {"stage": "aks", "rate": "1 / d", "segment": "person"},
        },
    )
    with pytest.raises(ParameterError) as caught:
        on(other, start)
    text = str(caught.value)
    assert "no stage “ask” (5 open deals: " in text
    assert 'Did you mean "aks"?' in text
    assert "no source “web” (5 open deals: " in text
    assert "no segment “firm” (1 open deal: tv-" in text


def test_leads_without_names_are_placed():
    """By the label of a source, by the source for all others, by the kind without a name."""
    scenario = made(
        {"ask": {"delay_before": "1 d", "next": "won"}, "won": {}},
        sources={
            "site": {"stage": "ask", "rate": "1 / d", "label": {"uk": "Сайт"}, "product": "card"},
            "other": {"stage": "ask", "rate": "1 / d", "mix": [
                {"share": 0.5, "product": "card"}, {"share": 0.5}]},
        },
    )  # fmt: skip
    plain = made(
        {"ask": {"delay_before": "1 d", "next": "won"}, "won": {}},
        at=[f"2026-01-05 0{hour}:00" for hour in range(4)],
    )
    start = cut(plain)
    deals = start.deals.assign(
        source=pd.Series(["Сайт", "fair", None, "site"], dtype="str"),
        product=pd.Series(["card", "loan", None, None], dtype="str"),
    )
    start = Snapshot(start.at, deals, start.visits, start.efforts, start.marks, start.worked)
    plan = make_plan(scenario, start)
    ids = [source.id for source in plan.epochs[0].sources]
    assert [ids[deal.source] for deal in plan.deals] == ["site", "other", "other", "site"]
    assert [len(deal.kinds) for deal in plan.deals] == [1, 1, 2, 1]
    leads = on(scenario, start).leads.head(4)
    assert leads["source"].fillna("").tolist() == ["Сайт", "fair", "other", "site"]


def test_moments_outside_the_log_and_several_replications_are_refused():
    log = simulate(busy(), seed=1)
    with pytest.raises(ParameterError, match="outside the log"):
        snapshot(log, "2030-01-01")
    both = EventLog.concat([log, simulate(busy(), seed=1, replication=1)])
    with pytest.raises(ParameterError, match="several replications"):
        snapshot(both)


def test_the_reference_and_the_compiled_draw_the_rest_of_luck_alike():
    """Every bit, also where the rest of luck is the median or nearly 1."""
    from funnelsim.distributions import SampleTable
    from funnelsim.engine.draws import rest_of_luck, sample_at
    from funnelsim.engine.plan import Rest
    from funnelsim.streams import Stream

    table = SampleTable(lambda u: -np.log1p(-u))
    flat = np.ravel(table.values)
    for chance in (0.0, 0.1, 0.4999999, 0.5, 0.7, 0.9999):
        for n in range(200):
            word = Stream(5).words(n, 1, 0)[0]
            u = Rest(0, chance).luck(Stream(5).uniforms(n, 1, 0)[0])
            assert rest_of_luck(chance, np.uint64(word)) == u
            assert sample_at(flat, 0, u) == table.sample(u)
    assert Rest(0, 0.5).luck(0.0) < 0.5
    assert Rest(0, 0.5).luck(1.0) < 1
