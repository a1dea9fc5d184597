"""The runner: makes what is due, publishes it, sends it; and may be stopped at any moment.

Nothing is remembered between two calls but what stands in the ledger and on the disk, so that
the next call goes on wherever this one was cut off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from funnelsim.errors import FunnelsimError, ParameterError, Problem
from funnelsim.scheduling.attempting import Make, Workshop, attempt, own_process
from funnelsim.scheduling.catching_up import plan
from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.ledger import Entry, Ledger
from funnelsim.scheduling.postbook import Parcel
from funnelsim.scheduling.posting import Post, post
from funnelsim.scheduling.receipts import Receipt
from funnelsim.scheduling.recovery import recover
from funnelsim.scheduling.retention import retire
from funnelsim.scheduling.slots import Slot
from funnelsim.workers import cores

__all__ = ["Round", "run_due", "run_slot"]

_BEAT = 20.0

Clock = Callable[[], datetime]
Tell = Callable[[Entry], None]


@dataclass(frozen=True, slots=True)
class Round:
    """What one call of the runner did.

    Parameters
    ----------
    entries : tuple of Entry
        Slots that were tried, as they stand now.
    sent : tuple of (Parcel, Receipt)
        What was sent, or could not be.
    """

    entries: tuple[Entry, ...]
    sent: tuple[tuple[Parcel, Receipt], ...]

    @property
    def failed(self) -> bool:
        """Whether somebody should look: a slot without a report, or something not delivered."""
        return any(entry.state != "done" for entry in self.entries) or any(
            receipt.state != "delivered" for _, receipt in self.sent
        )


def run_due(  # noqa: PLR0913 - each part can be replaced
    jobs: Sequence[Job],
    *,
    ledger: Ledger,
    out: str | Path,
    now: datetime | None = None,
    clock: Clock | None = None,
    workers: int | None = None,
    make: Make = own_process,
    carrier: Post | None = None,
    stop: threading.Event | None = None,
    tell: Tell | None = None,
) -> Round:
    """Make every report that is due, and send what is to be sent.

    Call it as often as you like, also twice at once: each slot is made once.

    Parameters
    ----------
    jobs : sequence of Job
    ledger : Ledger
    out : str or Path
        The folder of all reports.
    now : datetime, optional
        Stands still there; by default the clock.
    clock : callable, optional
        Tells the time, aware; by default UTC of this machine.
    workers : int, optional
        Reports made side by side on this machine, also by other runners; by default one a core.
        What there is no room for is left to the next call.
    make, carrier : optional
        Instead of a process of its own with the publish gate; instead of mail, folders and
        webhooks.
    stop : threading.Event, optional
        Set it to end early: what is under way is planned again.
    tell : callable, optional
        Told of every slot that was tried.

    Returns
    -------
    Round

    Raises
    ------
    RunError
        The ledger is locked or cannot be written. Nothing is lost; the next call goes on.
    ParameterError
        The settings of mail and the like are wrong.
    """
    told = clock or (lambda: now or datetime.now(UTC))
    by = carrier or Post.usual()
    limit = workers or cores()
    with _workshop(ledger, Path(out), told, make, stop, limit=limit) as shop:
        recover(shop, {job.name: job for job in jobs})
        rounds = _side_by_side(shop, jobs, by, limit, tell)
    return Round(
        tuple(entry for each in rounds for entry in each.entries),
        tuple(sent for each in rounds for sent in each.sent),
    )


def run_slot(  # noqa: PLR0913 - as above
    job: Job,
    slot: Slot,
    *,
    ledger: Ledger,
    out: str | Path,
    again: bool = False,
    send: bool = True,
    clock: Clock | None = None,
    make: Make = own_process,
    carrier: Post | None = None,
    stop: threading.Event | None = None,
) -> Round:
    """Make the report of one slot now, once.

    Parameters
    ----------
    job : Job
    slot : Slot
        Due or not; it will not be made a second time when it is.
    ledger, out, clock, make, carrier, stop
        As for `run_due`.
    again : bool
        Also where the slot is over.
    send : bool
        Whether it is sent to anybody.

    Returns
    -------
    Round

    Raises
    ------
    ParameterError
        The slot is over, or another runner is at it.
    """
    told = clock or (lambda: datetime.now(UTC))
    by = carrier or Post.usual()
    with _workshop(ledger, Path(out), told, make, stop, quiet=not send) as shop:
        recover(shop, {job.name: job})
        _open(ledger, job, slot, again=again, now=told())
        entry = ledger.entry(job.name, slot.key)
        done = attempt(shop, job, entry, retry=False) if entry else None
        if done is None:
            raise ParameterError(Problem(f"another runner is at {slot.key}", path=job.name))
        sent = post(shop, job, by) if send else ()
        retire(ledger, job, shop.out, told())
        return Round((done,), sent)


def _open(ledger: Ledger, job: Job, slot: Slot, *, again: bool, now: datetime) -> None:
    """See to it that a slot is planned."""
    entry = ledger.entry(job.name, slot.key)
    if entry is None:
        ledger.add(job.name, slot, now)
    elif entry.state in {"running", "publishing"}:
        raise ParameterError(Problem(f"another runner is at {slot.key}", path=job.name))
    elif entry.state == "done" and not again:
        fix = "To make it once more: --again."
        message = f"{slot.key} is done: {entry.folder}"
        raise ParameterError(Problem(message, path=job.name, fix=fix))
    else:
        ledger.reopen(job.name, slot.key, now)


def _side_by_side(
    shop: Workshop, jobs: Sequence[Job], by: Post, workers: int, tell: Tell | None
) -> list[Round]:
    """All jobs, so many at once; what breaks one breaks the others only when they are done."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(_round, shop, job, by, tell) for job in jobs]
        try:
            wait(futures)
        except BaseException:  # Ctrl-C, or a signal that ends us
            shop.stop.set()
            raise
    return [future.result() for future in futures]


def _round(shop: Workshop, job: Job, by: Post, tell: Tell | None) -> Round:
    """All that is to be done for one job."""
    done: list[Entry] = []
    for entry in plan(shop.ledger, job, shop.clock()):
        if shop.stop.is_set():
            break
        tried = attempt(shop, job, entry)
        if tried is not None:
            done.append(tried)
            if tell:
                tell(tried)
    sent = post(shop, job, by)
    retire(shop.ledger, job, shop.out, shop.clock())
    return Round(tuple(done), sent)


@contextmanager
def _workshop(
    ledger: Ledger,
    out: Path,
    clock: Clock,
    make: Make,
    stop: threading.Event | None,
    *,
    limit: int | None = None,
    quiet: bool = False,
) -> Iterator[Workshop]:
    """A run that the ledger knows, and whose beat says that it lives."""
    run = ledger.begin_run(clock())
    ended = threading.Event()
    beat = threading.Thread(target=_keep_beating, args=(ledger, run, clock, ended), daemon=True)
    beat.start()
    try:
        yield Workshop(
            ledger,
            out,
            run,
            clock,
            make,
            stop or threading.Event(),
            limit,
            quiet=quiet,
        )
    finally:
        ended.set()
        beat.join()
        with suppress(FunnelsimError):
            ledger.end_run(run, clock())


def _keep_beating(ledger: Ledger, run: str, clock: Clock, ended: threading.Event) -> None:
    while not ended.wait(_BEAT):
        with suppress(FunnelsimError):  # one beat missed is not the end
            ledger.beat(run, clock())
