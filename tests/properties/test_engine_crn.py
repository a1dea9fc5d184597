"""Common random numbers: a what-if changes only what it causes."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from funnelsim.engine import reference, simulate
from funnelsim.engine.plan import Route
from funnelsim.events import EventLog
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream
from tests.shuffling import in_any_order, shuffled
from tests.sizes import costly
from tests.strategies import SEEDS, Frame, scenarios, sources
from tests.theory.bugs import fails_on

ANY = st.randoms(use_true_random=False)


def same_tables(one: EventLog, other: EventLog) -> None:
    """The same events; metadata may differ."""
    for name, table in one.tables().items():
        pd.testing.assert_frame_equal(table, other.tables()[name], obj=name)


def changed(scenario: Scenario, **parts: object) -> Scenario:
    """The scenario with whole sections replaced."""
    return Scenario.model_validate(scenario.plain() | parts)


# --- order ---------------------------------------------------------------------------------------


@costly
@given(scenarios(), SEEDS, st.integers(0, 99))
def test_simpys_order_of_one_instant_has_no_effect(scenario, seed, order):
    log = simulate(scenario, seed=seed, engine="reference")
    with shuffled(order):
        assert simulate(scenario, seed=seed, engine="reference").equals(log)


@costly
@given(scenarios(), SEEDS, ANY)
def test_the_order_in_the_file_has_no_effect(scenario, seed, order):
    """Of stages, teams, sources, calendars, shocks and of the branches of a route."""
    mixed: Any = {key: in_any_order(part, order) for key, part in scenario.plain().items()}
    for stage in mixed["stages"].values():
        if isinstance(stage.get("next"), dict):
            stage["next"] = {
                **stage["next"],
                "to": in_any_order(stage["next"]["to"], order),
            }
    same_tables(simulate(scenario, seed=seed), simulate(changed(scenario, **mixed), seed=seed))


@costly
@given(scenarios(), SEEDS)
def test_what_things_are_called_has_no_effect(scenario, seed):
    """Titles, labels and descriptions are free to change; ids are not."""
    renamed = scenario.plain() | {"title": {"en": "New"}, "description": {"uk": "Нова"}}
    for section in ("sources", "stages", "teams"):
        for number, part in enumerate(renamed.get(section, {}).values()):
            part["label"] = {"en": f"Other {number}"}
    same_tables(simulate(scenario, seed=seed), simulate(changed(scenario, **renamed), seed=seed))


# --- more leads ----------------------------------------------------------------------------------


@costly
@given(scenarios(unlimited=True), SEEDS, st.data())
def test_one_more_source_changes_no_other_lead(scenario, seed, data):
    """Where capacity is unlimited; the new leads may be few or many."""
    frame = Frame(scenario.run.start.date(), 3.0, tuple(scenario.stages))
    extra = data.draw(sources(frame, leads=20))
    more = changed(scenario, sources=scenario.plain()["sources"] | {"extra": extra})
    log = simulate(scenario, seed=seed)
    same_tables(log, simulate(more, seed=seed).filter(source=list(scenario.sources)))


@costly
@given(scenarios(unlimited=True), SEEDS, st.sampled_from([1.1, 1.5, 3.0]))
def test_a_higher_rate_only_adds_leads(scenario, seed, factor):
    """Those that were there come at the same moment and take the same way."""
    rates = {f"sources.{k}.rate": {"times": factor} for k, s in scenario.sources.items() if s.rate}
    assume(rates)
    log, more = (
        simulate(variant, seed=seed) for variant in (scenario, scenario.change("more", rates))
    )
    assert len(more.leads) >= len(log.leads)
    same_tables(log, more.filter(leads=log.leads["lead_id"]))


PLAIN = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "plain",
        "run": {"start": "2026-01-05", "horizon": "3 d"},
        "sources": {"web": {"stage": "ask", "rate": "50 / d"}},
        "stages": {
            "ask": {
                "delay_before": {"values": ["0 min", "30 min", "1 h"]},
                "next": {"advance": "won", "to": {"won": 0.4, "ask": 0.4, "lost": 0.2}},
            },
            "won": {},
            "lost": {},
        },
    }
)


@pytest.mark.parametrize(
    "what_if",
    [
        {"sources.fair": {"stage": "lost", "rate": "5 / d"}},
        {"sources.web.rate": {"times": 1.1}},
        {"stages.ask.next.to.won": {"add": 0.01}},
    ],
)
def test_draws_in_order_of_use_would_be_no_common_luck(what_if):
    """What the tests above would see if numbers were drawn one after another."""

    def unmoved() -> float:
        """Share of the visits of a lead of both runs that are the same in both."""
        both = (PLAIN, PLAIN.change("more", what_if))
        logs = [simulate(scenario, seed=7, engine="reference") for scenario in both]
        keys = ["lead_id", "visit", "stage", "entered_at", "left_at", "next_stage"]
        kept = logs[0].visits[keys].merge(logs[1].visits[keys], how="inner")
        return len(kept) / len(logs[0].visits)

    assert unmoved() > 0.97
    with one_after_another():
        assert unmoved() < 0.5


@contextmanager
def one_after_another():
    """A single sequence of random numbers, as with NumPy's generators."""
    uniforms, begin = Stream.uniforms, reference.Model.__init__
    numbers = {"next": 0}

    def from_the_start(self, plan, stream):
        numbers["next"] = 0
        begin(self, plan, stream)

    def following(self, *_):
        numbers["next"] += 1
        return uniforms(self, numbers["next"], 0, 0)

    with (
        mock.patch.object(Stream, "uniforms", following),
        mock.patch.object(reference.Model, "__init__", from_the_start),
    ):
        yield


