"""What became of sending a report to one target."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from funnelsim.scheduling.jobs import Job

__all__ = ["Announce", "Deliver", "Receipt", "ReceiptState"]

ReceiptState = Literal["delivered", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one delivery.

    Parameters
    ----------
    target : str
        As ``Delivery.targets`` of the job names it: ``mail:anna@example.com``,
        ``folder:/mnt/reports``, ``webhook:SALES_CHANNEL``; never a secret.
    state : {"delivered", "failed", "unknown"}
        ``unknown``: the connection was lost when the message may already have been taken.
    detail : str
        What the other side said, in one sentence, without secrets.

    Examples
    --------
    >>> Receipt("mail:anna@example.com", "failed", "the server refused the login").state
    'failed'
    """

    target: str
    state: ReceiptState
    detail: str = ""


class Deliver(Protocol):
    """Takes a finished report to the targets of its job; what ``delivery.deliver`` does."""

    def __call__(
        self,
        job: Job,
        report_folder: Path,
        *,
        message_id: str,
        settings: Any,  # noqa: ANN401 - the carrier's own
        only: Collection[str] | None,
    ) -> Sequence[Receipt]:
        """One receipt a target; what goes wrong with one stands in its receipt."""


class Announce(Protocol):
    """Says that a slot has no report, and why; what ``delivery.announce_failure`` does."""

    def __call__(
        self,
        job: Job,
        causes: Sequence[str],
        *,
        message_id: str,
        settings: Any,  # noqa: ANN401 - the carrier's own
        slot: str,
        draft: str | Path,
        only: Collection[str] | None,
    ) -> Sequence[Receipt]:
        """One receipt for each of ``Delivery.told_of_failure``."""
