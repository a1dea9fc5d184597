"""NPS and CSAT from tables of answers, and the click rate from tables of views and clicks.

Who answers is not who was asked: the unhappy and the delighted answer more. An interval
says how far chance reaches, not how far the silent ones differ.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from funnelsim.errors import DataError, ParameterError, Problem
from funnelsim.measures.answers import answer_groups, laid_out, whole_numbers
from funnelsim.measures.cautions import few
from funnelsim.measures.estimates import NOTHING, Estimate, mean, proportion
from funnelsim.measures.tables import By, check_level, record

__all__ = ["click_rate", "csat", "nps"]

PROMOTER: Final = 9
NEUTRAL: Final = 7
EDGE: Final = 1e-12


def nps(
    answers: pd.DataFrame,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    time_zone: str = "UTC",
) -> pd.DataFrame:
    """Net promoter score: % promoters − % detractors.

    Definition: one question answered from 0 to 10; promoters 9–10, neutrals 7–8,
    detractors 0–6. Formula: 100 × (promoters − detractors) ÷ answers. Unit: points, −100
    to +100. Source: domain S4:572.

    Parameters
    ----------
    answers : DataFrame
        Columns ``score`` (whole, 0 to 10; empty: not answered), ``answered_at`` (with a
        zone; only for ``every``) and any to group by.
    by : str or sequence of str
        Columns of the table.
    every : str, optional
        ``"1MS"``, ``"1QS"`` …, with the item column ``at``.
    level : float
        Confidence level, 0 to 1.
    time_zone : str
        Of the periods.

    Returns
    -------
    DataFrame
        One row a group, ``n`` answers, Tango's score interval; then ``promoters``,
        ``neutrals``, ``detractors``, ``unanswered`` and ``caution``: with 100 answers the
        interval is about 30 points wide, most changes of a month are chance.

    Raises
    ------
    DataError
        No column ``score``, other scores, or times without a zone.

    References
    ----------
    Tango (1998), Statistics in Medicine 17: 891–908: promoters and detractors are the two
    discordant cells of a paired table.

    Examples
    --------
    >>> answers = pd.DataFrame({"score": [10, 9, 8, 6, None]})
    >>> nps(answers)[["value", "n", "promoters", "unanswered"]].values.tolist()
    [[25.0, 4.0, 2.0, 1.0]]
    """
    check_level(level)
    score = whole_numbers(answers, "score", 0, 10)
    records = []
    for key, at in answer_groups(answers, by, "answered_at", every, time_zone):
        mine = score[at]
        n, silent = int((~np.isnan(mine)).sum()), int(np.isnan(mine).sum())
        up, down = int((mine >= PROMOTER).sum()), int((mine < NEUTRAL).sum())
        counts = {"promoters": up, "neutrals": n - up - down, "detractors": down}
        row = record(key, "nps", "points", _difference(up, down, n, level), level)
        records.append(row | counts | {"unanswered": silent, "caution": few(n)})
    kinds = dict.fromkeys(["promoters", "neutrals", "detractors", "unanswered"], "int64")
    return laid_out(records, answers, by, every, {**kinds, "caution": "str"})


def csat(
    answers: pd.DataFrame,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    scale: tuple[int, int] = (1, 5),
    satisfied: int | None = None,
    time_zone: str = "UTC",
) -> pd.DataFrame:
    """Customer satisfaction: mean score, and the share of the satisfied.

    Definition: satisfaction survey answered from 1 to 5, or 1 to 10. Formula: ``csat_mean``
    = Σ score ÷ answers; ``csat_share`` = answers of at least ``satisfied`` ÷ answers. Both
    are called CSAT. Unit: score; share. Source: domain S4:571.

    Parameters
    ----------
    answers, by, every, level, time_zone
        As in :func:`nps`.
    scale : tuple of int
        Worst and best score.
    satisfied : int, optional
        The lowest score that counts as satisfied; left out: the upper two fifths, 4 of 5
        and 7 of 10.

    Returns
    -------
    DataFrame
        Two rows a group: Student's t interval, not beyond the scale; Wilson's interval.
        ``n`` answers; then ``satisfied``, ``unanswered`` and ``caution``.

    Raises
    ------
    DataError
        As :func:`nps`.
    ParameterError
        A scale that is none, or ``satisfied`` outside it.

    Examples
    --------
    >>> csat(pd.DataFrame({"score": [5, 4, 2, 5]}))[["measure", "value"]].values.tolist()
    [['csat_mean', 4.0], ['csat_share', 0.75]]
    """
    check_level(level)
    low, high = scale
    bar = low + -(-3 * (high - low + 1) // 5) if satisfied is None else satisfied
    if not low < bar <= high:
        fix = "For example scale=(1, 10), satisfied=8"
        raise ParameterError(Problem(f"scale={scale} with satisfied={bar} is no scale", fix=fix))
    score = whole_numbers(answers, "score", low, high)
    records = []
    for key, at in answer_groups(answers, by, "answered_at", every, time_zone):
        mine = score[at]
        known = mine[~np.isnan(mine)]
        middle = mean(known, level)
        middle = middle._replace(lo=np.maximum(middle.lo, low), hi=np.minimum(middle.hi, high))
        happy = int((known >= bar).sum())
        counts = {"satisfied": happy, "unanswered": len(mine) - len(known)}
        for name, unit, estimate in (
            ("csat_mean", "score", middle),
            ("csat_share", "share", proportion(happy, len(known), level)),
        ):
            row = record(key, name, unit, estimate, level)
            records.append(row | counts | {"caution": few(len(known))})
    kinds = {"satisfied": "int64", "unanswered": "int64", "caution": "str"}
    return laid_out(records, answers, by, every, kinds)


def click_rate(
    counts: pd.DataFrame,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    time_zone: str = "UTC",
) -> pd.DataFrame:
    """CTR: clicks per view of an advertisement, a letter or a button.

    Definition: click rate. Formula: Σ ``clicked`` ÷ Σ ``shown``. Unit: share. Source:
    domain S1:28. A click is no lead: follow it on with
    :func:`funnelsim.measures.mark_conversion`.

    Parameters
    ----------
    counts : DataFrame
        Columns ``shown`` and ``clicked`` (whole numbers), ``at`` (with a zone; only for
        ``every``) and any to group by, such as ``campaign``.
    by, every, level, time_zone
        As in :func:`nps`.

    Returns
    -------
    DataFrame
        One row a group, ``n`` views, Wilson's interval as if every view were another
        person's; then ``clicked`` and ``caution``.

    Raises
    ------
    DataError
        A column is missing, other values, or more clicks than views.

    Examples
    --------
    >>> counts = pd.DataFrame({"campaign": ["a", "b"], "shown": [1000, 500], "clicked": [20, 20]})
    >>> click_rate(counts, by="campaign")["value"].tolist()
    [0.02, 0.04]
    """
    check_level(level)
    shown, clicked = (np.nan_to_num(whole_numbers(counts, one, 0, None)) for one in COUNTED)
    over = np.flatnonzero(clicked > shown)
    if len(over):
        rows = f"row {over[0]}: {clicked[over[0]]:.0f} of {shown[over[0]]:.0f}"
        raise DataError(Problem(f"{len(over)} rows have more clicks than views ({rows})"))
    records = []
    for key, at in answer_groups(counts, by, "at", every, time_zone):
        n, hits = int(shown[at].sum()), int(clicked[at].sum())
        row = record(key, "click_rate", "share", proportion(hits, n, level), level)
        records.append(row | {"clicked": hits, "caution": few(n)})
    return laid_out(records, counts, by, every, {"clicked": "int64", "caution": "str"})


COUNTED: Final = ("shown", "clicked")


def _difference(up: int, down: int, n: int, level: float) -> Estimate:
    """100 × (up − down) ÷ n with Tango's interval."""
    if not n:
        return NOTHING
    value = (up - down) / n
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    lo, hi = -1.0, 1.0
    if value > -1:
        lo = brentq(lambda at: _score(up, down, n, at) - z, EDGE - 1, value)
    if value < 1:
        hi = brentq(lambda at: _score(up, down, n, at) + z, value, 1 - EDGE)
    return Estimate(100 * value, n, 100 * lo, 100 * hi, "Tango")


def _score(up: int, down: int, n: int, at: float) -> float:
    """Tango's score statistic, eqs. 24–26, of a difference ``at``."""
    if at == (up - down) / n:
        return 0.0
    middle = -up - down + (2 * n - up + down) * at
    root = (middle**2 + 8 * n * down * at * (1 - at)) ** 0.5
    least = max((root - middle) / (4 * n), 0.0)
    return float((up - down - n * at) / (n * (2 * least + at * (1 - at))) ** 0.5)
