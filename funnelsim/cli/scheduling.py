"""``funnelsim schedule``: reports that make themselves."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from funnelsim.cli.options import Json
from funnelsim.cli.verbs import app
from funnelsim.errors import ParameterError, Problem

if TYPE_CHECKING:
    from funnelsim.scheduling.jobs import Job
    from funnelsim.scheduling.ledger import Ledger
    from funnelsim.scheduling.slots import Slot

__all__ = ["schedule"]

schedule = typer.Typer(
    name="schedule",
    help="Reports that make themselves: what is due, what was made, what went wrong.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(schedule)

USUAL = ("jobs", "scenarios/jobs")
LEDGER = "FUNNELSIM_LEDGER"

Jobs = Annotated[
    list[Path] | None,
    typer.Option(
        "--jobs",
        help="A job file or a folder of them; may be repeated. [default: jobs/]",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the reports.")]
Place = Annotated[
    str,
    typer.Option(
        "--ledger",
        help=f"Its file, or a PostgreSQL address; better in {LEDGER}. [default: OUT/ledger.db]",
        show_default=False,
    ),
]
Named = Annotated[
    str, typer.Argument(metavar="JOB", help="A job's name, or its file.", show_default=False)
]
REPORTS = Path("reports")


@schedule.callback()
def _schedule() -> None:
    """Reports that make themselves: what is due, what was made, what went wrong."""


@schedule.command("run-due")
def run_due(
    jobs: Jobs = None,
    out: Out = REPORTS,
    ledger: Place = "",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Jobs side by side. [default: cores]", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make and send every report that is due. Call it every few minutes; see install."""
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.schedules import round_as_data, show_round
    from funnelsim.cli.showing import show_json
    from funnelsim.scheduling.runner import run_due as run

    found = _jobs(jobs)
    book = _ledger(ledger, out)
    with progress_bar("Reports") as bar, _ends_on_signal() as stop:
        tell = _counted(bar, len(found))
        made = run(found, ledger=book, out=out, workers=workers, stop=stop, tell=tell)
    if as_json:
        show_json(round_as_data(made, out))
    else:
        show_round(made, out)
    if made.failed:
        raise typer.Exit(1)


@schedule.command("run")
def run_one(
    job: Named,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            help="The day or time of the slot, e.g. 2026-11-23. [default: the last one due]",
            show_default=False,
        ),
    ] = "",
    again: Annotated[bool, typer.Option("--again", help="Also if that slot is done.")] = False,
    send: Annotated[bool, typer.Option("--send/--no-send", help="Send it to its targets.")] = True,
    jobs: Jobs = None,
    out: Out = REPORTS,
    ledger: Place = "",
    as_json: Json = False,
) -> None:
    """Make the report of one slot now."""
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.schedules import round_as_data, show_round
    from funnelsim.cli.showing import show_json
    from funnelsim.scheduling.runner import run_slot

    found = _job(job, jobs)
    slot = _slot(found, at)
    book = _ledger(ledger, out)
    with progress_bar(f"{found.name} {slot.key}"), _ends_on_signal() as stop:
        made = run_slot(found, slot, ledger=book, out=out, again=again, send=send, stop=stop)
    if as_json:
        show_json(round_as_data(made, out))
    else:
        show_round(made, out)
    if made.failed:
        raise typer.Exit(1)


@schedule.command("list")
def list_jobs(
    jobs: Jobs = None, out: Out = REPORTS, ledger: Place = "", as_json: Json = False
) -> None:
    """List the jobs: what, when, for whom; the next time and how the last one went."""
    from funnelsim.cli.schedules import job_rows, show_jobs
    from funnelsim.cli.showing import show_json

    rows = job_rows(_jobs(jobs), _ledger_if_there(ledger, out), datetime.now(UTC))
    if as_json:
        show_json({"jobs": rows})
    else:
        show_jobs(rows)


@schedule.command("next")
def next_times(
    jobs: Jobs = None,
    n: Annotated[int, typer.Option("--n", min=1, max=1000, help="How many.")] = 10,
    as_json: Json = False,
) -> None:
    """List the next times, of all jobs."""
    from funnelsim.cli.schedules import next_rows, show_next
    from funnelsim.cli.showing import show_json

    rows = next_rows(_jobs(jobs), datetime.now(UTC), n)
    if as_json:
        show_json({"slots": rows})
    else:
        show_next(rows)


@schedule.command("history")
def history(
    job: Annotated[
        str, typer.Argument(metavar="[JOB]", help="Only of this job.", show_default=False)
    ] = "",
    n: Annotated[int, typer.Option("--n", min=1, help="How many slots.")] = 20,
    out: Out = REPORTS,
    ledger: Place = "",
    as_json: Json = False,
) -> None:
    """Say what became of every slot: report, failure with its cause, who got it."""
    from funnelsim.cli.schedules import history_rows, show_history
    from funnelsim.cli.showing import show_json

    book = _ledger_if_there(ledger, out)
    rows = history_rows(book, Path(job).stem if job else "", n) if book else []
    if as_json:
        show_json({"slots": rows})
    else:
        show_history(rows)


