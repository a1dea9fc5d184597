"""The axes of a sweep: values of one path, written as in a scenario, and where they lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.scenarios.rate import Rate, parse_rate
from funnelsim.worktime import Duration, parse_duration

__all__ = ["Axis", "Values", "read_axis"]

Values = Sequence[Any] | Mapping[str, Sequence[Any]]
Unit = Literal["", "s", "/ h", "share", "category"]

_ADJUSTING: Final = ("add", "times")
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Axis:
    """What one path is set to.

    Parameters
    ----------
    path : str
        Dotted.
    values : tuple
        As written in a scenario (empty for a range until it is cut into points).
    ends : tuple, optional
        Lowest and highest value of a range.
    how : str
        ``add`` or ``times`` where the values adjust, else empty.
    """

    path: str
    values: tuple[Any, ...]
    ends: tuple[Any, Any] | None = None
    how: str = ""

    def override(self, value: object) -> object:
        """What a change sets the path to."""
        return {self.how: value} if self.how else value

    def at(self, share: float) -> Any:  # noqa: ANN401 - a value of a scenario
        """The value at a share of the way from the lowest to the highest.

        Of a list, the entry in whose stretch the share lies.

        Examples
        --------
        >>> Axis("x", (), ("2 h", "1 d")).at(0.5)
        '13 h'
        >>> Axis("x", (), (1, 4)).at(0.99), Axis("x", ("a", "b")).at(0.7)
        (4, 'b')
        """
        if self.ends is None:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        low, high = self.ends
        if isinstance(low, int) and isinstance(high, int):
            return min(low + int(share * (high - low + 1)), high)
        return _between(low, high, share)

    def points(self, count: int) -> tuple[Any, ...]:
        """The values of a list, or so many evenly from lowest to highest."""
        if self.ends is None:
            return self.values
        low, high = self.ends
        if isinstance(low, int) and isinstance(high, int):
            whole = np.unique(np.rint(np.linspace(low, high, count)).astype(int))
            return tuple(int(number) for number in whole)
        return tuple(_between(low, high, share) for share in np.linspace(0, 1, count))

    def numbers(self, values: Sequence[Any]) -> tuple[NDArray[np.float64], Unit]:
        """Where values lie on a scale, and its unit; of what is no number, 0, 1, 2 ….

        Examples
        --------
        >>> Axis("x", ()).numbers(["1 h", "30 min"])
        (array([3600., 1800.]), 's')
        """
        kinds: tuple[tuple[Callable[[Any], float], Unit], ...] = (
            (_plain, ""),
            (_seconds, "s"),
            (_per_hour, "/ h"),
            (_share, "share"),
        )
        for read, unit in kinds:
            try:
                return np.array([read(value) for value in values], float), unit
            except (ValueError, TypeError):
                continue
        order = list(dict.fromkeys(map(str, self.values or values)))
        return np.array([order.index(str(value)) for value in values], float), "category"


def read_axis(path: str, values: Values) -> Axis:
    """Read a list, a (lowest, highest) pair, or ``{"times": …}`` of either.

    Parameters
    ----------
    path : str
    values : list, tuple or mapping

    Returns
    -------
    Axis

    Raises
    ------
    ParameterError
        Nothing in it, or ends that are not of one kind.

    Examples
    --------
    >>> read_axis("teams.desk.seats", (1, 5)).points(3)
    (1, 3, 5)
    >>> read_axis("sources.web.rate", {"times": [0.9, 1.1]}).override(0.9)
    {'times': 0.9}
    """
    how = ""
    if isinstance(values, Mapping):
        if len(values) != 1 or next(iter(values)) not in _ADJUSTING:
            fix = 'Write a list, (lowest, highest), or {"times": …} of either.'
            raise ParameterError(Problem(f"{dict(values)!r} is no values", path=path, fix=fix))
        how, values = next(iter(values.items()))
    if isinstance(values, str) or not isinstance(values, Sequence):
        fix = "Write a list, or (lowest, highest)."
        raise ParameterError(Problem(f"{values!r} is no list of values", path=path, fix=fix))
    if not values:
        raise ParameterError(Problem("there are no values to try", path=path))
    if isinstance(values, tuple) and len(values) == 2:  # noqa: PLR2004 - (lowest, highest)
        try:
            _between(*values, 0.5)
        except ValueError as wrong:
            fix = "Write numbers, durations or rates; or a list [..] of values."
            raise ParameterError(Problem(str(wrong), path=path, fix=fix)) from None
        return Axis(path, (), (values[0], values[1]), how)
    return Axis(path, tuple(values), None, how)


def _between(low: Any, high: Any, share: float) -> Any:  # noqa: ANN401 - a value of a scenario
    """The value at a share of the way, in the unit of the lowest."""
    kinds: tuple[tuple[Callable[[Any], float], Callable[[float, Any], Any]], ...] = (
        (_plain, lambda number, _: _round(number)),
        (_seconds, _duration),
        (_per_hour, _rate),
        (_share, lambda number, _: _round(number)),
    )
    for read, write in kinds:
        try:
            ends = read(low), read(high)
        except (ValueError, TypeError):
            continue
        return write(ends[0] + share * (ends[1] - ends[0]), low)
    msg = f"there is nothing between {low!r} and {high!r}"
    raise ValueError(msg)


def _round(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _plain(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return float(value)


def _seconds(value: object) -> float:
    """A duration on its own clock: hours of opening count as hours."""
    duration = parse_duration(value)
    if duration.unit in {"bd", "mo"}:
        return duration.amount * 86400.0
    return duration.microseconds() / 1e6


def _duration(seconds: float, like: object) -> str:
    unit = parse_duration(like).unit
    return str(Duration(_round(seconds / _seconds(Duration(1, unit))), unit))


def _per_hour(value: object) -> float:
    rate = parse_rate(value)
    if not isinstance(rate, Rate):
        raise TypeError
    return rate.per_hour


def _rate(per_hour: float, like: object) -> str:
    model = parse_rate(like)
    if not isinstance(model, Rate):
        raise TypeError
    return str(Rate(amount=_round(per_hour * model.amount / model.per_hour), per=model.per))


def _share(value: object) -> float:
    text = str(value).strip()
    if not text.endswith("%"):
        raise ValueError
    return float(text[:-1].replace(",", ".")) / 100
