"""Leads by source: which sources there are, where their leads enter, and their days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.parts import Refusal
from funnelsim.events import EventLog
from funnelsim.measures.journeys import stage_ids
from funnelsim.messages import Message

__all__ = ["Inflow", "ObservedDays", "inflows", "observed_days", "source_of"]

FEWEST: Final = 20
"""Leads below which a source is pooled with others like it."""
MOST: Final = 60
"""Sources in a scenario."""
SECOND_DOOR: Final = 0.05
"""Share of a source's leads from which another stage of entry makes a source of its own."""
CHANCE: Final = 1e-4
"""Days without leads at an end of the window, this unlikely, were not recorded."""
DAY: Final = pd.Timedelta(days=1)
NAMELESS: Final = "leads"
OTHER: Final = "other"


@dataclass(frozen=True, eq=False)
class ObservedDays:
    """The whole days in which arrivals were recorded.

    Parameters
    ----------
    dates : DatetimeIndex
        Local dates, without a zone.
    start : Timestamp
        The day on which a run from now begins: the first after the window.
    rows : Series of bool
        By row of ``log.leads``: those that arrived on these days.
    local : Series
        By row of ``log.leads``: local time of arrival, without a zone.
    note : str
        Which days at the ends were left out.
    """

    dates: pd.DatetimeIndex
    start: pd.Timestamp
    rows: pd.Series
    local: pd.Series
    note: str

    @property
    def days(self) -> int:
        """How many."""
        return len(self.dates)


@dataclass(frozen=True, eq=False)
class Inflow:
    """The leads of one source that enter one stage.

    Parameters
    ----------
    id, label : str
        As in the scenario; as in the log.
    stage : str
        Where they enter.
    rows : DataFrame
        ``segment`` and ``product`` of the leads (empty where missing), by row of the log.
    counts : Series of int
        Leads by local date.
    hours : ndarray of int
        Local hour of each arrival.
    at_midnight : float
        Share of arrivals at midnight sharp.
    notes : tuple of str
        What to keep in mind.
    """

    id: str
    label: str
    stage: str
    rows: pd.DataFrame
    counts: pd.Series
    hours: NDArray[np.int64]
    at_midnight: float
    notes: tuple[str, ...]


def observed_days(log: EventLog) -> ObservedDays | None:
    """Find the whole days of the window, less those at its ends that were not recorded.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    ObservedDays or None
        None if no lead arrived in the window. A window shorter than a day counts as one.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> days = observed_days(BANK)
    >>> days.days, int(days.rows.sum())
    (3, 5)
    """
    zone = log.meta.time_zone
    local = log.leads["arrived_at"].dt.tz_convert(zone).dt.tz_localize(None)
    since, until = (
        pd.Timestamp(end).tz_convert(zone).tz_localize(None)
        for end in (log.meta.observed_from, log.meta.observed_until)
    )
    # Leads that were found later count only if they would have been seen anyway.
    seen = log.leads["observed_from"].isna() | (
        log.leads["observed_from"] <= log.leads["arrived_at"]
    )
    first, last = since.ceil("D"), until.floor("D")
    if last <= first:
        first, last = since.floor("D"), since.floor("D") + DAY
    rows = seen & (local >= max(first, since)) & (local < last)
    if not rows.any():
        return None
    days = local[rows].dt.normalize()
    begin, end, note = _recorded(days, first, last)
    dates = pd.date_range(begin, end, inclusive="left", freq="D")
    return ObservedDays(dates, until.ceil("D"), rows & (local < end), local, note)


def _recorded(
    days: pd.Series, first: pd.Timestamp, last: pd.Timestamp
) -> tuple[pd.Timestamp, pd.Timestamp, str]:
    """The window less silent days at its ends that chance does not explain."""
    begin, end, notes = first, last, []
    if _silent(days, days.min() - first):
        begin = days.min()
        notes.append(f"Nothing arrived before {begin.date()}: recording seems to begin there.")
    if _silent(days, last - days.max() - DAY):
        end = days.max() + DAY
        notes.append(f"Nothing arrived after {days.max().date()}: later days seem incomplete.")
    return begin, end, " ".join(notes)


def _silent(days: pd.Series, gap: pd.Timedelta) -> bool:
    """Whether so long a time without leads is neither chance nor like other gaps."""
    active = np.sort(days.unique())
    span = (active[-1] - active[0]) / np.timedelta64(1, "D") + 1
    longest = np.diff(active).max() / np.timedelta64(1, "D") if len(active) > 1 else span
    silence = gap / DAY
    return (
        len(days) >= FEWEST
        and silence > 2 * longest
        and math.exp(-len(days) / span * silence) < CHANCE
    )


