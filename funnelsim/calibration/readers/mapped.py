"""A file and a mapping → an event log, with notes on everything assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from funnelsim.calibration.raw import RawFile, RawHistory, RawMetadata, RawStage
from funnelsim.calibration.readers.mapping import MappingFile, load_mapping
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.process_log import content_problems, events_of
from funnelsim.calibration.readers.rows import raw_rows
from funnelsim.calibration.readers.tables import read_any
from funnelsim.calibration.readers.text_tables import TextTable, lines_of
from funnelsim.calibration.readers.timestamps import instant, instants
from funnelsim.documents import Document, did_you_mean
from funnelsim.errors import DataError, Problem
from funnelsim.events import EventLog

__all__ = ["Reading", "raw_mapped", "read_mapped"]


@dataclass(frozen=True)
class Reading:
    """An event log read from a file, and what was assumed or repaired on the way.

    Parameters
    ----------
    log : EventLog
        Validated.
    notes : tuple of Note
        Counted sentences, to be shown beside every result.
    """

    log: EventLog
    notes: tuple[Note, ...]


def read_mapped(path: str | Path, mapping: str | Path) -> Reading:
    """Read a table of events through a mapping file.

    Parameters
    ----------
    path : str or Path
        A delimited text file with one row per event, plain or gzipped.
    mapping : str or Path
        A YAML file: which column is which, and what the activities mean.

    Returns
    -------
    Reading
        The event log and the notes.

    Raises
    ------
    DataError
        Every problem of the mapping, or else of the file, with its place.

    Examples
    --------
    >>> read_mapped("events.csv", "no-such.yaml")
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.yaml: there is no such file
    """
    from funnelsim.calibration.cleaning.repairs import repaired  # it builds on the readers

    result = repaired(raw_mapped(path, mapping))
    meta = result.log.meta
    provenance = {**meta.provenance, "mapping": Path(mapping).name}
    told = meta.model_copy(update={"provenance": provenance})
    log = EventLog.trusted(result.log.tables(), told)
    return Reading(log, result.notes)


def raw_mapped(path: str | Path, mapping: str | Path, *, query: str | None = None) -> RawHistory:
    """Read a table of events through a mapping file, judging and repairing nothing.

    Parameters
    ----------
    path : str or Path
        A file with one row per event (CSV, XLSX, XES, Parquet …), or a database's URL.
    mapping : str or Path
        A YAML file: which column is which, and what the activities mean.
    query : str, optional
        What to ask the database.

    Returns
    -------
    RawHistory
        Its stages bear the mapping's names. A deal is a lead, with what its first event
        says of it; ``efforts`` are events of work, paired; times of giving up are not
        there, since they follow from the deal's closing.

    Raises
    ------
    DataError
        Every problem of the mapping, or else of the file, with its place.

    Examples
    --------
    >>> raw_mapped("events.csv", "no-such.yaml")
    Traceback (most recent call last):
    funnelsim.errors.DataError: no-such.yaml: there is no such file
    """
    found = _found(path, mapping, query)
    leads, more = _lead_rows(found.events, found.attributes)
    tables, paired = raw_rows(found.events, leads, found.mapping, found.table.lines)
    return RawHistory(**tables, meta=_raw_metadata(found, (*found.notes, *more, *paired)))


@dataclass(frozen=True)
class Found:
    """What a file and a mapping say, before it is made into tables."""

    mapping: MappingFile
    table: TextTable
    events: pd.DataFrame
    attributes: pd.DataFrame
    window: tuple[pd.Timestamp, pd.Timestamp]
    notes: tuple[Note, ...]


def _found(path: str | Path, mapping: str | Path, query: str | None) -> Found:
    """Read a file through a mapping; raise every problem of either."""
    spec, document = load_mapping(mapping)
    names = dict(spec.columns())
    table = read_any(path, query=query, form=spec.file, wanted=names)
    missing = list(_missing_columns(table, names, document))
    if missing:
        raise DataError(missing)
    times, problems, notes = instants(
        table, spec.events.time, spec.time_zone, spec.file.time_format
    )
    attributes, found = _attributes(table, spec)
    problems += [*content_problems(table, spec), *found]
    window, found = _window(times, spec, document, table)
    if problems or found:
        raise DataError([*problems, *found])
    events, more = events_of(table, spec, times)
    return Found(spec, table, events, attributes, window, (*table.notes, *notes, *more))


def _missing_columns(
    table: TextTable, names: dict[str, tuple[str | int, ...]], document: Document
) -> Iterator[Problem]:
    """Find columns that the mapping names and the file has not."""
    for column, path in names.items():
        if column not in table.frame.columns:
            fix = did_you_mean(column, [str(name) for name in table.frame.columns])
            message = f'the file {table.name} has no column "{column}"'
            yield document.problem(path, message, fix)


def _attributes(table: TextTable, spec: MappingFile) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the columns that describe leads, row by row of the file."""
    frame = pd.DataFrame(index=table.frame.index)
    problems: list[Problem] = []
    for name, column in spec.leads:
        if column is not None:
            frame[name] = table.frame[column]
    for name, attribute in spec.attributes.items():
        text = table.frame[attribute.column]
        if attribute.kind == "text":
            frame[name] = text
            continue
        currency = spec.currency if attribute.kind == "money" else ""
        amounts = {word: _amount(word, currency) for word in text.dropna().unique()}
        broken = text.isin([word for word, amount in amounts.items() if amount is None])
        if broken.any():
            value = text[broken].iloc[0]
            kind = "an amount" if currency else "a number"
            message = f'not {kind}: {int(broken.sum()):,} of its values, such as "{value}"'
            place = f"({lines_of(table, broken)})"
            problems.append(Problem(f"{message} {place}", table.name, attribute.column))
        numbers = [amounts.get(word) for word in text]
        frame[name] = pd.Series(numbers, dtype="Int64" if currency else "float64")
    return frame, problems


