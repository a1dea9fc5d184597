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
    Cover,
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
LONGEST: Final = 50  # signs of a cell's code that are printed


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
            [column(t._("Part")), column(t._("Cell"), numeric=True), column(t._("Its code"))],
            _rows(blocks, cells, t),
            caption=t._("Each part of this report and the notebook cell behind it"),
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
    """One row per part that can hold numbers; sentences together under their section."""
    rows: dict[tuple[str, int], str] = {}
    heading = ""
    for block, cell in zip(blocks, cells, strict=True):
        if isinstance(block, Section):
            heading = block.title
        if name := _name(block, heading, t):
            rows.setdefault((name, cell.number), _code(cell))
    return [(name, t.number(number), code) for (name, number), code in rows.items()]


def _name(block: AnyBlock, heading: str, t: Texts) -> str:
    """What a part is called; empty for one without numbers."""
    match block:
        case Cover():
            return t._("Title page")
        case Kpis():
            return t._("Key figures")
        case Summary() | Risks() | Advice():
            return block.title
        case Figure() | Table():
            return block.caption
        case Text() if any(sign.isdigit() for sign in plain(block.sentence)):
            return t._("Sentences: {section}").format(section=heading)
    return ""


def _code(cell: Cell) -> str:
    """The last statement of a cell, on one line."""
    line = " ".join(cell.code.splitlines()[-1].split()) if cell.code else ""
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
