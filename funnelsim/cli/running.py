"""From what a command was given to an event log, with warnings on the way."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from funnelsim.cli.progress import progress_bar
from funnelsim.events import EventLog
from funnelsim.scenarios.checks import load_sound
from funnelsim.scenarios.scenario import Scenario

__all__ = ["is_scenario", "made_with", "manifest_of", "opened", "played", "ready"]

Settings = Mapping[str, Any]

_PARTS = ("numpy", "pandas", "scipy", "simpy")


def is_scenario(source: Path) -> bool:
    """Scenarios are YAML files.

    Examples
    --------
    >>> is_scenario(Path("bank-retail.yaml")), is_scenario(Path("deals.csv"))
    (True, False)
    """
    return source.suffix.lower() in {".yaml", ".yml"}


def ready(file: Path, settings: Settings) -> Scenario:
    """A scenario that is fit to be run; warnings about it go to the terminal."""
    scenario, findings = load_sound(file, settings)
    for finding in findings:
        if finding.severity == "warning":
            print(finding, file=sys.stderr)  # noqa: T201 - the message is the output
    return scenario


def played(scenario: Scenario, *, seed: int, replication: int = 0) -> EventLog:
    """Simulate a scenario, with a progress bar where somebody looks."""
    from funnelsim.engine import simulate

    with progress_bar(f"Simulating {scenario.name}") as tell:
        return simulate(scenario, seed=seed, replication=replication, progress=tell)


def opened(source: Path, *, mapping: Path | None, settings: Settings, seed: int) -> EventLog:
    """The log of a scenario, a folder or an export."""
    from funnelsim.reporting.inputs import check_input, open_log

    check_input(source, mapping=mapping or "", overrides=settings)
    if is_scenario(source):
        return played(ready(source, settings), seed=seed)
    return open_log(source, mapping=mapping or "", seed=seed, overrides=settings)


def manifest_of(
    scenario: Scenario, file: Path, settings: Settings, *, seed: int, replication: int
) -> dict[str, Any]:
    """Where a simulated log came from: enough to make the same again."""
    return {
        "format_version": 1,
        "command": "simulate",
        "input": file.name,
        "scenario": scenario.name,
        "scenario_sha256": scenario.fingerprint(),
        "overrides": dict(settings),
        "seed": seed,
        "replication": replication,
        "versions": made_with(),
    }


def made_with() -> dict[str, str]:
    """Versions of what numbers hang on."""
    return {
        "funnelsim": version("funnelsim"),
        "python": platform.python_version(),
        **{part: version(part) for part in _PARTS},
    }
