"""Measures as tables for people and as data for machines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.table import Table

from funnelsim.cli.choosing import PERIODS, every_measure
from funnelsim.cli.showing import console
from funnelsim.reporting.texts import Texts, texts

if TYPE_CHECKING:
    from funnelsim.cli.measuring import Tables
    from funnelsim.events import EventLog

__all__ = ["as_data", "show_choices", "show_chosen", "show_measures"]

Labels = Mapping[tuple[str, str], str]

# measure → title, and the count columns worth a person's eye
_SHOWN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "headline": ("Key figures", ()),
    "outcomes": ("Where leads stand at the end", ("share",)),
    "stage_conversion": ("Conversion: of those who entered, how many advance", ("lost", "open")),
    "losses": ("Where and why leads are lost", ("share",)),
    "dwell_time": ("Whole stay in a stage", ("open",)),
    "waiting_time": ("Waiting for a team", ("waiting",)),
    "utilisation": ("Utilisation of teams", ("staffed_h", "overtime_h")),
    "service_level": ("Work begun in time", ("within_s",)),
}
_COUNTS = {"share": "share", "within_s": "s", "staffed_h": "h", "overtime_h": "h"}
_MANY = 100  # from here on a count's decimals tell nothing
_HIDDEN = {"at", "method", "level", "measure", "unit"}


def as_data(log: EventLog, tables: Tables, refused: Mapping[str, str]) -> dict[str, Any]:
    """Every table as rows, with what the log says of itself.

    Examples
    --------
    >>> from funnelsim.cli.measuring import all_measures
    >>> from funnelsim.measures.example import BANK
    >>> data = as_data(BANK, *all_measures(BANK))
    >>> sorted(data)
    ['meta', 'not_available', 'tables']
    """
    meta = log.meta.model_dump(mode="json", include=_ABOUT)
    rows = {name: _rows(table) for name, table in tables.items()}
    return {"meta": meta, "tables": rows, "not_available": dict(refused)}


_ABOUT = {
    "title",
    "observed_from",
    "observed_until",
    "time_zone",
    "history",
    "currency",
    "illustrative",
    "provenance",
}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain data; moments in ISO form, what is missing as None."""
    plain = table.copy()
    for name in plain.select_dtypes("datetimetz"):
        plain[name] = [None if pd.isna(at) else at.isoformat() for at in plain[name]]
    objects = plain.astype("object")
    return [
        {str(key): item for key, item in row.items()}
        for row in objects.where(plain.notna(), None).to_dict("records")
    ]


def show_measures(log: EventLog, tables: Tables, refused: Mapping[str, str], lang: str) -> None:
    """Print the measures a person reads first."""
    words, out = texts(lang), console()
    _print_title(log, words)
    labels = _labels(log, words)
    for name, (heading, counts) in _SHOWN.items():
        if name in tables and tables[name]["value"].notna().any():
            out.print()
            out.print(_shown(tables[name], heading, counts, words, labels))
    for name, why in refused.items():
        out.print(f"\n{name}: not available. {why}", markup=False)


def show_chosen(log: EventLog, tables: Tables, lang: str) -> None:
    """Print measures asked for by name: all rows, with units, periods and cautions."""
    words, out = texts(lang), console()
    _print_title(log, words)
    for name, table in tables.items():
        heading = every_measure()[name].about
        moments = {
            str(column): [words.day(at, log.meta.time_zone) for at in table[column]]
            for column in table.select_dtypes("datetimetz")
        }
        shown = table.assign(**moments)
        out.print(f"\n{heading}", markup=False, style="italic")
        if shown.empty:
            out.print("The log has nothing of this.")
            continue
        counts = ("share",) if "share" in shown else ()
        out.print(_shown(shown, None, counts, words, _labels(log, words), units=True))


def show_choices() -> None:
    """Print every measure there is, and how to ask for it."""
    out = console()
    listed = Table("measure", "what it is", "needs", box=None, pad_edge=False)
    for choice in every_measure().values():
        if choice.source == "log":
            needed = " ".join(f"--with {name}=…" for name in choice.needs)
            listed.add_row(choice.name, choice.about, needed)
    out.print(listed)
    periods = ", ".join(PERIODS)
    out.print(
        "\nfunnelsim measures INPUT --measure NAME --by source --per month\n"
        f"--per {periods}; --by any column of leads; definitions: docs/manual/kpis.md",
        markup=False,
    )


def _print_title(log: EventLog, words: Texts) -> None:
    """What was measured, when, and whether the numbers are made up."""
    meta = log.meta
    title = words.label(meta.title, meta.provenance.get("scenario", "event log"))
    period = words.period(meta.observed_from, meta.observed_until, meta.time_zone)
    mark = " · illustrative numbers" if meta.illustrative else ""
    console().print(f"{title} · {period}{mark}", markup=False)


