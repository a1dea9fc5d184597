"""The parts of a document, typed and frozen: what a notebook stores and a PDF is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self

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
    "Attachment",
    "Block",
    "Column",
    "Cover",
    "End",
    "Evidence",
    "Figure",
    "Flow",
    "Group",
    "Interval",
    "Kpis",
    "Number",
    "Point",
    "Risks",
    "Run",
    "Section",
    "Sentence",
    "Summary",
    "Table",
    "Text",
    "Tile",
    "as_block",
]

MIME: Final = "application/vnd.funnelsim.block+json"

Filled = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


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


class Number(Record):
    """A number in full precision, as a spreadsheet wants it."""

    value: float
    form: str
    """``number``, ``share`` (0 to 1), a unit of time (``s``, ``min``, ``h``, ``d``), a currency."""


class Tile(Record):
    """One key figure: what it is, its value, and how sure or of how many."""

    label: Filled
    value: Filled
    note: str = ""
    number: Number | None = None


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
    numbers: tuple[tuple[Number | None, ...], ...] = ()
    """Of each cell, where it is a number; empty for a table of words."""
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
        if self.numbers and [*map(len, self.numbers)] != [*map(len, self.rows)]:
            raise ValueError("the numbers are not those of the cells")
        return self


class Flow(Record):
    """What came in somewhere and what became of it; in a sound log all three are equal."""

    what: Filled
    entries: int
    came: int
    left: int


class Interval(Record):
    """A key figure with its bounds."""

    what: Filled
    value: float
    lo: float
    hi: float


class Evidence(Block):
    """What a check needs to know about the numbers; not printed."""

    kind: Literal["evidence"] = "evidence"
    input_sha256: str
    """Of what the notebook itself read."""
    simulated: bool
    observed_from: datetime
    observed_until: datetime
    flows: tuple[Flow, ...]
    counts: Mapping[str, int]
    """Leads of the window and what became of them, counted apart from the report's numbers."""
    told: tuple[str, ...] = ()
    """Some of these, as the first sentence of the answer must write them."""
    intervals: tuple[Interval, ...] = ()
    grades: Mapping[str, str] = {}
    """The audit of the data: use → A (sound) to E (not usable)."""
    scenario: str = ""
    """As simulated, YAML; it is attached to the PDF."""


class Attachment(Block):
    """A file that is left beside the PDF, ``NAME.forecast.csv``; not printed."""

    kind: Literal["attachment"] = "attachment"
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*\.[a-z]{2,5}$")]
    """What follows the report's name: ``forecast.csv``."""
    content: str


class End(Block):
    """The last block: the notebook reached its end."""

    kind: Literal["end"] = "end"


AnyBlock = Annotated[
    Cover
    | Section
    | Text
    | Kpis
    | Summary
    | Risks
    | Advice
    | Figure
    | Table
    | Evidence
    | Attachment
    | End,
    Field(discriminator="kind"),
]
_ANY: TypeAdapter[AnyBlock] = TypeAdapter(AnyBlock)


def as_block(stored: object) -> AnyBlock:
    """Read a block from plain data.

    Parameters
    ----------
    stored : object
        As a notebook's output holds it.

    Returns
    -------
    Block

    Examples
    --------
    >>> as_block({"kind": "end"})
    End(kind='end')
    """
    return _ANY.validate_python(stored)


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
