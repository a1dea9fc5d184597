"""Whether ``fs.levers`` names a planted bottleneck, and nothing where one cannot tell.

Synthetic worlds, each with one bottleneck of random severity: a stage that loses nearly all,
a delay that outlasts the client's patience, or a team too small. What every lever truly
brings is known: without queues from the absorbing Markov chain, else from a run with other
luck that is four times as long. Where the best is truly at least 1.5 times the runner-up it
should be named; elsewhere the right name or "cannot tell" will do, a wrong name will not.

    python benchmarks/evidence_levers.py [worlds] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from funnelsim.experiments.atlas import atlas, changed
from funnelsim.experiments.levers import levers
from funnelsim.experiments.replication import replicate
from funnelsim.scenarios.paths import Paths
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import WEEK

SEED = 2026
WORLDS = 200
REPLICATIONS = 10
LONGER = 4
CLEAR = 1.5
LEVEL = 0.95

Rng = np.random.Generator


@dataclass(frozen=True)
class World:
    """One world's answer."""

    planted: str
    truly_best: str
    ratio: float
    named: str | None
    limit: str | None

    @property
    def verdict(self) -> str:
        if self.named is None:
            return "cannot tell"
        return "right" if self.named == self.truly_best else "wrong"


def world(rng: Rng) -> tuple[str, Scenario]:
    """A funnel of three or four stages with a bottleneck of random severity."""
    planted = str(rng.choice(["conversion", "delay", "capacity"]))
    count = int(rng.integers(3, 5))
    at = int(rng.integers(count))
    names = [f"s{i}" for i in range(count)]
    stages: dict[str, Any] = {
        name: _stage(rng, name, following)
        for name, following in zip(names, [*names[1:], "won"], strict=True)
    }
    teams = {}
    if planted == "conversion":
        share = float(rng.uniform(0.06, 0.25))
        stages[f"s{at}"]["next"]["to"] = {
            stages[f"s{at}"]["next"]["advance"]: share,
            "lost": 1 - share,
        }
    if planted == "delay":
        hours = float(rng.uniform(24, 96))
        stages[f"s{at}"]["delay_before"] = {"mean": f"{hours:.1f} h", "cv": 0.4}
        stages[f"s{at}"]["timeout"] = {
            "after": f"{hours * rng.uniform(1.2, 2.2):.1f} h",
            "to": "lost",
        }
    if planted == "capacity":
        at = 0  # where all leads pass, so that the load is known
        seats = int(rng.integers(3, 13))
        load = float(rng.uniform(0.85, 1.25))
        minutes = 60 * 24 * seats * load / 120
        stages["s0"]["efforts"] = {
            "do": {"team": "desk", "duration": {"mean": f"{minutes:.2f} min"}}
        }
        stages["s0"]["timeout"] = {"after": "4 d", "to": "lost"}
        teams = {"desk": {"seats": seats}}
    kinds = {
        "conversion": f"conversion.s{at}",
        "delay": f"delay.s{at}",
        "capacity": "capacity.desk",
    }
    shares = rng.dirichlet([4, 4, 4])
    rates = {f"way{i}": f"{120 * share:.3f} / d" for i, share in enumerate(shares)}
    data = {
        "funnelsim": 1,
        "name": "world",
        "run": {"start": "2026-01-05", "horizon": "4 w", "warm_up": "3 w"},
        "teams": teams,
        "sources": {name: {"stage": "s0", "rate": rate} for name, rate in rates.items()},
        "stages": {**stages, "won": {"marks": "won"}, "lost": {"marks": "lost"}},
    }
    return kinds[planted], Scenario.model_validate(data)


def _stage(rng: Rng, name: str, following: str) -> dict[str, Any]:
    share, back = float(rng.uniform(0.35, 0.85)), float(rng.uniform(0, 0.1))
    mean = float(rng.uniform(12, 72))
    return {
        "delay_before": {"mean": f"{mean:.1f} h", "cv": float(rng.uniform(0.3, 0.9))},
        "next": {
            "advance": following,
            "to": {following: share, name: back, "lost": 1 - share - back},
        },
    }


