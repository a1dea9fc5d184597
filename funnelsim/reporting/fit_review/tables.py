"""Tables of a calibration: the fit figure by figure, the audit, refusals, every number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Table
from funnelsim.reporting.fit_review.findings import named, spanned, written
from funnelsim.reporting.fit_review.words import (
    amount,
    between,
    measure,
    method,
    names_of,
    reason,
    subject,
    uses,
)
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from funnelsim.calibration.auditing.findings import Finding
    from funnelsim.calibration.auditing.grades import Reason
    from funnelsim.reporting.fit_review.gathering import Calibrated

__all__ = ["audited", "changes", "compared", "graded", "inputs", "numbers", "origins", "refused"]

SHOWN: Final = 3  # examples of a finding


def compared(found: Calibrated, t: Texts) -> Table:
    """Every single figure of the data beside the band of simulated runs."""
    names = names_of(found, t)
    rows = []
    for row in found.check.compared.to_dict("records"):
        what = str(row["measure"])
        actual, middle = (written(what, row[key], t) for key in ("actual", "simulated"))
        band = spanned(what, float(row["lo"]), float(row["hi"]), t)
        verdict = t._("yes") if row["inside"] else t._("no")
        rows.append((named(row, names, t), actual, middle, band, verdict))
    share = t.share(found.check.level)
    return table(
        [
            column(t._("What is compared")),
            column(t._("Data"), numeric=True),
            column(t._("Simulated, middle run"), numeric=True),
            column(t._("{share} of runs").format(share=share), numeric=True),
            column(t._("Within")),
        ],
        rows,
        caption=t._("The data against simulated runs, figure by figure"),
        note=t._(
            "Both are measured in the same way, over the same time, on leads that arrived inside "
            "it. Every run draws its parameters anew from what the data leaves open. A share less "
            "than a point beside the band, or another figure less than 3%, is no miss."
        ),
    )


def refused(found: Calibrated, t: Texts) -> Table | None:
    """What the data cannot tell, why, and how to get data that can."""
    if not found.fit.refusals:
        return None
    return table(
        [
            column(t._("What")),
            column(t._("Why it cannot be told")),
            column(t._("What stands in its place; how to learn it")),
        ],
        _refusals(found, t),
        caption=t._("What this data cannot tell"),
    )


def _refusals(found: Calibrated, t: Texts) -> list[tuple[str, str, str]]:
    """Subject, reason and consequence; a consequence is told once, those alike after it."""
    told: dict[str, list[tuple[str, str]]] = {}
    for refusal in found.fit.refusals:
        then = " ".join(t.said(part) for part in (refusal.instead, refusal.fix) if part) or "–"
        one = (subject(refusal.of, found, t), reason(refusal.why, found, t))
        told.setdefault(then, []).append(one)
    return [
        (*one, t._("as above") if place else then)
        for then, alike in told.items()
        for place, one in enumerate(alike)
    ]


def graded(found: Calibrated, t: Texts) -> Table | None:
    """What the data is good for, with a grade for each use."""
    if found.audit is None:
        return None
    meaning = {
        "A": t._("sound"),
        "B": t._("good, with small gaps"),
        "C": t._("usable with care"),
        "D": t._("doubtful"),
        "E": t._("not usable"),
    }
    words = uses(t)
    return table(
        [
            column(t._("Use")),
            column(t._("Grade")),
            column(t._("Meaning")),
            column(t._("Why it is no better")),
        ],
        [
            (words[each.use], each.grade, meaning[each.grade], _because(each.reason, t))
            for each in found.audit.graded
        ],
        caption=t._("What the data is good for"),
    )


def _because(reason: Reason, t: Texts) -> str:
    """What keeps a grade from being better."""
    if reason.why == "evidence":
        return t._("only {n} events to build on").format(n=t.number(reason.count))
    told = {
        "": "–",
        "dirt": t._("what was found in the data, see the next table"),
        "history": t._("the file lacks the history of stages"),
    }
    return told[reason.why]


def audited(found: Calibrated, t: Texts) -> Table | None:
    """What the audit found, the gravest first."""
    if found.audit is None or not found.audit.findings:
        return None
    grave = {"red": t._("grave"), "caution": t._("caution"), "info": t._("note")}
    told: dict[tuple[str, str, str], list[Finding]] = {}  # several files may say the same
    for each in found.audit.findings:
        said = " ".join(part for part in (t.said(each.found), _details(each, found, t)) if part)
        done = " ".join(t.said(part) for part in (each.done, each.fix) if part)
        told.setdefault((each.severity, said, done), []).append(each)
    return table(
        [
            column(t._("How grave")),
            column(t._("Found in the data")),
            column(t._("How often"), numeric=True),
            column(t._("What was done; what to fix in the CRM")),
        ],
        [
            (grave[severity], said, _often(alike, t), done)
            for (severity, said, done), alike in told.items()
        ],
        caption=t._("What the audit found"),
    )


def _details(finding: Finding, found: Calibrated, t: Texts) -> str:
    """Where and when, in the reader's words where the numbers behind it are known."""
    rows = finding.numbers.get("changes")
    if not isinstance(rows, list):
        return finding.details
    names, what = names_of(found, t), _changed(t)
    return "; ".join(
        f"{names.of_stage(row['stage'])} ({what[row['measure']]}, {_day(row['at'], found, t)})"
        for row in rows
    )


