"""What a what-if sets anew, in words: which value, today and then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from funnelsim.errors import InputError
from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Table
from funnelsim.reporting.parameters import hours, moment, named, stage_name
from funnelsim.reporting.quantities import distribution, exact, length, percent
from funnelsim.reporting.texts import Texts
from funnelsim.scenarios.moment import Moment
from funnelsim.scenarios.quantity import Spec
from funnelsim.scenarios.rate import Rate
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import Duration

SHARES: Final = ("shrinkage", "attrition", "refuse", "share")

__all__ = ["place", "settings", "value_at", "written"]


def settings(scenario: Scenario, keys: tuple[str, ...], t: Texts) -> Table | None:
    """What each listed what-if sets: today's value and the new one.

    Parameters
    ----------
    scenario : Scenario
        As things are.
    keys : tuple of str
        Of ``scenario.what_ifs``.
    t : Texts

    Returns
    -------
    Table or None
        None where the what-ifs are not listed in the scenario.
    """
    rows = [row for key in keys if key in scenario.what_ifs for row in _rows(scenario, key, t)]
    if not rows:
        return None
    return table(
        [
            column(t._("What if")),
            column(t._("What is set")),
            column(t._("As things are")),
            column(t._("In the what-if")),
        ],
        rows,
        caption=t._("What each change sets"),
        note=t._("All else stays the same, luck included. What a change costs is not in here."),
    )


def _rows(scenario: Scenario, key: str, t: Texts) -> list[tuple[str, ...]]:
    """One row a path; the question in the first one only."""
    what_if = scenario.what_ifs[key]
    changed = scenario.change(key, what_if.set)
    name = t.label(what_if.label, key)
    if what_if.start:
        day = t.wording().day(what_if.start)
        name = f"{name} ({t._('from {day}').format(day=day)})"
    rows: list[tuple[str, ...]] = []
    for index, path in enumerate(what_if.set):
        before, after = written(scenario, path, t), written(changed, path, t)
        rows.append((name if index == 0 else "", place(scenario, path, t), before, after))
    return rows


def value_at(scenario: Scenario, path: str) -> Any:  # noqa: ANN401 - any part of a scenario
    """The part of a scenario at a dotted path; None where it is not set.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> value_at(Scenario.model_validate(_TINY), "sources.web.rate").amount
    5.0
    """
    here: Any = scenario
    for key in path.split("."):
        try:
            if isinstance(here, Mapping):
                here = here[key]
            elif isinstance(here, (tuple, list)):
                here = here[int(key)]
            else:
                here = getattr(here, key)
        except (KeyError, IndexError, ValueError, AttributeError, InputError):
            return None
    return here


def place(scenario: Scenario, path: str, t: Texts) -> str:
    """A dotted path in words: whose value, and which.

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> place(Scenario.model_validate(_TINY), "sources.web.rate", texts("en"))
    'web: leads'
    """
    kind, *rest = path.split(".")
    parts = getattr(scenario, kind, None)
    if not rest or not isinstance(parts, Mapping) or rest[0] not in parts:
        return path
    owner = named(rest[0], getattr(parts[rest[0]], "label", {}), t)
    what = _what(scenario, rest[1:], t)
    return f"{owner}: {what}" if what else owner


def _what(scenario: Scenario, rest: list[str], t: Texts) -> str:
    """The value of a part in words, where there are some."""
    words = {
        "delay_before": t._("delay before work"),
        "delay_after": t._("delay after work"),
        "timeout": t._("time limit"),
        "patience": t._("patience"),
        "until": t._("moment waited for"),
        "efforts": t._("work"),
        "next": t._("ways out"),
        "seats": t._("seats"),
        "staff": t._("staff"),
        "shrinkage": t._("absence"),
        "rate": t._("leads"),
        "hours": t._("hours"),
        "value": t._("value of a deal"),
        "cost": t._("cost"),
        "marks": t._("what it brings"),
    }
    if not rest:
        return ""
    first = words.get(rest[0], rest[0])
    if rest[0] == "next" and rest[-2:-1] == ["to"]:
        stage = scenario.stages.get(rest[-1])
        goal = named(rest[-1], stage.label if stage else {}, t)
        return t._("share to “{stage}”").format(stage=goal)
    deeper = [part for part in rest[1:] if part in {"median", "p90", "mean", "seats", "duration"}]
    return ", ".join([first, *(words.get(part, part) for part in deeper)])


def written(scenario: Scenario, path: str, t: Texts) -> str:
    """The value at a dotted path, in words.

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> written(Scenario.model_validate(_TINY), "sources.web.rate", texts("en"))
    '5 per day'
    """
    value = value_at(scenario, path)
    keys = path.split(".")
    if keys[0] == "calendars" and len(keys) > 1:
        return hours(scenario.calendars[keys[1]], t)
    if isinstance(value, Mapping) and keys[-1] == "to":
        ways = (f"{stage_name(scenario, key, t)} {percent(x, t)}" for key, x in value.items())
        return ", ".join(ways)
    if isinstance(value, Mapping):
        parts = (named(key, getattr(item, "label", {}), t) for key, item in value.items())
        return ", ".join(parts) or t._("none")
    return _simple(value, path, t)


def _simple(value: object, path: str, t: Texts) -> str:
    """One number, time or distribution."""
    if isinstance(value, Spec):
        return distribution(value, t)
    if isinstance(value, Duration):
        return length(value, t)
    if isinstance(value, Moment):
        return moment(value, t)
    if isinstance(value, Rate):
        per = {"h": t._("{n} per hour"), "d": t._("{n} per day"), "w": t._("{n} per week")}
        return per[value.per].format(n=exact(value.amount, t))
    if isinstance(value, bool):
        return t._("yes") if value else t._("no")
    if isinstance(value, (int, float)):
        is_share = ".to." in path or path.endswith(SHARES)
        shown = float(f"{value:.4g}")
        return percent(shown, t) if is_share else exact(shown, t)
    return "–" if value is None else str(value)
