"""Cells that several formats write alike: stages, chances, dates of closing, ids."""

from __future__ import annotations

import pandas as pd

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.exports.written import stamps

__all__ = ["chances", "closing_dates", "day_of", "stage_names", "untidied"]

EXPECTED = pd.Timedelta(days=90)
"""Sellers expect an open deal to close so long after it was created."""


def stage_names(state: State, stages: pd.Series) -> pd.Series:
    """Return the names of stages, untidy where the deal is.

    Parameters
    ----------
    state : State
    stages : pandas.Series
        Ids, one per deal.

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> from funnelsim.calibration.exports.book import book_of, state_at
    >>> from funnelsim.events.example import LOG
    >>> book = book_of(LOG, language="en", deal_id=str)
    >>> state = state_at(book, book.until)
    >>> stage_names(state, state.deals["stage"]).tolist()
    ['won', 'demo']
    """
    return untidied(stages.map(state.book.names()), state.deals["untidy"])


def untidied(text: pd.Series, untidy: pd.Series) -> pd.Series:
    r"""Return text with blanks that do not belong there, where asked for.

    Examples
    --------
    >>> untidied(pd.Series(["in work", "won"]), pd.Series([True, False])).tolist()
    [' in\xa0work ', 'won']
    """
    if not untidy.any():
        return text
    blank = " " + text.str.replace(" ", "\u00a0", n=1) + " "
    return text.where(~untidy.to_numpy(dtype=bool), blank)


def chances(state: State) -> pd.Series:
    """Return what the CRM gives as the chance of each deal, 0 to 1: by its stage.

    Examples
    --------
    >>> from funnelsim.calibration.exports.book import book_of, state_at
    >>> from funnelsim.events.example import LOG
    >>> book = book_of(LOG, language="en", deal_id=str)
    >>> chances(state_at(book, book.until)).tolist()
    [1.0, 0.1]
    """
    open_ = [stage.id for stage in state.book.stages if stage.outcome is None]
    steps = {key: round(0.1 + 0.8 * n / max(len(open_), 1), 2) for n, key in enumerate(open_)}
    steps |= {key: float(outcome == "won") for key, outcome in state.book.outcomes().items()}
    return state.deals["stage"].map(steps).fillna(0.1)


def closing_dates(state: State, form: str) -> pd.Series:
    """Return the day of closing as written; of an open deal, the day it is expected.

    Examples
    --------
    >>> from funnelsim.calibration.exports.book import book_of, state_at
    >>> from funnelsim.events.example import LOG
    >>> book = book_of(LOG, language="en", deal_id=str)
    >>> closing_dates(state_at(book, book.until), "%Y-%m-%d").tolist()
    ['2024-02-05', '2024-05-03']
    """
    deals = state.deals
    expected = (deals["created_at"] + EXPECTED).where(deals["status"] == "open")
    day = deals["closed_at"].fillna(expected)
    return stamps(day, form, state.book.time_zone, odd=deals["odd_dates"], odd_form="%d/%m/%y")


def day_of(state: State) -> str:
    """Return the day of an export, for the name of its file.

    Examples
    --------
    >>> from funnelsim.calibration.exports.book import book_of, state_at
    >>> from funnelsim.events.example import LOG
    >>> book = book_of(LOG, language="en", deal_id=str)
    >>> day_of(state_at(book, book.until))
    '2024-03-01'
    """
    return str(state.moment.tz_convert(state.book.time_zone).date())
