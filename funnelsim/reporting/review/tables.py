"""Measures → tables of texts, with numbers and units as the reader writes them."""

from __future__ import annotations

from collections.abc import Sequence
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
    working_time,
)
from funnelsim.measures.journeys import selling_path
from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Column, Table
from funnelsim.reporting.names import Names
from funnelsim.reporting.texts import Texts

__all__ = ["lasting", "lost", "sources", "stages", "teams", "times"]

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
    ('interest', '5', '3', '60')
    """
    names = Names.of(log, t)
    path = selling_path(log)
    found = stage_conversion(log)
    selling = found["stage"].isin(path[:-1])
    steps = pd.concat([found[selling], found[~selling]])
    reached = end_to_end_conversion(log).set_index("stage")["value"]
    number = t._("leads")
    return table(
        [
            column(t._("Stage")),
            column(t._("Came"), unit=number, numeric=True),
            column(t._("Went on"), unit=number, numeric=True),
            column(t._("Stage conversion"), unit="%", numeric=True),
            column(t._("95% interval"), unit="%", numeric=True),
            column(t._("Of all leads"), unit="%", numeric=True),
            column(t._("Lost"), unit=number, numeric=True),
            column(t._("Other ways"), unit=number, numeric=True),
            column(t._("Open"), unit=number, numeric=True),
        ],
        [
            (
                names.of_stage(row["stage"]),
                t.number(row["entered"]),
                t.number(row["advanced"]),
                t.bare_share(row["value"]),
                t.bare_shares(row["lo"], row["hi"]),
                t.bare_share(reached.get(row["stage"], np.nan)),
                t.number(row["lost"]),
                t.number(row["other"]),
                t.number(row["open"]),
            )
            for row in _rows(steps)
        ],
        caption=t._("Conversion stage by stage"),
        note=" ".join([_counted(t), *_aside(found[~selling]["stage"], names, t)]),
    )


def _counted(t: Texts) -> str:
    """How conversion is counted."""
    return t._(
        "Stage conversion takes open leads into account, so it is not simply Went on ÷ Came. "
        "A lead that skipped a stage passed it."
    )


def _aside(stages: pd.Series, names: Names, t: Texts) -> list[str]:
    """Which rows are no steps of the sale."""
    if not len(stages):
        return []
    said = t._("From “{stage}” on: stages beside the way to the win, or after it.")
    return [said.format(stage=names.of_stage(stages.iloc[0]))]


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
            t.bare_share(row["share"]),
        )
        for row in _rows(found.head(MOST_ROWS))
    ]
    rest = found.iloc[MOST_ROWS:]
    if len(rest):
        others = t.number(rest["value"].sum())
        rows.append((t._("All others"), "", others, t.bare_share(rest["share"].sum())))
    rows.append((t._("Together"), "", t.number(found["value"].sum()), t.bare_share(1.0)))
    return table(
        [
            column(t._("Last stage")),
            column(t._("Reason")),
            column(t._("Lost"), unit=t._("leads"), numeric=True),
            column(t._("Of all losses"), unit="%", numeric=True),
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
            column(t._("Source")),
            column(t._("Leads arrived"), numeric=True),
            column(t._("Won so far"), unit=t._("leads"), numeric=True),
            column(t._("Open"), unit=t._("leads"), numeric=True),
            column(t._("Leads that win"), unit="%", numeric=True),
            column(t._("95% interval"), unit="%", numeric=True),
        ],
        [
            (
                names.of_other(row["source"]),
                t.number(row["n"]),
                t.number(row["won"]),
                t.number(row["open"]),
                t.bare_share(row["value"]),
                t.bare_shares(row["lo"], row["hi"]),
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
    found = lasting(dwell_time(log))
    stay = _percentiles(found, "stage")
    middle = found[found["quantile"] == 0.5].set_index("stage")  # noqa: PLR2004 - the median
    return table(
        [
            column(t._("Stage")),
            column(t._("Visits"), numeric=True),
            column(t._("Still there"), numeric=True),
            column(t._("Median"), numeric=True),
            column(t._("95% interval"), numeric=True),
            column(t._("80% within"), numeric=True),
            column(t._("95% within"), numeric=True),
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
        column(t._("Utilisation"), unit="%", numeric=True),
        column(t._("Overtime"), unit=t._("h"), numeric=True),
    ]
    rows = []
    for team, row in zip(busy.index, cells, strict=True):
        told = (t.bare_share(busy["value"][team]), t.number(busy["overtime_h"][team]))
        rows.append(
            (names.of_team(team), t.number(busy["n"][team]), *row, *(told if known else ()))
        )
    return table(
        [
            column(t._("Team")),
            column(t._("Pieces of work"), numeric=True),
            *columns,
            *(staffed if known else ()),
        ],
        rows,
        caption=t._("Teams"),
        note="" if known else t._("The data does not say when teams were staffed."),
    )


def lasting(stays: pd.DataFrame) -> pd.DataFrame:
    """Leave out stages that every lead passes at once, a monthly payment for example.

    Parameters
    ----------
    stays : DataFrame
        As ``measures.dwell_time`` returns it.

    Returns
    -------
    DataFrame
        The rows of the other stages; one that nobody has left yet is no such stage.
    """
    times = stays.assign(most=stays[["value", "lo", "hi"]].max(axis=1))
    longest = times.groupby("stage", sort=False)["most"].max()
    at_once = [stage for stage, most in zip(longest.index, longest, strict=True) if most == 0]
    return stays[~stays["stage"].isin(at_once)]


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
    columns = [column(title, numeric=True) for title, _ in known]
    cells = [[t.duration(value) for value in values] for _, values in known]
    return columns, list(zip(*cells, strict=True))
