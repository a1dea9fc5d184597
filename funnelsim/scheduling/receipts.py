"""What became of sending a report to one target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Receipt", "ReceiptState"]

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
