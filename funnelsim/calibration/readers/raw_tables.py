"""Columns that a reader found → tables with all columns of `RAW_SCHEMA`."""

from __future__ import annotations

import pandas as pd

from funnelsim.calibration.raw import RAW_SCHEMA
from funnelsim.events.tables import cast

__all__ = ["raw_table"]


def raw_table(name: str, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a table of a `RawHistory` with every column, in order, of the promised dtype.

    Parameters
    ----------
    name : str
        ``deals``, ``moves``, ``efforts`` or ``marks``.
    frame : pandas.DataFrame, optional
        The columns that the file holds; without it the table is empty. What ``deals``
        has beyond the schema is kept as attributes, the others lose it. Repeated text
        may come as categories; times have a zone.

    Returns
    -------
    pandas.DataFrame
        Numbered from 0; what was not given is missing, ``row`` and ``file`` are 0.

    Examples
    --------
    >>> moves = raw_table("moves", pd.DataFrame({"deal_id": ["7"], "stage": ["Offer"]}))
    >>> moves[["deal_id", "stage", "by", "row"]].to_dict("records")
    [{'deal_id': '7', 'stage': 'Offer', 'by': nan, 'row': 0}]
    """
    given = pd.DataFrame() if frame is None else frame
    schema = RAW_SCHEMA[name]
    columns: dict[str, pd.Series] = {}
    for column, dtype in schema.items():
        if column in given.columns:
            columns[column] = _typed(given[column], dtype)
        elif dtype == "int64":
            columns[column] = pd.Series(0, index=given.index, dtype=dtype)
        else:
            columns[column] = pd.Series(None, index=given.index, dtype=dtype)
    if name == "deals":
        columns |= {str(c): given[c] for c in given.columns if c not in schema}
    return pd.DataFrame(columns, index=given.index).reset_index(drop=True)


def _typed(values: pd.Series, dtype: str) -> pd.Series:
    """Return a column as promised; categories stay categories of text."""
    if values.dtype == dtype or (dtype == "str" and isinstance(values.dtype, pd.CategoricalDtype)):
        return values
    return cast(values, dtype)
