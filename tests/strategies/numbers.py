"""Lengths of time and amounts of money, in every way to write them.

The strategies are made once: building one costs more than drawing from it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.strategies.frame import Data, Plain, either

__all__ = ["amounts", "delays", "distributions", "patience", "work"]


def distributions(write: Callable[[float], Any]) -> Plain:
    """A distribution of some quantity; ``write`` turns a number into the quantity."""
    simple = either(_constants(write), _bounded(write), _fitted(write), _observed(write))
    parts = st.lists(st.tuples(st.integers(1, 9), simple), min_size=1, max_size=3)
    mixture = parts.map(lambda many: {"mixture": [{"share": n / 10, "of": of} for n, of in many]})
    return either(_constants(write), simple, simple, mixture)


def _constants(write: Callable[[float], Any]) -> Plain:
    whole = st.sampled_from([0, 1, 1, 2, 5, 10, 30]).map(write)
    return whole | whole.map(lambda value: {"family": "constant", "value": value})


def _bounded(write: Callable[[float], Any]) -> Plain:
    def spread(low: int, width: int, likely: int | None) -> Data:
        ends = {"min": write(low), "max": write(low + width)}
        return ends if likely is None else {**ends, "likely": write(low + width * likely / 4)}

    return st.builds(spread, st.integers(0, 9), st.integers(1, 30), st.none() | st.integers(0, 4))


def _fitted(write: Callable[[float], Any]) -> Plain:
    """The families with parameters, by each way to give them."""
    value = st.sampled_from([0.5, 1.0, 3.0, 10.0, 20.0])
    ratio = st.sampled_from([1.5, 2.5, 4.0])
    cv = st.sampled_from([0.0, 0.2, 0.8, 1.7])
    names = st.sampled_from([None, "lognormal", "gamma", "weibull", "loglogistic"])
    family = names.map(lambda name: {"family": name} if name else {})
    alone = st.sampled_from(["mean", "median", "p90"])
    exponential = {"family": "exponential"}
    return either(
        st.builds(lambda key, v: exponential | {key: write(v)}, alone, value),
        st.builds(lambda v: {"mean": write(v)}, value),
        st.builds(lambda f, v, c: f | {"mean": write(v), "cv": c}, family, value, cv),
        st.builds(lambda f, v, c: f | {"mean": write(v), "sd": write(v * c)}, family, value, cv),
        st.builds(
            lambda f, v, r: f | {"median": write(v), "p90": write(v * r)}, family, value, ratio
        ),
        st.builds(lambda f, v, r: f | {"p25": write(v), "p80": write(v * r)}, family, value, ratio),
    )


def _observed(write: Callable[[float], Any]) -> Plain:
    seen = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), min_size=1, max_size=5)
    values = seen.map(lambda many: {"values": [write(v) for v, _ in many]})
    return values | seen.map(
        lambda many: {"values": [write(v) for v, _ in many], "weights": [n for _, n in many]}
    )


@cache
def _lengths(unit: str) -> Plain:
    """A distribution of lengths of time in one unit."""
    return distributions(lambda number: f"{number:.6g} {unit}")


@cache
def _half_hours() -> Plain:
    """None, one or two half hours, or a chance of them: much ends at the same moment."""
    length = st.sampled_from(["0 min", "30 min", "30 min", "1 h"])
    chance = st.lists(length, min_size=2, max_size=3, unique=True).map(
        lambda many: {"mixture": [{"share": 1 / len(many), "of": of} for of in many]}
    )
    return either(length, chance, chance)


@cache
def amounts() -> Plain:
    """Money in major units, with fractions of the minor unit."""
    return distributions(lambda number: round(number * 123.456, 3))


@cache
def delays(*, business: bool, coarse: bool) -> Plain:
    """A delay; in business time only where there is a calendar for it."""
    clocks = [
        _lengths("min"),
        _lengths("min"),
        _lengths("h"),
        st.sampled_from(["1 h", "1 d", "1 mo"]),
    ]
    clocks += [_lengths("bh"), st.sampled_from(["0.5 bd", "1 bd"])] if business else []
    return _half_hours() if coarse else either(*clocks)


@cache
def work(*, business: bool, coarse: bool) -> Plain:
    """Working time; business days only where the team surely has a calendar."""
    hands_on = [_lengths("min"), _lengths("min"), _lengths("bh")]
    hands_on += [st.just("0.25 bd")] if business else []
    return _half_hours() if coarse else either(*hands_on)


@cache
def patience(*, coarse: bool) -> Plain:
    """How long somebody waits."""
    return _half_hours() if coarse else _lengths("min")
