"""Promises about answering, as people say them: ``80% in 4 h``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.worktime import DAY, Duration, WorkTime, parse_duration

__all__ = ["ServiceLevel", "read_service_level", "service_levels"]

_TEXT: Final = re.compile(r"\s*([\d.,]+)\s*%\s*(?:in|within|<|<=)?\s*(.+?)\s*")
_CALLS: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*")
_FIX: Final = (
    'Write "80% in 4 h" (elapsed), "80% in 4 bh" (opening hours of the team), or 80/20 for '
    "80% in 20 s."
)


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The share of a team's work that begins within a time of being queued.

    Parameters
    ----------
    share : float
        Above 0, below 1.
    within : Duration
        Elapsed, or on the team's opening hours (``bh``, ``bd``).

    Examples
    --------
    >>> str(ServiceLevel(0.8, Duration(4, "h")))
    '80% in 4 h'
    """

    share: float
    within: Duration

    @property
    def elapsed(self) -> bool:
        """Whether the clock runs on while the team is closed."""
        return self.within.clock == "elapsed"

    def microseconds(self, clock: WorkTime) -> int:
        """The promised time; a business day is the team's."""
        return round(self.within.microseconds(clock.business_day or DAY))

    def __str__(self) -> str:
        return f"{100 * self.share:g}% in {self.within}"


def read_service_level(text: object) -> ServiceLevel:
    """Read a promise.

    Parameters
    ----------
    text : str or ServiceLevel

    Returns
    -------
    ServiceLevel

    Raises
    ------
    ParameterError
        It cannot be read, with what can.

    Examples
    --------
    >>> read_service_level("80/20")
    ServiceLevel(share=0.8, within=Duration(amount=20.0, unit='s'))
    >>> read_service_level("most of it soon")
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: service_level: "most of it soon" is no promise. Write ...
    """
    if isinstance(text, ServiceLevel):
        return text
    try:
        return _read(str(text))
    except ValueError as wrong:
        raise ParameterError(Problem(str(wrong), path="service_level", fix=_FIX)) from None


def service_levels(
    told: str | ServiceLevel | Mapping[str, str | ServiceLevel], teams: Collection[str]
) -> dict[str, ServiceLevel]:
    """The promise of each team.

    Parameters
    ----------
    told : str, ServiceLevel or mapping
        One for all, or by team; teams not named keep none.
    teams : collection of str

    Returns
    -------
    dict of str to ServiceLevel

    Raises
    ------
    ParameterError
        Unknown teams, promises that cannot be read: all of them.
    """
    if not isinstance(told, Mapping):
        level = read_service_level(told)
        return dict.fromkeys(teams, level)
    problems = [
        Problem(f'there is no team "{t}"', path="service_level", fix=did_you_mean(t, teams))
        for t in told
        if t not in teams
    ]
    found = {}
    for team, text in told.items():
        try:
            found[team] = read_service_level(text)
        except ParameterError as wrong:
            problems += [
                Problem(p.message, path=f"{p.path}.{team}", fix=p.fix) for p in wrong.problems
            ]
    if problems:
        raise ParameterError(problems)
    return found


def _read(text: str) -> ServiceLevel:
    """Read it, or say in a ValueError why not."""
    calls, match = _CALLS.fullmatch(text), _TEXT.fullmatch(text)
    if calls:
        share, within = float(calls[1]), Duration(float(calls[2]), "s")
    elif match:
        share, within = float(match[1].replace(",", ".")), parse_duration(match[2])
    else:
        msg = f'"{text}" is no promise'
        raise ValueError(msg)
    if not 0 < share < 100:  # noqa: PLR2004 - per cent
        msg = f'"{text}": {share:g} % is not between 0 and 100 %'
        raise ValueError(msg)
    if within.clock == "months" or not within.amount:
        msg = f'"{text}": {within} is no time to answer in'
        raise ValueError(msg)
    return ServiceLevel(share / 100, within)
