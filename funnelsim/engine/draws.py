"""Keyed draws for compiled code: the same bits as ``streams`` and ``distributions``.

The reference draws with Python's integers and floats. Here the same whole-number steps are
taken in machine words, and the same additions and multiplications in floats; nothing that
rounds differently from machine to machine (logarithms, powers) is ever computed.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from funnelsim.engine.jit import compiled
from funnelsim.streams import Stream, philox

__all__ = ["SAMPLES", "SwiftStream", "draw", "rest_of_luck", "sample", "sample_at", "uniform"]

SAMPLES = 2 * 40 * 257
"""Numbers in the table of one distribution."""

_SALT = np.uint64(0x66756E6E656C7369)
_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_UNIT = 2.0**-52
_SHIFT, _HALF = np.uint64(12), 1 << 52
_MANTISSA = (1 << 52) - 1


@intrinsic
def _high_product(context, a, b):
    """The high word of a 64 x 64 bit product."""

    def code(context, builder, signature, arguments):
        wide = ir.IntType(128)
        one, other = (builder.zext(argument, wide) for argument in arguments)
        product = builder.lshr(builder.mul(one, other), ir.Constant(wide, 64))
        return builder.trunc(product, ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), code


@intrinsic
def _bits(context, number):
    """The bits of a float."""

    def code(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


def _draw(seed, entity, place, ordinal, replication):
    """Philox4x64-10, as ``Stream.words``."""
    c0, c1, c2, c3 = entity, place, ordinal, replication
    k0, k1 = seed, _SALT
    for _ in range(10):
        high0, low0 = _high_product(_M0, c0), _M0 * c0
        high1, low1 = _high_product(_M1, c2), _M1 * c2
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = k0 + _W0, k1 + _W1
    return c0, c1, c2, c3


def _draw_interpreted(seed, entity, place, ordinal, replication):
    """``draw`` where compiling is switched off."""
    counter = (int(entity), int(place), int(ordinal), int(replication))
    return tuple(map(np.uint64, philox(counter, (int(seed), int(_SALT)))))


def _bits_interpreted(number):
    return int(np.float64(number).view(np.int64))


if numba.config.DISABLE_JIT:
    draw = _draw_interpreted
    _bits = _bits_interpreted
else:
    draw = compiled(_draw)


@compiled(allocates=True)
def _draws(seed, entities, place, ordinals, replication):
    """The draws of many entities, shape (4, n)."""
    words = np.empty((4, entities.shape[0]), np.uint64)
    for i in range(entities.shape[0]):
        words[0, i], words[1, i], words[2, i], words[3, i] = draw(
            seed, entities[i], place, ordinals[i], replication
        )
    return words


@compiled(allocates=True)
def _poisson(u, mean, nothing):
    """As ``Stream.poisson``; ``nothing`` is the chance of none."""
    count = np.zeros(u.shape[0], np.int64)
    for i in range(u.shape[0]):
        part = level = nothing[i]
        k = 0
        while level < u[i] and (part > 0 or k == 0):
            k += 1
            part = part * mean[i] / k
            level += part
        count[i] = k
    return count


class SwiftStream(Stream):
    """A stream whose draws over arrays are compiled; the same words."""

    @staticmethod
    def poisson(u, mean):
        """As of any stream."""
        return _poisson(u, mean, np.exp(-mean))

    def words_array(self, entity, place, ordinal):
        """As of any stream."""
        return _draws(
            np.uint64(self.seed), entity, np.uint64(place), ordinal, np.uint64(self.replication)
        )


@compiled
def uniform(word):
    """The uniform of a word, as ``Stream.uniforms``."""
    return (np.float64(word >> _SHIFT) + 0.5) * _UNIT


@compiled
def sample(tables, table, word):
    """The quantile at the uniform of a word, as ``SampleTable.sample``."""
    odd = 2 * np.int64(word >> _SHIFT) + 1  # the uniform times 2**53
    upper = odd > _HALF
    if upper:
        odd = 2 * _HALF - odd
    bits = _bits(np.float64(odd))
    octave = min(1075 - (bits >> 52), 40) - 1
    mantissa = bits & _MANTISSA
    cell = mantissa >> 44
    at = table * SAMPLES + (upper * 40 + octave) * 257 + cell
    low = tables[at]
    return low + np.float64(mantissa - (cell << 44)) * 2.0**-44 * (tables[at + 1] - low)


@compiled
def rest_of_luck(chance, word):
    """The uniform of a length that was running when the run began, as ``Rest.luck``."""
    u = chance + (1.0 - chance) * uniform(word)
    if u == 0.5:  # noqa: PLR2004 - the median
        return 0.5 - 2.0**-54
    return min(u, 1.0 - 2.0**-53)


@compiled
def sample_at(tables, table, u):
    """The quantile at any uniform but 1/2, as ``SampleTable.sample``."""
    upper = u > 0.5  # noqa: PLR2004 - the median
    bits = _bits(1.0 - u if upper else u)
    octave = min(1022 - (bits >> 52), 40) - 1
    mantissa = bits & _MANTISSA
    cell = mantissa >> 44
    at = table * SAMPLES + (upper * 40 + octave) * 257 + cell
    low = tables[at]
    return low + np.float64(mantissa - (cell << 44)) * 2.0**-44 * (tables[at + 1] - low)
