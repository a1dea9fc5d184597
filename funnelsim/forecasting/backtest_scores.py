"""Scores of a backtest: by model, horizon and series, and who leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "CHOSEN",
    "KEPT",
    "NAIVE",
    "chosen_inside",
    "compared",
    "leader_board",
    "scored",
    "summaries",
]

Floats = NDArray[np.float64]

KEPT: Final = (0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975)
"""Quantiles that a backtest keeps."""
SPREAD: Final = KEPT[1:-1]
"""Those that the quantile loss is taken over."""
NAIVE: Final = ("seasonal_naive", "naive")
"""What value is added to: the first of these among the models."""
CHOSEN: Final = "chosen"
FEWEST: Final = 4
"""Cutoffs without which no difference is tested."""


def scored(table: pd.DataFrame) -> pd.DataFrame:
    """Score every forecast of every period.

    Parameters
    ----------
    table : pandas.DataFrame
        ``actual``, ``mean``, a column for each of `KEPT`, ``scale`` and ``square_scale``.

    Returns
    -------
    pandas.DataFrame
        The same rows with ``error`` (forecast − actual), ``mase``, ``square``, ``smape`` (per
        cent), ``crps`` (scaled quantile loss), ``msis`` (95 %), ``held_80``, ``held_95``; NaN
        where a history without changes gives no scale.
    """
    actual = table["actual"].to_numpy(float)
    rows = table[[str(level) for level in KEPT]].to_numpy(float)
    median = rows[:, KEPT.index(0.5)]
    scale = table["scale"].to_numpy(float)
    scale = np.where(scale > 0, scale, np.nan)
    square = table["square_scale"].to_numpy(float)
    levels = np.array(SPREAD)
    off = actual[:, None] - rows[:, 1:-1]
    loss = 2 * np.maximum(levels * off, (levels - 1) * off).mean(axis=1)
    both = np.abs(median) + np.abs(actual)
    lo, hi = rows[:, 0], rows[:, -1]
    fine = 2 / 0.05 * (np.maximum(lo - actual, 0) + np.maximum(actual - hi, 0))
    mean_off = table["mean"].to_numpy(float) - actual
    known = np.isfinite(actual)
    held = {
        f"held_{name}": np.where(
            known, (rows[:, KEPT.index(a)] <= actual) & (actual <= rows[:, KEPT.index(b)]), np.nan
        )
        for name, a, b in ((80, 0.1, 0.9), (95, 0.025, 0.975))
    }
    return table.assign(
        error=mean_off,
        mase=np.abs(actual - median) / scale,
        square=mean_off**2 / np.where(square > 0, square, np.nan),
        smape=np.divide(
            200 * np.abs(actual - median), both, out=np.where(known, 0.0, np.nan), where=both > 0
        ),
        crps=loss / scale,
        msis=(hi - lo + fine) / scale,
        **held,
    )


def summaries(rows: pd.DataFrame) -> pd.DataFrame:
    """Scores by model: over all, by horizon, and by series.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `scored`.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``series`` and ``h`` (``(all)`` and 0 for all together), ``n`` forecasts,
        ``mase``, ``rmsse``, ``smape``, ``crps``, ``msis``, ``bias`` (share of what came),
        ``cover_80``, ``cover_95``, ``value_added`` (share by which the MASE is smaller than
        that of the naive forecast).
    """
    parts = [_summary(rows, ["model"]), _summary(rows, ["model", "h"])]
    if len(set(rows["series"])) > 1:
        parts.append(_summary(rows, ["model", "series"]))
    found = pd.concat(parts, ignore_index=True)
    naive = next((name for name in NAIVE if name in set(rows["model"])), None)
    if naive is None:
        return found.assign(value_added=np.nan)
    base = found[found["model"] == naive].set_index(["series", "h"])["mase"]
    against = base.reindex(pd.MultiIndex.from_frame(found[["series", "h"]])).to_numpy()
    return found.assign(value_added=1 - found["mase"] / np.where(against > 0, against, np.nan))


def _summary(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The scores of groups of forecasts."""
    rooted = rows.groupby([*keys, *({"series", "cutoff"} - set(keys))], sort=False)["square"]
    root = np.sqrt(rooted.mean()).groupby(level=keys, sort=False).mean()
    groups = rows.groupby(keys, sort=False)
    frame = groups[["mase", "smape", "crps", "msis"]].mean()
    frame.insert(0, "n", groups["error"].count())
    frame.insert(2, "rmsse", root)
    total = groups["actual"].sum()
    frame["bias"] = groups["error"].sum() / total.where(total != 0)
    frame["cover_80"] = groups["held_80"].mean()
    frame["cover_95"] = groups["held_95"].mean()
    frame = frame.reset_index()
    for name, whole in (("h", 0), ("series", "(all)")):
        if name not in frame:
            frame.insert(1, name, whole)
    return frame[["model", "series", "h", *[c for c in frame if c not in {"model", "series", "h"}]]]


