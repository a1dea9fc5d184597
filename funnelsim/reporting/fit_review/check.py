"""The fitted scenario played over the data's own window and seen by the same measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from funnelsim import measures
from funnelsim.calibration.work.hours import team_calendars
from funnelsim.calibration.work.pieces import pieces, work_times
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.forecasting.samples import levels
from funnelsim.reporting.review.gathering import supported
from funnelsim.scenarios.run import Run

if TYPE_CHECKING:
    from funnelsim.scenarios.sampling import ScenarioSampler
    from funnelsim.scenarios.scenario import Scenario
    from funnelsim.worktime import WorkTime

__all__ = ["LEVEL", "FitCheck", "check_fit", "seen"]

LEVEL: Final = 0.9
STAYS: Final = tuple(round(0.05 * k, 2) for k in range(1, 20))
TOLD: Final = (0.5, 0.8)
POINT: Final = 0.01  # a share that lies no farther beside the band is no miss
CLOSE: Final = 0.03  # nor is anything else, as a share of itself
MOST_POINTS: Final = 60  # of a course
DAY: Final = pd.Timedelta(days=1)
KEY: Final = ("measure", "item", "at")
SCALARS: Final = ("leads", "win_rate", "conversion", "cycle", "wait", "work")
ALIKE: Final = 1.25  # so many times as many pieces of work, and waits for them are another thing

Numbers = dict[tuple[str, str, float], float]


@dataclass(frozen=True, eq=False)
class FitCheck:
    """What the data shows beside what replications of the fitted scenario show.

    Parameters
    ----------
    table : DataFrame
        One row per number: ``measure``, ``item`` (stage, team, or empty), ``at`` (percentile,
        weekday, hour, or days since the window began), ``actual``, ``simulated`` (median over
        replications), ``lo``, ``hi`` (where ``level`` of the replications lie), ``n``
        (replications that have a value). Durations in seconds, arrivals in leads per hour.
    seed, n : int
        Of the replications.
    level : float
    """

    table: pd.DataFrame
    seed: int
    n: int
    level: float = LEVEL

    def of(self, measure: str) -> pd.DataFrame:
        """The rows of a measure that the data and the replications both know."""
        rows = self.table[(self.table["measure"] == measure) & self.table["n"].gt(0)]
        return rows[rows["actual"].notna()].reset_index(drop=True)

    @property
    def compared(self) -> pd.DataFrame:
        """Single figures, for a count of hits; ``inside``: in the band, or close enough to it.

        Close enough is 1 point for a share and 3 % for anything else: less nobody acts upon,
        and with very many leads every band is narrow.
        """
        one = self.table["measure"].isin(SCALARS)
        stays = (self.table["measure"] == "stay") & self.table["at"].isin(TOLD)
        known = self.table["n"].gt(0) & self.table["actual"].notna()
        rows = self.table[(one | stays) & known & ~self._pieces_differ()]
        shares = rows["measure"].isin(["win_rate", "conversion"])
        slack = (CLOSE * rows["actual"].abs()).mask(shares, POINT)
        inside = rows["actual"].between(rows["lo"] - slack, rows["hi"] + slack)
        return rows.assign(inside=inside).reset_index(drop=True)

    def _pieces_differ(self) -> pd.Series:
        """Waits of teams whose work comes in other pieces in the scenario than in the data."""
        pieces = self.table[self.table["measure"] == "efforts"].set_index("item")
        ratio = pieces["actual"] / pieces["simulated"]
        other = ratio.index[~ratio.between(1 / ALIKE, ALIKE)]
        return (self.table["measure"] == "wait") & self.table["item"].isin(other)


def check_fit(
    world: Scenario | ScenarioSampler,
    log: EventLog,
    *,
    seed: int,
    n: int = 40,
    progress: Callable[[float], None] | None = None,
) -> FitCheck:
    """Play a fitted scenario over the log's window and measure both in the same way.

    Parameters
    ----------
    world : Scenario or ScenarioSampler
        A sampler draws the parameters anew for every replication, so that the band holds what
        the data does not know about them.
    log : EventLog
        What the scenario was calibrated on. Leads that arrived inside its window count.
    seed : int
        0 to 2**64 - 1.
    n : int
        Replications, 2 or more.
    progress : callable, optional
        Told the share done, 0 to 1.

    Returns
    -------
    FitCheck

    Raises
    ------
    ParameterError
        Fewer than two replications.

    References
    ----------
    Gelman, Meng & Stern (1996), Posterior predictive assessment of model fitness via realized
    discrepancies, Statistica Sinica 6: 733-760.

    Examples
    --------
    >>> from funnelsim.engine import simulate
    >>> from funnelsim.scenarios.scenario import _TINY, Scenario
    >>> tiny = Scenario.model_validate(_TINY)
    >>> found = check_fit(tiny, simulate(tiny, seed=7), seed=1, n=20)
    >>> found.of("win_rate")[["actual", "simulated"]].values.tolist()
    [[1.0, 1.0]]
    """
    if n < 2:  # noqa: PLR2004 - no band from one
        raise ParameterError(Problem(f"n is {n!r}", path="n", fix="Give 2 or more."))
    hours = work_times(log, team_calendars(log))
    actual = seen(log, hours)
    found = []
    for replication in range(n):
        found.append(seen(_played(world, log, seed, replication), hours))
        if progress is not None:
            progress((replication + 1) / n)
    return FitCheck(_table(actual, found), seed, n)


def seen(log: EventLog, hours: Mapping[str, WorkTime] | None = None) -> Numbers:
    """What is measured in the data and in each replication, by measure, item and place.

    Parameters
    ----------
    log : EventLog
        Any history; what it cannot support is left out.
    hours : mapping, optional
        Team → opening hours, outside which work that goes on after them is laid down; left out:
        teams are always at work.

    Returns
    -------
    dict

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> numbers = seen(BANK)
    >>> numbers["conversion", "decision", 0.0]
    0.6666666666666666
    """
    start = pd.Timestamp(log.meta.observed_from)
    fresh = log.filter(log.leads["arrived_at"] >= start)
    return {
        **dict(_outcomes(fresh)),
        **dict(_conversions(fresh)),
        **dict(_times(fresh)),
        **dict(_arrivals(fresh)),
        **dict(_work(fresh, hours or {})),
        **dict(_courses(fresh)),
    }


def _played(
    world: Scenario | ScenarioSampler, log: EventLog, seed: int, replication: int
) -> EventLog:
    """One replication over the log's window."""
    from funnelsim.engine import simulate
    from funnelsim.scenarios.scenario import Scenario

    drawn = world if isinstance(world, Scenario) else world.draw(seed, replication)
    zone = ZoneInfo(drawn.time_zone)
    start, end = (
        moment.astimezone(zone).replace(tzinfo=None)
        for moment in (log.meta.observed_from, log.meta.observed_until)
    )
    run = Run.model_validate(
        {
            "start": start,
            "horizon": f"{round((end - start).total_seconds())} s",
            "warm_up": drawn.run.warm_up,
        }
    )
    scenario = drawn.model_copy(update={"run": run})
    return simulate(scenario, seed=seed, replication=replication)


