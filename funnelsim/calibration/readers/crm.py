"""Exports of CRMs, recognised by their columns → one `RawHistory`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from funnelsim.calibration.memory import give_back
from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.databases import is_url
from funnelsim.calibration.readers.deal_mapping import read_through
from funnelsim.calibration.readers.formats import Form, Options, Reader
from funnelsim.calibration.readers.registry import READERS
from funnelsim.calibration.readers.tables import read_any
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, InputError, Problem

__all__ = ["read_crm", "recognised"]

Source = str | Path
SHOWN = 12


def read_crm(
    source: Source | Sequence[Source],
    *,
    mapping: Source | None = None,
    query: str | None = None,
    pipeline: str | None = None,
    time_zone: str | None = None,
    currency: str | None = None,
    taken_at: datetime | None = None,
) -> RawHistory:
    """Read what a CRM exported, whatever the CRM and the kind of file.

    Parameters
    ----------
    source : str, Path or sequence of them
        Files (CSV, XLSX, HTML named .xls, Parquet, XES; gzipped too) or the URL of a
        database. Several files are tables of one CRM, or exports of it on different days;
        a folder stands for the files in it.
    mapping : str or Path, optional
        A mapping file, where the columns are not those of a known CRM.
    query : str, optional
        What to ask the database.
    pipeline : str, optional
        The only pipeline to keep, by its name in the CRM.
    time_zone : str, optional
        The zone of times without an offset, such as ``Europe/Kyiv``.
    currency : str, optional
        ISO code for amounts that carry none.
    taken_at : datetime, optional
        When the files were exported; by default what their names say.

    Returns
    -------
    RawHistory
        As it stands in the files; its metadata says which history of stages it holds.

    Raises
    ------
    DataError
        The files cannot be read, or are of no known format. All problems at once.

    Examples
    --------
    >>> read_crm("no-such.csv")
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.csv: there is no such file
    """
    options = _options(pipeline, time_zone, currency, taken_at)
    sources = _files([source] if isinstance(source, str | Path) else source)
    if not sources:
        raise DataError("no file is given")
    if mapping is not None:
        parts = [read_through(one, mapping, options, query=query) for one in sources]
        return _together(parts)
    groups, parts = list(_grouped(_tables(sources, query))), []
    while groups:  # a table that has been read need not stay
        reader, group = groups.pop(0)
        parts.append(reader.read(group, options))
        del group
        give_back()
    return _together(parts)


def _files(sources: Iterable[Source]) -> list[Source]:
    """Put the files of a folder in its place."""
    found: list[Source] = []
    for source in sources:
        if is_url(source) or not Path(source).is_dir():
            found.append(source)
            continue
        parts = [path for path in sorted(Path(source).iterdir()) if path.is_file()]
        found += [path for path in parts if not path.name.startswith(".")]
    return found


def recognised(table: TextTable) -> tuple[Reader, Form] | None:
    """Return which CRM a table comes from, and which of its tables it is.

    Parameters
    ----------
    table : TextTable
        With its columns as they stand in the file.

    Returns
    -------
    tuple of Reader and Form, or None
        The one for which most columns speak; None where no format has all it needs.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> names = ["Record Id", "Deal Name", "Stage", "Closing Date"]
    >>> table = TextTable("x.csv", pd.DataFrame(columns=names), np.arange(0), "")
    >>> recognised(table)[0].label
    'Zoho CRM'
    """
    header = [str(name) for name in table.frame.columns]
    scores = [(form.score(header), reader, form) for reader in READERS for form in reader.forms]
    score, reader, form = max(scores, key=lambda found: found[0])
    return (reader, form) if score else None


def _options(
    pipeline: str | None, time_zone: str | None, currency: str | None, taken_at: datetime | None
) -> Options:
    """Check what the user says about the files."""
    problems = []
    if time_zone is not None:
        try:
            ZoneInfo(time_zone)
        except (ValueError, OSError, KeyError):
            fix = did_you_mean(time_zone, available_timezones()) or "Write it as Europe/Kyiv."
            message = f'there is no time zone "{time_zone}"'
            problems.append(Problem(message, path="time_zone", fix=fix))
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        message = f'"{currency}" is no code of a currency'
        problems.append(Problem(message, path="currency", fix="Write it as EUR."))
    if problems:
        raise DataError(problems)
    if taken_at is not None and taken_at.tzinfo is None:
        taken_at = taken_at.replace(tzinfo=ZoneInfo(time_zone or "UTC"))
    moment = taken_at.astimezone(UTC) if taken_at else None
    return Options(time_zone, currency, pipeline, moment)


def _tables(sources: Sequence[Source], query: str | None) -> list[TextTable]:
    """Read every source; say of all that cannot be read what is wrong."""
    tables: list[TextTable] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            tables.append(read_any(source, query=query if is_url(source) else None))
        except InputError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return tables


def _grouped(tables: Sequence[TextTable]) -> Iterator[tuple[Reader, Mapping[str, TextTable]]]:
    """Yield tables that are read together: at most one of each form of a reader."""
    found = [recognised(table) for table in tables]
    strange = [table for table, known in zip(tables, found, strict=True) if known is None]
    if strange:
        raise DataError([_unknown(table) for table in strange])
    groups: dict[str, list[dict[str, TextTable]]] = defaultdict(list)
    readers = {}
    for table, known in zip(tables, found, strict=True):
        if known is None:
            continue
        reader, form = known
        readers[reader.id] = reader
        group = next((one for one in groups[reader.id] if form.id not in one), None)
        if group is None:
            group = {}
            groups[reader.id].append(group)
        group[form.id] = table
    for key, several in groups.items():
        for group in several:
            yield readers[key], group


def _unknown(table: TextTable) -> Problem:
    """Return what to say of a table of no known format."""
    header = [str(name) for name in table.frame.columns]
    shown = ", ".join(header[:SHOWN]) + (" …" if len(header) > SHOWN else "")
    labels = ", ".join(reader.label for reader in READERS)
    near = _nearest(header)
    where = table.name
    message = f"its columns are those of no known export: {shown}"
    place = f'"{where}"' if " " in where else where
    fix = (
        f"{near}Known are: {labels}. For any other table "
        f"draft a mapping: funnelsim audit {place} --suggest-mapping."
    )
    return Problem(message, where, fix=fix)


def _nearest(header: list[str]) -> str:
    """Return which column is missing where a format is all but recognised."""
    for reader in READERS:
        for form in reader.forms:
            missing = [names for names in form.columns if not Form("", (names,)).score(header)]
            if len(missing) == 1 and len(form.columns) > 2:  # noqa: PLR2004
                hint = did_you_mean(missing[0][0], header)
                known = f'It would be {reader.label} if it had a column "{missing[0][0]}".'
                return " ".join(part for part in (known, hint if "?" in hint else "") if part) + " "
    return ""


def _together(parts: list[RawHistory]) -> RawHistory:
    """Return one history."""
    if len(parts) == 1:
        return parts[0]
    from funnelsim.calibration.readers.combining import combined

    return combined(parts)
