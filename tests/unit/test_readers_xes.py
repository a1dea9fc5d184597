"""Process logs without a mapping: XES and tables with the usual column names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.crm import read_crm
from funnelsim.calibration.readers.xes import read_xes
from funnelsim.errors import DataError

CALLS = Path(__file__).parents[3] / "shared" / "data" / "Call_Center_P.csv.gz"

XES = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<log xes.version="1849.2016" xmlns="http://www.xes-standard.org/">
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <global scope="event"><string key="concept:name" value="UNKNOWN"/></global>
  <classifier name="Activity" keys="concept:name"/>
  <trace>
    <string key="concept:name" value="Заявка 7"/>
    <int key="amount" value="1200"/>
    <event>
      <string key="concept:name" value="received"/>
      <string key="lifecycle:transition" value="complete"/>
      <date key="time:timestamp" value="2024-02-01T09:00:00.000+02:00"/>
    </event>
    <event>
      <string key="concept:name" value="check"/>
      <string key="lifecycle:transition" value="schedule"/>
      <date key="time:timestamp" value="2024-02-01T09:00:00.000+02:00"/>
    </event>
    <event>
      <string key="concept:name" value="check"/>
      <string key="lifecycle:transition" value="start"/>
      <string key="org:resource" value="Anna"/>
      <string key="org:group" value="Back office"/>
      <date key="time:timestamp" value="2024-02-01T10:00:00.000+02:00"/>
    </event>
    <event>
      <string key="concept:name" value="check"/>
      <string key="lifecycle:transition" value="suspend"/>
      <date key="time:timestamp" value="2024-02-01T10:10:00.000+02:00"/>
    </event>
    <event>
      <string key="concept:name" value="check"/>
      <string key="lifecycle:transition" value="COMPLETE"/>
      <date key="time:timestamp" value="2024-02-01T10:20:00.000+02:00"/>
    </event>
  </trace>
  <trace>
    <event>
      <string key="concept:name" value="received"/>
      <date key="time:timestamp" value="2024-02-02T09:00:00Z"/>
      <string key="lifecycle:transition" value="complete"/>
    </event>
    <int key="amount" value="800"/>
  </trace>
</log>
"""
BOMB = """\
<?xml version="1.0"?>
<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<log><trace><event><string key="concept:name" value="&b;"/></event></trace></log>
"""


def read(folder: Path, text: str, name: str = "log.xes") -> RawHistory:
    (folder / name).write_text(text, encoding="utf-8")
    return read_crm(folder / name)


def counts(raw: RawHistory) -> dict[str, int]:
    return {note.kind: note.count for note in raw.meta.notes}


def test_every_activity_is_a_stage_and_started_ones_are_work(tmp_path):
    raw = read(tmp_path, XES)
    assert raw.meta.history == "full"
    assert raw.moves[["deal_id", "stage", "row"]].to_numpy().tolist() == [
        ["Заявка 7", "received", 10],
        ["Заявка 7", "check", 15],
        ["2", "received", 39],
    ]
    work = raw.efforts.iloc[0]
    assert (work["effort"], work["team"], work["worker"]) == ("check", "back_office", "Anna")
    times = [work[f"{phase}_at"].strftime("%H:%M") for phase in ("queued", "started", "ended")]
    assert times == ["07:00", "08:00", "08:20"]
    assert raw.deals["amount"].tolist() == [1200, 800]
    assert counts(raw)["other_phases"] == 1
    assert raw.events().visits["stage"].tolist() == ["received", "check", "received"]


def test_a_packed_file_is_the_same(tmp_path):
    (tmp_path / "log.xes.gz").write_bytes(gzip.compress(XES.encode()))
    packed = read_crm(tmp_path / "log.xes.gz")
    plain = read(tmp_path, XES)
    assert packed.meta.files[0].sha256 == plain.meta.files[0].sha256
    pd.testing.assert_frame_equal(packed.moves, plain.moves)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "has a document type declaration"),
        ("<log><trace></log>", "no sound XML"),
        ("<log><trace/></log>", "holds no events"),
        ("<html><log/></html>", "no XES: it begins with <html>"),
    ],
)
def test_what_is_no_sound_xes_is_refused(tmp_path, text, said):
    path = tmp_path / "log.xes"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_xes(path)


def test_a_table_of_intervals(tmp_path):
    raw = read(
        tmp_path,
        "case_id,activity,resource,start_timestamp,end_timestamp\n"
        "c1,Call,Helen,2010-03-09 08:05:00,2010-03-09 08:10:00\n"
        "c1,Письмо,Henk,2010-03-09 09:00:00,2010-03-09 09:20:00\n",
        "calls.csv",
    )
    assert raw.moves["stage"].tolist() == ["Call", "Письмо"]
    assert raw.efforts["effort"].tolist() == ["call", "pismo"]
    assert raw.efforts["team"].tolist() == ["staff", "staff"]
    hands_on = (raw.efforts["ended_at"] - raw.efforts["started_at"]).dt.total_seconds()
    assert hands_on.tolist() == [300, 1200]
    assert counts(raw)["no_team"] == 2


def test_a_table_of_events_without_phases(tmp_path):
    rows = "c1,new,2024-02-01T09:00Z\nc1,Won,2024-02-03T09:00Z\nc2,new,2024-02-02T09:00Z\n"
    raw = read(tmp_path, f"case:concept:name,concept:name,time:timestamp\n{rows}", "log.csv")
    assert raw.efforts.empty
    assert raw.events().outcomes()["outcome"].tolist() == ["won", "open"]


def test_events_without_a_case_or_time_are_refused_together(tmp_path):
    rows = ",new,2024-02-01T09:00Z\nc2,new,\n"
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"case_id,activity,timestamp\n{rows}", "log.csv")
    assert [problem.path for problem in caught.value.problems] == ["case_id", "timestamp"]


@pytest.mark.realdata
@pytest.mark.skipif(not CALLS.exists(), reason=f"{CALLS.name} is not beside the project")
def test_the_real_call_centre():
    raw = read_crm(CALLS, time_zone="UTC")
    assert (len(raw.deals), len(raw.moves), len(raw.efforts)) == (3885, 7548, 7548)
    assert raw.efforts["worker"].nunique() == 48
    frame = pd.read_csv(CALLS)
    length = pd.to_datetime(frame["end_timestamp"]) - pd.to_datetime(frame["start_timestamp"])
    assert (raw.efforts["ended_at"] - raw.efforts["started_at"]).sum() == length.sum()
    log = raw.events()
    assert len(log.efforts) == 7548
