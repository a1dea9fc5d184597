"""Teams: who they are, when they work, and how many of them there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.calibration.ids import lasting_id
from funnelsim.calibration.parts import Settings
from funnelsim.calibration.work.hours import CalendarPart
from funnelsim.calibration.work.seats import SeatCount, seat_count
from funnelsim.events import EventLog, TeamInfo
from funnelsim.measures.journeys import MISSING, micros, window
from funnelsim.scenarios.evidence import Evidence
from funnelsim.worktime import WorkTime

__all__ = ["TeamPart", "team_part"]

LAID_DOWN: Final = 5
"""Pieces of work that must have been laid down at closing for it to be the rule."""


@dataclass(frozen=True, slots=True)
class TeamPart:
    """A team with its seats.

    Parameters
    ----------
    id : str
    label : mapping
    calendar : str
        Its calendar's id; empty: always at work.
    count : SeatCount
    pauses : bool
        Work is laid down at closing.
    """

    id: str
    label: Mapping[str, str] = field(hash=False)
    calendar: str
    count: SeatCount
    pauses: bool

    @property
    def name(self) -> str:
        """``team/sellers``."""
        return f"team/{self.id}"

    @property
    def settings(self) -> Settings:
        """Seats, calendar, what happens at closing."""
        return self._with(self.count.whole)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """The same with seats drawn from their uncertainty."""
        return self._with(self.count.drawn(rng))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Seats and how busy they are."""
        count = self.count
        of = f"teams.{self.id}.seats"
        more = count.whole > round(count.seats)
        note = f"{count.note} Raised so that the seats carry the load." if more else count.note
        seats = Evidence(
            of=of,
            measure="seats",
            value=count.seats,
            unit="seats",
            lo=max(0.0, count.lo),
            hi=count.hi,
            n=count.n,
            method=count.method,
            note=note.strip(),
        )
        busy = Evidence(
            of=of,
            measure="utilisation",
            value=count.load / count.whole,
            unit="share",
            n=count.n,
            method="hands-on time ÷ seats × open hours",
            note="Work that the log does not hold is not counted.",
        )
        return seats, busy

    def _with(self, seats: int) -> Settings:
        at = ("teams", self.id)
        found: dict[tuple[str, ...], object] = {(*at, "seats"): seats}
        if self.label:
            found[(*at, "label")] = dict(self.label)
        if self.calendar:
            found[(*at, "calendar")] = self.calendar
        if self.pauses:
            found[(*at, "at_close")] = "pause"
        return found


def team_part(
    log: EventLog,
    team: str,
    work: pd.DataFrame,
    clocks: Mapping[str, WorkTime],
    calendars: Mapping[str, CalendarPart],
) -> TeamPart:
    """Estimate one team.

    Parameters
    ----------
    log : EventLog
    team : str
        Its id in the scenario.
    work : DataFrame
        Its pieces of work, from `pieces`.
    clocks, calendars : mapping
        Team as the log names it → opening times, calendar.

    Returns
    -------
    TeamPart

    Examples
    --------
    >>> from funnelsim.calibration.work.pieces import pieces
    >>> from funnelsim.measures.example import BANK
    >>> part = team_part(BANK, "advisers", pieces(BANK, {}), {}, {})
    >>> part.settings["teams", "advisers", "seats"], part.count.method
    (2, 'staffing in the log')
    """
    infos = {lasting_id(info.id): info for info in log.meta.teams}
    names = {lasting_id(name): name for name in log.efforts["team"].unique()}
    name = names.get(team, team)
    info = infos.get(team, TeamInfo(id=name))
    clock = clocks.get(name)
    count = seat_count(log, info, work, _waiting(log, name), clock)
    label = info.label or ({"en": name} if name != team else {})
    part = calendars.get(name)
    return TeamPart(team, label, part.id if part else "", count, info.pauses or _lays_down(work))


def _waiting(log: EventLog, team: str) -> pd.DataFrame:
    """All that queued for a team, until it was begun or given up."""
    mine = log.efforts[(log.efforts["team"] == team) & log.efforts["queued_at"].notna()]
    _, until = window(log)
    start, end = micros(mine["started_at"]), micros(mine["ended_at"])
    gone = np.where(start != MISSING, start, np.where(end != MISSING, end, until))
    return pd.DataFrame({"queued": micros(mine["queued_at"]), "until": gone})


def _lays_down(work: pd.DataFrame) -> bool:
    """Whether work over closing time is more often laid down than finished."""
    nights, late = int(work["over_night"].sum()), int(work["overtime"].sum())
    return nights >= LAID_DOWN and nights > late
