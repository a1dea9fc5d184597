from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from funnelsim.documents import did_you_mean, load_document, parse_document, validate
from funnelsim.errors import DataError, ScenarioError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Exponential(Strict):
    kind: Literal["exponential"]
    mean: float = Field(gt=0)


class Uniform(Strict):
    kind: Literal["uniform"]
    low: float
    high: float


class Quantiles(Strict):
    median: float
    p90: float


class Stage(Strict):
    delay: Annotated[Exponential | Uniform, Field(discriminator="kind")] | None = None
    before: str | Quantiles | None = None
    next: Mapping[str, float] | str = ""


class Funnel(Strict):
    funnelsim: Literal[1]
    stages: Mapping[str, Stage]
    """The stages of the funnel, by id."""
    start: AwareDatetime | None = None
    title: str = ""

    @field_validator("title")
    @classmethod
    def not_shouted(cls, title: str) -> str:
        if title.isupper():
            message = f'the title "{title}" is shouted'
            raise ValueError(message)
        return title


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        validate(parse_document(text, "f.yaml", ScenarioError), Funnel, ScenarioError)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "f.yaml:2:1 a: the key a is already given in line 1. Keep one of them."),
        ("a: b: c\n", 'f.yaml:1:5: an unexpected ":"'),
        ("\ta: 1\n", "f.yaml:1:1: a tab where spaces belong. Indent with spaces."),
        ("a: [1,2\nb: 3\n", "expected a comma or ]. The bracket opened in line 1 is not closed."),
        ("a: 1\nb: 'x\n", "a quoted text is not closed. It begins in line 2."),
        ("a: @x\n", "f.yaml:1:4: text cannot start with @. Put the text in quotes."),
        ("a: *x\n", "f.yaml:1:4: *x points to nothing"),
        ("---\na: 1\n---\nb: 1\n", "f.yaml:3:1: a second document starts here"),
        ("a: \x01\n", "f.yaml:1:4: a control character (0x01) is not allowed"),
        ("", "f.yaml: is empty"),
        ("# nothing\n", "f.yaml: is empty"),
        ("- 1\n- 2\n", 'f.yaml:1:1: must consist of "key: value" lines'),
        ("a: !!python/object/apply:os.system [ls]\n", "the tag !!python/object/apply:os.system is"),
        ("a: !mine x\n", "f.yaml:1:4 a: the tag !mine is not allowed"),
        ("a: &x [1, *x]\n", "an alias (*) points to what contains it"),
        ("? [1, 2]\n: 3\n", "a key must be a word or a number"),
        ("a: " + "[" * 5000, "is nested too deeply"),
        ("a: !!int x\n", 'f.yaml:1:4 a: "x" cannot be read as !!int'),
    ],
)
def test_text_that_is_refused(text, message):
    with pytest.raises(ScenarioError) as caught:
        parse_document(text, "f.yaml", ScenarioError)
    assert message in str(caught.value)


def test_all_problems_of_the_text_come_at_once():
    with pytest.raises(DataError) as caught:
        parse_document("a: 1\na: 2\nb: !x 1\nc: !!set {d}\n", "f.yaml")
    assert [p.where for p in caught.value.problems] == ["f.yaml:2:1", "f.yaml:3:4", "f.yaml:4:4"]


def test_alias_bomb_is_refused_quickly():
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(DataError, match="repeat too much text"):
        parse_document("\n".join(lines))


def test_plain_data_has_no_surprises():
    text = "a: 2024-02-30\nb: 09:30\nc: yes\nd: 1.50\ne: 012\nf:\ng: 'no'\nh: true\n"
    expected = {
        "a": "2024-02-30",
        "b": "09:30",
        "c": "yes",
        "d": 1.5,
        "e": 12,
        "f": None,
        "g": "no",
        "h": True,
    }
    assert parse_document(text).data == expected


