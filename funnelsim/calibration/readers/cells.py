"""Values of cells and databases → text, as CSV would write it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd

__all__ = ["text_of", "texts_of"]


def text_of(value: object) -> str | None:
    """Return a value as CSV would write it; None if there is none.

    Parameters
    ----------
    value : object
        From a cell or a database.

    Returns
    -------
    str or None
        Times in ISO 8601, whole numbers without a decimal point.

    Examples
    --------
    >>> [text_of(value) for value in (5.0, 2.5, True, datetime(2024, 2, 29, 9), " ", None)]
    ['5', '2.5', 'true', '2024-02-29 09:00:00', None, None]
    """
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        return f"{value:.0f}" if value == np.floor(value) else f"{Decimal(repr(float(value))):f}"
    return str(value).strip() or None


def texts_of(values: pd.Series) -> pd.Series:
    """Return a column as text.

    Parameters
    ----------
    values : pandas.Series
        Of any type.

    Returns
    -------
    pandas.Series
        ``str``; empty texts are missing.

    Examples
    --------
    >>> texts_of(pd.Series([1.0, None])).tolist()
    ['1', nan]
    """
    if isinstance(values.dtype, pd.StringDtype):
        stripped = values.str.strip()
        return stripped.mask(stripped == "").astype("str")
    return pd.Series([text_of(value) for value in values], index=values.index, dtype="str")
