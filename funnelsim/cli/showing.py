"""What commands print: findings, folders, and data for machines."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from funnelsim.errors import Problem
    from funnelsim.events import EventLog
    from funnelsim.scenarios.capacity import TeamLoad
    from funnelsim.scenarios.findings import Finding
    from funnelsim.scenarios.scenario import Scenario

__all__ = ["console", "json_text", "show_check", "show_json", "show_saved"]

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
_PIPED = 160


def console() -> Console:
    """Where tables go; wide enough not to break lines when nobody looks."""
    found = Console(highlight=False, soft_wrap=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        found = Console(highlight=False, width=_PIPED)
    return found


def json_text(data: object) -> str:
    r"""Data as JSON; what is no number is null, as JSON has no other word for it.

    Examples
    --------
    >>> json_text({"a": float("nan")})
    '{\n  "a": null\n}'
    """
    return json.dumps(_plain(data), ensure_ascii=False, indent=2, default=str, allow_nan=False)


def _plain(data: Any) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(data, Mapping):
        return {str(key): _plain(item) for key, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(item) for item in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data


def show_json(data: object) -> None:
    """Print data for machines."""
    print(json_text(data))  # noqa: T201 - the output


def show_check(
    scenario: Scenario, findings: Sequence[tuple[Finding, Problem]], teams: Sequence[TeamLoad]
) -> None:
    """Print what a check found, and how busy teams will be."""
    out = console()
    if teams:
        table = Table(title="Offered load, about", title_justify="left", box=None, pad_edge=False)
        for name in ("team", "seats", "work a week", "staffed a week", "load"):
            table.add_column(name, justify="left" if name == "team" else "right")
        for team in teams:
            load = f"{team.load:.0%}" if math.isfinite(team.load) else "∞"
            work = f"{team.work:.1f} h" if math.isfinite(team.work) else "∞"
            table.add_row(team.team, str(team.seats), work, f"{team.staffed:.1f} h", load)
        out.print(table)
        out.print()
    for finding, place in findings:
        style = _STYLES[finding.severity]
        out.print(f"[{style}]{finding.severity}[/]", end=" ")
        out.print(str(place), markup=False, soft_wrap=True)
    severities = [finding.severity for finding, _ in findings]
    counts = [_counted(severities.count(one), one) for one in _STYLES if one in severities]
    parts = [
        _counted(len(scenario.stages), "stage"),
        _counted(len(scenario.sources), "source"),
        _counted(len(scenario.teams), "team"),
    ]
    verdict = ", ".join(counts) or "nothing to mend"
    out.print(f"{scenario.name} ({', '.join(parts)}): {verdict}", markup=False, soft_wrap=True)


def _counted(number: int, thing: str) -> str:
    """``1 team``, ``2 teams``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def show_saved(log: EventLog, folder: Path) -> None:
    """Print where a log lies and what is in it."""
    rows = {"leads": log.leads, "visits": log.visits, "efforts": log.efforts, "marks": log.marks}
    listed = ", ".join(f"{len(table):,} {name}" for name, table in rows.items())
    print(f"{folder}: {listed}")  # noqa: T201 - the output