def test_merge_keys_fill_in():
    text = "base: &base {seats: 3, zone: Kyiv}\nteam: {<<: *base, seats: 4}\n"
    assert parse_document(text).data["team"] == {"seats": 4, "zone": "Kyiv"}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("a: текст\n".encode("cp1251"), ":1:4: is not UTF-8 text (byte 0xf2). Save it as UTF-8."),
        ("a: текст\n".encode("utf-16"), ":1:1: is UTF-16 text. Save it as UTF-8."),
        (b"", ": is empty"),
    ],
)
def test_encodings_that_are_refused(tmp_path, raw, message):
    path = tmp_path / "f.yaml"
    path.write_bytes(raw)
    with pytest.raises(DataError) as caught:
        load_document(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_byte_order_mark_is_no_matter(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes("a: текст\n".encode("utf-8-sig"))
    assert load_document(path).data == {"a": "текст"}


def test_files_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "bank-retail.yaml").write_text("a: 1\n")
    with pytest.raises(DataError, match=r'no such file. Did you mean "bank-retail.yaml"\?'):
        load_document(tmp_path / "bank-retial.yaml")
    with pytest.raises(DataError, match="is a folder"):
        load_document(tmp_path)


def test_all_problems_of_the_meaning_come_at_once_in_file_order():
    text = """\
funnelsim: 1
title: LOUD
stages:
  a:
    delay: {kind: exponential, mean: -3}
    nxt: b
  b:
    delay: {kind: exponentail, mean: 3}
    before: {meen: 3, p90: 4}
  c:
    delay: {mean: 3}
    before: [1]
    next: 3
  12: {}
  e: oops
start: 2024-02-29T10:00
"""
    assert problems(text) == [
        'f.yaml:2:8 title: the title "LOUD" is shouted',
        "f.yaml:5:38 stages.a.delay.mean: must be greater than 0, not -3",
        'f.yaml:6:5 stages.a.nxt: unknown key "nxt". Did you mean "next"?',
        (
            'f.yaml:8:19 stages.b.delay.kind: "exponentail" is not allowed. '
            'Did you mean "exponential"?'
        ),
        "f.yaml:9:5 stages.b.before.median: is missing",
        'f.yaml:9:14 stages.b.before.meen: unknown key "meen". Did you mean "median"?',
        "f.yaml:11:5 stages.c.delay.kind: is missing",
        "f.yaml:12:5 stages.c.before: must be text or a mapping, not a list of 1",
        (
            "f.yaml:13:11 stages.c.next: must be a mapping or text, not 3. "
            "If it is meant as text, put it in quotes."
        ),
        (
            "f.yaml:14:3 stages.12: the key must be text, not 12. "
            "If it is meant as text, put it in quotes."
        ),
        'f.yaml:15:6 stages.e: must be a mapping, not "oops"',
        (
            'f.yaml:16:8 start: must have a time zone, not "2024-02-29T10:00". '
            "Add the offset from UTC, for example 2024-02-29T09:00:00+02:00."
        ),
    ]


def test_missing_keys_say_what_they_are():
    assert problems("funnelsim: 1\nstagse: {}\n") == [
        "f.yaml:1:1 stages: is missing. Add it: The stages of the funnel, by id.",
        'f.yaml:2:1 stagse: unknown key "stagse". Did you mean "stages"?',
    ]


def test_29_february_of_a_year_without_one():
    (problem,) = problems("funnelsim: 1\nstages: {}\nstart: 2023-02-29T00:00+00:00\n")
    assert problem.startswith("f.yaml:3:8 start: must be a valid datetime")
    assert "day value is outside expected range" in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: {}\n", 'the first line must be "funnelsim: 1"'),
        ("stages: {}\nfunnelsim: 1\n", "Move it to the top."),
        ("funnelsim: 2\nstages: {}\n", "format 2 is not known; this funnelsim reads 1. Update"),
        ("funnelsim: true\n", "format true is not known"),
    ],
)
def test_format_version_comes_first(text, message):
    (problem,) = problems(text)
    assert message in problem


def test_untouched_text_survives_an_edit():
    text = """\
# what this is
funnelsim: 1  # the format

stages:
    # the first one
    demo:
        next: {won: 0.40, lost: 0.60}   # measured
        label: {uk: 'Показ', en: "Demo"}
        list:
          - 2024-02-29
          - 1.50

title: a text long enough to be wrapped by a writer that thinks eighty columns are all there is
"""
    document = parse_document(text)
    assert document.dump(document.tree()) == text
    tree = document.tree()
    tree["stages"]["demo"]["next"]["won"] = 0.45
    assert document.dump(tree) == text.replace("won: 0.40", "won: 0.45")


def test_suggestions():
    assert did_you_mean("Amount", ["amount", "cases"]) == 'Did you mean "amount"?'
    assert did_you_mean("q", [str(n) for n in range(50)]) == ""
