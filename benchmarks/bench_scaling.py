"""Cost and memory as runs grow: 10,000 to 10 million leads at the same load, longer and longer.

Speed: the bank of ``peers/bank.yaml`` over longer horizons, the sizes taking turns; the largest
once, in the process that measures its memory. Memory (Linux only): each size in a fresh
process, the peak of the resident set beyond what was held before, per lead; and bytes per row
of a full log, as the engine hands it over and as an ``EventLog``.

    python benchmarks/bench_scaling.py [rounds]
"""

from __future__ import annotations

import gc
import json
import os
import subprocess  # fresh processes, for their memory
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from peers.bank import LEADS_PER_WEEK, SCENARIO
from rounds import Times, each, keep, row, take_turns

from funnelsim.engine import Plan, compiled, make_plan, simulate, tally
from funnelsim.engine.arrivals import Arrivals, arrivals
from funnelsim.engine.draws import SwiftStream
from funnelsim.scenarios.loading import load
from funnelsim.streams import Stream

ROUNDS = 5
ARRIVALS = ", arrivals only"
SEED = 7
SIZES = (10_000, 100_000, 1_000_000)
LARGEST = 10_000_000
OF_MEMORY = (10_000, 1_000_000, LARGEST)
OF_ROWS = 100_000
START = "1901-01-07"  # ten million leads take two centuries
FLAT, A_MILLION, PER_LEAD = 1.3, 1.0, 20.0  # targets: ratio, seconds, bytes


def bank(leads: int) -> Plan:
    """The bank for so long that about that many leads come."""
    run = {"run.start": START, "run.horizon": f"{round(leads / LEADS_PER_WEEK)} w"}
    return make_plan(load(SCENARIO).change("bench", run))


