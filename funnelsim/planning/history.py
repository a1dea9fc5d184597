"""What a forecast is made of: an event log, a CRM's export, or a table of dates and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from funnelsim.calibration.readers.amounts import currency_code, numbers
from funnelsim.calibration.readers.crm import read_crm, recognised
from funnelsim.calibration.readers.dates import iso_texts
from funnelsim.calibration.readers.tables import read_any
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.errors import DataError, Problem
from funnelsim.events import EventLog
from funnelsim.events.files import is_log
from funnelsim.forecasting.columns import dates_of

__all__ = ["read_history"]

MOST: Final = 0.9


def read_history(
    source: str | Path, *, mapping: str | Path = "", time_zone: str = ""
) -> EventLog | pd.DataFrame:
    """Read whatever there is of the past.

    Parameters
    ----------
    source : str or Path
        A folder with an event log, an export of a CRM or a folder of them, or a table (CSV,
        XLSX, Parquet) with a column of dates and columns of numbers.
    mapping : str or Path
        What the columns mean of an export that is not recognised.
    time_zone : str
        Of an export's times without an offset.

    Returns
    -------
    EventLog or pandas.DataFrame
        Of a table, dates and numbers as such, whatever their notation; amounts that carry
        signs of currencies get a column ``currency``.

    Raises
    ------
    DataError
        The file is not there, or cannot be read.

    Examples
    --------
    >>> read_history("no-such.csv")
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.csv: there is no such file
    """
    path = Path(source)
    if not path.exists():
        raise DataError(Problem("there is no such file", str(path)))
    if is_log(path):
        return EventLog.load(path)
    if mapping or path.is_dir():
        return read_crm(path, mapping=mapping or None, time_zone=time_zone or None).events()
    table = read_any(path)
    if recognised(table) is not None:
        return read_crm(path, time_zone=time_zone or None).events()
    return _typed(table)


def _typed(table: TextTable) -> pd.DataFrame:
    """Columns of text as dates, numbers or text: what most of their fields are."""
    typed = pd.DataFrame(index=table.frame.index)
    signs: set[str] = set()
    marks = pd.Series(None, index=table.frame.index, dtype="object")
    for name, column in table.frame.items():
        dates = _dates(column)
        if dates is not None:
            typed[str(name)] = dates
            continue
        known = column.dropna()
        read = pd.to_numeric(numbers(column), errors="coerce")
        if len(known) and float(read[known.index].notna().mean()) >= MOST:
            typed[str(name)] = read.where(read.notna(), column)
            typed[str(name)] = (
                typed[str(name)].astype(float)
                if read[known.index].notna().all()
                else typed[str(name)]
            )
            codes = known.map(currency_code).dropna()
            signs |= set(codes)
            marks.update(codes)
        else:
            typed[str(name)] = column
    if signs and "currency" not in typed:
        typed["currency"] = marks
    return typed


def _dates(column: pd.Series) -> pd.Series | None:
    """A column of dates; None where it is something else."""
    known = column.dropna()
    if known.empty or known.str.fullmatch(r"[-+]?[\d\s]{1,7}(?:[.,]\d+)?").mean() > 1 - MOST:
        return None  # plain numbers are no dates, though pandas reads 2025 as one
    text, _ = iso_texts(column, str(column.name))
    for each in (text, column):
        read = dates_of(each)
        if float(read[known.index].notna().mean()) >= MOST:
            return read.where(read.notna(), column) if read[known.index].isna().any() else read
    return None
