"""Forecasts that were issued earlier: what came of them, and how good they were."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import DataError, Problem
from funnelsim.events import EventLog

__all__ = ["COLUMNS", "RAW", "actuals", "matched", "read_issued", "score"]

Floats = NDArray[np.float64]

COLUMNS: Final = ("cutoff", "series", "period_start", "period_end", "unit", "quantile", "value")
RAW: Final = "raw"
"""The column with what was forecast before any correction; ``value`` is what was stated."""
TIMES: Final = ("cutoff", "period_start", "period_end")
NUMBERS: Final = ("quantile", "value")
KEY: Final = ["cutoff", "series", "period_start", "period_end"]
SCORES: Final = [
    *("series", "n", "cutoffs", "coverage", "uncorrected", "nominal"),
    *("bias", "pinball", "naive", "added"),
]


def read_issued(file: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read forecasts that were issued earlier.

    Parameters
    ----------
    file : str, Path or DataFrame
        A CSV with `COLUMNS` and perhaps more.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS` and `RAW` (as ``value`` where the file does not say); times in UTC, sorted.
        Where a forecast is there twice, the last one counts.

    Raises
    ------
    DataError
        No such file, columns that are missing, numbers and times that are none: all at once.

    Examples
    --------
    >>> read_issued("nowhere.csv")
    Traceback (most recent call last):
    funnelsim.errors.DataError: nowhere.csv past: there is no such file
    """
    if isinstance(file, pd.DataFrame):
        table, where = file, ""
    elif not Path(file).is_file():
        raise DataError(Problem("there is no such file", str(file), "past"))
    else:
        table, where = pd.read_csv(file), Path(file).name
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        fix = f"A forecast has the columns {', '.join(COLUMNS)}."
        raise DataError(Problem(f"columns are missing: {', '.join(missing)}", where, "past", fix))
    given = RAW in table
    table = table.assign(**{RAW: table[RAW].fillna(table["value"]) if given else table["value"]})
    made = table[[*COLUMNS, RAW]].copy()
    problems = []
    for name in TIMES:
        made[name] = pd.to_datetime(made[name], utc=True, errors="coerce", format="mixed")
    for name in (*NUMBERS, RAW):
        made[name] = pd.to_numeric(made[name], errors="coerce")
    for name in (*TIMES, *NUMBERS, *((RAW,) if given else ())):
        broken = made[name].isna().to_numpy()
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            message = f'"{table[name].iloc[row]}" in row {row + 2} cannot be read'
            problems.append(Problem(message, where, f"past.{name}"))
    wild = made["quantile"].notna() & ~made["quantile"].between(0, 1, inclusive="neither")
    if wild.any():
        message = f"quantiles lie between 0 and 1, not {made.loc[wild, 'quantile'].iloc[0]:g}"
        problems.append(Problem(message, where, "past.quantile"))
    if problems:
        raise DataError(problems)
    made = made.drop_duplicates([*KEY, "quantile"], keep="last")
    return made.sort_values([*KEY, "quantile"], kind="stable").reset_index(drop=True)


def actuals(log: EventLog, issued: pd.DataFrame) -> pd.DataFrame:
    """Count what came in the periods of issued forecasts, as far as they are over.

    Parameters
    ----------
    log : EventLog
    issued : pandas.DataFrame
        From `read_issued`; series ``won_value``, ``wins``, ``paid_value`` and ``leads``.

    Returns
    -------
    pandas.DataFrame
        `KEY`, ``actual``, and ``naive``: what as long a time before the cutoff brought.
    """
    known = _happened(log)
    until = pd.Timestamp(log.meta.observed_until)
    begin = pd.Timestamp(log.meta.observed_from)
    rows = []
    for cutoff, series, start, end in issued[KEY].drop_duplicates().itertuples(index=False):
        if series not in known or end > until or start < begin:
            continue
        came = known[series]
        before = cutoff - (end - start)
        rows.append(
            {
                "cutoff": cutoff,
                "series": series,
                "period_start": start,
                "period_end": end,
                "actual": _between(came, start, end),
                "naive": _between(came, before, cutoff) if before >= begin else np.nan,
            }
        )
    found = pd.DataFrame(rows, columns=[*KEY, "actual", "naive"])
    return found.astype({**issued[KEY].dtypes, "actual": float, "naive": float})


def matched(issued: pd.DataFrame, came: pd.DataFrame) -> pd.DataFrame:
    """Issued quantiles beside what came, a row per forecast and quantile."""
    return issued.merge(came, on=KEY, how="inner")


