"""An audit as people read it, as rows, and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from funnelsim.cli.showing import console

if TYPE_CHECKING:
    from funnelsim.calibration.auditing.audit import Audit
    from funnelsim.calibration.auditing.findings import Finding
    from funnelsim.calibration.auditing.grades import Graded
    from funnelsim.calibration.raw import RawMetadata
    from funnelsim.reporting.fit_review.gathering import Calibrated
    from funnelsim.reporting.texts import Texts

__all__ = ["as_data", "show_audit", "show_gravest", "show_refusals"]

STYLES = {"red": "bold red", "caution": "yellow", "info": "dim"}
BAR = 10  # characters of a whole
SHOWN = 3  # examples of a finding; grave findings of a calibration
AHEAD = ("after_today", "future_deals", "future_moves", "future_closings")
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


def show_audit(audit: Audit, meta: RawMetadata, t: Texts) -> None:
    """Print what was read, the grades, then what was found, the gravest first."""
    out = console()
    rows = t._("{file} ({n} rows)")
    files = ", ".join(rows.format(file=file.name, n=t.number(file.rows)) for file in meta.files)
    known = t._("recognised as {format}").format(format=meta.format)
    histories = {
        "full": t._("every change of stage is on record"),
        "latest_entry": t._("only the latest entry into each stage is on record"),
        "snapshot": t._("only the present state of each deal is on record"),
    }
    out.print(f"{files} · {known}", markup=False, soft_wrap=True)
    told = t._("History of stages: {history}.").format(history=histories[meta.history])
    out.print(told, markup=False)
    if meta.obtain_history:
        out.print(t.said(meta.obtain_history), markup=False, soft_wrap=True)
    out.print()
    out.print(_grades(audit, t))
    if not audit.findings:
        out.print("\n" + t._("Nothing to mend."))
        return
    out.print()
    for finding in audit.findings:
        _show_finding(finding, t)


def show_gravest(audit: Audit | None, t: Texts) -> None:
    """Print what in the data speaks most against a scenario: grave findings, and dates to come."""
    findings = audit.findings if audit is not None else ()
    grave = [one for one in findings if one.severity == "red" or one.kind in AHEAD]
    for finding in grave[:SHOWN]:
        told = f"{t.said(finding.found)}: {_often(finding, t)}. {t.said(finding.done)}"
        console().print(told.rstrip(), markup=False, soft_wrap=True)


def show_refusals(found: Calibrated, t: Texts) -> None:
    """Print what the data cannot tell."""
    from funnelsim.reporting.fit_review.words import subject

    listed = list(found.fit.refusals)
    if not listed:
        return
    out = console()
    out.print("\n" + t._("What this data cannot tell") + ":", markup=False)
    for refusal in listed[:MOST]:
        said = " ".join(
            t.said(part) for part in (refusal.why, refusal.instead, refusal.fix) if part
        )
        out.print(f"- {subject(refusal.of, found, t)}: {said}", markup=False, soft_wrap=True)
    if len(listed) > MOST:
        told = t._("and {n} more: see the report").format(n=len(listed) - MOST)
        out.print(f"- {told}", markup=False)


def _grades(audit: Audit, t: Texts) -> Table:
    """A bar, a grade and its reason for each use."""
    from funnelsim.reporting.fit_review.words import uses

    meanings = {
        "A": t._("sound"),
        "B": t._("good, with small gaps"),
        "C": t._("usable with care"),
        "D": t._("doubtful"),
        "E": t._("not usable"),
    }
    table = Table(title=t._("What the data is good for"), title_justify="left", box=None)
    for name in (t._("Use"), "", t._("Grade"), ""):
        table.add_column(name)
    for each in audit.graded:
        bar = "█" * round(BAR * (5 - "ABCDE".index(each.grade)) / 5)
        said = f"{meanings[each.grade]}{_because(each, t)}"
        table.add_row(uses(t)[each.use], bar, each.grade, said)
    return table


def _because(each: Graded, t: Texts) -> str:
    """Why the grade is no better."""
    reason = each.reason
    if reason.why == "evidence":
        return ": " + t._("only {n} events to build on").format(n=t.number(reason.count))
    told = {
        "dirt": t._("what was found in the data, see below"),
        "history": t._("the file lacks the history of stages"),
    }
    return f": {told[reason.why]}" if reason.why in told else ""


def _show_finding(finding: Finding, t: Texts) -> None:
    """One finding: how grave, how often, what was done, what to fix."""
    words = {"red": t._("grave"), "caution": t._("caution"), "info": t._("note")}
    out = console()
    full = round(BAR * finding.share)
    bar = "█" * full + "·" * (BAR - full) if finding.of else " " * BAR
    out.print(f"[{STYLES[finding.severity]}]{words[finding.severity]:12}[/]{bar} ", end="")
    out.print(f"{t.said(finding.found)}: {_often(finding, t)}.", markup=False, soft_wrap=True)
    fix = t._("To fix: {how}").format(how=t.said(finding.fix)) if finding.fix else ""
    listed = ", ".join(finding.examples[:SHOWN])
    examples = t._("For example {deals}.").format(deals=listed) if listed else ""
    for said in (finding.details, t.said(finding.done) if finding.done else "", fix, examples):
        if said:
            out.print(f"{' ' * 23}{said}", markup=False, soft_wrap=True)


def _often(finding: Finding, t: Texts) -> str:
    """How many, of how many."""
    n = t.number(finding.count)
    if not finding.of:
        return n
    told = t._("{n} of {all} ({share})")
    return told.format(n=n, all=t.number(finding.of), share=t.share(finding.share))
