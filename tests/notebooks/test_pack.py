"""Several reports of one job, bound as one PDF."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest

from funnelsim.engine import simulate
from funnelsim.errors import RunError
from funnelsim.reporting import blocks
from funnelsim.reporting.notebooks import Cell
from funnelsim.reporting.pack import pack
from funnelsim.scenarios.loading import load
from funnelsim.scheduling.delivery.sending import ATTACHED, _attached
from funnelsim.scheduling.orders import Order, made
from tests.unit.test_cli import SMALL

JOB = """\
funnelsim: 1
title: {uk: Місячна збірка}
report: {kind: [funnel-review, calibration], lang: uk, n: 4}
source: {file: bank}
schedule: {every: every day 06:30, zone: Europe/Kyiv}
deliver: {folders: [out]}
"""


def shown(kicker, sentence, rows):
    """What a notebook of one report showed, and its manifest."""
    columns = [blocks.column("Етап"), blocks.column("Ліди", numeric=True)]
    table = blocks.table(
        columns, [(f"Етап {i}", str(i)) for i in range(rows)], caption=f"{kicker} 1"
    )
    listed = [
        blocks.cover("Банк", lang="uk", as_of=date(2026, 1, 1), kicker=kicker, period="2025"),
        blocks.kpis([blocks.kpi("Конверсія", "24,6 %")]),
        blocks.summary([sentence], title="Відповідь"),
        blocks.risks(["Один прогін."], title="Ризики"),
        blocks.section(f"Розділ: {kicker}"),
        table,
        blocks.end(),
    ]
    sha = "0123456789abcdef" * 4
    manifest: dict[str, Any] = {
        "input": {"name": "deals.csv", "sha256": sha},
        "notebook": {"name": "review.ipynb", "sha256": sha},
        "seed": 1,
    }
    return listed, [Cell(2, "show()")] * len(listed), manifest


def pages(pdf):
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages]


@pytest.fixture(scope="module")
def bound():
    parts = [shown("Огляд", "Губимо на перевірці.", 30), shown("Прогноз", "Виграємо більше.", 3)]
    once, again = (pack(parts, title="Місячна збірка", lang="uk") for _ in range(2))
    assert once == again, "the same reports, the same bytes"
    return once


def test_page_1_has_all_answers_and_where_each_report_is(bound):
    front, *rest = pages(bound)
    for words in ("Місячна збірка", "Губимо на перевірці.", "Виграємо більше.", "Зміст"):
        assert words in front
    for number, kicker in enumerate(("Огляд", "Прогноз"), 1):
        assert f"{number} {kicker}" in " ".join(front.split())
        assert f"{number}.1" in front
        chapter = [page for page in rest if kicker.upper() in page and "Ризики" in page]
        assert len(chapter) == 1, "each keeps its own page 1"


def test_each_report_stands_whole_in_the_order_given(bound):
    text = "\n".join(pages(bound))
    assert text.index("Етап 29") < text.rindex("Виграємо більше.")
    assert text.count("Звідки кожне число") == 4, "twice in the contents, twice as a heading"
    names = pypdf.PdfReader(BytesIO(bound)).attachments
    assert set(names) == {"results-1.csv", "results-2.csv"}


@pytest.mark.skipif(not shutil.which("qpdf"), reason="qpdf is not installed")
def test_the_file_is_sound(bound, tmp_path):
    file = tmp_path / "pack.pdf"
    file.write_bytes(bound)
    done = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_report_without_a_cover_is_an_error():
    good, (_, cells, manifest) = shown("Огляд", "Так.", 1), shown("Прогноз", "Ні.", 1)
    with pytest.raises(RunError, match="starts with a cover"):
        pack([good, ([blocks.end()], cells[:1], manifest)], title="Збірка", lang="uk")


@pytest.mark.slow
def test_a_job_of_two_kinds_leaves_and_mails_one_pdf(tmp_path):
    """Both kernels run; the PDF of all stands beside those of each."""
    small = tmp_path / "small.yaml"
    small.write_text(SMALL.replace("horizon: 8 w", "horizon: 20 w"), "utf-8")
    simulate(load(small), seed=5).save(tmp_path / "bank", format="csv")
    job = tmp_path / "monthly.yaml"
    job.write_text(JOB, "utf-8")
    draft, scratch = tmp_path / "draft", tmp_path / "scratch"
    for folder in (draft, scratch):
        folder.mkdir()
    now = datetime(2026, 11, 23, 7, tzinfo=UTC).isoformat()
    outcome = made(Order(str(job), "2026-11-23T07:00", now, str(draft), str(scratch), "t"))
    assert outcome.ok, outcome.cause
    assert not outcome.withheld
    front = " ".join(pages((draft / "monthly.pdf").read_bytes())[0].split())
    assert "Місячна збірка" in front
    assert "1 Огляд воронки" in front
    assert "2 Калібрування" in front
    mailed = [Path(file).name for file in _attached(sorted(draft.iterdir()))]
    kinds = ("calibration", "funnel-review")
    assert mailed == [*(f"monthly.{kind}.xlsx" for kind in kinds), "monthly.pdf"]
    assert {Path(name).suffix for name in mailed} <= set(ATTACHED)
