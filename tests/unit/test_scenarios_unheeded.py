"""What stands in a scenario and would change nothing is told, not ignored."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from funnelsim.documents import parse_document
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.loading import from_data, read_scenario

BASE: dict[str, Any] = {
    "funnelsim": 1,
    "name": "base",
    "currency": "UAH",
    "run": {"start": "2026-03-02", "horizon": "4 w"},
    "sources": {"web": {"stage": "demo", "rate": "5 / d", "product": "card", "value": 90}},
    "stages": {
        "demo": {"next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}}},
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}
COUNTS: dict[str, Any] = {"stage": "demo", "counts": {"start": "2026-03-02", "paths": [[20, 30]]}}
REPLAY: dict[str, Any] = {"stage": "demo", "replay": ["2026-03-03T09:00", "2026-03-04T09:00"]}
GIVEN = {"counts": COUNTS, "replay": REPLAY}
RESTLESS: dict[str, Any] = {
    "by_month": {"mar": 1.2},
    "growth": "2 % / mo",
    "campaigns": [{"start": "2026-03-10", "end": "2026-03-12", "times": 2}],
    "overdispersion": 0.2,
}
PROFILE: dict[str, Any] = {"by_weekday": {"mon": 2}, "by_hour": {"9-17": 1}}


def found(**parts):
    """Findings about the base with parts of it replaced."""
    return [str(finding) for finding in from_data(deepcopy(BASE) | parts).check()]


def demo(**parts):
    """The base's stages, the first with something more."""
    stages: dict[str, Any] = deepcopy(BASE["stages"])
    stages["demo"] |= parts
    return stages


def test_the_base_has_nothing_to_tell():
    assert found() == []
    assert found(sources={"web": COUNTS | {"by_hour": {"9-17": 1}}}) == []
    assert found(sources={"web": REPLAY}) == []
    assert found(sources={"web": BASE["sources"]["web"] | RESTLESS | PROFILE}) == []


@pytest.mark.parametrize(
    ("origin", "name"),
    [(origin, name) for origin in GIVEN for name in RESTLESS]
    + [("replay", name) for name in PROFILE],
)
def test_given_leads_follow_no_season(origin, name):
    """Refused, for a run would leave it out in silence."""
    source = GIVEN[origin] | {name: (RESTLESS | PROFILE)[name]}
    (text,) = found(sources={"web": source})
    assert text == (
        f"error: sources.web.{name}: has no effect: these leads are given by {origin}. "
        f"Leave it out, or give a rate instead of {origin}."
    )


def test_the_line_is_named():
    text = """\
funnelsim: 1
name: given
run: {start: 2026-03-02, horizon: 4 w}
sources:
  web:
    stage: won
    counts: {start: 2026-03-02, paths: [[20, 30]]}
    growth: 2 % / mo
stages:
  won: {marks: won}
"""
    document = parse_document(text, "given.yaml")
    with pytest.raises(ScenarioError, match=r"^given\.yaml:8:5 sources\.web\.growth: has no"):
        require_sound(read_scenario(document), document)


def test_shocks_that_meet_nobody():
    shocks = {"luck": {"cv": 0.2, "sources": ["web"], "stages": ["won"]}, "none": {"cv": 0.2}}
    texts = found(sources={"web": COUNTS}, shocks=shocks)
    assert [text.split(". ")[0] for text in texts] == [
        "error: shocks.luck.sources.0: has no effect on web: its leads are given by counts",
        "warning: shocks.luck.stages.0: has no effect on won: nobody advances from there",
        "warning: shocks.none: acts on nothing",
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            REPLAY | {"replay": ["2025-03-03T09:00", "2026-03-04T09:00"]},
            "note: sources.web.replay: 1 of 2 moments lie outside the run, 2026-03-02 to 2026-03-2",
        ),
        (
            REPLAY | {"replay": ["2026-03-30T00:00"]},  # the very end is no part of the run
            "warning: sources.web.replay: 1 of 1 moments lie outside the run",
        ),
        (
            COUNTS | {"counts": {"start": "2026-03-30", "paths": [[3]]}},
            "warning: sources.web.counts: all periods lie outside the run",
        ),
        (
            BASE["sources"]["web"]
            | {"campaigns": [{"start": "2026-02-01", "end": "2026-03-02", "times": 2}]},
            "note: sources.web.campaigns.0: lies outside the run",
        ),
    ],
)
def test_days_on_which_the_run_does_not_look(source, message):
    (text,) = found(sources={"web": source})
    assert text.startswith(message)


