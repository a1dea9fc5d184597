"""Jobs, reports and post for tests of the scheduler: fast, and with faults where asked."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from funnelsim.scheduling.jobs import Job, load_job
from funnelsim.scheduling.ledger import Ledger
from funnelsim.scheduling.orders import Order, Outcome
from funnelsim.scheduling.posting import Post
from funnelsim.scheduling.publishing import DRAFTS, RECORD
from funnelsim.scheduling.receipts import Receipt
from funnelsim.scheduling.storage import open_storage

__all__ = [
    "DAILY",
    "Office",
    "a_job",
    "a_ledger",
    "broken_reports",
    "in_a_fork",
    "locked",
    "made_fast",
    "moment",
]

DAILY = 'schedule: {cron: "0 7 * * *", zone: Europe/Kyiv}'
_SCENARIO = Path(__file__).resolve().parents[1] / "scenarios" / "bank-retail.yaml"


def a_job(folder: Path, name: str = "daily", schedule: str = DAILY, more: str = "") -> Job:
    """A job file, read."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    text = f"report: {{kind: funnel-review}}\nsource: {{scenario: {_SCENARIO}}}\n"
    file.write_text(f"funnelsim: 1\n{text}{schedule}\n{more}", "utf-8")
    return load_job(file)


def a_ledger(folder: Path, wait: float = 5.0) -> Ledger:
    """A fresh ledger, or the one that is there."""
    return Ledger(open_storage(folder / "ledger.db", wait=wait))


def made_fast(order: Order, job: Job, stop: threading.Event) -> Outcome:
    """A report of two files and a forecast, written bit by bit."""
    draft = Path(order.draft)
    with (draft / f"{job.name}.pdf").open("w", encoding="utf-8") as stream:
        for line in range(3):
            stream.write(f"{job.name} {order.slot} {line}\n")
            stream.flush()
    told = {"title": job.name, "as_of": order.slot[:10], "sentences": ["All is well."]}
    (draft / f"{job.name}.manifest.json").write_text(json.dumps(told), "utf-8")
    past = Path(order.past).read_text("utf-8").count("\n") - 1 if order.past else 0
    row = f"{order.slot},wins,2026-01-01,2026-01-08,deals,0.5,{past}"
    header = "cutoff,series,period_start,period_end,unit,quantile,value"
    (draft / "forecast.csv").write_text(f"{header}\n{row}\n", "utf-8")
    return Outcome(ok=True, source={"name": "fast", "sha256": "0"})


@dataclass
class Office:
    """A post office that keeps a list of what it took; states may be set by target."""

    book: Path
    states: Callable[[str, str], str] = lambda _identity, _target: "delivered"
    reports: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)

    @property
    def carrier(self) -> Post:
        """As the runner wants it."""
        return Post(self.deliver, self.announce, None)

    def deliver(
        self,
        job: Job,
        report_folder: Path,
        *,
        message_id: str,
        settings: Any,
        only: Collection[str] | None = None,
    ) -> Sequence[Receipt]:
        """Take a report."""
        assert (report_folder / RECORD).is_file()
        return [self._take("report", message_id, target) for target in only or ()]

    def announce(
        self,
        job: Job,
        causes: Sequence[str],
        *,
        message_id: str,
        settings: Any,
        slot: str,
        draft: str | Path,
        only: Collection[str] | None = None,
    ) -> Sequence[Receipt]:
        """Take the notice of a failure."""
        assert all(causes)
        self.causes += causes
        return [self._take("failure", message_id, target) for target in only or ()]

    def taken(self) -> list[tuple[str, str, str]]:
        """What, message id and target of all that was taken, in order."""
        text = self.book.read_text("utf-8") if self.book.exists() else ""
        return [
            (what, identity, target)
            for what, identity, target in map(_three, text.split("\n")[:-1])
        ]

    def _take(self, what: str, identity: str, target: str) -> Receipt:
        state = self.states(identity, target)
        if state != "failed":
            with self.book.open("a", encoding="utf-8") as stream:
                stream.write(f"{what}\t{identity}\t{target}\n")
        if state == "unknown":
            with self.book.with_suffix(".doubts").open("a", encoding="utf-8") as stream:
                stream.write(f"{what}\t{identity}\t{target}\n")
        return Receipt(target, state, "")  # type: ignore[arg-type]


def _three(line: str) -> tuple[str, str, str]:
    what, identity, target = line.split("\t")
    return what, identity, target


def broken_reports(
    out: Path, ledger: Ledger, keep: Mapping[str, object] | None = None
) -> list[str]:
    """What is wrong with the reports on the disk: half files, strangers, drafts left behind.

    Of jobs with a number in ``keep`` only so many reports need be there.
    """
    wrong = [str(path) for path in (out / DRAFTS).glob("*")] if (out / DRAFTS).exists() else []
    entries = [entry for entry in ledger.entries(states={"done", "withheld"}) if entry.folder]
    known = {entry.folder for entry in entries}
    needed = set(known)
    for job, n in (keep or {}).items():
        for state in ("done", "withheld"):
            own = [entry.folder for entry in entries if (entry.job, entry.state) == (job, state)]
            needed -= set(own[:-n] if isinstance(n, int) else ())
    there = {str(path.parent.relative_to(out)) for path in _records(out)}
    wrong += [f"stranger {name}" for name in there - known]
    wrong += [f"gone {name}" for name in needed - there]
    for path in _records(out):
        held = json.loads(path.read_text("utf-8"))["files"]
        files = {item.name for item in path.parent.iterdir()} - {RECORD}
        if files != set(held):
            wrong.append(f"{path.parent}: {files} instead of {set(held)}")
        for name, told in held.items():
            digest = hashlib.sha256((path.parent / name).read_bytes()).hexdigest()
            if digest != told["sha256"]:
                wrong.append(f"half {path.parent / name}")
    return wrong


def _records(out: Path) -> Iterator[Path]:
    for path in out.rglob(RECORD):
        if "latest" not in path.parts:
            yield path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program writes to the ledger, and does not end."""
    import sqlite3

    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def in_a_fork(work: Callable[[], object]) -> int:
    """Do something in a copy of this process; its exit code, 128 + n for a signal."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def moment(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")
