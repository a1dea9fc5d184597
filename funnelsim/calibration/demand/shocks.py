"""Shocks: luck that leads share because they live in the same month or week."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.parts import Part, Refusal, Settings
from funnelsim.events import EventLog
from funnelsim.measures.journeys import SECOND, micros, stage_ids, window
from funnelsim.scenarios.evidence import Evidence

__all__ = ["ShockPart", "shock_parts"]

Floats = NDArray[np.float64]

FEWEST_MONTHS: Final = 6
FEWEST_WEEKS: Final = 8
FEWEST_VISITS: Final = 100
"""Decided visits that a stage needs to take part."""
STRATA: Final = 10
"""Groups by length of stay within which visits are compared."""
SMALLEST: Final = 0.02
"""Coefficient of variation below which a shock changes nothing."""
LARGEST: Final = 3.0
LIKELY: Final = 0.05
"""Level at which a stage by itself shows shared luck."""


@dataclass(frozen=True, slots=True)
class ShockPart:
    """A factor per period on the odds of advancing.

    Parameters
    ----------
    period : str
        ``month`` or ``week``.
    stages : tuple of str
        Whose odds it multiplies.
    cv, lo, hi : float
        Coefficient of variation with its 95 % interval.
    periods, n : int
        Periods, and visits that ended in them.
    """

    period: str
    stages: tuple[str, ...]
    cv: float
    lo: float
    hi: float
    periods: int
    n: int

    @property
    def name(self) -> str:
        """``shock/market``."""
        return "shock/market"

    @property
    def settings(self) -> Settings:
        """The shock as it stands in a scenario."""
        return self._with(self.cv)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Its coefficient of variation."""
        found = Evidence(
            of="shocks.market.cv",
            measure="cv",
            value=self.cv,
            unit="ratio",
            lo=self.lo,
            hi=self.hi,
            n=self.n,
            method=f"moments over {self.periods} periods; generalised Q",
            note="On the odds of advancing, given how long visits lasted.",
        )
        return (found,)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """The same with a cv drawn from its uncertainty."""
        z = float(rng.standard_normal())
        side = (self.hi - self.cv) if z > 0 else (self.cv - self.lo)
        return self._with(self.cv + z * side / 1.96)

    def _with(self, cv: float) -> Settings:
        at = ("shocks", "market")
        return {
            (*at, "period"): self.period,
            (*at, "cv"): float(f"{min(max(cv, 0.001), LARGEST):.4g}"),
            (*at, "stages"): list(self.stages),
        }


def shock_parts(log: EventLog) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Estimate how much leads share the luck of their month (or week).

    Visits that ended are compared within their stage and with visits that lasted about as
    long, so that a young log, in which only short visits can have ended, feigns nothing. What
    then still varies from period to period beyond chance is the factor on the odds.

    Parameters
    ----------
    log : EventLog
        Full history, six months or eight weeks at least.

    Returns
    -------
    parts, refusals : tuple of Part, tuple of Refusal
        ``shock/market``, if there is any.

    References
    ----------
    DerSimonian & Laird (1986), Controlled Clinical Trials 7: 177-188 (moments); Viechtbauer
    (2007), Statistics in Medicine 26: 37-52 (interval by the generalised Q statistic).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> print(shock_parts(BANK)[1][0])
    shocks.market: 3 days are too short: 6 months or 8 weeks are needed. ...
    """
    period = _period(log)
    if not period:
        since, until = window(log)
        days = math.ceil((until - since) / SECOND / 86_400)
        why = (
            f"{days} days are too short: {FEWEST_MONTHS} months or {FEWEST_WEEKS} weeks are needed."
        )
        return (), (_refusal(why),)
    decided = _decided(log, period)
    by_stage = {stage: _by_period(rows) for stage, rows in decided.groupby("stage")}
    if log.meta.history != "full" or not by_stage:
        why = f"No stage has {FEWEST_VISITS} visits whose way out is known."
        return (), (_refusal(why),)
    own = [str(stage) for stage, table in by_stage.items() if _chance(*table) < LIKELY]
    stages = [stage for stage in stage_ids(log) if stage in (own or by_stage)]
    rows = decided[decided["stage"].isin(stages)]
    score, weight = _by_period(rows)
    if (len(score) < FEWEST_WEEKS and period == "week") or len(score) < FEWEST_MONTHS:
        return (), (_refusal(f"Visits ended in {len(score)} {period}s only."),)
    spread, lo, hi = _spread(score, weight)
    cv, cv_lo, cv_hi = (min(LARGEST, math.sqrt(math.expm1(one))) for one in (spread, lo, hi))
    if cv < SMALLEST:
        why = (
            f"{len(rows):,} visits in {len(score)} {period}s show no luck that leads share; "
            f"a cv up to {cv_hi:.2f} would not show."
        )
        return (), (_refusal(why),)
    return (ShockPart(period, tuple(stages), cv, cv_lo, cv_hi, len(score), len(rows)),), ()


def _refusal(why: str) -> Refusal:
    instead = "Leads are independent in the scenario; sums look surer than they are."
    return Refusal("shocks.market", why, instead, "Take a longer history.")


def _period(log: EventLog) -> str:
    """Months if there are enough of them, else weeks; empty if neither."""
    since, until = window(log)
    days = (until - since) / SECOND / 86_400
    if days >= 30 * FEWEST_MONTHS:
        return "month"
    return "week" if days >= 7 * FEWEST_WEEKS else ""


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


def _by_period(rows: pd.DataFrame) -> tuple[Floats, Floats]:
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
    return (table["score"] / table["weight"]).to_numpy(), table["weight"].to_numpy()


def _chance(score: Floats, weight: Floats) -> float:
    """How likely chance alone makes periods differ as much."""
    from scipy.special import chdtrc

    if len(score) < FEWEST_MONTHS:
        return 1.0
    return float(chdtrc(len(score) - 1, _statistic(0.0, score, weight)))


def _statistic(spread: float, score: Floats, weight: Floats) -> float:
    """Cochran's Q with the variance between periods taken in."""
    precision = 1 / (spread + 1 / weight)
    middle = float(precision @ score) / float(precision.sum())
    return float(precision @ (score - middle) ** 2)


def _spread(score: Floats, weight: Floats) -> tuple[float, float, float]:
    """Variance of the log odds between periods, and its 95 % interval."""
    from scipy.optimize import brentq
    from scipy.special import chdtri

    free = len(score) - 1

    def solved(target: float) -> float:
        if _statistic(0.0, score, weight) <= target:
            return 0.0
        high = 1.0
        while _statistic(high, score, weight) > target:
            high *= 4
        return float(brentq(lambda s: _statistic(s, score, weight) - target, 0.0, high))

    return solved(free), solved(float(chdtri(free, 0.025))), solved(float(chdtri(free, 0.975)))
