"""Short warnings that stand beside a number in the column ``caution``.

=================  ==========================================================================
``too few``        fewer than 30 of what the number rests on: chance rules
``immature``       leads still open could move it by more than a twentieth
``cut off``        the log's window cuts this period off: it is no whole one
``cannot tell``    chance alone explains the difference
``extrapolated``   goes beyond what the log has seen
``not marked``     the log has no mark, stage or work of that name: nothing can be counted
``no churn``       nothing says when clients leave: give ``silent=``
``no costs``       what was sold, or selling it, has no cost here: give ``margin=``, ``costs=``
``no value``       some orders have no value: money is counted too low
``unequal``        two periods of different length are compared: amounts differ by that alone
``leads counted``  leads have no customer_id: every lead counts as a customer of its own
=================  ==========================================================================

Several are joined by commas; an empty text means that nothing speaks against the number.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CANNOT_TELL",
    "CUT_OFF",
    "EXTRAPOLATED",
    "FEW",
    "IMMATURE",
    "LEADS_COUNTED",
    "NOT_MARKED",
    "NO_CHURN",
    "NO_COSTS",
    "NO_VALUE",
    "TOO_FEW",
    "UNDECIDED",
    "UNEQUAL",
    "cautions",
    "few",
]

TOO_FEW: Final = "too few"
IMMATURE: Final = "immature"
CUT_OFF: Final = "cut off"
CANNOT_TELL: Final = "cannot tell"
EXTRAPOLATED: Final = "extrapolated"
NOT_MARKED: Final = "not marked"
NO_CHURN: Final = "no churn"
NO_COSTS: Final = "no costs"
NO_VALUE: Final = "no value"
UNEQUAL: Final = "unequal"
LEADS_COUNTED: Final = "leads counted"

FEW: Final = 30
"""Fewer of what a number rests on than this are ``too few``."""
UNDECIDED: Final = 0.05
"""A share that open leads can move by more than this is ``immature``."""


def cautions(*said: str) -> str:
    """Join warnings, each once, in the order given.

    Parameters
    ----------
    *said : str
        Warnings; empty ones are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> cautions("too few", "", "immature", "too few")
    'too few, immature'
    """
    return ", ".join(dict.fromkeys(one for one in said if one))


def few(n: float) -> str:
    """Warn of a number that rests on few.

    Parameters
    ----------
    n : float
        Of whatever the number rests on.

    Returns
    -------
    str
        ``"too few"`` or nothing.

    Examples
    --------
    >>> few(29), few(30)
    ('too few', '')
    """
    return TOO_FEW if n < FEW else ""
