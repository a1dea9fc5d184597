"""``funnelsim schedule``: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from funnelsim.cli import main
from funnelsim.scheduling import runner
from funnelsim.scheduling.orders import Outcome
from tests.scheduled import a_job, a_ledger, made_fast

START = 'schedule: {cron: "0 7 * * *", zone: Europe/Kyiv, start: 2026-11-01}'
ODD = "title: '#panic(\"x\") $ @ <script> =cmd() [bold]'\ndeliver: {folders: [share]}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a job, and fast reports instead of real ones."""
    monkeypatch.chdir(tmp_path)
    for function in (runner.run_due, runner.run_slot):
        given = {**(function.__kwdefaults__ or {}), "make": made_fast}
        monkeypatch.setattr(function, "__kwdefaults__", given)
    for name in list(os.environ):
        if name.startswith("FUNNELSIM_"):
            monkeypatch.delenv(name)
    a_job(tmp_path / "jobs", "daily", START, ODD)
    return tmp_path


@pytest.fixture
def call(capsys):
    """Run a command; exit code, output and errors."""

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["schedule", *words])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return called


def test_what_is_due_is_made_and_nothing_twice(here, call):
    code, out, _ = call("run-due", "--json")
    told = json.loads(out)
    (made,) = told["slots"]
    assert (code, made["state"], [each["state"] for each in told["sent"]]) == (
        0,
        "done",
        ["delivered"],
    )
    assert (here / "jobs" / "share" / "daily.pdf").is_file()
    assert call("run-due") == (0, "", "")
    code, out, _ = call("history", "--json", "--n", "1000")
    states = [slot["state"] for slot in json.loads(out)["slots"]]
    assert (code, states[-1], set(states[:-1])) == (0, "done", {"superseded"})


def test_what_goes_wrong_ends_with_1_and_says_why(here, call, monkeypatch):
    def fails(order, job, stop):
        return Outcome(ok=False, cause="no deals in May")

    given = {**(runner.run_due.__kwdefaults__ or {}), "make": fails}
    monkeypatch.setattr(runner.run_due, "__kwdefaults__", given)
    code, out, _ = call("run-due")
    assert code == 1
    assert "planned no deals in May (tried again from" in out
    code, out, _ = call("history")
    assert "no deals in May" in out


def test_jobs_and_times_are_listed(here, call):
    code, out, _ = call("list")
    assert code == 0
    assert "daily" in out
    assert "0 7 * * * " in out
    code, out, _ = call("list", "--json")
    (job,) = json.loads(out)["jobs"]
    assert job["title"] == {"en": '#panic("x") $ @ <script> =cmd() [bold]'}
    assert (job["targets"], job["last"]) == (["folder:share"], None)
    code, out, _ = call("next", "--n", "3", "--json")
    slots = [each["slot"] for each in json.loads(out)["slots"]]
    assert len(slots) == 3
    assert all(slot.endswith("T07:00") for slot in slots)
    assert not (here / "reports").exists()  # looking makes nothing


def test_one_slot_by_hand(here, call):
    code, out, _ = call("run", "daily", "--at", "2026-11-05", "--no-send")
    assert (code, "2026-11-05T07-00" in out) == (0, True)
    assert not (here / "jobs" / "share").exists()
    code, _, err = call("run", "daily", "--at", "2026-11-05")
    assert (code, "--again" in err) == (2, True)
    assert call("run", "daily", "--at", "2026-11-05T07:00", "--again")[0] == 0
    assert (here / "jobs" / "share" / "daily.pdf").is_file()
    entries = a_ledger(here / "reports").entries()
    assert [(entry.slot, entry.attempts) for entry in entries] == [("2026-11-05T07:00", 2)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "dayly"], 'Did you mean "daily"?'),
        (["run", "daily", "--at", "yesterday"], '"yesterday" is no date'),
        (["run", "daily", "--at", "2026-11-05T08:00"], "The next one is 2026-11-06T07:00"),
        (["install"], "--cron or --systemd?"),
        (["run-due", "--jobs", "nowhere"], "there is no such file or folder"),
        (["run-due", "--ledger", "mysql://x/y"], "a ledger is SQLite or PostgreSQL"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(here, call, words, said):
    code, _, err = call(*words)
    assert (code, said in err) == (2, True)


def test_a_bad_job_is_told_with_its_line(here, call):
    (here / "jobs" / "bad.yaml").write_text("funnelsim: 1\nreport: {kind: x}\n", "utf-8")
    code, out, err = call("run-due", "--json")
    assert code == 2
    assert 'bad.yaml:2:16 report.kind: there is no report "x"' in err
    assert json.loads(out)["problems"]


def test_no_jobs_at_all_is_said(here, call, tmp_path):
    (tmp_path / "jobs" / "daily.yaml").unlink()
    assert "holds no jobs" in call("list")[2]
    (tmp_path / "jobs").rmdir()
    assert "there are no jobs here" in call("list")[2]


def test_the_line_for_cron_names_everything_in_full(here, call):
    code, out, _ = call("install", "--cron", "--every", "10")
    line = out.splitlines()[-1]
    assert (code, line.startswith("*/10 * * * * cd ")) == (0, True)
    _, folder, _, program, *words = shlex.split(line.split("* * * * ")[1])
    assert (Path(folder), os.access(program, os.X_OK)) == (here, True)
    assert words[words.index("--jobs") + 1] == str(here / "jobs")


def test_the_units_for_systemd_say_persistent(here, call, monkeypatch):
    monkeypatch.setenv("FUNNELSIM_SECRETS", "/etc/100%safe")
    code, out, _ = call("install", "--systemd")
    assert code == 0
    for line in (
        "Persistent=true",
        "OnCalendar=*:0/5",
        "Environment=FUNNELSIM_SECRETS=/etc/100%%safe",
    ):
        assert line in out.splitlines()
