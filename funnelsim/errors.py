"""Every error funnelsim raises on purpose, and how a planner reads it.

::

    FunnelsimError
    ├── InputError              something the user gave is wrong      exit 2
    │   ├── ScenarioError       a scenario, change or its checks
    │   ├── DataError           a CRM export, a mapping, a table file
    │   ├── EventLogError       rows that break the event log's rules
    │   ├── HistoryError        a measure the log's history cannot support
    │   └── ParameterError      a command's or a notebook's parameter
    └── RunError                the input was fine, the work failed   exit 1

An ``InputError`` carries *all* problems found, each with its place, its path,
the offending value and the fix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "DataError",
    "EventLogError",
    "FunnelsimError",
    "HistoryError",
    "InputError",
    "ParameterError",
    "Problem",
    "RunError",
    "ScenarioError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to fix.

    Parameters
    ----------
    message : str
        What is wrong, with the value, in one clause.
    where : str
        ``file:line:column``, or the name of a table; empty if unknown.
    path : str
        Dotted path inside the file, for example ``stages.demo.next``.
    fix : str
        What to do about it; empty when the message already says so.

    Examples
    --------
    >>> print(Problem("probabilities sum to 1.2", "b2b.yaml:31:5", "stages.demo.next"))
    b2b.yaml:31:5 stages.demo.next: probabilities sum to 1.2
    """

    message: str
    where: str = ""
    path: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = " ".join(part for part in (self.where, self.path) if part)
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}. {self.fix}" if self.fix else text


class FunnelsimError(Exception):
    """Base of all errors raised on purpose."""


class InputError(FunnelsimError):
    """Something the user gave is wrong; holds every problem found.

    Examples
    --------
    >>> error = InputError([Problem("no stages"), Problem("no sources")])
    >>> len(error.problems)
    2
    """

    def __init__(self, problems: Iterable[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class ScenarioError(InputError):
    """A scenario, a change to it, or a check of it failed."""


class DataError(InputError):
    """A CRM export, a mapping file or a table file cannot be used."""


class EventLogError(InputError):
    """Rows break the rules of the event log."""


class HistoryError(InputError):
    """The log's history level cannot support the measure asked for."""


class ParameterError(InputError):
    """A parameter of a command or of a notebook is unknown or of the wrong kind."""


class RunError(FunnelsimError):
    """The input was fine but the work failed."""
