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

_SECTION = {"source": "sources", "stage": "stages", "team": "teams", "calendar": "calendars"}


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
        for i, entry in enumerate(_list(team, "staff")):
            yield from _named(entry, ("teams", key, "staff", i), "calendar")
    for key, source in _items(data, "sources"):
        yield from _named(source, ("sources", key), "stage")
    for key, shock in _items(data, "shocks"):
        for kind in ("source", "stage"):
            for i, name in enumerate(shock.get(f"{kind}s") or ()):
                yield Reference(("shocks", key, f"{kind}s", i), kind, str(name))
    for key, stage in _items(data, "stages"):
        yield from _of_stage(stage, ("stages", key))


def _of_stage(stage: Mapping[str, Any], at: tuple[str, str]) -> Iterator[Reference]:
    """Calendar, teams and ways out of one stage."""
    yield from _named(stage, at, "calendar")
    for way_out in ("timeout", "patience"):
        part = stage.get(way_out)
        if isinstance(part, Mapping):
            yield from _named(part, (*at, way_out), "stage", key="to")
    yield from _named(stage, at, "stage", key="refused_to")
    for key, effort in _items(stage, "efforts"):
        yield from _named(effort, (*at, "efforts", key), "team")
    yield from _named(stage, at, "stage", key="next")
    following = stage.get("next")
    if isinstance(following, Mapping):
        yield from _targets(following, (*at, "next"))
        for i, case in enumerate(_list(following, "cases")):
            path = (*at, "next", "cases", i)
            yield from _targets(case, path)
            when = case.get("when")
            names = when.get("source", ()) if isinstance(when, Mapping) else ()
            for name in (names,) if isinstance(names, str) else names:
                yield Reference((*path, "when", "source"), "source", str(name))


def broken_references(data: Mapping[str, Any]) -> list[tuple[Reference, Problem]]:
    """References to parts that do not exist, each with what to write instead."""
    found = []
    for reference in references(data):
        section = data.get(_SECTION[reference.kind])
        if section is None and reference.kind in {"source", "stage"}:
            continue  # the section itself is missing, which says it all
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


def _list(part: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """The entries of a list that are mappings."""
    entries = part.get(key)
    if isinstance(entries, list):
        yield from (entry for entry in entries if isinstance(entry, Mapping))


def _targets(part: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Reference]:
    """The stages that a table of probabilities leads to."""
    to = part.get("to")
    for target in to if isinstance(to, Mapping) else ():
        yield Reference((*at, "to", str(target)), "stage", str(target))


def _named(
    part: Mapping[str, Any], at: tuple[str | int, ...], kind: str, *, key: str = ""
) -> Iterator[Reference]:
    """The reference under ``key`` (left out: under its kind), if it is one."""
    name = part.get(key or kind)
    if isinstance(name, str):
        yield Reference((*at, key or kind), kind, name)
