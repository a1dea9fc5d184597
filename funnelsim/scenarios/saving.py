"""Scenarios → YAML files; what did not change keeps its text and comments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from funnelsim.documents import Document, load_document, parse_document, write_whole
from funnelsim.errors import DataError, ScenarioError
from funnelsim.scenarios.loading import read_scenario
from funnelsim.scenarios.scenario import Scenario

__all__ = ["save", "to_yaml"]

Data = Mapping[str, Any]

_SAFE = re.compile(r"[^\W_](?:[^\s\[\]{},:#\\\"]|:(?=\d)| (?=[^\s#]))*")  # needs no quotes anywhere
_WIDEST = 80  # a mapping of plain values is written on one line up to here


def save(scenario: Scenario, path: str | Path) -> Path:
    """Write a scenario to a file, all or nothing.

    Where the file exists already, only what differs is changed: comments, order,
    quotes and spelling of the rest stay.

    Parameters
    ----------
    scenario : Scenario
        What to write.
    path : str or Path
        A ``.yaml`` file; its folder must exist.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ScenarioError
        If the file cannot be written, or exists and is no sound scenario (it could
        be something else that you need).

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from funnelsim import shipped
    >>> from funnelsim.scenarios.loading import load
    >>> bank = load(shipped.scenarios() / "bank-retail.yaml")
    >>> with TemporaryDirectory() as folder:
    ...     load(save(bank, Path(folder) / "ours.yaml")) == bank
    True
    """
    path = Path(path)
    if path.exists():
        document = load_document(path, ScenarioError)
        text = _edited(document, scenario)
        newline = "\r\n" if "\r\n" in document.text else "\n"
    else:
        text, newline = to_yaml(scenario), "\n"
    return write_whole(path, text, ScenarioError, newline=newline)


def to_yaml(scenario: Scenario) -> str:
    """The scenario as the text of a new file.

    Examples
    --------
    >>> from funnelsim.scenarios.loading import from_data
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> print(to_yaml(from_data(_TINY)))
    funnelsim: 1
    name: tiny
    <BLANKLINE>
    run: {start: 2026-01-05, horizon: 4 w}
    <BLANKLINE>
    sources:
      web: {stage: won, rate: 5 / d}
    <BLANKLINE>
    stages:
      won:
        marks: [won]
    <BLANKLINE>
    """
    tree = CommentedMap()
    for key, value in scenario.plain().items():
        tree[key] = _node(value)
        if isinstance(value, Mapping):
            tree.yaml_set_comment_before_after_key(key, before="\n")
    return Document("", {}).dump(tree).replace("\n#\n", "\n\n")


def _edited(document: Document, scenario: Scenario) -> str:
    """The document's text with the scenario's values where they differ."""
    old, new = read_scenario(document).plain(), scenario.plain()
    if old == new and _order(old) == _order(new):
        return document.text
    tree = document.tree()
    _merge(tree, old, new)
    return _spliced(document, document.dump(tree))


def _spliced(document: Document, dumped: str) -> str:
    """The dumped text, with the original's spacing on lines that did not change."""
    original = document.text.replace("\r\n", "\n").splitlines(keepends=True)
    before = document.dump(document.tree()).splitlines(keepends=True)
    after = dumped.splitlines(keepends=True)
    if len(before) != len(original):  # the writer broke lines elsewhere
        return dumped
    lines: list[str] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        lines += original[start:end] if kind == "equal" else after[new_start:new_end]
    text = "".join(lines)
    try:
        same = parse_document(text).data == parse_document(dumped).data
    except DataError:  # lines of differing indentation do not go together
        return dumped
    return text if same else dumped


def _merge(tree: CommentedMap, old: Data, new: Data) -> None:
    """Bring a tree from the old values to the new ones, touching nothing else."""
    for key in [key for key in old if key not in new]:
        tree.pop(key, None)
    for key, value in new.items():
        before = old.get(key)
        if before == value and _order(before) == _order(value):
            continue
        node = tree.get(key)
        if isinstance(node, CommentedMap) and isinstance(value, Mapping) and before:
            _merge(node, before, value)
        elif isinstance(before, list) and isinstance(node, CommentedSeq):
            _merge_list(node, before, value)
        elif key in tree:
            tree[key] = _node(value)
        else:
            tree.insert(_slot(tree, list(new), key), key, _node(value))
    if [key for key in new if key in old] != [key for key in old if key in new]:
        for key in new:  # the order says something: stages, efforts
            tree.move_to_end(key)


def _slot(tree: CommentedMap, order: list[str], key: str) -> int:
    """Where a new key goes: behind the one it follows."""
    present = list(tree)
    earlier = [other for other in order[: order.index(key)] if other in present]
    return present.index(earlier[-1]) + 1 if earlier else 0


def _merge_list(tree: CommentedSeq, old: list[Any], new: list[Any]) -> None:
    """The same for a list, item by item."""
    del tree[len(new) :]
    for position, value in enumerate(new):
        node = tree[position] if position < len(tree) else None
        before = old[position] if position < len(old) else None
        if node is None:
            tree.append(_node(value))
        elif isinstance(node, CommentedMap) and isinstance(value, Mapping) and before:
            _merge(node, before, value)
        elif before != value:
            tree[position] = _node(value)


def _order(value: object) -> object:
    """The keys all the way down: equal mappings may still differ in order."""
    if isinstance(value, Mapping):
        return [(key, _order(item)) for key, item in value.items()]
    return None


def _node(value: Any) -> Any:  # noqa: ANN401 - plain data of any kind
    """Plain data as a tree that is written as a person would."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return value if _SAFE.fullmatch(value) else DoubleQuotedScalarString(value)
    if isinstance(value, list):
        many = CommentedSeq(_node(item) for item in value)
        if not any(isinstance(item, (Mapping, list)) for item in value):
            many.fa.set_flow_style()
        return many
    if not isinstance(value, Mapping):
        return value
    node = CommentedMap((_node(key), _node(item)) for key, item in value.items())
    plain = not any(isinstance(item, (Mapping, list)) for item in value.values())
    if plain and len(str(dict(value))) < _WIDEST:
        node.fa.set_flow_style()
    return node
