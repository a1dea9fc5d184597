"""From parts to the plain data of a scenario: the frame around what was estimated."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from funnelsim.calibration.parts import Settings
from funnelsim.calibration.stages.survival import Durations, curve, quantile
from funnelsim.calibration.stages.unclosed import unclosed
from funnelsim.events import EventLog
from funnelsim.measures.journeys import MISSING, SECOND, journeys, stage_ids, window

__all__ = ["frame", "merged"]

Plain = dict[str, Any]

DAY: Final = 86_400.0
MARKED: Final = 0.95
"""Share of a stage's visits that carry a mark from which on entering it sets that mark."""
LONGEST: Final = 52
"""Weeks of warm-up at the most."""
CLOSING: Final[Mapping[str, Plain]] = {
    "closed-won": {"label": {"en": "Won"}, "marks": ["won"]},
    "closed-lost": {"label": {"en": "Lost"}, "marks": ["lost"]},
    "closed": {"label": {"en": "Closed"}},
}


def frame(
    log: EventLog, stages: Iterable[str], *, name: str, horizon: str, warm_up: str | None
) -> Plain:
    """The scenario without what was estimated: names, labels, marks, the run.

    Parameters
    ----------
    log : EventLog
    stages : iterable of str
        Stages that somebody visited or that a way leads to.
    name, horizon : str
        As in the language.
    warm_up : str or None
        None: as long as 19 of 20 leads take.

    Returns
    -------
    dict
        Plain data in the language.
    """
    until = pd.Timestamp(log.meta.observed_until).tz_convert(log.meta.time_zone)
    start = until.tz_localize(None).ceil("D")
    used = set(stages)
    order = [stage for stage in stage_ids(log) if stage in used]
    order += [stage for stage in CLOSING if stage in used and stage not in order]
    return {
        "funnelsim": 1,
        "name": name,
        "title": dict(log.meta.title),
        "illustrative": False,
        "currency": log.meta.currency,
        "time_zone": log.meta.time_zone,
        "run": {
            "start": start.date().isoformat(),
            "horizon": horizon,
            "warm_up": warm_up or _warm_up(log),
        },
        "stages": {stage: _stage(log, stage) for stage in order},
    }


def merged(document: Mapping[str, Any], settings: Iterable[Settings]) -> Plain:
    """Plain data with settings put in their places.

    Parameters
    ----------
    document : mapping
        Stays as it is.
    settings : iterable of mapping
        Path → value; later ones win.

    Returns
    -------
    dict

    Examples
    --------
    >>> merged({"stages": {}}, [{("stages", "offer", "delay_after"): "2 d"}])
    {'stages': {'offer': {'delay_after': '2 d'}}}
    """
    whole: Plain = copy.deepcopy(dict(document))
    for some in settings:
        for path, value in some.items():
            here = whole
            for key in path[:-1]:
                here = here.setdefault(key, {})
            here[path[-1]] = value
    return whole


def _stage(log: EventLog, stage: str) -> Plain:
    """Label, block and marks of a stage."""
    info = {one.id: one for one in log.meta.stages}.get(stage)
    if info is None and stage in CLOSING:
        return dict(CLOSING[stage])
    plain: Plain = {}
    if info is not None and info.label:
        plain["label"] = dict(info.label)
    if info is not None and info.block:
        plain["block"] = info.block
    marks = _marks(log, stage)
    if info is not None and info.outcome and not any(_kind(m) == info.outcome for m in marks):
        marks = [info.outcome, *marks]
    if marks:
        plain["marks"] = marks
    return plain


def _kind(mark: str | Mapping[str, str]) -> str:
    return mark if isinstance(mark, str) else mark["kind"]


def _marks(log: EventLog, stage: str) -> list[Any]:
    """Marks that (nearly) every visit of a stage gets on entering."""
    visits = log.visits.loc[log.visits["stage"] == stage, ["lead_id", "visit", "entered_at"]]
    marks = log.marks.dropna(subset=["visit"]).astype({"visit": "int64"})
    there = visits.merge(marks, on=["lead_id", "visit"])
    there = there[there["at"] == there["entered_at"]]
    found: list[Any] = []
    for kind, rows in there.groupby("kind", sort=True):
        if len(rows.drop_duplicates(["lead_id", "visit"])) < MARKED * len(visits):
            continue
        reasons = rows["reason"].fillna("").unique()
        one = len(reasons) == 1 and reasons[0]
        found.append({"kind": str(kind), "reason": str(reasons[0])} if one else str(kind))
    return found


def _warm_up(log: EventLog) -> str:
    """Weeks in which 19 of 20 leads come to their end, so that the funnel is full."""
    ends = journeys(log, cohort=True).ends
    _, until = window(log)
    closed = ends["closed"].to_numpy()
    over = closed != MISSING
    arrived = ends["arrived"].to_numpy()
    time = ((closed * over + until * ~over) - arrived) / SECOND
    keep = time >= 0
    zeros, ones = 0.0 * time[keep], 0.0 * time[keep] + 1
    seen = Durations(time[keep], over[keep], zeros, ones)
    stale = unclosed(seen, ((until - arrived) / SECOND)[keep])
    if stale is not None:
        seen = replace(seen, weight=1 - stale.chance)
    if not seen.events:
        return "13 w"
    long = quantile(seen, curve(seen), [0.95])[0].value
    if not long >= 0:
        long = float(time.max())
    weeks = min(int(long / (7 * DAY)) + 1, LONGEST)
    return f"{weeks} w"
