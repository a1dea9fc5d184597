"""`EventLog`: four validated tables and their metadata."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pandas as pd

from funnelsim.documents import did_you_mean
from funnelsim.errors import EventLogError, HistoryError, ParameterError, Problem
from funnelsim.events.files import Format, read_folder, write_folder
from funnelsim.events.joining import joined_metadata, prefixed
from funnelsim.events.rules import broken_rules
from funnelsim.events.schema import SCHEMA, Metadata
from funnelsim.events.tables import Tables, in_order, typed
from funnelsim.events.views import cut, cut_metadata, of_leads, outcomes, wide

__all__ = ["EventLog"]


@dataclass(frozen=True, eq=False)
class EventLog:
    """Four validated tables and their metadata.

    Parameters
    ----------
    leads, visits, efforts, marks : pandas.DataFrame
        Columns as in `SCHEMA`; optional columns may be absent. Times need a zone, or
        be text with an offset; money is whole minor units. Further columns of
        ``leads`` are attributes, usable wherever a measure takes ``by=``. A frame
        without columns is an empty table.
    meta : Metadata
        Window, zone, history level, stages and teams.

    Raises
    ------
    EventLogError
        Every rule that is broken, with the number of rows and examples.

    Notes
    -----
    The tables of a log are typed and stand in one order, whatever the order given, so
    logs of equal content are equal. Do not change them in place.

    Examples
    --------
    >>> import pandas as pd
    >>> from funnelsim.events import EventLog, Metadata
    >>> log = EventLog(
    ...     leads=pd.DataFrame({"lead_id": ["a"], "arrived_at": ["2024-02-01T09:00Z"]}),
    ...     visits=pd.DataFrame(
    ...         {
    ...             "lead_id": ["a"],
    ...             "visit": [1],
    ...             "stage": ["demo"],
    ...             "entered_at": ["2024-02-01T09:00Z"],
    ...             "exit": ["open"],
    ...         }
    ...     ),
    ...     efforts=pd.DataFrame(),
    ...     marks=pd.DataFrame(),
    ...     meta=Metadata(observed_from="2024-01-01T00:00Z", observed_until="2024-03-01T00:00Z"),
    ... )
    >>> log
    EventLog(leads=1, visits=1, efforts=0, marks=0, 2024-01-01 to 2024-03-01, full history)
    """

    leads: pd.DataFrame
    visits: pd.DataFrame
    efforts: pd.DataFrame
    marks: pd.DataFrame
    meta: Metadata

    def __post_init__(self) -> None:
        tables: dict[str, pd.DataFrame] = {}
        problems: list[Problem] = []
        for name in SCHEMA:
            tables[name], found = typed(name, getattr(self, name))
            problems += found
        if not problems:
            tables = in_order(tables)
            problems = broken_rules(tables, self.meta)
        if problems:
            raise EventLogError(problems)
        for name, frame in tables.items():
            object.__setattr__(self, name, frame)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={len(frame):,}" for name, frame in self.tables().items())
        zone = ZoneInfo(self.meta.time_zone)
        start = self.meta.observed_from.astimezone(zone).date()
        end = self.meta.observed_until.astimezone(zone).date()
        return f"EventLog({sizes}, {start} to {end}, {self.meta.history} history)"

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the four tables by name.

        Returns
        -------
        dict
            ``leads``, ``visits``, ``efforts``, ``marks``.

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> list(LOG.tables())
        ['leads', 'visits', 'efforts', 'marks']
        """
        return {name: getattr(self, name) for name in SCHEMA}

    @classmethod
    def trusted(cls, tables: Tables, meta: Metadata) -> Self:
        """Return a log of tables that are known to be valid, without looking.

        For code that takes parts of a valid log; data from outside goes through
        ``EventLog(...)``.

        Parameters
        ----------
        tables : mapping
            All four tables: typed as in `SCHEMA`, in the log's order, valid.
        meta : Metadata
            The log's metadata.

        Returns
        -------
        EventLog
            Holds the very frames given.

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> EventLog.trusted(LOG.tables(), LOG.meta).equals(LOG)
        True
        """
        log = object.__new__(cls)
        for name in SCHEMA:
            object.__setattr__(log, name, tables[name])
        object.__setattr__(log, "meta", meta)
        return log

    @classmethod
    def concat(cls, logs: Iterable[EventLog], prefixes: Sequence[str] = ()) -> Self:
        """Return several logs as one.

        Parameters
        ----------
        logs : iterable of EventLog
            With the same window, zone, history level, currency and known columns.
        prefixes : sequence of str
            Put before the lead ids, one per log, where ids would clash; replications,
            for example, share theirs.

        Returns
        -------
        EventLog
            Stages and teams of all; illustrative if one of them is.

        Raises
        ------
        EventLogError
            The logs contradict each other, or two hold the same lead.

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> both = EventLog.concat([LOG, LOG], prefixes=["1/", "2/"])
        >>> len(both.leads) == 2 * len(LOG.leads)
        True
        """
        parts = list(logs)
        if not parts:
            raise EventLogError("there are no logs to join")
        prefixes = list(prefixes) or [""] * len(parts)
        if len(prefixes) != len(parts):
            raise EventLogError(f"{len(parts)} logs need as many prefixes, not {len(prefixes)}")
        meta, problems = joined_metadata([part.meta for part in parts])
        if problems:
            raise EventLogError(problems)
        tables = {
            name: prefixed((getattr(part, name) for part in parts), prefixes) for name in SCHEMA
        }
        return cls(**tables, meta=meta)

    def filter(
        self,
        leads: pd.Series | Collection[str] | None = None,
        **columns: Any,  # noqa: ANN401 - whatever an attribute can be
    ) -> EventLog:
        """Return the log of some leads, with their visits, work and marks.

        Parameters
        ----------
        leads : collection of str or boolean pandas.Series, optional
            Lead ids, or a truth value per row of ``log.leads``.
        **columns
            A column of ``leads`` and the value, or a list of the values, to keep.

        Returns
        -------
        EventLog
            Same metadata.

        Raises
        ------
        ParameterError
            No such column or lead.

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> LOG.filter(source="branch").leads["lead_id"].tolist()
        ['b']
        """
        kept = pd.Series(data=True, index=self.leads.index)
        problems = []
        if leads is not None:
            chosen, unknown = _chosen(self.leads["lead_id"], leads)
            kept &= chosen
            problems += unknown
        for name, wanted in columns.items():
            if name not in self.leads.columns:
                fix = did_you_mean(name, self.leads.columns)
                problems.append(Problem(f'leads have no column "{name}"', fix=fix))
                continue
            single = isinstance(wanted, str) or not isinstance(wanted, Collection)
            kept &= self.leads[name].isin([wanted] if single else list(wanted))
        if problems:
            raise ParameterError(problems)
        return self.trusted(of_leads(self.tables(), kept), self.meta)

    def as_of(self, moment: str | datetime) -> EventLog:
        """Return what was known at a moment.

        Later rows are gone, visits left later are open again, work that started later
        waits, and columns that ``meta.known`` calls overwritten are empty.

        Parameters
        ----------
        moment : str or datetime
            Within the window; without an offset it is local time of the log. What
            happens at this very instant is known.

        Returns
        -------
        EventLog
            Observed until this moment; at the end of the window the log itself.

        Raises
        ------
        ParameterError
            No time, or outside the window.
        HistoryError
            The log lacks the history that an earlier state needs.

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> LOG.as_of("2024-02-02").visits["exit"].tolist()
        ['open']
        """
        instant = _instant(moment, self.meta.time_zone)
        start, end = pd.Timestamp(self.meta.observed_from), pd.Timestamp(self.meta.observed_until)
        if not start <= instant <= end:
            fix = f"Choose a moment from {start} to {end}."
            raise ParameterError(Problem(f"{instant} is outside the log", fix=fix))
        if instant == end:
            return self
        if self.meta.history != "full":
            fix = "Only a log with full history knows earlier states."
            message = f"as_of cannot look back: the log's history is {self.meta.history}"
            raise HistoryError(Problem(message, fix=fix))
        tables = cut(self.tables(), self.meta, instant)
        return self.trusted(in_order(tables), cut_metadata(self.meta, instant))

    def visits_wide(self) -> pd.DataFrame:
        """Return one row per visit with its lead, its work and its marks.

        Returns
        -------
        pandas.DataFrame
            The columns of ``visits``; those of ``leads``; of the visit's work
            ``n_efforts``, ``worked_s`` (seconds of finished work), first ``queued_at``
            and ``started_at``, last ``ended_at``; of its marks ``marks`` (their kinds),
            ``value`` and ``cost`` (sums, minor units).

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> LOG.visits_wide()[["lead_id", "stage", "n_efforts", "worked_s", "marks"]]
          lead_id stage  n_efforts  worked_s marks
        0       a  demo          1    1800.0   NaN
        1       a   won          0       0.0   won
        2       b  demo          0       0.0   NaN
        """
        return wide(self.tables())

    def outcomes(self) -> pd.DataFrame:
        """Return how each lead stands: won, lost, ended without either, or open.

        Returns
        -------
        pandas.DataFrame
            ``lead_id``, in the order of ``leads``; ``outcome``, from the lead's first
            mark of kind won or lost (won if both fall on one instant), else ``ended``
            or ``open``; ``closed_at``, ``reason`` and ``value`` (minor units) of it.

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> LOG.outcomes()[["lead_id", "outcome", "value"]]
          lead_id outcome   value
        0       a     won  150000
        1       b    open    <NA>
        """
        return outcomes(self.tables())

    def equals(self, other: EventLog) -> bool:
        """Say whether two logs hold the same tables and metadata.

        Parameters
        ----------
        other : EventLog
            Another log.

        Returns
        -------
        bool
            Dtypes count, and so does every empty value.

        Examples
        --------
        >>> from funnelsim.events.example import LOG
        >>> LOG.equals(LOG.filter(source="branch"))
        False
        """
        mine, theirs = self.tables(), other.tables()
        same = all(mine[name].equals(theirs[name]) for name in SCHEMA)
        return same and self.meta == other.meta

    def save(self, folder: str | Path, format: Format = "parquet") -> Path:  # noqa: A002
        """Write the log as a folder, whole or not at all.

        Parameters
        ----------
        folder : str or Path
            New, empty, or an event log, which is replaced.
        format : str
            ``parquet`` (needs the extra ``funnelsim[parquet]``) or ``csv``.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        DataError
            The folder cannot be written or holds something else; pyarrow is missing.

        Examples
        --------
        >>> import tempfile
        >>> from funnelsim.events.example import LOG
        >>> with tempfile.TemporaryDirectory() as place:
        ...     EventLog.load(LOG.save(f"{place}/log", format="csv")).equals(LOG)
        True
        """
        write_folder(self.tables(), self.meta, Path(folder), format)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a log that `save` wrote, and validate it.

        Parameters
        ----------
        folder : str or Path
            Its folder.

        Returns
        -------
        EventLog
            Equal to the one saved.

        Raises
        ------
        DataError
            The folder is no event log, is incomplete, or is of a newer format.
        EventLogError
            Its rows break the rules.

        Examples
        --------
        >>> EventLog.load("no-such-log")
        Traceback (most recent call last):
        funnelsim.errors.DataError: no-such-log: there is no such folder
        """
        tables, meta = read_folder(Path(folder))
        return cls(**tables, meta=meta)


def _chosen(ids: pd.Series, leads: pd.Series | Collection[str]) -> tuple[pd.Series, list[Problem]]:
    """Return which leads are meant, and the ids that do not exist."""
    if isinstance(leads, pd.Series) and leads.dtype == "bool":
        if len(leads) == len(ids):
            return pd.Series(leads.to_numpy(), index=ids.index), []
        message = f"{len(leads)} truth values were given for {len(ids)} leads"
        return ids.notna(), [Problem(message)]
    wanted = pd.Index([leads] if isinstance(leads, str) else list(leads)).astype("str")
    unknown = wanted[~wanted.isin(ids)]
    problems = [Problem(f"there is no lead {', '.join(unknown[:3])}")] if len(unknown) else []
    return ids.isin(wanted), problems


def _instant(moment: str | datetime, zone: str) -> pd.Timestamp:
    """Return a moment in UTC; without an offset it is local time."""
    try:
        stamp = pd.Timestamp(moment)
        stamp = stamp.tz_localize(zone) if stamp.tzinfo is None else stamp
    except (ValueError, TypeError) as problem:
        fix = "For example 2024-02-29 or 2024-02-29T09:00."
        raise ParameterError(Problem(f'"{moment}" is no time ({problem})', fix=fix)) from None
    return stamp.tz_convert("UTC")
