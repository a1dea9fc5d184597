"""``{add: x}`` and ``{times: x}``: how values of each kind are adjusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from funnelsim.scenarios.quantity import Spec
from funnelsim.scenarios.rate import Rate, parse_rate
from funnelsim.worktime import Duration, parse_duration

__all__ = ["adjusted"]

_ELAPSED = ("s", "min", "h", "d", "w")


def adjusted(value: object, how: str, by: object) -> Any:  # noqa: ANN401 - plain data of any kind
    """A value after ``{add: by}`` or ``{times: by}``, as plain data.

    Parameters
    ----------
    value : object
        A number, `Duration`, `Rate` or distribution (`Spec`, ``times`` only).
    how : {"add", "times"}
        What to do.
    by : object
        A number; for ``add`` to a duration or a rate with its unit (``"-1 h"``,
        ``"5 / d"``), to a share also in points (``"2 %"``).

    Raises
    ------
    ValueError
        If this kind of value cannot be adjusted so.

    Examples
    --------
    >>> adjusted(Duration(4, "h"), "add", "-30 min"), adjusted(40, "times", 1.1)
    ('3.5 h', 44)
    """
    if isinstance(value, Spec):
        return _distribution(value, how, by)
    if isinstance(value, bool) or not isinstance(value, (int, float, Duration, Rate)):
        kind = "empty" if value is None else f'"{value}"'
        msg = f"{kind} is nothing to add to or multiply; give a new value"
        raise ValueError(msg)
    if how == "times":
        return _times(value, _factor(by))
    return _add(value, by)


def _times(value: Duration | Rate | float, factor: float) -> object:
    if isinstance(value, Duration):
        return str(Duration(_tidy(value.amount * factor), value.unit))
    if isinstance(value, Rate):
        return str(Rate(amount=_tidy(value.amount * factor), per=value.per))
    return _like(value, value * factor)


def _add(value: Duration | Rate | float, by: object) -> object:
    if isinstance(value, Duration):
        return str(_added_duration(value, by))
    if isinstance(value, Rate):
        size, sign = _signed(by)
        more = parse_rate(size)
        assert isinstance(more, Rate)  # noqa: S101 - parse_rate raises otherwise
        amount = value.amount + sign * more.per_hour * value.amount / value.per_hour
        return str(Rate(amount=_tidy(_not_negative(amount, by)), per=value.per))
    return _like(value, value + _number(by))


def _added_duration(value: Duration, by: object) -> Duration:
    """In the value's own unit, or in the other where that one does not come out even."""
    size, sign = _signed(by)
    more = parse_duration(size)
    if more.unit == value.unit:
        return Duration(_not_negative(_tidy(value.amount + sign * more.amount), by), value.unit)
    if value.unit not in _ELAPSED or more.unit not in _ELAPSED:
        msg = f"{by} cannot be added to {value}: the units differ; use {value.unit}"
        raise ValueError(msg)
    total = _not_negative(value.microseconds() + sign * more.microseconds(), by)
    own, other = (Duration(1, unit).microseconds() for unit in (value.unit, more.unit))
    amount = float(f"{total / own:.4g}")
    if amount * own == total:
        return Duration(amount, value.unit)
    return Duration(_tidy(total / other), more.unit)


def _distribution(spec: Spec[Any], how: str, by: object) -> object:
    """A distribution stretched: every quantity in it is multiplied."""
    given = spec.given()
    if set(given) == {"value"}:
        return adjusted(given["value"], how, by)
    if how == "add":
        names = " and ".join(given)
        msg = f"a distribution can be multiplied ({{times: 0.5}}), or adjusted at its {names}"
        raise ValueError(msg)
    factor = _factor(by)
    data = spec.model_dump(mode="json", exclude_defaults=True, context={"spelled_out": True})
    for key, item in given.items():
        if key == "mixture":
            data[key] = [{"share": p.share, "of": _distribution(p.of, how, by)} for p in item]
        elif key == "values":
            data[key] = [_times(one, factor) for one in item]
        elif key not in {"cv", "weights"}:
            data[key] = _times(item, factor)
    return data


def _signed(by: object) -> tuple[object, int]:
    """What is added, and whether it is taken away."""
    text = by.strip() if isinstance(by, str) else ""
    return (text[1:].strip(), -1) if text.startswith(("-", "−")) else (text or by, 1)


def _factor(by: object) -> float:
    factor = _number(by)
    if factor < 0:
        msg = f"times {by} is negative"
        raise ValueError(msg)
    return factor


def _number(by: object) -> float:
    """A number, or points of a percentage (``"2 %"``)."""
    if isinstance(by, (int, float)) and not isinstance(by, bool) and math.isfinite(by):
        return float(by)
    text = by.strip() if isinstance(by, str) else ""
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
    except ValueError:
        pass
    msg = f'"{by}" is not a number to adjust by' if not isinstance(by, Mapping) else "not a number"
    raise ValueError(msg)


def _not_negative(amount: float, by: object) -> float:
    if amount < 0:
        msg = f"{by} takes away more than there is"
        raise ValueError(msg)
    return amount


def _like(value: float, result: float) -> float:
    """A whole number where one is wanted and reached."""
    result = _tidy(result)
    return int(result) if isinstance(value, int) and result.is_integer() else result


def _tidy(number: float) -> float:
    """Without the dust of binary fractions: 0.1 + 0.2 is 0.3."""
    return float(f"{number:.12g}")
