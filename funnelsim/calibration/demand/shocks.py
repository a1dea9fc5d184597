"""Shocks: luck that leads share because they live in the same month or week."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from funnelsim.calibration.parts import Part, Refusal, Settings
from funnelsim.calibration.unevenness import LARGEST, Unevenness
from funnelsim.events import EventLog
from funnelsim.measures.journeys import SECOND, micros, stage_ids, window
from funnelsim.messages import Message
from funnelsim.scenarios.evidence import Evidence

__all__ = ["SMALLEST", "ShockPart", "shared_luck", "shock_parts"]

FEWEST_MONTHS: Final = 6
FEWEST_WEEKS: Final = 8
DOUBTFUL_WEEKS: Final = 4
"""Weeks from which on drawn scenarios hold luck that so few could not show."""
FEWEST_VISITS: Final = 100
"""Decided visits that a stage needs to take part."""
STRATA: Final = 10
"""Groups by length of stay within which visits are compared."""
SMALLEST: Final = 0.02
"""Coefficient of variation below which a shock changes nothing."""
LEAST: Final = 0.001
NOTES: Final = {
    "stages": "On the odds of advancing, given how long visits lasted.",
    "sources": "On the rates of all sources together.",
}
LIKELY: Final = 0.05
"""Level at which a stage by itself shows shared luck."""


@dataclass(frozen=True, slots=True)
class ShockPart:
    """A factor per period on the rates of sources or on the odds of advancing.

    Luck that the data does not show, and does not exclude either, is not in the scenario; it
    is in the scenarios drawn.

    Parameters
    ----------
    id : str
        ``market``, ``rest`` or ``demand``.
    period : str
        ``month`` or ``week``.
    on : str
        ``stages`` or ``sources``.
    members : tuple of str
        Those whose odds or rates it multiplies.
    cv, lo, hi : float
        Coefficient of variation with its 95 % interval; below 2 % it is not shown.
    n : int
        Visits or leads in the periods.
    uneven : Unevenness
        The periods' log odds or log rates.
    """

    id: str
    period: str
    on: Literal["stages", "sources"]
    members: tuple[str, ...]
    cv: float
    lo: float
    hi: float
    n: int
    uneven: Unevenness

    @property
    def name(self) -> str:
        """``shock/market``."""
        return f"shock/{self.id}"

    @property
    def settings(self) -> Settings:
        """The shock as it stands in a scenario, if the data shows one."""
        return self._with(self.cv) if self.cv >= SMALLEST else {}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Its coefficient of variation, if the data shows any."""
        if self.cv < SMALLEST:
            return ()
        found = Evidence(
            of=f"shocks.{self.id}.cv",
            measure="cv",
            value=self.cv,
            unit="ratio",
            lo=self.lo,
            hi=self.hi,
            n=self.n,
            method=f"moments over {len(self.uneven)} periods; generalised Q",
            note=NOTES[self.on],
        )
        return (found,)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """A shock with a cv drawn from what the data leaves open."""
        return self._with(math.sqrt(math.expm1(self.uneven.drawn(rng) ** 2)))

    def _with(self, cv: float) -> Settings:
        at = ("shocks", self.id)
        return {
            (*at, "period"): self.period,
            (*at, "cv"): float(f"{min(max(cv, LEAST), LARGEST):.4g}"),
            (*at, self.on): list(self.members),
        }


