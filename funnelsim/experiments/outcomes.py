"""What one replication comes to, in named measures: one number each.

All of them are *flow* measures: what happens inside the observed window, whoever it
happens to. A ratio with nothing below the line (the mean wait of a team that began no
work) has no value in that replication: NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.plan import ACQUIRED, Plan, PlanMark, PlanStage
from funnelsim.engine.planning import decimals
from funnelsim.engine.tally import DECIDED, Limits, Tally, advances
from funnelsim.errors import ParameterError, Problem
from funnelsim.scenarios.frozen import label_text
from funnelsim.worktime import FAR, HOUR, SECOND, parse_duration

__all__ = ["Measure", "Outcomes", "read_limits"]

Read = Callable[[Tally], float]

MONEY: Final = "minor"
INCOME: Final[Mapping[str, str]] = {
    "paid": "money paid",
    "ordered": "value of orders",
    "won": "value of deals won",
}
"""What counts as income: the first of these kinds of marks that bring money."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a number is.

    Parameters
    ----------
    id : str
        ``won``, ``utilisation.call_centre`` …
    unit : str
        ``leads``, ``deals``, ``times`` (how often), ``share``, ``s`` (seconds), ``minor``
        (minor units of the scenario's currency).
    name : str
        In English; ``{item}`` stands for the stage, team or source.
    better : int
        1: more is better; -1: less is better; 0: neither by itself.
    item : str
        The stage, team or source it is about; empty for the whole funnel.
    label : mapping of str to str
        What that is called, by language.

    Examples
    --------
    >>> Measure("wait.desk", "s", "mean wait for {item}", -1, "desk", {"en": "Help desk"}).words()
    'mean wait for Help desk'
    """

    id: str
    unit: str
    name: str
    better: int = 0
    item: str = ""
    label: Mapping[str, str] = field(default_factory=dict, hash=False)

    def words(self, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """The name in words; ``text`` translates it."""
        return text(self.name).format(item=label_text(self.label, lang, self.item))


@dataclass(frozen=True, slots=True)
class _Reading:
    """A measure and how it is read off a tally."""

    measure: Measure
    read: Read


class Outcomes:
    """The measures of a plan, and their values in a replication.

    ``leads``, ``won``, ``lost``, ``win_share``, ``cycle_time``, ``open_deals``, money where
    there is any (``income``, ``cost``, ``staff_cost``, ``profit``, ``<kind>_value``), every
    other kind of mark; ``entered``, ``conversion``, ``dwell`` and ``wip`` by stage
    (``dwell.offer``); ``utilisation``, ``wait``, ``queue`` and ``given_up`` by team; and
    with limits ``in_time``, for the funnel and by team.

    Parameters
    ----------
    plan : Plan
    limits : Limits, optional
        What counts as in time; must be those of the tallies.

    Examples
    --------
    >>> from funnelsim.engine import make_plan, tally
    >>> from funnelsim.scenarios.scenario import _TINY, Scenario
    >>> plan = make_plan(Scenario.model_validate(_TINY))
    >>> found = Outcomes(plan)
    >>> ids = [measure.id for measure in found.measures]
    >>> ids[:5]
    ['leads', 'won', 'win_share', 'cycle_time', 'open_deals']
    >>> values = dict(zip(ids, found.values(tally(plan, seed=7)), strict=True))
    >>> values["leads"] == values["won"], values["win_share"], values["cycle_time"]
    (np.True_, np.float64(1.0), np.float64(0.0))
    """

    def __init__(self, plan: Plan, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        readings = [
            *_of_leads(plan, limits),
            *_of_money(plan),
            *_of_marks(plan),
            *_of_stages(plan),
            *_of_teams(plan, limits),
        ]
        self.measures: tuple[Measure, ...] = tuple(reading.measure for reading in readings)
        self._reads = tuple(reading.read for reading in readings)

    def values(self, tally: Tally) -> NDArray[np.float64]:
        """One number per measure; NaN where there is none.

        Parameters
        ----------
        tally : Tally
            Of this plan.

        Returns
        -------
        ndarray, shape (measures,)
        """
        return np.array([read(tally) for read in self._reads], float)


def read_limits(limits: Limits | Mapping[str, str] | None) -> Limits:
    """Read ``{"wait": "4 h", "age": "30 d"}``.

    Parameters
    ----------
    limits : mapping of str to str, Limits, optional
        ``wait``: work begun so long after it was queued is begun in time; ``age``: a deal
        won so long after its lead arrived is won in time. Elapsed time.

    Returns
    -------
    Limits

    Raises
    ------
    ParameterError
        Unknown names, and durations that cannot be read or are business time or months.

    Examples
    --------
    >>> read_limits({"wait": "4 h"}).wait == 4 * HOUR
    True
    """
    if limits is None or isinstance(limits, Limits):
        return limits or Limits()
    found, problems = {}, []
    for name, written in limits.items():
        try:
            duration = parse_duration(written)
        except ValueError as wrong:
            problems.append(Problem(str(wrong), path=f"limits.{name}"))
            continue
        if name not in {"wait", "age"}:
            problems.append(Problem(f'there is no limit "{name}"', fix="Use wait and age."))
        elif duration.clock != "elapsed":
            fix = "Use s, min, h, d or w."
            problems.append(
                Problem(f"{duration} is not elapsed time", path=f"limits.{name}", fix=fix)
            )
        else:
            found[name] = round(duration.microseconds())
    if problems:
        raise ParameterError(problems)
    return Limits(**found)


def _of_leads(plan: Plan, limits: Limits) -> Iterator[_Reading]:
    """The funnel as a whole."""
    window = plan.observed_until - plan.observed_from
    yield _Reading(Measure("leads", "leads", "leads"), lambda t: float(t.arrived.sum()))
    won, lost = (_total("first", _place(plan, kind)) for kind in DECIDED)
    if "won" in plan.kinds_of_marks:
        yield _Reading(Measure("won", "deals", "deals won", 1), won)
    if "lost" in plan.kinds_of_marks:
        yield _Reading(Measure("lost", "deals", "deals lost"), lost)
    if "won" in plan.kinds_of_marks:
        at = _place(plan, "won")
        # A flow ratio: honest only for a funnel that is warmed up and steady.
        share = Measure("win_share", "share", "share won of deals decided in the window", 1)
        yield _Reading(share, lambda t: _ratio(won(t), won(t) + lost(t)))
        cycle = Measure("cycle_time", "s", "mean time from arrival to win", -1)
        yield _Reading(cycle, _mean(_total("age", at), won, SECOND))
        if limits.age != FAR:
            soon = Measure("in_time", "share", "share of wins in time", 1)
            yield _Reading(soon, _mean(_total("young", at), won))
    yield _Reading(Measure("open_deals", "deals", "open deals"), lambda t: float(t.open) / window)
    sources = plan.epochs[0].sources
    for i, source in enumerate(sources if len(sources) > 1 else ()):
        about = (source.id, plan.scenario.sources[source.id].label)
        measure = Measure(f"leads.{source.id}", "leads", "leads from {item}", 0, *about)
        yield _Reading(measure, _total("arrived", i))


def _of_money(plan: Plan) -> Iterator[_Reading]:
    """Income, costs and what is left."""
    valued, pay = _valued(plan), _pay(plan)
    basis = next((kind for kind in INCOME if kind in valued), "")
    income = _total("value", _place(plan, basis))
    spent = any(mark.cost for mark in _marks(plan)) or any(
        source.cost for epoch in plan.epochs for source in epoch.sources
    )
    if basis:
        yield _Reading(Measure("income", MONEY, INCOME[basis], 1), income)
    if spent:
        measure = Measure("cost", MONEY, "costs of leads and deals", -1)
        yield _Reading(measure, lambda t: float(t.cost.sum()))
    if pay.any():
        measure = Measure("staff_cost", MONEY, "cost of staffed hours", -1)
        yield _Reading(measure, lambda t: float(t.staffed @ pay))
    if basis and (spent or pay.any()):
        measure = Measure("profit", MONEY, "income less all costs given", 1)
        yield _Reading(measure, lambda t: income(t) - float(t.cost.sum()) - float(t.staffed @ pay))
    for kind in sorted(valued):
        name = "value of deals won" if kind == "won" else "value marked {item}"
        measure = Measure(f"{kind}_value", MONEY, name, 1, "" if kind == "won" else kind)
        yield _Reading(measure, _total("value", _place(plan, kind)))


def _of_marks(plan: Plan) -> Iterator[_Reading]:
    """Every other kind of mark: *qualified* by lead, the rest as often as it happens."""
    for i, kind in enumerate(plan.kinds_of_marks):
        if kind == "qualified":
            yield _Reading(Measure(kind, "leads", "leads qualified", 1), _total("first", i))
        elif kind not in {*DECIDED, ACQUIRED[0]}:
            measure = Measure(kind, "times", "marks {item}", int(kind in INCOME), kind)
            yield _Reading(measure, _total("marked", i))


def _of_stages(plan: Plan) -> Iterator[_Reading]:
    """Who came, who advanced, how long they stayed; stages that take no time have no stay."""
    window = plan.observed_until - plan.observed_from
    advancing = np.flatnonzero((advances(plan) >= 0).any(axis=0))
    number = {stage.id: i for i, stage in enumerate(plan.epochs[0].stages)}
    for key, stage in plan.scenario.stages.items():
        i, about = number[key], (key, stage.label)
        yield _Reading(
            Measure(f"entered.{key}", "leads", "visits to {item}", 0, *about), _total("entered", i)
        )
        left = _total("left", i)
        if i in advancing:
            share = Measure(f"conversion.{key}", "share", "conversion of {item}", 1, *about)
            yield _Reading(share, _mean(_total("left", (i, 0)), left))
        if any(_takes_time(epoch.stages[i]) for epoch in plan.epochs):
            stay = Measure(f"dwell.{key}", "s", "mean stay in {item}", -1, *about)
            yield _Reading(stay, _mean(_total("dwell", i), left, SECOND))
            wip = Measure(f"wip.{key}", "leads", "leads in {item} at a time", 0, *about)
            yield _Reading(wip, _total("present", i, window))


def _of_teams(plan: Plan, limits: Limits) -> Iterator[_Reading]:
    """How busy a team is, and how long its work waits."""
    window = plan.observed_until - plan.observed_from
    number = {team.id: i for i, team in enumerate(plan.epochs[0].teams)}
    for key, team in plan.scenario.teams.items():
        i, about = number[key], (key, team.label)
        started = _total("started", i)
        busy = Measure(f"utilisation.{key}", "share", "utilisation of {item}", 0, *about)
        yield _Reading(busy, _mean(_total("busy", i), _total("staffed", i)))
        wait = Measure(f"wait.{key}", "s", "mean wait for {item}", -1, *about)
        yield _Reading(wait, _mean(_total("waited", i), started, SECOND))
        queue = Measure(f"queue.{key}", "leads", "leads waiting for {item} at a time", -1, *about)
        yield _Reading(queue, _total("queue", i, window))
        if limits.wait != FAR:
            name = "share of work begun in time by {item}"
            soon = Measure(f"in_time.{key}", "share", name, 1, *about)
            yield _Reading(soon, _mean(_total("in_time", i), started))
        name = "work for {item} given up before it began"
        gone = Measure(f"given_up.{key}", "times", name, -1, *about)
        yield _Reading(gone, _total("given_up", i))


def _total(column: str, at: int | tuple[int, int] | None, unit: float = 1.0) -> Read:
    """An entry of a column, or the sum of a row; 0 where there is none."""
    if at is None:
        return lambda _: 0.0
    return lambda tally: float(getattr(tally, column)[at].sum()) / unit


def _mean(above: Read, below: Read, unit: float = 1.0) -> Read:
    """A sum over a number, NaN over nothing."""
    return lambda tally: _ratio(above(tally) / unit, below(tally))


def _ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")


def _place(plan: Plan, kind: str) -> int | None:
    """The number of a kind of mark."""
    return plan.kinds_of_marks.index(kind) if kind in plan.kinds_of_marks else None


def _marks(plan: Plan) -> list[PlanMark]:
    return [mark for epoch in plan.epochs for stage in epoch.stages for mark in stage.marks]


def _valued(plan: Plan) -> set[str]:
    """Kinds of marks that bring money."""
    deals = any(kind.value for kind in plan.kinds)
    return {mark.kind for mark in _marks(plan) if mark.value or (mark.deal_value and deals)}


def _pay(plan: Plan) -> NDArray[np.float64]:
    """Minor units per microsecond staffed, by team."""
    minor = 10 ** decimals(plan.scenario.currency)
    teams = [plan.scenario.teams[team.id] for team in plan.epochs[0].teams]
    return np.array([round(team.cost_per_hour * minor) / HOUR for team in teams], float)


def _takes_time(stage: PlanStage) -> bool:
    parts = (stage.delay_before, stage.opening, stage.moments, stage.efforts, stage.delay_after)
    return any(part is not None and part != () for part in parts)