def truth(scenario: Scenario, seed: int) -> dict[str, float]:
    """What every lever brings: closed form without queues, else a long run."""
    found = atlas(scenario)[0]
    worlds = {lever.id: changed(scenario, lever.id, lever.make) for lever in found}
    if not scenario.teams:
        before = _closed_form(scenario)
        return {name: _closed_form(after) - before for name, after in worlds.items()}
    runs = LONGER * REPLICATIONS
    before = replicate(scenario, seed=seed, n=runs, workers=1)["won"].mean()
    return {
        name: replicate(after, seed=seed, n=runs, workers=1)["won"].mean() - before
        for name, after in worlds.items()
    }


def _closed_form(scenario: Scenario) -> float:
    """Leads of the window × odds to win, by the absorbing chain."""
    paths = Paths(scenario)
    _, start, end = scenario.run.instants(scenario.time_zone)
    return float(paths.arrivals.sum()) * (end - start) / WEEK * paths.journey({"won"}).share


def examine(number: int) -> World:
    """One world: what is true, and what is said."""
    planted, scenario = world(np.random.default_rng([SEED, number]))
    true = sorted(truth(scenario, SEED + 1).items(), key=lambda item: -item[1])
    (best, most), (_, second) = true[:2]
    found = levers(
        scenario, seed=SEED + 7919 * number, n=REPLICATIONS, level=LEVEL, together=0, workers=1
    )
    ratio = most / second if second > 0 else float("inf")
    return World(planted, best, float(ratio), found.top, found.limit)


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Exact 95 % interval of a share (Clopper and Pearson)."""
    found = stats.binomtest(hits, trials).proportion_ci(0.95) if trials else (0.0, 1.0)
    return float(found[0]), float(found[1])


def summary(worlds: list[World]) -> dict[str, Any]:
    """Shares by whether there is a clear best."""
    found: dict[str, Any] = {"worlds": len(worlds), "replications": REPLICATIONS, "seed": SEED}
    for name, group in (
        ("clear", [w for w in worlds if w.ratio >= CLEAR]),
        ("close", [w for w in worlds if w.ratio < CLEAR]),
    ):
        counts = {v: sum(w.verdict == v for w in group) for v in ("right", "wrong", "cannot tell")}
        lo, hi = interval(counts["right"], len(group))
        found[name] = {"worlds": len(group), **counts, "right_lo": lo, "right_hi": hi}
    wrong = sum(w.verdict == "wrong" for w in worlds)
    found["wrong"] = dict(zip(("lo", "hi"), interval(wrong, len(worlds)), strict=True), n=wrong)
    return found


def markdown(found: dict[str, Any]) -> str:
    """Rows for docs/evidence.md."""
    rows = ["| best ÷ runner-up | worlds | named rightly | named wrongly | cannot tell |"]
    rows.append("|---|--:|--:|--:|--:|")
    for name, words in (("clear", f"≥ {CLEAR}"), ("close", f"< {CLEAR}")):
        group = found[name]
        n = max(group["worlds"], 1)
        share = f"{group['right'] / n:.1%} ({group['right_lo']:.1%} to {group['right_hi']:.1%})"
        rows.append(
            f"| {words} | {group['worlds']} | {share} | {group['wrong']} | {group['cannot tell']} |"
        )
    return "\n".join(rows)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("worlds", nargs="?", type=int, default=WORLDS)
    asked.add_argument("--out", type=Path)
    given = asked.parse_args()
    begun = time.process_time()
    worlds = []
    for number in range(given.worlds):
        worlds.append(examine(number))
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {given.worlds}", end="", file=sys.stderr)
    found = summary(worlds)
    found["cpu_seconds"] = round(time.process_time() - begun)
    print(markdown(found))
    print(json.dumps(found, indent=2))
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        whole = {**found, "each": [{**asdict(w), "verdict": w.verdict} for w in worlds]}
        given.out.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
