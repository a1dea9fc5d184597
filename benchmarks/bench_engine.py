"""The compiled engine beside its SimPy twin, plain SimPy, Cimba, and the floor.

The job: a bank with six stages, two teams about 85 % busy, lognormal delays, 100,000 leads
(``peers/bank.yaml``). The floor draws the random numbers of that run and does nothing else: no
engine with keyed draws can be faster. Checks first that all come to the same wins and
utilisation, and that the twins' tallies are equal.

    python benchmarks/bench_engine.py [rounds]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
from peers import cimba_bank, plain_simpy
from peers.bank import LEADS_PER_WEEK, SCENARIO, Outcome
from rounds import Stopwatch, Times, each, keep, ratio, row, seconds, take_turns

from funnelsim.engine import Plan, Tally, compiled, kernel, make_plan, reference, tally
from funnelsim.engine.arrivals import arrivals
from funnelsim.engine.draws import SAMPLES, SwiftStream, draw, sample
from funnelsim.engine.layout import E_DRAWS, S_DRAWS
from funnelsim.engine.packing import Packed, pack
from funnelsim.engine.rows import Rows
from funnelsim.engine.tally import tally_of
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream

ROUNDS = 5
SEED = 7
LONG, MIDDLE, SHORT = 104, 52, 10  # weeks: about 100,000, 50,000 and 10,000 leads
ALARM = 4.5  # standard errors; a false alarm in 7e-6 of comparisons

OURS, ROWS, TWIN = "funnelsim, tally", "funnelsim, all rows kept", "SimPy twin (same rows)"
TEXTBOOK, TUNED = "plain SimPy, simpy.Resource", "plain SimPy, seats by hand"
CIMBA, FLOOR = "Cimba", "floor: draws only"


class Target(NamedTuple):
    """What was promised: how many times dearer than ours, at least (or at most)."""

    slow: str
    fast: str
    times: float
    at_least: bool = True


TARGETS = (
    Target(TWIN, OURS, 150),
    Target(TWIN, ROWS, 150),
    Target(TEXTBOOK, OURS, 80),
    Target(TUNED, OURS, 80),
    Target(CIMBA, OURS, 10),
    Target(OURS, FLOOR, 4, at_least=False),
)


@cache
def bank(weeks: int) -> Plan:
    """The bank over some weeks."""
    return make_plan(load(SCENARIO).change("bench", {"run.horizon": f"{weeks} w"}))


def outcome(plan: Plan, found: Tally) -> Outcome:
    """Ours in the words of the peers."""
    kinds = plan.kinds_of_marks
    advisers, call = (found.busy / found.staffed).tolist()
    won, lost = (int(found.marked[kinds.index(kind)]) for kind in ("won", "lost"))
    return Outcome(int(found.arrived.sum()), won, lost, call, advisers)


def halfway(found: Outcome) -> float:
    """Leads done: those still under way count half."""
    return (found.leads + found.won + found.lost) / 2


# --- the floor ----------------------------------------------------------------------------------


@numba.njit(nogil=True, error_model="numpy")
def _draws_only(seed, replication, tables, blocks, samples):  # noqa: ANN001, ANN202
    """Draw blocks of Philox, and a sample from some of them."""
    n_tables = tables.shape[0] // SAMPLES
    words, total = np.uint64(0), 0.0
    for i in range(blocks):
        w0, w1, w2, w3 = draw(seed, np.uint64(i), np.uint64(7), np.uint64(0), replication)
        words ^= w1 ^ w2 ^ w3
        if i < samples:
            total += sample(tables, i % n_tables, w0)
        else:
            words ^= w0
    return words, total


class Draws(NamedTuple):
    """What a run draws."""

    blocks: int
    samples: int


def draws_of(plan: Plan, found: Tally) -> Draws:
    """Count the draws of a run from its tally."""
    packed: Packed = pack(plan)
    leads, first = int(found.arrived.sum()), plan.epochs[0]
    hours = (plan.observed_until - plan.start) // 3_600_000_000
    by_stage = packed.stages[: len(first.stages), S_DRAWS] > 0
    delayed = np.array([stage.delay_before is not None for stage in first.stages])
    works = int(found.started.sum())
    assert (packed.efforts[:, E_DRAWS] > 0).all()  # noqa: S101 - else the count is wrong
    blocks = hours + 2 * leads + int(found.entered[by_stage].sum()) + works
    return Draws(blocks, int(found.entered[delayed].sum()) + works + leads)


# --- the contenders -----------------------------------------------------------------------------


def contenders(notes: dict[str, list[Outcome]]) -> dict[str, Callable[[int], float]]:
    """What is timed, by name; notes what each run of a peer came to."""
    plan, short = bank(LONG), bank(SHORT)
    found = tally(plan, seed=SEED)
    counted, tables = draws_of(plan, found), pack(plan).tables
    leads = halfway(outcome(plan, found))

    def ours(number: int) -> float:
        found = compiled.sums(plan, Stream(SEED, number))
        return halfway(outcome(plan, found))

    def rows(number: int) -> float:
        compiled.run(plan, Stream(SEED, number))
        return leads

    def twin(number: int) -> float:
        return _done(short, reference.run(short, Stream(SEED, number)))

    def peer(name: str, run: Callable[[int, int], Outcome], weeks: int) -> Callable[[int], float]:
        def job(number: int) -> float:
            came = run(weeks, SEED + number)
            notes.setdefault(name, []).append(came)
            return halfway(came)

        return job

    def floor(number: int) -> float:
        _draws_only(np.uint64(SEED), np.uint64(number), tables, counted.blocks, counted.samples)
        return leads

    return {
        OURS: ours,
        FLOOR: floor,
        ROWS: rows,
        CIMBA: peer(CIMBA, cimba_bank.run, LONG),
        TUNED: peer(TUNED, plain_simpy.tuned, MIDDLE),
        TEXTBOOK: peer(TEXTBOOK, plain_simpy.textbook, MIDDLE),
        TWIN: twin,
    }


def _done(plan: Plan, rows: Rows) -> float:
    """Leads done, of rows: cheap beside the making of them."""
    last = [stage.id in {"won", "lost"} for stage in plan.epochs[0].stages]
    closed = int(np.isin(rows.visits["stage"], np.flatnonzero(last)).sum())
    return (len(rows.arrivals) + closed) / 2


# --- do they agree? -----------------------------------------------------------------------------


def twins_agree() -> bool:
    """Whether both engines come to the same tally of the short run."""
    plan, stream = bank(SHORT), Stream(SEED, 0)
    return compiled.sums(plan, stream) == tally_of(plan, reference.run(plan, stream))


def agreement(notes: Mapping[str, list[Outcome]]) -> dict[str, dict[str, float]]:
    """Each peer's means against ours over as many runs of the same length; and how far off.

    Wins vary like a Poisson number, busy time like a sum of independent lengths with a
    coefficient of variation of 1. ``off`` is the largest difference in standard errors.
    """
    found = {}
    for name, runs in notes.items():
        weeks = LONG if name == CIMBA else MIDDLE
        plan = bank(weeks)
        ours = [outcome(plan, tally(plan, seed=SEED + 1, replication=i)) for i in range(len(runs))]
        theirs, mine = np.mean(runs, axis=0), np.mean(ours, axis=0)
        works = np.array([weeks * LEADS_PER_WEEK, weeks * LEADS_PER_WEEK * (0.7 + 0.42)])
        errors = np.concatenate(
            [np.sqrt(2 / len(runs) * mine[1:3]), mine[3:] * np.sqrt(2 * 2 / works / len(runs))]
        )
        off = np.abs(theirs[1:] - mine[1:]) / errors
        found[name] = {
            "won": theirs[1],
            "won_ours": mine[1],
            "call": theirs[3],
            "call_ours": mine[3],
            "advisers": theirs[4],
            "advisers_ours": mine[4],
            "off": float(off.max()),
        }
    return found


# --- where the time goes ------------------------------------------------------------------------


def variants() -> dict[str, Scenario]:
    """The bank with parts of it left out."""
    whole = load(SCENARIO).change("bench", {"run.horizon": f"{MIDDLE} w"})

    def without(*, delays: bool = True, work: bool = True, constant: bool = False) -> Scenario:
        plain = whole.model_dump(mode="json", exclude_unset=True)
        for stage in plain["stages"].values():
            if not delays:
                stage.pop("delay_before", None)
            if not work:
                stage.pop("efforts", None)
            if constant and "delay_before" in stage:
                stage["delay_before"] = {"value": "1 d"}
            for effort in stage.get("efforts", {}).values() if constant else ():
                effort["duration"] = {"value": "3.6 h"}
        return Scenario.model_validate(plain)

    many = {"teams.call.seats": 500, "teams.advisers.seats": 500}
    one = without(delays=False, work=False).model_dump(mode="json", exclude_unset=True)
    one["stages"] = {"enquiry": {"marks": "won"}}
    return {
        "whole": whole,
        "nobody waits (500 seats)": whole.change("many", many),
        "all lengths constant": without(constant=True),
        "no work": without(work=False),
        "no delays": without(delays=False),
        "neither: arrivals and branches": without(delays=False, work=False),
        "one stage: arrivals only": Scenario.model_validate(one),
    }


def breakdown(rounds: int) -> dict[str, dict[str, float]]:
    """Kernel and arrivals, nanoseconds a lead, least of some rounds, per variant."""
    plans = {name: make_plan(world) for name, world in variants().items()}
    best: dict[str, dict[str, float]] = {}
    watch = kernel.simulate = Stopwatch(kernel.simulate)
    for _ in range(rounds + 1):
        for name, plan in plans.items():
            watch.total = 0.0
            found = compiled.sums(plan, Stream(SEED, 0))
            leads = int(found.arrived.sum())
            drawn = seconds(lambda plan=plan: arrivals(plan, SwiftStream(SEED, 0)))
            now = {
                "kernel": 1e9 * watch.total / leads,
                "arrivals": 1e9 * drawn / leads,
                "visits": found.entered.sum() / leads,
                "works": found.started.sum() / leads,
            }
            before = best.setdefault(name, now)
            best[name] = {key: min(before[key], now[key]) for key in now}
    kernel.simulate = watch.function
    return best


# --- tell ---------------------------------------------------------------------------------------


def main(rounds: int) -> None:
    """Print and keep."""
    assert twins_agree()  # noqa: S101
    print("the tallies of compiled engine and SimPy twin are equal\n")
    notes: dict[str, list[Outcome]] = {}
    times = take_turns(contenders(notes), rounds)
    agree = agreement(notes)
    for name, one in agree.items():
        print(
            f"{name}: won {one['won']:.0f} (ours {one['won_ours']:.0f}), call centre "
            f"{one['call']:.1%} ({one['call_ours']:.1%}), advisers {one['advisers']:.1%} "
            f"({one['advisers_ours']:.1%}) busy; {one['off']:.1f} standard errors at most"
        )
        if one["off"] > ALARM:
            print(f"  *** {name} does not simulate the same thing ***")
    print(f"\n{rounds} rounds, taking turns; processor time, µs a lead\n")
    print(row("", "least", "median", "most", "ours = 1"))
    for name, took in sorted(times.items(), key=lambda item: min(item[1])):
        costs = ratio(took, times[OURS])
        print(row(name, *each(took).values(), costs["of_minima"]))
    verdicts = targets(times)
    whole = breakdown(rounds)
    print("\nwhere the time goes, ns a lead (least of some; 52 weeks)\n")
    print(row("", "kernel", "arrivals", "visits", "works"))
    for name, one in whole.items():
        print(
            row(name, *(f"{one[key]:.2f}" if one[key] < 10 else f"{one[key]:.0f}" for key in one))
        )
    keep(
        "engine",
        {
            "microseconds_per_lead": {name: each(took) for name, took in times.items()},
            "rounds": {name: [1e6 * one for one in took] for name, took in times.items()},
            "targets": verdicts,
            "agreement": agree,
            "nanoseconds_per_lead_without": whole,
        },
    )


def targets(times: Times) -> list[dict[str, object]]:
    """Say which targets hold."""
    print("\ntargets (ratio of minima; median, least and most of the rounds)\n")
    found = []
    for slow, fast, times_, at_least in TARGETS:
        costs = ratio(times[slow], times[fast])
        held = costs["of_minima"] >= times_ if at_least else costs["of_minima"] <= times_
        print(
            f"{'held  ' if held else 'MISSED'} {slow} ÷ {fast}: {costs['of_minima']:.3g} "
            f"({costs['median']:.3g}; {costs['low']:.3g} to {costs['high']:.3g}), target "
            f"{'≥' if at_least else '≤'} {times_:g}"
        )
        found.append({"slow": slow, "fast": fast, "target": times_, "held": held, **costs})
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
