"""Calibration finds again what was put in, where naive methods do not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import funnelsim as fs
from funnelsim.calibration.fitting import Fit, calibrate
from funnelsim.measures import win_rate as measured_win_rate
from funnelsim.scenarios.scenario import Scenario
from tests.recovery.known import CUT, known_world, truth, win_rate

WORLDS = 20
STAGES = ("new", "offer")
FALSE_ALARM = 1e-4


@dataclass(frozen=True)
class Recovery:
    """One world, what calibration made of it, and its true win rate."""

    world: Scenario
    fit: Fit
    true: dict[tuple[str, str], float]
    naive: float

    @property
    def bias(self) -> float:
        """Win rate of the calibrated scenario less the true one."""
        return win_rate(_shares(self.fit), "new") - self.win_rate

    @property
    def win_rate(self) -> float:
        """The true one."""
        ways = {"new": ("offer", "lost"), "offer": ("won", "lost")}
        shares = {
            stage: {way: self.true[f"stages.{stage}.next.to.{way}", "overall_share"] for way in to}
            for stage, to in ways.items()
        }
        return win_rate(shares, "new")


def _shares(fit: Fit) -> dict[str, dict[str, float]]:
    """Shares of all visits by stage and way."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    table = fit.table[fit.table["item"].str.contains(r"\.next\.to\.")]
    for row in table.sort_values("measure", ascending=False).to_dict("records"):
        _, stage, _, _, way = str(row["item"]).split(".")
        found[stage][way] = float(row["value"])  # share, then overall_share where there is one
    return found


@pytest.fixture(scope="module")
def recoveries() -> list[Recovery]:
    found = []
    for number in range(WORLDS):
        world = known_world(number)
        log = fs.simulate(world, seed=number).as_of(CUT)
        naive = float(measured_win_rate(log)["closed_only"].iloc[0])
        found.append(Recovery(world, calibrate(log), truth(world), naive))
    return found


def test_intervals_cover_at_the_nominal_rate(recoveries):
    """20 worlds with one interval each of 7 kinds, at 95 %.

    False alarm 1e-4 if the intervals were independent; a true coverage of 80 % would be
    noticed with a chance of 95 %.
    """
    hits: list[bool] = []
    for one in recoveries:
        rows = one.fit.table.set_index(["item", "measure"])
        wanted = [(f"stages.{s}.delay_after", m) for s in STAGES for m in ("median", "p90")]
        wanted += [("stages.offer.next.to.won", "overall_share"), ("sources.web.rate", "rate")]
        wanted += [("stages.new.next.to.offer", "overall_share")]
        for item, measure in wanted:
            here = measure if (item, measure) in rows.index else "share"
            lo, hi = rows.loc[(item, here), "lo"], rows.loc[(item, here), "hi"]
            hits.append(bool(lo <= one.true[item, measure] <= (np.inf if np.isnan(hi) else hi)))
    least = stats.binom.ppf(FALSE_ALARM, len(hits), 0.95)
    assert sum(hits) >= least
    assert stats.binom.sf(least - 1, len(hits), 0.80) < 0.05  # what would go unnoticed


def test_win_rate_is_right_where_closed_deals_mislead(recoveries):
    """Standard error of the mean bias 0.35 points: false alarm below 1e-4 at 1.5 points."""
    bias = np.array([one.bias for one in recoveries])
    naive = np.array([one.naive - one.win_rate for one in recoveries])
    assert abs(bias.mean()) < 0.015
    assert naive.mean() < -0.05
    assert (np.abs(bias) < np.abs(naive)).mean() > 0.9


def test_calibrated_scenario_simulates_like_the_true_one(recoveries):
    """What the scenario makes of stays and ways together gives the shares it states."""
    one = recoveries[0]
    run = {"start": "2026-03-23", "horizon": "104 w"}
    whole = one.fit.scenario.model_copy(update={"run": type(one.world.run).model_validate(run)})
    log = fs.simulate(whole, seed=5)
    early = log.filter(
        log.leads["arrived_at"] < log.leads["arrived_at"].max() - pd.Timedelta(weeks=60)
    )
    won = float((early.outcomes()["outcome"] == "won").mean())
    stated = win_rate(_shares(one.fit), "new")
    n = len(early.leads)
    assert n > 5000
    margin = stats.norm.isf(FALSE_ALARM / 2) * np.sqrt(stated * (1 - stated) / n)
    assert abs(won - stated) < margin + 0.002


def test_draws_spread_as_far_as_the_intervals(recoveries):
    """The sampler's win rates have the spread that intervals claim, within a third."""
    fit = recoveries[0].fit
    draws = [fit.sampler.draw(3, i).stages["new"].next for i in range(200)]
    shares = np.array([table.to["offer"] for table in draws if table is not None])
    row = fit.table.set_index(["item", "measure"]).loc[("stages.new.next.to.offer", "share")]
    claimed = (row["hi"] - row["lo"]) / 2 / 1.96
    assert 0.7 < shares.std() / claimed < 1.4