def test_waiting_without_work():
    cases = [{"when": {"wait": "1 h"}, "to": {"lost": 1}}]
    stages = demo(
        patience={"after": "1 h", "to": "lost"},
        next=BASE["stages"]["demo"]["next"] | {"cases": cases},
    )
    patience, wait = found(stages=stages)
    assert patience.startswith("warning: stages.demo.patience: has no effect: this stage has no")
    assert wait.startswith("warning: stages.demo.next.cases.0.when.wait: has no effect")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"delay_after": None}, "never holds: leads leave this stage at once"),
        ({"timeout": {"after": "2 h", "to": "lost"}}, "never holds: the time-out comes after 2 h"),
        ({"timeout": {"after": "3 h", "to": "lost"}}, None),
        ({}, None),
    ],
)
def test_stays_that_no_visit_has(parts, message):
    cases = [{"when": {"stay": "3 h"}, "to": {"lost": 1}}]
    following = BASE["stages"]["demo"]["next"] | {"cases": cases}
    texts = found(stages=demo(**{"delay_after": {"mean": "3 h"}, "next": following} | parts))
    path = "warning: stages.demo.next.cases.0.when.stay: "
    assert [text.rstrip(".") for text in texts] == ([path + message] if message else [])


@pytest.mark.parametrize(
    ("when", "fix"),
    [({"product": "crad"}, 'Did you mean "card"?'), ({"segment": "b"}, "Give a source a segment.")],
)
def test_cases_for_kinds_that_nobody_brings(when, fix):
    cases = [{"when": when, "to": {"lost": 1}}]
    (text,) = found(stages=demo(next=BASE["stages"]["demo"]["next"] | {"cases": cases}))
    ((name, word),) = when.items()
    assert text == (
        f"warning: stages.demo.next.cases.0.when.{name}: "
        f'no source brings the {name} "{word}". {fix}'
    )


def test_deals_without_value():
    stages = demo(marks={"kind": "paid", "value": "deal"})
    assert found(stages=stages) == []
    (text,) = found(stages=stages, sources={"web": COUNTS})
    assert text.startswith("warning: stages.demo.marks.0.value: counts the value of the deal, but")


def test_questions_that_cannot_be_asked():
    (text,) = found(what_ifs={"faster": {"set": {"stages.dmo.delay_before": "1 h"}}})
    assert text.startswith(
        "warning: what_ifs.faster.set.stages.dmo.delay_before: cannot be asked: "
    )
    assert 'Did you mean "demo"?' in text


def test_more_leads_than_a_computer_holds():
    (text,) = found(sources={"web": {"stage": "demo", "rate": "1e6 / h"}})
    assert "error: sources.web: brings about 6.7e+08 leads; at most 1e+08 can be run" in text


@pytest.mark.parametrize(
    "run",
    [
        {"start": "9999-12-31", "horizon": "4 w"},
        {"start": "1901-01-01", "horizon": "4 w", "warm_up": "60 w"},
        {"start": "2026-03-02", "horizon": "6000 mo"},
        {"start": "0001-01-01", "horizon": "4 w", "warm_up": "4 w"},
    ],
)
def test_a_run_beyond_the_calendar(run):
    with pytest.raises(ScenarioError, match=r"run: a run lies between the years 1900 and 2200"):
        from_data(BASE | {"run": run})
