"""A draft of a mapping for a table that no reader knows: columns guessed by name and content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.attributes import kept
from funnelsim.calibration.readers.change_logs import changes_of
from funnelsim.calibration.readers.dates import share_of_times
from funnelsim.calibration.readers.deal_mapping import MoveColumns
from funnelsim.calibration.readers.deal_tables import UNKNOWN, DealForm, history_of
from funnelsim.calibration.readers.formats import Names, Options, column_of, plain_name
from funnelsim.calibration.readers.stages import outcome_of, slug, status_of
from funnelsim.calibration.readers.tables import read_any
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.vocabulary import DEAL_COLUMNS
from funnelsim.errors import DataError, Problem

__all__ = ["suggest_mapping"]

TIMES = ("created_at", "stage_since", "closed_at", "expected_close_at")
AT = (
    *("time:timestamp", "timestamp", "change_time", "changed_at", "time", "event_time", "date"),
    *("Дата изменения", "Дата зміни", "Дата события", "Дата события (время)", "Дата", "Когда"),
    *("Change date", "Changed on", "Edit Date", "Last Modified", "created_at", "CreatedDate"),
)
FIELD = ("changed_field_key", "Field", "field_key", "Property", "Field / Event", "Поле", "Свойство")
NEW = (
    *(
        "new_value",
        "NewValue",
        "New Value",
        "Value after",
        "To stage",
        "to_stage",
        "To",
        "New stage",
    ),
    *("Новое значение", "Нове значення", "Новый этап", "Новий етап", "Этап после"),
)
OLD = ("old_value", "OldValue", "Old Value", "From stage", "from_stage", "From", "Старое значение")
BY = ("by", "Edited By", "CreatedById", "changed_by", "org:resource", "User", "Кто изменил")
ACTIVITY = ("concept:name", "activity", "event", "Activity", "Действие", "Дія", "Событие", "Подія")
PHASE = ("lifecycle:transition", "lifecycle", "phase", "transition")
STAGE_FIELDS = ("stage_id", "StageName", "dealstage", "Stage", "stage", "Этап", "Стадия", "Етап")
OTHERS = {
    "add_time": "created_at",
    "user_id": "owner",
    "owner_id": "owner",
    "lost_reason": "reason",
    "status": "status",
    "value": "value",
}
SEVERAL = 1.2  # rows per deal from which a table is a log
MOST = 500
SAMPLE = 2_000


def suggest_mapping(source: TextTable | str | Path, *, query: str | None = None) -> str:
    """Draft a mapping for a table: what the columns are, which stages there are.

    Parameters
    ----------
    source : TextTable, str or Path
        A table, a file or the URL of a database.
    query : str, optional
        What to ask the database.

    Returns
    -------
    str
        YAML with comments on what was guessed; it can be read as it is.

    Raises
    ------
    DataError
        It cannot be read, or no column looks like stages.

    Examples
    --------
    >>> import numpy as np
    >>> frame = pd.DataFrame({"Nomer": ["1", "2"], "Этап": ["Новый", "Успешно"]}, dtype="str")
    >>> print(suggest_mapping(TextTable("deals.csv", frame, np.array([2, 3]), "")))
    funnelsim: 1
    # Draft for deals.csv: please check every line.
    time_zone: UTC  # the zone of times without an offset, for example Europe/Kyiv
    deals:  # one row per deal
      deal_id: "Nomer"  # guessed from its content
      stage: "Этап"
      # created_at: …  # no column with the date of creation was found
      # columns that were not used: none
    stages:  # in order; entering a won or lost stage closes the deal
      novyi: {named: "Новый"}
      uspeshno: {named: "Успешно", outcome: won}
    <BLANKLINE>
    """
    table = source if isinstance(source, TextTable) else read_any(source, query=query)
    name = Path(table.name).name
    head = [
        "funnelsim: 1",
        f"# Draft for {name}: please check every line.",
        "time_zone: UTC  # the zone of times without an offset, for example Europe/Kyiv",
    ]
    log = _log_of(table)
    if log is not None:
        activity = column_of(table, ACTIVITY)
        if activity is not None and log.stage == activity:
            return _joined([*head, *_events(table, log)])
        raw = _tried(lambda: changes_of(table, log, Options()))
        return _joined([*head, *_moves(table, log), *_stages(raw)])
    columns, guessed = _columns_of(table)
    if "stage" not in columns and "status" not in columns:
        raise DataError(_stageless(table))
    form = DealForm({key: (column,) for key, column in columns.items()})
    raw = _tried(lambda: history_of("mapping", table, form, Options()))
    return _joined([*head, *_deals(table, columns, guessed, raw), *_stages(raw)])


def _joined(lines: Sequence[str]) -> str:
    """Return lines as a text."""
    return "\n".join(lines) + "\n"


def _tried(read: object) -> RawHistory | None:
    """Return what a table holds under a guess; None where the guess does not hold."""
    try:
        return read()  # type: ignore[operator,no-any-return]
    except DataError:
        return None


def _log_of(table: TextTable) -> MoveColumns | None:
    """Return the columns of a log of changes, if the table is one."""
    deal = column_of(table, (*DEAL_COLUMNS["deal_id"], "OpportunityId", "deal", "case"))
    if deal is None or len(table.frame) < SEVERAL * table.frame[deal].nunique():
        return None
    at = column_of(table, AT) or next(iter(_of_times(table)), None)
    stage = column_of(table, (*NEW, *ACTIVITY, *DEAL_COLUMNS["stage"]))
    if at is None or stage is None or share_of_times(_sample(table, at)) < 1 / 2:
        return None
    field = column_of(table, FIELD)
    stage_field = None
    fields: dict[str, str] = {}
    if field is not None:
        there = [str(word) for word in table.frame[field].dropna().unique()]
        known = [word for word in there if word in STAGE_FIELDS or "stage" in word.casefold()]
        if not known:
            return None
        stage_field = known[0]
        fields = {word: OTHERS[word] for word in there if word in OTHERS}
    old = column_of(table, OLD)
    return MoveColumns.model_validate(
        {
            "deal_id": deal,
            "at": at,
            "stage": stage,
            "from_stage": old if field is None else None,
            "by": column_of(table, BY),
            "field": field,
            "stage_field": stage_field,
            "fields": fields,
        }
    )


def _columns_of(table: TextTable) -> tuple[dict[str, str], set[str]]:
    """Return the column of each part of a deal, and which were guessed by content."""
    columns: dict[str, str] = {}
    for loosely in (False, True):
        for key, names in DEAL_COLUMNS.items():
            column = column_of(table, _alike(table, names) if loosely else names)
            fits = (
                column is not None and column not in columns.values() and _fits(table, key, column)
            )
            if key not in columns and column is not None and fits:
                columns[key] = column
    guessed: set[str] = set()
    for key, column in _by_content(table, columns):
        if key not in columns and column not in columns.values():
            columns[key] = column
            guessed.add(key)
    return {key: columns[key] for key in DEAL_COLUMNS if key in columns}, guessed


def _alike(table: TextTable, names: Names) -> Names:
    """Return columns whose names hold one of the usual names as a word."""
    found = []
    for name in names:
        plain = plain_name(name).replace("_", " ")
        if len(plain) > 3:  # noqa: PLR2004
            word = re.compile(rf"(?:^|[^\w]){re.escape(plain)}(?:$|[^\w])")
            columns = [str(column) for column in table.frame.columns]
            found += [c for c in columns if word.search(plain_name(c).replace("_", " "))]
    return tuple(found)


def _fits(table: TextTable, key: str, column: str) -> bool:
    """Whether a column holds what its name promises."""
    values = _sample(table, column)
    if values.empty:
        return False
    timed = share_of_times(values)
    if key in TIMES:
        return timed > 1 / 2
    if key in ("stage", "status"):
        return timed < 1 / 2 and table.frame[column].nunique() <= MOST
    return timed < 1 / 2


def _by_content(table: TextTable, columns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what columns could be by what they hold."""
    free = [str(name) for name in table.frame.columns if name not in columns.values()]
    for name in free:
        words = table.frame[name].dropna().unique()
        if 2 <= len(words) <= MOST and any(outcome_of(word) or status_of(word) for word in words):  # noqa: PLR2004
            yield "stage", name
    times = _of_times(table)
    ordered = sorted((t for t in times if t in free), key=lambda t: table.frame[t].isna().sum())
    yield from zip(("created_at", "closed_at"), ordered, strict=False)
    for name in free:
        values = table.frame[name]
        if values.notna().all() and values.is_unique and name not in times:
            yield "deal_id", name


