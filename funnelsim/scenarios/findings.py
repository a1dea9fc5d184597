"""What a check finds, and where."""

from __future__ import annotations

from typing import Literal

from funnelsim.documents import Document
from funnelsim.errors import Problem
from funnelsim.scenarios.frozen import Frozen

__all__ = ["Finding", "placed"]

Severity = Literal["error", "warning", "note"]


class Finding(Frozen):
    """One thing that a check found.

    Examples
    --------
    >>> print(Finding(severity="note", message="nobody uses it", path="calendars.night"))
    note: calendars.night: nobody uses it
    """

    severity: Severity
    message: str
    """What was found, with the numbers."""
    path: str = ""
    """Dotted path of the place in the scenario."""
    value: float | None = None
    """The number behind it (a load, a share), if there is one."""
    fix: str = ""
    """What to do about it."""

    def __str__(self) -> str:
        return f"{self.severity}: {Problem(self.message, path=self.path, fix=self.fix)}"


def placed(finding: Finding, document: Document | None = None) -> Problem:
    """A finding as a problem with its place in the file.

    Examples
    --------
    >>> str(placed(Finding(severity="note", message="unused", path="teams.a")))
    'teams.a: unused'
    """
    where = ""
    if document is not None:
        keys = {".".join(map(str, path)): path for path in document.keys}
        path = finding.path
        while path and path not in keys:
            path = path.rpartition(".")[0]
        where = document.where(keys.get(path, ()), key=True)
    return Problem(finding.message, where, finding.path, finding.fix)
