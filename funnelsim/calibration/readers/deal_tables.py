"""A table with one row per deal → a `RawHistory`; readers say what its columns are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from funnelsim.calibration.raw import RAW_SCHEMA, History, RawFile, RawHistory, RawMetadata
from funnelsim.calibration.readers.amounts import amounts, currency_code, numbers
from funnelsim.calibration.readers.attributes import likely_attributes
from funnelsim.calibration.readers.formats import Names, Options, column_of
from funnelsim.calibration.readers.moments import Moments
from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.calibration.readers.stages import outcome_of, stages_of, status_of
from funnelsim.calibration.readers.text_tables import TextTable, lines_of
from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, Problem
from funnelsim.messages import Message

__all__ = [
    "UNKNOWN",
    "DealForm",
    "Deals",
    "deals_of",
    "history_of",
    "raw_file",
    "with_currency",
]

TRUE = frozenset(["1", "true", "yes", "y", "да", "так", "deleted"])
UNKNOWN = "XXX"  # ISO 4217: no currency
DAY = re.compile(r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])[-_.]?([0-2]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class DealForm:
    """What the columns of a table of deals are called, and what they mean.

    Parameters
    ----------
    columns : mapping
        Column of `RawHistory.deals` → its names; those not there are missing.
    closes_later : bool
        Whether the date of closing is only expected while a deal is open.
    likelihood : Names
        How likely a deal is to be won; used for the order of the stages only.
    attributes : mapping, optional
        Attribute → its column and kind (text, number, money); by default every column that
        nothing else uses and that has few values, or numbers.
    """

    columns: Mapping[str, Names]
    closes_later: bool = False
    likelihood: Names = ("Probability", "Probability (%)", "Deal probability", "Вероятность")
    attributes: Mapping[str, tuple[str, str]] | None = None


@dataclass(frozen=True)
class Deals:
    """Deals as read: columns as in `RAW_SCHEMA`, then attributes."""

    frame: pd.DataFrame
    notes: tuple[Note, ...]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    likelihood: pd.Series | None = None


def deals_of(table: TextTable, form: DealForm, options: Options) -> Deals:
    """Read a table of deals.

    Parameters
    ----------
    table : TextTable
        One row per deal.
    form : DealForm
        What its columns are called.
    options : Options
        What the user says: zone, currency, pipeline.

    Returns
    -------
    Deals
        Only those of the pipeline asked for.

    Raises
    ------
    DataError
        A column has no times or amounts; no deal is of the pipeline asked for.

    Examples
    --------
    >>> import numpy as np
    >>> frame = pd.DataFrame({"ID": ["7"], "Stage": ["Closed Won"]}, dtype="str")
    >>> table = TextTable("deals.csv", frame, np.array([2]), "")
    >>> form = DealForm({"deal_id": ("ID",), "stage": ("Stage",)})
    >>> deals_of(table, form, Options()).frame[["deal_id", "stage", "status"]].values.tolist()
    [['7', 'Closed Won', 'won']]
    """
    used = {key: column_of(table, names) for key, names in form.columns.items()}
    present = {key: name for key, name in used.items() if name is not None}
    moments = Moments(options)
    frame = pd.DataFrame({"row": table.lines}, index=table.frame.index)
    for key, name in present.items():
        dtype = RAW_SCHEMA["deals"][key]
        if dtype == "str":
            frame[key] = _tidy(table.frame[name])
        elif dtype == "boolean":
            frame[key] = table.frame[name].str.strip().str.casefold().isin(TRUE).astype("boolean")
        elif dtype.startswith("datetime"):
            frame[key] = moments.of(table, (name,))
    problems, notes = list(moments.problems), [*table.notes, *moments.notes()]
    notes += _money(table, present, options, frame, problems)
    notes += _identities(frame)
    notes += _states(frame, closes_later=form.closes_later)
    described, labels = _attributes(table, form, set(present.values()), options)
    if problems:
        raise DataError(problems)
    likely = column_of(table, form.likelihood)
    chance = None if likely is None else numbers(table.frame[likely]).astype("float64")
    deals = pd.concat([frame, described], axis=1)
    mask = _of_pipeline(deals, options, table.name)
    chance = chance if chance is None or mask is None else chance[mask].reset_index(drop=True)
    deals = raw_table("deals", deals if mask is None else deals[mask])
    return Deals(deals, tuple(notes), labels, chance)


def history_of(
    reader: str,
    table: TextTable,
    form: DealForm,
    options: Options,
    *,
    obtain_history: str = "",
    moves: pd.DataFrame | None = None,
    history: History = "snapshot",
) -> RawHistory:
    """Read a table of deals as a whole history.

    Parameters
    ----------
    reader : str
        The format.
    table : TextTable
        One row per deal.
    form : DealForm
        What its columns are called.
    options : Options
        What the user says.
    obtain_history : str
        How to get the history of stages out of this CRM.
    moves : pandas.DataFrame, optional
        Entries of stages, where the table has them.
    history : str
        The level that the table supports.

    Returns
    -------
    RawHistory

    Raises
    ------
    DataError
        There is no column of stages or states, or it holds something else.

    Examples
    --------
    >>> import numpy as np
    >>> frame = pd.DataFrame({"ID": ["7"], "Stage": ["Demo"]}, dtype="str")
    >>> table = TextTable("deals.csv", frame, np.array([2]), "")
    >>> history_of("crm", table, DealForm({"deal_id": ("ID",), "stage": ("Stage",)}), Options())
    RawHistory(crm, deals=1, moves=0, efforts=0, marks=0, snapshot history)
    """
    if all(column_of(table, form.columns.get(key, ())) is None for key in ("stage", "status")):
        raise DataError(_stageless(table, form))
    deals = deals_of(table, form, options)
    moved = raw_table("moves", moves)
    if options.pipeline is not None:
        moved = raw_table("moves", moved[moved["deal_id"].isin(deals.frame["deal_id"])])
    stages, more = stages_of(deals.frame, moved, where=table.name, likelihood=deals.likelihood)
    codes = deals.frame["currency"].value_counts()
    file = raw_file(table, options)
    meta = RawMetadata(
        format=reader,
        files=(file,),
        history=history,
        time_zone=options.time_zone or "UTC",
        currency=str(codes.index[0]) if len(codes) else options.currency or "",
        taken_at=file.taken_at,
        stages=stages,
        notes=(*deals.notes, *more),
        labels=deals.labels,
        obtain_history=obtain_history if history != "full" else "",
    )
    return RawHistory(deals.frame, moved, raw_table("efforts"), raw_table("marks"), meta)


def raw_file(table: TextTable, options: Options) -> RawFile:
    """Return what is known of a file; a day in its name is the day when it was taken.

    Parameters
    ----------
    table : TextTable
        What was read.
    options : Options
        What the user says of the moment counts more.

    Returns
    -------
    RawFile

    Examples
    --------
    >>> import numpy as np
    >>> table = TextTable("out/DEAL_20240229_ab.xls", pd.DataFrame(), np.arange(0), "")
    >>> raw_file(table, Options()).taken_at
    datetime.datetime(2024, 2, 29, 23, 59, 59, tzinfo=datetime.timezone.utc)
    """
    name = Path(table.name).name
    return RawFile(name, table.digest, len(table.frame), options.taken_at or _day_in(name))


def with_currency(
    code: pd.Series, there: pd.Series, options: Options
) -> tuple[pd.Series, list[Note]]:
    """Give every amount a currency: the user's, the only one in the file, or none (XXX).

    Parameters
    ----------
    code : pandas.Series
        ISO code per amount, or missing.
    there : pandas.Series
        Whether there is an amount.
    options : Options
        What the user says.

    Returns
    -------
    tuple of pandas.Series and list of Note

    Examples
    --------
    >>> code = pd.Series(["EUR", None], dtype="object")
    >>> with_currency(code, pd.Series([True, True]), Options())[0].tolist()
    ['EUR', 'EUR']
    """
    known = code.dropna().unique()
    only = str(known[0]) if len(known) == 1 else UNKNOWN
    missing = there & code.isna()
    notes = []
    if missing.any() and options.currency is None:
        done = (
            Message("They count as {currency}.", currency=only)
            if only != UNKNOWN
            else Message("Give it with --currency.")
        )
        found = Message("Amounts without a currency")
        notes.append(Note("currency", int(missing.sum()), found, done))
    return code.where(code.notna(), options.currency or only), notes


def _day_in(name: str) -> datetime | None:
    """Return the end of the day that a file's name holds."""
    found = DAY.search(name)
    if found is None:
        return None
    try:
        year, month, day = map(int, found.groups())
        return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)
    except ValueError:
        return None


