"""How often 95 % intervals hold the truth, over synthetic worlds whose truth is a formula.

Each world is a funnel without queues: Poisson leads, exponential stays in one to four stages,
ways forward, back to the same stage and out, lognormal values of deals. The wins expected in its
window, which starts empty, follow from the matrix exponential of its Markov chain. Prints the
table of docs/evidence.md; fails if a coverage is outside of what it should be.

    python benchmarks/evidence_coverage.py [worlds]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, stats

from funnelsim.experiments import compare, replicate
from funnelsim.scenarios.scenario import Scenario

SEED = 11
WORLDS = 400
LEVEL = 0.95
REJECT = 0.01  # error of the binomial test
POWER = 0.9  # with which the detectable departure is found
ALLOWED = (0.92, 0.975)
PRECISION = 0.05
DAYS = 28


@dataclass(frozen=True)
class World:
    """A funnel and what is true of it.

    Parameters
    ----------
    scenario : Scenario
    wins : float
        Expected in the window.
    value : float
        Expected value of a deal, minor units.
    """

    scenario: Scenario
    wins: float
    value: float


def world(
    rate: float,
    days: Sequence[float],
    onward: Sequence[float],
    again: Sequence[float],
    value: float,
) -> World:
    """Make a funnel and work out its wins.

    Parameters
    ----------
    rate : float
        Leads a day.
    days : sequence of float
        Mean stay by stage.
    onward, again : sequence of float
        Probabilities to go on, and to enter the same stage once more; else lost.
    value : float
        Mean value of a deal, major units.
    """
    names = [f"s{i}" for i in range(len(days))]
    stages: dict[str, object] = {
        name: {
            "delay_before": {"mean": f"{stay!r} d"},
            "next": {
                "advance": following,
                "to": {following: go, name: back, "lost": 1 - go - back},
            },
        }
        for (name, following), stay, go, back in zip(
            pairwise([*names, "bought"]), days, onward, again, strict=True
        )
    }
    scenario = Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "world",
            "currency": "UAH",
            "run": {"start": "2026-01-05", "horizon": f"{DAYS} d"},
            "sources": {
                "web": {"stage": "s0", "rate": f"{rate!r} / d", "value": {"mean": value, "cv": 1}}
            },
            "stages": stages | {"bought": {"marks": "won"}, "lost": {"marks": "lost"}},
        }
    )
    return World(scenario, rate * won_leaddays(days, onward, again), 100 * value)


def won_leaddays(days: Sequence[float], onward: Sequence[float], again: Sequence[float]) -> float:
    """Integral over the window of the chance to be won by age u: wins per lead a day.

    The chain runs through the stages into *won*; a further state adds up the time since.
    """
    k = len(days)
    moves = np.zeros((k + 2, k + 2))
    for i, (stay, go, back) in enumerate(zip(days, onward, again, strict=True)):
        moves[i, i] = -(1 - back) / stay
        moves[i, i + 1] = go / stay
    moves[k, k + 1] = 1.0
    return float(linalg.expm(moves * DAYS)[0, k + 1])


def worlds(many: int) -> Iterator[tuple[World, World, World, int]]:
    """Worlds with two what-ifs (better conversion, shorter stay) and a number of runs."""
    rng = np.random.default_rng(SEED)
    for _ in range(many):
        k = int(rng.integers(1, 5))
        rate, value = float(rng.uniform(4, 25)), float(rng.uniform(100, 5000))
        days = rng.uniform(0.3, 8, k)
        onward, again = rng.uniform(0.35, 0.8, k), rng.uniform(0, 0.15, k)
        better, sooner = onward.copy(), days.copy()
        better[0] += 0.05
        sooner[-1] *= 0.6
        given = [(days, onward), (days, better), (sooner, onward)]
        base, one, other = (
            world(rate, stay.tolist(), go.tolist(), again.tolist(), value) for stay, go in given
        )
        yield base, one, other, int(rng.choice([8, 15, 30]))


KINDS = {
    "replicate: wins": True,
    "replicate: value of wins": True,
    "compare, one what-if: wins": True,
    "compare, two what-ifs: wins, both at once": False,
    f"replicate until ±{PRECISION:.0%}: wins": False,
    f"compare until ±{PRECISION:.0%} of the baseline: wins": False,
}
"""What is looked at, and whether its coverage must be that of its level."""


def held(many: int) -> dict[str, NDArray[np.bool_]]:
    """Whether each interval holds its truth, by world."""
    found: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for number, (base, one, other, n) in enumerate(worlds(many)):
        seed = SEED + number
        names = iter(KINDS)
        summary = replicate(base.scenario, seed=seed, n=n).summary().set_index("measure")
        for measure, truth in (("won", base.wins), ("won_value", base.wins * base.value)):
            row = summary.loc[measure]
            found[next(names)].append(bool(row["lo"] <= truth <= row["hi"]))
        gains = {"one": one.wins - base.wins, "other": other.wins - base.wins}
        whatifs = {"one": one.scenario, "other": other.scenario}
        alone = compare(base.scenario, {"one": one.scenario}, seed=seed + 10**6, n=n)
        found[next(names)].append(inside(alone.uplift("won"), gains["one"]))
        both = compare(base.scenario, whatifs, seed=seed + 2 * 10**6, n=n)
        found[next(names)].append(
            all(inside(both.uplift("won", name), gain) for name, gain in gains.items())
        )
        until = {"won": PRECISION}
        row = replicate(base.scenario, seed=seed + 3 * 10**6, precision=until).summary().iloc[1]
        found[next(names)].append(bool(row["lo"] <= base.wins <= row["hi"]))
        precise = compare(
            base.scenario, {"one": one.scenario}, seed=seed + 4 * 10**6, precision=until
        )
        found[next(names)].append(inside(precise.uplift("won"), gains["one"]))
    return {kind: np.array(values, bool) for kind, values in found.items()}


def inside(uplift: object, truth: float) -> bool:
    """Whether an uplift's interval holds the truth."""
    lo, hi = (float(getattr(uplift, end)) for end in ("lo", "hi"))
    return lo <= truth <= hi


