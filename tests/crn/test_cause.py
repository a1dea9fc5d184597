"""A change touches what it causes, lead by lead in the logs, and nothing else.

Property tests over the whole language stand in ``tests/properties/test_engine_crn.py``; here
each kind of addition is followed in one funnel where people wait for each other.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from funnelsim.engine import simulate
from funnelsim.events import EventLog
from funnelsim.scenarios.scenario import Scenario

SHOP: dict[str, Any] = {
    "funnelsim": 1,
    "name": "shop",
    "run": {"start": "2026-01-05", "horizon": "4 w"},
    "teams": {"desk": {"seats": 2}, "cash": {"seats": 1}},
    "sources": {
        "web": {"stage": "ask", "rate": "20 / d", "value": {"mean": 900, "cv": 0.5}},
        "fair": {"stage": "ask", "replay": [f"2026-01-{day:02d} 10:00" for day in range(5, 31)]},
    },
    "currency": "UAH",
    "stages": {
        "ask": {
            "delay_before": {"mean": "5 h"},
            "efforts": {"talk": {"team": "desk", "duration": {"mean": "1.5 h"}}},
            "delay_after": {"mean": "2 h"},
            "next": {"advance": "pay", "to": {"pay": 0.5, "ask": 0.2, "lost": 0.3}},
        },
        "pay": {
            "efforts": {"till": {"team": "cash", "duration": {"mean": "1 h"}}},
            "next": "bought",
        },
        "bought": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}


def shop(**parts: object) -> Scenario:
    return Scenario.model_validate(SHOP | parts)


def roomy(**parts: object) -> Scenario:
    """Nobody ever waits: no lead can touch another."""
    return shop(**{"teams": {"desk": {"seats": 5000}, "cash": {"seats": 5000}}, **parts})


def same_leads(before: EventLog, after: EventLog, keep: pd.Series | list[str]) -> None:
    """These leads fare the same in both logs: every visit, effort and mark."""
    one, other = before.filter(leads=keep), after.filter(leads=keep)
    assert len(one.leads) > 100
    for name, table in one.tables().items():
        pd.testing.assert_frame_equal(table, other.tables()[name], obj=name)


def luck(log: EventLog) -> pd.DataFrame:
    """What is drawn for each visit with work, whatever the queue made of it."""
    visits = log.visits.merge(log.efforts, on=["lead_id", "visit"])
    spans = {
        "before": visits["ready_at"] - visits["entered_at"],
        "work": visits["ended_at"] - visits["started_at"],
        "after": visits["left_at"] - visits["ended_at"],
        "next_stage": visits["next_stage"],
        "stage": visits["stage"],
    }
    return pd.DataFrame(spans).set_index([visits["lead_id"], visits["visit"]]).dropna()


def test_an_added_source_where_nobody_waits_changes_no_lead():
    more = {**SHOP["sources"], "tv": {"stage": "ask", "rate": "9 / d"}}
    before, after = simulate(roomy(), seed=7), simulate(roomy(sources=more), seed=7)
    assert len(after.leads) > len(before.leads) + 150
    same_leads(before, after, before.leads["lead_id"])


def test_an_added_source_where_people_wait_changes_waits_only():
    """Arrivals, values, delays, lengths of work and ways stay; only queueing differs."""
    more = {**SHOP["sources"], "tv": {"stage": "ask", "rate": "4 / d"}}
    before, after = simulate(shop(), seed=7), simulate(shop(sources=more), seed=7)
    known = before.leads["lead_id"]
    pd.testing.assert_frame_equal(before.leads, after.filter(leads=known).leads)
    both = luck(before).merge(
        luck(after), left_index=True, right_index=True, suffixes=("", "_after")
    )
    assert len(both) > 500
    for column in ("before", "work", "after", "next_stage"):
        assert (both[column] == both[f"{column}_after"]).all(), column
    waits = [log.efforts["started_at"] - log.efforts["queued_at"] for log in (before, after)]
    assert waits[1].mean() > waits[0].mean()


@pytest.mark.parametrize("share", [0.05, 0.15])
def test_an_added_stage_changes_only_those_sent_there(share):
    """A fourth way out of the first stage; who paid at the first try still does."""
    to = {"pay": 0.5, "ask": 0.2, "lost": 0.3 - share, "think": share}
    ask = {**SHOP["stages"]["ask"], "next": {"advance": "pay", "to": to}}
    think = {"delay_before": {"mean": "2 d"}, "next": "lost"}
    stages = {**SHOP["stages"], "ask": ask, "think": think}
    before, after = simulate(roomy(), seed=7), simulate(roomy(stages=stages), seed=7)
    paid = before.visits.loc[before.visits["stage"] == "pay", "lead_id"]
    once = before.visits.groupby("lead_id")["stage"].apply(lambda s: (s == "ask").sum() == 1)
    straight = [lead for lead in paid if once[lead]]
    same_leads(before, after, straight)
    sent = set(after.visits.loc[after.visits["stage"] == "think", "lead_id"])
    assert sent
    assert not sent & set(straight)


def test_an_added_stage_that_nobody_reaches_changes_nothing():
    stages = {**SHOP["stages"], "attic": {"delay_before": "1 d", "next": "lost"}}
    before, after = simulate(shop(), seed=7), simulate(shop(stages=stages), seed=7)
    same_leads(before, after, before.leads["lead_id"])
    assert len(before.leads) == len(after.leads)


def test_an_added_team_without_work_changes_nothing():
    teams = {**SHOP["teams"], "idle": {"seats": 3, "attrition": 0.3, "shrinkage": 0.2}}
    before, after = simulate(shop(), seed=7), simulate(shop(teams=teams), seed=7)
    same_leads(before, after, before.leads["lead_id"])


def test_a_team_added_for_one_stage_changes_nothing_before_it():
    """Another till: all that happens at the desk stays as it was."""
    teams = {**SHOP["teams"], "till": {"seats": 1}}
    pay = {**SHOP["stages"]["pay"]}
    pay["efforts"] = {"till": {"team": "till", "duration": {"mean": "1 h"}}}
    stages = {**SHOP["stages"], "pay": pay}
    before, after = simulate(shop(), seed=7), simulate(shop(teams=teams, stages=stages), seed=7)
    first = [log.visits[log.visits["stage"] == "ask"] for log in (before, after)]
    pd.testing.assert_frame_equal(first[0], first[1])


def test_one_more_lead_changes_no_other():
    moments = [*SHOP["sources"]["fair"]["replay"], "2026-01-31 10:00"]
    more = {**SHOP["sources"], "fair": {"stage": "ask", "replay": moments}}
    before, after = simulate(roomy(), seed=7), simulate(roomy(sources=more), seed=7)
    assert len(after.leads) == len(before.leads) + 1
    same_leads(before, after, before.leads["lead_id"])


@pytest.mark.parametrize("make", [shop, roomy])
def test_ten_per_cent_more_leads_move_no_arrival(make):
    """Those that were there come when they came, worth what they were worth."""
    base = make()
    more = base.change("+10 %", {"sources.web.rate": {"times": 1.1}})
    before, after = simulate(base, seed=7), simulate(more, seed=7)
    added = len(after.leads) - len(before.leads)
    assert 25 < added < 95  # 56 expected
    known = before.leads["lead_id"]
    pd.testing.assert_frame_equal(before.leads, after.filter(leads=known).leads)
    if make is roomy:
        same_leads(before, after, known)