def _labels(log: EventLog, words: Texts) -> Labels:
    """What stages and teams are called."""
    return {
        **{("stage", stage.id): words.label(stage.label, stage.id) for stage in log.meta.stages},
        **{("team", team.id): words.label(team.label, team.id) for team in log.meta.teams},
    }


def _shown(
    table: pd.DataFrame,
    heading: str | None,
    counts: tuple[str, ...],
    words: Texts,
    labels: Labels,
    *,
    units: bool = False,
) -> Table:
    """One measure as a table of texts; columns that would be empty are left out."""
    before = list(table.columns)[: list(table.columns).index("measure")]
    items = before if units else [name for name in before if name not in _HIDDEN]
    if "quantile" in items:
        columns = _by_quantile(table, [i for i in items if i != "quantile"], words, labels)
    else:
        columns = _plain_columns(table, items, counts, words, labels)
        if units:
            columns["unit"] = ["" if _in_words(unit) else str(unit) for unit in table["unit"]]
        columns["caution"] = _cautions(table)
    shown = Table(title=heading, title_justify="left", box=None, pad_edge=False)
    filled = {name: texts for name, texts in columns.items() if any(texts)}
    left = {"measure", "unit", "caution", *map(_heading, items)}
    for name in filled:
        shown.add_column(name, justify="left" if name in left else "right")
    for cells in zip(*filled.values(), strict=True):
        shown.add_row(*cells)
    return shown


def _plain_columns(
    table: pd.DataFrame, items: list[str], counts: tuple[str, ...], words: Texts, labels: Labels
) -> dict[str, list[str]]:
    """Items, value, interval, n and counts, row by row."""
    rows = table.to_dict("records")
    columns: dict[str, list[str]] = {}
    if len({row["measure"] for row in rows}) > 1:
        columns["measure"] = [str(row["measure"]).replace("_", " ") for row in rows]
    for name in items:
        columns[_heading(name)] = [_named(name, row[name], labels) for row in rows]
    columns["value"] = [_text(row["value"], str(row["unit"]), words) for row in rows]
    columns["between"] = [_interval(row["lo"], row["hi"], row["unit"], words) for row in rows]
    columns["of"] = [words.number(float(row["n"])) for row in rows]
    for name in counts:
        unit = _COUNTS.get(name, "leads")
        columns[_heading(name)] = [_text(row[name], unit, words) for row in rows]
    return columns


def _by_quantile(
    table: pd.DataFrame, items: list[str], words: Texts, labels: Labels
) -> dict[str, list[str]]:
    """Percentiles side by side; the mean behind them."""
    levels = sorted(table["quantile"].dropna().unique())
    groups = [(key, part.set_index("quantile")) for key, part in table.groupby(items, sort=False)]
    columns = {
        _heading(name): [_named(name, key[place], labels) for key, _ in groups]
        for place, name in enumerate(items)
    }
    for level in [*levels, float("nan")]:
        name = "mean" if pd.isna(level) else f"{words.share(level)} within"
        columns[name] = [
            _text(part["value"].get(level, float("nan")), "s", words) for _, part in groups
        ]
    columns["of"] = [words.number(float(part["n"].iloc[0])) for _, part in groups]
    return columns


def _named(column: str, value: object, labels: Labels) -> str:
    """A stage or a team by its label, a number short, anything else as it is."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:g}".replace("inf", "∞")
    kind = "stage" if column.endswith("stage") else column
    return labels.get((kind, str(value)), str(value))


def _heading(name: str) -> str:
    """A column's name as words."""
    return {"within_s": "within", "staffed_h": "staffed", "overtime_h": "overtime"}.get(
        name, name.replace("_", " ")
    )


def _cautions(table: pd.DataFrame) -> list[str]:
    """What speaks against a number; where there is none, why."""
    said = table["caution"] if "caution" in table else [""] * len(table)
    rows = zip(said, table["value"], table["method"], strict=True)
    return [
        text or (str(method) if pd.isna(value) and method != "exact" else "")
        for text, value, method in rows
    ]


def _in_words(unit: object) -> bool:
    """Whether the number's text already says its unit."""
    return unit in {"share", "s", "h"} or str(unit).endswith(" minor")


def _text(value: Any, unit: str, words: Texts) -> str:  # noqa: ANN401 - a cell of any table
    """A number with its unit, as a person writes it."""
    if pd.isna(value):
        return "–"
    if unit == "share":
        return words.share(float(value))
    if unit == "s":
        return words.duration(float(value))
    if unit == "h":
        return f"{words.number(float(value))} h"
    currency, _, minor = unit.rpartition(" ")
    if minor == "minor" and currency:
        return words.money(float(value), currency)
    whole = float(value).is_integer() or abs(value) >= _MANY
    return words.number(float(value)) if whole else words.figure(float(value))


def _interval(low: Any, high: Any, unit: str, words: Texts) -> str:  # noqa: ANN401 - cells
    """The interval, where the number is an estimate."""
    if pd.isna(low) or pd.isna(high):
        return ""
    return f"{_text(low, unit, words)} – {_text(high, unit, words)}"
