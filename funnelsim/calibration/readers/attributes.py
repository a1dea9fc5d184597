"""Columns that describe deals: which of those left over are worth keeping."""

from __future__ import annotations

import re
from collections.abc import Sequence

from funnelsim.calibration.raw import RAW_SCHEMA
from funnelsim.calibration.readers.amounts import numbers
from funnelsim.calibration.readers.dates import share_of_times
from funnelsim.calibration.readers.formats import plain_name
from funnelsim.calibration.readers.stages import slug
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.vocabulary import LEFT_OUT
from funnelsim.events.schema import SCHEMA

__all__ = ["kept", "likely_attributes"]

MOST_VALUES = 50  # of a text attribute
MOST_ATTRIBUTES = 20


def kept(header: Sequence[str]) -> list[str]:
    """Return the columns that could describe deals.

    Examples
    --------
    >>> kept(["Region", "Mobile phone", "Created by"])
    ['Region']
    """
    return [name for name in header if not LEFT_OUT.search(plain_name(name))]


def likely_attributes(table: TextTable, used: set[str]) -> list[tuple[str, tuple[str, str]]]:
    """Choose columns with few values, or with numbers.

    Parameters
    ----------
    table : TextTable
        One row per deal.
    used : set of str
        Columns that are something else.

    Returns
    -------
    list of tuple
        An id, with the column and its kind (text or number); at most 20.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> frame = pd.DataFrame({"Region": ["N", "S"] * 3, "E-mail": list("abcdef")}, dtype="str")
    >>> likely_attributes(TextTable("x.csv", frame, np.arange(6), ""), set())
    [('region', ('Region', 'text'))]
    """
    taken = {*RAW_SCHEMA["deals"], *(name for part in SCHEMA.values() for name in part), "amount"}
    chosen: list[tuple[str, tuple[str, str]]] = []
    for column in kept([str(name) for name in table.frame.columns if name not in used]):
        if re.search(r" \(\d+\)$|^column \d+$", column):
            continue
        values = table.frame[column].dropna()
        count = values.nunique()
        numeric = count > MOST_VALUES and numbers(values).notna().all()
        few = 2 <= count <= min(MOST_VALUES, max(2, len(values) // 3))  # noqa: PLR2004
        if not (numeric or few) or share_of_times(values.iloc[:200]) > 1 / 2:
            continue
        key = slug(column, "attribute", "_")
        while key in taken:
            key = f"{key[:56]}_own"
        taken.add(key)
        chosen.append((key, (column, "number" if numeric else "text")))
    return chosen[:MOST_ATTRIBUTES]
