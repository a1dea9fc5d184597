"""Replications: what they measure, and that nobody can tell where they ran."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

import funnelsim as fs
from funnelsim import workers as processes
from funnelsim.engine import make_plan, tally
from funnelsim.engine.simulation import Engine
from funnelsim.errors import ParameterError, RunError
from funnelsim.experiments import execution
from funnelsim.experiments.outcomes import Outcomes, read_limits
from funnelsim.experiments.replication import replicate
from funnelsim.scenarios.scenario import Scenario
from funnelsim.worktime import DAY, HOUR, SECOND

SHOP = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "shop",
        "currency": "UAH",
        "run": {"start": "2026-01-05", "horizon": "2 w", "warm_up": "3 d"},
        "teams": {"desk": {"label": {"en": "Help desk"}, "seats": 2, "cost_per_hour": 100}},
        "sources": {
            "web": {"stage": "ask", "rate": "15 / d", "value": 900, "cost": 20},
            "fair": {"stage": "ask", "rate": "4 / d", "value": 400},
        },
        "stages": {
            "ask": {
                "delay_before": {"mean": "5 h"},
                "efforts": {"talk": {"team": "desk", "duration": {"mean": "2 h"}}},
                "patience": {"after": {"mean": "6 h"}, "to": "lost"},
                "next": {"advance": "bought", "to": {"bought": 0.5, "ask": 0.2, "lost": 0.3}},
            },
            "bought": {"marks": ["won", "ordered", {"kind": "paid", "value": "deal", "cost": 5}]},
            "lost": {"marks": "lost"},
        },
    }
)
LIMITS = {"wait": "1 h", "age": "1 d"}


def row(reps, measure, level=None):
    """A line of the summary."""
    return reps.summary(level).set_index("measure").loc[measure]


@pytest.fixture(scope="module")
def eight():
    return replicate(SHOP, n=8, seed=7, limits=LIMITS, workers=1)


# --- what is measured -----------------------------------------------------------------------------


def test_measures_are_what_the_log_says():
    """Counted again from the event log of the same replication."""
    plan = make_plan(SHOP)
    limits = read_limits(LIMITS)
    outcomes = Outcomes(plan, limits)
    found = outcomes.values(tally(plan, seed=7, replication=3, limits=limits))
    values = dict(zip((m.id for m in outcomes.measures), found, strict=True))
    log = fs.simulate(SHOP, seed=7, replication=3)
    start, end = (pd.Timestamp(t) for t in (log.meta.observed_from, log.meta.observed_until))
    marks = log.marks[log.marks["at"] >= start]
    marks = marks.merge(log.leads[["lead_id", "arrived_at"]], on="lead_id")
    won, paid = marks[marks["kind"] == "won"], marks[marks["kind"] == "paid"]
    ages = (won["at"] - won["arrived_at"]).dt.total_seconds()
    efforts = log.efforts[log.efforts["started_at"] >= start]
    waits = (efforts["started_at"] - efforts["queued_at"]).dt.total_seconds()
    gone = log.efforts[log.efforts["started_at"].isna() & (log.efforts["ended_at"] >= start)]
    visits = log.visits[(log.visits["stage"] == "ask") & (log.visits["left_at"] >= start)]
    stays = (visits["left_at"] - visits["entered_at"]).dt.total_seconds()
    begun = log.efforts.dropna(subset="started_at")
    busy = begun["ended_at"].fillna(end) - begun["started_at"].where(lambda t: t > start, start)
    open_until = log.visits[log.visits["stage"] != "ask"].groupby("lead_id")["entered_at"].min()
    leads = log.leads.set_index("lead_id")
    closed = open_until.reindex(leads.index).fillna(end)
    stay = closed - leads["arrived_at"].where(lambda t: t > start, start)
    lost = (marks["kind"] == "lost").sum()
    expected = {
        "leads": (log.leads["arrived_at"] >= start).sum(),
        "won": len(won),
        "lost": lost,
        "win_share": len(won) / (len(won) + lost),
        "cycle_time": ages.mean(),
        "in_time": (ages <= 86400).mean(),
        "open_deals": stay.dt.total_seconds().clip(lower=0).sum() * SECOND / (14 * DAY),
        "income": paid["value"].sum(),
        "paid_value": paid["value"].sum(),
        "ordered": len(won),
        "paid": len(won),
        "cost": marks["cost"].sum(),
        "staff_cost": 2 * 14 * 24 * 10_000,
        "entered.ask": ((log.visits["stage"] == "ask") & (log.visits["entered_at"] >= start)).sum(),
        "conversion.ask": (visits["next_stage"] == "bought").mean(),
        "dwell.ask": stays.mean(),
        "utilisation.desk": busy.dt.total_seconds().clip(lower=0).sum() / (2 * 14 * 86400),
        "wait.desk": waits.mean(),
        "in_time.desk": (waits <= 3600).mean(),
        "given_up.desk": len(gone),
    }
    expected["profit"] = expected["income"] - expected["cost"] - expected["staff_cost"]
    assert {key: values[key] for key in expected} == pytest.approx(expected)
    assert expected["given_up.desk"] > 0
    assert "dwell.bought" not in values
    assert values["leads.web"] + values["leads.fair"] == values["leads"]


def test_names_come_from_the_scenario(eight):
    names = {measure.id: measure.words() for measure in eight.measures}
    assert names["utilisation.desk"] == "utilisation of Help desk"
    assert names["wait.desk"] == "mean wait for Help desk"


def test_money_is_left_out_where_there_is_none():
    plain = SHOP.plain()
    for source in plain["sources"].values():
        source.pop("value")
        source.pop("cost", None)
    plain["stages"]["bought"]["marks"] = "won"
    plain["teams"]["desk"].pop("cost_per_hour")
    plan = make_plan(Scenario.model_validate(plain))
    ids = {measure.id for measure in Outcomes(plan).measures}
    assert not {"income", "cost", "profit", "staff_cost", "won_value", "in_time"} & ids


def test_a_mean_of_nothing_has_no_value_and_is_not_counted():
    """Less than a lead a week: some fortnights have no win."""
    rare = SHOP.change("rare", {"sources.web.rate": "0.3 / w", "sources.fair.rate": "0.3 / w"})
    reps = replicate(rare, n=12, seed=1)
    cycle = row(reps, "cycle_time")
    some = reps["won"] > 0
    assert 0 < some.sum() < 12
    assert cycle["n"] == some.sum()
    assert cycle["mean"] == pytest.approx(reps["cycle_time"][some].mean())


def test_limits_that_make_no_sense_are_refused_together():
    with pytest.raises(ParameterError) as refused:
        read_limits({"wait": "4 bh", "age": "soon", "weight": "4 h"})
    assert len(refused.value.problems) == 3
    assert read_limits({"wait": "4 h"}).wait == 4 * HOUR == 4 * 3600 * SECOND


# --- the table and the summary --------------------------------------------------------------------


def test_the_table_has_one_row_per_replication_and_measure(eight):
    table = eight.table
    assert list(table.columns) == ["replication", "measure", "unit", "value"]
    assert not table.duplicated(["replication", "measure"]).any()
    won = table[table["measure"] == "won"]
    assert won["replication"].tolist() == list(range(8))
    assert won["value"].tolist() == eight["won"].tolist()


def test_the_two_intervals_are_kept_apart(eight):
    summary, won = eight.summary(0.9), row(eight, "won", 0.9)
    assert won["pi_lo"] < won["lo"] < won["mean"] < won["hi"] < won["pi_hi"]
    assert won["half_width"] == pytest.approx((won["hi"] - won["lo"]) / 2 / won["mean"])
    assert set(summary["level"]) == {0.9}
    shares = summary[summary["unit"] == "share"]
    assert shares[["lo", "pi_lo"]].min(axis=None) >= 0
    assert shares[["hi", "pi_hi"]].max(axis=None) <= 1


def test_results_cannot_be_changed(eight):
    with pytest.raises(ValueError, match="read-only"):
        eight.outcomes[0, 0] = 1


def test_unknown_measures_and_numbers_that_make_no_sense_are_refused():
    with pytest.raises(ParameterError, match='Did you mean "won"'):
        replicate(SHOP, seed=7, precision={"wonn": 0.01})
    with pytest.raises(ParameterError) as refused:
        replicate(SHOP, seed=7, n=0, precision={"won": 2}, max_n=0)
    assert len(refused.value.problems) == 4
    with pytest.raises(ParameterError, match="level"):
        replicate(SHOP, seed=7, level=95)
    with pytest.raises(ParameterError, match="workers"):
        replicate(SHOP, seed=7, workers=0)
    with pytest.raises(ParameterError, match="seed"):
        replicate(SHOP, seed=-1)


# --- how many -------------------------------------------------------------------------------------


def test_it_goes_on_until_precise_enough():
    reps = replicate(SHOP, seed=7, precision={"won": 0.05, "wait.desk": 0.2})
    assert reps.precise
    assert 10 <= len(reps) < 200
    assert row(reps, "won").half_width <= 0.05
    assert row(reps, "wait.desk").half_width <= 0.2


def test_it_says_when_it_was_stopped_before():
    reps = replicate(SHOP, seed=7, precision={"won": 0.001}, max_n=6)
    assert (len(reps), reps.precise) == (6, False)


def test_more_replications_keep_those_that_were(eight):
    assert (replicate(SHOP, n=3, seed=7, limits=LIMITS)["won"] == eight["won"][:3]).all()


def test_progress_goes_from_nothing_to_all():
    for how in ({"n": 5}, {"precision": {"won": 0.08}}):
        told: list[float] = []
        replicate(SHOP, seed=7, progress=told.append, **how)
        assert told[-1] == 1.0
        assert all(0 < share <= 1 for share in told)


# --- unknown parameters ---------------------------------------------------------------------------


class Doubtful:
    """Every other replication has half the leads."""

    def draw(self, seed: int, replication: int) -> Scenario:
        return SHOP if replication % 2 else SHOP.change("half", {"sources.web.rate": "7.5 / d"})


class Fickle:
    """Another team in some replications."""

    def draw(self, seed: int, replication: int) -> Scenario:
        more = {"teams.extra": {"seats": 1}}
        return SHOP.change("more", more) if replication == 2 else SHOP


def test_a_sampler_gives_every_replication_its_own_scenario(eight):
    reps = replicate(Doubtful(), n=8, seed=7, limits=LIMITS)
    assert (reps["won"][1::2] == eight["won"][1::2]).all()
    assert reps["leads"][::2].mean() < 0.7 * eight["leads"][::2].mean()


def test_a_sampler_may_not_change_what_there_is():
    with pytest.raises(RunError, match="replication 2"):
        replicate(Fickle(), n=4, seed=7)


# --- where it runs --------------------------------------------------------------------------------


class Backwards(Executor):
    """Does three things at a time, the last one first."""

    def __init__(self):
        self.jobs: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, fn, /, *args, **options):
        future: Future[Any] = Future()
        self.jobs.append((future, fn, args))
        if len(self.jobs) == 3:
            while self.jobs:
                late, work, given = self.jobs.pop()
                late.set_result(work(*given))
        return future


def test_results_do_not_depend_on_who_is_done_first(eight):
    reps = replicate(SHOP, n=7, seed=7, limits=LIMITS, executor=Backwards(), workers=1)
    assert np.array_equal(reps.outcomes, eight.outcomes[:7], equal_nan=True)


def test_results_do_not_depend_on_workers(eight):
    """One, two and eight: threads of compiled code, processes of the SimPy model."""
    ways: list[tuple[int, Engine]] = [(2, "auto"), (8, "auto"), (2, "reference"), (8, "reference")]
    for workers, engine in ways:
        reps = replicate(SHOP, n=8, seed=7, limits=LIMITS, workers=workers, engine=engine)
        assert np.array_equal(reps.outcomes, eight.outcomes, equal_nan=True)
        assert np.array_equal(reps.weekly, eight.weekly)
    with ThreadPoolExecutor(2) as threads:
        reps = replicate(SHOP, n=8, seed=7, limits=LIMITS, executor=threads)
        assert np.array_equal(reps.outcomes, eight.outcomes, equal_nan=True)


def test_the_number_needed_does_not_depend_on_workers():
    """What more workers have done beyond it is thrown away."""
    alone, many = (
        replicate(SHOP, seed=7, precision={"won": 0.08}, workers=workers) for workers in (1, 3)
    )
    assert np.array_equal(alone.outcomes, many.outcomes, equal_nan=True)


def test_work_that_lasts_moves_to_all_cores(eight, monkeypatch):
    monkeypatch.setattr(execution, "ALONE", 0.0)
    started: list[int] = []
    own = processes.own_processes

    def noted(count, preload=()):
        started.append(count)
        return own(count, preload)

    monkeypatch.setattr(execution, "own_processes", noted)
    reps = replicate(SHOP, n=8, seed=7, limits=LIMITS, engine="reference")
    assert np.array_equal(reps.outcomes, eight.outcomes, equal_nan=True)
    assert started == ([min(processes.cores(), 7)] if processes.cores() > 1 else [])


def test_a_script_without_main_is_told_what_processes_need(tmp_path):
    script = tmp_path / "script.py"
    SHOP.save(tmp_path / "shop.yaml")
    script.write_text(
        "import funnelsim as fs\n"
        f"fs.replicate(fs.load({str(tmp_path / 'shop.yaml')!r}), n=4, seed=7, workers=2,"
        " engine='reference')\n",
        "utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert '__name__ == "__main__"' in done.stderr.splitlines()[-1]


SLOW = """
import sys, time
import funnelsim as fs
if __name__ == "__main__":
    weeks = "300 w" if sys.argv[3] == "reference" else "100 w"
    slow = {"run.horizon": weeks, "sources.web.rate": "40 / d"}
    shop = fs.load(sys.argv[1]).change("slow", slow)
    def told(share):
        print("going", flush=True)
    try:
        engine, workers = sys.argv[3], int(sys.argv[2])
        fs.replicate(shop, n=5000, seed=7, engine=engine, workers=workers, progress=told)
    except KeyboardInterrupt:
        print("stopped", time.monotonic(), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("workers", [1, 2])
def test_control_c_stops_within_two_seconds(tmp_path, workers, engine):
    """To the whole group, as a terminal does; no process is left, no worker complains.

    Compiled, a thread ends the replication it is at: 28,000 leads here.
    """
    script = tmp_path / "script.py"
    script.write_text(SLOW, "utf-8")
    SHOP.save(tmp_path / "shop.yaml")
    run = subprocess.Popen(
        [sys.executable, script, tmp_path / "shop.yaml", str(workers), engine],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    for _ in range(workers):  # the first comes from the process itself, the next from another
        assert run.stdout.readline() == "going\n"
    time.sleep(0.5)
    sent = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    told, errors = run.communicate(timeout=30)
    assert "stopped" in told, errors
    stopped = float(told.rsplit("stopped ", 1)[1])
    assert stopped - sent < 2
    assert "Error" not in errors
    assert "KeyboardInterrupt" not in errors
    assert gone(run.pid, within=5)


def gone(group, *, within):
    """Whether no process of a group is left."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
