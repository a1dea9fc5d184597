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

from rounds import ROUNDS, Stopwatch, each, keep, row

from funnelsim import shipped
from funnelsim.engine import compiled, kernel, make_plan, tally
from funnelsim.engine.arrivals import arrivals
from funnelsim.engine.draws import SwiftStream
from funnelsim.engine.packing import pack
from funnelsim.engine.seating import seats_over_time
from funnelsim.experiments import replicate
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


def parts(rounds: int) -> dict[str, float]:
    """What a move is made of, each part alone: the least processor time of some, milliseconds."""
    world = moved(0)
    plan = make_plan(world)
    stream = SwiftStream(SEED, 0)
    teams = range(len(plan.epochs[0].teams))
    tally(plan, seed=SEED)
    seats = [seats_over_time(plan, i, stream) for i in teams]
    jobs: dict[str, tuple[int, Callable[[], object]]] = {
        "Scenario.change": (1, lambda: moved(1)),
        "make_plan": (1, lambda: make_plan(world)),
        "pack": (1, lambda: pack(plan)),
        "first arrivals of a plan (demand)": (1, lambda: arrivals(make_plan(world), stream)),
        "arrivals": (REPLICATIONS, lambda: arrivals(plan, stream)),
        "seats_over_time": (
            REPLICATIONS,
            lambda: [seats_over_time(plan, i, stream) for i in teams],
        ),
        "sorting changes of seats": (
            REPLICATIONS,
            lambda: sorted((at, i, n) for i, steps in enumerate(seats) for at, n in steps),
        ),
        "sums (arrivals, seats, kernel, rest)": (
            REPLICATIONS,
            lambda: compiled.sums(plan, stream),
        ),
    }
    best = dict.fromkeys(jobs, float("inf"))
    watch = Stopwatch(kernel.simulate)
    kernel.simulate = watch
    least = float("inf")
    for _ in range(3 * rounds):
        for name, (_, job) in jobs.items():
            before, start = watch.total, time.thread_time()
            job()
            best[name] = min(best[name], time.thread_time() - start)
            if watch.total > before:
                least = min(least, watch.total - before)
    kernel.simulate = watch.function
    best["first arrivals of a plan (demand)"] -= best["make_plan"] + best["arrivals"]
    found = {name: 1e3 * times * best[name] for name, (times, _) in jobs.items()}
    found["kernel"] = 1e3 * REPLICATIONS * least
    found["rest of sums (tables, room, tally)"] = (
        found.pop("sums (arrivals, seats, kernel, rest)")
        - found["kernel"]
        - found["arrivals"]
        - found["seats_over_time"]
        - found["sorting changes of seats"]
    )
    return found


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
    least = summary["1 threads"]
    made_of = parts(rounds)
    once = sum(made_of[name] for name in ("Scenario.change", "make_plan", "pack"))
    once += made_of["first arrivals of a plan (demand)"]
    two = once + (sum(made_of.values()) - once) / 2
    print("\nwhat it is made of, each part alone, least of several:")
    for name, took in sorted(made_of.items(), key=lambda item: -item[1]):
        print(row(f"  {name}", f"{took:.0f} ms", widths=(44, 10)))
    print(
        f"\ntarget {1e3 * TARGET:.0f} ms to numbers: with one thread "
        f"{'held' if least['cpu']['min'] <= 1e3 * TARGET else 'missed'} "
        f"({least['cpu']['min']:.0f} ms of processor); two free cores would take about "
        f"{two:.0f} ms (the sum of the parts, of which {once:.0f} ms cannot be shared)"
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
