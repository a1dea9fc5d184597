"""An audit as people read it, as rows, and as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.table import Table

from funnelsim.cli.showing import console

if TYPE_CHECKING:
    from funnelsim.calibration.audit import Audit
    from funnelsim.calibration.parts import Refusal
    from funnelsim.calibration.raw import RawMetadata

__all__ = ["HISTORIES", "as_data", "as_rows", "show_audit", "show_refusals"]

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


def as_rows(audit: Audit) -> list[dict[str, Any]]:
    """One row per finding, the gravest first, for a table file."""
    order = list(STYLES)
    listed = sorted(audit.findings, key=lambda each: order.index(each.severity))
    return [
        {
            "kind": each.kind,
            "severity": each.severity,
            "count": each.count,
            "of": each.of,
            "share": each.share,
            "found": each.found,
            "done": each.done,
            "fix": each.fix,
            "examples": "; ".join(each.examples),
        }
        for each in listed
    ]


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
        "findings": as_rows(audit),
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
    for use, grade in audit.grades.items():
        steps = "ABCDE".find(str(grade))
        bar = "█" * round(BAR * (5 - steps) / 5) if steps >= 0 else ""
        grades.add_row(use, bar, str(grade), MEANINGS.get(str(grade), ""))
    out.print(grades)
    if not audit.findings:
        out.print("\nNothing to mend.")
        return
    out.print()
    for row in as_rows(audit):
        _show_finding(row)


def show_refusals(refusals: Iterable[Refusal]) -> None:
    """Print what the data cannot tell."""
    listed = list(refusals)
    if not listed:
        return
    out = console()
    out.print("\nWhat this data cannot tell:", markup=False)
    for refusal in listed:
        out.print(f"- {refusal}", markup=False, soft_wrap=True)


def _show_finding(row: dict[str, Any]) -> None:
    """One finding: how grave, how often, what was done, what to fix."""
    out, severity = console(), row["severity"]
    share = float(row["share"]) if row["of"] else 0.0
    full = round(BAR * share) if row["of"] else 0
    often = f"{row['count']:,}" + (f" of {row['of']:,} ({share:.1%})" if row["of"] else "")
    out.print(
        f"[{STYLES[severity]}]{WORDS[severity]:8}[/]{'█' * full}{'·' * (BAR - full)} ", end=""
    )
    out.print(f"{row['found']}: {often}.", markup=False, soft_wrap=True)
    for said in (row["done"], row["fix"] and f"To fix: {row['fix']}"):
        if said:
            out.print(f"         {said}", markup=False, soft_wrap=True)
    examples = row["examples"].split("; ")[:SHOWN]
    if examples != [""]:
        out.print(f"         For example {', '.join(examples)}.", markup=False, soft_wrap=True)
