"""How dirty a CRM's history is: a scored list in plain words, and a grade for each use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.calibration.auditing.clockwork import of_times
from funnelsim.calibration.auditing.findings import KINDS, TEXTS, USES, Finding, Severity, Use
from funnelsim.calibration.auditing.grades import Graded, graded
from funnelsim.calibration.auditing.suspicions import (
    Facts,
    Suspicion,
    of_deals,
    of_moves,
    of_stages,
)
from funnelsim.calibration.cleaning.ledger import Ledger, examples_of
from funnelsim.calibration.cleaning.log_rows import effort_rows, lead_rows, mark_rows
from funnelsim.calibration.cleaning.repairs import mended, repaired
from funnelsim.calibration.drifting.drift import drift
from funnelsim.errors import InputError

if TYPE_CHECKING:
    from funnelsim.calibration.raw import RawHistory

__all__ = ["REASONS", "Audit", "audit"]

COLUMNS: Final = ("kind", "severity", "score", "count", "of", "share", "found", "done", "fix")

REASONS: Final[Mapping[str, str]] = {
    "": "nothing stands against it",
    "evidence": "there is too little to build on",
    "dirt": "because of what was found, see below",
    "history": "the file lacks the history of stages",
}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    findings : tuple of Finding
        The gravest first.
    graded : tuple of Graded
        A grade for each use, with its reason.
    evidence : mapping
        How many events each use can build on.
    deals : int
        How many deals were read.
    """

    findings: tuple[Finding, ...]
    graded: tuple[Graded, ...]
    evidence: Mapping[Use, int]
    deals: int

    @property
    def grades(self) -> dict[Use, str]:
        """Use → grade, A (sound) to E (not usable)."""
        return {each.use: each.grade for each in self.graded}

    @property
    def table(self) -> pd.DataFrame:
        """The findings as a table, the gravest first.

        Columns ``kind``, ``severity``, ``score`` (0 to 100), ``count``, ``of``, ``share``
        (0 to 1), ``found``, ``done``, ``fix``, ``details``, ``examples``, ``uses``.
        """
        rows = [
            {
                **{name: getattr(finding, name) for name in COLUMNS},
                "details": finding.details,
                "examples": ", ".join(finding.examples),
                "uses": ", ".join(finding.uses),
            }
            for finding in self.findings
        ]
        return pd.DataFrame(rows, columns=[*COLUMNS, "details", "examples", "uses"])

    @property
    def clean(self) -> bool:
        """Whether nothing calls for caution."""
        return all(finding.severity == "info" for finding in self.findings)

    def sentence(self) -> str:
        """Say in one sentence what the data is good for.

        Returns
        -------
        str

        Examples
        --------
        >>> from funnelsim.calibration.raw_example import RAW
        >>> audit(RAW).sentence()
        '2 deals; conversion E, delays E, staffing E, forecast E; gravest: Deals in the file.'
        """
        notes = ", ".join(f"{use} {grade}" for use, grade in self.grades.items())
        grave = [finding.found for finding in self.findings if finding.severity != "info"]
        gravest = f"gravest: {grave[0]}" if grave else "nothing calls for caution"
        return f"{self.deals:,} deals; {notes}; {gravest}."


def audit(raw: RawHistory) -> Audit:
    """Look for all that is wrong in a CRM's history, and grade it for each use.

    Nothing is refused: what `repairs.repaired` cannot make a log of is among the findings.

    Parameters
    ----------
    raw : RawHistory
        As read.

    Returns
    -------
    Audit
        Findings with counts, examples, what was done and what to fix; grades A to E for
        conversion, delays, staffing and forecast by the rule in `grades`.

    Examples
    --------
    >>> from funnelsim.calibration.raw_example import RAW
    >>> found = audit(RAW)
    >>> print(found.findings[1])
    Moves that are exact copies of others: 1 of 5 (20 %). They count once. Export once; ...
    >>> found.grades["delays"]
    'E'
    """
    result = mended(raw)
    facts = Facts(raw, result)
    evidence = _evidence(facts, result.ledger)
    suspicions = [
        *_mixtures(raw),
        *of_deals(facts),
        *of_moves(facts),
        *of_stages(facts),
        *of_times(facts),
        *_changes(facts),
        *_absent(facts),
    ]
    kinds = {suspicion.kind for suspicion in suspicions}
    repairs = [
        _finding(entry.kind, entry.count, entry.of, examples=entry.examples)
        for entry in result.ledger
        if entry.kind not in kinds
    ]
    read = [
        Finding(note.kind, "info", note.count, 0, note.found, note.done, "")
        for note in raw.meta.notes
    ]
    found = [_suspected(suspicion, raw) for suspicion in suspicions]
    findings = [finding for finding in (*repairs, *found) if finding is not None]
    ordered = sorted((*findings, *read), key=lambda finding: -finding.score)
    return Audit(
        tuple(ordered), graded(findings, evidence, raw.meta.history), evidence, len(raw.deals)
    )


