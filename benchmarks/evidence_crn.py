"""What common random numbers are worth: differences against those of independent seeds.

Each change of the retail bank is simulated under the baseline's luck and under other luck, at
equal cost. The ratio of the variances says how many times more replications independent luck
would need; its root, how many times wider its intervals are. Prints the table of
docs/evidence.md.

    python benchmarks/evidence_crn.py [replications] [scenario]
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from scipy import stats

from funnelsim import shipped
from funnelsim.experiments import compare, replicate
from funnelsim.scenarios.loading import load

SEED = 7
REPLICATIONS = 300
LEVEL = 0.95


class Case(NamedTuple):
    """A change and what it is meant to move; the target is on the width of intervals."""

    name: str
    overrides: dict[str, object]
    measure: str
    target: float  # 0: none


CASES = (
    Case("+3 points of conversion", {"stages.decision.next.to.contract": {"add": 0.03}}, "won", 6),
    Case(
        "+3 points of conversion", {"stages.decision.next.to.contract": {"add": 0.03}}, "profit", 0
    ),
    Case("shorter delay", {"stages.interest.delay_before": {"times": 0.8}}, "cycle_time", 6),
    Case("one more adviser", {"teams.advisers.seats": {"add": 1}}, "wait.advisers", 2.5),
    Case(
        "one more in the back office",
        {"teams.back_office.seats": {"add": 1}},
        "wait.back_office",
        2.5,
    ),
    Case("+10 % leads", {"sources.internet_ad.rate": {"times": 1.1}}, "won", 0),
)


def main(n: int, name: str) -> int:
    """Print the table; return how many targets are missed."""
    base = load(shipped.scenarios() / f"{name}.yaml")
    changed = {case.name: base.change(case.name, case.overrides) for case in CASES}
    paired = compare(base, changed, seed=SEED, n=n)
    other = {key: replicate(world, seed=SEED + 1, n=n) for key, world in changed.items()}
    print(
        f"{name}, {n} replications, seeds {SEED} and {SEED + 1}; 95 % interval of the ratio by F.\n"
    )
    print("| change | measure | variance, independent ÷ common | intervals narrower | target |")
    print("|---|---|---:|---:|---:|")
    missed = 0
    for case in CASES:
        common = paired.what_ifs[case.name][case.measure] - paired.base[case.measure]
        independent = other[case.name][case.measure] - paired.base[case.measure]
        ratio = float(np.var(independent, ddof=1) / np.var(common, ddof=1))
        low, high = (ratio / stats.f.ppf((1 + sign * LEVEL) / 2, n - 1, n - 1) for sign in (1, -1))
        missed += ratio**0.5 < case.target
        print(
            f"| {case.name} | {case.measure} | {ratio:.1f} ({low:.1f} to {high:.1f}) "
            f"| {ratio**0.5:.1f} × | {f'{case.target:g} ×' if case.target else ''} |"
        )
    return missed


if __name__ == "__main__":
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATIONS
    sys.exit(main(replications, sys.argv[2] if len(sys.argv) > 2 else "bank-retail"))