# --- another window -------------------------------------------------------------------------------


@costly
@given(scenarios(), SEEDS, st.sampled_from(["6 w", "2 mo"]))
def test_a_longer_horizon_keeps_what_was(scenario, seed, horizon):
    """Up to the last microsecond of the shorter run the logs are equal."""
    log = simulate(scenario, seed=seed)
    run = scenario.plain()["run"] | {"horizon": horizon}
    longer = simulate(changed(scenario, run=run), seed=seed)
    same_tables(log, longer.as_of(log.meta.observed_until - timedelta(microseconds=1)))


@costly
@given(scenarios(unlimited=True), SEEDS, st.sampled_from(["0 d", "5 h", "2 d", "10 d"]))
def test_another_warm_up_keeps_what_comes_later(scenario, seed, warm_up):
    """Leads that arrive within the window fare the same, capacity being unlimited."""
    run = scenario.plain()["run"] | {"warm_up": warm_up}
    logs = [simulate(variant, seed=seed) for variant in (scenario, changed(scenario, run=run))]
    same_tables(
        *(log.filter(leads=log.leads["arrived_at"] >= log.meta.observed_from) for log in logs)
    )


# --- better conversion ----------------------------------------------------------------------------

SHARE = st.floats(0, 1)
UNIFORM = st.floats(0, 1, exclude_min=True, exclude_max=True)


@given(SHARE, SHARE, UNIFORM, UNIFORM, st.floats(0.1, 10))
def test_a_better_branch_moves_only_those_it_wins(share, better, u_advance, u_other, odds):
    """From whichever branch, in proportion; the same with shocked odds."""
    low, high = sorted([share, better])
    one, other = (Route(0, p, (1, 2, 3), (0.2, 0.5, 1.0)) for p in (low, high))
    before, after = (route.choose(u_advance, u_other, odds) for route in (one, other))
    assert after in {before, 0}


@fails_on("one draw for everything in a visit")
def test_who_is_won_by_one_point_comes_from_all_branches():
    """+5 points on the advance of the first stage: leads move to it from both others."""
    stages = {
        "ask": {
            "delay_before": {"mean": "5 h"},
            "next": {"advance": "won", "to": {"won": 0.3, "lost": 0.5, "later": 0.2}},
        },
        "won": {},
        "lost": {},
        "later": {},
    }
    scenario = Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "points",
            "run": {"start": "2026-01-05", "horizon": "4 w"},
            "sources": {"web": {"stage": "ask", "rate": "100 / d"}},
            "stages": stages,
        }
    )
    change = {"stages.ask.next.to.won": {"add": 0.05}}
    both = (scenario, scenario.change("better", change))
    logs = [simulate(variant, seed=3, engine="reference") for variant in both]
    before, after = (log.visits[log.visits["stage"] == "ask"] for log in logs)
    pd.testing.assert_frame_equal(
        before.drop(columns="next_stage"), after.drop(columns="next_stage")
    )
    moved = before["next_stage"].fillna("") != after["next_stage"].fillna("")
    assert 80 < moved.sum() < 200
    assert set(after.loc[moved, "next_stage"]) == {"won"}
    assert set(before.loc[moved, "next_stage"]) == {"lost", "later"}


@pytest.mark.parametrize("seats", [3, 4])
def test_seats_change_waits_and_nothing_else(seats):
    """Delays, work and ways are keyed to the lead: only waiting differs."""
    work = {"it": {"team": "desk", "duration": {"mean": "30 min"}}}
    base = {
        "funnelsim": 1,
        "name": "seats",
        "run": {"start": "2026-01-05", "horizon": "3 w"},
        "sources": {"web": {"stage": "ask", "rate": "75 / d"}},
        "stages": {
            "ask": {
                "delay_before": {"mean": "5 h"},
                "efforts": work,
                "delay_after": {"mean": "1 h"},
                "next": {"advance": "won", "to": {"won": 0.6, "ask": 0.3, "lost": 0.1}},
            },
            "won": {},
            "lost": {},
        },
    }
    logs = [
        simulate(Scenario.model_validate(base | {"teams": {"desk": {"seats": n}}}), seed=5)
        for n in (2, seats)
    ]
    spans = [spent(log) for log in logs]
    both = (
        spans[0].merge(spans[1], left_index=True, right_index=True, suffixes=("", "_more")).dropna()
    )
    assert len(both) > 1000
    for column in ("before", "work", "after", "next_stage"):
        assert (both[column] == both[f"{column}_more"]).all(), column
    assert (both["wait"] != both["wait_more"]).sum() > 300


def spent(log: EventLog) -> pd.DataFrame:
    """Delay, wait, work and delay of each visit with work."""
    visits = log.visits.merge(log.efforts, on=["lead_id", "visit"]).set_index(["lead_id", "visit"])
    return pd.DataFrame(
        {
            "before": visits["ready_at"] - visits["entered_at"],
            "wait": visits["started_at"] - visits["queued_at"],
            "work": visits["ended_at"] - visits["started_at"],
            "after": visits["left_at"] - visits["ended_at"],
            "next_stage": visits["next_stage"],
        }
    )
