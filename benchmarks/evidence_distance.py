"""How far a calibrated simulation is from a real log it has not seen, beside a copy of the past.

The real log of the bank is cut at its last month: calibrate on what was known, simulate the month,
and compare the cases that arrive in it with the real ones, by the package log-distance-measures
(it wants an older pandas, so it gets an environment of its own). "Copy" are the cases of the
month before, moved by its length. Prints the table of docs/evidence.md.

    python benchmarks/evidence_distance.py [simulations]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from funnelsim.calibration.fitting import calibrate
from funnelsim.calibration.readers import read_mapped
from funnelsim.engine import simulate
from funnelsim.engine.snapshot import snapshot
from funnelsim.events import EventLog

SEED = 5
SIMULATIONS = 10
ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data" / "BPI_Challenge_2012_asof_2012-01-01.csv.gz"
CUTOFF = pd.Timestamp("2011-12-01", tz="Europe/Amsterdam")
PEER = ROOT / "benchmarks" / "peers" / "log_distance"


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else SIMULATIONS
    if not DATA.exists():
        print(f"skipped: {DATA} is not here")
        return
    log = read_mapped(DATA, ROOT / "scenarios" / "mappings" / "bpi-2012.yaml").log
    until = pd.Timestamp(log.meta.observed_until)
    month = until - CUTOFF
    past = log.as_of(CUTOFF)
    fit = calibrate(past)
    start = snapshot(past)
    days = f"{month.days} d"
    scenario = fit.scenario.change("month", {"run.horizon": days, "run.warm_up": "0 d"})
    with tempfile.TemporaryDirectory() as folder:
        files = {"real": _entries(log, CUTOFF, until)}
        before = CUTOFF - month
        copy = _entries(log.as_of(CUTOFF), before, CUTOFF)
        files["copy"] = copy.assign(at=copy["at"] + month)
        for number in range(runs):
            made = simulate(scenario, seed=SEED, replication=number, start=start)
            files[f"simulated-{number}"] = _entries(made, CUTOFF, until)
        paths = []
        for name, frame in files.items():
            path = Path(folder, f"{name}.csv")
            frame.to_csv(path, index=False)
            paths.append(path)
        rows = _distances(Path(folder), paths)
    table = pd.DataFrame(rows).set_index("log")
    simulated = table[table.index.str.startswith("simulated")]
    print(f"real cases {files['real']['case'].nunique():,}, copy {copy['case'].nunique():,}")
    print("| distance | copy of the month before | simulated, mean of runs | sd | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name in table.columns:
        mean, spread = simulated[name].mean(), np.std(simulated[name], ddof=1)
        past_value = table.loc["copy", name]
        print(
            f"| {name} | {past_value:.3f} | {mean:.3f} | {spread:.3f} | {mean / past_value:.2f} |"
        )


def _entries(log: EventLog, begin: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """The stages that the cases of a window enter, as events."""
    arrived = log.leads["arrived_at"]
    new = log.leads.loc[(arrived >= begin) & (arrived < end), "lead_id"]
    visits = log.visits[log.visits["lead_id"].isin(new) & (log.visits["entered_at"] < end)]
    names = {"lead_id": "case", "stage": "activity", "entered_at": "at"}
    return visits.rename(columns=names)[list(names.values())]


def _distances(folder: Path, paths: list[Path]) -> list[dict[str, object]]:
    """Run the peer in an environment of its own."""
    own = folder / "peer"
    uv = Path(sys.executable).parent / "uv"
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, own],
        [uv, "pip", "install", "--quiet", "--python", own / "bin" / "python", "--require-hashes",
         "-r", PEER.with_suffix(".txt")],
    ):  # fmt: skip
        subprocess.run(command, check=True)  # noqa: S603 - our own commands
    python = own / "bin" / "python"
    command = [python, PEER.with_suffix(".py"), *paths]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - same
    return [json.loads(line) for line in ran.stdout.splitlines()]


if __name__ == "__main__":
    main()
