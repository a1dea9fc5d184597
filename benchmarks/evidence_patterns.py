"""What the automatic rules of docs/manual/patterns.md bring: each on and off, paired.

Prints the tables of that page. Both arms of a pair share all random numbers, so a
difference is the rule's doing; the interval is Student's t over replications.

    python benchmarks/evidence_patterns.py [replications] [scenario]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from funnelsim import shipped
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario

SEED = 7
REPLICATIONS = 10

Measure = Callable[[EventLog], float]


def marked(kind: str) -> Measure:
    """Marks of a kind in the observed window."""
    return lambda log: float((_marks(log).kind == kind).sum())


def money(log: EventLog) -> float:
    """What was paid in the window, in thousands of the currency."""
    marks = _marks(log)
    paid = marks[marks.kind == "paid"]["value"]
    return float(paid.sum()) / 100 / 1000


def work(stage: str) -> Measure:
    """Pieces of work begun in a stage in the window."""

    def count(log: EventLog) -> float:
        done = log.efforts.merge(log.visits[["lead_id", "visit", "stage"]], on=["lead_id", "visit"])
        return float(((done.stage == stage) & (done.started_at >= _start(log))).sum())

    return count


def visited(stage: str) -> Measure:
    """Visits of a stage begun in the window."""
    return lambda log: float(
        ((log.visits.stage == stage) & (log.visits.entered_at >= _start(log))).sum()
    )


def days(first: str, last: str) -> Measure:
    """Mean days from entering one stage to entering another, of those who get there in it."""

    def mean(log: EventLog) -> float:
        entered = log.visits.groupby(["stage", "lead_id"]).entered_at.min()
        ends = entered[last]
        ends = ends[ends >= _start(log)]
        took = (ends - entered[first].reindex(ends.index)).dt.total_seconds() / 86400
        return float(took.mean())

    return mean


def hours_to_call(log: EventLog) -> float:
    """Median hours from opening the offer to the seller's call."""
    calls = log.efforts.merge(log.visits, on=["lead_id", "visit"])
    calls = calls[(calls.stage == "interested") & (calls.entered_at >= _start(log))]
    return float((calls.started_at - calls.entered_at).dt.total_seconds().median() / 3600)


def _start(log: EventLog) -> pd.Timestamp:
    return pd.Timestamp(log.meta.observed_from)


def _marks(log: EventLog) -> pd.DataFrame:
    return log.marks[log.marks["at"] >= _start(log)]


@dataclass(frozen=True)
class Rule:
    """A rule: the scenario that has it, the what-if without it, what to look at."""

    name: str
    scenario: str
    off: str
    measures: dict[str, Measure]


RULES = (
    Rule(
        "re-contact after a week without answer",
        "crm-customer",
        "no_recontact",
        {"deals won": marked("won"), "thousand UAH paid": money, "messages": work("recontact")},
    ),
    Rule(
        "interested = opened the offer",
        "crm-customer",
        "no_interested_status",
        {
            "deals won": marked("won"),
            "thousand UAH paid": money,
            "hours to the call (median)": hours_to_call,
        },
    ),
    Rule(
        "reminder once a week until paid",
        "security-systems",
        "no_reminder",
        {
            "deals won": marked("won"),
            "thousand BYN paid": money,
            "days from step 15 to payment": days("ask_payment", "obligations"),
            "reminders": work("remind"),
        },
    ),
    Rule(
        "call after one month",
        "security-systems",
        "no_after_care",
        {
            "further orders": marked("ordered"),
            "thousand BYN paid": money,
            "calls": work("after_care"),
        },
    ),
    Rule(
        "letter about an abandoned basket",
        "clothing-shop",
        "no_basket_letter",
        {"orders": marked("ordered"), "thousand UAH paid": money},
    ),
    Rule(
        "letter to inactive customers",
        "storage-media",
        "no_reactivation",
        {
            "customers back": visited("reactivated"),
            "orders": marked("ordered"),
            "thousand BYN paid": money,
            "churned": marked("churned"),
        },
    ),
)


def measured(scenario: Scenario, rules: list[Rule], replications: int) -> dict[str, np.ndarray]:
    """Every measure of some rules, shape (replications,) each."""
    found: dict[str, list[float]] = {}
    for replication in range(replications):
        log = simulate(scenario, seed=SEED, replication=replication)
        for rule in rules:
            for name, measure in rule.measures.items():
                found.setdefault(f"{rule.name}: {name}", []).append(measure(log))
    return {name: np.array(values) for name, values in found.items()}


def main(replications: int, only: str = "") -> None:
    """Print one table row per rule and measure."""
    print(f"seed {SEED}, {replications} replications, one arm beside the other\n")
    print("| rule | measure | with it | without it | the rule brings | 95 % interval |")
    print("|---|---|---|---|---|---|")
    for name in dict.fromkeys(rule.scenario for rule in RULES if only in rule.scenario):
        rules = [rule for rule in RULES if rule.scenario == name]
        base = load(shipped.scenarios() / f"{name}.yaml")
        with_it = measured(base, rules, replications)
        for rule in rules:
            off = base.what_if(rule.off)
            without = measured(off, [rule], replications)
            for measure, values in without.items():
                print(row(measure, with_it[measure], values), flush=True)


def row(measure: str, on: np.ndarray, off: np.ndarray) -> str:
    """A line of the table: means, paired difference and its interval."""
    gain = on - off
    half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
    digits = 0 if on.mean() >= 100 else 1
    numbers = [f"{x:,.{digits}f}" for x in (on.mean(), off.mean())]
    numbers += [f"{gain.mean():+,.{digits}f}"]
    numbers += [f"{gain.mean() - half:+,.{digits}f} to {gain.mean() + half:+,.{digits}f}"]
    rule, _, what = measure.partition(": ")
    return "| " + " | ".join([rule, what, *numbers]) + " |"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATIONS, *sys.argv[2:])
