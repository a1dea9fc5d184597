"""What the publish gate sees of what is wrong, and that it lets pass what is not.

Three parts. *Planted*: every fault of `tests/planted.py` in copies of real reports of several
kinds and languages; faults of the run are sealed, that is, all hashes are made to fit.
*Run*: data and notebooks are spoilt before the report is made; what fails on the way or is held
back by the gate counts as blocked. *Clean*: runs with nothing wrong; none may be blocked.

Resumable: one line per case in reports/evidence_gate.jsonl. Prints the tables of
docs/evidence.md.

    python benchmarks/evidence_gate.py [clean runs] [planted | run | clean]
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat

import funnelsim as fs
from funnelsim.calibration.exports import export_crm
from funnelsim.errors import FunnelsimError
from funnelsim.reporting import reports
from funnelsim.reporting.notebooks import Run
from funnelsim.scheduling.gate import judging, verdict
from funnelsim.scheduling.jobs import Job
from tests.planted import FAULTS, Copy, Fault, job_of, without_kernel

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "reports" / "evidence_gate.jsonl"
CLEAN = 100
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.yaml"))
LANGUAGES = ("en", "uk", "ru")


def main() -> None:
    """Do what is not done yet, then print all."""
    clean = int(sys.argv[1]) if len(sys.argv) > 1 else CLEAN
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    done = {row["case"]: row for row in _kept()}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for case, judge in (*_planted(place), *_runs(place), *_cleans(place, clean)):
            if case in done or not case.startswith(part):
                continue
            causes = judge()
            if causes is None:  # no place for this fault in this draft
                causes, kind = [], "absent"
            else:
                kind = case.partition(":")[0]
            done[case] = {"case": case, "kind": kind, "blocked": bool(causes), "causes": causes}
            with KEPT.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[case], ensure_ascii=False) + "\n")
    _print(done.values())


def _kept() -> list[dict[str, Any]]:
    if not KEPT.exists():
        return []
    return [json.loads(line) for line in KEPT.read_text("utf-8").splitlines()]


Case = tuple[str, Callable[[], list[str] | None]]


# --- planted faults -------------------------------------------------------------------------------


def _planted(place: Path) -> Iterator[Case]:
    bases = {
        "review uk": ("apartment-doors.yaml", "funnel-review", "uk", None),
        "calibration en": ("export", "calibration", "en", 4),
    }
    made: dict[str, Path] = {}

    def base(name: str, seed: int = 1) -> Path:
        key = f"{name}.{seed}"
        if key not in made:
            source, kind, lang, n = bases[name]
            path = _export(place, seed) if source == "export" else ROOT / "scenarios" / source
            out = place / key.replace(" ", "-")
            told = {"kind": kind, "lang": lang, "n": n, "seed": seed, "name": "x"}
            with mock.patch.object(reports, "execute", without_kernel):
                fs.report(path, out=out, progress=False, **told)
            made[key] = out
        return made[key]

    for name in bases:
        for fault in FAULTS:
            yield (
                f"planted:{name}: {fault.name}",
                lambda name=name, fault=fault: _spoilt(
                    base(name), base("review uk", 2), fault, place / "copy"
                ),
            )


def _spoilt(draft: Path, other: Path, fault: Fault, goal: Path) -> list[str] | None:
    shutil.rmtree(goal, ignore_errors=True)
    shutil.copytree(draft, goal)
    copy = Copy(goal, other)
    if not fault.put(copy):
        return None
    job = Job.model_validate(job_of(copy))
    # A run that went wrong would have drawn its PDF from its own blocks: nothing to see there.
    last = () if fault.sealed else judging.LAST
    with mock.patch.object(judging, "LAST", last):
        return list(verdict(goal, job, at=copy.at).causes)


# --- runs that go wrong ---------------------------------------------------------------------------


def _runs(place: Path) -> Iterator[Case]:
    for name, spoil in DATA.items():
        yield f"run:data: {name}", lambda spoil=spoil: _with_data(place, spoil)
    for name, (number, code) in CELLS.items():
        yield (
            f"run:notebook: {name}",
            lambda number=number, code=code: _with_cell(place, number, code),
        )
    for name, code in BUGS.items():
        yield f"run:code: {name}", lambda code=code: _with_bug(place, code)
    yield "run:data: two currencies", lambda: _two_currencies(place)
    yield "run:data: nine days old, two allowed", lambda: _stale(place)
    yield "run:data: replaced while it is read", lambda: _swapped(place)


# --- clean runs -----------------------------------------------------------------------------------


def _cleans(place: Path, wanted: int) -> Iterator[Case]:
    for number in range(wanted):
        lang = LANGUAGES[number % 3]
        seed = 100 + number
        if number % 10 == 8:
            told = {"kind": "what-if", "n": 3}
            source: Path | None = ROOT / "scenarios" / WITH_WHAT_IFS[number // 10 % 3]
        elif number % 10 == 9:
            told, source = {"kind": "calibration", "n": 4}, None
        elif number % 10 in (6, 7):
            told, source = {"kind": "funnel-review"}, None
        else:
            told = {"kind": "funnel-review"}
            source = ROOT / "scenarios" / f"{SCENARIOS[number % len(SCENARIOS)]}.yaml"
        name = source.stem if source else "export"
        yield (
            f"clean:{number} {told['kind']} {name} {lang} {seed}",
            lambda told=told, source=source, lang=lang, seed=seed, number=number: _judged(
                source or _export(place, seed, FORMATS[number % len(FORMATS)]),
                place,
                lang=lang,
                seed=seed,
                scenario=source is not None,
                only_if={"widest": 2.0} | ({} if source else {"fresh": "2 d"}),
                kernel=number % 20 == 0,
                **told,
            ),
        )


WITH_WHAT_IFS = ("bank-retail.yaml", "apartment-doors.yaml", "clothing-shop.yaml")
FORMATS = ("salesforce", "pipedrive", "hubspot", "amocrm")
FILES = {"salesforce": "OpportunityHistory*", "pipedrive": "deal_changes*", "amocrm": "amocrm*"}
SMALL = ROOT / "scenarios" / "apartment-doors.yaml"


def _export(place: Path, seed: int, kind: str = "salesforce") -> Path:
    """An export of the last year, as a CRM writes it."""
    folder = place / f"export-{kind}-{seed}"
    if not folder.exists():
        start = (datetime.now(UTC) - timedelta(weeks=52)).date().isoformat()
        world = fs.load(SMALL).change("now", {"run.start": start})
        export_crm(world, folder, format=kind, seed=seed)
    (file,) = folder.glob(FILES.get(kind, "hubspot-crm*"))
    return file


# --- data, cells and code that go wrong -----------------------------------------------------------


def _rows(file: Path, keep: Callable[[str], bool]) -> None:
    head, *rows = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([head, *filter(keep, rows)]) + "\n", "utf-8")


def _text(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text("utf-8")), "utf-8")


DATA: dict[str, Callable[[Path], Any]] = {
    "no rows": lambda file: _rows(file, lambda _: False),
    "zero bytes": lambda file: file.write_bytes(b""),
    "noise": lambda file: file.write_bytes(bytes(range(256)) * 99),
    "no headings": lambda file: _text(file, lambda text: text.partition("\n")[2]),
    "another file altogether": lambda file: file.write_text("a,b\n1,2\n", "utf-8"),
    "dates that are none": lambda file: _text(file, lambda t: t.replace("202", "abc")),
    "nothing closed": lambda file: _rows(
        file, lambda row: "Won" not in row and "Lost" not in row and "lost" not in row.casefold()
    ),
    "nothing won": lambda file: _rows(file, lambda row: "Won" not in row),
    "twelve rows": lambda file: _text(file, lambda t: "\n".join(t.splitlines()[:13]) + "\n"),
}

CELLS: dict[str, tuple[int, str]] = {
    "cell 7 raises": (6, "raise ValueError('no')"),
    "kernel killed": (5, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    "no end": (-1, "None"),
    "a cell left out": (6, ""),
    "a cell that shows nothing": (6, "{source};"),
    "leads dropped before measuring": (
        3,
        "log = log.as_of(log.meta.observed_until.replace(day=1))\n{source}",
    ),
}

BUGS: dict[str, str] = {
    "wins counted twice": """