def score(issued: pd.DataFrame, came: pd.DataFrame, level: float = 0.8) -> pd.DataFrame:
    """Score issued forecasts, series by series.

    Parameters
    ----------
    issued : pandas.DataFrame
        From `read_issued`.
    came : pandas.DataFrame
        From `actuals`, or a table like it.
    level : float
        Of the central interval whose coverage is told.

    Returns
    -------
    pandas.DataFrame
        ``series``, ``n`` forecasts that are over, ``cutoffs``, ``coverage`` of the interval as
        it was stated, ``uncorrected`` (the same before corrections), ``nominal`` (its level),
        ``bias`` (sum of medians over sum of actuals, less 1),
        ``pinball`` (mean over quantiles, unit of the series), ``naive`` (the same of the naive
        forecast, where it is known), ``added`` (1 less their ratio: above 0 is better than
        naive).

    References
    ----------
    Gneiting & Raftery (2007), Journal of the American Statistical Association 102: 359–378,
    section 6 (quantile score).

    Examples
    --------
    >>> at = pd.Timestamp("2026-01-01", tz="UTC")
    >>> key = {"cutoff": at, "series": "wins", "period_start": at, "period_end": at}
    >>> issued = pd.DataFrame([{**key, "unit": "deals", "quantile": q, "value": v}
    ...     for q, v in ((0.1, 8.0), (0.5, 10.0), (0.9, 14.0))])
    >>> came = pd.DataFrame([{**key, "actual": 12.0, "naive": 6.0}])
    >>> score(issued, came)[["coverage", "pinball", "naive"]].round(2).to_numpy().tolist()
    [[1.0, 0.53, 3.0]]
    """
    table = matched(issued, came)
    rows = []
    for series, group in table.groupby("series", sort=False):
        loss = _pinball(group["value"], group["actual"], group["quantile"])
        blind = _pinball(group["naive"], group["actual"], group["quantile"])
        known = ~np.isnan(blind)
        ours, theirs = (
            float(loss[known].mean()),
            float(blind[known].mean()) if known.any() else np.nan,
        )
        inside = _inside(group, level)
        plain = _inside(group.assign(value=group[RAW]), level) if RAW in group else inside
        middle = _at(group, 0.5)
        total = float(middle["actual"].sum())
        rows.append(
            {
                "series": series,
                "n": len(group.drop_duplicates(KEY)),
                "cutoffs": len(group["cutoff"].unique()),
                "coverage": float(inside.mean()) if len(inside) else np.nan,
                "uncorrected": float(plain.mean()) if len(plain) else np.nan,
                "nominal": level,
                "bias": float(middle["value"].sum()) / total - 1 if total else np.nan,
                "pinball": float(loss.mean()),
                "naive": theirs,
                "added": 1 - ours / theirs if known.any() and theirs > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=SCORES)


def _happened(log: EventLog) -> dict[str, pd.DataFrame]:
    """When what came, by series: at, size."""
    outcomes = log.outcomes()
    won = outcomes[outcomes["outcome"] == "won"]
    worth = won["value"].fillna(0).astype(float)
    found = {
        "wins": pd.DataFrame({"at": won["closed_at"], "size": 1.0}),
        "won_value": pd.DataFrame({"at": won["closed_at"], "size": worth}),
        "leads": pd.DataFrame({"at": log.leads["arrived_at"], "size": 1.0}),
    }
    paid = log.marks[log.marks["kind"] == "paid"]
    if len(paid):
        size = paid["value"].fillna(0).astype(float)
        found["paid_value"] = pd.DataFrame({"at": paid["at"], "size": size})
    return found


def _between(came: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> float:
    """The sum in [start, end)."""
    return float(came.loc[(came["at"] >= start) & (came["at"] < end), "size"].sum())


def _pinball(value: pd.Series, actual: pd.Series, quantile: pd.Series) -> Floats:
    """The quantile loss."""
    above = (actual - value).to_numpy(dtype=float)
    q = quantile.to_numpy(dtype=float)
    return np.asarray(np.maximum(q * above, (q - 1) * above))


def _at(table: pd.DataFrame, quantile: float) -> pd.DataFrame:
    """The rows of one quantile."""
    return table[_is(table, quantile)]


def _is(table: pd.DataFrame, quantile: float) -> NDArray[np.bool_]:
    """Which rows are of one quantile."""
    return np.asarray(np.isclose(table["quantile"].to_numpy(dtype=float), quantile))


def _inside(group: pd.DataFrame, level: float) -> pd.Series:
    """Whether each outcome lies in its central interval."""
    low, high = (1 - level) / 2, (1 + level) / 2
    lows, highs = (_at(group, q).set_index(KEY) for q in (low, high))
    both = lows[["value", "actual"]].join(highs["value"].rename("top"), how="inner")
    return (both["value"] <= both["actual"]) & (both["actual"] <= both["top"])
