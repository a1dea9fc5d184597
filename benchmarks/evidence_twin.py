"""How often the two engines differ, over many generated scenarios of the whole language.

Prints the row of docs/evidence.md. The draws are the same on every run.

A log is also cut at the instant of one of its events, and both engines go on from the deals that
are open then.

    python benchmarks/evidence_twin.py [scenarios [cut]]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from funnelsim.engine import simulate
from funnelsim.engine.snapshot import PHASES
from funnelsim.errors import RunError
from funnelsim.scenarios.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS, CUT = 5000, 1000
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


def cut(many: int, number: int) -> Counter[str]:
    """Compare how so many scenarios go on from open deals."""
    from tests.strategies import SEEDS, scenarios
    from tests.twin.comparing import differences
    from tests.twin.test_open_deals import cut_at_event

    seen: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=many, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(scenarios(), SEEDS, st.integers(0, 9))
    def look(scenario: Scenario, luck: int, tenth: int) -> None:
        try:
            log = simulate(scenario, seed=luck, engine="compiled")
        except RunError:
            return
        start = cut_at_event(log, tenth / 10)
        found = differences(scenario, luck + 1, luck % 3, seen, start)
        seen.update(start.deals["phase"].value_counts().to_dict())
        seen["scenarios"] += 1
        seen["different"] += bool(found)

    look()
    return seen


def main(many: int, to_cut: int) -> None:
    """Compare, and print."""
    for compare, most in ((compared, many), (cut, to_cut)):
        seen: Counter[str] = Counter()
        for number in range(-(-most // AT_ONCE)):
            seen += compare(min(AT_ONCE, most - AT_ONCE * number), number)
            print(dict(seen), file=sys.stderr, flush=True)
        phases = ", ".join(f"{seen[phase]:,} {phase}" for phase in PHASES)
        deals = f" (of them {seen['open deals']:,} open at the start: {phases})"
        print(
            f"{seen['scenarios']:,} scenarios, {seen['leads']:,} leads"
            f"{deals if compare is cut else ''}, {seen['rows']:,} rows of visits, efforts and "
            f"marks: {seen['different']} scenarios differ in a row, a tally or a log."
        )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    given_sizes = [int(word) for word in sys.argv[1:]]
    main(*(given_sizes + [SCENARIOS, CUT][len(given_sizes) :]))
