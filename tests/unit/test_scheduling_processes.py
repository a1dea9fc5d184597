"""What can happen to a report's process, and to the disk under it; each with its cause."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from funnelsim.errors import RunError
from funnelsim.measures.example import BANK
from funnelsim.reporting import reports
from funnelsim.scheduling.orders import Order, made
from funnelsim.scheduling.processes import _marked, spawned
from funnelsim.scheduling.runner import run_due
from tests.scheduled import Office, a_job, a_ledger, broken_reports, made_fast, moment

ROOT = Path(__file__).resolve().parents[2]
# A process that carries out an order as ours do; its first line is what the report does.
WORK = (
    "import os, signal, subprocess, sys, time\n"
    "from pathlib import Path\n"
    "from funnelsim.scheduling.orders import Outcome\n"
    "from funnelsim.scheduling.processes import _work\n"
    "def make(order):\n"
    "    Path(order.draft, 'begun').touch()\n"
    "    {}\n"
    "    return Outcome(ok=True, source={{'name': 'Українська', 'sha256': '0'}})\n"
    "_work(sys.argv[1], make)\n"
)
SLEEPER = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], "


@pytest.fixture
def order(tmp_path) -> Order:
    for name in ("draft", "scratch"):
        (tmp_path / name).mkdir()
    return Order(
        "job.yaml",
        "2026-11-23T07:00",
        "2026-11-23T05:00:00+00:00",
        str(tmp_path / "draft"),
        str(tmp_path / "scratch"),
        f"test.{tmp_path.name}.{os.getpid()}",
    )


def outcome(order: Order, line: str, *, limit: float = 60.0, stop: threading.Event | None = None):
    command = ("-c", WORK.format(line))
    return spawned(order, limit=limit, stop=stop or threading.Event(), command=command)


def test_a_report_that_is_made_says_so_whatever_it_prints(order):
    told = outcome(order, "print('{\"ok\": false}'); sys.stderr.write('x' * 200_000)")
    assert told.ok
    assert told.source == {"name": "Українська", "sha256": "0"}


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", "was ended by SIGTERM"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "was killed (SIGKILL): the machine ran out of memory",
        ),
        ("os._exit(3)", "ended with code 3"),
        ("raise SystemExit('no more')", "ended with code 1: no more"),
        ("os.abort()", "was ended by SIGABRT"),
    ],
)
def test_how_a_process_ended_is_the_cause(order, line, cause):
    told = outcome(order, line)
    assert not told.ok
    assert cause in told.cause
    assert _marked(order.token) == []


@pytest.mark.parametrize("away", ["start_new_session=True", "start_new_session=False"])
def test_too_long_is_too_long_for_everything_it_started(order, away):
    """Kernels leave the group of their process; they are ended all the same."""
    began = time.monotonic()
    told = outcome(order, f"{SLEEPER}{away}); time.sleep(600)", limit=3)
    assert told.cause == "took longer than 3 s and was stopped"
    assert time.monotonic() - began < 60
    assert _marked(order.token) == []


def test_a_runner_that_is_asked_to_end_ends_its_reports(order):
    stop = threading.Event()
    begun = Path(order.draft, "begun")

    def ask() -> None:
        while not begun.exists():
            time.sleep(0.05)
        stop.set()

    thread = threading.Thread(target=ask)
    thread.start()
    told = outcome(order, "time.sleep(600)", stop=stop)
    thread.join()
    assert told.cause == "the runner was stopped"
    assert _marked(order.token) == []


def test_reports_end_with_a_runner_that_is_killed(order):
    code = (
        "import sys, threading\n"
        "from funnelsim.scheduling.orders import Order\n"
        "from funnelsim.scheduling.processes import spawned\n"
        "spawned(Order.read(sys.argv[1]), limit=600, stop=threading.Event(),\n"
        "        command=('-c', sys.argv[2]))\n"
    )
    words = [order.text(), WORK.format("time.sleep(600)")]
    runner = subprocess.Popen([sys.executable, "-c", code, *words])
    while not Path(order.draft, "begun").exists():
        assert runner.poll() is None
        time.sleep(0.05)
    assert _marked(order.token)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    for _ in range(200):
        if not _marked(order.token):
            break
        time.sleep(0.1)
    assert _marked(order.token) == []


# the disk


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 200 KB of its own."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs rights that this user does not have")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def disk_job(folder: Path, out: Path, day: str, make=made_fast):
    office = Office(folder / "book.tsv")
    run_due(
        [a_job(folder / "jobs", more="retries: 0\ndeliver: {mail: [a@b.ua]}\n")],
        ledger=a_ledger(folder),
        out=out,
        now=moment(f"2026-11-{day}T12:00"),
        make=make,
        carrier=office.carrier,
    )
    return a_ledger(folder).entries()


def test_a_full_disk_is_the_cause_and_the_last_good_report_stays(tmp_path, small_disk):
    disk_job(tmp_path, small_disk, "20")
    disk_job(tmp_path, small_disk, "21")

    def large(order, job, stop):
        try:
            Path(order.draft, "daily.pdf").write_bytes(b"x" * 400_000)
        except OSError as error:
            return made_error(error)
        return made_fast(order, job, stop)

    entries = disk_job(tmp_path, small_disk, "22", large)
    assert [entry.state for entry in entries] == ["done", "failed"]
    assert entries[-1].cause.startswith("No space left on device")
    ledger = a_ledger(tmp_path)
    assert broken_reports(small_disk, ledger) == []
    assert (small_disk / "daily" / "latest" / "daily.pdf").is_file()
    entries = disk_job(tmp_path, small_disk, "23")  # what it left is gone: there is room again
    assert entries[-1].state == "done"


def made_error(error: OSError):
    from funnelsim.scheduling.causes import why
    from funnelsim.scheduling.orders import Outcome

    return Outcome(ok=False, cause=why(error))


def test_a_disk_that_is_full_only_for_the_record_leaves_no_report(tmp_path, small_disk):
    disk_job(tmp_path, small_disk, "20")

    def filling(order, job, stop):
        told = made_fast(order, job, stop)
        with Path(order.scratch, "rest").open("wb") as stream:
            try:
                while stream.write(b"x" * 4096):
                    stream.flush()
            except OSError:
                return told
        return told

    entries = disk_job(tmp_path, small_disk, "21", filling)
    assert [entry.state for entry in entries] == ["failed"]
    assert entries[-1].cause.startswith("No space left on device")
    assert broken_reports(small_disk, a_ledger(tmp_path)) == []


def test_a_disk_that_cannot_be_written_is_the_cause(tmp_path, small_disk):
    disk_job(tmp_path, small_disk, "20")
    disk_job(tmp_path, small_disk, "21")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    entries = disk_job(tmp_path, small_disk, "22")
    assert [entry.state for entry in entries] == ["done", "failed"]
    assert entries[-1].cause.startswith("Read-only file system")
    assert (small_disk / "daily" / "latest" / "daily.pdf").is_file()


def test_a_ledger_on_a_full_disk_is_said_and_nothing_is_lost(tmp_path, small_disk):
    ledger = a_ledger(small_disk)
    now = moment("2026-11-20T12:00")
    with suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as stream:
        while stream.write(b"x" * 4096):
            pass

    def work_on() -> None:
        for _ in range(1000):
            ledger.begin_run(now)

    with pytest.raises(RunError, match="disk"):
        work_on()
    (small_disk / "rest").unlink()
    assert a_ledger(small_disk).begin_run(now)


# what it is made from


def data_job(folder: Path, source: Path):
    (folder / "jobs").mkdir()
    (folder / "jobs" / "review.yaml").write_text(
        f"funnelsim: 1\nreport: {{kind: funnel-review}}\nsource: {{file: {source}}}\n"
        "schedule: {cron: '0 7 * * *', zone: UTC}\nonly_if: {fresh: 2 d}\n",
        "utf-8",
    )
    return str(folder / "jobs" / "review.yaml")


def test_an_export_that_did_not_come_is_the_cause(order, tmp_path):
    source = tmp_path / "deals.csv"
    source.write_text("old", "utf-8")
    os.utime(source, (moment("2026-11-18T05:00").timestamp(),) * 2)
    told = made(replace(order, job=data_job(tmp_path, source)))
    assert "the file is 5 d old; the job allows 2 d" in told.cause
    source.unlink()
    job = tmp_path / "jobs" / "review.yaml"
    told = made(replace(order, job=str(job)))
    assert "there is no such file" in told.cause
    job.write_text(job.read_text("utf-8").replace("-review}", "-review, lang: ru}"), "utf-8")
    assert made(replace(order, job=str(job))).cause == f"{source}: такого файла нет"


@pytest.mark.parametrize(
    ("lang", "cause"),
    [
        ("uk", "файл застарів: завдання допускає вік до 2 дн., а його змінено 5 дн. тому."),
        ("ru", "файл устарел: задание допускает возраст до 2 дн., а он изменён 5 дн. назад."),
    ],
)
def test_a_cause_is_told_in_the_language_of_the_report(order, tmp_path, lang, cause):
    source = tmp_path / "deals.csv"
    source.write_text("old", "utf-8")
    os.utime(source, (moment("2026-11-18T05:00").timestamp(),) * 2)
    job = Path(data_job(tmp_path, source))
    job.write_text(job.read_text("utf-8").replace("-review}", f"-review, lang: {lang}}}"), "utf-8")
    told = made(replace(order, job=str(job))).cause
    assert told.startswith(f"{source}: {cause}")
    assert "Has" not in told


def test_an_export_that_is_replaced_meanwhile_is_the_cause(order, tmp_path, monkeypatch):
    source = tmp_path / "deals.csv"
    source.write_text("one", "utf-8")
    monkeypatch.setattr(reports, "report", lambda *_, **__: source.write_text("two", "utf-8"))
    given = replace(order, job=data_job(tmp_path, source), now="2026-11-23T05:00:00+00:00")
    told = made(given)
    assert "was replaced while the report was made from it" in told.cause


def test_a_scenario_whose_name_leads_out_of_the_folder_is_refused(order, tmp_path):
    evil = (ROOT / "scenarios" / "bank-retail.yaml").read_text("utf-8")
    evil = evil.replace("name: bank-retail", "name: ../../etc/passwd")
    (tmp_path / "evil.yaml").write_text(evil, "utf-8")
    job = a_job(tmp_path / "jobs")
    text = job.file.read_text("utf-8").replace(
        str(ROOT / "scenarios" / "bank-retail.yaml"), "../evil.yaml"
    )
    job.file.write_text(text, "utf-8")
    told = made(replace(order, job=str(job.file)))
    assert '"../../etc/passwd" is not an id' in told.cause
    assert list(Path(order.draft).iterdir()) == []


def test_a_database_that_another_program_has_locked_is_the_cause(order, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM", f"sqlite:///{tmp_path}/crm.db?timeout=0.2")
    (tmp_path / "jobs").mkdir()
    job = tmp_path / "jobs" / "review.yaml"
    job.write_text(
        "funnelsim: 1\nreport: {kind: funnel-review}\n"
        "source: {sql: {url: '${CRM}', query: select * from deals}}\n"
        "schedule: {cron: '0 7 * * *', zone: UTC}\n",
        "utf-8",
    )
    other = sqlite3.connect(tmp_path / "crm.db")
    other.execute("create table deals (id int)")
    other.commit()
    other.execute("begin exclusive")
    told = made(replace(order, job=str(job)))
    other.close()
    assert not told.ok
    assert "database is locked" in told.cause
    assert list(Path(order.draft).iterdir()) == []


# real notebooks


def test_a_report_that_is_ended_while_its_pdf_is_drawn_leaves_none(order, tmp_path):
    """Its notebook has run, its tables are made; what comes out is whole, or not there."""
    source = BANK.save(tmp_path / "bank", format="csv")
    code = (
        "import os, signal, sys, time\n"
        "from funnelsim.reporting import reports\n"
        "from funnelsim.scheduling.orders import made\n"
        "from funnelsim.scheduling.processes import _work\n"
        "from tests.planted import without_kernel\n"
        "def ended(*_, **__):\n"
        "    print('drawing', file=sys.stderr, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(60)\n"
        "reports.execute, reports.render = without_kernel, ended\n"
        "_work(sys.argv[1], made)\n"
    )
    given = replace(order, job=data_job(tmp_path, source), now="2026-11-23T05:00:00+00:00")
    told = spawned(given, limit=120, stop=threading.Event(), command=("-c", code))
    assert not told.ok
    assert "was ended by SIGTERM" in told.cause
    assert [file.suffix for file in Path(order.draft).iterdir() if file.suffix == ".pdf"] == []


@pytest.fixture
def kinds(tmp_path, monkeypatch):
    """Only one kind of report: a notebook of these cells."""

    def given(*cells: str) -> None:
        first = nbformat.v4.new_code_cell('source: str = ""\nlang: str = "en"\nseed: int = 1')
        first.metadata["tags"] = ["parameters"]
        rest = [nbformat.v4.new_code_cell(cell) for cell in cells]
        notebook = nbformat.v4.new_notebook(cells=[first, *rest])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "",
            "language": "python",
        }
        nbformat.write(notebook, tmp_path / "own.ipynb")
        own = {"funnel-review": tmp_path / "own.ipynb"}
        monkeypatch.setattr(reports, "kinds", lambda: own)

    return given


@pytest.mark.parametrize(
    ("cell", "cause"),
    [
        ("raise ValueError('no deals in May')", "code cell 7 (raise ValueError"),
        ("import os; os.kill(os.getpid(), 9)", "code cell 7 (import os; os.kill(os.getpid(), 9))"),
    ],
)
def test_a_notebook_that_breaks_in_cell_7_and_a_kernel_that_is_killed(
    order, tmp_path, kinds, cell, cause
):
    kinds(*["1 + 1"] * 5, cell, "2 + 2")
    job = a_job(tmp_path / "jobs")
    told = made(replace(order, job=str(job.file)))
    assert not told.ok
    assert cause in told.cause
    assert list(Path(order.draft).glob("*.pdf")) == []
