"""One attempt at one slot: make the draft, judge it, publish it or say why not."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from funnelsim.messages import Message
from funnelsim.scheduling.causes import told, why
from funnelsim.scheduling.issued import read_forecasts, store_forecasts, write_past
from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.ledger import Entry, Ledger, State
from funnelsim.scheduling.lengths import after
from funnelsim.scheduling.orders import Order, Outcome
from funnelsim.scheduling.postbook import Postbook
from funnelsim.scheduling.processes import spawned
from funnelsim.scheduling.publishing import DRAFTS, WITHHELD, free, publish, record
from funnelsim.scheduling.schema import stamp

__all__ = ["Make", "Workshop", "attempt", "complete", "own_process"]


class Make(Protocol):
    """Carries out an order; it never raises."""

    def __call__(self, order: Order, job: Job, stop: threading.Event) -> Outcome:
        """Leave the report's files in the order's draft folder."""


def own_process(order: Order, job: Job, stop: threading.Event) -> Outcome:
    """Make a report in a process of its own, within the job's time-out."""
    return spawned(order, limit=job.time_out.microseconds() / 1e6, stop=stop)


@dataclass(frozen=True)
class Workshop:
    """What every attempt of a run needs.

    Parameters
    ----------
    ledger : Ledger
    out : Path
        The folder of all reports.
    run : str
        The run's name in the ledger.
    clock : callable
        Tells the time, aware.
    make : callable
        Makes a report and lets the gate judge it.
    stop : threading.Event
        Set when the run is to end.
    limit : int, optional
        So many reports may be under way on this machine, whichever runner is at them.
    quiet : bool
        Publish without sending.
    """

    ledger: Ledger
    out: Path
    run: str
    clock: Callable[[], datetime]
    make: Make
    stop: threading.Event = field(default_factory=threading.Event)
    limit: int | None = None
    quiet: bool = False

    @property
    def postbook(self) -> Postbook:
        """Where deliveries are noted."""
        return Postbook(self.ledger.storage)


def attempt(shop: Workshop, job: Job, entry: Entry, *, retry: bool = True) -> Entry | None:
    """Try once to make a slot's report.

    Parameters
    ----------
    shop : Workshop
    job : Job
    entry : Entry
        A planned slot.
    retry : bool
        Whether a failure may be tried again, as the job says.

    Returns
    -------
    Entry or None
        The slot as it stands then; None where another runner has it, or enough is under way.
    """
    now = shop.clock()
    number = shop.ledger.claim(job.name, entry.slot, shop.run, now, limit=shop.limit)
    if number is None:
        return None
    held = replace(entry, attempts=number, run=shop.run, state="running")
    place = shop.out / DRAFTS / f"{job.name}.{entry.slot.replace(':', '-')}.{shop.run}.{number}"
    try:
        _carry_out(shop, job, held, place, retry=retry)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return shop.ledger.entry(job.name, entry.slot)


def _carry_out(shop: Workshop, job: Job, held: Entry, place: Path, *, retry: bool) -> None:
    """Make, judge, publish; every way this can end is settled in the ledger."""
    draft = place / "report"
    try:
        outcome = _made(shop, job, held, place)
        if shop.stop.is_set():
            cause = told(Message("the runner was stopped; the next call goes on"), job.content.lang)
            _settle(shop, held, state="planned", outcome="interrupted", cause=cause)
            return
        if not outcome.ok:
            _fail(shop, job, held, told(outcome.cause, job.content.lang), retry=retry)
            return
        promises = read_forecasts(draft)
        record(draft, _said(held, outcome))
        if outcome.withheld:
            _withhold(shop, job, held, draft, outcome.withheld)
            return
        there = _appear(shop, job, held, draft)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the cause
        _fail(shop, job, held, why(error, job.content.lang), retry=retry)
        return
    if there:  # from here on only the ledger can fail, and then the next call ends it
        complete(shop, job, held, promises)


