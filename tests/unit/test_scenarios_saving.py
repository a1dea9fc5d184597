"""Scenarios and files: there and back, and nothing touched that did not change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given

from funnelsim import shipped
from funnelsim.documents import parse_document
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.loading import from_data, load, read_scenario
from funnelsim.scenarios.saving import _edited, save, to_yaml
from tests.sizes import costly
from tests.strategies import scenarios

SHIPPED = sorted(path for path in shipped.scenarios().glob("*-*.yaml"))

OURS = """\
funnelsim: 1   # the version
# Our demo funnel.
name: ours
title: "Demo, 'ours'"
run: {start: 2026-02-02, horizon:  26 w}  # why so long?

teams:
  # people on the phone
  callers: {seats: 3}
sources:
  web: {stage: demo, rate: 40 / d}   # counted in January
stages:
  demo:   # the first call
    delay_before: {median: 2 d, p90: 5 d}
    efforts: {call: {team: callers, duration: {mean: 5 min}}}
    next:
      advance: won      # hurrah
      to: {won: 40 %,  lost: 0.6}

  # the ends
  won: {marks: won}
  lost:
    marks: lost
"""


@pytest.fixture
def ours(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text(OURS, "utf-8")
    return path


def lines_changed(path):
    before, after = OURS.splitlines(), path.read_text("utf-8").splitlines()
    return [" ".join(line.split()) for line in after if line not in before]


@costly
@given(scenarios())
def test_to_yaml_and_back_is_the_same_scenario(scenario):
    again = read_scenario(parse_document(to_yaml(scenario)))
    assert again == scenario
    assert list(again.stages) == list(scenario.stages)
    assert again.fingerprint() == scenario.fingerprint()


@costly
@given(scenarios())
def test_plain_data_and_back_is_the_same_scenario(scenario):
    assert from_data(scenario.plain()) == scenario
    assert from_data(scenario.plain(spelled_out=True)) == scenario


@costly
@given(scenarios(), scenarios())
def test_saving_one_scenario_over_another_leaves_the_new_one(first, second):
    document = parse_document(to_yaml(first))
    again = read_scenario(parse_document(_edited(document, second)))
    assert again == second
    assert list(again.stages) == list(second.stages)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_saving_an_unchanged_scenario_changes_no_byte(path, tmp_path):
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    load(path).save(copy)
    assert copy.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_changed_rate_changes_one_line_of_a_shipped_scenario(path, tmp_path):
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    scenario = load(path)
    source = next(iter(scenario.sources))
    scenario.change("more", {f"sources.{source}.rate": {"times": 2}}).save(copy)
    before, after = path.read_text("utf-8").splitlines(), copy.read_text("utf-8").splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_comments_and_spelling_of_the_rest_survive(ours):
    load(ours).change("more", {"teams.callers.seats": 4, "run.horizon": "10 w"}).save(ours)
    assert lines_changed(ours) == [
        "run: {start: 2026-02-02, horizon: 10 w} # why so long?",
        "callers: {seats: 4}",
    ]


def test_one_branch_changes_and_the_comment_beside_it_stays(ours):
    load(ours).change("better", {"stages.demo.next.to.won": 0.5}).save(ours)
    assert lines_changed(ours) == ["to: {won: 0.5, lost: 0.5}"]
    assert "advance: won      # hurrah" in ours.read_text("utf-8")


def test_new_parts_go_behind_the_one_they_follow(ours):
    scenario = load(ours)
    scenario.change("chat", {"teams.robots": {"seats": 2, "label": {"uk": "боти"}}}).save(ours)
    text = ours.read_text("utf-8")
    assert text.index("callers") < text.index("robots") < text.index("sources:")
    assert load(ours).teams["robots"].seats == 2


def test_parts_that_are_gone_are_deleted(ours):
    data = load(ours).plain()
    del data["stages"]["demo"]["efforts"]
    del data["teams"]
    from_data(data).save(ours)
    assert "callers" not in ours.read_text("utf-8")
    assert "# the first call" in ours.read_text("utf-8")
    assert load(ours) == from_data(data)


def test_the_order_of_stages_and_efforts_is_saved(ours):
    data = load(ours).plain()
    data["stages"] = dict(reversed(data["stages"].items()))
    from_data(data).save(ours)
    assert list(load(ours).stages) == ["lost", "won", "demo"]


def test_windows_line_ends_stay(ours):
    ours.write_bytes(OURS.replace("\n", "\r\n").encode())
    load(ours).change("more", {"teams.callers.seats": 4}).save(ours)
    raw = ours.read_bytes()
    assert b"callers: {seats: 4}\r\n" in raw
    assert raw.count(b"\n") == raw.count(b"\r\n")


def test_a_new_file_reads_well(tmp_path):
    scenario = load(shipped.scenarios() / "bank-retail.yaml")
    path = save(scenario, tmp_path / "new.yaml")
    text = path.read_text("utf-8")
    assert text.startswith("funnelsim: 1\nname: bank-retail\n")
    assert "delay_before: {median: 1.3 d, p90: 4.5 d}" in text
    assert "Привлечение внимания" in text
    assert load(path) == scenario


def test_a_file_that_is_no_scenario_is_not_overwritten(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("shopping: [milk]\n", "utf-8")
    with pytest.raises(ScenarioError, match="funnelsim: 1"):
        load(SHIPPED[0]).save(path)
    assert path.read_text("utf-8") == "shopping: [milk]\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "x.yaml", tmp_path / "no" / "x.yaml"):
        with pytest.raises(ScenarioError, match=r"x\.yaml: cannot be written"):
            load(SHIPPED[0]).save(place)


def test_an_interrupted_save_leaves_the_old_file(ours, monkeypatch):
    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    scenario = load(ours).change("more", {"teams.callers.seats": 4})
    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scenario.save(ours)
    assert ours.read_text("utf-8") == OURS
    assert os.listdir(ours.parent) == ["ours.yaml"]  # noqa: PTH208 - hidden files too
