"""A YAML file as plain data that remembers where every value stands."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.resolver import VersionedResolver

from funnelsim.errors import Problem

if TYPE_CHECKING:
    from ruamel.yaml.compat import VersionType

__all__ = ["CORE", "Document", "DocumentPath", "Plain", "PlainResolver", "did_you_mean"]

DocumentPath = tuple[str | int, ...]

# Nested dict, list, str, int, float, bool, None.
Plain = Any

CORE = "tag:yaml.org,2002:"

# a key whose value stands below it, then that line's indentation relative to the key's
BELOW = r"^( *)[^\s#-].*:[ ]*(?:#.*)?\n(?:\s*#.*\n|\s*\n)*\1"


class PlainResolver(VersionedResolver):
    """YAML 1.2 without dates: a date stays text until a model asks for one."""

    def add_version_implicit_resolver(
        self, version: VersionType | None, tag: object, regexp: object, first: object
    ) -> None:
        """Register how plain text is read, dates excepted."""
        if str(tag) != f"{CORE}timestamp":
            super().add_version_implicit_resolver(version, tag, regexp, first)


@dataclass(frozen=True)
class Document:
    r"""A YAML file as plain data, with the position of every key and value.

    Parameters
    ----------
    name : str
        The file's name as messages show it.
    data : object
        Nested ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``;
        dates stay text.
    text : str
        The text as read, without a byte order mark; empty for plain data.

    Examples
    --------
    >>> from funnelsim.documents import parse_document
    >>> document = parse_document("stages:\n  demo: {next: won}\n", "b2b.yaml")
    >>> document.where(("stages", "demo", "next"))
    'b2b.yaml:2:16'
    """

    name: str
    data: Plain
    text: str = ""
    keys: Mapping[DocumentPath, tuple[int, int]] = field(default_factory=dict, repr=False)
    values: Mapping[DocumentPath, tuple[int, int]] = field(default_factory=dict, repr=False)

    def where(self, path: DocumentPath = (), *, key: bool = False) -> str:
        r"""Return ``file:line:column`` of a value, or of its nearest known ancestor.

        Parameters
        ----------
        path : tuple of str and int
            Keys and list positions from the top.
        key : bool
            Point at the key instead of the value.

        Returns
        -------
        str
            The file's name alone where no position is known.

        Examples
        --------
        >>> from funnelsim.documents import parse_document
        >>> parse_document("a:\n  b: 1\n", "x.yaml").where(("a", "missing"))
        'x.yaml:1:1'
        """
        for end in range(len(path), -1, -1):
            known = path[:end]
            scalar = known in self.values and not (key and known in self.keys)
            place = self.values[known] if scalar else self.keys.get(known)
            if place:
                return f"{self.name}:{place[0]}:{place[1]}"
        return self.name

    def problem(
        self, path: DocumentPath, message: str, fix: str = "", *, key: bool = False
    ) -> Problem:
        r"""Return a problem that stands at this path.

        Parameters
        ----------
        path : tuple of str and int
            Keys and list positions from the top.
        message, fix : str
            What is wrong, and what to do.
        key : bool
            Point at the key instead of the value.

        Returns
        -------
        Problem
            With ``file:line:column`` and the dotted path.

        Examples
        --------
        >>> from funnelsim.documents import parse_document
        >>> document = parse_document("seats: -3\n", "x.yaml")
        >>> print(document.problem(("seats",), "must be > 0, not -3"))
        x.yaml:1:8 seats: must be > 0, not -3
        """
        dotted = ".".join(str(part) for part in path)
        return Problem(message, self.where(path, key=key), dotted, fix)

    def tree(self) -> CommentedMap:
        r"""Return a fresh editable tree that keeps comments, quotes and order.

        Returns
        -------
        ruamel.yaml.comments.CommentedMap
            Change it in place, then pass it to `dump`.

        Examples
        --------
        >>> from funnelsim.documents import parse_document
        >>> document = parse_document("a: 1  # one\nb: 2\n")
        >>> tree = document.tree()
        >>> tree["b"] = 3
        >>> print(document.dump(tree), end="")
        a: 1  # one
        b: 3
        """
        return self._round_trip().load(self.text) or CommentedMap()

    def dump(self, tree: CommentedMap) -> str:
        r"""Return an edited tree as text, indented as this document is.

        Parameters
        ----------
        tree : ruamel.yaml.comments.CommentedMap
            From `tree`.

        Returns
        -------
        str
            YAML text; comments, quotes and order as they were.

        Examples
        --------
        >>> from funnelsim.documents import parse_document
        >>> document = parse_document("a: [1,2]\n")
        >>> document.dump(document.tree())
        'a: [1, 2]\n'
        """
        buffer = io.StringIO()
        self._round_trip().dump(tree, buffer)
        return buffer.getvalue()

    def _round_trip(self) -> YAML:
        """Return a reader and writer that leaves untouched text alone."""
        yaml = YAML(typ="rt", pure=True)
        yaml.Resolver = PlainResolver
        yaml.preserve_quotes = True
        yaml.width = 1_000_000
        nested = re.search(f"{BELOW}( +)[^\\s#-]", self.text, re.MULTILINE)
        listed = re.search(f"{BELOW}( *)-( +)", self.text, re.MULTILINE)
        offset, gap = (len(listed[2]), len(listed[3])) if listed else (2, 1)
        mapping = len(nested[2]) if nested else 2
        yaml.indent(mapping=mapping, sequence=offset + 1 + gap, offset=offset)
        return yaml


def did_you_mean(word: object, allowed: Iterable[str], limit: int = 12) -> str:
    """Say what was probably meant, or else what is allowed.

    Parameters
    ----------
    word : object
        What was written.
    allowed : iterable of str
        What could have been written.
    limit : int
        List the allowed words only when there are at most so many.

    Returns
    -------
    str
        A sentence, or an empty text.

    Examples
    --------
    >>> did_you_mean("stagse", ["sources", "stages"])
    'Did you mean "stages"?'
    >>> did_you_mean("x", ["sources", "stages"])
    'Allowed here: sources, stages.'
    """
    words = [str(name) for name in allowed]
    lowered = {name.casefold(): name for name in reversed(words)}
    close = difflib.get_close_matches(str(word).casefold(), lowered, n=1)
    if close:
        return f'Did you mean "{lowered[close[0]]}"?'
    return f"Allowed here: {', '.join(words)}." if words and len(words) <= limit else ""