def _tidy(values: pd.Series) -> pd.Series:
    """Return texts without needless blanks; missing where nothing is left."""
    text = values.str.strip()
    odd = text.str.contains("[\t\r\n\u00a0\u202f\u2009]|  ", na=False)  # few: the rest is quick
    if odd.any():
        text = text.mask(odd, text[odd].str.replace(r"\s+", " ", regex=True).str.strip())
    return text.mask(text == "").astype("str")


def _money(
    table: TextTable,
    present: Mapping[str, str],
    options: Options,
    frame: pd.DataFrame,
    problems: list[Problem],
) -> list[Note]:
    """Put values and their currency into the frame; say what is no amount."""
    if "value" not in present:
        return []
    text = table.frame[present["value"]]
    named = frame["currency"] if "currency" in frame else pd.Series(None, index=frame.index)
    codes = {
        word: currency_code(word) for word in [*named.dropna().unique(), *text.dropna().unique()]
    }
    code = named.map(codes).fillna(text.map(codes)).astype("object")
    code, notes = with_currency(code, text.notna(), options)
    values, broken = amounts(text, code)
    frame["value"] = values
    frame["currency"] = code.where(values.notna()).astype("str")
    if not broken.any():
        return notes
    count, shown = int(broken.sum()), text[broken].iloc[0]
    if 2 * count > int(text.notna().sum()):
        message = f'no amounts: {count:,} of its values, such as "{shown}"'
        fix = "Is it the right column? Name another in a mapping."
        place = f"({lines_of(table, broken)})"
        problems.append(Problem(f"{message} {place}", table.name, present["value"], fix))
        return notes
    found = Message(
        'Fields of "{column}" that are no amounts, such as "{value}"',
        column=present["value"],
        value=shown,
    )
    done = Message("They count as empty ({lines}).", lines=lines_of(table, broken))
    return [*notes, Note("no_amount", count, found, done)]


