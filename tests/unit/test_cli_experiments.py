"""compare, levers and sweep on the command line: what they print and leave behind."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from funnelsim.cli import main
from funnelsim.cli.options import precisions, sweep_values
from funnelsim.errors import ParameterError
from tests.unit.test_cli import SMALL as WITHOUT_WHAT_IFS

SMALL = (
    WITHOUT_WHAT_IFS
    + """\
what_ifs:
  better:
    label: {en: What if the demo were better?, uk: "Що, якби демо було краще?"}
    set: {stages.demo.next.to.won: {add: 20 %}}
  renamed:
    label: {en: What if nothing changed?, uk: "Що, якби нічого не змінилося?"}
    set: {teams.sales.seats: 2}
"""
)
KINDS = {"txt", "csv", "svg", "png", "manifest"}


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, "utf-8")
    return path


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: exit code, output, messages."""
    monkeypatch.chdir(tmp_path)

    def do(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return do


@pytest.mark.parametrize("verb", ["compare", "levers", "sweep"])
def test_every_verb_explains_itself(run, verb):
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert f"funnelsim {verb}" in out


def test_compare_says_first_what_each_listed_what_if_does(run, small, tmp_path):
    code, out, err = run("compare", small, "--n", 10)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == (
        "“What if the demo were better?” is best for value of deals won, beyond chance."
    )
    assert lines[1].startswith("What if the demo were better: deals won up by ")
    assert lines[2].startswith("What if nothing changed: value of deals won stays the same in all")
    left = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert left == [f"small.compare.{end}" for end in ("csv", "manifest.json", "png", "svg", "txt")]
    table = pd.read_csv(tmp_path / "reports" / "small.compare.csv")
    won = table[table["measure"] == "won"].set_index("what_if")
    assert won.loc["better", "verdict"] == "better"
    assert won.loc["renamed", "verdict"] == "same"
    assert (won["n"] == 10).all()
    told = json.loads((tmp_path / "reports" / "small.compare.manifest.json").read_text("utf-8"))
    assert (told["seed"], told["replications"], told["level"]) == (1, 10, 0.95)
    assert told["sentences"] == lines[:3]


def test_compare_takes_some_what_ifs_and_one_of_your_own(run, small):
    words = ("--what-if", "better", "--set", "sources.web.rate=12 / d", "--n", 5, "--json")
    code, out, _ = run("compare", small, *words)
    assert code == 0
    found = json.loads(out)
    assert found["what_ifs"] == ["better", "sources.web.rate=12 / d"]
    assert set(found["files"]) == KINDS
    leads = next(
        row for row in found["table"] if row["measure"] == "leads" and row["what_if"] != "better"
    )
    assert leads["verdict"] == "more"


def test_compare_speaks_ukrainian(run, small):
    code, out, _ = run("compare", small, "--n", 5, "--lang", "uk")
    assert code == 0
    assert "Що, якби демо було краще: виграні угоди — більше на" in out


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_written(run, small, tmp_path):
    code, _, err = run("compare", small, "--what-if", "beter", "--what-if", "nope")
    assert code == 2
    assert 'there is no what-if "beter". Did you mean "better"?' in err
    assert 'there is no what-if "nope"' in err
    assert "2 problems" in err
    assert not (tmp_path / "reports").exists()
    assert run("compare", small, "--n", 5, "--precision", "won=1%")[0] == 2
    assert run("compare", small, "--precision", "won=wide")[0] == 2


def test_a_precision_is_kept_or_the_lack_of_it_told(run, small):
    words = ("--what-if", "better", "--precision", "won=0.1%", "--max-n", 6, "--json")
    code, out, err = run("compare", small, *words)
    assert code == 0
    assert json.loads(out)["precise"] is False
    assert "not precise enough after 6 replications" in err


def test_levers_ranks_steps_and_says_what_limits(run, small, tmp_path):
    code, out, _ = run("levers", small, "--n", 20, "--json")
    assert code == 0
    found = json.loads(out)
    kinds = {row["lever"].split(".")[0] for row in found["table"]}
    assert kinds == {"conversion", "delay", "capacity", "demand"}
    assert found["limit"] == "conversion"
    assert any("What limits is conversion" in said for said in found["sentences"])
    assert (tmp_path / "reports" / "small.levers.svg").read_text("utf-8").startswith("<svg")


def test_sweep_covers_every_combination(run, small, tmp_path):
    over = ("--over", "sources.web.rate=4 / d,8 / d", "--over", "teams.sales.seats=1..3")
    code, out, _ = run("sweep", small, *over, "--points", 3, "--n", 3)
    assert code == 0
    assert "confirm it with another seed" in out
    table = pd.read_csv(tmp_path / "reports" / "small.sweep.csv")
    points = set(zip(table["sources.web.rate"], table["teams.sales.seats"], strict=True))
    assert points == {(rate, seats) for rate in ("4 / d", "8 / d") for seats in (1, 2, 3)}
    code, _, err = run("sweep", small, "--over", "teams.sails.seats=1,2")
    assert code == 2
    assert 'there is no "sails". Did you mean "sales"?' in err


def test_settings_are_read_or_refused_all_at_once():
    assert sweep_values(["a.b={median: 4 h, p90: 9 h},{median: 1 h, p90: 2 h}"]) == {
        "a.b": [{"median": "4 h", "p90": "9 h"}, {"median": "1 h", "p90": "2 h"}]
    }
    with pytest.raises(ParameterError) as wrong:
        precisions(["won", "lost=x%"])
    assert len(wrong.value.problems) == 2
    with pytest.raises(ParameterError, match="Write PATH=VALUES"):
        sweep_values(["teams.sales.seats"])


def test_a_report_of_what_ifs_needs_a_scenario_that_lists_some(run, small):
    bare = small.with_name("bare.yaml")
    bare.write_text(SMALL.split("what_ifs:", maxsplit=1)[0], "utf-8")
    code, _, err = run("report", bare, "--kind", "what-if")
    assert code == 2
    assert "lists no what-ifs" in err
    code, _, err = run("report", small, "--kind", "funnel-review", "--n", 5)
    assert code == 2
    assert "n: unknown parameter" in err
