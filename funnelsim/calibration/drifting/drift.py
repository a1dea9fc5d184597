"""Changes inside the window: which stage, conversion or delay, from when on."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.drifting.changepoints import ChangePoint, adjusted, change_point
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog, StageInfo
from funnelsim.events.schema import EXITS
from funnelsim.measures.journeys import Journeys, journeys, lasting_stages, micros, window
from funnelsim.measures.tables import check_level, need_full_history, span

__all__ = ["SENTENCES", "Drift", "drift", "weights"]

DAY: Final = 86_400_000_000  # microseconds
OPEN: Final = EXITS.index("open")
MATURE: Final = (0.99, 0.95, 0.9, 0.8)  # quantiles of completed stays, for who had time
ENOUGH_MATURE: Final = 0.7
WEEKS: Final = 20  # fewer weeks are too few to permute; days then
COLUMNS: Final = {
    "stage": "str",
    "measure": "str",
    "unit": "str",
    "at": "datetime64[us, UTC]",
    "lo": "datetime64[us, UTC]",
    "hi": "datetime64[us, UTC]",
    "before": "float64",
    "after": "float64",
    "statistic": "float64",
    "p": "float64",
    "n": "int64",
}

SENTENCES: Final = {
    "conversion": (
        "{stage}: conversion changed from {before} to {after} around {at} (between {lo} and {hi})."
    ),
    "delay": (
        "{stage}: the usual stay changed from {before} to {after} around {at} "
        "(between {lo} and {hi})."
    ),
    "definition": (
        "{stage}: deals that leave for another stage than the next changed from {before} to "
        "{after} around {at} (between {lo} and {hi}); perhaps the stage means something else now."
    ),
    "arrivals": (
        "New leads changed from {before} to {after} a week around {at} (between {lo} and {hi})."
    ),
}


@dataclass(frozen=True, eq=False)
class Drift:
    """Changes that chance does not explain.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per change, the surest first: ``stage`` (empty for arrivals), ``measure``
        (conversion, delay, definition, arrivals), ``unit`` (share, s, leads/week), ``at``
        and the interval ``lo`` to ``hi`` of its date (UTC), ``before``, ``after``,
        ``statistic``, ``p`` (adjusted for the number of tests), ``n`` (visits, or leads).
    tests : pandas.DataFrame
        Every test made, with the same columns.
    level : float
        The chance of no false alarm in all tests.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    level: float

    def sentences(self) -> tuple[str, ...]:
        """Return each change in words; a report fills `SENTENCES` itself."""
        return tuple(_said(row) for row in self.table.to_dict("records"))


@dataclass(frozen=True, eq=False)
class _Test:
    """Scores of one stage and measure, by block of time."""

    stage: str
    measure: str
    unit: str
    starts: np.ndarray
    """When each block begins, microseconds."""
    scores: np.ndarray
    information: np.ndarray
    entered: np.ndarray
    observed: np.ndarray
    """What before and after are computed of; shape ``(n,)``, stays: ``(n, 2)``."""


def drift(
    log: EventLog,
    *,
    level: float = 0.95,
    fewest: int = 60,
    permutations: int = 499,
    seed: int = 0,
) -> Drift:
    """Find and date changes of conversion, delay, definition and arrivals.

    Every stage is tested for one change: of the share that advances, of the stay, of the
    share that goes elsewhere than to the next stage. Visits stand in the order of their
    beginning, so a change that also hits visits under way is dated a little early. Shares
    count only visits that had time: they began at least as long before the end of the log
    as almost all stays last. Stays count as they are, the open ones censored, by the
    residuals of the Nelson–Aalen estimate of all. A change is dated to the day; how large
    it would be by chance is measured by permuting whole weeks (days, in logs shorter than
    20 weeks), since visits of one week share its queues.

    With no change at all, one log in twenty has any finding at level 0.95 (Holm over all
    tests). Measured on logs of a year, 600 leads and three stages: 14 of 200 without a
    change (nominal 10 ± 6). Of 100 with a change half way, at a stage that 360 leads reach:
    conversion from 60 % to 25 % found in 99, dated within 21 days in 91; from 60 % to 35 %
    found in 73, dated so in 51; stays twice as long found in 97, dated so in 92. Each stage
    and measure is tested for one change, the strongest.

    Parameters
    ----------
    log : EventLog
        With full history.
    level : float
        Chance of no false alarm in all tests, and level of the interval of the date.
    fewest : int
        Stages with fewer visits are not tested.
    permutations : int
        Random orders by which chance is measured, at least; more where many tests are made.
    seed : int
        Of these orders: the same log gives the same answer.

    Returns
    -------
    Drift
        Changes and all tests.

    Raises
    ------
    HistoryError
        The log holds no history of stages.
    ParameterError
        A level outside 0 to 1.

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> len(drift(LOG).table)
    0
    """
    check_level(level)
    need_full_history(log, "drift")
    tests = [*_arrivals(log, fewest), *_of_stages(log, fewest)]
    orders = max(permutations, int(np.ceil(2 * len(tests) / (1 - level))))
    rng = np.random.default_rng(seed)
    found = [
        (test, point) for test in tests if (point := _changed(test, rng, orders, level)) is not None
    ]
    p = adjusted(np.array([point.p for _, point in found]))
    rows = [_row(test, point, value) for (test, point), value in zip(found, p, strict=True)]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    table = table.sort_values(["p", "statistic"], ascending=[True, False], ignore_index=True)
    changed = table[table["p"] <= 1 - level].reset_index(drop=True)
    return Drift(changed, table, level)


