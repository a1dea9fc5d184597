"""Forecasts that reports issued: kept in the ledger, given back to later reports."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, select

from funnelsim.errors import DataError, Problem
from funnelsim.scheduling.schema import issued, slots

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from funnelsim.scheduling.storage import Storage

__all__ = ["COLUMNS", "RAW", "read_forecasts", "store_forecasts", "write_past"]

COLUMNS = ("cutoff", "series", "period_start", "period_end", "unit", "quantile", "value")
RAW = "raw"
"""What was forecast before any correction; a file may do without this column."""
_FILES = ("forecast.csv", "*.forecast.csv")


def read_forecasts(folder: Path) -> tuple[dict[str, Any], ...]:
    """What a report promises.

    Parameters
    ----------
    folder : Path
        With ``forecast.csv`` or ``NAME.forecast.csv``, or neither.

    Returns
    -------
    tuple of dict
        One a row, by `COLUMNS` and `RAW`; ``quantile``, ``value`` and ``raw`` are None where
        they are empty.

    Raises
    ------
    DataError
        Columns are missing, or a number is none.

    Examples
    --------
    >>> read_forecasts(Path("/no/such/folder"))
    ()
    """
    files = sorted({file for pattern in _FILES for file in folder.glob(pattern)})
    return tuple(row for file in files for row in _rows(file))


def store_forecasts(
    connection: Connection, job: str, slot: str, rows: Sequence[dict[str, Any]]
) -> None:
    """Keep a slot's forecasts; those of an earlier report of the same slot go."""
    connection.execute(delete(issued).where(and_(issued.c.job == job, issued.c.slot == slot)))
    keyed = [{"job": job, "slot": slot, "row": number, **row} for number, row in enumerate(rows)]
    if keyed:
        connection.execute(issued.insert(), keyed)


def write_past(storage: Storage, job: str, before: str, file: Path) -> str:
    """Write the forecasts of a job's earlier slots.

    Parameters
    ----------
    storage : Storage
    job : str
    before : str
        The slot that asks.
    file : Path
        A CSV: ``slot``, ``due``, `COLUMNS` and `RAW`.

    Returns
    -------
    str
        The file; empty where there are no forecasts yet.
    """
    told = (*COLUMNS, RAW)
    named = [issued.c.slot, slots.c.instant.label("due"), *(issued.c[name] for name in told)]
    query = (
        select(*named)
        .join(slots, and_(slots.c.job == issued.c.job, slots.c.slot == issued.c.slot))
        .where(and_(issued.c.job == job, issued.c.slot < before))
        .order_by(issued.c.slot, issued.c.row)
    )
    with storage.reading() as connection:
        rows = connection.execute(query).all()
    if not rows:
        return ""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["slot", "due", *told])
        writer.writerows(rows)
    return str(file)


def _rows(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            message = f"the columns {', '.join(missing)} are missing"
            raise DataError(Problem(message, file.name))
        return [
            {name: row[name] for name in COLUMNS[:5]}
            | {
                name: _number(row.get(name) or "", f"{file.name}:{reader.line_num}")
                for name in (*COLUMNS[5:], RAW)
            }
            for row in reader
        ]


def _number(text: str, where: str) -> float | None:
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        raise DataError(Problem(f'"{text}" is not a number', where)) from None
    return number if math.isfinite(number) else None
