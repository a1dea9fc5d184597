"""A year of slots under a fake clock, with faults at random moments; then the books are checked.

``python -m tests.simulated_year FOLDER --days 365 --faults 240 --seed 1`` prints what happened as
JSON. A fault that kills is real: the runner is a process of its own, and SIGKILL hits it before a
random line of ours.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import func, select

from funnelsim.errors import RunError
from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.ledger import FINAL, Ledger
from funnelsim.scheduling.orders import Order, Outcome
from funnelsim.scheduling.postbook import Postbook
from funnelsim.scheduling.runner import run_due
from funnelsim.scheduling.schema import issued
from tests.scheduled import Office, a_job, a_ledger, broken_reports, in_a_fork, locked, made_fast

START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = (
    "killed",
    "killed",
    "killed",
    "two at once",
    "one of two killed",
    "report fails",
    "half a file",
    "empty file",
    "broken for long",
    "held back",
    "mail refused",
    "mail in doubt",
    "clock set back",
    "ledger locked",
    "switched off",
)
LINES = 2_200
"""So many lines of ours one call runs, about; a kill comes before one of the first so many."""
LONG = 7
OURS = (str(Path("funnelsim/scheduling")), str(Path("tests/scheduled.py")))


@dataclass
class World:
    """What goes wrong at the moment."""

    folder: Path
    jobs: tuple[Job, ...]
    office: Office
    chance: random.Random
    fault: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    def ledger(self, wait: float = 5.0) -> Ledger:
        """Opened anew at every call, as cron would."""
        return a_ledger(self.folder, wait)

    def call(self, now: datetime, wait: float = 5.0) -> None:
        """One call of the runner."""
        run_due(
            self.jobs,
            ledger=self.ledger(wait),
            out=self.folder / "out",
            now=now,
            make=self.make,
            carrier=self.office.carrier,
            workers=2,
        )

    def make(self, order: Order, job: Job, stop: threading.Event) -> Outcome:
        """A fast report, or what becomes of it."""
        if self.fault in {"report fails", "broken for long"}:
            return Outcome(ok=False, cause="notebook, code cell 7: ValueError: no deals")
        if self.fault == "half a file":
            (Path(order.draft) / f"{job.name}.pdf").write_text("%PDF-1.7 and no more", "utf-8")
            raise OSError(errno.ENOSPC, "No space left on device")
        outcome = made_fast(order, job, stop)
        if self.fault == "empty file":
            (Path(order.draft) / f"{job.name}.manifest.json").write_bytes(b"")
        if self.fault == "held back":
            return Outcome(ok=True, withheld=("The data ends 5 d before the slot.",))
        return outcome

    def state(self, _identity: str, _target: str) -> str:
        """What the post says."""
        return {"mail refused": "failed", "mail in doubt": "unknown"}.get(self.fault, "delivered")


def jobs_of(folder: Path) -> tuple[Job, ...]:
    """Daily in the night that clocks change, weekly with retention, monthly by business days."""
    mail = "deliver: {mail: [anna@bank.example, petro@bank.example]}\n"
    return (
        a_job(folder, "nightly", 'schedule: {cron: "30 3 * * *", zone: Europe/Kyiv}',
              f"catch_up: all\nkeep: 1000\n{mail}"),
        a_job(folder, "weekly", 'schedule: {cron: "0 7 * * 1", zone: Europe/Kyiv}',
              f"catch_up: latest\nkeep: 3\n{mail}"),
        a_job(folder, "monthly",
              'schedule: {every: "first business day of the month 07:00", zone: Europe/London,'
              " holidays: GB}", f"catch_up: none\ngrace: 3 d\nkeep: 1000\n{mail}"),
    )  # fmt: skip


def simulate(folder: Path, *, days: int, faults: int, seed: int) -> dict[str, Any]:
    """Live through so many days with so many faults; what the books say then."""
    began = time.process_time()
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    jobs = jobs_of(folder / "jobs")
    world = World(folder, jobs, Office(folder / "book.tsv"), chance)
    world.office.states = world.state
    end = START + timedelta(days=days)
    moments = sorted(START + (end - START) * chance.random() for _ in range(2 * days))
    kinds = [KINDS[number % len(KINDS)] for number in range(faults)]
    chance.shuffle(kinds)
    planted = dict(zip(chance.sample(range(len(moments)), faults), kinds, strict=True))
    world.call(START)
    ill, latest = 0, START
    off_until = START
    for number, moment in enumerate(moments):
        kind = planted.get(number, "")
        now = max(moment, latest)
        if "killed" in kind:  # while it has something to do
            now = max(now, latest + timedelta(hours=25))
        world.faults.update([kind] if kind else [])
        world.fault = kind or ("broken for long" if ill else "")
        ill = LONG if kind == "broken for long" else max(0, ill - 1)
        if kind == "switched off":
            off_until = now + timedelta(days=chance.choice((1, 3, 9)))
        if now >= off_until or kind:
            FAULTS.get(kind, World.call)(world, now)
            world.calls, latest = world.calls + 1, now
    world.fault = ""
    end = max(end, latest)
    for step in range(40):  # all quiet: what waits for another try gets it
        world.call(end + timedelta(hours=2 * step))
    found = check(world, end + timedelta(hours=78))
    places = _lines(folder / "kills.txt")
    return {
        "days": days,
        "seed": seed,
        "calls": world.calls,
        "planted": sum(world.faults.values()),
        "faults": dict(sorted(world.faults.items())),
        "killed": len(places),
        "killed_at_lines": len(set(places)),
        **found,
        "processor_seconds": round(time.process_time() - began, 1),
    }


def _killed(world: World, now: datetime) -> None:
    """SIGKILL before a random line of ours."""
    line = world.chance.randrange(1, LINES)
    in_a_fork(lambda: _doomed(world, now, line))


def _two(world: World, now: datetime) -> None:
    _together(lambda: world.call(now), lambda: world.call(now))


def _one_of_two(world: World, now: datetime) -> None:
    line = world.chance.randrange(1, LINES)
    _together(lambda: world.call(now), lambda: _doomed(world, now, line))


def _set_back(world: World, now: datetime) -> None:
    """The clock is wrong for one call."""
    world.call(now - timedelta(hours=world.chance.choice((1, 5, 30))))


def _locked(world: World, now: datetime) -> None:
    with locked(world.folder / "ledger.db"):
        try:
            world.call(now, wait=0.05)
        except RunError as error:
            assert "locked" in str(error)  # noqa: PT017
        else:
            raise AssertionError("the ledger was locked")


def _off(_world: World, _now: datetime) -> None:
    """Nobody calls."""


FAULTS: dict[str, Callable[[World, datetime], None]] = {
    "killed": _killed,
    "two at once": _two,
    "one of two killed": _one_of_two,
    "clock set back": _set_back,
    "ledger locked": _locked,
    "switched off": _off,
}


def _doomed(world: World, now: datetime, line: int) -> None:
    """A call that is killed before its so many-th line."""
    left = [line]

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if not any(part in frame.f_code.co_filename for part in OURS):
            return None
        if event == "line":
            left[0] -= 1
            if left[0] <= 0:
                place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                with (world.folder / "kills.txt").open("a", encoding="utf-8") as stream:
                    # The other job's thread dies with this one, perhaps while it sends.
                    threads = sys._current_frames().values()
                    sending = " while sending" * sum(map(_sends, threads))
                    stream.write(f"{frame.f_code.co_name} {place}{sending}\n")
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    world.call(now)


def _sends(frame: FrameType | None) -> bool:
    """Whether a parcel is under way: taken, and not yet noted."""
    while frame is not None:
        if frame.f_code.co_name in {"_sent", "take", "note"}:
            return True
        frame = frame.f_back
    return False


def _together(*works: Callable[[], None]) -> None:
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                work()
                code = 0
            except Exception:  # noqa: BLE001 - told, as nobody else can
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    for child in children:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code not in {0, -signal.SIGKILL}:
            raise AssertionError(f"a runner ended with {code}")


def expected(until: datetime) -> dict[str, list[str]]:
    """The slots there should be, counted without our own code."""
    first, last = START.date(), (until + timedelta(days=1)).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    free = holidays.country_holidays("GB", years=range(first.year, last.year + 1))
    business = [day for day in days if day.weekday() < 5 and day not in free]
    opening: dict[tuple[int, int], date] = {}
    for day in business:
        opening.setdefault((day.year, day.month), day)
    kyiv, london = ZoneInfo("Europe/Kyiv"), ZoneInfo("Europe/London")
    walls = {
        "nightly": [(day, "03:30", kyiv) for day in days],
        "weekly": [(day, "07:00", kyiv) for day in days if day.weekday() == 0],
        "monthly": [(day, "07:00", london) for day in opening.values()],
    }
    return {
        job: sorted(
            f"{day}T{at}"
            for day, at, zone in listed
            if START < datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=zone) <= until
        )
        for job, listed in walls.items()
    }


def check(world: World, until: datetime) -> dict[str, Any]:
    """Compare the books with what must be; what is wrong, and counts."""
    ledger, out = world.ledger(), world.folder / "out"
    entries = ledger.entries()
    wrong: list[str] = []
    for job, slots in expected(until).items():
        there = [entry.slot for entry in entries if entry.job == job]
        if sorted(there) != slots:
            wrong.append(f"{job}: {set(there) ^ set(slots)} or twice")
    wrong += [f"{entry.job} {entry.slot} {entry.state}" for entry in entries
              if entry.state not in FINAL]  # fmt: skip
    wrong += broken_reports(out, ledger, {job.name: job.keep for job in world.jobs})
    done = {(entry.job, entry.slot): entry for entry in entries if entry.state == "done"}
    with ledger.storage.reading() as connection:
        query = select(issued.c.job, issued.c.slot, func.count()).group_by(
            issued.c.job, issued.c.slot
        )
        promised = {(job, slot): n for job, slot, n in connection.execute(query).all()}
    if promised != dict.fromkeys(done, 1):
        wrong.append(f"promises: {set(promised) ^ set(done)}")
    posted = _post(ledger, world.office, wrong)
    kills, doubts = (_lines(world.folder / name) for name in ("kills.txt", "book.doubts"))
    doubtful = len(doubts) + sum(kill.count("while sending") for kill in kills)
    if posted["twice"] > doubtful:
        wrong.append(f"{posted['twice']} sent twice, {doubtful} in doubt")
    states = Counter(entry.state for entry in entries)
    return {"wrong": wrong, "slots": len(entries), "states": dict(sorted(states.items())),
            "attempts": sum(entry.attempts for entry in entries),
            "cut_off": sum(entry.interrupted for entry in entries),
            "in_doubt": doubtful, **posted}  # fmt: skip


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.exists() else []


def _post(ledger: Ledger, office: Office, wrong: list[str]) -> dict[str, int]:
    """Every report to every target: at least once, and twice only where nobody could know."""
    taken = Counter(office.taken())
    rows = Postbook(ledger.storage).entries()
    wrong += [f"not sent: {row}" for row in rows if row["state"] != "delivered"]
    identity = ledger.storage.identity
    done = {entry.folder for entry in ledger.entries(states={"done"})}
    ids = {f"{identity}/{folder}" for folder in done}
    seen = {name for what, name, _ in taken if what == "report"}
    if seen != ids:
        wrong.append(f"reports sent: {seen ^ ids}")
    tries = sum(row["attempts"] for row in rows)
    if sum(taken.values()) > tries:
        wrong.append(f"{sum(taken.values())} taken in {tries} tries")
    return {"sent": sum(taken.values()), "twice": sum(n - 1 for n in taken.values())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--faults", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(simulate(given.folder, days=given.days, faults=given.faults, seed=given.seed)))  # noqa: T201
