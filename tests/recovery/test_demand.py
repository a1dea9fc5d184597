"""What was put into a simulated world comes out of its log: leads, hours, work, seats, luck.

Each test states its false alarm and what it would detect; seeds are fixed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import funnelsim as fs
from funnelsim.calibration.demand.arrivals import SourcePart, arrival_parts
from funnelsim.calibration.demand.shocks import ShockPart, shock_parts
from funnelsim.calibration.work.handling import EffortPart, TeamPart, phases, work_parts
from funnelsim.calibration.work.hours import calendar_parts
from funnelsim.events import EventLog
from funnelsim.scenarios.evidence import Evidence
from funnelsim.scenarios.scenario import Scenario

LEVEL = 0.95


def world(**changes: Any) -> Scenario:
    """Leads by weekday and hour, a team that calls them, a delay, and a decision."""
    whole: dict[str, Any] = {
        "funnelsim": 1,
        "name": "known",
        "currency": "UAH",
        "time_zone": "Europe/Kyiv",
        "run": {"start": "2024-03-04", "horizon": "26 w", "warm_up": "2 w"},
        "calendar": "office",
        "calendars": {"office": {"hours": {"mon-fri": ["09:00-18:00"], "sat": ["10:00-14:00"]}}},
        "teams": {"sellers": {"seats": 3}},
        "sources": {
            "web": {
                "stage": "enquiry",
                "rate": "36 / d",
                "by_weekday": {"sat": 0.5, "sun": 0.25},
                "by_hour": {"8-12": 2, "12-20": 1},
                "overdispersion": 0.3,
                "value": {"median": 3900, "p90": 14500},
            }
        },
        "stages": {
            "enquiry": {
                "efforts": {
                    "call": {"team": "sellers", "duration": {"median": "22 min", "p90": "50 min"}}
                },
                "next": {"advance": "offer", "to": {"offer": "50 %", "lost": "50 %"}},
            },
            "offer": {
                "delay_after": {"median": "4 d", "p90": "12 d"},
                "next": {"advance": "won", "to": {"won": "40 %", "lost": "60 %"}},
            },
            "won": {"marks": "won"},
            "lost": {"marks": "lost"},
        },
    }
    return Scenario.model_validate(whole | changes)


def without_staffing(log: EventLog) -> EventLog:
    """The log as a CRM has it: it does not say when people were there."""
    teams = tuple(team.model_copy(update={"staffed": ()}) for team in log.meta.teams)
    return EventLog.trusted(log.tables(), log.meta.model_copy(update={"teams": teams}))


def covered(hits: int, trials: int, *, detectable: float) -> None:
    """Intervals hold the truth at their nominal rate, by the exact binomial.

    False alarm 1e-3; a coverage lower by ``detectable`` is missed at most once in ten.
    """
    low = int(stats.binom.ppf(1e-3, trials, LEVEL))
    assert hits >= low, f"{hits} of {trials} intervals hold the truth, chance allows {low}"
    assert stats.binom.sf(low - 1, trials, LEVEL - detectable) <= 0.1, "too few trials"


def holds(row: Evidence, truth: float) -> bool:
    """Whether an interval holds the truth."""
    return row.lo is not None and row.hi is not None and row.lo <= truth <= row.hi


@pytest.fixture(scope="module")
def logs() -> list[EventLog]:
    scenario = world()
    return [without_staffing(fs.simulate(scenario, seed=seed)) for seed in range(30)]


def test_rates_and_restlessness_are_covered(logs: list[EventLog]) -> None:
    """30 worlds; a coverage of 65 % in place of 95 % would show."""
    rate, cv = 0, 0
    for log in logs:
        part, *_ = arrival_parts(log)[0]
        assert isinstance(part, SourcePart)
        found = {row.measure: row for row in part.evidence}
        rate += holds(found["rate"], 36)
        cv += holds(found["cv"], 0.3)
    covered(rate, len(logs), detectable=0.3)
    covered(cv, len(logs), detectable=0.3)


def test_profiles_are_recovered(logs: list[EventLog]) -> None:
    """Means over 30 worlds; within 5 standard errors (false alarm 1e-5), at most 6 %."""
    sundays, mornings = [], []
    for log in logs:
        settings: Any = arrival_parts(log)[0][0].settings
        assert settings["sources", "web", "stage"] == "enquiry"
        weights = settings["sources", "web", "by_weekday"]
        sundays.append(weights["sun"] / weights["tue"])
        hours = settings["sources", "web", "by_hour"]
        assert {int(key.split("-")[0]) for key in hours} <= set(range(8, 20))
        by_hour = [hours[key] for key in sorted(hours, key=lambda key: int(key.split("-")[0]))]
        third = len(by_hour) // 3
        mornings.append(np.mean(by_hour[:third]) / np.mean(by_hour[third:]))
    for values, truth in ((sundays, 0.25), (mornings, 2.0)):
        error = np.std(values, ddof=1) / len(values) ** 0.5
        assert abs(np.mean(values) - truth) < 5 * error < 0.06 * max(1, truth)


def test_hours_are_recovered(logs: list[EventLog]) -> None:
    for log in logs[:5]:
        parts, refusals = calendar_parts(log)
        assert [part.name for part in parts] == ["calendar/office"]
        assert not refusals
        assert parts[0].settings["calendars", "office", "hours"] == {
            "mon-fri": ["09:00-18:00"],
            "sat": ["10:00-14:00"],
        }


def test_handling_times_are_covered(logs: list[EventLog]) -> None:
    """30 worlds; a coverage of 65 % in place of 95 % would show."""
    hits = dict.fromkeys(["median", "p90"], 0)
    for log in logs:
        part = next(part for part in work_parts(log)[0] if isinstance(part, EffortPart))
        assert (part.stage, part.effort, part.team) == ("enquiry", "call", "sellers")
        found = {row.measure: row for row in part.evidence}
        for measure, truth in (("median", 22 * 60), ("p90", 50 * 60)):
            hits[measure] += holds(found[measure], truth)
    for count in hits.values():
        covered(count, len(logs), detectable=0.3)


@pytest.mark.parametrize("seats", [2, 3, 5])
def test_seats_are_recovered_from_the_queue(seats: int) -> None:
    scenario = world(teams={"sellers": {"seats": seats}})
    log = without_staffing(fs.simulate(scenario, seed=5))
    part = next(part for part in work_parts(log)[0] if isinstance(part, TeamPart))
    assert part.settings["teams", "sellers", "seats"] == seats
    assert part.count.queue
    assert part.settings["teams", "sellers", "calendar"] == "office"


def test_phases_add_up_to_the_stay(logs: list[EventLog]) -> None:
    log = logs[0]
    table = phases(log)
    visits = log.visits
    over = table["over"].to_numpy()
    stay = (visits["left_at"] - visits["entered_at"]).dt.total_seconds().to_numpy()
    parts = table[["before", "waiting", "hands_on", "after"]].sum(axis=1).to_numpy()
    assert np.allclose(parts[over], stay[over], atol=1e-3)
    enquiry = table[(table["stage"] == "enquiry") & over]
    assert enquiry["hands_on"].median() == pytest.approx(22 * 60, rel=0.1)
    assert (enquiry[["before", "after"]] < 1e-6).all(axis=None)


def test_shared_luck_is_covered_and_absent_luck_is_not_found() -> None:
    """12 worlds each; a coverage of 40 % in place of 95 % would show."""
    calm = world(
        run={"start": "2022-03-07", "horizon": "104 w", "warm_up": "2 w"},
        sources={"web": {"stage": "enquiry", "rate": "14 / d"}},
    )
    market = {"market": {"period": "month", "cv": 0.35, "stages": ["enquiry", "offer"]}}
    lucky = calm.model_copy(update={"shocks": world(shocks=market).shocks})
    hits = absent = 0
    for seed in range(12):
        parts, _ = shock_parts(fs.simulate(lucky, seed=seed))
        hits += any(isinstance(one, ShockPart) and one.lo <= 0.35 <= one.hi for one in parts)
        parts, refusals = shock_parts(fs.simulate(calm, seed=seed))
        low = [one.lo for one in parts if isinstance(one, ShockPart)]
        absent += (not low or low[0] == 0) and bool(parts or refusals)
    covered(hits, 12, detectable=0.55)
    covered(absent, 12, detectable=0.55)
