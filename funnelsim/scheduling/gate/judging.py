"""All checks of a draft, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from funnelsim.errors import RunError
from funnelsim.messages import Message
from funnelsim.scheduling.causes import told, why
from funnelsim.scheduling.gate import conditions, contents, numbers, origins, runs
from funnelsim.scheduling.gate.drafts import Draft, drafts
from funnelsim.scheduling.verdicts import Verdict

if TYPE_CHECKING:
    from funnelsim.scheduling.jobs import Job

__all__ = ["verdict"]

Check = Callable[[Draft], Iterator[Message]]

CHECKS: Final[tuple[Check, ...]] = (
    runs.finished,
    runs.same_code,
    runs.same_parameters,
    contents.whole,
    contents.expected,
    contents.no_repeats,
    contents.readable,
    contents.language,
    numbers.balanced,
    numbers.counted,
    numbers.bounded,
    numbers.consistent,
    numbers.written,
    origins.traced,
    origins.same_input,
)
LAST: Final[tuple[Check, ...]] = (origins.same_products,)
"""What takes seconds: asked only of a draft that nothing else stands against."""


def verdict(draft_folder: str | Path, job: Job, *, at: datetime | None = None) -> Verdict:
    """Judge whether a draft may be published.

    It may if: the run record says finished and every cell ran; all blocks are there; what came
    into each stage came out or is still there; the numbers of page 1 are those of a second
    count; the data is fresh, the intervals narrow and the audit good enough for the job; every
    block is the one its cell showed; and the PDF, drawn once more, is the same to the byte.

    Parameters
    ----------
    draft_folder : str or Path
        As `funnelsim.reporting.report` filled it; with several reports all must pass.
    job : Job
    at : datetime, optional
        When the data must be fresh; by default now.

    Returns
    -------
    Verdict
        With every cause found, one sentence each, in the language of the job's report.

    Examples
    --------
    >>> from funnelsim.scheduling.jobs import Job
    >>> job = Job.model_validate({
    ...     "funnelsim": 1,
    ...     "report": {"kind": "funnel-review"},
    ...     "source": {"file": "deals.csv"},
    ...     "schedule": {"cron": "0 7 * * 1", "zone": "Europe/Kyiv"},
    ... })
    >>> verdict("no/such/folder", job).causes
    ('There is no report in the draft folder: the manifest is missing.',)
    """
    lang = job.content.lang
    try:
        found = drafts(Path(draft_folder))
    except RunError as error:
        return Verdict(passed=False, causes=(why(error, lang),))
    causes = [told(cause, lang) for cause in conditions.ordered(found, job)]
    for draft in found:
        own = [cause for check in CHECKS for cause in check(draft)]
        own += conditions.met(draft, job, at or datetime.now(UTC))
        own = own or [cause for check in LAST for cause in check(draft)]
        place = f"{draft.manifest.kind}: " if len(found) > 1 else ""
        causes += [f"{place}{told(cause, lang)}" for cause in own]
    once = tuple(dict.fromkeys(causes))
    return Verdict(passed=not once, causes=once)
