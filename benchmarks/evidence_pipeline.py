"""Forecasts from open deals on generated worlds: bias, coverage and calibration by stage.

Each world (benchmarks/worlds.py) runs 40 weeks with a seed of its own (with one seed for all, the
leads of all worlds would share their luck, and errors would not average out), is cut 13 weeks
before its end, calibrated on what was known, and simulated on from its open deals with parameters
drawn from what the data leaves open. Prints the tables of docs/evidence.md; results of single
worlds are kept in a file, so that an interrupted run goes on where it stopped.

    python benchmarks/evidence_pipeline.py [worlds] [replications]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from worlds import made_world

from funnelsim.calibration.fitting import calibrate
from funnelsim.engine import simulate
from funnelsim.engine.snapshot import snapshot
from funnelsim.forecasting.scores import covered, crps
from funnelsim.planning.pipeline.pipeline import MEASURES, forecast_pipeline
from funnelsim.planning.pipeline.reliability import reliability, settled
from funnelsim.planning.pipeline.rules_of_thumb import RULES_OF_THUMB, facts

SEED = 1300
"""Of the first world; the next ones follow. Forecasts have seeds of their own."""
OWN = 1_000_000
WORLDS = 200
REPLICATIONS = 60
WEEKS = 40
AHEAD = 13
BOOTSTRAP = 200
KEPT = Path("reports") / "evidence_pipeline.jsonl"


def one(number: int, replications: int) -> dict[str, object]:
    """Forecast one world and score it."""
    log = simulate(made_world(number, weeks=WEEKS, shock=number % 2 == 1), seed=SEED + number)
    cutoff = pd.Timestamp(log.meta.observed_until) - pd.Timedelta(weeks=AHEAD)
    past = log.as_of(cutoff)
    fit = calibrate(past)
    fan = forecast_pipeline(
        fit.sampler,
        start=snapshot(past),
        horizon=f"{AHEAD} w",
        n=replications,
        seed=OWN + number,
    )
    outcomes = log.outcomes().set_index("lead_id")
    known = past.outcomes().set_index("lead_id")["outcome"]
    won = outcomes[outcomes["outcome"] == "won"].drop(known.index[known != "open"], errors="ignore")
    old = won.index.isin(known.index)
    actual = np.array(
        [[len(part), part["value"].sum(), 0] for part in (won[old], won[~old])], dtype=float
    )
    sums = fan.paths.sum(axis=1)
    result: dict[str, object] = {"world": number, "open": len(fan.deals)}
    basics = facts(past)
    for m, measure in enumerate(list(MEASURES)[:2]):
        for o, origin in enumerate(("open", "future", "all")):
            draws = sums[:, o, m] if o < 2 else sums[:, :, m].sum(axis=1)
            came = actual[o, m] if o < 2 else actual[:, m].sum()
            row = {
                "actual": float(came),
                "mean": float(draws.mean()),
                "pit": float((draws < came).mean() + (draws == came).mean() / 2),
                "in80": bool(covered(draws, came, 0.8)),
                "in95": bool(covered(draws, came, 0.95)),
                "crps": float(crps(draws, came)),
            }
            for rule, forecast in RULES_OF_THUMB.items():
                rng = np.random.default_rng([OWN, number])
                two = np.array([forecast(basics, AHEAD * 7.0, rng) for _ in range(replications)])
                other = two[:, o, m] if o < 2 else two[:, :, m].sum(axis=1)
                row[f"crps_{rule}"] = float(crps(other, came))
                row[f"mean_{rule}"] = float(other.mean())
            result[f"{measure}/{origin}"] = row
    deals = settled(fan, log)
    result["fates"] = deals[["stage", "p_won", "p_lost", "outcome"]].to_numpy().tolist()
    return result


def main() -> None:
    """Run the worlds that are missing and print the table."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    replications = int(sys.argv[2]) if len(sys.argv) > 2 else REPLICATIONS
    KEPT.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    have = {row["world"] for row in done}
    for number in range(worlds):
        if number in have:
            continue
        row = one(number, replications)
        done.append(row)
        with KEPT.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"world {number}: {row['won/open']}", file=sys.stderr, flush=True)
    _report([row for row in done if row["world"] < worlds], replications)


def _report(rows: list[dict[str, object]], replications: int) -> None:
    """Print the tables."""
    print(f"{len(rows)} worlds")
    peers = " | ".join(f"CRPS ÷ {rule}" for rule in RULES_OF_THUMB)
    print(f"| forecast | bias | 80 % holds | 95 % holds | {peers} |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for key in [key for key in rows[0] if "/" in key]:
        table = pd.DataFrame([row[key] for row in rows])
        bias = _bias(table)
        held = []
        for level in (80, 95):
            k = int(table[f"in{level}"].sum())
            ci = stats.binomtest(k, len(table)).proportion_ci(0.95, "exact")
            held.append(f"{k / len(table):.1%} [{ci.low:.0%}, {ci.high:.0%}]")
        scale = table["actual"].clip(lower=1)
        ours = (table["crps"] / scale).mean()
        ratios = [f"{ours / (table[f'crps_{rule}'] / scale).mean():.2f}" for rule in RULES_OF_THUMB]
        print(f"| {key} | {bias} | {' | '.join(held)} | {' | '.join(ratios)} |")
    fates = [(row["world"], *fate) for row in rows for fate in row["fates"]]
    columns = ["world", "stage", "p_won", "p_lost", "outcome"]
    deals = pd.DataFrame(fates, columns=columns).assign(n=replications)
    for by, outcome in (("chance", "won"), ("stage", "won"), ("stage", "lost")):
        _print_reliability(deals, by, outcome)


def _bias(table: pd.DataFrame) -> str:
    """Sum of forecasts over sum of outcomes, with a bootstrap over worlds."""
    rng = np.random.default_rng(SEED)
    picks = rng.integers(len(table), size=(2000, len(table)))
    mean, actual = table["mean"].to_numpy(), table["actual"].to_numpy()
    ratios = mean[picks].sum(axis=1) / actual[picks].sum(axis=1) - 1
    lo, hi = np.quantile(ratios, [0.025, 0.975])
    return f"{mean.sum() / actual.sum() - 1:+.1%} [{lo:+.1%}, {hi:+.1%}]"


def _print_reliability(deals: pd.DataFrame, by: str, outcome: str) -> None:
    """Print chances beside what happened; intervals by drawing whole worlds again."""
    table = reliability(deals, by, outcome=outcome).set_index(by).sort_index()
    rng = np.random.default_rng(SEED)
    parts = [group for _, group in deals.groupby("world")]
    drawn = []
    for _ in range(BOOTSTRAP):
        again = pd.concat([parts[i] for i in rng.integers(len(parts), size=len(parts))])
        found = reliability(again, by, outcome=outcome).set_index(by)
        drawn.append((found["expected"] - found["came"]) / found["n"])
    bands = pd.concat(drawn, axis=1).quantile([0.025, 0.975], axis=1)
    print(f"\n| {by} | open deals | chance given ({outcome}) | came so | difference, points |")
    print("|---|---:|---:|---:|---:|")
    for key, row in table.iterrows():
        name = f"{key * 100:.0f}–{key * 100 + 10:.0f} %" if by == "chance" else key
        lo, hi = 100 * bands[key]
        print(
            f"| {name} | {row.n:,.0f} | {row.given:.1%} | {row.happened:.1%} "
            f"| {100 * (row.given - row.happened):+.1f} [{lo:+.1f}, {hi:+.1f}] |"
        )


if __name__ == "__main__":
    main()
