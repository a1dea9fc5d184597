"""A report's tables as one tidy table, for Tableau, Power BI, Qlik and other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from funnelsim.reporting.document import AnyBlock, Column, Kpis, Number, Section, Table

__all__ = ["COLUMNS", "DANGEROUS", "harmless", "tidy_csv", "tidy_parquet", "tidy_rows"]

COLUMNS: Final = ("section", "table", "row", "item", "column", "unit", "text", "value", "form")
DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a text for a formula."""


def tidy_rows(blocks: Sequence[AnyBlock]) -> Iterator[dict[str, str | int | float]]:
    """Every cell of every table, and every key figure, one a row.

    Parameters
    ----------
    blocks : sequence of Block

    Yields
    ------
    dict
        ``section``; ``table`` (its caption; empty for a key figure); ``row`` (from 1); ``item``
        (the row's first cell, what it is about); ``column``, ``unit``; ``text`` as printed;
        ``value`` in full precision, empty where the cell is no number; ``form`` (``number``,
        ``share``, a unit of time, a currency).

    Examples
    --------
    >>> from funnelsim.reporting.blocks import column, table
    >>> from funnelsim.reporting.texts import texts
    >>> columns = [column("Stage"), column("Won", unit="%", numeric=True)]
    >>> shown = table(columns, [("Offer", texts().bare_share(0.123))], caption="Who wins")
    >>> [(row["item"], row["column"], row["value"]) for row in tidy_rows([shown])]
    [('Offer', 'Won', 0.123)]
    """
    section = ""
    for block in blocks:
        match block:
            case Section():
                section = block.title
            case Kpis():
                for place, tile in enumerate(block.tiles, 1):
                    column = Column(title=tile.label)
                    yield _row((section, "", place, tile.label), column, tile.value, tile.number)
            case Table():
                yield from _cells(block, section)


def tidy_csv(blocks: Sequence[AnyBlock]) -> bytes:
    """Write `tidy_rows` as CSV.

    Parameters
    ----------
    blocks : sequence of Block

    Returns
    -------
    bytes
        UTF-8 with a mark that Excel knows it by; no text can be taken for a formula.

    Examples
    --------
    >>> tidy_csv([]).decode("utf-8-sig").strip()
    'section,table,row,item,column,unit,text,value,form'
    """
    written = io.StringIO(newline="")
    rows = csv.DictWriter(written, COLUMNS, lineterminator="\r\n")
    rows.writeheader()
    for row in tidy_rows(blocks):
        rows.writerow(
            {name: harmless(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        )
    return written.getvalue().encode("utf-8-sig")


def tidy_parquet(blocks: Sequence[AnyBlock]) -> bytes:
    """Write `tidy_rows` as Parquet: texts as they are, numbers as numbers; needs pyarrow.

    Parameters
    ----------
    blocks : sequence of Block

    Returns
    -------
    bytes
        The columns of the CSV; ``row`` is whole, ``value`` missing where a cell is no number.

    Examples
    --------
    >>> tidy_parquet([])[:4]
    b'PAR1'
    """
    import pandas as pd

    frame = pd.DataFrame(list(tidy_rows(blocks)), columns=list(COLUMNS))
    kinds = dict.fromkeys(COLUMNS, "str") | {"row": "int64"}
    value = pd.to_numeric(frame.pop("value"), errors="coerce").astype(float)
    frame = frame.astype({name: kind for name, kind in kinds.items() if name != "value"})
    frame.insert(COLUMNS.index("value"), "value", value)
    written = io.BytesIO()
    frame.to_parquet(written, index=False)
    return written.getvalue()


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    Examples
    --------
    >>> harmless("=cmd()"), harmless("Offer")
    ("'=cmd()", 'Offer')
    """
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _cells(block: Table, section: str) -> Iterator[dict[str, str | int | float]]:
    """The cells of a table that say something of the row's item."""
    for place, row in enumerate(block.rows):
        numbers = block.numbers[place] if block.numbers else (None,) * len(row)
        where = (section, block.caption, place + 1, row[0])
        cells = list(zip(block.columns, row, numbers, strict=True))
        for column, text, number in cells[1:] or cells:
            yield _row(where, column, text, number)


def _row(
    where: tuple[str, str, int, str], column: Column, text: str, number: Number | None
) -> dict[str, str | int | float]:
    """One row."""
    told = (*where, column.title, column.unit, text)
    value = ("", "") if number is None else (number.value, number.form)
    return dict(zip(COLUMNS, (*told, *value), strict=True))
