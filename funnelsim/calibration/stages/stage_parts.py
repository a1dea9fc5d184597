"""Parts of stages: their delays and their ways out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from funnelsim.calibration.cleaning.spelling import length
from funnelsim.calibration.parts import Part, Refusal, Settings
from funnelsim.calibration.stages.dwell import dwell
from funnelsim.calibration.stages.pace import pace
from funnelsim.calibration.stages.routes import Routes, routes
from funnelsim.calibration.stages.stage_work import Clock, delays
from funnelsim.calibration.stages.survival import Durations
from funnelsim.calibration.stages.unclosed import Unclosed, cleared
from funnelsim.calibration.stages.visits import DAY, StageVisits
from funnelsim.events import EventLog
from funnelsim.measures.journeys import stage_ids, window
from funnelsim.messages import Message
from funnelsim.scenarios.evidence import Evidence

__all__ = ["Assumed", "Stale", "stage_parts"]

Stale = Literal["lost", "open"]
"""What open visits are that last longer than stays that end explain."""

AFTER: Final = ("delay_after",)
LOOPS: Final = Refusal(
    "stages.*.next",
    Message("Only the latest entry is on record: a stage entered again hides earlier visits."),
    Message("Ways back stand in the scenario only where they could be seen."),
    Message("Export the whole history of stages."),
)


@dataclass(frozen=True, slots=True)
class Assumed:
    """A stage that nobody has left yet: nothing is known but that it takes long.

    Parameters
    ----------
    stage : str
    to : str
        Where all go.
    exposure : float
        Seconds spent in it so far, by all together.
    """

    stage: str
    to: str
    exposure: float

    @property
    def name(self) -> str:
        """``assumed/offer``."""
        return f"assumed/{self.stage}"

    @property
    def settings(self) -> Settings:
        """Half an end in all that time (Jeffreys), and one way out."""
        return self._with(0.5)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """None: it is assumed."""
        return ()

    def drawn(self, rng: np.random.Generator) -> Settings:
        """Ends as seldom as chance may have it."""
        return self._with(float(np.clip(rng.standard_gamma(0.5), 0.05, 5)))

    def _with(self, ends: float) -> Settings:
        mean = float(np.clip(self.exposure / ends, 60, 36_500 * DAY))
        return {
            ("stages", self.stage, "delay_after"): {"mean": length(mean)},
            ("stages", self.stage, "next"): {"advance": self.to, "to": {self.to: 1.0}},
        }


def stage_parts(
    log: EventLog,
    every: list[StageVisits],
    worked: Collection[str] = (),
    hours: Mapping[str, Clock] | None = None,
    some: Mapping[str, str] | None = None,
    sources: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
    *,
    stale: Stale = "lost",
) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Estimate the delays and the ways out of all stages.

    Parameters
    ----------
    log : EventLog
    every : list of StageVisits
        Of this log.
    worked : collection of str
        Stages in which the scenario has work: what is left of the stay are the delays
        before and after it.
    hours : mapping, optional
        Stage → clock of the team at work in it, on which the delay before runs.
    some : mapping, optional
        Stage whose visits may need no work → the work that most of them need.
    sources : collection of str
        Those of the scenario.
    progress : callable, optional
        Told the share that is done.
    stale : {"lost", "open"}
        What open visits are that last longer than stays that end explain.

    Returns
    -------
    parts, refusals
        ``dwell/offer`` and ``next/offer``; with work ``before/offer`` and ``after/offer``.

    Examples
    --------
    >>> from funnelsim.calibration.stages.visits import stage_visits
    >>> from funnelsim.measures.example import BANK
    >>> parts, refusals = stage_parts(BANK, stage_visits(BANK))
    >>> [part.name for part in parts]
    ['dwell/interest', 'next/interest', 'dwell/decision', 'next/decision']
    """
    parts: list[Part] = []
    refusals = [LOOPS] if log.meta.history == "latest_entry" else []
    until, lost = window(log)[1], {info.id for info in log.meta.stages if info.outcome == "lost"}
    for place, recorded in enumerate(every):
        visits, over = cleared(recorded, until, lost) if stale == "lost" else (recorded, None)
        if not visits.stays.events:
            parts.append(_assumed(log, visits))
            why = Message("None of {n} visits has ended.", n=len(visits))
            instead = Message("An assumption stands in the scenario.")
            fix = Message("Wait, or take a log that begins earlier.")
            refusals.append(Refusal(f"stages.{visits.stage}", why, instead, fix))
            continue
        has_work = visits.stage in worked
        clock = (hours or {}).get(visits.stage)
        effort = (some or {}).get(visits.stage, "")
        for name, key, seen, opened in _delays(visits, clock, has_work=has_work, of=effort):
            path = ("stages", visits.stage, *key)
            calendar = clock.calendar if clock and opened else ""
            uneven = pace(log, recorded) if key == AFTER else None
            part, refusal = dwell(name, path, seen, calendar, uneven)
            parts += [part] if part else []
            refusals += [refusal] if refusal else []
        way, refused = routes(visits, _progress(log, visits.stage), waits=has_work, sources=sources)
        if way is not None and over is not None:
            way = replace(way, unrecorded=over)
            left, _ = routes(recorded, _progress(log, visits.stage), waits=has_work)
            refusals.append(_stale(way, over, left or way))
        parts += [way] if way else []
        refusals += refused
        if progress is not None:
            progress((place + 1) / len(every))
    return tuple(parts), tuple(refusals)


