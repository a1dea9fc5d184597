"""Visits of a stage as calibration sees them: how long, how they ended, whose they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.demand.inflow import source_of
from funnelsim.calibration.stages.survival import Durations
from funnelsim.events import EventLog
from funnelsim.events.schema import EXITS
from funnelsim.measures.journeys import MISSING, SECOND, Journeys, journeys, micros, window

__all__ = ["DAY", "StageVisits", "stage_visits", "terminal_stages"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Names = NDArray[np.object_]

DAY: Final = 86_400.0
ENDED: Final = EXITS.index("ended")
TRAITS: Final = ("source", "segment", "product")
PHASES: Final = ("before", "before_over", "waiting", "hands_on")


@dataclass(frozen=True, slots=True, eq=False)
class StageVisits:
    """The visits of one stage.

    Parameters
    ----------
    stage : str
    stays : Durations
        Entering to leaving, seconds; cut short where the visit is open.
    way : ndarray of object, shape (n,)
        Id of the stage it led to; empty while open.
    number : ndarray of int, shape (n,)
        1 for the lead's first visit of this stage, and so on.
    traits : dict
        ``source``, ``segment``, ``product`` of the lead; empty where unknown.
    entered : ndarray of int, shape (n,), microseconds since the epoch
    age : ndarray, shape (n,), seconds
        From the lead's arrival to leaving (or to the end of the log).
    before, waiting, hands_on : ndarray, shape (n,), seconds
        Entering to the first piece of work; waiting for a team; being worked on. NaN where
        the scenario has no work.
    begun : ndarray of bool, shape (n,)
        Whether ``before`` is over.
    lead : ndarray of object, shape (n,)
        Id of the lead.
    """

    stage: str
    stays: Durations
    way: Names
    number: NDArray[np.int64]
    traits: dict[str, Names]
    entered: NDArray[np.int64]
    age: Floats
    before: Floats
    waiting: Floats
    hands_on: Floats
    begun: Flags
    lead: Names

    def __len__(self) -> int:
        """How many visits."""
        return len(self.stays)


def stage_visits(
    log: EventLog, half_life: float | None = None, phases: pd.DataFrame | None = None
) -> list[StageVisits]:
    """Sort a log's visits by stage.

    Visits that began before the window count from its beginning on; those that were over
    by then do not count at all.

    Parameters
    ----------
    log : EventLog
    half_life : float or None
        Days after which a visit counts half; None: all count alike.
    phases : DataFrame or None
        Result of `work.phases`, where the scenario has work.

    Returns
    -------
    list of StageVisits
        In the order of the funnel; stages that end the lead's way are left out.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> [(one.stage, len(one), one.stays.events) for one in stage_visits(BANK)]
    [('interest', 5, 4), ('decision', 2, 1)]
    """
    trips = journeys(log, cohort=False)
    final = terminal_stages(log)
    frame = _frame(log, trips, half_life, phases)
    known = frame[frame["end"] >= frame["entered"] + frame["entry"]]
    found = []
    for code, stage in enumerate(trips.stages):
        rows = known[known["stage"] == code]
        if stage in final or rows.empty:
            continue
        found.append(_one(stage, rows))
    return found


def terminal_stages(log: EventLog) -> set[str]:
    """Stages that end the lead's way: declared so, or never left for another.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> sorted(terminal_stages(BANK))
    ['contract', 'lost']
    """
    left = set(log.visits.loc[log.visits["next_stage"].notna(), "stage"].unique())
    ended = set(log.visits.loc[log.visits["exit"] == "ended", "stage"].unique())
    declared = {info.id for info in log.meta.stages if info.terminal or info.outcome}
    return (declared | ended) - left


def _one(stage: str, rows: pd.DataFrame) -> StageVisits:
    """The visits of one stage from its rows."""
    seconds = {
        name: rows[name].to_numpy(dtype=float) / SECOND
        for name in ("entered", "end", "entry", "arrived")
    }
    stays = Durations(
        seconds["end"] - seconds["entered"],
        rows["way"].to_numpy() != "",
        seconds["entry"],
        rows["weight"].to_numpy(dtype=float),
    )
    return StageVisits(
        stage=stage,
        stays=stays,
        way=rows["way"].to_numpy(dtype=object),
        number=rows["number"].to_numpy(dtype=np.int64),
        traits={name: rows[name].to_numpy(dtype=object) for name in TRAITS},
        entered=rows["entered"].to_numpy(dtype=np.int64),
        age=seconds["end"] - seconds["arrived"],
        before=rows["before"].to_numpy(dtype=float),
        waiting=rows["waiting"].to_numpy(dtype=float),
        hands_on=rows["hands_on"].to_numpy(dtype=float),
        begun=rows["before_over"].to_numpy() == 1,
        lead=rows["lead_id"].to_numpy(dtype=object),
    )


def _frame(
    log: EventLog, trips: Journeys, half_life: float | None, phases: pd.DataFrame | None
) -> pd.DataFrame:
    """All visits with what calibration asks of them; times in microseconds."""
    visits = trips.visits
    lead = visits["lead"].to_numpy()
    since, until = window(log)
    left = visits["left"].to_numpy()
    entered = visits["entered"].to_numpy()
    over = left != MISSING
    seen = np.maximum(micros(log.leads["observed_from"]), since)[lead]
    weight = np.ones(len(visits))
    if half_life is not None:
        weight = 0.5 ** ((until - entered) / SECOND / DAY / half_life)
    table = pd.DataFrame(
        {
            "lead": lead,
            "lead_id": log.leads["lead_id"].to_numpy(dtype=object)[lead],
            "stage": visits["stage"].to_numpy(),
            "entered": entered,
            "end": np.where(over, left, until),
            "entry": np.maximum(seen - entered, 0),
            "arrived": trips.ends["arrived"].to_numpy()[lead],
            "weight": weight,
            "way": _ways(log, trips, over),
        }
    )
    table["number"] = table.groupby(["lead", "stage"]).cumcount() + 1
    table["source"] = source_of(log).to_numpy(dtype=object)[lead]
    for name in ("segment", "product"):
        table[name] = log.leads[name].fillna("").to_numpy(dtype=object)[lead]
    for name in PHASES:
        table[name] = np.nan if phases is None else phases[name].to_numpy()
    return table


def _ways(log: EventLog, trips: Journeys, over: Flags) -> Names:
    """Where each visit led; a way that ended in a lasting stage leads to a closing one."""
    visits = trips.visits
    names = np.array([*trips.stages, ""], dtype=object)
    way = np.where(over, names[visits["next"].to_numpy()], "")
    stray = over & (way == "")
    if stray.any():
        outcome = trips.ends["outcome"].to_numpy(dtype=object)[visits["lead"]]
        at_once = trips.ends["closed"].to_numpy()[visits["lead"]] == visits["left"].to_numpy()
        closing = _closing(log)
        kind = np.where(at_once, outcome, "ended")
        way[stray] = [closing.get(one, "closed") for one in kind[stray]]
        # A closing stage that some leads leave again does not lead to itself.
        way[stray & (way == names[visits["stage"].to_numpy()])] = "closed"
    return np.asarray(way, dtype=object)


def _closing(log: EventLog) -> dict[str, str]:
    """The stage that stands for each outcome."""
    found = {"won": "closed-won", "lost": "closed-lost"}
    for info in sorted(log.meta.stages, key=lambda stage: -stage.position):
        if info.outcome and info.terminal:
            found[info.outcome] = info.id
    return found
