"""Where a report comes from: its input, seed and versions, and what was assumed on the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from funnelsim.events import EventLog
from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import Table
from funnelsim.reporting.inputs import fingerprint
from funnelsim.reporting.texts import Texts

__all__ = ["assumed", "making", "versions"]

PARTS = ("funnelsim", "numpy", "pandas", "scipy", "simpy", "matplotlib", "typst")
# As readers write their notes: what was found, how often, what was done about it.
NOTE = re.compile(r"(?P<found>.+?): (?P<count>[\d,]+)\.(?: (?P<done>.+))?")


def making(
    log: EventLog,
    t: Texts,
    *,
    source: str,
    mapping: str = "",
    overrides: Mapping[str, object] | None = None,
) -> Table:
    """What the report was made from, and with which versions.

    Parameters
    ----------
    log : EventLog
    t : Texts
    source, mapping : str
        The input files; their names and fingerprints are told, not their folders.
    overrides : mapping, optional
        What was changed in a scenario.

    Returns
    -------
    Table
    """
    meta = log.meta
    called = {
        "leads": t._("leads"),
        "visits": t._("visits"),
        "efforts": t._("pieces of work"),
        "marks": t._("marks"),
    }
    counted = ((called[name], t.number(len(frame))) for name, frame in log.tables().items())
    sizes = ", ".join(f"{name}\u00a0{n}" for name, n in counted)
    rows = [
        (t._("Input"), Path(source).name),
        (t._("Fingerprint of the input (SHA-256)"), fingerprint(source)[:16]),
    ]
    if mapping:
        rows.append((t._("Mapping"), f"{Path(mapping).name}, {fingerprint(mapping)[:16]}"))
    rows += [(t._("Changed"), f"{path}: {new}") for path, new in (overrides or {}).items()]
    known = {"seed": t._("Seed"), "engine": t._("Engine"), "replication": t._("Replication")}
    rows += [
        (title, meta.provenance[key]) for key, title in known.items() if key in meta.provenance
    ]
    rows += [
        (t._("Window"), t.period(meta.observed_from, meta.observed_until, meta.time_zone)),
        (t._("Time zone"), meta.time_zone),
        (t._("Rows of the event log"), sizes),
        (t._("Versions"), versions()),
    ]
    return table(
        [column(t._("What")), column(t._("Which"))],
        rows,
        caption=t._("Input, seed and versions"),
    )


def versions() -> str:
    """The parts that the numbers hang on, with their versions.

    Examples
    --------
    >>> versions().split()[0]
    'funnelsim'
    """
    return ", ".join(f"{part} {version(part)}" for part in PARTS)


def assumed(log: EventLog, t: Texts) -> Table | None:
    """What the reader of a raw export assumed and repaired.

    Parameters
    ----------
    log : EventLog
        Its provenance holds the reader's notes, one a line.
    t : Texts

    Returns
    -------
    Table or None
        None where nothing was.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.texts import texts
    >>> assumed(BANK, texts("en")) is None
    True
    """
    counted: Counter[tuple[str, str]] = Counter()  # several files may say the same
    for line in log.meta.provenance.get("notes", "").splitlines():
        if note := NOTE.fullmatch(line):
            found, count, done = note.groups(default="")
            counted[t._(found), t._(done) if done else ""] += int(count.replace(",", ""))
    if not counted:
        return None
    rows = [(found, t.number(count), done) for (found, done), count in counted.items()]
    return table(
        [
            column(t._("Found in the data")),
            column(t._("How often"), numeric=True),
            column(t._("What was done")),
        ],
        rows,
        caption=t._("What was assumed about the data"),
    )
