"""How often the two engines differ, over many generated scenarios of the whole language.

Prints the row of docs/evidence.md. The draws are the same on every run.

    python benchmarks/evidence_twin.py [scenarios]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

from funnelsim.scenarios.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = 5000
AT_ONCE = 500


def compared(many: int, number: int) -> Counter[str]:
    """Compare so many scenarios; ``number`` chooses which."""
    from tests.strategies import SEEDS, scenarios
    from tests.twin.comparing import differences

    seen: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=many, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(scenarios(), SEEDS)
    def look(scenario: Scenario, luck: int) -> None:
        found = differences(scenario, luck, luck % 3, seen)
        seen["scenarios"] += 1
        seen["different"] += bool(found)

    look()
    return seen


def main(many: int) -> None:
    """Compare, and print."""
    seen: Counter[str] = Counter()
    for number in range(-(-many // AT_ONCE)):
        seen += compared(min(AT_ONCE, many - AT_ONCE * number), number)
        print(dict(seen), file=sys.stderr, flush=True)
    print(
        f"{seen['scenarios']:,} scenarios, {seen['leads']:,} leads, {seen['rows']:,} rows of "
        f"visits, efforts and marks: {seen['different']} scenarios differ in a row, a tally or "
        "a log."
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SCENARIOS)
