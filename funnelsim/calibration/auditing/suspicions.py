"""What looks wrong in a history though every row is possible: the moves between stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.auditing.findings import Severity
from funnelsim.calibration.cleaning.repairs import Mended
from funnelsim.calibration.cleaning.stays import visits_of
from funnelsim.calibration.raw import RawHistory

__all__ = ["DAY", "Facts", "Suspicion", "of_deals", "of_moves", "of_stages"]

MINUTE: Final = 60_000_000  # microseconds
DAY: Final = 86_400_000_000
HASTE: Final = MINUTE
HALF: Final = 0.5
FEW_LOSSES: Final = 0.1  # of closed deals
FEWEST: Final = 20  # of anything, before a share of it is worth a finding
EARLY: Final = 0.02  # of all deals: fewer before or after mean nothing
EXPECTED: Final = 10.0  # entries that should have been and were not: P(none) < 5e-5
UNKNOWN: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Suspicion:
    """A finding as numbers; ``rows`` are those it concerns, for examples."""

    kind: str
    count: int
    of: int
    rows: pd.DataFrame | None = None
    details: str = ""
    numbers: Mapping[str, object] = field(default_factory=dict)
    severity: Severity | None = None
    """Given where the share does not say it; then a count of nought is a finding too."""


@dataclass(frozen=True, eq=False)
class Facts:
    """A history as recorded and as mended, with its visits as numbers."""

    raw: RawHistory
    mended: Mended

    @cached_property
    def visits(self) -> pd.DataFrame:
        """Visits with ``code`` (position of the stage), ``at`` and ``left`` in microseconds."""
        mended = self.mended
        visits = visits_of(mended.found, mended.clean, mended.stages)
        left = visits["left_at"].to_numpy(dtype="datetime64[us]").view(np.int64)
        return visits.assign(
            code=mended.found["stage"].to_numpy(),
            at=mended.found["at"].to_numpy(),
            left=left,
            deal_id=visits["lead_id"],
        )

    @cached_property
    def outcome(self) -> np.ndarray:
        """How each deal ended: won, lost, ended, or open; by the first closing."""
        visits, deals = self.visits, self.mended.clean.deals
        means = self.mended.stages.outcomes()[visits["code"].to_numpy()]
        terminal = self.mended.stages.terminal()[visits["code"].to_numpy()]
        result = np.full(len(deals), "open", dtype=object)
        ends = visits[terminal].assign(means=np.where(means == "", "ended", means)[terminal])
        first = ends.drop_duplicates("lead")
        result[first["lead"].to_numpy()] = first["means"].to_numpy()
        return result

    @cached_property
    def until(self) -> int:
        """The end of the window, microseconds."""
        return int(pd.Series([self.mended.clean.until]).to_numpy("datetime64[us]").view("int64")[0])

    @cached_property
    def arrived(self) -> np.ndarray:
        """When deals arrived, microseconds."""
        return self.mended.clean.deals["arrived_at"].to_numpy("datetime64[us]").view(np.int64)

    @cached_property
    def lives(self) -> np.ndarray:
        """Microseconds from arrival to the first closing; the age of open deals."""
        terminal = self.mended.stages.terminal()[self.visits["code"].to_numpy()]
        first = self.visits[terminal].drop_duplicates("lead")
        end = np.full(len(self.arrived), self.until)
        end[first["lead"].to_numpy()] = first["at"].to_numpy()
        lives: np.ndarray = end - self.arrived
        return lives


def of_moves(facts: Facts) -> Iterator[Suspicion]:
    """Look for skipped and backward moves, reopened deals, stages left at once.

    Parameters
    ----------
    facts : Facts
        The history.

    Yields
    ------
    Suspicion
    """
    if facts.raw.meta.history == "snapshot":
        return
    visits, stages = facts.visits, facts.mended.stages
    place = _places(facts)
    code = visits["code"].to_numpy()
    moved = (visits["exit"] == "moved").to_numpy()
    here, there = place[code], np.append(place[code[1:]], np.nan)[: len(code)]
    ends = stages.terminal()[code]
    known = moved & ~np.isnan(here) & ~np.isnan(there) & ~ends
    skips = known & (there - here > 1)
    back = known & (there < here)
    of = int((moved & ~ends).sum())
    yield Suspicion("skipped_stages", int(skips.sum()), of, visits[skips])
    yield Suspicion("backward_moves", int(back.sum()), of, visits[back])
    reopened = moved & ends
    yield Suspicion("reopened", int(reopened.sum()), int(ends.sum()), visits[reopened])
    stay = visits["left"].to_numpy() - visits["at"].to_numpy()
    rushed = moved & ~ends & (stay < HASTE)
    if not _dates_only(visits["at"], facts):
        yield Suspicion("rushed_moves", int(rushed.sum()), of, visits[rushed])


def of_stages(facts: Facts) -> Iterator[Suspicion]:
    """Look for stages that stop, begin, or change their name on some day.

    A stage stops or begins where at least ten entries, and 2 % of the number of deals, were
    to be expected in the time without any, from the deals that arrived then and from how
    many of the others came to it; and where this time is longer than a week and than three
    times the longest gap between its entries.

    Parameters
    ----------
    facts : Facts
        The history.

    Yields
    ------
    Suspicion
    """
    visits = facts.visits
    if facts.raw.meta.history == "snapshot" or not len(visits):
        return
    ids = [stage.name for stage in facts.mended.stages.stages]
    stops, begins, total = _edges(facts)
    pairs: list[tuple[str, str, str]] = []
    used: set[int] = set()
    for old, last in zip(stops.index.astype(int), stops["max"], strict=True):
        gap = (begins["min"] - last)[lambda wait: wait > -DAY]
        gap = gap[~gap.index.isin(used) & (gap <= 14 * DAY)]
        if len(gap):
            new = int(gap.index[np.argmin(gap)])
            used |= {old, new}
            pairs.append((ids[old], ids[new], _day(begins["min"].loc[new])))
    if pairs:
        details = "; ".join(f"{old} → {new}, {day}" for old, new, day in pairs)
        yield Suspicion("renamed_stages", len(pairs), total, None, details, {"pairs": pairs})
    for kind, found, column in (
        ("stopped_stages", stops, "max"),
        ("new_stages", begins, "min"),
    ):
        alone = found[~found.index.isin(used)]
        codes = alone.index.astype(int)
        when = alone[column].to_numpy()
        days = {str(ids[n]): _day(at) for n, at in zip(codes, when, strict=True)}
        details = "; ".join(f"{stage}, {day}" for stage, day in days.items())
        yield Suspicion(kind, len(alone), total, None, details, {"days": days})


def _edges(facts: Facts) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return the stages that stop, those that begin, and how many there are."""
    start = int(facts.mended.start.to_datetime64().astype("datetime64[us]").astype(np.int64))
    visits, arrived = facts.visits, np.sort(facts.arrived[facts.arrived >= start])
    visits = visits[visits["at"] >= start]
    by_code = visits.sort_values("at", kind="stable").groupby("code")["at"]
    seen = by_code.agg(["min", "max", "size"])
    longest = by_code.agg(lambda at: np.diff(at, append=at.iloc[-1]).max())
    quiet = np.maximum(3 * longest, 7 * DAY)
    lag = visits["at"] - facts.arrived[visits["lead"].to_numpy()]
    way = lag.groupby(visits["code"]).median()

    def before(time: pd.Series) -> np.ndarray:
        return np.searchsorted(arrived, time.to_numpy())

    base = before(seen["max"] - way) - before(seen["min"] - way)
    usage = seen["size"] / np.maximum(base, 1)
    missed = before(facts.until - 2 * way) - before(seen["max"] - way)
    early = before(seen["min"] - 2 * way)
    least = max(EXPECTED, EARLY * len(arrived))
    enough = seen["size"] >= FEWEST
    stops = enough & (usage * missed >= least) & (facts.until - seen["max"] > quiet)
    begins = enough & (usage * early >= least) & (seen["min"] - start > quiet)
    return seen[stops], seen[begins], len(seen)


