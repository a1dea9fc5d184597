"""Work: how long hands are on it, who does it, and how many people there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.dwell import Dwell, dwell
from funnelsim.calibration.hours import CalendarPart, team_calendars
from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.parts import Part, Refusal, Settings
from funnelsim.calibration.pieces import pieces, work_times
from funnelsim.calibration.seats import SeatCount, seat_count
from funnelsim.calibration.shapes import Empirical
from funnelsim.calibration.survival import Durations, curve
from funnelsim.events import EventLog, TeamInfo
from funnelsim.measures.estimates import mean, wilson
from funnelsim.measures.journeys import MISSING, SECOND, micros, rows_of, window
from funnelsim.scenarios.evidence import Evidence
from funnelsim.scenarios.quantity import DurationSpec
from funnelsim.worktime import WorkTime

__all__ = ["EffortPart", "TeamPart", "phases", "stages_with_work", "work_parts"]

Floats = NDArray[np.float64]

RARE: Final = 0.03
"""Share of a stage's visits below which a kind of work is left out."""
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
    def settings(self) -> Settings:
        """Team and duration."""
        return self._said(self.duration.shape.spec(), self.done[0])

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Of the duration, and of how often the work is done."""
        return (*self.duration.evidence, *self.extra)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """The same team, another duration."""
        share, n = self.done
        if share < SURE:
            share = float(rng.beta(share * n + 0.5, (1 - share) * n + 0.5))
        return self._said(self.duration.shape.drawn(rng), share)

    def _said(self, duration: object, share: float) -> dict[tuple[str, ...], object]:
        at = ("stages", self.stage, "efforts", self.effort)
        found: dict[tuple[str, ...], object] = {
            (*at, "team"): self.team,
            (*at, "duration"): _sometimes(duration, share) if self.done[0] < SURE else duration,
        }
        if self.label:
            found[(*at, "label")] = dict(self.label)
        return found


@dataclass(frozen=True, slots=True)
class TeamPart:
    """A team with its seats.

    Parameters
    ----------
    id : str
    label : mapping
    calendar : str
        Its calendar's id; empty: always at work.
    count : SeatCount
    pauses : bool
        Work is laid down at closing.
    """

    id: str
    label: Mapping[str, str] = field(hash=False)
    calendar: str
    count: SeatCount
    pauses: bool

    @property
    def name(self) -> str:
        """``team/sellers``."""
        return f"team/{self.id}"

    @property
    def settings(self) -> Settings:
        """Seats, calendar, what happens at closing."""
        return self._with(self.count.whole)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """The same with seats drawn from their uncertainty."""
        return self._with(self.count.drawn(rng))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Seats and how busy they are."""
        count = self.count
        of = f"teams.{self.id}.seats"
        more = count.whole > round(count.seats)
        note = f"{count.note} Raised so that the seats carry the load." if more else count.note
        seats = Evidence(
            of=of,
            measure="seats",
            value=count.seats,
            unit="seats",
            lo=max(0.0, count.lo),
            hi=count.hi,
            n=count.n,
            method=count.method,
            note=note.strip(),
        )
        busy = Evidence(
            of=of,
            measure="utilisation",
            value=count.load / count.whole,
            unit="share",
            n=count.n,
            method="hands-on time ÷ seats × open hours",
            note="Work that the log does not hold is not counted.",
        )
        return seats, busy

    def _with(self, seats: int) -> Settings:
        at = ("teams", self.id)
        found: dict[tuple[str, ...], object] = {(*at, "seats"): seats}
        if self.label:
            found[(*at, "label")] = dict(self.label)
        if self.calendar:
            found[(*at, "calendar")] = self.calendar
        if self.pauses:
            found[(*at, "at_close")] = "pause"
        return found


def _sometimes(duration: object, share: float) -> dict[str, object]:
    """A duration in this share of cases, none in the others."""
    share = min(max(round(share, 4), 0.0001), 0.9999)
    inner = duration.get("mixture") if isinstance(duration, dict) else None
    parts = inner or [{"share": 1.0, "of": duration}]
    scaled = [part | {"share": round(share * float(part["share"]), 6)} for part in parts]
    none = round(1 - sum(float(part["share"]) for part in scaled), 6)
    return {"mixture": [{"share": none, "of": "0 s"}, *scaled]}


