"""The mapping file: which column is which, and what each activity means.

This is where a planner says how a process log, one row per event, becomes leads,
stages, work and marks. A mapping is data only and begins with ``funnelsim: 1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from funnelsim.documents import Document, DocumentPath, did_you_mean, load_document, validate
from funnelsim.errors import DataError, Problem
from funnelsim.scenarios.calendar import Zone
from funnelsim.scenarios.frozen import Frozen, Id, Label

__all__ = ["MappingFile", "MappingHead", "load_mapping"]


def _several(value: object) -> object:
    """Take a single name as a list of one."""
    return [value] if isinstance(value, str) else value


Names = Annotated[
    tuple[str, ...], BeforeValidator(_several, json_schema_input_type=str | list[str])
]


class Observed(Frozen):
    """The window that the data covers; without an offset, local time of ``time_zone``."""

    start: str | None = Field(None, alias="from")
    """When observation begins; by default with the first event."""
    until: str | None = None
    """When the data was taken; by default with the last event."""


class TableFile(Frozen):
    """How the file is written; what is left out is found out."""

    encoding: str | None = None
    """For example utf-8, utf-16, cp1251, latin-1."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """What stands between columns, for example a comma, a semicolon or a tab."""
    time_format: str | None = None
    """How times are written, for example %d.%m.%Y %H:%M:%S; by default ISO 8601."""


class EventColumns(Frozen):
    """The columns of a table with one row per event."""

    lead: str
    """Which lead (case, application, deal) the event belongs to."""
    activity: str
    """What happened."""
    time: str
    """When."""
    phase: str | None = None
    """Whether work was queued, started or ended (XES: lifecycle:transition)."""
    worker: str | None = None
    """Who did it."""


class LeadColumns(Frozen):
    """Columns that describe the lead; the value of its first event counts."""

    customer_id: str | None = None
    """The customer, who may come back as another lead."""
    funnel: str | None = None
    """The funnel or pipeline."""
    source: str | None = None
    """Where the lead came from."""
    product: str | None = None
    """What it is about."""
    segment: str | None = None
    """The kind of customer."""


class Attribute(Frozen):
    """One more column that describes the lead, usable as ``by=``."""

    column: str
    """Its name in the file."""
    kind: Literal["text", "number", "money"] = "text"
    """``money`` is kept as whole minor units of ``currency``."""


class MappedStage(Frozen):
    """A stage, and the activities that say a lead has entered it."""

    entered_by: Names
    """Activities; a further one while the lead is in the stage changes nothing."""
    label: Label = {}
    """Names by language."""
    block: str = ""
    """The group of stages it belongs to."""
    advance: Id | None = None
    """The stage that counts as progress."""
    outcome: Literal["won", "lost"] | None = None
    """Set where entering the stage closes the lead."""
    terminal: bool = False
    """Whether the lead ends here without being won or lost."""
    reason: str = ""
    """Why the lead is lost, or won."""
    value: Id | None = None
    """The money attribute that a won lead is worth."""


class MappedMark(Frozen):
    """A mark, and the activities that set it."""

    set_by: Names
    """Activities."""
    label: Label = {}
    """Names by language."""


class Phases(Frozen):
    """What the phase column says when work is queued, started and ended."""

    queued: str = "SCHEDULE"
    """Work begins to wait."""
    started: str = "START"
    """Someone begins to work."""
    ended: str = "COMPLETE"
    """The work, or this part of it, is done; other events count when they say this."""
    ignore: Names = ()
    """Words to leave out."""


class WorkItem(Frozen):
    """Work, and the activities that record it."""

    recorded_by: Names
    """Activities."""
    team: Id
    """Who does it."""
    label: Label = {}
    """Names by language."""


class MappedTeam(Frozen):
    """A team."""

    label: Label = {}
    """Names by language."""


class MappingHead(Frozen):
    """What every mapping begins with."""

    funnelsim: Literal[1]
    """The version of this format."""
    title: Label = {}
    """What the data is, by language."""
    origin: str = ""
    """Where the data comes from, for the report's small print."""
    illustrative: bool = False
    """Whether the numbers are made up."""
    time_zone: Zone | None = None
    """The zone of times without an offset, and of hours and days in reports."""
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""
    """The currency of amounts that carry none, for example EUR."""
    observed: Observed = Observed()
    """The window that the data covers."""
    file: TableFile = TableFile()
    """How the file is written."""


