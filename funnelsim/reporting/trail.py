"""From each part of a report to the notebook cell, seed and input that it was made with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from funnelsim.reporting.blocks import column, plain, section, table, text
from funnelsim.reporting.document import (
    Advice,
    AnyBlock,
    End,
    Evidence,
    Figure,
    Kpis,
    Risks,
    Section,
    Summary,
    Table,
    Text,
)
from funnelsim.reporting.notebooks import Cell
from funnelsim.reporting.texts import Texts

__all__ = ["digest", "listed", "printed"]

SHORT: Final = 16  # digits of a fingerprint that are printed


def printed(
    blocks: Sequence[AnyBlock], cells: Sequence[Cell], origin: Mapping[str, Any], t: Texts
) -> tuple[AnyBlock, ...]:
    """The blocks that a PDF shows, and last where each number comes from.

    Parameters
    ----------
    blocks : sequence of Block
        Of the executed notebook, the final ``end`` included.
    cells : sequence of Cell
        For each block, the one that showed it.
    origin : mapping
        As in the manifest: ``input``, ``seed``, ``notebook``, ``overrides``.
    t : Texts
        In the report's language.

    Returns
    -------
    tuple of Block
    """
    shown = [block for block in blocks if not isinstance(block, End)]
    return (*shown, *_appendix(blocks, cells, origin, t))


def listed(blocks: Sequence[AnyBlock], cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Every block's kind, cell and fingerprint, for the manifest.

    Parameters
    ----------
    blocks, cells
        As for `printed`.

    Returns
    -------
    list of dict
    """
    return [
        {"kind": block.kind, "cell": cell.number, "sha256": digest(block)}
        for block, cell in zip(blocks, cells, strict=True)
    ]


def digest(block: AnyBlock) -> str:
    """A block's fingerprint.

    Examples
    --------
    >>> digest(End())[:8]
    '536a0c4a'
    """
    stored = json.dumps(block.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(stored.encode()).hexdigest()


def _appendix(
    blocks: Sequence[AnyBlock], cells: Sequence[Cell], origin: Mapping[str, Any], t: Texts
) -> list[AnyBlock]:
    """A sentence on what holds for all numbers, and the list of parts with their cells."""
    told = t._(
        "Every number below was computed by the notebook cell beside it, from {input} "
        "(SHA-256 {data}) with seed {seed}, by the notebook {notebook} (SHA-256 {code}). The same "
        "input, seed and notebook give the same numbers."
    ).format(
        input=origin["input"]["name"],
        data=origin["input"]["sha256"][:SHORT],
        seed=origin["seed"],
        notebook=origin["notebook"]["name"],
        code=origin["notebook"]["sha256"][:SHORT],
    )
    return [
        section(t._("Where each number comes from")),
        text(told),
        *_scenarios(blocks, t),
        table(
            [column(t._("Cell"), numeric=True), column(t._("Section")), column(t._("Parts"))],
            _rows(blocks, cells, t),
            caption=t._("The notebook cells, and the parts of this report that each made"),
        ),
    ]


def _scenarios(blocks: Iterable[AnyBlock], t: Texts) -> list[AnyBlock]:
    """The fingerprint of the scenario as simulated, overrides made."""
    found = [block for block in blocks if isinstance(block, Evidence) and block.scenario]
    told = t._("The scenario as simulated is attached to this PDF (SHA-256 {scenario}).")
    return [
        text(told.format(scenario=hashlib.sha256(block.scenario.encode()).hexdigest()[:SHORT]))
        for block in found[:1]
    ]


def _rows(
    blocks: Sequence[AnyBlock], cells: Sequence[Cell], t: Texts
) -> list[tuple[str, str, str]]:
    """One row per cell: its number, its section, and the parts that can hold numbers."""
    parts: dict[tuple[int, str], list[str]] = {}
    heading = t._("Page 1")
    for block, cell in zip(blocks, cells, strict=True):
        if isinstance(block, Section):
            heading = block.title
        if name := _name(block, t):
            parts.setdefault((cell.number, heading), []).append(name)
    return [
        (t.number(number), title, "; ".join(dict.fromkeys(names)))
        for (number, title), names in parts.items()
    ]


def _name(block: AnyBlock, t: Texts) -> str:
    """What a part is called; empty for one without numbers."""
    match block:
        case Kpis():
            return t._("Key figures")
        case Summary() | Risks() | Advice():
            return block.title
        case Figure() | Table():
            return block.caption
        case Text() if any(sign.isdigit() for sign in plain(block.sentence)):
            return t._("sentences")
    return ""
