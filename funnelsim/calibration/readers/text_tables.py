"""Delimited text files → a table of text, whatever encoding and delimiter they use."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnelsim.calibration.readers.mapping import TableFile
from funnelsim.calibration.readers.notes import Note
from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, Problem

__all__ = ["TextTable", "lines_of", "read_table"]

GZIP = b"\x1f\x8b"
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
DELIMITERS = (",", ";", "\t", "|")
EXAMPLES = 3
SAMPLE = 100_000


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
    raw = _bytes_of(path)
    text, notes = _decoded(raw, form.encoding, path)
    if not text.strip():
        raise DataError(Problem("is empty", str(path), fix="It needs a line of column names."))
    delimiter = form.delimiter or _delimiter_of(text, wanted)
    header, lines = _checked_rows(text, delimiter, path)
    twice = sorted({name for name in header if header.count(name) > 1} & set(wanted))
    if twice:
        message = f'the column "{twice[0]}" occurs more than once'
        raise DataError(Problem(message, f"{path}:1", fix="Rename one of them."))
    if not lines.size:
        raise DataError(Problem("has column names but no rows", str(path)))
    frame = pd.read_csv(
        io.StringIO(text),
        sep=delimiter,
        header=0,
        dtype="str",
        keep_default_na=False,
        na_values=[""],
        index_col=False,
        skip_blank_lines=True,
    )
    frame.columns = pd.Index(header)
    digest = hashlib.sha256(raw).hexdigest()
    return TextTable(str(path), frame, lines, digest, notes)


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


def _bytes_of(path: Path) -> bytes:
    """Return a file's content, unpacked."""
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(GZIP) else raw
    except FileNotFoundError:
        near = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        fix = did_you_mean(path.name, near, limit=0)
        raise DataError(Problem("there is no such file", str(path), fix=fix)) from None
    except IsADirectoryError:
        raise DataError(Problem("is a folder, not a file", str(path))) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        fix = "Copy or download it again."
        raise DataError(Problem("is a damaged gzip file", str(path), fix=fix)) from None
    except OSError as problem:
        raise DataError(Problem(f"cannot be read ({problem.strerror})", str(path))) from None


def _decoded(raw: bytes, declared: str | None, path: Path) -> tuple[str, list[Note]]:
    """Return the text, and a note where the encoding had to be guessed."""
    marked = next((name for mark, name in MARKS if raw.startswith(mark)), None)
    guessed = False
    if declared:
        try:
            encoding = codecs.lookup(declared).name
        except LookupError:
            fix = "Use utf-8, utf-16, cp1251 or latin-1."
            message = f'the encoding "{declared}" is not known'
            raise DataError(Problem(message, str(path), "file.encoding", fix)) from None
        encoding = marked if marked and marked.startswith(encoding[:5]) else encoding
    elif marked:
        encoding = marked
    else:
        encoding = _likely_encoding(raw)
        guessed = encoding != "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        message = f"is not {encoding} text (byte {raw[problem.start]:#04x})"
        fix = "Declare the right file.encoding in the mapping, for example cp1251."
        raise DataError(Problem(message, f"{path}:{line}", fix=fix)) from None
    done = f"It was read as {encoding}; declare file.encoding if names look wrong."
    return text, [Note("encoding", 1, "Files whose encoding is not declared", done)] * guessed


def _likely_encoding(raw: bytes) -> str:
    """Return the encoding of text without a byte order mark.

    Cyrillic words in cp1251 are runs of high bytes; western accents stand alone.
    """
    start = raw[:SAMPLE]
    if b"\x00" in start:
        odd = sum(1 for byte in start[1::2] if byte == 0)
        return "utf-16-le" if odd > len(start) // 8 else "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        high = np.frombuffer(raw, np.uint8) >= 0x80  # noqa: PLR2004
        runs = (high[1:] & high[:-1]).sum()
        return "cp1251" if 2 * runs > high.sum() else "cp1252"
    return "utf-8"


def _delimiter_of(text: str, wanted: Collection[str]) -> str:
    """Return the delimiter under which most of the wanted columns, or most columns, appear."""
    line = text.lstrip().split("\n", 1)[0]

    def found(delimiter: str) -> tuple[int, int]:
        names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
        return len(set(names) & set(wanted)), len(names)

    return max(DELIMITERS, key=found)


def _checked_rows(text: str, delimiter: str, path: Path) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the column names and each row's line; refuse rows of unequal length."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[int] = []
    ragged: list[tuple[int, int]] = []
    try:
        header = [name.strip() for name in next(row for row in reader if row)]
        for row in reader:
            if row:
                lines.append(reader.line_num)
                if len(row) != len(header):
                    ragged.append((reader.line_num, len(row)))
    except csv.Error as problem:
        where = f"{path}:{reader.line_num}"
        fix = "A quoted text may not be closed." if "unexpected end" in str(problem) else ""
        raise DataError(Problem(f"is no table ({problem})", where, fix=fix)) from None
    if ragged:
        problems = [
            Problem(f"fields: {count}, but the first line has {len(header)}", f"{path}:{line}")
            for line, count in ragged[:EXAMPLES]
        ]
        if len(ragged) > EXAMPLES:
            more = f"further lines with too many or too few fields: {len(ragged) - EXAMPLES:,}"
            problems.append(Problem(more, str(path)))
        raise DataError(problems)
    return header, np.array(lines, dtype=np.int64)
