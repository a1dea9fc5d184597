"""Which slots are due, and what becomes of those that were missed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from funnelsim.messages import Message
from funnelsim.scheduling.causes import told
from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.ledger import Entry, Ledger
from funnelsim.scheduling.lengths import before
from funnelsim.scheduling.slots import slots_between

__all__ = ["plan"]


def plan(ledger: Ledger, job: Job, now: datetime) -> tuple[Entry, ...]:
    """Write down the slots of a job up to now, settle the missed ones, and say what is due.

    Parameters
    ----------
    ledger : Ledger
    job : Job
        Its ``catch_up`` says what becomes of missed slots.
    now : datetime
        Aware. If the clock was set back, slots that are written down stay as they are.

    Returns
    -------
    tuple of Entry
        What may begin now, oldest first.
    """
    until = ledger.planned_until(job.name, _since(job, now), now)
    ledger.plan(job.name, slots_between(job.schedule, until, now), now)
    planned = [
        entry for entry in ledger.entries(job.name, states={"planned"}) if entry.instant <= now
    ]
    _settle_missed(ledger, job, planned, now)
    return tuple(
        entry
        for entry in ledger.entries(job.name, states={"planned"})
        if entry.instant <= now and (entry.not_before is None or entry.not_before <= now)
    )


def _since(job: Job, now: datetime) -> datetime:
    """From when on a job counts that the ledger does not know yet."""
    if job.schedule.start is None:
        return now
    zone = ZoneInfo(job.schedule.zone)
    first = datetime.combine(job.schedule.start, datetime.min.time(), zone)
    # The slot at midnight of the first day counts too.
    return min(now, datetime.fromtimestamp(first.timestamp() - 1, zone))


def _settle_missed(ledger: Ledger, job: Job, planned: list[Entry], now: datetime) -> None:
    """Give up slots that the job does not catch up; those begun once are not missed."""
    if job.catch_up == "latest" and len(planned) > 1:
        *older, last = planned
        cause = Message("{slot} was due as well and is made in its place", slot=last.slot)
        slots = [entry.slot for entry in older]
        ledger.drop(job.name, slots, "superseded", told(cause, job.content.lang), now)
    if job.catch_up == "none":
        limit = before(now, job.grace)
        missed = [entry for entry in planned if entry.instant < limit and not entry.attempts]
        if missed:
            cause = Message(
                "missed by more than {grace}; the job does not catch up", grace=job.grace
            )
            slots = [entry.slot for entry in missed]
            ledger.drop(job.name, slots, "skipped", told(cause, job.content.lang), now)
