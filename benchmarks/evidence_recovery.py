"""How often intervals of calibrated numbers hold the truth, and whether the win rate is right.

Worlds whose truth is known in closed form (tests/recovery/known.py) are simulated, cut while
many deals are open, and calibrated; every other one has work. Prints the table of
docs/evidence.md; results of single worlds are kept, so that an interrupted run goes on.

    python benchmarks/evidence_recovery.py [worlds]
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from funnelsim.calibration.fitting import calibrate
from funnelsim.engine import simulate
from funnelsim.measures import win_rate as measured_win_rate

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).parents[1]
SEED = 29
WORLDS = 200
LEVEL = 0.95
DETECTED = 0.05
"""Chance to overlook a coverage as low as the table states."""
KEPT = Path("reports") / "evidence_recovery.jsonl"
KINDS = {
    "overall_share": "conversions",
    "median": "delays, median",
    "p90": "delays, 90th percentile",
    "rate": "arrival rates",
}
WAYS = {"new": ("offer", "lost"), "offer": ("won", "lost")}


def one(number: int) -> dict[str, object]:
    """Calibrate one world: which intervals held, and what the win rate came to."""
    from tests.recovery.known import CUT, known_world, truth, win_rate

    world = known_world(number, work=number % 2 == 1)
    log = simulate(world, seed=SEED + number).as_of(CUT)
    table, true = calibrate(log).table, truth(world)
    at = {(str(row["item"]), str(row["measure"])): row for row in table.to_dict("records")}
    held: dict[str, list[list[float]]] = defaultdict(list)
    for (item, measure), value in true.items():
        row = at.get((item, measure)) or at.get((item, "share"))
        if row is None or item.endswith(".lost"):  # the other way says the same
            continue
        kind = "handling times" if ".efforts." in item else KINDS[measure]
        hi = np.inf if np.isnan(row["hi"]) else row["hi"]
        held[kind].append([float(row["lo"] <= value <= hi), float(row["value"] / value - 1)])
    rates = [
        win_rate({s: {way: _share(of, s, way) for way in ways} for s, ways in WAYS.items()}, "new")
        for of in (true, {key: row["value"] for key, row in at.items()})
    ]
    naive: pd.Series = measured_win_rate(log).iloc[0]
    return {
        "world": number,
        "held": held,
        "won": rates[0],
        "bias": rates[1] - rates[0],
        "closed_only": float(naive["closed_only"]) - rates[0],
        "won_of_created": float(naive["won_of_created"]) - rates[0],
    }


def _share(of: dict[tuple[str, str], float], stage: str, way: str) -> float:
    item = f"stages.{stage}.next.to.{way}"
    return of.get((item, "overall_share"), of.get((item, "share"), 0.0))


def main() -> None:
    """Run the worlds that are missing and print the table."""
    sys.path.insert(0, str(ROOT))  # the worlds live with the tests
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    KEPT.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    have = {row["world"] for row in done}
    for number in range(worlds):
        if number in have:
            continue
        done.append(one(number))
        with KEPT.open("a") as file:
            file.write(json.dumps(done[-1]) + "\n")
        if number % 10 == 9:
            print(f"{number + 1} of {worlds} worlds", file=sys.stderr, flush=True)
    _report([row for row in done if row["world"] < worlds])


def _report(rows: list[dict[str, object]]) -> None:
    """Print the tables."""
    held: dict[str, list[list[float]]] = defaultdict(list)
    for row in rows:
        for kind, some in row["held"].items():
            held[kind] += some
    print(f"{len(rows)} worlds\n")
    print("| intervals at 95 % | n | held | exact interval | would show | bias |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind, some in held.items():
        hits, errors = np.array(some).T
        n, k = len(hits), int(hits.sum())
        ci = stats.binomtest(k, n, LEVEL).proportion_ci(LEVEL, "exact")
        least = stats.binom.ppf(0.025, n, LEVEL)
        grid = np.linspace(0.7, LEVEL, 500)
        shown = grid[stats.binom.sf(least - 1, n, grid) <= DETECTED].max(initial=0.7)
        print(
            f"| {kind} | {n} | {k / n:.1%} | {ci.low:.1%} to {ci.high:.1%} | ≤ {shown:.1%} "
            f"| {errors.mean():+.2%} |"
        )
    print("\n| win rate | mean error, points | worst tenth |\n|---|---:|---:|")
    for name in ("bias", "closed_only", "won_of_created"):
        errors = 100 * np.array([row[name] for row in rows], dtype=float)
        error = errors.std(ddof=1) / np.sqrt(len(errors))
        print(
            f"| {'calibrated' if name == 'bias' else name} | {errors.mean():+.2f} ± "
            f"{1.96 * error:.2f} | {np.quantile(np.abs(errors), 0.9):.1f} |"
        )


if __name__ == "__main__":
    main()
