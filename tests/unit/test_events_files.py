from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from funnelsim.errors import DataError, EventLogError
from funnelsim.events import EventLog, files, folders
from funnelsim.events.example import LOG


def edit_meta(folder: Path, **changes: object) -> None:
    path = folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_replacing_a_log_leaves_nothing_behind(tmp_path):
    LOG.save(tmp_path / "log", "csv")
    LOG.filter(["b"]).save(tmp_path / "log", "parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == [
        "efforts.parquet",
        "leads.parquet",
        "marks.parquet",
        "meta.json",
        "visits.parquet",
    ]
    assert EventLog.load(tmp_path / "log").equals(LOG.filter(["b"]))


def test_csv_is_for_people_and_safe_for_spreadsheets(tmp_path):
    leads = LOG.leads.assign(source=["=HYPERLINK(1)", ""])
    log = EventLog(leads, LOG.visits, LOG.efforts, LOG.marks, LOG.meta)
    log.save(tmp_path / "log", "csv")
    text = (tmp_path / "log" / "leads.csv").read_text(encoding="utf-8")
    assert text.splitlines()[1].startswith("a,,,\\=HYPERLINK(1),,,2024-02-01T09:00:00.000000Z,,0")
    assert EventLog.load(tmp_path / "log").equals(log)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full")])
def test_an_interrupted_save_leaves_the_old_log(tmp_path, monkeypatch, error):
    LOG.save(tmp_path / "log", "csv")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(folders, "_put_in_place", fail)
    with pytest.raises((KeyboardInterrupt, DataError)):
        LOG.filter(["b"]).save(tmp_path / "log", "csv")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert EventLog.load(tmp_path / "log").equals(LOG)


def test_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"cannot be written"):
        LOG.save(tmp_path / "file" / "log", "csv")
    with pytest.raises(DataError, match="is a file, not a folder"):
        LOG.save(tmp_path / "file", "csv")
    with pytest.raises(DataError, match="holds other files than an event log"):
        LOG.save(tmp_path, "csv")


def test_without_pyarrow_parquet_says_what_to_install(tmp_path, monkeypatch):
    LOG.save(tmp_path / "log", "parquet")
    monkeypatch.setattr(files, "_has_pyarrow", lambda: False)
    for work in (lambda: LOG.save(tmp_path / "other"), lambda: EventLog.load(tmp_path / "log")):
        with pytest.raises(DataError, match=r'"funnelsim\[parquet\]"'):
            work()


def test_folders_that_are_no_log(tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        EventLog.load(tmp_path / "none")
    with pytest.raises(DataError, match=r"is no event log: meta.json is missing"):
        EventLog.load(tmp_path)
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        EventLog.load(tmp_path)
    (tmp_path / "meta.json").write_text("[]")
    with pytest.raises(DataError, match="is not the metadata of an event log"):
        EventLog.load(tmp_path)


def test_a_newer_format_is_refused(tmp_path):
    LOG.save(tmp_path / "log", "csv")
    edit_meta(tmp_path / "log", format_version=2, novelty=True)
    with pytest.raises(DataError, match=r"format 2; this funnelsim reads format 1. Update"):
        EventLog.load(tmp_path / "log")


def test_metadata_with_mistakes(tmp_path):
    LOG.save(tmp_path / "log", "csv")
    edit_meta(tmp_path / "log", histroy="full", observed_from="2024-01-01")
    with pytest.raises(DataError) as caught:
        EventLog.load(tmp_path / "log")
    text = str(caught.value)
    assert 'unknown key "histroy"' in text
    assert "observed_from: must have a time zone" in text


def test_tables_that_are_missing_or_cut_short(tmp_path):
    folder = LOG.save(tmp_path / "log", "csv")
    lines = (folder / "visits.csv").read_text().splitlines(keepends=True)
    (folder / "visits.csv").write_text("".join(lines[:-1]))
    (folder / "marks.csv").unlink()
    with pytest.raises(DataError) as caught:
        EventLog.load(folder)
    assert [problem.message for problem in caught.value.problems] == [
        "has 2 rows where meta.json says 3",
        "the table is missing",
    ]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_damaged_table(tmp_path, form):
    folder = LOG.save(tmp_path / "log", form)
    (folder / f"visits.{form}").write_bytes(b"\xff\xfe\x00 not a table")
    with pytest.raises(DataError, match=f"visits.{form}: cannot be read"):
        EventLog.load(folder)


def test_an_edited_table_is_validated(tmp_path):
    folder = LOG.save(tmp_path / "log", "csv")
    visits = pd.read_csv(folder / "visits.csv", dtype="str")
    visits.loc[0, "left_at"] = "2024-02-01T08:00:00Z"
    visits.to_csv(folder / "visits.csv", index=False)
    with pytest.raises(EventLogError, match="a visit is left before it is entered"):
        EventLog.load(folder)
