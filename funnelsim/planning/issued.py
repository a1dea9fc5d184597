"""Forecasts that were issued earlier: how good they were, and bands corrected by it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import DataError, Problem
from funnelsim.events import EventLog

__all__ = ["COLUMNS", "actuals", "matched", "read_issued", "recalibrated", "score"]

Floats = NDArray[np.float64]

COLUMNS: Final = ("cutoff", "series", "period_start", "period_end", "unit", "quantile", "value")
TIMES: Final = ("cutoff", "period_start", "period_end")
KEY: Final = ["cutoff", "series", "period_start", "period_end"]
OFF: Final = 0.1
"""Coverage this improbable by chance (two-sided) is off."""
COUNTED: Final = {"wins": "won", "won_value": "won", "paid_value": "paid", "leads": "leads"}


def read_issued(file: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read forecasts that were issued earlier.

    Parameters
    ----------
    file : str, Path or DataFrame
        A CSV with `COLUMNS` and perhaps more.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; times in UTC, sorted. Where a forecast is there twice, the last one counts.

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
    made = table[list(COLUMNS)].copy()
    problems = []
    for name in TIMES:
        made[name] = pd.to_datetime(made[name], utc=True, errors="coerce", format="mixed")
    for name in ("quantile", "value"):
        made[name] = pd.to_numeric(made[name], errors="coerce")
    for name in (*TIMES, "quantile", "value"):
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
    return pd.DataFrame(rows, columns=[*KEY, "actual", "naive"])


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
        ``series``, ``n`` forecasts that are over, ``cutoffs``, ``coverage`` of the interval,
        ``nominal`` (its level), ``bias`` (sum of medians over sum of actuals, less 1),
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
        inside, nominal = _inside(group, level)
        middle = _at(group, 0.5)
        total = float(middle["actual"].sum())
        rows.append(
            {
                "series": series,
                "n": len(group.drop_duplicates(KEY)),
                "cutoffs": len(group["cutoff"].unique()),
                "coverage": float(inside.mean()) if len(inside) else np.nan,
                "nominal": nominal,
                "bias": float(middle["value"].sum()) / total - 1 if total else np.nan,
                "pinball": float(loss.mean()),
                "naive": theirs,
                "added": 1 - ours / theirs if known.any() and theirs > 0 else np.nan,
            }
        )
    columns = ["series", "n", "cutoffs", "coverage", "nominal", "bias", "pinball", "naive", "added"]
    return pd.DataFrame(rows, columns=columns)


def recalibrated(quantiles: pd.DataFrame, past: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Widen or narrow bands where past ones held too seldom or too often.

    Split conformal prediction for quantiles: past misses, in widths of their band, have a
    quantile with the correction for a finite sample; the new band is moved by as much. Where
    past coverage is what chance allows, or the past is too short, nothing is changed.

    Parameters
    ----------
    quantiles : pandas.DataFrame
        ``quantile``, ``value`` and whatever tells forecasts apart (`KEY`).
    past : pandas.DataFrame
        From `matched`: ``quantile``, ``value``, ``actual`` of forecasts that are over.

    Returns
    -------
    tuple of pandas.DataFrame and str
        The same rows with new values, and what was done, in a sentence.

    References
    ----------
    Romano, Patterson & Candès (2019), Conformalized quantile regression, eq. 8.

    Examples
    --------
    >>> at = pd.Timestamp("2026-01-01", tz="UTC")
    >>> key = {"cutoff": at, "series": "wins", "period_start": at, "period_end": at}
    >>> ends = ((0.1, 8.0), (0.9, 12.0))
    >>> now = pd.DataFrame([{**key, "quantile": q, "value": v} for q, v in ends])
    >>> recalibrated(now, now.assign(actual=9.0))[1]
    'Too few past forecasts are over (1) to correct the bands.'
    """
    keys = [name for name in KEY if name in quantiles]
    made = quantiles.copy()
    told = []
    for low in sorted({q for q in quantiles["quantile"] if q < 0.5}):  # noqa: PLR2004 - lower half
        high = round(1 - low, 10)
        margin, said = _margin(past, low, high)
        told.append(said)
        if margin == 0:
            continue
        at_low, at_high = (_is(made, q) for q in (low, high))
        lows = quantiles[at_low].set_index(keys)["value"]
        highs = quantiles[at_high].set_index(keys)["value"]
        width = (highs - lows) * margin
        middles = _at(quantiles, 0.5).set_index(keys)["value"].reindex(lows.index)
        floor = 0.0 if quantiles["value"].min() >= 0 else -np.inf
        new_low, new_high = (lows - width).clip(lower=floor), highs + width
        made.loc[at_low, "value"] = np.fmin(new_low.to_numpy(), middles.to_numpy())
        made.loc[at_high, "value"] = np.fmax(new_high.to_numpy(), middles.to_numpy())
    made = made.sort_values([*keys, "quantile"], kind="stable")
    made["value"] = (
        made.groupby(keys, sort=False)["value"].cummax() if keys else made["value"].cummax()
    )
    return made.reindex(quantiles.index), " ".join(dict.fromkeys(told))


def _margin(past: pd.DataFrame, low: float, high: float) -> tuple[float, str]:
    """By how many widths a band is to be moved outwards, and what to say about it."""
    from scipy import stats

    keys = [name for name in KEY if name in past]
    wide = past[_is(past, low) | _is(past, high)]
    ends = wide.groupby(keys)["value"].agg(["min", "max", "size"])
    came = wide.groupby(keys)["actual"].first()
    ends, came = ends[ends["size"] == 2], came[ends["size"] == 2]  # noqa: PLR2004 - both ends
    n, level = len(ends), high - low
    rank = math.ceil((n + 1) * level)
    if rank > n:
        return 0.0, f"Too few past forecasts are over ({n}) to correct the bands."
    held = int(((ends["min"] <= came) & (came <= ends["max"])).sum())
    share = f"{held} of {n} past outcomes lay in the {level:.0%} band"
    if stats.binomtest(held, n, level).pvalue >= OFF:
        return 0.0, f"{share}: left as it is."
    width = (ends["max"] - ends["min"]).replace(0, np.nan)
    outside = pd.concat([ends["min"] - came, came - ends["max"]], axis=1).max(axis=1)
    misses = (outside / width).dropna().sort_values()
    if len(misses) < rank:
        return 0.0, f"{share}; bands without width cannot be corrected."
    margin = max(float(misses.iloc[rank - 1]), -0.45)
    done = "widened" if margin > 0 else "narrowed"
    return margin, f"{share}: {done} by {abs(2 * margin):.0%} of its width."


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


def _inside(group: pd.DataFrame, level: float) -> tuple[pd.Series, float]:
    """Whether each outcome lies in its central interval, and the level of that interval."""
    low, high = (1 - level) / 2, (1 + level) / 2
    lows, highs = (_at(group, q).set_index(KEY) for q in (low, high))
    both = lows[["value", "actual"]].join(highs["value"].rename("top"), how="inner")
    return (both["value"] <= both["actual"]) & (both["actual"] <= both["top"]), level