import funnelsim.reporting.review.gathering as g
old = g.win_rate
g.win_rate = lambda log, **k: old(log, **k).assign(won=lambda t: t.won * 2)
""",
    "leads miscounted": """
import funnelsim.reporting.review.gathering as g
old = g.win_rate
g.win_rate = lambda log, **k: old(log, **k).assign(n=lambda t: t.n - 10)
""",
    "visits lost on the way": """
import funnelsim.measures.balance as b
old = b.journeys
def lossy(log, **k):
    import dataclasses
    trips = old(log, **k)
    return dataclasses.replace(trips, visits=trips.visits.iloc[:-40])
b.journeys = lossy
""",
    "shares printed as hundredths": """
import funnelsim.figures.wording as w
old = w.Wording._share
w.Wording._share = lambda self, value: old(self, value / 100)
""",
    "durations in minutes called hours": """
import funnelsim.figures.wording as w
w.SECONDS = dict(w.SECONDS)
old = w.Wording.duration
w.Wording.duration = lambda self, s, unit=None: w.Written(old(self, s * 60, unit), s, 'h')
""",
    "a measure gives NaN": """
import funnelsim.reporting.review.tables as t
from funnelsim.reporting.texts import Texts
Texts.bare_share = lambda self, value: 'nan'
""",
    "translations lost": """
