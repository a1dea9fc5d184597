"""What a log means: facts, the sentences about them, and what limits a funnel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from funnelsim.events import EventLog
from funnelsim.measures import win_rate
from funnelsim.measures.example import BANK
from funnelsim.reporting import review, screen
from funnelsim.reporting.blocks import end, plain
from funnelsim.reporting.names import Names
from funnelsim.reporting.pdf import render
from funnelsim.reporting.review.facts import Busy, TimeSplit, limit
from funnelsim.reporting.review.findings import answer, findings
from funnelsim.reporting.review.gathering import gather, time_split
from funnelsim.reporting.review.risks import risks
from funnelsim.reporting.texts import texts

EN = texts("en")
SECTIONS = ["front", "funnel", "flow", "time", "load", "value"]


def latest_only(history):
    """The bank as a CRM without stage history would export it."""
    tables = BANK.tables()
    last = tables["visits"].groupby("lead_id").tail(1).assign(visit=1)
    return EventLog(
        leads=tables["leads"],
        visits=last,
        efforts=tables["efforts"].iloc[:0],
        marks=tables["marks"].assign(visit=1),
        meta=BANK.meta.model_copy(update={"history": history}),
    )


def labelled(**labels):
    """The bank with labels for its first stage."""
    first, *rest = BANK.meta.stages
    stages = (first.model_copy(update={"label": labels}), *rest)
    return EventLog.trusted(BANK.tables(), BANK.meta.model_copy(update={"stages": stages}))


LOGS = {
    "bank": BANK,
    "no leads": BANK.filter(leads=[]),
    "none closed": BANK.filter(leads=["e"]),
    "none open": BANK.filter(leads=["a", "b", "c"]),
    "latest entry only": latest_only("latest_entry"),
    "snapshot": latest_only("snapshot"),
    "illustrative": EventLog.trusted(
        BANK.tables(), BANK.meta.model_copy(update={"illustrative": True})
    ),
}


def test_facts_are_those_of_the_measures():
    facts, rate = gather(BANK), win_rate(BANK).iloc[0]
    assert (facts.leads, facts.won, facts.lost, facts.open) == (5, 2, 1, 2)
    assert facts.win_rate.value == rate["value"]
    assert facts.closed_only == pytest.approx(2 / 3)
    assert facts.leak is not None
    assert (facts.leak.stage, facts.leak.lost, facts.leak.entered) == ("interest", 1, 5)
    assert facts.leak.share_of_losses == 1
    assert facts.earned is not None
    assert (facts.earned.value, facts.earned.leads) == (400_000, 2)


def test_time_is_split_without_rest():
    """Hours by hand: 5 leads, 5 pieces of work of 4.5 h, waits of 0 + ½ + 0 + ½ + ¼ h."""
    split = time_split(BANK)
    assert split is not None
    assert split.work + split.wait + split.delay == pytest.approx(1)
    assert split.work / split.wait == pytest.approx(4.5 / 1.25)


@pytest.mark.parametrize(
    ("busy", "wait", "late", "expected"),
    [
        (0.85, 0.1, 0.9, "people"),
        (0.846, 0.1, 0.9, "people"),
        (0.844, 0.1, 0.9, "delay"),
        (0.84, 0.5, 0.9, "people"),
        (0.84, 0.49, 0.5, "delay"),
        (0.84, 0.49, 0.49, "conversion"),
        (None, 0.5, 0.0, "people"),
        (None, 0.49, 0.5, "delay"),
        (None, None, 0.49, "conversion"),
    ],
)
def test_what_limits(busy, wait, late, expected):
    facts = replace(
        gather(BANK),
        busiest=None if busy is None else Busy("advisers", busy),
        split=None if wait is None else TimeSplit(0.1, wait, 0.9 - wait),
        timed_out=late,
    )
    assert limit(facts) == expected
    said = [plain(sentence) for sentence in answer(facts, Names.of(BANK, EN), EN)]
    if wait is not None:
        assert expected.capitalize() in said[-1]


def test_open_leads_are_the_first_risk_of_real_numbers():
    first = plain(findings(BANK, EN).risks[0])
    assert first.startswith("2 of 5 leads are still open")
    assert "67%" in first


def test_illustrative_numbers_are_the_first_risk_of_all():
    first = plain(findings(LOGS["illustrative"], EN).risks[0])
    assert first.startswith("The numbers are illustrative")


def test_an_overloaded_team_is_a_risk_with_its_name_and_load():
    facts = replace(gather(BANK), busiest=Busy("advisers", 0.961))
    said = [plain(sentence) for sentence in risks(facts, Names.of(BANK, EN), EN, BANK)]
    assert any("“advisers” works 96% of its staffed time" in sentence for sentence in said)
    assert len(said) == 3


@pytest.mark.parametrize(
    ("log", "lang"),
    [(log, "uk") for log in LOGS.values()] + [(BANK, lang) for lang in ("en", "ru", "nl")],
    ids=[*LOGS, "in English", "in Russian", "in Dutch"],
)
def test_every_log_gives_a_whole_report(log, lang):
    blocks = [block for name in SECTIONS for block in getattr(review, name)(log, lang).blocks]
    shown = " ".join(screen.html(block) for block in blocks)
    assert "NaN" not in shown
    assert "nan" not in " ".join(screen.line(block) for block in blocks).split()
    assert blocks[0].kind == "cover"
    assert render([*blocks, end()]).startswith(b"%PDF-")


def test_page_one_has_five_to_seven_figures_and_three_risks_at_most():
    found = findings(BANK, EN)
    assert 5 <= len(found.tiles) <= 7
    assert 3 <= len(found.answer) <= 4
    assert 1 <= len(found.risks) <= 3
    assert list(found.advice) == ["Do", "Don't", "Test first"]


def test_a_team_and_a_stage_of_one_id_keep_their_names():
    teams = tuple(
        team.model_copy(update={"id": "interest", "label": {"en": "Desk in Istanbul"}})
        for team in BANK.meta.teams[:1]
    )
    efforts = BANK.efforts.assign(team="interest")
    meta = BANK.meta.model_copy(update={"teams": teams})
    log = EventLog.trusted({**BANK.tables(), "efforts": efforts}, meta)
    shown = next(
        block
        for block in review.load(log).blocks
        if block.kind == "figure" and block.key == "utilisation"
    )
    assert "Desk in Istanbul" in shown.alt


def test_what_the_history_cannot_support_is_said_and_not_guessed():
    shown = [screen.line(block) for block in review.time(LOGS["snapshot"]).blocks]
    assert any("Import the stage history" in line for line in shown)


def test_stage_names_are_data():
    """A name with braces, stars and code stays as it is, in sentences, tables and the PDF."""
    name = "{share} **x** #panic() <b>"
    log = labelled(en=name)
    blocks = [block for part in SECTIONS for block in getattr(review, part)(log).blocks]
    assert any(name in screen.line(block) for block in blocks if block.kind == "summary")
    assert render([*blocks, end()]).startswith(b"%PDF-")
