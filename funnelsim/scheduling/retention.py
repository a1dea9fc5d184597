"""Old reports go, as the job says; the last good one stays."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.ledger import Entry, Ledger
from funnelsim.scheduling.lengths import before
from funnelsim.scheduling.publishing import RECORD, WITHHELD, remove

__all__ = ["retire"]


def retire(ledger: Ledger, job: Job, out: Path, now: datetime) -> tuple[Path, ...]:
    """Remove reports that the job need not keep.

    Parameters
    ----------
    ledger : Ledger
    job : Job
        ``keep`` is a number of reports, or a length of time.
    out : Path
    now : datetime

    Returns
    -------
    tuple of Path
        The folders that went: reports that went out, drafts that were held back, and what was
        made anew.
    """
    gone: list[Path] = []
    for state in ("done", "withheld"):
        entries = [
            entry
            for entry in ledger.entries(job.name, states={state})
            if entry.folder and (out / entry.folder).is_dir()
        ]
        gone += [out / entry.folder for entry in entries[: _surplus(entries, job, now)]]
    gone += _replaced(ledger, job, out)
    for folder in gone:
        remove(folder, out)
    return tuple(gone)


def _replaced(ledger: Ledger, job: Job, out: Path) -> list[Path]:
    """Reports of ours that the ledger knows no more: their slots were made once again."""
    entries = ledger.entries(job.name)
    known = {entry.folder for entry in entries}
    # Where a runner is at it, the folder may be there a moment before the ledger knows.
    busy = tuple(
        entry.slot.replace(":", "-")
        for entry in entries
        if entry.state in {"running", "publishing"}
    )
    return [
        file.parent
        for shelf in (out / job.name, out / job.name / WITHHELD)
        for file in shelf.glob(f"*/{RECORD}")
        if not file.parent.is_symlink()
        and not file.parent.name.startswith(busy)
        and str(file.parent.relative_to(out)) not in known
    ]


def _surplus(entries: list[Entry], job: Job, now: datetime) -> int:
    """How many of the oldest may go; never the last."""
    if isinstance(job.keep, int):
        return max(0, len(entries) - job.keep)
    limit = before(now, job.keep)
    return sum(entry.instant < limit for entry in entries[:-1])
