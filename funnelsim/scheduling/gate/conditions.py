"""What a job asks of a report beyond what always must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from funnelsim.messages import Message
from funnelsim.reporting.document import Evidence
from funnelsim.scheduling.gate.drafts import Draft
from funnelsim.scheduling.gate.quantities import called
from funnelsim.scheduling.lengths import days, span

if TYPE_CHECKING:
    from funnelsim.scheduling.jobs import Job

__all__ = ["met", "ordered"]

USES: Final[Mapping[str, tuple[str, ...]]] = {
    "calibration": ("conversion",),
    "staffing-plan": ("conversion",),
}
"""The uses of data that a kind of report rests on."""
USUAL: Final = ("conversion", "forecast")
NAMES: Final[Mapping[str, Message]] = {
    "conversion": Message("conversion"),
    "forecast": Message("forecasts"),
}
"""What the uses are called."""
SLACK: Final = timedelta(hours=26)
"""Data may end so much later than now: an export that names its day holds all of the day."""


def ordered(drafts: Sequence[Draft], job: Job) -> Iterator[Message]:
    """The reports are those that the job asked for."""
    made = Counter(draft.manifest.kind for draft in drafts)
    for kind in job.content.kind:
        n = made[kind]
        if n == 0:
            yield Message("The job asks for one {kind}; the draft holds none.", kind=kind)
        if n > 1:
            yield Message("The job asks for one {kind}; the draft holds {n}.", kind=kind, n=n)
    for kind in made:
        if kind not in job.content.kind:
            yield Message("The draft holds a {kind}, which the job does not ask for.", kind=kind)
    wanted = job.content
    for told in (draft.manifest for draft in drafts):
        if told.lang != wanted.lang:
            yield Message(
                "The job asks for “{wanted}”; the report is in “{lang}”.",
                wanted=wanted.lang,
                lang=told.lang,
            )
        if told.seed != wanted.seed:
            yield Message(
                "The job asks for seed {wanted}; the report was made with {seed}.",
                wanted=str(wanted.seed),
                seed=str(told.seed),
            )
        if dict(told.overrides) != dict(wanted.set):
            yield Message("The report was made with other values than the job sets.")


def met(draft: Draft, job: Job, at: datetime) -> Iterator[Message]:
    """Fresh data, narrow intervals, a good enough audit."""
    if (found := draft.evidence) is None:
        return
    yield from _fresh(found, job, at)
    yield from _narrow(found, job)
    yield from _sound(found, draft.manifest.kind, job)


def _fresh(found: Evidence, job: Job, at: datetime) -> Iterator[Message]:
    """The data reaches up to near now; a simulation does not grow old."""
    if found.simulated:
        return
    age = at - found.observed_until
    if age < -SLACK:
        yield Message(
            "The data ends {ahead} in the future, on {day}.",
            ahead=days(-age),
            day=found.observed_until.date(),
        )
    allowed = job.only_if.fresh
    if allowed is not None and age > span(allowed):
        yield Message(
            "The data ends on {day}, {age} before now; the job allows {allowed}.",
            day=found.observed_until.date(),
            age=days(age),
            allowed=allowed,
        )


def _narrow(found: Evidence, job: Job) -> Iterator[Message]:
    """No key figure is known worse than the job allows."""
    widest = job.only_if.widest
    if widest is None:
        return
    for each in found.intervals:
        width = each.hi - each.lo
        if width > widest * abs(each.value):
            share = width / abs(each.value) if each.value else Message("more than {n}", n=1.0)
            yield Message(
                "The interval of “{what}” is {share} of its value; the job allows {widest}.",
                what=called(each.what),
                share=share,
                widest=float(widest),
            )


def _sound(found: Evidence, kind: str, job: Job) -> Iterator[Message]:
    """The audit's grades are good enough for what the report says."""
    worst = job.only_if.audit
    for use in USES.get(kind, USUAL):
        grade = found.grades.get(use, "A")
        if grade > worst:
            yield Message(
                "The audit grades the data {grade} for {use}; the job allows {worst}.",
                grade=grade,
                use=NAMES[use],
                worst=worst,
            )
