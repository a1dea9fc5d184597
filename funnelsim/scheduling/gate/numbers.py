"""Whether the numbers hold together: what comes in goes out, parts make wholes, bounds bound."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from funnelsim.figures.wording import SHORT_FROM, Written
from funnelsim.messages import Message
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import Cover, Interval, Kpis, Number, Summary, Table
from funnelsim.reporting.texts import texts
from funnelsim.scheduling.gate.drafts import Draft
from funnelsim.scheduling.gate.quantities import amount, called

__all__ = ["agrees", "balanced", "bounded", "consistent", "counted", "written"]

NUMERAL: Final = re.compile(r"[-−+]?\d(?:[\d.,\s\u00a0]*\d)?")
DAY: Final = timedelta(days=1)
PARTS: Final = ("won", "lost", "ended", "open")
SHARES: Final = ("win_rate", "win_share", "service_level", "occupancy")


def balanced(draft: Draft) -> Iterator[Message]:
    """What came into a stage came from somewhere, and left or is still there."""
    if (found := draft.evidence) is None:
        return
    if not found.flows:
        yield Message("The report says nothing of where leads came from and went.")
    for flow in found.flows:
        if not flow.entries == flow.came == flow.left:
            everywhere = flow.what == "(all)"
            yield Message(
                "{place}: {entries} entered, {came} came from somewhere, "
                "{left} left or are still there; leads vanish or appear.",
                place=Message("All leads") if everywhere else Message("Stage {id}", id=flow.what),
                entries=flow.entries,
                came=flow.came,
                left=flow.left,
            )


def counted(draft: Draft) -> Iterator[Message]:
    """Won, lost, ended and open leads make all leads, and page 1 says the same."""
    if (found := draft.evidence) is None:
        return
    counts = found.counts
    leads = counts.get("leads", 0)
    if leads <= 0:
        yield Message(
            "There are no leads in the window: the data is empty, or the window is wrong."
        )
    parts = [counts.get(name, -1) for name in PARTS]
    if min(parts) < 0 or sum(parts) != leads:
        yield Message(
            "Of {leads} leads the parts do not make the whole: "
            "{won} won, {lost} lost, {ended} ended, {open} open.",
            leads=leads,
            **dict(zip(PARTS, parts, strict=True)),
        )
    answers = [block for block in draft.front if isinstance(block, Summary)]
    first = plain(answers[0].sentences[0]) if answers else ""
    for number in found.told:
        if not re.search(rf"(?<![\d.,\u00a0\u202f]){re.escape(number)}(?!\d)", first):
            yield Message(
                "A second count found {number} leads; the answer does not say so.", number=number
            )


def bounded(draft: Draft) -> Iterator[Message]:
    """An estimate lies within its bounds, a share between 0 and 1."""
    if (found := draft.evidence) is None:
        return
    for each in found.intervals:
        if not all(map(math.isfinite, (each.value, each.lo, each.hi))):
            continue
        if not each.lo <= each.value <= each.hi:
            yield Message(
                "“{what}”: {value} lies outside of its own bounds, {lo} to {hi}.",
                value=amount(each, each.value),
                **_bounds(each),
            )
        if each.what in SHARES and not 0 <= each.lo <= each.hi <= 1:
            yield Message("“{what}” is a share, and its bounds are {lo} and {hi}.", **_bounds(each))


def consistent(draft: Draft) -> Iterator[Message]:
    """The same thing said in two places is the same."""
    said = tuple(
        plain(sentence)
        for block in draft.blocks
        if isinstance(block, Summary)
        for sentence in block.sentences
    )
    if said != draft.manifest.sentences:
        yield Message("The manifest's sentences are not those of the report.")
    covers = [block for block in draft.blocks if isinstance(block, Cover)]
    tiles = [block for block in draft.front if isinstance(block, Kpis)]
    if covers and (covers[0].title, covers[0].as_of) != (
        draft.manifest.title,
        draft.manifest.as_of,
    ):
        yield Message("The manifest's title or date is not that of the report.")
    if len(tiles) > 1:
        yield Message("Page 1 has two sets of key figures.")
    if (found := draft.evidence) is None:
        return
    if not found.observed_from < found.observed_until:
        yield Message("The window ends before it begins.")
    first = (found.observed_from - DAY).date()
    last = (found.observed_until + DAY).date()
    if covers and first <= last and not first <= covers[0].as_of <= last:
        yield Message(
            "The report is dated {day}, which its data does not reach.", day=covers[0].as_of
        )


def _bounds(each: Interval) -> dict[str, str]:
    """A quantity and its bounds, for a sentence."""
    return {"what": called(each.what), "lo": amount(each, each.lo), "hi": amount(each, each.hi)}


def written(draft: Draft) -> Iterator[Message]:
    """What is printed is the number it was printed from; a row of sums holds the sums."""
    locale = texts(draft.manifest.lang).locale
    for block in draft.blocks:
        if isinstance(block, Kpis):
            for tile in block.tiles:
                if tile.number and not agrees(tile.value, tile.number, locale):
                    yield _misprinted(tile.label, tile.value, tile.number)
        if isinstance(block, Table) and block.numbers:
            yield from _cells(block, locale)
            yield from _sums(block)


def agrees(text: str, number: Number, locale: str) -> bool:
    """Whether a text is how a number may be rounded and written.

    Examples
    --------
    >>> agrees("12%", Number(value=0.1234, form="share"), "en_GB")
    True
    >>> agrees("13%", Number(value=0.1234, form="share"), "en_GB")
    False
    """
    from babel.numbers import NumberFormatError, get_decimal_symbol, parse_decimal

    found = NUMERAL.findall(text)
    if text[:1] in "<>≈" or abs(number.value) >= SHORT_FROM:
        return bool(found)  # written as a bound, or in thousands and millions
    if len(found) != 1:
        return False
    bare = "".join(found[0].replace("−", "-").split()).rstrip(".,")
    try:
        read = float(parse_decimal(bare, locale=locale))
    except NumberFormatError:
        return False
    _, _, decimals = bare.partition(get_decimal_symbol(locale))
    wanted = number.value * (100 if number.form == "share" else 1)
    return abs(read - wanted) <= 0.5 * 10.0 ** -len(decimals) * (1 + 1e-6) + 1e-9


def _cells(block: Table, locale: str) -> Iterator[Message]:
    """Cells that are printed of another number."""
    for row, numbers in zip(block.rows, block.numbers, strict=True):
        for text, number in zip(row, numbers, strict=True):
            if number and not agrees(text, number, locale):
                yield _misprinted(f"{block.caption}, {row[0]}", text, number)


def _misprinted(place: str, text: str, number: Number) -> Message:
    """A text that is not how its number may be written."""
    form = "share" if number.form == "share" else "number"
    full = Written(f"{number.value:.6g}", number.value, form)
    return Message("{place}: “{text}” is printed of {number}.", place=place, text=text, number=full)


def _sums(block: Table) -> Iterator[Message]:
    """Columns of whole numbers under which another sum stands."""
    if not block.total or len(block.rows) < 2:  # noqa: PLR2004 - a row and its sum
        return
    for column, cells in zip(block.columns, zip(*block.numbers, strict=True), strict=True):
        values = [cell.value for cell in cells if cell and cell.form == "number"]
        whole = len(values) == len(cells) and all(value.is_integer() for value in values)
        if whole and sum(values[:-1]) != values[-1]:
            yield Message(
                "{place}: the rows make {sum}, the last one says {last}.",
                place=f"{block.caption}, {column.title}",
                sum=int(sum(values[:-1])),
                last=int(values[-1]),
            )
