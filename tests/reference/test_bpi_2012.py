"""The real log of a Dutch bank: the counts that its publishers and we agree on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from funnelsim.calibration.readers import Reading, read_mapped
from funnelsim.events import EventLog

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "BPI_Challenge_2012_asof_2012-01-01.csv.gz"
MAPPING = ROOT / "scenarios" / "mappings" / "bpi-2012.yaml"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not DATA.exists(), reason=f"{DATA.name} is not beside the project"),
]


@pytest.fixture(scope="module")
def reading() -> Reading:
    return read_mapped(DATA, MAPPING)


def test_the_command_says_the_same_as_json():
    words = ["measures", str(DATA), "--mapping", str(MAPPING), "--json"]
    command = [sys.executable, "-m", "funnelsim", *words]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    tables = json.loads(done.stdout)["tables"]
    headline = {row["measure"]: row["value"] for row in tables["headline"]}
    assert (headline["leads"], headline["won_deals"], headline["open_deals"]) == (7455, 1130, 645)
    fates = {(row["outcome"], row["reason"]): row["value"] for row in tables["outcomes"]}
    assert fates[("lost", "declined")] == 4334
    assert fates[("lost", "cancelled")] == 1346


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    frame = pd.read_csv(DATA, dtype="str")
    frame.columns = pd.Index(["case", "registered", "amount", "activity", "phase", "time", "who"])
    return frame.assign(time=pd.to_datetime(frame["time"], format="ISO8601", utc=True))


def test_the_fate_of_all_applications(reading):
    outcomes = reading.log.outcomes()
    assert len(outcomes) == 7455
    assert outcomes["outcome"].value_counts().to_dict() == {"lost": 5680, "won": 1130, "open": 645}
    reasons = outcomes["reason"].value_counts().to_dict()
    assert reasons == {"declined": 4334, "cancelled": 1346}


def test_where_the_open_applications_stand(reading):
    open_visits = reading.log.visits.query("exit == 'open'")
    assert open_visits["stage"].value_counts().to_dict() == {
        "offered": 509,
        "preaccepted": 130,
        "received": 5,
        "accepted": 1,
    }


def test_every_way_through_the_stages(reading, raw):
    """The flows counted in the log are those counted straight from the raw file."""
    names = {
        "A_SUBMITTED": "received",
        "A_PREACCEPTED": "preaccepted",
        "A_ACCEPTED": "accepted",
        "A_FINALIZED": "offered",
        "A_ACTIVATED": "activated",
        "A_DECLINED": "declined",
        "A_CANCELLED": "cancelled",
    }
    states = raw[raw["activity"].isin(names)]
    expected = states["activity"].map(names).groupby(states["case"]).agg(">".join)
    found = reading.log.visits.groupby("lead_id")["stage"].agg(">".join)
    assert found.to_dict() == expected.to_dict()


def test_offers_are_marks(reading, raw):
    marks = reading.log.marks
    offers = raw[raw["activity"].str.startswith("O_")]
    kinds = offers["activity"].str.lower().str.replace("o_", "offer_", regex=False)
    assert (
        marks[marks["kind"].str.startswith("offer_")]["kind"].value_counts().to_dict()
        == kinds.value_counts().to_dict()
    )
    assert len(marks) == len(offers) + 1130 + 5680


def test_work_is_complete(reading, raw):
    """No start of work is lost, and the working time is that of the raw pairs."""
    efforts = reading.log.efforts
    work = raw[raw["activity"].str.startswith("W_")]
    starts = work[work["phase"] == "START"]
    assert efforts["started_at"].notna().sum() == len(starts) == 37185
    assert efforts["queued_at"].notna().sum() == (work["phase"] == "SCHEDULE").sum() == 14026
    active = work[work["phase"] != "SCHEDULE"]
    before = active.groupby(["case", "activity"])[["phase", "time"]].shift()
    ends = (active["phase"] == "COMPLETE") & (before["phase"] == "START")
    expected = (active["time"] - before["time"])[ends].sum()
    assert (efforts["ended_at"] - efforts["started_at"]).sum() == expected
    assert dict(reading.log.meta.labels["efforts.validate"]) == {
        "en": "Validating the application",
        "nl": "Valideren aanvraag",
    }


def test_money_is_what_won_applicants_asked_for(reading, raw):
    won = raw[raw["activity"] == "A_ACTIVATED"]
    asked = won["amount"].astype("int64").sum() * 100
    assert reading.log.outcomes().query("outcome == 'won'")["value"].sum() == asked
    assert set(reading.log.marks["currency"].dropna()) == {"EUR"}


def test_what_was_assumed_is_said(reading):
    counts = {note.kind: note.count for note in reading.notes}
    assert counts["work"] == len(reading.log.efforts) == 37341
    assert counts["stray_ends"] == 415
    assert counts["unfinished_work"] == 1
    assert counts["given_up"] == 5
    assert counts["repeated_stage"] == 7455 + 2 * 1130


def test_the_window_is_the_last_quarter_of_2011_in_amsterdam(reading):
    meta = reading.log.meta
    assert meta.observed_from.isoformat() == "2011-09-30T22:00:00+00:00"
    assert meta.observed_until.isoformat() == "2011-12-31T23:00:00+00:00"
    assert not meta.illustrative


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_real_log_survives_saving(reading, tmp_path, form):
    assert EventLog.load(reading.log.save(tmp_path / "log", form)).equals(reading.log)


def test_an_earlier_state_of_the_bank(reading, raw):
    """Cutting the log at a day and reading only the rows up to it agree on what is open."""
    moment = pd.Timestamp("2011-11-15", tz="Europe/Amsterdam")
    past = reading.log.as_of("2011-11-15")
    known = raw[raw["time"] <= moment]
    closed = known[known["activity"].isin(["A_ACTIVATED", "A_DECLINED", "A_CANCELLED"])]
    assert len(past.leads) == known["case"].nunique()
    still_open = past.outcomes().query("outcome == 'open'")
    assert len(still_open) == known["case"].nunique() - closed["case"].nunique()
