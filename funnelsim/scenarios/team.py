"""A team: people who share a queue of work."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from funnelsim.scenarios.frozen import Frozen, Id, Label

__all__ = ["Team"]


def _read_seats(value: object) -> object:
    if isinstance(value, bool):
        msg = f"must be a whole number of people, not {str(value).lower()}"
        raise ValueError(msg)
    return value


class Team(Frozen):
    """Seats that work one lead each at a time, while the calendar is open."""

    label: Label = {}
    """What the team is called in reports."""
    seats: Annotated[int, Field(ge=0, le=100_000), BeforeValidator(_read_seats)]
    """People who can work in parallel."""
    calendar: Id | None = None
    """When they work; left out: the scenario's calendar, or always if it has none."""
    at_close: Literal["finish", "pause"] = "finish"
    """At closing time work in hand is finished (overtime) or laid down until opening."""
