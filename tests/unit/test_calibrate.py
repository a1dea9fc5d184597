"""From a log to a scenario: what stands in it, what is refused, what is drawn."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import funnelsim as fs
from funnelsim.calibration.fitting import Fit, calibrate
from funnelsim.calibration.stages.condensing import condensed
from funnelsim.errors import DataError
from funnelsim.events import EventLog
from funnelsim.scenarios.sampling import ScenarioSampler
from funnelsim.scenarios.scenario import Scenario
from tests.recovery.known import CUT, known_world


def _world(**stages: object) -> Scenario:
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "small",
            "title": {"en": "A small world"},
            "run": {"start": "2026-01-05", "horizon": "20 w"},
            "sources": {
                "web": {"stage": "new", "rate": "9 / d"},
                "fair": {"stage": "new", "rate": "4 / d"},
            },
            "stages": {
                "new": {
                    "label": {"en": "New", "uk": "Новий"},
                    "delay_after": "2 d",
                    "next": {"advance": "won", "to": {"won": 0.4, "lost": 0.6}},
                },
                "won": {"marks": "won"},
                "lost": {"marks": {"kind": "lost", "reason": "silent"}},
                **stages,
            },
        }
    )


@pytest.fixture(scope="module")
def log() -> EventLog:
    return fs.simulate(known_world(3), seed=1).as_of(CUT)


@pytest.fixture(scope="module")
def fit(log) -> Fit:
    return calibrate(log, name="ours", horizon="8 w")


def test_scenario_begins_where_the_log_ends(fit, tmp_path):
    scenario = fit.scenario
    assert scenario.name == "ours"
    assert scenario.run.start.isoformat() == "2026-03-23T00:00:00"
    assert not scenario.illustrative
    assert list(scenario.stages) == ["new", "offer", "won", "lost"]
    assert fs.load(scenario.save(tmp_path / "ours.yaml")) == scenario
    assert fs.simulate(scenario, seed=2).outcomes()["outcome"].isin(["won"]).any()


def test_every_number_has_its_evidence(fit, log):
    data = fit.scenario.data
    assert data is not None
    assert data.leads == len(log.leads)
    table = fit.table
    assert len(fit.scenario.evidence) == len(table)
    assert (table["lo"].fillna(-np.inf) <= table["value"] + 1e-9).all()
    assert (table["hi"].fillna(np.inf) >= table["value"] - 1e-9).all()
    assert fit.sentence().startswith("4 stages and 1 sources calibrated on")


def test_sampler_is_deterministic_and_travels(fit):
    sampler = fit.sampler
    assert isinstance(sampler, ScenarioSampler)
    again = pickle.loads(pickle.dumps(sampler))  # noqa: S301 - our own bytes
    assert again.draw(7, 3) == sampler.draw(7, 3)
    assert sampler.draw(7, 3) != sampler.draw(7, 4)
    assert list(sampler.draw(7, 3).stages) == list(fit.scenario.stages)


def test_same_data_same_scenario(fit, log):
    assert calibrate(log, name="ours", horizon="8 w").scenario == fit.scenario


def test_sources_that_differ_get_cases():
    stages = {
        "delay_after": {"median": "2 d", "p90": "6 d"},
        "next": {
            "advance": "won",
            "to": {"won": 0.5, "lost": 0.5},
            "cases": [{"when": {"source": "fair"}, "to": {"won": 0.1, "lost": 0.9}}],
        },
    }
    found = calibrate(fs.simulate(_world(new=stages), seed=1).as_of("2026-05-01"))
    table = found.scenario.stages["new"].next
    assert table is not None
    assert [case.when.source for case in table.cases] == [("fair",)]
    assert table.to["won"] == pytest.approx(0.5, abs=0.06)
    assert table.cases[0].to["won"] == pytest.approx(0.1, abs=0.06)


def test_later_visits_get_cases():
    new = {
        "delay_after": {"mean": "1 d"},
        "next": {
            "advance": "won",
            "to": {"won": 0.2, "new": 0.6, "lost": 0.2},
            "cases": [{"when": {"visit": 3}, "to": {"won": 0.2, "lost": 0.8}}],
        },
    }
    found = calibrate(fs.simulate(_world(new=new), seed=1).as_of("2026-05-01"))
    table = found.scenario.stages["new"].next
    assert table is not None
    assert [case.when.visit for case in table.cases] == [3]
    assert "new" not in table.cases[0].to


def test_nothing_is_found_where_nothing_is():
    new = {
        "delay_after": {"mean": "1 d"},
        "next": {"advance": "won", "to": {"won": 0.3, "lost": 0.7}},
    }
    for seed in range(5):
        found = calibrate(fs.simulate(_world(new=new), seed=seed).as_of("2026-05-01"))
        table = found.scenario.stages["new"].next
        assert table is not None
        assert not table.cases
        assert found.scenario.stages["lost"].marks[0].reason == "silent"


def test_constant_delay_is_constant():
    found = calibrate(fs.simulate(_world(), seed=1).as_of("2026-05-01"))
    delay = found.scenario.stages["new"].delay_after
    assert delay is not None
    assert str(delay.value) == "2 d"


def test_deals_without_history_become_one_stage(log):
    small, _ = condensed(log)
    bare = EventLog.trusted(small.tables(), small.meta.model_copy(update={"history": "snapshot"}))
    found = calibrate(bare)
    assert list(found.scenario.stages) == ["open", "won", "lost"]
    assert [refusal.of for refusal in found.refusals if refusal.of == "stages"] == ["stages"]
    assert found.scenario.data is not None
    assert found.scenario.data.history == "snapshot"


def test_few_moves_are_refused_and_stay_uncertain(log):
    few = log.filter(log.leads["lead_id"].head(40))
    found = calibrate(few)
    refused = {refusal.of for refusal in found.refusals}
    assert any(of.startswith("stages.offer") for of in refused)
    assert isinstance(found.scenario, Scenario)


def test_stage_that_nobody_left_is_assumed():
    new = {
        "delay_after": "2 d",
        "next": {"advance": "won", "to": {"won": 0.4, "stuck": 0.1, "lost": 0.5}},
    }
    stuck = {"delay_after": "800 d", "next": "won"}
    found = calibrate(fs.simulate(_world(new=new, stuck=stuck), seed=1).as_of("2026-05-01"))
    assert "stages.stuck" in {refusal.of for refusal in found.refusals}
    delay = found.scenario.stages["stuck"].delay_after
    assert delay is not None
    assert delay.durations()[0].microseconds() > 365 * 86_400e6
    assert found.sampler.draw(1, 1).stages["stuck"].delay_after != delay


def test_open_deals_only_are_refused(log):
    ids = log.outcomes().loc[lambda ends: ends["outcome"] == "open", "lead_id"]
    with pytest.raises(DataError, match="leads are open"):
        calibrate(log.filter(ids))


def test_no_win_is_refused(log):
    ids = log.outcomes().loc[lambda ends: ends["outcome"] != "won", "lead_id"]
    with pytest.raises(DataError, match="was won"):
        calibrate(log.filter(ids))


def test_one_deal_is_refused(log):
    with pytest.raises(DataError, match=r"only 1 lead has closed|leads are open"):
        calibrate(log.filter(log.leads["lead_id"].head(1)))


def test_a_history_of_one_moment_is_refused(log):
    moment = log.meta.observed_until
    meta = log.meta.model_copy(update={"observed_from": moment})
    with pytest.raises(DataError, match=r"bears the same time, 2026-03-23 00:00 UTC\. Check"):
        calibrate(replace(log, meta=meta))


def test_wins_alone_are_doubted(log):
    ids = log.outcomes().loc[lambda ends: ends["outcome"] == "won", "lead_id"]
    assert "conversion" in {refusal.of for refusal in calibrate(log.filter(ids)).refusals}


def test_half_life_weighs_recent_visits_more():
    first = fs.simulate(_world(), seed=1)
    before = first.filter(first.leads["arrived_at"] < "2026-03-01")
    lost = before.filter(before.outcomes()["outcome"] != "won")
    late = first.filter(first.leads["arrived_at"] >= "2026-03-01")
    both = EventLog.concat([lost, late])
    recent = calibrate(both, half_life="2 w").scenario.stages["new"].next
    alike = calibrate(both).scenario.stages["new"].next
    assert recent is not None
    assert alike is not None
    assert recent.to["won"] > alike.to["won"] + 0.05


def test_progress_is_told(log):
    told: list[float] = []
    calibrate(log, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.realdata
def test_real_log_gives_a_scenario_like_it(tmp_path):
    from pathlib import Path

    from funnelsim import shipped
    from funnelsim.calibration.readers import read_mapped

    file = Path("../shared/data/BPI_Challenge_2012_asof_2012-01-01.csv.gz")
    if not file.exists():
        pytest.skip("the real log is not here")
    mapping = shipped.scenarios() / "mappings" / "bpi-2012.yaml"
    real = read_mapped(file, mapping).log
    found = calibrate(real, work=False)
    made = fs.simulate(found.scenario, seed=1)
    shares = [float(fs.measures.win_rate(one)["value"].iloc[0]) for one in (real, made)]
    assert shares[1] == pytest.approx(shares[0], abs=0.015)
    means = [
        fs.measures.dwell_time(one)
        .query("measure == 'dwell_time_mean'")
        .set_index("stage")["value"]
        for one in (real, made)
    ]
    offered = pd.concat(means, axis=1).loc["offered"]
    assert offered.iloc[1] == pytest.approx(offered.iloc[0], rel=0.1)