def source_of(log: EventLog) -> pd.Series:
    """The scenario's source of each lead.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    Series of str
        By row of ``log.leads``: the id of its source; sources with few leads are ``other``.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> source_of(BANK).tolist()
    ['web', 'web', 'branch', 'branch', 'web']
    """
    names = log.leads["source"]
    if names.isna().all():
        return pd.Series(NAMELESS, index=log.leads.index, dtype="str")
    sizes = names.value_counts()
    few = [*sizes[sizes < FEWEST].index, *sizes.index[MOST:]]
    rare = set(few) if len(sizes) - len(set(few)) and len(set(few)) > 1 else set(sizes.index[MOST:])
    ids = _ids([str(name) for name in sizes.index if name not in rare])
    found = names.map(lambda name: ids.get(name, OTHER), na_action="ignore")
    return found.fillna(NAMELESS).astype("str")


def inflows(log: EventLog, days: ObservedDays) -> tuple[tuple[Inflow, ...], tuple[Refusal, ...]]:
    """Split leads by source and by the stage at which they enter.

    Parameters
    ----------
    log : EventLog
    days : ObservedDays

    Returns
    -------
    inflows, refusals
        Sources that have fallen silent are refused.
    """
    entry, certain = _entry_stages(log)
    ids = source_of(log)
    labels = log.leads["source"].groupby(ids).first()
    found: list[Inflow] = []
    refusals = [] if certain else [_unknown_entry()]
    for name in sorted(ids[days.rows].unique()):
        mine = days.rows & (ids == name)
        doors = entry[mine].value_counts()
        main = str(doors.index[0])
        others = [
            str(stage)
            for stage, n in doors.items()
            if stage != main and n >= max(FEWEST, SECOND_DOOR * doors.sum())
        ]
        for stage in [main, *others]:
            taken = mine & (entry == stage if stage != main else ~entry.isin(others))
            source = f"{name}-at-{stage}"[:60] if stage != main else name
            label = name if name in {NAMELESS, OTHER} else str(labels[name])
            strays = int((entry[taken] != stage).sum())
            one = _inflow(log, days, taken, (source, label, stage), strays)
            (found if isinstance(one, Inflow) else refusals).append(one)  # type: ignore[arg-type]
    return tuple(found), tuple(refusals)


def _inflow(
    log: EventLog, days: ObservedDays, taken: pd.Series, names: tuple[str, str, str], strays: int
) -> Inflow | Refusal:
    """One source, counted from its first lead on if it began within the window."""
    source, label, stage = names
    local = days.local[taken]
    dates = local.dt.normalize()
    notes = [days.note] if days.note else []
    if _silent(dates, days.dates[-1] - dates.max()):
        why = Message(
            "{source}: no lead since {day}; before, there were {n}.",
            source=label,
            day=str(dates.max().date()),
            n=len(dates),
        )
        return Refusal(f"sources.{source}", why, Message("The source is taken to have ended."))
    begin = days.dates[0]
    if _silent(dates, dates.min() - begin):
        begin = dates.min()
        notes.append(f"Its first lead came on {begin.date()}; days before do not count.")
    if strays:
        notes.append(f"{strays:,} of {len(dates):,} leads entered elsewhere and count here.")
    counted = dates.value_counts().reindex(days.dates[days.dates >= begin], fill_value=0)
    rows = log.leads.loc[taken, ["segment", "product"]].fillna("").astype("str")
    return Inflow(
        id=source,
        label=label,
        stage=stage,
        rows=rows,
        counts=counted.sort_index(),
        hours=local.dt.hour.to_numpy(dtype=np.int64),
        at_midnight=float((local == dates).mean()),
        notes=tuple(notes),
    )


def _entry_stages(log: EventLog) -> tuple[pd.Series, bool]:
    """The stage at which each lead enters, and whether the log knows it."""
    stages = stage_ids(log)
    closing = {info.id for info in log.meta.stages if info.outcome or info.terminal}
    top = next((stage for stage in stages if stage not in closing), stages[0] if stages else "")
    if log.meta.history != "full":
        return pd.Series(top, index=log.leads.index, dtype="str"), False
    first = log.visits.drop_duplicates("lead_id")
    known = log.leads["lead_id"].map(first.set_index("lead_id")["stage"])
    return known.fillna(top).astype("str"), True


def _unknown_entry() -> Refusal:
    why = Message("Without the whole history of stages nobody knows where leads entered.")
    return Refusal("sources.*.stage", why, Message("All leads enter the first stage."))


def _ids(names: list[str]) -> dict[str, str]:
    """An id for each name, unique."""
    from slugify import slugify

    found: dict[str, str] = {}
    taken = {OTHER, NAMELESS}
    for name in names:
        stem = slugify(name, max_length=40) or "source"
        if name in taken or stem in taken:
            number = next(i for i in range(2, len(names) + 9) if f"{stem}-{i}" not in taken)
            stem = f"{stem}-{number}"
        taken.add(stem)
        found[name] = stem
    return found
