"""What a report notebook shows: typed blocks, for the screen and for the PDF.

A notebook cell that ends with a block shows it as HTML in JupyterLab and stores
the same block, typed, in the cell's output; the PDF is made from the latter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal, Protocol, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

__all__ = [
    "MIME",
    "Advice",
    "AnyBlock",
    "Block",
    "Column",
    "Cover",
    "End",
    "Figure",
    "Group",
    "Kpis",
    "Point",
    "Risks",
    "Run",
    "Section",
    "Sentence",
    "Summary",
    "Table",
    "Text",
    "Tile",
    "advice",
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

MIME: Final = "application/vnd.funnelsim.block+json"

Filled = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Drawing(Protocol):
    """A picture that knows what it shows, as ``funnelsim.figures`` makes them."""

    @property
    def alt(self) -> str:
        """What it shows, for somebody who cannot see it."""

    def svg(self, *, outlines: bool = False) -> str:
        """The picture with its texts as texts, or as outlines."""


class Record(BaseModel):
    """Immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Record):
    """A stretch of text, plain or strong."""

    text: str
    strong: bool = False


Sentence = tuple[Run, ...]
Sentences = Annotated[tuple[Sentence, ...], Field(min_length=1)]


class Block(Record):
    """Something a notebook shows and a report prints."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The block for every reader: typed for the PDF, HTML for the screen."""
        from funnelsim.reporting import screen

        return {
            MIME: self.model_dump(mode="json"),
            "text/html": screen.html(self),
            "text/plain": screen.line(self),
        }


class Cover(Block):
    """The head of page 1, and what holds for the whole document."""

    kind: Literal["cover"] = "cover"
    lang: str
    as_of: date
    """What the data is as of; the document's date."""
    title: Filled
    subtitle: str = ""
    kicker: str = ""
    period: str = ""
    illustrative: bool = False


class Section(Block):
    """A numbered heading."""

    kind: Literal["section"] = "section"
    title: Filled


class Text(Block):
    """A paragraph."""

    kind: Literal["text"] = "text"
    sentence: Sentence


class Tile(Record):
    """One key figure: what it is, its value, and how sure or of how many."""

    label: Filled
    value: Filled
    note: str = ""


class Kpis(Block):
    """Key figures side by side: five to seven, not thirty."""

    kind: Literal["kpis"] = "kpis"
    tiles: Annotated[tuple[Tile, ...], Field(min_length=1, max_length=7)]


class Summary(Block):
    """The answer, in three or four sentences."""

    kind: Literal["summary"] = "summary"
    title: Filled
    sentences: Sentences


class Risks(Block):
    """What could make the answer wrong."""

    kind: Literal["risks"] = "risks"
    title: Filled
    sentences: Sentences


class Point(Record):
    """A word and what it stands for: *Do*, and what to do."""

    word: Filled
    sentence: Sentence


class Advice(Block):
    """What follows: do, don't, test first."""

    kind: Literal["advice"] = "advice"
    title: Filled
    points: Annotated[tuple[Point, ...], Field(min_length=1)]


class Figure(Block):
    """A vector picture with its caption."""

    kind: Literal["figure"] = "figure"
    caption: Filled
    alt: Filled
    svg: Filled
    outlines: str = Field(default="", exclude=True)
    """The same picture for a screen without the report's fonts; not stored twice."""
    key: str = ""


class Column(Record):
    """A column's heading, its unit, and whether it holds numbers."""

    title: str
    unit: str = ""
    numeric: bool = False


class Table(Block):
    """A table of texts already written in the report's language."""

    kind: Literal["table"] = "table"
    caption: Filled
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    total: bool = False
    """The last row sums the others up."""
    key: str = ""

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        """Every row has a cell for every column."""
        ragged = [row for row in self.rows if len(row) != len(self.columns)]
        if ragged:
            raise ValueError(f"a row of {len(ragged[0])} cells for {len(self.columns)} columns")
        return self


class End(Block):
    """The last block: the notebook reached its end."""

    kind: Literal["end"] = "end"


AnyBlock = Annotated[
    Cover | Section | Text | Kpis | Summary | Risks | Advice | Figure | Table | End,
    Field(discriminator="kind"),
]
_ANY: TypeAdapter[AnyBlock] = TypeAdapter(AnyBlock)


class Group(Record):
    """Several blocks that one cell shows."""

    blocks: tuple[AnyBlock, ...]

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The blocks one after another."""
        bundles = [block._repr_mimebundle_() for block in self.blocks]
        return {
            MIME: [bundle[MIME] for bundle in bundles],
            "text/html": "\n".join(bundle["text/html"] for bundle in bundles),
            "text/plain": "\n".join(bundle["text/plain"] for bundle in bundles),
        }


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
    return Tile(label=label, value=value, note=note)


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
        One text per column.
    caption, note : str
        What stands above and below.
    total : bool
        The last row sums the others up.

    Returns
    -------
    Table

    Examples
    --------
    >>> table([Column(title="Stage")], [["Offer"]], caption="Stages").rows
    (('Offer',),)
    """
    return Table(
        caption=caption,
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
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
        found += [_ANY.validate_python(block) for block in blocks]
    return found


def _runs(content: str | Sentence) -> Sentence:
    """A sentence from a bare string, taken literally."""
    return (Run(text=content),) if isinstance(content, str) else content
