"""When to observe, for how long, and how much to warm up."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, field_validator

from funnelsim.scenarios.frozen import Frozen
from funnelsim.scenarios.quantity import DurationText
from funnelsim.worktime import Duration

__all__ = ["Run"]


def _read_start(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - local to the scenario
    return value


def _local(value: datetime) -> datetime:
    if value.tzinfo is not None:
        msg = f"{value} has a time zone; write local time, the scenario's time_zone says where"
        raise ValueError(msg)
    return value


class Run(Frozen):
    """The observed window is exactly ``[start, start + horizon)``."""

    start: Annotated[
        datetime,
        BeforeValidator(_read_start, json_schema_input_type=date | datetime),
        AfterValidator(_local),
    ]
    """First observed day (local time of the scenario)."""
    horizon: DurationText
    """Length of the observed window, for example ``26 w`` or ``6 mo``."""
    warm_up: DurationText = Duration(0, "d")
    """Simulated before ``start`` so that the funnel is not empty, and not reported."""

    @field_validator("horizon", "warm_up")
    @classmethod
    def _not_business(cls, duration: Duration) -> Duration:
        if duration.clock == "business":
            msg = f"{duration} is business time; use d, w or mo"
            raise ValueError(msg)
        if duration.clock == "months" and duration.amount % 1:
            msg = f"{duration}: calendar months are whole numbers"
            raise ValueError(msg)
        return duration

    @field_validator("horizon")
    @classmethod
    def _positive(cls, duration: Duration) -> Duration:
        if duration.amount <= 0:
            msg = f"{duration}: the horizon must be longer than nothing"
            raise ValueError(msg)
        return duration