def _amount(text: str, currency: str) -> float | int | None:
    """Return a number, or whole minor units of a currency; None if it is neither."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not currency:
        return float(number)
    from babel.numbers import get_currency_precision

    minor = number.scaleb(get_currency_precision(currency))
    return int(minor) if minor.is_finite() and minor == minor.to_integral_value() else None


def _window(
    times: pd.Series, spec: MappingFile, document: Document, table: TextTable
) -> tuple[tuple[pd.Timestamp, pd.Timestamp], list[Problem]]:
    """Return the window of observation."""
    problems: list[Problem] = []
    window = [times.min(), times.max()]
    for number, (key, text) in enumerate(
        (("from", spec.observed.start), ("until", spec.observed.until))
    ):
        if text is None:
            continue
        try:
            window[number] = instant(text, spec.time_zone)
        except ValueError as problem:
            fix = "Write it as 2024-02-29 or 2024-02-29T09:00+02:00."
            problems.append(document.problem(("observed", key), f"is no time ({problem})", fix))
    late = times > window[1]
    if late.any() and not problems:
        message = f"events after it: {int(late.sum()):,} ({lines_of(table, late)} of {table.name})"
        fix = "Move it on; to look at an earlier state, cut the log with as_of."
        problems.append(document.problem(("observed", "until"), message, fix))
    return (window[0], window[1]), problems


def _lead_rows(events: pd.DataFrame, attributes: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return the leads; what describes them is taken from their first event."""
    first = events.drop_duplicates("lead")
    described = attributes.iloc[first["row"]].reset_index(drop=True)
    leads = first[["lead_id", "at"]].rename(columns={"at": "arrived_at"}).reset_index(drop=True)
    notes = []
    values = attributes.iloc[events["row"]].groupby(events["lead"].to_numpy())
    for name in attributes.columns:
        count = int(values[name].nunique().gt(1).sum())
        if count:
            found = f"Leads with several values of {name}"
            notes.append(Note(f"changed_{name}", count, found, "The first one counts."))
    return pd.concat([leads, described], axis=1), notes


def _raw_metadata(found: Found, notes: tuple[Note, ...]) -> RawMetadata:
    """Return what the mapping says about a history."""
    spec, table = found.mapping, found.table
    stages = tuple(
        RawStage(
            name=name,
            id=name,
            outcome=stage.outcome,
            label=stage.label,
            block=stage.block,
            advance=stage.advance,
            terminal=stage.terminal or stage.outcome is not None,
            reason=stage.reason,
            value=stage.value,
        )
        for name, stage in spec.stages.items()
    )
    return RawMetadata(
        format="mapping",
        files=(RawFile(Path(table.name).name, table.digest, len(table.frame)),),
        history="full",
        time_zone=spec.time_zone or "UTC",
        currency=spec.currency,
        observed_from=found.window[0].to_pydatetime(),
        taken_at=found.window[1].to_pydatetime(),
        stages=stages,
        teams=_teams(spec),
        notes=notes,
        title=spec.title,
        origin=spec.origin,
        illustrative=spec.illustrative,
        labels=_labels(spec),
    )


def _teams(spec: MappingFile) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """Return the teams that the mapping or its work names, with their labels."""
    named: dict[str, Mapping[str, str]] = {item.team: {} for item in spec.work.values()}
    return tuple({**named, **{name: team.label for name, team in spec.teams.items()}}.items())


def _labels(spec: MappingFile) -> dict[str, Mapping[str, str]]:
    """Return the names of work and marks by language."""
    labels = {f"efforts.{name}": item.label for name, item in spec.work.items()}
    labels |= {f"marks.{name}": mark.label for name, mark in spec.marks.items()}
    return {key: label for key, label in labels.items() if label}
