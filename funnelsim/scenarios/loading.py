"""Scenario files → scenarios, with every problem at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from funnelsim.documents import Document, load_document, validate
from funnelsim.errors import Problem, ScenarioError
from funnelsim.scenarios.references import broken_references
from funnelsim.scenarios.scenario import Scenario

__all__ = ["from_data", "load", "read_scenario"]


def load(path: str | Path) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : str or Path
        A YAML file whose first line is ``funnelsim: 1``.

    Returns
    -------
    Scenario
        Immutable.

    Raises
    ------
    ScenarioError
        Every problem found, each with ``file:line:column``, its dotted path, the
        value and what is allowed.

    Examples
    --------
    >>> from funnelsim import shipped
    >>> load(shipped.scenarios() / "bank-retail.yaml").currency
    'UAH'
    """
    return read_scenario(load_document(path, ScenarioError))


def from_data(data: Mapping[str, Any], name: str = "scenario") -> Scenario:
    """Make a scenario from plain data, as it would stand in a file.

    Parameters
    ----------
    data : Mapping
        What ``Scenario.plain`` gives.
    name : str
        How messages call the data.

    Raises
    ------
    ScenarioError
        Every problem found.

    Examples
    --------
    >>> from_data({"funnelsim": 1})
    Traceback (most recent call last):
    funnelsim.errors.ScenarioError: scenario name: is missing. Add it: Short and lasting...
    """
    return read_scenario(Document(name, dict(data)))


def read_scenario(document: Document) -> Scenario:
    r"""Make a scenario from a document.

    Parameters
    ----------
    document : Document
        From ``funnelsim.documents``.

    Raises
    ------
    ScenarioError
        Every problem found: what the models refuse and names that point nowhere.

    Examples
    --------
    >>> from funnelsim.documents import parse_document
    >>> text = "funnelsim: 1\nname: x\nrun: {start: 2026-01-05}\nsources: {}\nstages: {}\n"
    >>> try:
    ...     read_scenario(parse_document(text, "x.yaml"))
    ... except ScenarioError as error:
    ...     print(len(error.problems))
    3
    """
    if "events" in document.data and "sources" not in document.data:
        fix = "Give it with --mapping, beside the export."
        raise ScenarioError(
            Problem("is the mapping of an export, not a scenario", document.name, fix=fix)
        )
    broken = [
        replace(problem, where=document.where(reference.path, key="to" in reference.path[-2:-1]))
        for reference, problem in broken_references(document.data)
    ]
    try:
        scenario = validate(document, Scenario, ScenarioError)
    except ScenarioError as refused:
        if document.data.get("funnelsim", 1) != 1:  # another language: nothing else is known
            raise
        problems = [*refused.problems, *_behind_version(document), *broken]
    else:
        return scenario
    raise ScenarioError(_in_order(problems))


def _behind_version(document: Document) -> tuple[Problem, ...]:
    """What else is wrong when the first line already is."""
    data = document.data
    if next(iter(data), None) == "funnelsim":
        return ()
    try:
        validate(replace(document, data={"funnelsim": 1, **data}), Scenario, ScenarioError)
    except ScenarioError as more:
        return more.problems
    return ()


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By place in the file; of several about one path, the one that knows its place."""
    found: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        key = (problem.path, problem.message)
        if key not in found or not found[key].where:
            found[key] = problem
    return sorted(found.values(), key=lambda problem: _place(problem.where))


def _place(where: str) -> tuple[int, int]:
    """Line and column; what has none comes first."""
    parts = where.rsplit(":", 2)
    if len(parts) < 3 or not (parts[1] + parts[2]).isdigit():  # noqa: PLR2004 - file, line, column
        return (0, 0)
    return int(parts[1]), int(parts[2])
