"""The ledger of slots: each is written down once, and always in exactly one state.

::

    planned ──> running ──> publishing ──> done
       ^           │             │
       ├───────────┴─────────────┘   the runner was stopped, or there is another try
       │           └──> failed, withheld (by the gate)
       ├──> skipped       (missed, and the job does not catch up)
       └──> superseded    (missed, and a later one is made in its place)

A runner changes a slot only while the slot is its own: every change names the run that
holds it, so that a runner that was given up for dead can spoil nothing when it wakes.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import and_, func, or_, select, update

from funnelsim.scheduling.schema import attempts, jobs, moment, runs, slots, stamp
from funnelsim.scheduling.slots import Slot

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect

    from funnelsim.scheduling.storage import Storage

__all__ = ["FINAL", "LEASE", "Entry", "Ledger", "State"]

State = Literal[
    "planned", "running", "publishing", "done", "failed", "withheld", "skipped", "superseded"
]
FINAL: frozenset[str] = frozenset({"done", "failed", "withheld", "skipped", "superseded"})
LEASE = timedelta(minutes=2)
"""A run whose beat is older is given up for dead."""
_STARTED = 18  # of /proc/PID/stat, after the state


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger says of a slot.

    Parameters
    ----------
    job, slot : str
        The slot is named by local wall time.
    instant : datetime
        When it was due.
    state : str
        See the module.
    cause : str
        Why it is not done.
    attempts, interrupted : int
        Tries begun, and those of them that were cut off with their runner.
    not_before : datetime or None
        When the next try may begin.
    run, folder : str
        Who holds it; where the report lies.
    changed : datetime
    """

    job: str
    slot: str
    instant: datetime
    state: State
    cause: str = ""
    attempts: int = 0
    interrupted: int = 0
    not_before: datetime | None = None
    run: str = ""
    folder: str = ""
    changed: datetime | None = None