def of_deals(facts: Facts) -> Iterator[Suspicion]:
    """Look for stale deals, missing losses and values, likely duplicates.

    Parameters
    ----------
    facts : Facts
        The history.

    Yields
    ------
    Suspicion
    """
    deals, outcome = facts.mended.clean.deals, facts.outcome
    n = len(deals)
    open_, won, lost = outcome == "open", outcome == "won", outcome == "lost"
    closed = ~open_
    if n < FEWEST:
        yield Suspicion("few_deals", n, 0, severity="red")
    if not n:
        return
    if not closed.any():
        named = facts.raw.meta.format != "process_log" or facts.mended.stages.outcomes().any()
        kind = "no_closings" if named else "no_outcomes"
        yield Suspicion(kind, 0, n if named else 0, severity="red")
    elif not won.any():
        yield Suspicion("no_wins", 0, int(closed.sum()), severity="red")
    if not any(file.taken_at for file in facts.raw.meta.files):  # else that day is the end
        tomorrow = pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=1)
        ahead = (deals["created_at"] > tomorrow).to_numpy()
        yield Suspicion("after_today", int(ahead.sum()), n, deals[ahead])
    stale = _stale(facts)
    yield Suspicion("stale_open", int(stale.sum()), int(open_.sum()), deals[stale])
    longest = facts.lives[closed].max() if closed.any() else None
    if longest is not None and closed.sum() >= FEWEST:
        ageless = open_ & (facts.lives > longest)
        yield Suspicion("ageless_open", int(ageless.sum()), n, deals[ageless])
    ended = int((lost | (outcome == "ended")).sum())
    if won.sum() >= FEWEST and ended < FEW_LOSSES * closed.sum():
        severity: Severity = "caution" if ended else "red"
        yield Suspicion("missing_losses", ended, int(closed.sum()), severity=severity)
    yield from _money(facts, won)
    times = deals[["created_at", "stage_since", "closed_at"]]
    equal = (times.max(axis=1) == times.min(axis=1)) & (times.notna().sum(axis=1) > 1) & closed
    if facts.raw.meta.history == "snapshot" or not len(facts.mended.clean.moves):
        yield Suspicion("equal_times", int(equal.sum()), int(closed.sum()), deals[equal])
    elif facts.mended.clean.moves["at"].min() == facts.mended.clean.moves["at"].max() and n > 1:
        yield Suspicion("equal_times", n, n, deals)
    yield from _twins(deals)


