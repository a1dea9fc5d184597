"""Scenarios of the whole language, small enough to run at once.

Everything is drawn as plain data, as it would stand in a file, and then validated. Four
things are arranged rather than left to chance:

- *sizes*: about a hundred leads, seldom more than 300, and loops that end;
- *ties*: in half of the scenarios every length of time is a number of half hours and
  leads come together; elsewhere whole minutes, lengths of zero, gates that let everybody
  in at once, teams that open in the morning to a full queue;
- *edges*: nights when clocks change, zones with odd offsets, ends of months, holidays;
- *soundness*: what a check refuses is drawn anew.

``tests/features.py`` names what a scenario contains; a test shows that all is reached.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from funnelsim.scenarios.scenario import Scenario
from tests.strategies.demand import sources
from tests.strategies.frame import Data, Frame, either
from tests.strategies.people import ZONES, calendars, teams
from tests.strategies.stages import stages

__all__ = ["scenarios"]

STARTS = (
    "2026-01-05",
    "2026-03-27",  # Europe's clocks change on the 29th
    "2026-04-03",  # Easter; Lord Howe's clocks change on the 5th
    "2026-10-23",  # Europe's clocks change on the 25th
    "2026-12-29T13:45:00",
    "2028-01-31",
)
DAYS = {"3 d": 3.0, "1 w": 7.0, "36 h": 1.5, "2 w": 14.0, "1 mo": 30.0, "5 w": 35.0}
WARM_UPS = {"0 d": 0.0, "1 d": 1.0, "1 w": 7.0}
STAGES = ("ask", "call", "deal", "lost", "offer", "pay", "visit", "won")
TEAMS = ("desk", "back", "field")
SOURCES = ("web", "fair", "ad")
SELDOM = st.sampled_from([False, False, True])


@st.composite
def scenarios(draw: st.DrawFn, *, leads: int = 100, unlimited: bool = False) -> Scenario:
    """A scenario.

    Parameters
    ----------
    leads : int
        Mean number of leads of a steady source, at most.
    unlimited : bool
        Every team has seats enough for all, so that no lead can be in another's way.
    """
    start = draw(st.sampled_from(STARTS))
    horizon, warm_up = draw(st.sampled_from(list(DAYS))), draw(st.sampled_from(list(WARM_UPS)))
    open_hours = draw(
        st.dictionaries(st.sampled_from(["office", "night"]), calendars(), max_size=2)
    )
    default: str | None = draw(st.sampled_from([None, *open_hours]))
    count: int = draw(st.sampled_from([2, 1, 3, 4, 5, 6, 7, 8]))
    frame = Frame(
        start=date.fromisoformat(start[:10]),
        days=DAYS[horizon] + WARM_UPS[warm_up],
        stages=tuple(draw(st.permutations(STAGES)))[:count],
        sources=SOURCES[: draw(st.sampled_from([1, 2, 3]))],
        teams=TEAMS[: draw(st.sampled_from([1, 2, 3, 0]))],
        calendars=tuple(open_hours),
        default_calendar=default,
        coarse=draw(st.booleans()),
    )
    parts: Data = {
        "calendars": open_hours,
        "teams": {key: draw(teams(frame, unlimited=unlimited)) for key in frame.teams},
        "sources": {
            key: draw(sources(frame, leads=leads // len(frame.sources))) for key in frame.sources
        },
        "stages": draw(stages(frame)),
    }
    parts |= {"calendar": default} if default else {}
    parts |= draw(_luck_and_change(frame, parts, unlimited=unlimited))
    scenario = Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "drawn",
            "currency": draw(st.sampled_from(["UAH", "JPY"])),
            "time_zone": draw(st.sampled_from(ZONES)),
            "run": {"start": start, "horizon": horizon, "warm_up": warm_up},
        }
        | parts
    )
    assume(all(finding.severity != "error" for finding in scenario.check()))
    return scenario


@st.composite
def _luck_and_change(draw: st.DrawFn, frame: Frame, parts: Data, *, unlimited: bool) -> Data:
    """Shocks, what will change on known dates, and a what-if."""
    found: Data = {}
    if draw(SELDOM):
        restless = [key for key in frame.sources if "rate" in parts["sources"][key]]
        advancing = [key for key, stage in parts["stages"].items() if "next" in stage]
        shock = {"period": "week", "cv": 0.4, "sources": restless[:1], "stages": advancing[:1]}
        found["shocks"] = {"mood": shock} if restless or advancing else {}
    if not unlimited and draw(SELDOM):
        dates = draw(st.lists(st.integers(-1, 4), min_size=1, max_size=2))
        found["changes"] = {
            f"change-{number}": {"set": draw(_overrides(parts)), "start": frame.day(day)}
            for number, day in enumerate(dates)
        }
    if draw(SELDOM):
        found["what_ifs"] = {"busier": {"set": draw(_overrides(parts))}}
    return found


def _overrides(parts: Data) -> st.SearchStrategy[Data]:
    """Some values set anew: times, ways, work, rates and seats."""
    of_stages: list[tuple[str, Any]] = []
    for key, stage in parts["stages"].items():
        of_stages.append((f"stages.{key}.delay_before", "20 min"))
        if "timeout" in stage:
            of_stages.append((f"stages.{key}.timeout.after", "2 h"))
        work = stage.get("efforts", ())
        of_stages += [(f"stages.{key}.efforts.{name}.duration", "30 min") for name in work]
        if isinstance(stage.get("next"), dict):
            of_stages.append((f"stages.{key}.next.to", {stage["next"]["advance"]: 1}))
    of_sources = [
        (f"sources.{key}.rate", {"times": 1.5})
        for key, source in parts["sources"].items()
        if "rate" in source
    ]
    of_teams: list[tuple[str, Any]] = []
    for key, team in parts["teams"].items():
        seats = "seats" if "seats" in team else "staff.0.seats"
        of_teams += [(f"teams.{key}.{seats}", {"add": 1}), (f"teams.{key}.at_close", "pause")]
    groups = [st.sampled_from(paths) for paths in (of_teams, of_stages, of_sources) if paths]
    several = st.lists(either(*groups), min_size=1, max_size=3, unique_by=lambda path: path[0])
    return several.map(dict)
