"""Times as CRMs write them → instants: ``31.12.2023 18:00``, ``15 Apr, 2021``, Excel's numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pandas as pd

from funnelsim.calibration.readers.notes import Note
from funnelsim.calibration.readers.text_tables import TextTable, lines_of
from funnelsim.calibration.readers.timestamps import instants
from funnelsim.errors import Problem
from funnelsim.messages import Message

__all__ = ["day_first", "iso_texts", "share_of_times", "written_times"]

EMPTY = frozenset(
    [
        "не закрыта",
        "не закрыто",
        "не закрыт",
        "не закрита",
        "не закрито",
        "not closed",
        "none",
        "null",
        "n/a",
        "na",
        "nan",
        "nat",
        "-",
        "—",
        "–",
        "0",
        "0000-00-00",
        "0000-00-00 00:00:00",
    ]
)
ISO = r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:$|[ T])"
NUMERIC = (
    r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})"
    r"(?:[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp])?\.?[Mm]?\.?)?$"
)
WORDS = (
    r"^(?:(\d{1,2})[. -]*([^\W\d]{3,})[.,]*|([^\W\d]{3,})[. ]*(\d{1,2})(?:st|nd|rd|th)?,?)"
    r"[ ,-]*(\d{4})(?:\s*(?:г|р)\.?)?"
    r"(?:[ ,T]+(?:at |в |о )?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp])?\.?[Mm]?\.?)?$"
)
SERIAL = r"^\d{5}(?:\.\d+)?$"
EPOCH = r"^\d{10}(?:\d{3})?$"
SERIALS = (20_000, 80_000)  # 1954 to 2119
MONTHS = (
    ("jan", "янв", "січ"),
    ("feb", "фев", "лют"),
    ("mar", "мар", "бер"),
    ("apr", "апр", "кві"),
    ("may", "мая", "май", "тра"),
    ("jun", "июн", "чер"),
    ("jul", "июл", "лип"),
    ("aug", "авг", "сер"),
    ("sep", "сен", "вер"),
    ("oct", "окт", "жов"),
    ("nov", "ноя", "лис"),
    ("dec", "дек", "гру"),
)
MONTH = {start: number for number, starts in enumerate(MONTHS, 1) for start in starts}
NOON = 12
CENTURY = 2000


def written_times(
    table: TextTable, column: str, zone: str | None, *, days_first: bool | None = None
) -> tuple[pd.Series, list[Problem], list[Note]]:
    """Return a column of times as UTC instants, however it writes them.

    Parameters
    ----------
    table : TextTable
        The table.
    column : str
        One of its columns.
    zone : str, optional
        The zone of times without an offset; without it they are taken as UTC, with a note.
    days_first : bool, optional
        Whether 01/02/2023 is in February, where it is known from elsewhere.

    Returns
    -------
    tuple of pandas.Series, list of Problem and list of Note
        Missing where the field is empty, says that it is open, or is no time. There is a
        problem where more than half of the fields are no times.

    Examples
    --------
    >>> import numpy as np
    >>> frame = pd.DataFrame({"at": ["31.12.2023 18:00", "не закрыта"]}, dtype="str")
    >>> table = TextTable("x.csv", frame, np.array([2, 3]), "")
    >>> written_times(table, "at", "Europe/Kyiv")[0].tolist()
    [Timestamp('2023-12-31 16:00:00+0000', tz='UTC'), NaT]
    """
    text, notes = iso_texts(table.frame[column], column, days_first=days_first)
    notes = list(notes)
    plain = dataclasses.replace(table, frame=pd.DataFrame({column: text}))
    naive = text.notna() & text.str.contains(r"^\d{4}-\d{2}-\d{2}(?:[ T][\d:.]+)?$", na=False)
    times, problems, more = instants(plain, column, zone or "UTC")
    notes += more
    if zone is None and naive.any():
        found = Message("Times without an offset from UTC")
        done = Message("They were taken as UTC; give the time zone if they are local times.")
        notes.append(Note("zone", int(naive.sum()), found, done))
    broken = text.notna() & times.isna()
    few = broken.any() and 2 * int(broken.sum()) <= int(text.notna().sum())
    if few and len(problems) == 1:
        value = table.frame[column][broken].iloc[0]
        found = Message(
            'Fields of "{column}" that are no times, such as "{value}"',
            column=str(column),
            value=value,
        )
        done = Message("They count as empty ({lines}).", lines=lines_of(table, broken))
        notes.append(Note("no_time", int(broken.sum()), found, done))
        problems = []
    return times, problems, notes


def iso_texts(
    values: pd.Series, column: str = "", *, days_first: bool | None = None
) -> tuple[pd.Series, list[Note]]:
    """Rewrite times as ISO 8601; what is not understood stays as it is.

    Parameters
    ----------
    values : pandas.Series
        Of texts.
    column : str
        Its name, for notes.
    days_first : bool, optional
        Whether 01/02/2023 is in February.

    Returns
    -------
    tuple of pandas.Series and list of Note
        Texts, missing where nothing is said; and whether the order of day and month is a
        guess.

    Examples
    --------
    >>> iso_texts(pd.Series(["15 Apr, 2021 00:02:00", "44197.5", "1.2.2023"]))[0].tolist()
    ['2021-04-15 00:02:00', '2021-01-01 12:00:00', '2023-02-01']
    """
    text = values.astype("str").str.strip()
    iso = text.str.contains(ISO, na=False)
    other = text[~iso].dropna()
    unsaid = other.index[other.str.casefold().isin(EMPTY) | (other == "")]
    if len(unsaid):
        text = text.mask(text.index.isin(unsaid))
    notes: list[Note] = []
    slashed = iso & text.str.contains(r"^\d{4}(?:[/.]|-\d-|-\d\d-\d(?:$|[ T]))", na=False)
    if slashed.any():
        parts = text[slashed].str.extract(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(.*)$")
        padded = parts[0] + "-" + parts[1].str.zfill(2) + "-" + parts[2].str.zfill(2) + parts[3]
        text = text.mask(slashed, padded)
    rest = text.notna() & ~iso
    if not rest.any():
        return text, notes
    words = pd.Series(text[rest].unique(), dtype="str")
    first, doubtful = (days_first, 0) if days_first is not None else day_first([words])
    rewritten = dict(zip(words, _rewritten(words, days_first=first), strict=True))
    if doubtful:
        count = int(text[rest].isin(words[words.str.match(NUMERIC)]).sum())
        found = Message(
            'Dates in "{column}" whose day and month could be the other way round',
            column=str(column),
        )
        done = (
            Message("The day was taken to come first.")
            if first
            else Message("The month was taken to come first.")
        )
        notes.append(Note("day_order", count, found, done))
    return text.mask(rest, text.map(rewritten)).astype("str"), notes


def day_first(columns: Iterable[pd.Series]) -> tuple[bool, bool]:
    """Tell from whole columns whether 01/02/2023 is in February.

    Parameters
    ----------
    columns : iterable of pandas.Series
        Texts.

    Returns
    -------
    tuple of bool and bool
        Whether days come first; whether that is a guess.

    Examples
    --------
    >>> day_first([pd.Series(["01/02/2023", "01/13/2023"])])
    (False, False)
    >>> day_first([pd.Series(["01/02/2023"])])
    (True, True)
    """
    text = pd.concat([column.dropna().astype("str") for column in columns], ignore_index=True)
    parts = text.str.extract(NUMERIC).assign(text=text).dropna(subset=[0])
    if parts.empty:
        return True, False
    days, months = (parts[0].astype(int) > NOON).sum(), (parts[1].astype(int) > NOON).sum()
    if days or months:
        return bool(days >= months), bool(days and months)
    if parts["text"].str.contains(".", regex=False).any():
        return True, False  # nobody writes month.day.year
    return not parts[6].notna().any(), True


def share_of_times(values: pd.Series) -> float:
    """Return which share of the filled fields are times.

    Examples
    --------
    >>> share_of_times(pd.Series(["31.12.2023", "soon", None]))
    0.5
    """
    filled = values.dropna()
    text, _ = iso_texts(filled)
    text = text.dropna()
    if text.empty:
        return 0.0
    times = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    dated = text.str.contains(ISO, na=False)
    return float((times.notna() & dated).mean())


def _rewritten(words: pd.Series, *, days_first: bool) -> pd.Series:
    """Return each text as ISO 8601 if it is a time."""
    result = words.copy()
    for pattern, read in ((NUMERIC, _from_numbers), (WORDS, _from_words), (SERIAL, _from_serial)):
        parts = words.str.extract(pattern if pattern != SERIAL else f"({SERIAL[1:-1]})$")
        hit = words.str.match(pattern, na=False)
        if hit.any():
            result = result.mask(hit, read(parts[hit], days_first).reindex(words.index))
    epoch = words.str.match(EPOCH, na=False)
    if epoch.any():
        numbers = words[epoch].astype("int64")
        seconds = numbers.where(numbers < 10**11, numbers // 1000)
        at = pd.to_datetime(seconds, unit="s").dt.strftime("%Y-%m-%d %H:%M:%S+00:00")
        result = result.mask(epoch, at.reindex(words.index))
    return result.where(result.notna(), words)


def _from_numbers(parts: pd.DataFrame, days_first: bool) -> pd.Series:  # noqa: FBT001
    """Return ISO 8601 from day, month, year and a time of day."""
    one, two = parts[0].astype(int), parts[1].astype(int)
    swap = (one > NOON) & (two <= NOON) if not days_first else (two > NOON) & (one <= NOON)
    day, month = (one, two) if days_first else (two, one)
    day, month = day.mask(swap, month), month.mask(swap, day)
    return _iso(parts[2], month, day, parts[[3, 4, 5, 6]])


def _from_words(parts: pd.DataFrame, _days_first: bool) -> pd.Series:  # noqa: FBT001
    """Return ISO 8601 where the month is a word."""
    month = parts[1].fillna(parts[2]).str.casefold().str[:3].map(MONTH)
    day = parts[0].fillna(parts[3]).astype(int)
    iso = _iso(parts[4], month.fillna(1).astype(int), day, parts[[5, 6, 7, 8]])
    return iso.where(month.notna())


def _from_serial(parts: pd.DataFrame, _days_first: bool) -> pd.Series:  # noqa: FBT001
    """Return ISO 8601 from days since 1899-12-30, as Excel counts them."""
    days = parts[0].astype(float)
    known = days.between(*SERIALS)
    at = pd.Timestamp("1899-12-30") + pd.to_timedelta(days.where(known), unit="D")
    return at.dt.round("s").dt.strftime("%Y-%m-%d %H:%M:%S").where(known)


def _iso(year: pd.Series, month: pd.Series, day: pd.Series, clock: pd.DataFrame) -> pd.Series:
    """Return ISO 8601 from parts; the time of day may be missing."""
    years = year.astype(int)
    years = years.mask(years < 100, years + CENTURY)  # noqa: PLR2004
    two = [part.astype("str").str.zfill(2) for part in (month, day)]
    date = years.astype("str").str.zfill(4) + "-" + two[0] + "-" + two[1]
    clock = clock.set_axis(["hour", "minute", "second", "half"], axis=1)
    hour = clock["hour"].astype("Int64")
    half = clock["half"].str.casefold()
    hour = hour.mask((half == "p") & (hour < NOON), hour + NOON).mask(
        (half == "a") & (hour == NOON), 0
    )
    time = hour.astype("str").str.zfill(2) + ":" + clock["minute"] + ":"
    time += clock["second"].fillna("00")
    return date.where(clock["hour"].isna(), date + " " + time)
