"""What is special about compiled code: its draws, its cache, and when it is taken."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelsim.distributions import quantiles
from funnelsim.engine import draws, jit, simulate, simulation
from funnelsim.engine.planning import make_plan
from funnelsim.engine.simulation import tally
from funnelsim.errors import ParameterError
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream
from tests.twin.comparing import differences

WORDS = st.integers(0, 2**64 - 1)
TABLE = quantiles("lognormal", {"median": 3.0, "p90": 12.0}).table()
FLAT = TABLE.values.ravel()


def scenario(rate="5 / d"):
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "tiny",
            "run": {"start": "2026-01-05", "horizon": "4 w"},
            "sources": {"web": {"stage": "won", "rate": rate}},
            "stages": {"won": {"marks": "won"}},
        }
    )


# --- draws ----------------------------------------------------------------------------------------


@given(WORDS, WORDS, WORDS, WORDS, WORDS)
def test_draws_have_the_same_bits(seed, replication, entity, place, ordinal):
    stream = Stream(seed, replication)
    found = draws.draw(*map(np.uint64, (seed, entity, place, ordinal, replication)))
    assert tuple(map(int, found)) == stream.words(entity, place, ordinal)
    for word, u in zip(found, stream.uniforms(entity, place, ordinal), strict=True):
        assert draws.uniform(np.uint64(word)) == u
        assert draws.sample(FLAT, 0, np.uint64(word)) == TABLE.sample(u)


@pytest.mark.parametrize(
    "word", [0, 4095, 4096, 2**63 - 1, 2**63, 2**64 - 1, *(2**n for n in range(12, 64))]
)
def test_the_ends_of_the_table_are_read_alike(word):
    u = ((word >> 12) + 0.5) * 2.0**-52
    assert draws.sample(FLAT, 0, np.uint64(word)) == TABLE.sample(u)


@given(WORDS, st.lists(st.floats(0, 500), min_size=1, max_size=50))
def test_arrays_of_draws_are_the_same(seed, means):
    slow, swift = Stream(seed, 3), draws.SwiftStream(seed, 3)
    entity = np.arange(len(means), dtype=np.uint64)
    words = slow.words_array(entity, 5, entity)
    assert np.array_equal(words, swift.words_array(entity, 5, entity))
    u, mean = Stream.to_uniforms(words)[0], np.array(means)
    assert np.array_equal(slow.poisson(u, mean), swift.poisson(u, mean))


# --- when it is taken -----------------------------------------------------------------------------


def test_without_numba_the_reference_runs_and_nothing_changes(monkeypatch):
    with_it = simulate(scenario(), seed=1, engine="compiled")
    monkeypatch.setattr(simulation, "_can_compile", lambda: False)
    assert simulate(scenario(), seed=1).equals(with_it)
    assert tally(make_plan(scenario()), seed=1).arrived.sum() == len(with_it.leads)
    with pytest.raises(ParameterError, match="numba is not installed"):
        simulate(scenario(), seed=1, engine="compiled")


def test_small_jobs_do_not_wait_for_numba():
    """In a fresh process; a large job loads the kernel."""
    code = (
        "import sys; from tests.unit.test_compiled import scenario, simulate\n"
        "sys.modules.pop('funnelsim.engine.kernel', None)\n"
        "simulate(scenario(), seed=1); assert 'funnelsim.engine.kernel' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_large_job_takes_it(monkeypatch):
    monkeypatch.setattr("funnelsim.engine.reference.run", None)
    assert len(simulate(scenario("300 / d"), seed=1).leads) > 3000


# --- the cache ------------------------------------------------------------------------------------


@pytest.fixture
def fresh():
    jit.folder.cache_clear()
    yield
    jit.folder.cache_clear()


def test_compiled_code_is_kept_under_a_name_of_its_source(monkeypatch, tmp_path, fresh):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = jit.folder()
    assert place is not None
    assert place.parent == tmp_path / "funnelsim"
    assert not jit.kept()


def test_where_nothing_can_be_written_nothing_is_kept(monkeypatch, fresh):
    monkeypatch.setenv("NUMBA_CACHE_DIR", os.devnull)
    assert jit.folder() is None
    assert not jit.kept()


@pytest.mark.slow
def test_it_compiles_where_nothing_can_be_written():
    code = (
        "from tests.unit.test_compiled import *\n"
        "print(len(simulate(scenario(), seed=1, engine='compiled').leads))\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert int(done.stdout) == len(simulate(scenario(), seed=1).leads)


# --- no limits of its own -------------------------------------------------------------------------


def test_many_kinds_of_marks_and_many_marks_of_a_stage_run_alike():
    """More kinds than a word has bits, more marks in one step than rows to begin with."""
    marks = [{"kind": f"kind-{i}", "cost": i} for i in range(90)]
    data = scenario().model_dump(mode="json", exclude_defaults=True)
    many = [{"kind": f"step-{i}"} for i in range(600)]
    data |= {"currency": "UAH", "stages": {"won": {"marks": marks, "next": "end"}, "end": {}}}
    data["stages"]["end"] = {"marks": [*many, {"kind": "won"}]}
    assert not differences(Scenario.model_validate(data), 5)
