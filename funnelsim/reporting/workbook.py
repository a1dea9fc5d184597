"""A report's numbers for Excel: real numbers, headings that stay, no formula by accident."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import AnyBlock, Cover, Kpis, Number, Summary, Table
from funnelsim.reporting.texts import Texts
from funnelsim.reporting.tidy import DANGEROUS

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

__all__ = ["workbook"]

FORMS: Final[Mapping[str, str]] = {"share": "0.0%"}
TIMES: Final = ("s", "min", "h", "d")
FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
LONGEST_NAME, LONGEST_CELL, WIDEST = 31, 32_000, 60
NAVY: Final = "#0B4F80"


def workbook(blocks: Sequence[AnyBlock], t: Texts) -> bytes:
    """Write a report's answer, key figures and tables as .xlsx.

    Parameters
    ----------
    blocks : sequence of Block
        As the PDF shows them, a cover first.
    t : Texts
        In the report's language.

    Returns
    -------
    bytes
        One sheet with the answer, then one for each table; the same blocks give the same bytes.
    """
    import xlsxwriter

    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(written, options)
    sheets = _Book(book)
    cover = next((block for block in blocks if isinstance(block, Cover)), None)
    if cover is not None:
        moment = datetime(cover.as_of.year, cover.as_of.month, cover.as_of.day)  # noqa: DTZ001 - Excel has no zones
        told = {"title": cover.title, "author": "funnelsim", "created": moment}
        book.set_properties(told)
    _answer(sheets, blocks, cover, t)
    for block in blocks:
        if isinstance(block, Table):
            _table(sheets, block)
    book.close()
    return written.getvalue()


@dataclass
class _Book:
    """A workbook in the making: its formats, and the names of sheets that are taken."""

    book: Workbook
    formats: dict[tuple[tuple[str, Any], ...], Format] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def style(self, **wanted: Any) -> Format:  # noqa: ANN401 - as xlsxwriter calls them
        """A format, made once."""
        key = tuple(sorted(wanted.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format({"valign": "top", **wanted})
        return self.formats[key]

    def sheet(self, title: str) -> Worksheet:
        """A sheet under a name that Excel takes."""
        bare = FORBIDDEN.sub(" ", title).strip(" '") or "–"
        name, number = bare[:LONGEST_NAME].strip(" '"), 1
        while name.casefold() in self.names or name.casefold() == "history":
            number += 1
            ending = f" {number}"
            name = bare[: LONGEST_NAME - len(ending)].rstrip(" '") + ending
        self.names.add(name.casefold())
        return self.book.add_worksheet(name)

    def text(self, sheet: Worksheet, row: int, column: int, text: str, **style: Any) -> None:  # noqa: ANN401
        """A cell of text, whatever it begins with."""
        if text.startswith(DANGEROUS):
            style["quote_prefix"] = True  # text it stays, when somebody edits it
        cleaned = CONTROL.sub(" ", text)[:LONGEST_CELL]
        sheet.write_string(row, column, cleaned, self.style(**style))

    def number(self, sheet: Worksheet, row: int, column: int, number: Number, **style: Any) -> None:  # noqa: ANN401
        """A cell of a number."""
        style["num_format"] = _format(number)
        sheet.write_number(row, column, number.value, self.style(**style))


def _answer(sheets: _Book, blocks: Sequence[AnyBlock], cover: Cover | None, t: Texts) -> None:
    """The first sheet: whose report, the answer, key figures."""
    sheet = sheets.sheet(t._("The answer"))
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, 46)
    row = 0
    if cover is not None:
        sheets.text(sheet, 0, 0, cover.title, bold=True, font_size=14, font_color=NAVY)
        about = " · ".join(filter(None, [cover.kicker, cover.subtitle, cover.period]))
        sheets.text(sheet, 1, 0, about)
        row = 3
    for block in blocks:
        if isinstance(block, Summary):
            for sentence in block.sentences:
                sheets.text(sheet, row, 0, plain(sentence))
                row += 1
            row += 1
        if isinstance(block, Kpis):
            for tile in block.tiles:
                sheets.text(sheet, row, 0, tile.label)
                _cell(sheets, sheet, (row, 1), tile.value, tile.number, align="right")
                sheets.text(sheet, row, 2, tile.note, font_color="#566471")
                row += 1
            row += 1


def _table(sheets: _Book, block: Table) -> None:
    """A sheet with a table: caption, headings that stay, cells."""
    sheet = sheets.sheet(block.caption)
    sheets.text(sheet, 0, 0, block.caption, bold=True, font_color=NAVY)
    for place, column in enumerate(block.columns):
        heading = f"{column.title}, {column.unit}" if column.unit else column.title
        side = "right" if column.numeric else "left"
        head = {"bold": True, "bottom": 2, "font_color": NAVY, "align": side, "text_wrap": True}
        sheets.text(sheet, 2, place, heading, **head)
        texts = [heading[:24], *(row[place] for row in block.rows)]
        sheet.set_column(place, place, min(max(map(len, texts)) + 3, WIDEST))
    for place, row in enumerate(block.rows):
        bold = {"bold": True} if block.total and place == len(block.rows) - 1 else {}
        numbers = block.numbers[place] if block.numbers else (None,) * len(row)
        for index, (column, text, number) in enumerate(
            zip(block.columns, row, numbers, strict=True)
        ):
            aligned = {"align": "right"} if column.numeric else {}
            _cell(sheets, sheet, (place + 3, index), text, number, **bold, **aligned)
    if block.note:
        sheets.text(sheet, len(block.rows) + 4, 0, block.note, font_color="#566471")
    sheet.freeze_panes(3, 1)
    if block.rows:
        last = len(block.rows) + 2 - block.total
        sheet.autofilter(2, 0, max(last, 3), len(block.columns) - 1)


def _cell(
    sheets: _Book,
    sheet: Worksheet,
    place: tuple[int, int],
    text: str,
    number: Number | None,
    **style: Any,  # noqa: ANN401
) -> None:
    """A cell as a number where it is one, else as text."""
    if number is None:
        sheets.text(sheet, *place, text, **style)
    else:
        sheets.number(sheet, *place, number, **style)


def _format(number: Number) -> str:
    """How Excel is to write a number."""
    if number.form in FORMS:
        return FORMS[number.form]
    digits = "#,##0" if float(number.value).is_integer() else "#,##0.0##"
    if number.form in TIMES:
        return f'#,##0.0 "{number.form}"'
    return digits if number.form == "number" else f'#,##0.00 "{number.form}"'
