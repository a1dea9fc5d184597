"""What the quantities with intervals are called, and how their numbers are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from funnelsim.figures.wording import Written
from funnelsim.messages import Message
from funnelsim.reporting.document import Interval

__all__ = ["amount", "called"]

NAMES: Final[Mapping[str, Message]] = {
    "cycle_time": Message("time from arrival to win"),
    "leads": Message("Leads"),
    "win_rate": Message("Leads that win"),
    "win_share": Message("share won of deals decided in the window"),
    "won": Message("Deals won"),
    "won_value": Message("Value won"),
}
FORMS: Final[Mapping[str, str]] = {"cycle_time": "s", "win_rate": "share", "win_share": "share"}
PEOPLE: Final = "people, "


def called(what: str) -> str:
    """What a quantity is called; one without a name by its id.

    Examples
    --------
    >>> called("win_rate")
    'Leads that win'
    >>> called("people, help_desk")
    'Full-time people needed, help desk'
    """
    if what.startswith(PEOPLE):
        team = what.removeprefix(PEOPLE).replace("_", " ")
        return Message("Full-time people needed, {team}", team=team)
    return NAMES.get(what, what)


def amount(of: Interval, value: float) -> Written:
    """A value of a quantity, to be told in full.

    Examples
    --------
    >>> amount(Interval(what="win_rate", value=0.5, lo=0.4, hi=0.6), 0.4).form
    'share'
    """
    return Written(f"{value:.4g}", value, FORMS.get(of.what, "number"))
