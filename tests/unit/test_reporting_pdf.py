"""The PDF: strict, the same bytes twice, texts as texts."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from io import BytesIO
from typing import Any

import pypdf
import pytest

from funnelsim.errors import RunError
from funnelsim.reporting import blocks
from funnelsim.reporting.pdf import render

CYRILLIC = "Перевірка: «собираю оптом возражения», їжак, ґанок, €, ₴, ₽, № — ×"


class Drawing:
    alt = "Опис малюнка."

    def __init__(self, words="Пропозиція", height=200):
        self.words = words
        self.height = height

    def svg(self, *, outlines=False):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="453.6" height="{self.height}">'
            f'<text x="9" y="20" font-family="Fira Sans" font-size="9">{self.words}</text></svg>'
        )


def document(*more, title="Огляд воронки", lang="uk", illustrative=False):
    return [
        blocks.cover(title, lang=lang, as_of=date(2026, 1, 1), illustrative=illustrative),
        blocks.kpis([blocks.kpi("Конверсія", "24,6\u202f%", "95 %: 23–26 %")] * 6),
        blocks.summary(["Найбільше губимо на перевірці."]),
        blocks.figure(Drawing(), caption="Воронка"),
        blocks.risks(["645 угод ще відкриті."]),
        blocks.advice({"Робити": "Телефонувати того ж дня."}),
        *more,
        blocks.end(),
    ]


def pages(pdf):
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages]


def stages(rows):
    columns = [blocks.column("Етап"), blocks.column("Ліди", unit="%", numeric=True)]
    long = "собираю оптом возражения, спрашиваю, что удерживает от принятия решения"
    return blocks.table(
        columns, [[f"{i} {long}", f"{i},5"] for i in range(rows)], caption="Етапи", note="Кінець"
    )


def test_the_same_blocks_give_the_same_bytes():
    blocks_of_a_report = document(blocks.section("Час"), stages(40))
    assert render(blocks_of_a_report) == render(blocks_of_a_report)


@pytest.mark.parametrize("lang", ["en", "uk", "ru", "nl"])
def test_it_is_tagged_dated_and_names_its_language(lang):
    pdf = pypdf.PdfReader(BytesIO(render(document(lang=lang))))
    root: Any = pdf.trailer["/Root"]
    told: Any = pdf.metadata
    assert root["/Lang"].startswith(lang)
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert told["/Title"] == "Огляд воронки"
    assert told["/CreationDate"].startswith("D:20260101")


def test_cyrillic_can_be_copied():
    text = " ".join(pages(render(document(blocks.section("Етапи"), blocks.text(CYRILLIC)))))
    assert CYRILLIC in text
    assert "24,6\u00a0%" in text, "a narrow space the font lacks becomes a no-break space"


def test_texts_inside_pictures_are_texts():
    assert "Пропозиція" in pages(render(document()))[0]


def test_a_title_is_printed_not_run():
    title = '#panic("x") $ @ <script> *b* \\ //'
    pdf = render(document(blocks.section(title), blocks.text(title), title=title))
    front, *rest = pages(pdf)
    assert title in front
    assert all(title in page for page in rest[:1])


def test_every_page_says_where_it_is():
    text = pages(render(document(blocks.section("Етапи"), stages(60))))
    assert len(text) >= 3
    assert all(f"{number} / {len(text)}" in page for number, page in enumerate(text, start=1))


def test_contents_name_the_sections():
    text = pages(render(document(blocks.section("Етапи воронки"), stages(3))))[1]
    assert text.count("Етапи воронки") == 2


@pytest.mark.parametrize("lines", [0, 20, 26, 32, 38])
def test_a_heading_and_its_sentences_stand_with_their_picture(lines):
    filling = [blocks.section("Перше"), *(blocks.text("Рядок.") for _ in range(lines))]
    lead = [blocks.section("Друге"), blocks.text("Про що це."), blocks.text("Числа 7 і 9.")]
    picture = blocks.figure(Drawing(height=430), caption="Великий малюнок")
    text = pages(render(document(*filling, *lead, picture, stages(5))))
    shown = [page for page in text if "Великий малюнок" in page]
    assert len(shown) == 1
    assert all(word in shown[0] for word in ("Друге", "Про що це.", "Числа 7 і 9."))
    table = next(page for page in text if "Таблиця 1." in page)
    assert text.index(table) >= text.index(shown[0]), "the table does not go before the heading"


def test_a_tall_table_of_few_rows_goes_on_over_the_page():
    """Thirteen rows of ten lines each: none is cut, none runs into the foot."""
    long = "дуже довгий опис роботи на цьому етапі, " * 16
    rows = [[f"Етап {i}", f"Початок {i}. {long} Кінець {i}."] for i in range(13)]
    table = blocks.table([blocks.column("Етап"), blocks.column("Робота")], rows, caption="Етапи")
    text = pages(render(document(blocks.section("Параметри"), table)))
    for i in range(13):
        (page,) = [page for page in text if f"Початок {i}." in page]
        assert f"Кінець {i}." in " ".join(page.split())


def test_words_in_tables_are_never_cut():
    """The longest word of a narrow column beside two columns that could fill the page."""
    word = "Найзавантаженішому"
    long = "слово " * 120
    columns = [blocks.column(title) for title in ("Етап", "Робота", "Далі")]
    table = blocks.table(columns, [[f"{word} {i}", long, long] for i in range(3)], caption="Етапи")
    text = " ".join(pages(render(document(blocks.section("Параметри"), table))))
    assert text.count(word) == 3


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler is not installed")
def test_no_column_leaves_the_page(tmp_path):
    """Names with long words beside numbers that could fill the line: these go on below."""
    wide = "0,15 на тиждень – 0,44 на тиждень"
    columns = [blocks.column(title) for title in ("Чого", "Показник", "Метод")]
    columns[2:2] = [blocks.column(title, numeric=True) for title in ("Оцінка", "Інтервал", "Ще")]
    row = ["Найзавантаженішому", "інтенсивність", wide, wide, wide, "правдоподібність; t Стьюдента"]
    file = tmp_path / "wide.pdf"
    table = blocks.table(columns, [row] * 3, caption="Усі числа")
    file.write_bytes(render(document(blocks.section("Числа"), table)))
    told = subprocess.run(["pdftotext", "-bbox", file, "-"], capture_output=True, text=True)  # noqa: PLW1510
    ends = [float(end) for end in re.findall(r'xMax="([\d.]+)"', told.stdout)]
    assert max(ends) <= (21.0 - 2.5) / 2.54 * 72 + 2


def test_a_contents_line_and_a_label_are_copied_without_marks():
    text = " ".join(pages(render(document(blocks.section("Етапи воронки"), stages(3)))))
    assert not re.search("[\u00ad\u2060]|[.] [.] [.]", text)


def test_illustrative_numbers_are_watermarked_on_every_page():
    marked = pages(
        render(document(blocks.section("Етапи"), stages(40), illustrative=True, lang="en"))
    )
    plain = pages(render(document(blocks.section("Етапи"), stages(40), lang="en")))
    assert all(page.count("Illustrative numbers") == 1 for page in marked), "the drawing is no text"
    assert not any("Illustrative" in page for page in plain)


def test_a_long_table_repeats_its_head_and_keeps_its_note():
    text = pages(render(document(blocks.section("Етапи"), stages(60))))
    assert sum("Ліди" in page for page in text) >= 2
    last = next(page for page in text if "Кінець" in page)
    assert "59 собираю" in last


@pytest.mark.parametrize(
    "broken",
    [
        blocks.text("日本"),
        blocks.figure(Drawing("日本"), caption="Ні"),
    ],
    ids=["in a text", "in a picture"],
)
def test_a_character_the_font_lacks_is_an_error(broken):
    with pytest.raises(RunError, match="could not be displayed"):
        render(document(blocks.section("Етапи"), broken))


def test_a_broken_picture_is_an_error():
    class Broken(Drawing):
        def svg(self, *, outlines=False):
            return "<svg"

    with pytest.raises(RunError, match="the PDF could not be made"):
        render(document(blocks.section("Етапи"), blocks.figure(Broken(), caption="Ні")))


def test_a_document_without_a_cover_is_an_error():
    with pytest.raises(RunError, match="starts with a cover"):
        render([blocks.end()])


@pytest.mark.skipif(not shutil.which("qpdf"), reason="qpdf is not installed")
def test_the_file_is_sound(tmp_path):
    file = tmp_path / "report.pdf"
    file.write_bytes(render(document(blocks.section("Етапи"), stages(60), illustrative=True)))
    done = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
