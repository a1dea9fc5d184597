"""Names in a scenario that point to other parts of it.

Works on plain data as well, so that a file with other mistakes still has its
broken names listed in the same message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from funnelsim.documents import did_you_mean
from funnelsim.errors import Problem

__all__ = ["Reference", "broken_references", "references"]

_SECTION = {"stage": "stages", "team": "teams", "calendar": "calendars"}


class Reference(NamedTuple):
    """A name, what kind of part it means, and where it stands."""

    path: tuple[str | int, ...]
    kind: str
    name: str


def references(data: Mapping[str, Any]) -> Iterator[Reference]:
    """Every name that points elsewhere, in plain scenario data (sound or not).

    Examples
    --------
    >>> [ref.name for ref in references({"sources": {"web": {"stage": "demo"}}})]
    ['demo']
    """
    yield from _named(data, (), "calendar")
    for key, team in _items(data, "teams"):
        yield from _named(team, ("teams", key), "calendar")
    for key, source in _items(data, "sources"):
        yield from _named(source, ("sources", key), "stage")
    for key, stage in _items(data, "stages"):
        at = ("stages", key)
        yield from _named(stage, at, "calendar")
        timeout = stage.get("timeout")
        if isinstance(timeout, Mapping) and isinstance(timeout.get("to"), str):
            yield Reference((*at, "timeout", "to"), "stage", timeout["to"])
        for effort_key, effort in _items(stage, "efforts"):
            yield from _named(effort, (*at, "efforts", effort_key), "team")
        following = stage.get("next")
        if isinstance(following, str):
            yield Reference((*at, "next"), "stage", following)
        elif isinstance(following, Mapping) and isinstance(following.get("to"), Mapping):
            for target in following["to"]:
                yield Reference((*at, "next", "to", str(target)), "stage", str(target))


def broken_references(data: Mapping[str, Any]) -> list[tuple[Reference, Problem]]:
    """References to parts that do not exist, each with what to write instead."""
    found = []
    for reference in references(data):
        section = data.get(_SECTION[reference.kind])
        known = [str(key) for key in section] if isinstance(section, Mapping) else []
        if reference.name not in known:
            message = f'there is no {reference.kind} "{reference.name}"'
            fix = did_you_mean(reference.name, known) or f"Add it under {_SECTION[reference.kind]}."
            dotted = ".".join(map(str, reference.path))
            found.append((reference, Problem(message, path=dotted, fix=fix)))
    return found


def _items(data: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The named parts of a section that are mappings."""
    parts = data.get(section)
    if isinstance(parts, Mapping):
        for key, part in parts.items():
            if isinstance(part, Mapping):
                yield str(key), part


def _named(part: Mapping[str, Any], at: tuple[str | int, ...], kind: str) -> Iterator[Reference]:
    name = part.get(kind)
    if isinstance(name, str):
        yield Reference((*at, kind), kind, name)
