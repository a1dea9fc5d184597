"""What each format can hold, and so what a round trip through it can bring back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.raw import History

__all__ = ["CrmFormat", "Holds"]

Resolution = Literal["microseconds", "seconds", "minutes", "days", "none"]


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format can hold.

    Parameters
    ----------
    history : {"full", "latest_entry", "snapshot"}
        Every entry of a stage, the latest of each stage, or only the present stage.
    times : {"microseconds", "seconds", "minutes", "days", "none"}
        How finely times are written.
    closed : same
        How finely the time of closing is written.
    zone : {"local", "UTC", "offset"}
        What the times are; local ones repeat an hour in autumn.
    closing_stages : {"own", "one", "status"}
        Each won and lost stage by its name, one of each, or only a status beside the
        last open stage.
    after_closing : bool
        What happens after a deal was closed.
    reasons, values, currencies, owners, customers, sources, products, segments : bool
        Of the deal.
    efforts, marks : bool
        Work with its queueing, start and end; marks besides won and lost.
    """

    history: History
    times: Resolution
    closed: Resolution
    zone: Literal["local", "UTC", "offset"] = "local"
    closing_stages: Literal["own", "one", "status"] = "own"
    after_closing: bool = False
    reasons: bool = True
    values: bool = True
    currencies: bool = True
    owners: bool = True
    customers: bool = True
    sources: bool = True
    products: bool = True
    segments: bool = True
    efforts: bool = False
    marks: bool = False


@dataclass(frozen=True, slots=True)
class CrmFormat:
    """How one CRM exports.

    Parameters
    ----------
    id : str
    label : str
        The CRM's name.
    holds : Holds
    deal_id : callable
        The CRM's id of the nth deal.
    closed : mapping or None
        What it calls stages that win and that lose; None: as the firm names them.
    write : callable
        What the CRM shows → name of each file and its bytes.
    numbered : bool
        Whether it puts a number before the names of stages.
    """

    id: str
    label: str
    holds: Holds
    deal_id: Callable[[int], str]
    closed: Mapping[str, str] | None  # by outcome
    write: Callable[[State], Mapping[str, bytes]]
    numbered: bool = False

    @property
    def closing(self) -> Callable[[str, str, bool], str] | None:
        """How it names stages that win or lose, as `book.book_of` asks."""
        words = self.closed
        if words is None:
            return None
        apart = self.holds.closing_stages == "own"

        def name(own: str, outcome: str, several: bool) -> str:  # noqa: FBT001
            return f"{words[outcome]}: {own}" if several and apart else words[outcome]

        return name
