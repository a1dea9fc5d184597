"""audit, calibrate and export-crm on the command line: what they print and leave behind."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest

from funnelsim.cli import main
from funnelsim.cli.calibrating import _name
from funnelsim.engine import simulate
from funnelsim.scenarios.loading import load
from tests.unit.test_cli import SMALL


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace("horizon: 8 w", "horizon: 20 w"), "utf-8")
    return path


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: exit code, output, messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def do(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return do


@pytest.fixture
def export(run, small, tmp_path):
    """What amoCRM would export of the small funnel."""

    def of(form="amocrm", dirt="none"):
        folder = tmp_path / f"{form}-{dirt}"
        code, out, err = run(
            "export-crm", small, "--format", form, "--dirt", dirt, "--out", folder, "--json"
        )
        assert (code, err) == (0, "")
        return list(json.loads(out)["files"])

    return of


@pytest.mark.parametrize("verb", ["audit", "calibrate", "export-crm"])
def test_every_verb_explains_itself(run, verb):
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert f"funnelsim {verb}" in out


# --- export-crm ---------------------------------------------------------------------------------


def test_an_export_has_the_truth_beside_it(run, small, tmp_path):
    code, out, err = run(
        "export-crm", small, "--format", "amocrm", "--dirt", "light", "--out", tmp_path / "x"
    )
    assert (code, err) == (0, "")
    assert "The truth, to compare with:" in out
    truth = json.loads((tmp_path / "x" / "answer-key" / "truth.json").read_text("utf-8"))
    assert truth
    code, _, err = run("export-crm", small, "--format", "amocrn", "--out", tmp_path / "y")
    assert code == 2
    assert '"amocrn" is no format' in err
    assert not (tmp_path / "y").exists()


# --- audit --------------------------------------------------------------------------------------


def test_an_audit_says_what_the_export_is_good_for(run, export):
    files = export()
    code, out, err = run("audit", *files)
    assert (code, err) == (0, "")
    assert "recognised as amocrm" in out
    assert "only the present state of each deal is on record" in out
    for use in ("conversion", "delays", "staffing", "forecast"):
        assert use in out
    found = json.loads(run("audit", *files, "--json")[1])
    assert found["history"] == "snapshot"
    assert found["grades"]["delays"] == "E"
    assert found["obtain_history"] in out
    assert {"kind", "severity", "count", "found", "fix"} <= set(found["findings"][0])


def test_dirt_is_found_and_counted(run, export):
    clean = json.loads(run("audit", *export(), "--json")[1])
    dirty = json.loads(run("audit", *export(dirt="duplicates=10%"), "--json")[1])
    kinds = [{one["kind"]: one["count"] for one in each["findings"]} for each in (clean, dirty)]
    extra = set(kinds[1]) - set(kinds[0])
    assert extra & {"duplicate_deals", "conflicting_deals", "possible_duplicates"}


def test_what_cannot_be_read_is_said_with_the_way_out(run, tmp_path):
    (tmp_path / "odd.csv").write_text("colour,size\nred,3\n", "utf-8")
    code, out, err = run("audit", tmp_path / "odd.csv")
    assert (code, out) == (2, "")
    assert "known export" in err
    assert "--suggest-mapping" in err
    assert run("audit", tmp_path / "none.csv")[0] == 2


def test_a_password_is_never_printed(run):
    url = "postgresql://ann:hush-hush@localhost:1/sales"
    for verb in ("audit", "calibrate"):
        code, out, err = run(verb, url, "--query", "select 1")
        assert code == 2
        assert "hush-hush" not in out + err


# --- calibrate ----------------------------------------------------------------------------------


@pytest.fixture
def log(small, tmp_path):
    """A saved event log of the small funnel, with full history."""
    return simulate(load(small), seed=5).save(tmp_path / "log")


def test_calibrate_leaves_scenario_report_and_numbers(run, log, tmp_path):
    code, out, err = run("calibrate", log, "--out", "ours", "--name", "ours", "--n", 4)
    assert (code, err) == (0, "")
    assert out.startswith("From ")
    assert "leads to 20 July 2026" in out
    left = {path.name for path in (tmp_path / "ours").iterdir()}
    kinds = ("yaml", "calibration.pdf", "evidence.csv", "manifest.json")
    assert left == {f"ours.{kind}" for kind in kinds}
    scenario = load(tmp_path / "ours" / "ours.yaml")
    assert scenario.name == "ours"
    assert scenario.data
    assert scenario.data.history == "full"
    numbers = pd.read_csv(tmp_path / "ours" / "ours.evidence.csv")
    assert len(numbers) == len(scenario.evidence) > 5
    manifest = json.loads((tmp_path / "ours" / "ours.manifest.json").read_text("utf-8"))
    for name, sha in manifest["outputs"].items():
        file = tmp_path / "ours" / name
        assert hashlib.sha256(file.read_bytes()).hexdigest() == sha
    assert manifest["data_sha256"] == scenario.data.sha256


def test_calibrate_takes_a_raw_export_and_says_what_it_cannot_tell(run, export, tmp_path):
    code, out, err = run("calibrate", *export(), "--out", "o", "--name", "a", "--n", 3, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert set(told["files"]) == {
        "scenario",
        "report",
        "numbers",
        "audit",
        "audit_json",
        "manifest",
    }
    assert told["refusals"]
    assert all(each["why"] for each in told["refusals"])
    audit = json.loads((tmp_path / "o" / "a.audit.json").read_text("utf-8"))
    assert audit["history"] == "snapshot"
    assert (tmp_path / "o" / "a.calibration.pdf").read_bytes().startswith(b"%PDF")


def test_calibrate_refuses_what_tells_nothing_and_writes_nothing(run, small, tmp_path):
    log = simulate(load(small), seed=5)
    few = log.filter(log.leads["lead_id"].head(3).tolist()).save(tmp_path / "few")
    code, out, err = run("calibrate", few, "--out", "none")
    assert (code, out) == (2, "")
    assert "closed" in err or "open" in err
    assert not (tmp_path / "none").exists()


def test_a_saved_log_has_nothing_to_be_audited(run, log):
    code, _, err = run("audit", log)
    assert code == 2
    assert "saved event log" in err


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Deals 2026.csv.gz", "deals-2026"),
        ("/home/me/2026 угоди.xlsx", "crm-2026"),
        ("sqlite:///our_crm.db", "our_crm-db"),
        ("log/", "log"),
    ],
)
def test_a_scenario_is_called_like_the_file(file, name):
    assert _name(file) == name
