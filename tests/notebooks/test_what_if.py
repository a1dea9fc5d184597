"""The what-if and lever notebooks, run to PDFs."""

from __future__ import annotations

import json
from io import BytesIO

import nbformat
import pypdf
import pytest

from funnelsim import shipped
from funnelsim.errors import ParameterError
from funnelsim.reporting import report
from funnelsim.scenarios.loading import load

DOORS = shipped.scenarios() / "apartment-doors.yaml"
SHORT = {"run.horizon": "8 w", "run.warm_up": "6 w", "run.start": "2026-03-02"}


def pages(pdf):
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("what-if")
    return report(DOORS, kind="what-if", lang="uk", out=out, n=6, overrides=SHORT)


def test_a_what_if_report_answers_on_page_1(made):
    assert made.pdf.name == "apartment-doors.what-if.uk.pdf"
    front = " ".join(pages(made.pdf.read_bytes())[0].split())
    for word in ("Яка з 3 змін", "Відповідь", "Ризики", "Варто", "Не варто", "Що змінило б"):
        assert word in front
    assert len(made.sentences) == 4
    for sentence in made.sentences:
        assert sentence[:25].replace("\u00a0", " ") in front


def test_every_page_says_that_the_numbers_are_made_up(made):
    assert load(DOORS).illustrative
    assert all("Умовні числа" in page for page in pages(made.pdf.read_bytes())[1:])


def test_seed_and_replications_are_recorded(made):
    told = json.loads(made.manifest.read_text("utf-8"))
    assert (told["kind"], told["seed"], told["n"]) == ("what-if", 1, 6)
    assert "--n 6" in told["command"]
    whole = " ".join(" ".join(pages(made.pdf.read_bytes())).split())
    assert "Повторень кожного варіанта 6" in whole


def test_the_sliders_show_nothing_in_a_report(made):
    cells = nbformat.read(made.notebook, as_version=4).cells
    (sliders,) = [cell for cell in cells if cell.cell_type == "code" and "workbench" in cell.source]
    assert sliders.outputs == []


def test_the_same_seed_gives_the_same_bytes(made, tmp_path):
    again = report(DOORS, kind="what-if", lang="uk", out=tmp_path, n=6, overrides=SHORT)
    assert again.pdf.read_bytes() == made.pdf.read_bytes()


def test_a_lever_report_says_what_limits(tmp_path):
    found = report(DOORS, kind="levers", out=tmp_path, n=8, overrides=SHORT)
    assert found.pdf.name == "apartment-doors.levers.pdf"
    front = " ".join(pages(found.pdf.read_bytes())[0].split())
    for word in ("Which lever pays", "The answer", "Risks", "Do.", "Don't.", "What would change"):
        assert word in front


def test_data_cannot_be_changed(tmp_path):
    from funnelsim.measures.example import BANK

    folder = BANK.save(tmp_path / "log", format="csv")
    with pytest.raises(ParameterError, match="only a scenario can be changed"):
        report(folder, kind="what-if", out=tmp_path)
    with pytest.raises(ParameterError, match="needs no mapping"):
        report(DOORS, kind="levers", out=tmp_path, mapping=DOORS)
