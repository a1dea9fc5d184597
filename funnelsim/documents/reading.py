"""YAML text → `Document`: safe, UTF-8, and every problem of the text at once."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from funnelsim.documents.document import (
    CORE,
    Document,
    DocumentPath,
    Plain,
    PlainResolver,
    did_you_mean,
)
from funnelsim.errors import DataError, InputError, Problem

__all__ = ["load_document", "parse_document"]

MAX_BYTES = 10_000_000
MAX_ALIASED_NODES = 10_000
CONTAINERS = {f"{CORE}map": MappingNode, f"{CORE}seq": SequenceNode}
SCALARS = {f"{CORE}{name}" for name in ("str", "int", "float", "bool", "null")}

# what YAML says → what we say, and what to do; {line} is where the construct began
SYNTAX = (
    (r"character '\\t'", "a tab where spaces belong", "Indent with spaces."),
    (
        r"mapping values are not allowed",
        'an unexpected ":"',
        'Put text that contains ": " in quotes, and check the indentation of this line.',
    ),
    (
        r"character '(.)' that cannot",
        r"text cannot start with \1",
        "Put the text in quotes.",
    ),
    (
        r"found another document",
        'a second document starts here ("---")',
        "Keep one document per file.",
    ),
    (
        r"undefined alias '(.*)'",
        r"*\1 points to nothing",
        "Put text that starts with * in quotes.",
    ),
    (
        r"unexpected end of stream",
        "a quoted text is not closed",
        "It begins in line {line}.",
    ),
    (
        r"expected ',' or '(.)'",
        r"expected a comma or \1",
        "The bracket opened in line {line} is not closed.",
    ),
    (
        r"expected <block end>|could not find expected ':'|block mapping|block collection",
        'expected "key: value"',
        "Check the indentation of this line and the colon before it.",
    ),
)


def load_document(path: str | Path, error: type[InputError] = DataError) -> Document:
    """Read a YAML file safely.

    Parameters
    ----------
    path : str or Path
        A UTF-8 file (a byte order mark is fine) of at most 10 MB.
    error : type
        What to raise: ``ScenarioError`` for scenarios, ``DataError`` for mappings.

    Returns
    -------
    Document
        Plain data, positions and text.

    Raises
    ------
    InputError
        The file is missing, empty, not UTF-8 or not valid YAML, or holds tags,
        duplicate keys or too many aliases; each with its place.

    Examples
    --------
    >>> load_document("no-such.yaml")
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.yaml: there is no such file
    """
    path = Path(path)
    return parse_document(_text_of(path, error), str(path), error)


def parse_document(
    text: str, name: str = "<text>", error: type[InputError] = DataError
) -> Document:
    r"""Read YAML text safely; see `load_document`.

    Parameters
    ----------
    text : str
        YAML.
    name : str
        What messages call it.
    error : type
        What to raise.

    Returns
    -------
    Document
        Plain data, positions and text.

    Raises
    ------
    InputError
        As `load_document`.

    Examples
    --------
    >>> parse_document("seats: 3\nopen: 2024-02-29\n").data
    {'seats': 3, 'open': '2024-02-29'}
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = PlainResolver
    try:
        root = yaml.compose(io.StringIO(text))
    except MarkedYAMLError as problem:
        raise error(_syntax_problem(problem, name)) from None
    except ReaderError as problem:
        line, column = _line_and_column(text, problem.position)
        message = f"a control character ({ord(text[problem.position]):#04x}) is not allowed"
        raise error(Problem(message, f"{name}:{line}:{column}", fix="Delete it.")) from None
    except RecursionError:
        raise error(Problem("is nested too deeply", name)) from None
    except (YAMLError, ValueError) as problem:
        raise error(Problem(f"is not valid YAML ({problem})", name)) from None
    if root is None:
        raise error(Problem("is empty", name, fix="It should begin with funnelsim: 1."))
    reading = Reading(name, yaml)
    reading.keys[()] = (root.start_mark.line + 1, root.start_mark.column + 1)
    data = reading.plain(root, ())
    if not reading.problems and not isinstance(data, dict):
        reading.refuse(root, (), 'must consist of "key: value" lines')
    if reading.problems:
        raise error(reading.problems)
    return Document(name, data, text, reading.keys, reading.values)


