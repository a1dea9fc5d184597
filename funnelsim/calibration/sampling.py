"""Scenarios drawn from what the data leaves open."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from funnelsim.calibration.assembly import merged
from funnelsim.calibration.parts import Part
from funnelsim.scenarios.scenario import Scenario

__all__ = ["FitSampler"]


@dataclass(frozen=True, eq=False)
class FitSampler:
    """Draws the parameters of a calibrated scenario anew for every replication.

    Parameters
    ----------
    document : mapping
        Plain data of the scenario without its parts.
    parts : tuple of Part
        Each has its own random numbers, so one part more changes no other's.
    over : mapping of str to float
        Chance of open deals, by id, to be over though nobody closed them.
    """

    document: Mapping[str, Any]
    parts: tuple[Part, ...]
    over: Mapping[str, float] = field(default_factory=dict)

    def draw(self, seed: int, replication: int) -> Scenario:
        """The scenario of a replication.

        Parameters
        ----------
        seed, replication : int
            The same two give the same scenario, in any process.

        Returns
        -------
        Scenario
            With the stages, sources and teams of the best estimate.
        """
        settings = [part.drawn(_luck(seed, replication, part.name)) for part in self.parts]
        return Scenario.model_validate(merged(self.document, settings))


def _luck(seed: int, replication: int, name: str) -> np.random.Generator:
    """Random numbers of one part in one replication."""
    key = (seed % 2**64, replication % 2**64, zlib.crc32(name.encode()))
    return np.random.default_rng(np.random.SeedSequence(key))
