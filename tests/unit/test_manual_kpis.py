"""docs/manual/kpis.md names functions that exist, and every row of the domain's metrics."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from funnelsim import measures
from funnelsim.measures import cautions

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "manual" / "kpis.md").read_text("utf-8")
DOMAIN = ROOT.parent / "shared" / "domain.md"
CELLS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.split("## One word")[0].splitlines()
    if line.startswith("| ") and "`" in line
]


@pytest.mark.parametrize("row", CELLS, ids=lambda row: row[0])
def test_a_row_is_complete_and_agrees_with_the_docstring(row):
    name, function, definition, unit, source = row
    assert name
    assert definition
    assert unit
    measure = getattr(measures, function.strip("`"))
    seeds = re.findall(r"S\d:\d+", source)
    assert seeds
    told = inspect.getdoc(measure) or ""
    if "Source: domain" in told:
        assert [seed for seed in seeds if seed not in told] == []


def test_every_name_in_the_page_exists():
    known = {*measures.__all__, "caution", "method", "cohort"}
    called = re.findall(r"`(?:fs\.measures\.)?([a-z_]+)(?:\(.*?)?`", PAGE)
    in_tables = {cell[1].strip("`") for cell in CELLS}
    assert in_tables <= known
    assert {name for name in called if name in measures.__all__} >= in_tables


def test_every_caution_is_explained():
    words = [getattr(cautions, name) for name in cautions.__all__ if name.isupper()]
    texts = [word for word in words if isinstance(word, str)]
    assert [text for text in texts if f"| `{text}` |" not in PAGE] == []
    assert [text for text in texts if f"``{text}``" not in (cautions.__doc__ or "")] == []


@pytest.mark.realdata
def test_every_metric_of_the_domain_is_named():
    if not DOMAIN.exists():
        pytest.skip("the domain catalogue is not beside the project")
    section = DOMAIN.read_text("utf-8").split("## 3. Metrics")[1].split("KPI governance")[0]
    rows = [
        line for line in section.splitlines() if line.startswith("| ") and "conflict" not in line
    ]
    numbers = {seed for line in rows for seed in re.findall(r"S\d:\d+", line)}
    assert len(numbers) > 30
    assert sorted(seed for seed in numbers if seed not in PAGE) == []
