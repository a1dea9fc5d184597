"""Work side by side: what counts when several things happen in the same microsecond.

Exact, without luck. ``test_no_result_hangs_on_the_order_of_events`` runs a model full of
ties with SimPy's order of simultaneous events shuffled: the log has to stay the same.
"""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import pandas as pd
import pytest

from funnelsim.engine import reference, simulate
from funnelsim.engine.planning import make_plan
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream
from tests.shuffling import shuffled
from tests.theory.bugs import fails_on

TOGETHER = ("all", "any", "first_refusal")
NOON = pd.Timestamp("2026-01-05T12:00", tz="UTC")


def model(stage, *, leads=1, teams=("a", "b"), blocked=0):
    """Leads that come together at noon; ``blocked`` minutes before anybody has a seat."""
    ends = {"next": "gone"} if blocked else {}
    stages: dict[str, Any] = {
        "work": {"next": "gone", **stage},
        "block": {"efforts": {"it": {"team": "b", "duration": f"{blocked} min"}}, **ends},
    } | {name: {} for name in ("gone", "late", "bored", "no")}
    sources: dict[str, Any] = {"web": {"stage": "work", "replay": [f"{NOON:%FT%T}"] * leads}}
    if blocked:
        sources["first"] = {"stage": "block", "replay": ["2026-01-05T11:59:59.999999"]}
        stages["block"]["efforts"]["it"]["duration"] = f"{blocked * 60 + 1e-6:.6f} s"
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "joins",
            "run": {"start": "2026-01-05", "horizon": "3 d"},
            "teams": {team: {"seats": 1} for team in teams},
            "sources": sources,
            "stages": stages,
        }
    )


def efforts(minutes_of_a, minutes_of_b, **refuse):
    """Two pieces of work by two teams, and the share of each that refuses."""
    work: dict[str, Any] = {
        "a": {"team": "a", "duration": f"{minutes_of_a} min"},
        "b": {"team": "b", "duration": f"{minutes_of_b} min"},
    }
    for name, share in refuse.items():
        work[name]["refuse"] = share
    return work


PATIENCE = {"after": "60 min", "to": "bored"}
TIMEOUT = {"after": "60 min", "to": "late"}
REFUSING = {"join": "first_refusal", "refused_to": "no"}

