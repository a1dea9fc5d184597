"""The JSON schema: what editors complete and check with."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from funnelsim import shipped
from funnelsim.documents import load_document, parse_document
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.saving import to_yaml
from funnelsim.scenarios.schema import schema
from tests.sizes import costly
from tests.strategies import scenarios

NAMES = ("bank-retail", "apartment-doors")
SCHEMA = schema()
CHECKER = Draft202012Validator(SCHEMA)


def data_of(name):
    return load_document(shipped.scenarios() / f"{name}.yaml").data


def test_it_is_a_json_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("name", NAMES)
def test_shipped_scenarios_fit_as_written_and_as_saved(name):
    CHECKER.validate(data_of(name))
    CHECKER.validate(parse_document(to_yaml(load(shipped.scenarios() / f"{name}.yaml"))).data)


@costly
@given(scenarios())
def test_made_scenarios_fit(scenario):
    CHECKER.validate(parse_document(to_yaml(scenario)).data)
    CHECKER.validate(scenario.plain(spelled_out=True))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("curency",), "UAH"),
        (("currency",), "hrn"),
        (("funnelsim",), 2),
        (("illustrative",), "perhaps"),
        (("run", "horizon"), 26),
        (("run", "horizon"), "26 weeks"),
        (("run", "warm_up"), "-3 d"),
        (("teams", "advisers", "seats"), 2.5),
        (("teams", "advisers", "seats"), -1),
        (("teams", "advisers", "at_close"), "stop"),
        (("teams", "Advisers"), {"seats": 2}),
        (("sources", "branch", "rate"), 7),
        (("sources", "branch", "rate"), "7 / mo"),
        (("sources", "branch", "value"), -5),
        (("stages", "interest", "dealy_before"), "3 d"),
        (("stages", "interest", "delay_before"), 3),
        (("stages", "interest", "delay_before", "p91"), "3 d"),
        (("stages", "interest", "next", "to", "decision"), 1.2),
        (("stages", "interest", "next", "to", "decision"), "40"),
        (("stages", "interest", "marks"), {"kind": "won", "valeu": "deal"}),
        (("stages", "interest", "label"), 5),
        (("stages", "interest", "label"), {"Ukrainian": "x"}),
    ],
)
def test_typical_mistakes_do_not_fit(path, value):
    data = deepcopy(data_of("bank-retail"))
    here = data
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    assert not CHECKER.is_valid(data)


def test_definitions_have_names_that_people_understand():
    names = set(SCHEMA["$defs"])
    assert {"Calendar", "DurationSpec", "AmountSpec", "DurationPart", "Next", "Team"} <= names
    assert [name for name in names if not name.isalpha()] == []


def fields():
    parts = {"Scenario": SCHEMA, **SCHEMA["$defs"]}
    for name, part in parts.items():
        branches = [part, *part.get("anyOf", ())]
        for branch in branches:
            for key, field in branch.get("properties", {}).items():
                yield f"{name}.{key}", field


def test_every_field_says_what_it_is():
    plain = {"p05", "p10", "p20", "p25", "p75", "p80", "p95", "p99", "min", "max", "sd"}
    silent = [
        path
        for path, field in fields()
        if "description" not in field and path.rpartition(".")[2] not in plain
    ]
    assert silent == []


def test_descriptions_are_for_planners():
    for path, field in fields():
        text = field.get("description", "")
        assert "``" not in text, path
        assert ">>>" not in text, path