def _identities(frame: pd.DataFrame) -> list[Note]:
    """Name deals without an id by the line they stand in."""
    given = (
        frame["deal_id"] if "deal_id" in frame else pd.Series(None, index=frame.index, dtype="str")
    )
    missing = given.isna()
    frame["deal_id"] = given.where(~missing, "line-" + frame["row"].astype("str")).astype("str")
    if not missing.any():
        return []
    found = Message("Deals without an id")
    done = Message("They are named by their line, and cannot be found again.")
    return [Note("no_id", int(missing.sum()), found, done)]


def _states(frame: pd.DataFrame, *, closes_later: bool) -> list[Note]:
    """Say of each deal whether it is open, won or lost; put expected dates where they belong."""
    stage = frame["stage"] if "stage" in frame else pd.Series(None, index=frame.index, dtype="str")
    by_stage = stage.map({name: outcome_of(name) for name in stage.dropna().unique()})
    notes = []
    state = by_stage.astype("object")
    if "status" in frame:
        words = {word: status_of(word) for word in frame["status"].dropna().unique()}
        said = frame["status"].map(words).astype("object")
        strange = frame["status"].notna() & said.isna() & state.isna()
        if strange.any():
            listed = ", ".join(f'"{word}"' for word in frame["status"][strange].unique()[:5])
            found = Message("Deals of unknown state")
            done = Message(
                "Such deals count as open unless their stage closes them: {words}.", words=listed
            )
            notes.append(Note("unknown_status", int(strange.sum()), found, done))
        # a stage that closes says more than "open" or "closed"
        state = said.where(said.isin(["won", "lost"]), state).where(lambda s: s.notna(), said)
    closed = state.isin(["won", "lost"])
    unsaid = ~closed & frame["closed_at"].notna() if "closed_at" in frame else ~closed & False
    unsaid &= not closes_later  # it is closed, but nothing says how
    frame["status"] = state.where(closed, "open").mask(unsaid).astype("str")
    if closes_later and "closed_at" in frame:
        expected = frame.get("expected_close_at", frame["closed_at"].where(~closed))
        frame["expected_close_at"] = expected.where(
            expected.notna(), frame["closed_at"].where(~closed)
        )
        frame["closed_at"] = frame["closed_at"].where(closed)
    return notes


def _attributes(
    table: TextTable, form: DealForm, used: set[str], options: Options
) -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    """Return what else describes the deals, and how it is called in the file."""
    frame = pd.DataFrame(index=table.frame.index)
    labels: dict[str, dict[str, str]] = {}
    asked = form.attributes
    if asked is None:
        asked = dict(likely_attributes(table, used))
    for key, (column, kind) in asked.items():
        values = table.frame[column]
        if kind == "money":
            frame[key] = amounts(values, pd.Series(options.currency, index=values.index))[0]
        elif kind == "number":
            frame[key] = numbers(values).astype("float64")
        else:
            frame[key] = _tidy(values)
        labels[f"leads.{key}"] = {"en": column}
    return frame, labels


def _of_pipeline(deals: pd.DataFrame, options: Options, where: str) -> pd.Series | None:
    """Return which deals are of the pipeline asked for; None where none is asked for."""
    if options.pipeline is None:
        return None
    funnels = (
        deals["funnel"] if "funnel" in deals else pd.Series(None, index=deals.index, dtype="str")
    )
    wanted = funnels.str.casefold() == options.pipeline.strip().casefold()
    if not wanted.any():
        there = [str(name) for name in funnels.dropna().unique()]
        fix = did_you_mean(options.pipeline, there) if there else "It has no column of pipelines."
        message = f'no deal is of the pipeline "{options.pipeline}"'
        raise DataError(Problem(message, where, "pipeline", fix=fix))
    return wanted


def _stageless(table: TextTable, form: DealForm) -> Problem:
    """Return what to say where a table says nothing of stages."""
    names = ", ".join(f'"{name}"' for name in form.columns.get("stage", ())[:3])
    have = ", ".join(str(name) for name in table.frame.columns[:12])
    fix = f"Export the column {names}, or name yours in a mapping. The columns are: {have}."
    return Problem("there is no column with the stage of a deal", table.name, fix=fix)