def _of_times(table: TextTable) -> list[str]:
    """Return the columns that hold times."""
    names = [str(name) for name in table.frame.columns]
    return [name for name in names if share_of_times(_sample(table, name)) > 1 / 2]


def _sample(table: TextTable, column: str) -> pd.Series:
    """Return some filled fields."""
    return table.frame[column].dropna().iloc[:SAMPLE]


def _deals(
    table: TextTable, columns: Mapping[str, str], guessed: set[str], raw: RawHistory | None
) -> Iterator[str]:
    """Yield the section of deals, and what goes with it."""
    if raw is not None and raw.meta.currency not in ("", UNKNOWN):
        yield f"currency: {raw.meta.currency}"
    elif "value" in columns:
        yield "# currency: EUR  # of amounts that carry none"
    if raw is not None and _closes_later(raw):
        yield "closes_later: true  # open deals have a date of closing: it is only expected"
    yield "deals:  # one row per deal"
    for key, column in columns.items():
        why = "  # guessed from its content" if key in guessed else ""
        yield f"  {key}: {_quoted(column)}{why}"
    if "created_at" not in columns:
        yield "  # created_at: …  # no column with the date of creation was found"
    unused = [str(name) for name in table.frame.columns if name not in columns.values()]
    yield f"  # columns that were not used: {', '.join(unused) or 'none'}"
    if kept(unused):
        yield "# Those with few values, or numbers, describe deals; to choose yourself:"
        name = kept(unused)[0]
        yield f"# attributes: {{{slug(name, 'kind', '_')}: {{column: {_quoted(name)}}}}}"


