"""Every kind of report in every language: a sound file, a text layer that copies, the same bytes.

The cells of the shipped notebooks run here one after another, without a kernel; what does not
depend on the language runs once for all three.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pypdf
import pytest

import funnelsim as fs
from funnelsim import shipped
from funnelsim.calibration.exports import export_crm
from funnelsim.engine import simulate
from funnelsim.measures.example import BANK
from funnelsim.reporting import kinds
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import (
    Advice,
    Cover,
    Figure,
    Kpis,
    Risks,
    Section,
    Summary,
    Table,
    Text,
)
from funnelsim.reporting.notebooks import Cell
from funnelsim.reporting.reports import products
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scheduling.gate.contents import CALL, NEEDED, SILENT, needed
from tests.unit.test_cli import SMALL
from tests.unit.test_planning_issued import WORLD

pytestmark = pytest.mark.slow

LANGUAGES = ("en", "uk", "ru")
SHORT = {"run.horizon": "8 w", "run.warm_up": "6 w", "run.start": "2026-03-02"}
DOORS, RETAIL = (
    shipped.scenarios() / name for name in ("apartment-doors.yaml", "bank-retail.yaml")
)
SETTINGS: dict[str, dict[str, Any]] = {
    "funnel-review": {},
    "what-if": {"source": str(DOORS), "overrides": SHORT, "n": 6, "live": False},
    "levers": {"source": str(DOORS), "overrides": SHORT, "n": 6},
    "calibration": {"n": 4},
    "sales-forecast": {"horizon": "8 w", "plan": "40000", "n": 8},
    "staffing-plan": {
        "source": str(RETAIL),
        "overrides": {"run.horizon": "3 w", "run.warm_up": "2 w"},
        "n": 4,
    },
}
# A soft hyphen, spaces and joiners of no width, a missing character, private ones, a box.
UNCLEAN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\ufffd\ue000-\uf8ff\u25a1]")
# Emphasis, places that nobody filled in, code, values that are none.
LEFT_OVER = re.compile(r"\*\*|\{\w*\}|`|\b(?:None|nan|NaN|inf)\b|\['")
# What is written alike in all three languages.
ALIKE = {"P10", "P50", "P90", "CRPS", "STRESS-DES"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """What the kinds read that read no shipped scenario."""
    folder = tmp_path_factory.mktemp("input")
    small = folder / "small.yaml"
    small.write_text(SMALL.replace("horizon: 8 w", "horizon: 20 w"), "utf-8")
    export_crm(load(small), folder / "crm", format="pipedrive", dirt="light", seed=3)
    shutil.rmtree(folder / "crm" / "answer-key")
    world = simulate(Scenario.model_validate(WORLD), seed=4)
    return {
        "funnel-review": str(BANK.save(folder / "bank", format="csv")),
        "calibration": str(folder / "crm"),
        "sales-forecast": str(world.save(folder / "world", format="csv")),
    }


def code_cells(kind):
    return [cell for cell in nbformat.read(kinds()[kind], 4).cells if cell.cell_type == "code"]


def run(kind, settings):
    """Language → the blocks of the notebook, each with its cell."""
    code = code_cells(kind)
    names: dict[str, Any] = {"fs": fs}
    exec(code[0].source, names)  # noqa: S102 - the notebooks are ours
    names |= settings
    shown: dict[str, list[Any]] = {lang: [] for lang in LANGUAGES}
    for number, cell in enumerate(code[1:], 2):
        *steps, last = ast.parse(cell.source).body
        for lang in LANGUAGES:
            if lang != LANGUAGES[0] and not re.search(r"\blang\b", cell.source):
                shown[lang] += [pair for pair in shown["en"] if pair[1].number == number]
                continue
            names["lang"] = lang
            exec(compile(ast.Module(steps, []), kind, "exec"), names)  # noqa: S102
            if not isinstance(last, ast.Expr):
                exec(compile(ast.Module([last], []), kind, "exec"), names)  # noqa: S102
                continue
            value = eval(compile(ast.Expression(last.value), kind, "eval"), names)  # noqa: S307
            blocks = getattr(value, "blocks", None) or ((value,) if hasattr(value, "kind") else ())
            shown[lang] += [(block, Cell(number, cell.source)) for block in blocks]
    return shown


@pytest.fixture(scope="module", params=SETTINGS)
def made(request, inputs):
    """A kind, and by language its blocks, with their cells, and files."""
    kind = request.param
    settings = SETTINGS[kind]
    shown = run(kind, settings | ({"source": inputs[kind]} if kind in inputs else {}))
    return kind, {
        lang: ([block for block, _ in pairs], pairs, files(kind, lang, pairs))
        for lang, pairs in shown.items()
    }


def files(kind, lang, pairs):
    """What is made of a run, by ending."""
    blocks, cells = zip(*pairs, strict=True)
    sha = "0123456789abcdef" * 4
    origin = {
        "kind": kind,
        "lang": lang,
        "input": {"name": "deals.csv", "sha256": sha},
        "notebook": {"name": kinds()[kind].name, "sha256": sha},
        "seed": 1,
    }
    return products(blocks, cells, origin)


def headings(blocks):
    """Texts that nobody but funnelsim writes."""
    for block in blocks:
        match block:
            case Cover():
                yield from (block.kicker, block.subtitle)
            case Section() | Summary() | Risks() | Advice():
                yield block.title
            case Kpis():
                yield from (tile.label for tile in block.tiles)
            case Figure():
                yield block.caption
            case Table():
                yield from (block.caption, block.note, *(each.title for each in block.columns))


def texts(blocks):
    """All that must be found in the PDF."""
    yield from headings(blocks)
    for block in blocks:
        match block:
            case Cover():
                yield from (block.title, block.period)
            case Text():
                yield plain(block.sentence)
            case Summary() | Risks():
                yield from map(plain, block.sentences)
            case Advice():
                yield from (plain(point.sentence) for point in block.points)
            case Kpis():
                yield from (text for tile in block.tiles for text in (tile.value, tile.note))
            case Table():
                yield from (each.unit for each in block.columns)
                yield from (cell for row in block.rows for cell in row)
            case Figure():
                yield from (
                    "".join(node.itertext())
                    for node in ET.fromstring(block.svg).iter()  # noqa: S314 - drawn by ourselves
                    if node.tag.endswith("}text")
                )


def words(text):
    """Words and numbers, as they are copied; a range counts as its ends."""
    spaced = re.sub("[\u00a0\u202f\u2009\u2007]", " ", text)
    return set(re.findall(r"[^\W_]+(?:[’'-][^\W_]+)*", spaced))


def copied(pdf):
    """The text layer."""
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages)


def test_all_kinds_are_here():
    assert set(SETTINGS) == set(kinds())


def test_every_cell_shows_what_the_gate_asks_for(made):
    """So a cell that shows less, or a new one that the gate does not know, is noticed here."""
    kind, reports = made
    for lang, (_, pairs, _) in reports.items():
        shown = Counter((cell.number, block.kind) for block, cell in pairs)
        for number, cell in enumerate(code_cells(kind), 1):
            for call in [c for c in CALL.findall(cell.source)[-1:] if not c.startswith(SILENT)]:
                lacking = [one for one in needed(call) if not shown[number, one]]
                assert lacking == [], (lang, call)
                assert call in NEEDED or call == "fs.blocks.end"


def test_the_text_layer_copies_cleanly(made):
    """Every word of every block and picture stands whole in the PDF, and nothing else odd does."""
    _, reports = made
    for lang, (blocks, _, content) in reports.items():
        text = copied(content[".pdf"])
        assert UNCLEAN.findall(text) == [], lang
        assert LEFT_OVER.findall(text) == [], lang
        lost = words(" ".join(texts(blocks)).upper()) - words(text.upper())
        assert lost == set(), lang
        assert {block.lang for block in blocks if isinstance(block, Cover)} == {lang}


def test_nothing_is_left_in_english(made):
    """What funnelsim writes differs between the languages, sentence by sentence."""
    _, reports = made
    english = {text for text in headings(reports["en"][0]) if re.search("[A-Za-z]{2}", text)}
    said = {
        plain(each)
        for block in reports["en"][0]
        if isinstance(block, (Summary, Risks))
        for each in block.sentences
    }
    for lang in ("uk", "ru"):
        blocks = reports[lang][0]
        own = {*headings(blocks)}
        own |= {plain(b.sentence) for b in blocks if isinstance(b, Text)}
        own |= {plain(s) for b in blocks if isinstance(b, (Summary, Risks)) for s in b.sentences}
        assert (own & (english | said)) - ALIKE == set(), lang


def test_the_same_run_gives_the_same_bytes(made):
    """PDF, workbook, tables and attachments, made once more of the same blocks."""
    kind, reports = made
    for lang, (_, pairs, content) in reports.items():
        assert files(kind, lang, pairs) == content, lang


@pytest.mark.skipif(not shutil.which("qpdf"), reason="qpdf is not installed")
def test_qpdf_finds_nothing(made, tmp_path):
    for lang, (*_, content) in made[1].items():
        file = Path(tmp_path) / f"{lang}.pdf"
        file.write_bytes(content[".pdf"])
        done = subprocess.run(
            ["qpdf", "--check", file], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARNING" not in done.stdout + done.stderr


def test_tables_leave_as_csv_and_parquet(made):
    """Both hold the same rows; numbers are numbers in Parquet."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for *_, content in made[1].values():
        tidy = pandas.read_parquet(BytesIO(content[".tables.parquet"]))
        flat = pandas.read_csv(BytesIO(content[".tables.csv"]), encoding="utf-8-sig")
        assert list(tidy.columns) == list(flat.columns)
        assert len(tidy) == len(flat) > 0
        assert tidy["value"].dtype == float
        assert tidy["value"].to_list() == pytest.approx(flat["value"].to_list(), nan_ok=True)
