"""docs/manual/domain.md is true: all rows of the domain, every reference leads somewhere."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from funnelsim import figures, measures, scenarios, shipped
from funnelsim.errors import ScenarioError
from funnelsim.reporting.reports import kinds
from funnelsim.scenarios.frozen import Frozen
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "manual" / "domain.md"
DOMAIN = ROOT.parent / "shared" / "domain.md"

# Rows of each section of the domain: those of its tables, or what its prose lists one by one.
ROWS = {
    "1.1": 9,
    "1.2": 6,
    "1.3": 18,
    "1.4": 6,
    "1.5": 9,
    "1.6": 6,
    "1.7": 5,
    "1.8": 3,
    "1.9": 4,
    "2": 14,
    "3.1": 35,
    "3.2": 5,
    "4": 11,
    "5": 16,
}
# Sections whose rows the domain gives as a table or a list, so that they can be counted there.
COUNTED = {"1.1", "1.2", "1.3", "1.7", "1.8", "2", "3.1", "4", "5"}
SEED = re.compile(r"\bS[0-4]:\d+")
ISSUES = range(3, 8)


class Row(NamedTuple):
    section: str
    line: int
    row: str
    done_by: str
    remark: str

    @property
    def references(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.done_by)

    def __str__(self) -> str:
        return f"{PAGE.name}:{self.line} {self.row}"


def rows_of(text: str) -> list[Row]:
    """The rows of the tables under numbered headings."""
    rows, section = [], ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := re.match(r"##+ (\d(?:\.\d)?) ", line):
            section = heading[1]
        elif section and line.startswith("|") and not re.match(r"\|(---| row )", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            rows.append(Row(section, number, *cells))
    return rows


TEXT = PAGE.read_text("utf-8")
ALL = rows_of(TEXT)


# --- where a reference leads ----------------------------------------------------------------


@functools.cache
def scenario(name: str) -> Scenario:
    return load(shipped.scenarios() / f"{name}.yaml")


@functools.cache
def words() -> dict[str, type[Frozen]]:
    """The models of the scenario language by name."""
    modules = [
        importlib.import_module(f"{scenarios.__name__}.{module.name}")
        for module in pkgutil.iter_modules(scenarios.__path__)
    ]
    return {
        name: model
        for module in modules
        for name, model in vars(module).items()
        if isinstance(model, type) and issubclass(model, Frozen)
    }


def in_scenario(target: str) -> None:
    name, _, path = target.partition("#")
    here: Any = scenario(name).plain(spelled_out=True)
    for key in path.split(".") if path else ():
        here = here[int(key)] if isinstance(here, list) else here[key]
    assert here not in (None, "", [], {}), "nothing is written there"


def in_what_ifs(target: str) -> None:
    name, _, what_if = target.partition("#")
    assert what_if in scenario(name).what_ifs


def in_language(target: str) -> None:
    model, _, field = target.partition(".")
    assert field in words()[model].model_fields


def in_code(target: str) -> None:
    home, _, name = target.rpartition(".")
    try:
        here: object = importlib.import_module(home)
        assert name in vars(here)["__all__"]
    except ModuleNotFoundError:
        home, _, owner = home.rpartition(".")
        here = getattr(importlib.import_module(home), owner)
    assert callable(getattr(here, name))


def in_plans(target: str) -> None:
    issue = re.fullmatch(r" issue (\d)", target)
    assert issue, "say which issue"
    assert int(issue[1]) in ISSUES


FOLLOW: Mapping[str, Callable[[str], object]] = {
    "scenario": in_scenario,
    "what-if": in_what_ifs,
    "primitive": in_language,
    "measure": measures.__all__.index,
    "figure": figures.__all__.index,
    "report": lambda target: kinds()[target],
    "function": in_code,
    "not yet": in_plans,
}


# What following a reference to nothing raises.
NOWHERE = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    ScenarioError,
    TypeError,
    ValueError,
)


def broken(reference: str) -> str:
    """Why a reference leads nowhere; empty if it leads somewhere."""
    if reference == "outside":
        return ""
    kind, _, target = reference.partition(":")
    if kind not in FOLLOW:
        return f"{reference}: no such kind of reference"
    try:
        FOLLOW[kind](target)
    except NOWHERE as problem:
        return f"{reference}: {type(problem).__name__} {problem}"
    return ""


# --- the table is whole and true ------------------------------------------------------------


def test_every_reference_leads_somewhere():
    told = [
        f"{row}: {why}" for row in ALL for reference in row.references if (why := broken(reference))
    ]
    assert told == [], "\n".join(told)


def test_every_section_has_the_rows_of_the_domain():
    assert Counter(row.section for row in ALL) == ROWS


@pytest.mark.parametrize("row", ALL, ids=lambda row: f"{row.section}-{row.line}")
def test_a_row_says_where_it_is_from_and_what_does_it(row):
    assert SEED.search(row.row), "no seed such as S2:35"
    assert row.references, "nothing in the column 'done by'"
    rest = re.sub(r"`[^`]+`", "", row.done_by)
    assert set(rest) <= set(", "), "only references in the column 'done by'"
    assert row.remark or {"not yet", "outside"}.isdisjoint(kinds_of(row)), "say what is missing"


def test_few_rows_are_outside_and_none_waits_without_an_issue():
    outside = [row.row for row in ALL if "outside" in row.references]
    assert outside == ["building a funnel takes 1–4 weeks (S2:74)"]
    assert not re.search(r"not yet(?!: issue \d`)", "".join(row.done_by for row in ALL))


def test_no_row_is_there_twice():
    twice = [row for row, n in Counter((row.section, row.row) for row in ALL).items() if n > 1]
    assert twice == []


def kinds_of(row: Row) -> set[str]:
    return {reference.partition(":")[0] for reference in row.references}


EXPLAINED = re.findall(r"^\| `(.+?)`", TEXT.partition("\n## ")[0], re.MULTILINE)


def test_every_kind_of_reference_is_explained_and_used():
    explained = {reference.partition(":")[0] for reference in EXPLAINED}
    assert explained == {*FOLLOW, "outside"} == set().union(*map(kinds_of, ALL))


def test_examples_of_references_lead_somewhere():
    assert [why for reference in EXPLAINED if (why := broken(reference))] == []


def test_links_lead_to_pages_and_headings():
    links = set(re.findall(r"\]\(([\w.-]+)(?:#([\w-]+))?\)", TEXT))
    assert links
    for name, heading in sorted(links):
        text = (PAGE.parent / name).read_text("utf-8")
        anchors = {anchor(line) for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        assert not heading or heading in anchors, f"{name}#{heading}"


def anchor(heading: str) -> str:
    """How a heading is linked to."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


