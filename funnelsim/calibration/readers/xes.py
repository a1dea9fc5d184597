"""XES, the XML of process logs → a table of text with one row per event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd

from funnelsim.calibration.readers.content import opened
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.errors import DataError, Problem

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["read_xes"]


def read_xes(path: Path) -> TextTable:
    """Read a process log in XES (IEEE 1849), plain or gzipped.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    TextTable
        One row per event; its attributes by their keys, those of its trace with ``case:``
        before the key, as process-mining tools name them. Lines are those of the events.

    Raises
    ------
    DataError
        The file is missing, is no XML, no XES, holds a document type declaration (XES has
        none, and entities could blow up) or no events.

    References
    ----------
    IEEE Std 1849-2023, eXtensible Event Stream.

    Examples
    --------
    >>> read_xes(Path("no-such.xes"))
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.xes: there is no such file
    """
    columns = Columns()
    with opened(path) as stream:
        hashed = Hashed(stream)
        for attributes, line in _events(hashed, path):
            columns.add(attributes, line)
        hashed.drain()
    if not columns.lines:
        fix = "XES has <trace> elements with <event> elements in them."
        raise DataError(Problem("holds no events", str(path), fix=fix))
    return TextTable(str(path), columns.frame(), np.array(columns.lines), hashed.digest())


class Hashed:
    """A stream of bytes that keeps the digest of what was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        block = self._stream.read(size)
        self._digest.update(block)
        return block

    def drain(self) -> None:
        """Read what is left."""
        while self.read(1 << 20):
            pass

    def digest(self) -> str:
        """Return the SHA-256 of what was read."""
        return self._digest.hexdigest()


class Columns:
    """Columns that grow row by row; equal texts are kept once."""

    def __init__(self) -> None:
        self.lines: list[int] = []
        self._values: dict[str, list[str | None]] = {}
        self._texts: dict[str, str] = {}

    def add(self, attributes: dict[str, str], line: int) -> None:
        """Append an event."""
        for key, text in attributes.items():
            column = self._values.setdefault(key, [])
            column.extend([None] * (len(self.lines) - len(column)))
            column.append(self._texts.setdefault(text, text))
        self.lines.append(line)

    def frame(self) -> pd.DataFrame:
        """Return the table; what an event has not is missing."""
        rows = len(self.lines)
        filled = {key: [*v, *[None] * (rows - len(v))] for key, v in self._values.items()}
        return pd.DataFrame({key: pd.Series(v, dtype="str") for key, v in filled.items()})


def _events(stream: Hashed, path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """Yield the attributes of every event, with its line."""
    from lxml import etree

    walk = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    events: list[tuple[dict[str, str], int]] = []
    traces = 0
    try:
        for moment, element in walk:
            name = etree.QName(element).localname
            if moment == "start":
                if element.getparent() is None:
                    _check_root(element, name, path)
            elif name == "event":
                events.append((_values(element), int(element.sourceline or 0)))
                element.clear()
            elif name == "trace":
                traces += 1
                case = {f"case:{key}": text for key, text in _values(element).items()}
                case.setdefault("case:concept:name", f"{traces}")
                yield from ((case | event, line) for event, line in events)
                events = []
                _forget(element)
    except etree.XMLSyntaxError as problem:
        message = f"is no sound XML ({problem.msg})"
        fix = "Export it again; XES has neither entities nor a document type."
        raise DataError(Problem(message, f"{path}:{problem.lineno}", fix=fix)) from None


def _check_root(root: etree._Element, name: str, path: Path) -> None:
    """Refuse what is no XES, and declarations that could make a small file huge."""
    if root.getroottree().docinfo.internalDTD is not None:
        message = "has a document type declaration, which XES does not"
        fix = "Take it out: entities can make a small file fill the memory."
        raise DataError(Problem(message, str(path), fix=fix))
    if name != "log":
        message = f"is XML, but no XES: it begins with <{name}>"
        raise DataError(Problem(message, str(path), fix="XES begins with <log>."))


def _values(element: etree._Element) -> dict[str, str]:
    """Return the attributes of a trace or an event; lists and empty ones are left out."""
    pairs = ((child.get("key"), child.get("value")) for child in element)
    return {str(key): str(value) for key, value in pairs if key and value}


def _forget(trace: etree._Element) -> None:
    """Let go of a trace and of those before it, so that memory does not grow."""
    trace.clear()
    parent = trace.getparent()
    while parent is not None and trace.getprevious() is not None:
        del parent[0]