def work_parts(log: EventLog) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Estimate the work of each stage, and the teams that do it.

    The time that hands are on a lead's work in one visit, all pieces of one kind together,
    is one distribution, mixed with 0 for visits without any. Finished visits count; they
    are weighted by the inverse chance of having been seen to their end, so that long visits
    do not go short.

    Parameters
    ----------
    log : EventLog
        Any history but a snapshot, with efforts that were started.

    Returns
    -------
    parts, refusals : tuple of Part, tuple of Refusal
        ``work/STAGE/EFFORT`` and ``team/TEAM``; calendars come from `calendar_parts`.

    References
    ----------
    Bang & Tsiatis (2000), Biometrika 87: 329-343 (totals up to a censored end).

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> parts, refusals = work_parts(BANK)
    >>> [part.name for part in parts]
    []
    """
    calendars = team_calendars(log)
    clocks = work_times(log, calendars)
    work = pieces(log, clocks)
    if work.empty:
        why = "The log holds no work that was started, so people and their load do not show."
        fix = "Export calls, tasks or meetings with start and end."
        return (), (Refusal("teams", why, "Time in stages is delay in the scenario.", fix),)
    work = work.assign(stage=_stage_of(log, work))
    kinds, refusals = _kinds(log, work)
    parts: list[Part] = []
    for stage, effort in kinds:
        mine = work[(work["stage"] == stage) & (work["effort"] == effort)]
        part, refusal = _effort(log, stage, effort, mine)
        parts += [part] if part else []
        refusals += [refusal] if refusal else []
    used = [part.team for part in parts if isinstance(part, EffortPart)]
    for team in dict.fromkeys(used):
        parts.append(_team(log, team, work[work["team"] == team], clocks, calendars))
    refusals.append(_shrinkage())
    return tuple(parts), tuple(refusals)


def stages_with_work(log: EventLog) -> frozenset[str]:
    """Stages whose work is in the scenario, so that their stay is more than a delay.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> stages_with_work(BANK)
    frozenset()
    """
    work = pieces(log, {})
    if work.empty:
        return frozenset()
    kinds, _ = _kinds(log, work.assign(stage=_stage_of(log, work)))
    return frozenset(stage for stage, _ in kinds)


def _stage_of(log: EventLog, work: pd.DataFrame) -> NDArray[np.object_]:
    """The stage of each piece; empty for those outside visits."""
    names = np.append(log.visits["stage"].to_numpy(dtype=object), "")
    return np.asarray(names[work["row"].to_numpy()], dtype=object)


def _kinds(log: EventLog, work: pd.DataFrame) -> tuple[list[tuple[str, str]], list[Refusal]]:
    """Stages and kinds of work to be modelled, in the order in which they are done."""
    final = {info.id for info in log.meta.stages if info.outcome or info.terminal}
    visits = log.visits["stage"].value_counts()
    inside = (work["row"] >= 0) & ~work["stage"].isin(final)
    entered = np.append(micros(log.visits["entered_at"]), MISSING)[work["row"]]
    table = work.assign(since=work["started"] - entered)[inside]
    size = table.groupby(["stage", "effort"])["row"].nunique()
    kept = [
        (stage, effort)
        for stage, effort in sorted(set(zip(table["stage"], table["effort"], strict=True)))
        if size[stage, effort] >= max(FEWEST, RARE * visits[stage])
    ]
    first = table.groupby(["stage", "effort", "row"])["since"].min()
    when = first.groupby(["stage", "effort"]).median()
    kept.sort(key=lambda kind: (kind[0], when[kind]))
    modelled = pd.MultiIndex.from_frame(work[["stage", "effort"]]).isin(kept) & inside
    total = float(work["hands_on"].sum()) or 1.0
    lost = float(work.loc[~modelled, "hands_on"].sum()) / total
    if modelled.all():
        return kept, []
    count = int((~modelled).sum())
    why = (
        f"{count:,} pieces of work, {lost:.1%} of all hands-on time, belong to no visit, "
        "come after the end or are rare."
    )
    return kept, [Refusal("teams.*.load", why, "That load is not in the scenario.")]


def _effort(
    log: EventLog, stage: str, effort: str, work: pd.DataFrame
) -> tuple[EffortPart | None, Refusal | None]:
    """One kind of work of a stage."""
    rows, weight = _finished(log, stage)
    done = work.groupby("row")["hands_on"].sum()
    spent = done.reindex(rows).to_numpy(dtype=float)
    some = ~np.isnan(spent)
    taken = np.maximum(spent[some], 1.0)  # work that was begun takes some time, however short
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
    extra = _extra(".".join(at), done_in, len(rows), work, float(teams.iloc[0]) / len(work))
    return EffortPart(stage, effort, str(teams.index[0]), label, part, done_in, extra), refusal


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
            of=of,
            measure="done",
            value=done[0],
            unit="share",
            lo=lo,
            hi=hi,
            n=n,
            method=method,
            note=note,
        ),
        Evidence(
            of=of,
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


def _team(
    log: EventLog,
    team: str,
    work: pd.DataFrame,
    clocks: Mapping[str, WorkTime],
    calendars: Mapping[str, CalendarPart],
) -> TeamPart:
    """One team."""
    infos = {lasting_id(info.id): info for info in log.meta.teams}
    names = {lasting_id(name): name for name in log.efforts["team"].unique()}
    name = names.get(team, team)
    info = infos.get(team, TeamInfo(id=name))
    clock = clocks.get(name)
    count = seat_count(log, info, work, _waiting(log, name), clock)
    label = info.label or ({"en": name} if name != team else {})
    part = calendars.get(name)
    return TeamPart(team, label, part.id if part else "", count, info.pauses or _lays_down(work))


def _waiting(log: EventLog, team: str) -> pd.DataFrame:
    """All that queued for a team, until it was begun or given up."""
    mine = log.efforts[(log.efforts["team"] == team) & log.efforts["queued_at"].notna()]
    _, until = window(log)
    start, end = micros(mine["started_at"]), micros(mine["ended_at"])
    gone = np.where(start != MISSING, start, np.where(end != MISSING, end, until))
    return pd.DataFrame({"queued": micros(mine["queued_at"]), "until": gone})


def _lays_down(work: pd.DataFrame) -> bool:
    """Whether work over closing time is more often laid down than finished."""
    return int(work["over_night"].sum()) >= 5 and _late(work) < int(work["over_night"].sum())  # noqa: PLR2004


def _late(work: pd.DataFrame) -> int:
    return int(work["overtime"].sum())


def _shrinkage() -> Refusal:
    why = "Seats are people at work: who was paid and not there leaves no trace in the log."
    return Refusal("teams.*.shrinkage", why, "It is 0.", "Take it from the payroll.")


def phases(log: EventLog) -> pd.DataFrame:
    """Split each visit into the time before work, waiting, work, between and after.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    DataFrame
        One row per row of ``log.visits``: ``stage``, ``before``, ``waiting``, ``hands_on``,
        ``after`` (seconds; pauses between pieces of work count to ``after``), and
        ``before_over``, ``over``: whether the first and the whole were seen to their end. A
        visit without work is all ``before``. Waits are ``waiting`` only where the team's
        queue explains them; appointments are not.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> phases(BANK)[["before", "waiting", "hands_on", "after"]].iloc[0].tolist()
    [3600.0, 0.0, 3600.0, 3600.0]
    """
    calendars = team_calendars(log)
    clocks = work_times(log, calendars)
    work = pieces(log, clocks)
    _, until = window(log)
    entered, left = (micros(log.visits[name]) for name in ("entered_at", "left_at"))
    stay = (np.where(left == MISSING, until, left) - entered) / SECOND
    work = work[work["row"] >= 0]
    queue = {
        team: _team(log, team, work[work["team"] == team], clocks, calendars).count.queue
        for team in work["team"].unique()
    }
    queues = work["team"].map(queue).to_numpy(dtype=bool)
    queued = work["queued"].to_numpy()
    came = np.where((queued != MISSING) & queues, queued, work["started"])
    table = work.assign(came=came, wait=(work["started"] - came) / SECOND)
    sums = table.groupby("row").agg(
        came=("came", "min"), waiting=("wait", "sum"), hands_on=("hands_on", "sum")
    )
    sums = sums.reindex(range(len(log.visits)))
    some = sums["came"].notna().to_numpy()
    before = np.where(some, (sums["came"].to_numpy() - entered) / SECOND, stay)
    before = np.clip(before, 0, stay)
    waiting = np.minimum(sums["waiting"].fillna(0).to_numpy(), stay - before)
    hands = np.minimum(sums["hands_on"].fillna(0).to_numpy(), stay - before - waiting)
    return pd.DataFrame(
        {
            "stage": log.visits["stage"].to_numpy(),
            "before": before,
            "waiting": waiting,
            "hands_on": hands,
            "after": stay - before - waiting - hands,
            "before_over": some | (left != MISSING),
            "over": left != MISSING,
        }
    )
