"""What a report notebook shows: one function per kind of block.

A notebook cell that ends with a block shows it as HTML in JupyterLab and stores
the same block, typed, in the cell's output; the PDF is made from the latter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from funnelsim.figures.wording import Written
from funnelsim.reporting.document import (
    MIME,
    Advice,
    AnyBlock,
    Attachment,
    Column,
    Cover,
    End,
    Figure,
    Group,
    Kpis,
    Number,
    Point,
    Risks,
    Run,
    Section,
    Sentence,
    Summary,
    Table,
    Text,
    Tile,
    as_block,
)

__all__ = [
    "advice",
    "attachment",
    "column",
    "cover",
    "end",
    "figure",
    "group",
    "kpi",
    "kpis",
    "plain",
    "read",
    "risks",
    "section",
    "sentence",
    "summary",
    "table",
    "text",
]


class Drawing(Protocol):
    """A picture that knows what it shows, as ``funnelsim.figures`` makes them."""

    @property
    def alt(self) -> str:
        """What it shows, for somebody who cannot see it."""

    def svg(self, *, outlines: bool = False) -> str:
        """The picture with its texts as texts, or as outlines."""


def sentence(template: str, /, **values: str) -> Sentence:
    """Fill a sentence; what stands between ``**`` is strong.

    Only the template's marks count: a stage named ``**x**`` is printed as it is.

    Parameters
    ----------
    template : str
        Text with ``{placeholders}`` and ``**strong**`` stretches.
    **values : str
        What to put in the placeholders.

    Returns
    -------
    tuple of Run

    Examples
    --------
    >>> sentence("**{n}** of 10 are won.", n="*3*")[0]
    Run(text='*3*', strong=True)
    >>> plain(sentence("**{n}** of 10 are won.", n="3"))
    '3 of 10 are won.'
    """
    return tuple(
        Run(text=part.format(**values), strong=index % 2 == 1)
        for index, part in enumerate(template.split("**"))
        if part
    )


def plain(runs: Sentence) -> str:
    """Return a sentence without its emphasis.

    Examples
    --------
    >>> plain((Run(text="Won", strong=True), Run(text=": 3")))
    'Won: 3'
    """
    return "".join(run.text for run in runs)


def cover(
    title: str,
    *,
    lang: str,
    as_of: date,
    subtitle: str = "",
    kicker: str = "",
    period: str = "",
    illustrative: bool = False,
) -> Cover:
    """Open the document.

    Parameters
    ----------
    title, subtitle, kicker, period : str
        What the head of page 1 says; the kicker stands small above the title.
    lang : str
        The document's language, for hyphenation and screen readers.
    as_of : date
        What the data is as of: the document's date, never the wall clock.
    illustrative : bool
        Watermark every page: the numbers are no evidence.

    Returns
    -------
    Cover

    Examples
    --------
    >>> cover("Funnel review", lang="en", as_of=date(2026, 1, 1)).title
    'Funnel review'
    """
    return Cover(
        title=title,
        lang=lang,
        as_of=as_of,
        subtitle=subtitle,
        kicker=kicker,
        period=period,
        illustrative=illustrative,
    )


def section(title: str) -> Section:
    """Start a numbered section.

    Examples
    --------
    >>> section("Time").title
    'Time'
    """
    return Section(title=title)


def text(content: str | Sentence) -> Text:
    """Show a paragraph; a bare string is taken literally.

    Examples
    --------
    >>> plain(text("100 % **sure**").sentence)
    '100 % **sure**'
    """
    return Text(sentence=_runs(content))


def kpi(label: str, value: str, note: str = "") -> Tile:
    """Make one key figure for `kpis`.

    Examples
    --------
    >>> kpi("Won", "25 %", "of 7,455").value
    '25 %'
    """
    return Tile(label=label, value=str(value), note=note, number=_number(value))


def kpis(tiles: Iterable[Tile]) -> Kpis:
    """Show one to seven key figures side by side.

    Examples
    --------
    >>> len(kpis([kpi("Won", "25 %")]).tiles)
    1
    """
    return Kpis(tiles=tuple(tiles))


def summary(sentences: Iterable[str | Sentence], *, title: str = "The answer") -> Summary:
    """Show the answer.

    Examples
    --------
    >>> summary(["Half of the leads are lost at the offer."]).title
    'The answer'
    """
    return Summary(title=title, sentences=tuple(_runs(item) for item in sentences))


def risks(sentences: Iterable[str | Sentence], *, title: str = "Risks") -> Risks:
    """Show what could make the answer wrong.

    Examples
    --------
    >>> risks(["The numbers are illustrative."]).title
    'Risks'
    """
    return Risks(title=title, sentences=tuple(_runs(item) for item in sentences))


def advice(points: Mapping[str, str | Sentence], *, title: str = "What follows") -> Advice:
    """Show what follows from the answer, by word.

    Examples
    --------
    >>> advice({"Do": "Call back the same day."}).points[0].word
    'Do'
    """
    return Advice(
        title=title,
        points=tuple(Point(word=word, sentence=_runs(item)) for word, item in points.items()),
    )


def figure(picture: Drawing, *, caption: str, key: str = "") -> Figure:
    """Show a picture with its caption.

    Parameters
    ----------
    picture : Picture
        From ``funnelsim.figures``; its description must not be empty.
    caption : str
        What the picture shows, in the report's language.
    key : str
        A short stable name.

    Returns
    -------
    Figure

    Examples
    --------
    >>> class Dot:
    ...     alt = "A dot."
    ...
    ...     def svg(self, *, outlines=False):
    ...         return "<svg/>"
    >>> figure(Dot(), caption="One dot").alt
    'A dot.'
    """
    return Figure(
        caption=caption,
        alt=picture.alt,
        svg=picture.svg(),
        outlines=picture.svg(outlines=True),
        key=key,
    )


def column(title: str, *, unit: str = "", numeric: bool = False) -> Column:
    """Describe a column for `table`; numbers stand to the right.

    Examples
    --------
    >>> column("Share", unit="%", numeric=True).unit
    '%'
    """
    return Column(title=title, unit=unit, numeric=numeric)


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    *,
    caption: str,
    note: str = "",
    total: bool = False,
) -> Table:
    """Show a table of texts.

    Parameters
    ----------
    columns : sequence of Column
        Headings and units.
    rows : iterable of sequence of str
        One text per column; one that `Texts` wrote keeps its value, for spreadsheets.
    caption, note : str
        What stands above and below.
    total : bool
        The last row sums the others up.

    Returns
    -------
    Table

    Examples
    --------
    >>> table([column("Stage")], [["Offer"]], caption="Stages").rows
    (('Offer',),)
    """
    cells = [tuple(row) for row in rows]
    numbers = tuple(tuple(map(_number, row)) for row in cells)
    return Table(
        caption=caption,
        columns=tuple(columns),
        rows=tuple(tuple(map(str, row)) for row in cells),
        numbers=numbers if any(map(any, numbers)) else (),
        note=note,
        total=total,
    )


def group(*blocks: AnyBlock) -> Group:
    """Show several blocks in one cell.

    Examples
    --------
    >>> len(group(section("Time"), end()).blocks)
    2
    """
    return Group(blocks=blocks)


def attachment(name: str, content: str) -> Attachment:
    """Leave a file beside the PDF, not printed.

    Parameters
    ----------
    name : str
        What follows the report's name: ``forecast.csv``.
    content : str

    Returns
    -------
    Attachment

    Examples
    --------
    >>> attachment("forecast.csv", "cutoff,series").name
    'forecast.csv'
    """
    return Attachment(name=name, content=content)


def end() -> End:
    """Close the document; a notebook without it was cut off.

    Examples
    --------
    >>> end().kind
    'end'
    """
    return End()


def read(outputs: Iterable[Mapping[str, Any]]) -> list[AnyBlock]:
    """Collect the blocks among a notebook cell's outputs, in order.

    Parameters
    ----------
    outputs : iterable of mapping
        Outputs in the notebook format.

    Returns
    -------
    list of Block

    Examples
    --------
    >>> read([{"data": {MIME: {"kind": "end"}}}, {"name": "stdout", "text": "x"}])
    [End(kind='end')]
    """
    found: list[AnyBlock] = []
    for output in outputs:
        stored = output.get("data", {}).get(MIME, [])
        blocks = stored if isinstance(stored, list) else [stored]
        found += [as_block(block) for block in blocks]
    return found


def _number(text: str) -> Number | None:
    """The value that a text was written from, if it still knows."""
    if not isinstance(text, Written) or not math.isfinite(text.value):
        return None
    return Number(value=text.value, form=text.form)


def _runs(content: str | Sentence) -> Sentence:
    """A sentence from a bare string, taken literally."""
    return (Run(text=content),) if isinstance(content, str) else content
