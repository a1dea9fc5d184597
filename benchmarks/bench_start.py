"""How long it takes to begin: importing, asking for help, compiling, loading what was compiled.

Each in a fresh process, taking turns, beside the bare interpreter: processor time of the process
and its children, and time on the wall, which neighbours lengthen. Compiled code goes to a folder
of its own, empty the first time. The targets are judged by processor time.

    python benchmarks/bench_start.py [rounds]
"""

from __future__ import annotations

import os
import subprocess  # fresh processes are the point
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from peers.bank import SCENARIO
from rounds import each, keep, row

ROUNDS = 5
COLD = 1  # rounds with an empty folder: they take long

BARE, IMPORT, HELP = "python, nothing else", "import funnelsim", "funnelsim --help"
IMPORT_ENGINE = "import the compiled engine, kept"
SIMPY = "10,000 leads, SimPy, from the start"
LOADED = "10,000 leads, compiled and kept"
UNKEPT = "10,000 leads, compiled anew (cold)"
TARGETS = {IMPORT: 1.0, HELP: 0.5}

LEADS = f"""
from funnelsim.engine import make_plan, tally
from funnelsim.scenarios.loading import load
plan = make_plan(load({str(SCENARIO)!r}).change("bench", {{"run.horizon": "10 w"}}))
tally(plan, seed=7, engine="%s")
"""
FUNNELSIM = str(Path(sys.executable).with_name("funnelsim"))
COMMANDS = {
    BARE: [sys.executable, "-c", "pass"],
    IMPORT: [sys.executable, "-c", "import funnelsim"],
    HELP: [FUNNELSIM, "--help"],
    IMPORT_ENGINE: [sys.executable, "-c", "import funnelsim.engine.compiled"],
    LOADED: [sys.executable, "-c", LEADS % "compiled"],
    SIMPY: [sys.executable, "-c", LEADS % "reference"],
}

Took = tuple[float, float]
"""Processor and wall seconds."""


def took(command: Sequence[str], cache: str) -> Took:
    """How long a command takes."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(  # noqa: S603 - our own words
        command,
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    wall, after = time.perf_counter() - start, os.times()
    of_children = after.children_user + after.children_system
    return of_children - before.children_user - before.children_system, wall


def main(rounds: int) -> None:
    """Print and keep."""
    found: dict[str, list[Took]] = {name: [] for name in COMMANDS}
    cold: list[Took] = []
    with tempfile.TemporaryDirectory() as kept:
        for command in COMMANDS.values():
            took(command, kept)  # reads files, fills the folder
        for number in range(rounds):
            for name, command in COMMANDS.items():
                found[name].append(took(command, kept))
            if number < COLD:
                with tempfile.TemporaryDirectory() as empty:
                    cold.append(took(COMMANDS[LOADED], empty))
        size = sum(file.stat().st_size for file in Path(kept).rglob("*") if file.is_file())
    found[UNKEPT] = cold
    print(f"{rounds} rounds ({COLD} cold), taking turns; seconds, each in a fresh process\n")
    print(row("", "processor:", "", "", "wall:", widths=(38, 11, 11, 11, 13)))
    print(row("", "least", "median", "most", "least", widths=(38, 11, 11, 11, 13)))
    summary = {}
    for name, times in found.items():
        processor, wall = zip(*times, strict=True)
        summary[name] = {"processor": each(processor, 1), "wall": each(wall, 1)}
        cells = [*summary[name]["processor"].values(), summary[name]["wall"]["min"]]
        print(row(name, *(f"{cell:.2f}" for cell in cells), widths=(38, 11, 11, 11, 13)))
    print(f"\nwhat is kept of compiled code: {size / 1e6:.1f} MB")
    for name, target in TARGETS.items():
        least = summary[name]["processor"]["min"]
        print(
            f"{'held  ' if least < target else 'MISSED'} {name}: {least:.2f} s, target {target} s"
        )
    keep("start", {"seconds": summary, "targets": TARGETS, "bytes_kept": size})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
