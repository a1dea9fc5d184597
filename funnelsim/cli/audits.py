"""An audit as people read it, as rows, and as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from funnelsim.cli.showing import console

if TYPE_CHECKING:
    from funnelsim.calibration.auditing.audit import Audit
    from funnelsim.calibration.auditing.findings import Finding
    from funnelsim.calibration.auditing.grades import Graded
    from funnelsim.calibration.parts import Refusal
    from funnelsim.calibration.raw import RawMetadata

__all__ = ["HISTORIES", "as_data", "show_audit", "show_refusals"]

HISTORIES = {
    "full": "every change of stage is on record",
    "latest_entry": "only the latest entry into each stage is on record",
    "snapshot": "only the present state of each deal is on record",
}
MEANINGS = {
    "A": "sound",
    "B": "good, with small gaps",
    "C": "usable with care",
    "D": "doubtful",
    "E": "not usable",
}
STYLES = {"red": "bold red", "caution": "yellow", "info": "dim"}
WORDS = {"red": "grave", "caution": "caution", "info": "note"}
BAR = 10  # characters of a whole
SHOWN = 3  # examples of a finding
MOST = 8  # refusals on the screen


def as_data(audit: Audit, meta: RawMetadata) -> dict[str, Any]:
    """The audit as data for machines."""
    return {
        "format_version": 1,
        "format": meta.format,
        "files": [
            {"name": file.name, "sha256": file.sha256, "rows": file.rows} for file in meta.files
        ],
        "history": meta.history,
        "obtain_history": meta.obtain_history,
        "grades": {use: str(grade) for use, grade in audit.grades.items()},
        "reasons": {each.use: asdict(each.reason) for each in audit.graded},
        "findings": audit.table.to_dict("records"),
    }


def show_audit(audit: Audit, meta: RawMetadata) -> None:
    """Print what was read, the grades, then what was found, the gravest first."""
    out = console()
    files = ", ".join(f"{file.name} ({file.rows:,} rows)" for file in meta.files)
    out.print(f"{files} · recognised as {meta.format}", markup=False, soft_wrap=True)
    out.print(f"History of stages: {HISTORIES[meta.history]}.", markup=False)
    if meta.obtain_history:
        out.print(meta.obtain_history, markup=False, soft_wrap=True)
    out.print()
    grades = Table(title="What the data is good for", title_justify="left", box=None)
    for name in ("use", "", "grade", ""):
        grades.add_column(name)
    for each in audit.graded:
        bar = "█" * round(BAR * (5 - "ABCDE".index(each.grade)) / 5)
        grades.add_row(each.use, bar, each.grade, f"{MEANINGS[each.grade]}{_because(each)}")
    out.print(grades)
    if not audit.findings:
        out.print("\nNothing to mend.")
        return
    out.print()
    for finding in audit.findings:
        _show_finding(finding)


def show_refusals(refusals: Iterable[Refusal]) -> None:
    """Print what the data cannot tell."""
    listed = list(refusals)
    if not listed:
        return
    out = console()
    out.print("\nWhat this data cannot tell:", markup=False)
    for refusal in listed[:MOST]:
        out.print(f"- {refusal}", markup=False, soft_wrap=True)
    if len(listed) > MOST:
        out.print(f"- and {len(listed) - MOST} more: see the report.", markup=False)


def _because(each: Graded) -> str:
    """Why the grade is no better."""
    from funnelsim.calibration.auditing.audit import REASONS

    reason = each.reason
    if not reason.why:
        return ""
    if reason.why == "evidence":
        events = (
            f"only {reason.count:,} event{'s' * (reason.count > 1)}" if reason.count else "nothing"
        )
        return f": {events} to build on"
    return f"{' ' if reason.why == 'dirt' else ': '}{REASONS[reason.why]}"


def _show_finding(finding: Finding) -> None:
    """One finding: how grave, how often, what was done, what to fix."""
    out = console()
    full = round(BAR * finding.share)
    bar = "█" * full + "·" * (BAR - full) if finding.of else " " * BAR
    of = f" of {finding.of:,} ({finding.share:.1%})" if finding.of else ""
    out.print(f"[{STYLES[finding.severity]}]{WORDS[finding.severity]:8}[/]{bar} ", end="")
    out.print(f"{finding.found}: {finding.count:,}{of}.", markup=False, soft_wrap=True)
    fix = f"To fix: {finding.fix}" if finding.fix else ""
    examples = ", ".join(finding.examples[:SHOWN])
    for said in (finding.details, finding.done, fix, examples and f"For example {examples}."):
        if said:
            out.print(f"{' ' * 19}{said}", markup=False, soft_wrap=True)
