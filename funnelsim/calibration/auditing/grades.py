"""How good a history is for each use: a written rule.

A grade is the worst of three:

- *evidence*: A from 300 on, B from 100, C from 30, D from 10, else E. Counted are closed
  deals for conversion, completed stays in a stage for delays, pieces of work with start
  and end for staffing; forecasts need closed deals too;
- *dirt*: of the findings that matter for the use, none calls for caution: A; one does: B;
  two or three do, or one is red: C; more than these: D; three reds, or one that leaves
  nothing to estimate (`FATAL`): E;
- *what the file can hold*: without the history of stages delays are E, conversion and
  forecasts at best C; with the latest entries only, delays at best D and the others B.

Mixed pipelines make every grade E, mixed currencies that of forecasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from funnelsim.calibration.auditing.findings import USES, Finding, Use
from funnelsim.calibration.raw import History

__all__ = ["Grade", "Graded", "Reason", "graded"]

Grade = Literal["A", "B", "C", "D", "E"]
LETTERS: Final[tuple[Grade, ...]] = ("A", "B", "C", "D", "E")
ENOUGH: Final = (300, 100, 30, 10)
FATAL: Final = (
    *("mixed_pipelines", "mixed_currencies", "equal_times"),
    *("no_closings", "no_outcomes", "no_wins", "missing_losses"),
)
IMPLIED: Final[Mapping[History, tuple[str, ...]]] = {"snapshot": ("unknown_since",)}
"""What follows from the lack of a history, which costs grades already."""
CAPS: Final[Mapping[History, Mapping[Use, int]]] = {
    "full": {},
    "latest_entry": {"conversion": 1, "delays": 3, "forecast": 1},
    "snapshot": {"conversion": 2, "delays": 4, "forecast": 2},
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a grade is not better: ``evidence`` (and how much), ``dirt`` (and what), ``history``."""

    why: Literal["evidence", "dirt", "history", ""]
    count: int = 0
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graded:
    """The grade of one use with its reason."""

    use: Use
    grade: Grade
    reason: Reason


def graded(
    findings: Iterable[Finding], evidence: Mapping[Use, int], history: History
) -> tuple[Graded, ...]:
    """Grade each use.

    Parameters
    ----------
    findings : iterable of Finding
        What was found.
    evidence : mapping
        How many events each use can build on.
    history : str
        What the file can hold.

    Returns
    -------
    tuple of Graded
        In the order of `USES`.

    Examples
    --------
    >>> many = dict.fromkeys(USES, 500)
    >>> [each.grade for each in graded([], many, "full")]
    ['A', 'A', 'A', 'A']
    >>> [each.grade for each in graded([], many, "snapshot")]
    ['C', 'E', 'A', 'C']
    """
    listed = list(findings)
    return tuple(_of(use, listed, evidence[use], history) for use in USES)


def _of(use: Use, findings: list[Finding], evidence: int, history: History) -> Graded:
    """Grade one use: the worst of three."""
    enough = sum(evidence < limit for limit in ENOUGH)
    known = IMPLIED.get(history, ())
    mine = [each for each in findings if use in each.uses and each.kind not in known]
    red = [finding.kind for finding in mine if finding.severity == "red"]
    caution = [finding.kind for finding in mine if finding.severity == "caution"]
    dirt = _dirt(red, caution)
    cap = CAPS[history].get(use, 0)
    worst = max(enough, dirt, cap)
    if worst == 0:
        return Graded(use, "A", Reason(""))
    if cap == worst:
        return Graded(use, LETTERS[worst], Reason("history"))
    if enough == worst:
        return Graded(use, LETTERS[worst], Reason("evidence", evidence))
    kinds = tuple(red or caution)
    return Graded(use, LETTERS[worst], Reason("dirt", len(kinds), kinds))


def _dirt(red: list[str], caution: list[str]) -> int:
    """Return how many grades the findings cost."""
    if any(kind in FATAL for kind in red) or len(red) > 2:  # noqa: PLR2004 - the rule above
        return 4
    if len(red) == 2 or (red and caution) or len(caution) > 3:  # noqa: PLR2004 - the rule above
        return 3
    if red or len(caution) > 1:
        return 2
    return 1 if caution else 0
