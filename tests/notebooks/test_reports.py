"""The whole job: input → notebook → PDF, executed copy and manifest, all or nothing."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
from io import BytesIO
from pathlib import Path

import nbformat
import pypdf
import pytest

from funnelsim import shipped
from funnelsim.errors import DataError, ParameterError, RunError
from funnelsim.measures.example import BANK
from funnelsim.reporting import kinds, report
from funnelsim.reporting.inputs import fingerprint
from funnelsim.reporting.notebooks import check_parameters

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared/data/BPI_Challenge_2012_asof_2012-01-01.csv.gz"
REVIEW = kinds()["funnel-review"]


@pytest.fixture(scope="module")
def log_folder(tmp_path_factory):
    return BANK.save(tmp_path_factory.mktemp("input") / "small-bank", format="csv")


@pytest.fixture(scope="module")
def made(log_folder, tmp_path_factory):
    return report(log_folder, lang="uk", out=tmp_path_factory.mktemp("out"))


def pages(pdf):
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages]


# --- the notebooks that come with funnelsim -------------------------------------------------------


@pytest.mark.parametrize("path", kinds().values(), ids=kinds())
def test_a_shipped_notebook_is_thin_and_clean(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert [cell.metadata.get("tags", []) for cell in code[:2]] == [["parameters"], []]
    for cell in code[1:]:
        nodes = list(ast.walk(ast.parse(cell.source)))
        grown = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If)
        assert not any(isinstance(node, grown) for node in nodes), cell.source
        assert len(cell.source.splitlines()) <= 5


def test_the_review_declares_its_parameters_with_types():
    told = {"source": "x", "mapping": "", "lang": "uk", "seed": 7, "overrides": {}}
    check_parameters(REVIEW, told)
    with pytest.raises(ParameterError, match=r"seed: '7' is str, not int"):
        check_parameters(REVIEW, {"seed": "7"})


# --- a good run -----------------------------------------------------------------------------------


def test_a_report_is_a_pdf_its_numbers_its_notebook_and_the_answer(made):
    files = sorted(path.name for path in made.pdf.parent.iterdir())
    stem = "small-bank.uk"
    endings = (".ipynb", ".manifest.json", ".pdf", ".tables.csv", ".tables.parquet", ".xlsx")
    assert files == [f"{stem}{ending}" for ending in endings]
    assert len(made.sentences) == 4
    front = " ".join(pages(made.pdf.read_bytes())[0].split())
    assert made.sentences[0][:30].replace("\u00a0", " ") in front


def test_the_manifest_says_where_everything_comes_from(made, log_folder):
    told = json.loads(made.manifest.read_text("utf-8"))
    assert told["input"]["name"] == "small-bank"
    assert told["input"]["sha256"] == fingerprint(log_folder)
    assert told["notebook"]["sha256"] == hashlib.sha256(REVIEW.read_bytes()).hexdigest()
    assert told["seed"] == 1
    assert told["command"].startswith("funnelsim report ")
    assert told["versions"].keys() >= {"funnelsim", "python", "typst", "papermill"}
    for path in (made.pdf, made.notebook):
        assert told["outputs"][path.name] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_executed_copy_shows_the_blocks_and_is_valid(made):
    notebook = nbformat.read(made.notebook, as_version=4)
    nbformat.validate(notebook)
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("text/html" in out.get("data", {}) for out in outputs)


def test_the_same_input_gives_the_same_bytes_elsewhere(made, log_folder, tmp_path):
    copy = shutil.copytree(log_folder, tmp_path / "another place" / "small-bank")
    again = report(copy, lang="uk", out=tmp_path / "new" / "folder")
    assert again.pdf.read_bytes() == made.pdf.read_bytes()
    one, other = (json.loads(each.manifest.read_text("utf-8")) for each in (made, again))
    for told in (one, other):
        del told["clock"], told["command"], told["outputs"][made.notebook.name]
    assert one == other


def test_there_is_no_code_in_the_pdf(made):
    text = "".join(pages(made.pdf.read_bytes()))
    assert "fs." not in text
    assert "import" not in text


# --- bad input: nothing is started, nothing is written --------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kind": "funel-review"}, ParameterError, 'no report "funel-review". Did you mean'),
        ({"lang": "ua"}, ParameterError, 'unknown language "ua"'),
        ({"seed": "7"}, ParameterError, "seed: '7' is str, not int"),
        ({"mapping": "m.yaml"}, ParameterError, "needs no mapping"),
        ({"overrides": {"teams.x.seats": 2}}, ParameterError, "only a scenario can be changed"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(log_folder, tmp_path, options, error, message):
    out = tmp_path / "out"
    with pytest.raises(error, match=message):
        report(log_folder, out=out, **options)
    assert not out.exists()


def test_a_missing_input_is_named(tmp_path):
    with pytest.raises(DataError, match=r"deals\.csv: there is no such file"):
        report("deals.csv", out=tmp_path / "out")


def test_a_raw_export_needs_a_mapping(tmp_path):
    export = tmp_path / "deals.csv"
    export.write_text("id,stage\n1,a\n", "utf-8")
    with pytest.raises(DataError, match="--suggest-mapping"):
        report(export, out=tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_named(log_folder, tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("in the way", "utf-8")
    with pytest.raises(ParameterError, match="cannot write to"):
        report(log_folder, out=blocked)


# --- a failed run leaves the last good report -----------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "message"),
    [("1 / 0", "ZeroDivisionError"), ("import os\nos._exit(1)", "the kernel died")],
    ids=["error", "dead kernel"],
)
def test_a_failed_notebook_never_becomes_a_pdf(log_folder, tmp_path, monkeypatch, cell, message):
    notebook = nbformat.read(REVIEW, as_version=4)
    notebook.cells.insert(3, nbformat.v4.new_code_cell(cell))
    broken = tmp_path / "notebooks" / "funnel_review.ipynb"
    broken.parent.mkdir()
    nbformat.write(notebook, broken)
    monkeypatch.setattr(shipped, "notebooks", lambda: broken.parent)
    out = tmp_path / "out"
    out.mkdir()
    good = out / "small-bank.pdf"
    good.write_bytes(b"last week's report")
    with pytest.raises(RunError, match=message):
        report(log_folder, out=out)
    assert list(out.iterdir()) == [good]
    assert good.read_bytes() == b"last week's report"


# --- the real bank --------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.skipif(not REAL.exists(), reason="the data beside the project is not there")
def test_the_real_bank(tmp_path):
    mapping = shipped.scenarios() / "mappings" / "bpi-2012.yaml"
    made = report(REAL, mapping=mapping, lang="en", out=tmp_path)
    text = [" ".join(page.split()) for page in pages(made.pdf.read_bytes())]
    assert "Of 7,455 leads" in text[0]
    assert "645 of 7,455 leads are still open" in text[0]
    assert "Illustrative" not in "".join(text)
    assert any("What was assumed about the data" in page for page in text)
