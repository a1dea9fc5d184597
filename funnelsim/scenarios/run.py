"""When to observe, for how long, and how much to warm up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    field_validator,
    model_validator,
)

from funnelsim.scenarios.frozen import Frozen
from funnelsim.scenarios.quantity import DurationText
from funnelsim.worktime import Duration, add_months, from_instant, to_instant

__all__ = ["Run"]

_FIRST, _LAST = (to_instant(datetime(year, 1, 1, tzinfo=UTC)) for year in (1900, 2200))


def _read_start(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError as wrong:
            msg = f'"{value}" is not a day such as 2026-01-05 ({wrong})'
            raise ValueError(msg) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - local to the scenario
    if not isinstance(value, datetime):
        msg = f"{value!r} is not a day such as 2026-01-05"
        raise ValueError(msg)
    return value


def _write_start(start: datetime) -> str:
    return start.date().isoformat() if start.time() == time(0) else start.isoformat()


def _local(value: datetime) -> datetime:
    if value.tzinfo is not None:
        msg = f"{value} has a time zone; write local time, the scenario's time_zone says where"
        raise ValueError(msg)
    return value


def _shifted(instant: int, duration: Duration, sign: int, zone: str) -> int:
    """An instant moved by a duration."""
    if duration.clock == "months":
        return add_months(instant, sign * round(duration.amount), zone)
    local = from_instant(instant, zone).replace(tzinfo=None)
    moved = local + sign * timedelta(microseconds=round(duration.microseconds()))
    return to_instant(moved.replace(tzinfo=ZoneInfo(zone)))


class Run(Frozen):
    """What is observed: from the start to the end of the horizon."""

    start: Annotated[
        datetime,
        BeforeValidator(_read_start, json_schema_input_type=date | datetime),
        AfterValidator(_local),
        PlainSerializer(_write_start, return_type=str, when_used="json"),
    ]
    """First observed day (local time of the scenario)."""
    horizon: DurationText
    """Length of the observed window ``[start, start + horizon)``: ``26 w`` or ``6 mo``."""
    warm_up: DurationText = Duration(0, "d")
    """Simulated before ``start`` so that the funnel is not empty, and not reported."""

    def instants(self, zone: str) -> tuple[int, int, int]:
        """Start of the warm-up, of the observed window, and its end.

        Days and weeks keep the local wall time across a change of the clocks.

        Parameters
        ----------
        zone : str
            The scenario's time zone.

        Returns
        -------
        tuple of int
            Microseconds since the epoch.

        Examples
        --------
        >>> run = Run.model_validate({"start": "2026-01-05", "horizon": "1 w", "warm_up": "1 d"})
        >>> begin, observed, end = run.instants("Europe/Kyiv")
        >>> (observed - begin) // 86_400_000_000, (end - observed) // 86_400_000_000
        (1, 7)
        """
        observed = to_instant(self.start.replace(tzinfo=ZoneInfo(zone)))
        return (
            _shifted(observed, self.warm_up, -1, zone),
            observed,
            _shifted(observed, self.horizon, 1, zone),
        )

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        try:
            begin, _, end = self.instants("UTC")
            fits = begin >= _FIRST and end <= _LAST
        except (OverflowError, ValueError):  # beyond what a calendar holds
            fits = False
        if not fits:
            lasts = f"{_write_start(self.start)} for {self.horizon}, warm-up {self.warm_up}"
            msg = f"a run lies between the years 1900 and 2200, this one not: from {lasts}"
            raise ValueError(msg)
        return self

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