def _changed(t: Texts) -> dict[str, str]:
    """What of a stage may change in the middle of the history."""
    return {
        "conversion": t._("share that goes on"),
        "delay": t._("usual stay"),
        "definition": t._("share that goes elsewhere; perhaps the stage means something else"),
        "arrivals": t._("new leads a week"),
    }


def changes(found: Calibrated, t: Texts) -> Table | None:
    """Changes inside the window, with their dates, the surest first."""
    if found.drift is None or not len(found.drift.table):
        return None
    names = names_of(found, t)
    what = _changed(t)
    rows = []
    for row in found.drift.table.to_dict("records"):
        unit = "leads" if row["unit"] == "leads/week" else row["unit"]
        at, lo, hi = (_day(row[key], found, t) for key in ("at", "lo", "hi"))
        before, after = (amount(float(row[key]), unit, found, t) for key in ("before", "after"))
        range_ = t._("{lo} to {hi}").format(lo=lo, hi=hi)
        stage = names.of_stage(row["stage"]) if row["stage"] else t._("all")
        rows.append((stage, what[row["measure"]], before, after, at, range_))
    return table(
        [
            column(t._("Stage")),
            column(t._("What changed")),
            column(t._("Before"), numeric=True),
            column(t._("After"), numeric=True),
            column(t._("About when")),
            column(t._("95% interval")),
        ],
        rows,
        caption=t._("Changes inside the window"),
        note=t._("In one of twenty logs in which nothing changed, something would stand here."),
    )


def _day(at: Any, found: Calibrated, t: Texts) -> str:  # noqa: ANN401 - a Timestamp or NaT
    """A day in the log's time zone."""
    return t.day(at.to_pydatetime(), found.log.meta.time_zone) if pd.notna(at) else "–"


def numbers(found: Calibrated, t: Texts) -> Table:
    """Every number of the scenario that the data gave, with interval, n and method."""
    rows = []
    for row in found.fit.table.to_dict("records"):
        unit = str(row["unit"])
        rows.append(
            (
                _of(str(row["item"]), str(row["measure"]), found, t),
                amount(float(row["value"]), unit, found, t),
                between(float(row["lo"]), float(row["hi"]), unit, found, t),
                t.number(float(row["n"])),
                method(str(row["method"]), t),
            )
        )
    levels = found.fit.table["level"].dropna()
    share = t.share(float(levels.iloc[0])) if len(levels) else t.share(0.95)
    return table(
        [
            column(t._("What")),
            column(t._("Estimate"), numeric=True),
            column(t._("{share} interval").format(share=share), numeric=True),
            column(t._("Rests on"), numeric=True),
            column(t._("Method")),
        ],
        rows,
        caption=t._("Every number that was estimated"),
        note=t._("The scenario file holds the same list under “evidence”."),
    )


def _of(item: str, what: str, found: Calibrated, t: Texts) -> str:
    """What was estimated: of which part, and what of it, said once."""
    part, told = subject(item, found, t), measure(what, t)
    return part if part.endswith(f", {told}") else f"{part}, {told}"


def inputs(found: Calibrated) -> list[tuple[str, str]]:
    """Name and SHA-256 of every file that was read."""
    from funnelsim.reporting.inputs import fingerprint

    if found.raw is not None:
        return [(file.name, file.sha256) for file in found.raw.meta.files]
    return [(Path(path).name, fingerprint(path)) for path in found.sources.files]


def origins(found: Calibrated, t: Texts) -> Table:
    """Files, fingerprints, window, seeds and versions."""
    from funnelsim.reporting.provenance import versions

    meta, raw, check = found.log.meta, found.raw, found.check
    origin = found.fit.scenario.data
    rows = [(t._("Input"), f"{name}, {sha[:16]}") for name, sha in inputs(found)]
    if raw is not None:
        rows.append((t._("Recognised as"), raw.meta.format))
    if origin is not None:
        rows.append((t._("Fingerprint of the event log (SHA-256)"), origin.sha256[:16]))
    histories = {
        "full": t._("every change of stage"),
        "latest_entry": t._("only the latest entry into each stage"),
        "snapshot": t._("only the present state"),
    }
    rows += [
        (t._("Stage history"), histories[meta.history]),
        (t._("Window"), t.period(meta.observed_from, meta.observed_until, meta.time_zone)),
        (t._("Time zone"), meta.time_zone),
        (t._("Runs of the check"), t.number(check.n)),
        (t._("Seed"), str(check.seed)),
        (t._("Versions"), versions()),
    ]
    return table(
        [column(t._("What")), column(t._("Which"))], rows, caption=t._("Input, seed and versions")
    )


def _often(alike: Sequence[Finding], t: Texts) -> str:
    """How many, of how many."""
    count, of = sum(each.count for each in alike), sum(each.of for each in alike)
    told = t.number(count)
    return f"{told} ({t.share(min(count / of, 1.0))})" if of else told
