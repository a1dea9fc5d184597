"""The scenarios that come with funnelsim: sound, labelled, illustrative, and each a business."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.numbers import is_currency

from funnelsim import shipped
from funnelsim.engine.planning import make_plan
from funnelsim.scenarios.capacity import offered_load
from funnelsim.scenarios.loading import from_data, load
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.saving import to_yaml
from funnelsim.scenarios.scenario import Scenario

ORIGINAL = {
    "bank-retail": "ru",
    "bank-corporate": "ru",
    "security-systems": "ru",
    "storage-media": "ru",
    "apartment-doors": "ru",
    "crm-customer": "uk",
    "clothing-shop": "uk",
    "marketing-course": "uk",
}
STAGES = {  # blocks or numbered stages, as the business counts them
    "security-systems": 18,
    "storage-media": 6,
    "apartment-doors": 9,
    "crm-customer": 6,
    "clothing-shop": 5,
    "marketing-course": 6,
}


def file_of(name: str) -> Path:
    return shipped.scenarios() / f"{name}.yaml"


@cache
def loaded(name: str) -> Scenario:
    return load(file_of(name))


@pytest.fixture(params=ORIGINAL)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return loaded(request.param)


def test_all_eight_are_here():
    assert {path.stem for path in shipped.scenarios().glob("*.yaml")} == set(ORIGINAL)


def test_it_checks_clean(scenario):
    assert scenario.check() == ()


def test_it_reads_back_as_it_was(scenario, tmp_path):
    assert from_data(scenario.plain()) == scenario
    written = tmp_path / "copy.yaml"
    written.write_text(to_yaml(scenario), "utf-8")
    assert load(written) == scenario
    assert load(scenario.save(tmp_path / "saved.yaml")).fingerprint() == scenario.fingerprint()


def labels(scenario: Scenario) -> Iterator[tuple[str, dict[str, str]]]:
    yield "title", dict(scenario.title)
    yield "description", dict(scenario.description)
    for section in ("teams", "sources", "stages", "shocks", "changes", "what_ifs"):
        for key, part in getattr(scenario, section).items():
            yield f"{section}.{key}", dict(part.label)
    for key, stage in scenario.stages.items():
        for name, effort in stage.efforts.items():
            yield f"stages.{key}.efforts.{name}", dict(effort.label)


def test_everything_has_a_name_in_english_and_in_the_original_language(scenario):
    wanted = {"en", ORIGINAL[scenario.name]}
    lacking = [path for path, label in labels(scenario) if not wanted <= label.keys()]
    assert lacking == []


def test_names_of_stages_differ_in_every_language(scenario):
    for lang in ("en", "ru", "uk"):
        names = [stage.label[lang] for stage in scenario.stages.values()]
        assert len(set(names)) == len(names)


def test_its_numbers_are_made_up_and_it_says_so(scenario):
    assert scenario.illustrative
    assert "ALL NUMBERS HERE ARE MADE UP" in file_of(scenario.name).read_text("utf-8")
    assert "illustrative" in scenario.description["en"]


def test_its_numbers_are_uneven(scenario):
    for key, stage in scenario.stages.items():
        for share in stage.next.to.values() if stage.next and len(stage.next.to) > 1 else ():
            assert share not in {0.1, 0.2, 0.25, 0.3, 0.5, 0.75}, key


def test_its_currency_is_one(scenario):
    assert is_currency(scenario.currency)


def test_its_teams_are_busy_but_not_drowned(scenario):
    loads = {team.team: round(team.load, 2) for team in offered_load(scenario)}
    odd = {team: load for team, load in loads.items() if not 0.5 <= load <= 0.85}
    assert odd == {}


def test_its_what_ifs_can_be_made(scenario):
    assert 2 <= len(scenario.what_ifs) <= 3
    for key, question in scenario.what_ifs.items():
        changed = scenario.change(key, question.set)
        assert changed.fingerprint() != scenario.fingerprint()
        assert not [found for found in changed.check() if found.severity == "error"]
        if question.start is not None:
            _, begin, end = scenario.run.instants(scenario.time_zone)
            dated = {"start": question.start.isoformat(), "set": dict(question.set)}
            plan = make_plan(scenario.change(key, {f"changes.{key}": dated}))
            assert any(begin < epoch.start < end for epoch in plan.epochs)


def test_what_ifs_are_questions(scenario):
    for question in scenario.what_ifs.values():
        assert all(text.endswith("?") for text in question.label.values())


def test_stages_are_numbered_as_the_business_counts_them():
    for name, many in STAGES.items():
        stages = loaded(name).stages.values()
        numbers = {stage.label["en"].partition(".")[0] for stage in stages}
        assert {str(n) for n in range(1, many + 1)} <= numbers, name


def test_the_eighteen_steps_stand_in_six_blocks():
    stages = list(loaded("security-systems").stages.values())[:18]
    blocks = [stage.block for stage in stages]
    order = ["details", "offer", "objections", "contract", "payment", "care"]
    assert list(dict.fromkeys(blocks)) == order
    assert [blocks.count(block) for block in order] == [4, 3, 2, 5, 2, 2]


def test_they_are_eight_different_businesses():
    """From five leads a week to two thousand a day, from an hour to most of a year."""
    per_week, days = [], []
    for found in map(loaded, ORIGINAL):
        paths = Paths(found)
        per_week.append(float(paths.arrivals.sum()))
        won = {key for key, s in found.stages.items() if "won" in {m.kind for m in s.marks}}
        days.append(paths.journey(won).mean / 24)
    assert min(per_week) < 6
    assert max(per_week) > 7 * 1_990
    assert min(days) < 0.5
    assert max(days) > 170
    assert len({loaded(name).currency for name in ORIGINAL}) >= 3
