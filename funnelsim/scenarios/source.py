"""A source: where leads come from, how many and when."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, field_validator

from funnelsim.scenarios.calendar import WEEKDAYS, weekdays
from funnelsim.scenarios.frozen import Frozen, Id, Label
from funnelsim.scenarios.quantity import AmountSpec
from funnelsim.worktime import DAY, HOUR, WEEK, plain_number

__all__ = ["Rate", "Source", "parse_rate"]

_PER = {"h": HOUR, "d": DAY, "w": WEEK}
_RATE = re.compile(r"\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*/\s*([a-z]+)\s*")


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

_HOURS = re.compile(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*")


def _hour_window(text: str) -> range:
    match = _HOURS.fullmatch(text)
    if match is None or not 0 <= int(match[1]) < int(match[2]) <= 24:  # noqa: PLR2004
        msg = f"{text!r} is not a window of hours such as '9-12' (from 9:00 to 12:00)"
        raise ValueError(msg)
    return range(int(match[1]), int(match[2]))


class Source(Frozen):
    """A stream of leads into one stage.

    Examples
    --------
    >>> source = Source.model_validate({"stage": "demo", "rate": "7 / d", "by_weekday": {"sun": 0}})
    >>> [round(24 * hours[0], 2) for hours in source.profile()]
    [8.17, 8.17, 8.17, 8.17, 8.17, 8.17, 0.0]
    """

    label: Label = {}
    """What the source is called in reports."""
    stage: Id
    """The stage its leads enter."""
    rate: RateText
    """Mean rate over a whole week; the two profiles only say when."""
    by_weekday: Mapping[str, float] = {}
    """Relative weights: ``{mon-fri: 1, sat: 0.4}``; weekdays not named count 1."""
    by_hour: Mapping[str, float] = {}
    """Relative weights by window of local hours: ``{"9-12": 3, "12-18": 2}``; hours not
    named count 0 (all count 1 if nothing is named)."""
    product: str = ""
    """What they ask for; a column to break reports down by."""
    segment: str = ""
    """Who they are, for example ``retail``; a column to break reports down by."""
    funnel: str = ""
    """Which funnel they belong to where a firm has several."""
    value: AmountSpec | None = None
    """Value of a deal, in the scenario's currency."""

    @field_validator("by_weekday")
    @classmethod
    def _weekday_weights(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        days = [day for key in weights for day in weekdays(key)]
        _check_weights(weights, [WEEKDAYS[day] for day in days], 7 - len(set(days)))
        return weights

    @field_validator("by_hour")
    @classmethod
    def _hour_weights(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        hours = [str(hour) for key in weights for hour in _hour_window(key)]
        _check_weights(weights, hours, 0 if weights else 1)
        return weights

    def profile(self) -> list[list[float]]:
        """Leads per hour by weekday (7 rows, Monday first) and local hour (24)."""
        by_day = [1.0] * 7
        for key, weight in self.by_weekday.items():
            for day in weekdays(key):
                by_day[day] = weight
        by_hour = [0.0 if self.by_hour else 1.0] * 24
        for key, weight in self.by_hour.items():
            for hour in _hour_window(key):
                by_hour[hour] = weight
        factor = self.rate.per_hour * 168 / (sum(by_day) * sum(by_hour))
        return [[factor * day * hour for hour in by_hour] for day in by_day]


def _check_weights(weights: Mapping[str, float], named: list[str], unnamed: int) -> None:
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
