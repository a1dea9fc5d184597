"""Folders, channels, and a job's targets together."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from funnelsim.errors import RunError
from funnelsim.scheduling.delivery import Secrets, Server, Settings, announce_failure, deliver
from funnelsim.scheduling.delivery.folders import copy
from funnelsim.scheduling.delivery.letters import Letter
from funnelsim.scheduling.delivery.webhooks import post
from funnelsim.scheduling.jobs import Job
from tests.unit.mail_servers import misbehaving

LETTER = Letter("FAILED: <!channel>", ("The data is 5 d old & stale.",))
TOLD = {
    "kind": "funnel-review",
    "kicker": "Огляд воронки",
    "title": "Роздрібний банк",
    "as_of": "2026-11-20",
    "sentences": ["З 15 274 лідів виграно 18 %.", "Найбільше губимо на початку."],
}


@contextmanager
def channel(*answers):
    """A channel that gives these answers in turn; what it was sent is kept."""
    sent, waiting = [], list(answers)

    class Channel(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((self.path, json.loads(body)))
            answer = waiting.pop(0) if waiting else 200
            if answer == "drop":
                return
            if answer == "hang":
                over.wait(5)
                return
            self.send_response(answer)
            if answer // 100 == 3:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()
            self.wfile.write(f"you asked for {self.path}".encode())

        def log_message(self, *_):
            pass

    over = threading.Event()
    server = HTTPServer(("127.0.0.1", 0), Channel)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/T0KEN-s3cret", sent
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def posted(url, **other):
    told: dict[str, Any] = {"target": "webhook:SALES", "timeout": 0.3, "pause": 0.0}
    return post(LETTER, SecretStr(url), **(told | other))


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "state", "tries"),
    [
        ((200,), "delivered", 1),
        ((500, 503, 200), "delivered", 3),
        ((500, 500, 500), "failed", 3),
        ((404,), "failed", 1),
        ((429,), "failed", 1),
        ((307,), "failed", 1),
        (("hang",), "unknown", 1),
        (("drop",), "unknown", 1),
    ],
)
def test_a_channel_is_tried_again_only_where_the_fault_is_its_own(answers, state, tries):
    with channel(*answers) as (url, sent):
        receipt = posted(url)
    assert (receipt.state, len(sent)) == (state, tries), receipt
    assert {path for path, _ in sent} == {"/T0KEN-s3cret"}, "a redirect was followed"
    assert "T0KEN" not in receipt.detail


def test_a_title_cannot_call_everybody():
    with channel() as (url, sent):
        posted(url)
    assert sent[0][1] == {"text": "*FAILED: &lt;!channel&gt;*\n\nThe data is 5 d old &amp; stale."}


def test_the_wait_doubles():
    waits: list[float] = []
    with channel(500, 500, 500) as (url, _):
        posted(url, pause=2.0, sleep=waits.append)
    assert waits == [2.0, 4.0]


@pytest.mark.parametrize(
    "url", ["http://hooks.example/x", "ftp://localhost/x", "file:///etc/passwd"]
)
def test_an_open_line_is_refused(url):
    receipt = posted(url)
    assert (receipt.state, "https" in receipt.detail) == ("failed", True)


def test_nobody_at_the_channel():
    with channel() as (url, _):
        pass
    receipt = posted(url)
    assert (receipt.state, "cannot reach 127.0.0.1" in receipt.detail) == ("failed", True)


# --- folders --------------------------------------------------------------------------------------


def made(folder, name="weekly", **changed):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.pdf").write_bytes(b"%PDF-1.7 the report")
    (folder / f"{name}.ipynb").write_text("{}", "utf-8")
    told = json.dumps(TOLD | changed, ensure_ascii=False)
    (folder / f"{name}.manifest.json").write_text(told, "utf-8")
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_copy_is_whole_and_made_once(tmp_path):
    files = sorted(made(tmp_path / "draft").iterdir())
    goal = tmp_path / "share"
    assert copy(files, goal, target="folder:x").state == "delivered"
    before = {path.name: path.stat().st_ino for path in goal.iterdir()}
    assert copy(files, goal, target="folder:x").state == "delivered"
    assert before == {path.name: path.stat().st_ino for path in goal.iterdir()}
    assert names(goal) == [file.name for file in files]


def test_a_disk_that_fills_up_leaves_the_last_good_report(tmp_path, monkeypatch):
    goal = made(tmp_path / "share")
    files = sorted(made(tmp_path / "draft").iterdir())
    (tmp_path / "draft/weekly.pdf").write_bytes(b"%PDF-1.7 newer")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("funnelsim.scheduling.delivery.folders.shutil.copyfileobj", full)
    receipt = copy(files, goal, target="folder:x")
    assert (receipt.state, "No space left" in receipt.detail) == ("failed", True)
    assert names(goal) == [file.name for file in files]
    assert (goal / "weekly.pdf").read_bytes() == b"%PDF-1.7 the report"


def test_a_drive_that_is_not_there_is_not_made_up(tmp_path):
    files = sorted(made(tmp_path / "draft").iterdir())
    receipt = copy(files, tmp_path / "not-mounted/reports", target="folder:x")
    assert receipt.state == "failed"
    assert not (tmp_path / "not-mounted").exists()


# --- all of a job ---------------------------------------------------------------------------------


def job(tmp_path, **deliver_to):
    given = {
        "funnelsim": 1,
        "report": {"kind": "funnel-review", "lang": "uk"},
        "source": {"scenario": "x.yaml"},
        "schedule": {"cron": "0 7 * * 1", "zone": "Europe/Kyiv"},
        "title": {"uk": "Щопонеділка", "en": "Mondays"},
        "deliver": deliver_to,
    }
    return Job.model_validate(given).at(tmp_path / "mondays.yaml")


def test_one_target_that_fails_keeps_nobody_else_from_the_report(tmp_path):
    draft = made(tmp_path / "draft")
    given = job(
        tmp_path,
        mail=["anna@bank.example"],
        folders=["share", "/proc/nowhere"],
        webhooks=["SALES", "NOT_SET"],
    )
    with misbehaving("nothing") as (port, seen), channel(500, 200) as (url, sent):
        server = Server("127.0.0.1", "reports@bank.example", "plain", port=port, timeout=2)
        settings = Settings(server, Secrets.read({"SALES": url}), pause=0.0)
        receipts = deliver(given, draft, message_id="mondays/1", settings=settings)
        again = {receipt.target for receipt in receipts if receipt.state == "failed"}
        second = deliver(given, draft, message_id="mondays/1", settings=settings, only=again)
    assert {receipt.target: receipt.state for receipt in receipts} == {
        "mail:anna@bank.example": "delivered",
        "folder:share": "delivered",
        "folder:/proc/nowhere": "failed",
        "webhook:SALES": "delivered",
        "webhook:NOT_SET": "failed",
    }
    assert [receipt.target for receipt in second] == ["folder:/proc/nowhere", "webhook:NOT_SET"]
    assert seen.count("DATA") == 1
    assert names(tmp_path / "share") == names(draft)
    text = sent[-1][1]["text"]
    assert text.startswith("*Щопонеділка. Огляд воронки: Роздрібний банк, ")
    assert TOLD["sentences"][0] in text


def test_several_reports_make_one_letter(tmp_path):
    draft = made(tmp_path / "draft")
    made(draft, "what-if", sentences=["Дзвінок того ж дня дає +4 угоди."])
    with channel() as (url, sent):
        settings = Settings(secrets=Secrets.read({"SALES": url}))
        deliver(job(tmp_path, webhooks=["SALES"]), draft, message_id="x", settings=settings)
    assert len(sent) == 1
    assert "+4 угоди" in sent[0][1]["text"]
    assert "weekly.pdf, what-if.pdf" in sent[0][1]["text"]


def test_a_failure_names_its_cause_to_who_must_know(tmp_path):
    given = job(
        tmp_path, mail=["anna@bank.example"], on_failure="it@bank.example", webhooks="SALES"
    )
    with channel() as (url, sent):
        settings = Settings(secrets=Secrets.read({"SALES": url}))
        cause = "The data is 5 d old; the job allows 2 d."
        receipts = announce_failure(
            given, [cause], message_id="x", settings=settings, slot="2026-11-23 07:00", draft="d/1"
        )
    assert [receipt.target for receipt in receipts] == ["mail:it@bank.example", "webhook:SALES"]
    assert "FUNNELSIM_SMTP_HOST" in receipts[0].detail
    text = sent[0][1]["text"]
    assert all(part in text for part in (cause, "Щопонеділка", "2026-11-23 07:00", "d/1"))


def test_a_folder_without_a_report_is_an_error(tmp_path):
    with pytest.raises(RunError, match="holds no report"):
        deliver(job(tmp_path), tmp_path, message_id="x", settings=Settings())


def test_links_in_the_goal_are_replaced_and_not_followed(tmp_path):
    files = sorted(made(tmp_path / "draft").iterdir())
    other = tmp_path / "precious"
    other.write_text("mine", "utf-8")
    goal = tmp_path / "share"
    goal.mkdir()
    (goal / "weekly.pdf").symlink_to(other)
    assert copy(files, goal, target="folder:x").state == "delivered"
    assert other.read_text("utf-8") == "mine"
    assert not Path(goal / "weekly.pdf").is_symlink()
