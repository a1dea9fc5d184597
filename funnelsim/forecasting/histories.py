"""What was known at each cutoff: logs put back to it, tables with later rows hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.forecasting.columns import columns_of
from funnelsim.forecasting.remarks import Remark
from funnelsim.forecasting.series import Every, SeriesSet, every_of, from_log
from funnelsim.forecasting.table_series import LEAST, from_table

__all__ = ["Piece", "Pieces", "Plan", "pieces_of"]


@dataclass(frozen=True)
class Plan:
    """Which windows a backtest looks through.

    Parameters
    ----------
    horizon : int
        Periods ahead.
    step : int
        Periods between cutoffs.
    ends : tuple of int
        How many periods each window holds, the earliest first.
    """

    horizon: int
    step: int
    ends: tuple[int, ...]


Planning = Callable[[pd.DatetimeIndex, Every], Plan]


@dataclass(frozen=True, eq=False)
class Piece:
    """One series of a backtest.

    Parameters
    ----------
    name : str
    actual : pandas.Series
        What came, by period.
    windows : tuple of (Timestamp, pandas.Series)
        Each cutoff, and what was known then.
    """

    name: str
    actual: pd.Series
    windows: tuple[tuple[pd.Timestamp, pd.Series], ...]


@dataclass(frozen=True, eq=False)
class Pieces:
    """All series of a backtest.

    Parameters
    ----------
    pieces : tuple of Piece
    every : {"day", "week", "month", "quarter"}
    plan : Plan
    keys : pandas.DataFrame
        What each series stands for, by its name.
    remarks : tuple of Remark
    """

    pieces: tuple[Piece, ...]
    every: Every
    plan: Plan
    keys: pd.DataFrame
    remarks: tuple[Remark, ...]


def pieces_of(
    history: EventLog | pd.DataFrame | SeriesSet,
    what: str,
    *,
    freq: str | None,
    by: tuple[str, ...],
    at: str,
    plan: Planning,
) -> Pieces:
    """Cut a history into series and windows.

    Parameters
    ----------
    history, what, freq, by, at
        As for `backtest`.
    plan : callable
        ``(starts, every) → plan``: which windows.

    Returns
    -------
    Pieces
        Without the series that are younger than four periods at every cutoff.

    Raises
    ------
    InputError
        A history that has no such series.
    """
    if isinstance(history, EventLog):
        every = every_of(freq or "W")
        whole = from_log(history, what, every=every, by=by)
    elif isinstance(history, SeriesSet):
        whole = history
    else:
        at, y = columns_of(history, by, at=at, y=what if what in history else "")
        chosen = every_of(freq) if freq else None
        whole = from_table(history, at=at, y=y, by=by, every=chosen)
    starts = pd.DatetimeIndex(whole.frame["at"].drop_duplicates().sort_values())
    made = plan(starts, whole.every)
    if not made.ends:
        problem = Problem("the history has no room for a cutoff", path="cutoffs")
        raise ParameterError(problem)
    cutoffs = [starts[end] if end < len(starts) else None for end in made.ends]
    moments = [pd.Timestamp(cutoff) for cutoff in cutoffs if cutoff is not None]
    past, more = _past(history, whole, what, by, moments)
    pieces, fresh = [], 0
    for name, actual in whole:
        windows = tuple(
            (moment, known[name]) for moment, known in past.items() if _old_enough(known, name)
        )
        fresh += len(past) - len(windows)
        if windows:
            pieces.append(Piece(name, actual, windows))
    if not pieces:
        fix = "Take fewer cutoffs, or a shorter horizon."
        raise ParameterError(Problem("no series is old enough at any cutoff", fix=fix))
    said = [*whole.remarks, *more, *([Remark("fresh", {"n": fresh})] if fresh else [])]
    return Pieces(tuple(pieces), whole.every, made, whole.keys, tuple(said))


def _past(
    history: EventLog | pd.DataFrame | SeriesSet,
    whole: SeriesSet,
    what: str,
    by: tuple[str, ...],
    moments: list[pd.Timestamp],
) -> tuple[dict[pd.Timestamp, dict[str, pd.Series]], list[Remark]]:
    """Every series as it was known at each cutoff."""
    if isinstance(history, EventLog) and history.meta.history == "full":
        zone = history.meta.time_zone
        found = {}
        for moment in moments:
            instant = moment.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
            known = from_log(history.as_of(instant), what, every=whole.every, by=by)
            found[moment] = {name: y[y.index < moment] for name, y in known}
        return found, []
    series = dict(iter(whole))
    hidden = {
        moment: {name: _trimmed(y[: y.index.searchsorted(moment)]) for name, y in series.items()}
        for moment in moments
    }
    return hidden, [Remark("latest")] if isinstance(history, EventLog) else []


def _trimmed(y: pd.Series) -> pd.Series:
    """Without periods at the end that nobody knew."""
    known = np.flatnonzero(y.notna().to_numpy())
    return y.iloc[: known[-1] + 1] if len(known) else y.iloc[:0]


def _old_enough(known: dict[str, pd.Series], name: str) -> bool:
    return name in known and int(known[name].notna().sum()) >= LEAST
