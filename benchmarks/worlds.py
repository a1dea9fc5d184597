"""Generated worlds whose truth is known: funnels of three to five stages, without queues.

Stays follow different families; in each stage those who go on and those who are lost take
different times (the way out depends on the length of the stay); some worlds have a loop back,
all have leads by weekday and hour, two segments and values.
"""

from __future__ import annotations

import numpy as np

from funnelsim.scenarios.scenario import Scenario

__all__ = ["made_world"]

START = "2025-01-06"
FAMILIES = ("lognormal", "gamma", "weibull", "loglogistic")


def made_world(
    number: int, *, weeks: int = 40, rate: tuple[float, float] = (8.0, 25.0), shock: bool = False
) -> Scenario:
    """Make the world of a number.

    Parameters
    ----------
    number : int
        The same number makes the same world.
    weeks : int
        Length of the window.
    rate : tuple of float
        Least and largest number of leads a day.
    shock : bool
        Whether leads of a month share its luck.

    Returns
    -------
    Scenario
    """
    rng = np.random.default_rng([7, number])
    steps = [f"step-{i + 1}" for i in range(rng.integers(3, 6))]
    stages: dict[str, object] = {}
    for i, step in enumerate(steps):
        onward = steps[i + 1] if i + 1 < len(steps) else "won"
        stages[step] = _stage(rng, onward, steps[i - 1] if i and rng.random() < 0.25 else None)
    stages |= {"won": {"marks": "won"}, "lost": {"marks": "lost"}}
    daily = round(float(rng.uniform(*rate)), 2)
    small, large = (
        {"median": round(float(m), 0), "p90": round(float(m * rng.uniform(2, 4)), 0)}
        for m in (rng.uniform(500, 2000), rng.uniform(3000, 9000))
    )
    share = round(float(rng.uniform(0.4, 0.8)), 2)
    data: dict[str, object] = {
        "funnelsim": 1,
        "name": f"world-{number}",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "run": {"start": START, "horizon": f"{weeks} w", "warm_up": "0 d"},
        "sources": {
            "web": {
                "stage": steps[0],
                "rate": f"{daily} / d",
                "by_weekday": {"sat": 0.4, "sun": 0.3},
                "by_hour": {"8-18": 1, "18-22": 0.5},
                "mix": [
                    {"share": share, "segment": "small", "value": small},
                    {"share": round(1 - share, 2), "segment": "large", "value": large},
                ],
            }
        },
        "stages": stages,
    }
    if shock:
        data["shocks"] = {"market": {"period": "month", "cv": 0.25, "stages": [steps[-1]]}}
    return Scenario.model_validate(data)


def _stage(rng: np.random.Generator, onward: str, back: str | None) -> dict[str, object]:
    """A stage: how long a stay lasts, and where it leads after how long."""
    median = float(np.exp(rng.uniform(np.log(0.7), np.log(9))))
    spread = float(rng.uniform(2.2, 5))
    again = 0.1 if back else 0.0
    quick, slow = (round(float(p), 2) for p in rng.uniform(0.25, 0.8, 2))
    family = str(rng.choice(FAMILIES))

    def ways(p: float) -> dict[str, float]:
        rest = {back: again} if back else {}
        return {onward: p, **rest, "lost": round(1 - p - again, 4)}

    late = f"{round(median * 1.5 * 24)} h"
    return {
        "delay_after": {
            "family": family,
            "median": f"{round(median * 24, 1)} h",
            "p90": f"{round(median * 24 * spread, 1)} h",
        },
        "next": {
            "advance": onward,
            "to": ways(quick),
            "cases": [{"when": {"stay": late}, "to": ways(slow)}],
        },
    }
