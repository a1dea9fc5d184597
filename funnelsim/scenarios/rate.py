"""How often leads come: rates, growth, and weights by weekday, hour and month."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from funnelsim.scenarios.calendar import WEEKDAYS, weekdays
from funnelsim.scenarios.frozen import Frozen
from funnelsim.worktime import DAY, HOUR, WEEK, plain_number

__all__ = [
    "MONTHS",
    "GrowthText",
    "HourWeights",
    "MonthWeights",
    "Rate",
    "RateText",
    "WeekdayWeights",
    "hour_window",
    "parse_growth",
    "parse_rate",
]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_NUMBER = r"(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
_PER = {"h": HOUR, "d": DAY, "w": WEEK}
_RATE = re.compile(rf"\s*{_NUMBER}\s*/\s*([a-z]+)\s*")
_GROWTH_PER = {"w": WEEK, "mo": 365.25 * DAY / 12, "y": 365.25 * DAY}
_GROWTH = re.compile(rf"\s*([+-]?)\s*{_NUMBER}\s*%\s*/\s*([a-z]+)\s*")
_HOURS = re.compile(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*")


class Rate(Frozen):
    """Leads per hour, day or week."""

    amount: float
    per: str

    @property
    def per_hour(self) -> float:
        """Mean leads per hour."""
        return self.amount * HOUR / _PER[self.per]

    def __str__(self) -> str:
        return f"{plain_number(self.amount)} / {self.per}"


def parse_rate(text: object) -> object:
    """Read ``"40 / d"``, ``"5 / w"``.

    Examples
    --------
    >>> parse_rate("48 / d").per_hour
    2.0
    """
    if isinstance(text, Rate):
        return text
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    amount = float(match[1]) if match else math.inf
    if match is None or match[2] not in _PER or math.isinf(amount):
        msg = f"{text!r} is not a rate; write leads per h, d or w, for example '40 / d'"
        raise ValueError(msg)
    return Rate(amount=amount, per=match[2])


RateText = Annotated[
    Rate,
    BeforeValidator(parse_rate),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*\d+(\.\d+)?([eE][+-]?\d+)?\s*/\s*[hdw]\s*$",
            "examples": ["40 / d", "5 / w", "12 / h"],
        }
    ),
]


class Growth(Frozen):
    """Compound growth of a rate."""

    share: float
    per: str

    def factors(self, elapsed: ArrayLike) -> NDArray[np.float64]:
        """By how much the rate has grown after so many microseconds (before: negative)."""
        return np.asarray((1 + self.share) ** (np.asarray(elapsed) / _GROWTH_PER[self.per]))

    def __str__(self) -> str:
        return f"{plain_number(round(100 * self.share, 10))} % / {self.per}"


def parse_growth(text: object) -> object:
    """Read ``"2 % / mo"``, ``"-10 % / y"`` (a month is a twelfth of a year here).

    Examples
    --------
    >>> parse_growth("10 % / y").factors([0, 365.25 * DAY]).round(6).tolist()
    [1.0, 1.1]
    """
    if isinstance(text, Growth):
        return text
    match = _GROWTH.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[3] not in _GROWTH_PER:
        msg = f"{text!r} is not a growth; write a share per w, mo or y, for example '2 % / mo'"
        raise ValueError(msg)
    share = float(match[1] + match[2]) / 100
    if share <= -1:
        msg = f"{text!r}: a rate cannot shrink by 100 % or more"
        raise ValueError(msg)
    return Growth(share=share, per=match[3])


GrowthText = Annotated[
    Growth,
    BeforeValidator(parse_growth),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2 % / mo", "-10 % / y"]}),
]


def hour_window(text: str) -> range:
    """The hours that a key such as ``"9-12"`` names.

    Examples
    --------
    >>> list(hour_window("9-12"))
    [9, 10, 11]
    """
    match = _HOURS.fullmatch(text)
    if match is None or not 0 <= int(match[1]) < int(match[2]) <= 24:  # noqa: PLR2004
        msg = f"{text!r} is not a window of hours such as '9-12' (from 9:00 to 12:00)"
        raise ValueError(msg)
    return range(int(match[1]), int(match[2]))


def _months(weights: Mapping[str, float]) -> Mapping[str, float]:
    for key in weights:
        if key not in MONTHS:
            msg = f"{key!r} is not a month; use {' '.join(MONTHS)}"
            raise ValueError(msg)
    return _checked(weights, list(weights), 12 - len(weights))


def _weekday_weights(weights: Mapping[str, float]) -> Mapping[str, float]:
    days = [WEEKDAYS[day] for key in weights for day in weekdays(key)]
    return _checked(weights, days, 7 - len(set(days)))


def _hour_weights(weights: Mapping[str, float]) -> Mapping[str, float]:
    hours = [str(hour) for key in weights for hour in hour_window(key)]
    return _checked(weights, hours, 0 if weights else 1)


def _checked(weights: Mapping[str, float], named: list[str], unnamed: int) -> Mapping[str, float]:
    """Weights are not negative, not all zero, and nothing is named twice."""
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        msg = f"named twice: {', '.join(twice)}"
        raise ValueError(msg)
    negative = [f"{key}: {weight:g}" for key, weight in weights.items() if weight < 0]
    if negative:
        msg = f"weights are 0 or more, got {', '.join(negative)}"
        raise ValueError(msg)
    if not unnamed and not any(weights.values()):
        msg = "all weights are 0, so no lead could ever arrive"
        raise ValueError(msg)
    return weights


WeekdayWeights = Annotated[Mapping[str, float], AfterValidator(_weekday_weights)]
HourWeights = Annotated[Mapping[str, float], AfterValidator(_hour_weights)]
MonthWeights = Annotated[Mapping[str, float], AfterValidator(_months)]
