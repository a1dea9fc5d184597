"""Worlds whose truth is known in closed form, and that truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from funnelsim.scenarios.scenario import Scenario
from funnelsim.scenarios.stage import Stage
from funnelsim.worktime import SECOND, Duration

__all__ = ["CUT", "known_world", "truth", "win_rate"]

CUT = "2026-03-23"
"""Eleven weeks after the start: many deals are still open."""
FAMILIES = ("exponential", "weibull", "gamma", "lognormal", "loglogistic")

Truth = dict[tuple[str, str], float]


def known_world(number: int, rate: float = 26.0, *, work: bool = False) -> Scenario:
    """A funnel in which losses come early and wins late, and nobody waits.

    What is still open at `CUT` is more likely to be won than what has closed, so whoever
    counts closed deals only is wrong; the true win rate is a sum of two products.
    """
    rng = np.random.default_rng([41, number])
    quick, slow = rng.uniform(0.08, 0.25), rng.uniform(0.6, 0.8)
    median, spread = rng.uniform(14, 22), rng.uniform(2.4, 3.6)
    passed = round(float(rng.uniform(0.55, 0.75)), 3)
    hands = {"mean": f"{rng.uniform(15, 40):.1f} min", "cv": round(float(rng.uniform(0.4, 0.9)), 2)}
    called = {"efforts": {"call": {"team": "sellers", "duration": hands}}} if work else {}
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": f"known-{number}",
            "run": {"start": "2026-01-05", "horizon": "20 w"},
            "teams": {"sellers": {"seats": 12}} if work else {},
            "sources": {"web": {"stage": "new", "rate": f"{rate} / d"}},
            "stages": {
                "new": {
                    **called,
                    "delay_after": _delay(rng, rng.uniform(1, 4), rng.uniform(2.5, 5)),
                    "next": {"advance": "offer", "to": _ways("offer", passed)},
                },
                "offer": {
                    "delay_after": _delay(rng, median, spread),
                    "next": {
                        "advance": "won",
                        "to": _ways("won", quick),
                        "cases": [{"when": {"stay": f"{median:.1f} d"}, "to": _ways("won", slow)}],
                    },
                },
                "won": {"marks": "won"},
                "lost": {"marks": "lost"},
            },
        }
    )


def truth(world: Scenario) -> Truth:
    """True shares of all ways out, quantiles of all delays and work, rates of all sources."""
    found: Truth = {}
    for name, stage in world.stages.items():
        if stage.delay_after is None or stage.next is None:
            continue
        where = f"stages.{name}"
        levels = stage.delay_after.quantiles(_seconds).ppf(np.array([0.5, 0.9]))
        found[f"{where}.delay_after", "median"] = float(levels[0])
        found[f"{where}.delay_after", "p90"] = float(levels[1])
        for effort, done in stage.efforts.items():
            levels = done.duration.quantiles(_seconds).ppf(np.array([0.5, 0.9]))
            found[f"{where}.efforts.{effort}.duration", "median"] = float(levels[0])
            found[f"{where}.efforts.{effort}.duration", "p90"] = float(levels[1])
        for way, share in _overall(stage).items():
            found[f"{where}.next.to.{way}", "overall_share"] = share
    for name, source in world.sources.items():
        if source.rate is not None:
            found[f"sources.{name}.rate", "rate"] = 24 * source.rate.per_hour
    return found


def win_rate(shares: Mapping[str, Mapping[str, float]], start: str) -> float:
    """The probability of ever coming to ``won``, by the absorbing chain of stages."""
    stages = list(shares)
    step = np.array([[shares[a].get(b, 0.0) for b in stages] for a in stages])
    won = np.array([shares[a].get("won", 0.0) for a in stages])
    return float(np.linalg.solve(np.eye(len(stages)) - step, won)[stages.index(start)])


def _overall(stage: Stage) -> dict[str, float]:
    """Shares of the ways out of all visits: those of each length, weighted by their number."""
    assert stage.next is not None
    assert stage.delay_after is not None
    table, edges = [stage.next.to], [1.0]
    ppf = stage.delay_after.quantiles(_seconds).ppf
    grid = (np.arange(400_000) + 0.5) / 400_000
    stays = ppf(grid)
    for case in reversed(stage.next.cases):
        assert case.when.stay is not None
        edges.append(float(np.mean(stays >= _seconds(case.when.stay))))
        table.append(case.to)
    found: dict[str, float] = {}
    for to, (more, less) in zip(table, zip(edges, [*edges[1:], 0.0], strict=True), strict=True):
        for way, share in to.items():
            found[way] = found.get(way, 0.0) + (more - less) * share
    return found


def _delay(rng: np.random.Generator, days: float, spread: float) -> dict[str, str]:
    family = str(rng.choice(FAMILIES))
    if family == "exponential":
        return {"family": family, "median": f"{days:.2f} d"}
    return {"family": family, "median": f"{days:.2f} d", "p90": f"{days * spread:.2f} d"}


def _ways(onward: str, share: float) -> dict[str, float]:
    return {onward: round(share, 3), "lost": 1 - round(share, 3)}


def _seconds(duration: Duration) -> float:
    return duration.microseconds() / SECOND
