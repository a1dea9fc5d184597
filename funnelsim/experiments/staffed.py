"""Seats that keep a promise: what they are, what they cost, and the evidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelsim.experiments.precision import mean_interval
from funnelsim.experiments.promises import Promise, Promises
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Block", "Seats"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Block:
    """Seats that are staffed together: a team, or one of its shifts.

    Parameters
    ----------
    team : str
    entry : int or None
        Place in the team's ``staff``; None where it has plain ``seats``.
    calendar : str
        Empty: always.
    seats : int
        Now.
    hours : float
        Hours of one seat in the observed window.
    price : float
        Of one seat over the window: minor units, or seat-hours.
    """

    team: str
    entry: int | None
    calendar: str
    seats: int
    hours: float
    price: float

    @property
    def path(self) -> str:
        """Where its seats stand in the scenario."""
        staff = "seats" if self.entry is None else f"staff.{self.entry}.seats"
        return f"teams.{self.team}.{staff}"


@dataclass(frozen=True, slots=True, eq=False)
class Seats:
    """How many seats keep the promises, and the evidence.

    Parameters
    ----------
    scenario : Scenario
        With these seats.
    now : Scenario
        As it was.
    blocks : tuple of Block
    needed : tuple of int
        By block.
    unit : str
        ``minor`` where every team has a cost per hour, else ``seat-hours``.
    promises : Promises
    shown, before : ndarray, shape (replications, promises + 1)
        What was promised, with these seats and with those of now, on replications that the
        search has not seen; last column: deals won.
    proven : bool
        Whether everything cheaper was tried or ruled out (taking for granted that a seat
        more never breaks a promise).
    tried : int
        Different seats simulated.
    """

    scenario: Scenario
    now: Scenario
    blocks: tuple[Block, ...]
    needed: tuple[int, ...]
    unit: str
    promises: Promises
    shown: Floats
    before: Floats
    proven: bool
    tried: int

    @property
    def cost(self) -> float:
        """Of the seats needed over the window, overtime left out."""
        return sum(n * b.price for n, b in zip(self.needed, self.blocks, strict=True))

    @property
    def cost_now(self) -> float:
        """Of the seats there are."""
        return sum(block.seats * block.price for block in self.blocks)

    @property
    def kept(self) -> bool:
        """Whether fresh luck shows every promise to be kept, and the deals."""
        fewer = self.promises.loses(self.shown[:, -1], self.before[:, -1])
        return all(self.promises.kept(self.shown)) and not fewer

    @property
    def table(self) -> pd.DataFrame:
        """One row per team and shift.

        team, entry (place in ``staff``, -1: plain seats), calendar, seats_now,
        seats_needed, change, hours (of one seat in the window), cost_now, cost_needed, unit
        (``minor`` or ``seat-hours``).
        """
        import pandas as pd

        rows = [
            {
                "team": block.team,
                "entry": -1 if block.entry is None else block.entry,
                "calendar": block.calendar,
                "seats_now": block.seats,
                "seats_needed": needed,
                "change": needed - block.seats,
                "hours": block.hours,
                "cost_now": block.seats * block.price,
                "cost_needed": needed * block.price,
                "unit": self.unit,
            }
            for block, needed in zip(self.blocks, self.needed, strict=True)
        ]
        return pd.DataFrame(rows)

    @property
    def evidence(self) -> pd.DataFrame:
        """One row per promise, and one for the deals won.

        promise, measure, unit, bound; value, lo, hi: mean and one-sided confidence limits,
        simultaneous over the promises; now: the mean with the seats of now; n, verdict
        (``kept``, ``broken``, ``cannot tell``). For the deals won the bound is what may not
        be lost, and the verdict compares pairs, which is sharper than their limits.
        """
        import pandas as pd

        return pd.DataFrame([self._row(i) for i in range(len(self.promises.asked) + 1)])

    def _row(self, index: int) -> dict[str, Any]:
        mean = mean_interval(self.shown[:, index], self.promises.level)
        now = mean_interval(self.before[:, index], self.promises.level).mean
        found: dict[str, Any] = {"value": mean.mean, "lo": mean.lo, "hi": mean.hi}
        found |= {"now": now, "n": mean.n}
        if index == len(self.promises.asked):
            return self._deals(now) | found | {"verdict": self._deals_verdict()}
        promise = self.promises.asked[index]
        said: dict[str, Any] = {"promise": promise.words(), "measure": promise.measure}
        said |= {"unit": promise.unit, "bound": promise.bound}
        return said | found | {"verdict": _verdict(promise, mean.lo, mean.hi)}

    def _deals(self, now: float) -> dict[str, Any]:
        """The promise to lose no more deals than allowed."""
        lose = self.promises.lose
        words = "" if lose is None else f"at most {lose:.0%} fewer deals are won than now"
        bound = math.nan if lose is None else (1 - lose) * now
        return {"promise": words, "measure": "won", "unit": "deals", "bound": bound}

    def _deals_verdict(self) -> str:
        won, before = self.shown[:, -1], self.before[:, -1]
        if self.promises.lose is None or np.isnan(before).all():
            return ""
        gap = self.promises.deals_kept(won, before)
        return "kept" if gap.lo >= 0 else "broken" if gap.hi < 0 else "cannot tell"

    def sentence(self, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """Say in one sentence what it takes.

        Parameters
        ----------
        lang : str
            Language of numbers and labels.
        text : callable
            Translates the words.

        Returns
        -------
        str
        """
        from funnelsim.experiments.seat_sentences import sentence

        return sentence(self, lang=lang, text=text)


def _verdict(promise: Promise, lo: float, hi: float) -> str:
    """Whether fresh luck shows it kept, or broken."""
    if promise.sense > 0:
        kept, broken = lo >= promise.bound, hi < promise.bound
    else:
        kept, broken = hi <= promise.bound, lo > promise.bound
    return "kept" if kept else "broken" if broken else "cannot tell"
