"""The manual of the language: every example loads, and the rules it states are the engine's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from funnelsim.documents import parse_document
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.loading import from_data
from funnelsim.scenarios.scenario import Scenario

PAGE = Path(__file__).resolve().parents[2] / "docs" / "manual" / "language.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLES = {
    f"line {TEXT.count(chr(10), 0, found.start()) + 2}": parse_document(found[1]).data
    for found in re.finditer(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
}
SMALL = next(iter(EXAMPLES.values()))


def put_into(whole: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """An example in the place of the parts of the same name, as the page says."""
    merged = dict(whole)
    for section, content in part.items():
        old = merged.get(section)
        both = isinstance(content, Mapping) and isinstance(old, Mapping)
        merged[section] = {**old, **content} if both else content  # type: ignore[dict-item]
    return merged


# --- the examples -----------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_runs_in_the_small_scenario(example):
    scenario = from_data(put_into(SMALL, example))
    scenario = scenario.change("shorter", {"run.horizon": "2 w", "run.warm_up": "1 w"})
    assert not [str(found) for found in scenario.check() if found.severity == "error"]
    assert len(simulate(scenario, seed=7).leads) > 50
    for key, question in scenario.what_ifs.items():
        assert apply(scenario, Change(name=key, overrides=question.set)) != scenario


def test_the_examples_name_every_key_of_the_language():
    """A key that the manual never shows in an example is one that nobody finds."""
    shown = {key for example in EXAMPLES.values() for key in keys(example)}
    told = {word for code in re.findall(r"`([^`\n]+)`", TEXT) for word in re.findall(r"\w+", code)}
    schema = Scenario.model_json_schema()
    fields = {
        field
        for part in [schema, *schema["$defs"].values()]
        for shape in [part, *part.get("anyOf", ())]
        for field in shape.get("properties", ())
    }
    assert fields - shown - told == set()


def keys(data: object) -> set[str]:
    if isinstance(data, Mapping):
        return set(data) | {key for item in data.values() for key in keys(item)}
    return {key for item in data for key in keys(item)} if isinstance(data, list) else set()


def test_links_of_the_page_lead_somewhere():
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        place, _, anchor = target.partition("#")
        assert (PAGE.parent / place).exists(), target
        assert not anchor or anchor in anchors, target


# --- the rules --------------------------------------------------------------------------------

FRIDAY = "2026-03-06"


def played(stages: dict[str, Any], *, at: list[str], **sections: Any) -> EventLog:
    """A log of leads that arrive at given moments (Kyiv); one seller, open 9 to 18."""
    start = {"sources": {"web": {"stage": "a", "replay": at}}}
    frame = {
        "calendars": {"office": {"hours": {"mon-fri": "09:00-18:00"}}},
        "teams": {"sellers": {"seats": 1}},
        "run": {"start": "2026-03-02", "horizon": "8 w"},
        "stages": {"won": {"marks": "won"}, "lost": {"marks": "lost"}, **stages},
    }
    return simulate(from_data({**SMALL, **start, **frame, **sections}), seed=7)


def local(times: pd.Series[Any]) -> list[str]:
    return [str(at.tz_convert("Europe/Kyiv"))[:16] for at in times]


def left(log: EventLog, stage: str = "a") -> list[str]:
    return local(log.visits[log.visits.stage == stage].left_at)


def exits(log: EventLog, stage: str = "a") -> list[str]:
    return log.visits[log.visits.stage == stage].exit.tolist()


@pytest.mark.parametrize(
    ("length", "over"),
    [
        ("1 d", "2026-03-07 17:00"),
        ("9 bh", "2026-03-09 17:00"),
        ("1 bd", "2026-03-09 17:00"),
        ("1 bh", "2026-03-06 18:00"),  # exactly at closing: there, not at the next opening
        ("1 mo", "2026-04-06 17:00"),
    ],
)
def test_each_unit_runs_on_its_clock(length, over):
    log = played({"a": {"delay_after": length, "next": "won"}}, at=[f"{FRIDAY} 17:00"])
    assert left(log) == [over]


@pytest.mark.parametrize(
    ("moment", "after"),
    [
        ("opening", "2026-03-09 09:00"),
        ("every day 09:00", "2026-03-07 09:00"),
        ("fri 20:00", "2026-03-06 20:00"),  # a moment that is just now counts
        ("fri 19:00", "2026-03-13 19:00"),
        ("day 31", "2026-03-31 00:00"),
        ("first business day 10:00", "2026-04-01 10:00"),
    ],
)
def test_until_waits_for_the_next_such_moment(moment, after):
    log = played({"a": {"until": moment, "next": "won"}}, at=[f"{FRIDAY} 20:00"])
    assert left(log) == [after]


@pytest.mark.parametrize(
    ("at_close", "ended"), [("finish", "2026-03-06 19:30"), ("pause", "2026-03-09 10:30")]
)
def test_closing_time(at_close, ended):
    stage = {"efforts": {"x": {"team": "sellers", "duration": "2 h"}}, "next": "won"}
    teams = {"sellers": {"seats": 1, "at_close": at_close}}
    log = played({"a": stage}, at=[f"{FRIDAY} 17:30", f"{FRIDAY} 18:00"], teams=teams)
    assert left(log)[0] == ended
    begins = local(log.efforts.started_at)
    assert begins[1] == ("2026-03-09 09:00" if at_close == "finish" else "2026-03-09 10:30")


def test_patience_counts_until_work_starts_and_goes_before_a_free_seat():
    stage = {
        "efforts": {"x": {"team": "sellers", "duration": "2 h"}},
        "patience": {"after": "1 h", "to": "lost"},
        "next": "won",
    }
    at = [f"{FRIDAY} 10:00", f"{FRIDAY} 11:00", f"{FRIDAY} 11:30"]
    log = played({"a": stage}, at=at)
    assert exits(log) == ["moved", "reneged", "moved"]
    assert left(log) == [f"{FRIDAY} 12:00", f"{FRIDAY} 12:00", f"{FRIDAY} 14:00"]


def test_a_time_out_ends_work_in_hand_but_not_a_stay_that_is_complete():
    stage = {
        "efforts": {"x": {"team": "sellers", "duration": "2 h"}},
        "timeout": {"after": "2 h", "to": "lost"},
        "next": "won",
    }
    log = played({"a": stage}, at=[f"{FRIDAY} 10:00", f"{FRIDAY} 11:00"])
    assert exits(log) == ["moved", "timed_out"]
    assert local(log.efforts.ended_at) == [f"{FRIDAY} 12:00", f"{FRIDAY} 13:00"]


def test_a_time_out_goes_before_lost_patience():
    stage = {
        "efforts": {"x": {"team": "sellers", "duration": "5 h"}},
        "timeout": {"after": "1 h", "to": "lost"},
        "patience": {"after": "1 h", "to": "lost"},
        "next": "won",
    }
    log = played({"a": stage}, at=[f"{FRIDAY} 10:00", f"{FRIDAY} 10:30"])
    assert exits(log) == ["timed_out", "timed_out"]


@pytest.mark.parametrize(
    ("join", "over", "to"),
    [
        ("series", "15:00", "won"),
        ("all", "13:00", "won"),
        ("any", "12:00", "won"),
        ("first_refusal", "12:00", "lost"),
    ],
)
def test_joins(join, over, to):
    legal = {"team": "lawyers", "duration": "2 h"}
    stage = {
        "efforts": {"risk": {"team": "sellers", "duration": "3 h"}, "legal": legal},
        "join": join,
        "next": "won",
    }
    if join == "first_refusal":
        stage |= {"refused_to": "lost"}
        legal["refuse"] = 1  # type: ignore[assignment]
    teams = {"sellers": {"seats": 1}, "lawyers": {"seats": 1}}
    log = played({"a": stage}, at=[f"{FRIDAY} 10:00"], teams=teams)
    assert left(log) == [f"{FRIDAY} {over}"]
    assert log.visits.next_stage.iloc[0] == to
    stopped = log.efforts[log.efforts.effort == "risk"]
    assert local(stopped.ended_at) == [f"{FRIDAY} {min(over, '13:00')}"]


def cased(when: dict[str, Any], **stage: Any) -> dict[str, Any]:
    """A stage that leads on if the condition holds, else to the end."""
    case = {"when": when, "to": {"won": 1}}
    return {**stage, "next": {"advance": "won", "to": {"won": 0, "lost": 1}, "cases": [case]}}


@pytest.mark.parametrize(("visit", "nth"), [(2, 2), (3, 3)])
def test_visit_counts_visits_of_this_stage(visit, nth):
    way = {"advance": "won", "to": {"b": 1, "won": 0}}
    cases = [{"when": {"visit": visit}, "to": {"won": 1}}]
    stages = {"a": {"next": {**way, "cases": cases}}, "b": {"delay_after": "1 h", "next": "a"}}
    log = played(stages, at=[f"{FRIDAY} 10:00"])
    assert exits(log) == ["moved"] * nth


@pytest.mark.parametrize(("age", "to"), [("3 h", "won"), ("181 min", "lost")])
def test_age_counts_from_arrival_to_the_end_of_the_visit(age, to):
    stages = {"a": {"delay_after": "1 h", "next": "b"}, "b": cased({"age": age}, delay_after="2 h")}
    log = played(stages, at=[f"{FRIDAY} 10:00"])
    assert log.visits.next_stage.tolist()[1] == to


@pytest.mark.parametrize(("wait", "to"), [("15 h", "won"), ("901 min", "lost")])
def test_wait_counts_closed_hours_but_no_delays(wait, to):
    work = {"x": {"team": "sellers", "duration": "30 min"}}
    stage = cased({"wait": wait}, delay_before="1 h", efforts=work, delay_after="1 h")
    log = played({"a": stage}, at=["2026-03-05 17:00"])  # ready at 18:00, served at 9:00
    assert log.visits.next_stage.iloc[0] == to


@pytest.mark.parametrize(("stay", "to"), [("150 min", "won"), ("151 min", "lost")])
def test_stay_counts_delays_and_work_of_this_visit(stay, to):
    work = {"x": {"team": "sellers", "duration": "30 min"}}
    stage = cased({"stay": stay}, delay_before="1 h", efforts=work, delay_after="1 h")
    log = played({"a": {"delay_after": "1 h", "next": "b"}, "b": stage}, at=[f"{FRIDAY} 10:00"])
    assert log.visits.next_stage.tolist()[1] == to


def test_of_all_cases_the_first_that_fits_counts():
    work = {"x": {"team": "sellers", "duration": "30 min"}}
    stage = cased({"source": "web"}, efforts=work)
    other = {"when": {"age": "1 s"}, "to": {"lost": 1}}
    stage["next"]["cases"].append(other)
    log = played({"a": stage}, at=[f"{FRIDAY} 10:00"])
    assert log.visits.next_stage.iloc[0] == "won"


def test_who_is_served_first():
    def of(priority: int) -> dict[str, Any]:
        work = {"x": {"team": "sellers", "duration": "1 h", "priority": priority}}
        return {"efforts": work, "next": "won"}

    sources = {
        "web": {"stage": "a", "replay": [f"{FRIDAY} 10:00", f"{FRIDAY} 10:05"]},
        "shop": {"stage": "b", "replay": [f"{FRIDAY} 10:10", f"{FRIDAY} 10:20"]},
    }
    log = played({"a": of(2), "b": of(1)}, at=[], sources=sources)
    work = log.efforts.merge(log.visits, on=["lead_id", "visit"]).sort_values("started_at")
    assert work.stage.tolist() == ["a", "b", "b", "a"]  # what is in hand is never interrupted


def test_a_visit_keeps_the_rules_under_which_it_began():
    change = {"start": FRIDAY, "set": {"stages.a.delay_after": "1 h"}}
    stages = {"a": {"delay_after": "2 d", "next": "won"}}
    log = played(stages, at=["2026-03-05 23:00", f"{FRIDAY} 01:00"], changes={"faster": change})
    assert sorted(left(log)) == [f"{FRIDAY} 02:00", "2026-03-07 23:00"]


def test_a_shock_multiplies_odds():
    """The example of the page: 50 % and a factor of 1.5 make 60 %."""
    from funnelsim.engine.plan import Route

    route = Route(advance=0, probability=0.5, others=(1,), cumulative=(1.0,))
    assert [route.choose(u, 0.5, 1.5) for u in (0.599, 0.601)] == [0, 1]


def test_hires_come_one_after_another():
    staff = [{"seats": 2, "start": "2026-03-09", "ramp": "2 w"}]
    stage = {"efforts": {"x": {"team": "sellers", "duration": "1 min"}}, "next": "won"}
    log = played({"a": stage}, at=["2026-03-09 10:00"], teams={"sellers": {"staff": staff}})
    zone = ZoneInfo("Europe/Kyiv")
    seats = {
        interval.start.astimezone(zone).date(): interval.seats
        for interval in log.meta.teams[0].staffed
    }
    first = min(seats)
    assert first == datetime(2026, 3, 16, tzinfo=zone).date()
    assert min(day for day, many in seats.items() if many == 2).isoformat() == "2026-03-23"
