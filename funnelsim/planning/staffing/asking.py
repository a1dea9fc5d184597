"""What is asked of a staffing plan, or every problem with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.planning.staffing.service import ServiceLevel, service_levels
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import HOUR, WEEK, parse_duration

__all__ = ["asked", "check_numbers"]


def check_numbers(
    scenario: Scenario, max_occupancy: float, sure: float, n: int, trials: int
) -> None:
    """Refuse numbers out of range, and a scenario in which nobody works."""
    problems = []
    if not scenario.teams:
        fix = "Say who works (teams) and how long (work of stages); an export needs its tasks."
        problems.append(Problem("the scenario has no teams", scenario.name, "teams", fix))
    shares = {"max_occupancy": (max_occupancy, 1.0), "sure": (sure, 0.999)}
    problems += [
        Problem(f"{name} is {value!r}", path=name, fix=f"Give a share above 0, up to {most:g}.")
        for name, (value, most) in shares.items()
        if not 0 < value <= most
    ]
    problems += [
        Problem(f"{name} is {value!r}", path=name, fix=f"Give a whole number from {least} on.")
        for name, value, least in (("n", n, 2), ("trials", trials, 0))
        if value < least or value % 1 or (name == "trials" and value == 1)
    ]
    if problems:
        raise ParameterError(problems)


def asked(
    scenario: Scenario,
    service_level: str | ServiceLevel | Mapping[str, str | ServiceLevel],
    teams: Sequence[str],
    shrinkage: float | Mapping[str, float] | None,
    contract: str,
) -> tuple[dict[str, ServiceLevel], dict[str, float], float]:
    """Promises, shrinkage and contract hours, or every problem with them."""
    problems = [
        Problem(
            f'there is no team "{team}"',
            path="teams",
            fix=did_you_mean(team, scenario.teams, limit=20),
        )
        for team in teams
        if team not in scenario.teams
    ]

    def tried(make: Callable[[], Any], usual: Any) -> Any:  # noqa: ANN401 - what make returns
        try:
            return make()
        except ParameterError as wrong:
            problems.extend(wrong.problems)
            return usual

    levels = tried(lambda: service_levels(service_level, list(scenario.teams)), {})
    lost = tried(lambda: _shrinkage(scenario, shrinkage), {})
    hours = tried(lambda: _contract(contract), 40.0)
    if problems:
        raise ParameterError(problems)
    chosen = [team for team in levels if not teams or team in teams]
    return {team: levels[team] for team in chosen}, lost, hours


def _shrinkage(scenario: Scenario, told: float | Mapping[str, float] | None) -> dict[str, float]:
    """By team."""
    by_team = {
        team: told.get(team, own.shrinkage)
        if isinstance(told, Mapping)
        else own.shrinkage
        if told is None
        else told
        for team, own in scenario.teams.items()
    }
    unknown = set(told) - set(by_team) if isinstance(told, Mapping) else set()
    problems = [Problem(f'there is no team "{t}"', path="shrinkage") for t in sorted(unknown)]
    problems += [
        Problem(f"{share!r}", path=f"shrinkage.{team}", fix="Give a share from 0 to below 1.")
        for team, share in by_team.items()
        if not 0 <= share < 1
    ]
    if problems:
        raise ParameterError(problems)
    return by_team


def _contract(text: str) -> float:
    """Hours a week."""
    fix = "Give the hours a week, such as 40 h."
    try:
        duration = parse_duration(re.sub(r"\s*/\s*w$", "", str(text)))
    except ValueError as wrong:
        raise ParameterError(Problem(str(wrong), path="contract", fix=fix)) from None
    length = duration.microseconds()
    if duration.clock != "elapsed" or not 0 < length <= WEEK:
        raise ParameterError(Problem(f"{text!r} a week", path="contract", fix=fix))
    return length / HOUR
