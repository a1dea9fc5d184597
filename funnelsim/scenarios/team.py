"""A team: people who share a queue of work."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from funnelsim.scenarios.calendar import Day
from funnelsim.scenarios.frozen import Frozen, Id, Label, Share
from funnelsim.scenarios.quantity import Amount, DurationText
from funnelsim.worktime import Duration

__all__ = ["Staff", "Team"]


def _read_seats(value: object) -> object:
    if isinstance(value, bool):
        msg = f"must be a whole number of people, not {str(value).lower()}"
        raise ValueError(msg)
    return value


Seats = Annotated[int, Field(ge=0, le=100_000), BeforeValidator(_read_seats)]


class Staff(Frozen):
    """Some seats of a team: how many, when, from and until which day."""

    seats: Seats
    """People who can work in parallel."""
    calendar: Id | None = None
    """When they work (their own zone); left out: the team's."""
    start: Day | None = None
    """First day; left out: always there."""
    end: Day | None = None
    """The day after the last; left out: they stay."""
    ramp: DurationText = Duration(0, "d")
    """New hires become productive one after another over this time from ``start``."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.start and self.end and not self.start < self.end:
            msg = f"end {self.end} is not after start {self.start}"
            raise ValueError(msg)
        if self.ramp.clock != "elapsed" or (self.ramp.amount and not self.start):
            msg = f"ramp {self.ramp} is elapsed time (d, w) and needs a start"
            raise ValueError(msg)
        return self


class Team(Frozen):
    """Seats that work one lead each at a time, while their calendar is open."""

    label: Label = {}
    """What the team is called in reports."""
    seats: Seats | None = None
    """People who can work in parallel; short for one entry of ``staff``."""
    staff: tuple[Staff, ...] = ()
    """Seats by hours, dates and zones: shifts, hires, part-timers; they add up."""
    calendar: Id | None = None
    """When they work; left out: the scenario's calendar, or always if it has none."""
    at_close: Literal["finish", "pause"] = "finish"
    """At closing time work in hand is finished (overtime) or laid down until opening."""
    shrinkage: Annotated[Share, Field(ge=0, lt=1)] = 0.0
    """Share of paid days on which a person is not available (leave, illness, training)."""
    attrition: Annotated[Share, Field(ge=0, lt=1)] = 0.0
    """Share of people who leave within a year."""
    replaced_after: DurationText = Duration(8, "w")
    """How long the seat of someone who left stays empty."""
    cost_per_hour: Amount = 0.0
    """Cost of one staffed hour, in the scenario's currency."""

    @model_validator(mode="after")
    def _seats_once(self) -> Self:
        if (self.seats is None) == (not self.staff):
            msg = "a team has either seats or staff" + (", not both" if self.staff else "")
            raise ValueError(msg)
        return self

    @field_validator("replaced_after")
    @classmethod
    def _elapsed(cls, duration: Duration) -> Duration:
        if duration.clock != "elapsed":
            msg = f"{duration}: use d or w"
            raise ValueError(msg)
        return duration

    def staffing(self) -> tuple[Staff, ...]:
        """All entries of staff, with the team's calendar where none is named."""
        entries = self.staff or (Staff(seats=self.seats or 0),)
        return tuple(
            entry.model_copy(update={"calendar": entry.calendar or self.calendar})
            for entry in entries
        )
