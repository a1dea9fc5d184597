"""What-ifs: a scenario with some values set anew.

A change is data: a name and dotted paths with new values. A plain value
replaces; ``{add: x}`` and ``{times: x}`` adjust. What a probability gains is
taken from the other branches in proportion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from funnelsim.documents import did_you_mean
from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenarios.adjusting import adjusted
from funnelsim.scenarios.frozen import Frozen, Share
from funnelsim.scenarios.loading import from_data
from funnelsim.scenarios.quantity import Spec
from funnelsim.scenarios.scenario import Scenario

__all__ = ["Change", "apply", "asked"]

Path = tuple[str, ...]

_ADJUSTMENTS = ({"add"}, {"times"})
_TOLERANCE = 1e-9


class Change(Frozen):
    """A named set of overrides.

    Examples
    --------
    >>> Change(name="more advisers", overrides={"teams.advisers.seats": {"add": 2}}).name
    'more advisers'
    """

    name: str
    """How reports call the what-if."""
    overrides: Mapping[str, Any]
    """Dotted path → new value, ``{add: x}`` or ``{times: x}``."""


def apply(scenario: Scenario, change: Change) -> Scenario:
    """The scenario with a change made; the original stays as it is.

    Parameters
    ----------
    scenario : Scenario
        The baseline.
    change : Change
        What differs.

    Returns
    -------
    Scenario
        Validated as if read from a file.

    Raises
    ------
    ScenarioError
        Every problem found: unknown paths, values that do not fit, probabilities
        that leave 0 to 1.

    Examples
    --------
    >>> from funnelsim import shipped
    >>> from funnelsim.scenarios.loading import load
    >>> bank = load(shipped.scenarios() / "bank-retail.yaml")
    >>> more = Change(name="one more", overrides={"teams.advisers.seats": {"add": 1}})
    >>> apply(bank, more).teams["advisers"].seats - bank.teams["advisers"].seats
    1
    """
    overrides = {tuple(path.split(".")): value for path, value in change.overrides.items()}
    data = scenario.plain(spelled_out=True)
    problems: list[Problem] = []
    branches: dict[Path, set[str]] = {}
    for path, value in overrides.items():
        try:
            _refuse_overlap(path, overrides)
            _override(scenario, data, path, value)
            if path[-2:-1] == ("to",):  # stages.x.next.to.y
                branches.setdefault(path[:-1], set()).add(path[-1])
        except _RefusedError as wrong:
            problems.append(Problem(wrong.message, change.name, ".".join(path), wrong.fix))
    for path, names in branches.items():
        try:
            _rescale(_node(data, path), names)
        except _RefusedError as wrong:
            problems.append(Problem(wrong.message, change.name, ".".join(path), wrong.fix))
    try:
        changed = from_data(data, change.name)
    except ScenarioError as refused:
        known = {problem.path for problem in problems}
        problems += [problem for problem in refused.problems if problem.path not in known]
    if problems:
        raise ScenarioError(problems)
    vars(changed)["change_name"] = change.name
    return changed


def asked(scenario: Scenario, key: str) -> Scenario:
    """The scenario with one of its listed what-ifs made, from its date on if it has one.

    Parameters
    ----------
    scenario : Scenario
        The baseline.
    key : str
        One of ``scenario.what_ifs``.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        There is no such what-if (the message lists those there are), or it cannot be made.

    Examples
    --------
    >>> from funnelsim import shipped
    >>> from funnelsim.scenarios.loading import load
    >>> asked(load(shipped.scenarios() / "bank-retail.yaml"), "more_advice")
    Traceback (most recent call last):
    funnelsim.errors.ScenarioError: bank-retail what_ifs: there is no what-if "more_advice"...
    """
    if key not in scenario.what_ifs:
        known = list(scenario.what_ifs)
        listed = f"It has: {', '.join(known)}." if known else "It lists none; see its what_ifs."
        message = f'there is no what-if "{key}"'
        raise ScenarioError(Problem(message, scenario.name, path="what_ifs", fix=listed))
    what_if = scenario.what_ifs[key]
    if what_if.start is None:
        return apply(scenario, Change(name=key, overrides=what_if.set))
    if key in scenario.changes:
        fix = "Rename one of them."
        message = f"there is also a dated change called {key}"
        raise ScenarioError(Problem(message, scenario.name, path=f"what_ifs.{key}", fix=fix))
    from funnelsim.scenarios.timetable import timetable  # it builds on this module

    data = scenario.plain(spelled_out=True)
    data["changes"] = {**data.get("changes", {}), key: data["what_ifs"][key]}
    changed = from_data(data, scenario.name)
    timetable(changed)
    vars(changed)["change_name"] = key
    return changed


class _RefusedError(Exception):
    """An override that cannot be made."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def _refuse_overlap(path: Path, paths: Iterable[Path]) -> None:
    """Two overrides of one place: nobody could tell which was meant."""
    for other in paths:
        if len(other) < len(path) and path[: len(other)] == other:
            raise _RefusedError(f"is also set as a whole by {'.'.join(other)}", "Keep one of them.")


