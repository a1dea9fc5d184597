"""What ``funnelsim schedule`` prints: jobs, slots, what became of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from funnelsim.cli.showing import console

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelsim.scheduling.jobs import Job
    from funnelsim.scheduling.ledger import Entry, Ledger
    from funnelsim.scheduling.runner import Round

__all__ = [
    "history_rows",
    "job_rows",
    "next_rows",
    "round_as_data",
    "show_history",
    "show_jobs",
    "show_next",
    "show_round",
]

Row = dict[str, Any]
_STYLES = {
    "done": "green",
    "delivered": "green",
    "failed": "bold red",
    "withheld": "bold red",
    "unknown": "yellow",
    "planned": "yellow",
    "skipped": "dim",
    "superseded": "dim",
}


def job_rows(jobs: Sequence[Job], ledger: Ledger | None, now: datetime) -> list[Row]:
    """One row a job.

    Parameters
    ----------
    jobs : sequence of Job
    ledger : Ledger or None
    now : datetime
    """
    return [_job_row(job, ledger, now) for job in jobs]


def next_rows(jobs: Sequence[Job], now: datetime, n: int) -> list[Row]:
    """The next slots of all jobs, by time.

    Parameters
    ----------
    jobs : sequence of Job
    now : datetime
    n : int
    """
    from funnelsim.scheduling.slots import next_slots

    found = [(slot.instant, job, slot) for job in jobs for slot in next_slots(job.schedule, now, n)]
    found.sort(key=lambda each: (each[0], each[1].name))
    return [
        {"job": job.name, "slot": slot.key, "zone": job.schedule.zone, "at": at.isoformat()}
        for at, job, slot in found[:n]
    ]


def history_rows(ledger: Ledger, job: str, n: int) -> list[Row]:
    """The last slots with what became of them.

    Parameters
    ----------
    ledger : Ledger
    job : str
        Empty: of all jobs.
    n : int
    """
    from funnelsim.scheduling.postbook import Postbook

    book = Postbook(ledger.storage)
    return [
        {
            **_entry_row(entry),
            "tries": list(ledger.tries(entry.job, entry.slot)),
            "deliveries": _sent_rows(book.entries(entry.job, entry.slot)),
        }
        for entry in ledger.entries(job, limit=n)
    ]


def round_as_data(made: Round, out: Path) -> Row:
    """What one call of the runner did, for machines.

    Parameters
    ----------
    made : Round
    out : Path
        The folder of the reports.
    """
    sent = [
        {"job": parcel.job, "slot": parcel.slot, "what": parcel.what, **_receipt_row(receipt)}
        for parcel, receipt in made.sent
    ]
    slots = [
        {**_entry_row(entry), "folder": str(out / entry.folder) if entry.folder else ""}
        for entry in made.entries
    ]
    return {"slots": slots, "sent": sent}


def show_round(made: Round, out: Path) -> None:
    """Print what one call of the runner did; nothing where nothing was due."""
    screen = console()
    for entry in made.entries:
        told = str(out / entry.folder) if entry.state == "done" else entry.cause
        line = Text(f"{entry.job} {entry.slot}: ").append(_state(entry.state)).append(f" {told}")
        if entry.state == "planned" and entry.not_before:
            line.append(f" (tried again from {entry.not_before:%H:%M} UTC)")
        screen.print(line, soft_wrap=True)
    for parcel, receipt in made.sent:
        what = "" if parcel.what == "report" else "notice of failure "
        line = Text(f"{parcel.job} {parcel.slot}: {what}→ {receipt.target}: ")
        line.append(_state(receipt.state)).append(f" {receipt.detail}")
        screen.print(line, soft_wrap=True)


def show_jobs(rows: Sequence[Row]) -> None:
    """Print the jobs."""
    table = Table("job", "report", "when", "next", "last", "for", box=None, pad_edge=False)
    for row in rows:
        last = Text(row["last"]["slot"] + " ") + _state(row["last"]["state"]) if row["last"] else ""
        targets = ", ".join(row["targets"]) or "nobody"
        report = f"{', '.join(row['kinds'])} ({row['lang']})"
        cells = (row["job"], report, row["when"], row["next"], last, targets)
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))
    console().print(table)


def show_next(rows: Sequence[Row]) -> None:
    """Print the next times."""
    table = Table("when", "zone", "job", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["slot"].replace("T", " "), row["zone"], row["job"])
    console().print(table)


def show_history(rows: Sequence[Row]) -> None:
    """Print what became of slots."""
    table = Table("slot", "job", "state", "report or cause", "sent", box=None, pad_edge=False)
    for row in rows:
        told = row["folder"] if row["state"] == "done" else row["cause"]
        table.add_row(
            row["slot"].replace("T", " "),
            row["job"],
            _state(row["state"]),
            Text(told),
            Text("\n").join(_sent_line(each) for each in row["deliveries"]),
        )
    console().print(table if rows else "Nothing yet: no slot was due.")


def _job_row(job: Job, ledger: Ledger | None, now: datetime) -> Row:
    from funnelsim.scheduling.slots import next_slots

    coming = next_slots(job.schedule, now)
    past = ledger.entries(job.name, limit=1) if ledger else ()
    when = job.schedule.cron or str(job.schedule.every)
    return {
        "job": job.name,
        "title": dict(job.title),
        "file": str(job.file),
        "kinds": list(job.content.kind),
        "lang": job.content.lang,
        "when": f"{when} {job.schedule.zone}",
        "next": coming[0].key.replace("T", " ") if coming else "never",
        "last": _entry_row(past[0]) if past else None,
        "targets": list(job.deliver.targets),
    }


def _entry_row(entry: Entry) -> Row:
    moments = ("instant", "not_before", "changed")
    names = ("job", "slot", "state", "cause", "attempts", "interrupted", "folder")
    return {name: getattr(entry, name) for name in names} | {
        name: _written(getattr(entry, name)) for name in moments
    }


def _written(when: datetime | None) -> str | None:
    return when.astimezone(ZoneInfo("UTC")).isoformat() if when else None


def _sent_rows(entries: Sequence[Mapping[str, Any]]) -> list[Row]:
    names = ("what", "target", "state", "detail", "attempts")
    return [
        {name: each[name] for name in names} | {"next_try": _written(each["next_try"])}
        for each in entries
    ]


def _receipt_row(receipt: Any) -> Row:  # noqa: ANN401 - a Receipt
    return {"target": receipt.target, "state": receipt.state, "detail": receipt.detail}


def _sent_line(row: Row) -> Text:
    what = "" if row["what"] == "report" else "notice "
    line = Text(f"{what}{row['target']} ") + _state(row["state"])
    return line if row["state"] == "delivered" else line.append(f" {row['detail']}")


def _state(state: str) -> Text:
    return Text(state, style=_STYLES.get(state, ""))