def _stale(way: Routes, over: Unclosed, left: Routes) -> Refusal:
    """What is assumed of visits that stand open though they are over, and what else could be."""
    share, other = (float(one.whole.share[one.ways.index(way.advance)]) for one in (way, left))
    why = Message(
        "{n} of {open} open visits have lasted more than twice as long as 99 in 100 that ended "
        "({beyond} d): {share} of all visits (95%: {lo} to {hi}) are over and nobody recorded it.",
        n=over.n,
        open=over.open,
        beyond=round(over.beyond / DAY),
        share=over.share,
        lo=over.lo,
        hi=over.hi,
    )
    instead = Message(
        "They count as losses like those on record: {share} go on. Left open: {left}.",
        share=share,
        left=other,
    )
    fix = Message("Close them in the CRM; --stale open counts them as open.")
    return Refusal(f"stages.{way.stage}.next", why, instead, fix)


def _delays(
    visits: StageVisits, clock: Clock | None, *, has_work: bool, of: str
) -> list[tuple[str, tuple[str, ...], Durations, bool]]:
    """The delays of a stage, and whether in open hours: the whole stay, or what is around work.

    Where some visits need no work, the delay before it is that of the work.
    """
    stage = visits.stage
    if not has_work:
        return [(f"dwell/{stage}", AFTER, visits.stays, False)]
    known = delays(visits, clock, some=bool(of))
    key = ("efforts", of, "delay") if of else ("delay_before",)
    found = [
        (f"before/{stage}", key, known.before, known.open_before),
        (f"after/{stage}", AFTER, known.after, known.open_after),
    ]
    return [one for one in found if one[2].time.max(initial=0.0) > 0]


def _progress(log: EventLog, stage: str) -> list[str]:
    """Stages that would be progress from here, the likeliest first."""
    infos = {info.id: info for info in log.meta.stages}
    order = stage_ids(log)
    info = infos.get(stage)
    named = [info.advance] if info is not None and info.advance else []
    after = order[order.index(stage) + 1 :] if stage in order else []
    forward = [one for one in after if one not in infos or infos[one].outcome != "lost"]
    return [*named, *forward, "closed-won"]


def _assumed(log: EventLog, visits: StageVisits) -> Assumed:
    """A stage that nobody has left."""
    others = [stage for stage in _progress(log, visits.stage) if stage in stage_ids(log)]
    to = others[0] if others else next(s for s in stage_ids(log) if s != visits.stage)
    exposure = float((visits.stays.time - visits.stays.entry).sum())
    return Assumed(visits.stage, to, exposure)
