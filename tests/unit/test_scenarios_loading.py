"""Scenario files: every problem at once, each at its place."""

from __future__ import annotations

import pytest

from funnelsim import shipped
from funnelsim.documents import parse_document
from funnelsim.errors import ScenarioError
from funnelsim.scenarios.checks import load_sound
from funnelsim.scenarios.loading import from_data, load, read_scenario
from funnelsim.scenarios.routing import Next

SOUND = """\
funnelsim: 1
name: demo
run: {start: 2026-03-02, horizon: 26 w, warm_up: 2 w}
teams:
  sales: {seats: 2}
sources:
  web: {stage: demo, rate: 40 / d}
stages:
  demo:
    delay_before: {median: 2 d, p90: 5 d}
    efforts: {call: {team: sales, duration: 5 min}}
    next: {advance: won, to: {won: 0.4, lost: 0.6}}
  won: {marks: won}
  lost: {marks: lost}
"""

ALL_WRONG = """\
funnelsim: 1
name: Demo
titel: A demo
currency: hrn
time_zone: Europe/Kiew
run: {start: 2026-02-29, horizon: 26, warm_up: -3 d}
calendars:
  office: {hours: {mon-fri: "9-18", fri: "9-12"}, holidays: XX, closed: 2026-13-01}
teams:
  sales: {seats: 3.5, at_close: stop}
sources:
  web: {stage: dmeo, rate: 40}
stages:
  demo:
    delay_before: {median: 5 d, p90: 2 d}
    delay_after: 3
    efforts: {call: {team: salse, duration: {mean: 5 min}, priority: high}}
    timeout: {after: 2 weeks, to: gone}
    marks: [qualified, {kind: won, valeu: deal}]
    next: {advance: won, to: {won: 0.7, lost: 60 %}}
  won: {marks: won}
  Lost: {marks: lost}
"""

EXPECTED = """\
2:7 name: "Demo" is not an id
3:1 titel: unknown key "titel". Did you mean "title"?
4:11 currency: "hrn" is not a currency code
5:12 time_zone: 'Europe/Kiew' is not an IANA time zone; did you mean Europe/Kyiv?
6:14 run.start: "2026-02-29" is not a day
6:35 run.horizon: 26 has no unit
6:48 run.warm_up: '-3 d' is negative
8:12 calendars.office.hours: fri stands in both 'mon-fri' and 'fri'
8:61 calendars.office.holidays: no public holidays known for 'XX'
8:73 calendars.office.closed: "2026-13-01" is not a day
10:18 teams.sales.seats: must be a whole number, not 3.5
10:33 teams.sales.at_close: "stop" is not allowed. Allowed here: finish, pause.
12:16 sources.web.stage: there is no stage "dmeo". Did you mean "demo"?
12:28 sources.web.rate: 40 is not a rate
15:5 stages.demo.delay_before: median 5 d, p90 2 d: quantiles must rise
16:18 stages.demo.delay_after: 3 has no unit
17:28 stages.demo.efforts.call.team: there is no team "salse". Did you mean "sales"?
17:70 stages.demo.efforts.call.priority: must be a whole number, not "high"
18:22 stages.demo.timeout.after: '2 weeks' is not a duration
18:35 stages.demo.timeout.to: there is no stage "gone". Allowed here: demo, won, Lost.
19:36 stages.demo.marks.1.valeu: unknown key "valeu". Did you mean "value"?
20:5 stages.demo.next: probabilities sum to 1.3 (won 0.7, lost 0.6); they must sum to 1
20:41 stages.demo.next.to.lost: there is no stage "lost". Did you mean "Lost"?
22:3 stages.Lost: "Lost" is not an id"""


def refusal(text):
    with pytest.raises(ScenarioError) as caught:
        read_scenario(parse_document(text, "b2b.yaml"))
    return [str(problem) for problem in caught.value.problems]


def test_a_sound_file_is_read(tmp_path):
    path = tmp_path / "demo.yaml"
    path.write_text(SOUND)
    assert load(path).stages["demo"].next == Next(advance="won", to={"won": 0.4, "lost": 0.6})
    assert load(str(path)) == load(path)


def test_every_problem_at_once_in_the_order_of_the_file():
    found, expected = refusal(ALL_WRONG), EXPECTED.splitlines()
    for problem, start in zip(found, expected, strict=False):
        assert problem.startswith(f"b2b.yaml:{start}")
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("", '1:1: the first line must be "funnelsim: 1", the format version. Add it at the top.'),
        ("name: x\nfunnelsim: 1\n", "1:1: the first line must be"),
    ],
)
def test_the_first_line_is_missed_and_the_rest_still_told(first, message):
    text = ALL_WRONG.replace("funnelsim: 1\nname: Demo\n", first)
    found = refusal(text)
    assert found[0].startswith(f"b2b.yaml:{message}")
    assert len(found) >= len(EXPECTED.splitlines())


def test_another_version_is_all_that_is_said():
    (only,) = refusal(ALL_WRONG.replace("funnelsim: 1", "funnelsim: 2"))
    assert only.startswith("b2b.yaml:1:12 funnelsim: format 2 is not known; this funnelsim reads 1")
    assert only.endswith("Update funnelsim to read it.")


def test_what_is_missing_is_explained():
    found = refusal("funnelsim: 1\nname: x\nrun: {start: 2026-03-02}\nstages: {a: {}}\n")
    assert found[0] == "b2b.yaml:1:1 sources: is missing. Add it: Where leads come from."
    assert found[1].startswith("b2b.yaml:3:1 run.horizon: is missing. Add it: Length of the")
    assert len(found) == 2


def test_a_mapping_is_told_from_a_scenario():
    path = shipped.scenarios() / "mappings" / "bpi-2012.yaml"
    with pytest.raises(ScenarioError, match="is the mapping of an export, not a scenario"):
        load(path)


def test_data_without_a_file_is_named():
    with pytest.raises(ScenarioError, match="what-if name: is missing"):
        from_data({"funnelsim": 1}, "what-if")


def test_a_file_with_errors_of_substance_is_not_run(tmp_path):
    path = tmp_path / "loop.yaml"
    path.write_text(SOUND.replace("  won: {marks: won}", "  won: {marks: won, next: won}"))
    load(path)  # it can be read …
    with pytest.raises(ScenarioError, match=r"loop.yaml:13:21 stages.won.next: leads that enter"):
        load_sound(path)  # … but not run


def test_a_sound_file_may_be_run_with_changes(tmp_path):
    path = tmp_path / "demo.yaml"
    path.write_text(SOUND)
    scenario, _ = load_sound(path, {"teams.sales.seats": 5})
    assert scenario.teams["sales"].seats == 5
    with pytest.raises(ScenarioError, match="has no seats, but leads wait for it"):
        load_sound(path, {"teams.sales.seats": 0})


@pytest.mark.parametrize("name", ["bank-retail", "apartment-doors"])
def test_shipped_scenarios_load(name):
    scenario = load(shipped.scenarios() / f"{name}.yaml")
    assert scenario.name == name
    assert scenario.illustrative
