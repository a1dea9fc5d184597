"""Forecasts of revenue on generated worlds: coverage by month and of the quarter, and scores.

Each world (benchmarks/worlds.py; every second one has months with luck of their own) runs 78
weeks with a seed of its own. At four cutoffs, 13 weeks apart, everything is calibrated anew on
what was known, the next 13 weeks are forecast bottom-up, top-down and combined (weights from
earlier cutoffs only), and compared with what came. The weights to start from were chosen on
other worlds. Prints the tables of docs/evidence.md; results of single worlds are kept in a file,
so that an interrupted run goes on where it stopped.

    python benchmarks/evidence_revenue.py [worlds] [runs] [file]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from worlds import made_world

from funnelsim.engine import simulate
from funnelsim.planning.revenue.revenue_backtest import backtest_revenue

SEED = 2300
"""Of the first world; the next ones follow."""
WORLDS = 40
RUNS = 40
RATE = (4.0, 12.0)
WEEKS = 78
CUTOFFS = (26, 39, 52, 65)
AHEAD = pd.Timedelta(weeks=13)
KEPT = Path("reports") / "evidence_revenue.jsonl"
DRAWS = 2000
LEVELS = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


def one(number: int, runs: int) -> list[dict[str, object]]:
    """Forecast one world at all cutoffs."""
    world = made_world(number, weeks=WEEKS, rate=RATE, shock=number % 2 == 1)
    log = simulate(world, seed=SEED + number)
    zone = log.meta.time_zone
    begin = pd.Timestamp(log.meta.observed_from).tz_convert(zone).tz_localize(None)
    days = [begin + pd.Timedelta(weeks=week) for week in CUTOFFS]
    cutoffs = [day.tz_localize(zone).tz_convert("UTC") for day in days]
    table = backtest_revenue(log, cutoffs=cutoffs, ahead=AHEAD, n=runs, seed=SEED)
    length = (table["end"] - table["begin"]) / pd.Timedelta(days=1)
    kept = table.assign(days=length, cutoff=table["cutoff"].astype(str), world=number)
    columns = ["world", "cutoff", "way", "span", "days", "actual", "mean", *LEVELS, "crps"]
    return json.loads(kept[columns].to_json(orient="records"))


def main() -> None:
    """Run the worlds that are missing and print the tables."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    kept = Path(sys.argv[3]) if len(sys.argv) > 3 else KEPT
    kept.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    have = {row["world"] for rows in done for row in rows}
    for number in range(worlds):
        if number not in have:
            rows = one(number, runs)
            done.append(rows)
            with kept.open("a") as file:
                file.write(json.dumps(rows) + "\n")
            print(f"world {number}", file=sys.stderr, flush=True)
    report(pd.DataFrame([row for rows in done for row in rows if row["world"] < worlds]))


def report(table: pd.DataFrame) -> None:
    """Print coverage, bias and scores."""
    quarter = table[table["span"] == "total"]
    months = table[(table["span"] != "total") & (table["days"] > 25)]
    seen, made = quarter[["world", "cutoff"]].drop_duplicates(), table["world"].nunique()
    left = made * len(CUTOFFS) - len(seen)
    print(f"{made} worlds, {len(seen)} cutoffs; {left} more could not be calibrated\n")
    print("| | of | n | bias | below P10 | below P50 | below P90 | P10 to P90 holds |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for name, rows in (("months", months), ("quarter", quarter)):
        for way in ("combined", "bottom_up", "top_down", "stage_weighted", "last_period"):
            mine = rows[rows["way"] == way]
            if len(mine):
                print(f"| {name} | {way} | {len(mine)} | {_bias(mine)} | {_hits(mine)} |")
    print("\n| CRPS of the quarter's sum ÷ that of | in shares of what came | in money |")
    print("|---|---:|---:|")
    for other in ("stage_weighted", "last_period", "bottom_up", "top_down"):
        print(f"| {other} | {_ratio(quarter, other, scaled=True)} | {_ratio(quarter, other)} |")


def _bias(rows: pd.DataFrame) -> str:
    """Forecast over what came, less 1."""
    return f"{rows['mean'].sum() / rows['actual'].sum() - 1:+.1%}"


def _hits(rows: pd.DataFrame) -> str:
    """How often the outcome was below each quantile, and inside, with exact binomial bands."""
    told = [f"{(rows['actual'] <= rows[level]).mean():.0%}" for level in LEVELS]
    inside = int(((rows["p10"] <= rows["actual"]) & (rows["actual"] <= rows["p90"])).sum())
    band = stats.binomtest(inside, len(rows)).proportion_ci(0.95, "exact")
    return " | ".join([*told, f"{inside / len(rows):.1%} [{band.low:.0%}, {band.high:.0%}]"])


def _ratio(rows: pd.DataFrame, other: str, *, scaled: bool = False) -> str:
    """Mean CRPS of the combined forecast over another's; worlds drawn again in pairs."""
    wide = rows.pivot_table(index=["world", "cutoff"], columns="way", values="crps")
    if scaled:
        wide = wide.div(rows.groupby(["world", "cutoff"])["actual"].first().clip(lower=1), axis=0)
    by_world = wide.groupby("world").sum()
    ours, theirs = by_world["combined"].to_numpy(), by_world[other].to_numpy()
    picks = np.random.default_rng(SEED).integers(len(ours), size=(DRAWS, len(ours)))
    ratios = ours[picks].sum(axis=1) / theirs[picks].sum(axis=1)
    lo, hi = np.quantile(ratios, [0.025, 0.975])
    return f"{ours.sum() / theirs.sum():.2f} [{lo:.2f}, {hi:.2f}]"


if __name__ == "__main__":
    main()
