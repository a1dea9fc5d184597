"""What a reader of one CRM's exports is: its tables, known by their columns, and what it does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from funnelsim.calibration.readers.text_tables import TextTable

if TYPE_CHECKING:
    from funnelsim.calibration.raw import RawHistory

__all__ = ["Form", "Names", "Options", "Read", "Reader", "column_of", "plain_name"]

Names = tuple[str, ...]
"""The names that one column goes by: in other languages, in other versions."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says about the files."""

    time_zone: str | None = None
    """The zone of times without an offset."""
    currency: str | None = None
    """The currency of amounts that carry none."""
    pipeline: str | None = None
    """The only pipeline to keep, as the CRM names it."""
    taken_at: datetime | None = None
    """When the files were exported."""


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of table that a CRM exports.

    Parameters
    ----------
    id : str
        Its name within the reader: ``deals``, ``history``.
    columns : tuple of Names
        Columns that must be there, each under one of its names.
    likely : tuple of Names
        Columns that speak for this form without being needed.
    """

    id: str
    columns: tuple[Names, ...]
    likely: tuple[Names, ...] = ()

    def score(self, header: list[str]) -> int:
        """Return how many columns speak for this form; 0 where a needed one is missing.

        Examples
        --------
        >>> form = Form("deals", (("Record Id",), ("Stage", "Этап")))
        >>> form.score(["record id ", "Этап"]), form.score(["Stage"])
        (2, 0)
        """
        present = {plain_name(name) for name in header}
        found = [_any(names, present) for names in self.columns]
        return sum(found) + sum(_any(names, present) for names in self.likely) if all(found) else 0


Read = Callable[[Mapping[str, TextTable], Options], "RawHistory"]


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of one CRM's exports.

    Parameters
    ----------
    id : str
        As in ``RawMetadata.format``.
    label : str
        The CRM's name.
    forms : tuple of Form
        The tables it knows.
    read : callable
        Takes tables by the id of their form, at most one each, and the `Options`; returns
        the `RawHistory`.
    obtain_history : str
        How to get the history of stages out of this CRM, as a sentence.
    """

    id: str
    label: str
    forms: tuple[Form, ...]
    read: Read
    obtain_history: str = ""


def plain_name(name: str) -> str:
    r"""Return a column's name without what does not matter: case, blanks, a byte order mark.

    Examples
    --------
    >>> plain_name("  Этап\u00a0 Сделки ")
    'этап сделки'
    """
    text = unicodedata.normalize("NFKC", name).replace("\ufeff", "")
    return re.sub(r"\s+", " ", text).strip().casefold()


def column_of(table: TextTable, names: Names) -> str | None:
    """Return the table's own name of a column that goes by several names.

    Parameters
    ----------
    table : TextTable
        The table.
    names : Names
        The first that is there wins.

    Returns
    -------
    str or None
        None where no such column is.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> table = TextTable("x.csv", pd.DataFrame({"Бюджет ": []}), np.arange(0), "")
    >>> column_of(table, ("Amount", "Бюджет"))
    'Бюджет '
    """
    present = {plain_name(name): name for name in reversed(list(_names(table)))}
    return next((present[key] for name in names if (key := plain_name(name)) in present), None)


def _names(table: TextTable) -> Iterator[str]:
    """Yield the columns of a table."""
    return (str(name) for name in table.frame.columns)


def _any(names: Names, present: set[str]) -> bool:
    """Whether one of the names is there."""
    return any(plain_name(name) in present for name in names)
