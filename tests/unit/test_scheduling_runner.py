"""The runner: each slot once, causes told, the last good report stays."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from funnelsim.errors import ParameterError, RunError
from funnelsim.messages import Message
from funnelsim.scheduling.jobs import Job
from funnelsim.scheduling.orders import Order, Outcome
from funnelsim.scheduling.postbook import Postbook
from funnelsim.scheduling.runner import run_due, run_slot
from funnelsim.scheduling.slots import next_slots
from funnelsim.worktime import Duration
from tests.scheduled import (
    DAILY,
    Office,
    a_job,
    a_ledger,
    broken_reports,
    locked,
    made_fast,
    moment,
)

ROOT = Path(__file__).resolve().parents[2]
MAIL = "deliver: {mail: [anna@bank.example], on_failure: [it@bank.example]}\n"


class Desk:
    """A runner with fast reports and a fake post, called at moments."""

    def __init__(self, folder: Path, more: str = "", schedule: str = "") -> None:
        self.folder, self.out = folder, folder / "out"
        self.job = a_job(folder / "jobs", "daily", schedule or DAILY, MAIL + more)
        self.ledger = a_ledger(folder)
        self.office = Office(folder / "book.tsv")
        self.make = made_fast
        self.made: list[str] = []

    def call(self, when: str):
        def make(order, job, stop):
            self.made.append(order.slot)
            return self.make(order, job, stop)

        return run_due(
            [self.job],
            ledger=self.ledger,
            out=self.out,
            now=moment(when),
            make=make,
            carrier=self.office.carrier,
        )

    def states(self) -> dict[str, str]:
        return {entry.slot[5:10]: entry.state for entry in self.ledger.entries()}

    def post(self) -> list[tuple[str, str]]:
        return [(what, target) for what, _, target in self.office.taken()]


@pytest.fixture
def desk(tmp_path):
    def made(more: str = "", schedule: str = "") -> Desk:
        return Desk(tmp_path, more, schedule)

    return made


def failing(cause: str = "notebook, code cell 7: ValueError: no deals"):
    return lambda order, job, stop: Outcome(ok=False, cause=cause)


# what is due


def test_a_new_job_begins_when_it_is_first_seen(desk):
    one = desk()
    assert one.call("2026-11-20T12:00").entries == ()
    assert [entry.slot for entry in one.call("2026-11-21T05:01").entries] == ["2026-11-21T07:00"]
    assert one.call("2026-11-21T05:06").entries == ()
    assert one.post() == [("report", "mail:anna@bank.example")]
    assert not broken_reports(one.out, one.ledger)


def test_a_job_with_a_start_begins_there(desk):
    schedule = 'schedule: {cron: "0 7 * * *", zone: Europe/Kyiv, start: 2026-11-18}'
    one = desk("catch_up: all\n", schedule)
    one.call("2026-11-20T12:00")
    assert one.states() == {"11-18": "done", "11-19": "done", "11-20": "done"}


@pytest.mark.parametrize(
    ("catch_up", "states"),
    [
        ("all", ["done"] * 4),
        ("latest", ["superseded"] * 3 + ["done"]),
        ("none", ["skipped"] * 4),
    ],
)
def test_missed_slots_go_by_the_policy(desk, catch_up, states):
    one = desk(f"catch_up: {catch_up}\n")
    one.call("2026-11-20T12:00")
    made = one.call("2026-11-24T12:00")  # four days later, five hours after the last slot
    assert list(one.states().values()) == states
    assert [entry.slot for entry in made.entries] == sorted(one.made)
    one.call("2026-11-25T05:30")
    assert one.states()["11-25"] == "done"


def test_a_changed_schedule_makes_no_slots_of_the_past(desk):
    one = desk("catch_up: all\n")
    one.call("2026-11-20T12:00")
    one.job = a_job(one.folder / "jobs", "daily", 'schedule: {cron: "0 * * * *", zone: UTC}')
    one.call("2026-11-20T14:30")
    assert [entry.slot[11:] for entry in one.ledger.entries()] == ["13:00", "14:00"]


def test_a_clock_set_back_makes_nothing_twice_and_loses_nothing(desk):
    one = desk("catch_up: all\n")
    for when in ("20T12", "21T12", "20T13", "21T06", "22T12", "19T12", "23T12"):
        one.call(f"2026-11-{when}:00")
    assert one.states() == {"11-21": "done", "11-22": "done", "11-23": "done"}
    assert Counter(one.made) == Counter({f"2026-11-{day}T07:00": 1 for day in (21, 22, 23)})


def test_the_night_with_an_hour_twice_gives_one_report(desk):
    one = desk("catch_up: all\n", 'schedule: {cron: "30 3 * * *", zone: Europe/Kyiv}')
    one.call("2026-10-24T12:00")
    for minute in range(0, 240, 20):
        one.call(str((moment("2026-10-24T23:00") + timedelta(minutes=minute)).replace(tzinfo=None)))
    assert one.made == ["2026-10-25T03:30"]


# what goes wrong


def test_a_failure_is_tried_again_ever_later_then_told(desk):
    one = desk("retries: 2\nback_off: 5 min\n")
    one.make = failing()
    one.call("2026-11-20T12:00")
    tried = []
    for minute in (0, 1, 4, 5, 6, 14, 15, 16, 59):
        when = (moment("2026-11-21T05:00") + timedelta(minutes=minute)).replace(tzinfo=None)
        if one.call(str(when)).entries:
            tried.append(minute)
    assert tried == [0, 5, 15]
    (entry,) = one.ledger.entries()
    assert (entry.state, entry.cause) == ("failed", "notebook, code cell 7: ValueError: no deals")
    assert [each["outcome"] for each in one.ledger.tries("daily", entry.slot)] == ["failed"] * 3
    assert one.post() == [("failure", "mail:it@bank.example")]


def test_the_last_good_report_stays_when_the_next_fails(desk):
    one = desk("retries: 0\n")
    one.call("2026-11-20T12:00")
    one.call("2026-11-21T12:00")
    one.make = failing()
    one.call("2026-11-22T12:00")
    assert one.states() == {"11-21": "done", "11-22": "failed"}
    assert (
        (one.out / "daily" / "latest" / "daily.pdf")
        .read_text("utf-8")
        .startswith("daily 2026-11-21")
    )
    assert not broken_reports(one.out, one.ledger)


def test_a_cause_is_told_in_the_language_of_the_report(desk):
    one = desk("retries: 0\n")
    content = one.job.content.model_copy(update={"lang": "uk"})
    one.job = one.job.model_copy(update={"content": content})
    one.call("2026-11-20T12:00")
    late = Message("took longer than {limit} and was stopped", limit=Duration(30, "min"))
    one.make = failing(late)
    one.call("2026-11-21T12:00")
    one.make = failing("notebook: ValueError: no deals")
    one.call("2026-11-22T12:00")
    told = [
        "звіт робився довше, ніж дозволено (30\xa0хв), і його зупинено",
        "notebook: ValueError: no deals",
    ]
    assert sorted(entry.cause for entry in one.ledger.entries()) == sorted(told)
    assert one.office.causes == told


def test_what_the_gate_holds_back_is_kept_and_told(desk):
    one = desk()
    one.call("2026-11-20T12:00")
    causes = ("The data ends 5 d before the slot.", "The audit says E.")

    def held_back(order, job, stop):
        made_fast(order, job, stop)
        return Outcome(ok=True, withheld=causes)

    one.make = held_back
    made = one.call("2026-11-21T12:00")
    assert made.failed
    (entry,) = one.ledger.entries()
    assert (entry.state, entry.cause) == ("withheld", "\n".join(causes))
    assert (one.out / entry.folder / "daily.pdf").is_file()
    assert entry.folder == "daily/withheld/2026-11-21T07-00"
    assert not (one.out / "daily" / "latest").exists()
    assert one.post() == [("failure", "mail:it@bank.example")]
    assert one.office.causes == list(causes)
    assert json.loads((one.out / entry.folder / "record.json").read_text())["withheld"] == list(
        causes
    )


def test_mail_alone_is_tried_again_without_a_new_report(desk):
    one = desk()
    one.call("2026-11-20T12:00")
    one.office.states = lambda _identity, _target: "failed"
    made = one.call("2026-11-21T12:00")
    assert made.failed
    assert one.states() == {"11-21": "done"}
    one.office.states = lambda _identity, _target: "delivered"
    assert one.call("2026-11-21T12:01").sent == ()
    ((parcel, receipt),) = one.call("2026-11-21T12:06").sent
    assert (parcel.slot, receipt.state) == ("2026-11-21T07:00", "delivered")
    assert one.made == ["2026-11-21T07:00"]
    assert len(one.office.taken()) == 1


def test_a_send_in_doubt_is_repeated_under_the_same_message_id(desk):
    one = desk()
    one.call("2026-11-20T12:00")
    one.office.states = lambda _identity, _target: "unknown"
    one.call("2026-11-21T12:00")
    assert Postbook(one.ledger.storage).entries()[0]["state"] == "unknown"
    one.office.states = lambda _identity, _target: "delivered"
    one.call("2026-11-21T12:06")
    assert len(one.office.taken()) == 2
    assert len(set(one.office.taken())) == 1


def test_a_send_in_doubt_is_left_where_the_job_says_so(desk):
    one = desk()
    one.job = a_job(one.folder / "jobs", more=MAIL.replace("mail:", "if_unknown: leave, mail:", 1))
    one.call("2026-11-20T12:00")
    one.office.states = lambda _identity, _target: "unknown"
    one.call("2026-11-21T12:00")
    one.office.states = lambda _identity, _target: "delivered"
    one.call("2026-11-21T18:00")
    assert len(one.office.taken()) == 1


@pytest.mark.parametrize("name", ["daily.pdf", "daily.manifest.json"])
def test_an_empty_file_is_no_report(desk, name):
    one = desk("retries: 0\n")
    one.call("2026-11-20T12:00")

    def empty(order, job, stop):
        outcome = made_fast(order, job, stop)
        Path(order.draft, name).write_bytes(b"")
        return outcome

    one.make = empty
    one.call("2026-11-21T12:00")
    assert one.ledger.entries()[0].cause == f"empty files: {name}"
    assert not broken_reports(one.out, one.ledger)


def test_a_folder_that_cannot_be_written_is_the_cause(desk):
    one = desk("retries: 0\n")
    one.call("2026-11-20T12:00")
    one.out.rmdir() if one.out.exists() else None
    one.out.write_text("a file where a folder should be")
    one.call("2026-11-21T12:00")
    (entry,) = one.ledger.entries()
    assert entry.state == "failed"
    assert "Not a directory" in entry.cause
    assert one.post() == [("failure", "mail:it@bank.example")]


def test_a_locked_ledger_loses_nothing(desk):
    one = desk()
    one.call("2026-11-20T12:00")
    one.ledger = a_ledger(one.folder, wait=0.05)
    with locked(one.folder / "ledger.db"), pytest.raises(RunError, match="locked"):
        one.call("2026-11-21T12:00")
    one.call("2026-11-21T12:05")
    assert one.states() == {"11-21": "done"}


def test_one_job_that_breaks_spares_the_others(desk, tmp_path):
    one = desk()
    other = a_job(tmp_path / "jobs", "other")
    one.call("2026-11-20T12:00")
    run_due([other], ledger=one.ledger, out=one.out, now=moment("2026-11-20T12:00"),
            make=made_fast, carrier=one.office.carrier)  # fmt: skip

    def make(order: Order, job: Job, stop: threading.Event) -> Outcome:
        if job.name == "daily":
            raise ZeroDivisionError
        return made_fast(order, job, stop)

    run_due([one.job, other], ledger=one.ledger, out=one.out, now=moment("2026-11-21T12:00"),
            make=make, carrier=one.office.carrier)  # fmt: skip
    states = {entry.job: entry.state for entry in one.ledger.entries()}
    assert states == {"daily": "planned", "other": "done"}
    assert one.ledger.entries("daily")[0].cause == "ZeroDivisionError"


def test_a_runner_that_is_asked_to_end_leaves_the_rest_to_the_next_call(desk):
    one = desk("catch_up: all\n")
    one.call("2026-11-20T12:00")

    def ending(order, job, stop):
        stop.set()
        return Outcome(ok=False, cause="killed in the end")

    one.make = ending
    one.call("2026-11-22T12:00")
    assert one.states() == {"11-21": "planned", "11-22": "planned"}
    (entry, _) = one.ledger.entries()
    assert entry.cause == "the runner was stopped; the next call goes on"
    one.make = made_fast
    one.call("2026-11-22T12:01")
    assert one.states() == {"11-21": "done", "11-22": "done"}


# old reports, promises


def test_old_reports_go_but_never_the_last_good_one(desk):
    one = desk("catch_up: all\nkeep: 2\nretries: 0\n")
    one.call("2026-11-10T12:00")
    one.call("2026-11-15T12:00")
    one.make = failing()
    one.call("2026-11-18T12:00")
    folders = sorted(path.name for path in (one.out / "daily").iterdir())
    assert folders == ["2026-11-14T07-00", "2026-11-15T07-00", "latest"]
    one.job = a_job(one.folder / "jobs", more="keep: 1 d\nretries: 0\n")
    one.call("2026-12-24T12:00")
    assert sorted(path.name for path in (one.out / "daily").iterdir()) == [
        "2026-11-15T07-00",
        "latest",
    ]


def test_a_report_is_given_what_earlier_ones_promised(desk):
    one = desk("catch_up: all\n")
    one.call("2026-11-20T12:00")
    one.call("2026-11-23T12:00")
    values = [
        (one.out / "daily" / f"2026-11-{day}T07-00" / "forecast.csv").read_text().rstrip()[-1]
        for day in (21, 22, 23)
    ]
    assert values == ["0", "1", "2"]  # the fast report says how many rows it was given


# one slot by hand


def test_a_slot_by_hand_is_made_once_and_again_only_on_demand(desk):
    one = desk()
    one.call("2026-11-20T12:00")
    slot = next_slots(one.job.schedule, moment("2026-11-20T12:00"))[0]
    given = {"ledger": one.ledger, "out": one.out, "make": made_fast, "carrier": one.office.carrier}
    clock = lambda: moment("2026-11-20T13:00")  # noqa: E731 - a clock that stands
    made = run_slot(one.job, slot, **given, clock=clock)
    assert (made.entries[0].state, made.failed) == ("done", False)
    with pytest.raises(ParameterError, match="--again"):
        run_slot(one.job, slot, **given, clock=clock)
    again = run_slot(one.job, slot, **given, clock=clock, again=True, send=False)
    assert again.entries[0].folder == "daily/2026-11-21T07-00.2"
    assert len(one.office.taken()) == 1
    one.call("2026-11-22T12:00")
    assert one.made == ["2026-11-22T07:00"]  # that of the 21st was made ahead
    assert not broken_reports(one.out, one.ledger, {"daily": 1})


# names and titles


def test_no_name_leads_out_of_the_folder(tmp_path):
    for name in ("../../etc/passwd", "..", "a/b", "a b", ".hidden"):
        with pytest.raises((ParameterError, OSError)):
            a_job(tmp_path / "jobs" / "x", name)
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize(
    ("days", "faults", "seed"), [(14, 20, 7), pytest.param(60, 75, 3, marks=pytest.mark.slow)]
)
def test_every_slot_is_accounted_for_whatever_goes_wrong(tmp_path, days, faults, seed):
    """SIGKILL before random lines, two runners at once, a full disk, a wrong clock and more."""
    command = [sys.executable, "-W", "error", "-m", "tests.simulated_year", str(tmp_path)]
    command += ["--days", str(days), "--faults", str(faults), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["planted"] == faults
    assert told["killed"] >= faults / 10
