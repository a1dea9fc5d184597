"""The few facts that page 1 is about, without words; `gathering` finds them in a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "BUSY",
    "Busy",
    "Earned",
    "Empty",
    "Estimate",
    "Facts",
    "Leak",
    "Limit",
    "Slowest",
    "Stuck",
    "TimeSplit",
    "limit",
]

Limit = Literal["people", "delay", "conversion"]

# From here on a queue grows faster than the work in it (ρ ÷ (1 − ρ) is 5.7 at 85 %).
BUSY = 0.85
# Share of a lead's time, or of losses, from which on it is the main thing.
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval (NaN where there is none)."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class Leak:
    """The stage that loses most leads, and the commonest reason there."""

    stage: str
    entered: int
    lost: int
    share_of_losses: float
    reason: str = ""
    reason_lost: int = 0


@dataclass(frozen=True, slots=True)
class Stuck:
    """The stage in which leads spend most of their time."""

    stage: str
    share_of_time: float
    median: Estimate


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Where an undecided lead's time goes; shares that sum to 1."""

    work: float
    wait: float
    delay: float


@dataclass(frozen=True, slots=True)
class Busy:
    """The busiest team, where the log says when teams were staffed."""

    team: str
    utilisation: float

    @property
    def overloaded(self) -> bool:
        """Whether it is 85 % or more, as a reader sees it: in whole per cent."""
        return round(self.utilisation, 2) >= BUSY


@dataclass(frozen=True, slots=True)
class Slowest:
    """The team whose work waits longest: 80 % of it is begun within so many seconds."""

    team: str
    wait: Estimate


@dataclass(frozen=True, slots=True)
class Earned:
    """Money won, minor units of the log's currency, and the number of leads it came from."""

    value: int
    leads: int


@dataclass(frozen=True, slots=True)
class Empty:
    """A simulation that began empty so many seconds before the window; wins take longer."""

    before: float
    wins_within: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What page 1 is about.

    Parameters
    ----------
    leads, won, lost, other, open : int
        The cohort: leads that arrived in the window, by outcome so far.
    days : float
        Length of the window.
    win_rate, cycle : Estimate
        Share of leads that win, open ones taken into account; median time from
        arrival to closing, seconds.
    closed_only : float
        The wrong win rate that leaves open leads out.
    leak, stuck, split, busiest : optional
        None where the log cannot say.
    timed_out : float
        Share of exits from stages without advancing that were time-outs.
    slowest : Slowest or None
        The team whose work waits longest.
    earned : Earned or None
        Money won in the window, whenever the leads arrived.
    empty : Empty or None
        Where a simulation began too late to have filled up when the window begins.
    """

    leads: int
    days: float
    won: int
    lost: int
    other: int
    open: int
    win_rate: Estimate
    cycle: Estimate
    closed_only: float
    leak: Leak | None
    stuck: Stuck | None
    split: TimeSplit | None
    busiest: Busy | None
    timed_out: float
    slowest: Slowest | None
    earned: Earned | None
    empty: Empty | None = None


def limit(facts: Facts) -> Limit:
    """Decide what limits the wins: people, delay or conversion.

    People, if the busiest team works 85 % or more of its staffed time, or leads spend
    half of their time waiting for somebody. Else delay, if half or more of the leads
    that did not go on ran out of time. Else conversion.

    Parameters
    ----------
    facts : Facts

    Returns
    -------
    {"people", "delay", "conversion"}

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.review.gathering import gather
    >>> limit(gather(BANK))
    'conversion'
    """
    overloaded = facts.busiest is not None and facts.busiest.overloaded
    queueing = facts.split is not None and facts.split.wait >= HALF
    if overloaded or queueing:
        return "people"
    return "delay" if facts.timed_out >= HALF else "conversion"