def _table(actual: Numbers, found: list[Numbers]) -> pd.DataFrame:
    """The data's numbers beside the band of the replications."""
    simulated = pd.DataFrame(found).reindex(columns=pd.MultiIndex.from_tuples(actual))
    values = simulated.to_numpy(dtype=float)
    known = np.isfinite(values)
    tail = (1 - LEVEL) / 2
    bands = [
        levels(column[use], [tail, 0.5, 1 - tail]) if use.any() else [np.nan] * 3
        for column, use in zip(values.T, known.T, strict=True)
    ]
    lo, middle, hi = np.array(bands).T
    table = pd.DataFrame(list(actual), columns=list(KEY))
    return table.assign(
        actual=list(actual.values()), simulated=middle, lo=lo, hi=hi, n=known.sum(axis=0)
    )


def _outcomes(log: EventLog) -> Iterator[tuple[tuple[str, str, float], float]]:
    """How many leads there were, and what became of them."""
    table = measures.win_rate(log)
    if not len(table):
        return
    row = table.iloc[0]
    yield ("leads", "", 0.0), float(row["n"])
    yield ("win_rate", "", 0.0), float(row["value"])
    for fate in ("won", "lost", "open"):
        yield (fate, "", 0.0), float(row[fate])


def _conversions(log: EventLog) -> Iterator[tuple[tuple[str, str, float], float]]:
    """Stage conversion, where the history knows it."""
    table = supported(measures.stage_conversion, log)
    if table is not None:
        for row in table.to_dict("records"):
            yield ("conversion", str(row["stage"]), 0.0), float(row["value"])