def weights(log: EventLog, half_life: str) -> pd.Series:
    """Return how much each lead counts when the recent past counts more.

    Parameters
    ----------
    log : EventLog
        Any log.
    half_life : str
        The age at which a lead counts half, such as "90 d" or "26 w".

    Returns
    -------
    pandas.Series
        By ``lead_id``, above 0 and at most 1; a lead that arrives at the end counts 1.

    Raises
    ------
    ParameterError
        ``half_life`` is no elapsed time.

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> weights(LOG, "10 d").round(2).to_dict()
    {'a': 0.14, 'b': 0.16}
    """
    half = span(half_life, "half_life")
    if not len(log.leads):
        raise ParameterError(Problem("the log has no leads to weigh"))
    age = window(log)[1] - micros(log.leads["arrived_at"])
    values = np.power(0.5, age / (half.total_seconds() * 1e6))
    return pd.Series(values, index=log.leads["lead_id"].to_numpy(), name="weight")


def _changed(
    test: _Test, rng: np.random.Generator, orders: int, level: float
) -> ChangePoint | None:
    """Date the change by blocks; measure chance by weeks, whose queues are alike within."""
    week = (test.starts - test.starts[0]) // (7 * DAY)
    _, index = np.unique(week, return_inverse=True)
    if index[-1] + 1 in (len(week), *range(WEEKS)):
        return change_point(test.scores, test.information, rng, permutations=orders, level=level)
    point = change_point(test.scores, test.information, rng, permutations=0, level=level)
    sums, infos = (np.bincount(index, weights=part) for part in (test.scores, test.information))
    weekly = change_point(sums, infos, rng, permutations=orders, level=level)
    if point is None or weekly is None:
        return None
    return replace(point, statistic=weekly.statistic, p=weekly.p)


def _said(row: Mapping[Hashable, object]) -> str:
    """Return one change in words."""
    unit = str(row["unit"])
    numbers = {key: _written(float(str(row[key])), unit) for key in ("before", "after")}
    days = {key: str(row[key])[:10] for key in ("at", "lo", "hi")}
    return SENTENCES[str(row["measure"])].format(stage=row["stage"], **numbers, **days)


def _written(value: float, unit: str) -> str:
    """Return a number with its unit."""
    if unit == "share":
        return f"{100 * value:.3g} %"
    return f"{value / 86_400:.3g} d" if unit == "s" else f"{value:.3g}"


def _arrivals(log: EventLog, fewest: int) -> Iterator[_Test]:
    """Score the numbers of new leads by week."""
    since, until = window(log)
    arrived = np.sort(micros(log.leads["arrived_at"]))
    arrived = arrived[(arrived >= since) & (arrived < until)]
    weeks = (until - since) // (7 * DAY)
    if len(arrived) < fewest or weeks < 1:
        return
    block = (arrived - since) // (7 * DAY)
    counts = np.bincount(block, minlength=weeks)[:weeks].astype(float)
    starts = since + np.arange(weeks) * 7 * DAY
    yield _Test(
        "", "arrivals", "leads/week", starts, counts - counts.mean(), np.ones(weeks), starts, counts
    )


def _of_stages(log: EventLog, fewest: int) -> Iterator[_Test]:
    """Score conversion, stay and ways out of every stage."""
    trips = journeys(log, cohort=False)
    since, until = window(log)
    visits = trips.visits
    entered = visits["entered"].to_numpy()
    seen_from = micros(log.leads["observed_from"])[visits["lead"].to_numpy()]
    seen = (entered >= since) & (entered >= seen_from) & (entered < until)
    advance = _advances(log, trips)
    for code in lasting_stages(log):
        here = seen & (visits["stage"] == code).to_numpy()
        if here.sum() >= fewest and code < len(advance):
            mine = visits[here].sort_values("entered", kind="stable")
            yield from _of_stage(trips.stages[code], mine, advance, until)


