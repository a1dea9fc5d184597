"""Keyed random numbers: Philox as NumPy has it, uniforms, ids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelsim import streams
from funnelsim.streams import Stream, colliding_ids, hash_id, philox, philox_array

WORD = st.integers(0, 2**64 - 1)
WORDS = st.tuples(WORD, WORD, WORD, WORD)
KEY = st.tuples(WORD, WORD)


def numpys_philox(counter, key):
    """NumPy adds one to the counter before it draws."""
    whole = sum(word << (64 * i) for i, word in enumerate(counter))
    before = (whole - 1) % 2**256
    words = [(before >> (64 * i)) & (2**64 - 1) for i in range(4)]
    generator = np.random.Philox(counter=np.array(words, np.uint64), key=np.array(key, np.uint64))
    return tuple(generator.random_raw(4).tolist())


@given(WORDS, KEY)
def test_philox_is_numpys(counter, key):
    assert philox(counter, key) == numpys_philox(counter, key)


@given(st.lists(WORDS, min_size=1, max_size=20), KEY)
def test_philox_over_arrays_gives_the_same_words(counters, key):
    a, b, c, d = np.array(counters, np.uint64).T
    words = philox_array((a, b, c, d), key)
    assert [tuple(column) for column in words.T.tolist()] == [philox(c, key) for c in counters]


@pytest.mark.parametrize("edge", [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
def test_words_at_the_edges(edge):
    counter, key = (edge,) * 4, (edge, edge)
    array = np.array([edge], np.uint64)
    assert philox(counter, key) == numpys_philox(counter, key)
    words = philox_array((array, array, array, array), key)
    assert tuple(words[:, 0].tolist()) == philox(counter, key)


@given(WORD, WORD, WORD, WORD, WORD)
def test_a_stream_is_the_same_one_by_one_and_all_at_once(seed, replication, entity, place, ordinal):
    stream = Stream(seed, replication)
    words = stream.words_array(np.array([entity], np.uint64), place, np.array([ordinal], np.uint64))
    assert tuple(words[:, 0].tolist()) == stream.words(entity, place, ordinal)
    assert tuple(Stream.to_uniforms(words)[:, 0].tolist()) == stream.uniforms(
        entity, place, ordinal
    )


def test_every_part_of_the_key_matters():
    """Seed, replication, entity, place and ordinal: change one, change all four words."""
    base = {"seed": 1, "replication": 2, "entity": 3, "place": 4, "ordinal": 5}

    def words(**other):
        key = base | other
        stream = Stream(key.pop("seed"), key.pop("replication"))
        return set(stream.words(**key))

    for part, value in base.items():
        assert not words() & words(**{part: value + 1}), part


def test_our_streams_are_not_a_bare_philox():
    """Whoever draws from Philox with the same seed and counter gets other numbers."""
    assert Stream(7).words(1, 2, 3) != philox((1, 2, 3, 0), (7, 0))


@pytest.mark.parametrize("word", [0, 2**12, 2**63 - 1, 2**63, 2**64 - 1])
def test_uniforms_lie_strictly_inside_and_never_on_the_median(word):
    """The least is 2**-53, the greatest below 1, and 1/2 belongs to no word."""
    (uniform,) = Stream.to_uniforms(np.array([word], np.uint64)).tolist()
    assert 2.0**-53 <= uniform < 1
    assert uniform != 0.5
    assert uniform == ((word >> 12) + 0.5) * 2.0**-52, "exact: 52 bits and a half fit a double"
    assert 1 - (1 - uniform) == uniform, "so that the upper tail can be read from 1 - u"


def test_ids_hash_to_64_bits_whatever_the_platform():
    """A constant: another hash would move every lead of every scenario."""
    assert hash_id("stage/demo") == 0x7925A071049D1324
    assert 0 <= hash_id("ціна") < 2**64


def test_ids_that_collide_are_found(monkeypatch):
    monkeypatch.setattr(streams, "hash_id", len)
    assert colliding_ids(["a", "bb", "c", "a"]) == [("a", "c")]
    monkeypatch.undo()
    assert colliding_ids(f"stage/{n}" for n in range(20_000)) == []
