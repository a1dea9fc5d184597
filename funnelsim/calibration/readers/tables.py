"""Any table → text: CSV, XLSX, HTML that calls itself .xls, Parquet, a query of a database."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from funnelsim.calibration.readers.cells import text_of, texts_of
from funnelsim.calibration.readers.content import content_of, opened
from funnelsim.calibration.readers.databases import is_url, read_query
from funnelsim.calibration.readers.dates import share_of_times
from funnelsim.calibration.readers.mapping import TableFile
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.text_tables import TextTable, distinct_names, read_table
from funnelsim.calibration.readers.xes import read_xes
from funnelsim.errors import DataError, Problem
from funnelsim.messages import Message

__all__ = ["read_any"]

ZIP, PARQUET, OLD_EXCEL, PDF = b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0", b"%PDF"
MARKUP = re.compile(rb"^[\xef\xbb\xbf\xff\xfe\s\x00]*<", re.DOTALL)
XES = re.compile(rb"<(?:\w+:)?log[\s>]")
NUMBER = r"^[-+]?[\d\s.,]+$"
Row = tuple[int, list[str | None]]


def read_any(
    source: str | Path,
    *,
    query: str | None = None,
    form: TableFile | None = None,
    wanted: Collection[str] = (),
) -> TextTable:
    """Read a table as text, whatever it is stored in; what it is, its content tells.

    Parameters
    ----------
    source : str or Path
        A file (CSV, XLSX, HTML, Parquet; gzipped too), or the URL of a database.
    query : str, optional
        What to ask the database.
    form : TableFile, optional
        Encoding and delimiter, where they are declared.
    wanted : collection of str
        Columns that tell the delimiter; none of them may occur twice.

    Returns
    -------
    TextTable
        All columns as text, each under a name of its own; empty fields are missing.

    Raises
    ------
    DataError
        It cannot be read, is no table, or has no names of columns.

    Examples
    --------
    >>> read_any("no-such.csv")
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.csv: there is no such file
    """
    if is_url(source):
        frame, name = read_query(str(source), query)
        return _checked(_from_frame(frame, name))
    path = Path(source)
    if query is not None:
        raise DataError(Problem("is a file; only a database is queried", str(path)))
    with opened(path) as stream:
        start = stream.read(4096)
    if start.startswith(PARQUET):
        return _checked(_parquet(path))
    if start.startswith(ZIP):
        return _checked(_workbook(path))
    if start.startswith((OLD_EXCEL, PDF)):
        kind = "a PDF" if start.startswith(PDF) else "an Excel file of the old kind (.xls)"
        fix = "Save it as .xlsx or CSV."
        raise DataError(Problem(f"is {kind}", str(path), fix=fix))
    if MARKUP.match(start) and XES.search(start):
        return _checked(read_xes(path))
    if MARKUP.match(start):
        return _checked(_markup(path))
    return _checked(read_table(path, form or TableFile(), wanted))


def _checked(table: TextTable) -> TextTable:
    """Refuse a table whose first line holds no names; trim names and drop empty rows."""
    header = [str(name) for name in table.frame.columns]
    if header and not any(header):
        raise DataError(Problem("has no names of columns", table.name))
    names = [name for name in header if not re.fullmatch(r"column \d+|Unnamed: \d+", name)]
    shown = pd.Series(names, dtype="str")
    data = shown.str.match(NUMBER).sum() + round(share_of_times(shown) * len(shown)) if names else 1
    if 2 * int(data) >= max(len(names), 1):
        line = f"{table.name}:1"
        message = f"the first line has no names of columns, but {', '.join(header[:3])}"
        fix = "Add a first line with the names of the columns."
        raise DataError(Problem(message, line, fix=fix))
    filled = table.frame.notna().any(axis=1).to_numpy()
    if not filled.any():
        raise DataError(Problem("has column names but no rows", table.name))
    if filled.all():
        return table
    frame = table.frame[filled].reset_index(drop=True)
    return dataclasses.replace(table, frame=frame, lines=table.lines[filled])


def _from_rows(
    path: Path, rows: Iterator[Row], digest: str, notes: Sequence[Note] = ()
) -> TextTable:
    """Return rows of cells as a table; the first with anything in it names the columns."""
    kept = ((line, cells) for line, cells in rows if any(cells))
    _, header = next(kept, (0, []))
    if not header:
        raise DataError(Problem("is empty", str(path), fix="It needs a line of column names."))
    body = list(kept)
    width = max([len(header), *(len(cells) for _, cells in body)])
    names = [*(name or "" for name in header), *[""] * (width - len(header))]
    names = [re.sub(r"\s+", " ", name).strip() for name in names]
    cells = {
        name: pd.Series([c[k] if k < len(c) else None for _, c in body], dtype="str")
        for k, name in enumerate(distinct_names(names))
    }
    lines = np.array([at for at, _ in body], dtype=np.int64)
    frame = pd.DataFrame(cells)
    empty = [name for name, title in zip(cells, names, strict=True) if not title]
    frame = frame.drop(columns=[name for name in empty if frame[name].isna().all()])
    return TextTable(str(path), frame, lines, digest, list(notes))


def _from_frame(frame: pd.DataFrame, name: str, digest: str = "") -> TextTable:
    """Return a typed table as text; rows count from 1."""
    columns = {str(column): texts_of(frame[column]) for column in frame.columns}
    texts = pd.DataFrame(columns, index=frame.index).reset_index(drop=True)
    if not digest:
        marks = pd.util.hash_pandas_object(texts, index=False).to_numpy()
        digest = hashlib.sha256(marks.tobytes()).hexdigest()
    return TextTable(name, texts, np.arange(1, len(texts) + 1), digest)


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parquet(path: Path) -> TextTable:
    """Read a Parquet file."""
    try:
        frame = pd.read_parquet(path)
    except ImportError:
        fix = "Install funnelsim[parquet]."
        raise DataError(Problem("is a Parquet file", str(path), fix=fix)) from None
    except (OSError, ValueError):
        raise DataError(Problem("is a damaged Parquet file", str(path))) from None
    return _from_frame(frame, str(path), _digest(path))


def _workbook(path: Path) -> TextTable:
    """Read the first sheet with rows of an Excel workbook; formulas by the value last shown."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    sheets: dict[bool, tuple[list[str], list[Row]]] = {}
    for shown in (False, True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on styles, of which none is used
                book = load_workbook(path, read_only=True, data_only=shown)
                sheets[shown] = _rows_of(book)
                book.close()
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
            fix = "Save it again as .xlsx or CSV."
            raise DataError(Problem("is no readable Excel workbook", str(path), fix=fix)) from None
        if not any(
            cell and cell.startswith("=") for _, cells in sheets[shown][1] for cell in cells
        ):
            break
    others, rows = sheets[False]
    if True in sheets:
        rows = [
            (line, [_value(*pair) for pair in zip(cells, shown_cells, strict=False)])
            for (line, cells), (_, shown_cells) in zip(rows, sheets[True][1], strict=True)
        ]
    done = Message(
        "They are {sheets}; save the one that is meant as CSV to read it.",
        sheets=", ".join(others),
    )
    found = Message("Further sheets that were not read")
    notes = [Note("sheets", len(others), found, done)] if others else []
    return _from_rows(path, iter(rows), _digest(path), notes)


def _value(formula: str | None, shown: str | None) -> str | None:
    """Return what a cell shows; a formula never computed stays as plain text."""
    return shown if shown is not None and (formula or "").startswith("=") else formula


def _rows_of(book: object) -> tuple[list[str], list[Row]]:
    """Return the rows of the first sheet that has any, and the names of the others that do."""
    found: list[tuple[str, list[Row]]] = []
    for sheet in book.worksheets:  # type: ignore[attr-defined]
        sheet.reset_dimensions()
        values = sheet.iter_rows(values_only=True)
        rows = [(line, [text_of(cell) for cell in cells]) for line, cells in enumerate(values, 1)]
        rows = [(line, cells) for line, cells in rows if any(cells)]
        if rows:
            found.append((str(sheet.title), rows))
    return [name for name, _ in found[1:]], found[0][1] if found else []


def _markup(path: Path) -> TextTable:
    """Read the largest table of an HTML file."""
    from lxml import etree, html

    content = content_of(path)
    with opened(path) as stream:
        text = stream.read().decode(content.encoding, errors="replace").lstrip("\ufeff")
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        root = html.fromstring(text, parser=html.HTMLParser(huge_tree=True))
    except (etree.ParserError, etree.XMLSyntaxError):
        raise DataError(Problem("is no readable HTML", str(path))) from None
    tables = [root] if root.tag == "table" else list(root.iter("table"))
    if not tables:
        message = "looks like HTML or XML, but holds no table"
        fix = "Is it the page of an error? Export it again."
        raise DataError(Problem(message, str(path), fix=fix))
    largest = max(tables, key=lambda table: len(list(table.iter("tr"))))
    rows = (
        (row.sourceline or 0, [text_of(_words(cell)) for cell in row if cell.tag in ("td", "th")])
        for row in largest.iter("tr")
    )
    return _from_rows(path, rows, content.digest, content.notes())


def _words(cell: object) -> str:
    """Return the text of a cell; HTML's blanks are one blank."""
    text = " ".join(cell.itertext())  # type: ignore[attr-defined]
    return re.sub(r"[\s\u00a0]+", " ", text)