@dataclass
class Reading:
    """One walk over composed nodes: plain data, positions and problems."""

    name: str
    yaml: YAML
    keys: dict[DocumentPath, tuple[int, int]] = field(default_factory=dict)
    values: dict[DocumentPath, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    open_nodes: set[int] = field(default_factory=set)
    aliased: int = 0

    def refuse(self, node: Node, path: DocumentPath, message: str, fix: str = "") -> None:
        """Note a problem at a node."""
        mark = node.start_mark
        where = f"{self.name}:{mark.line + 1}:{mark.column + 1}"
        self.problems.append(Problem(message, where, ".".join(map(str, path)), fix))

    def plain(self, node: Node, path: DocumentPath) -> Plain:
        """Return the plain data below a node, noting positions on the way."""
        if id(node) in self.open_nodes:
            self.refuse(node, path, "an alias (*) points to what contains it")
            return None
        self.aliased += id(node) in self.seen
        self.seen.add(id(node))
        if self.aliased >= MAX_ALIASED_NODES:
            if self.aliased == MAX_ALIASED_NODES:
                self.refuse(node, path, "aliases (*) repeat too much text", "Write it out.")
            self.aliased += 1
            return None
        tag = str(node.tag)
        if not (tag in SCALARS or isinstance(node, CONTAINERS.get(tag, ()))):
            shown = tag.replace(CORE, "!!")
            self.refuse(node, path, f"the tag {shown} is not allowed", "Files hold data only.")
            return None
        if isinstance(node, ScalarNode):
            self.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
            return self.scalar(node, path)
        self.open_nodes.add(id(node))
        data = (
            self.sequence(node, path)
            if isinstance(node, SequenceNode)
            else self.mapping(node, path)
        )
        self.open_nodes.discard(id(node))
        return data

    def scalar(self, node: ScalarNode, path: DocumentPath) -> Plain:
        """Return text, a number, a truth value or None."""
        try:
            return self.yaml.constructor.construct_object(node)
        except (ValueError, KeyError):
            tag = str(node.tag).replace(CORE, "!!")
            self.refuse(node, path, f'"{node.value}" cannot be read as {tag}')
            return None

    def sequence(self, node: SequenceNode, path: DocumentPath) -> list[Any]:
        """Return a list."""
        for position, item in enumerate(node.value):
            place = (item.start_mark.line + 1, item.start_mark.column + 1)
            self.keys[*path, position] = place
        return [self.plain(item, (*path, i)) for i, item in enumerate(node.value)]

    def mapping(self, node: Node, path: DocumentPath) -> dict[Any, Any]:
        """Return a dictionary; merged (<<) entries fill what is not given."""
        data: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        merged = []
        for key_node, value_node in node.value:
            if str(key_node.tag) == f"{CORE}merge":
                merged.append(value_node)
                continue
            if not isinstance(key_node, ScalarNode) or str(key_node.tag) not in SCALARS:
                self.refuse(key_node, path, "a key must be a word or a number")
                continue
            key = self.yaml.constructor.construct_object(key_node)
            line = key_node.start_mark.line + 1
            if key in lines:
                message = f"the key {key} is already given in line {lines[key]}"
                self.refuse(key_node, (*path, key), message, "Keep one of them.")
                continue
            lines[key] = line
            self.keys[*path, key] = (line, key_node.start_mark.column + 1)
            data[key] = self.plain(value_node, (*path, key))
        for key, value in self.merged(merged, path):
            data.setdefault(key, value)
        return data

    def merged(self, nodes: list[Node], path: DocumentPath) -> Iterator[tuple[Any, Any]]:
        """Yield the entries that << brings in, first come first served."""
        for node in nodes:
            for part in node.value if isinstance(node, SequenceNode) else [node]:
                if isinstance(part, MappingNode):
                    yield from self.plain(part, (*path, "<<")).items()
                else:
                    self.refuse(part, path, "<< must point to a mapping")


def _text_of(path: Path, error: type[InputError]) -> str:
    """Return a file's text, or say why it cannot be read."""
    name = str(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise error(Problem(f"is too large ({size:,} bytes)", name, fix="At most 10 MB."))
        raw = path.read_bytes()
    except FileNotFoundError:
        near = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        fix = did_you_mean(path.name, near, limit=0)
        raise error(Problem("there is no such file", name, fix=fix)) from None
    except IsADirectoryError:
        raise error(Problem("is a folder, not a file", name)) from None
    except OSError as problem:
        raise error(Problem(f"cannot be read ({problem.strerror})", name)) from None
    fix = "Save it as UTF-8."
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise error(Problem("is UTF-16 text", f"{name}:1:1", fix=fix))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = raw[: problem.start].decode("utf-8-sig")
        line, column = _line_and_column(before, len(before))
        message = f"is not UTF-8 text (byte {raw[problem.start]:#04x})"
        raise error(Problem(message, f"{name}:{line}:{column}", fix=fix)) from None


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    """Return the line and column, both from 1, of a position in a text."""
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def _syntax_problem(problem: MarkedYAMLError, name: str) -> Problem:
    """Return a YAML syntax error in a planner's words."""
    mark = problem.problem_mark or problem.context_mark
    began = problem.context_mark or mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    said = str(problem.problem)
    for pattern, message, fix in SYNTAX:
        match = re.search(pattern, said) or re.search(pattern, str(problem.context or ""))
        if match:
            line = began.line + 1 if began else 1
            return Problem(match.expand(message), where, fix=fix.format(line=line))
    return Problem(f"is not valid YAML: {said}", where)
