"""What a report is made from: a scenario, a saved event log or a raw export."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.errors import DataError, ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.events.files import is_log

if TYPE_CHECKING:
    from funnelsim.scenarios.scenario import Scenario

__all__ = [
    "check_data",
    "check_experiment",
    "check_input",
    "check_readable",
    "fingerprint",
    "is_export",
    "open_log",
    "open_scenario",
    "titled",
]

SCENARIO_ENDINGS = {".yaml", ".yml"}
ENDINGS = re.compile(r"(\.(ya?ml|csv|tsv|txt|xlsx?|parquet|gz|zip))+$", re.IGNORECASE)


def open_log(
    source: str | Path,
    *,
    mapping: str | Path = "",
    seed: int = 1,
    overrides: Mapping[str, Any] | None = None,
) -> EventLog:
    """Get an event log from whatever there is.

    Parameters
    ----------
    source : str or Path
        A scenario (``.yaml``: it is simulated), a folder that holds an event log,
        a raw export, or a folder of exports of one CRM.
    mapping : str or Path
        A mapping file, for an export of a format that is not recognised.
    seed : int
        For a scenario.
    overrides : mapping, optional
        Changes to a scenario, dotted path → value.

    Returns
    -------
    EventLog

    Raises
    ------
    ParameterError
        A mapping for what needs none, overrides for what is no scenario.
    InputError
        The input cannot be read.

    Examples
    --------
    >>> open_log("deals.csv")
    Traceback (most recent call last):
    funnelsim.errors.DataError: deals.csv: there is no such file
    """
    path = Path(source)
    check_input(path, mapping=mapping, overrides=overrides or {})
    if scenario := open_scenario(path, overrides=overrides):
        from funnelsim.engine import simulate

        return simulate(scenario, seed=seed)
    if is_log(path):
        return EventLog.load(path)
    from funnelsim.calibration.readers.crm import read_crm

    return read_crm(path, mapping=mapping or None).events()


def open_scenario(
    source: str | Path, *, overrides: Mapping[str, Any] | None = None
) -> Scenario | None:
    """Get the scenario that `open_log` simulates.

    Parameters
    ----------
    source, overrides
        As for `open_log`.

    Returns
    -------
    Scenario or None
        With the overrides made; None where the source is data.

    Raises
    ------
    InputError
        The scenario cannot be read or changed so.

    Examples
    --------
    >>> open_scenario("deals.csv") is None
    True
    """
    if not _is_scenario(Path(source)):
        return None
    from funnelsim.scenarios.changes import Change, apply
    from funnelsim.scenarios.loading import load

    scenario = load(source)
    if overrides:
        scenario = apply(scenario, Change(name="overrides", overrides=overrides))
    return scenario


def check_experiment(
    source: str | Path, kind: str, overrides: Mapping[str, Any] | None = None
) -> None:
    """Refuse what nothing can be tried on: data, or a scenario without the what-ifs asked for.

    Parameters
    ----------
    source : str or Path
        What should be a scenario.
    kind : {"what-if", "levers"}
        Of the report.
    overrides : mapping, optional
        Changes to it.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_experiment("deals.csv", "levers")
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: kind: deals.csv is data; only a scenario can be changed...
    """
    scenario = open_scenario(source, overrides=overrides)
    if scenario is None:
        message = f"{source} is data; only a scenario can be changed and simulated"
        fix = "Give a scenario (.yaml), or ask for a funnel-review."
        raise ParameterError(Problem(message, path="kind", fix=fix))
    if kind == "what-if" and not scenario.what_ifs:
        fix = "Put the questions under what_ifs: with a label and what is set."
        raise ParameterError(Problem("lists no what-ifs", str(source), "what_ifs", fix))


def check_data(source: str | Path) -> None:
    """Refuse to calibrate on a scenario: it is what comes out.

    Parameters
    ----------
    source : str or Path

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> check_data("bank.yaml")
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: kind: bank.yaml is a scenario; calibration is for data...
    """
    if _is_scenario(Path(source)):
        message = f"{source} is a scenario; calibration is for data"
        fix = "Give an export or a saved event log; funnelsim simulate makes one of a scenario."
        raise ParameterError(Problem(message, path="kind", fix=fix))


def check_input(
    source: str | Path, *, mapping: str | Path = "", overrides: Mapping[str, Any] | None = None
) -> None:
    """Refuse what cannot be meant, before any work.

    Parameters
    ----------
    source, mapping, overrides
        As for `open_log`.

    Raises
    ------
    DataError
        There is no such file.
    ParameterError
        A mapping for what needs none; overrides for what is no scenario.

    Examples
    --------
    >>> from funnelsim.shipped import notebooks
    >>> check_input(notebooks() / "README.md", overrides={"teams.desk.seats": 2})
    Traceback (most recent call last):
    funnelsim.errors.ParameterError: overrides: ...README.md is data; only a scenario can be
    changed. Leave them out, or give a scenario.
    """
    path, is_scenario = Path(source), _is_scenario(Path(source))
    if not path.exists():
        raise DataError(Problem("there is no such file", str(path)))
    problems = []
    if mapping and (is_scenario or is_log(path)):
        problems.append(Problem(f"{path} needs no mapping", path="mapping", fix="Leave it out."))
    if overrides and not is_scenario:
        problems.append(
            Problem(
                f"{path} is data; only a scenario can be changed",
                path="overrides",
                fix="Leave them out, or give a scenario.",
            )
        )
    if problems:
        raise ParameterError(problems)


def check_readable(source: str | Path, *, mapping: str | Path = "") -> None:
    """Refuse an export that no reader knows, before a notebook starts.

    Parameters
    ----------
    source, mapping
        As for `open_log`.

    Raises
    ------
    DataError
        What is wrong with the file, and what to do about it.

    Examples
    --------
    >>> from funnelsim.shipped import notebooks
    >>> check_readable(notebooks() / "README.md")
    Traceback (most recent call last):
    funnelsim.errors.DataError: ...README.md: ...
    """
    path = Path(source)
    if mapping or is_log(path) or _is_scenario(path):
        return
    from funnelsim.calibration.readers.crm import read_crm

    read_crm(path)


def fingerprint(source: str | Path) -> str:
    """SHA-256 of a file, or of all files of a folder and their names.

    Parameters
    ----------
    source : str or Path
        A file or a folder.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    DataError
        If there is no such file.

    Examples
    --------
    >>> from funnelsim.shipped import notebooks
    >>> len(fingerprint(notebooks() / "README.md"))
    64
    """
    path = Path(source)
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    if not path.is_dir():
        raise DataError(Problem("there is no such file", str(path)))
    whole = hashlib.sha256()
    for part in sorted(path.rglob("*")):
        if part.is_file():
            whole.update(f"{part.relative_to(path).as_posix()}\0{fingerprint(part)}\n".encode())
    return whole.hexdigest()


def is_export(source: str | Path) -> bool:
    """Whether a source is a raw export, and neither a scenario nor an event log.

    Examples
    --------
    >>> is_export("deals.csv"), is_export("bank.yaml")
    (True, False)
    """
    path = Path(source)
    return not is_log(path) and not _is_scenario(path)


def _is_scenario(path: Path) -> bool:
    """Scenarios are YAML files."""
    return path.suffix.lower() in SCENARIO_ENDINGS


def titled(source: str | Path) -> str:
    """What an input without a title is called: its file or folder, without the ending.

    Examples
    --------
    >>> titled("exports/deals-2026.csv.gz")
    'deals-2026'
    """
    return ENDINGS.sub("", Path(source).name)
