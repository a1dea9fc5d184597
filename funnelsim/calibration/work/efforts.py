"""Efforts: how long hands are on one kind of work in one stage, and how often it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.parts import Refusal, Settings
from funnelsim.calibration.stages.dwell import Dwell, dwell
from funnelsim.calibration.stages.shapes import Empirical
from funnelsim.calibration.stages.survival import Durations, curve
from funnelsim.events import EventLog
from funnelsim.measures.estimates import mean, wilson
from funnelsim.measures.journeys import MISSING, SECOND, micros, rows_of, window
from funnelsim.scenarios.evidence import Evidence
from funnelsim.scenarios.quantity import DurationSpec

__all__ = ["EffortPart", "effort_part"]

Floats = NDArray[np.float64]

FEWEST: Final = 20
"""Visits with it, below which the same holds."""
OFF: Final = 0.05
"""Share by which a family's mean may miss the observed one."""
SURE: Final = 0.995
"""Share of visits from which work counts as always done."""
HEAVIEST: Final = 20.0
"""Largest weight of a finished visit that stands for unfinished ones."""


@dataclass(frozen=True, slots=True, eq=False)
class EffortPart:
    """One kind of work in a stage.

    Parameters
    ----------
    stage, effort, team : str
        Ids.
    label : mapping
        What the log calls it, by language.
    duration : Part
        Hands-on time of visits with this work: all its pieces together.
    done : tuple of float
        Share of visits with it; visits that this rests on.
    extra : tuple of Evidence
        Share of visits with it, pieces a visit, mean of a piece.
    """

    stage: str
    effort: str
    team: str
    label: Mapping[str, str]
    duration: Dwell
    done: tuple[float, float]
    extra: tuple[Evidence, ...]

    @property
    def name(self) -> str:
        """``work/offer/call``."""
        return f"work/{self.stage}/{self.effort}"

    @property
    def always(self) -> bool:
        """Whether every visit has it."""
        return self.done[0] >= SURE

    @property
    def settings(self) -> Settings:
        """Team, duration, and the share of visits that need it if not all do."""
        return self._said(self.duration.shape.spec(), self.done[0])

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Of the duration, and of how often the work is done."""
        return (*self.duration.evidence, *self.extra)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """The same team, another duration and share."""
        share, n = self.done
        if not self.always:
            share = float(rng.beta(share * n + 0.5, (1 - share) * n + 0.5))
        return self._said(self.duration.shape.drawn(rng), share)

    def _said(self, duration: object, share: float) -> dict[tuple[str, ...], object]:
        at = ("stages", self.stage, "efforts", self.effort)
        found: dict[tuple[str, ...], object] = {
            (*at, "team"): self.team,
            (*at, "duration"): duration,
        }
        if not self.always:
            found[(*at, "share")] = min(max(round(share, 4), 0.0001), 0.9999)
        if self.label:
            found[(*at, "label")] = dict(self.label)
        return found


def effort_part(
    log: EventLog, stage: str, effort: str, work: pd.DataFrame
) -> tuple[EffortPart | None, Refusal | None]:
    """Estimate one kind of work of a stage.

    Parameters
    ----------
    log : EventLog
    stage, effort : str
        Ids.
    work : DataFrame
        Its pieces, from `pieces`.

    Returns
    -------
    part, refusal
        A refusal too where few visits have that work.

    Examples
    --------
    >>> from funnelsim.calibration.work.pieces import pieces
    >>> from funnelsim.measures.example import BANK
    >>> work = pieces(BANK, {})
    >>> part, refusal = effort_part(BANK, "interest", "call", work[work["row"] >= 0])
    >>> print(refusal)
    stages.interest.efforts.call.duration: Visits that have ended: 4; 20 are needed. ...
    """
    rows, weight = _finished(log, stage)
    done = work.groupby("row")["hands_on"].sum()
    spent = done.reindex(rows).to_numpy(dtype=float)
    some = ~np.isnan(spent)
    taken = np.maximum(spent[some], _least(work))
    at = ("stages", stage, "efforts", effort, "duration")
    whole = np.ones(len(taken), dtype=bool)
    seen = Durations(taken, whole, np.zeros(len(taken)), weight[some])
    part, refusal = dwell(f"work/{stage}/{effort}", at, seen)
    if part is None:
        return None, refusal
    part = _with_mean(part, seen)
    share = float(weight[some].sum() / weight.sum())
    done_in = (share, float(weight.sum() ** 2 / (weight**2).sum()))
    teams = work["team"].value_counts()
    label = _label(log, effort)
    extra = _extra(".".join(at[:-1]), done_in, len(rows), work, float(teams.iloc[0]) / len(work))
    return EffortPart(stage, effort, str(teams.index[0]), label, part, done_in, extra), refusal


def _least(work: pd.DataFrame) -> float:
    """Seconds that work takes at the least: half of what the clock of the log can tell."""
    ticks = work["started"].to_numpy()
    return next((unit / 2 for unit in (3600, 60) if not (ticks % (unit * SECOND)).any()), 0.5)


def _with_mean(part: Dwell, seen: Durations) -> Dwell:
    """The observed distribution in place of a family whose mean, and so the load, is wrong."""
    observed = float(seen.weight @ seen.time) / float(seen.weight.sum())
    error = float(seen.time.std()) / max(1.0, len(seen)) ** 0.5
    spec = DurationSpec.model_validate(part.shape.spec())
    mean = spec.quantiles(lambda length: length.microseconds() / SECOND).mean
    if abs(mean - observed) > max(OFF * observed, 2 * error) and len(seen) > FEWEST:
        part = replace(part, shape=Empirical(seen))
    margin = 1.96 * error
    row = Evidence(
        of=part.evidence[0].of,
        measure="mean",
        value=observed,
        unit="s",
        lo=max(0.0, observed - margin),
        hi=observed + margin,
        n=len(seen),
        method="weighted mean of visits with it, normal",
    )
    return replace(part, evidence=(*part.evidence, row))


def _finished(log: EventLog, stage: str) -> tuple[NDArray[np.intp], Floats]:
    """Finished visits of a stage (rows of the log), weighted for those not yet finished."""
    since, until = window(log)
    seen = np.maximum(since, micros(log.leads["observed_from"]))
    lead = rows_of(log.visits["lead_id"], log.leads)
    entered, left = (micros(log.visits[name]) for name in ("entered_at", "left_at"))
    mine = (log.visits["stage"] == stage).to_numpy() & (entered >= seen[lead])
    over = mine & (left != MISSING)
    stay = np.where(left == MISSING, until, left) - entered
    observed = Durations(
        stay[mine] / SECOND, ~over[mine], np.zeros(mine.sum()), np.ones(mine.sum())
    )
    rows = np.flatnonzero(over)
    if observed.ended.any():
        cut = curve(observed)
        before = np.append(1.0, cut.survival)
        place = np.searchsorted(cut.time, stay[rows] / SECOND, side="left")
        weight = 1 / np.maximum(before[place], 1 / HEAVIEST)
    else:
        weight = np.ones(len(rows))
    return rows, weight


def _extra(
    of: str, done: tuple[float, float], n: int, work: pd.DataFrame, main: float
) -> tuple[Evidence, ...]:
    """How often the work is done, in how many pieces, and how long one takes."""
    lo, hi = wilson(done[0], done[1], 0.95)
    single = mean(work["hands_on"].to_numpy(dtype=float), 0.95)
    each = len(work) / max(1, work["row"].nunique())
    note = f"{1 - main:.0%} of the pieces are done by other teams." if main < 0.99 else ""  # noqa: PLR2004
    method = "visits with it ÷ visits, weighted for those not over; Wilson"
    return (
        Evidence(
            of=f"{of}.share",
            measure="share",
            value=done[0],
            unit="share",
            lo=lo,
            hi=hi,
            n=n,
            method=method,
            note=note,
        ),
        Evidence(
            of=f"{of}.duration",
            measure="piece_mean",
            value=single.value,
            unit="s",
            lo=None if np.isnan(single.lo) else max(0.0, single.lo),
            hi=None if np.isnan(single.hi) else single.hi,
            n=single.n,
            method="Student t",
            note=f"{each:.2f} pieces in a visit that has any.",
        ),
    )


def _label(log: EventLog, effort: str) -> Mapping[str, str]:
    """What the log calls a kind of work."""
    names = {lasting_id(name): name for name in log.efforts["effort"].unique()}
    name = names.get(effort, effort)
    said = log.meta.labels.get(f"efforts.{name}", {})
    return said or ({"en": name} if name != effort else {})
