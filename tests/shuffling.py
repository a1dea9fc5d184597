"""The same events in another order: nothing may hang on it."""

from __future__ import annotations

import random
from itertools import count
from typing import Any
from unittest import mock

import simpy

__all__ = ["in_any_order", "shuffled"]


def shuffled(order: int) -> Any:
    """SimPy takes events of one instant and priority in some other order."""

    class Environment(simpy.Environment):
        def __init__(self, start: float) -> None:
            super().__init__(start)
            luck = random.Random(order)  # noqa: S311 - no secrets here
            numbers = ((luck.random(), n) for n in count())
            self._eid = numbers  # type: ignore[assignment]

    return mock.patch("simpy.Environment", Environment)


def in_any_order(part: object, order: random.Random) -> object:
    """A mapping shuffled; anything else as it is."""
    if not isinstance(part, dict):
        return part
    keys = list(part)
    order.shuffle(keys)
    return {key: part[key] for key in keys}
