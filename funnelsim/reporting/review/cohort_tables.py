"""Leads by when they arrived: how many have won, and how many will."""

from __future__ import annotations

from typing import Any

import pandas as pd

from funnelsim import measures
from funnelsim.events import EventLog
from funnelsim.measures.cautions import CUT_OFF, FEW, IMMATURE, TOO_FEW
from funnelsim.reporting.blocks import column, sentence, table, text
from funnelsim.reporting.document import Table, Text
from funnelsim.reporting.review.cautions import caution
from funnelsim.reporting.texts import Texts

__all__ = ["by_arrival", "young"]

# Steps with the days they take; the first that gives few enough, full enough cohorts.
STEPS = {"1W": 7, "1MS": 30, "1QS": 91, "1y": 365}
MOST_ROWS = 15


def young(log: EventLog, t: Texts) -> Text | None:
    """What the youngest cohort that can be judged shows so far, and will.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Text or None
        None where every cohort's outcome is known, there is one only, or nothing was won.
    """
    found = _cohorts(log)
    if (found["came"] > 0).sum() < 2:  # noqa: PLR2004 - one has nothing beside it
        return None
    unripe = found[found["caution"].str.contains(IMMATURE) & found["value"].notna()]
    told = unripe[~unripe["caution"].str.contains(f"{TOO_FEW}|{CUT_OFF}")]
    told = told if len(told) else unripe
    if not len(told) or not found["went_on"].sum():
        return None
    row = told.iloc[-1]
    return text(
        sentence(
            t._(
                "**Young cohorts look worse than they are**: of the leads that came in {period}, "
                "{so_far} have won so far; **{value}** are expected to in the end."
            ),
            period=_period(row["at"], log, t),
            so_far=t.share(row["so_far"]),
            value=t.share(row["value"]),
        )
    )


def by_arrival(log: EventLog, t: Texts) -> Table | None:
    """Win share by week, month or quarter of arrival; what is not complete is marked.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Table or None
        None where the window holds one period only, or nothing was won.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.texts import texts
    >>> by_arrival(BANK, texts("en")) is None  # three days
    True
    """
    found = _cohorts(log)
    found = found[found["came"] > 0]
    if len(found) < 2 or not found["went_on"].sum():  # noqa: PLR2004 - one has nothing beside it
        return None
    number = t._("leads")
    return table(
        [
            column(t._("Arrived in")),
            column(t._("Leads arrived"), numeric=True),
            column(t._("Won so far"), unit=number, numeric=True),
            column(t._("Open"), unit=number, numeric=True),
            column(t._("So far"), unit="%", numeric=True),
            column(t._("In the end"), unit="%", numeric=True),
            column(t._("95% interval"), unit="%", numeric=True),
            column(t._("Caution")),
        ],
        [
            (
                _period(row["at"], log, t),
                t.number(row["came"]),
                t.number(row["went_on"]),
                t.number(row["open"]),
                t.bare_share(row["so_far"]),
                t.bare_share(row["value"]),
                t.bare_shares(row["lo"], row["hi"]),
                caution(row["caution"], t),
            )
            for row in _rows(found)
        ],
        caption=t._("Leads that win, by when they arrived"),
        note=t._(
            "In the end: what is decided, and for every open lead the chance that leads of its "
            "age had in earlier cohorts. Compare this column, never “so far”."
        ),
    )


def _cohorts(log: EventLog) -> pd.DataFrame:
    """The measure, at a step that gives a handful of rows."""
    return measures.cohorts(log, every=_step(log), to="won")


def _step(log: EventLog) -> str:
    """Weeks, months, quarters or years: a handful of cohorts that are not too few to tell."""
    days = (log.meta.observed_until - log.meta.observed_from).total_seconds() / 86_400
    leads = len(log.leads)

    def fits(step: str) -> bool:
        """Whether cohorts of this length are neither too many nor too small."""
        rows = days / STEPS[step]
        return rows <= MOST_ROWS and leads >= FEW * rows

    return next(filter(fits, STEPS), "1y")


def _period(at: pd.Timestamp, log: EventLog, t: Texts) -> str:
    """The name of a period."""
    zone = log.meta.time_zone
    names = {"1W": t.week, "1MS": t.month, "1QS": t.quarter, "1y": t.year}
    return names[_step(log)](at, zone)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as one mapping per row."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
