"""What a job asks of a report beyond what always must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from funnelsim.reporting.document import Evidence
from funnelsim.scheduling.gate.drafts import Draft
from funnelsim.scheduling.lengths import span

if TYPE_CHECKING:
    from funnelsim.scheduling.jobs import Job

__all__ = ["met", "ordered"]

USES: Final[Mapping[str, tuple[str, ...]]] = {
    "calibration": ("conversion",),
    "staffing-plan": ("conversion",),
}
"""The uses of data that a kind of report rests on."""
USUAL: Final = ("conversion", "forecast")
SLACK: Final = timedelta(hours=26)
"""Data may end so much later than now: an export that names its day holds all of the day."""


def ordered(drafts: Sequence[Draft], job: Job) -> Iterator[str]:
    """The reports are those that the job asked for."""
    made = Counter(draft.manifest.kind for draft in drafts)
    for kind in job.content.kind:
        if made[kind] != 1:
            yield f"The job asks for one {kind}; the draft holds {made[kind] or 'none'}."
    for kind in made:
        if kind not in job.content.kind:
            yield f"The draft holds a {kind}, which the job does not ask for."
    wanted = job.content
    for told in (draft.manifest for draft in drafts):
        if told.lang != wanted.lang:
            yield f'The job asks for "{wanted.lang}"; the report is in "{told.lang}".'
        if told.seed != wanted.seed:
            yield f"The job asks for seed {wanted.seed}; the report was made with {told.seed}."
        if dict(told.overrides) != dict(wanted.set):
            yield "The report was made with other values than the job sets."


def met(draft: Draft, job: Job, at: datetime) -> Iterator[str]:
    """Fresh data, narrow intervals, a good enough audit."""
    if (found := draft.evidence) is None:
        return
    yield from _fresh(found, job, at)
    yield from _narrow(found, job)
    yield from _sound(found, draft.manifest.kind, job)


def _fresh(found: Evidence, job: Job, at: datetime) -> Iterator[str]:
    """The data reaches up to near now; a simulation does not grow old."""
    if found.simulated:
        return
    age = at - found.observed_until
    if age < -SLACK:
        yield f"The data ends {_days(-age)} in the future, on {found.observed_until:%Y-%m-%d}."
    allowed = job.only_if.fresh
    if allowed is not None and age > span(allowed):
        yield f"The data ends {_days(age)} before now; the job allows {allowed}."


def _narrow(found: Evidence, job: Job) -> Iterator[str]:
    """No key figure is known worse than the job allows."""
    widest = job.only_if.widest
    if widest is None:
        return
    for each in found.intervals:
        width = each.hi - each.lo
        if width > widest * abs(each.value):
            share = f"{width / abs(each.value):.0%}" if each.value else "more than 100%"
            told = f"The interval of {each.what} is {share} of its value"
            yield f"{told}; the job allows {widest:.0%}."


def _sound(found: Evidence, kind: str, job: Job) -> Iterator[str]:
    """The audit's grades are good enough for what the report says."""
    worst = job.only_if.audit
    for use in USES.get(kind, USUAL):
        grade = found.grades.get(use, "A")
        if grade > worst:
            yield f"The audit grades the data {grade} for {use}; the job allows {worst}."


def _days(age: timedelta) -> str:
    """A length in days."""
    return f"{age.total_seconds() / 86_400:.1f} d"
