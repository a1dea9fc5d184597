"""The bytes of a file, read once: how many, which digest, in which encoding."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from funnelsim.calibration.readers.notes import Note
from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, Problem
from funnelsim.messages import Message

__all__ = ["Content", "content_of", "opened"]

GZIP = b"\x1f\x8b"
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
BLOCK = 1 << 20
SAMPLE = 100_000
LONGEST = 10_000_000  # a line of more bytes is no row of a table
HIGH = 0x80


@dataclass(frozen=True, slots=True)
class Content:
    """What one pass over a file's bytes tells.

    Parameters
    ----------
    path : Path
        The file.
    head : bytes
        Its beginning, unpacked.
    digest : str
        SHA-256 of all of it, unpacked.
    encoding : str
        As Python names it.
    guessed : bool
        Whether neither a byte order mark, nor UTF-8, nor a declaration says so.
    """

    path: Path
    head: bytes
    digest: str
    encoding: str
    guessed: bool

    def beginning(self) -> str:
        """Return the text that it begins with."""
        return codecs.getincrementaldecoder(self.encoding)(errors="replace").decode(self.head)

    def notes(self) -> list[Note]:
        """Return a note where the encoding had to be guessed."""
        done = Message(
            "It was read as {encoding}; declare file.encoding if names look wrong.",
            encoding=self.encoding,
        )
        note = Note("encoding", 1, Message("Files whose encoding is not declared"), done)
        return [note] * self.guessed


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, plain or gzipped.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    BinaryIO
        Its unpacked bytes.

    Raises
    ------
    DataError
        It is missing, a folder, damaged or may not be read.

    Examples
    --------
    >>> with opened(Path("no-such.csv")) as stream:
    ...     stream.read()
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.csv: there is no such file
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == GZIP
            plain.seek(0)
            if not packed:
                yield plain
                return
            with gzip.open(plain) as stream:
                yield stream  # type: ignore[misc]
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


def content_of(path: Path, declared: str | None = None) -> Content:
    """Look once at all bytes of a text file.

    Parameters
    ----------
    path : Path
        Plain or gzipped.
    declared : str, optional
        The encoding, where somebody says so.

    Returns
    -------
    Content
        With the encoding that all of it can be read in.

    Raises
    ------
    DataError
        It cannot be read, is empty, is not in its encoding, is no text, or has a line of
        more than 10 million bytes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "deals.csv")
    ...     _ = path.write_bytes("Этап;Бюджет".encode("cp1251"))
    ...     content_of(path).encoding
    'cp1251'
    """
    with opened(path) as stream:
        head = stream.read(SAMPLE)
    encoding, decoder = _candidate(head, declared, path)
    digest, counts, failed = hashlib.sha256(), np.zeros(2, dtype=np.int64), ""
    line, since, blank = 1, 0, True
    with opened(path) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            last = max(block.rfind(b"\n"), block.rfind(b"\r"))
            since = len(block) - last - 1 if last >= 0 else since + len(block)
            if since > LONGEST:
                _refuse_line(path, line + block.count(b"\n"))
            blank = blank and not block.strip(b" \t\r\n\x00\xff\xfe\xef\xbb\xbf")
            counts += _high(block)
            failed = failed or _failure(decoder, block, line)
            line += block.count(b"\n")
    if blank:
        raise DataError(Problem("is empty", str(path), fix="It needs a line of column names."))
    if failed:
        if declared or encoding != "utf-8":
            place, _, byte = failed.partition(" ")
            message = f"is not {encoding} text (byte {byte})"
            fix = "Declare the right file.encoding in the mapping, for example cp1251."
            raise DataError(Problem(message, f"{path}:{place}", fix=fix))
        # Cyrillic words in cp1251 are runs of high bytes; western accents stand alone.
        encoding = "cp1251" if 2 * counts[1] > counts[0] else "cp1252"
    marked = any(head.startswith(mark) for mark, _ in MARKS)
    guessed = not declared and not marked and encoding != "utf-8"
    content = Content(path, head, digest.hexdigest(), encoding, guessed)
    _refuse_binary(content)
    return content


def _candidate(
    head: bytes, declared: str | None, path: Path
) -> tuple[str, codecs.IncrementalDecoder]:
    """Return the encoding to try, and its decoder."""
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    encoding = marked or _wide(head) or "utf-8"
    if declared:
        try:
            encoding = codecs.lookup(declared).name
        except LookupError:
            fix = "Use utf-8, utf-16, cp1251 or latin-1."
            message = f'the encoding "{declared}" is not known'
            raise DataError(Problem(message, str(path), "file.encoding", fix)) from None
        encoding = marked if marked and marked.startswith(encoding[:5]) else encoding
    return encoding, codecs.getincrementaldecoder(encoding)()


def _wide(head: bytes) -> str | None:
    """Return which UTF-16 a text without a mark is in, if it is.

    Western and Cyrillic letters have a high byte of 0 or 4.
    """
    if b"\x00" not in head:
        return None
    pairs = np.frombuffer(head[: len(head) // 2 * 2], np.uint8).reshape(-1, 2)
    likely = np.isin(pairs, [0, 4]).mean(axis=0)
    if likely.max() < 0.9:  # noqa: PLR2004
        return None
    return "utf-16-be" if likely[0] > likely[1] else "utf-16-le"


def _high(block: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how many bytes are no ASCII, and how many of these follow another."""
    if block.isascii():
        return np.zeros(2, dtype=np.int64)
    high = np.frombuffer(block, np.uint8) >= HIGH
    return np.array([high.sum(), (high[1:] & high[:-1]).sum()], dtype=np.int64)


def _failure(decoder: codecs.IncrementalDecoder, block: bytes, line: int) -> str:
    """Return the line and the byte that cannot be decoded; empty if all can."""
    try:
        decoder.decode(block)
    except UnicodeDecodeError as problem:
        before = problem.object[: problem.start]
        return f"{line + before.count(0x0A)} {problem.object[problem.start]:#04x}"
    return ""


def _refuse_line(path: Path, line: int) -> None:
    """Refuse a line that is too long for a table."""
    message = f"has a line of more than {LONGEST // 1_000_000} million bytes"
    fix = "A table has one row per line; export it again as CSV."
    raise DataError(Problem(message, f"{path}:{line}", fix=fix))


def _refuse_binary(content: Content) -> None:
    """Refuse what is no text."""
    text = content.beginning()
    strange = sum(1 for char in text if (char < " " and char not in "\t\r\n") or char == "\ufffd")
    if strange > len(text) / 1000:
        message = "is no table of text: it holds control characters"
        fix = "Give a CSV, XLSX, HTML or Parquet file."
        raise DataError(Problem(message, str(content.path), fix=fix))