class Ledger:
    """The slots of all jobs.

    Parameters
    ----------
    storage : Storage
        From `open_storage`.

    Examples
    --------
    >>> import tempfile
    >>> from funnelsim.scheduling.storage import open_storage
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Ledger(open_storage(f"{folder}/ledger.db")).entries()
    ()
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    # runs

    def begin_run(self, now: datetime) -> str:
        """Note that a runner works; its name."""
        run = secrets.token_hex(6)
        row = {"run": run, "host": _host(), "pid": os.getpid()}
        row |= {"process_began": _began(os.getpid()), "began": stamp(now), "beat": stamp(now)}
        with self.storage.writing() as connection:
            connection.execute(runs.insert(), row)
        return run

    def beat(self, run: str, now: datetime) -> None:
        """Note that a runner still lives."""
        with self.storage.writing() as connection:
            connection.execute(update(runs).where(runs.c.run == run).values(beat=stamp(now)))

    def end_run(self, run: str, now: datetime) -> None:
        """Note that a runner has gone, of its own accord."""
        with self.storage.writing() as connection:
            connection.execute(update(runs).where(runs.c.run == run).values(ended=stamp(now)))

    def living_runs(self, now: datetime) -> frozenset[str]:
        """Runs that go on; the rows of those that were cut off are closed."""
        with self.storage.reading() as connection:
            rows = connection.execute(select(runs).where(runs.c.ended.is_(None))).all()
        living = frozenset(row.run for row in rows if _lives(row, now))
        for row in rows:
            if row.run not in living:
                self.end_run(row.run, now)
        return living

    # planning

    def planned_until(self, job: str, since: datetime, now: datetime) -> datetime:
        """Up to when the slots of a job are written down, as far as ``now`` knows.

        Parameters
        ----------
        job : str
        since : datetime
            When a job begins that the ledger does not know; nothing before it is ever due.
        now : datetime
            Earlier than what was written down, if the clock was set back.
        """
        first = {"job": job, "since": stamp(since), "planned_until": stamp(since)}
        with self.storage.writing() as connection:
            connection.execute(self.storage.insert(jobs).values(first).on_conflict_do_nothing())
            row = connection.execute(select(jobs).where(jobs.c.job == job)).one()
        return max(moment(row.since), min(moment(row.planned_until), now))

    def plan(self, job: str, found: Iterable[Slot], until: datetime) -> None:
        """Write slots down; those already there stay as they are."""
        rows = [
            {"job": job, "slot": slot.key, "instant": stamp(slot.instant), "state": "planned"}
            | {"changed": stamp(until)}
            for slot in found
        ]
        with self.storage.writing() as connection:
            if rows:
                connection.execute(self.storage.insert(slots).on_conflict_do_nothing(), rows)
            moved = update(jobs).where(jobs.c.job == job).values(planned_until=stamp(until))
            connection.execute(moved)

    def add(self, job: str, slot: Slot, now: datetime) -> None:
        """Write one slot down that is not due, or was before the job was known."""
        row = {"job": job, "slot": slot.key, "instant": stamp(slot.instant), "state": "planned"}
        with self.storage.writing() as connection:
            added = self.storage.insert(slots).values({**row, "changed": stamp(now)})
            connection.execute(added.on_conflict_do_nothing())

    def drop(self, job: str, keys: Iterable[str], state: State, cause: str, now: datetime) -> None:
        """Say of planned slots that they will not be made, and why."""
        with self.storage.writing() as connection:
            for key in keys:
                chosen = and_(_is(job, key), slots.c.state == "planned")
                values = {"state": state, "cause": cause, "changed": stamp(now)}
                connection.execute(update(slots).where(chosen).values(values))

    # reading

    def entries(
        self, job: str = "", *, states: Collection[str] = (), limit: int | None = None
    ) -> tuple[Entry, ...]:
        """What is known of slots, oldest first; of more than ``limit`` the latest."""
        query = select(slots).order_by(slots.c.instant.desc(), slots.c.job, slots.c.slot.desc())
        query = query.where(slots.c.job == job) if job else query
        query = query.where(slots.c.state.in_(states)) if states else query
        with self.storage.reading() as connection:
            rows = connection.execute(query.limit(limit) if limit else query).all()
        return tuple(_entry(row) for row in reversed(rows))

    def entry(self, job: str, key: str) -> Entry | None:
        """What is known of one slot."""
        with self.storage.reading() as connection:
            row = connection.execute(select(slots).where(_is(job, key))).one_or_none()
        return _entry(row) if row else None

    def tries(self, job: str, key: str) -> tuple[dict[str, Any], ...]:
        """The attempts at a slot, first to last."""
        chosen = and_(attempts.c.job == job, attempts.c.slot == key)
        query = select(attempts).where(chosen).order_by(attempts.c.attempt)
        with self.storage.reading() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    # one slot's way

    def claim(
        self, job: str, key: str, run: str, now: datetime, *, limit: int | None = None
    ) -> int | None:
        """Take a planned slot that may begin.

        Parameters
        ----------
        job, key, run : str
        now : datetime
        limit : int, optional
            So many may be under way on this machine, whoever is at them.

        Returns
        -------
        int or None
            The number of the attempt; None if others have it, or enough is under way.
        """
        when = or_(slots.c.not_before.is_(None), slots.c.not_before <= stamp(now))
        chosen = and_(_is(job, key), slots.c.state == "planned", when)
        if limit is not None:
            chosen = and_(chosen, _under_way() < limit)
        values = {"state": "running", "run": run, "changed": stamp(now), "not_before": None}
        with self.storage.writing() as connection:
            taken = update(slots).where(chosen)
            taken = taken.values(**values, attempts=slots.c.attempts + 1)
            if connection.execute(taken).rowcount != 1:
                return None
            query = select(slots.c.attempts).where(_is(job, key))
            number = int(connection.execute(query).scalar_one())
            row = {"job": job, "slot": key, "attempt": number, "run": run}
            row |= {"began": stamp(now), "outcome": "running"}
            connection.execute(attempts.insert(), row)
        return number

    def publishing(self, job: str, key: str, run: str, folder: str, now: datetime) -> bool:
        """Ask whether the slot is still ours, before its report appears in ``folder``."""
        values = {"state": "publishing", "folder": folder, "changed": stamp(now)}
        with self.storage.writing() as connection:
            return _moved(connection, job, key, run, values)

    def settle(
        self,
        connection: Connection,
        entry: Entry,
        *,
        state: State,
        outcome: str,
        cause: str,
        now: datetime,
        not_before: datetime | None = None,
        folder: str | None = None,
    ) -> bool:
        """Let go of a slot that ``entry.run`` holds, within a transaction; False if it is lost.

        Parameters
        ----------
        connection : sqlalchemy.Connection
            Of ``storage.writing()``: what else belongs to it lasts with it, or not at all.
        entry : Entry
            With the run that holds it and the number of its attempt.
        state : str
            The slot's; ``planned`` for another try, not before ``not_before``.
        outcome, cause : str
            The attempt's.
        now, not_before : datetime
        folder : str, optional
            Where it lies now; by default where it was to appear if it is done, else nowhere.
        """
        values: dict[str, Any] = {"state": state, "cause": cause, "run": None}
        values |= {"changed": stamp(now), "not_before": stamp(not_before) if not_before else None}
        if folder is not None or state != "done":
            values["folder"] = folder or ""
        if outcome == "interrupted":
            values["interrupted"] = slots.c.interrupted + 1
        if not _moved(connection, entry.job, entry.slot, entry.run, values):
            return False
        chosen = and_(
            attempts.c.job == entry.job,
            attempts.c.slot == entry.slot,
            attempts.c.attempt == entry.attempts,
        )
        ended = {"ended": stamp(now), "outcome": outcome, "cause": cause}
        connection.execute(update(attempts).where(chosen).values(ended))
        return True

    def reopen(self, job: str, key: str, now: datetime) -> bool:
        """Plan a slot again that was over; False if it is under way."""
        chosen = and_(_is(job, key), slots.c.state.in_((*FINAL, "planned")))
        values = {"state": "planned", "cause": "", "not_before": None, "changed": stamp(now)}
        with self.storage.writing() as connection:
            return connection.execute(update(slots).where(chosen).values(values)).rowcount == 1


def _is(job: str, key: str) -> ColumnElement[bool]:
    return and_(slots.c.job == job, slots.c.slot == key)


def _under_way() -> ScalarSelect[int]:
    """How many slots are under way on this machine."""
    held = slots.alias()
    here = select(runs.c.run).where(runs.c.host == _host())
    busy = and_(held.c.state.in_(("running", "publishing")), held.c.run.in_(here))
    return select(func.count()).select_from(held).where(busy).scalar_subquery()


def _moved(connection: Connection, job: str, key: str, run: str, values: dict[str, Any]) -> bool:
    """Change a slot that is under way and held by this run."""
    held = and_(_is(job, key), slots.c.run == run, slots.c.state.in_(("running", "publishing")))
    return connection.execute(update(slots).where(held).values(values)).rowcount == 1


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        job=row.job,
        slot=row.slot,
        instant=moment(row.instant),
        state=row.state,
        cause=row.cause,
        attempts=row.attempts,
        interrupted=row.interrupted,
        not_before=moment(row.not_before) if row.not_before else None,
        run=row.run or "",
        folder=row.folder,
        changed=moment(row.changed) if row.changed else None,
    )


def _host() -> str:
    """Where process numbers mean what they mean here: machine, its last start, container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{socket.gethostname()} {boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - no path
    except OSError:
        return socket.gethostname()


def _began(pid: int) -> float:
    """When a process began, in ticks since the machine did: no clock matters. 0 if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return 0.0
    status, *rest = text.rpartition(")")[2].split()
    return 0.0 if status == "Z" else float(rest[_STARTED])


def _lives(row: Row[Any], now: datetime) -> bool:
    """Whether a run goes on: its process is there, or its beat is young."""
    if row.host == _host() and _began(row.pid) != row.process_began:
        return False
    # A beat from the future is one from before the clock was set back.
    return abs(now - moment(row.beat)) <= LEASE
