"""What else moves a series and is known ahead: advertising planned, prices, school holidays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import DataError, Problem
from funnelsim.forecasting.outlook import quiet

__all__ = ["Effect", "effect_of"]

Floats = NDArray[np.float64]

ITERATIONS = 50


@dataclass(frozen=True, eq=False)
class Effect:
    """What covariates add to a series.

    Parameters
    ----------
    past : ndarray, shape (n,)
    ahead : ndarray, shape (horizon,)
        Both beside the mean of the history.
    """

    past: Floats
    ahead: Floats


def effect_of(y: pd.Series, covariates: pd.DataFrame, ahead: pd.DatetimeIndex) -> Effect | None:
    """Estimate what covariates add, by a regression with ARIMA(1,1,1) errors.

    Parameters
    ----------
    y : pandas.Series
        By period's beginning.
    covariates : pandas.DataFrame
        By period's beginning; every period of the history and ahead.
    ahead : pandas.DatetimeIndex

    Returns
    -------
    Effect or None
        None where the history is better explained without (AICc).

    Raises
    ------
    DataError
        Periods without covariates, or covariates that are no numbers.

    Examples
    --------
    >>> months = pd.date_range("2022-01-01", periods=40, freq="MS")
    >>> spent = pd.DataFrame({"spent": np.arange(40) % 5 * 1.0}, months)
    >>> y = pd.Series(100 + 7 * spent["spent"] + np.sin(np.arange(40.0)), months)[:36]
    >>> np.diff(effect_of(y, spent, months[36:]).ahead).round().tolist()
    [7.0, 7.0, 7.0]
    """
    needed = pd.DatetimeIndex(y.index).append(ahead)
    wide = covariates.reindex(needed).apply(pd.to_numeric, errors="coerce")
    lacking = wide.isna().any(axis=1)
    if lacking.any():
        first = pd.Timestamp(needed[int(np.argmax(lacking.to_numpy()))]).date()
        message = f"covariates are missing for {int(lacking.sum())} periods, the first {first}"
        fix = "They have to be known for the history and for every period ahead."
        raise DataError(Problem(message, path="covariates", fix=fix))
    rows = wide.to_numpy(float)
    n = len(y)
    spread = rows[:n].std(axis=0)
    rows = ((rows - rows[:n].mean(axis=0)) / np.where(spread > 0, spread, 1.0))[:, spread > 0]
    if not rows.shape[1] or n < 8 + 2 * rows.shape[1]:
        return None
    unit = float(np.abs(y).mean()) or 1.0
    values = y.to_numpy(float) / unit
    try:
        without, fitted = _fit(values, None), _fit(values, rows[:n])
    except (ValueError, np.linalg.LinAlgError):
        return None
    if not fitted.aicc < without.aicc:
        return None
    weights = np.asarray(fitted.params)[: rows.shape[1]] * unit
    return Effect(rows[:n] @ weights, rows[n:] @ weights)


def _fit(values: Floats, rows: Floats | None):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    with quiet():
        model = SARIMAX(values, exog=rows, order=(1, 1, 1), concentrate_scale=True)
        return model.fit(disp=0, maxiter=ITERATIONS, cov_type="none")