def region(many: int) -> tuple[int, int]:
    """How many of so many may hold, by the exact binomial test."""
    return (
        int(stats.binom.ppf(REJECT / 2, many, LEVEL)),
        int(stats.binom.isf(REJECT / 2, many, LEVEL)),
    )


def detectable(many: int) -> tuple[float, float]:
    """The coverages nearest to the level that the test finds with the power stated."""
    low, high = region(many)

    def found(coverage: float) -> float:
        return float(
            stats.binom.cdf(low - 1, many, coverage) + stats.binom.sf(high, many, coverage)
        )

    def nearest(coverages: NDArray[np.float64], seen: Callable[[float], float]) -> float:
        return next((float(c) for c in coverages if seen(float(c)) >= POWER), float("nan"))

    return (
        nearest(np.arange(LEVEL, 0, -0.001), found),
        nearest(np.arange(LEVEL, 1, 0.0005), found),
    )


def main(many: int) -> int:
    """Print the table; return how many coverages are wrong."""
    low, high = region(many)
    under, over = detectable(many)
    print(
        f"{many} worlds, seed {SEED}. The exact binomial test at {REJECT:.0%} lets {low} to {high} "
        f"of them hold ({low / many:.1%} to {high / many:.1%}); it finds a coverage of {under:.1%} "
        f"or less, or of {over:.2%} or more, nine times in ten.\n"
    )
    print("| interval (95 %) | holds the truth | 99 % of that | verdict |")
    print("|---|---:|---:|---|")
    wrong = 0
    for kind, values in held(many).items():
        sound = stats.binomtest(int(values.sum()), many).proportion_ci(1 - REJECT)
        share = float(values.mean())
        exact = low <= values.sum() <= high
        exact &= many < WORLDS or ALLOWED[0] <= share <= ALLOWED[1]
        must = KINDS[kind]
        wrong += must and not exact
        verdict = ("as it should" if exact else "WRONG") if must else "measured"
        print(f"| {kind} | {share:.1%} | {sound.low:.1%} to {sound.high:.1%} | {verdict} |")
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS))
