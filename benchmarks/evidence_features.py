"""What the generated scenarios of the tests contain, and what happens in their logs.

Prints the tables of docs/evidence.md: the share of scenarios with each feature of the
language, and of logs with each rare event. The draws are the same on every run.

    python benchmarks/evidence_features.py [scenarios]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection
from itertools import zip_longest
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from funnelsim.engine import simulate
from funnelsim.scenarios.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = 1000
SEED = 1
ACROSS = 3


def counted(many: int) -> Counter[str]:
    """How many of so many scenarios have each feature, and each rare event."""
    from tests.features import features, happenings
    from tests.strategies import scenarios

    seen: Counter[str] = Counter()

    @settings(
        max_examples=many,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(scenarios())
    def look(scenario: Scenario) -> None:
        log = simulate(scenario, seed=SEED)
        found = features(scenario) | happenings(scenario, log)
        seen.update([*found, "(scenarios)"])
        seen.update({"(leads)": len(log.leads), "(visits)": len(log.visits)})

    look()
    return seen


def table(names: Collection[str], seen: Counter[str], heads: str) -> str:
    """The rarest first, several side by side."""
    drawn = seen["(scenarios)"]
    cells = [f"{name} | {seen[name] / drawn:.1%}" for name in sorted(names, key=seen.__getitem__)]
    deep = -(-len(cells) // ACROSS)
    columns = [cells[i : i + deep] for i in range(0, len(cells), deep)]
    rows = ["| " + " | ".join(row) + " |" for row in zip_longest(*columns, fillvalue=" | ")]
    head = [
        "| " + " | ".join([heads] * ACROSS) + " |",
        "|---|---:" * ACROSS + "|",
    ]
    return "\n".join([*head, *rows])


def main(many: int) -> None:
    """Print both tables."""
    sys.path.insert(0, str(ROOT))  # the strategies live with the tests
    from tests.features import FEATURES, HAPPENINGS

    seen = counted(many)
    drawn = seen["(scenarios)"]
    leads, visits = (seen[name] / drawn for name in ("(leads)", "(visits)"))
    print(f"{drawn} scenarios, {leads:.0f} leads and {visits:.0f} visits on average\n")
    print(table(FEATURES, seen, "feature | of scenarios"), end="\n\n")
    print(table(HAPPENINGS, seen, "what happens | in logs of"))
    missing = sorted((FEATURES | set(HAPPENINGS)) - set(seen))
    if missing:
        sys.exit(f"never drawn: {', '.join(missing)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SCENARIOS)
