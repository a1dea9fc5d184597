"""`export_crm`: a scenario or a log → what a CRM would export, and the truth beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.scenarios.scenario import Scenario

__all__ = ["Export", "export_crm"]

Language = Literal["en", "ru", "uk"]


@dataclass(frozen=True, eq=False)
class Export:
    """What was written.

    Parameters
    ----------
    folder : Path
        Where.
    format : str
        The CRM.
    files : tuple of Path
        The exports, oldest first.
    answer_key : Path
        The folder with the truth.
    log : EventLog
        What happened, with the CRM's ids, up to the last export.
    truth : mapping
        As in ``truth.json``.
    """

    folder: Path
    format: str
    files: tuple[Path, ...]
    answer_key: Path
    log: EventLog
    truth: Mapping[str, Any]


def export_crm(
    scenario_or_log: Scenario | EventLog,
    folder: str | Path,
    *,
    format: str,  # noqa: A002 - as EventLog.save
    seed: int,
    dirt: str | Mapping[str, float] | Sequence[str] | None = None,
    language: Language = "en",
    taken_at: str | datetime | None = None,
    on_days: Sequence[str | date | datetime] = (),
) -> Export:
    """Write what a CRM would export of a simulated (or any) log, and the truth beside it.

    Parameters
    ----------
    scenario_or_log : Scenario or EventLog
    folder : str or Path
        New, empty, or an earlier export, which is replaced.
    format : str
        ``amocrm``, ``bitrix24``, ``hubspot``, ``salesforce``, ``pipedrive``, ``zoho``,
        ``dynamics365``, ``mapped`` or ``process``.
    seed : int
        The same seed writes the same bytes.
    dirt : str, mapping or sequence of str, optional
        ``none``, ``light``, ``heavy``, or kinds: ``"duplicates=2%,zombies=5%"``.
    language : {"en", "ru", "uk"}
        Of the names of stages, sources and customers.
    taken_at : str or datetime, optional
        When the files were exported; by default at the end of the log.
    on_days : sequence, optional
        Export on each of these days instead.

    Returns
    -------
    Export

    Raises
    ------
    ParameterError
        Unknown formats, kinds of dirt, languages; moments outside the log.
    DataError
        The folder holds something else or cannot be written.
    """
    raise ParameterError(Problem("export_crm is being built"))
