"""`forecast revenue` as people type it: sentence, tables, plans that do not fit."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from funnelsim.cli import main
from funnelsim.engine import simulate
from funnelsim.scenarios.scenario import Scenario
from tests.unit.test_planning_issued import WORLD


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    short = WORLD | {"run": {"start": "2025-01-06", "horizon": "11 w"}}
    log = simulate(Scenario.model_validate(short), seed=4)
    return log.save(tmp_path_factory.mktemp("log") / "short")


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code


def test_it_says_how_much_and_leaves_the_tables(folder, tmp_path, capsys):
    plan = tmp_path / "plan.csv"
    plan.write_text("month,channel,target\n2025-04,web,20000\n", "utf-8")
    out, past = tmp_path / "out", tmp_path / "past.csv"
    february = "2025-02-01,won_value,2025-02-01,2025-03-01,minor"
    lines = "".join(f"{february},{q},{v}\n" for q, v in ((0.1, 1), (0.5, 2), (0.9, 3)))
    past.write_text(f"cutoff,series,period_start,period_end,unit,quantile,value\n{lines}", "utf-8")
    code = run("forecast", "revenue", folder, "--plan", plan, "--horizon", "6w", "--freq", "month",
               "--past", past, "--n", 3, "--out", out)  # fmt: skip
    told = capsys.readouterr().out
    assert code == 0, told
    assert told.startswith("From 2025-03-24 to 2025-05-05 EUR ")
    assert "the chance of the plan of EUR 20,000 is" in told
    assert "2025-05 (in part)" in told
    kept = pd.read_csv(out / "forecast.csv")
    assert set(kept["series"]) == {"wins", "won_value"}
    widened = kept[kept["quantile"] == 0.9].set_index("series")
    assert (widened["value"] > widened["raw"]).groupby("series").any().tolist() == [False, True]
    rows = pd.read_csv(out / "revenue.plan.csv")
    assert rows["source"].tolist() == ["web", "total"]


def test_a_plan_past_the_horizon_is_refused_with_the_way_out(folder, tmp_path, capsys):
    plan = tmp_path / "plan.csv"
    plan.write_text("period,plan\n2025-04,20000\n2026-01,20000\n", "utf-8")
    code = run("forecast", "revenue", folder, "--plan", plan, "--horizon", "6w", "--freq", "month",
               "--json")  # fmt: skip
    heard = capsys.readouterr()
    assert code == 2
    assert "after the horizon (2025-05-05): 2026-01. Take a longer horizon" in heard.err
    assert json.loads(heard.out)["problems"][0]["path"] == "plan.period"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--horizon", "soon"], "'soon' is not a duration"),
        (["--freq", "year", "--horizon", "6w"], 'there is no frequency "year"'),
        (["--plan", "nowhere.csv", "--horizon", "6w"], "there is no such file"),
        (["--plan", "-5", "--horizon", "6w", "--freq", "month"], "the plan is -5.0"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(folder, words, told, capsys):
    assert run("forecast", "revenue", folder, *words) == 2
    assert told in capsys.readouterr().err