def forget_peak() -> None:
    """Let the peak of memory begin anew (Linux; what a parent held would count too)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def held(line: str) -> int:
    """Bytes of memory that this process holds (``VmRSS``) or held at most (``VmHWM``)."""
    for text in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = text.partition(":")
        if name == line:
            return 1024 * int(value.split()[0])
    msg = f"there is no {line} in /proc/self/status"
    raise RuntimeError(msg)


def costs(rounds: int) -> Times:
    """Seconds a lead, by size: of all, and of drawing arrivals only."""
    plans = {size: bank(size) for size in SIZES}

    def whole(size: int, number: int) -> float:
        return float(tally(plans[size], seed=SEED, replication=number).arrived.sum())

    def leads(size: int, number: int) -> float:
        return float(len(arrivals(plans[size], SwiftStream(SEED, number))))

    def repeated(one: Callable[[int, int], float], size: int) -> Callable[[int], float]:
        n = max(SIZES[1] // size, 1)  # so that turns of small runs are not too short
        return lambda number: sum(one(size, n * number + i) for i in range(n))

    jobs = {f"{size:,}": repeated(whole, size) for size in SIZES}
    jobs |= {f"{size:,}{ARRIVALS}": repeated(leads, size) for size in SIZES}
    return take_turns(jobs, rounds)


def alone(leads: int) -> dict[str, float]:
    """One run in this process, which has made a small one before: time and memory."""
    tally(bank(2_000), seed=SEED)
    plan = bank(leads)
    gc.collect()
    forget_peak()
    before, start = held("VmRSS"), os.times()
    n = int(tally(plan, seed=SEED).arrived.sum())
    end, most = os.times(), held("VmHWM")
    return {
        "leads": n,
        "seconds": end.user - start.user + end.system - start.system,
        "seconds_of_system": end.system - start.system,
        "bytes_before": before,
        "bytes": most - before,
    }


def sizes(found: Arrivals) -> int:
    """Bytes of all arrays of arrivals."""
    return sum(array.nbytes for array in vars(found).values())


def in_a_fresh_process(leads: int) -> dict[str, float]:
    """``alone`` elsewhere."""
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, __file__, "--alone", str(leads)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def of_rows() -> dict[str, dict[str, float]]:
    """Bytes per row of a full log: as the engine fills it, hands it over, and an event log."""
    plan = bank(OF_ROWS)
    rows = compiled.run(plan, Stream(SEED, 0))
    log = simulate(plan.scenario, seed=SEED, engine="compiled")
    found = {}
    for name in ("visits", "efforts", "marks"):
        columns, frame = getattr(rows, name), getattr(log, name)
        table = next(iter(columns.values())).base
        n = len(frame)
        found[name] = {
            "rows": n,
            "per_lead": n / len(log.leads),
            "bytes_handed_over": sum(column.nbytes for column in columns.values()) / n,
            "bytes_with_room_to_grow": table.nbytes / n,
            "bytes_of_the_frame": float(frame.memory_usage(deep=True).sum()) / n,
        }
    found["leads"] = {
        "rows": len(log.leads),
        "per_lead": 1.0,
        "bytes_handed_over": sizes(rows.arrivals) / len(log.leads),
        "bytes_with_room_to_grow": sizes(rows.arrivals) / len(log.leads),
        "bytes_of_the_frame": float(log.leads.memory_usage(deep=True).sum()) / len(log.leads),
    }
    return found


def main(rounds: int) -> None:
    """Print and keep."""
    times = costs(rounds)
    memory = {size: in_a_fresh_process(size) for size in OF_MEMORY}
    flat = tell_times(times, memory, rounds)
    per_lead = tell_memory(memory)
    tables = of_rows()
    tell_rows(tables)
    keep(
        "scaling",
        {
            "microseconds_per_lead": {name: each(took) for name, took in times.items()},
            "flat_within": flat,
            "in_fresh_processes": memory,
            "bytes_per_lead": per_lead,
            "bytes_per_row": tables,
            "targets": {"flat": FLAT, "a_million": A_MILLION, "bytes_per_lead": PER_LEAD},
        },
    )


def tell_times(times: Times, memory: Mapping[int, dict[str, float]], rounds: int) -> float:
    """Print cost per lead by size; returns the dearest by the cheapest."""
    whole = {name: min(took) for name, took in times.items() if ARRIVALS not in name}
    cheapest = min(whole.values())
    print(f"{rounds} rounds, taking turns; processor time, µs a lead\n")
    print(row("leads", "least", "median", "most", "÷ cheapest"))
    for name, took in times.items():
        share = "" if ARRIVALS in name else min(took) / cheapest
        print(row(name, *each(took).values(), share))
    print("once, in a fresh process, the system's part for new memory included:")
    for one in memory.values():
        cost, system = (1e6 * one[key] / one["leads"] for key in ("seconds", "seconds_of_system"))
        print(row(f"{one['leads']:,.0f}", cost, f"{system:.2f} syst.", "", 1e-6 * cost / cheapest))
    large = memory[LARGEST]
    flat = max(*whole.values(), large["seconds"] / large["leads"]) / cheapest
    million = whole[f"{SIZES[-1]:,}"] * 1e6
    print(f"\n{'held  ' if flat <= FLAT else 'MISSED'} flat within {flat:.2f} ×, target {FLAT} ×")
    print(
        f"{'held  ' if million <= A_MILLION else 'MISSED'} 1 million leads, warm: {million:.2f} s, "
        f"target {A_MILLION:g} s"
    )
    return flat


def tell_memory(memory: Mapping[int, dict[str, float]]) -> float:
    """Print bytes per lead of runs that keep no rows; returns those of the largest."""
    print("\nmemory when only sums are kept: peak beyond what was held before, bytes a lead\n")
    print(row("leads", "bytes", "before, MB", "peak, MB"))
    for one in memory.values():
        n, before, more = one["leads"], one["bytes_before"], one["bytes"]
        cells = (f"{more / n:.0f}", f"{before / 1e6:.0f}", f"{(before + more) / 1e6:.0f}")
        print(row(f"{n:,.0f}", *cells))
    large = memory[LARGEST]
    per_lead = large["bytes"] / large["leads"]
    print(
        f"\n{'held  ' if per_lead <= PER_LEAD else 'MISSED'} {per_lead:.0f} bytes a lead, target "
        f"{PER_LEAD:g}"
    )
    return per_lead


def tell_rows(tables: Mapping[str, dict[str, float]]) -> None:
    """Print bytes per row of a full log."""
    print(f"\nmemory of a full log ({OF_ROWS:,} leads), bytes a row\n")
    print(row("table", "a lead", "handed over", "with room", "event log"))
    for name, one in tables.items():
        numbers = (
            one["bytes_handed_over"],
            one["bytes_with_room_to_grow"],
            one["bytes_of_the_frame"],
        )
        print(row(name, f"{one['per_lead']:.2f}", *(f"{number:.0f}" for number in numbers)))
    whole = sum(one["bytes_of_the_frame"] * one["per_lead"] for one in tables.values())
    handed = sum(one["bytes_with_room_to_grow"] * one["per_lead"] for one in tables.values())
    print(row("a lead with all its rows", "", "", f"{handed:.0f}", f"{whole:.0f}"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(alone(int(sys.argv[2]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
