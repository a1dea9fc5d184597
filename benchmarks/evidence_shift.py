"""How soon stated bands hold again after the world has shifted, on generated worlds.

Each world is a small funnel simulated for 112 weeks. At a known week it changes for good: 30 %
fewer arrivals, a win rate lower by a third, or noise of twice the size. Every Monday from week
52 on the next four weeks of leads (or wins) are forecast by the fast recipe from what was known,
and issued as quantiles. Then the promises are gone through again, Monday by Monday: each is
corrected by those whose weeks were over by then, as reports do. Prints how many outcomes the
80 % band held by weeks since the shift, before and after correction, and when the share was back
in the exact binomial band of 80 %. Promises and scores of single worlds are kept in files, so
that an interrupted run goes on where it stopped.

The correction was chosen on worlds from 10,000 on; what is printed is of worlds from 0 on.

    python benchmarks/evidence_shift.py [worlds] [first] [file]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from funnelsim.engine import simulate
from funnelsim.forecasting.leads import forecast_leads
from funnelsim.forecasting.series import from_log
from funnelsim.planning.issued import read_issued
from funnelsim.planning.recalibration import LESSONS, NARROWEST, STEP, recalibrated
from funnelsim.scenarios.scenario import Scenario

SEED = 31
WORLDS = 240
KEPT = Path("reports") / "evidence_shift.jsonl"
START = pd.Timestamp("2023-01-02")
WEEK = pd.Timedelta(weeks=1)
LEARNED, BEFORE, AFTER = 52, 28, 32
AHEAD = 4
PATHS = 300
KINDS = ("arrivals", "win_rate", "noise")
LEVEL = 0.8
RUNNING = 4
SHOWN = (1, AHEAD)
ROWS = (
    *((-19, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8), (9, 9), (10, 10)),
    *((11, 14), (15, 18), (19, 24), (25, 32)),
)


def world(number: int) -> tuple[Scenario, str]:
    """A funnel of one step whose world shifts, and the series that feels it."""
    rng = np.random.default_rng([SEED, number])
    kind = KINDS[number % len(KINDS)]
    weekly, share = float(rng.uniform(40, 150)), round(float(rng.uniform(0.2, 0.5)), 3)
    if kind == "win_rate":
        weekly /= share
    noise = float(rng.uniform(0.05, 0.2))
    wild = float(np.sqrt(4 * noise**2 + 3 / weekly))  # twice the spread, chance of counts included
    rate = f"{weekly:.2f} / w"
    shifts: dict[str, dict[str, object]] = {
        "arrivals": {"sources.web.rate": {"times": 0.7}},
        "win_rate": {"stages.talk.next.to.won": round(share * 2 / 3, 4)},
        "noise": {"sources.web.rate": "0 / w", "sources.wild.rate": rate},
    }
    data = {
        "funnelsim": 1,
        "name": f"shift-{number}",
        "run": {"start": str(START.date()), "horizon": f"{LEARNED + BEFORE + AFTER} w"},
        "sources": {
            "web": {"stage": "talk", "rate": rate},
            "wild": {"stage": "talk", "rate": "0 / w"},
        },
        "shocks": {
            "market": {"period": "week", "cv": round(noise, 4), "sources": ["web"]},
            "storm": {"period": "week", "cv": round(wild, 4), "sources": ["wild"]},
        },
        "stages": {
            "talk": {
                "delay_after": {"median": "2 d", "p90": "5 d"},
                "next": {"advance": "won", "to": {"won": share, "lost": round(1 - share, 4)}},
            },
            "won": {"marks": "won"},
            "lost": {"marks": "lost"},
        },
        "changes": {
            "shift": {
                "start": str((START + (LEARNED + BEFORE) * WEEK).date()),
                "set": shifts[kind],
            }
        },
    }
    return Scenario.model_validate(data), "wins" if kind == "win_rate" else "leads"


def one(number: int) -> dict[str, object]:
    """Issue forecasts of one world every Monday, each from what was known."""
    made, what = world(number)
    frame = from_log(simulate(made, seed=SEED + number), what).frame
    came = frame["y"].to_numpy(float)
    parts = []
    for week in range(LEARNED, len(came)):
        known = pd.DataFrame({"week": frame["at"].iloc[:week], "leads": came[:week]})
        found = forecast_leads(
            known, f"{AHEAD} w", freq="W", profile="fast", n_paths=PATHS, workers=1, seed=week
        )
        parts.append(found.issued().assign(week=week))
    issued = pd.concat(parts, ignore_index=True)
    return {
        "world": number,
        "kind": KINDS[number % len(KINDS)],
        "series": what,
        "came": came.tolist(),
        "quantiles": sorted(issued["quantile"].unique().tolist()),
        "values": issued["value"].round(2).tolist(),
    }


def scored(row: dict[str, Any]) -> pd.DataFrame:
    """Every promise of a world: raw and stated, and whether each held what came."""
    came = np.array(row["came"])
    weeks, levels = len(came) - LEARNED, row["quantiles"]
    begin = START.tz_localize("UTC")
    shape = (weeks, AHEAD, len(levels))
    week, ahead, level = (index.ravel() for index in np.indices(shape))
    target = LEARNED + week + ahead
    table = pd.DataFrame(
        {
            "cutoff": begin + (LEARNED + week) * WEEK,
            "series": row["series"],
            "period_start": begin + target * WEEK,
            "period_end": begin + (target + 1) * WEEK,
            "unit": row["series"],
            "quantile": np.array(levels)[level],
            "value": row["values"],
        }
    )
    issued = read_issued(table[target < len(came)])
    index = ((issued["period_start"] - begin) / WEEK).round().astype(int)
    past = issued.assign(actual=came[index])
    made = recalibrated(issued, past).assign(actual=past["actual"])
    made["since"] = index - (LEARNED + BEFORE) + 1
    made["ahead"] = ((made["period_end"] - made["cutoff"]) / WEEK).round().astype(int)
    low, high = (
        made[np.isclose(made["quantile"], q)].reset_index(drop=True)
        for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    )
    said = low[["since", "ahead"]].assign(world=row["world"], kind=row["kind"])
    for name in ("raw", "value"):
        least, most, actual = low[name], high[name], low["actual"]
        said[name] = (least <= actual) & (actual <= most)
        beyond = np.maximum(least - actual, 0) + np.maximum(actual - most, 0)
        said[f"{name}_score"] = (most - least + 2 / (1 - LEVEL) * beyond).round(3)
    return said


def kept_scores(worlds: list[dict[str, Any]], file: Path) -> list[pd.DataFrame]:
    """Scores of worlds, kept in a file as long as the correction is the same."""
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    rule = [STEP, NARROWEST, LESSONS]
    known = {line["world"]: line["rows"] for line in lines if line["rule"] == rule}
    found = []
    for row in worlds:
        if row["world"] not in known:
            rows = scored(row).to_dict("list")
            with file.open("a") as out:
                line = {"world": row["world"], "rule": rule, "rows": rows}
                out.write(json.dumps(line) + "\n")
            known[row["world"]] = rows
        found.append(pd.DataFrame(known[row["world"]]))
    return found


def report(table: pd.DataFrame) -> None:
    """Print coverage by weeks since the shift, when it was back, and what the correction costs."""
    n = table["world"].nunique()
    low, high = bounds(n)
    print(f"{n} worlds; of so many, {low:.1%} to {high:.1%} is what chance makes of 80 %\n")
    heads = [f"{a} ahead, {name}" for a in SHOWN for name in ("as forecast", "stated")]
    print(f"| weeks since the shift | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}")
    for first, last in ROWS:
        rows = table[table["since"].between(first, last)]
        cells = [
            f"{rows.loc[rows['ahead'] == a, name].mean():.1%}"
            for a in SHOWN
            for name in ("raw", "value")
        ]
        print(f"| {first if first == last else f'{first} to {last}'} | {' | '.join(cells)} |")
    print("\n| shift | worlds | band | weeks ahead | forecast | not below from | in it from |")
    print("|---|---:|---|---:|---|---:|---:|")
    for kind in ("all", *KINDS):
        mine = table if kind == "all" else table[table["kind"] == kind]
        low, high = bounds(mine["world"].nunique())
        for a in SHOWN:
            for name in ("raw", "value"):
                held = mine[(mine["ahead"] == a) & (mine["since"] > 0)].groupby("since")[name]
                least, both = back(held.mean(), low, 1.0), back(held.mean(), low, high)
                told = f"| {kind} | {mine['world'].nunique()} | {low:.0%}-{high:.0%} | {a} |"
                print(f"{told} {name} | {least} | {both} |")
    print("\n| interval score, stated ÷ as forecast | 1 ahead | 4 ahead |\n|---|---:|---:|")
    for name, part in (("before", table["since"] <= 0), ("after", table["since"] > 0)):
        ratios = [_ratio(table[part & (table["ahead"] == a)]) for a in SHOWN]
        print(f"| {name} the shift | {' | '.join(ratios)} |")


def bounds(n: int) -> tuple[float, float]:
    """The middle 95 % of shares that chance makes of the level."""
    low, high = stats.binom.ppf([0.025, 0.975], n, LEVEL) / n
    return float(low), float(high)


def back(held: pd.Series, low: float, high: float) -> str:
    """The first week of four running in which the share lies inside."""
    inside = held.between(low, high).to_numpy()
    for place in range(len(inside) - RUNNING + 1):
        if inside[place : place + RUNNING].all():
            return str(held.index[place])
    return "never"


def _ratio(rows: pd.DataFrame) -> str:
    """Mean interval score of what is stated over that of what was forecast, and its bootstrap."""
    by = rows.groupby("world")[["value_score", "raw_score"]].sum().to_numpy()
    picks = np.random.default_rng(SEED).integers(len(by), size=(2000, len(by)))
    sums = by[picks].sum(axis=1)
    lo, hi = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    return f"{by[:, 0].sum() / by[:, 1].sum():.2f} [{lo:.2f}, {hi:.2f}]"


def main() -> None:
    """Make the worlds that are missing, go through the promises of all and print the tables."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    kept = Path(sys.argv[3]) if len(sys.argv) > 3 else KEPT
    kept.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    have = {row["world"] for row in done}
    for number in range(first, first + worlds):
        if number not in have:
            done.append(one(number))
            with kept.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
            print(f"world {number}", file=sys.stderr, flush=True)
    wanted = [row for row in done if first <= row["world"] < first + worlds]
    report(pd.concat(kept_scores(wanted, kept.with_suffix(".scores.jsonl"))))


if __name__ == "__main__":
    main()
