"""What an answer about seats says, in one plain sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from funnelsim.figures.differences import Scale
from funnelsim.figures.wording import Wording
from funnelsim.scenarios.frozen import label_text

if TYPE_CHECKING:
    from funnelsim.experiments.promises import Promise
    from funnelsim.experiments.staffed import Seats

__all__ = ["sentence"]


def sentence(found: Seats, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
    """Say which seats keep the promise, what they cost, and how sure that is.

    Parameters
    ----------
    found : Seats
    lang : str
        Language of numbers and labels.
    text : callable
        Translates the words.

    Returns
    -------
    str
    """
    wording = Wording(lang=lang, text=text)
    teams = dict.fromkeys(block.team for block in found.blocks)
    seats = ", ".join(_team(found, team, wording) for team in teams)
    pattern = (
        text("The cheapest seats are {seats}: {evidence}, for {cost}{difference}{search}.")
        if found.kept
        else text(
            "The cheapest seats found are {seats}, but fresh luck does not show the promise to be "
            "kept: {evidence}, for {cost}{difference}{search}."
        )
    )
    return pattern.format(
        seats=seats,
        evidence="; ".join([*_reached(found, wording), *_deals(found, wording)]),
        cost=_money(found, found.cost, wording),
        difference=_difference(found, wording),
        search="" if found.proven else text(" (cheaper ones may exist: not all were tried)"),
    )


def _team(found: Seats, team: str, wording: Wording) -> str:
    """Seats of a team, by shift where it has several."""
    name = label_text(found.now.teams[team].label, wording.lang, team)
    parts = [(b, n) for b, n in zip(found.blocks, found.needed, strict=True) if b.team == team]
    numbers = " + ".join(
        wording.text("{seats} ({shift})").format(seats=n, shift=b.calendar or b.entry)
        if len(parts) > 1
        else str(n)
        for b, n in parts
    )
    now = " + ".join(str(b.seats) for b, _ in parts)
    return wording.text("{team} {numbers} (now {now})").format(team=name, numbers=numbers, now=now)


def _reached(found: Seats, wording: Wording) -> list[str]:
    return [_evidence(found, i, wording) for i in range(len(found.promises.asked))]


def _deals(found: Seats, wording: Wording) -> list[str]:
    """Deals won, then and now."""
    then, now = (float(values[:, -1].mean()) for values in (found.shown, found.before))
    if then != then:  # noqa: PLR0124 - nothing is ever won
        return []
    pattern = wording.text("{then} deals won (now {now})")
    return [pattern.format(then=wording.number(then), now=wording.number(now))]


def _evidence(found: Seats, index: int, wording: Wording) -> str:
    """One promise with what was reached."""
    promise = found.promises.asked[index]
    span = found.promises.intervals(found.shown)[index]
    scale = Scale(promise.unit, wording, [span.mean], found.now.currency)
    limit = span.lo if promise.sense > 0 else span.hi
    side = (
        wording.text("{mean}, at least {limit}")
        if promise.sense > 0
        else wording.text("{mean}, at most {limit}")
    )
    reached = side.format(mean=scale.value(span.mean), limit=scale.value(limit))
    told = wording.text("{what}: {reached} (promised {bound})")
    bound = scale.value(promise.bound)
    return told.format(what=_what(promise, found, wording), reached=reached, bound=bound)


def _what(promise: Promise, found: Seats, wording: Wording) -> str:
    """What the promise is about."""
    if promise.within and promise.team:
        label = found.now.teams[promise.team].label
        team = label_text(label, wording.lang, promise.team)
        pattern = wording.text("work of {team} begun within {time}")
        return pattern.format(team=team, time=promise.written)
    if promise.within:
        return wording.text("deals won within {time}").format(time=promise.written)
    return promise.measure


def _money(found: Seats, cost: float, wording: Wording) -> str:
    if found.unit == "minor":
        return Scale("minor", wording, [cost], found.now.currency).gap(cost)
    return wording.text("{number} seat-hours").format(number=wording.number(cost))


def _difference(found: Seats, wording: Wording) -> str:
    """How that differs from now."""
    gap = found.cost - found.cost_now
    if abs(gap) < 1e-9 * max(found.cost, 1):
        return wording.text(", as much as now")
    more, less = wording.text(", {gap} more than now"), wording.text(", {gap} less than now")
    pattern = more if gap > 0 else less
    return pattern.format(gap=_money(found, abs(gap), wording))
