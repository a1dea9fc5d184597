"""Which measures the command line gives, and how they are written to files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from funnelsim.errors import HistoryError, ParameterError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.events import EventLog

__all__ = ["Tables", "all_measures", "write_tables"]

Tables = Mapping[str, "pd.DataFrame"]


def all_measures(
    log: EventLog, by: tuple[str, ...] = ()
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Every measure that a person asks for first.

    Parameters
    ----------
    log : EventLog
        From anywhere.
    by : tuple of str
        Columns of leads to break down by, where a measure can.

    Returns
    -------
    tuple of dict
        Tables by the measure's name; and why some cannot be had from this log.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> tables, refused = all_measures(BANK)
    >>> list(tables)[:3], refused
    (['headline', 'outcomes', 'win_rate'], {})
    """
    from funnelsim import measures as m

    known: dict[str, Callable[[], pd.DataFrame]] = {
        "headline": lambda: m.headline(log),
        "outcomes": lambda: m.outcomes(log, by=by),
        "win_rate": lambda: m.win_rate(log, by=by),
        "stage_conversion": lambda: m.stage_conversion(log, by=by),
        "end_to_end_conversion": lambda: m.end_to_end_conversion(log, by=by),
        "weakest_stage": lambda: m.weakest_stage(log, by=by),
        "losses": lambda: m.losses(log, by=by),
        "transitions": lambda: m.transitions(log, by=by),
        "cycle_time": lambda: m.cycle_time(log, by=by),
        "dwell_time": lambda: m.dwell_time(log, by=by),
        "delay_time": lambda: m.delay_time(log, by=by),
        "waiting_time": lambda: m.waiting_time(log, by=by, per="team"),
        "working_time": lambda: m.working_time(log, by=by, per="team"),
        "utilisation": lambda: m.utilisation(log),
        "service_level": lambda: m.service_level(log, by=by),
        "throughput": lambda: m.throughput(log, by=by),
        "won_value": lambda: m.won_value(log, by=by),
        "mass_balance": lambda: m.mass_balance(log, by=by),
    }
    tables: dict[str, pd.DataFrame] = {}
    refused: dict[str, str] = {}
    for name, measure in known.items():
        try:
            tables[name] = measure()
        except HistoryError as error:
            refused[name] = str(error)
    return tables, refused


def write_tables(tables: Tables, folder: Path) -> None:
    """Write every table as CSV (UTF-8 with a mark, so that Excel reads it), each whole.

    Parameters
    ----------
    tables : mapping
        By name.
    folder : Path
        Made if missing; older tables in it are replaced.

    Raises
    ------
    ParameterError
        If the folder cannot be written.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_tables(all_measures(BANK)[0], Path(place))
    ...     (Path(place) / "losses.csv").exists()
    True
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tables-", dir=folder) as scratch:
            for name, table in tables.items():
                table.to_csv(Path(scratch) / f"{name}.csv", index=False, encoding="utf-8-sig")
            for file in sorted(Path(scratch).iterdir()):
                file.replace(folder / file.name)
    except OSError as failed:
        message = f"cannot be written ({failed.strerror})"
        raise ParameterError(
            Problem(message, str(folder), "--out", "Choose another folder.")
        ) from None
