"""Job files: which report, from what, when, for whom."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from funnelsim.documents import did_you_mean, load_document, validate
from funnelsim.errors import InputError, ParameterError, Problem
from funnelsim.scenarios.frozen import Frozen, Id, Label, Share
from funnelsim.scenarios.quantity import DurationText
from funnelsim.scenarios.what_if import WhatIf
from funnelsim.scheduling.schedules import Schedule
from funnelsim.scheduling.sources import Source
from funnelsim.scheduling.targets import Delivery
from funnelsim.worktime import Duration

__all__ = ["Conditions", "Content", "Job", "job_schema", "load_job", "load_jobs"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


def _elapsed(length: Duration) -> Duration:
    if length.clock == "business" or length.amount <= 0:
        msg = f'"{length}" does not fit; write a length such as 30 min, 2 d or 1 mo'
        raise ValueError(msg)
    return length


Length = Annotated[DurationText, AfterValidator(_elapsed)]


def _known_kinds(value: object) -> object:
    from funnelsim.reporting.reports import kinds

    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        return names
    known = kinds()
    for name in names:
        if name not in known:
            msg = f'there is no report "{name}". {did_you_mean(name, known)}'.strip()
            raise ValueError(msg)
    return tuple(dict.fromkeys(names))


def _known_language(value: str) -> str:
    from funnelsim.reporting.texts import texts

    try:
        texts(value)
    except InputError as unknown:
        problem = unknown.problems[0]
        raise ValueError(f"{problem.message}. {problem.fix}".strip(" .")) from None
    return value


class Content(Frozen):
    """What is made."""

    kind: Annotated[
        tuple[str, ...],
        BeforeValidator(_known_kinds, json_schema_input_type=str | list[str]),
        Field(min_length=1),
    ]
    """The kind of report (``funnel-review``), or several that go out together."""
    lang: Annotated[str, AfterValidator(_known_language)] = "en"
    """Language: ``en``, ``uk``, ``ru`` or ``nl``."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    """The same seed and input give the same report."""
    n: int | None = Field(default=None, ge=2)
    """Replications, for kinds that repeat the simulation."""
    set: Mapping[str, Any] = {}
    """For a scenario: dotted path → value, as with ``--set``."""
    what_ifs: Mapping[Id, WhatIf] | tuple[Id, ...] = ()
    """For a scenario: names of its what-ifs, or what-ifs in place of its own; empty: all."""
    parameters: Mapping[str, Any] = {}
    """Further parameters of the kind's notebook, for example ``half_life: 90 d``."""


class Conditions(Frozen):
    """What must hold for a report to go out, beyond what always must."""

    fresh: Length | None = None
    """The data must not be older than this, for example ``2 d``."""
    widest: Share | Annotated[float, Field(gt=1)] | None = None
    """The widest interval allowed of any key figure, as a share of its value (``60 %``)."""
    audit: Literal["A", "B", "C", "D", "E"] = "D"
    """The worst grade that the audit of the data may have: A is sound, E is not usable."""


class Job(Frozen):
    """A report that makes itself.

    Examples
    --------
    >>> job = Job.model_validate({
    ...     "funnelsim": 1,
    ...     "report": {"kind": "funnel-review", "lang": "uk"},
    ...     "source": {"scenario": "bank-retail.yaml"},
    ...     "schedule": {"cron": "0 7 * * 1", "zone": "Europe/Kyiv"},
    ... })
    >>> job.content.lang, job.catch_up
    ('uk', 'latest')
    """

    funnelsim: Literal[1]
    """The format version, always the first line."""
    title: Label = {}
    """Said in the mail's subject; left out: the job's name."""
    content: Content = Field(alias="report")
    """Which report."""
    source: Source
    """What it is made from."""
    schedule: Schedule
    """When it is due."""
    deliver: Delivery = Delivery()
    """Who gets it."""
    only_if: Conditions = Conditions()
    """What must hold for it to go out."""
    catch_up: Literal["none", "latest", "all"] = "latest"
    """What to do about times that were missed: nothing, only the latest, or all of them."""
    grace: Length = Duration(1, "h")
    """So late it may begin and still count as on time; later it was missed."""
    time_out: Length = Duration(30, "min")
    """The whole report may take so long; then it is stopped."""
    retries: int = Field(default=2, ge=0, le=20)
    """How often to try again after a failure."""
    back_off: Length = Duration(5, "min")
    """The wait before the first new try; it doubles each time."""
    keep: int | Length = 30
    """How many reports stay, or for how long (``90 d``); the last good one always stays."""
    _file: Path = PrivateAttr(default=Path("job.yaml"))

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self._file.stem

    @property
    def file(self) -> Path:
        """Where the job stands; paths in it count from there."""
        return self._file

    def at(self, file: Path) -> Self:
        """The same job, standing in this file."""
        job = self.model_copy()
        object.__setattr__(job, "_file", file)
        return job

    @field_validator("keep", mode="before")
    @classmethod
    def _at_least_one(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool) and value < 1:
            msg = f"{value} is too few; the last good report always stays, so write 1 or more"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        from funnelsim.reporting.reports import DATA_ONLY, NEEDS_SCENARIO

        if self.source.scenario is None:
            for kind in self.content.kind:
                if kind in NEEDS_SCENARIO:
                    msg = f"{kind} needs a scenario as its source; data cannot be changed"
                    raise ValueError(msg)
            if self.content.set or self.content.what_ifs:
                msg = "only a scenario can be changed: leave out set and what_ifs of the report"
                raise ValueError(msg)
            return self
        for kind in self.content.kind:
            if kind in DATA_ONLY:
                msg = f"{kind} needs data as its source, not a scenario"
                raise ValueError(msg)
        if self.only_if.fresh:
            msg = "fresh is about data; a scenario does not grow old"
            raise ValueError(msg)
        return self


