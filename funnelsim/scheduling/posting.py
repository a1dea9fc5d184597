"""Sending what is to be sent: reports and notices of failure, each target by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from funnelsim.scheduling.attempting import Workshop
from funnelsim.scheduling.causes import why
from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.postbook import Parcel
from funnelsim.scheduling.receipts import Announce, Deliver, Receipt

__all__ = ["Post", "post"]


@dataclass(frozen=True)
class Post:
    """How things are sent.

    Parameters
    ----------
    deliver, announce : callable
        Send a report; send the notice of a failure.
    settings : object
        Theirs: mail server, secrets.
    """

    deliver: Deliver
    announce: Announce
    settings: Any

    @classmethod
    def usual(cls) -> Post:
        """Mail, folders and webhooks, set up by the environment.

        Raises
        ------
        ParameterError
            All that is wrong with the settings.
        """
        from funnelsim.scheduling.delivery import Settings, announce_failure, deliver

        return cls(deliver, announce_failure, Settings.read())


def post(shop: Workshop, job: Job, by: Post) -> tuple[tuple[Parcel, Receipt], ...]:
    """Send all that waits for a job, without making any report anew.

    Parameters
    ----------
    shop : Workshop
    job : Job
    by : Post

    Returns
    -------
    tuple of (Parcel, Receipt)
        In the order they were sent. A parcel is noted before it is sent and after: cut off in
        between, nobody can know, and only that one target is in doubt.
    """
    again = job.deliver.if_unknown == "retry"
    book, done = shop.postbook, []
    for parcel in book.waiting(job.name, shop.clock(), again=again):
        if shop.stop.is_set():
            break
        if book.take(parcel, shop.run, shop.clock(), again=again):
            receipts = _sent(shop, job, by, parcel)
            done.append((parcel, book.note(parcel, receipts, shop.run, shop.clock())))
    return tuple(done)


def _sent(shop: Workshop, job: Job, by: Post, parcel: Parcel) -> list[Receipt]:
    """Receipts of one parcel; what the carrier raises is a failure."""
    entry = shop.ledger.entry(parcel.job, parcel.slot)
    if entry is None:
        return []
    identity = shop.ledger.storage.identity
    only = {parcel.target}
    try:
        if parcel.what == "failure":
            return list(
                by.announce(
                    job,
                    entry.cause.splitlines(),
                    message_id=f"{identity}/{parcel.job}/{parcel.slot}/{entry.attempts}",
                    settings=by.settings,
                    slot=parcel.slot,
                    draft=shop.out / entry.folder if entry.folder else "",
                    only=only,
                )
            )
        return list(
            by.deliver(
                job,
                shop.out / entry.folder,
                message_id=f"{identity}/{entry.folder}",
                settings=by.settings,
                only=only,
            )
        )
    except Exception as error:  # noqa: BLE001 - one that cannot be served must not stop the rest
        return [Receipt(parcel.target, "failed", why(error))]
