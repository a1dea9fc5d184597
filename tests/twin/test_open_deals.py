"""From open deals on the engines run alike too: cut anywhere, also at the instant of an event."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st

from funnelsim.engine import simulate
from funnelsim.engine.snapshot import PHASES, Snapshot, snapshot
from funnelsim.errors import RunError
from funnelsim.events import EventLog
from tests.golden.fingerprints import WINDOWS, short
from tests.strategies import SEEDS, scenarios
from tests.twin.comparing import differences

FULL = settings.get_current_profile_name() == "full"
PARTS = 2
EXAMPLES = 400 if FULL else 80


def cut_at_event(log: EventLog, share: float) -> Snapshot:
    """A snapshot at the instant of an event, so that things coincide with the start."""
    columns = [
        log.visits["entered_at"],
        log.visits["ready_at"],
        log.visits["left_at"],
        log.efforts["queued_at"],
        log.efforts["started_at"],
        log.efforts["ended_at"],
    ]
    times = pd.concat(columns).dropna().drop_duplicates().sort_values(ignore_index=True)
    times = times[times.between(log.meta.observed_from, log.meta.observed_until)]
    assume(len(times))
    return snapshot(log, times.iloc[int(share * (len(times) - 1))])


def _part(number):
    """Some of the generated scenarios: simulated, cut, and gone on with."""

    @seed(number)
    @settings(max_examples=EXAMPLES // PARTS, database=None)
    @given(scenarios(), SEEDS, st.integers(0, 9))
    def check(scenario, luck, tenth):
        try:
            log = simulate(scenario, seed=luck, engine="compiled")
        except RunError:
            assume(False)
        at = cut_at_event(log, tenth / 10)
        assert not differences(scenario, luck + 1, luck % 3, start=at)

    return check


@pytest.mark.parametrize(
    "number", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))]
)
def test_generated_scenarios_go_on_alike(number):
    _part(number)()


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_shipped_scenarios_go_on_alike(name):
    scenario = short(name)
    log = simulate(scenario, seed=1, engine="compiled")
    middle = log.meta.observed_from + (log.meta.observed_until - log.meta.observed_from) / 2
    seen: Counter[str] = Counter()
    assert not differences(scenario, 2, start=snapshot(log, middle), seen=seen)
    assert seen["open deals"] > 10


def test_generated_scenarios_are_cut_in_every_phase():
    """Half of the phases would hide half of the rules."""
    seen: Counter[str] = Counter()

    @seed(1)
    @settings(max_examples=60, database=None)
    @given(scenarios(), SEEDS, st.integers(0, 9))
    def look(scenario, luck, tenth):
        if min(seen[phase] for phase in PHASES) < 10:
            try:
                log = simulate(scenario, seed=luck, engine="compiled")
            except RunError:
                return
            seen.update(cut_at_event(log, tenth / 10).deals["phase"])

    look()
    assert min(seen[phase] for phase in PHASES) >= 10