# --- the domain itself, where it lies beside the project ------------------------------------


@pytest.mark.realdata
def test_the_counts_are_those_of_the_domain():
    if not DOMAIN.exists():
        pytest.skip(f"{DOMAIN.relative_to(ROOT.parent)} is not there")
    assert {key: n for key, n in counted(DOMAIN.read_text("utf-8")).items() if key in COUNTED} == {
        key: ROWS[key] for key in COUNTED
    }


def counted(text: str) -> Counter[str]:
    """Rows of tables (without heads) and points of lists by section of the domain."""
    counts: Counter[str] = Counter()
    section = ""
    for line in text.splitlines():
        if heading := re.match(r"##+ (\d(?:\.\d)?)", line):
            section = "3.1" if heading[1] == "3" else heading[1]
        elif line.startswith("|---"):
            counts[section] -= 1
        elif line.startswith(("|", "- ")):
            counts[section] += 1
    return counts


# --- the test can fail ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        "scenario:no-such",
        "scenario:bank-retail#stages.nowhere",
        "scenario:bank-retail#stages.contract.timeout",
        "scenario:storage-media#stages.first_order.marks.3",
        "what-if:bank-retail#no_such",
        "primitive:Stage.colour",
        "primitive:Stadium.label",
        "measure:no_such",
        "measure:BANK",
        "figure:pie",
        "report:no-such",
        "function:funnelsim.scenarios.checks._clocks",
        "function:funnelsim.no_such.thing",
        "not yet",
        "not yet: soon",
        "not yet: issue 9",
        "miracle:works",
    ],
)
def test_a_reference_to_nothing_is_found(reference):
    assert broken(reference)


def test_rows_are_read_with_their_section():
    head = "# x\n| a |\n## 2 Leaks\n| row | done by | remark |\n|---|---|---|\n"
    text = f"{head}| r (S1:2) | `x`, `y:z` | |"
    assert rows_of(text) == [Row("2", 6, "r (S1:2)", "`x`, `y:z`", "")]
    assert rows_of(text)[0].references == ["x", "y:z"]