def leader_board(rows: pd.DataFrame, scores: pd.DataFrame, overlap: int) -> pd.DataFrame:
    """The models in order of their quantile loss, and whether the differences are chance.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `scored`.
    scores : pandas.DataFrame
        From `summaries`.
    overlap : int
        How many cutoffs one horizon spans.

    Returns
    -------
    pandas.DataFrame
        The scores over all, with ``rank``; ``band_lo`` and ``band_hi``, where the coverage of
        right 80 % intervals lies 19 times in 20; ``p_naive`` and ``p_best``: how often chance
        alone would make such a difference from the naive forecast, and from the first.
    """
    whole = scores[(scores["series"] == "(all)") & (scores["h"] == 0)]
    board = whole.drop(columns=["series", "h"]).sort_values("crps").reset_index(drop=True)
    board.insert(0, "rank", np.arange(1, len(board) + 1))
    origins = len(rows[["series", "cutoff"]].drop_duplicates())
    band = _band(origins)
    board["band_lo"], board["band_hi"] = band
    naive = next((name for name in NAIVE if name in set(board["model"])), None)
    best = board["model"].iloc[0] if len(board) else None
    for column, other in (("p_naive", naive), ("p_best", best)):
        board[column] = [
            np.nan if other in {None, model} else compared(rows, model, str(other), overlap)
            for model in board["model"]
        ]
    return board


def _band(origins: int) -> tuple[float, float]:
    """Where 80 % coverage lies by chance; forecasts from one cutoff count as one."""
    from scipy.stats import binom

    n = max(origins, 1)
    return tuple(float(binom.ppf(q, n, 0.8)) / n for q in (0.025, 0.975))  # type: ignore[return-value]


def compared(rows: pd.DataFrame, model: str, other: str, overlap: int) -> float:
    """How often chance alone makes two models differ as much; Diebold–Mariano.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `scored`.
    model, other : str
    overlap : int
        How many cutoffs one horizon spans.

    Returns
    -------
    float
        Two-sided p; the loss is the scaled quantile loss, its mean over series and horizon by
        cutoff. NaN for fewer than four cutoffs, 1 where the two never differ.

    References
    ----------
    Diebold & Mariano (1995), Journal of Business & Economic Statistics 13: 253–263; for small
    samples Harvey, Leybourne & Newbold (1997), International Journal of Forecasting 13:
    281–291.
    """
    from statsmodels.tsa.stattools import diebold_mariano_test

    wide = rows.pivot_table(index="cutoff", columns="model", values="crps")
    if not {model, other} <= set(wide.columns):
        return float("nan")
    losses = wide[[model, other]].dropna().to_numpy(float)
    n = len(losses)
    if n < FEWEST:
        return float("nan")
    if np.ptp(losses[:, 0] - losses[:, 1]) == 0:
        return 1.0
    span = max(min(overlap, n // 2), 1)
    found = diebold_mariano_test(
        np.zeros(n),
        losses[:, 0],
        losses[:, 1],
        lags=span - 1,
        criterion=lambda _, loss: loss,
        harvey_adj=True,
        horizon=span,
    )
    return float(found.pvalue)


def chosen_inside(table: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """What one would have sent: at each cutoff the model that was best by then.

    Parameters
    ----------
    table : pandas.DataFrame
        From a backtest, with the end of each period (``until``).
    models : sequence of str
        The first is taken where nothing is known yet.

    Returns
    -------
    pandas.DataFrame
        Rows of the table under the name ``chosen``; only outcomes known at the cutoff count.
    """
    rows = scored(table)
    parts = []
    for cutoff in sorted(table["cutoff"].unique()):
        known = rows[(rows["until"] <= cutoff) & (rows["cutoff"] < cutoff)]
        losses = known.groupby("model")["crps"].mean().reindex(list(models)).dropna()
        pick = losses.idxmin() if len(losses) else models[0]
        parts.append(table[(table["cutoff"] == cutoff) & (table["model"] == pick)])
    found: pd.DataFrame = pd.concat(parts, ignore_index=True).assign(model=CHOSEN)
    return found
