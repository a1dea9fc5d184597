"""Blocks → PDF by Typst: strict, tagged, and the same bytes every time."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.errors import RunError
from funnelsim.figures.style import FONT_FOLDER
from funnelsim.reporting.document import (
    AnyBlock,
    Attachment,
    Cover,
    Evidence,
    Figure,
    Section,
    Table,
)
from funnelsim.reporting.texts import Texts, texts
from funnelsim.reporting.tidy import tidy_csv

if TYPE_CHECKING:
    import typst

__all__ = ["bind", "render"]

# A picture is drawn at least so large, and keeps so many points from the page's end.
LEAST = 0.75
SLACK = 36.0
# A table with more rows, or so many points high, may go on over the page.
LONG = 14
TALL = 400.0
TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
WATERMARK = TEMPLATE.with_name("watermark.typ")
WATERMARKED = "watermark.svg"

# Spaces that the font lacks become the no-break space they stand for.
ODD_SPACES = str.maketrans({"\u202f": "\u00a0", "\u2009": "\u00a0", "\u2007": "\u00a0"})


def render(blocks: Sequence[AnyBlock], *, origin: str = "funnelsim") -> bytes:
    """Set blocks as an A4 report.

    Parameters
    ----------
    blocks : sequence of Block
        A cover first; what stands before the first section makes page 1.
    origin : str
        What the footer says the report was made from.

    Returns
    -------
    bytes
        A PDF; the same input gives the same bytes.

    Raises
    ------
    RunError
        If there is no cover, or Typst refuses: a character the font lacks, a
        picture that cannot be read.

    Examples
    --------
    >>> from datetime import date
    >>> from funnelsim.reporting.blocks import cover
    >>> render([cover("Hello", lang="en", as_of=date(2026, 1, 1))])[:5]
    b'%PDF-'
    """
    return _printed(_cover(blocks), [blocks], origin)


def bind(cover: Cover, parts: Sequence[Sequence[AnyBlock]], *, origin: str = "funnelsim") -> bytes:
    """Set several reports as one document: all answers first, common contents, chapter by chapter.

    Parameters
    ----------
    cover : Cover
        Of the whole; its language should be that of the reports.
    parts : sequence of sequence of Block
        The reports, two or more, each as for `render`.
    origin : str
        What the footer says they were made from.

    Returns
    -------
    bytes
        A PDF; the same input gives the same bytes.

    Raises
    ------
    RunError
        As for `render`.
    """
    for part in parts:
        _cover(part)
    return _printed(cover, parts, origin)


def _printed(cover: Cover, parts: Sequence[Sequence[AnyBlock]], origin: str) -> bytes:
    """The PDF of one report or several."""
    with tempfile.TemporaryDirectory(prefix="funnelsim-pdf-") as name:
        folder = Path(name)
        shutil.copyfile(TEMPLATE, folder / TEMPLATE.name)
        content = _content(cover, parts, folder, origin)
        try:
            _fit(content, folder)
            result, warnings = _compiler(content, folder).compile_with_warnings(
                format="pdf",
                # Tagged for screen readers, self-contained for archives; no validator certified it.
                pdf_standards=["ua-1", "a-3a"],
                timestamp=_moment(content),
            )
        except RuntimeError as error:  # TypstError is one; a query raises it bare
            raise RunError(_explained(error)) from error
    if warnings:
        raise RunError("the PDF is not clean: " + "; ".join(str(warning) for warning in warnings))
    assert isinstance(result, bytes)  # noqa: S101 - one PDF was asked for
    return result


def _compiler(content: Mapping[str, Any], folder: Path) -> typst.Compiler:
    """Typst with our fonts only, and the data beside the template."""
    import typst

    written = json.dumps(content, ensure_ascii=False, sort_keys=True).translate(ODD_SPACES)
    (folder / "data.json").write_text(written, encoding="utf-8")
    return typst.Compiler(
        str(folder / TEMPLATE.name),
        root=str(folder),
        font_paths=[str(FONT_FOLDER)],
        ignore_system_fonts=True,
    )


def _moment(content: Mapping[str, Any]) -> int:
    """The document's date as a timestamp."""
    year, month, day = content["meta"]["date"]
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def _fit(content: Mapping[str, Any], folder: Path) -> None:
    """Spare half-empty pages, from first to last.

    A picture that does not fit on the page shrinks a little, a tall table is broken; where
    that is not enough, a later part of the same section that does fit comes first, but never
    between a heading with its sentences and what these speak of.
    """
    chunks = content["body"]
    spots = _spots(content, folder)
    for index, chunk in enumerate(chunks):
        spot = spots[index]
        if spot["needed"] + SLACK <= spot["left"] or chunk["main"].get("breakable"):
            continue
        scale = _scale(spot)
        if chunk["main"]["kind"] == "table" and spot["needed"] > TALL:
            chunk["main"]["breakable"] = True
            spots = _spots(content, folder)
            continue
        following = _section_end(chunks, index)
        smaller = (j for j in range(index + 1, following) if _fits(chunks[j], spots[j], spot))
        if LEAST <= scale < 1:
            chunk["main"]["scale"] = round(scale, 3)
        elif not _opens(chunk) and (other := next(smaller, None)) is not None:
            chunks.insert(index, chunks.pop(other))
        else:
            continue
        spots = _spots(content, folder)