def _said(held: Entry, outcome: Outcome) -> dict[str, Any]:
    """What the record of a report says."""
    return {
        "job": held.job,
        "slot": held.slot,
        "due": stamp(held.instant),
        "attempt": held.attempts,
        "run": held.run,
        "source": outcome.source,
        **({"withheld": list(outcome.withheld)} if outcome.withheld else {}),
    }


def _made(shop: Workshop, job: Job, held: Entry, place: Path) -> Outcome:
    """The draft, and nothing else of what was at work on it."""
    draft, scratch = place / "report", place / "scratch"
    draft.mkdir(parents=True)
    scratch.mkdir()
    token = place.name
    past = write_past(shop.ledger.storage, job.name, held.slot, scratch / "past.csv")
    order = Order(
        job=str(job.file.resolve()),
        slot=held.slot,
        now=shop.clock().isoformat(),
        draft=str(draft.resolve()),
        scratch=str(scratch.resolve()),
        token=token,
        past=str(Path(past).resolve()) if past else "",
    )
    return shop.make(order, job, shop.stop)


def _appear(shop: Workshop, job: Job, held: Entry, draft: Path) -> bool:
    """Let a report appear; False where the slot is another's, which took this run for dead."""
    while True:
        folder = free(shop.out, job.name, held.slot)
        if not shop.ledger.publishing(job.name, held.slot, shop.run, folder, shop.clock()):
            return False
        if publish(draft, shop.out, folder):
            return True


def complete(shop: Workshop, job: Job, held: Entry, promises: Sequence[dict[str, Any]]) -> None:
    """Say in the ledger that a slot is done, what it promised, and who is to get it.

    Parameters
    ----------
    shop : Workshop
    job : Job
    held : Entry
        With the run that holds it.
    promises : sequence of dict
        From `read_forecasts`.
    """
    now = shop.clock()
    with shop.ledger.storage.writing() as connection:
        if shop.ledger.settle(connection, held, state="done", outcome="done", cause="", now=now):
            store_forecasts(connection, job.name, held.slot, promises)
            targets = () if shop.quiet else job.deliver.targets
            shop.postbook.expect(connection, job.name, held.slot, "report", targets, now)


def _withhold(shop: Workshop, job: Job, held: Entry, draft: Path, causes: Sequence[str]) -> None:
    """Keep a draft that the gate held back, where nobody takes it for a report."""
    folder = free(shop.out, job.name, held.slot, shelf=WITHHELD)
    publish(draft, shop.out, folder)
    cause = "\n".join(causes)  # the mail lists them
    _settle(shop, held, state="withheld", outcome="withheld", cause=cause, job=job, folder=folder)


def _fail(shop: Workshop, job: Job, held: Entry, cause: str, *, retry: bool) -> None:
    """Plan another try, or give up and tell so."""
    tried = held.attempts - held.interrupted
    if not retry or tried > job.retries:
        _settle(shop, held, state="failed", outcome="failed", cause=cause, job=job)
        return
    again = after(shop.clock(), job.back_off, 2 ** (tried - 1))
    _settle(shop, held, state="planned", outcome="failed", cause=cause, not_before=again)


def _settle(
    shop: Workshop,
    held: Entry,
    *,
    state: State,
    outcome: str,
    cause: str,
    job: Job | None = None,
    not_before: datetime | None = None,
    folder: str | None = None,
) -> None:
    """Let go of a slot; with a job, those are told who must know."""
    now = shop.clock()
    with shop.ledger.storage.writing() as connection:
        settled = shop.ledger.settle(
            connection,
            held,
            state=state,
            outcome=outcome,
            cause=cause,
            now=now,
            not_before=not_before,
            folder=folder,
        )
        if settled and job and not shop.quiet:
            targets = job.deliver.told_of_failure
            shop.postbook.expect(connection, held.job, held.slot, "failure", targets, now)