@schedule.command("install")
def install(
    cron: Annotated[bool, typer.Option("--cron", help="Lines for a crontab.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="A service and a timer.")] = False,
    minutes: Annotated[int, typer.Option("--every", min=1, max=30, help="Minutes.")] = 5,
    jobs: Jobs = None,
    out: Out = REPORTS,
) -> None:
    """Print what makes this machine call the runner; nothing is installed."""
    from funnelsim.scheduling.timers import cron_lines, systemd_units

    if cron == systemd:
        fix = "Give one of them."
        raise ParameterError(Problem("--cron or --systemd?", path="schedule install", fix=fix))
    _jobs(jobs)
    words = ["schedule", "run-due", "--out", str(out.resolve())]
    for place in _places(jobs):
        words += ["--jobs", str(place.resolve())]
    lines = cron_lines if cron else systemd_units
    secrets = os.environ.get("FUNNELSIM_SECRETS", "")
    typer.echo(lines(words, Path.cwd(), minutes, secrets), nl=False)


def _places(jobs: list[Path] | None) -> list[Path]:
    """Where the jobs are."""
    if jobs:
        return jobs
    for place in map(Path, USUAL):
        if place.is_dir():
            return [place]
    fix = "Make a folder jobs/ with job files, or give one with --jobs."
    raise ParameterError(Problem("there are no jobs here", path="--jobs", fix=fix))


def _jobs(jobs: list[Path] | None) -> tuple[Job, ...]:
    """All of them; none is a mistake."""
    from funnelsim.scheduling.jobs import load_jobs

    places = _places(jobs)
    found = load_jobs(places)
    if not found:
        fix = "A job is a .yaml file; docs/manual/scheduling.md shows one."
        raise ParameterError(Problem("holds no jobs", str(places[0]), fix=fix))
    return found


def _job(named: str, jobs: list[Path] | None) -> Job:
    """One by its name or file."""
    from funnelsim.documents import did_you_mean
    from funnelsim.scheduling.jobs import load_job

    if named.endswith((".yaml", ".yml")):
        return load_job(named)
    found = {job.name: job for job in _jobs(jobs)}
    if named not in found:
        fix = did_you_mean(named, found)
        raise ParameterError(Problem(f'there is no job "{named}"', path="JOB", fix=fix))
    return found[named]


def _slot(job: Job, at: str) -> Slot:
    """The slot that is meant: of a day the first, without a day the last one due."""
    from zoneinfo import ZoneInfo

    from funnelsim.scheduling.slots import next_slots, slots_between

    now = datetime.now(UTC)
    if not at:
        for days in (8, 40, 400, 1500):
            due = list(slots_between(job.schedule, now - timedelta(days=days), now))
            if due:
                return due[-1]
        raise ParameterError(Problem("was never due yet", path=job.name, fix="Give --at DATE."))
    zone = ZoneInfo(job.schedule.zone)
    first, last = _span(at, zone)
    found = list(slots_between(job.schedule, first - timedelta(seconds=1), last))
    if found:
        return found[0]
    coming = next_slots(job.schedule, first)
    fix = f"The next one is {coming[0].key}." if coming else ""
    raise ParameterError(Problem(f"is not due on {at}", path=job.name, fix=fix))


def _span(at: str, zone: Any) -> tuple[datetime, datetime]:  # noqa: ANN401 - a ZoneInfo
    """A day or a minute of local time."""
    try:
        if "T" not in at and " " not in at.strip():
            day = date.fromisoformat(at.strip())
            first = datetime.combine(day, datetime.min.time(), zone)
            return first, first + timedelta(days=1) - timedelta(seconds=1)
        first = datetime.fromisoformat(at.strip()).replace(tzinfo=zone)
    except ValueError:
        fix = "Write 2026-11-23 or 2026-11-23T07:00."
        raise ParameterError(Problem(f'"{at}" is no date', path="--at", fix=fix)) from None
    return first, first


def _ledger(place: str, out: Path) -> Ledger:
    """Open it, or make it."""
    from funnelsim.scheduling.ledger import Ledger
    from funnelsim.scheduling.storage import open_storage

    return Ledger(open_storage(_place(place, out)))


def _ledger_if_there(place: str, out: Path) -> Ledger | None:
    """Only look: a ledger that is not there yet is not made."""
    named = _place(place, out)
    if "://" not in named and not Path(named).exists():
        return None
    return _ledger(place, out)


def _place(place: str, out: Path) -> str:
    return place or os.environ.get(LEDGER, "") or str(out / "ledger.db")


def _counted(bar: Callable[[float], None] | None, n: int) -> Callable[[object], None] | None:
    """A bar that moves on with every slot; more slots than jobs are rare."""
    if bar is None:
        return None
    ended = itertools.count(1)
    move = bar

    def tell(_entry: object) -> None:
        move(min(1.0, next(ended) / n))

    return tell


@contextmanager
def _ends_on_signal() -> Iterator[threading.Event]:
    """A request to end, as a shutdown sends it, ends us as Ctrl-C does: all in order."""
    stop = threading.Event()

    def end(_number: int, _frame: object) -> NoReturn:
        stop.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
