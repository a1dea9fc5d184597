"""Time jobs side by side, and keep the numbers: what all ``bench_*.py`` share.

Jobs take turns, round by round, so that whatever else the machine does hits them alike; what
counts are ratios. Time is processor time of this process (all its threads), unless a row says
otherwise: on a busy machine the clock on the wall tells about the neighbours. Even processor
time suffers from neighbours (caches, twin threads of a core), hence minima and medians.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import subprocess  # git, for the commit
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["ROUNDS", "Stopwatch", "Times", "each", "keep", "ratio", "row", "seconds", "take_turns"]

ROUNDS = 7
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("funnelsim", "numpy", "numba", "simpy", "cimba")

Job = Callable[[int], float]
"""Does some work, by number of the round; returns how many units of it."""
Times = dict[str, list[float]]
"""Seconds per unit, by name of the job and round."""


def seconds(job: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """How long a job takes, once."""
    start = clock()
    job()
    return clock() - start


class Stopwatch:
    """Stands in for a function and adds up the processor time of its calls, in any thread."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.lock, self.total = function, threading.Lock(), 0.0

    def __call__(self, *args: object, **more: object) -> object:
        start = time.thread_time()
        found = self.function(*args, **more)
        took = time.thread_time() - start
        with self.lock:
            self.total += took
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self.function, name)


def take_turns(jobs: Mapping[str, Job], rounds: int = ROUNDS) -> Times:
    """Processor seconds per unit of each job; a first round, to warm up, does not count."""
    found: Times = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            gc.collect()
            start = time.process_time()
            units = job(number)
            took = time.process_time() - start
            if number > 0:
                found[name].append(took / units)
    return found


def ratio(slow: Sequence[float], fast: Sequence[float]) -> dict[str, float]:
    """How many times dearer: of the minima, and median and range over rounds."""
    by_round = [one / other for one, other in zip(slow, fast, strict=True)]
    return {
        "of_minima": min(slow) / min(fast),
        "median": median(by_round),
        "low": min(by_round),
        "high": max(by_round),
    }


def each(times: Sequence[float], unit: float = 1e-6) -> dict[str, float]:
    """Minimum, median and maximum, in units of that many seconds."""
    return {
        "min": min(times) / unit,
        "median": median(times) / unit,
        "max": max(times) / unit,
    }


def row(*cells: object, widths: Sequence[int] = (34, 11, 11, 11, 13)) -> str:
    """A line of a table: words to the left, numbers to the right."""
    text = [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]
    wide = [*widths, *[11] * len(text)]
    return "".join(
        cell.ljust(wide[i]) if i == 0 else cell.rjust(wide[i]) for i, cell in enumerate(text)
    )


def keep(name: str, found: Mapping[str, object]) -> None:
    """Write what was found, and where, to ``results/``."""
    RESULTS.mkdir(exist_ok=True)
    whole = {"benchmark": name, **_circumstances(), **found}
    text = json.dumps(whole, indent=1, default=float, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"\nkept in benchmarks/results/{name}.json")


def _circumstances() -> dict[str, object]:
    """Commit, machine, versions."""
    return {
        "commit": _git("rev-parse", "--short", "HEAD") or "unknown",
        "changed_since": bool(_git("status", "--porcelain", "--", "funnelsim", "benchmarks/*.py")),
        "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load": [round(load, 1) for load in os.getloadavg()],
            "system": platform.system(),
        },
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _git(*words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            ["git", *words],  # noqa: S607
            cwd=RESULTS.parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if sys.platform == "linux" and info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found
