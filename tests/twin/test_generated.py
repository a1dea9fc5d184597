"""The compiled engine's results are equal to the SimPy model's, over the whole language."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, seed, settings

from tests.golden.fingerprints import WINDOWS, short
from tests.strategies import SEEDS, scenarios
from tests.theory.bugs import BUGS
from tests.twin.comparing import differences

FULL = settings.get_current_profile_name() == "full"
PARTS = 4  # so that two processes share the work
EXAMPLES = 500 if FULL else 100


def _part(number):
    """A quarter of the generated scenarios."""

    @seed(number)
    @settings(max_examples=EXAMPLES // PARTS, database=None)
    @given(scenarios(), SEEDS)
    def check(scenario, luck):
        assert not differences(scenario, luck, luck % 3)

    return check


@pytest.mark.parametrize("number", range(PARTS))
def test_generated_scenarios_run_alike(number):
    _part(number)()


@pytest.mark.parametrize("luck", range(20 if FULL else 2))
@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_shipped_scenarios_run_alike(name, luck):
    assert not differences(short(name), luck)


@pytest.mark.parametrize(
    "bug",
    [
        "ties served by luck of the queue",
        pytest.param("a time-out keeps the seat", marks=pytest.mark.slow),
        pytest.param("grants do not wait for all changes", marks=pytest.mark.slow),
        pytest.param("one lead's ties by order in the file", marks=pytest.mark.slow),
    ],
)
def test_a_bug_in_one_of_them_is_seen(bug):
    """The generated scenarios reach what each of these bugs breaks."""
    seen: list[object] = []

    @settings(max_examples=250, database=None)
    @given(scenarios(), SEEDS)
    def look(scenario, luck):
        if not seen and differences(scenario, luck):
            seen.append(scenario)

    with BUGS[bug]():
        look()
    assert seen


def test_without_compiling_the_kernel_does_the_same():
    """What numba compiles is Python that means the same when it is read as Python."""
    code = "import tests.conftest; from tests.twin.test_generated import interpreted as run; run()"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def interpreted():
    """Run what ``test_without_compiling_the_kernel_does_the_same`` asks for."""

    @settings(settings.get_profile("smoke"), max_examples=8, database=None)
    @given(scenarios(), SEEDS)
    def alike(scenario, luck):
        assert not differences(scenario, luck)

    alike()
    assert not differences(short("apartment-doors"), 1)