def _closes_later(raw: RawHistory) -> bool:
    """Whether most open deals have a date of closing."""
    still = raw.deals[~raw.deals["status"].isin(["won", "lost"])]
    return bool(len(still) and still["closed_at"].notna().mean() > 1 / 2)


def _moves(table: TextTable, log: MoveColumns) -> Iterator[str]:
    """Yield the section of moves."""
    yield "moves:  # one row per change of a deal"
    for key, column in log:
        if isinstance(column, str):
            yield f"  {key}: {_quoted(column)}"
    if log.fields:
        known = ", ".join(f"{_quoted(word)}: {key}" for word, key in log.fields.items())
        yield f"  fields: {{{known}}}"
    if log.field is not None:
        seen = table.frame[log.field].dropna().unique()
        rest = [str(w) for w in seen if w not in log.fields and w != log.stage_field]
        yield f"  # other changes, left out: {', '.join(rest[:MOST]) or 'none'}"


def _stages(raw: RawHistory | None) -> Iterator[str]:
    """Yield the section of stages."""
    if raw is None or not raw.meta.stages:
        yield "# stages: …  # found in the data if left out"
        return
    yield "stages:  # in order; entering a won or lost stage closes the deal"
    taken: set[str] = set()
    for stage in raw.meta.stages:
        if stage.id not in taken:
            end = f", outcome: {stage.outcome}" if stage.outcome else ""
            yield f"  {_key(stage.id)}: {{named: {_quoted(stage.name)}{end}}}"
        taken.add(stage.id)


def _events(table: TextTable, log: MoveColumns) -> Iterator[str]:
    """Yield a mapping of a process log: activities with beginnings are work, others stages."""
    phase = column_of(table, PHASE)
    yield "events:  # one row per event"
    yield f"  lead: {_quoted(log.deal_id)}"
    yield f"  activity: {_quoted(log.stage)}"
    yield f"  time: {_quoted(log.at)}"
    if phase is not None:
        yield f"  phase: {_quoted(phase)}"
    if log.by is not None:
        yield f"  worker: {_quoted(log.by)}"
    counts = table.frame[log.stage].value_counts()
    begun: set[str] = set()
    if phase is not None:
        started = table.frame[phase].str.casefold().isin(["start", "schedule"])
        begun = set(table.frame[log.stage][started].unique())
    raw = _tried(lambda: changes_of(_without(table, log, begun), log, Options()))
    stages = [] if raw is None else [(stage.id, stage.name) for stage in raw.meta.stages]
    yield "stages:  # in order; move those that are no stages to marks, work or ignore"
    for key, name in stages[:MOST]:
        outcome = outcome_of(name)
        end = f", outcome: {outcome}" if outcome else ""
        yield f"  {_key(key)}: {{entered_by: {_quoted(name)}{end}}}  # × {counts[name]:,}"
    if begun:
        yield "work:  # it is started and ended"
        for number, name in enumerate(sorted(begun), 1):
            key = f"work-{number}-{slug(name)}"[:60].rstrip("-")
            yield f"  {_key(key)}: {{recorded_by: {_quoted(name)}, team: team}}"
    if phase is not None:
        known = {"start", "schedule", "complete"}
        seen = table.frame[phase].dropna().unique()
        if strange := [word for word in seen if word.casefold() not in known]:
            yield f"phases: {{ignore: [{', '.join(map(_quoted, strange))}]}}"


def _without(table: TextTable, log: MoveColumns, left_out: set[str]) -> TextTable:
    """Return a log without some activities."""
    keep = ~table.frame[log.stage].isin(list(left_out))
    frame = table.frame[keep].reset_index(drop=True)
    return replace(table, frame=frame, lines=table.lines[keep.to_numpy()])


def _key(name: str) -> str:
    """Return an id as YAML; one that reads as something else is quoted."""
    plain = re.fullmatch(r"[a-z][a-z0-9_-]*", name) and name not in {
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
    }
    return name if plain else _quoted(name)


def _quoted(text: str) -> str:
    """Return a text as YAML, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


def _stageless(table: TextTable) -> Problem:
    """Return what to say where no column looks like stages."""
    names = ", ".join(str(name) for name in table.frame.columns)
    fix = f"A mapping needs one. The columns are: {names}."
    return Problem("no column looks like the stage of a deal", table.name, fix=fix)
