"""Measures → tables of texts, with numbers and units as the reader writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures import (
    dwell_time,
    end_to_end_conversion,
    losses,
    stage_conversion,
    utilisation,
    waiting_time,
    win_rate,
    won_value,
    working_time,
)
from funnelsim.reporting.blocks import Column, Table, table
from funnelsim.reporting.inputs import fingerprint
from funnelsim.reporting.names import Names
from funnelsim.reporting.texts import Texts

__all__ = ["lost", "making", "money", "sources", "stages", "teams", "times"]

PARTS = ("funnelsim", "numpy", "pandas", "scipy", "simpy", "matplotlib", "typst")
MOST_ROWS = 12
MOST_SOURCES = 15


def stages(log: EventLog, t: Texts) -> Table:
    """Who came to each stage, who went on, who was lost.

    Parameters
    ----------
    log : EventLog
        With full history.
    t : Texts

    Returns
    -------
    Table

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.texts import texts
    >>> stages(BANK, texts("en")).rows[0][:4]
    ('interest', '5', '3', '75%')
    """
    names = Names.of(log, t)
    steps = stage_conversion(log)
    reached = end_to_end_conversion(log).set_index("stage")["value"]
    number = t._("leads")
    return table(
        [
            Column(title=t._("Stage")),
            Column(title=t._("Came"), unit=number, numeric=True),
            Column(title=t._("Went on"), unit=number, numeric=True),
            Column(title=t._("Stage conversion"), unit="%", numeric=True),
            Column(title=t._("95% interval"), unit="%", numeric=True),
            Column(title=t._("Of all leads"), unit="%", numeric=True),
            Column(title=t._("Lost"), unit=number, numeric=True),
            Column(title=t._("Other ways"), unit=number, numeric=True),
            Column(title=t._("Open"), unit=number, numeric=True),
        ],
        [
            (
                names.of_stage(row["stage"]),
                t.number(row["entered"]),
                t.number(row["advanced"]),
                _bare(t.share(row["value"])),
                _bare(t.shares(row["lo"], row["hi"])),
                _bare(t.share(reached.get(row["stage"], np.nan))),
                t.number(row["lost"]),
                t.number(row["other"]),
                t.number(row["open"]),
            )
            for row in _rows(steps)
        ],
        caption=t._("Conversion stage by stage"),
        note=t._(
            "Stage conversion takes open leads into account, so it is not simply Went on ÷ Came. "
            "A lead that skipped a stage passed it."
        ),
    )


def lost(log: EventLog, t: Texts) -> Table | None:
    """Where leads are lost and why, the most first.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Table or None
        None where nothing was lost.
    """
    names = Names.of(log, t)
    found = losses(log).sort_values("value", ascending=False, kind="stable")
    if not len(found):
        return None
    rows = [
        (
            names.of_stage(row["stage"]),
            names.of_reason(row["reason"]) or t._("not given"),
            t.number(row["value"]),
            _bare(t.share(row["share"])),
        )
        for row in _rows(found.head(MOST_ROWS))
    ]
    rest = found.iloc[MOST_ROWS:]
    if len(rest):
        others = t.number(rest["value"].sum())
        rows.append((t._("All others"), "", others, _bare(t.share(rest["share"].sum()))))
    rows.append((t._("Together"), "", t.number(found["value"].sum()), _bare(t.share(1.0))))
    return table(
        [
            Column(title=t._("Last stage")),
            Column(title=t._("Reason")),
            Column(title=t._("Lost"), unit=t._("leads"), numeric=True),
            Column(title=t._("Of all losses"), unit="%", numeric=True),
        ],
        rows,
        caption=t._("Losses by stage and reason"),
        total=True,
    )


def sources(log: EventLog, t: Texts) -> Table | None:
    """How leads of each source fare.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Table or None
        None where the log tells of one source only, or of very many.
    """
    known = log.leads["source"].dropna().nunique()
    if not 1 < known <= MOST_SOURCES:
        return None
    names = Names.of(log, t)
    found = win_rate(log, by="source").sort_values("n", ascending=False, kind="stable")
    return table(
        [
            Column(title=t._("Source")),
            Column(title=t._("Came"), unit=t._("leads"), numeric=True),
            Column(title=t._("Won so far"), unit=t._("leads"), numeric=True),
            Column(title=t._("Open"), unit=t._("leads"), numeric=True),
            Column(title=t._("Leads that win"), unit="%", numeric=True),
            Column(title=t._("95% interval"), unit="%", numeric=True),
        ],
        [
            (
                names.of_other(row["source"]),
                t.number(row["n"]),
                t.number(row["won"]),
                t.number(row["open"]),
                _bare(t.share(row["value"])),
                _bare(t.shares(row["lo"], row["hi"])),
            )
            for row in _rows(found)
        ],
        caption=t._("Sources"),
    )


def times(log: EventLog, t: Texts) -> Table:
    """How long leads stay in each stage, and what the time is made of.

    Parameters
    ----------
    log : EventLog
        With full history.
    t : Texts

    Returns
    -------
    Table
    """
    names = Names.of(log, t)
    found = dwell_time(log)
    stay = _percentiles(found, "stage")
    middle = found[found["quantile"] == 0.5].set_index("stage")  # noqa: PLR2004 - the median
    return table(
        [
            Column(title=t._("Stage")),
            Column(title=t._("Visits"), numeric=True),
            Column(title=t._("Still there"), numeric=True),
            Column(title=t._("Median"), numeric=True),
            Column(title=t._("95% interval"), numeric=True),
            Column(title=t._("80% within"), numeric=True),
            Column(title=t._("95% within"), numeric=True),
        ],
        [
            (
                names.of_stage(row["stage"]),
                t.number(row["n"]),
                t.number(row["open"]),
                t.duration(row["value"]),
                t.durations(row["lo"], row["hi"]),
                t.duration(stay[0.8][row["stage"]]),
                t.duration(stay[0.95][row["stage"]]),
            )
            for row in _rows(middle.reset_index())
        ],
        caption=t._("Stay in each stage"),
        note=t._(
            "Elapsed time, nights and weekends included; “–”: too many are still there to say."
        ),
    )


def teams(log: EventLog, t: Texts) -> Table | None:
    """How much each team works and how soon it begins.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Table or None
        None where the log holds no work.
    """
    busy = utilisation(log)
    busy = busy[busy["n"] > 0].set_index("team")
    if not len(busy):
        return None
    names = Names.of(log, t)
    wait = _percentiles(waiting_time(log, per="team"), "team").reindex(busy.index)
    work = _percentiles(working_time(log, per="team"), "team").reindex(busy.index)
    columns, cells = _durations(
        [
            (t._("Wait, median"), wait[0.5]),
            (t._("Wait, 80%"), wait[0.8]),
            (t._("Work, median"), work[0.5]),
            (t._("Work, 80%"), work[0.8]),
        ],
        t,
    )
    known = busy["value"].notna().any()
    staffed = [
        Column(title=t._("Utilisation"), unit="%", numeric=True),
        Column(title=t._("Overtime"), unit=t._("h"), numeric=True),
    ]
    rows = []
    for team, row in zip(busy.index, cells, strict=True):
        told = (_bare(t.share(busy["value"][team])), t.number(busy["overtime_h"][team]))
        rows.append(
            (names.of_team(team), t.number(busy["n"][team]), *row, *(told if known else ()))
        )
    return table(
        [
            Column(title=t._("Team")),
            Column(title=t._("Pieces of work"), numeric=True),
            *columns,
            *(staffed if known else ()),
        ],
        rows,
        caption=t._("Teams"),
        note="" if known else t._("The data does not say when teams were staffed."),
    )


def money(log: EventLog, t: Texts) -> Table | None:
    """What was won in each month.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Table or None
        None where no deal has a value.
    """
    found = won_value(log, every="1 mo")
    if not log.meta.currency or not found["valued"].sum():
        return None
    whole = won_value(log).set_index("measure")
    monthly = found.pivot_table(index="at", columns="measure", values="value", dropna=False)
    zone, currency = log.meta.time_zone, log.meta.currency
    rows = [
        (
            t.month(pd.Timestamp(str(month)), zone),
            t.number(row["won_deals"]),
            t.money(row["won_value"], currency),
            t.money(row["won_value_mean"], currency),
        )
        for month, row in monthly.iterrows()
    ]
    rows.append(
        (
            t._("Together"),
            t.number(whole["value"]["won_deals"]),
            t.money(whole["value"]["won_value"], currency),
            t.money(whole["value"]["won_value_mean"], currency),
        )
    )
    return table(
        [
            Column(title=t._("Month")),
            Column(title=t._("Won"), unit=t._("leads"), numeric=True),
            Column(title=t._("Value"), numeric=True),
            Column(title=t._("Mean per lead"), numeric=True),
        ],
        rows,
        caption=t._("Value won by month"),
        note=t._("Counted in the month of the win, whenever the lead arrived."),
        total=True,
    )


def making(
    log: EventLog,
    t: Texts,
    *,
    source: str,
    mapping: str = "",
    overrides: Mapping[str, object] | None = None,
) -> Table:
    """What the report was made from, and with which versions.

    Parameters
    ----------
    log : EventLog
    t : Texts
    source, mapping : str
        The input files; their names and fingerprints are told, not their folders.
    overrides : mapping, optional
        What was changed in a scenario.

    Returns
    -------
    Table
    """
    meta = log.meta
    sizes = ", ".join(f"{name} {t.number(len(frame))}" for name, frame in log.tables().items())
    rows = [
        (t._("Input"), Path(source).name),
        (t._("Fingerprint of the input (SHA-256)"), fingerprint(source)[:16]),
    ]
    if mapping:
        rows.append((t._("Mapping"), f"{Path(mapping).name}, {fingerprint(mapping)[:16]}"))
    rows += [(t._("Changed"), f"{path}: {new}") for path, new in (overrides or {}).items()]
    known = {"seed": t._("Seed"), "engine": t._("Engine"), "replication": t._("Replication")}
    rows += [
        (title, meta.provenance[key]) for key, title in known.items() if key in meta.provenance
    ]
    rows += [
        (t._("Window"), t.period(meta.observed_from, meta.observed_until, meta.time_zone)),
        (t._("Time zone"), meta.time_zone),
        (t._("Rows of the event log"), sizes),
        (t._("Versions"), ", ".join(f"{part} {version(part)}" for part in PARTS)),
    ]
    return table(
        [Column(title=t._("What")), Column(title=t._("Which"))],
        rows,
        caption=t._("Input, seed and versions"),
    )


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as one mapping per row."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _percentiles(found: pd.DataFrame, item: str) -> pd.DataFrame:
    """One row per stage or team, one column per percentile, in the measure's order."""
    found = found[found["quantile"].notna()]
    wide = found.pivot_table(
        index=item, columns="quantile", values="value", dropna=False, sort=False
    )
    return wide.reindex(columns=[0.5, 0.8, 0.95])


def _durations(
    timed: Sequence[tuple[str, pd.Series]], t: Texts
) -> tuple[list[Column], list[tuple[str, ...]]]:
    """Columns of durations, each in the unit a person would use, without the unknown ones."""
    known = [(title, values) for title, values in timed if values.notna().any()]
    columns = [Column(title=title, numeric=True) for title, _ in known]
    cells = [[t.duration(value) for value in values] for _, values in known]
    return columns, list(zip(*cells, strict=True))


def _bare(per_cent: str) -> str:
    """A share without its sign, for a column headed %."""
    return per_cent.replace("%", "").strip("\u00a0\u202f ")