class MappingFile(MappingHead):
    """How a table of events becomes an event log."""

    events: EventColumns
    """The columns of the table: one row per event."""
    leads: LeadColumns = LeadColumns()
    """Columns that describe the lead."""
    attributes: Mapping[Id, Attribute] = {}
    """Further columns that describe the lead, by the name they get."""
    stages: Mapping[Id, MappedStage] = Field(min_length=1)
    """Stages in their order."""
    marks: Mapping[Id, MappedMark] = {}
    """Marks by kind."""
    phases: Phases = Phases()
    """The words of the phase column."""
    work: Mapping[Id, WorkItem] = {}
    """Work by its name."""
    teams: Mapping[Id, MappedTeam] = {}
    """Teams in their order; by default those that the work names."""
    ignore: Names = ()
    """Activities to leave out."""

    def activities(self) -> Iterator[tuple[str, DocumentPath]]:
        """Yield every activity named, with where it is named."""
        for kind, group, key in (
            ("stages", self.stages, "entered_by"),
            ("marks", self.marks, "set_by"),
            ("work", self.work, "recorded_by"),
        ):
            for name, part in group.items():
                for activity in getattr(part, key):
                    yield activity, (kind, name, key)
        for activity in self.ignore:
            yield activity, ("ignore",)

    def columns(self) -> Iterator[tuple[str, DocumentPath]]:
        """Yield every column named, with where it is named."""
        for section in ("events", "leads"):
            for key, column in getattr(self, section):
                if column is not None:
                    yield column, (section, key)
        for name, attribute in self.attributes.items():
            yield attribute.column, ("attributes", name, "column")


def load_mapping(path: str | Path) -> tuple[MappingFile, Document]:
    """Read a mapping file.

    Parameters
    ----------
    path : str or Path
        A YAML file that begins with ``funnelsim: 1``.

    Returns
    -------
    tuple of MappingFile and Document
        The mapping, and the document that knows where everything stands.

    Raises
    ------
    DataError
        Every problem with its place.

    Examples
    --------
    >>> load_mapping("no-such.yaml")
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.yaml: there is no such file
    """
    document = load_document(path, DataError)
    mapping = validate(document, MappingFile, DataError)
    problems = [*_repeated(mapping, document), *_dangling(mapping, document)]
    if problems:
        raise DataError(problems)
    return mapping, document


def _repeated(mapping: MappingFile, document: Document) -> Iterator[Problem]:
    """Find activities that are given two meanings."""
    seen: dict[str, DocumentPath] = {}
    for activity, path in mapping.activities():
        if activity in seen:
            first = ".".join(map(str, seen[activity]))
            yield document.problem(path, f'"{activity}" is already named in {first}')
        seen.setdefault(activity, path)


def _dangling(mapping: MappingFile, document: Document) -> Iterator[Problem]:
    """Find names of stages, teams and attributes that do not exist."""
    for name, stage in mapping.stages.items():
        path: DocumentPath = ("stages", name, "advance")
        if stage.advance is not None and stage.advance not in mapping.stages:
            fix = did_you_mean(stage.advance, mapping.stages)
            yield document.problem(path, f'"{stage.advance}" is no stage', fix)
        money = [key for key, a in mapping.attributes.items() if a.kind == "money"]
        if stage.value is not None and stage.value not in money:
            fix = did_you_mean(stage.value, money)
            path = ("stages", name, "value")
            yield document.problem(path, f'"{stage.value}" is no attribute of kind money', fix)
    for name, item in mapping.work.items():
        if mapping.teams and item.team not in mapping.teams:
            fix = did_you_mean(item.team, mapping.teams)
            yield document.problem(("work", name, "team"), f'"{item.team}" is no team', fix)
    for name, attribute in mapping.attributes.items():
        if attribute.kind == "money" and not mapping.currency:
            fix = "Add currency, for example currency: EUR."
            path = ("attributes", name, "kind")
            yield document.problem(path, "money needs a currency", fix)
    if mapping.work and mapping.events.phase is None:
        fix = "Name the column, for example phase: lifecycle:transition."
        message = "work needs the column that says whether it was queued, started or ended"
        yield document.problem(("events", "phase"), message, fix)
