"""`export_crm`: a scenario or a log → what a CRM would export, and the truth beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from funnelsim.calibration.exports.answer_key import truth_of, write_answer_key
from funnelsim.calibration.exports.book import book_of, state_at
from funnelsim.calibration.exports.dirt import dirt_of, soiled
from funnelsim.calibration.exports.formats import FORMATS
from funnelsim.calibration.exports.holding import CrmFormat
from funnelsim.calibration.exports.living import Life, live
from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.events.folders import whole_folder
from funnelsim.scenarios.scenario import Scenario

__all__ = ["Export", "export_crm"]

Language = Literal["en", "ru", "uk"]

LANGUAGES: tuple[str, ...] = get_args(Language)
ANSWERS = "answer-key"


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

    Examples
    --------
    >>> import tempfile
    >>> from funnelsim.events.example import LOG
    >>> with tempfile.TemporaryDirectory() as place:
    ...     export = export_crm(LOG, f"{place}/try", format="zoho", seed=1, dirt="owners=50%")
    >>> [path.name for path in export.files], export.truth["dirt"][0]["count"]
    (['Deals_2024_03_01.csv'], 1)
    """
    chosen = _format(format, language)
    amounts = dirt_of(dirt)
    life = _life(scenario_or_log, seed)
    log = life.log
    moments = _moments(log, taken_at, on_days)
    known = log.as_of(moments[-1].to_pydatetime())
    scenario = scenario_or_log if isinstance(scenario_or_log, Scenario) else None
    clean = book_of(
        known,
        language=language,
        deal_id=chosen.deal_id,
        values=life.values,
        closing=chosen.closing,
        numbered=chosen.numbered,
        whole=chosen.holds.after_closing,
    )
    dirty, planted = soiled(clean, amounts, seed)
    states = [state_at(dirty, moment) for moment in moments]
    files = {name: content for state in states for name, content in chosen.write(state).items()}
    about = {
        "format": format,
        "language": language,
        "seed": seed,
        "taken_at": [moment.isoformat() for moment in moments],
        "files": list(files),
        "holds": asdict(chosen.holds),
    }
    later = life.later if scenario is not None else None
    truth = truth_of(clean, states[-1], planted, scenario=scenario, later=later, about=about)

    def fill(place: Path) -> None:
        for name, content in files.items():
            (place / name).write_bytes(content)
        write_answer_key(place / ANSWERS, clean, later, scenario, truth)

    mark = f"{ANSWERS}/truth.json"
    where = whole_folder(Path(folder), fill, mark=mark, kind="an earlier export")
    return Export(
        folder=where,
        format=format,
        files=tuple(where / name for name in files),
        answer_key=where / ANSWERS,
        log=clean.log,
        truth=truth,
    )


def _format(name: str, language: str) -> CrmFormat:
    """Return the format, or say which there are."""
    problems = []
    if name not in FORMATS:
        problems.append(Problem(f'"{name}" is no format', "format", fix=_allowed(name, FORMATS)))
    if language not in LANGUAGES:
        fix = _allowed(language, LANGUAGES)
        problems.append(Problem(f'"{language}" is no language of names', "language", fix=fix))
    if problems:
        raise ParameterError(problems)
    return FORMATS[name]


def _allowed(given: str, names: Iterable[str]) -> str:
    """Return a suggestion, or else all that there are."""
    return did_you_mean(given, list(names), limit=30)


def _life(given: Scenario | EventLog, seed: int) -> Life:
    """Return what happened, simulated where a scenario is given."""
    if isinstance(given, Scenario):
        return live(given, seed)
    if given.meta.history != "full":
        fix = "Export a log with full history, or a scenario."
        raise ParameterError(Problem(f"the log's history is {given.meta.history}", fix=fix))
    return Life(given, given, {})


def _moments(
    log: EventLog, taken_at: str | datetime | None, on_days: Sequence[str | date | datetime]
) -> list[pd.Timestamp]:
    """Return when exports are taken, in order."""
    start, end = pd.Timestamp(log.meta.observed_from), pd.Timestamp(log.meta.observed_until)
    given = [*on_days, *([taken_at] if taken_at is not None else [])]
    found, problems = set(), []
    for moment in given:
        try:
            stamp = pd.Timestamp(moment)
            stamp = stamp.tz_localize(log.meta.time_zone) if stamp.tzinfo is None else stamp
        except (ValueError, TypeError) as problem:
            fix = "Write it as 2024-02-29 or 2024-02-29T09:00."
            problems.append(Problem(f'"{moment}" is no time ({problem})', "on_days", fix=fix))
            continue
        if not start < stamp <= end:
            fix = f"Choose a moment after {start} and not after {end}."
            problems.append(Problem(f"{moment} is outside the log", "on_days", fix=fix))
        found.add(stamp.tz_convert("UTC"))
    if problems:
        raise ParameterError(problems)
    return sorted(found) or [end]
