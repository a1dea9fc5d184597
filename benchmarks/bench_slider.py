"""A what-if slider's worth of work: about 20,000 leads × 20 replications, everything warm.

Each round moves a lever of the retail bank (seats and a conversion), which makes a new scenario,
and replicates it 20 times by the way the workbench takes: ``Scenario.change`` and
``replicate``. Prints processor and wall time for one and two threads, beside what the kernel
alone takes and what the rest is made of.

    python benchmarks/bench_slider.py [rounds]
"""

from __future__ import annotations

import cProfile
import io
import pstats
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rounds import ROUNDS, Stopwatch, each, keep, row, seconds

from funnelsim import shipped
from funnelsim.engine import compiled, kernel, make_plan
from funnelsim.engine.arrivals import arrivals
from funnelsim.engine.draws import SwiftStream
from funnelsim.engine.packing import pack
from funnelsim.engine.seating import seats_over_time
from funnelsim.experiments import replicate
from funnelsim.scenarios.checks import require_sound
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario

SEED = 7
REPLICATIONS = 20
TARGET = 0.25  # seconds on the wall, to the numbers
HOTTEST = 16

BASE = load(shipped.scenarios() / "bank-retail.yaml")


def moved(number: int) -> Scenario:
    """The bank with a lever elsewhere than in any other round."""
    return BASE.change(
        f"moved {number}",
        {
            "teams.advisers.seats": {"add": number % 3},
            "stages.decision.next.to.contract": {"add": 0.0001 * (number + 1)},
        },
    )


def slide(number: int, workers: int) -> dict[str, float]:
    """One move of the slider: seconds on the wall, of processors, and of the kernel."""
    watch = Stopwatch(kernel.simulate)
    kernel.simulate = watch
    own, cpu, wall = time.thread_time(), time.process_time(), time.perf_counter()
    replicate(moved(number), seed=SEED, n=REPLICATIONS, workers=workers)
    took = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "main_thread": time.thread_time() - own,
    }
    kernel.simulate = watch.function
    return {**took, "kernel": watch.total}


def parts(rounds: int) -> dict[str, dict[str, float]]:
    """What a move is made of, each part alone, milliseconds: the least of some.

    ``once`` a move, ``each`` replication (all of them together), and what is ``within`` the
    latter but the kernel.
    """
    world = moved(0)
    plan, stream = make_plan(world), SwiftStream(SEED, 0)
    teams = range(len(plan.epochs[0].teams))
    seats = [seats_over_time(plan, i, stream) for i in teams]

    def outside_the_kernel() -> float:
        before, start = watch.total, time.thread_time()
        compiled.sums(plan, stream)
        within.append(watch.total - before)
        return time.thread_time() - start - within[-1]

    within: list[float] = []
    once: dict[str, Callable[[], object]] = {
        "Scenario.change": lambda: moved(1),
        "require_sound": lambda: require_sound(world),
        "make_plan": lambda: make_plan(world),
        "pack": lambda: pack(plan),
        "first arrivals of a plan (demand)": lambda: arrivals(make_plan(world), stream),
    }
    of_each: dict[str, Callable[[], object]] = {
        "arrivals": lambda: arrivals(plan, stream),
        "seats_over_time": lambda: [seats_over_time(plan, i, stream) for i in teams],
        "sorting the changes of seats": lambda: sorted(
            (at, i, n) for i, steps in enumerate(seats) for at, n in steps
        ),
    }
    jobs = {**once, **of_each}
    best, outside = dict.fromkeys(jobs, float("inf")), []
    watch = kernel.simulate = Stopwatch(kernel.simulate)
    for _ in range(3 * rounds):
        for name, job in jobs.items():
            best[name] = min(best[name], seconds(job, time.thread_time))
        outside.append(outside_the_kernel())
    kernel.simulate = watch.function
    best["first arrivals of a plan (demand)"] -= best["make_plan"] + best["arrivals"]
    many = 1e3 * REPLICATIONS
    return {
        "once": {name: 1e3 * best[name] for name in once},
        "each": {"kernel": many * min(within), "all outside the kernel": many * min(outside)},
        "within": {name: many * best[name] for name in of_each},
    }


def hottest() -> list[dict[str, object]]:
    """The functions outside the kernel that take most, by processor time under the profiler."""
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    replicate(moved(997), seed=SEED, n=REPLICATIONS, workers=1)
    profile.disable()
    found = pstats.Stats(profile, stream=io.StringIO()).stats  # type: ignore[attr-defined]
    rows = [
        {
            "where": f"{Path(file).name}:{line} {name}" if line else name,
            "calls": calls,
            "own_ms": 1e3 * own,
            "with_callees_ms": 1e3 * whole,
        }
        for (file, line, name), (_, calls, own, whole, _) in found.items()
        if not file.endswith("kernel.py")
    ]
    return sorted(rows, key=lambda one: -one["own_ms"])[:HOTTEST]


def main(rounds: int) -> None:
    """Print and keep."""
    leads = len(arrivals(make_plan(moved(0)), SwiftStream(SEED, 0)))
    print(
        f"retail bank: {leads} leads (warm-up included) × {REPLICATIONS} replications, moved and "
        f"replicated {rounds} times, everything warm; milliseconds\n"
    )
    slides: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for number in range(rounds + 1):
        for workers, found in slides.items():
            took = slide(2 * number + workers, workers)
            if number:
                found.append(took)
    print(row("one move of the slider", "least", "median", "most"))
    summary = {}
    for workers, found in slides.items():
        columns = {key: each([one[key] for one in found], 1e-3) for key in found[0]}
        summary[f"{workers} threads"] = columns
        for key, three in columns.items():
            print(row(f"{workers} thread(s): {key}", *(round(x) for x in three.values())))
    made_of = parts(rounds)
    print("\nwhat it is made of, each part alone, least of several, ms:")
    for title, some in (
        ("once a move", "once"),
        (f"{REPLICATIONS} replications together", "each"),
        ("of these, outside the kernel", "within"),
    ):
        print(f"  {title}")
        for name, took in sorted(made_of[some].items(), key=lambda item: -item[1]):
            print(row(f"    {name}", f"{took:.0f}", widths=(44, 10)))
    once, shared = (sum(made_of[some].values()) for some in ("once", "each"))
    two = once + shared / 2
    cpu = summary["1 threads"]["cpu"]["min"]
    print(
        f"\n{'held  ' if two <= 1e3 * TARGET else 'MISSED'} target {1e3 * TARGET:.0f} ms to "
        f"numbers: two free cores would take about {two:.0f} ms (the sum of the parts, of which "
        f"{once:.0f} ms cannot be shared); one core has taken {cpu:.0f} ms"
    )
    hot = hottest()
    print("\noutside the kernel, hottest under the profiler (which adds to small calls):")
    print(row("where", "calls", "own ms", "with callees", widths=(52, 9, 9, 14)))
    for one in hot:
        cells = (one["where"], one["calls"], f"{one['own_ms']:.1f}")
        print(row(*cells, f"{one['with_callees_ms']:.1f}", widths=(52, 9, 9, 14)))
    keep(
        "slider",
        {
            "leads": leads,
            "replications": REPLICATIONS,
            "milliseconds": summary,
            "parts_ms": made_of,
            "on_two_free_cores_ms": two,
            "target_ms": 1e3 * TARGET,
            "hottest_outside_the_kernel": hot,
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
