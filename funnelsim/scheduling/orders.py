"""One attempt at a report: what the runner orders, what it gets back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.errors import DataError, Problem
from funnelsim.messages import Message
from funnelsim.scheduling.causes import told, why

if TYPE_CHECKING:
    from funnelsim.scheduling.jobs import Job
    from funnelsim.scheduling.sources import Found

__all__ = ["Order", "Outcome", "made"]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, and where.

    Parameters
    ----------
    job : str
        The job file.
    slot : str
        Local wall time.
    now : str
        When it is made, ISO 8601 with offset.
    draft : str
        An empty folder for the report's files; nobody looks at it yet.
    scratch : str
        A folder for everything else; it is removed.
    token : str
        Names the attempt; processes that carry it belong to it.
    past : str
        A CSV of the forecasts that this job issued before; empty where there are none.
    """

    job: str
    slot: str
    now: str
    draft: str
    scratch: str
    token: str
    past: str = ""

    def text(self) -> str:
        """As it is handed to a process."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Order:
        """What `text` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Parameters
    ----------
    ok : bool
    cause : str
        Why not, for the FAILED mail and the ledger; a `Message` is still to be told in the
        language of the job.
    source : mapping
        What the report was made from: name and fingerprint.
    withheld : tuple of str
        Why the gate holds the draft back; empty when it may be published.
    """

    ok: bool
    cause: str = ""
    source: dict[str, str] | None = None
    withheld: tuple[str, ...] = ()

    def text(self) -> str:
        """As a process hands it back."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Outcome:
        """What `text` wrote."""
        told = json.loads(text)
        return cls(**{**told, "withheld": tuple(told["withheld"])})


def made(order: Order) -> Outcome:
    """Make the report in this process and judge it; whatever goes wrong is the outcome's cause.

    Parameters
    ----------
    order : Order

    Returns
    -------
    Outcome

    Examples
    --------
    >>> made(Order("no-such-job.yaml", "2026-11-23T07:00", "", "", "", "")).cause
    'no-such-job.yaml: there is no such file'
    """
    from funnelsim.scheduling.jobs import load_job

    lang = "en"
    try:
        job = load_job(order.job)
        lang = job.content.lang
        return _make(job, order)
    except Exception as error:  # noqa: BLE001 - the cause is what this is about
        return Outcome(ok=False, cause=why(error, lang))


def _make(job: Job, order: Order) -> Outcome:
    from funnelsim.reporting.inputs import fingerprint
    from funnelsim.reporting.reports import report
    from funnelsim.scheduling.gate import verdict
    from funnelsim.scheduling.sources import find

    found = find(job.source, job.file.resolve().parent, Path(order.scratch))
    _check_age(job, found, datetime.fromisoformat(order.now))
    found = _changed(job, found, Path(order.scratch))
    before = fingerprint(found.path)
    for kind in job.content.kind:
        name = job.name if len(job.content.kind) == 1 else f"{job.name}.{kind}"
        report(
            found.path,
            kind=kind,
            lang=job.content.lang,
            out=order.draft,
            mapping=found.mapping or "",
            seed=job.content.seed,
            n=job.content.n if "n" in _parameters(kind) else None,
            overrides=job.content.set,
            options=_options(job, kind, order),
            name=name,
            timeout=max(1, int(job.time_out.microseconds() / 1e6)),
            progress=False,
        )
    if fingerprint(found.path) != before:
        message = Message("was replaced while the report was made from it")
        fix = Message("It is read anew at the next try.")
        raise DataError(Problem(message, str(found.path), fix=fix))
    judged = verdict(order.draft, job, at=datetime.fromisoformat(order.now))
    if judged.passed and len(job.content.kind) > 1:
        _bind(job, Path(order.draft))
    causes = judged.causes or (told(Message("The gate gave no cause."), job.content.lang),)
    source = {"name": found.path.name, "sha256": before}
    return Outcome(ok=True, source=source, withheld=() if judged.passed else causes)


def _bind(job: Job, draft: Path) -> None:
    """Leave all reports of the job in one PDF beside them, in the order the job names them."""
    from funnelsim.reporting.pack import pack
    from funnelsim.reporting.texts import texts
    from funnelsim.scheduling.gate.drafts import drafts

    lang = job.content.lang
    found = {each.told["kind"]: (each.blocks, each.cells, each.told) for each in drafts(draft)}
    title = texts(lang).label(job.title, job.name)
    bound = pack([found[kind] for kind in job.content.kind], title=title, lang=lang)
    (draft / f"{job.name}.pdf").write_bytes(bound)


def _check_age(job: Job, found: Found, now: datetime) -> None:
    """Refuse a file that is older than the job allows: what is in it is older still."""
    allowed = job.only_if.fresh
    if allowed is None or found.changed is None:
        return
    from funnelsim.scheduling.lengths import before, days

    if found.changed < before(now, allowed):
        message = Message(
            "the file is {age} old; the job allows {allowed}",
            age=days(now - found.changed),
            allowed=allowed,
        )
        fix = Message("Has the export of today arrived?")
        raise DataError(Problem(message, str(found.path), fix=fix))


def _changed(job: Job, found: Found, scratch: Path) -> Found:
    """The scenario with the job's own what-ifs, where it has some."""
    from collections.abc import Mapping

    if not job.content.what_ifs or not isinstance(job.content.what_ifs, Mapping):
        return found
    from funnelsim.scenarios.loading import from_data, load

    scenario = load(found.path)
    what_ifs = {
        name: what_if.model_dump(mode="json", exclude_defaults=True)
        for name, what_if in job.content.what_ifs.items()
    }
    path = scratch / found.path.name
    from_data({**scenario.plain(), "what_ifs": what_ifs}, str(job.file)).save(path)
    return replace(found, path=path)


def _options(job: Job, kind: str, order: Order) -> dict[str, Any]:
    """Parameters of this kind's notebook."""
    known = _parameters(kind)
    options = {name: value for name, value in job.content.parameters.items() if name in known}
    if isinstance(job.content.what_ifs, tuple) and job.content.what_ifs and "what_ifs" in known:
        options["what_ifs"] = list(job.content.what_ifs)
    if order.past and "past" in known:
        options["past"] = order.past
    return options


def _parameters(kind: str) -> frozenset[str]:
    from funnelsim.reporting.notebooks import declared
    from funnelsim.reporting.reports import kinds

    return frozenset(declared(kinds()[kind]))
