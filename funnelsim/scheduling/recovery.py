"""What runners left behind that were cut off: finished, or planned again, or given up."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress

from funnelsim.messages import Message
from funnelsim.scheduling.attempting import Workshop, complete
from funnelsim.scheduling.causes import told
from funnelsim.scheduling.issued import read_forecasts
from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.ledger import Entry
from funnelsim.scheduling.processes import sweep
from funnelsim.scheduling.publishing import DRAFTS, adopted

__all__ = ["PATIENCE", "recover"]

PATIENCE = 10
"""So often a slot may be cut off with its runner before it is given up."""


def recover(shop: Workshop, jobs: Mapping[str, Job]) -> None:
    """Take over what nobody is at any more.

    Parameters
    ----------
    shop : Workshop
    jobs : mapping of str to Job
        By name; slots of other jobs are planned again as well, for when they are back.
    """
    now = shop.clock()
    living = shop.ledger.living_runs(now) | {shop.run}
    for entry in shop.ledger.entries(states={"running", "publishing"}):
        if entry.run not in living:
            _take_over(shop, entry, jobs.get(entry.job))
    shop.postbook.recover(living, now)
    _tidy(shop, living)


def _take_over(shop: Workshop, entry: Entry, job: Job | None) -> None:
    """End what a run that has gone had begun."""
    if job and entry.state == "publishing" and adopted(shop.out, entry.folder, entry.run):
        complete(shop, job, entry, read_forecasts(shop.out / entry.folder))
        return
    gone = entry.interrupted + 1 >= PATIENCE
    cause = (
        Message("its runner was cut off, {n} times over", n=PATIENCE)
        if gone
        else Message("its runner was cut off")
    )
    now = shop.clock()
    with shop.ledger.storage.writing() as connection:
        settled = shop.ledger.settle(
            connection,
            entry,
            state="failed" if gone else "planned",
            outcome="interrupted",
            cause=told(cause, job.content.lang if job else "en"),
            now=now,
        )
        if settled and gone and job and not shop.quiet:
            targets = job.deliver.told_of_failure
            shop.postbook.expect(connection, entry.job, entry.slot, "failure", targets, now)


def _tidy(shop: Workshop, living: Collection[str]) -> None:
    """Remove drafts and end processes that nobody waits for."""
    with suppress(OSError):
        for place in (shop.out / DRAFTS).iterdir():
            if not any(f".{run}." in place.name for run in living):
                sweep(place.name)
                shutil.rmtree(place, ignore_errors=True)
