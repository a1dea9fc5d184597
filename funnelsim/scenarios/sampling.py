"""Scenarios that are not known exactly: one drawn for every replication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from funnelsim.scenarios.scenario import Scenario

__all__ = ["DealDoubter", "ScenarioSampler", "doubts"]


@runtime_checkable
class ScenarioSampler(Protocol):
    """Whatever draws scenarios: their spread is what we do not know about the parameters.

    Examples
    --------
    >>> class Guess:
    ...     def draw(self, seed: int, replication: int) -> Scenario: ...
    >>> isinstance(Guess(), ScenarioSampler)
    True
    """

    def draw(self, seed: int, replication: int) -> Scenario:
        """The scenario of a replication.

        Parameters
        ----------
        seed, replication : int
            The same two give the same scenario, in any process.

        Returns
        -------
        Scenario
            All draws of a sampler have the same sources, stages, teams and marks.
        """
        ...


@runtime_checkable
class DealDoubter(Protocol):
    """A sampler that knows open deals to be over by chance, though nobody closed them.

    Examples
    --------
    >>> class Careful:
    ...     over = {"deal-7": 0.9}
    >>> isinstance(Careful(), DealDoubter)
    True
    """

    @property
    def over(self) -> Mapping[str, float]:
        """Lead id → chance, 0 to 1; deals that are not named are open for certain."""
        ...


def doubts(world: object) -> Mapping[str, float]:
    """What a scenario or sampler knows of deals that are over, though nobody closed them.

    Parameters
    ----------
    world : Scenario or ScenarioSampler

    Returns
    -------
    mapping of str to float
        Lead id → chance; empty where nothing is known.

    Examples
    --------
    >>> doubts(None)
    {}
    """
    return world.over if isinstance(world, DealDoubter) else {}