import funnelsim.reporting.texts as x
old = x._load
x._load = lambda lang: x.Texts(lang, old('en').catalogue, spoken=lang)
""",
}


def _with_data(place: Path, spoil: Callable[[Path], Any]) -> list[str]:
    file = place / "OpportunityHistory_spoilt.csv"
    shutil.copy(_export(place, 1), file)
    spoil(file)
    return _judged(file, place, kind="funnel-review", scenario=False)


def _stale(place: Path) -> list[str]:
    file = place / "OpportunityHistory_stale.csv"
    shutil.copy(_export(place, 1), file)
    _rows(file, lambda row: row.split(",")[3][1:11] < str(datetime.now(UTC).date() - timedelta(9)))
    allowed = {"fresh": "2 d"}
    return _judged(file, place, kind="funnel-review", scenario=False, only_if=allowed)


def _two_currencies(place: Path) -> list[str]:
    """Deals with amounts, half of them in another currency."""
    file = place / "Opportunity_spoilt.csv"
    (deals,) = _export(place, 1).parent.glob("Opportunity_2*")
    file.write_text(deals.read_text("utf-8").replace("BYN", "USD", 800), "utf-8")
    return _judged(file, place, kind="funnel-review", scenario=False)


def _swapped(place: Path) -> list[str]:
    """The export is replaced between the reading and the writing down."""
    file = place / "OpportunityHistory_swapped.csv"
    shutil.copy(_export(place, 1), file)

    def slow(notebook: Path, parameters: Mapping[str, Any], **_: object) -> Run:
        shutil.copy(_export(place, 2), file)
        return without_kernel(notebook, parameters)

    return _judged(file, place, kind="funnel-review", scenario=False, execute=slow)


def _with_cell(place: Path, number: int, code: str) -> list[str]:
    path = reports.kinds()["funnel-review"]
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells[number].source = code.replace("{source}", cells[number].source)
    spoilt = place / path.name
    nbformat.write(notebook, spoilt)
    with mock.patch.object(reports, "kinds", return_value={"funnel-review": spoilt}):
        return _judged(SMALL, place, kind="funnel-review", kernel=True)


def _with_bug(place: Path, code: str) -> list[str]:
    """A bug in funnelsim, for the run and for the gate alike; in a process that ends with it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_bugged, place, code).result()


def _bugged(place: Path, code: str) -> list[str]:
    exec(code, {})  # noqa: S102 - from the list above
    return _judged(SMALL, place, kind="funnel-review", lang="uk" if "catalogue" in code else "en")


def _judged(  # noqa: PLR0913 - one keyword per thing a case may choose
    source: Path,
    place: Path,
    *,
    kind: str,
    lang: str = "en",
    seed: int = 1,
    n: int | None = None,
    scenario: bool = True,
    only_if: Mapping[str, Any] | None = None,
    kernel: bool = False,
    execute: Callable[..., Run] = without_kernel,
) -> list[str]:
    """Make a report and judge it; what fails on the way is a cause."""
    out = place / "made"
    shutil.rmtree(out, ignore_errors=True)
    job = Job.model_validate(
        {
            "funnelsim": 1,
            "report": {"kind": kind, "lang": lang, "seed": seed},
            "source": {"scenario" if scenario else "file": str(source)},
            "schedule": {"cron": "0 7 * * 1", "zone": "Europe/Kyiv"},
            "only_if": only_if or {},
        }
    )
    real = reports.execute
    try:
        with mock.patch.object(reports, "execute", real if kernel else execute):
            fs.report(
                source, kind=kind, lang=lang, seed=seed, n=n, out=out, timeout=300, progress=False
            )
    except FunnelsimError as error:
        return [f"(the run) {str(error).splitlines()[0]}"]
    return list(verdict(out, job).causes)


def _print(rows: Iterable[Mapping[str, Any]]) -> None:
    """The tables of docs/evidence.md."""
    kinds = ("planted", "run", "clean")
    print("| part | cases | blocked | share |")
    print("|---|---:|---:|---:|")
    for kind in kinds:
        cases = [row for row in rows if row["kind"] == kind]
        blocked = sum(row["blocked"] for row in cases)
        print(f"| {kind} | {len(cases)} | {blocked} | {blocked / max(len(cases), 1):.1%} |")
    print("\nNot as it should be:\n")
    for row in rows:
        if row["kind"] in kinds and row["blocked"] == (row["kind"] == "clean"):
            print(f"- {row['case']} {'; '.join(row['causes'][:2])}")


if __name__ == "__main__":
    main()
