"""Delimited text files → a table of text, whatever encoding and delimiter they use."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnelsim.calibration.readers.content import Content, content_of, opened
from funnelsim.calibration.readers.mapping import TableFile
from funnelsim.calibration.readers.notes import Note
from funnelsim.errors import DataError, Problem

__all__ = ["TextTable", "distinct_names", "lines_of", "read_table"]

DELIMITERS = (",", ";", "\t", "|")
EXAMPLES = 3
CHUNK = 250_000


@dataclass(frozen=True)
class TextTable:
    """A table of text as it stands in a file.

    Parameters
    ----------
    name : str
        The file.
    frame : pandas.DataFrame
        Columns of dtype ``str``; empty fields are missing.
    lines : numpy.ndarray
        The file's line, from 1, in which each row ends.
    digest : str
        SHA-256 of the file.
    notes : sequence of Note
        What was assumed in reading it.
    """

    name: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    digest: str
    notes: Sequence[Note] = ()


def read_table(path: Path, form: TableFile, wanted: Collection[str]) -> TextTable:
    """Read a delimited text file, plain or gzipped.

    Parameters
    ----------
    path : Path
        The file.
    form : TableFile
        Encoding and delimiter, where they are declared; otherwise they are found out.
    wanted : collection of str
        Columns that must be there; they tell the delimiter.

    Returns
    -------
    TextTable
        All columns, as text.

    Raises
    ------
    DataError
        The file is missing, empty, not in its encoding, or has rows of unequal length.

    Examples
    --------
    >>> read_table(Path("no-such.csv"), TableFile(), ["case"])
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.csv: there is no such file
    """
    content = content_of(path, form.encoding)
    delimiter = form.delimiter or _delimiter_of(content.beginning(), wanted)
    header, lines = _checked_rows(content, delimiter)
    twice = sorted({name for name in header if header.count(name) > 1} & set(wanted))
    if twice:
        message = f'the column "{twice[0]}" occurs more than once'
        raise DataError(Problem(message, f"{path}:1", fix="Rename one of them."))
    if not lines.size:
        raise DataError(Problem("has column names but no rows", str(path)))
    frame = _frame(content, delimiter, len(header))
    frame.columns = pd.Index(distinct_names(header))
    return TextTable(str(path), frame, lines, content.digest, content.notes())


def distinct_names(header: Sequence[str]) -> list[str]:
    """Name columns that share a name, or have none, so that each can be asked for.

    Parameters
    ----------
    header : sequence of str
        The names in the file.

    Returns
    -------
    list of str
        The first of a name keeps it, further ones get a number.

    Examples
    --------
    >>> distinct_names(["ID", "utm", "", "utm"])
    ['ID', 'utm', 'column 3', 'utm (2)']
    """
    taken: set[str] = set()
    names = []
    for place, name in enumerate(header, 1):
        plain = name or f"column {place}"
        found, number = plain, 2
        while found in taken:
            found, number = f"{plain} ({number})", number + 1
        taken.add(found)
        names.append(found)
    return names


def lines_of(table: TextTable, rows: pd.Series | npt.NDArray[np.bool_]) -> str:
    """Return where rows stand, as "lines 5, 9, 12 and 3 more".

    Parameters
    ----------
    table : TextTable
        The table.
    rows : array of bool
        A truth value per row.

    Returns
    -------
    str
        The first lines, and how many more.

    Examples
    --------
    >>> table = TextTable("x.csv", pd.DataFrame(), np.arange(2, 8), "")
    >>> lines_of(table, np.ones(6, dtype=bool))
    'lines 2, 3, 4 and 3 more'
    """
    found = table.lines[np.asarray(rows)]
    shown = ", ".join(f"{line}" for line in found[:EXAMPLES])
    more = f" and {found.size - EXAMPLES:,} more" if found.size > EXAMPLES else ""
    return f"line{'s' if found.size > 1 else ''} {shown}{more}"


def _delimiter_of(text: str, wanted: Collection[str]) -> str:
    """Return the delimiter under which most of the wanted columns, or most columns, appear."""
    line = text.lstrip().split("\n", 1)[0]

    def found(delimiter: str) -> tuple[int, int]:
        names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
        return len(set(names) & set(wanted)), len(names)

    return max(DELIMITERS, key=found)


def _frame(content: Content, delimiter: str, width: int) -> pd.DataFrame:
    """Return all fields as text; in chunks, so that a large file needs little more than itself."""
    with opened(content.path) as stream:
        chunks = pd.read_csv(
            stream,
            encoding=content.encoding,
            sep=delimiter,
            header=0,
            names=list(range(width)),
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            index_col=False,
            skip_blank_lines=True,
            chunksize=CHUNK,
        )
        return pd.concat(chunks, ignore_index=True)


def _checked_rows(content: Content, delimiter: str) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the column names and each row's line; refuse rows of unequal length."""
    path = content.path
    lines = array("q")
    ragged: list[tuple[int, int]] = []
    header: list[str] = []
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding=content.encoding, newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(row for row in reader if row)]
            width = len(header)
            for row in reader:
                if row:
                    lines.append(reader.line_num)
                    if len(row) != width:
                        ragged.append((reader.line_num, len(row)))
        except csv.Error as problem:
            where = f"{path}:{reader.line_num}"
            fix = "A quoted text may not be closed." if "unexpected end" in str(problem) else ""
            raise DataError(Problem(f"is no table ({problem})", where, fix=fix)) from None
    if ragged:
        problems = [
            Problem(f"fields: {count}, but the first line has {width}", f"{path}:{line}")
            for line, count in ragged[:EXAMPLES]
        ]
        if len(ragged) > EXAMPLES:
            more = f"further lines with too many or too few fields: {len(ragged) - EXAMPLES:,}"
            problems.append(Problem(more, str(path)))
        raise DataError(problems)
    return header, np.frombuffer(lines, dtype=np.int64)