def _money(facts: Facts, won: np.ndarray) -> Iterator[Suspicion]:
    """Find wins without a value, where there are values at all."""
    deals = facts.mended.clean.deals
    if deals["value"].notna().any():
        bare = won & deals["value"].fillna(0).eq(0).to_numpy(dtype=bool)
        yield Suspicion("no_value", int(bare.sum()), int(won.sum()), deals[bare])


def _twins(deals: pd.DataFrame) -> Iterator[Suspicion]:
    """Find deals of the same customer, day and value."""
    keys = deals[["customer_id", "value", "product"]].assign(day=deals["arrived_at"].dt.normalize())
    named = deals["customer_id"].notna()
    twins = (named & keys.duplicated()).to_numpy()
    yield Suspicion("possible_duplicates", int(twins.sum()), int(named.sum()), deals[twins])


def _stale(facts: Facts) -> np.ndarray:
    """Say which open deals stay longer than 99 in 100 completed stays and five usual ones."""
    stale = np.zeros(len(facts.arrived), dtype=bool)
    open_ = facts.outcome == "open"
    if facts.raw.meta.history == "snapshot":
        old: np.ndarray = open_ & _beyond(facts.lives, facts.lives[~open_])
        return old
    visits = facts.visits
    last = (visits["exit"] == "open").to_numpy() & open_[visits["lead"].to_numpy()]
    stay = np.where(visits["left"] == UNKNOWN, facts.until, visits["left"]) - visits["at"]
    done = (visits["exit"] == "moved").to_numpy()
    for code in visits["code"].unique():
        here = (visits["code"] == code).to_numpy()
        long = here & last & _beyond(stay.to_numpy(), stay[here & done].to_numpy())
        stale[visits.loc[long, "lead"].to_numpy()] = True
    return stale


def _beyond(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Say which values lie beyond the 99th percentile of others and five times their median."""
    if len(usual) < FEWEST:
        return np.zeros(len(values), dtype=bool)
    beyond: np.ndarray = values > max(np.quantile(usual, 0.99), 5 * np.median(usual))
    return beyond


def _places(facts: Facts) -> np.ndarray:
    """Return the place of each stage on the way to a win, counted from 0; else not a number."""
    infos = facts.mended.stages.infos()
    by_id = {info.id: info for info in infos}
    path: list[str] = []
    here = infos[0].id if infos else None
    while here is not None and here not in path:
        path.append(here)
        here = by_id[here].advance
    place = {stage: number for number, stage in enumerate(path)}
    return np.array([*(place.get(info.id, np.nan) for info in infos), np.nan])


def _dates_only(at: pd.Series, facts: Facts) -> bool:
    """Say whether most times are midnights."""
    times = pd.Series(pd.to_datetime(at.to_numpy(), unit="us", utc=True))
    local = times.dt.tz_convert(facts.raw.meta.time_zone or "UTC")
    return bool(len(local)) and bool((local == local.dt.normalize()).mean() > HALF)


def _day(at: float) -> str:
    """Return the day of microseconds since the epoch."""
    return str(pd.Timestamp(int(at), unit="us").date())
