"""Whether all blocks are there, once, readable, and in the right language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import ParseError
from xml.etree.ElementTree import fromstring as parsed_xml

from funnelsim.messages import Message
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import (
    MIME,
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
from funnelsim.reporting.notebooks import injected
from funnelsim.reporting.texts import texts
from funnelsim.reporting.trail import digest
from funnelsim.scheduling.gate.drafts import Draft

__all__ = [
    "CALL",
    "NEEDED",
    "SILENT",
    "expected",
    "language",
    "needed",
    "no_repeats",
    "readable",
    "whole",
]

FRONT: Final = ("cover", "kpis", "summary", "risks", "advice")
MADE: Final = ("section", "table", "evidence")
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "fs.review.front": FRONT,
    "fs.review.funnel": ("section", "text", "table"),
    "fs.review.flow": (),
    "fs.review.time": (),
    "fs.review.load": (),
    "fs.review.cohorts": (),
    "fs.review.value": (),
    "fs.review.making": ("section", "text", "table", "evidence"),
    "fs.review.appendix": ("section", "text"),
    "fs.fit_review.front": FRONT,
    "fs.fit_review.fit": ("section", "text", "table"),
    "fs.fit_review.refused": (),
    "fs.fit_review.changes": (),
    "fs.fit_review.audited": (),
    "fs.fit_review.numbers": ("section", "table"),
    "fs.fit_review.making": ("section", "table", "text", "evidence"),
    "fs.fit_review.appendix": ("section", "table"),
    "fs.what_ifs.front": (*FRONT, "figure"),
    "fs.what_ifs.effects": ("section", "text", "table"),
    "fs.what_ifs.parts": ("section", "text"),
    "fs.what_ifs.demand": (),
    "fs.what_ifs.settled": (),
    "fs.what_ifs.making": ("section", "table", "text", "evidence"),
    "fs.what_ifs.appendix": ("section", "table"),
    "fs.lever_atlas.front": (*FRONT, "figure"),
    "fs.lever_atlas.steps": ("section", "table"),
    "fs.lever_atlas.together": (),
    "fs.lever_atlas.limits": (),
    "fs.lever_atlas.making": ("section", "table", "text", "evidence"),
    "fs.sales_forecast.front": (*FRONT, "figure"),
    "fs.sales_forecast.periods": ("section", "table"),
    "fs.sales_forecast.plan": (),
    "fs.sales_forecast.ways": ("section", "text", "figure"),
    "fs.sales_forecast.kept": ("section", "text"),
    "fs.sales_forecast.promises": (),
    "fs.sales_forecast.downside": ("section", "text", "table"),
    "fs.sales_forecast.deals": (),
    "fs.sales_forecast.money": (),
    "fs.sales_forecast.making": ("section", "text", "table", "evidence"),
    "fs.sales_forecast.issued": ("attachment",),
    "fs.staffing_plan.front": FRONT,
    "fs.staffing_plan.heads": ("section", "text", "table"),
    "fs.staffing_plan.rosters": (),
    "fs.staffing_plan.hires": ("section", "text", "table"),
    "fs.staffing_plan.changes": ("section", "text", "table"),
    "fs.staffing_plan.making": ("section", "text", "table", "evidence"),
    "fs.staffing_plan.issued": ("attachment",),
}
"""What a cell must show; one that is not named here may show an empty group, but not nothing."""
SILENT: Final = "fs.workbench."
CALL: Final = re.compile(r"^(fs(?:\.\w+)+)\(", re.MULTILINE)
NO_NUMBER: Final = re.compile(r"(?<![\w.“«])[-−]?(?:nan|NaN|NaT|inf|Infinity)(?!\w)")
CYRILLIC: Final = re.compile(r"[а-яёіїєґ]", re.IGNORECASE)
LETTER: Final = re.compile(r"[^\W\d_]")
FOREIGN: Final = {"uk": re.compile("[ЫЭЪЁыэъё]"), "ru": re.compile("[ІЇЄҐіїєґ]")}


def whole(draft: Draft) -> Iterator[Message]:
    """One cover first, one end last, one evidence, and something under each heading."""
    blocks = draft.blocks
    kinds = Counter(block.kind for block in blocks)
    if not blocks or not isinstance(blocks[0], Cover) or kinds["cover"] != 1:
        yield Message("The report does not begin with one cover.")
    if not blocks or not isinstance(blocks[-1], End) or kinds["end"] != 1:
        yield Message("The report has no end: the last block is missing, or stands elsewhere too.")
    if kinds["evidence"] != 1:
        yield Message(
            "The run does not say what its numbers rest on (no evidence block, or several)."
        )
    for block, following in pairwise(blocks):
        if isinstance(block, Section) and isinstance(following, Section | End | Evidence):
            yield Message("Nothing stands under the heading “{title}”.", title=block.title)


def expected(draft: Draft) -> Iterator[Message]:
    """Every cell that shows something showed what it must."""
    own = [c for c in draft.notebook.cells if c.cell_type == "code" and not injected(c)]
    for cell, (numbered, blocks) in zip(own, draft.shown, strict=True):
        called = CALL.findall(numbered.code)
        if not called or called[-1].startswith(SILENT):
            continue
        name = called[-1]
        if not any(MIME in output.get("data", {}) for output in cell.outputs):
            yield Message("Cell {n} ({name}) showed nothing.", n=numbered.number, name=name)
            continue
        shown = Counter[str](block.kind for block in blocks)
        lacking = [kind for kind in needed(name) if not shown[kind]]
        if lacking:
            yield Message(
                "Cell {n} ({name}) did not show: {lacking}.",
                n=numbered.number,
                name=name,
                lacking=", ".join(lacking),
            )


def no_repeats(draft: Draft) -> Iterator[Message]:
    """No part stands there twice."""
    telling = [block for block in draft.blocks if not isinstance(block, Text | Section)]
    seen = Counter(digest(block) for block in telling)
    for block in {digest(block): block for block in telling if seen[digest(block)] > 1}.values():
        yield Message("This stands twice in the report: {block}.", block=_called(block))
    headings = Counter(block.title for block in draft.blocks if isinstance(block, Section))
    for heading in (name for name, often in headings.items() if often > 1):
        yield Message("The heading “{heading}” stands twice in the report.", heading=heading)


def readable(draft: Draft) -> Iterator[Message]:
    """Nothing that is no number where a number must be; pictures that can be seen."""
    for block in draft.blocks:
        for value in _values(block):
            if NO_NUMBER.search(value):
                yield Message(
                    "“{text}” is no number ({block}).", text=str(value[:80]), block=_called(block)
                )
        if isinstance(block, Table) and not block.rows:
            yield Message("A table is empty: {caption}.", caption=block.caption)
        if isinstance(block, Figure):
            yield from _picture(block)


def language(draft: Draft) -> Iterator[Message]:
    """The report is written in the language that was asked for."""
    lang = draft.manifest.lang
    spoken = texts(lang).spoken
    for block in draft.blocks[:1]:
        if isinstance(block, Cover) and block.lang != spoken:
            yield Message(
                "The report was asked for in “{wanted}” and is in “{lang}”.",
                wanted=lang,
                lang=block.lang,
            )
    headings = " ".join(block.title for block in draft.blocks if isinstance(block, Section))
    letters, cyrillic = len(LETTER.findall(headings)), len(CYRILLIC.findall(headings))
    other_script = bool(letters) and (cyrillic * 2 > letters) != (spoken in FOREIGN)
    foreign = FOREIGN.get(spoken)
    if other_script or (foreign and foreign.search(headings)):
        yield Message("The headings are not in “{lang}”.", lang=lang)


def needed(name: str) -> tuple[str, ...]:
    """The kinds of blocks that a call must show, at least.

    Examples
    --------
    >>> needed("fs.sales_forecast.issued")
    ('attachment',)
    """
    if name in NEEDED:
        return NEEDED[name]
    endings = {"front": FRONT, "making": MADE}
    return endings.get(name.rpartition(".")[2], ())


def _values(block: AnyBlock) -> Iterator[str]:
    """What may hold numbers: tiles, sentences, columns of numbers."""
    match block:
        case Kpis():
            for tile in block.tiles:
                yield tile.value
                yield tile.note
        case Summary() | Risks():
            yield from map(plain, block.sentences)
        case Text():
            yield plain(block.sentence)
        case Table():
            yield from _numeric(block)
        case Evidence():
            for each in block.intervals:
                yield from (str(number) for number in (each.value, each.lo, each.hi))


def _numeric(block: Table) -> Iterator[str]:
    """The cells of columns of numbers; an empty one that calls itself None is none."""
    for row in block.rows:
        for column, cell in zip(block.columns, row, strict=True):
            if column.numeric:
                yield "nan" if cell.strip() == "None" else cell


def _picture(block: Figure) -> Iterator[Message]:
    """A picture that is no picture."""
    try:
        root = parsed_xml(block.svg)  # noqa: S314 - made by our own run
    except ParseError:
        yield Message("A picture cannot be read: {caption}.", caption=block.caption)
        return
    if len(root) == 0:
        yield Message("A picture is empty: {caption}.", caption=block.caption)


def _called(block: AnyBlock) -> str:
    """What a block is called."""
    name = getattr(block, "caption", "") or getattr(block, "title", "")
    return Message("{kind} “{name}”", kind=block.kind, name=name) if name else block.kind
