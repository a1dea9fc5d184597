"""A report's numbers for Excel and other programs, and the files inside its PDF."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import openpyxl
import pypdf
import pytest

from funnelsim.reporting import blocks
from funnelsim.reporting.document import Evidence
from funnelsim.reporting.pdf import render
from funnelsim.reporting.texts import texts
from funnelsim.reporting.tidy import COLUMNS, harmless, tidy_csv
from funnelsim.reporting.workbook import workbook

WICKED = ['=cmd|"/c calc"!A1', "+1", "-1+2", "@SUM(A1)", "\t=1", '#panic("x") $ @ <script> =cmd()']


def document(lang="uk"):
    t = texts(lang)
    columns = [
        blocks.column("Етап"),
        blocks.column("Дійшло", unit="лідів", numeric=True),
        blocks.column("Частка", unit="%", numeric=True),
        blocks.column("Час", numeric=True),
        blocks.column("Сума", numeric=True),
    ]
    rows = [
        (name, t.number(12345.6, 1), t.bare_share(0.12345), t.duration(7200), t.money(99950, "UAH"))
        for name in [*WICKED, "Пропозиція"]
    ]
    gap = ("Нічого", t.number(float("nan")), "", "", "")
    return [
        blocks.cover(WICKED[0], lang=lang, as_of=date(2026, 11, 20)),
        blocks.kpis([blocks.kpi("Виграно", t.share(0.18), "з 15 274")]),
        blocks.summary(WICKED),
        blocks.section("Етапи"),
        blocks.table(columns, [*rows, gap], caption="[Етапи]: a/b*c? дуже довга назва таблиці"),
        blocks.table(columns, rows, caption="[Етапи]: a/b*c? дуже довга назва таблиці"),
        blocks.table([blocks.column("Що")], [["x"]], caption="'History'", note="=1+1"),
    ]


@pytest.fixture(scope="module")
def book():
    return openpyxl.load_workbook(io.BytesIO(workbook(document(), texts("uk"))))


def test_numbers_are_numbers_in_full_precision(book):
    sheet = book.worksheets[1]
    name, came, share, time, money = sheet[4 + len(WICKED)]
    assert name.value == "Пропозиція"
    assert (came.value, came.number_format) == (12345.6, "#,##0.0##")
    assert (share.value, share.number_format) == (0.12345, "0.0%")
    assert (time.value, time.number_format) == (2, '#,##0.0 "h"')
    assert (money.value, money.number_format) == (999.5, '#,##0.00 "UAH"')
    assert [cell.value for cell in sheet[5 + len(WICKED)]][1] == "–"


def test_no_text_is_a_formula(book):
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    told = {cell.value: cell for cell in cells if cell.data_type == "s"}
    for text in WICKED[:4]:
        assert told[text].quotePrefix


def test_headings_stay_and_names_of_sheets_are_ones_excel_takes(book):
    names = book.sheetnames
    assert len({name.casefold() for name in names}) == len(names) == 4
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert "history" not in {name.casefold() for name in names}
    assert [sheet.freeze_panes for sheet in book.worksheets[1:]] == ["B4"] * 3
    assert book.worksheets[1]["B3"].value == "Дійшло, лідів"


def test_the_same_report_gives_the_same_bytes():
    assert workbook(document(), texts("uk")) == workbook(document(), texts("uk"))
    assert tidy_csv(document()) == tidy_csv(document())


def test_the_tidy_table_has_every_cell_once():
    content = tidy_csv(document()).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 1 + 4 * (len(WICKED) + 1) * 2 + 4 + 1
    share = [row for row in rows if row["item"] == "Пропозиція" and row["form"] == "share"]
    assert {(row["section"], row["text"], row["value"]) for row in share} == {
        ("Етапи", "12", "0.12345")
    }
    texts_ = [row[name] for row in rows for name in ("table", "item", "text")]
    assert not [text for text in texts_ if text.startswith(("=", "+", "-", "@", "\t"))]
    assert harmless(WICKED[0]) in {row["item"] for row in rows}


def test_scenario_and_results_are_inside_the_pdf():
    found = Evidence(
        input_sha256="0" * 64,
        simulated=True,
        observed_from=datetime(2026, 1, 1, tzinfo=UTC),
        observed_until=datetime(2026, 11, 20, tzinfo=UTC),
        flows=(),
        counts={},
        scenario="funnelsim: 1\nname: тест\n",
    )
    whole = [*document(), found]
    inside = pypdf.PdfReader(io.BytesIO(render(whole))).attachments
    assert {name: content[0] for name, content in inside.items()} == {
        "scenario.yaml": found.scenario.encode(),
        "results.csv": tidy_csv(whole),
    }


def test_pictures_and_tables_are_listed_where_there_are_many():
    t = texts("uk")
    tables = [
        blocks.table([blocks.column("Що")], [[t.number(n)]], caption=f"Таблиця про {n}")
        for n in range(6)
    ]
    cover = blocks.cover("Огляд", lang="uk", as_of=date(2026, 11, 20))
    pages = pypdf.PdfReader(io.BytesIO(render([cover, blocks.section("Числа"), *tables]))).pages
    assert "Таблиці" in pages[-1].extract_text()
    assert "Таблиця про 5" in pages[-1].extract_text().rpartition("Таблиці")[2]
