"""Bands that are widened or narrowed, promise by promise, by how earlier ones held."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["LESSONS", "NARROWEST", "STEP", "recalibrated"]

Floats = NDArray[np.float64]

STEP: Final = 0.2
"""By so much of its width, times its level, a band grows on either side after a miss.

More is back sooner after a shift and more restless without one. Chosen with
benchmarks/evidence_shift.py on worlds other than those that are reported.
"""
LESSONS: Final = 12
"""The last so many periods teach; what came before them is forgotten, also a shift."""
NARROWEST: Final = -0.2
"""A band keeps three fifths of its width."""
LIKE: Final = 1.6
"""Periods of a length up to so many times another's are alike: months, not months and weeks."""
FORECAST: Final = ["cutoff", "series"]
PERIOD: Final = ["period_start", "period_end"]


def recalibrated(quantiles: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    """Widen or narrow bands where past ones held too seldom or too often.

    Quantile tracking: a band begins as it was forecast. Each outcome outside of it widens those
    to come by `STEP` × its level, in shares of their width; each outcome inside narrows them by
    `STEP` × (1 − level), down to `NARROWEST`. So after a shift a few misses are enough, however
    long the past before it, and since only the last `LESSONS` periods count, bands are not wide
    for ever after the forecasts themselves have learned. Every central band is corrected alone,
    by forecasts as many periods ahead; medians stay.

    Only outcomes that were over at a forecast's cutoff have a part in its correction, and of past
    forecasts only what was forecast before any correction (``raw``), so nothing feeds back.

    Parameters
    ----------
    quantiles : pandas.DataFrame
        Forecasts, each with all of its periods: ``cutoff``, ``series``, ``period_start``,
        ``period_end``, ``quantile``, ``value``; with ``raw``, that is corrected.
    past : pandas.DataFrame
        From `issued.matched`: the same of earlier forecasts, and ``actual``.

    Returns
    -------
    pandas.DataFrame
        The same rows; ``value`` corrected, ``raw`` as it was.

    References
    ----------
    Angelopoulos, Candès & Tibshirani (2023), Conformal PID control for time series prediction,
    Advances in Neural Information Processing Systems 36, section 2 (quantile tracking), of scores
    in widths of their band; Gibbs & Candès (2021), Adaptive conformal inference under
    distribution shift, the same 34.

    Examples
    --------
    >>> weeks = pd.date_range("2026-01-05", periods=3, freq="7D", tz="UTC")
    >>> issued = pd.DataFrame(
    ...     [{"cutoff": at, "series": "wins", "period_start": at,
    ...       "period_end": at + pd.Timedelta("7D"), "quantile": q, "value": v}
    ...      for at in weeks for q, v in ((0.1, 80.0), (0.5, 100.0), (0.9, 120.0))])
    >>> made = recalibrated(issued, issued.assign(actual=60.0))
    >>> made.pivot(index="cutoff", columns="quantile", values="value").round(1).to_numpy().tolist()
    [[80.0, 100.0, 120.0], [73.6, 100.0, 126.4], [67.2, 100.0, 132.8]]
    """
    made = _raw(quantiles)
    made["value"] = made["raw"].astype(float)
    wide = {str(series): known for series, known in _wide(past).groupby("series")}
    for (cutoff, series), of_one in made.assign(ahead=_ahead(made)).groupby(FORECAST, sort=False):
        if str(series) not in wide:
            continue
        earlier = wide[str(series)]
        mine = earlier[(earlier["period_end"] <= cutoff) & (earlier["cutoff"] < cutoff)]
        for ahead, now in of_one.groupby("ahead", sort=False):
            length = now["period_end"].iloc[0] - now["period_start"].iloc[0]
            like = mine[(mine["ahead"] == ahead) & _alike(mine, length)]
            if len(like):
                made.loc[now.index, "value"] = _corrected(now, like)
    return made


def _corrected(now: pd.DataFrame, past: pd.DataFrame) -> Floats:
    """The quantiles of one period, every band corrected, none across the median."""
    rows = now.sort_values("quantile")
    levels, raw = (rows[name].to_numpy(float) for name in ("quantile", "raw"))
    made = raw.copy()
    for low in np.flatnonzero(levels < 0.5):  # noqa: PLR2004 - lower half
        for high in np.flatnonzero(np.isclose(levels, 1 - levels[low])):
            if {levels[low], levels[high]} <= set(past.columns):
                margin = _margin(past, levels[low], levels[high])
                made[[low, high]] += np.array([-1, 1]) * margin * (raw[high] - raw[low])
    if raw.min() >= 0:
        made = made.clip(min=0.0)
    middle = float(np.interp(0.5, levels, raw))
    lower, upper = levels < 0.5, levels > 0.5  # noqa: PLR2004 - halves
    made[lower] = np.minimum.accumulate(made[lower].clip(max=middle)[::-1])[::-1]
    made[upper] = np.maximum.accumulate(made[upper].clip(min=middle))
    return np.asarray(pd.Series(made, rows.index).reindex(now.index))


def _margin(past: pd.DataFrame, low: float, high: float) -> float:
    """By how many of its widths a band is to be moved outwards on either side."""
    width = (past[high] - past[low]).to_numpy(float)
    came = past["actual"].to_numpy(float)
    outside = np.maximum(past[low].to_numpy(float) - came, came - past[high].to_numpy(float))
    told = width > 0
    lessons: dict[int, list[float]] = {}  # several forecasts of one period are one lesson
    ends = past["period_end"].astype("int64").to_numpy()
    widths = (outside[told] / width[told]).tolist()
    for end, miss in sorted(zip(ends[told].tolist(), widths, strict=True)):
        lessons.setdefault(end, []).append(miss)
    margin = 0.0
    for lesson in list(lessons.values())[-LESSONS:]:
        missed = sum(miss > margin for miss in lesson) / len(lesson)
        margin = max(margin + STEP * (missed - (1 - (high - low))), NARROWEST)
    return margin


def _wide(past: pd.DataFrame) -> pd.DataFrame:
    """A row per period of a past forecast, with a column per quantile."""
    known = _raw(past)
    known["ahead"] = _ahead(known)
    index = [*FORECAST, *PERIOD, "ahead", "actual"]
    return known.pivot_table(index=index, columns="quantile", values="raw").reset_index()


def _raw(table: pd.DataFrame) -> pd.DataFrame:
    """With what was forecast before any correction."""
    if "raw" not in table:
        return table.assign(raw=table["value"])
    return table.assign(raw=table["raw"].fillna(table["value"]))


def _ahead(table: pd.DataFrame) -> pd.Series:
    """How many periods ahead each row is, from 1 on."""
    by = table.groupby(FORECAST, sort=False)["period_start"]
    return by.rank("dense").astype(int)


def _alike(table: pd.DataFrame, length: pd.Timedelta) -> NDArray[np.bool_]:
    """Which rows are of periods about as long."""
    took = (table["period_end"] - table["period_start"]).dt.total_seconds().to_numpy(float)
    ratio = took / length.total_seconds()
    return np.asarray((ratio >= 1 / LIKE) & (ratio <= LIKE))