def _override(scenario: Scenario, data: dict[str, Any], path: Path, value: Any) -> None:  # noqa: ANN401
    """Put one override's value into the plain data."""
    if isinstance(value, Mapping) and "from" in value:
        fix = "Give the what-if a start, or put it under 'changes'."
        raise _RefusedError("a value has no date of its own", fix)
    part = _parent(scenario, path)
    how = _adjustment(value)
    if how:
        try:
            value = adjusted(_child(part, path[-1]), how, value[how])
        except ValueError as wrong:
            raise _RefusedError(str(wrong)) from None
    elif not _may_be_added(part, path[-1], value):
        _child(part, path[-1])
    node = _node(data, path[:-1])
    node[int(path[-1]) if isinstance(node, list) else path[-1]] = value


def _parent(scenario: Scenario, path: Path) -> Any:  # noqa: ANN401 - any part of a scenario
    """The part that holds the value."""
    here: Any = scenario
    for depth, key in enumerate(path[:-1]):
        here = _child(here, key)
        if here is None:
            whole = ".".join(path[: depth + 1])
            raise _RefusedError(f"{whole} is not set", "Set it as a whole.")
    return here


def _child(here: Any, key: str) -> Any:  # noqa: ANN401 - any part of a scenario
    """One step down; where there is none, say what is there instead."""
    if isinstance(here, Spec) and key in type(here).model_fields and key not in here.given():
        given = " and ".join(here.given())
        fix = f"Set {given}, or the distribution as a whole."
        raise _RefusedError(f"it is given by {given}, so {key} cannot be set alone", fix)
    if isinstance(here, Frozen):
        keys = list(type(here).model_fields)
    elif isinstance(here, Mapping):
        keys = list(here)
    else:
        keys = [str(i) for i in range(len(here))] if isinstance(here, tuple) else []
    if key not in keys:
        fix = did_you_mean(key, keys, limit=40) if keys else "It has no parts."
        raise _RefusedError(f'there is no "{key}"', fix)
    if isinstance(here, tuple):
        return here[int(key)]
    return here[key] if isinstance(here, Mapping) else getattr(here, key)


def _may_be_added(here: object, key: str, value: object) -> bool:
    """New keys: weights, branches, texts; and whole parts whose id resembles no other."""
    if not isinstance(here, Mapping) or key in here:
        return False
    parts = any(isinstance(item, Frozen) for item in here.values())
    return not parts or (isinstance(value, Mapping) and not did_you_mean(key, here, limit=0))


def _adjustment(value: object) -> str:
    """``add`` or ``times`` if the value says so."""
    return next(iter(value)) if isinstance(value, Mapping) and set(value) in _ADJUSTMENTS else ""


def _node(data: Any, path: Path) -> Any:  # noqa: ANN401 - any plain data
    """The plain data of a part; parts left at their default are put in."""
    for key in path:
        data = data[int(key)] if isinstance(data, list) else data.setdefault(key, {})
    return data


def _rescale(to: dict[str, Any], names: set[str]) -> None:
    """Take what some branches gain from the others, in proportion to their size."""
    share = TypeAdapter(Share)
    try:
        taken = sum(share.validate_python(to[name]) for name in names)
    except ValueError:
        return  # the scenario's own validation says what is wrong with it
    others = {name: to[name] for name in to if name not in names}
    room = sum(others.values())
    left = 1 - taken
    if abs(room - left) <= _TOLERANCE or not others or left < -_TOLERANCE:
        return  # nothing to take, or nobody to take it from: the sum says it
    if room == 0:
        listed = ", ".join(others)
        raise _RefusedError(f"nothing can be taken from {listed}: 0 already", "Set them too.")
    to.update({name: old * max(left, 0.0) / room for name, old in others.items()})