def _advances(log: EventLog, trips: Journeys) -> np.ndarray:
    """Return what leaving for each stage is: shape ``(stages, stages + 1)``, 1 ahead, 2 aside."""
    n = len(trips.stages)
    number = {stage: code for code, stage in enumerate(trips.stages)}
    infos = {info.id: info for info in log.meta.stages}
    named = any(info.advance for info in infos.values())
    path = [stage for stage in trips.stages if not _closes(infos, stage, "lost")]
    kinds = np.full((n, n + 1), 2)
    kinds[:, n] = 0
    for code, stage in enumerate(trips.stages):
        ahead = infos[stage].advance if named and stage in infos else None
        if not named and stage in path[:-1]:
            ahead = path[path.index(stage) + 1]
        for other, target in enumerate(trips.stages):
            if _closes(infos, target, "lost") or (target in infos and infos[target].terminal):
                kinds[code, other] = 0
        if ahead in number:
            kinds[code, number[ahead]] = 1
    return kinds


def _closes(infos: Mapping[str, StageInfo], stage: str, outcome: str) -> bool:
    """Say whether a stage has an outcome."""
    return stage in infos and infos[stage].outcome == outcome


def _of_stage(stage: str, visits: pd.DataFrame, advance: np.ndarray, until: int) -> Iterator[_Test]:
    """Score one stage; visits stand in the order of their beginning."""
    entered = visits["entered"].to_numpy()
    gone = (visits["exit"] != OPEN).to_numpy()
    stay = np.where(gone, visits["left"].to_numpy(), until) - entered
    code = int(visits["stage"].iloc[0])
    way = np.where(gone, advance[code, visits["next"].to_numpy()], 0)
    time = _time_needed(stay[gone], until - entered)
    if time is not None:
        old = until - entered >= time
        for measure, kind in (("conversion", 1), ("definition", 2)):
            happened = ((way == kind) & (stay <= time) & gone)[old].astype(float)
            mean = happened.mean()
            if 0 < mean < 1:
                info = np.full(len(happened), mean * (1 - mean))
                yield _blocks(
                    stage, measure, "share", entered[old], happened - mean, info, happened
                )
    if gone.sum() > 1 and stay[gone].max() > 0:
        hazard = _cumulative(stay, gone)
        values = np.column_stack([stay, gone])
        yield _blocks(stage, "delay", "s", entered, gone - hazard, hazard, values)


def _time_needed(stays: np.ndarray, ages: np.ndarray) -> float | None:
    """Return the time that almost all stays need, such that most visits had it."""
    if not len(stays):
        return None
    for quantile in MATURE:
        time = float(np.quantile(stays, quantile))
        if (ages >= time).mean() >= ENOUGH_MATURE:
            return time
    return None


def _cumulative(stay: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Return the cumulative hazard of all visits at the end of each (Nelson–Aalen)."""
    _, index = np.unique(stay, return_inverse=True)
    events = np.bincount(index, weights=gone.astype(float))
    at_risk = len(stay) - np.r_[0, np.cumsum(np.bincount(index))[:-1]]
    hazard: np.ndarray = np.cumsum(events / at_risk)[index]
    return hazard


def _blocks(
    stage: str,
    measure: str,
    unit: str,
    entered: np.ndarray,
    scores: np.ndarray,
    information: np.ndarray,
    values: np.ndarray,
) -> _Test:
    """Add up scores by day."""
    days, index = np.unique(entered // DAY, return_inverse=True)
    sums, infos = (np.bincount(index, weights=part) for part in (scores, information))
    return _Test(stage, measure, unit, days * DAY, sums, infos, entered, values)


def _row(test: _Test, point: ChangePoint, p: float) -> dict[str, object]:
    """Return one test as a row of the table."""
    at, lo, hi = (
        pd.Timestamp(int(test.starts[min(block, len(test.starts) - 1)]), unit="us", tz="UTC")
        for block in (point.at, point.lo, point.hi)
    )
    early = test.entered < test.starts[min(point.at, len(test.starts) - 1)]
    before, after = (_typical(test.observed[part]) for part in (early, ~early))
    return {
        "stage": test.stage,
        "measure": test.measure,
        "unit": test.unit,
        "at": at,
        "lo": lo,
        "hi": hi,
        "before": before,
        "after": after,
        "statistic": point.statistic,
        "p": p,
        "n": int(test.observed[:, 0].size if test.observed.ndim > 1 else len(test.observed)),
    }


def _typical(values: np.ndarray) -> float:
    """Return the mean, of stays their median by Kaplan and Meier in seconds."""
    if values.ndim == 1:
        return float(values.mean()) if len(values) else float("nan")
    if not values[:, 1].any():
        return float("nan")
    from statsmodels.duration.survfunc import SurvfuncRight

    return float(SurvfuncRight(values[:, 0] / 1e6, values[:, 1]).quantile(0.5))
