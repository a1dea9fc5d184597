"""How much memory and time a large export takes on its way to an event log.

Made-up process logs (case, activity, time, who: about three and a half rows a case) are written
to a temporary folder and read in fresh processes, so that each peak is its own; the peak of
resident memory is the kernel's (VmHWM), taken anew for each step.

    python benchmarks/bench_reading.py [rows] [rows …]
"""

from __future__ import annotations

import json
import subprocess  # fresh processes are the point
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS = (1_000_000, 5_000_000)
STAGES = ("new", "qualified", "offer", "negotiation")
SEED = 3
MIB = 2**20
TARGET = 2.0  # GiB


def write(path: Path, rows: int) -> None:
    """Write a log of about so many rows, block by block."""
    rng = np.random.default_rng(SEED)
    cases = round(rows / 3.5)
    with path.open("w") as file:
        file.write("case,activity,time,resource\n")
        for start in range(0, cases, 50_000):
            for case in range(start, min(start + 50_000, cases)):
                at = 1_600_000_000 + 400 * (case % 250_000)
                steps = int(rng.integers(1, 5))
                for stage in (*STAGES[:steps], "won" if steps == 4 else "lost"):
                    moment = np.datetime64(at, "s")
                    file.write(f"{case:08d},{stage},{moment}Z,seller {case % 40}\n")
                    at += int(rng.exponential(200_000)) + 1


def peak() -> float:
    """Peak of resident memory since the last time, MiB."""
    text = Path("/proc/self/status").read_text()
    kib = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    return kib / 1024


def way(path: Path) -> dict[str, float]:
    """Read, then make the log: seconds and peak of each."""
    import funnelsim as fs

    found: dict[str, float] = {"start": peak()}
    begin = time.process_time()
    raw = fs.read_crm([path])
    found |= {"read_s": time.process_time() - begin, "read": peak()}
    begin = time.process_time()
    log = raw.events()
    found |= {"events_s": time.process_time() - begin, "events": peak()}
    return found | {"leads": len(log.leads), "visits": len(log.visits)}


def main() -> None:
    """Measure files of several sizes and print the table."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(way(Path(sys.argv[2]))))
        return
    sizes = [int(size) for size in sys.argv[1:]] or ROWS
    print("| rows | file | reading, peak | to a log, peak | seconds of processor | target |")
    print("|---:|---:|---:|---:|---:|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.csv"
            write(path, rows)
            lines = sum(1 for _ in path.open()) - 1
            command = [sys.executable, __file__, "--one", str(path)]
            told = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
            found = json.loads(told.stdout)
            size = path.stat().st_size / MIB
        high = max(found["read"], found["events"]) / 1024
        held = "held" if high <= TARGET else "**missed**"
        print(
            f"| {lines:,} | {size:,.0f} MiB | {found['read'] / 1024:.2f} GiB "
            f"| {found['events'] / 1024:.2f} GiB | {found['read_s']:.0f} + {found['events_s']:.0f} "
            f"| ≤ {TARGET:g} GiB: {held} |"
        )


if __name__ == "__main__":
    main()
