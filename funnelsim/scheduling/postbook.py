"""The post book: to whom a report or its failure has gone, and what is still to be sent.

A delivery is *pending*, then *sending*, then *delivered*, *failed* (sent again later) or
*unknown* (nobody can know if it was taken). One that was being sent when its runner was cut
off is unknown too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import and_, or_, select, update

from funnelsim.scheduling.receipts import Receipt
from funnelsim.scheduling.schema import deliveries, moment, stamp

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from funnelsim.scheduling.storage import Storage

__all__ = ["TRIES", "Parcel", "Postbook", "What"]

What = Literal["report", "failure"]
TRIES = 8
"""So often one thing is sent to one target at most."""
_FIRST = timedelta(minutes=5)
_LONGEST = timedelta(hours=6)
_CUT_OFF = "the runner was stopped while it was being sent"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent, for which slot, and to whom.

    Parameters
    ----------
    job, slot : str
    what : {"report", "failure"}
    target : str
    """

    job: str
    slot: str
    what: What
    target: str


class Postbook:
    """Deliveries of all jobs.

    Parameters
    ----------
    storage : Storage
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def expect(
        self,
        connection: Connection,
        job: str,
        slot: str,
        what: What,
        targets: Iterable[str],
        now: datetime,
    ) -> None:
        """Note what has to be sent, within the transaction that makes it so."""
        fresh = {"state": "pending", "detail": "", "attempts": 0, "run": None}
        fresh |= {"not_before": stamp(now), "changed": stamp(now)}
        for target in targets:
            row = {"job": job, "slot": slot, "what": what, "target": target, **fresh}
            added = self.storage.insert(deliveries).values(row)
            keys = ["job", "slot", "what", "target"]
            connection.execute(added.on_conflict_do_update(index_elements=keys, set_=fresh))

    def waiting(self, job: str, now: datetime, *, again: bool) -> tuple[Parcel, ...]:
        """What of a job is to be sent now.

        Parameters
        ----------
        job : str
        now : datetime
        again : bool
            Whether what is *unknown* is sent again.
        """
        due = and_(deliveries.c.job == job, _due(now, again=again))
        query = select(deliveries).where(due)
        query = query.order_by(deliveries.c.slot, deliveries.c.what, deliveries.c.target)
        with self.storage.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(Parcel(row.job, row.slot, row.what, row.target) for row in rows)

    def take(self, parcel: Parcel, run: str, now: datetime, *, again: bool) -> bool:
        """Take a parcel to send it; False if another runner has."""
        values = {"state": "sending", "run": run, "changed": stamp(now)}
        taken = update(deliveries).where(and_(_is(parcel), _due(now, again=again)))
        taken = taken.values(**values, attempts=deliveries.c.attempts + 1)
        with self.storage.writing() as connection:
            return connection.execute(taken).rowcount == 1

    def note(self, parcel: Parcel, receipts: Sequence[Receipt], run: str, now: datetime) -> Receipt:
        """Write down what became of a parcel; without a receipt it has failed."""
        silent = Receipt(parcel.target, "failed", "nothing was heard of it")
        receipt = next((each for each in receipts if each.target == parcel.target), silent)
        chosen = and_(_is(parcel), deliveries.c.run == run)
        with self.storage.writing() as connection:
            tried = connection.execute(select(deliveries.c.attempts).where(chosen)).scalar()
            again = _next(now, tried or 1) if receipt.state != "delivered" else None
            values = {"state": receipt.state, "detail": receipt.detail, "run": None}
            values |= {"not_before": again, "changed": stamp(now)}
            connection.execute(update(deliveries).where(chosen).values(values))
        return receipt

    def recover(self, living: Collection[str], now: datetime) -> int:
        """Say of what was being sent by runners that have gone that nobody can know."""
        lost = and_(
            deliveries.c.state == "sending",
            or_(deliveries.c.run.is_(None), deliveries.c.run.not_in(living)),
        )
        values = {"state": "unknown", "detail": _CUT_OFF, "run": None}
        values |= {"not_before": stamp(now), "changed": stamp(now)}
        with self.storage.writing() as connection:
            return connection.execute(update(deliveries).where(lost).values(values)).rowcount

    def entries(self, job: str = "", slot: str = "") -> tuple[dict[str, Any], ...]:
        """What is known of deliveries: target, state, detail, attempts, next try."""
        query = select(deliveries).order_by(
            deliveries.c.job, deliveries.c.slot, deliveries.c.what, deliveries.c.target
        )
        query = query.where(deliveries.c.job == job) if job else query
        query = query.where(deliveries.c.slot == slot) if slot else query
        with self.storage.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(
            {key: value for key, value in row.items() if key != "run"}
            | {"next_try": moment(row["not_before"]) if row["not_before"] else None}
            for row in rows
        )


def _is(parcel: Parcel) -> ColumnElement[bool]:
    return and_(
        deliveries.c.job == parcel.job,
        deliveries.c.slot == parcel.slot,
        deliveries.c.what == parcel.what,
        deliveries.c.target == parcel.target,
    )


def _due(now: datetime, *, again: bool) -> ColumnElement[bool]:
    states = ("pending", "failed", "unknown") if again else ("pending", "failed")
    return and_(deliveries.c.state.in_(states), deliveries.c.not_before <= stamp(now))


def _next(now: datetime, tried: int) -> str | None:
    """When to try again; None when it has been enough."""
    if tried >= TRIES:
        return None
    return stamp(now + min(_FIRST * 2 ** (tried - 1), _LONGEST))