def load_job(path: str | Path) -> Job:
    """Read a job file.

    Parameters
    ----------
    path : str or Path
        A YAML file whose first line is ``funnelsim: 1``; its name is the job's name.

    Returns
    -------
    Job

    Raises
    ------
    ParameterError
        Every problem found, each with ``file:line:column``.

    Examples
    --------
    >>> load_job("no-such-job.yaml")
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: no-such-job.yaml: there is no such file
    """
    path = Path(path)
    document = load_document(path, ParameterError)
    if not _NAME.fullmatch(path.stem):
        fix = "Use small Latin letters, digits, - and _; the title is free."
        message = f"the file's name is the job's name, and \"{path.stem}\" cannot be one"
        raise ParameterError(Problem(message, str(path), fix=fix))
    job = validate(document, Job, ParameterError).at(path)
    if job.content.parameters:
        _check_parameters(job)
    return job


def load_jobs(places: Iterable[str | Path]) -> tuple[Job, ...]:
    """Read job files, or all job files of folders.

    Parameters
    ----------
    places : iterable of str or Path

    Returns
    -------
    tuple of Job
        By name.

    Raises
    ------
    ParameterError
        Every problem of every file; two jobs of one name.
    """
    problems: list[Problem] = []
    found: dict[str, Job] = {}
    for file in _files(places, problems):
        try:
            job = load_job(file)
        except InputError as wrong:
            problems += wrong.problems
            continue
        if job.name in found and found[job.name].file.resolve() != file.resolve():
            message = f'there is another job "{job.name}": {found[job.name].file}'
            problems.append(Problem(message, str(file), fix="Rename one of the files."))
        found.setdefault(job.name, job)
    if problems:
        raise ParameterError(problems)
    return tuple(found[name] for name in sorted(found))


def job_schema() -> dict[str, Any]:
    """The JSON schema of job files, for editors.

    Examples
    --------
    >>> job_schema()["required"]
    ['funnelsim', 'report', 'source', 'schedule']
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Job.model_json_schema()}


def _files(places: Iterable[str | Path], problems: list[Problem]) -> list[Path]:
    """Files, and the YAML files of folders; hidden ones are drafts of editors."""
    files: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            inside = (file for end in ("*.yaml", "*.yml") for file in place.glob(end))
            files += sorted(file for file in inside if not file.name.startswith("."))
        elif place.exists():
            files.append(place)
        else:
            fix = "Give a job file or a folder with job files."
            problems.append(Problem("there is no such file or folder", str(place), fix=fix))
    return files


def _check_parameters(job: Job) -> None:
    """Compare the parameters with those that the notebooks declare."""
    from funnelsim.reporting.reports import kinds

    document = load_document(job.file, ParameterError)
    known = {name for kind in job.content.kind for name in _parameters(kinds()[kind])}
    problems = [
        document.problem(
            ("report", "parameters", name),
            f'the report has no parameter "{name}"',
            did_you_mean(name, known),
            key=True,
        )
        for name in job.content.parameters
        if name not in known
    ]
    if problems:
        raise ParameterError(problems)


def _parameters(notebook: Path) -> Iterator[str]:
    """What a notebook's cell of parameters sets; read here, as papermill takes seconds to load."""
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            for line in ast.parse("".join(cell["source"])).body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield line.target.id
