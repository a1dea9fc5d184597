"""How right the win rate of a deals-only export is where lost deals were left open.

Worlds of `worlds.py`, cut in the middle of things, written as amoCRM (present stage only) with
deals lost long ago left open and losses never recorded, read back and calibrated. Results of
single worlds are kept in reports/, so that an interrupted run goes on.

    python benchmarks/evidence_unclosed.py [worlds]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from worlds import made_world

import funnelsim as fs
from funnelsim.calibration.exports.exporting import export_crm

ROOT = Path(__file__).parents[1]
SEED = 100
WORLDS = 20
KEPT = Path("reports") / "evidence_unclosed.jsonl"
DIRT = {
    "none": {},
    "a little": {"zombies": 0.02, "missing_losses": 0.03},
    "much": {"zombies": 0.1, "missing_losses": 0.15},
}


def one(number: int, name: str) -> dict[str, object]:
    """Calibrate one world with one kind of neglect; all rates in points."""
    from tests.recovery.known import truth, win_rate

    world = made_world(number)
    shares: dict[str, dict[str, float]] = {}
    for (item, measure), value in truth(world).items():
        if measure == "overall_share":
            _, stage, _, _, way = item.split(".")
            shares.setdefault(stage, {})[way] = value
    with tempfile.TemporaryDirectory() as folder:
        made = export_crm(
            fs.simulate(world, seed=SEED + number),
            Path(folder) / "export",
            format="amocrm",
            seed=number,
            dirt=DIRT[name],
        )
        zone = {"time_zone": "Europe/Berlin", "currency": "EUR"}
        log = fs.read_crm(list(made.files), **zone).events()
    ends = log.outcomes()["outcome"].value_counts()
    row: dict[str, object] = {
        "world": number,
        "neglect": name,
        "true": 100 * win_rate(shares, "step-1"),
        "open": 100 * float(ends["open"] / ends.sum()),
        "closed only": 100 * float(ends["won"] / (ends["won"] + ends["lost"])),
    }
    for stale, method in (("lost", "calibrated"), ("open", "left open")):
        table = fs.calibrate(log, work=False, stale=stale).table
        won = table[table["item"] == "stages.open.next.to.won"].iloc[-1]
        row[method] = 100 * float(won["value"])
        if stale == "lost":
            row["held"] = bool(100 * won["lo"] <= row["true"] <= 100 * won["hi"])
            row["found"] = bool((table["measure"] == "unrecorded_losses").any())
    return row


def main() -> None:
    """Run the worlds that are missing and print the table."""
    sys.path.insert(0, str(ROOT))  # the truth lives with the tests
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    KEPT.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    have = {(row["world"], row["neglect"]) for row in done}
    for number in range(worlds):
        for name in DIRT:
            if (number, name) not in have:
                done.append(one(number, name))
                with KEPT.open("a") as file:
                    file.write(json.dumps(done[-1]) + "\n")
    _report([row for row in done if row["world"] < worlds])


def _report(rows: list[dict[str, float]]) -> None:
    """Print the table."""
    print("| neglect | open | found | calibrated | its 95 % held | closed only | left open |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in DIRT:
        some = [row for row in rows if row["neglect"] == name]
        n, cells = len(some), []
        for method in ("calibrated", "closed only", "left open"):
            error = np.array([row[method] - row["true"] for row in some])
            margin = 1.96 * error.std(ddof=1) / np.sqrt(n)
            cells.append(f"{error.mean():+.2f} ± {margin:.2f}")
        share = np.mean([row["open"] for row in some])
        found, held = (sum(row[key] for row in some) for key in ("found", "held"))
        print(
            f"| {name} | {share:.0f} % | {found} of {n} | {cells[0]} | {held} of {n} "
            f"| {cells[1]} | {cells[2]} |"
        )


if __name__ == "__main__":
    main()
