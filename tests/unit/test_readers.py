"""Reading files through a mapping: what comes out, and what is said about bad input."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from funnelsim.calibration.readers import Reading, read_mapped
from funnelsim.errors import DataError

MAPPING = """\
funnelsim: 1
time_zone: Europe/Kyiv
currency: UAH
observed: {from: 2024-02-01, until: 2024-03-01}
events: {lead: deal, activity: what, time: at, phase: phase, worker: who}
leads: {source: source}
attributes:
  amount: {column: sum, kind: money}
stages:
  new: {entered_by: [created, touched], advance: offer}
  offer: {entered_by: offered, advance: won}
  won: {entered_by: won, outcome: won, value: amount}
  lost: {entered_by: lost, outcome: lost, reason: price}
marks:
  thanked: {set_by: thanked}
work:
  call: {recorded_by: call, team: desk}
ignore: [viewed]
"""
HEADER = "deal,what,phase,at,who,source,sum"


def files(folder: Path, rows: str, mapping: str = MAPPING, header: str = HEADER) -> list[Path]:
    (folder / "log.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    (folder / "map.yaml").write_text(mapping, encoding="utf-8")
    return [folder / "log.csv", folder / "map.yaml"]


def read(folder: Path, rows: str, mapping: str = MAPPING, header: str = HEADER) -> Reading:
    return read_mapped(*files(folder, rows, mapping, header))


def problems(folder: Path, rows: str, mapping: str = MAPPING, header: str = HEADER) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(folder, rows, mapping, header)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def row(deal: int, what: str, at: str, phase: str = "COMPLETE", who: str = "") -> str:
    return f"{deal},{what},{phase},{at},{who},веб,100.50\n"


def notes(reading: Reading) -> dict[str, int]:
    return {note.kind: note.count for note in reading.notes}


WHOLE = (
    row(1, "created", "2024-02-02 09:00:00")
    + row(1, "touched", "2024-02-02 09:00:00")
    + row(1, "call", "2024-02-02 10:00:00", "SCHEDULE")
    + row(1, "call", "2024-02-02 11:00:00", "START", "Оля")
    + row(1, "viewed", "2024-02-02 11:15:00")
    + row(1, "offered", "2024-02-02 11:20:00")
    + row(1, "call", "2024-02-02 11:30:00", "COMPLETE", "Оля")
    + row(1, "won", "2024-02-05 09:00:00")
    + row(1, "thanked", "2024-02-05 09:00:00")
    + row(2, "created", "2024-02-03 09:00:00")
    + row(2, "call", "2024-02-03 10:00:00", "SCHEDULE")
    + row(3, "created", "2024-02-04 09:00:00")
    + row(3, "call", "2024-02-04 10:00:00", "SCHEDULE")
    + row(3, "lost", "2024-02-04 12:00:00")
    + row(3, "call", "2024-02-04 13:00:00", "START")
)


def test_a_log_is_read(tmp_path):
    reading = read(tmp_path, WHOLE)
    log = reading.log
    assert log.visits[["lead_id", "visit", "stage", "exit"]].to_numpy().tolist() == [
        ["1", 1, "new", "moved"],
        ["1", 2, "offer", "moved"],
        ["1", 3, "won", "ended"],
        ["2", 1, "new", "open"],
        ["3", 1, "new", "moved"],
        ["3", 2, "lost", "ended"],
    ]
    assert log.leads["source"].tolist() == ["веб"] * 3
    assert log.leads["amount"].tolist() == [10050] * 3
    assert log.visits["ready_at"].tolist()[0] == pd.Timestamp("2024-02-02T10:00+02:00")
    call = log.efforts.iloc[0]
    assert [call["visit"], call["team"], call["worker"]] == [1, "desk", "Оля"]
    assert call["ended_at"] - call["started_at"] == pd.Timedelta(minutes=30)
    marks = log.marks.set_index("kind")
    assert marks["value"].dropna().to_dict() == {"won": 10050}
    assert marks["reason"].dropna().to_dict() == {"lost": "price"}
    assert marks["visit"].isna()["thanked"]  # after the closing
    assert log.outcomes()["outcome"].tolist() == ["won", "open", "lost"]
    assert log.meta.observed_until == pd.Timestamp("2024-03-01T00:00+02:00")


def test_every_assumption_is_counted(tmp_path):
    reading = read(tmp_path, WHOLE)
    assert notes(reading) == {
        "ignored": 1,
        "ties": 2,
        "repeated_stage": 1,
        "work": 3,
        "unfinished_work": 1,
        "waiting": 1,
        "no_worker": 1,
    }
    assert "Pieces of work: 3. Ends go to" in reading.log.meta.provenance["notes"]


def test_work_that_waits_when_the_lead_closes_is_given_up(tmp_path):
    rows = (
        row(1, "created", "2024-02-02 09:00:00")
        + row(1, "call", "2024-02-02 10:00:00", "SCHEDULE")
        + row(1, "lost", "2024-02-02 12:00:00")
        + row(1, "call", "2024-02-02 13:00:00", "SCHEDULE")
        + row(1, "call", "2024-02-02 14:00:00")
        + row(1, "call", "2024-02-02 15:00:00")
    )
    reading = read(tmp_path, rows)
    efforts = reading.log.efforts
    assert efforts["started_at"].isna().all()
    hours = efforts["ended_at"].dt.tz_convert("Europe/Kyiv").dt.hour
    # the end that nobody started takes away what had waited longest
    assert sorted(hours.dropna()) == [14, 15]
    assert notes(reading).get("stray_ends", 0) == 0


def test_reopened_leads_count_by_their_first_closing(tmp_path):
    rows = (
        row(1, "created", "2024-02-02 09:00:00")
        + row(1, "lost", "2024-02-03 09:00:00")
        + row(1, "offered", "2024-02-04 09:00:00")
        + row(1, "won", "2024-02-05 09:00:00")
    )
    reading = read(tmp_path, rows)
    assert reading.log.visits["exit"].tolist() == ["moved", "moved", "moved", "ended"]
    assert reading.log.outcomes()["outcome"].tolist() == ["lost"]
    assert notes(reading)["reopened"] == 1


def test_rows_out_of_order_and_copies_are_repaired_and_said(tmp_path):
    rows = (
        row(1, "offered", "2024-02-03 09:00:00")
        + row(1, "created", "2024-02-02 09:00:00")
        + row(1, "created", "2024-02-02 09:00:00")
        + "\n"
    )
    reading = read(tmp_path, rows)
    assert reading.log.visits["stage"].tolist() == ["new", "offer"]
    assert notes(reading) == {"copies": 1, "order": 1, "absent": 6}


def test_what_describes_a_lead_is_what_was_known_first(tmp_path):
    rows = row(1, "created", "2024-02-02 09:00:00") + row(1, "offered", "2024-02-03 09:00:00")
    reading = read(tmp_path, rows.replace("веб,100.50\n1,offered", "радіо,7\n1,offered"))
    assert reading.log.leads[["source", "amount"]].to_numpy().tolist() == [["радіо", 700]]
    assert notes(reading)["changed_amount"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_are_found_out(tmp_path, encoding, delimiter):
    path, mapping = files(tmp_path, WHOLE)
    text = path.read_text(encoding="utf-8").replace(",", delimiter)
    path.write_bytes(gzip.compress(text.encode(encoding)))
    reading = read_mapped(path, mapping)
    assert reading.log.leads["source"].tolist() == ["веб"] * 3
    assert ("encoding" in notes(reading)) == (encoding in {"utf-16-le", "cp1251"})


def test_western_accents_are_no_cyrillic(tmp_path):
    path, mapping = files(tmp_path, WHOLE)
    text = path.read_text(encoding="utf-8").replace("веб", "café").replace("Оля", "Zoë")
    path.write_bytes(text.encode("latin-1"))
    assert read_mapped(path, mapping).log.leads["source"].tolist() == ["café"] * 3


def test_a_declared_encoding_is_believed(tmp_path):
    path, mapping = files(tmp_path, WHOLE, f"{MAPPING}file: {{encoding: cp1251}}\n")
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1251"))
    reading = read_mapped(path, mapping)
    assert reading.log.leads["source"].tolist() == ["веб"] * 3
    assert "encoding" not in notes(reading)


def test_a_wrong_encoding_names_the_line(tmp_path):
    path, mapping = files(tmp_path, WHOLE, f"{MAPPING}file: {{encoding: utf-8}}\n")
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1251"))
    with pytest.raises(DataError, match=r"log.csv:2: is not utf-8 text \(byte 0xe2\)"):
        read_mapped(path, mapping)
    mapping.write_text(f"{MAPPING}file: {{encoding: klingon}}\n")
    with pytest.raises(DataError, match='the encoding "klingon" is not known'):
        read_mapped(path, mapping)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (HEADER.encode(), "has column names but no rows"),
        (b"\x1f\x8b\x08broken", "is a damaged gzip file"),
        (f'{HEADER}\n1,"created,COMPLETE\n'.encode(), "A quoted text may not be closed"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, message):
    path, mapping = files(tmp_path, "")
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_mapped(path, mapping)


def test_files_that_are_not_there(tmp_path):
    _, mapping = files(tmp_path, WHOLE)
    with pytest.raises(DataError, match=r'no such file. Did you mean "log.csv"\?'):
        read_mapped(tmp_path / "lgo.csv", mapping)
    with pytest.raises(DataError, match="is a folder"):
        read_mapped(tmp_path, mapping)


def test_ragged_rows_name_their_lines(tmp_path):
    rows = WHOLE.replace(",viewed", ",viewed,extra") + "4,created\n" + "5\n" * 3
    assert problems(tmp_path, rows) == [
        "log.csv:6: fields: 8, but the first line has 7",
        "log.csv:17: fields: 2, but the first line has 7",
        "log.csv:18: fields: 1, but the first line has 7",
        "log.csv: further lines with too many or too few fields: 2",
    ]


def test_missing_columns_are_named_where_the_mapping_names_them(tmp_path):
    header = HEADER.replace("what", "waht").replace("sum", "total")
    assert problems(tmp_path, WHOLE, header=header) == [
        (
            'map.yaml:5:32 events.activity: the file log.csv has no column "what". '
            'Did you mean "waht"?'
        ),
        (
            'map.yaml:8:20 attributes.amount.column: the file log.csv has no column "sum". '
            "Allowed here: deal, waht, phase, at, who, source, total."
        ),
    ]


def test_a_column_that_occurs_twice(tmp_path):
    (found,) = problems(tmp_path, WHOLE, header=HEADER.replace("who", "what"))
    assert found == 'log.csv:1: the column "what" occurs more than once. Rename one of them.'


def test_all_problems_of_the_rows_come_at_once(tmp_path):
    rows = (
        row(1, "created", "2023-02-29 09:00:00")
        + row(1, "creatde", "2024-02-02 09:00:00")
        + row(1, "creatde", "2024-02-03 09:00:00")
        + row(1, "call", "2024-02-03 09:00:00", "SUSPEND")
        + ",offered,COMPLETE,2024-02-03 09:00:00,,веб,a lot\n"
    )
    found = problems(tmp_path, rows)
    assert found[0] == (
        'log.csv at: no time: 1 of its values, such as "2023-02-29 09:00:00" (line 2). '
        "Is it a real date? If dates are written another way, give file.time_format."
    )
    assert found[1] == "log.csv deal: empty fields: 1 (line 6)"
    assert found[2].startswith(
        'log.csv what: activities that the mapping does not name: "creatde" × 2. '
    )
    assert found[3].startswith(
        'log.csv phase: phases that the mapping does not name: "suspend" × 1'
    )
    assert found[4] == 'log.csv sum: not an amount: 1 of its values, such as "a lot" (line 6)'


def test_an_unnamed_activity_that_looks_like_a_named_one(tmp_path):
    (found,) = problems(tmp_path, row(1, "creatde", "2024-02-02 09:00:00"))
    assert 'Did you mean "created"? Name them under stages' in found


def test_naive_times_need_a_zone(tmp_path):
    mapping = MAPPING.replace("time_zone: Europe/Kyiv\n", "").replace(
        "observed: {from: 2024-02-01, until: 2024-03-01}\n", ""
    )
    (found,) = problems(tmp_path, WHOLE, mapping)
    assert "its times have no offset from UTC, and the mapping gives no time_zone" in found
    aware = WHOLE.replace(":00,", ":00+01:00,")
    log = read(tmp_path, aware, mapping).log
    assert log.meta.time_zone == "UTC"
    assert log.meta.observed_from == pd.Timestamp("2024-02-02T08:00Z")


def test_mixed_naive_and_aware_times_name_their_lines(tmp_path):
    rows = WHOLE.replace("09:00:00,", "09:00:00Z,", 2)
    (found,) = problems(tmp_path, rows)
    assert found == (
        "log.csv at: times with an offset from UTC: 2; the others are without "
        "(lines 2, 3). Write all of them with an offset from UTC, or none."
    )


def test_hours_that_clocks_skip_and_repeat(tmp_path):
    mapping = MAPPING.replace("until: 2024-03-01", "until: 2024-12-01")
    rows = row(1, "created", "2024-03-31 03:30:00") + row(1, "won", "2024-10-27 03:30:00")
    reading = read(tmp_path, rows, mapping)
    assert notes(reading)["skipped_hour"] == 1
    assert notes(reading)["repeated_hour"] == 1
    assert reading.log.visits["entered_at"].tolist() == [
        pd.Timestamp("2024-03-31T04:00+03:00"),
        pd.Timestamp("2024-10-27T03:30+02:00"),
    ]


def test_other_ways_to_write_times(tmp_path):
    mapping = f'{MAPPING}file: {{time_format: "%d.%m.%Y %H:%M"}}\n'
    log = read(tmp_path, row(1, "created", "29.02.2024 09:15"), mapping).log
    assert log.leads["arrived_at"].tolist() == [pd.Timestamp("2024-02-29T09:15+02:00")]


def test_events_after_the_window_are_refused(tmp_path):
    (found,) = problems(tmp_path, WHOLE, MAPPING.replace("2024-03-01", "2024-02-04"))
    assert found.startswith("map.yaml:4:37 observed.until: events after it: 6 (lines 9, 10, 13")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("advance: offer", "advance: ofer", 'stages.new.advance: "ofer" is no stage. Did'),
        ("value: amount", "value: sum", '"sum" is no attribute of kind money'),
        ("[viewed]", "[viewed, won]", 'ignore: "won" is already named in stages.won.entered_by'),
        ("currency: UAH\n", "", "attributes.amount.kind: money needs a currency"),
        ("phase: phase, ", "", "work needs the column that says whether it was queued"),
        ("Europe/Kyiv", "Kyiv", "is not an IANA time zone"),
        ("until: 2024-03-01", "until: 2023-02-29", "observed.until: is no time"),
        ("outcome: won", "outcome: win", '"win" is not allowed'),
        ("stages:", "stagse:", 'unknown key "stagse". Did you mean "stages"?'),
        ("funnelsim: 1", "funnelsim: 7", "format 7 is not known"),
    ],
)
def test_mistakes_in_the_mapping(tmp_path, old, new, message):
    assert any(message in text for text in problems(tmp_path, WHOLE, MAPPING.replace(old, new, 1)))


def test_an_unknown_team(tmp_path):
    found = problems(tmp_path, WHOLE, f"{MAPPING}teams: {{dsek: {{label: Desk}}}}\n")
    assert any('work.call.team: "desk" is no team. Did you mean "dsek"?' in t for t in found)