def shock_parts(log: EventLog) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Estimate how much leads share the luck of their month (or week).

    Visits that ended are compared within their stage and with visits that lasted about as
    long, so that a young log, in which only short visits can have ended, feigns nothing. What
    then still varies from period to period beyond chance is the factor on the odds.

    Parameters
    ----------
    log : EventLog
        Full history; six months or eight weeks to show any, four weeks to doubt.

    Returns
    -------
    parts, refusals : tuple of Part, tuple of Refusal
        ``shock/market``, unless there is nothing to compare; where the data shows no shared
        luck, a refusal says so, and only scenarios drawn have some. So do stages that show
        none while others do: ``shock/rest``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> print(shock_parts(BANK)[1][0])
    shocks.market: Days of history: 3; 6 months or 4 weeks are needed. ...
    """
    period = _period(log)
    if not period:
        since, until = window(log)
        days = math.ceil((until - since) / SECOND / 86_400)
        why = Message(
            "Days of history: {n}; {months} months or {weeks} weeks are needed.",
            n=days,
            months=FEWEST_MONTHS,
            weeks=DOUBTFUL_WEEKS,
        )
        return (), (_refusal(why),)
    decided = _decided(log, period)
    by_stage = {str(stage): _by_period(rows) for stage, rows in decided.groupby("stage")}
    if log.meta.history != "full" or not by_stage:
        why = Message("No stage has {n} visits whose way out is known.", n=FEWEST_VISITS)
        return (), (_refusal(why),)
    own = [
        stage
        for stage, one in by_stage.items()
        if len(one) >= FEWEST_MONTHS and one.chance() < LIKELY
    ]
    stages = [stage for stage in stage_ids(log) if stage in (own or by_stage)]
    rows = decided[decided["stage"].isin(stages)]
    uneven = _by_period(rows)
    few = len(uneven) < (FEWEST_WEEKS if period == "week" else FEWEST_MONTHS)
    if len(uneven) < DOUBTFUL_WEEKS:
        why = Message("Visits ended in few weeks or months only: {n}.", n=len(uneven))
        return (), (_refusal(why),)
    cv, lo, hi = (0.0, 0.0, uneven.cv()[2]) if few else uneven.cv()
    part = ShockPart("market", period, "stages", tuple(stages), cv, lo, hi, len(rows), uneven)
    parts = (part, *_rest(decided, period, [stage for stage in by_stage if stage not in stages]))
    if cv >= SMALLEST:
        return parts, ()
    why = Message(
        "Visits in {n} months or weeks show no luck that leads share: {visits}; a cv up to {cv} "
        "would not show.",
        n=len(uneven),
        visits=len(rows),
        cv=float(hi),
    )
    return parts, (_refusal(why),)


def _rest(decided: pd.DataFrame, period: str, stages: list[str]) -> tuple[ShockPart, ...]:
    """Luck of the stages that show none: for drawn scenarios only."""
    rows = decided[decided["stage"].isin(stages)]
    uneven = _by_period(rows)
    if len(uneven) < DOUBTFUL_WEEKS:
        return ()
    high = uneven.cv()[2]
    return (ShockPart("rest", period, "stages", tuple(stages), 0, 0, high, len(rows), uneven),)


def shared_luck(parts: Iterable[Part]) -> dict[str, Unevenness]:
    """Stages with shared luck: how much it differs from period to period.

    Parameters
    ----------
    parts : iterable of Part

    Returns
    -------
    dict
        By stage; those without are left out.
    """
    found = [part for part in parts if isinstance(part, ShockPart) and part.on == "stages"]
    return {stage: part.uneven for part in found for stage in part.members}


def _refusal(why: Message) -> Refusal:
    instead = Message(
        "Leads are independent in the scenario; only drawn scenarios share some luck."
    )
    return Refusal("shocks.market", why, instead, Message("Take a longer history."))


def _period(log: EventLog) -> str:
    """Months if there are enough of them, else weeks; empty if neither."""
    since, until = window(log)
    days = (until - since) / SECOND / 86_400
    if days >= 30 * FEWEST_MONTHS:
        return "month"
    return "week" if days >= 7 * DOUBTFUL_WEEKS else ""


def _decided(log: EventLog, period: str) -> pd.DataFrame:
    """Visits that ended in the window: stage, period, whether they advanced, and expected."""
    since, _ = window(log)
    visits = log.visits[log.visits["next_stage"].notna() & log.visits["left_at"].notna()]
    left, entered = micros(visits["left_at"]), micros(visits["entered_at"])
    local = visits["left_at"].dt.tz_convert(log.meta.time_zone).dt.tz_localize(None)
    table = pd.DataFrame(
        {
            "stage": visits["stage"].to_numpy(),
            "period": local.dt.to_period("M" if period == "month" else "W").to_numpy(),
            "stay": left - entered,
            "on": (visits["next_stage"] == visits["stage"].map(_advances(log))).to_numpy(float),
        }
    )[left >= since]
    size = table.groupby("stage")["on"].transform("size")
    share = table.groupby("stage")["on"].transform("mean")
    table = table[(size >= FEWEST_VISITS) & (share > 0.02) & (share < 0.98)]  # noqa: PLR2004
    if table.empty:
        return table.assign(expected=0.0)
    rank = table.groupby("stage")["stay"].rank(pct=True, method="average")
    strata = np.minimum(np.ceil(rank * STRATA), STRATA)
    return table.assign(expected=table.groupby([table["stage"], strata])["on"].transform("mean"))


def _advances(log: EventLog) -> dict[str, str]:
    """The way out of each stage that counts as progress, as far as it is taken."""
    infos = {info.id: info for info in log.meta.stages}
    order = stage_ids(log)
    taken = set(zip(log.visits["stage"], log.visits["next_stage"], strict=True))
    found = {}
    for place, stage in enumerate(order):
        named = [infos[stage].advance] if stage in infos and infos[stage].advance else []
        later = [s for s in order[place + 1 :] if s not in infos or infos[s].outcome != "lost"]
        ways = [str(way) for way in (*named, *later) if (stage, way) in taken]
        if ways:
            found[stage] = ways[0]
    return found


def _by_period(rows: pd.DataFrame) -> Unevenness:
    """Shift of the log odds in each period, and its precision."""
    residual = rows["on"] - rows["expected"]
    sums = pd.DataFrame(
        {
            "period": rows["period"],
            "score": residual,
            "weight": rows["expected"] * (1 - rows["expected"]),
        }
    )
    table = sums.groupby("period").sum()
    table = table[table["weight"] > 1]
    shift, weight = table["score"] / table["weight"], table["weight"]
    return Unevenness(tuple(shift.tolist()), tuple(weight.tolist()))