def _finding(
    kind: str,
    count: int,
    of: int,
    *,
    examples: tuple[str, ...] = (),
    details: str = "",
    numbers: Mapping[str, object] | None = None,
    fix: str = "",
    given: Severity | None = None,
) -> Finding:
    """Put a finding into words and say how grave it is."""
    limits, share = KINDS[kind], count / of if of else 0.0
    severity: Severity = "info"
    if given is not None:
        severity = given
    elif share >= limits.red:
        severity = "red"
    elif share >= limits.caution:
        severity = "caution"
    found, done = TEXTS[kind]
    return Finding(
        kind,
        severity,
        count,
        of,
        found,
        done,
        fix or limits.fix,
        examples,
        details,
        numbers or {},
        limits.uses,
    )


def _suspected(suspicion: Suspicion, raw: RawHistory) -> Finding | None:
    """Return a suspicion as a finding, None if there is nothing in it."""
    if not suspicion.count and suspicion.severity is None:
        return None
    rows = suspicion.rows
    return _finding(
        suspicion.kind,
        suspicion.count,
        suspicion.of,
        examples=examples_of(rows, raw.meta.files) if rows is not None else (),
        details=suspicion.details,
        numbers=suspicion.numbers,
        fix=raw.meta.obtain_history if suspicion.kind == "no_history" else "",
        given=suspicion.severity,
    )


def _evidence(facts: Facts, ledger: Ledger) -> dict[Use, int]:
    """Count what each use can build on."""
    clean, visits = facts.mended.clean, facts.visits
    closed = int((facts.outcome != "open").sum())
    full = facts.raw.meta.history == "full"
    stays = int(((visits["exit"] == "moved") & (visits["left"] > visits["at"])).sum())
    lead_rows(clean, visits, facts.raw.meta, facts.mended.start, ledger)  # they enter repairs
    mark_rows(clean, visits, facts.mended.stages, facts.raw.meta, ledger)
    efforts = effort_rows(clean, visits, ledger)
    worked = int((efforts["started_at"].notna() & efforts["ended_at"].notna()).sum())
    return dict(zip(USES, (closed, stays if full else 0, worked, closed), strict=True))


def _mixtures(raw: RawHistory) -> Iterator[Suspicion]:
    """Find several pipelines or currencies."""
    deals = raw.deals
    paid = deals["currency"].where(deals["value"].notna())
    for kind, values in (("mixed_pipelines", deals["funnel"]), ("mixed_currencies", paid)):
        counts = values.dropna().value_counts()
        if len(counts) > 1:
            other = values.notna() & (values != counts.index[0])
            details = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
            numbers = {str(name): int(count) for name, count in counts.items()}
            total = int(counts.sum())
            yield Suspicion(kind, int(other.sum()), total, deals[other], details, numbers, "red")


def _absent(facts: Facts) -> Iterator[Suspicion]:
    """Say what the file cannot hold."""
    n = len(facts.mended.clean.deals)
    if facts.raw.meta.history != "full":
        yield Suspicion("no_history", n, n, severity="caution")
    efforts = facts.mended.clean.efforts
    if len(efforts):
        bare = ~(efforts["started_at"].notna() & efforts["ended_at"].notna()).to_numpy()
        whole = int(len(efforts) - np.count_nonzero(bare))
        if whole < len(efforts) / 2:
            yield Suspicion("no_starts", whole, len(efforts), efforts[bare], severity="caution")


def _changes(facts: Facts) -> Iterator[Suspicion]:
    """Find stages whose conversion or delays changed."""
    if facts.raw.meta.history != "full":
        return
    try:
        log = repaired(facts.raw).log
    except InputError:  # what stands against it is among the findings
        return
    found = drift(log)
    rows = found.table[found.table["measure"] != "arrivals"]  # seasons are no dirt
    if len(rows):
        details = "; ".join(
            f"{row.stage} ({row.measure}), {str(row.at)[:10]}" for row in rows.itertuples()
        )
        numbers = {"changes": rows.to_dict("records")}
        tested = found.tests.loc[found.tests["measure"] != "arrivals", "stage"].nunique()
        yield Suspicion("changes", rows["stage"].nunique(), tested, None, details, numbers)