def _spots(content: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Room left before each chunk, and room it needs; points."""
    found: list[dict[str, Any]] = json.loads(
        _compiler(content, folder).query("<spot>", field="value")
    )
    return found


def _scale(spot: Mapping[str, Any]) -> float:
    """How large a chunk's picture would have to be to fit; 0 for a chunk without one."""
    picture = spot["picture"]
    return (spot["left"] - spot["needed"] + picture - SLACK) / picture if picture else 0.0


def _fits(chunk: Mapping[str, Any], spot: Mapping[str, Any], place: Mapping[str, Any]) -> bool:
    """Whether a figure or table has room in an earlier place."""
    movable = chunk["main"]["kind"] in {"figure", "table"}
    return movable and spot["needed"] + SLACK <= place["left"]


def _opens(chunk: Mapping[str, Any]) -> bool:
    """Whether a chunk begins a section."""
    return any(part["kind"] == "section" for part in [*chunk["lead"], chunk["main"]])


def _section_end(chunks: Sequence[Mapping[str, Any]], index: int) -> int:
    """The first chunk after this one that begins a new section."""
    later = range(index + 1, len(chunks))
    return next((place for place in later if _opens(chunks[place])), len(chunks))


def _cover(blocks: Sequence[AnyBlock]) -> Cover:
    """The block that every report begins with."""
    if not blocks or not isinstance(blocks[0], Cover):
        raise RunError("a report starts with a cover block: fs.blocks.cover(title, lang=...)")
    return blocks[0]


def _content(
    cover: Cover, parts: Sequence[Sequence[AnyBlock]], folder: Path, origin: str
) -> dict[str, Any]:
    """What the template reads; pictures become files beside it."""
    meta = cover.model_dump(mode="json") | {
        "origin": origin,
        "date": [cover.as_of.year, cover.as_of.month, cover.as_of.day],
        "description": cover.subtitle or cover.title,
    }
    words = _words(texts(cover.lang))
    if cover.illustrative:
        (folder / WATERMARKED).write_bytes(_drawn(words["illustrative"]))
    fronts, body = [], []
    for number, blocks in enumerate(parts):
        rest = [block for block in blocks[1:] if not isinstance(block, (Attachment, Evidence))]
        first = next((i for i, block in enumerate(rest) if isinstance(block, Section)), len(rest))
        items = [_item(block, f"{number}-{index}", folder) for index, block in enumerate(rest)]
        fronts.append({"meta": blocks[0].model_dump(mode="json"), "front": items[:first]})
        body += [chunk | {"part": number} for chunk in _chunks(items[first:])]
    return {
        "meta": meta,
        "words": words,
        "attached": _attached(parts, folder, texts(cover.lang)),
        "parts": fronts,
        "body": body,
    }


def _drawn(words: str) -> bytes:
    """Words across a page as outlines, very pale: seen, never copied."""
    import typst

    compiler = typst.Compiler(
        str(WATERMARK),
        font_paths=[str(FONT_FOLDER)],
        ignore_system_fonts=True,
        sys_inputs={"words": words},
    )
    drawn = compiler.compile(format="svg")
    assert isinstance(drawn, bytes)  # noqa: S101 - one page was asked for
    return drawn


def _attached(parts: Sequence[Sequence[AnyBlock]], folder: Path, t: Texts) -> list[dict[str, str]]:
    """The files inside the PDF: each scenario as simulated, and every number of the tables."""
    files = []
    for number, blocks in enumerate(parts, 1):
        mark = f"-{number}" if len(parts) > 1 else ""
        scenario = next((b.scenario for b in blocks if isinstance(b, Evidence) and b.scenario), "")
        if scenario:
            file = f"scenario{mark}.yaml"
            (folder / file).write_text(scenario, encoding="utf-8")
            about = t._("The scenario as simulated")
            told = {"file": file, "about": about, "relation": "source"}
            files.append(told | {"type": "application/yaml"})
        file = f"results{mark}.csv"
        (folder / file).write_bytes(tidy_csv(blocks))
        about = t._("All numbers of the tables, tidy")
        files.append({"file": file, "about": about, "relation": "data", "type": "text/csv"})
    return files


def _chunks(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items one by one; a figure or table with the sentences and heading right before it."""
    chunks: list[dict[str, Any]] = []
    for item in items:
        lead: list[dict[str, Any]] = []
        if item["kind"] in {"figure", "table"}:
            while chunks and chunks[-1]["main"]["kind"] == "text":
                lead.insert(0, chunks.pop()["main"])
            if chunks and chunks[-1]["main"]["kind"] == "section":
                lead.insert(0, chunks.pop()["main"])
        chunks.append({"lead": lead, "main": item})
    return chunks


def _item(block: AnyBlock, index: str, folder: Path) -> dict[str, Any]:
    """A block as the template reads it."""
    if isinstance(block, Table):
        return block.model_dump(mode="json") | {"breakable": len(block.rows) > LONG}
    if not isinstance(block, Figure):
        return block.model_dump(mode="json")
    file = f"figure-{index}.svg"
    (folder / file).write_text(block.svg.translate(ODD_SPACES), encoding="utf-8")
    return block.model_dump(exclude={"svg"}) | {"file": file, "scale": 1}


def _words(t: Texts) -> dict[str, str]:
    """The few words the template itself prints."""
    return {
        "figure": t._("Figure"),
        "table": t._("Table"),
        "contents": t._("Contents"),
        "figures": t._("Figures"),
        "tables": t._("Tables"),
        "illustrative": t._("Illustrative numbers"),
    }


def _explained(error: Exception) -> str:
    """Typst's message with its hint."""
    hints = getattr(error, "hints", None) or []
    message = getattr(error, "message", None) or str(error)
    return "the PDF could not be made: " + "; ".join([message, *hints])
