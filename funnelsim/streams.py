"""Keyed random numbers: every draw is a pure function of what it is for.

A draw is named by *(seed, replication, entity, place, ordinal)*: the seed of
the run, the replication, a lead (or an hour of a source), the place in the
scenario that asks (a stage, an effort), and the how-manieth time it asks.
Nothing depends on the order in which draws are made, so a what-if changes only
what it causes, and results are the same with any number of workers.

The generator is Philox4x64-10: one call turns a 256-bit counter and a 128-bit
key into four independent 64-bit words.

References
----------
Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3",
SC'11, section 4 (Philox) and table 2 (constants).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Stream", "colliding_ids", "hash_id", "philox", "philox_array"]

Words = tuple[int, int, int, int]
U64 = NDArray[np.uint64]

_MASK = 2**64 - 1
_M0, _M1 = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_W0, _W1 = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_SALT = 0x66756E6E656C7369  # "funnelsi": keeps our streams apart from a bare Philox
_UNIT = 2.0**-52


def hash_id(text: str) -> int:
    """64-bit hash of an immutable id.

    Examples
    --------
    >>> hash_id("stage/demo") == hash_id("stage/demo") != hash_id("stage/won")
    True
    """
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def colliding_ids(ids: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different ids whose hashes are equal (a plan refuses them)."""
    seen: dict[int, str] = {}
    pairs = ((seen.setdefault(hash_id(text), text), text) for text in ids)
    return [(first, second) for first, second in pairs if first != second]


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Four 64-bit words for one counter.

    Examples
    --------
    >>> hex(philox((0, 0, 0, 0), (0, 0))[0])
    '0x16554d9eca36314c'
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & _MASK, (p0 >> 64) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return c0, c1, c2, c3


def _multiply(a: int, b: U64) -> tuple[U64, U64]:
    """High and low words of a 64 x 64 bit product, element by element."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a_high, a_low = np.uint64(a >> 32), np.uint64(a & 0xFFFFFFFF)
    b_high, b_low = b >> half, b & low
    bottom = a_low * b_low
    middle = a_high * b_low + (bottom >> half)
    cross = a_low * b_high + (middle & low)
    return a_high * b_high + (middle >> half) + (cross >> half), np.uint64(a) * b


def philox_array(counter: tuple[U64, U64, U64, U64], key: tuple[int, int]) -> U64:
    """``philox`` over arrays.

    Parameters
    ----------
    counter : tuple of arrays, shape (n,), uint64
    key : tuple[int, int]

    Returns
    -------
    array, shape (4, n), uint64
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = _multiply(_M0, c0)
        high1, low1 = _multiply(_M1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ np.uint64(k0), low1, high0 ^ c3 ^ np.uint64(k1), low0
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return np.stack([c0, c1, c2, c3])


@dataclass(frozen=True, slots=True)
class Stream:
    """All random numbers of one replication.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    replication : int
        0 to 2**64 - 1.

    Examples
    --------
    >>> stream = Stream(seed=7)
    >>> stream.uniforms(1, 2, 0) == stream.uniforms(1, 2, 0)
    True
    """

    seed: int
    replication: int = 0

    def words(self, entity: int, place: int, ordinal: int) -> Words:
        """Four raw 64-bit words."""
        return philox((entity, place, ordinal, self.replication), (self.seed, _SALT))

    def uniforms(self, entity: int, place: int, ordinal: int) -> tuple[float, float, float, float]:
        """Four independent uniforms, strictly inside (0, 1) and never exactly 1/2."""
        a, b, c, d = self.words(entity, place, ordinal)
        return (
            ((a >> 12) + 0.5) * _UNIT,
            ((b >> 12) + 0.5) * _UNIT,
            ((c >> 12) + 0.5) * _UNIT,
            ((d >> 12) + 0.5) * _UNIT,
        )

    def words_array(self, entity: U64, place: int, ordinal: U64) -> U64:
        """``words`` over arrays: shape (4, n), uint64."""
        n = entity.shape
        places = np.full(n, place, np.uint64)
        replications = np.full(n, self.replication, np.uint64)
        return philox_array((entity, places, ordinal, replications), (self.seed, _SALT))

    @staticmethod
    def poisson(u: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.int64]:
        """The Poisson quantile at each uniform: the least k whose probability up to k is u.

        Sums the probabilities from 0 on; good for means up to some hundreds.
        """
        count = np.zeros(len(u), np.int64)
        part = np.exp(-mean)
        level = part.copy()
        behind = np.flatnonzero(level < u)
        k = 0
        while len(behind):
            k += 1
            part[behind] = part[behind] * mean[behind] / k
            level[behind] += part[behind]
            count[behind] = k
            behind = behind[(level[behind] < u[behind]) & (part[behind] > 0)]
        return count

    @staticmethod
    def to_uniforms(words: U64) -> NDArray[np.float64]:
        """The uniforms of raw words, same bits as ``uniforms``."""
        return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * _UNIT
