"""Scheduled reports: years of slots with planted faults, and the three example jobs for real.

Years run on a fake clock with fast reports (tests/simulated_year.py); SIGKILL, SIGTERM, locks and
full disks are real. The example jobs are then called by the command line as cron would: real
exports, real notebooks and PDFs, mail to a server with TLS on this machine; twice the runner is
killed in the middle. What was done is kept, so that an interrupted run goes on.

    python benchmarks/evidence_schedule.py [years]
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "reports" / "evidence_schedule.jsonl"
YEARS, DAYS, FAULTS = 3, 365, 300
SEED = 29
KILLS = 2
LONGEST = 5400
TOLD = ("job", "slot", "state", "cause", "attempts", "interrupted")
FUNNELSIM = (sys.executable, "-m", "funnelsim")


def year(seed: int) -> dict[str, Any]:
    """One year in a folder that is in memory where there is one."""
    memory = Path("/dev/shm")  # noqa: S108 - a file system, not a file
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        words = [folder, "--days", str(DAYS), "--faults", str(FAULTS), "--seed", str(seed)]
        command = [sys.executable, "-W", "error", "-m", "tests.simulated_year", *words]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if told.returncode:
        raise SystemExit(told.stderr)
    return {"what": "year", **json.loads(told.stdout)}


def workspace(folder: Path) -> None:
    """The example jobs beside a scenario and a CRM export that ends last night."""
    shutil.copytree(ROOT / "scenarios" / "jobs", folder / "jobs")
    shutil.copy(ROOT / "scenarios" / "bank-retail.yaml", folder)
    start = date.today() - timedelta(weeks=46)  # noqa: DTZ011 - the day here
    words = [
        "export-crm",
        str(ROOT / "scenarios" / "security-systems.yaml"),
        "--format",
        "pipedrive",
    ]
    words += [
        "--out",
        str(folder / "crm"),
        "--set",
        f"run.start={start}",
        "--set",
        "run.horizon=46 w",
    ]
    subprocess.run([*FUNNELSIM, *words], check=True, capture_output=True)  # noqa: S603 - our own
    (folder / "exports").mkdir()
    (changes,) = (folder / "crm").glob("deal_changes-*.csv")
    shutil.copy(changes, folder / "exports" / f"deals-{date.today()}.csv")  # noqa: DTZ011 - same
    since = datetime.now(UTC) - timedelta(days=32)
    for job in (folder / "jobs").glob("*.yaml"):
        text = job.read_text("utf-8").replace(
            "\nschedule:\n", f"\nschedule:\n  start: {since:%Y-%m-%d}\n"
        )
        # So that each is due now, whatever day and hour it is.
        text = text.replace("catch_up: none", "catch_up: latest").replace(
            "catch_up: all", "catch_up: latest"
        )
        job.write_text(text, "utf-8")


def called(
    folder: Path, environment: dict[str, str], kill_after: float | None = None
) -> dict[str, Any]:
    """One call of the runner; killed some seconds after it has begun reports, where said."""
    words = ["schedule", "run-due", "--jobs", "jobs", "--out", "reports", "--json"]
    process = subprocess.Popen(  # noqa: S603 - our own
        [*FUNNELSIM, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    if kill_after is not None:
        drafts = folder / "reports" / ".drafts"
        while process.poll() is None and not (drafts.is_dir() and any(drafts.iterdir())):
            time.sleep(0.1)
        time.sleep(kill_after)
        at = sorted(path.name for path in drafts.iterdir())
        process.kill()
        process.communicate()
        return {"killed_after_s": round(kill_after, 1), "at": at}
    said, _ = process.communicate(timeout=LONGEST)
    return {"code": process.returncode, **json.loads(said)}


def examples() -> dict[str, Any]:
    """Have the three jobs made and mailed, two killed runners first."""
    from tests.unit.mail_servers import PASSWORD, USER, certificate, honest

    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        workspace(folder)
        with honest(certificate(folder)) as (inbox, port):
            environment = {
                **os.environ,
                "FUNNELSIM_SMTP_HOST": "localhost",
                "FUNNELSIM_SMTP_PORT": str(port),
                "FUNNELSIM_SMTP_FROM": "reports@bank.example",
                "FUNNELSIM_SMTP_USER": USER,
                "FUNNELSIM_SMTP_PASSWORD": PASSWORD,
                "FUNNELSIM_SMTP_AUTHORITIES": str(folder / "authority.pem"),
            }
            began = time.monotonic()
            killed = [called(folder, environment, chance.uniform(2, 20)) for _ in range(KILLS)]
            last = called(folder, environment)
            once_more = called(folder, environment)
            letters = [list(recipients) for recipients, _ in inbox.letters]
        pages = {
            str(pdf.relative_to(folder / "reports")): len(PdfReader(pdf).pages)
            for pdf in sorted((folder / "reports").rglob("*.pdf"))
            if "latest" not in pdf.parts and "finance" not in pdf.parts
        }
        drafts = [path.name for path in (folder / "reports" / ".drafts").iterdir()]
        history = subprocess.run(  # noqa: S603 - our own
            [*FUNNELSIM, "schedule", "history", "--json", "--n", "100", "--out", "reports"],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
    slots = [slot for slot in json.loads(history.stdout)["slots"] if slot["attempts"]]
    return {
        "what": "examples",
        "killed": killed,
        "slots": [{name: each[name] for name in TOLD} for each in slots],
        "code": last.get("code"),
        "once_more": once_more,
        "pages": pages,
        "letters": letters,
        "drafts_left": drafts,
        "seconds": round(time.monotonic() - began),
    }


def main(years: int) -> None:
    """Do what is not done yet, and print all of it."""
    sys.path.insert(0, str(ROOT))  # the simulation and the mail server live with the tests
    KEPT.parent.mkdir(exist_ok=True)
    kept = (
        [json.loads(line) for line in KEPT.read_text("utf-8").splitlines()] if KEPT.exists() else []
    )
    done = {(each["what"], each.get("seed")) for each in kept}
    todo = [("year", seed) for seed in range(1, years + 1)] + [("examples", None)]
    for what, seed in todo:
        if (what, seed) not in done:
            found = year(seed) if seed is not None else examples()
            with KEPT.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(found, ensure_ascii=False) + "\n")
            kept.append(found)
    for each in kept:
        print(json.dumps(each, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else YEARS)
