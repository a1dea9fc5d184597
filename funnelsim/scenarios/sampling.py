"""Scenarios that are not known exactly: one drawn for every replication."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from funnelsim.scenarios.scenario import Scenario

__all__ = ["ScenarioSampler"]


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