# (stage, minutes for which b is blocked, where the lead goes, after how many minutes)
TIES = {
    "all done": ({"join": "all", "efforts": efforts(30, 60)}, 0, "gone", 60),
    "all done at the time-out": (
        {"join": "all", "efforts": efforts(60, 60), "timeout": TIMEOUT}, 0, "gone", 60
    ),
    "one too late for the time-out": (
        {"join": "all", "efforts": efforts(60, 61), "timeout": TIMEOUT}, 0, "late", 60
    ),
    "any done at the time-out": (
        {"join": "any", "efforts": efforts(60, 90), "timeout": TIMEOUT}, 0, "gone", 60
    ),
    "any done as patience ends": (
        {"join": "any", "efforts": efforts(60, 30), "patience": PATIENCE}, 90, "gone", 60
    ),
    "not all done as patience ends": (
        {"join": "all", "efforts": efforts(60, 30), "patience": PATIENCE}, 90, "bored", 60
    ),
    "a seat is free as patience ends": (
        {"join": "all", "efforts": efforts(30, 30), "patience": PATIENCE}, 60, "bored", 60
    ),
    "a seat is free just before": (
        {"join": "all", "efforts": efforts(30, 30), "patience": PATIENCE}, 59, "gone", 89
    ),
    "patience and time-out": (
        {"join": "all", "efforts": efforts(90, 30), "patience": PATIENCE, "timeout": TIMEOUT},
        90, "late", 60,
    ),
    "refused as the other agrees": (
        REFUSING | {"efforts": efforts(60, 60, a=1)}, 0, "no", 60
    ),
    "refused at the time-out": (
        REFUSING | {"efforts": efforts(60, 90, a=1), "timeout": TIMEOUT}, 0, "no", 60
    ),
    "refused as patience ends": (
        REFUSING | {"efforts": efforts(60, 9, a=1), "patience": PATIENCE}, 90, "no", 60
    ),
    "too late to refuse": (
        REFUSING | {"efforts": efforts(60, 60, b=1), "timeout": TIMEOUT}, 1, "late", 60
    ),
    "all agreed": (REFUSING | {"efforts": efforts(60, 45, b=1e-12)},
        0, "gone", 60,
    ),
    "no time at all": ({"join": "all", "efforts": efforts(0, 0), "timeout": TIMEOUT}, 0, "gone", 0),
    "any in no time": ({"join": "any", "efforts": efforts(0, 45)}, 0, "gone", 0),
    "in series, done at the time-out": (
        {"efforts": efforts(30, 30), "timeout": TIMEOUT}, 0, "gone", 60
    ),
    "in series, the second would begin at the time-out": (
        {"efforts": efforts(60, 0), "timeout": TIMEOUT}, 0, "late", 60
    ),
    "in series, each piece has its own patience": (
        {"efforts": efforts(50, 30), "patience": PATIENCE}, 100, "gone", 130
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TIES)
def test_what_counts_at_a_tie(name):
    stage, blocked, went, after = TIES[name]
    log = simulate(model(stage, blocked=blocked), seed=1)
    visit = log.visits[log.visits["stage"] == "work"].iloc[0]
    assert (visit["next_stage"], visit["left_at"] - NOON) == (went, pd.Timedelta(minutes=after))
    exits = {"gone": "moved", "no": "moved", "late": "timed_out", "bored": "reneged"}
    assert visit["exit"] == exits[went]
    own = log.efforts[log.efforts["lead_id"] == visit["lead_id"]]
    assert (own["ended_at"] <= visit["left_at"]).all(), "nobody works on for a lead that is gone"
    assert own["ended_at"].notna().all()


def test_a_seat_is_free_as_soon_as_the_rest_is_stopped():
    """``any``: who comes next begins in the very microsecond in which the first is through."""
    stage = {"join": "any", "efforts": efforts(20, 50)}
    log = simulate(model(stage, leads=3), seed=1)
    started = (log.efforts["started_at"] - NOON).dt.total_seconds() / 60
    assert sorted(started) == [0, 0, 20, 20, 40, 40]
    gone = log.visits.loc[log.visits["stage"] == "gone", "entered_at"] - NOON
    assert sorted(gone.dt.total_seconds() / 60) == [20, 40, 60]


# --- order ---------------------------------------------------------------------------------------

LIMITS: tuple[dict[str, Any], ...] = (
    {},
    {"patience": PATIENCE},
    {"timeout": TIMEOUT},
    {"patience": PATIENCE, "timeout": TIMEOUT},
)


def one_of(*lengths):
    return {"mixture": [{"share": 1 / len(lengths), "of": length} for length in lengths]}


WORK = {
    "call": {"team": "a", "duration": one_of("0 min", "30 min")},
    "check": {"team": "b", "duration": "30 min"},
    "sign": {"team": "a", "duration": one_of("30 min", "60 min")},
}


def crowded(join, limits, order=tuple(WORK)):
    """Ten leads at once, three pieces of work, two of them by one team with one seat.

    Everything takes 0, 30 or 60 minutes, so that most things happen together.
    """
    work: dict[str, Any] = {key: dict(WORK[key]) for key in order}
    stage = {"join": join, "efforts": work, **limits}
    if join == "first_refusal":
        stage["refused_to"] = "no"
        work["check"]["refuse"] = 0.5
    return model(stage, leads=10)


def rows(scenario):
    """All that happens in a run."""
    run = reference.run(make_plan(scenario), Stream(2))
    return [
        sorted(zip(*(column.tolist() for column in table.values()), strict=True))
        for table in (run.visits, run.efforts)
    ]


@pytest.mark.parametrize("join", TOGETHER)
def test_the_crowd_is_full_of_ties(join):
    work = simulate(crowded(join, {}), seed=2).efforts
    changes = pd.concat([work["started_at"], work["ended_at"]]).dropna()
    assert set(changes.dt.minute) <= {0, 30}
    assert changes.value_counts().max() >= 4


@fails_on("grants do not wait for all changes", "whoever is told first")
def test_no_result_hangs_on_the_order_of_events():
    for join, limits in product(TOGETHER, LIMITS):
        expected = rows(crowded(join, limits))
        for order in range(5):
            with shuffled(order):
                assert rows(crowded(join, limits)) == expected


@fails_on("one lead's ties by order in the file")
def test_the_order_in_the_file_has_no_effect():
    """Of work side by side, and of stages, sources and teams."""
    for join, limits in product(TOGETHER, LIMITS):
        expected = rows(crowded(join, limits))
        for order in list(permutations(WORK))[1:]:
            assert rows(crowded(join, limits, order)) == expected
        plain = crowded(join, limits).plain()
        mirrored = {
            key: dict(reversed(plain[key].items())) for key in ("stages", "teams", "sources")
        }
        assert rows(Scenario.model_validate(plain | mirrored)) == expected
