"""The STRESS-DES appendix: every item from facts, what is not known named and counted."""

from __future__ import annotations

import re

import pytest

from funnelsim import shipped
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from funnelsim.measures.example import BANK
from funnelsim.reporting import parameters, review, stress_des
from funnelsim.reporting.blocks import cover, end, plain
from funnelsim.reporting.inputs import open_scenario
from funnelsim.reporting.pdf import render
from funnelsim.reporting.quantities import distribution
from funnelsim.reporting.stress_des.items import items
from funnelsim.reporting.texts import texts
from funnelsim.scenarios.loading import from_data, load
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec

EN, UK = texts("en"), texts("uk")
TINY = {
    "funnelsim": 1,
    "name": "tiny",
    "currency": "EUR",
    "time_zone": "Europe/Kyiv",
    "run": {"start": "2026-01-05", "horizon": "2 w", "warm_up": "1 w"},
    "calendars": {"office": {"hours": {"mon-fri": "09:00-17:00"}, "closed": "2026-01-07"}},
    "calendar": "office",
    "teams": {"sales": {"label": {"en": "Sales"}, "seats": 2, "at_close": "pause"}},
    "sources": {
        "web": {"stage": "talk", "rate": "5 / d", "by_hour": {"9-17": 1}, "value": 1234567}
    },
    "stages": {
        "talk": {
            "delay_before": {"median": "2 d", "p90": "5 d"},
            "efforts": {"call": {"team": "sales", "duration": {"mean": "30 min", "cv": 0.5}}},
            "timeout": {"after": "3 w", "to": "lost"},
            "next": {"advance": "won", "to": {"won": 0.305, "lost": 0.695}},
        },
        "won": {"marks": "won"},
        "lost": {"marks": "lost"},
    },
}
NUMBERS = [
    "1.1",
    "1.2",
    "1.3",
    "2.1",
    "2.2",
    "2.3",
    "2.4",
    "2.5.1",
    "2.5.2",
    "2.5.3",
    "2.5.4",
    "2.5.5",
    "3.1",
    "3.2",
    "3.3",
    "3.4",
    "4.1",
    "4.2",
    "4.3",
    "5.1",
    "5.2",
    "5.3",
    "5.4",
    "6.1",
]


def made(*, seed=7, **parts):
    """A tiny scenario, the log it gives, and its items by number."""
    scenario = from_data({**TINY, **parts}, "tiny.yaml")
    log = simulate(scenario, seed=seed)
    found = items(scenario, log, EN, source="somewhere/tiny.yaml")
    return scenario, log, {item.number: item for item in found}


@pytest.fixture(scope="module")
def tiny():
    return made()


def words_of(block):
    assert block.kind == "text"
    return plain(block.sentence)


def rows_of(block):
    assert block.kind == "table"
    return block.rows


def test_the_24_items_of_the_checklist_stand_in_its_order(tiny):
    assert list(tiny[2]) == NUMBERS


def test_what_a_scenario_cannot_know_is_missing_and_counted_first(tiny):
    scenario, log, found = tiny
    missing = [number for number, item in found.items() if not item.filled]
    assert missing == ["1.1", "1.3", "3.1", "3.2", "5.4", "6.1"]
    first, whole = stress_des.checklist(scenario, log, EN, source="tiny.yaml")[:2]
    said = words_of(first)
    assert said.startswith("18 of 24 items are filled; missing: 1.1 Purpose of the model, 1.3 ")
    marked = [
        row[0].split()[0] for row in rows_of(whole) if row[1].startswith("Not stated in the sc")
    ]
    assert marked == missing


def test_every_filled_item_says_something(tiny):
    assert [item.number for item in tiny[2].values() if item.filled and not item.content] == []


def test_run_and_seed_are_those_of_the_simulation(tiny):
    found = tiny[2]
    assert found["4.1"].content.startswith("Starts empty on 29 December 2025; the warm-up of 1")
    assert "2\u00a0wk, 5\u201318 Jan 2026 (Europe/Kyiv)" in re.sub(
        r"[\u2009\u202f]?\u2013[\u2009\u202f]?", "\u2013", found["4.2"].content
    )
    assert "seed 7" in found["4.3"].content
    assert "seed 7" in found["5.2"].content
    assert "next-event time advance" in found["5.3"].content


def test_components_are_those_of_the_scenario(tiny):
    found = tiny[2]
    assert "of 1 kind " in found["2.5.1"].content
    assert "Kinds of work: 1" in found["2.5.2"].content
    assert "Sales (2 seats)" in found["2.5.3"].content
    assert found["2.5.5"].content == "Leads enter at: talk. They end at: won, lost."
    assert "Stages with: time limit (1)." in found["2.2"].content
    assert "EUR" in found["1.2"].content
    assert "tiny.yaml" in found["6.1"].content
    assert "somewhere" not in found["6.1"].content


def test_what_if_questions_are_the_aims_and_their_settings_the_logic():
    found = made(
        what_ifs={
            "more": {"label": {"en": "What if Ann came?"}, "set": {"teams.sales.seats": {"add": 1}}}
        }
    )[2]
    assert (found["1.3"].filled, found["1.3"].content) == (True, "(1)\u00a0What if Ann came?")
    assert "(1)\u00a0Sales: seats: 2 → 3." in found["2.3"].content


