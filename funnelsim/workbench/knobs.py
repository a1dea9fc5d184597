"""What a slider moves: the values that a what-if sets, from today's to beyond its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from funnelsim.errors import InputError
from funnelsim.reporting.parameters import named
from funnelsim.reporting.quantities import exact, length, percent
from funnelsim.reporting.settings import place, value_at
from funnelsim.reporting.texts import Texts
from funnelsim.scenarios.changes import Change, apply
from funnelsim.scenarios.quantity import Spec
from funnelsim.scenarios.rate import Rate
from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.what_if import WhatIf
from funnelsim.worktime import Duration

__all__ = ["Knob", "Position", "knob", "turned"]

BEYOND: Final = 0.5  # how far a slider goes on, as a share of the change
STEPS: Final = 8  # between today's value and that of the what-if
DIGITS: Final = 3

Overrides = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """A place on a slider.

    Parameters
    ----------
    share : float
        Of the change: 0 as things are, 1 as in the what-if.
    text : str
        What stands beside the slider.
    overrides : mapping
        What is set there; empty where nothing is.
    """

    share: float
    text: str
    overrides: Overrides = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Knob:
    """A what-if as a slider.

    Parameters
    ----------
    key : str
        Of the what-if.
    label : str
        Its question.
    what : str
        What is set, in words.
    positions : tuple of Position
        From one end to the other.
    start : date or None
        From when on it holds.
    """

    key: str
    label: str
    what: str
    positions: tuple[Position, ...]
    start: date | None = None

    @property
    def today(self) -> Position:
        """As things are."""
        return next(position for position in self.positions if not position.overrides)


def knob(scenario: Scenario, key: str, t: Texts) -> Knob:
    """Make a slider of a listed what-if.

    A single number, duration, rate or distribution gets a scale in its own unit, half the
    change beyond either end. Several values at once, or branches, move together by a share
    of the change. What has no values in between (hours, other work) is switched.

    Parameters
    ----------
    scenario : Scenario
        As things are.
    key : str
        Of ``scenario.what_ifs``.
    t : Texts

    Returns
    -------
    Knob

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> asking = {**_TINY, "what_ifs": {"more": {"set": {"sources.web.rate": "9 / d"}}}}
    >>> found = knob(Scenario.model_validate(asking), "more", texts("en"))
    >>> [position.text for position in found.positions[::4]]
    ['3 per day', '5 per day', '7 per day', '9 per day', '11 per day']
    """
    what_if = scenario.what_ifs[key]
    changed = apply(scenario, Change(name=key, overrides=what_if.set))
    pairs = {path: (value_at(scenario, path), value_at(changed, path)) for path in what_if.set}
    ways = {path: _between(before, after, path) for path, (before, after) in pairs.items()}
    what = "; ".join(place(scenario, path, t) for path in what_if.set)
    if any(way is None for way in ways.values()):
        positions = _switch(what_if, t)
    elif len(ways) == 1 and not isinstance(next(iter(pairs.values()))[0], Mapping):
        ((path, way),) = ways.items()
        assert way is not None  # noqa: S101 - looked at above
        positions = _scale(path, way, t)
    else:
        positions = _shares({path: way for path, way in ways.items() if way}, t)
    return Knob(key, named(key, what_if.label, t), what, positions, what_if.start)


def turned(scenario: Scenario, places: Mapping[Knob, Position]) -> Scenario:
    """The scenario with every knob at its place.

    Parameters
    ----------
    scenario : Scenario
        As things are.
    places : mapping of Knob to Position

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        Places that do not go together.
    """
    changed, dated = scenario, {}
    for each, position in places.items():
        if not position.overrides:
            continue
        if each.start is None:
            changed = apply(changed, Change(name=each.key, overrides=position.overrides))
        else:
            dated[f"lever-{each.key}"] = WhatIf(set=position.overrides, start=each.start)
    if dated:
        changed = changed.model_copy(update={"changes": {**changed.changes, **dated}})
    return changed


@dataclass(frozen=True, slots=True)
class _Way:
    """How to go from one value to another: share of the change → plain value, number, text."""

    at: Callable[[float], Any]
    number: Callable[[float], float]
    text: Callable[[float, Texts], str]


def _between(before: object, after: object, path: str) -> _Way | None:
    """The way between two values; None where there is nothing in between."""
    if isinstance(before, Spec) and isinstance(after, Spec):
        return _of_distribution(before, after)
    if isinstance(before, Duration) and isinstance(after, Duration):
        return _of_duration(before, after)
    if isinstance(before, Rate) and isinstance(after, Rate) and before.per == after.per:
        return _of_rate(before, after)
    if isinstance(before, Mapping) and isinstance(after, Mapping) and path.endswith(".to"):
        return _of_branches(before, after)
    if _is_number(before) and _is_number(after):
        return _of_number(before, after, path)  # type: ignore[arg-type]
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _of_number(before: float, after: float, path: str) -> _Way:
    """Seats whole, shares from 0 to 1, amounts in proportion."""
    whole = isinstance(before, int) and isinstance(after, int)
    is_share = ".to." in path or path.endswith(("shrinkage", "attrition", "refuse", "share"))
    top = 1.0 if is_share else math.inf

    def number(share: float) -> float:
        found = min(max(before + share * (after - before), 0.0), top)
        return round(found) if whole else _short(found)

    return _Way(number, number, lambda x, t: percent(x, t) if is_share else exact(x, t))


def _of_duration(before: Duration, after: Duration) -> _Way | None:
    """In the unit of the what-if."""
    if before.clock != after.clock or (before.unit != after.unit and before.clock != "elapsed"):
        return None
    unit = after.unit
    one = Duration(1, unit).microseconds() if before.unit != unit else 1.0
    first = before.microseconds() / one if before.unit != unit else before.amount

    def number(share: float) -> float:
        return _short(max(first + share * (after.amount - first), 0.0))

    return _Way(
        lambda share: str(Duration(number(share), unit)),
        number,
        lambda x, t: length(Duration(x, unit), t),
    )


def _of_rate(before: Rate, after: Rate) -> _Way:
    def number(share: float) -> float:
        return _short(max(before.amount + share * (after.amount - before.amount), 0.0))

    def text(x: float, t: Texts) -> str:
        per = {"h": t._("{n} per hour"), "d": t._("{n} per day"), "w": t._("{n} per week")}
        return per[before.per].format(n=exact(x, t))

    return _Way(lambda s: str(Rate(amount=number(s), per=before.per)), number, text)


def _of_distribution(before: Spec[Any], after: Spec[Any]) -> _Way | None:
    """All its quantities in proportion; the first one is shown."""
    names = list(before.given())
    if list(after.given()) != names or before.shape() != after.shape():
        return None
    parts = {key: _part(before.given()[key], after.given()[key]) for key in names}
    if not names or any(part is None for part in parts.values()):
        return None
    made = {key: part for key, part in parts.items() if part is not None}
    data = after.model_dump(mode="json", exclude_defaults=True, context={"spelled_out": True})
    first = made[names[0]]
    kind = type(after)

    def at(share: float) -> dict[str, Any]:
        found = {**data, **{key: part.at(share) for key, part in made.items()}}
        kind.model_validate(found)
        return found

    return _Way(at, first.number, first.text)


def _part(before: object, after: object) -> _Way | None:
    """A quantity of a distribution, moved in proportion."""
    if isinstance(before, Duration) and isinstance(after, Duration):
        if before.clock != "elapsed" and before.unit != after.unit:
            return None
        unit = before.unit if before.amount else after.unit
        ends = [
            d.amount if d.unit == unit else d.microseconds() / Duration(1, unit).microseconds()
            for d in (before, after)
        ]
        number = _proportional(*ends)
        return _Way(
            lambda share: str(Duration(number(share), unit)),
            number,
            lambda x, t: (
                t.duration(Duration(x, unit).microseconds() / 1e6)
                if unit in {"s", "min", "h", "d", "w"}
                else length(Duration(x, unit), t)
            ),
        )
    if _is_number(before) and _is_number(after):
        number = _proportional(float(before), float(after))  # type: ignore[arg-type]
        return _Way(number, number, exact)
    return None


def _of_branches(before: Mapping[str, float], after: Mapping[str, float]) -> _Way:
    """A mixture of both routing tables: never beyond either end."""
    names = dict.fromkeys([*before, *after])

    def at(share: float) -> dict[str, float]:
        part = min(max(share, 0.0), 1.0)
        return {k: (1 - part) * before.get(k, 0.0) + part * after.get(k, 0.0) for k in names}

    return _Way(at, lambda share: min(max(share, 0.0), 1.0), percent)


def _proportional(before: float, after: float) -> Callable[[float], float]:
    """Equal steps are equal factors, where there is no nought."""
    if before > 0 and after > 0:
        return lambda share: _short(before * (after / before) ** share)
    return lambda share: _short(max(before + share * (after - before), 0.0))


def _short(number: float) -> float:
    """As many digits as the text beside the slider shows; the ends stay as they are."""
    return float(f"{number:.{DIGITS}g}")


def _grid(low: float, high: float) -> list[float]:
    """Shares of the change, in equal steps."""
    return [i / STEPS for i in range(round(low * STEPS), round(high * STEPS) + 1)]


def _scale(path: str, way: _Way, t: Texts) -> tuple[Position, ...]:
    """A slider in the value's own unit; every number once."""
    found: dict[float, Position] = {}
    for share in [0.0, 1.0, *_grid(-BEYOND, 1 + BEYOND)]:
        number = way.number(share)
        try:
            value = way.at(share)
        except (ValueError, InputError):
            continue
        if number not in found:
            overrides = {path: value} if share else {}
            found[number] = Position(share, way.text(number, t), overrides)
    return tuple(found[number] for number in sorted(found))


def _shares(ways: Mapping[str, _Way], t: Texts) -> tuple[Position, ...]:
    """A slider in shares of the change."""
    told = t._("{share} of the change")
    return tuple(
        Position(
            share,
            told.format(share=percent(share, t)),
            {path: way.at(share) for path, way in ways.items()} if share else {},
        )
        for share in _grid(0.0, 1.0)
    )


def _switch(what_if: WhatIf, t: Texts) -> tuple[Position, ...]:
    """As things are, or as in the what-if."""
    return (
        Position(0.0, t._("as things are")),
        Position(1.0, t._("as in the what-if"), dict(what_if.set)),
    )