def _times(log: EventLog) -> Iterator[tuple[tuple[str, str, float], float]]:
    """How long leads stay in a stage, and until they win."""
    table = supported(measures.dwell_time, log, percentiles=STAYS)
    yield from _percentiles("stay", table, "stage")
    cycle = measures.cycle_time(log, percentiles=TOLD, outcome="won")
    yield from _percentiles("cycle", cycle.assign(stage=""), "stage")


def _work(
    log: EventLog, hours: Mapping[str, WorkTime]
) -> Iterator[tuple[tuple[str, str, float], float]]:
    """Time worked and the wait for it by team, where the log holds any work.

    Pieces are not compared one by one: in a scenario the pieces of a visit may be one. Time
    worked is hands-on: two pieces of one worker at once, or a night between, count once or not.
    """
    if not len(log.efforts):
        return
    for team, seconds in pieces(log, hours).groupby("team")["hands_on"].sum().items():
        yield ("work", str(team), 0.0), float(seconds)
    wait = measures.waiting_time(log, percentiles=TOLD, per="team")
    for team, number in log.efforts["team"].value_counts().items():
        yield ("efforts", str(team), 0.0), float(number)
    yield from _percentiles("wait", wait, "team")


def _percentiles(
    name: str, table: pd.DataFrame | None, item: str
) -> Iterator[tuple[tuple[str, str, float], float]]:
    """The percentiles among the rows of a table."""
    if table is None:
        return
    for row in table[table["quantile"].notna()].to_dict("records"):
        yield (name, str(row[item]), float(row["quantile"])), float(row["value"])


def _arrivals(log: EventLog) -> Iterator[tuple[tuple[str, str, float], float]]:
    """Leads per hour by weekday and by hour of the day."""
    table = measures.arrivals_by_hour(log)
    for name in ("weekday", "hour"):
        sums = table.groupby(name)[["n", "hours"]].sum()
        for place, row in sums.iterrows():
            value = row["n"] / row["hours"] if row["hours"] else np.nan
            yield (f"arrivals_{name}", "", float(str(place))), float(value)


def _courses(log: EventLog) -> Iterator[tuple[tuple[str, str, float], float]]:
    """Leads arrived and won so far, over time."""
    start, end = pd.Timestamp(log.meta.observed_from), pd.Timestamp(log.meta.observed_until)
    days = (end - start) / DAY
    places = np.linspace(0.0, days, min(round(days), MOST_POINTS) + 1)
    outcomes = log.outcomes()
    won = outcomes["closed_at"].where(outcomes["outcome"] == "won").dropna()
    for name, times in (("arrived_so_far", log.leads["arrived_at"]), ("won_so_far", won)):
        after = np.sort(((times - start) / DAY).to_numpy(dtype=float))
        counts = np.searchsorted(after, places, side="right")
        for place, count in zip(places, counts, strict=True):
            yield (name, "", round(float(place), 6)), float(count)