def test_dated_changes_are_part_of_the_logic():
    busier = {"busier": {"start": "2026-01-12", "set": {"sources.web.rate": "9 / d"}}}
    assert "From 12 January 2026 on: web: leads: 5 per day → 9 per day." in made(changes=busier)[2][
        "2.3"
    ].content.replace("\u00a0", " ")


def test_assumptions_follow_the_scenario():
    alone = made()[2]["3.4"].content
    shaken = made(shocks={"market": {"cv": 0.1, "sources": ["web"]}})[2]
    assert "Leads are independent" in alone
    assert "Apart from common shocks (1)" in shaken["3.4"].content
    assert "Shocks: lognormal" in shaken["2.4"].content


def test_illustrative_numbers_are_no_data_source():
    found = made(illustrative=True)[2]["3.1"]
    assert not found.filled
    assert "illustrative" in found.content


def test_parameters_are_told_exactly_as_given(tiny):
    scenario = tiny[0]
    source, stage, team = (
        [cell.replace("\u00a0", " ") for cell in rows_of(table)[0]]
        for table in (
            part(scenario, EN) for part in (parameters.sources, parameters.stages, parameters.teams)
        )
    )
    assert source == ["web", "talk", "5 per day; hour", "1,234,567"]
    assert stage == [
        "talk",
        "before: median 2 d, 90% up to 5 d, lognormal; limit 3 wk → lost",
        "call (Sales): mean 30 min, CV 0.5, lognormal",
        "won 30.5%, lost 69.5%",
    ]
    assert team == ["Sales", "2 × Mon–Fri 09:00–17:00 · 1 more day closed", "pauses till opening"]


def test_work_side_by_side_and_refusals_are_told():
    bank = load(shipped.scenarios() / "bank-corporate.yaml")
    found = {row[0]: row for row in parameters.stages(bank, EN).rows}["Approval in the bank"]
    assert found[2].startswith("Side by side till all agreed or one refused: Risk opinion (Risk")
    assert found[3].endswith("; refused → Declined by the bank")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (AmountSpec.model_validate(265), "265"),
        (AmountSpec.model_validate({"mean": 5}), "mean 5, exponential"),
        (
            AmountSpec.model_validate({"min": 1, "likely": 2, "max": 4}),
            "at least 1, most often 2, at most 4, triangular",
        ),
        (
            AmountSpec.model_validate({"values": [1, 2, 3], "weights": [1, 1, 2]}),
            "3 observed values, drawn as observed",
        ),
        (
            DurationSpec.model_validate(
                {
                    "mixture": [
                        {"share": "25 %", "of": "1 bd"},
                        {"share": "75 %", "of": {"family": "gamma", "mean": "3 bd", "sd": "1 bd"}},
                    ]
                }
            ),
            (
                "mixture of 25% (1 business d), 75% "
                "(mean 3 business d, standard deviation 1 business d, gamma)"
            ),
        ),
    ],
)
def test_distributions_in_words(spec, said):
    assert distribution(spec, EN).replace("\u00a0", " ") == said


def test_overrides_are_what_is_reported(tmp_path):
    scenario = from_data(TINY, "tiny.yaml")
    file = scenario.save(tmp_path / "tiny.yaml")
    more: dict[str, object] = {"teams.sales.seats": 5}
    changed = open_scenario(file, overrides=more)
    assert changed is not None
    log = simulate(changed, seed=1)
    whole = review.appendix(log, source=str(file), overrides=more).blocks[2]
    assert "Sales (5 seats)" in dict(rows_of(whole))["2.5.3 Resources"]


def test_recorded_data_has_no_appendix_and_a_saved_simulation_says_why():
    heading, said = review.appendix(BANK, source="deals.csv").blocks
    assert heading.kind == "section"
    assert "does not apply" in words_of(said)
    simulated = BANK.meta.model_copy(update={"provenance": {"scenario_sha256": "0" * 64}})
    log = EventLog.trusted(BANK.tables(), simulated)
    said = review.appendix(log, source="folder").blocks[1]
    assert "Make the report from the scenario file" in words_of(said)


@pytest.mark.parametrize("path", sorted(shipped.scenarios().glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_scenario_fills_the_same_items_in_its_language(path, tiny):
    scenario = load(path)
    found = items(scenario, tiny[1], UK, source=str(path))
    missing = [item.number for item in found if not item.filled]
    assert missing == ["1.1", "3.1", "3.2", "5.4", "6.1"]
    assert all("{" not in item.content for item in found if item.number != "2.3")
    blocks = stress_des.checklist(scenario, tiny[1], UK, source=str(path))
    assert [block.kind for block in blocks] == ["text", *["table"] * (4 if scenario.teams else 3)]


def test_the_appendix_becomes_a_pdf(tiny):
    scenario, log, _ = tiny
    told = stress_des.checklist(scenario, log, UK, source="tiny.yaml")
    front = cover("Tiny", lang="uk", as_of=log.meta.observed_until.date())
    assert render([front, *told, end()]).startswith(b"%PDF-")
